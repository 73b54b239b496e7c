/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX: one Protocol Buffers message, ModelProto; its graph holds the weights as initializers among
 * the nodes. Source: onnx/onnx.proto, docs/ExternalData.md. Fields of bytes are jumped over: a
 * model of many GB costs a small read for each of its tensors.
 *
 * What counts: the initializers of the graph, the values of sparse ones (as many as are stored),
 * and the initializers of graphs inside of nodes (If, Loop, Scan), which are called
 * "#NODE/ATTRIBUTE/NAME", NODE counted from 0. What does not: tensors in attributes (Constant),
 * functions, and what is there for training alone. A tensor may lie in a file beside this one; that
 * one is not looked at.
 */
#include "base/json.h"
#include "model/path.h"
#include "model/protobuf.h"
#include "model/weight_format.h"

#include <inttypes.h>

/* Numbers of fields. */
enum { MODEL_VERSION = 1, MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14 };
enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5, GRAPH_SPARSE = 15 };
enum { NODE_OPERATOR = 4, NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_GRAPH = 6, ATTRIBUTE_GRAPHS = 11 };
enum { SPARSE_VALUES = 1 };
enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_FLOATS = 4,
    TENSOR_INT32S = 5,
    TENSOR_STRINGS = 6,
    TENSOR_INT64S = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLES = 10,
    TENSOR_UINT64S = 11,
    TENSOR_EXTERNAL = 13,
    TENSOR_PLACE = 14,
};

/* What of the model becomes a note, by the field's number. */
#define WORDS 7
static const char *const words[WORDS] = {
    [1] = "onnx.ir_version", [2] = "onnx.producer_name", [3] = "onnx.producer_version",
    [4] = "onnx.domain",     [5] = "onnx.model_version", [6] = "onnx.doc_string",
};
#define OPSET     "onnx.opset."
#define OPERATORS "onnx.operators"
#define STANDARD  "ai.onnx" /* the domain of operators that need not name theirs */

#define STRING 8
static const struct weight_dtype types[] = {
    [1] = {"FLOAT", "float32", 1, 32},
    [2] = {"UINT8", "uint8", 1, 8},
    [3] = {"INT8", "int8", 1, 8},
    [4] = {"UINT16", "uint16", 1, 16},
    [5] = {"INT16", "int16", 1, 16},
    [6] = {"INT32", "int32", 1, 32},
    [7] = {"INT64", "int64", 1, 64},
    [STRING] = {"STRING", NULL, 1, 0}, /* of any length */
    [9] = {"BOOL", "bool", 1, 8},
    [10] = {"FLOAT16", "float16", 1, 16},
    [11] = {"DOUBLE", "float64", 1, 64},
    [12] = {"UINT32", "uint32", 1, 32},
    [13] = {"UINT64", "uint64", 1, 64},
    [14] = {"COMPLEX64", "complex64", 1, 64},
    [15] = {"COMPLEX128", "complex128", 1, 128},
    [16] = {"BFLOAT16", "bfloat16", 1, 16},
    [17] = {"FLOAT8E4M3FN", "float8_e4m3", 1, 8},
    [18] = {"FLOAT8E4M3FNUZ", "float8_e4m3", 1, 8},
    [19] = {"FLOAT8E5M2", "float8_e5m2", 1, 8},
    [20] = {"FLOAT8E5M2FNUZ", "float8_e5m2", 1, 8},
    [21] = {"UINT4", NULL, 1, 4},
    [22] = {"INT4", NULL, 1, 4},
    [23] = {"FLOAT4E2M1", NULL, 1, 4},
    [24] = {"FLOAT8E8M0", NULL, 1, 8},
    [25] = {"UINT2", NULL, 1, 2},
    [26] = {"INT2", NULL, 1, 2},
};

struct operators {
    struct str name;
    uint64_t n; /* nodes */
};

struct model {
    struct arena *arena;
    struct weights *out;
    struct protobuf proto;
    struct weight_list list;
    struct str words[WORDS];
    struct operators *operators; /* sorted by name */
    size_t n_operators;
    struct buf path; /* in front of names: the graphs that the walk is in */
    unsigned depth;
    bool graph; /* there is one */
};

static void model_autodone(struct model *m)
{
    weight_list_autodone(&m->list);
    mem_free(m->operators);
    buf_done(&m->path);
}

static bool is_field(const struct protobuf_field *f, uint64_t number, enum protobuf_type type)
{
    return f->number == number && f->type == type;
}

