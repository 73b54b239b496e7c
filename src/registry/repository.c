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

/* Is the text the name of what it names as a display id, so that nothing else can be meant? */
static bool names_one(struct arena *a, struct str text)
{
    struct repo_name encoded;
    const char *id = arena_printf(a, "p/%.*s", S(text));

    return display_encode(str_from(id), &encoded, NULL) == 0 && strcmp(encoded.text, id) == 0;
}

int repository_meant(struct registry *r, struct arena *a, const struct project *p, struct str text,
                     struct str *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct repo_name name;
    int64_t id;

    *ret = str_from(arena_printf(a, "%.*s/%.*s", S(p->name), S(text)));
    if (repo_name_parse(*ret, &name, NULL) == 0) {
        if (names_one(a, text))
            return 0;
        int there = repository_find(r, &name, &id, e);
        if (there != 0)
            return there < 0 ? -1 : 0;
    }
    int found = db_one(db_reader(r->db), Q_repository_by_display,
                       DB_ARGS(DB_TEXT(registry_lower(a, text)), DB_I64(p->id)), &rows, e);
    if (found <= 0)
        return found;
    return registry_copy(a, db_text(&rows, 0), ret, e);
}

int repository_display(struct db_conn *c, const struct repo_name *name, struct str id,
                       struct display_id *ret, int64_t *ret_project, struct err *e)
{
    AUTO(db_rows) rows = {0};
    char text[sizeof(ret->text)];
    struct str rest = id;
    int found = db_one(c, Q_project_display, DB_ARGS(DB_TEXT(repo_name_project(name))), &rows, e);

    if (found <= 0)
        return found;
    if (ret_project)
        *ret_project = db_i64(&rows, 0);
    (void)str_cut(&rest, '/');
    snprintf(text, sizeof(text), "%.*s/%.*s", S(db_text(&rows, 1)), S(rest));
    memcpy(ret->text, text, sizeof(text));
    return 1;
}

int repository_display_wish(struct db_conn *c, int64_t repository, const struct repo_name *name,
                            struct str id, struct err *e)
{
    struct display_id own, wanted;

    display_decode(name, &own);
    int found = repository_display(c, name, str_from(own.text), &own, NULL, e);
    if (found > 0)
        found = repository_display(c, name, id, &wanted, NULL, e);
    if (found <= 0)
        return found;
    return db_exec(c, Q_repository_display_replace,
                   DB_ARGS(DB_I64(repository), DB_TEXTZ(wanted.text), DB_TEXTZ(own.text)), NULL, e);
}

int repository_ensure(struct db_conn *c, const struct repo_name *name, int64_t *ret_id,
                      struct err *e)
{
    struct str full = repo_name_str(name), project = repo_name_project(name);
    struct display_id display;
    int64_t project_id;
    int found = registry_one_id(c, Q_repository_id, DB_ARGS(DB_TEXT(full)), ret_id, e);

    if (found != 0)
        return found < 0 ? -1 : 0;
    display_decode(name, &display);
    found = repository_display(c, name, str_from(display.text), &display, &project_id, e);
    if (found < 0)
        return -1;
    if (found == 0)
        return ERR(e, NAME_UNKNOWN, "there is no project \"%.*s\"", S(project));
    if (repo_name_rest(name).n == 0)
        return ERR(e, NAME_INVALID, "\"%.*s\" is a project; a repository is PROJECT/NAME", S(full));
    found = registry_one_id(
        c, Q_repository_add,
        DB_ARGS(DB_I64(project_id), DB_TEXT(full), DB_TEXTZ(display.text), DB_I64(clock_now_ms())),
        ret_id, e);
    if (found < 0 && e && e->code == ERR_CONFLICT)
        return ERR(e, CONFLICT,
                   "the repository %.*s would be called \"%s\", as another one is already", S(full),
                   display.text);
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
