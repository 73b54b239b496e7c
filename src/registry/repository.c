/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repositories. One comes into being with the first blob or manifest that is stored under its name,
 * and its row stays when the last artifact goes: uploads under way know a repository by its name
 * alone and may commit at any moment, and what hangs on the row (its id, later its description and
 * counters) belongs to the name, not to its present content. The catalog leaves out what holds no
 * artifact.
 */
#include "base/clock.h"
#include "registry/internal.h"

int repository_find(struct registry *r, const struct repo_name *name, int64_t *ret_id,
                    struct err *e)
{
    return registry_one_id(db_reader(r->db), Q_repository_id, DB_ARGS(DB_TEXT(repo_name_str(name))),
                           ret_id, e);
}

int repository_ensure(struct db_conn *c, const struct repo_name *name, int64_t *ret_id,
                      struct err *e)
{
    struct str full = repo_name_str(name), project = repo_name_project(name);
    int64_t project_id;
    int found = registry_one_id(c, Q_repository_id, DB_ARGS(DB_TEXT(full)), ret_id, e);

    if (found != 0)
        return found < 0 ? -1 : 0;
    found = registry_one_id(c, Q_project_by_name, DB_ARGS(DB_TEXT(project)), &project_id, e);
    if (found < 0)
        return -1;
    if (found == 0)
        return ERR(e, NAME_UNKNOWN, "there is no project \"%.*s\"", S(project));
    if (repo_name_rest(name).n == 0)
        return ERR(e, NAME_INVALID, "\"%.*s\" is a project; a repository is PROJECT/NAME", S(full));
    found = registry_one_id(
        c, Q_repository_add,
        DB_ARGS(DB_I64(project_id), DB_TEXT(full), DB_TEXT(full), DB_I64(clock_now_ms())), ret_id,
        e);
    if (found < 0)
        return err_wrap(e, "making repository %.*s", S(full));
    return found > 0 ? 0 : ERR(e, DB, "the repository was not added");
}

int repository_remove(struct db_conn *c, int64_t id, struct err *e)
{
    const struct db_args args = DB_ARGS(DB_I64(id));

    if (db_exec(c, Q_blob_candidate_add_of_repository, args, NULL, e) < 0 ||
        db_exec(c, Q_member_remove_of_repository, args, NULL, e) < 0)
        return -1;
    return db_exec(c, Q_repository_remove, args, NULL, e);
}

int repository_list(struct registry *r, struct arena *a, bool all, struct str last, size_t limit,
                    struct registry_names *ret, struct err *e)
{
    limit = MIN_OF(limit, (size_t)LIMIT_PAGE);
    if (limit == 0) {
        *ret = (struct registry_names){.n = 0};
        return 0;
    }
    return registry_page(db_reader(r->db), a, all ? Q_repository_page : Q_repository_page_public,
                         DB_ARGS(DB_TEXT(last), DB_I64(limit + 1)), limit, ret, e);
}
