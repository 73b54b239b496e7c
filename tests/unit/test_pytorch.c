/* SPDX-License-Identifier: Apache-2.0 */
/* PyTorch's files: tensors in both forms, what they share, what is refused, and that a large one
 * costs little. Comparisons with PyTorch itself are in tests/e2e/test_formats.py. */
#include "model/kind.h"
#include "model/pytorch_types.h"
#include "model/weights.h"
#include "zip_maker.h"

static struct arena memory;
static struct weights w;

/* The code of a tensor; shape and strides as code: "K\2K\3\x86". */
#define TENSOR(storage, key, n, offset, shape, strides)                                            \
    "ctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\n" storage "\nV" key "\nVcpu\nI" n      \
    "\ntQI" offset "\n" shape strides "\x89)tR"
#define SHAPE   "K\2K\3\x86"
#define STRIDES "K\3K\1\x86"
/* Two by three floats that fill the storage `key`. */
#define FLOATS(key) TENSOR("FloatStorage", key, "6", "0", SHAPE, STRIDES)

static int read_file(const struct model_reader *r, struct err *e)
{
    arena_done(&memory);
    arena_init(&memory, 64 * MIB);
    w = (struct weights){.n_tensors = 0};
    return weights_read(&memory, r, &w, e);
}

static int read_archive(struct str pickle, struct err *e)
{
    AUTO(zip_maker) z = {.n = 0};
    zip_member(&z, "m/data.pkl", pickle, 0);
    zip_member(&z, "m/data/0", STR("0123456789abcdef01234567"), 0);
    zip_member(&z, "m/data/1", STR("0123456789abcdef01234567"), 0);
    zip_finish(&z);
    struct model_reader r = zip_reader(&z);
    return read_file(&r, e);
}

#define MAGIC                "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define OLDER                MAGIC "\x80\x02M\xe9\x03.}."
#define READ(code)           read_archive(STR(code), &unit_e)
#define BAD(code, sym, text) assert_err(READ(code), sym, text)

static int read_bytes(struct str bytes, struct err *e)
{
    struct model_reader r = model_reader_memory(&bytes);
    return read_file(&r, e);
}

static void names(const char *expected)
{
    AUTO(buf) b = {0};
    buf_init(&b, 4096);
    for (size_t i = 0; i < w.n_tensors; i++)
        buf_addf(&b, "%s%.*s", i ? " " : "", S(w.tensors[i].name));
    assert_string_equal(b.p, expected);
}

static void reads(void **state)
{
    (void)state;
    assert_int_equal(READ("}Vw\n" FLOATS("1") "s."), 1);
    assert_string_equal(w.format, "pt");
    names("w");
    const struct weight_tensor *t = w.tensors;
    assert_string_equal(t->dtype->name, "float32");
    assert_int_equal(t->n_dims, 2);
    assert_int_equal(t->dims[0], 2);
    assert_int_equal(t->elements, 6);
    assert_int_equal(t->bytes, 24);
    assert_int_equal(t->offset % 64, 0);
    assert_int_equal(t->shared, 0);
    assert_false(w.big_endian);
    assert_int_equal(w.n_imports, 2);
    assert_str(w.imports[0].name, "torch.FloatStorage");
    assert_false(w.imports[0].unsafe);
}

static void walks(void **state)
{
    (void)state;
    assert_fine(READ(FLOATS("0") "."));
    names("");
    assert_fine(READ("(Va\n}VB\n" FLOATS("0") "sI7\n]" FLOATS("1") "a\x88](" FLOATS("1") "ed."));
    names("a.B 7.0 #2.0");
    /* what holds itself, and one tensor twice */
    assert_fine(READ("}q\0(Vself\nh\0Vw\n" FLOATS("0") "q\1Vv\nh\1u."));
    names("w v");
    assert_int_equal(w.tensors[0].shared, 0);
    assert_int_equal(w.tensors[1].shared, 6);
    /* a module in a module, an attribute beside its parts */
    assert_fine(READ("cm\nN\n)\x81}(V_modules\n}Vc\ncm\nN\n)\x81}V_parameters\n}Vw\n" FLOATS(
        "0") "ssbsV_buffers\n}Vb\n" FLOATS("1") "sVx\n]" FLOATS("1") "aub."));
    names("c.w b x.0");
    /* parameters, sizes with a coat, pairs */
    assert_fine(READ("}Vp\nctorch._utils\n_rebuild_parameter\n(" FLOATS("0") "\x88}tRs."));
    names("p");
    assert_fine(READ(
        "}Vp\n" TENSOR("FloatStorage", "0", "6", "0", "ctorch\nSize\n(" SHAPE "tR", STRIDES) "s."));
    names("p");
    assert_fine(READ("ccollections\nOrderedDict\n(]((Vk\n" FLOATS("0") "letR."));
    names("k");
    assert_fine(
        READ("}Vp\nctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n"
             "cm\nT\n((Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI6\ntQI0\n" SHAPE STRIDES
             "\x89)t}tRs."));
    names("p");
}

