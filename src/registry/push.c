/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushing a manifest: everything in one transaction, so that a tag never leads to an artifact whose
 * edges or referrer entry are not there yet.
 *
 * What a manifest names becomes edges by blob row, also for content that nobody sent (foreign
 * layers, sparse pushes): such content is held by the manifest from the moment it arrives. Edges
 * give no membership; only the bytes or a mount do.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "registry/describe.h"
#include "registry/event.h"
#include "registry/immutable.h"
#include "registry/internal.h"
#include "registry/quota.h"
#include "registry/task.h"

#include <stdlib.h>

struct push {
    struct db_conn *conn;
    struct arena *arena;
    const struct artifact_push *req;
    enum registry_sparse sparse;
    int64_t repository, artifact;
    int64_t now;
    struct oci_manifest manifest;
    struct description description;
    struct digest digest;
    struct str descriptor; /* for the list of referrers; p NULL without a subject */
    int64_t *blobs;        /* rows of what the manifest names */
    size_t n_blobs;
    struct digest *missing;
    size_t n_missing;
};

/* The digest of the bytes; by-digest pushes say which algorithm, and what it must be. */
static int check_digest(struct push *p, struct err *e)
{
    const struct reference *ref = &p->req->ref;

    hash_bytes(ref->is_digest ? ref->digest.alg : DIGEST_SHA256, p->req->bytes.p, p->req->bytes.n,
               &p->digest);
    if (ref->is_digest && !digest_eq(&p->digest, &ref->digest))
        return ERR(e, DIGEST_INVALID, "the manifest has digest %s, not %s", p->digest.text,
                   ref->digest.text);
    return 0;
}

/* The entry in the list of referrers. Annotations that would fill a page alone are left out:
 * clients refuse larger answers, and one manifest must not hide the others. */
static int make_descriptor(struct push *p, struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;
    struct oci_descriptor d = {.media_type = str_from(p->manifest.type.text),
                               .digest = p->digest,
                               .size = (int64_t)p->req->bytes.n,
                               .artifact_type = p->manifest.artifact_type,
                               .annotations = p->manifest.annotations,
                               .n_annotations = p->manifest.n_annotations};

    if (!p->manifest.has_subject)
        return 0;
    buf_init(&out, LIMIT_REFERRERS_BYTES);
    jsonw_init(&w, &out);
    oci_descriptor_write(&w, &d);
    if (!buf_ok(&out)) {
        buf_reset(&out);
        d.n_annotations = 0;
        jsonw_init(&w, &out);
        oci_descriptor_write(&w, &d);
    }
    return registry_copy(p->arena, buf_str(&out), &p->descriptor, e);
}

/* ---- what it names ---- */

/* Finds the row of one blob. required: the repository must be a member. */
static int resolve_blob(struct push *p, const struct digest *d, bool required, struct err *e)
{
    int64_t id;
    int found = registry_one_id(p->conn, Q_member_find,
                                DB_ARGS(DB_I64(p->repository), DB_TEXT(digest_str(d))), &id, e);

    if (found < 0)
        return -1;
    if (found == 0 && required) {
        p->missing[p->n_missing++] = *d;
        return 0;
    }
    if (found == 0 && blob_intern(p->conn, d, &id, e) < 0)
        return -1;
    p->blobs[p->n_blobs++] = id;
    return 0;
}

/* A member of an index is a manifest of the repository, or a plain blob (BuildKit's cache). */
static int resolve_child(struct push *p, const struct digest *d, struct err *e)
{
    int64_t id;
    int found = registry_one_id(p->conn, Q_artifact_row,
                                DB_ARGS(DB_I64(p->repository), DB_TEXT(digest_str(d))), &id, e);

    if (found != 0)
        return found < 0 ? -1 : 0;
    return resolve_blob(p, d, p->sparse == REGISTRY_SPARSE_REFUSE, e);
}

static int resolve(struct push *p, struct err *e)
{
    const struct oci_manifest *m = &p->manifest;
    bool strict = p->sparse != REGISTRY_SPARSE_ANY;

    p->blobs = arena_try(p->arena, (m->n_items + 1) * sizeof(*p->blobs), e);
    p->missing = arena_try(p->arena, (m->n_items + 1) * sizeof(*p->missing), e);
    if (!p->blobs || !p->missing)
        return -1;
    if (m->has_config && resolve_blob(p, &m->config.digest, strict, e) < 0)
        return -1;
    for (size_t i = 0; i < m->n_items; i++) {
        const struct oci_descriptor *d = &m->items[i];
        bool foreign = d->has_urls && oci_is_foreign_layer(d->media_type);

        if ((m->is_index ? resolve_child(p, &d->digest, e)
                         : resolve_blob(p, &d->digest, strict && !foreign, e)) < 0)
            return -1;
    }
    return 0;
}

