/* SPDX-License-Identifier: Apache-2.0 */
/* The search below the API: sets, words, what is derived of the main database, and its file. */
#include "registry_fixture.h"

#include "base/buf.h"
#include "base/clock.h"
#include "registry/model.h"
#include "registry/task.h"
#include "search/change.h"
#include "search/derive.h"
#include "search/internal.h"

/* ---- words ---- */

static void is_expression(const char *text, const char *want)
{
    AUTO(buf) out = {0};

    buf_init(&out, 4096);
    bool any = search_expression(str_from(text), &out);
    assert_int_equal(any, want != NULL);
    if (want)
        assert_string_equal(out.p, want);
}

static void test_expression(void **state)
{
    (void)state;
    is_expression("llama", "\"llama\" *");
    is_expression("  a\tb  ", "\"a\" AND \"b\" *");
    is_expression("say \"hi\" OR *", "\"say\" AND \"hi\" AND \"OR\" *");
    is_expression("NEAR(a b, 5)", "\"NEAR\" AND \"a\" AND \"b\" AND \"5\" *");
    is_expression("name:x", "\"name\" AND \"x\" *");
    is_expression("- -- + llama-3.1 !", "\"llama\" AND \"3\" AND \"1\" *");
    is_expression("\xe6\xa8\xa1\xef\xbc\x8c\xe5\x9e\x8b",
                  "\"\xe6\xa8\xa1\" AND \"\xe5\x9e\x8b\" *");
    is_expression("a\xe2\x80\x94\x62", "\"a\" AND \"b\" *");
    is_expression("a\xff\x62", "\"a\" AND \"b\" *");
    is_expression("", NULL);
    is_expression(" \"*\" ( ) ^ \xe2\x80\x94", NULL);
    is_expression(
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18",
        "\"1\" AND \"2\" AND \"3\" AND \"4\" AND \"5\" AND \"6\" AND \"7\" AND \"8\" AND \"9\""
        " AND \"10\" AND \"11\" AND \"12\" AND \"13\" AND \"14\" AND \"15\" AND \"16\" *");
}

static void test_folded(void **state)
{
    struct fixture *f = *state;
    struct str s = search_folded(&f->a, STR("MIT-Zero \xc3\x84"));
    assert_true(str_eqz(s, "mit-zero \xc3\x84"));
}

/* ---- sets ---- */

static void test_sets(void **state)
{
    struct fixture *f = *state;
    static const int64_t members[] = {0, 1, 63, 64, 1023, 1024, 2047};
    struct set s, other;

    EXPECT(set_new(&f->a, 2, &s, &f->e), 0);
    EXPECT(set_new(&f->a, 2, &other, &f->e), 0);
    assert_int_equal(set_next(&s, 0), -1);
    assert_int_equal(set_last(&s), -1);
    assert_true(set_chunk_is_empty(&s, 1));
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        set_put(&s, members[i]);
    set_put(&s, 2 * SEARCH_CHUNK); /* beyond */
    set_put(&s, -1);
    assert_int_equal(set_count(&s), ARRAY_LEN(members));
    int64_t at = -1;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        at = set_next(&s, at + 1);
        assert_int_equal(at, members[i]);
        assert_true(set_has(&s, at));
    }
    assert_int_equal(set_next(&s, at + 1), -1);
    assert_int_equal(set_last(&s), 2047);
    assert_false(set_has(&s, 2) || set_has(&s, 2048) || set_has(&s, -1));
    set_put(&other, 64);
    set_put(&other, 2);
    set_and(&s, &other);
    assert_int_equal(set_count(&s), 1);
    set_or(&s, &other);
    assert_int_equal(set_count(&s), 2);
    assert_false(set_chunk_is_empty(&s, 0));
    assert_true(set_chunk_is_empty(&s, 1));
}

/* ---- the database ---- */

static struct search *open_search(struct fixture *f)
{
    struct search *s = search_new(f->fd, &f->r);
    EXPECT(search_keep(s, &f->e), 0);
    return s;
}