static void bombs(void **state)
{
    AUTO(buf) b = {0};
    (void)state;
    BAD("]q\0"
        "]h\0ah\0ah\0ah\0ah\0ah\0ah\0ah\0aq\1]h\1ah\1ah\1ah\1ah\1ah\1ah\1ah\1aq\2"
        "]h\2ah\2ah\2ah\2ah\2ah\2ah\2ah\2aq\3]h\3ah\3ah\3ah\3ah\3ah\3ah\3ah\3aq\4"
        "]h\4ah\4ah\4ah\4ah\4ah\4ah\4ah\4aq\5]h\5ah\5ah\5ah\5ah\5ah\5ah\5ah\5aq\6"
        "]h\6ah\6ah\6ah\6ah\6ah\6ah\6ah\6aq\7]h\7ah\7ah\7ah\7ah\7ah\7ah\7ah\7aq\10"
        "]h\10ah\10ah\10ah\10ah\10ah\10ah\10ah\10a.",
        LIMIT, "more than 8000000 values");
    buf_init(&b, 4096);
    for (unsigned n = LIMIT_PICKLE_DEPTH; n <= LIMIT_PICKLE_DEPTH + 1; n++) {
        buf_reset(&b);
        for (unsigned i = 0; i < n; i++)
            buf_addc(&b, ']');
        for (unsigned i = 1; i < n; i++)
            buf_addc(&b, 'a');
        buf_addc(&b, '.');
        if (n == LIMIT_PICKLE_DEPTH)
            assert_fine(read_archive(buf_str(&b), &unit_e));
        else
            assert_err(read_archive(buf_str(&b), &unit_e), LIMIT, "nested deeper than 128");
    }
}

#define SHAPED(shape, strides)  "}Vw\n" TENSOR("FloatStorage", "0", "6", "0", shape, strides) "s."
#define STORED(storage, key, n) "}Vw\n" TENSOR(storage, key, n, "0", SHAPE, STRIDES) "s."
#define AT(offset)              "}Vw\n" TENSOR("FloatStorage", "0", "6", offset, SHAPE, STRIDES) "s."

static void shapes(void **state)
{
    (void)state;
    assert_fine(READ(SHAPED(")", ")")));
    assert_int_equal(w.tensors[0].elements, 1);
    assert_fine(READ(SHAPED("K\0I9223372036854775807\n\x86", "K\1K\1\x86")));
    assert_int_equal(w.tensors[0].bytes, 0);
    assert_fine(READ(SHAPED("K\3K\2\x86", "K\1K\3\x86"))); /* transposed */
    assert_fine(READ(SHAPED("K\5K\5\x86", "K\0K\1\x86"))); /* five times the same */
    assert_int_equal(w.tensors[0].elements, 25);
    assert_int_equal(w.tensors[0].shared, 20);
    BAD(SHAPED("I9223372036854775808\nK\1\x86", STRIDES), MODEL_INVALID, "list of whole numbers");
    BAD(SHAPED("I4611686018427387904\nK\2\x86", "K\0K\0\x86"), MODEL_INVALID, "no size in bytes");
    BAD(SHAPED("I-1\nK\1\x86", STRIDES), MODEL_INVALID, "list of whole numbers");
    BAD(SHAPED(SHAPE, "I-3\nK\1\x86"), MODEL_INVALID, "list of strides that is not");
    BAD(SHAPED(SHAPE, "K\4K\1\x86"), MODEL_INVALID, "behind the end of its storage");
    BAD(SHAPED("K\3K\3K\1\x87", "I9223372036854775807\nI9223372036854775807\nK\1\x87"),
        MODEL_INVALID, "farther than there are bytes");
    BAD(SHAPED(SHAPE, "K\3\x85"), MODEL_INVALID, "another number of strides");
    BAD(SHAPED("N", STRIDES), MODEL_INVALID, "list of whole numbers");
    BAD(AT("1"), MODEL_INVALID, "behind the end of its storage");
    BAD(AT("-1"), MODEL_INVALID, "no place of its storage");
    BAD(AT("9223372036854775807"), MODEL_INVALID, "behind the end of its storage");
}

