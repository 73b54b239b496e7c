/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF: what is read, in both byte orders, and every rule of the format, each broken once. */
#include "base/buf.h"
#include "model/gguf_types.h"
#include "model/weights.h"
#include "unit.h"

enum { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 };

/* A file in the making. */
struct maker {
    struct buf b;
    bool big;
};

static void maker_autodone(struct maker *m)
{
    buf_done(&m->b);
}

static void put(struct maker *m, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_addc(&m->b, (char)(v >> 8 * (m->big ? bytes - 1 - i : i)));
}

static void text(struct maker *m, const char *s)
{
    put(m, strlen(s), 8);
    buf_addz(&m->b, s);
}

static void begin(struct maker *m, uint64_t version, uint64_t tensors, uint64_t keys)
{
    buf_init(&m->b, 32 * MIB);
    buf_addz(&m->b, "GGUF");
    put(m, version, 4);
    put(m, tensors, 8);
    put(m, keys, 8);
}

static void key(struct maker *m, const char *name, unsigned type)
{
    text(m, name);
    put(m, type, 4);
}

static void key_text(struct maker *m, const char *name, const char *value)
{
    key(m, name, STRING);
    text(m, value);
}

static void key_u32(struct maker *m, const char *name, uint64_t value)
{
    key(m, name, U32);
    put(m, value, 4);
}

static void key_array(struct maker *m, const char *name, unsigned type, uint64_t n)
{
    key(m, name, ARRAY);
    put(m, type, 4);
    put(m, n, 8);
}

static void tensor(struct maker *m, const char *name, uint64_t d0, uint64_t d1, unsigned type,
                   uint64_t offset)
{
    text(m, name);
    put(m, 2, 4);
    put(m, d0, 8);
    put(m, d1, 8);
    put(m, type, 4);
    put(m, offset, 8);
}

/* Padding to the alignment, then n bytes of tensors. */
static void data(struct maker *m, size_t alignment, size_t n)
{
    while (m->b.n % alignment)
        buf_addc(&m->b, 0);
    while (n--)
        buf_addc(&m->b, 'x');
}

static struct weights read_all; /* what read_made has read; its texts live in `memory` */
static struct arena memory;

static int read_made(const struct maker *m, struct err *e)
{
    struct str bytes = buf_str(&m->b);
    struct model_reader r = model_reader_memory(&bytes);
    BUG_ON(!buf_ok(&m->b));
    arena_done(&memory);
    arena_init(&memory, 64 * MIB);
    read_all = (struct weights){.n_tensors = 0};
    return weights_read(&memory, &r, &read_all, e);
}

static struct str note(const char *name)
{
    for (size_t i = 0; i < read_all.n_notes; i++)
        if (str_eqz(read_all.notes[i].key, name))
            return read_all.notes[i].value;
    return STR("(none)");
}

static void make_model(struct maker *m)
{
    begin(m, 3, 2, 12);
    key_u32(m, "llama.context_length", 8192); /* before the architecture is said */
    key_u32(m, "bert.context_length", 512);
    key_text(m, "general.architecture", "llama");
    key_text(m, "general.name", "A model");
    key_text(m, "general.license", "mit");
    key_text(m, "tokenizer.chat_template", "{{ x }}");
    key_u32(m, "general.file_type", 15);
    key(m, "split.count", U16);
    put(m, 3, 2);
    key_array(m, "few", STRING, 2);
    text(m, "a\"b");
    text(m, "");
    key_array(m, "many", STRING, 17);
    for (int i = 0; i < 17; i++)
        text(m, "token");
    key_array(m, "scores", F32, 100);
    for (int i = 0; i < 100; i++)
        put(m, 0, 4);
    key_array(m, "nested", ARRAY, 1);
    put(m, U8, 4);
    put(m, 3, 8);
    put(m, 0, 3);
    tensor(m, "a", 256, 2, 12, 0); /* Q4_K: 2 x 144 bytes */
    tensor(m, "b", 3, 1, 0, 288);
    data(m, 32, 288 + 12);
}

