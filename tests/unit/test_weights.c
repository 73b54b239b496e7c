/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of any format: readers that are asked for little, sums over files, sizes in words. */
#include "base/buf.h"
#include "model/weights.h"
#include "model/window.h"
#include "unit.h"

/* A reader that counts what it is asked for. */
struct counted {
    struct str bytes;
    uint64_t size; /* may be more than there are bytes: the rest must not be touched */
    uint64_t asked, reads, least;
};

static int read_counted(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    struct counted *c = self;
    c->reads++;
    c->asked += n;
    if (c->reads == 1)
        c->least = n;
    for (size_t i = 0; i < n; i++)
        ((char *)p)[i] = at + i < c->bytes.n ? c->bytes.p[at + i] : 'x';
    return at <= c->size && n <= c->size - at ? 0 : ERR(e, IO, "behind the end");
}

static struct model_reader counting(struct counted *c)
{
    return (struct model_reader){.size = c->size, .read = read_counted, .self = c};
}

static void put64(struct buf *b, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        buf_addc(b, (char)(v >> (8 * i)));
}

static void put32(struct buf *b, uint64_t v)
{
    for (int i = 0; i < 4; i++)
        buf_addc(b, (char)(v >> (8 * i)));
}

/* A safetensors header with n tensors of one MiB each. */
static void make_header(struct buf *out, size_t n)
{
    AUTO(buf) json = {0};
    buf_init(&json, 32 * MIB);
    for (size_t i = 0; i < n; i++)
        buf_addf(&json,
                 "%s\"model.layers.%zu.weight\":{\"dtype\":\"BF16\",\"shape\":[1024,512],"
                 "\"data_offsets\":[%zu,%zu]}",
                 i ? "," : "{", i, i << 20, (i + 1) << 20);
    buf_addc(&json, '}');
    put64(out, json.n);
    buf_adds(out, buf_str(&json));
}

static void frugal_safetensors(void **state)
{
    static const struct {
        size_t tensors;
        uint64_t reads;
    } rows[] = {{100, 1}, {10000, 2}, {100000, 4}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) a = {0};
        AUTO(buf) file = {0};
        struct weights w;
        arena_init(&a, 64 * MIB);
        buf_init(&file, 32 * MIB);
        make_header(&file, rows[i].tensors);
        struct counted c = {.bytes = buf_str(&file), .size = file.n + (rows[i].tensors << 20)};
        struct model_reader r = counting(&c);
        assert_int_equal(weights_read(&a, &r, &w, &unit_e), 1);
        assert_int_equal(w.n_tensors, rows[i].tensors);
        assert_int_equal(c.least, MODEL_WINDOW_FIRST);
        assert_int_equal(c.reads, rows[i].reads);
        assert_true(c.asked <= MAX_OF(file.n, MODEL_WINDOW_FIRST));
        struct weight_totals t = {.parameters = 0};
        weight_totals_add(&t, &w);
        assert_int_equal(t.parameters, rows[i].tensors << 19);
    }
}

/* Large arrays of numbers are jumped over; vocabularies are walked in growing pieces. */
static void frugal_gguf(void **state)
{
    AUTO(arena) a = {0};
    AUTO(buf) file = {0};
    struct weights w;
    (void)state;
    arena_init(&a, 1 * MIB); /* nothing of the vocabulary is kept */
    buf_init(&file, 64 * MIB);
    buf_addz(&file, "GGUF");
    put32(&file, 3);
    put64(&file, 0);
    put64(&file, 3);
    for (int k = 0; k < 2; k++) {
        put64(&file, 6);
        buf_addz(&file, k ? "scores" : "tokens");
        put32(&file, 9);
        put32(&file, k ? 6 : 8);
        put64(&file, k ? 4000000 : 150000);
        for (size_t i = 0; !k && i < 150000; i++) {
            put64(&file, 6);
            buf_addz(&file, "abcdef");
        }
        for (size_t i = 0; k && i < 4000000; i++)
            put32(&file, 0);
    }
    put64(&file, 4);
    buf_addz(&file, "last");
    put32(&file, 7);
    buf_addc(&file, 1);
    struct counted c = {.bytes = buf_str(&file), .size = file.n};
    struct model_reader r = counting(&c);
    assert_int_equal(weights_read(&a, &r, &w, &unit_e), 1);
    assert_str(w.notes[0].value, "array of 150000 strings");
    assert_str(w.notes[1].value, "array of 4000000 numbers");
    assert_str(w.notes[2].value, "true");
    assert_true(c.reads <= 8);
    assert_true(c.asked < 8 * MIB);
}

