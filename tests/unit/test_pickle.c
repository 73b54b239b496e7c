/* SPDX-License-Identifier: Apache-2.0 */
/* Pickles: what each opcode makes, in every protocol, and programs that are traps. */
#include "base/buf.h"
#include "model/pickle.h"
#include "unit.h"

static struct arena heap;
static struct pickle p;
static struct pickle_value root;

static int read_bytes(struct str bytes, struct err *e)
{
    AUTO(model_window) w = {0};
    struct model_reader r = model_reader_memory(&bytes);
    arena_done(&heap);
    arena_init(&heap, 16 * MIB);
    pickle_init(&p, &heap);
    model_window_init(&w, &r);
    return pickle_read(&p, &w, &root, e);
}

#define READ(code)           read_bytes(STR(code), &unit_e)
#define BAD(code, sym, text) assert_err(READ(code), sym, text)
#define IS(code, kind_, number_)                                                                   \
    do {                                                                                           \
        assert_fine(READ(code));                                                                   \
        assert_int_equal(root.kind, kind_);                                                        \
        assert_true(root.number == (number_));                                                     \
    } while (0)
#define IS_TEXT(code, text)                                                                        \
    do {                                                                                           \
        assert_fine(READ(code));                                                                   \
        assert_int_equal(root.kind, PICKLE_TEXT);                                                  \
        assert_str(pickle_text(root), text);                                                       \
    } while (0)

static void numbers(void **state)
{
    (void)state;
    IS("N.", PICKLE_NONE, 0);
    IS("I01\n.", PICKLE_BOOL, 1);
    IS("I00\n.", PICKLE_BOOL, 0);
    IS("I-7\n.", PICKLE_INT, -7);
    IS("L12L\n.", PICKLE_INT, 12);
    IS("K\xff.", PICKLE_INT, 255);
    IS("M\xff\xff.", PICKLE_INT, 65535);
    IS("J\xff\xff\xff\xff.", PICKLE_INT, -1);
    IS("J\xff\xff\xff\x7f.", PICKLE_INT, INT32_MAX);
    IS("\x8a\x00.", PICKLE_INT, 0);
    IS("\x8a\x01\xff.", PICKLE_INT, -1);
    IS("\x8a\x02\xff\x00.", PICKLE_INT, 255);
    IS("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.", PICKLE_INT, INT64_MAX);
    IS("\x8b\x02\x00\x00\x00\x00\x80.", PICKLE_INT, -32768);
    IS("\x88.", PICKLE_BOOL, 1);
    IS("\x89.", PICKLE_BOOL, 0);
    /* those that are not told apart */
    IS("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00.", PICKLE_OTHER, 0);
    IS("L99999999999999999999L\n.", PICKLE_OTHER, 0);
    IS("F1.5\n.", PICKLE_OTHER, 0);
    IS("G12345678.", PICKLE_OTHER, 0);
    IS("C\x03"
       "abc.",
       PICKLE_OTHER, 0);
    IS("B\x03\0\0\0abc.", PICKLE_OTHER, 0);
    IS("\x8e\x03\0\0\0\0\0\0\0abc.", PICKLE_OTHER, 0);
    IS("\x96\x03\0\0\0\0\0\0\0abc.", PICKLE_OTHER, 0);
}

static void texts(void **state)
{
    AUTO(buf) b = {0};
    (void)state;
    IS_TEXT("S'it'\n.", "it");
    IS_TEXT("S\"it\"\n.", "it");
    IS_TEXT("U\2it.", "it");
    IS_TEXT("T\2\0\0\0it.", "it");
    IS_TEXT("Vit\n.", "it");
    IS_TEXT("X\2\0\0\0it.", "it");
    IS_TEXT("\x8c\2it.", "it");
    IS_TEXT("\x8d\2\0\0\0\0\0\0\0it.", "it");
    IS_TEXT("\x80\4\x95\4\0\0\0\0\0\0\0\x8c\0\x94.", "");
    BAD("Sit\n.", MODEL_INVALID, "quotation marks");
    BAD("S'\n.", MODEL_INVALID, "quotation marks");
    for (unsigned n = LIMIT_PICKLE_TEXT; n <= LIMIT_PICKLE_TEXT + 1; n++) {
        buf_init(&b, 8192);
        buf_addf(&b, "X%c%c%c%c%0*d.", (int)(n & 0xff), (int)(n >> 8), 0, 0, (int)n, 1);
        assert_fine(read_bytes(buf_str(&b), &unit_e));
        assert_int_equal(root.kind, n == LIMIT_PICKLE_TEXT ? PICKLE_TEXT : PICKLE_OTHER);
        buf_reset(&b);
        buf_addf(&b, "V%0*d\n.", (int)n, 1);
        if (n == LIMIT_PICKLE_TEXT)
            assert_fine(read_bytes(buf_str(&b), &unit_e));
        else
            assert_err(read_bytes(buf_str(&b), &unit_e), LIMIT, "a line of more than 4096");
        buf_done(&b);
    }
}

