/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pickles that are no PyTorch's: what pickle.dump and joblib.dump write of whatever object, such as
 * scikit-learn's estimators. Nothing is executed (pickle.h): what it would import is listed and
 * judged, its class and protocol are told. Arrays are not described.
 *
 * joblib writes the bytes of an array into the middle of the pickle, behind the state of a wrapper
 * that says how many they are; an array of objects is a pickle of its own there. Source:
 * joblib/numpy_pickle.py. What it compresses as a whole is not looked into.
 *
 * A pickle has hardly a signature. Those of protocol 2 on begin with its number, and from 4 on with
 * a frame; older ones are told by how a name, a list or a dictionary is written at their beginning.
 */
#include "model/imports.h"
#include "model/path.h"
#include "model/pickle.h"
#include "model/pytorch_types.h"
#include "model/weight_format.h"

#include <inttypes.h>
#include <stdio.h>

#define PROTO       0x80
#define FRAME       0x95
#define FRAME_BYTES 8

/* ---- which it is ---- */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

static bool is_code(char c, const char *codes)
{
    return c && strchr(codes, c);
}

/* "module\nname\n", as GLOBAL and INST write it: *s behind it. */
static bool take_global(struct str *s)
{
    for (int i = 0; i < 2; i++) {
        size_t n = 0;
        while (n < s->n && is_name_char(s->p[n]))
            n++;
        if (n == 0 || n == s->n || s->p[n] != '\n')
            return false;
        *s = str_skip(*s, n + 1);
    }
    return true;
}

/* Protocols 0 and 1 begin with an opcode: a name that is imported, or a mark and then that, or a
 * list or dictionary that gets a memo, or a text. */
static bool is_old(struct str head)
{
    bool mark = head.n && head.p[0] == '(';
    struct str s = str_skip(head, mark);

    if (s.n < 3)
        return false;
    struct str rest = str_skip(s, 1);
    if (s.p[0] == 'c' || (mark && s.p[0] == 'i'))
        return take_global(&rest) && rest.n && is_code(rest.p[0], "pq()RN.IKSVUXg");
    if (mark && (s.p[0] == 'd' || s.p[0] == 'l'))
        return s.p[1] == 'p' && s.p[2] >= '0' && s.p[2] <= '9';
    if (!mark && (s.p[0] == '}' || s.p[0] == ']'))
        return s.p[1] == 'q' && s.p[2] == '\0';
    return mark && s.p[0] == 'S' && (s.p[1] == '\'' || s.p[1] == '"');
}

static bool is_raw_pickle(struct str head)
{
    if (head.n < 3 || (unsigned char)head.p[0] != PROTO)
        return is_old(head);
    unsigned protocol = (unsigned char)head.p[1], code = (unsigned char)head.p[2];
    if (protocol == 2 || protocol == 3)
        return is_code(head.p[2], "}])(cCXUTKMJNGB") || (code >= 0x88 && code <= 0x8b);
    if (protocol != 4 && protocol != 5)
        return false;
    if (code != FRAME)
        return head.n == 4 && head.p[3] == '.'; /* too small for a frame: "N." and its like */
    /* A frame of less than a TiB. */
    struct str length = str_head(str_skip(head, 3), FRAME_BYTES);
    return length.n == FRAME_BYTES && memcmp(length.p + 5, "\0\0\0", 3) == 0;
}

/* ---- what is harmless ---- */

