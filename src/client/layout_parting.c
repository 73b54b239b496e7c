/* SPDX-License-Identifier: Apache-2.0 */
#include "client/layout_parting.h"

#include "base/limits.h"
#include "base/mem.h"
#include "client/attached.h"
#include "oci/link_target.h"
#include "oci/manifest.h"

#include <stdlib.h>

/* An entry of the layout: each digest once, under its first name. */
struct entry {
    struct digest digest;
    struct str tag; /* empty: it has none */
    bool has_subject;
    struct digest subject;
    bool is_link; /* says that its subject depends on the target */
    bool goes;
};

/* That an entry, or a member of it, names an artifact as what it is made of. */
struct made_of {
    size_t entry;
    struct digest target;
    enum link_relation relation;
};

struct parting {
    struct endpoint *p;
    struct arena *a;
    struct entry *entries; /* sorted by digest */
    size_t n;
    struct made_of *made;
    size_t n_made, cap_made;
    size_t manifests; /* so many were read */
};

static void parting_autodone(struct parting *t)
{
    mem_free(t->made);
}

static int by_digest(const void *va, const void *vb)
{
    const struct entry *a = va, *b = vb;
    int order = strcmp(a->digest.text, b->digest.text);
    /* One with a name comes first. */
    return order ? order : (b->tag.n > 0) - (a->tag.n > 0);
}

static struct entry *find(const struct parting *t, const struct digest *digest)
{
    size_t from = 0, to = t->n;

    while (from < to) {
        size_t at = from + (to - from) / 2;
        int order = strcmp(digest->text, t->entries[at].digest.text);
        if (order == 0)
            return &t->entries[at];
        if (order < 0)
            to = at;
        else
            from = at + 1;
    }
    return NULL;
}

static int read_list(struct parting *t, struct err *e)
{
    struct endpoint_entry *list;
    size_t n, kept = 0;

    if (t->p->ops->list(t->p, t->a, &list, &n, e) < 0)
        return -1;
    t->entries = arena_try(t->a, n * sizeof(*t->entries) + 1, e);
    if (!t->entries)
        return -1;
    for (size_t i = 0; i < n; i++)
        t->entries[i] = (struct entry){.digest = list[i].digest, .tag = list[i].tag};
    if (n)
        qsort(t->entries, n, sizeof(*t->entries), by_digest);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !digest_eq(&t->entries[i].digest, &t->entries[kept - 1].digest))
            t->entries[kept++] = t->entries[i];
    t->n = kept;
    return 0;
}

/* ---- what manifests say ---- */

static struct str annotation(const struct oci_manifest *m, const char *key)
{
    for (size_t i = 0; i < m->n_annotations; i++)
        if (str_eqz(m->annotations[i].key, key))
            return m->annotations[i].value;
    return STR("");
}

/* The digest that it names as its base, beside the name or in it. */
static bool names_base(const struct oci_manifest *m, struct digest *ret)
{
    struct link_target target;

    link_target_parse(str_trim(annotation(m, OCI_ANNOTATION_BASE_NAME)), &target);
    return digest_parse(annotation(m, OCI_ANNOTATION_BASE_DIGEST), ret, NULL) == 0 ||
           digest_parse(str_from(target.ref), ret, NULL) == 0;
}

static void keep(struct parting *t, size_t entry, const struct oci_manifest *m)
{
    struct made_of f = {.entry = entry, .relation = LINK_BASE};

    if (!names_base(m, &f.target))
        return;
    (void)link_relation_find(annotation(m, OCI_ANNOTATION_LINK_RELATION), &f.relation);
    if (t->n_made == t->cap_made) {
        t->cap_made = t->cap_made ? 2 * t->cap_made : 16;
        t->made = mem_realloc(t->made, t->cap_made * sizeof(*t->made));
    }
    t->made[t->n_made++] = f;
}

/* The manifest of an entry, or of a member of an index. */
static void read_one(struct parting *t, size_t entry, const struct digest *digest, unsigned depth)
{
    AUTO(arena) passing = {0};
    const struct reference ref = {.is_digest = true, .digest = *digest};
    struct endpoint_manifest got;
    struct oci_manifest m;

    if (depth > LIMIT_COPY_DEPTH || t->manifests++ >= LIMIT_COPY_MANIFESTS)
        return;
    arena_init(&passing, 16 * LIMIT_MANIFEST);
    if (t->p->ops->manifest_get(t->p, &passing, &ref, &got, NULL) < 0 ||
        oci_manifest_parse(&passing, got.bytes, got.type, &m, NULL) < 0)
        return;
    keep(t, entry, &m);
    struct entry *x = &t->entries[entry];
    if (depth == 0 && m.has_subject) {
        x->has_subject = true;
        x->subject = m.subject.digest;
        x->is_link = str_eqz(m.artifact_type, OCI_TYPE_LINK);
    }
    for (size_t i = 0; m.is_index && i < m.n_items; i++)
        if (oci_is_manifest_type(m.items[i].media_type))
            read_one(t, entry, &m.items[i].digest, depth + 1);
}

