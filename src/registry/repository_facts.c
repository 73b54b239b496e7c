/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/repository.h"

#include "base/clock.h"
#include "base/mem.h"
#include "registry/immutable.h"
#include "registry/internal.h"

#include <stdlib.h>

/* Artifacts that go in one transaction. */
#define REMOVE_AT_ONCE 50
/* Characters of a row of repository_part. */
#define PART 16
/* Names that are read in the time of one row of the index of parts. */
#define NAMES_A_PART  3
#define VISIBLE_TO(v) DB_ARGS(DB_I64((v)->all), DB_I64((v)->user_id), DB_I64((v)->robot_id))

/* What is known of the newest artifact. */
#define NEWEST(column)                                                                             \
    "(SELECT a." column " FROM artifact a WHERE a.repository_id = r.id"                            \
    " AND a.accessory_of IS NULL ORDER BY a.pushed_ms DESC, a.id DESC LIMIT 1)"
#define KIND "coalesce(" NEWEST("kind") ", '')"
/* What the search takes for a model: search/derive.c. The form is the first that a summary says,
 * and no text in it holds a quote that is not escaped. */
#define FORM(name) " OR m.summary LIKE '{\"form\":\"" name "\"%'"
#define IS_MODEL                                                                                   \
    "CASE WHEN EXISTS (SELECT 1 FROM model m WHERE m.document_id = " NEWEST(                       \
        "document_id") " AND (m.summary LIKE '%\"weights\":{%'" FORM("modelpack") FORM("cnai")     \
        FORM("kitops") FORM("docker") FORM("ollama") ")) THEN 1 ELSE 0 END"

static const struct db_field fields[] = {
    {.name = "id", .column = "r.id", .type = DB_FIELD_I64},
    {.name = "name", .column = "r.name", .type = DB_FIELD_TEXT},
    {.name = "display_name", .column = "r.display_name", .type = DB_FIELD_TEXT},
    {.name = "project_id", .column = "r.project_id", .type = DB_FIELD_I64},
    {.name = "description", .column = "r.description", .type = DB_FIELD_TEXT},
    {.name = "pull_count", .column = "r.pull_count", .type = DB_FIELD_I64},
    {.name = "creation_time", .column = "r.created_ms", .type = DB_FIELD_TIME},
    {.name = "update_time", .column = "r.updated_ms", .type = DB_FIELD_TIME},
    {.name = "type", .column = KIND, .type = DB_FIELD_TEXT},
    {.name = "model", .column = IS_MODEL, .type = DB_FIELD_BOOL},
};

#define COLUMNS                                                                                    \
    "r.id, r.project_id, r.name, r.description, r.pull_count, r.created_ms, r.updated_ms,"         \
    " p.is_public, r.artifacts - r.accessories, r.display_name, " KIND ", " IS_MODEL
#define TABLES "repository r JOIN project p ON p.id = r.project_id WHERE r.artifacts > 0"

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct repository_facts *)ret = (struct repository_facts){
        .id = db_i64(rows, 0),
        .project_id = db_i64(rows, 1),
        .name = arena_str(a, db_text(rows, 2)),
        .description = arena_str(a, db_text(rows, 3)),
        .pulls = db_i64(rows, 4),
        .created_ms = db_i64(rows, 5),
        .updated_ms = db_i64(rows, 6),
        .is_public = db_i64(rows, 7) != 0,
        .artifacts = db_i64(rows, 8),
        .display_name = arena_str(a, db_text(rows, 9)),
        .kind = arena_str(a, db_text(rows, 10)),
        .is_model = db_i64(rows, 11) != 0,
    };
    return 0;
}

#define NEWEST_FIRST "r.created_ms DESC, r.id DESC"

/* By reading all names that the caller may see. */
static const struct db_list by_project = {
    .name = "search in projects",
    .columns = COLUMNS,
    .from = "project p CROSS JOIN repository r WHERE r.project_id = p.id AND r.artifacts > 0"
            " AND " PROJECT_IS_VISIBLE,
    .n_args = 3,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "r.name, r.id",
    .key = "r.id",
    .size = sizeof(struct repository_facts),
    .row = read_row,
};

/* By the index of parts: $4 to $5 is the range of those that begin as the text does. CROSS JOIN: in
 * this order, so that the first page is the first of the index. A name comes as often as it holds
 * the text. */
static const struct db_list by_part = {
    .name = "search by parts of names",
    .columns = COLUMNS,
    .from = "repository_part s CROSS JOIN repository r CROSS JOIN project p"
            " WHERE s.part >= $4 AND s.part < $5 AND r.id = s.repository_id"
            " AND p.id = r.project_id AND r.artifacts > 0 AND " PROJECT_IS_VISIBLE,
    .n_args = 5,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "s.part, s.repository_id",
    .key = "r.id",
    .other = &by_project,
    .size = sizeof(struct repository_facts),
    .row = read_row,
};