/* Besides what PyTorch's loader takes: what puts arrays and plain values together. */
static bool is_harmless(struct str name)
{
    static const char *const names[] = {
        "__builtin__.frozenset",
        "__builtin__.list",
        "__builtin__.object",
        "__builtin__.range",
        "__builtin__.slice",
        "__builtin__.xrange",
        "builtins.bool",
        "builtins.bytes",
        "builtins.dict",
        "builtins.float",
        "builtins.frozenset",
        "builtins.int",
        "builtins.list",
        "builtins.object",
        "builtins.range",
        "builtins.slice",
        "builtins.str",
        "builtins.tuple",
        "collections.defaultdict",
        "collections.deque",
        "copy_reg._reconstructor",
        "copyreg.__newobj__",
        "copyreg.__newobj_ex__",
        "copyreg._reconstructor",
        "datetime.date",
        "datetime.datetime",
        "datetime.time",
        "datetime.timedelta",
        "datetime.timezone",
        "decimal.Decimal",
        "fractions.Fraction",
        "joblib.numpy_pickle.NumpyArrayWrapper",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.numeric._frombuffer",
        "numpy.core.multiarray._reconstruct",
        "numpy.core.multiarray.scalar",
        "numpy.core.numeric._frombuffer",
        "numpy.dtype",
        "numpy.ndarray",
        "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
        "uuid.UUID",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eqz(name, names[i]))
            return true;
    return pytorch_is_harmless(name);
}

/* ---- joblib's arrays ---- */

struct reading {
    struct pickle pickle;
    unsigned nested;
};

/* The value of a text key; UNSET: there is none. What was set last counts. */
static struct pickle_value get(const struct pickle_list *dict, const char *key)
{
    struct pickle_value found = {.kind = PICKLE_UNSET};

    for (uint32_t i = 0; i + 1 < dict->n; i += 2)
        if (str_eqz(pickle_text(dict->items[i]), key))
            found = dict->items[i + 1];
    return found;
}

/* numpy.dtype("f8", …) with its state, whose last number says whether it holds objects. false: it
 * cannot be told. */
static bool element_bytes(struct pickle_value dtype, uint64_t *ret, bool *ret_objects)
{
    const struct pickle_list *args =
        dtype.kind == PICKLE_OBJECT && pickle_is_global(dtype.object->callable, "numpy.dtype")
            ? dtype.object->args.list
            : NULL;
    struct str type = args && args->n ? pickle_text(args->items[0]) : STR_NULL;
    uint64_t n;

    if (type.n < 2 || !str_u64(str_skip(type, 1), 0, UINT32_MAX, &n))
        return false;
    const struct pickle_value state = dtype.object->state;
    const struct pickle_list *said = state.kind == PICKLE_TUPLE ? state.list : NULL;
    *ret_objects = type.p[0] == 'O' || (said && said->n >= 8 && said->items[7].kind == PICKLE_INT &&
                                        (said->items[7].number & 1));
    *ret = type.p[0] == 'U' ? 4 * n : n;
    return true;
}

static bool array_bytes(const struct pickle_list *state, uint64_t *ret, bool *ret_objects)
{
    struct pickle_value shape = get(state, "shape");
    uint64_t n;

    if (shape.kind != PICKLE_TUPLE || !element_bytes(get(state, "dtype"), &n, ret_objects))
        return false;
    for (uint32_t i = 0; i < shape.list->n; i++)
        if (shape.list->items[i].kind != PICKLE_INT || shape.list->items[i].number < 0 ||
            __builtin_mul_overflow(n, (uint64_t)shape.list->items[i].number, &n))
            return false;
    *ret = n;
    return true;
}

/* A byte that says how many follow, so that the array begins where memory can be mapped. */
static int skip_padding(struct model_window *w, struct err *e)
{
    struct str one;

    if (model_window_peek(w, 1, "the padding of an array", &one, e) < 0)
        return -1;
    return model_window_skip(w, 1u + (unsigned char)one.p[0], "the padding of an array", e);
}

static int skip_array(void *self, const struct pickle_object *o, struct model_window *w,
                      struct err *e)
{
    struct reading *r = self;
    struct pickle_value inner;
    uint64_t bytes;
    bool objects;

    if (!pickle_is_global(o->callable, "joblib.numpy_pickle.NumpyArrayWrapper") &&
        !pickle_is_global(o->callable, "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper"))
        return 0;
    if (o->state.kind != PICKLE_DICT || !array_bytes(o->state.list, &bytes, &objects))
        return ERR(e, MODEL_INVALID, "an array of joblib's without a type or a shape");
    if (objects) {
        if (r->nested == LIMIT_PICKLE_NESTED)
            return ERR(e, LIMIT, "more than %d pickles inside of each other", LIMIT_PICKLE_NESTED);
        r->nested++;
        int rc = pickle_read(&r->pickle, w, &inner, e);
        r->nested--;
        return rc;
    }
    if (get(o->state.list, "numpy_array_alignment_bytes").kind == PICKLE_INT &&
        skip_padding(w, e) < 0)
        return -1;
    return model_window_skip(w, bytes, "an array", e);
}

