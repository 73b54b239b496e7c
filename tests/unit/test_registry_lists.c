/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists over much data: no statement that the common requests run reads a large table from end to
 * end, and the search finds the same by its index as by reading names.
 *
 * Every statement that a call runs is noted by the engine itself and then explained; what may be
 * scanned stands beside the call. Without statistics plans do not depend on the rows.
 */
#include "access/audit.h"
#include "registry/artifact.h"
#include "registry/label.h"
#include "registry/quota.h"
#include "registry/repository.h"

#include "registry_fixture.h"

#include <sqlite3.h>

/* ---- what was run ---- */

enum { NOTED_MAX = 32, DETAIL_MAX = 256 };

static char *noted[NOTED_MAX];
static size_t n_noted;
static sqlite3 *ran_on; /* the connection of the latest statement */

static int note(unsigned type, void *context, void *stmt, void *text)
{
    const char *sql = sqlite3_sql(stmt);

    (void)type, (void)context, (void)text;
    ran_on = sqlite3_db_handle(stmt);
    if (n_noted < NOTED_MAX && strncmp(sql, "SELECT", 6) == 0)
        noted[n_noted++] = mem_strdup(sql);
    return 0;
}

static int watch(sqlite3 *db, const char **error, const struct sqlite3_api_routines *api)
{
    (void)error, (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, note, NULL);
}

static void forget(void)
{
    while (n_noted)
        mem_free(noted[--n_noted]);
}

static sqlite3 *raw_open(struct fixture *f)
{
    AUTO_FREE char *path = mem_printf("%s/haven.db", f->dir);
    sqlite3 *raw = NULL;

    assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
    return raw;
}

