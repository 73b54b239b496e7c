/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of artifacts inside of the registry: no byte of a blob moves. */
#include "access/audit.h"
#include "base/limits.h"
#include "base/mem.h"
#include "oci/manifest.h"
#include "registry/artifact.h"
#include "registry/internal.h"
#include "registry/link.h"

struct copy {
    struct registry *r;
    const struct repo_name *from, *to;
    int64_t from_id, to_id; /* to_id: 0 until it was pushed to */
    size_t n;               /* artifacts so far */
};

static int copy_one(struct copy *c, const struct digest *d, const struct artifact_tag *tags,
                    size_t n_tags, unsigned depth, struct err *e);

/* What is not here (layers that live elsewhere) is for the push to judge. */
static int mount(struct copy *c, const struct digest *d, struct err *e)
{
    return blob_mount(c->r, c->to, c->from, false, d, e) < 0 ? -1 : 0;
}

static int copy_content(struct copy *c, const struct oci_manifest *m, unsigned depth, struct err *e)
{
    if (m->has_config && mount(c, &m->config.digest, e) < 0)
        return -1;
    for (size_t i = 0; i < m->n_items; i++) {
        const struct oci_descriptor *item = &m->items[i];
        bool manifest = m->is_index && oci_is_manifest_type(item->media_type);
        if ((manifest ? copy_one(c, &item->digest, NULL, 0, depth + 1, e)
                      : mount(c, &item->digest, e)) < 0)
            return -1;
    }
    return 0;
}

static int push(struct copy *c, struct arena *a, const struct artifact *art,
                const struct artifact_tag *tags, size_t n_tags, struct err *e)
{
    struct artifact_push req = {.bytes = art->bytes, .content_type = art->media_type};
    struct artifact_pushed pushed;
    size_t done = 0;

    req.ref.is_digest = true;
    req.ref.digest = art->digest;
    req.tags = ARENA_ARRAY(a, LIMIT_TAGS_PER_PUSH, struct tag);
    do {
        req.n_tags = 0;
        for (; done < n_tags && req.n_tags < LIMIT_TAGS_PER_PUSH; done++)
            if (tag_parse(tags[done].name, &req.tags[req.n_tags++], e) < 0)
                return -1;
        if (artifact_push(c->r, a, c->to, &req, &pushed, NULL, e) < 0)
            return -1;
    } while (done < n_tags);
    return 0;
}

/* What is about it goes along. */
static int copy_accessories(struct copy *c, struct arena *a, const struct digest *of,
                            unsigned depth, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct digest *found = ARENA_ARRAY(a, LIMIT_PAGE, struct digest);
    size_t n = 0;
    int more;

    if (db_query(db_reader(c->r->db), Q_accessory_digests,
                 DB_ARGS(DB_I64(c->from_id), DB_TEXT(digest_str(of)), DB_I64(LIMIT_PAGE)), &rows,
                 e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0 && n < LIMIT_PAGE)
        if (registry_digest(db_text(&rows, 0), &found[n++], e) < 0)
            return -1;
    if (more < 0)
        return -1;
    db_rows_done(&rows);
    for (size_t i = 0; i < n; i++)
        if (copy_one(c, &found[i], NULL, 0, depth + 1, e) < 0)
            return -1;
    return 0;
}

/* What people said of its content by hand holds for the copy as well. */
static int copy_links(struct copy *c, const struct digest *d, struct err *e)
{
    if (!c->to_id && repository_find(c->r, c->to, &c->to_id, e) <= 0)
        return -1;
    return link_copy(c->r, c->from_id, c->to_id, d, e);
}

static int copy_one(struct copy *c, const struct digest *d, const struct artifact_tag *tags,
                    size_t n_tags, unsigned depth, struct err *e)
{
    AUTO(arena) a = {0};
    const struct reference ref = {.is_digest = true, .digest = *d};
    struct artifact art;
    struct oci_manifest m;

    if (depth > LIMIT_COPY_DEPTH || ++c->n > LIMIT_COPY_MANIFESTS)
        return ERR(e, LIMIT, "the artifact has more members than can be copied");
    arena_init(&a, LIMIT_REQUEST_ARENA);
    int found = artifact_find(c->r, &a, c->from, &ref, &art, e);
    if (found <= 0) /* a member that an index names and nobody has pushed */
        return found;
    if (oci_manifest_parse(&a, art.bytes, art.media_type, &m, e) < 0 ||
        copy_content(c, &m, depth, e) < 0 || push(c, &a, &art, tags, n_tags, e) < 0 ||
        copy_links(c, d, e) < 0)
        return -1;
    return copy_accessories(c, &a, d, depth, e);
}

int artifact_copy(struct registry *r, struct arena *a, const struct repo_name *from,
                  const struct artifact_facts *source, const struct repo_name *to, struct err *e)
{
    struct copy c = {.r = r, .from = from, .to = to, .from_id = source->repository_id};
    AUTO(db_rows) rows = {0};
    struct artifact_tag *tags;
    struct digest d;
    size_t n;

    int found = db_one(db_reader(r->db), Q_artifact_by_id, DB_ARGS(DB_I64(source->id)), &rows, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "the artifact is gone");
    bool accessory = !db_is_null(&rows, 2);
    db_rows_done(&rows);
    if (accessory)
        return ERR(e, POLICY, "%.*s is about another artifact: copy that one, it goes along",
                   S(source->digest));
    if (registry_digest(source->digest, &d, e) < 0 ||
        artifact_tags(r, a, source->id, &tags, &n, e) < 0)
        return -1;
    return copy_one(&c, &d, tags, n, 0, e);
}
