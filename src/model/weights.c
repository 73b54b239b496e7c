/* SPDX-License-Identifier: Apache-2.0 */
#include "model/weights.h"

#include "base/buf.h"
#include "model/kind.h"
#include "model/modelpack.h"
#include "model/path.h"
#include "model/weight_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct weight_format *const formats[] = {
    &weight_format_safetensors, &weight_format_gguf,  &weight_format_pytorch,
    &weight_format_onnx,        &weight_format_keras, &weight_format_pickle,
};

static const struct weight_format *find_format(struct str head)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (formats[i]->is(head))
            return formats[i];
    return NULL;
}

int weights_known(const struct model_reader *r, struct err *e)
{
    char head[WEIGHT_HEAD];
    size_t n = (size_t)MIN_OF(r->size, sizeof(head));
    if (model_read(r, 0, head, n, "the first bytes", e) < 0)
        return -1;
    const struct weight_format *format = find_format(str_of(head, n));
    return format && !format->opaque;
}

int weights_read(struct arena *a, const struct model_reader *r, struct weights *ret, struct err *e)
{
    AUTO(model_window) w = {0};
    struct str head;

    model_window_init(&w, r);
    if (model_window_peek(&w, (size_t)MIN_OF(r->size, WEIGHT_HEAD), "the first bytes", &head, e) <
        0)
        return -1;
    const struct weight_format *format = find_format(str_head(head, WEIGHT_HEAD));
    if (!format)
        return 0;
    struct weights read = {.format = format->name, .opaque = format->opaque};
    if (format->read(a, &w, &read, e) < 0)
        return -1;
    *ret = read;
    return 1;
}

/* What git leaves in the place of a large file that nobody has fetched. */
static bool is_pointer(const struct model_reader *r)
{
    char head[MODELPACK_LFS_MAX];

    return r->size < sizeof(head) &&
           model_read(r, 0, head, (size_t)r->size, "the pointer", NULL) == 0 &&
           modelpack_is_lfs_pointer(str_of(head, (size_t)r->size));
}

int weights_read_named(struct arena *a, const struct model_reader *r, struct str path,
                       struct weights *ret, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    int rc = weights_read(a, r, ret, e);
    if (rc > 0)
        return rc;
    model_path_show(path, show, sizeof(show));
    if (rc < 0)
        return err_wrap(e, "%s", show);
    const char *promised = model_format_of(path);
    for (size_t i = 0; promised && i < ARRAY_LEN(formats); i++) {
        if (!formats[i]->promised || strcmp(formats[i]->name, promised) != 0)
            continue;
        if (is_pointer(r))
            return ERR(e, MODEL_INVALID,
                       "%s: not the file but a pointer of Git LFS to it: `git lfs pull` fetches it",
                       show);
        return ERR(e, MODEL_INVALID,
                   "%s: the name promises %s, but the file does not begin like one: fetch it again "
                   "if it is incomplete, or give it another name",
                   show, promised);
    }
    return 0;
}

void weight_list_autodone(struct weight_list *l)
{
    mem_free(l->tensors);
    mem_free(l->notes);
}

int weight_list_tensor(struct weight_list *l, const struct weight_tensor *t, struct err *e)
{
    if (l->n_tensors == LIMIT_WEIGHT_TENSORS)
        return ERR(e, LIMIT, "more than %d tensors", LIMIT_WEIGHT_TENSORS);
    if (l->n_tensors == l->cap_tensors) {
        l->cap_tensors = l->cap_tensors ? l->cap_tensors * 2 : 64;
        l->tensors = mem_realloc(l->tensors, l->cap_tensors * sizeof(*l->tensors));
    }
    l->tensors[l->n_tensors++] = *t;
    return 0;
}