/* ---- the whole ---- */

/* What the object is: its class, however it is made. */
static struct str class_of(struct pickle_value v)
{
    if (v.kind != PICKLE_OBJECT)
        return STR("");
    struct pickle_value callable = v.object->callable;
    const struct pickle_list *args =
        v.object->args.kind == PICKLE_TUPLE ? v.object->args.list : NULL;
    bool by_help = pickle_is_global(callable, "copyreg._reconstructor") ||
                   pickle_is_global(callable, "copy_reg._reconstructor") ||
                   pickle_is_global(callable, "copyreg.__newobj__");
    return pickle_text(by_help && args && args->n ? args->items[0] : callable);
}

static int note(struct weight_list *l, struct arena *a, const char *key, struct str value,
                struct err *e)
{
    struct str kept;
    uint32_t point;

    for (struct str rest = value; rest.n;) {
        size_t n = str_utf8(rest, &point);
        if (n == 0)
            return 0; /* no text, so no name of anything */
        rest = str_skip(rest, n);
    }
    if (value.n == 0)
        return 0;
    return weight_keep(a, value, &kept, e) < 0 ? -1 : weight_list_note(l, str_from(key), kept, e);
}

static int describe(struct weight_list *l, struct arena *a, struct pickle_value root, int protocol,
                    struct err *e)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%d", protocol);
    if (note(l, a, "protocol", str_from(text), e) < 0 || note(l, a, "class", class_of(root), e) < 0)
        return -1;
    if (root.kind != PICKLE_OBJECT || root.object->state.kind != PICKLE_DICT)
        return 0;
    return note(l, a, "sklearn_version",
                pickle_text(get(root.object->state.list, "_sklearn_version")), e);
}

/* Others behind the first are read as far as they can be: programs write several into a file, and
 * what stands behind the last is for nobody. */
static int read_pickles(struct reading *r, struct model_window *w, struct pickle_value *ret,
                        uint64_t *ret_end, struct err *e)
{
    struct pickle_value next;
    struct err why = {.code = ERR_OK};

    if (pickle_read(&r->pickle, w, ret, e) < 0)
        return -1;
    *ret_end = w->at;
    while (model_window_left(w)) {
        if (pickle_read(&r->pickle, w, &next, &why) < 0)
            break;
        *ret_end = w->at;
    }
    if (why.code == ERR_OK || why.code == ERR_MODEL_INVALID || why.code == ERR_LIMIT)
        return 0;
    if (e)
        *e = why;
    return -1;
}

static int read_raw_pickle(struct arena *a, struct model_window *w, struct weights *ret,
                           struct err *e)
{
    AUTO(arena) heap = {0};
    AUTO(weight_list) list = {0};
    struct reading r = {.nested = 0};
    struct pickle_value root;
    struct str head;

    arena_init(&heap, LIMIT_PICKLE_MEMORY);
    pickle_init(&r.pickle, &heap);
    r.pickle.built = skip_array;
    r.pickle.self = &r;
    if (model_window_peek(w, 2, "the pickle", &head, e) < 0)
        return err_wrap(e, "pickle");
    int protocol = (unsigned char)head.p[0] == PROTO ? (unsigned char)head.p[1] : 0;
    if (read_pickles(&r, w, &root, &ret->header_bytes, e) < 0)
        return imports_wrap(e, "pickle", r.pickle.imports, r.pickle.n_imports);
    if (describe(&list, a, root, protocol, e) < 0 ||
        imports_keep(a, r.pickle.imports, r.pickle.n_imports, is_harmless, ret, e) < 0)
        return -1;
    return weight_list_finish(&list, a, ret, e);
}

const struct weight_format weight_format_pickle = {
    .name = "pickle", .opaque = true, .is = is_raw_pickle, .read = read_raw_pickle};