static void storages(void **state)
{
    (void)state;
    BAD(STORED("FloatStorage", "0", "7"), MODEL_INVALID, "fewer bytes in the archive");
    BAD(STORED("FloatStorage", "2", "6"), MODEL_INVALID, "\"2\" is missing in the archive");
    BAD(STORED("OddStorage", "0", "6"), MODEL_INVALID, "no storage of a kind");
    BAD(STORED("UntypedStorage", "0", "6"), MODEL_INVALID, "no type that is known");
    BAD(STORED("FloatStorage", "0", "-6"), MODEL_INVALID, "no storage of a kind");
    BAD(STORED("DoubleStorage", "0", "4611686018427387904"), MODEL_INVALID,
        "more bytes than there can be");
    BAD("}Vw\nctorch._utils\n_rebuild_tensor_v2\n)Rs.", MODEL_INVALID, "too few values");
    BAD("}Vw\nctorch._utils\n_rebuild_tensor_v2\n(NNNNtRs.", MODEL_INVALID, "no storage of a kind");
    BAD("}(Vw\n" FLOATS("0") "Vw\n" FLOATS("1") "u.", MODEL_INVALID, "appears twice");
}

static void older(void **state)
{
    (void)state;
#define KEYS_1 "](Vk\ne."
#define BYTES                                                                                      \
    "\6\0\0\0\0\0\0\0"                                                                             \
    "0123456789abcdef01234567"
    assert_int_equal(read_bytes(STR(OLDER "}Vw\n" FLOATS("k") "s." KEYS_1 BYTES), &unit_e), 1);
    names("w");
    assert_int_equal(w.tensors[0].offset, w.header_bytes + 8);
    assert_int_equal(w.tensors[0].bytes, 24);
    /* a view of elements 2 to 4 */
    assert_fine(read_bytes(
        STR(OLDER
            "}Vw\nctorch._utils\n_rebuild_tensor\n((Vstorage\nctorch\nFloatStorage\nVk\nVcpu\n"
            "K\6(Vview\nK\2K\3ttQK\1K\2\x85K\1\x85tRs." KEYS_1 BYTES),
        &unit_e));
    assert_int_equal(w.tensors[0].offset, w.header_bytes + 8 + 3 * 4);
    assert_err(read_bytes(STR(OLDER "}Vw\n" FLOATS("k") "s." KEYS_1 "\6\0\0\0\0\0\0\0"
                                                        "0123456789"),
                          &unit_e),
               MODEL_INVALID, "is it complete");
    assert_err(read_bytes(STR(OLDER "}Vw\n" FLOATS("k") "s.]." BYTES), &unit_e), MODEL_INVALID,
               "not in the list");
    assert_err(read_bytes(STR(OLDER "}Vw\n" FLOATS("k") "s.](Vk\nVk\ne." BYTES), &unit_e),
               MODEL_INVALID, "twice in the list");
    assert_err(read_bytes(STR(OLDER "}Vw\n" FLOATS("k") "s.](Vo\ne." BYTES), &unit_e),
               MODEL_INVALID, "nothing speaks of it");
    assert_err(read_bytes(STR(OLDER "}Vw\n" FLOATS("k") "s.N." BYTES), &unit_e), MODEL_INVALID,
               "no list of storages");
    assert_err(read_bytes(STR(MAGIC "\x80\x02M\xe8\x03."), &unit_e), MODEL_INVALID,
               "a protocol that is not 1001");
    assert_err(read_bytes(STR(OLDER "NQ." KEYS_1), &unit_e), MODEL_INVALID, "is no storage");
    const struct str whole = STR(OLDER "}Vw\n" FLOATS("k") "s." KEYS_1 BYTES);
    for (size_t n = 15; n < whole.n; n++)
        assert_err(read_bytes(str_head(whole, n), &unit_e), MODEL_INVALID, "is it complete");
}

