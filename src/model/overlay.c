/* SPDX-License-Identifier: Apache-2.0 */
#include "model/overlay.h"

#include <stdlib.h>

/* What the layers say about one path: the highest that does (counted from 1), or 0. */
struct note {
    struct str path;
    size_t self;    /* hides what lies there */
    size_t beneath; /* hides what lies below */
    size_t dir;     /* has a directory there */
};

struct notes {
    struct note *p;
    size_t n, cap;
};

static void add(struct notes *x, const struct note *note)
{
    if (x->n == x->cap) {
        x->cap = x->cap ? 2 * x->cap : 256;
        x->p = mem_realloc(x->p, x->cap * sizeof(*x->p));
    }
    x->p[x->n++] = *note;
}

/* Every directory above path; above[0..] are those of the member before, often the same. */
static void add_parents(struct notes *x, struct str path, size_t layer, struct str *last)
{
    ptrdiff_t slash = str_rchr(path, '/');
    struct str dir = str_head(path, slash < 0 ? 0 : (size_t)slash);
    if (last->p && str_eq(*last, dir))
        return;
    *last = dir;
    for (; dir.n; dir = str_head(dir, slash < 0 ? 0 : (size_t)slash)) {
        add(x, &(struct note){.path = dir, .dir = layer});
        slash = str_rchr(dir, '/');
    }
}

static void add_layer(struct notes *x, const struct members *a, size_t layer)
{
    struct str last = STR_NULL;
    for (size_t i = 0; i < a->n; i++) {
        const struct member *m = &a->members[i];
        struct note note = {.path = m->path};
        switch (m->what) {
        case MEMBER_GONE:
            note.self = note.beneath = layer;
            break;
        case MEMBER_OPAQUE:
            note.beneath = layer;
            break;
        case MEMBER_DIR:
            note.dir = layer;
            add_parents(x, m->path, layer, &last);
            break;
        default:
            note.self = note.beneath = layer;
            add_parents(x, m->path, layer, &last);
        }
        add(x, &note);
    }
}

static int by_path(const void *va, const void *vb)
{
    const struct note *a = va, *b = vb;
    return str_cmp(a->path, b->path);
}

/* One note a path. */
static void merge(struct notes *x)
{
    size_t n = 0;
    qsort(x->p, x->n, sizeof(*x->p), by_path);
    for (size_t i = 0; i < x->n; i++) {
        if (n == 0 || !str_eq(x->p[n - 1].path, x->p[i].path)) {
            x->p[n++] = x->p[i];
            continue;
        }
        struct note *to = &x->p[n - 1];
        to->self = MAX_OF(to->self, x->p[i].self);
        to->beneath = MAX_OF(to->beneath, x->p[i].beneath);
        to->dir = MAX_OF(to->dir, x->p[i].dir);
    }
    x->n = n;
}

static struct note find(const struct notes *x, struct str path)
{
    const struct note key = {.path = path};
    const struct note *found = bsearch(&key, x->p, x->n, sizeof(key), by_path);
    return found ? *found : key;
}

static bool is_hidden(const struct notes *x, struct str path, size_t layer)
{
    struct note here = find(x, path);
    if (here.self > layer || here.dir > layer)
        return true;
    while (path.n) {
        ptrdiff_t slash = str_rchr(path, '/');
        path = str_head(path, slash < 0 ? 0 : (size_t)slash);
        if (find(x, path).beneath > layer)
            return true;
    }
    return false;
}

void overlay_hide(struct members *const *layers, size_t n)
{
    struct notes x = {.n = 0};
    for (size_t i = 0; i < n; i++)
        add_layer(&x, layers[i], i + 1);
    if (x.n)
        merge(&x);
    for (size_t i = 0; i < n; i++) {
        size_t last = i;
        for (size_t k = i + 1; k < n; k++)
            if (layers[k] == layers[i])
                last = k;
        if (last != i)
            continue; /* it lies further up, too */
        struct members *a = layers[i];
        for (size_t k = 0; k < a->n; k++) {
            struct member *m = &a->members[k];
            if (m->wanted && is_hidden(&x, m->path, i + 1)) {
                m->wanted = false;
                a->n_wanted--;
            }
        }
    }
    mem_free(x.p);
}
