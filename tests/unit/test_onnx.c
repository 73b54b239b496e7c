/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX: tensors in each of their forms, graphs in graphs, what is refused, and that weights between
 * the descriptions cost nothing. Comparisons with onnx itself are in tests/e2e/test_formats.py. */
#include "base/buf.h"
#include "model/weights.h"
#include "unit.h"

static struct arena memory;
static struct weights w;

static void put(struct buf *b, uint64_t v)
{
    for (; v > 127; v >>= 7)
        buf_addc(b, (char)((v & 127) | 128));
    buf_addc(b, (char)v);
}

static void number(struct buf *b, unsigned field, uint64_t v)
{
    put(b, field << 3);
    put(b, v);
}

static void bytes(struct buf *b, unsigned field, struct str s)
{
    put(b, field << 3 | 2);
    put(b, s.n);
    buf_adds(b, s);
}

/* A tensor without its data, in a field of its own. */
struct tensor {
    struct buf b;
};

static void tensor_autodone(struct tensor *t)
{
    buf_done(&t->b);
}

static void begin(struct tensor *t, uint64_t d0, uint64_t d1, unsigned type)
{
    buf_done(&t->b);
    buf_init(&t->b, 64 * KIB);
    number(&t->b, 1, d0);
    number(&t->b, 1, d1);
    number(&t->b, 2, type);
    bytes(&t->b, 8, STR("w"));
}

static void elsewhere(struct tensor *t, const char *key, const char *value)
{
    AUTO(buf) b = {0};
    buf_init(&b, 8 * KIB);
    bytes(&b, 1, str_from(key));
    bytes(&b, 2, str_from(value));
    bytes(&t->b, 13, buf_str(&b));
}

static int read_file(struct str file, struct err *e)
{
    struct model_reader r = model_reader_memory(&file);
    arena_done(&memory);
    arena_init(&memory, 16 * MIB);
    w = (struct weights){.n_tensors = 0};
    return weights_read(&memory, &r, &w, e);
}

/* A model whose graph is these bytes. */
static int read_graph(struct str graph, struct err *e)
{
    AUTO(buf) b = {0};
    buf_init(&b, 1 * MIB);
    number(&b, 1, 8);
    bytes(&b, 2, STR("unit"));
    AUTO(buf) named = {0};
    buf_init(&named, 1 * MIB);
    bytes(&named, 2, STR("g"));
    buf_adds(&named, graph);
    bytes(&b, 7, buf_str(&named));
    bytes(&b, 8, STR("\x10\x11"));
    return read_file(buf_str(&b), e);
}

static int read_tensor(const struct tensor *t, struct err *e)
{
    AUTO(buf) b = {0};
    buf_init(&b, 128 * KIB);
    bytes(&b, 5, buf_str(&t->b));
    return read_graph(buf_str(&b), e);
}

static struct str note(const char *name)
{
    for (size_t i = 0; i < w.n_notes; i++)
        if (str_eqz(w.notes[i].key, name))
            return w.notes[i].value;
    return STR("(none)");
}

static void reads(void **state)
{
    AUTO(tensor) t = {0};
    (void)state;
    begin(&t, 2, 3, 10);
    bytes(&t.b, 9, STR("0123456789ab"));
    assert_int_equal(read_tensor(&t, &unit_e), 1);
    assert_string_equal(w.format, "onnx");
    assert_int_equal(w.n_tensors, 1);
    assert_str(w.tensors[0].name, "w");
    assert_string_equal(w.tensors[0].dtype->precision, "float16");
    assert_int_equal(w.tensors[0].n_dims, 2);
    assert_int_equal(w.tensors[0].dims[1], 3);
    assert_int_equal(w.tensors[0].elements, 6);
    assert_int_equal(w.tensors[0].bytes, 12);
    assert_int_equal(w.tensors[0].external.n, 0);
    assert_str(note("onnx.ir_version"), "8");
    assert_str(note("onnx.producer_name"), "unit");
    assert_str(note("onnx.opset.ai.onnx"), "17");
    assert_str(note("onnx.operators"), "(none)");
    assert_int_equal(w.n_imports, 0);
}

