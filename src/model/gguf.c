/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GGUF: "GGUF", version, number of tensors, number of keys; keys with typed values; tensors' names,
 * dimensions, types and offsets; then, aligned, their bytes. Source: ggml/docs/gguf.md; what is
 * checked is what gguf_init_from_file (ggml/src/gguf.cpp) checks, and what it leaves open: a file
 * that is read here can be loaded there. Versions 2 and 3, both byte orders; nested arrays, which
 * the format's text has, are read past.
 *
 * Values are walked one by one and only short ones are kept: vocabularies have megabytes.
 */
#include "base/json.h"
#include "model/gguf_types.h"
#include "model/path.h"
#include "model/weight_format.h"

#include <inttypes.h>
#include <math.h>

#define MAGIC "GGUF"
#define DIMS  4  /* of a tensor at most (GGML_MAX_DIMS) */
#define NAME  64 /* bytes of a tensor's name are fewer (GGML_MAX_NAME) */

#define ALIGNMENT 32 /* unless general.alignment says otherwise */

enum value_type {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    BOOL,
    STRING,
    ARRAY,
    U64,
    I64,
    F64,
};

/* Bytes of a value in the file; of a string and an array at least. */
static const struct {
    unsigned bytes;
    const char *many; /* for arrays that are told by their length */
} value_types[] = {
    [U8] = {1, "numbers"},    [I8] = {1, "numbers"},    [U16] = {2, "numbers"},
    [I16] = {2, "numbers"},   [U32] = {4, "numbers"},   [I32] = {4, "numbers"},
    [F32] = {4, "numbers"},   [BOOL] = {1, "booleans"}, [STRING] = {8, "strings"},
    [ARRAY] = {12, "arrays"}, [U64] = {8, "numbers"},   [I64] = {8, "numbers"},
    [F64] = {8, "numbers"},
};
/* The least that a key with its value, and a tensor's description, take. */
#define KEY_BYTES    (8 + 1 + 4 + 1)
#define TENSOR_BYTES (8 + 4 + 4 + 8)

struct header {
    struct arena *arena;
    struct model_window *w;
    struct weights *out;
    struct weight_list list;
    struct buf text; /* of the value just read */
    bool big;        /* endian */
    uint64_t alignment;
};

static void header_autodone(struct header *h)
{
    weight_list_autodone(&h->list);
    buf_done(&h->text);
}

static bool is_gguf(struct str head)
{
    return str_starts(head, STR(MAGIC));
}

/* An unsigned number of 1, 2, 4 or 8 bytes. */
static int read_uint(struct header *h, unsigned bytes, const char *what, uint64_t *ret,
                     struct err *e)
{
    struct str s;
    uint64_t v = 0;
    if (model_window_peek(h->w, bytes, what, &s, e) < 0)
        return -1;
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)s.p[h->big ? i : bytes - 1 - i];
    *ret = v;
    return model_window_skip(h->w, bytes, what, e);
}

static int read_u32(struct header *h, const char *what, uint64_t *ret, struct err *e)
{
    return read_uint(h, 4, what, ret, e);
}

static int read_u64(struct header *h, const char *what, uint64_t *ret, struct err *e)
{
    return read_uint(h, 8, what, ret, e);
}

/* A length in front of a text. */
static int read_length(struct header *h, uint64_t max, const char *what, uint64_t *ret,
                       struct err *e)
{
    uint64_t n;
    if (read_u64(h, what, &n, e) < 0)
        return -1;
    if (model_window_need(h->w, n, what, e) < 0)
        return -1;
    if (n > max)
        return ERR(e, LIMIT, "%s of %" PRIu64 " bytes; %" PRIu64 " are accepted", what, n, max);
    *ret = n;
    return 0;
}

/* A text of at most max bytes, kept in the arena. */
static int read_text(struct header *h, uint64_t max, const char *what, struct str *ret,
                     struct err *e)
{
    uint64_t n;
    struct str s;
    if (read_length(h, max, what, &n, e) < 0 || model_window_peek(h->w, (size_t)n, what, &s, e) < 0)
        return -1;
    if (weight_keep(h->arena, str_head(s, (size_t)n), ret, e) < 0)
        return -1;
    return model_window_skip(h->w, n, what, e);
}