/* Where the bytes of the field just read end. */
static uint64_t end_of(const struct model *m, const struct protobuf_field *f)
{
    return m->proto.w->at + f->value;
}

/* The field's text: longer than max is LIMIT. what: for the message. */
static int read_text(struct model *m, const struct protobuf_field *f, uint64_t max,
                     const char *what, struct str *ret, struct err *e)
{
    struct str s;
    if (f->value > max)
        return ERR(e, LIMIT, "%s of %" PRIu64 " bytes; %" PRIu64 " are accepted", what, f->value,
                   max);
    if (model_window_peek(m->proto.w, (size_t)f->value, what, &s, e) < 0 ||
        weight_keep(m->arena, str_head(s, (size_t)f->value), ret, e) < 0)
        return -1;
    return protobuf_skip(&m->proto, f, e);
}

/* The same for what becomes a note: told by its length when it is long. */
static int read_word(struct model *m, const struct protobuf_field *f, struct str *ret,
                     struct err *e)
{
    if (f->type == PROTOBUF_BYTES && f->value <= LIMIT_WEIGHT_NOTE)
        return read_text(m, f, LIMIT_WEIGHT_NOTE, "a text", ret, e);
    AUTO_FREE char *told = f->type == PROTOBUF_BYTES
                               ? mem_printf("text of %" PRIu64 " bytes", f->value)
                               : mem_printf("%" PRId64, (int64_t)f->value);
    if (weight_keep(m->arena, str_from(told), ret, e) < 0)
        return -1;
    return protobuf_skip(&m->proto, f, e);
}

/* ---- tensors ---- */

/* What a TensorProto says. */
struct said {
    struct str name, location;
    uint64_t type;
    uint64_t dims[LIMIT_WEIGHT_DIMS];
    unsigned n_dims;
    bool has_raw, external, has_length;
    uint64_t raw_at, raw_bytes;
    /* Of data in fields with types: where they are, how many values are known to be there, and
     * bytes of lists whose values have one to ten bytes each. */
    uint64_t begin, end, values, loose;
    uint64_t offset, length; /* in the other file */
};

static int wrong_tensor(const struct said *x, const char *why, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    return ERR(e, MODEL_INVALID, "the tensor \"%s\" %s",
               model_path_show(x->name, show, sizeof(show)), why);
}

static int add_dim(struct said *x, uint64_t dim, struct err *e)
{
    if (x->n_dims == LIMIT_WEIGHT_DIMS)
        return ERR(e, MODEL_INVALID, "a tensor of more than %d dimensions", LIMIT_WEIGHT_DIMS);
    if (dim > INT64_MAX)
        return ERR(e, MODEL_INVALID, "a tensor has a dimension below 0");
    x->dims[x->n_dims++] = dim;
    return 0;
}

static int read_dims(struct model *m, const struct protobuf_field *f, struct said *x, struct err *e)
{
    if (f->type == PROTOBUF_NUMBER)
        return add_dim(x, f->value, e);
    uint64_t end = end_of(m, f), dim;
    while (m->proto.w->at < end)
        if (protobuf_number(&m->proto, end, &dim, e) < 0 || add_dim(x, dim, e) < 0)
            return -1;
    return 0;
}

/* Values in a field of their type, one by one or as a list. at: where the field begins. */
static int read_values(struct model *m, const struct protobuf_field *f, uint64_t at, struct said *x,
                       struct err *e)
{
    bool list = f->type == PROTOBUF_BYTES && f->number != TENSOR_STRINGS;
    if (list)
        at = m->proto.w->at;
    if (x->end == 0)
        x->begin = at;
    if (!list)
        x->values++;
    else if (f->number == TENSOR_FLOATS)
        x->values += f->value / 4;
    else if (f->number == TENSOR_DOUBLES)
        x->values += f->value / 8;
    else
        x->loose += f->value;
    if (protobuf_skip(&m->proto, f, e) < 0)
        return -1;
    x->end = m->proto.w->at;
    return 0;
}