/* Does what waits, and fills what is to be filled. */
static void settle(struct fixture *f, struct search *s)
{
    struct task taken[TASK_BATCH];
    size_t n;

    do {
        EXPECT(task_take(f->r.db, TASK_SEARCH, "test", taken, &n, &f->e), 0);
        for (size_t i = 0; i < n; i++) {
            AUTO(db_txn) t = {0};
            EXPECT(search_derive(s, taken[i].subject, &f->e), 0);
            EXPECT(db_begin(f->r.db, &t, &f->e), 0);
            EXPECT(task_done(t.conn, &taken[i], "test", &f->e), 1);
            EXPECT(db_commit(&t, &f->e), 0);
        }
    } while (n > 0);
    int more;
    while ((more = search_fill(s, &f->e)) > 0)
        ;
    assert_int_equal(more, 0);
}

static int64_t document_of(struct fixture *f, const struct digest *d)
{
    AUTO(db_rows) rows = {0};
    EXPECT(db_one(db_reader(f->r.db), Q_document_by_digest, DB_ARGS(DB_TEXT(digest_str(d))), &rows,
                  &f->e),
           1);
    return db_i64(&rows, 0);
}

/* An artifact of which these facts were read. */
static struct digest add_model(struct fixture *f, const char *name, const char *tag,
                               const char *content, const char *facts)
{
    struct digest d = push_image(f, name, tag, "{}", content);
    struct task task;
    size_t n;

    EXPECT(task_take(f->r.db, TASK_INDEX, "test", &task, &n, &f->e), 0);
    assert_int_equal(n, 1);
    const struct links links = {.n = 0};
    const struct model_content found = {
        .facts = str_from(facts), .summary = STR("{}"), .links = &links};
    EXPECT(model_write(&f->r, document_of(f, &d), &found, &task, "test", &f->e), 0);
    return d;
}

static struct search_found ask(struct fixture *f, struct search *s, struct search_query q)
{
    struct search_found found;

    q.all = q.n_projects == 0;
    if (q.min_parameters == 0)
        q.min_parameters = -1;
    if (q.max_parameters == 0)
        q.max_parameters = -1;
    q.limit = q.limit ? q.limit : 100;
    EXPECT(search_find(s, &f->a, &q, &found, &f->e), 0);
    return found;
}

#define QWEN                                                                                       \
    "{\"form\":\"modelpack\",\"facts\":{\"family\":\"qwen3\",\"license\":[\"MIT\",\"Apache-2.0\"]" \
    ","                                                                                            \
    "\"precision\":\"bf16, f32\"},\"known\":{\"parameters\":600,\"tags\":[\"whale\"]}}"

static void test_one_model(void **state)
{
    struct fixture *f = *state;
    struct search *s = open_search(f);
    struct search_found found;

    found = ask(f, s, (struct search_query){.limit = 0});
    assert_false(found.complete);
    add_model(f, "library/qwen", "v1", "layer", QWEN);
    settle(f, s);
    found = ask(f, s, (struct search_query){.limit = 0});
    assert_true(found.complete);
    assert_int_equal(found.total, 1);
    assert_int_equal(found.n, 1);
    assert_non_null(strstr(found.hits[0].shown.p, "\"repository\":\"library/qwen\""));
    assert_non_null(strstr(found.hits[0].shown.p, "\"licenses\":[\"MIT\",\"Apache-2.0\"]"));
    assert_non_null(strstr(found.hits[0].shown.p, "\"precision\":\"bf16, f32\""));

    const struct str f32[] = {STR("F32")}, none[] = {STR("f16")};
    struct search_query q = {.limit = 10};
    q.facets[SEARCH_PRECISION] = (struct search_values){f32, 1};
    assert_int_equal(ask(f, s, q).total, 1);
    q.facets[SEARCH_PRECISION] = (struct search_values){none, 1};
    assert_int_equal(ask(f, s, q).total, 0);
    q = (struct search_query){.text = STR("whal")};
    assert_int_equal(ask(f, s, q).total, 1);
    q = (struct search_query){.min_parameters = 600, .max_parameters = 600};
    assert_int_equal(ask(f, s, q).total, 1);
    q = (struct search_query){.min_parameters = 601};
    assert_int_equal(ask(f, s, q).total, 0);
    const int64_t nobody[] = {12345};
    q = (struct search_query){.projects = nobody, .n_projects = 1};
    assert_int_equal(ask(f, s, q).total, 0);
    search_free(s);
}

