/* SPDX-License-Identifier: Apache-2.0 */
/* Projects, repositories and tags by name: making, collisions, paging. */
#include "registry_fixture.h"

#include "base/clock.h"
#include "registry/repository.h"

static void test_projects(void **state)
{
    struct fixture *f = *state;
    struct project p;
    int64_t id = 0, now = clock_now_ms();

    EXPECT(project_find(&f->r, &f->a, STR("library"), &p, &f->e), 1);
    assert_true(p.is_public);
    assert_true(str_eqz(p.name, "library"));
    assert_true(p.created_ms > now - 60000 && p.created_ms <= now);
    EXPECT(project_find(&f->r, &f->a, STR("secret"), &p, &f->e), 1);
    assert_false(p.is_public);
    EXPECT(project_find(&f->r, &f->a, STR("nobody"), &p, &f->e), 0);
    EXPECT(project_create(&f->r, STR("team-1"), true, &id, &f->e), 0);
    EXPECT(project_find(&f->r, &f->a, STR("team-1"), &p, &f->e), 1);
    assert_int_equal(p.id, id);
    /* upper case is kept for display; the name in references is lower case */
    EXPECT(project_create(&f->r, STR("Qwen"), false, &id, &f->e), 0);
    EXPECT(project_find(&f->r, &f->a, STR("qwen"), &p, &f->e), 1);
    assert_int_equal(p.id, id);
    assert_true(str_eqz(p.name, "qwen"));
}

static void test_project_names(void **state)
{
    static const char *const reserved[] = {"api",    "v2",     "c",        "service",  "account",
                                           "harbor", "models", "datasets", "spaces",   "kernels",
                                           "oauth",  "assets", "metrics",  "as-image", "API"};
    static const char *const invalid[] = {"", "..", "a/b", "a b", "_a/b", "caf\xc3\xa9", "a:b"};
    struct fixture *f = *state;
    char *longest = ARENA_ARRAY(&f->a, LIMIT_REPO_NAME + 2, char);
    int64_t id;

    REFUSED(project_create(&f->r, STR("library"), true, &id, &f->e), CONFLICT);
    REFUSED(project_create(&f->r, STR("Library"), false, &id, &f->e), CONFLICT);
    assert_non_null(strstr(f->e.msg, "Library"));
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        REFUSED(project_create(&f->r, str_from(reserved[i]), true, &id, &f->e), NAME_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(invalid); i++)
        REFUSED(project_create(&f->r, str_from(invalid[i]), true, &id, &f->e), NAME_INVALID);
    memset(longest, 'a', LIMIT_REPO_NAME + 1);
    REFUSED(project_create(&f->r, str_from(longest), true, &id, &f->e), NAME_INVALID);
}

static void test_seed(void **state)
{
    struct fixture *f = *state;
    struct project p;

    EXPECT(project_find(&f->r, &f->a, STR("library"), &p, &f->e), 1);
    int64_t id = p.id;
    EXPECT(project_seed(&f->r, &f->e), 0); /* there are projects: nothing */
    EXPECT(project_find(&f->r, &f->a, STR("library"), &p, &f->e), 1);
    assert_int_equal(p.id, id);
}

static void test_repository(void **state)
{
    struct fixture *f = *state;
    int64_t first = 0, again = 0;
    AUTO(db_txn) t = {0};

    EXPECT(repository_find(&f->r, repo("library/a/b"), &first, &f->e), 0);
    EXPECT(db_begin(f->r.db, &t, &f->e), 0);
    EXPECT(repository_ensure(t.conn, repo("library/a/b"), &first, &f->e), 0);
    EXPECT(repository_ensure(t.conn, repo("library/a/b"), &again, &f->e), 0);
    assert_int_equal(first, again);
    REFUSED(repository_ensure(t.conn, repo("nobody/a"), &again, &f->e), NAME_UNKNOWN);
    REFUSED(repository_ensure(t.conn, repo("library"), &again, &f->e), NAME_INVALID);
    /* a project that only begins like another */
    REFUSED(repository_ensure(t.conn, repo("lib/a"), &again, &f->e), NAME_UNKNOWN);
    EXPECT(db_commit(&t, &f->e), 0);
    EXPECT(repository_find(&f->r, repo("library/a/b"), &again, &f->e), 1);
    assert_int_equal(first, again);
}

