/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PyTorch: what torch.save writes. Since 1.6 a ZIP archive whose members are stored: NAME/data.pkl,
 * a pickle of the object, and NAME/data/KEY, the bytes of each storage. Before that: a pickle of a
 * magic number, one of the protocol, one of the machine, the object, a list of the storages' keys,
 * and for each its number of elements (8 bytes) and its bytes. Source: torch/serialization.py,
 * torch/_utils.py; torch.jit.save's archives have the same data.pkl. The tars that came before 0.2
 * are refused.
 *
 * Nothing is executed (pickle.h): a tensor is a call of torch._utils._rebuild_tensor and its like,
 * whose arguments say storage, offset, shape and strides. Tensors are named as a state dictionary
 * names them: keys and places in lists joined by dots; of a whole module that was saved without the
 * words _modules, _parameters and _buffers. Other pickles in an archive (a TorchScript's constants)
 * and code are not looked at.
 */
#include "base/buf.h"
#include "model/imports.h"
#include "model/path.h"
#include "model/pickle.h"
#include "model/pytorch_types.h"
#include "model/weight_format.h"
#include "model/zip.h"

#include <inttypes.h>
#include <stdlib.h>

/* The head of an archive's first member: its signature, and where its name is. */
#define ZIP_MAGIC       "PK\3\4"
#define ZIP_NAME_LENGTH 26
#define ZIP_NAME        30
/* The first pickle of the form before it, behind its protocol: the number, an end. Protocols 0 and
 * 1 write it in digits, those from 4 on within a frame. */
#define MAGIC        "\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define MAGIC_DIGITS "L119547037146038801333356L\n."
#define FRAME        "\x95\x0d\0\0\0\0\0\0\0"
#define PROTOCOL     1001
/* Where a tar says that it is one. */
#define TAR_MAGIC_AT 257
/* In front of each storage of the older form. */
#define SIZE_BYTES 8

/* Where a tensor's elements lie. */
struct span {
    uint64_t begin, end; /* in the file */
    uint64_t elements;   /* that fit in */
    size_t tensor;
};

/* A storage as a pickle speaks of it. */
struct storage {
    struct str key;
    const struct weight_dtype *type; /* NULL: bytes */
    uint64_t first;                  /* element of the whole storage where this begins, */
    uint64_t n;                      /* and how many there are */
    uint64_t whole;                  /* elements of the whole storage */
    uint64_t at;                     /* place_storages: where the whole one lies in the file */
};

struct file {
    struct arena *arena; /* of what is said in the end */
    struct arena heap;   /* of what is forgotten again */
    const struct model_reader *reader;
    struct weights *out;
    struct pickle pickle;
    struct weight_list list;
    struct span *spans; /* of each tensor */
    size_t cap_spans;
    /* Of an archive; NULL: the older form. */
    const struct zip *zip;
    struct str prefix; /* "NAME/" */
    /* Of the older form: sorted by key. */
    struct storage *storages;
    size_t n_storages;
    /* While the values are walked through. */
    struct buf path;
    uint64_t walked;
    unsigned depth;
};

static void file_autodone(struct file *f)
{
    arena_done(&f->heap);
    weight_list_autodone(&f->list);
    mem_free(f->spans);
    buf_done(&f->path);
}

static const char *show_path(const struct file *f, char out[MODEL_PATH_SHOW])
{
    return model_path_show(buf_str(&f->path), out, MODEL_PATH_SHOW);
}

static int wrong_tensor(const struct file *f, const char *why, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    return ERR(e, MODEL_INVALID, "the tensor \"%s\" %s", show_path(f, show), why);
}

/* ---- storages ---- */

/* What a persistent identifier says: ("storage", type, key, device, elements), and in old files a
 * view: (its key, offset, elements). */
static bool read_storage(struct pickle_value v, struct storage *s)
{
    const struct pickle_list *id =
        v.kind == PICKLE_PERSISTENT && v.object->args.kind == PICKLE_TUPLE ? v.object->args.list
                                                                           : NULL;
    if (!id || id->n < 5 || !str_eqz(pickle_text(id->items[0]), "storage") ||
        id->items[1].kind != PICKLE_GLOBAL ||
        !pytorch_storage(pickle_text(id->items[1]), &s->type) || id->items[2].kind != PICKLE_TEXT ||
        id->items[4].kind != PICKLE_INT || id->items[4].number < 0)
        return false;
    s->key = pickle_text(id->items[2]);
    s->first = 0;
    s->n = s->whole = (uint64_t)id->items[4].number;
    if (id->n == 5 || id->items[5].kind != PICKLE_TUPLE)
        return true;
    const struct pickle_list *view = id->items[5].list;
    if (view->n < 3 || view->items[1].kind != PICKLE_INT || view->items[2].kind != PICKLE_INT ||
        view->items[1].number < 0 || view->items[2].number < 0)
        return false;
    s->first = (uint64_t)view->items[1].number;
    s->n = (uint64_t)view->items[2].number;
    return s->first <= s->whole && s->n <= s->whole - s->first;
}

static uint64_t element_bytes(const struct weight_dtype *type)
{
    return type ? type->bits / 8 : 1;
}

/* false: more than 64 bits hold. */
static bool storage_bytes(const struct storage *s, uint64_t *ret)
{
    return !__builtin_mul_overflow(s->whole, element_bytes(s->type), ret);
}

static int by_key(const void *va, const void *vb)
{
    const struct storage *a = va, *b = vb;
    return str_cmp(a->key, b->key);
}

static int wrong_storage(struct str key, const char *why, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    return ERR(e, MODEL_INVALID, "the storage \"%s\" %s", model_path_show(key, show, sizeof(show)),
               why);
}

/* Where the whole storage lies, which must have room for what the pickle says of it. */
static int find_storage(struct file *f, const struct storage *s, uint64_t *ret, struct err *e)
{
    uint64_t bytes;
    if (!storage_bytes(s, &bytes))
        return wrong_storage(s->key, "has more bytes than there can be", e);
    if (!f->zip) {
        const struct storage *there =
            f->n_storages ? bsearch(s, f->storages, f->n_storages, sizeof(*f->storages), by_key)
                          : NULL;
        if (!there || there->at == 0)
            return wrong_storage(s->key, "is not in the list of those that the file holds", e);
        if (there->whole != s->whole || element_bytes(there->type) != element_bytes(s->type))
            return wrong_storage(s->key, "is described twice, and differently", e);
        *ret = there->at;
        return 0;
    }
    AUTO_FREE char *name = mem_printf("%.*sdata/%.*s", S(f->prefix), S(s->key));
    const struct zip_member *m = zip_find(f->zip, str_from(name));
    if (!m)
        return wrong_storage(s->key, "is missing in the archive", e);
    if (m->size < bytes)
        return wrong_storage(s->key, "has fewer bytes in the archive than its elements take", e);
    return zip_content(m, f->reader, ret, e);
}

/* ---- tensors ---- */

static void keep_span(struct file *f, const struct span *s)
{
    if (s->tensor == f->cap_spans) {
        f->cap_spans = MAX_OF(f->cap_spans * 2, (size_t)64);
        f->spans = mem_realloc(f->spans, f->cap_spans * sizeof(*f->spans));
    }
    f->spans[s->tensor] = *s;
}

static int read_sizes(const struct file *f, struct pickle_value v, const char *what, uint64_t *out,
                      unsigned *ret_n, struct err *e)
{
    char why[128];
    /* torch.Size is a tuple in a coat. */
    if (v.kind == PICKLE_OBJECT && pickle_is_global(v.object->callable, "torch.Size") &&
        v.object->args.list->n == 1)
        v = v.object->args.list->items[0];
    bool good = v.kind == PICKLE_TUPLE || v.kind == PICKLE_LIST;
    if (good && v.list->n > LIMIT_WEIGHT_DIMS) {
        (void)snprintf(why, sizeof(why), "has more than %d numbers in its %s", LIMIT_WEIGHT_DIMS,
                       what);
        return wrong_tensor(f, why, e);
    }
    for (uint32_t i = 0; good && i < v.list->n; i++) {
        good = v.list->items[i].kind == PICKLE_INT && v.list->items[i].number >= 0;
        out[i] = (uint64_t)v.list->items[i].number;
    }
    if (!good) {
        (void)snprintf(why, sizeof(why), "has a %s that is not a list of whole numbers", what);
        return wrong_tensor(f, why, e);
    }
    *ret_n = v.list->n;
    return 0;
}

/* The element behind the last one, counted from the tensor's first; false: more than 64 bits hold.
 */
static bool reach(const struct weight_tensor *t, const uint64_t *dims, const uint64_t *strides,
                  uint64_t *ret)
{
    uint64_t last = 0, step;
    for (unsigned i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(dims[i] - 1, strides[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return false;
    return !__builtin_add_overflow(last, 1, ret);
}

/* Sets t's place in the file. first: of its elements within the storage. */
static int place_tensor(struct file *f, struct weight_tensor *t, const struct storage *s,
                        uint64_t first, const uint64_t *strides, struct err *e)
{
    uint64_t at, n = 0, unit = element_bytes(t->dtype), have = s->n;
    if (find_storage(f, s, &at, e) < 0)
        return err_wrap(e, "a tensor");
    if (!s->type)
        have /= unit;
    if (t->elements && !reach(t, t->dims, strides, &n))
        return wrong_tensor(f, "reaches farther than there are bytes", e);
    if (n && (n > have || first > have - n))
        return wrong_tensor(f, "reaches behind the end of its storage", e);
    if (n == 0)
        first = 0;
    /* find_storage has checked the whole storage, in which this lies. */
    t->offset = at + (s->first + first) * unit;
    const struct span span = {.begin = t->offset,
                              .end = t->offset + n * unit,
                              .elements = n,
                              .tensor = f->list.n_tensors};
    keep_span(f, &span);
    return weight_list_tensor(&f->list, t, e);
}

static bool is_text(struct str s)
{
    uint32_t point;
    while (s.n) {
        size_t n = str_utf8(s, &point);
        if (n == 0)
            return false;
        s = str_skip(s, n);
    }
    return true;
}

static int name_tensor(struct file *f, struct weight_tensor *t, struct err *e)
{
    if (f->path.n > LIMIT_WEIGHT_NAME)
        return ERR(e, LIMIT, "a tensor's name has more than %d bytes", LIMIT_WEIGHT_NAME);
    if (!is_text(buf_str(&f->path)))
        return wrong_tensor(f, "has a name that is not UTF-8", e);
    return weight_keep(f->arena, buf_str(&f->path), &t->name, e);
}

/* args: storage, offset, shape, strides, and of `typed` ones as the seventh the type. */
static int read_tensor(struct file *f, const struct pickle_list *args, bool typed, struct err *e)
{
    struct weight_tensor t = {.offset = 0};
    struct storage s;
    uint64_t dims[LIMIT_WEIGHT_DIMS], strides[LIMIT_WEIGHT_DIMS];
    unsigned n_strides;

    if (args->n < (typed ? 7 : 4))
        return wrong_tensor(f, "is described by too few values", e);
    if (!read_storage(args->items[0], &s))
        return wrong_tensor(f, "has no storage of a kind that is known", e);
    t.dtype = typed ? pytorch_dtype(pickle_text(args->items[6])) : s.type;
    if (!t.dtype)
        return wrong_tensor(f, "has elements of no type that is known", e);
    if (typed && s.type && element_bytes(s.type) != element_bytes(t.dtype))
        return wrong_tensor(f, "has a storage of another type", e);
    if (args->items[1].kind != PICKLE_INT || args->items[1].number < 0)
        return wrong_tensor(f, "begins at no place of its storage", e);
    if (read_sizes(f, args->items[2], "shape", dims, &t.n_dims, e) < 0 ||
        read_sizes(f, args->items[3], "list of strides", strides, &n_strides, e) < 0)
        return -1;
    if (n_strides != t.n_dims)
        return wrong_tensor(f, "has another number of strides than of dimensions", e);
    if (weight_keep_dims(f->arena, dims, t.n_dims, &t.dims, e) < 0 || name_tensor(f, &t, e) < 0)
        return -1;
    if (!weight_measure(&t) || t.elements > INT64_MAX)
        return wrong_tensor(f, "has a shape that makes no size in bytes", e);
    return place_tensor(f, &t, &s, (uint64_t)args->items[1].number, strides, e);
}

static int by_span(const void *va, const void *vb)
{
    const struct span *a = va, *b = vb;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    return a->tensor < b->tensor ? -1 : 1;
}

/* Elements that a tensor shares with another one, or repeats, are no parameters of their own. */
static void find_shared(struct file *f)
{
    uint64_t end = 0;
    if (f->list.n_tensors)
        qsort(f->spans, f->list.n_tensors, sizeof(*f->spans), by_span);
    for (size_t i = 0; i < f->list.n_tensors; i++) {
        const struct span *s = &f->spans[i];
        struct weight_tensor *t = &f->list.tensors[s->tensor];
        if (s->end <= end)
            t->shared = t->elements;
        else if (t->elements > s->elements)
            t->shared = t->elements - s->elements;
        end = MAX_OF(end, s->end);
    }
}

/* ---- through the values ---- */

static int walk(struct file *f, struct pickle_value v, struct err *e);

/* Through v, which stands under `key` or, when that has no text, at the place `i`. */
static int walk_under(struct file *f, struct pickle_value key, uint64_t i, struct pickle_value v,
                      struct err *e)
{
    size_t before = f->path.n;
    if (before)
        buf_addc(&f->path, '.');
    if (key.kind == PICKLE_TEXT)
        buf_adds(&f->path, pickle_text(key));
    else if (key.kind == PICKLE_INT)
        buf_addf(&f->path, "%" PRId64, key.number);
    else if (key.kind == PICKLE_UNSET)
        buf_addf(&f->path, "%" PRIu64, i);
    else
        buf_addf(&f->path, "#%" PRIu64, i);
    BUG_ON(!buf_ok(&f->path)); /* it has room for LIMIT_PICKLE_DEPTH keys */
    if (walk(f, v, e) < 0)
        return -1;
    buf_cut(&f->path, before);
    return 0;
}

static int walk_list(struct file *f, const struct pickle_list *l, uint64_t from, struct err *e)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (walk_under(f, (struct pickle_value){.kind = PICKLE_UNSET}, from + i, l->items[i], e) <
            0)
            return -1;
    return 0;
}

static int walk_dict(struct file *f, const struct pickle_list *l, struct err *e)
{
    for (uint32_t i = 0; i + 1 < l->n; i += 2)
        if (walk_under(f, l->items[i], i / 2, l->items[i + 1], e) < 0)
            return -1;
    return 0;
}

/* The attributes of an object; a module's parts are named as its state dictionary names them. */
static int walk_attributes(struct file *f, const struct pickle_list *l, struct err *e)
{
    static const char *const parts[] = {"_parameters", "_buffers", "_modules"};
    for (uint32_t i = 0; i + 1 < l->n; i += 2) {
        bool part = false;
        for (size_t k = 0; k < ARRAY_LEN(parts); k++)
            part = part || str_eqz(pickle_text(l->items[i]), parts[k]);
        if (part ? walk(f, l->items[i + 1], e) < 0
                 : walk_under(f, l->items[i], i / 2, l->items[i + 1], e) < 0)
            return -1;
    }
    return 0;
}

static int walk_state(struct file *f, struct pickle_value state, struct err *e)
{
    if (state.kind == PICKLE_DICT)
        return walk_attributes(f, state.list, e);
    if (state.kind == PICKLE_TUPLE && state.list->n == 2) { /* those with and without slots */
        for (uint32_t i = 0; i < 2; i++)
            if (state.list->items[i].kind == PICKLE_DICT &&
                walk_attributes(f, state.list->items[i].list, e) < 0)
                return -1;
        return 0;
    }
    return walk(f, state, e);
}

/* OrderedDict([[key, value], …]), as Python 2 wrote it. */
static int walk_pairs(struct file *f, struct pickle_value pairs, struct err *e)
{
    if (pairs.kind != PICKLE_LIST && pairs.kind != PICKLE_TUPLE)
        return walk(f, pairs, e);
    for (uint32_t i = 0; i < pairs.list->n; i++) {
        struct pickle_value v = pairs.list->items[i];
        bool pair = (v.kind == PICKLE_LIST || v.kind == PICKLE_TUPLE) && v.list->n == 2;
        if (pair && walk_under(f, v.list->items[0], i, v.list->items[1], e) < 0)
            return -1;
    }
    return 0;
}

static bool is_one_of(struct pickle_value callable, const char *const *names)
{
    while (*names)
        if (pickle_is_global(callable, *names++))
            return true;
    return false;
}

/* Any object: its arguments, its items, its attributes. */
static int walk_parts(struct file *f, const struct pickle_object *o, struct err *e)
{
    const struct pickle_list *args = o->args.list;
    bool pairs = pickle_is_global(o->callable, "collections.OrderedDict") && args->n == 1;
    if (pairs ? walk_pairs(f, args->items[0], e) < 0 : walk_list(f, args, 0, e) < 0)
        return -1;
    if (walk_list(f, &o->list, args->n, e) < 0 || walk_dict(f, &o->dict, e) < 0)
        return -1;
    return walk_state(f, o->state, e);
}

static int walk_object(struct file *f, const struct pickle_object *o, struct err *e)
{
    static const char *const tensors[] = {"torch._utils._rebuild_tensor",
                                          "torch._utils._rebuild_tensor_v2",
                                          "torch._utils._rebuild_qtensor", NULL};
    static const char *const parameters[] = {"torch._utils._rebuild_parameter",
                                             "torch._utils._rebuild_parameter_with_state",
                                             "torch.nn.parameter.Parameter", NULL};
    const struct pickle_list *args = o->args.list;

    if (is_one_of(o->callable, tensors))
        return read_tensor(f, args, false, e);
    if (pickle_is_global(o->callable, "torch._utils._rebuild_tensor_v3"))
        return read_tensor(f, args, true, e);
    if (is_one_of(o->callable, parameters) && args->n)
        return walk(f, args->items[0], e);
    /* A tensor of a class of its own: what rebuilds it, the class, with which arguments. */
    if (pickle_is_global(o->callable, "torch._tensor._rebuild_from_type_v2") && args->n >= 3 &&
        args->items[0].kind == PICKLE_GLOBAL && args->items[2].kind == PICKLE_TUPLE) {
        const struct pickle_object inner = {.callable = args->items[0], .args = args->items[2]};
        bool again = pickle_is_global(inner.callable, "torch._tensor._rebuild_from_type_v2");
        return again ? wrong_tensor(f, "is of a class within a class", e)
                     : walk_object(f, &inner, e);
    }
    return walk_parts(f, o, e);
}

/* What holds itself is walked through once. */
static int walk_open(struct file *f, struct pickle_value v, bool *open, struct err *e)
{
    if (*open)
        return 0;
    *open = true;
    int rc = v.kind == PICKLE_OBJECT ? walk_object(f, v.object, e)
             : v.kind == PICKLE_DICT ? walk_dict(f, v.list, e)
                                     : walk_list(f, v.list, 0, e);
    *open = false;
    return rc;
}

static int walk(struct file *f, struct pickle_value v, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    if (++f->walked > LIMIT_PICKLE_VALUES)
        return ERR(e, LIMIT, "more than %llu values, counted wherever they are used",
                   LIMIT_PICKLE_VALUES);
    if (v.kind != PICKLE_OBJECT && v.kind != PICKLE_DICT && v.kind != PICKLE_LIST &&
        v.kind != PICKLE_TUPLE)
        return 0;
    if (f->depth == LIMIT_PICKLE_DEPTH)
        return ERR(e, LIMIT, "values nested deeper than %d, below \"%s\"", LIMIT_PICKLE_DEPTH,
                   show_path(f, show));
    f->depth++;
    int rc = walk_open(f, v, v.kind == PICKLE_OBJECT ? &v.object->open : &v.list->open, e);
    f->depth--;
    return rc;
}

/* ---- the whole ---- */

static int finish(struct file *f, struct pickle_value root, struct err *e)
{
    if (walk(f, root, e) < 0)
        return -1;
    find_shared(f);
    if (imports_keep(f->arena, f->pickle.imports, f->pickle.n_imports, pytorch_is_harmless, f->out,
                     e) < 0)
        return -1;
    return weight_list_finish(&f->list, f->arena, f->out, e);
}

/* ---- archives ---- */

/* A member as a file of its own. */
struct part {
    const struct model_reader *whole;
    uint64_t at;
};

static int read_part(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    const struct part *part = self;
    return model_read(part->whole, part->at + at, p, n, "a member of the archive", e);
}

static const struct zip_member *member(const struct file *f, const char *name)
{
    AUTO_FREE char *whole = mem_printf("%.*s%s", S(f->prefix), name);
    return zip_find(f->zip, str_from(whole));
}

static int read_byte_order(struct file *f, struct err *e)
{
    char said[3] = {0};
    uint64_t at;
    const struct zip_member *m = member(f, "byteorder");
    if (!m || m->size < sizeof(said))
        return 0;
    if (zip_content(m, f->reader, &at, e) < 0 ||
        model_read(f->reader, at, said, sizeof(said), "the byte order", e) < 0)
        return -1;
    f->out->big_endian = memcmp(said, "big", sizeof(said)) == 0;
    return 0;
}

static int read_archive(struct file *f, struct err *e)
{
    AUTO(model_window) w = {0};
    struct zip zip;
    struct part part = {.whole = f->reader};
    struct pickle_value root;

    if (zip_read(&f->heap, f->reader, &zip, e) < 0)
        return -1;
    f->zip = &zip;
    f->prefix = str_head(zip.first, (size_t)(str_chr(zip.first, '/') + 1));
    const struct zip_member *m = member(f, "data.pkl");
    if (!m)
        return ERR(e, MODEL_INVALID, "the archive holds no data.pkl");
    if (m->size > LIMIT_WEIGHT_HEADER)
        return ERR(e, LIMIT, "data.pkl has %" PRIu64 " bytes; %llu are accepted", m->size,
                   LIMIT_WEIGHT_HEADER);
    if (zip_content(m, f->reader, &part.at, e) < 0)
        return -1;
    const struct model_reader inner = {.size = m->size, .read = read_part, .self = &part};
    model_window_init(&w, &inner);
    model_window_expect(&w);
    f->out->header_bytes = part.at + m->size;
    if (pickle_read(&f->pickle, &w, &root, e) < 0)
        return err_wrap(e, "data.pkl");
    return read_byte_order(f, e) < 0 ? -1 : finish(f, root, e);
}

/* ---- the form before archives ---- */

/* ("module", class, …): a class with its source, where a whole module was saved. */
static bool is_class(struct pickle_value v)
{
    return v.object->args.kind == PICKLE_TUPLE && v.object->args.list->n &&
           str_eqz(pickle_text(v.object->args.list->items[0]), "module");
}

/* The storages that the object speaks of, each once. */
static int list_storages(struct file *f, struct err *e)
{
    const struct pickle_list *all = &f->pickle.persistent;
    size_t n = 0;
    f->storages = arena_try(&f->heap, ((size_t)all->n + 1) * sizeof(*f->storages), e);
    if (!f->storages)
        return -1;
    for (uint32_t i = 0; i < all->n; i++) {
        if (is_class(all->items[i]))
            continue;
        f->storages[n].at = 0;
        if (!read_storage(all->items[i], &f->storages[n]))
            return ERR(e, MODEL_INVALID, "something outside of the pickle is no storage");
        n++;
    }
    if (n)
        qsort(f->storages, n, sizeof(*f->storages), by_key);
    for (size_t i = 0; i < n; i++)
        if (f->n_storages == 0 || !str_eq(f->storages[i].key, f->storages[f->n_storages - 1].key))
            f->storages[f->n_storages++] = f->storages[i];
    return 0;
}

/* They lie one behind the other, in the order of the list of keys. */
static int place_storages(struct file *f, struct pickle_value keys, uint64_t at, struct err *e)
{
    if (keys.kind != PICKLE_LIST)
        return ERR(e, MODEL_INVALID, "no list of storages follows the object");
    for (uint32_t i = 0; i < keys.list->n; i++) {
        const struct storage wanted = {.key = pickle_text(keys.list->items[i])};
        struct storage *s = f->n_storages ? bsearch(&wanted, f->storages, f->n_storages,
                                                    sizeof(*f->storages), by_key)
                                          : NULL;
        uint64_t bytes;
        if (!s)
            return wrong_storage(wanted.key, "is in the list, and nothing speaks of it", e);
        if (s->at)
            return wrong_storage(s->key, "is twice in the list", e);
        if (!storage_bytes(s, &bytes) || __builtin_add_overflow(at, SIZE_BYTES, &at) ||
            at > f->reader->size || bytes > f->reader->size - at)
            return wrong_storage(s->key, "lies behind the end of the file; is it complete?", e);
        s->at = at;
        at += bytes;
    }
    return 0;
}

static int read_older(struct file *f, struct model_window *w, struct err *e)
{
    struct pickle_value magic, protocol, machine, root, keys;
    model_window_limit(w, LIMIT_WEIGHT_HEADER);
    if (pickle_read(&f->pickle, w, &magic, e) < 0 || pickle_read(&f->pickle, w, &protocol, e) < 0)
        return -1;
    if (protocol.kind != PICKLE_INT || protocol.number != PROTOCOL)
        return ERR(e, MODEL_INVALID, "a protocol that is not %d", PROTOCOL);
    if (pickle_read(&f->pickle, w, &machine, e) < 0 || pickle_read(&f->pickle, w, &root, e) < 0 ||
        pickle_read(&f->pickle, w, &keys, e) < 0)
        return -1;
    f->out->header_bytes = w->at;
    if (list_storages(f, e) < 0 || place_storages(f, keys, w->at, e) < 0)
        return -1;
    return finish(f, root, e);
}

/* ---- which it is ---- */

/* "NAME/data.pkl" and what else the first member of such an archive is. */
static bool is_archive(struct str head)
{
    static const char *const firsts[] = {"data.pkl", "version",  "byteorder", "constants.pkl",
                                         ".data/",   ".format_", "data/",     "code/"};
    if (!str_starts(head, STR(ZIP_MAGIC)) || head.n < ZIP_NAME)
        return false;
    size_t length = (unsigned char)head.p[ZIP_NAME_LENGTH] |
                    (size_t)(unsigned char)head.p[ZIP_NAME_LENGTH + 1] << 8;
    struct str name = str_head(str_skip(head, ZIP_NAME), length);
    ptrdiff_t slash = str_chr(name, '/');
    if (slash <= 0)
        return false;
    name = str_skip(name, (size_t)slash + 1);
    for (size_t i = 0; i < ARRAY_LEN(firsts); i++)
        if (str_starts(name, str_from(firsts[i])))
            return true;
    return false;
}

static bool is_older(struct str head)
{
    if (str_starts(head, STR(MAGIC_DIGITS)))
        return true;
    if (head.n < 2 || (unsigned char)head.p[0] != 0x80 || head.p[1] < 2 || head.p[1] > 5)
        return false;
    head = str_skip(head, 2);
    if (str_starts(head, STR(FRAME)))
        head = str_skip(head, sizeof(FRAME) - 1);
    return str_starts(head, STR(MAGIC));
}

static bool is_tar(struct str head)
{
    static const char *const firsts[] = {"sys_info", "pickle", "tensors", "storages"};
    if (!str_starts(str_skip(head, TAR_MAGIC_AT), STR("ustar")))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(firsts); i++)
        if (strcmp(head.p, firsts[i]) == 0) /* there is a NUL before the magic */
            return true;
    return false;
}

static bool is_pytorch(struct str head)
{
    return is_archive(head) || is_older(head) || is_tar(head);
}

static int read_pytorch(struct arena *a, struct model_window *w, struct weights *ret, struct err *e)
{
    AUTO(file) f = {.arena = a, .reader = w->reader, .out = ret};
    struct str head;

    if (model_window_peek(w, (size_t)MIN_OF(w->reader->size, WEIGHT_HEAD), "the first bytes", &head,
                          e) < 0)
        return -1;
    head = str_head(head, WEIGHT_HEAD);
    arena_init(&f.heap, LIMIT_PICKLE_MEMORY);
    buf_init(&f.path, LIMIT_PICKLE_DEPTH * (LIMIT_PICKLE_TEXT + 32));
    pickle_init(&f.pickle, &f.heap);
    int rc;
    if (is_tar(head))
        rc = ERR(e, MODEL_INVALID,
                 "a tar, which only versions before 0.2 wrote: load and save it again");
    else
        rc = is_archive(head) ? read_archive(&f, e) : read_older(&f, w, e);
    return rc < 0 ? imports_wrap(e, "PyTorch", f.pickle.imports, f.pickle.n_imports) : 0;
}

const struct weight_format weight_format_pytorch = {
    .name = "pt", .is = is_pytorch, .read = read_pytorch};