static int by_digest(const void *a, const void *b)
{
    return strcmp(((const struct digest *)a)->text, ((const struct digest *)b)->text);
}

static int report_missing(struct push *p, const struct repo_name *repo,
                          struct artifact_missing *ret, struct err *e)
{
    size_t n = 0;

    qsort(p->missing, p->n_missing, sizeof(*p->missing), by_digest);
    for (size_t i = 0; i < p->n_missing; i++) {
        if (n == 0 || !digest_eq(&p->missing[n - 1], &p->missing[i]))
            p->missing[n++] = p->missing[i];
    }
    if (ret)
        *ret = (struct artifact_missing){.digests = p->missing, .n = n};
    return ERR(e, MANIFEST_BLOB_UNKNOWN, "%.*s does not hold %s%s", S(repo_name_str(repo)),
               p->missing[0].text, n > 1 ? " and other content that the manifest names" : "");
}

/* ---- rows ---- */

static int document_ensure(struct push *p, int64_t *ret_id, struct err *e)
{
    struct digest sha256 = p->digest;
    int found;

    if (sha256.alg != DIGEST_SHA256)
        hash_bytes(DIGEST_SHA256, p->req->bytes.p, p->req->bytes.n, &sha256);
    found = registry_one_id(p->conn, Q_document_by_digest, DB_ARGS(DB_TEXT(digest_str(&sha256))),
                            ret_id, e);
    if (found == 0)
        found = registry_one_id(p->conn, Q_document_add,
                                DB_ARGS(DB_TEXT(digest_str(&sha256)), DB_BYTES(p->req->bytes)),
                                ret_id, e);
    return found > 0 ? 0 : err_wrap(e, "storing the manifest");
}

static int artifact_insert(struct push *p, struct err *e)
{
    const struct oci_manifest *m = &p->manifest;
    int64_t document;

    if (document_ensure(p, &document, e) < 0)
        return -1;
    if (registry_one_id(p->conn, Q_artifact_add,
                        DB_ARGS(DB_I64(p->repository), DB_I64(document),
                                DB_TEXT(digest_str(&p->digest)), DB_TEXTZ(m->type.text),
                                DB_TEXT(m->artifact_type), DB_I64(p->req->bytes.n), DB_I64(p->now),
                                m->has_subject ? DB_TEXT(digest_str(&m->subject.digest)) : DB_NULL,
                                m->has_subject ? DB_TEXT(p->descriptor) : DB_NULL),
                        &p->artifact, e) <= 0)
        return err_wrap(e, "adding the artifact");
    return 0;
}

static int describe(struct push *p, struct err *e)
{
    return describe_write(p->conn, p->arena, p->repository, p->artifact, &p->manifest,
                          &p->description, e);
}

/* The row of an earlier push of the same digest stays (id, time). A document that does not tell its
 * own type can be pushed again as another: then the last push counts. */
static int artifact_ensure(struct push *p, struct err *e)
{
    AUTO(db_rows) rows = {0};
    const struct oci_manifest *m = &p->manifest;
    bool same;
    int found = db_one(p->conn, Q_artifact_row,
                       DB_ARGS(DB_I64(p->repository), DB_TEXT(digest_str(&p->digest))), &rows, e);

    if (found <= 0)
        return found < 0 ? -1 : artifact_insert(p, e);
    p->artifact = db_i64(&rows, 0);
    same = str_eqz(db_text(&rows, 1), m->type.text) && str_eq(db_text(&rows, 3), m->artifact_type);
    db_rows_done(&rows);
    if (same)
        return 0;
    return db_exec(p->conn, Q_artifact_type_set,
                   DB_ARGS(DB_I64(p->artifact), DB_TEXTZ(m->type.text), DB_TEXT(m->artifact_type),
                           m->has_subject ? DB_TEXT(p->descriptor) : DB_NULL),
                   NULL, e);
}

static int put_edges(struct push *p, struct err *e)
{
    for (size_t i = 0; i < p->n_blobs; i++) {
        if (db_exec(p->conn, Q_artifact_blob_add,
                    DB_ARGS(DB_I64(p->artifact), DB_I64(p->blobs[i]), DB_I64(p->repository)), NULL,
                    e) < 0)
            return -1;
    }
    for (size_t i = 0; p->manifest.is_index && i < p->manifest.n_items; i++) {
        if (db_exec(p->conn, Q_artifact_child_add,
                    DB_ARGS(DB_I64(p->artifact), DB_TEXT(digest_str(&p->manifest.items[i].digest)),
                            DB_I64(p->repository)),
                    NULL, e) < 0)
            return -1;
    }
    return db_exec(p->conn, Q_member_settle, DB_ARGS(DB_I64(p->repository), DB_I64(p->artifact)),
                   NULL, e);
}

