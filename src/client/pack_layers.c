/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pack_layers.h"

#include <stdlib.h>

struct planning {
    struct arena *arena;
    const struct local_files *l;
    struct pack_layers *layers;
    bool *shared; /* beside the files: it lies in an archive with others */
};

static int by_size(const void *va, const void *vb)
{
    const struct pack_layer_blob *a = va, *b = vb;
    /* The same order in every run: what an earlier one sent then stands together. */
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return a->file < b->file ? -1 : 1;
}

static int plan_image(struct planning *p, struct err *e)
{
    struct pack_layers *r = p->layers;
    if (cnai_image_plan(p->arena, p->l->files, p->l->n, &r->image, &r->n_image, e) < 0)
        return -1;
    r->blobs = arena_try(p->arena, r->n_image * sizeof(*r->blobs), e);
    if (!r->blobs)
        return -1;
    for (; r->n < r->n_image; r->n++) {
        const struct tar_plan *plan = &r->image[r->n].plan;
        r->blobs[r->n] = (struct pack_layer_blob){
            .plan = *plan, .file = plan->members[0].file, .size = plan->size, .entry = r->n};
    }
    return 0;
}

/* One file as a layer of its own. */
static int plan_file(struct planning *p, size_t i, bool tar, struct err *e)
{
    struct pack_layers *r = p->layers;
    struct modelpack_file *entry = &r->entries[r->n_entries];
    struct pack_layer_blob *blob = &r->blobs[r->n];
    *entry = p->l->files[i];
    *blob = (struct pack_layer_blob){.file = i, .size = entry->size, .entry = r->n_entries};
    if (tar) {
        struct tar_member *m = arena_try(p->arena, sizeof(*m), e);
        if (!m)
            return -1;
        *m = (struct tar_member){
            .path = entry->path, .size = entry->size, .mode = entry->mode, .file = i};
        if (tar_plan_make(p->arena, m, 1, &blob->plan, e) < 0)
            return -1;
        entry->tar = true;
        blob->size = entry->layer_size = blob->plan.size;
    }
    r->n_entries++;
    r->n++;
    return 0;
}

static bool is_taken(const struct local_files *l, struct str path)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_ieq(l->files[i].path, path))
            return true;
    return false;
}

/* A name for an archive that no file of the model has. */
static struct str archive_name(const struct planning *p, enum model_kind kind, unsigned *number)
{
    for (;;) {
        struct str name =
            str_from(arena_printf(p->arena, "%s-files-%u.tar", model_kind_name(kind), ++*number));
        if (!is_taken(p->l, name))
            return name;
    }
}

/* Files first to last (by their numbers in `of`) side by side in one archive. */
static int plan_archive(struct planning *p, const size_t *of, size_t n, unsigned *number,
                        struct err *e)
{
    struct pack_layers *r = p->layers;
    struct modelpack_file *entry = &r->entries[r->n_entries];
    struct pack_layer_blob *blob = &r->blobs[r->n];
    enum model_kind kind = p->l->files[of[0]].kind;
    struct tar_member *members = arena_try(p->arena, n * sizeof(*members), e);
    if (!members)
        return -1;
    for (size_t k = 0; k < n; k++) {
        const struct modelpack_file *f = &p->l->files[of[k]];
        members[k] =
            (struct tar_member){.path = f->path, .size = f->size, .mode = f->mode, .file = of[k]};
    }
    *blob = (struct pack_layer_blob){.file = of[0], .entry = r->n_entries};
    if (tar_plan_make(p->arena, members, n, &blob->plan, e) < 0)
        return -1;
    blob->size = blob->plan.size;
    *entry = (struct modelpack_file){.path = archive_name(p, kind, number),
                                     .kind = kind,
                                     .tar = true,
                                     .size = blob->size,
                                     .layer_size = blob->size,
                                     .mode = 0644};
    r->n_entries++;
    r->n++;
    return 0;
}

