/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors: [0,8) the header's length N, little endian; [8,8+N) one JSON object that begins with
 * '{' and may end in blanks: tensor name -> {"dtype", "shape", "data_offsets": [begin, end)}, and
 * "__metadata__": texts; then the tensors' bytes, which data_offsets count from. What is checked is
 * what the reference implementation checks (safetensors/src/tensor.rs), and names that appear
 * twice: tensors lie behind each other without holes or overlaps from the first byte behind the
 * header to the last of the file, so that nothing can be hidden in it.
 */
#include "base/jsonr.h"
#include "model/path.h"
#include "model/weight_format.h"

#include <inttypes.h>
#include <stdlib.h>

/* Bytes before the header. */
#define PREFIX 8

static const struct weight_dtype dtypes[] = {
    {"BOOL", "bool", 1, 8},
    {"F4", NULL, 1, 4},
    {"F6_E2M3", NULL, 1, 6},
    {"F6_E3M2", NULL, 1, 6},
    {"U8", "uint8", 1, 8},
    {"I8", "int8", 1, 8},
    {"F8_E5M2", "float8_e5m2", 1, 8},
    {"F8_E4M3", "float8_e4m3", 1, 8},
    {"F8_E8M0", NULL, 1, 8},
    {"F8_E4M3FNUZ", NULL, 1, 8},
    {"F8_E5M2FNUZ", NULL, 1, 8},
    {"I16", "int16", 1, 16},
    {"U16", "uint16", 1, 16},
    {"F16", "float16", 1, 16},
    {"BF16", "bfloat16", 1, 16},
    {"I32", "int32", 1, 32},
    {"U32", "uint32", 1, 32},
    {"F32", "float32", 1, 32},
    {"C64", "complex64", 1, 64},
    {"F64", "float64", 1, 64},
    {"I64", "int64", 1, 64},
    {"U64", "uint64", 1, 64},
};

struct header {
    struct arena *arena;
    struct model_window *w;
    struct jsonr json;
    struct weight_list list;
    uint64_t data;       /* where the tensors' bytes begin in the file, */
    uint64_t data_bytes; /* and how many there are */
    bool metadata;       /* has been read */
};

static void header_autodone(struct header *h)
{
    jsonr_autodone(&h->json);
    weight_list_autodone(&h->list);
}

/* Text has a high byte here, and a header of 2^40 bytes is no header. */
static bool is_safetensors(struct str head)
{
    return head.n > PREFIX && head.p[5] == 0 && head.p[6] == 0 && head.p[7] == 0 &&
           head.p[PREFIX] == '{';
}

static int wrong_tensor(struct str name, const char *why, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    return ERR(e, MODEL_INVALID, "the tensor \"%s\" %s", model_path_show(name, show, sizeof(show)),
               why);
}

/* The text of the key just read, kept. */
static int take_name(struct header *h, struct str *ret, struct err *e)
{
    if (h->json.text_length > LIMIT_WEIGHT_NAME)
        return ERR(e, LIMIT, "a name in the header has more than %d bytes", LIMIT_WEIGHT_NAME);
    return weight_keep(h->arena, h->json.text, ret, e);
}

static int read_metadata(struct header *h, struct err *e)
{
    struct jsonr *json = &h->json;
    if (h->metadata)
        return ERR(e, MODEL_INVALID, "the key \"__metadata__\" appears twice");
    h->metadata = true;
    if (jsonr_next(json, e) < 0)
        return -1;
    if (json->type == JSONR_NOTHING) /* some writers have none and say so */
        return 0;
    if (json->type != JSONR_OBJECT)
        return jsonr_wrong(json, "\"__metadata__\" must be an object", e);
    for (;;) {
        struct str key, value;
        if (jsonr_next(json, e) < 0)
            return -1;
        if (json->type == JSONR_OBJECT_DONE)
            return 0;
        if (take_name(h, &key, e) < 0 || jsonr_next(json, e) < 0)
            return -1;
        if (json->type != JSONR_STRING)
            return jsonr_wrong(json, "values in \"__metadata__\" must be texts", e);
        if (json->text_length > json->text.n) {
            AUTO_FREE char *told = mem_printf("text of %" PRIu64 " bytes", json->text_length);
            if (weight_keep(h->arena, str_from(told), &value, e) < 0)
                return -1;
        } else if (weight_keep(h->arena, json->text, &value, e) < 0) {
            return -1;
        }
        if (weight_list_note(&h->list, key, value, e) < 0)
            return -1;
    }
}

