/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that callers filter: what q and sort become, and that every statement is one. */
#include "access/user.h"
#include "api/contract.h"
#include "api/filter.h"
#include "base/limits.h"
#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct db_field fields[] = {
    {.name = "name", .column = "u.username", .type = DB_FIELD_TEXT},
    {.name = "user_id", .column = "u.id", .type = DB_FIELD_I64},
    {.name = "is_admin", .column = "u.is_admin", .type = DB_FIELD_BOOL},
    {.name = "creation_time", .column = "u.created_ms", .type = DB_FIELD_TIME},
    {.name = "groups",
     .type = DB_FIELD_I64,
     .exists =
         "EXISTS (SELECT 1 FROM user_group_member g WHERE g.user_id = u.id AND g.group_id ?)"},
};
static const struct db_list list = {
    .name = "test",
    .columns = "u.username",
    .from = "user_account u WHERE u.id > $1",
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "u.username, u.id",
    .key = "u.id",
};

struct fixture {
    char dir[64];
    struct db *db;
    struct arena a;
};

static void add(struct fixture *f, const char *name, int64_t created_ms)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};
    struct err e;

    assert_int_equal(db_begin(f->db, &t, &e), 0);
    assert_int_equal(db_one(t.conn, Q_user_add,
                            DB_ARGS(DB_TEXTZ(name), DB_TEXTZ("hash"), DB_I64(name[0] == 'A'),
                                    DB_TEXTZ(""), DB_TEXTZ(""), DB_TEXTZ(""), DB_I64(created_ms)),
                            &rows, &e),
                     1);
    db_rows_done(&rows);
    assert_int_equal(db_commit(&t, &e), 0);
}

static int setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    struct err e;

    snprintf(f->dir, sizeof(f->dir), "/tmp/haven-test-list-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    AUTOFD dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (db_open(dir, "haven.db", &f->db, &e) < 0)
        fail_msg("%s", e.msg);
    arena_init(&f->a, 64 * MIB);
    add(f, "Ada", 1000);      /* 1 */
    add(f, "bob%", 2000);     /* 2 */
    add(f, "bo_c", 86400000); /* 3 */
    add(f, "carol", 3000);    /* 4 */
    add(f, "da,ve", 4000);    /* 5 */
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *path = mem_printf("%s/haven.db", f->dir);
    db_close(f->db);
    arena_done(&f->a);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(f->dir), 0);
    mem_free(f);
    return 0;
}

/* The names that q and sort give, separated by blanks; the message when they are refused. */
static const char *names(struct fixture *f, const char *q, const char *sort)
{
    AUTO(db_rows) rows = {0};
    struct err *e = ARENA_NEW(&f->a, struct err);
    struct db_list_query query = {.args = DB_ARGS(DB_I64(0)), .limit = 10};
    int64_t total = -1, n = 0;
    char *out = arena_alloc(&f->a, 256);

    if (api_filter_q(&f->a, &list, str_from(q), &query, e) < 0 ||
        api_filter_sort(&f->a, &list, str_from(sort), &query, e) < 0)
        return e->msg;
    assert_int_equal(db_list_count(db_reader(f->db), &list, &query, &total, e), 0);
    assert_int_equal(db_list_rows(db_reader(f->db), &list, &query, &rows, e), 0);
    for (; db_next(&rows, e) > 0; n++)
        snprintf(out + strlen(out), 256 - strlen(out), "%s%.*s", *out ? " " : "",
                 S(db_text(&rows, 0)));
    assert_int_equal(n, total);
    return out;
}