static void check_model(void)
{
    assert_string_equal(read_all.format, "gguf");
    assert_str(read_all.architecture, "llama");
    assert_str(read_all.name, "A model");
    assert_str(read_all.license, "mit");
    assert_str(read_all.chat_template, "{{ x }}");
    assert_str(read_all.quantization, "Q4_K_M");
    assert_int_equal(read_all.context_length, 8192);
    assert_int_equal(read_all.split_count, 3);
    assert_int_equal(read_all.n_notes, 12);
    assert_str(note("few"), "[\"a\\\"b\",\"\"]");
    assert_str(note("many"), "array of 17 strings");
    assert_str(note("scores"), "array of 100 numbers");
    assert_str(note("nested"), "array of 1 arrays");
    assert_int_equal(read_all.n_tensors, 2);
    const struct weight_tensor *t = read_all.tensors;
    assert_str(t[0].name, "a");
    assert_string_equal(t[0].dtype->name, "Q4_K");
    assert_int_equal(t[0].n_dims, 2);
    assert_int_equal(t[0].dims[0], 256);
    assert_int_equal(t[0].dims[1], 2);
    assert_int_equal(t[0].elements, 512);
    assert_int_equal(t[0].bytes, 288);
    assert_int_equal(t[0].offset % 32, 0);
    assert_true(t[0].offset >= read_all.header_bytes && t[0].offset < read_all.header_bytes + 32);
    assert_int_equal(t[1].offset, t[0].offset + 288);
    assert_int_equal(t[1].bytes, 12);
}

static void reads(void **state)
{
    AUTO(maker) m = {.big = false}, big = {.big = true};
    (void)state;
    make_model(&m);
    assert_fine(read_made(&m, &unit_e));
    check_model();
    assert_false(read_all.big_endian);
    make_model(&big);
    assert_fine(read_made(&big, &unit_e));
    check_model();
    assert_true(read_all.big_endian);
}

static void values(void **state)
{
    static const struct {
        const char *name;
        unsigned type;
        uint64_t bits;
        unsigned bytes;
        const char *shown;
    } rows[] = {
        {"u8", U8, 255, 1, "255"},
        {"i8", I8, 0x80, 1, "-128"},
        {"u16", U16, 65535, 2, "65535"},
        {"i16", I16, 0xfffe, 2, "-2"},
        {"u32", U32, 0xffffffff, 4, "4294967295"},
        {"i32", I32, 0x80000000, 4, "-2147483648"},
        {"f32", F32, 0x3dcccccd, 4, "0.1"},
        {"f32-eps", F32, 0x358637bd, 4, "1e-06"},
        {"f32-long", F32, 0x3f800001, 4, "1.0000001"},
        {"f32-inf", F32, 0xff800000, 4, "-inf"},
        {"f32-nan", F32, 0x7fc00000, 4, "nan"},
        {"false", BOOL, 0, 1, "false"},
        {"true", BOOL, 1, 1, "true"},
        {"u64", U64, UINT64_MAX, 8, "18446744073709551615"},
        {"i64", I64, UINT64_C(1) << 63, 8, "-9223372036854775808"},
        {"f64", F64, 0x3fb999999999999a, 8, "0.1"},
        {"f64-third", F64, 0x3fd5555555555555, 8, "0.3333333333333333"},
    };
    AUTO(maker) m = {.big = false};
    (void)state;
    begin(&m, 2, 0, ARRAY_LEN(rows) + 3);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        key(&m, rows[i].name, rows[i].type);
        put(&m, rows[i].bits, rows[i].bytes);
    }
    key_array(&m, "numbers", I16, 2);
    put(&m, 0xffff, 2);
    put(&m, 7, 2);
    key_array(&m, "floats", F32, 2);
    put(&m, 0x7f800000, 4);
    put(&m, 0x3f000000, 4);
    key_array(&m, "bools", BOOL, 2);
    put(&m, 1, 1);
    put(&m, 0, 1);
    assert_fine(read_made(&m, &unit_e));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_str(note(rows[i].name), rows[i].shown);
    assert_str(note("numbers"), "[-1,7]");
    assert_str(note("floats"), "[null,0.5]");
    assert_str(note("bools"), "[true,false]");
    assert_int_equal(read_all.n_tensors, 0);
}

static void unsaid(void **state)
{
    AUTO(maker) m = {.big = false};
    (void)state;
    begin(&m, 3, 0, 4);
    key_u32(&m, "general.file_type", 1024); /* guessed */
    key_u32(&m, "general.architecture", 1); /* no text */
    key_text(&m, "split.count", "3");
    key_u32(&m, "x.context_length", 5);
    assert_fine(read_made(&m, &unit_e));
    assert_int_equal(read_all.quantization.n, 0);
    assert_int_equal(read_all.architecture.n, 0);
    assert_int_equal(read_all.split_count, 0);
    assert_int_equal(read_all.context_length, 0);
}

