/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: every rule of the format, each broken once. */
#include "base/buf.h"
#include "model/weights.h"
#include "unit.h"

/* A file: the header's length, the header, n bytes behind it. */
static void make(struct buf *out, const char *header, size_t n)
{
    uint64_t length = strlen(header);
    buf_reset(out);
    for (int i = 0; i < 8; i++)
        buf_addc(out, (char)(length >> (8 * i)));
    buf_addz(out, header);
    while (n--)
        buf_addc(out, 'x');
}

static int read_bytes(struct arena *a, struct str bytes, struct weights *ret, struct err *e)
{
    struct model_reader r = model_reader_memory(&bytes);
    return weights_read(a, &r, ret, e);
}

static int read_made(const char *header, size_t n, struct err *e)
{
    AUTO(arena) a = {0};
    AUTO(buf) file = {0};
    struct weights w;
    arena_init(&a, 32 * MIB);
    buf_init(&file, 32 * MIB);
    make(&file, header, n);
    return read_bytes(&a, buf_str(&file), &w, e);
}

static void reads(void **state)
{
    AUTO(arena) a = {0};
    AUTO(buf) file = {0};
    struct weights w;
    (void)state;
    arena_init(&a, 1 * MIB);
    buf_init(&file, 1 * MIB);
    make(&file,
         "{\"__metadata__\":{\"format\":\"pt\",\"\\u00e9\":\"\"},"
         "\"b\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[4,16]},"
         "\"a\":{\"shape\":[],\"data_offsets\":[0,4],\"dtype\":\"F32\",\"more\":{\"x\":[1]}},"
         "\"none\":{\"dtype\":\"F64\",\"shape\":[0,5],\"data_offsets\":[16,16]}}   ",
         12 + 4);
    assert_int_equal(read_bytes(&a, buf_str(&file), &w, &unit_e), 1);
    assert_string_equal(w.format, "safetensors");
    assert_int_equal(w.n_tensors, 3);
    assert_int_equal(w.n_notes, 2);
    assert_str(w.notes[0].key, "format");
    assert_str(w.notes[0].value, "pt");
    assert_str(w.notes[1].key, "\xc3\xa9");
    assert_int_equal(w.header_bytes, file.n - 16);
    assert_str(w.tensors[0].name, "a");
    assert_int_equal(w.tensors[0].n_dims, 0);
    assert_int_equal(w.tensors[0].elements, 1);
    assert_int_equal(w.tensors[0].offset, file.n - 16);
    assert_str(w.tensors[1].name, "b");
    assert_string_equal(w.tensors[1].dtype->name, "BF16");
    assert_string_equal(w.tensors[1].dtype->precision, "bfloat16");
    assert_int_equal(w.tensors[1].n_dims, 2);
    assert_int_equal(w.tensors[1].dims[0], 2);
    assert_int_equal(w.tensors[1].dims[1], 3);
    assert_int_equal(w.tensors[1].elements, 6);
    assert_int_equal(w.tensors[1].bytes, 12);
    assert_int_equal(w.tensors[1].offset, file.n - 12);
    assert_str(w.tensors[2].name, "none");
    assert_int_equal(w.tensors[2].elements, 0);
    assert_int_equal(w.tensors[2].bytes, 0);
}

#define T(name, dtype, shape, begin, end)                                                          \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end \
    "]}"