/* Of one project, whose permission was asked already. */
static const struct db_list of_project = {
    .name = "repositories of a project",
    .columns = COLUMNS,
    .from = TABLES " AND r.project_id = $1",
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = NEWEST_FIRST,
    .key = "r.id",
    .total = "p.repositories",
    .total_from = "project p WHERE p.id = $1",
    .other = &by_part,
    .size = sizeof(struct repository_facts),
    .row = read_row,
};

/* For those who see everything. */
static const struct db_list of_all = {
    .name = "all repositories",
    .columns = COLUMNS,
    .from = TABLES,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = NEWEST_FIRST,
    .key = "r.id",
    .total = "p.repositories",
    .total_from = "project p",
    .other = &of_project,
    .size = sizeof(struct repository_facts),
    .row = read_row,
};

/* first: the newest of all are among the newest of each project. */
const struct db_list repository_list_fields = {
    .name = "repositories",
    .columns = COLUMNS,
    .from = TABLES " AND " PROJECT_IS_VISIBLE,
    .n_args = 3,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = NEWEST_FIRST,
    .key = "r.id",
    .total = "p.repositories",
    .total_from = "project p WHERE " PROJECT_IS_VISIBLE,
    .first = " AND r.id IN (SELECT x.id FROM project p JOIN repository x ON x.id IN"
             " (SELECT y.id FROM repository y WHERE y.project_id = p.id AND y.artifacts > 0"
             " ORDER BY y.created_ms DESC, y.id DESC LIMIT ?) WHERE " PROJECT_IS_VISIBLE ")",
    .other = &of_all,
    .size = sizeof(struct repository_facts),
    .row = read_row,
};

static const struct db_list one_repository = {
    .name = "repository",
    .columns = COLUMNS,
    .from = TABLES " AND r.name = $1",
    .n_args = 1,
    .order = "r.id",
    .key = "r.id",
    .size = sizeof(struct repository_facts),
    .row = read_row,
};

int repository_facts_find(struct registry *r, struct arena *a, struct str name,
                          struct repository_facts *ret, struct err *e)
{
    return db_list_one(db_reader(r->db), &one_repository, DB_ARGS(DB_TEXT(name)), a, ret, e);
}

int repository_facts_list(struct registry *r, struct arena *a, const struct project_visibility *v,
                          int64_t project, const struct db_list_query *q, struct db_page *ret,
                          struct err *e)
{
    struct db_conn *c = db_reader(r->db);

    if (project)
        return db_list_page(c, &of_project, DB_ARGS(DB_I64(project)), q, a, ret, e);
    return v->all ? db_list_page(c, &of_all, DB_NO_ARGS, q, a, ret, e)
                  : db_list_page(c, &repository_list_fields, VISIBLE_TO(v), q, a, ret, e);
}

/* ---- search ---- */

