/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: written with the push, taken once, taken again when who held them has gone, tried again
 * later and later, given up in the end, done in the transaction of their result. */
#include "registry_fixture.h"

#include "base/clock.h"
#include "registry/model.h"
#include "registry/task.h"

static void push_one(struct fixture *f, const char *config)
{
    struct artifact_pushed pushed;
    const char *document = image(f, config, NULL, 0, "");

    send_blob(f, "library/m", config);
    EXPECT(push(f, "library/m", "v1", document, &pushed, NULL), 0);
}

/* What is due, taken for holder: how many. */
static size_t take(struct fixture *f, const char *holder, struct task ret[TASK_BATCH])
{
    size_t n = 0;
    EXPECT(task_take(f->r.db, TASK_INDEX, holder, ret, &n, &f->e), 0);
    return n;
}

static int64_t due(struct fixture *f)
{
    int64_t ms;
    EXPECT(task_due(f->r.db, TASK_INDEX, &ms, &f->e), 1);
    return ms;
}

static void none_waits(struct fixture *f)
{
    int64_t ms;
    EXPECT(task_due(f->r.db, TASK_INDEX, &ms, &f->e), 0);
}

static void run(struct fixture *f, enum db_query q, struct db_args args)
{
    AUTO(db_txn) t = {0};
    EXPECT(db_begin(f->r.db, &t, &f->e), 0);
    EXPECT(db_exec(t.conn, q, args, NULL, &f->e), 0);
    EXPECT(db_commit(&t, &f->e), 0);
}

static int done(struct fixture *f, const struct task *task, const char *holder)
{
    AUTO(db_txn) t = {0};
    EXPECT(db_begin(f->r.db, &t, &f->e), 0);
    int rc = task_done(t.conn, task, holder, &f->e);
    EXPECT(db_commit(&t, &f->e), 0);
    return rc;
}

static void test_once(void **state)
{
    struct fixture *f = *state;
    struct task mine[TASK_BATCH], theirs[TASK_BATCH];

    none_waits(f);
    push_one(f, "{}");
    push_one(f, "{}");
    assert_true(due(f) <= clock_now_ms());
    assert_int_equal(take(f, "a", mine), 1);
    assert_int_equal(mine[0].attempts, 1);
    assert_int_equal(take(f, "b", theirs), 0);
    assert_true(due(f) > clock_now_ms() + TASK_LEASE_MS / 2);
    assert_int_equal(done(f, &mine[0], "b"), 0);
    assert_int_equal(done(f, &mine[0], "a"), 1);
    none_waits(f);
}

/* Its holder has gone: the time that it had is over. */
static void test_lease(void **state)
{
    struct fixture *f = *state;
    struct task mine[TASK_BATCH], theirs[TASK_BATCH];

    push_one(f, "{}");
    assert_int_equal(take(f, "a", mine), 1);
    run(f, Q_task_renew, DB_ARGS(DB_I64(mine[0].id), DB_TEXT(STR("a")), DB_I64(1)));
    assert_int_equal(take(f, "b", theirs), 1);
    assert_int_equal(theirs[0].attempts, 2);
    assert_int_equal(theirs[0].subject, mine[0].subject);
    /* It comes back: what it does now changes nothing. */
    EXPECT(task_renew(f->r.db, &mine[0], "a", &f->e), 0);
    EXPECT(task_failed(f->r.db, &mine[0], "a", "late", &f->e), 0);
    assert_int_equal(done(f, &mine[0], "a"), 0);
    assert_int_equal(take(f, "c", mine), 0);
    assert_int_equal(done(f, &theirs[0], "b"), 1);
    none_waits(f);
}

static void test_again_and_given_up(void **state)
{
    struct fixture *f = *state;
    struct task_state seen;
    struct task mine[TASK_BATCH];
    int64_t oldest, n, pause = TASK_PAUSE_MS;

    push_one(f, "{}");
    for (int64_t i = 1; i < TASK_ATTEMPTS; i++, pause *= 2) {
        assert_int_equal(take(f, "a", mine), 1);
        assert_int_equal(mine[0].attempts, i);
        EXPECT(task_failed(f->r.db, &mine[0], "a", "no luck", &f->e), 0);
        assert_in_range(due(f) - clock_now_ms(), pause - 5000 < 0 ? 0 : pause - 5000, pause);
        assert_int_equal(take(f, "a", mine), 0);
        /* As if that time was over. */
        EXPECT(task_of_artifact(f->r.db, &f->a, 1, &seen, &f->e), 1);
        assert_false(seen.failed);
        assert_int_equal(seen.attempts, i);
        assert_true(str_eqz(seen.error, "no luck"));
        run(f, Q_task_hurry, DB_ARGS(DB_TEXT(STR(TASK_INDEX)), DB_I64(clock_now_ms())));
    }
    assert_int_equal(take(f, "a", mine), 1);
    EXPECT(task_failed(f->r.db, &mine[0], "a", "still none", &f->e), 0);
    none_waits(f);
    EXPECT(task_waiting(f->r.db, TASK_INDEX, &n, &oldest, &f->e), 0);
    assert_int_equal(n, 0);
    EXPECT(task_of_artifact(f->r.db, &f->a, 1, &seen, &f->e), 1);
    assert_true(seen.failed);
    assert_true(str_eqz(seen.error, "still none"));
    /* Whoever pushes it again asks again. */
    push_one(f, "{}");
    assert_int_equal(take(f, "a", mine), 1);
    assert_int_equal(mine[0].attempts, 1);
}