static void script(sqlite3 *raw, const char *sql)
{
    char *message = NULL;

    if (sqlite3_exec(raw, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

static void raw_exec(struct fixture *f, const char *sql)
{
    sqlite3 *raw = raw_open(f);

    script(raw, sql);
    sqlite3_close(raw);
}

/* A line of a plan that reads a table from end to end, or sorts what a page would not need. */
static bool is_dear(const char *detail)
{
    return strncmp(detail, "SCAN", 4) == 0 || strncmp(detail, "USE TEMP B-TREE", 15) == 0;
}

/* allowed: lines, each ended by ';'. */
static bool is_allowed(const char *detail, const char *allowed)
{
    char line[DETAIL_MAX];

    snprintf(line, sizeof(line), ";%s;", detail);
    AUTO_FREE char *all = mem_printf(";%s", allowed);
    return strstr(all, line);
}

static void explain(struct fixture *f, const char *call, const char *allowed)
{
    sqlite3 *raw = raw_open(f);

    assert_true(n_noted > 0 && n_noted < NOTED_MAX);
    for (size_t i = 0; i < n_noted; i++) {
        AUTO_FREE char *sql = mem_printf("EXPLAIN QUERY PLAN %s", noted[i]);
        sqlite3_stmt *stmt = NULL;
        assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(stmt, 3);
            if (is_dear(detail) && !is_allowed(detail, allowed))
                fail_msg("%s: %s: %s", call, detail, noted[i]);
        }
        sqlite3_finalize(stmt);
    }
    sqlite3_close(raw);
}

/* A call that finds n rows, and what its statements may scan. */
#define PLANNED(call, want, allowed)                                                               \
    do {                                                                                           \
        forget();                                                                                  \
        EXPECT(call, want);                                                                        \
        explain(f, #call, allowed);                                                                \
    } while (0)

/* ---- the data ---- */

static const struct project_visibility everything = {.all = true};
static const struct project_visibility someone = {.user_id = 7};

/* Project 2 ("secret") and project 3, whose repositories hold one artifact of one tag each; "none"
 * holds nothing. */
static const char *const names[] = {
    "secret/alpha", "secret/alphabet",        "secret/beta.alpha-alpha",
    "secret/a",     "secret/under_score",     "secret/underscore",
    "other/alpha",  "other/deep/in/alphabet",
};

static int setup(void **state)
{
    static bool watching;

    if (!watching)
        assert_int_equal(sqlite3_auto_extension((void (*)(void))watch), SQLITE_OK);
    watching = true;
    if (fixture_setup(state) < 0)
        return -1;
    struct fixture *f = *state;
    raw_exec(f, "INSERT INTO project (id, name, display_name, is_public, created_ms)"
                " VALUES (3, 'other', 'other', 0, 1);"
                "INSERT INTO user_account (id, username, password_hash, created_ms,"
                " password_changed_ms) VALUES (7, 'someone', '', 1, 1);"
                "INSERT INTO project_member (project_id, user_id, role, created_ms)"
                " VALUES (3, 7, 1, 1);"
                "INSERT INTO document (id, digest, bytes) VALUES (1, 'sha256:d', x'7b7d');"
                "INSERT INTO repository (project_id, name, display_name, created_ms)"
                " VALUES (2, 'secret/none-of-alpha', 'secret/none-of-alpha', 1)");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *sql = mem_printf(
            "INSERT INTO repository (id, project_id, name, display_name, created_ms)"
            " VALUES (%zu, %d, '%s', '%s', %zu);"
            "INSERT INTO artifact (id, repository_id, document_id, digest, media_type,"
            " artifact_type, size, pushed_ms) VALUES (%zu, %zu, 1, '%s', '', '', 2, 1);"
            "INSERT INTO tag (repository_id, name, artifact_id, pushed_ms)"
            " VALUES (%zu, 'v1', %zu, 1);"
            "INSERT INTO audit_log (event, operation, resource_type, project_id, username,"
            " address, resource, description, succeeded, at_ms)"
            " VALUES ('', '', '', %d, '', '', '', '', 1, %zu)",
            10 + i, names[i][0] == 's' ? 2 : 3, names[i], names[i], i, 10 + i, 10 + i,
            digest_str(&(struct digest[]){sha256_of("x")}[0]).p, 10 + i, 10 + i,
            names[i][0] == 's' ? 2 : 3, i);
        raw_exec(f, sql);
    }
    return 0;
}

static int teardown(void **state)
{
    forget();
    return fixture_teardown(state);
}

/* ---- plans ---- */

/* Projects are few, and found by their names. */
#define PROJECTS "SCAN p;SCAN p USING INDEX sqlite_autoindex_project_1;"
/* As many rows as the page has, of each project. */
#define MERGED "USE TEMP B-TREE FOR ORDER BY;"

static void test_lists_seek(void **state)
{
    struct fixture *f = *state;
    const struct db_list_query q = {.limit = 3};
    struct db_page page;

    PLANNED(project_list(&f->r, &f->a, &everything, &q, &page, &f->e), 0, PROJECTS);
    PLANNED(project_list(&f->r, &f->a, &someone, &q, &page, &f->e), 0, PROJECTS);
    assert_int_equal(page.total, 2); /* library, other */
    PLANNED(repository_facts_list(&f->r, &f->a, &everything, 2, &q, &page, &f->e), 0, "");
    assert_int_equal(page.total, 6);
    assert_int_equal(((struct repository_facts *)page.v)[0].id, 15); /* the newest */
    PLANNED(repository_facts_list(&f->r, &f->a, &everything, 0, &q, &page, &f->e), 0,
            PROJECTS "SCAN r USING INDEX repository_made;");
    assert_int_equal(page.total, ARRAY_LEN(names));
    PLANNED(repository_facts_list(&f->r, &f->a, &someone, 0, &q, &page, &f->e), 0, PROJECTS MERGED);
    assert_int_equal(page.total, 2);
    assert_int_equal(page.n, 2);
    PLANNED(quota_list(&f->r, &f->a, &q, &page, &f->e), 0, "SCAN q;" PROJECTS);
    struct registry_names catalog;
    PLANNED(repository_list(&f->r, &f->a, true, STR("secret/a"), 3, &catalog, &f->e), 0, "");
    assert_int_equal(catalog.n, 3);
}

static void test_artifacts_seek(void **state)
{
    struct fixture *f = *state;
    const struct db_list_query q = {.limit = 3};
    const struct artifact_filter filter = {.repository = 10};
    const struct reference tag = reference("v1");
    struct artifact_facts facts;
    struct artifact_tag *tags;
    struct label *labels;
    struct db_page page;
    size_t n;

    PLANNED(artifact_list(&f->r, &f->a, &filter, &q, &page, &f->e), 0, "");
    assert_int_equal(page.total, 1);
    PLANNED(artifact_tags(&f->r, &f->a, 10, &tags, &n, &f->e), 0, "");
    assert_int_equal(n, 1);
    PLANNED(label_of_artifact(&f->r, &f->a, 10, &labels, &n, &f->e), 0, "");
    PLANNED(artifact_facts_find(&f->r, &f->a, repo(names[0]), &tag, &facts, &f->e), 1, "");
    const struct reference digest = reference(facts.digest.p);
    PLANNED(artifact_facts_find(&f->r, &f->a, repo(names[0]), &digest, &facts, &f->e), 1, "");
    struct repository_facts r;
    PLANNED(repository_facts_find(&f->r, &f->a, facts.repository, &r, &f->e), 1, "");
    assert_int_equal(r.artifacts, 1);
}

static void test_audit_seeks(void **state)
{
    struct fixture *f = *state;
    const struct db_list_query q = {.limit = 1, .offset = 1};
    const struct audit_visibility all = {.all = true}, own = {.user_id = 7},
                                  one = {.project_id = 2};
    struct db_page page;
    const struct audit_row *row;

    PLANNED(audit_list(f->r.db, &f->a, &all, &q, &page, &f->e), 0,
            "SCAN t;SCAN a USING INDEX audit_log_time;");
    row = page.v;
    assert_int_equal(row->at_ms, ARRAY_LEN(names) - 2); /* the second newest */
    PLANNED(audit_list(f->r.db, &f->a, &own, &q, &page, &f->e), 0, "SCAN p;" MERGED);
    assert_int_equal(page.total, 2);
    assert_int_equal(page.n, 1);
    row = page.v;
    assert_int_equal(row->at_ms, 6);
    PLANNED(audit_list(f->r.db, &f->a, &one, &q, &page, &f->e), 0, "");
    assert_int_equal(page.total, 6);
}

/* What is known without looking is known of whole lists in their own order only. */
static void test_what_is_asked_for_is_looked_at(void **state)
{
    struct fixture *f = *state;
    const struct db_arg alpha = DB_TEXT(STR("alphabet"));
    const struct db_match m = {.field = db_list_field(&repository_list_fields, STR("name")),
                               .op = DB_MATCH_CONTAINS,
                               .values = &alpha,
                               .n = 1};
    const struct db_sort by_name = {.field = m.field};
    const struct db_list_query some = {.matches = &m, .n_matches = 1, .limit = 1},
                               sorted = {.sorts = &by_name, .n_sorts = 1, .limit = 1};
    struct db_page page;
    const struct repository_facts *r;

    EXPECT(repository_facts_list(&f->r, &f->a, &everything, 0, &some, &page, &f->e), 0);
    assert_int_equal(page.total, 2);
    EXPECT(repository_facts_list(&f->r, &f->a, &someone, 0, &some, &page, &f->e), 0);
    assert_int_equal(page.total, 1);
    EXPECT(repository_facts_list(&f->r, &f->a, &someone, 0, &sorted, &page, &f->e), 0);
    assert_int_equal(page.total, 2);
    r = page.v;
    assert_int_equal(page.n, 1);
    assert_string_equal(r->name.p, "other/alpha"); /* which is not the newest */
}

static size_t statements(void)
{
    size_t n = 0;

    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(ran_on, s));)
        n++;
    return n;
}