static int read_dtype(struct header *h, struct weight_tensor *t, struct err *e)
{
    char name[MODEL_PATH_SHOW], dtype[64];
    if (jsonr_next(&h->json, e) < 0)
        return -1;
    if (h->json.type != JSONR_STRING)
        return wrong_tensor(t->name, "has a dtype that is not a text", e);
    for (size_t i = 0; i < ARRAY_LEN(dtypes) && !t->dtype; i++)
        if (str_eqz(h->json.text, dtypes[i].name))
            t->dtype = &dtypes[i];
    if (t->dtype)
        return 0;
    return ERR(e, MODEL_INVALID, "the tensor \"%s\" has the unknown dtype \"%s\"",
               model_path_show(t->name, name, sizeof(name)),
               model_path_show(h->json.text, dtype, sizeof(dtype)));
}

/* A list of numbers of at most max items; what: the key, for the message. */
static int read_numbers(struct header *h, struct str name, const char *what, uint64_t *out,
                        size_t max, unsigned *ret_n, struct err *e)
{
    char why[128];
    size_t n = 0;
    if (jsonr_next(&h->json, e) < 0)
        return -1;
    bool list = h->json.type == JSONR_LIST;
    while (list) {
        uint64_t v;
        if (jsonr_next(&h->json, e) < 0)
            return -1;
        if (h->json.type == JSONR_LIST_DONE) {
            *ret_n = (unsigned)n;
            return 0;
        }
        if (!jsonr_u64(&h->json, &v))
            break;
        if (n == max) {
            (void)snprintf(why, sizeof(why), "has more than %zu numbers in its %s", max, what);
            return wrong_tensor(name, why, e);
        }
        out[n++] = v;
    }
    (void)snprintf(why, sizeof(why), "has a %s that is not a list of whole numbers", what);
    return wrong_tensor(name, why, e);
}

/* Behind its name; offsets: its data_offsets. */
static int read_description(struct header *h, struct weight_tensor *t, uint64_t offsets[2],
                            struct err *e)
{
    struct jsonr *json = &h->json;
    uint64_t dims[LIMIT_WEIGHT_DIMS];
    unsigned n_offsets = 0;
    bool shape = false, places = false;

    if (jsonr_next(json, e) < 0)
        return -1;
    if (json->type != JSONR_OBJECT)
        return wrong_tensor(t->name, "is not described by an object", e);
    for (;;) {
        if (jsonr_next(json, e) < 0)
            return -1;
        if (json->type == JSONR_OBJECT_DONE)
            break;
        bool is_dtype = str_eq(json->text, STR("dtype"));
        bool is_shape = str_eq(json->text, STR("shape"));
        bool is_places = str_eq(json->text, STR("data_offsets"));
        if ((is_dtype && t->dtype) || (is_shape && shape) || (is_places && places))
            return wrong_tensor(t->name, "is described twice", e);
        int rc;
        if (is_dtype)
            rc = read_dtype(h, t, e);
        else if (is_shape)
            rc = read_numbers(h, t->name, "shape", dims, LIMIT_WEIGHT_DIMS, &t->n_dims, e);
        else if (is_places)
            rc = read_numbers(h, t->name, "data_offsets", offsets, 2, &n_offsets, e);
        else
            rc = jsonr_skip(json, e);
        if (rc < 0)
            return -1;
        shape = shape || is_shape;
        places = places || is_places;
    }
    if (!t->dtype || !shape || n_offsets != 2)
        return wrong_tensor(t->name, "lacks one of dtype, shape and two data_offsets", e);
    return weight_keep_dims(h->arena, dims, t->n_dims, &t->dims, e);
}