static void test_forms(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *q, *sort, *expected;
    } cases[] = {
        {"", "", "Ada bo_c bob% carol da,ve"},
        {"name=Ada", "", "Ada"},
        {"name=ada", "", ""},
        {"Name=Ada", "", "Ada"},
        {"name=\"Ada\"", "", "Ada"},
        {"name=\\~x", "", ""},
        {"name=~AD", "", "Ada"},
        {"name__icontains=AD", "", "Ada"},
        {"name=~o", "", "bo_c bob% carol"},
        {"name=~o_", "", "bo_c"}, /* wildcards mean themselves */
        {"name=~%", "", "bob%"},
        {"name={Ada carol}", "", "Ada carol"},
        {"user_id=[2~4]", "", "bo_c bob% carol"},
        {"UserID=[4~]", "", "carol da,ve"},
        {"user_id=[~2]", "", "Ada bob%"},
        {"user_id=[~]", "", "Ada bo_c bob% carol da,ve"},
        {"user_id__gte=4", "", "carol da,ve"},
        {"user_id__lte=1", "", "Ada"},
        {"user_id__in=3", "", "bo_c"},
        {"is_admin=true", "", "Ada"},
        {"is_admin=false,user_id=4", "", "carol"},
        {"creation_time=[1970-01-01T00:00:02~1970-01-01T00:00:03Z]", "", "bob% carol"},
        {"creation_time=[1970-01-02T00:00:00~]", "", "bo_c"},
        {"groups=(1 2)", "", ""},
        {"groups={1 2}", "", ""},
        {"unknown=5", "", "Ada bo_c bob% carol da,ve"},
        {"", "-name", "da,ve carol bob% bo_c Ada"},
        {"", "-user_id", "da,ve carol bo_c bob% Ada"},
        {"", "unknown,groups,user_id", "Ada bob% bo_c carol da,ve"},
        {"", "is_admin,-CreationTime", "bo_c da,ve carol bob% Ada"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = names(f, cases[i].q, cases[i].sort);
        if (strcmp(got, cases[i].expected) != 0)
            fail_msg("q=%s sort=%s: %s, expected %s", cases[i].q, cases[i].sort, got,
                     cases[i].expected);
    }
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "name",           "=x",           "user_id=abc",       "user_id=[1",    "user_id=[1-2]",
        "user_id={}",     "user_id={1",   "name=(a b)",        "user_id=~1",    "is_admin=perhaps",
        "is_admin=[a~b]", "groups=[1~2]", "creation_time=now", "user_id=[a~2]", "groups=(1",
        "user_id={1 x}",  "user_id=",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *got = names(f, bad[i], "");
        if (strncmp(got, "q: ", 3) != 0)
            fail_msg("q=%s was taken: %s", bad[i], got);
    }
    /* More conditions, values and orders than the ceiling. */
    AUTO(buf) many = {0};
    buf_init(&many, 4096);
    for (int i = 0; i <= LIMIT_FILTER_TERMS; i++)
        buf_addf(&many, "%suser_id=1", i ? "," : "");
    assert_memory_equal(names(f, many.p, ""), "q: ", 3);
    buf_reset(&many);
    buf_addz(&many, "user_id={");
    for (int i = 0; i <= LIMIT_FILTER_TERMS; i++)
        buf_addz(&many, "1 ");
    buf_addz(&many, "}");
    assert_memory_equal(names(f, many.p, ""), "q: ", 3);
    buf_reset(&many);
    for (int i = 0; i <= LIMIT_FILTER_TERMS; i++)
        buf_addz(&many, "name,");
    assert_memory_equal(names(f, "", many.p), "sort: ", 6);
}

static const struct db_arg base[] = {{DB_TYPE_I64, 1, {0}}, {DB_TYPE_I64, 1, {0}},
                                     {DB_TYPE_I64, 1, {0}}, {DB_TYPE_I64, 1, {0}},
                                     {DB_TYPE_I64, 1, {0}}, {DB_TYPE_I64, 1, {0}}};

static void run(struct fixture *f, const struct db_list *l, const struct db_list_query *q,
                const char *what)
{
    AUTO(db_rows) rows = {0};
    struct err e;
    int64_t total;

    if (db_list_rows(db_reader(f->db), l, q, &rows, &e) < 0 || db_next(&rows, &e) < 0 ||
        db_list_count(db_reader(f->db), l, q, &total, &e) < 0)
        fail_msg("%s, %s: %s", l->name, what, e.msg);
}