/* What is derived again is the same, and what has gone leaves nothing behind. */
static void test_derived_again(void **state)
{
    struct fixture *f = *state;
    struct search *s = open_search(f);
    struct search_counts counts;
    const struct search_query all = {
        .all = true, .min_parameters = -1, .max_parameters = -1, .limit = 10};

    struct digest d = add_model(f, "library/qwen", "v1", "layer", QWEN);
    settle(f, s);
    struct search_found first = ask(f, s, all);
    for (int i = 0; i < 3; i++)
        EXPECT(search_derive(s, first.hits[0].artifact * TASK_SEARCH_KINDS, &f->e), 0);
    EXPECT(search_count(s, &f->a, &all, &counts, &f->e), 0);
    assert_int_equal(counts.n[SEARCH_LICENSE], 2);
    assert_int_equal(counts.values[SEARCH_LICENSE][0].count, 1);
    assert_int_equal(counts.values[SEARCH_PROJECT][0].count, 1);
    assert_int_equal(counts.total, 1);

    EXPECT(artifact_delete(&f->r, repo("library/qwen"), &d, &f->e), 1);
    settle(f, s);
    EXPECT(search_count(s, &f->a, &all, &counts, &f->e), 0);
    assert_int_equal(counts.total, 0);
    for (size_t i = SEARCH_ARCHITECTURE; i < SEARCH_FACETS; i++)
        assert_int_equal(counts.n[i], 0);
    AUTO(db_rows) rows = {0};
    assert_int_equal(
        db_one(search_enter(s), Q_s_bits_last, DB_ARGS(DB_I64(INT64_MAX)), &rows, &f->e), 0);
    search_leave(s);
    search_free(s);
}

static void test_what_is_no_model(void **state)
{
    struct fixture *f = *state;
    struct search *s = open_search(f);

    add_model(f, "library/a", "v1", "a", "{\"form\":\"image\",\"weights\":null}");
    add_model(f, "library/b", "v1", "b", "{\"form\":\"oras\",\"weights\":{\"format\":\"gguf\"}}");
    add_model(f, "library/c", "v1", "c", "{\"warnings\":[\"nothing\"]}");
    add_model(f, "library/d", "v1", "d", "{\"form\":\"ollama\"}");
    settle(f, s);
    struct search_found found =
        ask(f, s, (struct search_query){.order = SEARCH_BY_NAME, .ascending = true});
    assert_int_equal(found.n, 2);
    assert_non_null(strstr(found.hits[0].shown.p, "library/b"));
    assert_non_null(strstr(found.hits[1].shown.p, "library/d"));
    search_free(s);
}

/* Asked again while it is being done: it is done again. */
static void test_asked_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct task task;
    struct tag v1 = {.text = "v1"};
    size_t n;

    push_image(f, "library/x", "v1", "{}", "layer");
    EXPECT(task_take(f->r.db, TASK_SEARCH, "test", &task, &n, &f->e), 0);
    assert_int_equal(n, 1);
    EXPECT(tag_delete(&f->r, repo("library/x"), &v1, &f->e), 1);
    AUTO(db_txn) t = {0};
    EXPECT(db_begin(f->r.db, &t, &f->e), 0);
    EXPECT(task_done(t.conn, &task, "test", &f->e), 0);
    EXPECT(db_commit(&t, &f->e), 0);
    EXPECT(task_take(f->r.db, TASK_SEARCH, "test", &task, &n, &f->e), 0);
    assert_int_equal(n, 1);
    assert_int_equal(task.attempts, 1);
    EXPECT(task_take(f->r.db, TASK_SEARCH, "other", &task, &n, &f->e), 0);
    assert_int_equal(n, 0);
    EXPECT(task_release(f->r.db, TASK_SEARCH, &f->e), 0);
    EXPECT(task_take(f->r.db, TASK_SEARCH, "other", &task, &n, &f->e), 0);
    assert_int_equal(n, 1);
}