/* Values in a field of their type: how many have to be there. */
static void values(void **state)
{
    static const struct {
        unsigned type, field;
        uint64_t d0, d1;
        size_t n; /* bytes of a list */
        bool good;
    } rows[] = {
        {1, 4, 2, 2, 16, true},           {1, 4, 2, 2, 15, false},
        {1, 4, 2, 2, 20, false},          {14, 4, 2, 2, 32, true},
        {14, 4, 2, 2, 16, false},         {11, 10, 2, 2, 32, true},
        {11, 10, 2, 2, 24, false},        {7, 7, 2, 2, 4, true},
        {7, 7, 2, 2, 40, true},           {7, 7, 2, 2, 3, false},
        {7, 7, 2, 2, 50, false},          {22, 5, 3, 1, 2, true},
        {22, 5, 3, 1, 1, false},          {8, 6, 1, 1, 9, true},
        {8, 6, 2, 1, 9, false},           {1, 4, 0, 9, 0, true},
        {1, 4, 1ull << 40, 1, 16, false},
    };
    static const char zeros[64] = {0};
    AUTO(tensor) t = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin(&t, rows[i].d0, rows[i].d1, rows[i].type);
        bytes(&t.b, rows[i].field, str_of(zeros, rows[i].n));
        if (!rows[i].good) {
            assert_err(read_tensor(&t, &unit_e), MODEL_INVALID, "another number of values");
            continue;
        }
        assert_fine(read_tensor(&t, &unit_e));
        assert_true(rows[i].type == 8 || w.tensors[0].bytes == rows[i].n);
    }
    begin(&t, 2, 1, 7); /* one by one */
    number(&t.b, 7, 1ull << 40);
    number(&t.b, 7, 1);
    assert_fine(read_tensor(&t, &unit_e));
    number(&t.b, 7, 1);
    assert_err(read_tensor(&t, &unit_e), MODEL_INVALID, "another number of values");
}

static void bad_tensors(void **state)
{
    static const struct {
        uint64_t d0, d1;
        unsigned type;
        const char *why;
    } rows[] = {
        {1ull << 62, 1ull << 62, 1, "no size in bytes"},
        {INT64_MAX, 2, 1, "no size in bytes"},
        {UINT64_MAX, 1, 1, "a dimension below 0"},
        {1ull << 62, 1, 1, "no size in bytes"},
        {3, 1, 1, "another number of bytes"},
        {1, 1, 1, "another number of bytes"},
        {2, 1, 0, "no type that is known"},
        {2, 1, 27, "no type that is known"},
        {2, 1, 8, "another number of bytes"},
    };
    AUTO(tensor) t = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin(&t, rows[i].d0, rows[i].d1, rows[i].type);
        bytes(&t.b, 9, STR("01234567"));
        assert_err(read_tensor(&t, &unit_e), MODEL_INVALID, rows[i].why);
    }
    begin(&t, 3, 1, 22); /* two of four bits in a byte */
    bytes(&t.b, 9, STR("01"));
    assert_fine(read_tensor(&t, &unit_e));
    assert_int_equal(w.tensors[0].bytes, 2);
    for (unsigned i = 0; i < LIMIT_WEIGHT_DIMS - 1; i++)
        number(&t.b, 1, 1);
    assert_err(read_tensor(&t, &unit_e), MODEL_INVALID, "more than 64 dimensions");
}

static void external(void **state)
{
    static const struct {
        const char *location, *offset, *length, *why;
    } rows[] = {
        {"a/b.bin", "4096", "24", NULL},
        {"./b.bin", "0", "24", NULL},
        {"../b.bin", "0", "24", "holds \".\" or \"..\""},
        {"/b.bin", "0", "24", "is absolute"},
        {"", "0", "24", "is empty"},
        {"a\nb", "0", "24", "control character"},
        {"b", "-1", "24", "is no number"},
        {"b", "9223372036854775808", "24", "is no number"},
        {"b", "9223372036854775800", "24", "ends nowhere"},
        {"b", "0", "23", "does not fit"},
    };
    AUTO(tensor) t = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin(&t, 2, 3, 1);
        number(&t.b, 14, 1);
        elsewhere(&t, "location", rows[i].location);
        elsewhere(&t, "offset", rows[i].offset);
        elsewhere(&t, "length", rows[i].length);
        elsewhere(&t, "checksum", "?");
        if (rows[i].why) {
            assert_err(read_tensor(&t, &unit_e), MODEL_INVALID, rows[i].why);
            continue;
        }
        assert_fine(read_tensor(&t, &unit_e));
        assert_str(w.tensors[0].external, i ? "b.bin" : "a/b.bin");
        assert_int_equal(w.tensors[0].offset, i ? 0 : 4096);
        assert_int_equal(w.tensors[0].bytes, 24);
    }
}