/* ---- what goes ---- */

static bool goes(const struct parting *t, const struct digest *digest)
{
    const struct entry *x = find(t, digest);
    return x && x->goes;
}

/* A name that cosign made of a digest is none of its own. */
static bool is_cosigns(const struct parting *t, const struct entry *x)
{
    struct digest subject;
    struct tag tag;
    AUTO_FREE char *text = mem_printf("%.*s", S(str_head(x->tag, DIGEST_TEXT_MAX)));
    char *dash = strchr(text, '-'), *dot = strrchr(text, '.');

    if (!dash || !dot || dot < dash)
        return false;
    *dash = ':';
    *dot = '\0';
    if (digest_parse(str_from(text), &subject, NULL) < 0 || !goes(t, &subject))
        return false;
    for (size_t i = 0; i < ATTACHED_TAGS; i++)
        if (attached_tag(&subject, i, &tag) && str_eqz(x->tag, tag.text))
            return true;
    return false;
}

/* What is about what goes, and what is about that, as deep as anything is nested. */
static void spread(struct parting *t)
{
    bool more = true;

    for (unsigned depth = 0; more && depth < LIMIT_COPY_DEPTH; depth++) {
        more = false;
        for (size_t i = 0; i < t->n; i++) {
            struct entry *x = &t->entries[i];
            bool along = x->tag.n ? is_cosigns(t, x) : x->has_subject && goes(t, &x->subject);
            if (x->goes || !along)
                continue;
            x->goes = more = true;
        }
    }
}

/* ---- what stays and depends on it ---- */

struct telling {
    struct endpoint_linked *to;
    struct str shown;
    size_t cap;
};

static int tell(struct parting *t, struct telling *out, const struct digest *digest,
                const char *relation, struct err *e)
{
    const struct entry *x = find(t, digest);
    struct endpoint_linked *to = out->to;

    if (to->n == out->cap) {
        size_t cap = out->cap ? 2 * out->cap : 16;
        struct endpoint_link *more = arena_try(to->arena, cap * sizeof(*more), e);
        if (!more)
            return -1;
        if (to->n)
            memcpy(more, to->v, to->n * sizeof(*more));
        to->v = more;
        out->cap = cap;
    }
    struct str texts[] = {out->shown, digest_str(digest), x ? x->tag : STR("")};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char *copy = arena_try(to->arena, texts[i].n + 1, e);
        if (!copy)
            return -1;
        if (texts[i].n)
            memcpy(copy, texts[i].p, texts[i].n);
        texts[i] = str_of(copy, texts[i].n);
    }
    to->v[to->n++] = (struct endpoint_link){.repository = texts[0],
                                            .digest = texts[1],
                                            .tag = texts[2],
                                            .relation = str_from(relation)};
    return 0;
}

static int tell_all(struct parting *t, const char *shown, struct endpoint_linked *to, struct err *e)
{
    AUTO_FREE char *where = mem_printf("oci:%s", shown);
    struct telling out = {.to = to, .shown = str_from(where)};

    for (size_t i = 0; i < t->n; i++) {
        const struct entry *x = &t->entries[i];
        if (!x->goes && x->has_subject && goes(t, &x->subject) &&
            tell(t, &out, &x->digest, "subject", e) < 0)
            return -1;
    }
    for (size_t i = 0; i < t->n_made; i++) {
        const struct made_of *f = &t->made[i];
        const struct entry *x = &t->entries[f->entry];
        const struct digest *depends = x->is_link ? &x->subject : &x->digest;
        if (x->goes || !goes(t, &f->target) || goes(t, depends))
            continue;
        if (tell(t, &out, depends, link_relation_name(f->relation), e) < 0)
            return -1;
    }
    return 0;
}

/* ---- all of it ---- */

int layout_parting_find(struct endpoint *p, const struct digest *gone, const char *shown,
                        struct endpoint_linked *linked, struct layout_parting *ret, struct err *e)
{
    AUTO(arena) a = {0};
    AUTO(parting) t = {.p = p, .a = &a};
    struct layout_parting found = {.n_along = 0};

    arena_init(&a, 16 * LIMIT_MANIFEST);
    if (read_list(&t, e) < 0)
        return -1;
    for (size_t i = 0; i < t.n; i++)
        read_one(&t, i, &t.entries[i].digest, 0);
    struct entry *first = find(&t, gone);
    if (first)
        first->goes = true;
    spread(&t);
    if (linked && tell_all(&t, shown, linked, e) < 0)
        return -1;
    found.along = NEW_ARRAY(t.n + 1, struct digest);
    for (size_t i = 0; i < t.n; i++)
        if (t.entries[i].goes && &t.entries[i] != first)
            found.along[found.n_along++] = t.entries[i].digest;
    *ret = found;
    return 0;
}