static void imports(void **state)
{
    (void)state;
    assert_fine(READ("}(Vx\ncos\nsystem\nVtouch x\n\x85RVw\n" FLOATS("0") "u."));
    names("w");
    assert_int_equal(w.n_imports, 3);
    assert_str(w.imports[0].name, "os.system");
    assert_true(w.imports[0].unsafe && w.imports[0].dangerous);
    assert_false(w.imports[1].unsafe || w.imports[1].dangerous);
    assert_true(pytorch_is_harmless(STR("torch.float8_e4m3fn")));
    assert_true(pytorch_is_harmless(STR("torch.cuda.HalfStorage")));
    assert_true(pytorch_is_harmless(STR("torch.uint4")));
    assert_false(pytorch_is_harmless(STR("torch.load")));
    assert_false(pytorch_is_harmless(STR("os.FloatStorage")));
    assert_false(pytorch_is_harmless(STR("torch")));
    assert_false(pytorch_is_harmless(STR("")));
}

/* Which bytes are taken for PyTorch's. */
static void formats(void **state)
{
    static const char *const firsts[] = {"m/data.pkl", "m/version", "a.npy",
                                         "data.pkl",   "/data.pkl", "m/n/data.pkl"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
        AUTO(zip_maker) z = {.plain = true};
        zip_member(&z, firsts[i], STR("N."), 0);
        zip_finish(&z);
        struct model_reader r = zip_reader(&z);
        if (i == 1)
            assert_err(read_file(&r, &unit_e), MODEL_INVALID, "holds no data.pkl");
        else
            assert_int_equal(read_file(&r, &unit_e), i == 0);
        assert_int_equal(weights_known(&r, &unit_e), i < 2);
    }
    assert_int_equal(read_bytes(STR("\x80\x02}."), &unit_e), 1);
    assert_string_equal(w.format, "pickle"); /* of somebody else's */
    assert_int_equal(read_bytes(STR("PK\3\4"), &unit_e), 0);
    assert_int_equal(read_bytes(STR(""), &unit_e), 0);
    struct str bytes = STR("nothing"), name = STR("a.bin");
    struct model_reader r = model_reader_memory(&bytes);
    assert_string_equal(model_format_of(name), "pt");
    assert_int_equal(weights_read_named(&memory, &r, name, &w, &unit_e), 0);
    char tar[600] = "pickle";
    memcpy(tar + 257, "ustar", 5);
    assert_err(read_bytes(str_of(tar, sizeof(tar)), &unit_e), MODEL_INVALID, "before 0.2");
}

/* Three reads: the head, the end, the pickle; none of a member's header. */
static void frugal(void **state)
{
    AUTO(zip_maker) z = {.n = 0};
    (void)state;
    zip_member(&z, "m/data.pkl",
               STR("}(Va\n" TENSOR("FloatStorage", "0", "1073741824", "0", "I1073741824\n\x85",
                                   "K\1\x85") "Vb\n" TENSOR("FloatStorage", "1", "1073741824", "7",
                                                            "K\5\x85", "K\1\x85") "u."),
               0);
    zip_member(&z, "m/data/0", STR_NULL, 4 * GIB);
    zip_member(&z, "m/data/1", STR_NULL, 4 * GIB);
    zip_member(&z, "m/byteorder", STR("big"), 0);
    z.large = true;
    zip_finish(&z);
    struct model_reader r = zip_reader(&z);
    assert_fine(read_file(&r, &unit_e));
    names("a b");
    assert_true(w.big_endian);
    assert_int_equal(w.tensors[1].offset,
                     z.members[2].at + 30 + 8 + (64 - (z.members[2].at + 38) % 64) + 28);
    assert_true(z.reads <= 6);
    assert_true(z.asked < 256 * KIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),   cmocka_unit_test(walks),    cmocka_unit_test(bombs),
        cmocka_unit_test(shapes),  cmocka_unit_test(storages), cmocka_unit_test(older),
        cmocka_unit_test(imports), cmocka_unit_test(formats),  cmocka_unit_test(frugal),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&memory);
    return rc;
}