/* Statements of lists stay prepared, and not more of them than the ceiling. */
static void test_statements_are_kept(void **state)
{
    struct fixture *f = *state;
    struct db_arg ids[3 * LIMIT_KEPT_STATEMENTS];
    struct db_page page;

    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = DB_I64(16);
    EXPECT(repository_facts_list(&f->r, &f->a, &everything, 0, &(struct db_list_query){.limit = 1},
                                 &page, &f->e),
           0);
    sqlite3 *reader = ran_on;
    size_t before = statements();
    assert_true(before >= 2);
    for (int i = 0; i < 3; i++)
        EXPECT(repository_facts_list(&f->r, &f->a, &everything, 0,
                                     &(struct db_list_query){.limit = 1}, &page, &f->e),
               0);
    assert_int_equal(statements(), before);
    for (size_t n = 1; n <= ARRAY_LEN(ids); n++) {
        const struct db_match m = {.field = db_list_field(&repository_list_fields, STR("id")),
                                   .op = DB_MATCH_ANY,
                                   .values = ids,
                                   .n = n};
        const struct db_list_query q = {.matches = &m, .n_matches = 1, .limit = 1};
        EXPECT(repository_facts_list(&f->r, &f->a, &everything, 0, &q, &page, &f->e), 0);
        assert_int_equal(page.n, 1);
    }
    assert_ptr_equal(ran_on, reader);
    assert_true(statements() <= before + LIMIT_KEPT_STATEMENTS);
}