static int compare_names(const void *a, const void *b)
{
    const struct repository_facts *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

/* In the order of names, each once. */
static void sort_names(struct db_page *page)
{
    struct repository_facts *v = page->v;
    size_t n = 0;

    if (page->n)
        qsort(v, page->n, sizeof(*v), compare_names);
    for (size_t i = 0; i < page->n; i++)
        if (n == 0 || v[n - 1].id != v[i].id)
            v[n++] = v[i];
    page->n = n;
}

/* Names are ASCII without '~': what begins with a text lies before the text and '~'. */
static int search_parts(struct db_conn *c, struct arena *a, const struct project_visibility *v,
                        struct str text, const struct db_list_query *q, struct db_page *ret,
                        struct err *e)
{
    struct str from = str_head(text, PART), to = str_from(arena_printf(a, "%.*s~", S(from)));

    if (db_list_some(c, &by_part,
                     DB_ARGS(DB_I64(v->all), DB_I64(v->user_id), DB_I64(v->robot_id), DB_TEXT(from),
                             DB_TEXT(to)),
                     q, a, ret, e) < 0)
        return -1;
    sort_names(ret);
    return 0;
}

/* The index knows nothing of who may see what. A common text has there/seen rows for each that may
 * be seen: who sees little is better served by reading all names there are for them. */
static bool is_found_by_part(int64_t seen, int64_t there, int64_t limit)
{
    return seen > 0 && seen > NAMES_A_PART * limit * (there / seen);
}

int repository_search(struct registry *r, struct arena *a, const struct project_visibility *v,
                      struct str text, size_t limit, struct db_page *ret, struct err *e)
{
    struct db_conn *c = db_reader(r->db);
    const struct db_arg part = DB_TEXT(registry_lower(a, text));
    const struct db_match m = {.field = db_list_field(&by_project, STR("name")),
                               .op = DB_MATCH_CONTAINS,
                               .values = &part,
                               .n = 1};
    const struct db_sort by_name = {.field = m.field};
    const struct db_list_query all = {.args = VISIBLE_TO(v),
                                      .sorts = &by_name,
                                      .n_sorts = 1,
                                      .limit = (int64_t)limit},
                               q = {.matches = &m, .n_matches = 1, .limit = (int64_t)limit};
    int64_t seen, there;

    if (text.n == 0)
        return db_list_some(c, &repository_list_fields, VISIBLE_TO(v), &all, a, ret, e);
    if (db_list_count(c, &repository_list_fields, &all, &seen, e) < 0 ||
        db_list_count(c, &of_all, &(struct db_list_query){0}, &there, e) < 0)
        return -1;
    return is_found_by_part(seen, there, q.limit)
               ? search_parts(c, a, v, part.s, &q, ret, e)
               : db_list_some(c, &by_project, VISIBLE_TO(v), &q, a, ret, e);
}

/* ---- changes ---- */

static int set_display(struct db_conn *c, const struct repository_facts *f, struct str wanted,
                       struct err *e)
{
    struct repo_name name;
    struct display_id id;

    if (repo_name_parse(f->name, &name, e) < 0)
        return -1;
    if (!display_fits(wanted, &name)) {
        display_decode(&name, &id);
        return ERR(e, BAD_REQUEST,
                   "\"display_name\" must be \"%s\" in any letter case: the id that the name "
                   "%.*s stands for",
                   id.text, S(f->name));
    }
    int found = repository_display(c, &name, wanted, &id, NULL, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "the project is gone");
    if (db_exec(c, Q_repository_display_set,
                DB_ARGS(DB_I64(f->id), DB_TEXTZ(id.text), DB_I64(clock_now_ms())), NULL, e) == 0)
        return 0;
    if (e && e->code == ERR_CONFLICT)
        return ERR(e, CONFLICT, "\"display_name\": another repository is called \"%s\"", id.text);
    return -1;
}

int repository_change(struct registry *r, const struct repository_facts *f,
                      const struct repository_wanted *w, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(r->db, &t, e) < 0 ||
        (w->description.p &&
         db_exec(t.conn, Q_repository_description_set,
                 DB_ARGS(DB_I64(f->id), DB_TEXT(w->description), DB_I64(clock_now_ms())), NULL,
                 e) < 0) ||
        (w->display_name.p && set_display(t.conn, f, w->display_name, e) < 0) ||
        registry_audit(t.conn, AUDIT_update_repository, f->id, 0, STR(""), "", e) < 0)
        return -1;
    return db_commit(&t, e);
}

/* ---- removing ---- */

/* 1 there may be more, 0 none is left, -1. */
static int remove_artifacts(struct registry *r, struct db_conn *c, int64_t repository,
                            struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct {
        int64_t artifact, document;
    } found[REMOVE_AT_ONCE];
    size_t n = 0;
    int more;

    if (db_query(c, Q_artifact_of_repository, DB_ARGS(DB_I64(repository), DB_I64(REMOVE_AT_ONCE)),
                 &rows, e) < 0)
        return -1;
    for (; (more = db_next(&rows, e)) > 0 && n < REMOVE_AT_ONCE; n++) {
        found[n].artifact = db_i64(&rows, 0);
        found[n].document = db_i64(&rows, 1);
    }
    if (more < 0)
        return -1;
    db_rows_done(&rows);
    for (size_t i = 0; i < n; i++)
        if (artifact_remove(r, c, repository, found[i].artifact, found[i].document, e) < 0)
            return -1;
    return n == REMOVE_AT_ONCE;
}

/* One transaction's part: 1 there is more to do, 0 it is gone, -1. */
static int delete_part(struct registry *r, int64_t id, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    int more = remove_artifacts(r, t.conn, id, e);
    if (more < 0 ||
        (!more && registry_audit(t.conn, AUDIT_delete_repository, id, 0, STR(""), "", e) < 0) ||
        (!more && repository_remove(t.conn, id, e) < 0) || db_commit(&t, e) < 0)
        return -1;
    return more;
}

int repository_delete(struct registry *r, int64_t id, struct err *e)
{
    int more;

    /* Before the first part goes, not in the middle. */
    if (immutable_check_repository(db_reader(r->db), id, e) < 0)
        return -1;
    do {
        more = delete_part(r, id, e);
    } while (more > 0);
    return more;
}