/* What failed in it makes it anew; what fails elsewhere does not. */
static void test_judged(void **state)
{
    struct fixture *f = *state;
    struct search *s = open_search(f);
    struct err why = {.code = ERR_NO_SPACE};

    add_model(f, "library/qwen", "v1", "layer", QWEN);
    settle(f, s);
    search_judge(s, &why);
    assert_int_equal(ask(f, s, (struct search_query){.limit = 1}).total, 1);
    why.code = ERR_CORRUPT;
    search_judge(s, &why);
    struct search_found found = ask(f, s, (struct search_query){.limit = 1});
    assert_int_equal(found.total, 0);
    assert_false(found.complete);
    /* Not more often than it is worth. */
    REFUSED(search_keep(s, &f->e), UNAVAILABLE);
    search_free(s);

    /* The next start finds it whole, since nothing was. */
    s = open_search(f);
    assert_true(ask(f, s, (struct search_query){.limit = 1}).complete);
    search_free(s);
    assert_int_equal(unlinkat(f->fd, SEARCH_DB_FILE, 0), 0);
    s = open_search(f);
    found = ask(f, s, (struct search_query){.limit = 1});
    assert_int_equal(found.total, 0);
    assert_false(found.complete);
    settle(f, s);
    assert_int_equal(ask(f, s, (struct search_query){.limit = 1}).total, 1);
    search_free(s);
}

/* Pages of each order show each model once. */
static void test_pages(void **state)
{
    enum { N = 40 };
    struct fixture *f = *state;
    struct search *s = open_search(f);

    for (int i = 0; i < N; i++) {
        const char *facts =
            arena_printf(&f->a, "{\"form\":\"cnai\",\"known\":{\"parameters\":%d}}", i % 3);
        add_model(f, arena_printf(&f->a, "library/m%d", i), "v1",
                  arena_printf(&f->a, "layer %d", i), facts);
    }
    settle(f, s);
    for (int order = SEARCH_BY_RELEVANCE; order <= SEARCH_BY_NAME; order++) {
        for (int ascending = 0; ascending < 2; ascending++) {
            struct search_query q = {
                .order = (enum search_order)order, .ascending = ascending, .limit = 7};
            bool seen[4 * N] = {0};
            int64_t last = -1;
            for (q.offset = 0; q.offset < N; q.offset += 7) {
                struct search_found found = ask(f, s, q);
                assert_int_equal(found.total, N);
                assert_int_equal(found.n, MIN_OF(7, N - q.offset));
                for (size_t i = 0; i < found.n; i++) {
                    assert_in_range(found.hits[i].artifact, 1, 4 * N - 1);
                    assert_false(seen[found.hits[i].artifact]);
                    seen[found.hits[i].artifact] = true;
                    const char *at = strstr(found.hits[i].shown.p, "\"parameters\":");
                    assert_non_null(at);
                    int64_t p = at[strlen("\"parameters\":")] - '0';
                    if (order == SEARCH_BY_PARAMETERS && last >= 0)
                        assert_true(ascending ? p >= last : p <= last);
                    last = p;
                }
            }
            assert_int_equal(ask(f, s, q).n, 0);
        }
    }
    search_free(s);
}

/* ---- the catalogue ---- */

static void test_every_query_prepares(void **state)
{
    struct fixture *f = *state;
    struct db *db;

    EXPECT(db_open_set(f->fd, SEARCH_DB_FILE, DB_SEARCH, &db, &f->e), 0);
    assert_int_equal(db_schema_version(db, &f->e), 1);
    for (int q = Q_MAIN_COUNT; q < Q_COUNT; q++) {
        const char *sql = db_query_sql((enum db_query)q);
        struct db_arg args[8] = {DB_TEXT(STR("x")), DB_I64(1), DB_I64(1), DB_I64(1),
                                 DB_I64(1),         DB_I64(1), DB_I64(1), DB_I64(1)};
        size_t n = 0;
        for (const char *p = sql; *p; p++)
            if (*p == '$' && (size_t)(p[1] - '0') > n)
                n = (size_t)(p[1] - '0');
        AUTO(db_rows) rows = {0};
        EXPECT(db_query(db_reader(db), (enum db_query)q, (struct db_args){args, n}, &rows, &f->e),
               0);
        assert_true(str_starts(str_from(db_query_name((enum db_query)q)), STR("s_")));
    }
    db_close(db);
    /* Another set's file is another version's. */
    REFUSED(db_open_set(f->fd, "haven.db", DB_SEARCH, &db, &f->e), CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expression),
        TEST(test_folded),
        TEST(test_sets),
        TEST(test_one_model),
        TEST(test_derived_again),
        TEST(test_what_is_no_model),
        TEST(test_asked_meanwhile),
        TEST(test_judged),
        TEST(test_pages),
        TEST(test_every_query_prepares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