/* One of: location, offset, length, checksum. */
static int read_external(struct model *m, uint64_t end, struct said *x, struct err *e)
{
    struct protobuf_field f;
    struct str key = STR_NULL, value = STR_NULL;
    int rc;
    while ((rc = protobuf_next(&m->proto, end, &f, e)) > 0) {
        if (is_field(&f, 1, PROTOBUF_BYTES))
            rc = read_text(m, &f, LIMIT_ONNX_WORD, "a word about a tensor's place", &key, e);
        else if (is_field(&f, 2, PROTOBUF_BYTES))
            rc = read_text(m, &f, LIMIT_ONNX_WORD, "a word about a tensor's place", &value, e);
        else
            rc = protobuf_skip(&m->proto, &f, e);
        if (rc < 0)
            return -1;
    }
    if (rc < 0)
        return -1;
    if (str_eqz(key, "location"))
        x->location = value;
    bool offset = str_eqz(key, "offset"), length = str_eqz(key, "length");
    if ((offset && !str_u64(value, 0, INT64_MAX, &x->offset)) ||
        (length && !str_u64(value, 0, INT64_MAX, &x->length)))
        return ERR(e, MODEL_INVALID, "a tensor's place in another file is no number");
    x->has_length = x->has_length || length;
    return 0;
}

static int read_said(struct model *m, uint64_t end, struct said *x, struct err *e)
{
    struct protobuf_field f;
    int rc;
    for (;;) {
        uint64_t at = m->proto.w->at;
        rc = protobuf_next(&m->proto, end, &f, e);
        if (rc <= 0)
            return rc;
        bool bytes = f.type == PROTOBUF_BYTES;
        if (f.number == TENSOR_DIMS && (bytes || f.type == PROTOBUF_NUMBER)) {
            rc = read_dims(m, &f, x, e);
        } else if (is_field(&f, TENSOR_TYPE, PROTOBUF_NUMBER)) {
            x->type = f.value;
        } else if (f.number == TENSOR_NAME && bytes) {
            rc = read_text(m, &f, LIMIT_WEIGHT_NAME, "a tensor's name", &x->name, e);
        } else if (f.number == TENSOR_RAW && bytes) {
            x->has_raw = true;
            x->raw_at = m->proto.w->at;
            x->raw_bytes = f.value;
            rc = protobuf_skip(&m->proto, &f, e);
        } else if (f.number == TENSOR_EXTERNAL && bytes) {
            rc = read_external(m, end_of(m, &f), x, e);
        } else if (is_field(&f, TENSOR_PLACE, PROTOBUF_NUMBER)) {
            x->external = f.value == 1;
        } else if (f.number == TENSOR_FLOATS || f.number == TENSOR_INT32S ||
                   f.number == TENSOR_STRINGS || f.number == TENSOR_INT64S ||
                   f.number == TENSOR_DOUBLES || f.number == TENSOR_UINT64S) {
            rc = read_values(m, &f, at, x, e);
        } else {
            rc = protobuf_skip(&m->proto, &f, e);
        }
        if (rc < 0)
            return -1;
    }
}

static int place_external(const struct said *x, struct weight_tensor *t, struct err *e)
{
    struct str path = x->location;
    if (str_starts(path, STR("./"))) /* some writers */
        path = str_skip(path, 2);
    if (model_path_check(path, e) < 0) {
        char show[MODEL_PATH_SHOW];
        return err_wrap(e, "where the tensor \"%s\" lies",
                        model_path_show(x->name, show, sizeof(show)));
    }
    if (x->has_length && x->length != t->bytes)
        return wrong_tensor(x, "has a length in another file that does not fit its shape and type",
                            e);
    if (t->bytes > INT64_MAX - x->offset)
        return wrong_tensor(x, "ends nowhere", e);
    t->external = path;
    t->offset = x->offset;
    return 0;
}

/* Values in fields of their own: as many as the shape wants, as far as that shows. */
static int place_values(const struct said *x, struct weight_tensor *t, struct err *e)
{
    uint64_t wanted = t->elements;
    if (t->dtype->bits < 8 && t->dtype->bits)
        wanted = t->bytes; /* a byte of several goes into each */
    if (str_starts(str_from(t->dtype->name), STR("COMPLEX")))
        wanted *= 2; /* elements have at least 8 bytes: that is no overflow */
    if (wanted > x->values + x->loose || wanted < x->values + x->loose / 10)
        return wrong_tensor(x, "has another number of values than its shape", e);
    t->offset = x->begin;
    t->bytes = x->end - x->begin;
    return 0;
}

static int place_tensor(const struct said *x, struct weight_tensor *t, struct err *e)
{
    if (x->external)
        return place_external(x, t, e);
    if (!x->has_raw)
        return place_values(x, t, e);
    if (t->dtype == &types[STRING] || x->raw_bytes != t->bytes)
        return wrong_tensor(x, "has another number of bytes than its shape and type take", e);
    t->offset = x->raw_at;
    return 0;
}

