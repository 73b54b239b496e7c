/* SPDX-License-Identifier: Apache-2.0 */
/* Pickles of other programs than PyTorch: which bytes are one, what is told of them, joblib's
 * arrays between the opcodes, and what a broken one has done. What Python writes is read in
 * tests/e2e/test_formats.py. */
#include "base/buf.h"
#include "model/imports.h"
#include "unit.h"

static struct arena memory;
static struct weights w;

static int read_bytes(struct str bytes, struct err *e)
{
    struct model_reader r = model_reader_memory(&bytes);
    arena_done(&memory);
    arena_init(&memory, 64 * MIB);
    w = (struct weights){.n_tensors = 0};
    return weights_read(&memory, &r, &w, e);
}

#define READ(code) read_bytes(STR(code), &unit_e)

static const char *note(const char *key)
{
    for (size_t i = 0; i < w.n_notes; i++)
        if (str_eqz(w.notes[i].key, key))
            return w.notes[i].value.p;
    return "";
}

/* Frames of 11 bytes: "cos\nsystem\n" and the like are cut to fit. */
#define FRAME(n) "\x95" n "\0\0\0\0\0\0\0"

static void signatures(void **state)
{
    const struct {
        struct str bytes;
        bool is;
    } rows[] = {
        {STR("\x80\x02}."), true},
        {STR("\x80\x02]q\0."), true},
        {STR("\x80\x03X\1\0\0\0aq\0."), true},
        {STR("\x80\x04" FRAME("\2") "]."), true},
        {STR("\x80\x04N."), true},
        {STR("\x80\x05" FRAME("\2") "}."), true},
        {STR("cos\nsystem\n(S'id'\ntR."), true},
        {STR("cos\nsystem\np0\n."), true},
        {STR("(S'id'\nios\nsystem\n."), true},
        {STR("(ios\nsystem\n."), true},
        {STR("(dp0\n."), true},
        {STR("(lp0\n."), true},
        {STR("}q\0."), true},
        /* and what is none */
        {STR(""), false},
        {STR("\x80"), false},
        {STR("\x80\x02"), false},
        {STR("\x80\x02\0\0"), false},
        {STR("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff."), false},
        {STR("\x80\x04KK."), false},
        {STR("\x80\x06" FRAME("\2") "]."), false},
        {STR("\x80\x01}."), false},
        {STR("cats and dogs\nare animals\n"), false},
        {STR("cats\nand dogs\n"), false},
        {STR("cats\nand\nmice\n"), false},
        {STR("(c) somebody\n"), false},
        {STR("(see below)"), false},
        {STR("{\"a\": 1}"), false},
        {STR("[section]\n"), false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int rc = read_bytes(rows[i].bytes, &unit_e);
        if (rc != rows[i].is)
            fail_msg("row %zu: %d", i, rc);
        struct model_reader r = model_reader_memory(&rows[i].bytes);
        assert_int_equal(weights_known(&r, &unit_e), 0);
    }
}

static void facts(void **state)
{
    (void)state;
    assert_int_equal(READ("\x80\x03"
                          "cshop\nShelf\n)\x81}X\x10\0\0\0_sklearn_versionX\5\0\0\0"
                          "1.5.2sb.rest of it"),
                     1);
    assert_string_equal(w.format, "pickle");
    assert_true(w.opaque && w.n_tensors == 0);
    assert_string_equal(note("class"), "shop.Shelf");
    assert_string_equal(note("protocol"), "3");
    assert_string_equal(note("sklearn_version"), "1.5.2");
    assert_int_equal(w.header_bytes, 51);
    assert_int_equal(w.n_imports, 1);
    assert_true(w.imports[0].unsafe && !w.imports[0].dangerous);
    /* Old classes are made by a function. */
    assert_int_equal(READ("ccopy_reg\n_reconstructor\n(cshop\nShelf\nc__builtin__\nobject\nNtR."),
                     1);
    assert_string_equal(note("class"), "shop.Shelf");
    assert_string_equal(note("protocol"), "0");
    assert_int_equal(w.n_imports, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w.imports[i].unsafe, str_eqz(w.imports[i].name, "shop.Shelf"));
    assert_int_equal(READ("\x80\x02]."), 1);
    assert_string_equal(note("class"), "");
    /* Names that are no text are not told. */
    assert_int_equal(READ("\x80\x02X\1\0\0\0\xff."), 1);
}

static void judged(void **state)
{
    static const char *const dangerous[] = {
        "os.system",        "posix.system",    "nt.system",
        "subprocess.Popen", "builtins.eval",   "__builtin__.exec",
        "builtins.getattr", "runpy._run_code", "importlib.import_module",
        "os.path.join",     "socket.socket",   "torch.load",
        "webbrowser.open",  "pickle.loads",    "numpy.testing._private.utils.runstring",
    };
    static const char *const others[] = {
        "builtins.set", "osmium.system", "os",       "",
        "torch.Tensor", "numpy.dtype",   "builtins", "evil.os.system"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dangerous); i++)
        assert_true(imports_is_dangerous(str_from(dangerous[i])));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(imports_is_dangerous(str_from(others[i])));
}

