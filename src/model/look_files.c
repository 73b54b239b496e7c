/* SPDX-License-Identifier: Apache-2.0 */
#include "model/look_files.h"

#include "base/mem.h"
#include "model/path.h"
#include "model/series.h"

void look_init(struct look *l, struct arena *a)
{
    *l = (struct look){.arena = a};
    model_facts_init(&l->facts);
}

void look_autodone(struct look *l)
{
    mem_free(l->files);
    model_facts_autodone(&l->facts);
}

struct look_file *look_add(struct look *l, struct err *e)
{
    if (l->n_files == LIMIT_TAR_MEMBERS) {
        (void)ERR(e, LIMIT, "more than %d files", LIMIT_TAR_MEMBERS);
        return NULL;
    }
    if (l->n_files == l->cap_files) {
        l->cap_files = l->cap_files ? 2 * l->cap_files : 64;
        l->files = mem_realloc(l->files, l->cap_files * sizeof(*l->files));
    }
    struct look_file *f = &l->files[l->n_files++];
    *f = (struct look_file){.size = 0};
    return f;
}

void look_sum(struct look *l)
{
    AUTO_FREE struct series_file *files = NEW_ARRAY(l->n_files + 1, struct series_file);
    for (size_t i = 0; i < l->n_files; i++) {
        const struct look_file *f = &l->files[i];
        /* By its name alone what was not read counts for nothing, but for the ONNX model beside
         * it. */
        bool named = f->known ? !f->weights.opaque : !model_format_of(f->path);
        files[i] = (struct series_file){.path = named ? f->path : STR_NULL, .size = f->size};
    }
    series_choose(files, l->n_files);
    l->totals = (struct weight_totals){.format = NULL};
    for (size_t i = 0; i < l->n_files; i++) {
        l->files[i].counts = files[i].counts;
        if (files[i].counts)
            weight_totals_add(&l->totals, &l->files[i].weights);
    }
}

void look_warn(struct look *l, const struct look_file *f)
{
    char file[MODEL_PATH_SHOW], name[MODEL_PATH_SHOW];
    const struct weight_import *first = NULL;
    struct err what;
    size_t n = 0;
    for (size_t i = 0; f->known && i < f->weights.n_imports; i++) {
        const struct weight_import *x = &f->weights.imports[i];
        if (!x->unsafe)
            continue;
        if (!first || (x->dangerous && !first->dangerous))
            first = x;
        n++;
    }
    if (!first)
        return;
    (void)ERR(&what, MODEL_INVALID, "%s: who loads this file runs %s%s, which %s",
              model_path_show(f->path, file, sizeof(file)),
              model_path_show(first->name, name, sizeof(name)), n > 1 ? " and more" : "",
              first->dangerous ? "no model needs" : "weights do not need");
    model_facts_warn(&l->facts, &what);
}