int weight_list_note(struct weight_list *l, struct str key, struct str value, struct err *e)
{
    if (l->n_notes == LIMIT_WEIGHT_NOTES)
        return ERR(e, LIMIT, "more than %d words of metadata", LIMIT_WEIGHT_NOTES);
    if (l->n_notes == l->cap_notes) {
        l->cap_notes = l->cap_notes ? l->cap_notes * 2 : 16;
        l->notes = mem_realloc(l->notes, l->cap_notes * sizeof(*l->notes));
    }
    l->notes[l->n_notes++] = (struct weight_note){.key = key, .value = value};
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorts names (n >= 1); MODEL_INVALID when one appears twice. */
static int check_unique(struct str *names, size_t n, const char *what, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    qsort(names, n, sizeof(*names), compare_names);
    for (size_t i = 1; i < n; i++)
        if (str_eq(names[i - 1], names[i]))
            return ERR(e, MODEL_INVALID, "the %s \"%s\" appears twice", what,
                       model_path_show(names[i], show, sizeof(show)));
    return 0;
}

int weight_list_finish(struct weight_list *l, struct arena *a, struct weights *ret, struct err *e)
{
    AUTO_FREE struct str *names = NEW_ARRAY(MAX_OF(l->n_tensors, l->n_notes) + 1, struct str);
    struct weight_tensor *tensors = NULL;
    struct weight_note *notes = NULL;

    for (size_t i = 0; i < l->n_tensors; i++)
        names[i] = l->tensors[i].name;
    if (l->n_tensors && check_unique(names, l->n_tensors, "tensor", e) < 0)
        return -1;
    for (size_t i = 0; i < l->n_notes; i++)
        names[i] = l->notes[i].key;
    if (l->n_notes && check_unique(names, l->n_notes, "key", e) < 0)
        return -1;
    if (l->n_tensors) {
        tensors = arena_try(a, l->n_tensors * sizeof(*tensors), e);
        if (!tensors)
            return -1;
        memcpy(tensors, l->tensors, l->n_tensors * sizeof(*tensors));
    }
    if (l->n_notes) {
        notes = arena_try(a, l->n_notes * sizeof(*notes), e);
        if (!notes)
            return -1;
        memcpy(notes, l->notes, l->n_notes * sizeof(*notes));
    }
    ret->tensors = tensors;
    ret->n_tensors = l->n_tensors;
    ret->notes = notes;
    ret->n_notes = l->n_notes;
    return 0;
}

int weight_keep(struct arena *a, struct str s, struct str *ret, struct err *e)
{
    char *p = arena_try(a, s.n + 1, e);
    if (!p)
        return -1;
    if (s.n)
        memcpy(p, s.p, s.n);
    *ret = str_of(p, s.n);
    return 0;
}

int weight_keep_dims(struct arena *a, const uint64_t *dims, unsigned n, const uint64_t **ret,
                     struct err *e)
{
    uint64_t *p = arena_try(a, (n ? n : 1) * sizeof(*p), e);
    if (!p)
        return -1;
    if (n)
        memcpy(p, dims, n * sizeof(*p));
    *ret = p;
    return 0;
}

bool weight_measure_up(struct weight_tensor *t)
{
    uint64_t bits;
    t->elements = 1;
    for (unsigned i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(t->elements, t->dims[i], &t->elements))
            return false;
    if (__builtin_mul_overflow(t->elements / t->dtype->block, t->dtype->bits, &bits))
        return false;
    t->bytes = bits / 8 + (bits % 8 != 0);
    return t->elements % t->dtype->block == 0;
}

bool weight_measure(struct weight_tensor *t)
{
    return weight_measure_up(t) && t->elements / t->dtype->block * t->dtype->bits % 8 == 0;
}

/* Sums never pass what 64 bits hold on real files; a hostile size must not wrap to a small one. */
static void add(uint64_t *sum, uint64_t n)
{
    if (__builtin_add_overflow(*sum, n, sum))
        *sum = UINT64_MAX;
}

static struct weight_count *count_of(struct weight_totals *t, const struct weight_dtype *dtype)
{
    for (size_t i = 0; i < t->n_counts; i++)
        if (t->counts[i].dtype == dtype)
            return &t->counts[i];
    BUG_ON(t->n_counts == WEIGHT_DTYPES);
    t->counts[t->n_counts] = (struct weight_count){.dtype = dtype};
    return &t->counts[t->n_counts++];
}

static int more_elements(const void *va, const void *vb)
{
    const struct weight_count *a = va, *b = vb;
    if (a->elements != b->elements)
        return a->elements > b->elements ? -1 : 1;
    return strcmp(a->dtype->name, b->dtype->name);
}

/* The format of most bytes. */
static void choose_format(struct weight_totals *t, const char *format, uint64_t bytes)
{
    size_t i = 0, most = 0;
    while (t->formats[i].format && strcmp(t->formats[i].format, format) != 0)
        i++;
    t->formats[i].format = format;
    add(&t->formats[i].bytes, bytes);
    for (i = 1; i < WEIGHT_FORMATS && t->formats[i].format; i++)
        if (t->formats[i].bytes > t->formats[most].bytes)
            most = i;
    t->format = t->formats[most].format;
}

static void first(struct str *have, struct str said)
{
    if (have->n == 0)
        *have = said;
}

/* What GGUF calls a quantization is the type of most elements, unless a file knows better. */
static void choose_quantization(struct weight_totals *t, const struct weights *w)
{
    if (!t->quantization_said && w->quantization.n) {
        t->quantization = w->quantization;
        t->quantization_said = true;
    }
    if (!t->quantization_said && t->n_counts && t->format &&
        strcmp(t->format, weight_format_gguf.name) == 0)
        t->quantization = str_from(t->counts[0].dtype->name);
}

void weight_totals_add(struct weight_totals *t, const struct weights *w)
{
    uint64_t bytes = 0;
    BUG_ON(w->opaque);
    for (size_t i = 0; i < w->n_tensors; i++) {
        const struct weight_tensor *x = &w->tensors[i];
        struct weight_count *c = count_of(t, x->dtype);
        uint64_t own = x->elements - x->shared, own_bytes = x->bytes;
        if (x->shared) /* of PyTorch alone, whose elements have whole bytes */
            own_bytes = own * (x->dtype->bits / 8);
        c->tensors++;
        add(&c->elements, own);
        add(&c->bytes, own_bytes);
        add(&t->parameters, own);
        add(&bytes, own_bytes);
    }
    if (t->n_counts)
        qsort(t->counts, t->n_counts, sizeof(t->counts[0]), more_elements);
    add(&t->bytes, bytes);
    t->tensors += w->n_tensors;
    choose_format(t, w->format, bytes);
    choose_quantization(t, w);
    first(&t->architecture, w->architecture);
    first(&t->name, w->name);
    first(&t->license, w->license);
    first(&t->chat_template, w->chat_template);
    if (t->context_length == 0)
        t->context_length = w->context_length;
}

const char *weight_param_size(uint64_t parameters, char out[WEIGHT_PARAM_SIZE_MAX])
{
    static const char prefixes[] = "KMBTQ";
    size_t i = 0;
    uint64_t unit = 1000;
    /* Up while rounding would show a thousand of the unit. */
    while (i + 2 < sizeof(prefixes) && parameters >= unit * 1000 - unit / 2) {
        unit *= 1000;
        i++;
    }
    uint64_t whole = parameters / unit, rest = parameters % unit;
    uint64_t tenths = whole * 10 + (rest + unit / 20) / (unit / 10);
    if (parameters && tenths == 0)
        tenths = 1;
    if (tenths >= 1000)
        tenths = (whole + (rest >= unit / 2)) * 10;
    if (tenths % 10)
        (void)snprintf(out, WEIGHT_PARAM_SIZE_MAX, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10,
                       tenths % 10, prefixes[i]);
    else
        (void)snprintf(out, WEIGHT_PARAM_SIZE_MAX, "%" PRIu64 "%c", tenths / 10, prefixes[i]);
    return out;
}

const char *weight_precision(const struct weight_totals *t, char out[WEIGHT_PRECISION_MAX])
{
    AUTO(buf) b = {0};
    buf_init(&b, WEIGHT_PRECISION_MAX - 1);
    for (size_t i = 0; i < t->n_counts; i++) {
        const struct weight_count *c = &t->counts[i];
        if (!c->dtype->precision || c->elements == 0 || (i && c->elements <= t->parameters / 100))
            continue;
        if (b.n)
            buf_addc(&b, ',');
        buf_addz(&b, c->dtype->precision);
    }
    memcpy(out, b.p, b.n + 1);
    return out;
}