static int read_tensor(struct header *h, struct err *e)
{
    struct weight_tensor t = {.offset = 0};
    uint64_t at[2] = {0, 0};

    if (take_name(h, &t.name, e) < 0 || read_description(h, &t, at, e) < 0)
        return -1;
    if (!weight_measure(&t))
        return wrong_tensor(t.name, "has a shape that makes no size in bytes", e);
    if (at[1] < at[0])
        return wrong_tensor(t.name, "ends before it begins", e);
    if (at[1] > h->data_bytes)
        return wrong_tensor(t.name, "lies behind the end of the file; is it complete?", e);
    if (at[1] - at[0] != t.bytes)
        return wrong_tensor(t.name, "has data_offsets that do not fit its dtype and shape", e);
    t.offset = h->data + at[0];
    return weight_list_tensor(&h->list, &t, e);
}

static int by_offset(const void *va, const void *vb)
{
    const struct weight_tensor *a = va, *b = vb;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    if (a->bytes != b->bytes) /* empty ones stand before what begins where they do */
        return a->bytes < b->bytes ? -1 : 1;
    return str_cmp(a->name, b->name);
}

/* Every byte behind the header belongs to exactly one tensor. */
static int check_coverage(const struct header *h, struct err *e)
{
    uint64_t at = h->data;
    const struct weight_list *l = &h->list;

    if (l->n_tensors)
        qsort(l->tensors, l->n_tensors, sizeof(*l->tensors), by_offset);
    for (size_t i = 0; i < l->n_tensors; i++) {
        const struct weight_tensor *t = &l->tensors[i];
        if (t->offset < at)
            return wrong_tensor(t->name, "overlaps another one", e);
        if (t->offset > at)
            return wrong_tensor(t->name, "has bytes before it that belong to no tensor", e);
        at += t->bytes;
    }
    if (at != h->data + h->data_bytes)
        return ERR(e, MODEL_INVALID,
                   "the tensors end at byte %" PRIu64 ", but the file at byte %" PRIu64, at,
                   h->data + h->data_bytes);
    return 0;
}

static int read_header(struct header *h, struct err *e)
{
    struct jsonr *json = &h->json;
    jsonr_init(json, model_window_more, h->w, LIMIT_WEIGHT_NOTE, ERR_MODEL_INVALID);
    if (jsonr_next(json, e) < 0)
        return -1;
    BUG_ON(json->type != JSONR_OBJECT); /* is_safetensors saw its bracket */
    for (;;) {
        if (jsonr_next(json, e) < 0)
            return -1;
        if (json->type == JSONR_OBJECT_DONE)
            break;
        int rc = str_eq(json->text, STR("__metadata__")) ? read_metadata(h, e) : read_tensor(h, e);
        if (rc < 0)
            return -1;
    }
    return jsonr_next(json, e); /* nothing stands behind it */
}

static int read_length(struct model_window *w, uint64_t *ret, struct err *e)
{
    struct str bytes;
    uint64_t n = 0;
    if (model_window_peek(w, PREFIX, "the header's length", &bytes, e) < 0)
        return -1;
    for (size_t i = PREFIX; i-- > 0;)
        n = n << 8 | (unsigned char)bytes.p[i];
    if (n > LIMIT_WEIGHT_HEADER)
        return ERR(e, LIMIT, "the header has %" PRIu64 " bytes; %llu are accepted", n,
                   LIMIT_WEIGHT_HEADER);
    if (n > w->reader->size - PREFIX)
        return ERR(e, MODEL_INVALID,
                   "the header has %" PRIu64 " bytes, but the file ends at byte %" PRIu64
                   "; is it complete?",
                   n, w->reader->size);
    *ret = n;
    return model_window_skip(w, PREFIX, "the header's length", e);
}

static int read_safetensors(struct arena *a, struct model_window *w, struct weights *ret,
                            struct err *e)
{
    AUTO(header) h = {.arena = a, .w = w};
    uint64_t n;

    if (read_length(w, &n, e) < 0)
        return -1;
    h.data = PREFIX + n;
    h.data_bytes = w->reader->size - h.data;
    model_window_limit(w, h.data);
    model_window_expect(w);
    if (read_header(&h, e) < 0)
        return err_wrap(e, "safetensors");
    if (check_coverage(&h, e) < 0)
        return err_wrap(e, "safetensors");
    ret->header_bytes = h.data;
    return weight_list_finish(&h.list, a, ret, e);
}

const struct weight_format weight_format_safetensors = {
    .name = "safetensors", .promised = true, .is = is_safetensors, .read = read_safetensors};