/* ---- display ids ---- */

static void expect_shown(struct fixture *f, const char *name, const char *display)
{
    struct repository_facts r;

    EXPECT(repository_facts_find(&f->r, &f->a, str_from(name), &r, &f->e), 1);
    if (!str_eqz(r.display_name, display))
        fail_msg("%s is called \"%.*s\"", name, S(r.display_name));
}

static void make(struct fixture *f, const char *name)
{
    EXPECT(push(f, name, "v1", image_index(f, NULL, 0, ""), NULL, NULL), 0);
}

static void expect_meant(struct fixture *f, const struct project *p, const char *text,
                         const char *name)
{
    struct str meant;

    EXPECT(repository_meant(&f->r, &f->a, p, str_from(text), &meant, &f->e), 0);
    if (!str_eqz(meant, name))
        fail_msg("\"%s\" means \"%.*s\"", text, S(meant));
}

static void expect_project(struct fixture *f, const char *text, int64_t id)
{
    struct project p = {0};

    EXPECT(project_meant(&f->r, &f->a, str_from(text), &p, &f->e), id ? 1 : 0);
    assert_int_equal(p.id, id);
}

/* What OCI forbids is kept of projects as of repositories; a name goes before an id. */
static void test_project_display(void **state)
{
    struct fixture *f = *state;
    struct project_facts facts;
    struct project p;
    int64_t id, other;

    EXPECT(project_create(&f->r, STR("_Draft."), false, &id, &f->e), 0);
    EXPECT(project_facts_find(&f->r, &f->a, id, &facts, &f->e), 1);
    assert_true(str_eqz(facts.name, "x--5fdraftx--2e"));
    assert_true(str_eqz(facts.display_name, "_Draft."));
    expect_project(f, "_draft.", id);
    expect_project(f, "X--5Fdraftx--2e", id);
    expect_project(f, "_draft", 0);
    EXPECT(project_find(&f->r, &f->a, STR("_draft."), &p, &f->e), 0);
    REFUSED(project_create(&f->r, STR("_DRAFT."), false, &other, &f->e), CONFLICT);
    REFUSED(project_create(&f->r, STR("x--5fdraftx--2e"), false, &other, &f->e), CONFLICT);
    make(f, "x--5fdraftx--2e/x--5fm");
    expect_shown(f, "x--5fdraftx--2e/x--5fm", "_Draft./_m");
    /* made by its name, it has the id that the name stands for */
    EXPECT(project_create(&f->r, STR("X--78--5F"), false, &id, &f->e), 0);
    EXPECT(project_facts_find(&f->r, &f->a, id, &facts, &f->e), 1);
    assert_true(str_eqz(facts.name, "x--78--5f") && str_eqz(facts.display_name, "x--5f"));
    expect_project(f, "x--5f", id);
    EXPECT(project_find(&f->r, &f->a, STR("x--5fdraftx--2e"), &p, &f->e), 1);
    expect_meant(f, &p, "_M", "x--5fdraftx--2e/x--5fm");
    expect_meant(f, &p, "_n", "x--5fdraftx--2e/_n");
    EXPECT(project_create(&f->r, STR("-_"), false, &other, &f->e), 0);
    expect_project(f, "x--2dx--5f", other);
}

static int change(struct fixture *f, const char *name, struct repository_wanted w)
{
    struct repository_facts r;

    EXPECT(repository_facts_find(&f->r, &f->a, str_from(name), &r, &f->e), 1);
    return repository_change(&f->r, &r, &w, &f->e);
}