static int read_tensor(struct model *m, uint64_t end, struct err *e)
{
    struct weight_tensor t = {.offset = 0};
    struct said x = {.type = 0};

    if (read_said(m, end, &x, e) < 0)
        return -1;
    if (x.type >= ARRAY_LEN(types) || !types[x.type].name)
        return wrong_tensor(&x, "has elements of no type that is known", e);
    t.dtype = &types[x.type];
    t.n_dims = x.n_dims;
    if (weight_keep_dims(m->arena, x.dims, x.n_dims, &t.dims, e) < 0)
        return -1;
    if (!weight_measure_up(&t) || t.elements > INT64_MAX)
        return wrong_tensor(&x, "has a shape that makes no size in bytes", e);
    if (place_tensor(&x, &t, e) < 0)
        return -1;
    size_t before = m->path.n;
    buf_adds(&m->path, x.name);
    struct str name = buf_str(&m->path);
    if (name.n > LIMIT_WEIGHT_NAME)
        return ERR(e, LIMIT, "a tensor's name has more than %d bytes", LIMIT_WEIGHT_NAME);
    if (weight_keep(m->arena, name, &t.name, e) < 0)
        return -1;
    buf_cut(&m->path, before);
    return weight_list_tensor(&m->list, &t, e);
}

static int read_sparse(struct model *m, uint64_t end, struct err *e)
{
    struct protobuf_field f;
    int rc;
    while ((rc = protobuf_next(&m->proto, end, &f, e)) > 0)
        if ((is_field(&f, SPARSE_VALUES, PROTOBUF_BYTES) ? read_tensor(m, end_of(m, &f), e)
                                                         : protobuf_skip(&m->proto, &f, e)) < 0)
            return -1;
    return rc;
}

/* ---- nodes and graphs ---- */