static int put_tag(struct push *p, const struct tag *tag, struct err *e)
{
    int64_t before = p->artifact;

    if (registry_one_id(p->conn, Q_tag_artifact,
                        DB_ARGS(DB_I64(p->repository), DB_TEXTZ(tag->text)), &before, e) < 0)
        return -1;
    if (before != p->artifact &&
        immutable_check_tag(p->conn, p->repository, str_from(tag->text), e) < 0)
        return -1;
    if (db_exec(p->conn, Q_tag_put,
                DB_ARGS(DB_I64(p->repository), DB_TEXTZ(tag->text), DB_I64(p->artifact),
                        DB_I64(p->now)),
                NULL, e) < 0)
        return -1;
    return before == p->artifact ? 0 : artifact_note_untagged(p->conn, before, p->now, e);
}

static int put_rows(struct push *p, struct err *e)
{
    if (artifact_ensure(p, e) < 0 || put_edges(p, e) < 0 || describe(p, e) < 0 ||
        (!p->req->ref.is_digest && put_tag(p, &p->req->ref.tag, e) < 0))
        return -1;
    for (size_t i = 0; i < p->req->n_tags; i++) {
        if (put_tag(p, &p->req->tags[i], e) < 0)
            return -1;
    }
    if (db_exec(p->conn, Q_repository_touch, DB_ARGS(DB_I64(p->repository), DB_I64(p->now)), NULL,
                e) < 0)
        return -1;
    return artifact_note_untagged(p->conn, p->artifact, p->now, e);
}

static int note_push(const struct push *p, struct err *e)
{
    const struct artifact_push *req = p->req;
    struct str tag = !req->ref.is_digest ? str_from(req->ref.tag.text)
                     : req->n_tags       ? str_from(req->tags[0].text)
                                         : STR("");

    return event_of_artifact(p->conn, EVENT_push_artifact, p->repository, tag,
                             digest_str(&p->digest), 1, e);
}

int artifact_push(struct registry *r, struct arena *a, const struct repo_name *repo,
                  const struct artifact_push *req, struct artifact_pushed *ret,
                  struct artifact_missing *ret_missing, struct err *e)
{
    AUTO(db_txn) t = {0};
    struct quota_gate gate;
    struct push p = {
        .arena = a, .req = req, .sparse = (enum registry_sparse)r->sparse, .now = clock_now_ms()};

    if (req->bytes.n > LIMIT_MANIFEST)
        return ERR(e, MANIFEST_TOO_LARGE, "the manifest has %zu bytes, more than %llu",
                   req->bytes.n, LIMIT_MANIFEST);
    if (req->n_tags > LIMIT_TAGS_PER_PUSH)
        return ERR(e, TAGS_TOO_MANY, "%zu tags in one push, more than %d", req->n_tags,
                   LIMIT_TAGS_PER_PUSH);
    if (oci_manifest_parse(a, req->bytes, req->content_type, &p.manifest, e) < 0 ||
        check_digest(&p, e) < 0 || make_descriptor(&p, e) < 0)
        return -1;
    describe_read(r, a, repo, &p.manifest, req->bytes.n,
                  req->ref.is_digest ? STR("") : str_from(req->ref.tag.text), &p.description);
    if (db_begin(r->db, &t, e) < 0)
        return -1;
    p.conn = t.conn;
    if (repository_ensure(p.conn, repo, &p.repository, e) < 0 || resolve(&p, e) < 0)
        return -1;
    if (p.n_missing > 0)
        return report_missing(&p, repo, ret_missing, e);
    if (req->display.p && repository_display_wish(p.conn, p.repository, repo, req->display, e) < 0)
        return -1;
    if (quota_open(p.conn, p.repository, &gate, e) < 0 || put_rows(&p, e) < 0 ||
        quota_close(r, &t, &gate, e) < 0 || note_push(&p, e) < 0)
        return err_wrap(e, "pushing to %.*s", S(repo_name_str(repo)));
    if (db_commit(&t, e) < 0)
        return -1;
    task_bell_ring(r->bell);
    *ret = (struct artifact_pushed){.digest = p.digest,
                                    .has_subject = p.manifest.has_subject,
                                    .subject = p.manifest.subject.digest};
    return 0;
}