/* ---- totals ---- */

/* Says where what is kept differs from what there is. */
static const char *const differences[] = {
    "SELECT r.name FROM repository r"
    " WHERE r.artifacts <> (SELECT count(*) FROM artifact a WHERE a.repository_id = r.id)"
    " OR r.accessories <> (SELECT count(*) FROM artifact a WHERE a.repository_id = r.id"
    " AND a.accessory_of IS NOT NULL)",
    "SELECT p.name FROM project p WHERE p.repositories <> (SELECT count(DISTINCT r.id)"
    " FROM repository r JOIN artifact a ON a.repository_id = r.id WHERE r.project_id = p.id)",
    "SELECT project_id FROM (SELECT project_id, entries FROM audit_total EXCEPT"
    " SELECT project_id, count(*) FROM audit_log GROUP BY project_id)",
    "SELECT project_id FROM (SELECT project_id, count(*) FROM audit_log GROUP BY project_id EXCEPT"
    " SELECT project_id, entries FROM audit_total)",
    "SELECT part FROM (SELECT part, repository_id FROM repository_part EXCEPT"
    " SELECT substr(r.name, n.at, 16), r.id FROM repository r JOIN name_position n"
    " ON n.at <= length(r.name))",
    "SELECT name FROM (SELECT substr(r.name, n.at, 16) AS name, r.id FROM repository r"
    " JOIN name_position n ON n.at <= length(r.name) EXCEPT"
    " SELECT part, repository_id FROM repository_part)",
};

static void check_totals(sqlite3 *raw)
{
    for (size_t i = 0; i < ARRAY_LEN(differences); i++) {
        sqlite3_stmt *stmt = NULL;
        assert_int_equal(sqlite3_prepare_v2(raw, differences[i], -1, &stmt, NULL), SQLITE_OK);
        if (sqlite3_step(stmt) != SQLITE_DONE)
            fail_msg("%s: %s", sqlite3_column_text(stmt, 0), differences[i]);
        sqlite3_finalize(stmt);
    }
}

#define ARTIFACT(id, repository, of)                                                               \
    "INSERT INTO artifact (id, repository_id, document_id, digest, media_type, artifact_type,"     \
    " size, pushed_ms, accessory_of) VALUES (" #id ", " #repository ", 1, '" #id "', '', '', 1,"   \
    " 1, " of ");"
#define ENTRY(id, project)                                                                         \
    "INSERT INTO audit_log (id, event, operation, resource_type, project_id, username, address,"   \
    " resource, description, succeeded, at_ms) VALUES (" #id ", '', '', '', " #project ", '',"     \
    " '', '', '', 1, 1);"
#define PLACES                                                                                     \
    "INSERT INTO project (id, name, display_name, is_public, created_ms)"                          \
    " VALUES (91, 'x', 'x', 0, 1), (92, 'y', 'y', 0, 1);"                                          \
    "INSERT INTO repository (id, project_id, name, display_name, created_ms)"                      \
    " VALUES (91, 91, 'x/one-of-many-names', 'x/one-of-many-names', 1), (92, 91, 'x/a', 'x/a', "   \
    "1),"                                                                                          \
    " (93, 92, 'y/void', 'y/void', 1);"