static void header_ceiling(void **state)
{
    AUTO(arena) a = {0};
    AUTO(buf) file = {0};
    struct weights w;
    (void)state;
    arena_init(&a, 1 * MIB);
    buf_init(&file, 4096);
    buf_addz(&file, "GGUF");
    put32(&file, 3);
    put64(&file, 0);
    put64(&file, 1);
    put64(&file, 1);
    buf_addz(&file, "a");
    put32(&file, 9);
    put32(&file, 0);
    put64(&file, LIMIT_WEIGHT_HEADER);
    struct counted c = {.bytes = buf_str(&file), .size = 1 * TIB};
    struct model_reader r = counting(&c);
    assert_err(weights_read(&a, &r, &w, &unit_e), LIMIT, "a header of more than 100000000 bytes");
}

static void windows(void **state)
{
    AUTO(buf) bytes = {0};
    (void)state;
    buf_init(&bytes, 2 * MIB);
    for (size_t i = 0; i < 1 * MIB; i++)
        buf_addc(&bytes, (char)(i * 7 + i / 251));
    for (size_t step = 1; step < 300000; step = step * 5 + 3) {
        struct counted c = {.bytes = buf_str(&bytes), .size = bytes.n};
        struct model_reader r = counting(&c);
        AUTO(model_window) w = {0};
        struct str s;
        model_window_init(&w, &r);
        while (model_window_left(&w) >= 2 * step) {
            assert_fine(model_window_peek(&w, step, "x", &s, &unit_e));
            assert_true(s.n >= step);
            assert_memory_equal(s.p, bytes.p + w.at, step);
            assert_fine(model_window_skip(&w, step, "x", &unit_e));
            if (step > 1000) /* over what is not here yet */
                assert_fine(model_window_skip(&w, step, "x", &unit_e));
        }
        assert_err(model_window_skip(&w, 2 * step, "here", &unit_e), MODEL_INVALID, "here: ");
    }
}

static void readers(void **state)
{
    char dir[32], got[8];
    struct str bytes = STR("0123456789");
    struct model_reader r = model_reader_memory(&bytes);
    (void)state;
    assert_fine(model_read(&r, 2, got, 3, "x", &unit_e));
    assert_memory_equal(got, "234", 3);
    assert_fine(model_read(&r, 10, got, 0, "x", &unit_e));
    assert_err(model_read(&r, 8, got, 3, "the thing", &unit_e), MODEL_INVALID, "the thing: ");
    assert_err(model_read(&r, 11, got, 0, "x", &unit_e), MODEL_INVALID, "ends at byte 10");
    assert_err(model_read(&r, UINT64_MAX, got, 2, "x", &unit_e), MODEL_INVALID, "ends at byte 10");

    unit_make_dir(dir);
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    r = model_reader_file(&fd, 10);
    assert_fine(model_read(&r, 7, got, 3, "x", &unit_e));
    assert_memory_equal(got, "789", 3);
    assert_int_equal(ftruncate(fd, 5), 0);
    assert_err(model_read(&r, 3, got, 3, "x", &unit_e), MODEL_INVALID, "became shorter");
    assert_int_equal(close(fd), 0);
    unit_remove_dir(dir);
}

static void named(void **state)
{
    AUTO(arena) a = {0};
    struct weights w;
    struct str bytes = STR("hello, this is no model");
    struct model_reader r = model_reader_memory(&bytes);
    (void)state;
    arena_init(&a, 1 * MIB);
    assert_int_equal(weights_read_named(&a, &r, STR("a.bin"), &w, &unit_e), 0);
    assert_int_equal(weights_read_named(&a, &r, STR("a"), &w, &unit_e), 0);
    assert_err(weights_read_named(&a, &r, STR("d/a.safetensors"), &w, &unit_e), MODEL_INVALID,
               "d/a.safetensors: the name promises safetensors");
    assert_err(weights_read_named(&a, &r, STR("a.GGUF"), &w, &unit_e), MODEL_INVALID,
               "promises gguf");
    bytes = STR("GGUF\1\0\0\0");
    r = model_reader_memory(&bytes);
    assert_err(weights_read_named(&a, &r, STR("a\n.gguf"), &w, &unit_e), MODEL_INVALID,
               "a?.gguf: GGUF: version 1");
    bytes = STR("\2\0\0\0\0\0\0\0{}");
    r = model_reader_memory(&bytes);
    assert_int_equal(weights_read_named(&a, &r, STR("a.gguf"), &w, &unit_e), 1);
}

static void param_sizes(void **state)
{
    static const struct {
        uint64_t n;
        const char *text;
    } rows[] = {
        {0, "0K"},
        {1, "0.1K"},
        {49, "0.1K"},
        {150, "0.2K"},
        {999, "1K"},
        {1000, "1K"},
        {33000, "33K"},
        {80402, "80.4K"},
        {99949, "99.9K"},
        {99950, "100K"},
        {100499, "100K"},
        {100500, "101K"},
        {596049920, "596M"},
        {999499999, "999M"},
        {999500000, "1B"},
        {1100048384, "1.1B"},
        {6738415616, "6.7B"},
        {70553706496, "70.6B"},
        {671026419200, "671B"},
        {1000000000000, "1T"},
        {UINT64_C(1000000000000000), "1Q"},
        {UINT64_MAX, "18447Q"},
    };
    char out[WEIGHT_PARAM_SIZE_MAX];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(weight_param_size(rows[i].n, out), rows[i].text);
}