/* ---- values ---- */

/* The shortest decimal that reads back as v. */
static void add_float(struct buf *out, double v, bool is_float)
{
    char text[64];
    if (!isfinite(v)) {
        buf_addz(out, isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        double back = strtod(text, NULL); /* style: our own digits */
        if (is_float ? (float)back == (float)v : back >= v && back <= v)
            break;
    }
    buf_addz(out, text);
}

/* A number or boolean goes behind out; *ret_u (may be NULL): its value, *ret_whole: when it is
 * whole and not negative. */
static int read_scalar(struct header *h, uint64_t type, struct buf *out, uint64_t *ret_u,
                       bool *ret_whole, struct err *e)
{
    unsigned bytes = value_types[type].bytes;
    uint64_t v;
    if (read_uint(h, bytes, "a value", &v, e) < 0)
        return -1;
    *ret_whole = false;
    *ret_u = v;
    if (type == BOOL) {
        if (v > 1)
            return ERR(e, MODEL_INVALID, "a boolean that is neither 0 nor 1");
        buf_addz(out, v ? "true" : "false");
    } else if (type == F32) {
        float f;
        uint32_t bits = (uint32_t)v;
        memcpy(&f, &bits, sizeof(f));
        add_float(out, (double)f, true);
    } else if (type == F64) {
        double d;
        memcpy(&d, &v, sizeof(d));
        add_float(out, d, false);
    } else if (type == I8 || type == I16 || type == I32 || type == I64) {
        unsigned shift = 64 - 8 * bytes;
        int64_t i = (int64_t)(v << shift) >> shift;
        *ret_whole = i >= 0;
        buf_addf(out, "%" PRId64, i);
    } else {
        *ret_whole = true;
        buf_addf(out, "%" PRIu64, v);
    }
    return 0;
}

/* n entries of at least so many bytes must be left. */
static int need_entries(const struct header *h, uint64_t n, uint64_t bytes, const char *what,
                        struct err *e)
{
    if (__builtin_mul_overflow(n, bytes, &bytes))
        bytes = UINT64_MAX;
    return model_window_need(h->w, bytes, what, e);
}

static int read_array_head(struct header *h, uint64_t *ret_type, uint64_t *ret_n, struct err *e)
{
    uint64_t type, n;
    if (read_u32(h, "an array's type", &type, e) < 0 || read_u64(h, "an array's length", &n, e) < 0)
        return -1;
    if (type >= ARRAY_LEN(value_types))
        return ERR(e, MODEL_INVALID, "an array of the unknown type %" PRIu64, type);
    if (need_entries(h, n, value_types[type].bytes, "an array", e) < 0)
        return -1;
    if (n > LIMIT_GGUF_ARRAY)
        return ERR(e, LIMIT, "an array of %" PRIu64 " %s; %llu are accepted", n,
                   value_types[type].many, LIMIT_GGUF_ARRAY);
    *ret_type = type;
    *ret_n = n;
    return 0;
}

static int skip_bools(struct header *h, uint64_t n, struct err *e)
{
    while (n) {
        struct str s;
        if (model_window_peek(h->w, 1, "an array", &s, e) < 0)
            return -1;
        s = str_head(s, (size_t)MIN_OF(n, s.n));
        for (size_t i = 0; i < s.n; i++)
            if ((unsigned char)s.p[i] > 1)
                return ERR(e, MODEL_INVALID, "a boolean that is neither 0 nor 1");
        n -= s.n;
        if (model_window_skip(h->w, s.n, "an array", e) < 0)
            return -1;
    }
    return 0;
}

/* Reads past n values of an array. */
static int skip_values(struct header *h, uint64_t type, uint64_t n, unsigned depth, struct err *e)
{
    if (type == BOOL)
        return skip_bools(h, n, e);
    if (type != STRING && type != ARRAY)
        return model_window_skip(h->w, n * value_types[type].bytes, "an array", e);
    if (depth == LIMIT_GGUF_NESTED)
        return ERR(e, LIMIT, "arrays nested deeper than %d", LIMIT_GGUF_NESTED);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t length, inner;
        if (type == STRING) {
            if (read_length(h, LIMIT_GGUF_STRING, "a string", &length, e) < 0 ||
                model_window_skip(h->w, length, "a string", e) < 0)
                return -1;
        } else if (read_array_head(h, &inner, &length, e) < 0 ||
                   skip_values(h, inner, length, depth + 1, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A string into h->text, as it is or told by its length. */
static int read_string(struct header *h, struct json_writer *item, struct err *e)
{
    uint64_t n;
    struct str s;
    if (read_length(h, LIMIT_GGUF_STRING, "a string", &n, e) < 0)
        return -1;
    if (n > LIMIT_WEIGHT_NOTE) {
        AUTO_FREE char *told = mem_printf("text of %" PRIu64 " bytes", n);
        if (item)
            jsonw_strz(item, told);
        else
            buf_addz(&h->text, told);
        return model_window_skip(h->w, n, "a string", e);
    }
    if (model_window_peek(h->w, (size_t)n, "a string", &s, e) < 0)
        return -1;
    s = str_head(s, (size_t)n);
    if (item)
        jsonw_str(item, s);
    else
        buf_adds(&h->text, s);
    return model_window_skip(h->w, n, "a string", e);
}

static int read_array(struct header *h, struct err *e)
{
    uint64_t type, n, number;
    bool whole;
    struct json_writer w;

    if (read_array_head(h, &type, &n, e) < 0)
        return -1;
    if (n > WEIGHT_ARRAY_SHOWN || type == ARRAY) {
        buf_addf(&h->text, "array of %" PRIu64 " %s", n, value_types[type].many);
        return skip_values(h, type, n, 1, e);
    }
    jsonw_init(&w, &h->text);
    jsonw_list(&w);
    for (uint64_t i = 0; i < n; i++) {
        if (type == STRING) {
            if (read_string(h, &w, e) < 0)
                return -1;
            continue;
        }
        AUTO(buf) text = {0};
        buf_init(&text, 64);
        if (read_scalar(h, type, &text, &number, &whole, e) < 0)
            return -1;
        if (type == F32 || type == F64) /* JSON has no word for infinity */
            jsonw_raw(&w, strpbrk(text.p, "in") ? STR("null") : buf_str(&text));
        else
            jsonw_raw(&w, buf_str(&text));
    }
    jsonw_list_done(&w);
    if (buf_ok(&h->text))
        return 0;
    buf_reset(&h->text);
    buf_addf(&h->text, "array of %" PRIu64 " %s", n, value_types[type].many);
    return 0;
}

/* ---- keys ---- */

static int check_key(struct str key, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    if (key.n == 0)
        return ERR(e, MODEL_INVALID, "a key is empty");
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] <= ' ' || key.p[i] > '~')
            return ERR(e, MODEL_INVALID, "the key \"%s\" is not plain ASCII",
                       model_path_show(key, show, sizeof(show)));
    return 0;
}

/* Keys whose meaning is known here. number: its value when it is whole and not negative. */
static int note_meaning(struct header *h, struct str key, uint64_t type, struct str text,
                        const uint64_t *number, struct err *e)
{
    struct weights *out = h->out;
    const struct {
        const char *key;
        struct str *to;
    } texts[] = {
        {"general.architecture", &out->architecture},
        {"general.name", &out->name},
        {"general.license", &out->license},
        {"tokenizer.chat_template", &out->chat_template},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (str_eqz(key, texts[i].key) && type == STRING)
            *texts[i].to = text;
    if (str_eqz(key, "general.alignment")) {
        if (type != U32 || *number == 0 || (*number & (*number - 1)))
            return ERR(e, MODEL_INVALID, "general.alignment is no power of two");
        h->alignment = *number;
    }
    if (number && str_eqz(key, "general.file_type"))
        out->quantization = str_from(gguf_file_type(*number));
    if (number && str_eqz(key, "split.count"))
        out->split_count = *number;
    return 0;
}

static int read_value(struct header *h, struct str key, struct err *e)
{
    uint64_t type, number = 0;
    bool whole = false;
    struct str text;

    if (read_u32(h, "a value's type", &type, e) < 0)
        return -1;
    if (type >= ARRAY_LEN(value_types))
        return ERR(e, MODEL_INVALID, "the unknown type %" PRIu64, type);
    buf_reset(&h->text);
    int rc;
    if (type == STRING)
        rc = read_string(h, NULL, e);
    else if (type == ARRAY)
        rc = read_array(h, e);
    else
        rc = read_scalar(h, type, &h->text, &number, &whole, e);
    if (rc < 0 || weight_keep(h->arena, buf_str(&h->text), &text, e) < 0 ||
        weight_list_note(&h->list, key, text, e) < 0)
        return -1;
    return note_meaning(h, key, type, text, whole ? &number : NULL, e);
}

static int read_keys(struct header *h, uint64_t n, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    for (uint64_t i = 0; i < n; i++) {
        struct str key;
        if (read_text(h, LIMIT_GGUF_KEY, "a key", &key, e) < 0 || check_key(key, e) < 0)
            return -1;
        if (read_value(h, key, e) < 0)
            return err_wrap(e, "the key \"%s\"", model_path_show(key, show, sizeof(show)));
    }
    return 0;
}

/* ARCHITECTURE.context_length. Which architecture it is may be said behind it. */
static void find_context(struct header *h)
{
    const struct str ending = STR(".context_length");
    struct str own = h->out->architecture;
    for (size_t i = 0; i < h->list.n_notes && own.n; i++) {
        const struct weight_note *note = &h->list.notes[i];
        if (note->key.n == own.n + ending.n && str_starts(note->key, own) &&
            str_ends(note->key, ending))
            (void)str_u64(note->value, 1, UINT64_MAX, &h->out->context_length);
    }
}

/* ---- tensors ---- */

static bool is_text(struct str s)
{
    uint32_t point;
    while (s.n) {
        size_t n = str_utf8(s, &point);
        if (n == 0 || point == 0)
            return false;
        s = str_skip(s, n);
    }
    return true;
}

/* *ret_offset: from where the tensors' bytes begin. */
static int read_description(struct header *h, struct weight_tensor *t, uint64_t *ret_offset,
                            struct err *e)
{
    uint64_t n_dims, dims[DIMS], type;

    if (read_u32(h, "a tensor's dimensions", &n_dims, e) < 0)
        return -1;
    if (n_dims > DIMS)
        return ERR(e, MODEL_INVALID, "%" PRIu64 " dimensions; there are at most %d", n_dims, DIMS);
    for (uint64_t i = 0; i < n_dims; i++) {
        if (read_u64(h, "a tensor's dimensions", &dims[i], e) < 0)
            return -1;
        if (dims[i] > INT64_MAX)
            return ERR(e, MODEL_INVALID, "dimensions that are too large");
    }
    if (read_u32(h, "a tensor's type", &type, e) < 0 ||
        read_u64(h, "a tensor's offset", ret_offset, e) < 0)
        return -1;
    t->dtype = gguf_type(type);
    if (!t->dtype)
        return ERR(e, MODEL_INVALID, "the type %" PRIu64 " is not known or was removed", type);
    t->n_dims = (unsigned)n_dims;
    uint64_t row = n_dims ? dims[0] : 1;
    if (row % t->dtype->block)
        return ERR(e, MODEL_INVALID, "rows of %" PRIu64 " elements do not divide into blocks of %u",
                   row, t->dtype->block);
    t->dims = dims;
    bool measured = weight_measure(t);
    t->dims = NULL;
    if (!measured || t->elements > INT64_MAX)
        return ERR(e, MODEL_INVALID, "dimensions that are too large");
    return weight_keep_dims(h->arena, dims, t->n_dims, &t->dims, e);
}

/* Rounds up to the alignment; false when that passes 64 bits. */
static bool align(const struct header *h, uint64_t *v)
{
    uint64_t up;
    if (__builtin_add_overflow(*v, h->alignment - 1, &up))
        return false;
    *v = up & ~(h->alignment - 1);
    return true;
}

/* The tensors lie one behind the other, each aligned; *ret_end: where the last one ends, seen from
 * the first. */
static int read_tensors(struct header *h, uint64_t n, uint64_t *ret_end, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    uint64_t next = 0, end = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct weight_tensor t = {.offset = 0};
        if (read_text(h, NAME - 1, "a tensor's name", &t.name, e) < 0)
            return -1;
        if (!is_text(t.name))
            return ERR(e, MODEL_INVALID, "the tensor's name \"%s\" is not UTF-8",
                       model_path_show(t.name, show, sizeof(show)));
        model_path_show(t.name, show, sizeof(show));
        if (read_description(h, &t, &t.offset, e) < 0)
            return err_wrap(e, "the tensor \"%s\"", show);
        if (t.offset != next)
            return ERR(e, MODEL_INVALID,
                       "the tensor \"%s\" begins at %" PRIu64 " instead of %" PRIu64
                       ", right behind the one before",
                       show, t.offset, next);
        if (__builtin_add_overflow(next, t.bytes, &end))
            return ERR(e, MODEL_INVALID, "the tensor \"%s\" ends nowhere", show);
        next = end;
        if (!align(h, &next))
            return ERR(e, MODEL_INVALID, "the tensor \"%s\" ends nowhere", show);
        if (weight_list_tensor(&h->list, &t, e) < 0)
            return -1;
    }
    *ret_end = end;
    return 0;
}

static int place_tensors(struct header *h, uint64_t bytes, struct err *e)
{
    uint64_t start = h->w->at, end, size = h->w->reader->size;
    h->out->header_bytes = start;
    if (!align(h, &start) || __builtin_add_overflow(start, bytes, &end))
        return ERR(e, MODEL_INVALID, "the tensors end nowhere");
    if (bytes && end > size)
        return ERR(e, MODEL_INVALID,
                   "the tensors end at byte %" PRIu64 ", but the file at byte %" PRIu64
                   "; is it complete?",
                   end, size);
    for (size_t i = 0; i < h->list.n_tensors; i++)
        h->list.tensors[i].offset += start;
    return 0;
}

/* ---- the whole ---- */

static int read_version(struct header *h, struct err *e)
{
    uint64_t version;
    if (model_window_skip(h->w, strlen(MAGIC), "the first bytes", e) < 0 ||
        read_u32(h, "the version", &version, e) < 0)
        return -1;
    if ((version & 0xffff) == 0) {
        h->big = h->out->big_endian = true;
        version = __builtin_bswap32((uint32_t)version);
    }
    if (version == 2 || version == 3)
        return 0;
    return ERR(e, MODEL_INVALID, "version %" PRIu64 " of the format; %s", version,
               version < 2 ? "convert the model again with today's tools"
                           : "2 and 3 are read here");
}

static int read_counts(struct header *h, uint64_t *ret_tensors, uint64_t *ret_keys, struct err *e)
{
    uint64_t tensors, keys;
    if (read_u64(h, "the number of tensors", &tensors, e) < 0 ||
        read_u64(h, "the number of keys", &keys, e) < 0)
        return -1;
    if (need_entries(h, keys, KEY_BYTES, "the keys", e) < 0 ||
        need_entries(h, tensors, TENSOR_BYTES, "the tensors' descriptions", e) < 0)
        return -1;
    if (tensors > LIMIT_WEIGHT_TENSORS || keys > LIMIT_WEIGHT_NOTES)
        return ERR(e, LIMIT, "%" PRIu64 " tensors and %" PRIu64 " keys; %d and %d are accepted",
                   tensors, keys, LIMIT_WEIGHT_TENSORS, LIMIT_WEIGHT_NOTES);
    *ret_tensors = tensors;
    *ret_keys = keys;
    return 0;
}

static int read_header(struct header *h, struct err *e)
{
    uint64_t tensors, keys, bytes;
    if (read_version(h, e) < 0 || read_counts(h, &tensors, &keys, e) < 0 ||
        read_keys(h, keys, e) < 0 || read_tensors(h, tensors, &bytes, e) < 0 ||
        place_tensors(h, bytes, e) < 0)
        return -1;
    find_context(h);
    return weight_list_finish(&h->list, h->arena, h->out, e);
}

static int read_gguf(struct arena *a, struct model_window *w, struct weights *ret, struct err *e)
{
    AUTO(header) h = {.arena = a, .w = w, .out = ret, .alignment = ALIGNMENT};
    buf_init(&h.text, LIMIT_WEIGHT_NOTE);
    model_window_limit(w, LIMIT_WEIGHT_HEADER);
    return read_header(&h, e) < 0 ? err_wrap(e, "GGUF") : 0;
}

const struct weight_format weight_format_gguf = {
    .name = "gguf", .promised = true, .is = is_gguf, .read = read_gguf};