/* A graph with a node whose attribute is a graph, and so on; in the last one is a tensor. */
static void nest(struct buf *out, unsigned depth)
{
    AUTO(tensor) t = {0};
    buf_reset(out);
    begin(&t, 1, 1, 2);
    bytes(&t.b, 9, STR("x"));
    bytes(out, 5, buf_str(&t.b));
    for (unsigned i = 0; i < depth; i++) {
        AUTO(buf) attribute = {0}, node = {0};
        buf_init(&attribute, 64 * KIB);
        buf_init(&node, 64 * KIB);
        bytes(&attribute, 1, STR("body"));
        bytes(&attribute, i == 1 ? 11 : 6, buf_str(out));
        bytes(&node, 4, STR("Loop"));
        bytes(&node, 5, buf_str(&attribute));
        bytes(&node, 7, i == 1 ? STR("com.x") : STR("ai.onnx"));
        buf_reset(out);
        bytes(out, 1, buf_str(&node));
    }
}

static void graphs(void **state)
{
    AUTO(buf) b = {0};
    (void)state;
    buf_init(&b, 64 * KIB);
    nest(&b, 3);
    assert_fine(read_graph(buf_str(&b), &unit_e));
    assert_str(w.tensors[0].name, "#0/body/#0/body[0]/#0/body/w");
    assert_str(note("onnx.operators"), "{\"Loop\":2,\"com.x.Loop\":1}");
    nest(&b, LIMIT_ONNX_NESTED);
    assert_fine(read_graph(buf_str(&b), &unit_e));
    nest(&b, LIMIT_ONNX_NESTED + 1);
    assert_err(read_graph(buf_str(&b), &unit_e), LIMIT, "nested deeper than 16");
    nest(&b, 0);
    bytes(&b, 5, str_skip(buf_str(&b), 2));
    assert_err(read_graph(buf_str(&b), &unit_e), MODEL_INVALID, "the tensor \"w\" appears twice");
    buf_reset(&b);
    for (int i = 0; i <= LIMIT_ONNX_OPERATORS; i++) {
        char name[16] = "";
        (void)snprintf(name + 2, sizeof(name) - 2, "%d", i);
        name[0] = 4 << 3 | 2;
        name[1] = (char)strlen(name + 2);
        bytes(&b, 1, str_of(name, 2 + strlen(name + 2)));
        if (i == LIMIT_ONNX_OPERATORS)
            assert_err(read_graph(buf_str(&b), &unit_e), LIMIT, "different operators");
        else if (i == LIMIT_ONNX_OPERATORS - 1)
            assert_fine(read_graph(buf_str(&b), &unit_e));
    }
}