static void versions(void **state)
{
    static const struct {
        bool big;
        unsigned version;
        const char *why; /* NULL: read */
    } rows[] = {
        {false, 2, NULL},
        {false, 3, NULL},
        {true, 3, NULL},
        {false, 1, "convert the model again"},
        {false, 0, "convert the model again"},
        {false, 4, "2 and 3 are read"},
        {true, 4, "version 4"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(maker) m = {.big = rows[i].big};
        begin(&m, rows[i].version, 0, 0);
        if (rows[i].why)
            assert_err(read_made(&m, &unit_e), MODEL_INVALID, rows[i].why);
        else
            assert_fine(read_made(&m, &unit_e));
    }
}

/* ---- keys that are refused ---- */

#define BAD_KEY(setup, sym, why)                                                                   \
    do {                                                                                           \
        AUTO(maker) m = {.big = false};                                                            \
        begin(&m, 3, 0, 1);                                                                        \
        setup;                                                                                     \
        data(&m, 1, 64);                                                                           \
        assert_err(read_made(&m, &unit_e), sym, why);                                              \
    } while (0)

static void bad_keys(void **state)
{
    (void)state;
    BAD_KEY(key_u32(&m, "", 1), MODEL_INVALID, "a key is empty");
    BAD_KEY(key_u32(&m, "a\xc3\xa9", 1), MODEL_INVALID, "not plain ASCII");
    BAD_KEY(key_u32(&m, "a b", 1), MODEL_INVALID, "not plain ASCII");
    BAD_KEY(key_u32(&m, "a\x7f", 1), MODEL_INVALID, "not plain ASCII");
    BAD_KEY(key(&m, "a", 13), MODEL_INVALID, "the key \"a\": the unknown type 13");
    BAD_KEY((key(&m, "a", BOOL), put(&m, 2, 1)), MODEL_INVALID, "neither 0 nor 1");
    BAD_KEY((key_array(&m, "a", BOOL, 2), put(&m, 0x201, 2)), MODEL_INVALID, "neither 0 nor 1");
    BAD_KEY((key_array(&m, "a", BOOL, 20), put(&m, 1, 8), put(&m, 0x0200, 8)), MODEL_INVALID,
            "neither 0 nor 1");
    BAD_KEY(key_array(&m, "a", 13, 2), MODEL_INVALID, "the unknown type 13");
    BAD_KEY(key_array(&m, "a", U32, 17), MODEL_INVALID, "is it complete");
    BAD_KEY(key_array(&m, "a", U64, UINT64_MAX / 2), MODEL_INVALID, "is it complete");
    BAD_KEY(key_array(&m, "a", STRING, 9), MODEL_INVALID, "is it complete");
    BAD_KEY(key_array(&m, "a", ARRAY, 6), MODEL_INVALID, "is it complete");
    BAD_KEY((key(&m, "a", STRING), put(&m, 65, 8)), MODEL_INVALID, "is it complete");
    BAD_KEY((key(&m, "a", STRING), put(&m, UINT64_MAX, 8)), MODEL_INVALID, "is it complete");
    BAD_KEY(put(&m, 65536, 8), MODEL_INVALID, "is it complete");
    BAD_KEY((put(&m, 65536, 8), data(&m, 1, 65536)), LIMIT, "65535 are accepted");
    BAD_KEY((key(&m, "a", STRING), put(&m, 16 * MIB + 1, 8), data(&m, 1, 16 * MIB + 1)), LIMIT,
            "16777216 are accepted");
    BAD_KEY(key_u32(&m, "general.alignment", 0), MODEL_INVALID, "no power of two");
    BAD_KEY(key_u32(&m, "general.alignment", 24), MODEL_INVALID, "no power of two");
    BAD_KEY((key(&m, "general.alignment", U64), put(&m, 32, 8)), MODEL_INVALID, "no power of two");
    BAD_KEY(key_text(&m, "general.alignment", "32"), MODEL_INVALID, "no power of two");

    AUTO(maker) m = {.big = false};
    begin(&m, 3, 0, 3);
    key_u32(&m, "a", 1);
    key_text(&m, "b", "x");
    key_text(&m, "a", "x");
    assert_err(read_made(&m, &unit_e), MODEL_INVALID, "the key \"a\" appears twice");
}

static void nested(void **state)
{
    (void)state;
    for (unsigned depth = LIMIT_GGUF_NESTED; depth <= LIMIT_GGUF_NESTED + 1; depth++) {
        AUTO(maker) m = {.big = false};
        begin(&m, 3, 0, 1);
        key(&m, "a", ARRAY);
        for (unsigned i = 1; i < depth; i++) {
            put(&m, ARRAY, 4);
            put(&m, 1, 8);
        }
        put(&m, U8, 4);
        put(&m, 0, 8);
        if (depth == LIMIT_GGUF_NESTED)
            assert_fine(read_made(&m, &unit_e));
        else
            assert_err(read_made(&m, &unit_e), LIMIT, "nested deeper");
    }
}

static void long_texts(void **state)
{
    AUTO(maker) m = {.big = false};
    AUTO(buf) t = {0};
    (void)state;
    buf_init(&t, 2 * MIB);
    while (t.n <= LIMIT_WEIGHT_NOTE / 2)
        buf_addc(&t, 'x');
    begin(&m, 3, 0, 3);
    key_array(&m, "list", STRING, 2);
    text(&m, t.p);
    text(&m, t.p);
    while (t.n <= LIMIT_WEIGHT_NOTE)
        buf_addc(&t, 'x');
    key_text(&m, "one", t.p);
    key_text(&m, "behind", "y");
    assert_fine(read_made(&m, &unit_e));
    assert_str(note("one"), "text of 1048577 bytes");
    assert_str(note("list"), "array of 2 strings");
    assert_str(note("behind"), "y");
}

/* ---- tensors that are refused ---- */

#define BAD_TENSOR(n, setup, size, sym, why)                                                       \
    do {                                                                                           \
        AUTO(maker) m = {.big = false};                                                            \
        begin(&m, 3, n, 0);                                                                        \
        setup;                                                                                     \
        data(&m, 32, size);                                                                        \
        assert_err(read_made(&m, &unit_e), sym, why);                                              \
    } while (0)

static void many_dims(struct maker *m, unsigned n)
{
    text(m, "a");
    put(m, n, 4);
    for (unsigned i = 0; i < n; i++)
        put(m, 1, 8);
    put(m, 0, 4);
    put(m, 0, 8);
}

static void bad_tensors(void **state)
{
    static const char name63[] = "123456789012345678901234567890123456789012345678901234567890123";
    static const char name64[] = "1234567890123456789012345678901234567890123456789012345678901234";
    (void)state;
    BAD_TENSOR(1, tensor(&m, name64, 1, 1, 0, 0), 4, LIMIT, "63 are accepted");
    BAD_TENSOR(1, tensor(&m, "\xff", 1, 1, 0, 0), 4, MODEL_INVALID, "not UTF-8");
    BAD_TENSOR(1, many_dims(&m, 5), 4, MODEL_INVALID, "5 dimensions");
    BAD_TENSOR(1, tensor(&m, "a", 1, 1, 4, 0), 4, MODEL_INVALID, "type 4 is not known");
    BAD_TENSOR(1, tensor(&m, "a", 1, 1, 36, 0), 4, MODEL_INVALID, "type 36 is not known");
    BAD_TENSOR(1, tensor(&m, "a", 1, 1, 42, 0), 4, MODEL_INVALID, "type 42 is not known");
    BAD_TENSOR(1, tensor(&m, "a", 16, 2, 2, 0), 18, MODEL_INVALID, "blocks of 32");
    BAD_TENSOR(1, tensor(&m, "a", UINT64_C(1) << 32, UINT64_C(1) << 31, 24, 0), 4, MODEL_INVALID,
               "too large");
    BAD_TENSOR(1, tensor(&m, "a", UINT64_C(1) << 32, UINT64_C(1) << 32, 24, 0), 4, MODEL_INVALID,
               "too large");
    BAD_TENSOR(1, tensor(&m, "a", UINT64_C(1) << 61, 1, 28, 0), 4, MODEL_INVALID, "too large");
    /* more elements than are accepted, in fewer bits than overflow: IQ1_S */
    BAD_TENSOR(1, tensor(&m, "a", UINT64_C(1) << 32, UINT64_C(1) << 31, 19, 0), 4, MODEL_INVALID,
               "too large");
    BAD_TENSOR(1, tensor(&m, "a", UINT64_C(1) << 63, 0, 24, 0), 4, MODEL_INVALID, "too large");
    BAD_TENSOR(1, tensor(&m, "a", 1, 1, 0, 32), 36, MODEL_INVALID, "begins at 32 instead of 0");
    BAD_TENSOR(2, (tensor(&m, "a", 1, 1, 0, 0), tensor(&m, "b", 1, 1, 0, 4)), 8, MODEL_INVALID,
               "begins at 4 instead of 32");
    BAD_TENSOR(2, (tensor(&m, "a", 1, 1, 0, 0), tensor(&m, "b", 1, 1, 0, 64)), 68, MODEL_INVALID,
               "begins at 64 instead of 32");
    BAD_TENSOR(2, (tensor(&m, "a", 1, 1, 0, 0), tensor(&m, "b", 1, 1, 0, 0)), 68, MODEL_INVALID,
               "begins at 0 instead of 32");
    BAD_TENSOR(2, (tensor(&m, "a", 1, 1, 0, 0), tensor(&m, "a", 1, 1, 0, 32)), 36, MODEL_INVALID,
               "the tensor \"a\" appears twice");
    BAD_TENSOR(1, tensor(&m, "a", 1, 1, 0, 0), 3, MODEL_INVALID, "the tensors end at byte");
    BAD_TENSOR(4, tensor(&m, "a", 1, 1, 0, 0), 4, MODEL_INVALID, "is it complete");
    BAD_TENSOR(UINT64_MAX, (void)m, 4, MODEL_INVALID, "is it complete");
    BAD_TENSOR(3, data(&m, 1, 3 * 24 - 1 - 32), 0, MODEL_INVALID, "is it complete");

    AUTO(maker) m = {.big = false};
    begin(&m, 3, 3, 0);
    tensor(&m, name63, 1, 1, 0, 0);
    tensor(&m, "none", 0, 7, 0, 32);
    tensor(&m, "last", 1, 1, 0, 32); /* its padding is missing */
    data(&m, 32, 32 + 4);
    assert_fine(read_made(&m, &unit_e));
}

static void alignment(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        AUTO(maker) m = {.big = false};
        begin(&m, 3, 2, 1);
        key_u32(&m, "general.alignment", 1024);
        tensor(&m, "a", 1, 1, 0, 0);
        tensor(&m, "b", 1, 1, 0, i ? 32 : 1024);
        data(&m, 1024, 1024 + 4);
        if (i) {
            assert_err(read_made(&m, &unit_e), MODEL_INVALID, "instead of 1024");
            continue;
        }
        assert_fine(read_made(&m, &unit_e));
        assert_int_equal(read_all.tensors[0].offset, 1024);
        assert_int_equal(read_all.tensors[1].offset, 2048);
    }
}