/* n items, the first of them the number 1. */
#define LIST(code, kind, n)                                                                        \
    do {                                                                                           \
        assert_fine(READ(code));                                                                   \
        is_list(kind, n);                                                                          \
    } while (0)
static void is_list(enum pickle_kind kind, uint32_t n)
{
    assert_int_equal(root.kind, kind);
    assert_int_equal(root.list->n, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(root.list->items[i].number, i + 1);
}

static void lists(void **state)
{
    (void)state;
    LIST("].", PICKLE_LIST, 0);
    LIST(").", PICKLE_TUPLE, 0);
    LIST("}.", PICKLE_DICT, 0);
    LIST("\x8f.", PICKLE_LIST, 0);
    LIST("(K\1K\2l.", PICKLE_LIST, 2);
    LIST("(K\1K\2t.", PICKLE_TUPLE, 2);
    LIST("(K\1K\2d.", PICKLE_DICT, 2);
    LIST("(K\1K\2\x91.", PICKLE_TUPLE, 2);
    LIST("K\1\x85.", PICKLE_TUPLE, 1);
    LIST("K\1K\2\x86.", PICKLE_TUPLE, 2);
    LIST("K\1K\2K\3\x87.", PICKLE_TUPLE, 3);
    LIST("]K\1aK\2a.", PICKLE_LIST, 2);
    LIST("](K\1K\2eK\3a.", PICKLE_LIST, 3);
    LIST("\x8f(K\1K\2\x90.", PICKLE_LIST, 2);
    LIST("}K\1K\2s(K\3K\4u.", PICKLE_DICT, 4);
    BAD("(K\1d.", MODEL_INVALID, "a key without a value");
    BAD("}(K\1u.", MODEL_INVALID, "a key without a value");
    BAD("K\1K\2a.", MODEL_INVALID, "no list");
    BAD("]K\1K\2s.", MODEL_INVALID, "no dictionary");
    BAD("K\1\x86.", MODEL_INVALID, "fewer values");
    BAD("K\1(K\1\x86.", MODEL_INVALID, "fewer values"); /* none below the mark */
    BAD("](K\1a.", MODEL_INVALID, "fewer values");
    BAD("t.", MODEL_INVALID, "there is none");
}

static void stack(void **state)
{
    (void)state;
    IS("K\1K\2"
       "0.",
       PICKLE_INT, 1);
    IS("K\1(0.", PICKLE_INT, 1);
    IS("K\1(K\2K\3"
       "1.",
       PICKLE_INT, 1);
    IS("K\1K\2q\0"
       "0h\0.",
       PICKLE_INT, 2);
    IS("K\1K\2p0\n0g0\n.", PICKLE_INT, 2);
    IS("K\1K\2r\0\0\0\0"
       "0j\0\0\0\0.",
       PICKLE_INT, 2);
    IS("K\1\x94K\2\x94"
       "0h\1.",
       PICKLE_INT, 2);
    IS("K\1"
       "20.",
       PICKLE_INT, 1);
    BAD("0.", MODEL_INVALID, "fewer values");
    BAD("1.", MODEL_INVALID, "there is none");
    BAD("2.", MODEL_INVALID, "fewer values");
    BAD("K\1(.", MODEL_INVALID, "fewer values");
    BAD("K\1q\2h\1.", MODEL_INVALID, "the memo 1 was never written");
    BAD("q\0.", MODEL_INVALID, "fewer values");
    BAD("K\1r\0\1\0\0.", MODEL_INVALID, "a pickle that is shorter");
    BAD("K\1p-1\n.", MODEL_INVALID, "number of a memo");
    BAD("K\1gx\n.", MODEL_INVALID, "number of a memo");
}

static void calls(void **state)
{
    static const char *const forms[] = {"cos\nsystem\nVx\n\x85R.", "(cos\nsystem\nVx\no.",
                                        "(Vx\nios\nsystem\n.", "Vos\nVsystem\n\x93Vx\n\x85\x81.",
                                        "cos\nsystem\nVx\n\x85}\x92."};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        assert_fine(read_bytes(str_from(forms[i]), &unit_e));
        assert_int_equal(root.kind, PICKLE_OBJECT);
        assert_true(pickle_is_global(root.object->callable, "os.system"));
        assert_int_equal(root.object->args.list->n, 1);
        assert_str(pickle_text(root.object->args.list->items[0]), "x");
        assert_int_equal(p.n_imports, 1);
        assert_str(p.imports[0], "os.system");
    }
    assert_fine(READ("ca\nb\n)R(K\1K\2eK\3K\4sVx\nb."));
    assert_int_equal(root.object->list.n, 2);
    assert_int_equal(root.object->dict.n, 2);
    assert_str(pickle_text(root.object->state), "x");
    assert_fine(READ("ca\nb\n)RK\1bK\2b."));
    assert_int_equal(root.object->state.number, 1);
    assert_int_equal(root.object->list.items[0].number, 2); /* none is lost */
    assert_fine(READ("}K\1b."));                            /* attributes of a dictionary */
    assert_fine(READ("ca\nb\n)}K\1K\2s\x92."));
    assert_int_equal(root.object->dict.n, 2);
    BAD("N)R.", MODEL_INVALID, "cannot be called");
    BAD("ca\nb\nNR.", MODEL_INVALID, "are no tuple");
    BAD("ca\nb\n)N\x92.", MODEL_INVALID, "no dictionary");
    BAD("(o.", MODEL_INVALID, "fewer values");
    BAD("ca\nb\n)RK\1K\2\x97.", MODEL_INVALID, "buffers");
}

