/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keras: what model.save writes. Since Keras 3 a ZIP archive whose members are stored: config.json,
 * metadata.json and model.weights.h5 (NAME.keras); before that, and of weights alone, HDF5 (.h5),
 * of which nothing but its signature is read here. Source: keras/src/saving/saving_lib.py,
 * serialization_lib.py. Layers and weights are not described.
 *
 * A configuration names classes and functions that the loader imports, as a pickle does, and a
 * Lambda layer holds code: each name is listed and judged (imports.h).
 */
#include "base/json.h"
#include "model/imports.h"
#include "model/path.h"
#include "model/weight_format.h"
#include "model/zip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The head of an archive's first member: its signature, and where its name is. */
#define ZIP_MAGIC       "PK\3\4"
#define ZIP_NAME_LENGTH 26
#define ZIP_NAME        30
#define HDF5_MAGIC      "\x89HDF\r\n\x1a\n"
/* How far into an HDF5 file the names are looked for that Keras writes. */
#define HDF5_LOOK (64 * KIB)

static const char *const members[] = {"config.json", "metadata.json", "model.weights.h5",
                                      "assets/"};

/* ---- which it is ---- */

static bool is_archive(struct str head)
{
    if (!str_starts(head, STR(ZIP_MAGIC)) || head.n < ZIP_NAME)
        return false;
    size_t length = (unsigned char)head.p[ZIP_NAME_LENGTH] |
                    (size_t)(unsigned char)head.p[ZIP_NAME_LENGTH + 1] << 8;
    struct str name = str_head(str_skip(head, ZIP_NAME), length);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (str_eqz(name, members[i]))
            return true;
    return false;
}

static bool is_hdf5(struct str head)
{
    return str_starts(head, str_of(HDF5_MAGIC, sizeof(HDF5_MAGIC) - 1));
}

static bool is_keras(struct str head)
{
    return is_archive(head) || is_hdf5(head);
}

/* ---- what a configuration imports ---- */

struct names {
    struct arena *heap;
    struct str *v; /* sorted, each once */
    size_t n;
};

static int add_name(struct names *l, struct str module, struct str name, struct err *e)
{
    size_t low = 0, high = l->n;
    if (module.n > LIMIT_PICKLE_TEXT || name.n > LIMIT_PICKLE_TEXT)
        return ERR(e, LIMIT, "the name of a class or of its module has more than %d bytes",
                   LIMIT_PICKLE_TEXT);
    AUTO_FREE char *text = mem_printf("%.*s%s%.*s", S(module), module.n ? "." : "", S(name));
    struct str whole;
    if (weight_keep(l->heap, str_from(text), &whole, e) < 0)
        return -1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(l->v[middle], whole);
        if (order == 0)
            return 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (l->n == LIMIT_PICKLE_IMPORTS)
        return ERR(e, LIMIT, "more than %d names are imported", LIMIT_PICKLE_IMPORTS);
    memmove(&l->v[low + 1], &l->v[low], (l->n - low) * sizeof(*l->v));
    l->v[low] = whole;
    l->n++;
    return 0;
}

/* {"module": …, "class_name": …}: an object of that class; of a function class_name says just that,
 * and config is its name. Names with two underscores before them are values. */
static int look_at(struct names *l, const json_t *o, struct err *e)
{
    struct str module = json_get_str(o, "module"), name = json_get_str(o, "class_name");
    struct str function = json_get_str(o, "config");

    if (name.n == 0 || str_starts(name, STR("__")))
        return 0;
    if (str_eqz(name, "function") && function.n)
        name = function;
    else if (module.n == 0 && json_get_str(o, "registered_name").n)
        name = json_get_str(o, "registered_name");
    return add_name(l, module, name, e);
}

/* json_load bounds the depth. */
static int walk(struct names *l, const json_t *v, struct err *e)
{
    const json_t *one;
    const char *key;
    size_t i;

    if (json_is_object(v)) {
        if (look_at(l, v, e) < 0)
            return -1;
        json_object_foreach((json_t *)(uintptr_t)v, key, one)
        {
            if (walk(l, one, e) < 0)
                return -1;
        }
    }
    json_array_foreach(v, i, one)
    {
        if (walk(l, one, e) < 0)
            return -1;
    }
    return 0;
}

/* A class of Keras' own among those that put layers together. */
static bool is_harmless(struct str name)
{
    static const char *const parts[] = {
        "activations", "constraints", "dtype_policies", "initializers", "layers",       "losses",
        "metrics",     "models",      "optimizers",     "quantizers",   "regularizers",
    };
    ptrdiff_t dot = str_rchr(name, '.');
    struct str last = str_skip(name, dot < 0 ? 0 : (size_t)dot + 1), rest = name;
    struct str part = str_cut(&rest, '.');

    if (memmem(last.p, last.n, "Lambda", 6) || !str_eqz(part, "keras"))
        return false;
    part = str_cut(&rest, '.');
    if (rest.n == 0) /* keras.Sequential: no function has a capital */
        return part.n && part.p[0] >= 'A' && part.p[0] <= 'Z';
    if (str_eqz(part, "src"))
        part = str_cut(&rest, '.');
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (str_eqz(part, parts[i]))
            return last.n && last.p[0] >= 'A' && last.p[0] <= 'Z';
    return false;
}

/* ---- archives ---- */