static void counts(void **state)
{
    AUTO(maker) m = {.big = false}, k = {.big = false};
    (void)state;
    begin(&m, 3, LIMIT_WEIGHT_TENSORS + 1, 0);
    data(&m, 1, 24 * (LIMIT_WEIGHT_TENSORS + 1));
    assert_err(read_made(&m, &unit_e), LIMIT, "1000000");
    begin(&k, 3, 0, LIMIT_WEIGHT_NOTES + 1);
    data(&k, 1, 14 * (LIMIT_WEIGHT_NOTES + 1));
    assert_err(read_made(&k, &unit_e), LIMIT, "65536");
}

/* Every byte at which a file can end early is noticed, up to the last of its tensors. */
static void cut_off(void **state)
{
    AUTO(maker) m = {.big = false};
    (void)state;
    make_model(&m);
    size_t whole = m.b.n;
    for (size_t n = 4; n < whole; n++) {
        buf_cut(&m.b, n);
        m.b.n = n;
        assert_err(read_made(&m, &unit_e), MODEL_INVALID, "");
        m.b.n = whole;
    }
    m.b.n = 3;
    assert_int_equal(read_made(&m, &unit_e), 0);
}

static void types(void **state)
{
    (void)state;
    assert_null(gguf_type(4));
    assert_null(gguf_type(31));
    assert_null(gguf_type(42));
    assert_null(gguf_type(UINT64_MAX));
    assert_string_equal(gguf_type(41)->name, "Q1_0");
    assert_string_equal(gguf_file_type(40), "Q1_0");
    assert_null(gguf_file_type(4));
    assert_null(gguf_file_type(41));
    assert_null(gguf_file_type(UINT64_MAX));
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),      cmocka_unit_test(values),      cmocka_unit_test(unsaid),
        cmocka_unit_test(versions),   cmocka_unit_test(bad_keys),    cmocka_unit_test(nested),
        cmocka_unit_test(long_texts), cmocka_unit_test(bad_tensors), cmocka_unit_test(alignment),
        cmocka_unit_test(counts),     cmocka_unit_test(cut_off),     cmocka_unit_test(types),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