static void test_display(struct fixture *f)
{
    int64_t id;

    EXPECT(project_create(&f->r, STR("Qwen"), false, &id, &f->e), 0);
    make(f, "qwen/x--5fa/qwen3-8b");
    expect_shown(f, "qwen/x--5fa/qwen3-8b", "Qwen/_a/qwen3-8b");
    EXPECT(change(f, "qwen/x--5fa/qwen3-8b",
                  (struct repository_wanted){.display_name = STR("qWEN/_A/Qwen3-8B")}),
           0);
    expect_shown(f, "qwen/x--5fa/qwen3-8b", "Qwen/_A/Qwen3-8B");
    REFUSED(change(f, "qwen/x--5fa/qwen3-8b",
                   (struct repository_wanted){.display_name = STR("Qwen/a/Qwen3-8B")}),
            BAD_REQUEST);
    assert_non_null(strstr(f->e.msg, "qwen/_a/qwen3-8b"));
    EXPECT(
        change(f, "qwen/x--5fa/qwen3-8b", (struct repository_wanted){.description = STR("text")}),
        0);
    expect_shown(f, "qwen/x--5fa/qwen3-8b", "Qwen/_A/Qwen3-8B");
}

/* The name that no id is written as is in the way of the id that it looks like. */
static void test_display_taken(struct fixture *f)
{
    AUTO(db_txn) t = {0};
    int64_t id;

    make(f, "library/x--2e");
    expect_shown(f, "library/x--2e", "library/x--2e");
    EXPECT(db_begin(f->r.db, &t, &f->e), 0);
    REFUSED(repository_ensure(t.conn, repo("library/x--78--2e"), &id, &f->e), CONFLICT);
    assert_non_null(strstr(f->e.msg, "library/x--2e"));
}

static void test_meant(struct fixture *f)
{
    struct project p, other;

    EXPECT(project_find(&f->r, &f->a, STR("LIBRARY"), &p, &f->e), 1);
    EXPECT(project_find(&f->r, &f->a, STR("Secret"), &other, &f->e), 1);
    make(f, "library/x--78--5f");
    make(f, "library/x--78--78--5f");
    make(f, "library/qwen3");
    expect_meant(f, &p, "Qwen3", "library/qwen3");
    expect_meant(f, &p, "qWEN3", "library/qwen3");
    expect_meant(f, &p, "Qwen4", "library/Qwen4");
    expect_meant(f, &p, "x--5f", "library/x--78--5f");
    expect_meant(f, &p, "x--78--5f", "library/x--78--5f");
    expect_meant(f, &p, "X--78--5f", "library/x--78--78--5f");
    expect_meant(f, &other, "Qwen3", "secret/Qwen3");
}

static void test_displays(void **state)
{
    struct fixture *f = *state;

    test_display(f);
    test_display_taken(f);
    test_meant(f);
}

/* ---- paging ---- */

static void put_index(struct fixture *f, const char *name)
{
    EXPECT(push(f, name, "v1", image_index(f, NULL, 0, ""), NULL, NULL), 0);
}

static void expect_names(struct fixture *f, const struct registry_names *n, const char *want)
{
    AUTO(buf) out = {0};

    buf_init(&out, 4096);
    for (size_t i = 0; i < n->n; i++)
        buf_addf(&out, "%s%.*s", i ? " " : "", S(n->names[i]));
    if (n->more)
        buf_addz(&out, " +");
    assert_string_equal(out.p, want);
    (void)f;
}

static void test_catalog(void **state)
{
    struct fixture *f = *state;
    struct registry_names n;

    EXPECT(repository_list(&f->r, &f->a, true, STR(""), 10, &n, &f->e), 0);
    expect_names(f, &n, "");
    put_index(f, "library/b");
    put_index(f, "secret/x");
    put_index(f, "library/a-b");
    put_index(f, "library/a/b");
    put_index(f, "library/a");
    send_blob(f, "library/only-blobs", "x"); /* not a repository to pull from yet */
    EXPECT(repository_list(&f->r, &f->a, true, STR(""), 10, &n, &f->e), 0);
    expect_names(f, &n, "library/a library/a-b library/a/b library/b secret/x"); /* by bytes */
    EXPECT(repository_list(&f->r, &f->a, false, STR(""), 10, &n, &f->e), 0);
    expect_names(f, &n, "library/a library/a-b library/a/b library/b");
    EXPECT(repository_list(&f->r, &f->a, true, STR(""), 2, &n, &f->e), 0);
    expect_names(f, &n, "library/a library/a-b +");
    EXPECT(repository_list(&f->r, &f->a, true, STR("library/a-b"), 2, &n, &f->e), 0);
    expect_names(f, &n, "library/a/b library/b +");
    EXPECT(repository_list(&f->r, &f->a, false, STR("library/a-b"), 2, &n, &f->e), 0);
    expect_names(f, &n, "library/a/b library/b");
    EXPECT(repository_list(&f->r, &f->a, true, STR("m"), 2, &n, &f->e), 0); /* need not exist */
    expect_names(f, &n, "secret/x");
    EXPECT(repository_list(&f->r, &f->a, true, STR(""), 0, &n, &f->e), 0);
    expect_names(f, &n, "");
}