/* Which files share layers. */
static void choose_shared(struct planning *p)
{
    size_t root = 0;
    for (size_t i = 0; i < p->l->n; i++) {
        const struct modelpack_file *f = &p->l->files[i];
        if (f->size > PACK_LAYERS_SMALL)
            continue;
        bool alone = (f->kind == MODEL_DOC || f->kind == MODEL_WEIGHT_CONFIG) &&
                     str_chr(f->path, '/') < 0 && root < PACK_LAYERS_ROOT;
        root += alone;
        p->shared[i] = !alone;
    }
}

/* The files lie sorted by kind and path, and so do the archives' members. */
static int plan_shared(struct planning *p, struct err *e)
{
    const struct local_files *l = p->l;
    size_t *group = arena_try(p->arena, l->n * sizeof(*group), e), n = 0;
    uint64_t bytes = 0;
    unsigned number = 0;
    if (!group)
        return -1;
    for (size_t i = 0; i < l->n; i++) {
        if (!p->shared[i])
            continue;
        const struct modelpack_file *f = &l->files[i];
        if (n && (l->files[group[0]].kind != f->kind || bytes >= PACK_LAYERS_ARCHIVE)) {
            if (plan_archive(p, group, n, &number, e) < 0)
                return -1;
            if (l->files[group[0]].kind != f->kind)
                number = 0;
            n = 0;
            bytes = 0;
        }
        group[n++] = i;
        bytes += f->size;
    }
    return n ? plan_archive(p, group, n, &number, e) : 0;
}

static int plan_modelpack(struct planning *p, bool tar, struct err *e)
{
    struct pack_layers *r = p->layers;
    const struct local_files *l = p->l;
    p->shared = arena_try(p->arena, l->n * sizeof(*p->shared), e);
    r->blobs = p->shared ? arena_try(p->arena, l->n * sizeof(*r->blobs), e) : NULL;
    r->entries = r->blobs ? arena_try(p->arena, l->n * sizeof(*r->entries), e) : NULL;
    if (!r->entries)
        return -1;
    if (l->n > PACK_LAYERS_MANY) {
        choose_shared(p);
        if (plan_shared(p, e) < 0)
            return -1;
    }
    for (size_t i = 0; i < l->n; i++)
        if (!p->shared[i] && plan_file(p, i, tar, e) < 0)
            return -1;
    return 0;
}

int pack_layers_plan(struct arena *a, const struct local_files *l, enum pack_form form,
                     struct pack_layers *ret, struct err *e)
{
    struct pack_layers r = {.n = 0};
    struct planning p = {.arena = a, .l = l, .layers = &r};

    if (form == PACK_FORM_IMAGE ? plan_image(&p, e) < 0
                                : plan_modelpack(&p, form == PACK_FORM_TAR, e) < 0)
        return -1;
    if (r.entries) {
        /* Sorted as a manifest lists them; the blobs find their entries by the file. */
        struct modelpack_file *sorted = arena_try(a, r.n_entries * sizeof(*sorted), e);
        if (!sorted)
            return -1;
        memcpy(sorted, r.entries, r.n_entries * sizeof(*sorted));
        qsort(sorted, r.n_entries, sizeof(*sorted), modelpack_file_cmp);
        for (size_t i = 0; i < r.n; i++) {
            const struct modelpack_file *found =
                bsearch(&r.entries[r.blobs[i].entry], sorted, r.n_entries, sizeof(*sorted),
                        modelpack_file_cmp);
            BUG_ON(!found);
            r.blobs[i].entry = (size_t)(found - sorted);
        }
        r.entries = sorted;
    }
    qsort(r.blobs, r.n, sizeof(*r.blobs), by_size);
    *ret = r;
    return 0;
}

void pack_layers_digests(struct pack_layers *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct pack_layer_blob *b = &p->blobs[i];
        if (p->image)
            p->image[b->entry].digest = b->digest;
        else
            p->entries[b->entry].digest = b->digest;
    }
}
