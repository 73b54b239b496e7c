/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Referrers: two streams in the order of their digests, merged. One is the rows whose subject is
 * asked for (their descriptors were made when they were pushed); the other is an index that an
 * older client keeps under the fallback tag of the subject (OCI distribution-spec "Referrers Tag
 * Schema"). Of the latter only manifests that the repository still holds count: nobody takes a
 * deleted one out of that index.
 */
#include "base/log.h"
#include "registry/internal.h"

#include <stdlib.h>

struct wanted {
    const struct str *types;
    size_t n_types;
    struct str after; /* digest text, empty: from the start */
};

static bool type_wanted(const struct wanted *want, struct str type)
{
    for (size_t i = 0; i < want->n_types; i++) {
        if (str_eq(want->types[i], type))
            return true;
    }
    return want->n_types == 0;
}

/* ---- the fallback tag ---- */

struct fallback {
    struct oci_descriptor *items; /* by digest, each once */
    size_t n;
};

static int by_digest(const void *a, const void *b)
{
    return strcmp(((const struct oci_descriptor *)a)->digest.text,
                  ((const struct oci_descriptor *)b)->digest.text);
}

/* Keeps an item that the repository holds; its own manifest says what its descriptor leaves out. */
static int keep_item(struct db_conn *c, struct arena *a, int64_t repository,
                     const struct wanted *want, struct fallback *f, struct oci_descriptor *d,
                     struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found;

    if (str_cmp(digest_str(&d->digest), want->after) <= 0)
        return 0;
    found = db_one(c, Q_artifact_row, DB_ARGS(DB_I64(repository), DB_TEXT(digest_str(&d->digest))),
                   &rows, e);
    if (found <= 0)
        return found;
    if (d->artifact_type.n == 0 && registry_copy(a, db_text(&rows, 3), &d->artifact_type, e) < 0)
        return -1;
    if (type_wanted(want, d->artifact_type))
        f->items[f->n++] = *d;
    return 0;
}

static int load_fallback(struct registry *r, struct arena *a, const struct repo_name *repo,
                         int64_t repository, const struct digest *subject,
                         const struct wanted *want, struct fallback *ret, struct err *e)
{
    struct reference ref = {.is_digest = false};
    struct artifact art;
    struct oci_manifest m;
    struct fallback f = {.n = 0};
    struct err ignored = {0};
    int found;

    tag_for_referrers(subject, &ref.tag);
    found = artifact_find(r, a, repo, &ref, &art, e);
    if (found <= 0)
        return found;
    if (!oci_is_index_type(art.media_type))
        return 0;
    if (oci_manifest_parse(a, art.bytes, art.media_type, &m, &ignored) < 0) {
        LOG(WARN, "referrers.fallback", log_str("repository", repo_name_str(repo)),
            log_strz("tag", ref.tag.text), log_err(&ignored));
        return 0;
    }
    if (m.n_items > 0)
        qsort(m.items, m.n_items, sizeof(*m.items), by_digest);
    f.items = m.items;
    for (size_t i = 0; i < m.n_items; i++) {
        if (i > 0 && digest_eq(&m.items[i - 1].digest, &m.items[i].digest))
            continue;
        /* f grows in place: it never passes the item read, nor the one compared with next. */
        struct oci_descriptor d = m.items[i];
        if (keep_item(db_reader(r->db), a, repository, want, &f, &d, e) < 0)
            return -1;
    }
    *ret = f;
    return 0;
}

/* ---- the page ---- */

struct page {
    struct buf out;
    size_t n, max;
    struct digest last;
    bool full;
};

/* Adds a descriptor, or closes the page. The first always goes in: a list must get on. */
static int page_add(struct page *p, struct str digest, struct str json, struct err *e)
{
    if (p->n > 0 && p->out.n + 1 + json.n > p->max) {
        p->full = true;
        return 0;
    }
    if (p->n > 0)
        buf_addc(&p->out, ',');
    buf_adds(&p->out, json);
    p->n++;
    return registry_digest(digest, &p->last, e);
}

static int page_add_item(struct page *p, const struct oci_descriptor *d, struct err *e)
{
    AUTO(buf) json = {0};
    struct json_writer w;
    struct oci_descriptor bare = *d;

    buf_init(&json, LIMIT_REFERRERS_BYTES);
    jsonw_init(&w, &json);
    oci_descriptor_write(&w, d);
    if (!buf_ok(&json)) { /* as for a pushed manifest: better without than not at all */
        bare.n_annotations = 0;
        bare.data = STR_NULL;
        buf_reset(&json);
        jsonw_init(&w, &json);
        oci_descriptor_write(&w, &bare);
    }
    return page_add(p, digest_str(&d->digest), buf_str(&json), e);
}

static int merge(struct db_rows *rows, const struct wanted *want, const struct fallback *f,
                 struct page *p, struct err *e)
{
    size_t i = 0;
    int more = db_next(rows, e);

    while (more >= 0 && !p->full && (more > 0 || i < f->n)) {
        int order = more == 0   ? 1
                    : i == f->n ? -1
                                : str_cmp(db_text(rows, 0), digest_str(&f->items[i].digest));

        if (order > 0) {
            if (page_add_item(p, &f->items[i++], e) < 0)
                return -1;
            continue;
        }
        if (order == 0)
            i++;
        if (type_wanted(want, db_text(rows, 1)) &&
            page_add(p, db_text(rows, 0), db_text(rows, 2), e) < 0)
            return -1;
        more = db_next(rows, e);
    }
    return more < 0 ? -1 : 0;
}

int referrer_list(struct registry *r, struct arena *a, const struct repo_name *repo,
                  const struct digest *d, const struct str *types, size_t n_types,
                  const struct digest *after, size_t max_bytes, struct referrer_page *ret,
                  struct err *e)
{
    AUTO(arena) scratch = {0};
    AUTO(db_rows) rows = {0};
    struct wanted want = {types, n_types, after ? digest_str(after) : STR("")};
    struct fallback fallback = {.n = 0};
    struct page page = {.max = MIN_OF(max_bytes, (size_t)LIMIT_REFERRERS_BYTES)};
    struct referrer_page done = {.more = false};
    int64_t repository = 0;
    int rc = repository_find(r, repo, &repository, e);

    if (rc < 0)
        return -1;
    if (rc == 0) {
        *ret = (struct referrer_page){.json = STR("")};
        return 0;
    }
    arena_init(&scratch, LIMIT_REQUEST_ARENA);
    if (load_fallback(r, &scratch, repo, repository, d, &want, &fallback, e) < 0 ||
        db_query(db_reader(r->db), Q_referrer_page,
                 DB_ARGS(DB_I64(repository), DB_TEXT(digest_str(d)), DB_TEXT(want.after)), &rows,
                 e) < 0)
        return err_wrap(e, "listing the referrers of %s", d->text);
    buf_init(&page.out, LIMIT_REFERRERS_BYTES);
    rc = merge(&rows, &want, &fallback, &page, e);
    if (rc == 0 && !buf_ok(&page.out))
        rc = ERR(e, LIMIT, "the list of referrers is too large");
    if (rc == 0)
        rc = registry_copy(a, buf_str(&page.out), &done.json, e);
    buf_done(&page.out);
    if (rc < 0)
        return err_wrap(e, "listing the referrers of %s", d->text);
    done.more = page.full;
    done.last = page.last;
    *ret = done;
    return 0;
}