static void good(void **state)
{
    static const struct {
        const char *header;
        size_t n;
    } rows[] = {
        {"{}", 0},
        {"{\"__metadata__\":null}", 0},
        {"{\"__metadata__\":{}}", 0},
        {"{" T("a", "F4", "[2]", 0, 1) "}", 1},
        {"{" T("a", "F6_E2M3", "[4]", 0, 3) "}", 3},
        {"{" T("a", "F8_E8M0", "[4]", 0, 4) "}", 4},
        {"{" T("a", "C64", "[1]", 0, 8) "}", 8},
        {"{" T("a", "U8", "[0]", 0, 0) "," T("b", "U8", "[0]", 0, 0) "," T(
             "c", "U8", "[1]", 0, 1) "," T("d", "U8", "[0]", 1, 1) "}",
         1},
        {"{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1},
        {"{" T("a", "U8", "[1,1,1,1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_fine(read_made(rows[i].header, rows[i].n, &unit_e));
}

static void bad(void **state)
{
    static const struct {
        const char *header;
        size_t n;
        const char *why;
    } rows[] = {
        /* the object */
        {"{", 0, "ends too early"},
        {"{}x", 0, "behind the end"},
        {"{}{}", 0, "behind the end"},
        {"{" T("\xff", "U8", "[1]", 0, 1) "}", 1, "not UTF-8"},
        {"{\"a\":1}", 0, "not described by an object"},
        {"{\"a\":[]}", 0, "not described by an object"},
        {"{\"a\":{}}", 0, "lacks one of"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0, "lacks one of"},
        {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", 0, "lacks one of"},
        {"{\"a\":{\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "lacks one of"},
        {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0,
         "described twice"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"shape\":[0],\"data_offsets\":[0,0]}}", 0,
         "described twice"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"data_offsets\":[0,0]}}",
         0, "described twice"},
        /* names */
        {"{" T("a", "U8", "[1]", 0, 1) "," T("a", "U8", "[1]", 1, 2) "}", 2,
         "the tensor \"a\" appears twice"},
        {"{" T("a", "U8", "[0]", 0, 0) "," T("b", "U8", "[0]", 0, 0) "," T("\\u0061", "U8", "[0]",
                                                                           0, 0) "}",
         0, "the tensor \"a\" appears twice"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "\"__metadata__\" appears twice"},
        {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "the key \"k\" appears twice"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "must be texts"},
        {"{\"__metadata__\":{\"k\":{}}}", 0, "must be texts"},
        {"{\"__metadata__\":\"k\"}", 0, "must be an object"},
        /* dtype and shape */
        {"{" T("a", "F33", "[1]", 0, 4) "}", 4, "the unknown dtype \"F33\""},
        {"{" T("a", "f32", "[1]", 0, 4) "}", 4, "the unknown dtype"},
        {"{\"a\":{\"dtype\":8}}", 0, "not a text"},
        {"{" T("a", "U8", "1", 0, 1) "}", 1, "shape that is not a list"},
        {"{" T("a", "U8", "[-1]", 0, 1) "}", 1, "not a list of whole numbers"},
        {"{" T("a", "U8", "[1.0]", 0, 1) "}", 1, "not a list of whole numbers"},
        {"{" T("a", "U8", "[\\\"1\\\"]", 0, 1) "}", 1, "a value is expected"},
        {"{" T("a", "U8", "[[1]]", 0, 1) "}", 1, "not a list of whole numbers"},
        {"{" T("a", "U8", "[18446744073709551616]", 0, 1) "}", 1, "not a list of whole numbers"},
        {"{" T("a", "U8", "[4294967296,4294967296]", 0, 0) "}", 0, "makes no size"},
        {"{" T("a", "U16", "[9223372036854775808]", 0, 0) "}", 0, "makes no size"},
        {"{" T("a", "F4", "[3]", 0, 1) "}", 1, "makes no size"},
        {"{" T("a", "F6_E3M2", "[3]", 0, 2) "}", 2, "makes no size"},
        {"{" T(
             "a", "U8",
             "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
             "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
             0, 1) "}",
         1, "more than 64 numbers in its shape"},
        /* where */
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "lacks one of"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1,
         "more than 2 numbers in its data_offsets"},
        {"{" T("a", "U8", "[1]", 1, 0) "}", 1, "ends before it begins"},
        {"{" T("a", "U8", "[2]", 0, 2) "}", 1, "behind the end of the file"},
        {"{" T("a", "U8", "[2]", 0, 1) "}", 1, "do not fit its dtype and shape"},
        {"{" T("a", "U8", "[1]", 0, 2) "}", 2, "do not fit its dtype and shape"},
        {"{" T("a", "U8", "[1]", 1, 2) "}", 2, "belong to no tensor"},
        {"{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1]", 2, 3) "}", 3,
         "\"b\" has bytes before it that belong to no tensor"},
        {"{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 1, 3) "}", 3, "overlaps"},
        {"{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1]", 0, 1) "}", 1, "overlaps"},
        {"{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[0]", 1, 1) "}", 2, "overlaps"},
        {"{" T("a", "U8", "[1]", 0, 1) "}", 2, "the tensors end at byte"},
        {"{}", 1, "the tensors end at byte"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_err(read_made(rows[i].header, rows[i].n, &unit_e), MODEL_INVALID, rows[i].why);
}

static void lengths(void **state)
{
    AUTO(arena) a = {0};
    struct weights w;
    (void)state;
    arena_init(&a, 1 * MIB);
    /* cut off in the header, and in nothing but the length */
    assert_err(read_bytes(&a, STR("\x40\0\0\0\0\0\0\0{\"a\":"), &w, &unit_e), MODEL_INVALID,
               "the header has 64 bytes, but the file ends at byte 13");
    /* more than is accepted, whatever the file's size */
    assert_err(read_bytes(&a, STR("\x01\xe1\xf5\x05\0\0\0\0{}"), &w, &unit_e), LIMIT, "100000001");
    assert_err(read_bytes(&a, STR("\0\xe1\xf5\x05\0\0\0\0{}"), &w, &unit_e), MODEL_INVALID,
               "is it complete");
    assert_err(read_bytes(&a, STR("\0\0\0\0\0\0\0\0{}"), &w, &unit_e), MODEL_INVALID,
               "ends too early");
    /* no safetensors at all */
    assert_int_equal(read_bytes(&a, STR(""), &w, &unit_e), 0);
    assert_int_equal(read_bytes(&a, STR("\x02\0\0\0\0\0\0\0"), &w, &unit_e), 0);
    assert_int_equal(read_bytes(&a, STR("\x02\0\0\0\0\0\0\0[]"), &w, &unit_e), 0);
    assert_int_equal(read_bytes(&a, STR("\x03\0\0\0\0\0\0\0 {}"), &w, &unit_e), 0);
    assert_int_equal(read_bytes(&a, STR("aaaaaaaa{}"), &w, &unit_e), 0);
}

static void ceilings(void **state)
{
    AUTO(arena) a = {0};
    AUTO(buf) header = {0}, file = {0};
    struct weights w;
    (void)state;
    buf_init(&header, 8 * MIB);
    buf_init(&file, 8 * MIB);
    arena_init(&a, 8 * MIB);
    /* a name */
    for (size_t n = LIMIT_WEIGHT_NAME; n <= LIMIT_WEIGHT_NAME + 1; n++) {
        buf_reset(&header);
        buf_addz(&header, "{\"");
        for (size_t i = 0; i < n; i++)
            buf_addc(&header, 'n');
        buf_addz(&header, "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        make(&file, header.p, 0);
        if (n == LIMIT_WEIGHT_NAME)
            assert_fine(read_bytes(&a, buf_str(&file), &w, &unit_e));
        else
            assert_err(read_bytes(&a, buf_str(&file), &w, &unit_e), LIMIT, "4096");
    }
    /* a text that is told by its length */
    buf_reset(&header);
    buf_addz(&header, "{\"__metadata__\":{\"long\":\"");
    for (size_t i = 0; i <= LIMIT_WEIGHT_NOTE; i++)
        buf_addc(&header, 'n');
    buf_addz(&header, "\"}}");
    make(&file, header.p, 0);
    assert_fine(read_bytes(&a, buf_str(&file), &w, &unit_e));
    assert_str(w.notes[0].value, "text of 1048577 bytes");
    /* the arena */
    AUTO(arena) small = {0};
    arena_init(&small, 64);
    make(&file, "{" T("a", "U8", "[1]", 0, 1) "}", 1);
    assert_err(read_bytes(&small, buf_str(&file), &w, &unit_e), LIMIT, "memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),   cmocka_unit_test(good),     cmocka_unit_test(bad),
        cmocka_unit_test(lengths), cmocka_unit_test(ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
