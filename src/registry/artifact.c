/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts: looking up and deleting. Each look-up is one query. */
#include "base/clock.h"
#include "registry/event.h"
#include "registry/immutable.h"
#include "registry/internal.h"

static int find(struct registry *r, struct arena *a, const struct repo_name *repo,
                const struct reference *ref, bool bytes, struct artifact *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    enum db_query by_digest = bytes ? Q_artifact_by_digest : Q_artifact_stat_by_digest;
    enum db_query by_tag = bytes ? Q_artifact_by_tag : Q_artifact_stat_by_tag;
    struct artifact art;
    int found =
        db_one(db_reader(r->db), ref->is_digest ? by_digest : by_tag,
               DB_ARGS(DB_TEXT(repo_name_str(repo)), DB_TEXT(reference_str(ref))), &rows, e);

    if (found <= 0)
        return found;
    art.id = db_i64(&rows, 0);
    art.bytes = str_of(NULL, (size_t)db_i64(&rows, 3));
    if (registry_digest(db_text(&rows, 1), &art.digest, e) < 0 ||
        registry_copy(a, db_text(&rows, 2), &art.media_type, e) < 0 ||
        (bytes && registry_copy(a, db_bytes(&rows, 4), &art.bytes, e) < 0))
        return -1;
    if (art.bytes.n != (size_t)db_i64(&rows, 3))
        return ERR(e, CORRUPT, "manifest %s has %zu bytes instead of %lld", art.digest.text,
                   art.bytes.n, (long long)db_i64(&rows, 3));
    *ret = art;
    return 1;
}

int artifact_find(struct registry *r, struct arena *a, const struct repo_name *repo,
                  const struct reference *ref, struct artifact *ret, struct err *e)
{
    return find(r, a, repo, ref, true, ret, e);
}

int artifact_stat(struct registry *r, struct arena *a, const struct repo_name *repo,
                  const struct reference *ref, struct artifact *ret, struct err *e)
{
    return find(r, a, repo, ref, false, ret, e);
}

static int note_removal(struct db_conn *c, int64_t repository, int64_t artifact, struct err *e)
{
    AUTO(db_rows) rows = {0};
    char digest[DIGEST_TEXT_MAX];
    int found = db_one(c, Q_artifact_digest, DB_ARGS(DB_I64(artifact)), &rows, e);

    if (found <= 0)
        return found;
    snprintf(digest, sizeof(digest), "%.*s", S(db_text(&rows, 0)));
    db_rows_done(&rows);
    return event_of_artifact(c, EVENT_delete_artifact, repository, STR(""), str_from(digest), 1, e);
}

/* Candidates and memberships first, while the edges still say what the artifact held; tags and
 * edges go with the row. */
int artifact_remove(struct registry *r, struct db_conn *c, int64_t repository, int64_t artifact,
                    int64_t document, struct err *e)
{
    int64_t lapsed = clock_now_ms() - r->lease_ms;

    if (immutable_check_artifact(c, repository, artifact, e) < 0 ||
        note_removal(c, repository, artifact, e) < 0 ||
        db_exec(c, Q_blob_candidate_add_of_artifact, DB_ARGS(DB_I64(artifact)), NULL, e) < 0 ||
        db_exec(c, Q_member_lend, DB_ARGS(DB_I64(repository), DB_I64(artifact), DB_I64(lapsed)),
                NULL, e) < 0 ||
        db_exec(c, Q_member_revoke, DB_ARGS(DB_I64(repository), DB_I64(artifact)), NULL, e) < 0 ||
        db_exec(c, Q_artifact_remove, DB_ARGS(DB_I64(artifact)), NULL, e) < 0 ||
        db_exec(c, Q_document_sweep, DB_ARGS(DB_I64(document)), NULL, e) < 0)
        return -1;
    return 0;
}

int artifact_note_untagged(struct db_conn *c, int64_t artifact, int64_t now_ms, struct err *e)
{
    int64_t tagged;
    int found = registry_one_id(c, Q_tag_any, DB_ARGS(DB_I64(artifact)), &tagged, e);

    if (found < 0)
        return -1;
    return found ? db_exec(c, Q_untagged_remove, DB_ARGS(DB_I64(artifact)), NULL, e)
                 : db_exec(c, Q_untagged_add, DB_ARGS(DB_I64(artifact), DB_I64(now_ms)), NULL, e);
}

int artifact_delete(struct registry *r, const struct repo_name *repo, const struct digest *d,
                    struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};
    int64_t repository, artifact, document;
    int found;

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    found = registry_one_id(t.conn, Q_repository_id, DB_ARGS(DB_TEXT(repo_name_str(repo))),
                            &repository, e);
    if (found > 0)
        found = db_one(t.conn, Q_artifact_row, DB_ARGS(DB_I64(repository), DB_TEXT(digest_str(d))),
                       &rows, e);
    if (found <= 0)
        return found;
    artifact = db_i64(&rows, 0);
    document = db_i64(&rows, 2);
    db_rows_done(&rows);
    if (artifact_remove(r, t.conn, repository, artifact, document, e) < 0)
        return err_wrap(e, "deleting manifest %s", d->text);
    return db_commit(&t, e) < 0 ? -1 : 1;
}