/* A field in each form and order: how many that were. */
static size_t run_field(struct fixture *f, const struct db_list *l, const struct db_field *field)
{
    const struct db_arg text[] = {DB_TEXT(STR("a")), DB_TEXT(STR("b"))};
    const struct db_arg number[] = {DB_I64(1), DB_I64(2)};
    size_t seen = 0;

    for (int op = DB_MATCH_EXACT; op <= DB_MATCH_ALL; op++) {
        bool many = op != DB_MATCH_EXACT && op != DB_MATCH_CONTAINS;
        const struct db_match m = {.field = field,
                                   .op = (enum db_match_op)op,
                                   .values = field->type == DB_FIELD_TEXT ? text : number,
                                   .n = many ? 2 : 1};
        const struct db_sort s = {.field = field, .descending = op % 2};
        const struct db_list_query q = {.args = {base, l->n_args},
                                        .matches = &m,
                                        .n_matches = db_list_takes(field, m.op),
                                        .sorts = &s,
                                        .n_sorts = !field->exists,
                                        .limit = 1};
        run(f, l, &q, field->name);
        seen++;
    }
    return seen;
}

/* Each field of each list of the API, in each form and order, and without any. */
static void test_every_list(void **state)
{
    struct fixture *f = *state;
    size_t n, seen = 0;
    const struct http_group *groups = api_groups(&n);

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < groups[i].n; k++) {
            const struct api_contract *c = groups[i].routes[k].contract;
            for (const struct db_list *l = c ? c->list : NULL; l; l = l->other) {
                const struct db_list_query plain = {.args = {base, l->n_args}, .limit = 1};
                run(f, l, &plain, "everything");
                for (size_t at = 0; at < l->n_fields; at++)
                    seen += run_field(f, l, &l->fields[at]);
            }
        }
    }
    assert_true(seen > 50);
}

/* Pages follow one another without a gap, also among equals. */
static void test_pages(void **state)
{
    struct fixture *f = *state;
    const struct db_sort by_admin = {.field = &fields[2]};
    struct err e;
    char seen[64] = "";

    for (int offset = 0; offset < 6; offset += 2) {
        AUTO(db_rows) rows = {0};
        const struct db_list_query q = {.args = DB_ARGS(DB_I64(0)),
                                        .sorts = &by_admin,
                                        .n_sorts = 1,
                                        .limit = 2,
                                        .offset = offset};
        assert_int_equal(db_list_rows(db_reader(f->db), &list, &q, &rows, &e), 0);
        while (db_next(&rows, &e) > 0)
            snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%.*s ",
                     S(db_text(&rows, 0)));
    }
    assert_string_equal(seen, "bob% bo_c carol da,ve Ada ");
}

/* Each cursor goes its own way, also among more of one text than statements are kept. */
static void test_cursors_beside_each_other(void **state)
{
    struct fixture *f = *state;
    const struct db_list_query q = {.args = DB_ARGS(DB_I64(0)), .limit = 10};
    struct db_rows rows[LIMIT_KEPT_STATEMENTS + 4] = {0};
    struct err e;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(db_list_rows(db_reader(f->db), &list, &q, &rows[i], &e), 0);
        for (size_t k = 0; k <= i % 3; k++)
            assert_int_equal(db_next(&rows[i], &e), 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static const char *const expected[] = {"Ada", "bo_c", "bob%"};
        assert_true(str_eqz(db_text(&rows[i], 0), expected[i % 3]));
        assert_int_equal(db_next(&rows[i], &e), 1);
        db_rows_done(&rows[i]);
    }
    assert_string_equal(names(f, "name=Ada", ""), "Ada");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cursors_beside_each_other, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