static int read_json(const struct zip *z, const struct model_reader *r, const char *name,
                     json_t **ret, struct err *e)
{
    const struct zip_member *m = zip_find(z, str_from(name));
    uint64_t at;

    *ret = NULL;
    if (!m)
        return 0;
    if (m->size > LIMIT_KERAS_CONFIG)
        return ERR(e, LIMIT, "%s has %" PRIu64 " bytes; %llu are accepted", name, m->size,
                   LIMIT_KERAS_CONFIG);
    if (zip_content(m, r, &at, e) < 0)
        return -1;
    AUTO_FREE char *text = mem_alloc((size_t)m->size + 1);
    if (model_read(r, at, text, (size_t)m->size, name, e) < 0)
        return -1;
    *ret = json_load(str_of(text, (size_t)m->size), ERR_MODEL_INVALID, e);
    return *ret ? 0 : err_wrap(e, "%s", name);
}

static int note(struct weight_list *l, struct arena *a, const char *key, struct str value,
                struct err *e)
{
    struct str kept;
    if (value.n == 0 || value.n > LIMIT_WEIGHT_NOTE)
        return 0;
    return weight_keep(a, value, &kept, e) < 0 ? -1 : weight_list_note(l, str_from(key), kept, e);
}

/* The members: their names, or how many there are. */
static int note_members(struct weight_list *l, struct arena *a, const struct zip *z, struct err *e)
{
    AUTO_JSON list = json_array();
    char many[48];

    (void)snprintf(many, sizeof(many), "array of %zu strings", z->n);
    for (size_t i = 0; z->n <= WEIGHT_ARRAY_SHOWN && i < z->n; i++)
        if (json_array_append_new(list, json_stringn(z->members[i].name.p, z->members[i].name.n)) <
            0)
            return ERR(e, MODEL_INVALID, "the name of a member is no UTF-8");
    AUTO_FREE char *text = json_dumps(list, JSON_COMPACT);
    BUG_ON(!text);
    return note(l, a, "files", str_from(z->n <= WEIGHT_ARRAY_SHOWN ? text : many), e);
}

static int describe(struct weight_list *l, struct arena *a, const json_t *config,
                    const json_t *metadata, struct err *e)
{
    const json_t *inner = json_object_get(config, "config");
    const struct {
        const char *key;
        struct str value;
    } rows[] = {
        {"class_name", json_get_str(config, "class_name")},
        {"name", json_get_str(inner, "name")},
        {"keras_version", json_get_str(metadata, "keras_version")},
        {"date_saved", json_get_str(metadata, "date_saved")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (note(l, a, rows[i].key, rows[i].value, e) < 0)
            return -1;
    return 0;
}

static int read_archive(struct arena *a, struct arena *heap, const struct model_reader *r,
                        struct weights *ret, struct err *e)
{
    AUTO(weight_list) list = {0};
    AUTO_JSON config = NULL;
    AUTO_JSON metadata = NULL;
    struct names imports = {.heap = heap};
    struct zip zip;

    if (zip_read(heap, r, &zip, e) < 0)
        return -1;
    if (!zip_find(&zip, STR("config.json")))
        return ERR(e, MODEL_INVALID, "the archive holds no config.json");
    if (read_json(&zip, r, "config.json", &config, e) < 0 ||
        read_json(&zip, r, "metadata.json", &metadata, e) < 0)
        return -1;
    imports.v = arena_try(heap, LIMIT_PICKLE_IMPORTS * sizeof(*imports.v), e);
    if (!imports.v || walk(&imports, config, e) < 0)
        return -1;
    if (describe(&list, a, config, metadata, e) < 0 || note_members(&list, a, &zip, e) < 0 ||
        imports_keep(a, imports.v, imports.n, is_harmless, ret, e) < 0)
        return -1;
    return weight_list_finish(&list, a, ret, e);
}

/* ---- HDF5 ---- */

static bool holds(struct str s, const char *word)
{
    return memmem(s.p, s.n, word, strlen(word) + 1); /* names end with a NUL */
}

/* Keras' own among all that is HDF5: by attributes and groups that it writes, whose names lie near
 * the beginning. Of weights alone Keras 3 calls the groups "layers" and "vars". */
static int read_hdf5(struct model_window *w, struct weights *ret, struct err *e)
{
    struct str head;

    if (model_window_peek(w, (size_t)MIN_OF(w->reader->size, HDF5_LOOK), "the file", &head, e) < 0)
        return -1;
    if (!holds(head, "keras_version") && !holds(head, "layer_names") &&
        !(holds(head, "layers") && holds(head, "vars")))
        ret->format = "hdf5";
    return 0;
}

static int read_keras(struct arena *a, struct model_window *w, struct weights *ret, struct err *e)
{
    AUTO(arena) heap = {0};
    struct str head;

    arena_init(&heap, LIMIT_PICKLE_MEMORY);
    if (model_window_peek(w, (size_t)MIN_OF(w->reader->size, WEIGHT_HEAD), "the first bytes", &head,
                          e) < 0)
        return -1;
    int rc = is_hdf5(head) ? read_hdf5(w, ret, e) : read_archive(a, &heap, w->reader, ret, e);
    return rc < 0 ? err_wrap(e, "Keras") : 0;
}

const struct weight_format weight_format_keras = {
    .name = "keras", .opaque = true, .is = is_keras, .read = read_keras};