/* One after another, as pushes and deletes do. */
static void test_totals_follow(void **state)
{
    struct fixture *f = *state;
    static const char *const changes[] = {
        PLACES,
        ARTIFACT(91, 91, "NULL"),
        ARTIFACT(92, 91, "'91'"),
        ARTIFACT(93, 92, "NULL"),
        "UPDATE artifact SET accessory_of = '93' WHERE id = 91",
        "UPDATE artifact SET accessory_of = '94' WHERE id = 91",
        "UPDATE artifact SET accessory_of = NULL WHERE id IN (91, 92)",
        ENTRY(91, 91) ENTRY(92, 91) ENTRY(93, 0),
        "DELETE FROM audit_log WHERE id IN (91, 93)",
        "UPDATE artifact SET accessory_of = '92' WHERE id = 91",
        "DELETE FROM artifact WHERE id = 91",
        "DELETE FROM artifact WHERE id = 93",
        "DELETE FROM repository WHERE id = 92",
        ARTIFACT(94, 93, "'x'"),
    };
    sqlite3 *raw = raw_open(f);

    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        script(raw, changes[i]);
        check_totals(raw);
    }
    sqlite3_close(raw);
}

/* What was there before the version that keeps them. */
static void test_totals_of_an_older_database(void **state)
{
    sqlite3 *raw = NULL;
    size_t i;

    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &raw), SQLITE_OK);
    for (i = 0; strcmp(db_migration(i)->name, "totals") != 0; i++)
        script(raw, db_migration(i)->sql);
    script(raw, PLACES ARTIFACT(91, 91, "NULL") ARTIFACT(92, 91, "'91'") ARTIFACT(93, 92, "NULL")
                    ENTRY(91, 91) ENTRY(92, 91) ENTRY(93, 92));
    for (; db_migration(i); i++)
        script(raw, db_migration(i)->sql);
    check_totals(raw);
    sqlite3_close(raw);
}

/* ---- search ---- */

/* The names found, in their order. */
static const char *found(struct fixture *f, const struct project_visibility *v, const char *text)
{
    struct db_page page;
    AUTO(buf) out = {0};

    buf_init(&out, 4096);
    EXPECT(repository_search(&f->r, &f->a, v, str_from(text), 100, &page, &f->e), 0);
    for (size_t i = 0; i < page.n; i++) {
        const struct repository_facts *r = page.v;
        buf_addf(&out, "%s%.*s", i ? " " : "", S(r[i].name));
    }
    return arena_strz(&f->a, buf_str(&out));
}

static void test_search(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "alpha",
        "ALPHA",
        "a",
        "",
        "secret/",
        "t/alphabet",
        "deep/in/alphabet",
        "alphabet",
        "_",
        "%",
        "~",
        "r_s",
        ".alpha-a",
        "r/deep/in/alphabet",
        "/deep/in/alphabets",
        "no such",
        "bet~a",
        "\xc3\xa4",
    };
    const char *by_names[ARRAY_LEN(texts)];

    forget();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        by_names[i] = found(f, &everything, texts[i]);
    assert_string_equal(by_names[0], "other/alpha other/deep/in/alphabet secret/alpha "
                                     "secret/alphabet secret/beta.alpha-alpha");
    assert_string_equal(found(f, &someone, "alpha"), "other/alpha other/deep/in/alphabet");
    /* As if there were more names than are read one by one. */
    raw_exec(f, "UPDATE project SET repositories = 1000000");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (strcmp(found(f, &everything, texts[i]), by_names[i]) != 0)
            fail_msg("\"%s\": %s, not %s", texts[i], found(f, &everything, texts[i]), by_names[i]);
    assert_string_equal(found(f, &someone, "alpha"), "other/alpha other/deep/in/alphabet");
    struct db_page page;
    PLANNED(repository_search(&f->r, &f->a, &everything, STR("alpha"), 2, &page, &f->e), 0,
            PROJECTS);
    assert_int_equal(page.n, 2);
    raw_exec(f, "DELETE FROM artifact; DELETE FROM repository");
    assert_string_equal(found(f, &everything, ""), "");
    assert_string_equal(found(f, &everything, "a"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lists_seek, setup, teardown),
        cmocka_unit_test_setup_teardown(test_artifacts_seek, setup, teardown),
        cmocka_unit_test_setup_teardown(test_audit_seeks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_asked_for_is_looked_at, setup, teardown),
        cmocka_unit_test_setup_teardown(test_statements_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_totals_follow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_totals_of_an_older_database, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