static void wire(void **state)
{
    static const struct {
        struct str graph;
        const char *why; /* NULL: read */
    } rows[] = {
        {{"", 0}, NULL},
        {{"\x78\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, NULL},
        {{"\x7d"
          "1234",
          5},
         NULL},
        {{"\x79"
          "12345678",
          9},
         NULL},
        {{"\x78\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11}, "more than 64 bits"},
        {{"\x78\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, "more than 64 bits"},
        {{"\x78\xff", 2}, "passes the end"},
        {{"\x7d"
          "123",
          4},
         "passes the end"},
        {{"\x79"
          "1234567",
          8},
         "passes the end"},
        {{"\x7a\x02x", 3}, "passes the end"},
        {{"\x7a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, "passes the end"},
        {{"\x7b", 1}, "unknown type 3"},
        {{"\x7f", 1}, "unknown type 7"},
        {{"\x00\x00", 2}, "has no number"},
        {{"\xf8\xff\xff\xff\xff\x01\x00", 7}, "has no number"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].why)
            assert_err(read_graph(rows[i].graph, &unit_e), MODEL_INVALID, rows[i].why);
        else
            assert_fine(read_graph(rows[i].graph, &unit_e));
    }
}

/* Which first bytes are ONNX's. */
static void formats(void **state)
{
    static const struct {
        struct str head;
        bool is;
    } rows[] = {
        {{"\x08\x08\x3a\x02\x12\x00", 6}, true},
        {{"\x08\x08\x12\x03xyz\x3a\x00", 9}, true},
        {{"\x08\x08\x12\x00\x1a\x00\x28\x01\x32\x01x\x3a\x02\x12\x00", 15}, true},
        {{"\x08\x08\x42\x02\x10\x11\x3a\x02\x12\x00", 10}, true},
        {{"\x08\x01\x12\x04\x0a\x02\x0a\x00\x3a\x00", 10}, false}, /* SavedModel */
        {{"\x08\x02\x10\x01\x22\x04"
          "abcd",
          10},
         false}, /* TensorProto */
        {{"\x08\x00\x3a\x02\x12\x00", 6}, false},
        {{"\x08\x7f\x3a\x02\x12\x00", 6}, false},
        {{"\x08\x08\x3a\x02\xff\x00", 6}, false},
        {{"\x08\x08\x12\x03xyz", 7}, false},
        {{"\x0a\x08\x3a\x02\x12\x00", 6}, false},
        {{"version https://git-lfs", 23}, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct model_reader r = model_reader_memory(&rows[i].head);
        assert_int_equal(weights_known(&r, &unit_e), rows[i].is);
    }
    struct str bytes = rows[4].head;
    struct model_reader r = model_reader_memory(&bytes);
    arena_done(&memory);
    arena_init(&memory, 1 * MIB);
    assert_err(weights_read_named(&memory, &r, STR("a.onnx"), &w, &unit_e), MODEL_INVALID,
               "the name promises onnx");
    assert_int_equal(weights_read_named(&memory, &r, STR("a.pb"), &w, &unit_e), 0);
    assert_err(read_file(STR("\x08\x08\x12\x01x\x42\x02\x10\x11"), &unit_e), MODEL_INVALID,
               "no graph");
}

/* A file of `count` tensors of one MiB each, of which only the descriptions are there. */
struct holes {
    struct str description;
    uint64_t count, asked, reads;
};

#define PERIOD (1 * MIB)

static int read_holes(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    struct holes *h = self;
    (void)e;
    h->reads++;
    h->asked += n;
    for (size_t i = 0; i < n; i++, at++) {
        uint64_t in = at < 8 ? 0 : (at - 8) % PERIOD;
        const char head[] = {0x08,       0x08,       0x3a,       (char)0x80,
                             (char)0x80, (char)0x80, (char)0x80, 0x02};
        ((char *)p)[i] = at < 8 ? head[at] : in < h->description.n ? h->description.p[in] : 0;
    }
    return 0;
}

static void frugal(void **state)
{
    AUTO(buf) b = {0}, tensor = {0};
    (void)state;
    buf_init(&b, 4096);
    buf_init(&tensor, 4096);
    const size_t raw = (size_t)PERIOD - 64;
    number(&tensor, 1, raw);
    number(&tensor, 2, 2);
    put(&tensor, 9 << 3 | 2);
    put(&tensor, raw);
    /* A text that nobody asks for fills up the period. */
    size_t described = 4 + tensor.n;
    static const char text[64] = {0};
    bytes(&b, 10, str_of(text, 64 - described - 2));
    put(&b, 5 << 3 | 2);
    put(&b, tensor.n + raw);
    buf_adds(&b, buf_str(&tensor));
    assert_int_equal(b.n + raw, PERIOD);
    struct holes h = {.description = buf_str(&b), .count = 512};
    struct model_reader r = {.size = 8 + h.count * PERIOD, .read = read_holes, .self = &h};
    arena_done(&memory);
    arena_init(&memory, 16 * MIB);
    /* all have one name, which is said when all were read */
    assert_err(weights_read(&memory, &r, &w, &unit_e), MODEL_INVALID, "appears twice");
    assert_true(h.reads <= h.count + 2);
    assert_true(h.asked <= 3 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),    cmocka_unit_test(values), cmocka_unit_test(bad_tensors),
        cmocka_unit_test(external), cmocka_unit_test(graphs), cmocka_unit_test(wire),
        cmocka_unit_test(formats),  cmocka_unit_test(frugal),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&memory);
    return rc;
}
