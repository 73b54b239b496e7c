/* SPDX-License-Identifier: Apache-2.0 */
#include "model/shards.h"

#include "base/jsonr.h"
#include "base/mem.h"
#include "model/path.h"
#include "model/weight_format.h"
#include "model/window.h"

#include <stdlib.h>

struct reading {
    struct arena *arena;
    struct model_window *w;
    struct jsonr json;
    bool map; /* has been read */
    struct shard_tensor *tensors;
    size_t n_tensors, cap_tensors;
    struct str *files; /* sorted */
    size_t n_files, cap_files;
};

static void reading_autodone(struct reading *r)
{
    jsonr_autodone(&r->json);
    mem_free(r->tensors);
    mem_free(r->files);
}

bool shards_is_index(struct str path)
{
    static const char *const endings[] = {".safetensors.index.json", ".bin.index.json",
                                          ".h5.index.json", ".msgpack.index.json"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (str_ends(path, str_from(endings[i])))
            return true;
    return false;
}

/* Where file stands among the files, or would stand; *ret_found says which. */
static size_t find(const struct str *files, size_t n, struct str file, bool *ret_found)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(files[middle], file) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low < n && str_eq(files[low], file);
    return low;
}

/* The one copy of a file's name. */
static int take_file(struct reading *r, struct str file, struct str *ret, struct err *e)
{
    bool found;
    size_t at = find(r->files, r->n_files, file, &found);
    if (!found) {
        struct str copy;
        if (model_path_check(file, e) < 0 || weight_keep(r->arena, file, &copy, e) < 0)
            return -1;
        if (r->n_files == LIMIT_MODEL_FILES)
            return ERR(e, LIMIT, "more than %d files", LIMIT_MODEL_FILES);
        if (r->n_files == r->cap_files) {
            r->cap_files = r->cap_files ? r->cap_files * 2 : 16;
            r->files = mem_realloc(r->files, r->cap_files * sizeof(*r->files));
        }
        memmove(&r->files[at + 1], &r->files[at], (r->n_files - at) * sizeof(*r->files));
        r->files[at] = copy;
        r->n_files++;
    }
    *ret = r->files[at];
    return 0;
}

static int read_map(struct reading *r, struct err *e)
{
    struct jsonr *json = &r->json;
    if (r->map)
        return jsonr_wrong(json, "\"weight_map\" appears twice", e);
    r->map = true;
    if (jsonr_next(json, e) < 0)
        return -1;
    if (json->type != JSONR_OBJECT)
        return jsonr_wrong(json, "\"weight_map\" must be an object", e);
    for (;;) {
        struct shard_tensor t;
        if (jsonr_next(json, e) < 0)
            return -1;
        if (json->type == JSONR_OBJECT_DONE)
            return 0;
        if (json->text_length > LIMIT_WEIGHT_NAME)
            return jsonr_wrong(json, "the name of a tensor is too long", e);
        if (r->n_tensors == LIMIT_WEIGHT_TENSORS)
            return ERR(e, LIMIT, "more than %d tensors", LIMIT_WEIGHT_TENSORS);
        if (weight_keep(r->arena, json->text, &t.name, e) < 0 || jsonr_next(json, e) < 0)
            return -1;
        if (json->type != JSONR_STRING)
            return jsonr_wrong(json, "values of \"weight_map\" must be names of files", e);
        if (take_file(r, json->text, &t.file, e) < 0)
            return -1;
        if (r->n_tensors == r->cap_tensors) {
            r->cap_tensors = r->cap_tensors ? r->cap_tensors * 2 : 64;
            r->tensors = mem_realloc(r->tensors, r->cap_tensors * sizeof(*r->tensors));
        }
        r->tensors[r->n_tensors++] = t;
    }
}

/* Only total_size is of use; other writers put other things here. */
static int read_metadata(struct reading *r, struct shards *out, struct err *e)
{
    struct jsonr *json = &r->json;
    if (jsonr_next(json, e) < 0)
        return -1;
    if (json->type != JSONR_OBJECT)
        return jsonr_skip(json, e);
    for (;;) {
        if (jsonr_next(json, e) < 0)
            return -1;
        if (json->type == JSONR_OBJECT_DONE)
            return 0;
        bool total = str_eq(json->text, STR("total_size"));
        if (jsonr_next(json, e) < 0)
            return -1;
        if (total)
            (void)jsonr_u64(json, &out->total_size);
        if (jsonr_skip(json, e) < 0)
            return -1;
    }
}

