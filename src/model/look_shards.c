/* SPDX-License-Identifier: Apache-2.0 */
#include "model/look_shards.h"

#include "base/mem.h"
#include "model/path.h"

#include <stdlib.h>

static bool is_about_content(const struct err *e)
{
    return e->code == ERR_MODEL_INVALID || e->code == ERR_LIMIT;
}

int look_shards_read(struct look *l, struct str path, const struct model_reader *r, struct err *e)
{
    struct err why = {.code = ERR_OK};
    struct look_index *index = arena_try(l->arena, sizeof(*index), e);

    if (!index)
        return -1;
    if (shards_read(l->arena, r, &index->shards, &why) == 0) {
        index->path = path;
        index->next = l->indexes;
        l->indexes = index;
        return 0;
    }
    if (!is_about_content(&why)) {
        if (e)
            *e = why;
        return err_wrap(e, "%.*s", S(path));
    }
    (void)err_wrap(&why, "%.*s", S(path));
    model_facts_warn(&l->facts, &why);
    return 0;
}

/* ---- files by path ---- */

static int compare_paths(const void *va, const void *vb)
{
    const struct look_file *const *a = va, *const *b = vb;
    return str_cmp((*a)->path, (*b)->path);
}

static const struct look_file *find(const struct look_file *const *sorted, size_t n,
                                    struct str path)
{
    const struct look_file key = {.path = path}, *wanted = &key;
    const struct look_file *const *at =
        bsearch(&wanted, sorted, n, sizeof(struct look_file *), compare_paths);
    return at ? *at : NULL;
}

/* ---- indexes ---- */

static int compare_names(const void *va, const void *vb)
{
    return str_cmp(*(const struct str *)va, *(const struct str *)vb);
}

/* By file and name. The names of files are each there once. */
static int compare_tensors(const void *va, const void *vb)
{
    const struct shard_tensor *a = va, *b = vb;
    int rc = str_cmp(a->file, b->file);
    return rc ? rc : str_cmp(a->name, b->name);
}

static void warn_missing(struct look *l, const struct look_index *x, struct str first, size_t n)
{
    char show[MODEL_PATH_SHOW];
    struct err why;

    if (n == 0)
        return;
    (void)model_path_show(first, show, sizeof(show));
    if (n > 1)
        (void)ERR(&why, MODEL_INVALID, "%.*s: \"%s\" and %zu more files that it names are missing",
                  S(x->path), show, n - 1);
    else
        (void)ERR(&why, MODEL_INVALID, "%.*s: the file \"%s\", which it names, is missing",
                  S(x->path), show);
    model_facts_warn(&l->facts, &why);
}

/* The n tensors that the index has in one file are in it. */
static void check_tensors(struct look *l, const struct look_index *x, const struct look_file *f,
                          const struct shard_tensor *tensors, size_t n)
{
    AUTO_FREE struct str *names = NEW_ARRAY(f->weights.n_tensors + 1, struct str);
    char show[MODEL_PATH_SHOW];
    struct err why;
    const struct shard_tensor *first = NULL;
    size_t absent = 0;

    for (size_t i = 0; i < f->weights.n_tensors; i++)
        names[i] = f->weights.tensors[i].name;
    qsort(names, f->weights.n_tensors, sizeof(*names), compare_names);
    for (size_t i = 0; i < n; i++) {
        if (bsearch(&tensors[i].name, names, f->weights.n_tensors, sizeof(*names), compare_names))
            continue;
        first = first ? first : &tensors[i];
        absent++;
    }
    if (!first)
        return;
    (void)ERR(&why, MODEL_INVALID, "%.*s: %zu tensors, such as \"%s\", are not in %s, as it says",
              S(x->path), absent, model_path_show(first->name, show, sizeof(show)), f->path.p);
    model_facts_warn(&l->facts, &why);
}

static void check_index(struct look *l, const struct look_index *x,
                        const struct look_file *const *sorted, bool all_known)
{
    const struct shards *s = &x->shards;
    AUTO_FREE struct shard_tensor *tensors = NEW_ARRAY(s->n_tensors + 1, struct shard_tensor);
    struct str dir = str_head(x->path, (size_t)(str_rchr(x->path, '/') + 1)), first = STR_NULL;
    size_t missing = 0;
    AUTO(buf) path = {0};

    memcpy(tensors, s->tensors, s->n_tensors * sizeof(*tensors));
    qsort(tensors, s->n_tensors, sizeof(*tensors), compare_tensors);
    buf_init(&path, 2 * LIMIT_MODEL_PATH + 1);
    for (size_t i = 0, end; i < s->n_tensors; i = end) {
        for (end = i + 1; end < s->n_tensors && str_eq(tensors[end].file, tensors[i].file);)
            end++;
        buf_reset(&path);
        buf_adds(&path, dir);
        buf_adds(&path, tensors[i].file);
        const struct look_file *f = find(sorted, l->n_files, buf_str(&path));
        if (!f && missing++ == 0)
            first = tensors[i].file;
        if (f && f->known)
            check_tensors(l, x, f, &tensors[i], end - i);
    }
    if (all_known)
        warn_missing(l, x, first, missing);
}

/* ---- split GGUF ---- */

/* "DIR/name-00001-of-00003.gguf": what stands before the number of the part. */
static bool split(struct str path, struct str *ret_stem, uint64_t *ret_of)
{
    enum { DIGITS = 5 };
    struct str rest = path;
    uint64_t part;

    if (!str_ends(rest, STR(".gguf")) || rest.n < 5 + 2 * DIGITS + 5)
        return false;
    rest = str_head(rest, rest.n - 5);
    if (!str_u64(str_skip(rest, rest.n - DIGITS), 1, 99999, ret_of))
        return false;
    rest = str_head(rest, rest.n - DIGITS);
    if (!str_ends(rest, STR("-of-")))
        return false;
    rest = str_head(rest, rest.n - 4);
    if (!str_u64(str_skip(rest, rest.n - DIGITS), 1, *ret_of, &part))
        return false;
    *ret_stem = str_head(rest, rest.n - DIGITS);
    return true;
}

/* sorted: by path, so that the parts of one model are neighbours. */
static void check_splits(struct look *l, const struct look_file *const *sorted)
{
    struct err why;
    struct str stem = STR_NULL, other = STR_NULL;
    uint64_t of = 0, other_of = 0;

    for (size_t i = 0, end; i < l->n_files; i = end) {
        uint64_t says = sorted[i]->weights.split_count;
        end = i + 1;
        bool named = split(sorted[i]->path, &stem, &of);
        while (named && end < l->n_files && split(sorted[end]->path, &other, &other_of) &&
               str_eq(stem, other) && of == other_of)
            end++;
        if (!sorted[i]->known || says < 2 || end - i == says)
            continue;
        (void)ERR(&why, MODEL_INVALID, "%s is one of %llu parts, and %zu of them are here",
                  sorted[i]->path.p, (unsigned long long)says, end - i);
        model_facts_warn(&l->facts, &why);
    }
}

void look_shards_check(struct look *l)
{
    AUTO_FREE const struct look_file **sorted = NEW_ARRAY(l->n_files + 1, const struct look_file *);
    bool all_known = true;

    for (size_t i = 0; i < l->n_files; i++) {
        sorted[i] = &l->files[i];
        all_known = all_known && !l->files[i].closed;
    }
    qsort(sorted, l->n_files, sizeof(struct look_file *), compare_paths);
    for (const struct look_index *x = l->indexes; x; x = x->next)
        check_index(l, x, sorted, all_known);
    if (all_known)
        check_splits(l, sorted);
}