static void test_tags(void **state)
{
    struct fixture *f = *state;
    struct registry_names n;
    static const char *const tags[] = {"v10", "v1", "B", "a", "_x", "v1.0", "0"};

    EXPECT(tag_list(&f->r, &f->a, repo("library/a"), STR(""), 10, &n, &f->e), 0);
    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        EXPECT(push(f, "library/a", tags[i], image_index(f, NULL, 0, ""), NULL, NULL), 0);
    EXPECT(push(f, "library/b", "other", image_index(f, NULL, 0, ""), NULL, NULL), 0);
    EXPECT(tag_list(&f->r, &f->a, repo("library/a"), STR(""), 10, &n, &f->e), 1);
    expect_names(f, &n, "0 B _x a v1 v1.0 v10");
    EXPECT(tag_list(&f->r, &f->a, repo("library/a"), STR("C"), 2, &n, &f->e), 1);
    expect_names(f, &n, "_x a +");
    EXPECT(tag_list(&f->r, &f->a, repo("library/a"), STR("v1.0"), 1, &n, &f->e), 1);
    expect_names(f, &n, "v10");
    EXPECT(tag_list(&f->r, &f->a, repo("library/a"), STR("v10"), 1, &n, &f->e), 1);
    expect_names(f, &n, "");
    EXPECT(tag_list(&f->r, &f->a, repo("library/a"), STR(""), 0, &n, &f->e), 1);
    expect_names(f, &n, "");
}

/* 10,000 tags, page by page; each page is a seek. */
static void test_many_tags(void **state)
{
    enum { N = 10000, BATCH = LIMIT_TAGS_PER_PUSH };
    struct fixture *f = *state;
    const char *document = image_index(f, NULL, 0, "");
    struct artifact_push p = {.bytes = str_from(document), .ref = reference("t00000")};
    struct artifact_pushed pushed;
    struct registry_names n;
    struct tag tags[BATCH];
    char last[LIMIT_TAG + 1] = "";
    size_t seen = 0;

    p.tags = tags;
    p.n_tags = BATCH;
    for (int i = 0; i < N; i++) {
        snprintf(tags[i % BATCH].text, sizeof(tags[0].text), "t%05d", i);
        if (i % BATCH == BATCH - 1)
            EXPECT(artifact_push(&f->r, &f->a, repo("library/a"), &p, &pushed, NULL, &f->e), 0);
    }
    do {
        arena_reset(&f->a);
        EXPECT(tag_list(&f->r, &f->a, repo("library/a"), str_from(last), 5000, &n, &f->e), 1);
        assert_true(n.n <= LIMIT_PAGE); /* clamped */
        for (size_t i = 0; i < n.n; i++, seen++) {
            char want[16];
            snprintf(want, sizeof(want), "t%05zu", seen);
            assert_string_equal(n.names[i].p, want);
        }
        assert_true(n.n > 0);
        snprintf(last, sizeof(last), "%s", n.names[n.n - 1].p);
    } while (n.more);
    assert_int_equal(seen, N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_projects), TEST(test_project_names), TEST(test_project_display),
        TEST(test_seed),     TEST(test_repository),    TEST(test_catalog),
        TEST(test_tags),     TEST(test_many_tags),     TEST(test_displays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