static int read_index(struct reading *r, struct shards *out, struct err *e)
{
    struct jsonr *json = &r->json;
    if (jsonr_next(json, e) < 0)
        return -1;
    if (json->type != JSONR_OBJECT)
        return jsonr_wrong(json, "an index must be an object", e);
    for (;;) {
        if (jsonr_next(json, e) < 0)
            return -1;
        if (json->type == JSONR_OBJECT_DONE)
            break;
        int rc;
        if (str_eq(json->text, STR("weight_map")))
            rc = read_map(r, e);
        else if (str_eq(json->text, STR("metadata")))
            rc = read_metadata(r, out, e);
        else
            rc = jsonr_skip(json, e);
        if (rc < 0)
            return -1;
    }
    return jsonr_next(json, e); /* nothing stands behind it */
}

static int by_name(const void *va, const void *vb)
{
    const struct shard_tensor *a = va, *b = vb;
    return str_cmp(a->name, b->name);
}

static int finish(struct reading *r, struct shards *out, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    if (!r->map || r->n_tensors == 0)
        return ERR(e, MODEL_INVALID, "a \"weight_map\" with tensors is missing");
    qsort(r->tensors, r->n_tensors, sizeof(*r->tensors), by_name);
    for (size_t i = 1; i < r->n_tensors; i++)
        if (str_eq(r->tensors[i - 1].name, r->tensors[i].name))
            return ERR(e, MODEL_INVALID, "the tensor \"%s\" appears twice",
                       model_path_show(r->tensors[i].name, show, sizeof(show)));
    out->tensors = arena_try(r->arena, r->n_tensors * sizeof(*out->tensors), e);
    out->files = out->tensors ? arena_try(r->arena, r->n_files * sizeof(*out->files), e) : NULL;
    if (!out->files)
        return -1;
    memcpy(out->tensors, r->tensors, r->n_tensors * sizeof(*out->tensors));
    memcpy(out->files, r->files, r->n_files * sizeof(*out->files));
    out->n_tensors = r->n_tensors;
    out->n_files = r->n_files;
    return 0;
}

int shards_read(struct arena *a, const struct model_reader *r, struct shards *ret, struct err *e)
{
    AUTO(model_window) w = {0};
    AUTO(reading) reading = {.arena = a, .w = &w};
    struct shards out = {.n_files = 0};

    model_window_init(&w, r);
    model_window_limit(&w, LIMIT_WEIGHT_HEADER);
    if (r->size > LIMIT_WEIGHT_HEADER)
        return ERR(e, LIMIT, "an index of more than %llu bytes", LIMIT_WEIGHT_HEADER);
    jsonr_init(&reading.json, model_window_more, &w, LIMIT_WEIGHT_NAME, ERR_MODEL_INVALID);
    if (read_index(&reading, &out, e) < 0 || finish(&reading, &out, e) < 0)
        return -1;
    *ret = out;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

int shards_check_files(const struct shards *s, const struct str *paths, size_t n, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    AUTO_FREE struct str *sorted = NEW_ARRAY(n + 1, struct str);
    if (n) {
        memcpy(sorted, paths, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), compare_names);
    }
    for (size_t i = 0; i < s->n_files; i++) {
        bool found;
        (void)find(sorted, n, s->files[i], &found);
        if (!found)
            return ERR(e, MODEL_INVALID, "the file \"%s\", which the index names, is missing",
                       model_path_show(s->files[i], show, sizeof(show)));
    }
    return 0;
}

int shards_check_tensors(const struct shards *s, struct str file, const struct weights *w,
                         struct err *e)
{
    char show[MODEL_PATH_SHOW], where[MODEL_PATH_SHOW];
    AUTO_FREE struct str *names = NEW_ARRAY(w->n_tensors + 1, struct str);
    for (size_t i = 0; i < w->n_tensors; i++)
        names[i] = w->tensors[i].name;
    if (w->n_tensors)
        qsort(names, w->n_tensors, sizeof(*names), compare_names);
    for (size_t i = 0; i < s->n_tensors; i++) {
        bool found;
        if (!str_eq(s->tensors[i].file, file))
            continue;
        (void)find(names, w->n_tensors, s->tensors[i].name, &found);
        if (!found)
            return ERR(e, MODEL_INVALID,
                       "the file \"%s\" lacks the tensor \"%s\", which the index has there",
                       model_path_show(file, where, sizeof(where)),
                       model_path_show(s->tensors[i].name, show, sizeof(show)));
    }
    return 0;
}