/* Several in one file, and what a broken one has done before. */
static void several(void **state)
{
    (void)state;
    assert_int_equal(READ("\x80\x02]."
                          "\x80\x02"
                          "cos\nsystem\n."
                          "\x80\x02"
                          "csys\nexit\n(("),
                     1);
    assert_int_equal(w.n_imports, 2);
    assert_str(w.imports[0].name, "os.system");
    assert_str(w.imports[1].name, "sys.exit");
    assert_int_equal(w.header_bytes, 18);
    assert_err(READ("cposix\nsystem\n(S'id'\ntR\xff."), MODEL_INVALID,
               "pickle, which imports posix.system before it breaks: the pickle at byte 23");
    assert_err(READ("cshop\nShelf\n(S'id'\ntR\xff."), MODEL_INVALID, "pickle: the pickle at byte");
    assert_err(READ("\x80\x04" FRAME("\x7f") "]."), MODEL_INVALID, "pickle");
}

/* numpy.dtype(type, 0, 1) with its state; flags: 1 objects. */
#define DTYPE(type, flags)                                                                         \
    "cnumpy\ndtype\nX\2\0\0\0" type "\x89\x88\x87R(K\3X\1\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff" \
    "\xff" flags "tb"
#define WRAPPER                   "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}("
#define ARRAY(dtype, shape, more) WRAPPER "X\5\0\0\0shape" shape "X\5\0\0\0dtype" dtype more "ub"
#define ALIGNED                   "X\x1b\0\0\0numpy_array_alignment_bytesK\x10"

static void arrays(void **state)
{
    (void)state;
    /* Opcodes that would import something, were they not an array's bytes. */
    assert_int_equal(READ("\x80\x03" ARRAY(DTYPE("f8", "K\0"), "K\2\x85", "") "cos\nsystem\nxxxxx"
                                                                              "0cshop\nEnd\n."),
                     1);
    assert_int_equal(w.n_imports, 3);
    assert_str(w.imports[2].name, "shop.End");
    assert_false(w.imports[0].unsafe || w.imports[1].unsafe);
    /* With padding; text takes four bytes a character. */
    assert_int_equal(
        READ("\x80\x03" ARRAY(DTYPE("U1", "K\0"), "K\1K\2\x86", ALIGNED) "\3\xff\xff\xff"
                                                                         "cos\nsyst"
                                                                         "."),
        1);
    assert_int_equal(w.n_imports, 2);
    /* Nothing of an empty one, and of no shape at all one element. */
    assert_int_equal(READ("\x80\x03" ARRAY(DTYPE("f8", "K\0"), "K\0\x85", "") "."), 1);
    assert_int_equal(READ("\x80\x03" ARRAY(DTYPE("u1", "K\0"), ")", "") "c."), 1);
    /* Objects are a pickle in the pickle, whose imports count; records may hold some. */
    assert_int_equal(READ("\x80\x03" ARRAY(DTYPE("O8", "K\x3f"), "K\1\x85", "") "\x80\x02"
                                                                                "cos\nsystem\n."
                                                                                "."),
                     1);
    assert_int_equal(w.n_imports, 3);
    assert_true(w.imports[2].dangerous);
    assert_int_equal(READ("\x80\x03" ARRAY(DTYPE("V9", "K\1"), "K\1\x85", "") "\x80\x02N.."), 1);
    assert_err(READ("\x80\x03" ARRAY(DTYPE("f8", "K\0"), "K\2\x85", "") "short."), MODEL_INVALID,
               "an array");
    assert_err(READ("\x80\x03" ARRAY("N", "K\2\x85", "") "."), MODEL_INVALID, "without a type");
    assert_err(READ("\x80\x03" ARRAY(DTYPE("f8", "K\0"), "N", "") "."), MODEL_INVALID,
               "without a type or a shape");
    assert_err(READ("\x80\x03" ARRAY(DTYPE("f8", "K\0"),
                                     "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85", "") "."),
               MODEL_INVALID, "without a type or a shape");
}

/* Pickles in pickles have an end. */
static void nested(void **state)
{
    AUTO(buf) b = {0};
    struct str one = STR(ARRAY(DTYPE("O8", "K\x3f"), "K\1\x85", ""));
    (void)state;
    buf_init(&b, 16 * KIB);
    buf_addz(&b, "\x80\x03");
    for (int i = 0; i < 40; i++)
        buf_adds(&b, one);
    assert_err(read_bytes(buf_str(&b), &unit_e), LIMIT, "inside of each other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures), cmocka_unit_test(facts),  cmocka_unit_test(judged),
        cmocka_unit_test(several),    cmocka_unit_test(arrays), cmocka_unit_test(nested),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&memory);
    return rc;
}