static int count_operator(struct model *m, struct str domain, struct str name, struct err *e)
{
    size_t low = 0, high = m->n_operators;
    AUTO_FREE char *whole = domain.n && !str_eqz(domain, STANDARD)
                                ? mem_printf("%.*s.%.*s", S(domain), S(name))
                                : mem_printf("%.*s", S(name));
    struct str key = str_from(whole);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(m->operators[middle].name, key);
        if (order == 0) {
            m->operators[middle].n++;
            return 0;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (m->n_operators == LIMIT_ONNX_OPERATORS)
        return ERR(e, LIMIT, "more than %d different operators", LIMIT_ONNX_OPERATORS);
    if (!m->operators)
        m->operators = NEW_ARRAY(LIMIT_ONNX_OPERATORS, struct operators);
    memmove(&m->operators[low + 1], &m->operators[low],
            (m->n_operators - low) * sizeof(*m->operators));
    m->operators[low] = (struct operators){.n = 1};
    m->n_operators++;
    return weight_keep(m->arena, key, &m->operators[low].name, e);
}

static int read_graph(struct model *m, uint64_t end, struct err *e);

/* A graph in the attribute of a node. */
static int read_inner(struct model *m, uint64_t end, uint64_t node, struct str attribute,
                      struct err *e)
{
    size_t before = m->path.n;
    if (m->depth == LIMIT_ONNX_NESTED)
        return ERR(e, LIMIT, "graphs nested deeper than %d", LIMIT_ONNX_NESTED);
    m->depth++;
    buf_addf(&m->path, "#%" PRIu64 "/%.*s/", node, S(attribute));
    if (read_graph(m, end, e) < 0)
        return -1;
    buf_cut(&m->path, before);
    m->depth--;
    return 0;
}

static int read_attribute(struct model *m, uint64_t end, uint64_t node, struct err *e)
{
    struct protobuf_field f;
    struct str name = STR_NULL;
    unsigned graphs = 0;
    int rc;
    while ((rc = protobuf_next(&m->proto, end, &f, e)) > 0) {
        if (is_field(&f, ATTRIBUTE_NAME, PROTOBUF_BYTES)) {
            rc = read_text(m, &f, LIMIT_MODEL_NAME, "an attribute's name", &name, e);
        } else if (is_field(&f, ATTRIBUTE_GRAPH, PROTOBUF_BYTES)) {
            rc = read_inner(m, end_of(m, &f), node, name, e);
        } else if (is_field(&f, ATTRIBUTE_GRAPHS, PROTOBUF_BYTES)) {
            AUTO_FREE char *one = mem_printf("%.*s[%u]", S(name), graphs++);
            rc = read_inner(m, end_of(m, &f), node, str_from(one), e);
        } else {
            rc = protobuf_skip(&m->proto, &f, e);
        }
        if (rc < 0)
            return -1;
    }
    return rc;
}

static int read_node(struct model *m, uint64_t end, uint64_t index, struct err *e)
{
    struct protobuf_field f;
    struct str name = STR_NULL, domain = STR_NULL;
    int rc;
    while ((rc = protobuf_next(&m->proto, end, &f, e)) > 0) {
        if (is_field(&f, NODE_OPERATOR, PROTOBUF_BYTES))
            rc = read_text(m, &f, LIMIT_MODEL_NAME, "an operator's name", &name, e);
        else if (is_field(&f, NODE_DOMAIN, PROTOBUF_BYTES))
            rc = read_text(m, &f, LIMIT_MODEL_NAME, "an operator's domain", &domain, e);
        else if (is_field(&f, NODE_ATTRIBUTE, PROTOBUF_BYTES))
            rc = read_attribute(m, end_of(m, &f), index, e);
        else
            rc = protobuf_skip(&m->proto, &f, e);
        if (rc < 0)
            return -1;
    }
    return rc < 0 ? -1 : count_operator(m, domain, name, e);
}

static int read_graph(struct model *m, uint64_t end, struct err *e)
{
    struct protobuf_field f;
    uint64_t nodes = 0;
    int rc;
    while ((rc = protobuf_next(&m->proto, end, &f, e)) > 0) {
        if (is_field(&f, GRAPH_NODE, PROTOBUF_BYTES))
            rc = read_node(m, end_of(m, &f), nodes++, e);
        else if (is_field(&f, GRAPH_INITIALIZER, PROTOBUF_BYTES))
            rc = read_tensor(m, end_of(m, &f), e);
        else if (is_field(&f, GRAPH_SPARSE, PROTOBUF_BYTES))
            rc = read_sparse(m, end_of(m, &f), e);
        else
            rc = protobuf_skip(&m->proto, &f, e);
        if (rc < 0)
            return -1;
    }
    return rc;
}

/* ---- the model ---- */

/* Two texts of a message: a key and its value, or a domain and its version. */
static int read_pair(struct model *m, uint64_t end, struct str *ret_key, struct str *ret_value,
                     struct err *e)
{
    struct protobuf_field f;
    int rc;
    *ret_key = *ret_value = STR_NULL;
    while ((rc = protobuf_next(&m->proto, end, &f, e)) > 0) {
        if (is_field(&f, 1, PROTOBUF_BYTES))
            rc = read_text(m, &f, LIMIT_WEIGHT_NAME, "a key", ret_key, e);
        else if (f.number == 2)
            rc = read_word(m, &f, ret_value, e);
        else
            rc = protobuf_skip(&m->proto, &f, e);
        if (rc < 0)
            return -1;
    }
    return rc;
}

static int read_opset(struct model *m, uint64_t end, struct err *e)
{
    struct str domain, version, key;
    if (read_pair(m, end, &domain, &version, e) < 0)
        return -1;
    if (domain.n == 0)
        domain = STR(STANDARD);
    AUTO_FREE char *whole = mem_printf(OPSET "%.*s", S(domain));
    if (weight_keep(m->arena, str_from(whole), &key, e) < 0)
        return -1;
    return weight_list_note(&m->list, key, version, e);
}

static int read_metadata(struct model *m, uint64_t end, struct err *e)
{
    struct str key, value;
    if (read_pair(m, end, &key, &value, e) < 0)
        return -1;
    return weight_list_note(&m->list, key, value, e);
}

static int read_fields(struct model *m, struct err *e)
{
    struct protobuf_field f;
    uint64_t end = m->proto.w->reader->size;
    int rc;
    while ((rc = protobuf_next(&m->proto, end, &f, e)) > 0) {
        if (f.number < WORDS && words[f.number]) {
            rc = read_word(m, &f, &m->words[f.number], e);
        } else if (is_field(&f, MODEL_GRAPH, PROTOBUF_BYTES)) {
            m->graph = true;
            rc = read_graph(m, end_of(m, &f), e);
        } else if (is_field(&f, MODEL_OPSET, PROTOBUF_BYTES)) {
            rc = read_opset(m, end_of(m, &f), e);
        } else if (is_field(&f, MODEL_METADATA, PROTOBUF_BYTES)) {
            rc = read_metadata(m, end_of(m, &f), e);
        } else {
            rc = protobuf_skip(&m->proto, &f, e);
        }
        if (rc < 0)
            return -1;
    }
    return rc;
}

/* Which operators there are and how many nodes of each, as a JSON object. */
static int note_operators(struct model *m, struct err *e)
{
    AUTO(buf) text = {0};
    struct json_writer w;
    struct str kept;
    buf_init(&text, LIMIT_WEIGHT_NOTE);
    jsonw_init(&w, &text);
    jsonw_object(&w);
    for (size_t i = 0; i < m->n_operators; i++) {
        jsonw_keys(&w, m->operators[i].name);
        jsonw_u64(&w, m->operators[i].n);
    }
    jsonw_object_done(&w);
    if (!buf_ok(&text)) {
        buf_reset(&text);
        buf_addf(&text, "%zu different ones", m->n_operators);
    }
    if (weight_keep(m->arena, buf_str(&text), &kept, e) < 0)
        return -1;
    return weight_list_note(&m->list, STR(OPERATORS), kept, e);
}

static int finish(struct model *m, struct err *e)
{
    if (!m->graph)
        return ERR(e, MODEL_INVALID, "the model has no graph");
    for (size_t i = 0; i < WORDS; i++)
        if (m->words[i].n && weight_list_note(&m->list, str_from(words[i]), m->words[i], e) < 0)
            return -1;
    if (m->n_operators && note_operators(m, e) < 0)
        return -1;
    return weight_list_finish(&m->list, m->arena, m->out, e);
}

/* ---- which it is ---- */

/* A field of the head: its number and type, and what is inside. 0: that is not here. */
static size_t head_number(struct str s, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < s.n && i < 10; i++) {
        *ret |= (uint64_t)((unsigned char)s.p[i] & 0x7f) << (7 * i);
        if (!((unsigned char)s.p[i] & 0x80))
            return i + 1;
    }
    return 0;
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\t' && s.p[i] != '\r')
            return false;
    return true;
}