static void imports(void **state)
{
    AUTO(buf) b = {0};
    (void)state;
    assert_fine(READ("cz\nb\n0ca\nb\n0cz\nb\n0\x82\1"
                     "0\x83\1\1"
                     "0\x84\1\1\1\0."));
    assert_int_equal(p.n_imports, 5);
    assert_str(p.imports[0], "a.b");
    assert_str(p.imports[1], "copyreg.extension_1");
    assert_str(p.imports[4], "z.b");
    BAD("NVx\n\x93.", MODEL_INVALID, "whose name is no text");
    BAD("c\xff\nx\n.", MODEL_INVALID, "is no text");
    BAD("ca\x1b\nx\n.", MODEL_INVALID, "is no text");
    buf_init(&b, 64 * KIB);
    for (int i = 0; i < LIMIT_PICKLE_IMPORTS; i++)
        buf_addf(&b, "cm%d\nx\n0", i);
    buf_addz(&b, "cm7\nx\n.");
    assert_fine(read_bytes(buf_str(&b), &unit_e));
    assert_int_equal(p.n_imports, LIMIT_PICKLE_IMPORTS);
    buf_addz(&b, ".");
    b.p[b.n - 6] = 'x';
    assert_err(read_bytes(buf_str(&b), &unit_e), LIMIT, "more than 1024 names");
}

static void persistent(void **state)
{
    (void)state;
    assert_fine(READ("K\1QK\2Q\x86Pkey\n\x86."));
    assert_int_equal(p.persistent.n, 3);
    assert_int_equal(p.persistent.items[1].kind, PICKLE_PERSISTENT);
    assert_int_equal(p.persistent.items[1].object->args.number, 2);
    assert_str(pickle_text(p.persistent.items[2].object->args), "key");
    BAD("Q.", MODEL_INVALID, "fewer values");
}

/* Several in a row, each with a memo of its own. */
static void rows(void **state)
{
    AUTO(model_window) w = {0};
    struct str bytes = STR("K\1q\0.K\2h\0.");
    struct model_reader r = model_reader_memory(&bytes);
    (void)state;
    arena_init(&heap, 1 * MIB);
    pickle_init(&p, &heap);
    model_window_init(&w, &r);
    assert_fine(pickle_read(&p, &w, &root, &unit_e));
    assert_int_equal(root.number, 1);
    assert_int_equal(w.at, 5);
    assert_err(pickle_read(&p, &w, &root, &unit_e), MODEL_INVALID, "at byte 7: the memo 0");
}

static void ceilings(void **state)
{
    AUTO(buf) b = {0};
    (void)state;
    BAD("", MODEL_INVALID, "is it complete");
    BAD("N", MODEL_INVALID, "is it complete");
    BAD("\xff.", MODEL_INVALID, "the opcode 0xff");
    BAD("\x80\x06N.", MODEL_INVALID, "protocol 6");
    BAD("\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", MODEL_INVALID, "is it complete");
    BAD("X\xff\xff\xff\xff.", MODEL_INVALID, "is it complete");
    BAD("\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", MODEL_INVALID, "is it complete");
    BAD("cos", MODEL_INVALID, "is it complete");
    buf_init(&b, 8 * MIB);
    for (unsigned i = 0; i <= LIMIT_PICKLE_STACK; i++)
        buf_addc(&b, 'N');
    assert_err(read_bytes(buf_str(&b), &unit_e), LIMIT, "values on the stack");
    memset(b.p, '(', b.n);
    assert_err(read_bytes(buf_str(&b), &unit_e), LIMIT, "marks on the stack");
    for (size_t i = 0; i < b.n; i++)
        b.p[i] = i % 2 ? '0' : ']';
    assert_err(read_bytes(buf_str(&b), &unit_e), LIMIT, "memory ceiling");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),    cmocka_unit_test(texts), cmocka_unit_test(lists),
        cmocka_unit_test(stack),      cmocka_unit_test(calls), cmocka_unit_test(imports),
        cmocka_unit_test(persistent), cmocka_unit_test(rows),  cmocka_unit_test(ceilings),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&heap);
    return rc;
}