static void test_given_back(void **state)
{
    struct fixture *f = *state;
    struct task mine[TASK_BATCH];

    push_one(f, "{}");
    for (int i = 0; i < 2 * TASK_ATTEMPTS; i++) {
        assert_int_equal(take(f, "a", mine), 1);
        assert_int_equal(mine[0].attempts, 1);
        EXPECT(task_give_back(f->r.db, &mine[0], "a", &f->e), 0);
    }
}

/* What was read ends its task, and is asked for no more; of a newer reader it is. */
static void test_result(void **state)
{
    struct fixture *f = *state;
    struct model_part part = {.kind = MODEL_PART_WEIGHTS, .blob = sha256_of("{}"), .at = 7};
    struct task mine[TASK_BATCH];
    struct model_read got;
    struct str text;
    int64_t last = 0;
    size_t n = 9;

    push_one(f, "{}");
    part.bytes = STR("{\"tensors\":[]}");
    assert_int_equal(take(f, "a", mine), 1);
    const struct links links = {.n = 0};
    const struct model_content content = {.facts = STR("{\"form\":\"image\",\"files\":[]}"),
                                          .summary = STR("{\"form\":\"image\"}"),
                                          .parts = &part,
                                          .n_parts = 1,
                                          .links = &links};
    EXPECT(model_write(&f->r, mine[0].subject, &content, &mine[0], "a", &f->e), 0);
    none_waits(f);
    EXPECT(model_get(&f->r, &f->a, 1, &got, &f->e), 1);
    assert_true(str_eq(got.facts, content.facts));
    EXPECT(model_summary(&f->r, &f->a, 1, &text, &f->e), 1);
    assert_true(str_eq(text, content.summary));
    assert_int_equal(got.version, MODEL_VERSION);
    EXPECT(model_get_part(&f->r, &f->a, MODEL_PART_WEIGHTS, &part.blob, 7, &text, &f->e), 1);
    assert_true(str_eq(text, part.bytes));
    EXPECT(model_get_part(&f->r, &f->a, MODEL_PART_WEIGHTS, &part.blob, 8, &text, &f->e), 0);
    EXPECT(model_get_part(&f->r, &f->a, MODEL_PART_TEXT, &part.blob, 7, &text, &f->e), 0);
    EXPECT(model_queue_unread(&f->r, 0, 10, &n, &last, &f->e), 0);
    assert_int_equal(n, 0);
    push_one(f, "{}");
    none_waits(f);
}

/* What is read while it is deleted is no news of what is pushed next. */
static void test_result_of_what_is_gone(void **state)
{
    struct fixture *f = *state;
    const struct links links = {.n = 0};
    const struct model_content content = {.facts = STR("{\"form\":\"image\",\"files\":[]}"),
                                          .summary = STR("{\"form\":\"image\"}"),
                                          .links = &links};
    struct task mine[TASK_BATCH], next[TASK_BATCH];
    struct artifact_pushed gone, here;
    struct model_read got;

    send_blob(f, "library/m", "{}");
    send_blob(f, "library/m", "{\"n\":1}");
    EXPECT(push(f, "library/m", "v1", image(f, "{}", NULL, 0, ""), &gone, NULL), 0);
    assert_int_equal(take(f, "a", mine), 1);
    EXPECT(artifact_delete(&f->r, repo("library/m"), &gone.digest, &f->e), 1);
    EXPECT(push(f, "library/m", "v1", image(f, "{\"n\":1}", NULL, 0, ""), &here, NULL), 0);
    EXPECT(model_write(&f->r, mine[0].subject, &content, &mine[0], "a", &f->e), 0);
    EXPECT(model_get(&f->r, &f->a, 2, &got, &f->e), 0);
    assert_int_equal(take(f, "a", next), 1);
    assert_int_not_equal(next[0].subject, mine[0].subject);
    EXPECT(model_write(&f->r, next[0].subject, &content, &next[0], "a", &f->e), 0);
    EXPECT(model_get(&f->r, &f->a, 2, &got, &f->e), 1);
    none_waits(f);
}

static void test_sweep(void **state)
{
    struct fixture *f = *state;
    struct task mine[TASK_BATCH];
    int64_t last = 0;
    size_t n;

    for (int i = 0; i < 5; i++) {
        char config[32];
        snprintf(config, sizeof(config), "{\"n\":%d}", i);
        push_one(f, config);
    }
    assert_int_equal(take(f, "a", mine), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(done(f, &mine[i], "a"), 1);
    EXPECT(model_queue_unread(&f->r, 0, 3, &n, &last, &f->e), 0);
    assert_int_equal(n, 3);
    EXPECT(model_queue_unread(&f->r, last, 3, &n, &last, &f->e), 0);
    assert_int_equal(n, 2);
    EXPECT(model_queue_unread(&f->r, last, 3, &n, &last, &f->e), 0);
    assert_int_equal(n, 0);
    assert_int_equal(take(f, "a", mine), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_once),       TEST(test_lease),  TEST(test_again_and_given_up),
        TEST(test_given_back), TEST(test_result), TEST(test_result_of_what_is_gone),
        TEST(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