/* There is no magic. Every writer begins with the version, a small number; behind it stand texts
 * until one of the messages that only ONNX has in this place. Other messages that begin with a
 * small number (TensorFlow's SavedModel, CoreML, a TensorProto) have a message or a number where
 * the texts are here. */
static bool is_onnx(struct str head)
{
    if (head.n < 4 || head.p[0] != 0x08 || head.p[1] < 1 || head.p[1] > 64)
        return false;
    for (struct str rest = str_skip(head, 2); rest.n;) {
        uint64_t tag, n;
        size_t used = head_number(rest, &tag);
        rest = str_skip(rest, used);
        size_t length = used ? head_number(rest, &n) : 0;
        if (length == 0)
            return false;
        rest = str_skip(rest, length);
        uint64_t field = tag >> 3;
        if (field == 5 && (tag & 7) == PROTOBUF_NUMBER)
            continue;
        if ((tag & 7) != PROTOBUF_BYTES)
            return false;
        if (field == MODEL_GRAPH) /* has nothing but messages and texts in it */
            return n == 0 || (rest.n && (rest.p[0] & 7) == PROTOBUF_BYTES && rest.p[0] >> 3);
        if (field == MODEL_OPSET) /* a domain or a version */
            return n <= LIMIT_ONNX_WORD &&
                   (n == 0 || (rest.n && (rest.p[0] == 0x0a || rest.p[0] == 0x10)));
        if (field == MODEL_METADATA)
            return rest.n && rest.p[0] == 0x0a;
        bool text = field >= 2 && field <= 6;
        if (!text || !is_plain(str_head(rest, (size_t)n)))
            return false;
        if (n > rest.n || (n == rest.n && head.n == WEIGHT_HEAD))
            return true; /* a long text */
        rest = str_skip(rest, (size_t)n);
    }
    return false;
}

static int read_onnx(struct arena *a, struct model_window *w, struct weights *ret, struct err *e)
{
    AUTO(model) m = {.arena = a, .out = ret, .proto = {.w = w, .max = LIMIT_ONNX_FIELDS}};
    buf_init(&m.path, LIMIT_ONNX_NESTED * (LIMIT_MODEL_NAME + 64) + LIMIT_WEIGHT_NAME);
    if (read_fields(&m, e) < 0)
        return err_wrap(e, "ONNX, near byte %" PRIu64, w->at);
    ret->header_bytes = 0; /* descriptions stand between the weights */
    return finish(&m, e) < 0 ? err_wrap(e, "ONNX") : 0;
}

const struct weight_format weight_format_onnx = {
    .name = "onnx", .promised = true, .is = is_onnx, .read = read_onnx};