static const struct weight_dtype bf16 = {"BF16", "bfloat16", 1, 16};
static const struct weight_dtype f32 = {"F32", "float32", 1, 32};
static const struct weight_dtype i8 = {"I8", "int8", 1, 8};
static const struct weight_dtype q4 = {"Q4_K", NULL, 256, 144 * 8};

static void totals(void **state)
{
    struct weight_tensor one[] = {
        {.name = STR("a"), .dtype = &f32, .elements = 10, .bytes = 40},
        {.name = STR("b"), .dtype = &bf16, .elements = 900, .bytes = 1800},
    };
    struct weight_tensor two[] = {
        {.name = STR("c"), .dtype = &bf16, .elements = 89, .bytes = 178},
        {.name = STR("d"), .dtype = &i8, .elements = 11, .bytes = 11},
    };
    struct weights w1 = {.format = "safetensors", .tensors = one, .n_tensors = 2};
    struct weights w2 = {.format = "safetensors", .tensors = two, .n_tensors = 2};
    struct weight_totals t = {.parameters = 0};
    char out[WEIGHT_PRECISION_MAX];
    (void)state;
    assert_string_equal(weight_precision(&t, out), "");
    weight_totals_add(&t, &w1);
    weight_totals_add(&t, &w2);
    assert_string_equal(t.format, "safetensors");
    assert_int_equal(t.parameters, 1010);
    assert_int_equal(t.bytes, 2029);
    assert_int_equal(t.tensors, 4);
    assert_int_equal(t.n_counts, 3);
    assert_ptr_equal(t.counts[0].dtype, &bf16);
    assert_int_equal(t.counts[0].elements, 989);
    assert_int_equal(t.counts[0].tensors, 2);
    assert_int_equal(t.counts[0].bytes, 1978);
    assert_ptr_equal(t.counts[1].dtype, &i8);
    /* 10 of 1010 is not more than one in a hundred, 11 is */
    assert_string_equal(weight_precision(&t, out), "bfloat16,int8");
    assert_int_equal(t.quantization.n, 0);

    two[0].shared = 80; /* nine elements of its own */
    struct weight_totals own = {.parameters = 0};
    weight_totals_add(&own, &w2);
    assert_int_equal(own.parameters, 20);
    assert_int_equal(own.bytes, 11 + 18);
}

static void totals_gguf(void **state)
{
    struct weight_tensor big = {.name = STR("a"), .dtype = &q4, .elements = 5120, .bytes = 2880};
    struct weight_tensor small = {.name = STR("b"), .dtype = &f32, .elements = 100, .bytes = 400};
    struct weights shard = {.format = "gguf", .tensors = &big, .n_tensors = 1};
    struct weights head = {.format = "gguf",
                           .tensors = &small,
                           .n_tensors = 1,
                           .architecture = STR("llama"),
                           .quantization = STR("Q4_K_M"),
                           .name = STR("n"),
                           .license = STR("l"),
                           .chat_template = STR("c"),
                           .context_length = 4096};
    struct weights other = {.format = "safetensors",
                            .tensors = &small,
                            .n_tensors = 1,
                            .architecture = STR("bert"),
                            .quantization = STR("Q8_0"),
                            .context_length = 1};
    struct weight_totals t = {.parameters = 0};
    char out[WEIGHT_PRECISION_MAX];
    (void)state;
    weight_totals_add(&t, &shard);
    assert_str(t.quantization, "Q4_K");
    weight_totals_add(&t, &head);
    weight_totals_add(&t, &other);
    assert_string_equal(t.format, "gguf");
    assert_str(t.quantization, "Q4_K_M");
    assert_str(t.architecture, "llama");
    assert_str(t.name, "n");
    assert_str(t.license, "l");
    assert_str(t.chat_template, "c");
    assert_int_equal(t.context_length, 4096);
    assert_string_equal(weight_precision(&t, out), "float32"); /* 200 of 5320 */

    struct weight_totals huge = {.parameters = 0};
    big.elements = UINT64_MAX - 1;
    weight_totals_add(&huge, &shard);
    weight_totals_add(&huge, &shard);
    assert_true(huge.parameters == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frugal_safetensors),
        cmocka_unit_test(frugal_gguf),
        cmocka_unit_test(header_ceiling),
        cmocka_unit_test(windows),
        cmocka_unit_test(readers),
        cmocka_unit_test(named),
        cmocka_unit_test(param_sizes),
        cmocka_unit_test(totals),
        cmocka_unit_test(totals_gguf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
