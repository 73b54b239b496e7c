/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "registry/immutable.h"
#include "registry/internal.h"

int tag_delete(struct registry *r, const struct repo_name *repo, const struct tag *tag,
               struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t repository, artifact;
    int found;

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    found = registry_one_id(t.conn, Q_repository_id, DB_ARGS(DB_TEXT(repo_name_str(repo))),
                            &repository, e);
    if (found > 0)
        found = registry_one_id(t.conn, Q_tag_artifact,
                                DB_ARGS(DB_I64(repository), DB_TEXTZ(tag->text)), &artifact, e);
    if (found <= 0)
        return found;
    if (immutable_check_tag(t.conn, repository, str_from(tag->text), e) < 0)
        return -1;
    if (db_exec(t.conn, Q_tag_remove, DB_ARGS(DB_I64(repository), DB_TEXTZ(tag->text)), NULL, e) <
            0 ||
        artifact_note_untagged(t.conn, artifact, clock_now_ms(), e) < 0 ||
        registry_audit(t.conn, AUDIT_delete_tag, repository, ':', str_from(tag->text), "", e) < 0)
        return -1;
    return db_commit(&t, e) < 0 ? -1 : 1;
}

int tag_list(struct registry *r, struct arena *a, const struct repo_name *repo, struct str last,
             size_t limit, struct registry_names *ret, struct err *e)
{
    int64_t repository;
    int found = repository_find(r, repo, &repository, e);

    if (found <= 0)
        return found;
    limit = MIN_OF(limit, (size_t)LIMIT_PAGE);
    if (limit == 0) {
        *ret = (struct registry_names){.n = 0};
        return 1;
    }
    if (registry_page(db_reader(r->db), a, Q_tag_page,
                      DB_ARGS(DB_I64(repository), DB_TEXT(last), DB_I64(limit + 1)), limit, ret,
                      e) < 0)
        return -1;
    return 1;
}
