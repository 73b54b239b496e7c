/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, their logs and their schedules; the collection as a job. */
#include "registry_fixture.h"

#include "base/clock.h"
#include "jobs/collect.h"
#include "jobs/job.h"
#include "jobs/purge.h"
#include "jobs/queue.h"
#include "jobs/schedule.h"
#include "jobs/work.h"
#include "store/hold.h"

#include <pthread.h>
#include <unistd.h>

static int count_line(void *self, int64_t at_ms, struct str line, struct err *e)
{
    (void)e;
    assert_true(at_ms > 0 && line.n > 0);
    ++*(size_t *)self;
    return 0;
}

static void test_rows(void **state)
{
    struct fixture *f = *state;
    struct job *list;
    size_t n, lines = 0;
    int64_t one, two;
    struct job_log log;

    EXPECT(job_begin(f->r.db, "x", "manual", STR("{}"), &one, &f->e), 0);
    EXPECT(job_beat(f->r.db, one, STR("{\"n\":1}"), &f->e), 0);
    /* Its process died. */
    EXPECT(job_begin(f->r.db, "x", "schedule", STR("{\"a\":1}"), &two, &f->e), 0);
    job_log_init(&log, f->r.db, two);
    for (int i = 0; i < 1500; i++)
        job_log_add(&log, STR("a line"));
    job_log_autodone(&log);
    EXPECT(job_end(f->r.db, "x", two, "success", STR("{\"n\":2}"), NULL, &f->e), 0);
    EXPECT(job_list(f->r.db, &f->a, "x", INT64_MAX, 10, &list, &n, &f->e), 0);
    assert_int_equal(n, 2);
    assert_true(list[0].id == two && list[1].id == one);
    assert_true(str_eqz(list[0].state, "success") && str_eqz(list[0].cause, "schedule"));
    assert_true(str_eqz(list[0].result, "{\"n\":2}") && !list[0].error.p && list[0].ended_ms > 0);
    assert_true(str_eqz(list[1].state, "error") && list[1].error.n > 0);
    assert_true(str_eqz(list[1].result, "{\"n\":1}"));
    EXPECT(job_log_each(f->r.db, two, count_line, &lines, &f->e), 0);
    assert_int_equal(lines, 1500);
    EXPECT(job_list(f->r.db, &f->a, "x", two, 10, &list, &n, &f->e), 0);
    assert_int_equal(n, 1);
    EXPECT(job_list(f->r.db, &f->a, "y", INT64_MAX, 10, &list, &n, &f->e), 0);
    assert_int_equal(n, 0);
}

static void test_history_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct job *list;
    size_t n;
    int64_t id, other;

    EXPECT(job_begin(f->r.db, "other", "manual", STR("{}"), &other, &f->e), 0);
    EXPECT(job_end(f->r.db, "other", other, "success", STR("{}"), NULL, &f->e), 0);
    for (int i = 0; i < JOB_HISTORY + 7; i++) {
        EXPECT(job_begin(f->r.db, "x", "manual", STR("{}"), &id, &f->e), 0);
        EXPECT(job_end(f->r.db, "x", id, "error", STR("{}"), "why", &f->e), 0);
    }
    EXPECT(job_list(f->r.db, &f->a, "x", INT64_MAX, 1000, &list, &n, &f->e), 0);
    assert_int_equal(n, JOB_HISTORY);
    assert_true(list[0].id == id);
    EXPECT(job_list(f->r.db, &f->a, "other", INT64_MAX, 10, &list, &n, &f->e), 0);
    assert_int_equal(n, 1);
}

static void test_schedule(void **state)
{
    struct fixture *f = *state;
    struct schedule s;
    int64_t now = clock_now_ms();

    EXPECT(schedule_get(f->r.db, &f->a, "x", &s, &f->e), 0);
    EXPECT(schedule_due(f->r.db, &f->a, "x", now, &s, &f->e), 0);
    REFUSED(schedule_set(f->r.db, "x", STR("daily"), STR("{}"), &f->e), USAGE);
    REFUSED(schedule_set(f->r.db, "x", STR("0 0 0 30 2 *"), STR("{}"), &f->e), USAGE);
    EXPECT(schedule_set(f->r.db, "x", STR("@hourly"), STR("{\"a\":1}"), &f->e), 0);
    EXPECT(schedule_get(f->r.db, &f->a, "x", &s, &f->e), 1);
    assert_true(s.next_ms > now && s.next_ms <= now + 3600000);
    EXPECT(schedule_due(f->r.db, &f->a, "x", s.next_ms - 1, &s, &f->e), 0);
    /* Five hours late: once. */
    int64_t late = s.next_ms + 5 * 3600000;
    EXPECT(schedule_due(f->r.db, &f->a, "x", late, &s, &f->e), 1);
    assert_true(str_eqz(s.args, "{\"a\":1}"));
    EXPECT(schedule_due(f->r.db, &f->a, "x", late, &s, &f->e), 0);
    EXPECT(schedule_set(f->r.db, "x", STR("@daily"), STR("{}"), &f->e), 0);
    EXPECT(schedule_get(f->r.db, &f->a, "x", &s, &f->e), 1);
    assert_true(str_eqz(s.cron, "@daily"));
    EXPECT(schedule_clear(f->r.db, "x", &f->e), 0);
    EXPECT(schedule_get(f->r.db, &f->a, "x", &s, &f->e), 0);
}

static void test_arguments(void **state)
{
    struct fixture *f = *state;
    AUTO(buf) out = {0};
    struct job_collect q = {.dry_run = true, .untagged = true, .grace_ms = 7, .rate = 8}, back;

    buf_init(&out, JOB_COLLECT_ARGS_MAX);
    job_collect_write(&q, &out);
    EXPECT(job_collect_read(buf_str(&out), &back, &f->e), 0);
    assert_true(back.dry_run && back.untagged && back.grace_ms == 7 && back.rate == 8);
    EXPECT(job_collect_read(STR("{}"), &back, &f->e), 0);
    assert_true(!back.dry_run && !back.untagged && back.grace_ms == JOB_COLLECT_GRACE &&
                !back.rate);
    REFUSED(job_collect_read(STR("{"), &back, &f->e), CORRUPT);
}

static void test_collection(void **state)
{
    struct fixture *f = *state;
    const struct job_collect q = {.grace_ms = -1};
    struct digest one = push_image(f, "library/a", "v1", "config", "layer");
    struct collect_result r;
    struct job *list;
    size_t n, lines = 0;
    int64_t id = 0;
    int lock = -1;
    atomic_bool stop = true;

    EXPECT(artifact_delete(&f->r, repo("library/a"), &one, &f->e), 1);
    EXPECT(store_hold_collection(f->fd, &lock, &f->e), 1);
    REFUSED(job_collect_run(&f->r, f->fd, &q, "manual", NULL, NULL, NULL, &id, &r, &f->e),
            CONFLICT);
    (void)close(lock);
    REFUSED(job_collect_run(&f->r, f->fd, &q, "manual", &stop, NULL, NULL, &id, &r, &f->e),
            CANCELLED);
    id = 0;
    EXPECT(job_collect_run(&f->r, f->fd, &q, "schedule", NULL, NULL, NULL, &id, &r, &f->e), 0);
    assert_int_equal(r.objects, 2);
    EXPECT(job_list(f->r.db, &f->a, JOB_COLLECT, INT64_MAX, 10, &list, &n, &f->e), 0);
    assert_int_equal(n, 2);
    assert_true(str_eqz(list[0].state, "success") && str_eqz(list[1].state, "stopped"));
    assert_non_null(strstr(list[0].result.p, "\"objects\":2"));
    EXPECT(job_log_each(f->r.db, id, count_line, &lines, &f->e), 0);
    assert_int_equal(lines, 2);
}

/* ---- running ---- */

#define OLD_ENTRIES 60000

static void add_old_entries(struct fixture *f)
{
    AUTO(db_txn) t = {0};

    EXPECT(db_begin(f->r.db, &t, &f->e), 0);
    for (int i = 0; i < OLD_ENTRIES; i++)
        EXPECT(db_exec(t.conn, Q_audit_add,
                       DB_ARGS(DB_TEXTZ("pull_artifact"), DB_TEXTZ("pull"), DB_TEXTZ("artifact"),
                               DB_I64(1), DB_TEXTZ("ada"), DB_TEXTZ(""), DB_TEXTZ("x"),
                               DB_TEXTZ("x"), DB_I64(1), DB_I64(i)),
                       NULL, &f->e),
               0);
    EXPECT(db_commit(&t, &f->e), 0);
}

static void *run_jobs(void *arg)
{
    work_run(arg);
    return NULL;
}

/* One that runs ends where it is; one behind it runs all the same. */
static void test_stopped_while_it_runs(void **state)
{
    struct fixture *f = *state;
    struct work w = {.registry = &f->r, .data_dir = f->fd};
    struct str args = STR("{\"audit_retention_hour\":1,\"include_event_types\":\"pull_artifact\"}");
    int64_t first = 0, second = 0;
    struct job job;
    pthread_t thread;

    add_old_entries(f);
    EXPECT(job_queue(f->r.db, JOB_PURGE, "manual", args, &first, &f->e), 0);
    EXPECT(job_queue(f->r.db, JOB_PURGE, "manual", args, &second, &f->e), 0);
    assert_int_equal(work_stop(&w, 77, &f->e), 0);
    assert_int_equal(pthread_create(&thread, NULL, run_jobs, &w), 0);
    while (atomic_load(&w.running) != first)
        (void)usleep(100);
    EXPECT(work_stop(&w, first, &f->e), 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    EXPECT(job_find(f->r.db, &f->a, JOB_PURGE, first, &job, &f->e), 1);
    assert_true(str_eqz(job.state, "stopped"));
    EXPECT(job_find(f->r.db, &f->a, JOB_PURGE, second, &job, &f->e), 1);
    assert_true(str_eqz(job.state, "success"));
    assert_int_equal(work_stop(&w, first, &f->e), 0);
}

/* What is paused does not begin, but waits; schedules that are paused ask for nothing. */
static void test_queue(void **state)
{
    struct fixture *f = *state;
    struct str args = STR("{\"audit_retention_hour\":1,\"include_event_types\":\"pull_artifact\"}");
    struct work w;
    struct queue q;
    struct job job;
    int64_t id = 0, other = 0;

    work_init(&w, &f->r, f->fd);
    assert_int_equal(strlen(w.name), WORK_NAME);
    EXPECT(queue_look(f->r.db, JOB_PURGE, &q, &f->e), 0);
    assert_true(q.waiting == 0 && q.oldest_ms == 0 && !q.paused);
    EXPECT(queue_pause(f->r.db, JOB_PURGE, true, &f->e), 0);
    EXPECT(queue_pause(f->r.db, JOB_PURGE, true, &f->e), 0);
    EXPECT(job_queue(f->r.db, JOB_PURGE, "manual", args, &id, &f->e), 0);
    EXPECT(job_queue(f->r.db, JOB_PURGE, "manual", args, &other, &f->e), 0);
    REFUSED(job_start(f->r.db, JOB_PURGE, id, &f->e), CONFLICT);
    work_run(&w);
    EXPECT(queue_look(f->r.db, JOB_PURGE, &q, &f->e), 0);
    assert_true(q.waiting == 2 && q.oldest_ms > 0 && q.paused);
    EXPECT(queue_look(f->r.db, JOB_COLLECT, &q, &f->e), 0);
    assert_true(q.waiting == 0 && !q.paused);
    EXPECT(job_find_any(f->r.db, &f->a, id, &job, &f->e), 1);
    assert_true(str_eqz(job.kind, JOB_PURGE) && str_eqz(job.state, "pending"));
    EXPECT(queue_pause(f->r.db, JOB_PURGE, false, &f->e), 0);
    work_run(&w);
    EXPECT(job_find_any(f->r.db, &f->a, other, &job, &f->e), 1);
    assert_true(str_eqz(job.state, "success"));
    EXPECT(job_find_any(f->r.db, &f->a, 4711, &job, &f->e), 0);

    EXPECT(job_queue(f->r.db, JOB_PURGE, "manual", args, &id, &f->e), 0);
    EXPECT(job_queue(f->r.db, JOB_COLLECT, "manual", STR("{}"), &other, &f->e), 0);
    EXPECT(queue_stop(f->r.db, JOB_PURGE, &f->e), 0);
    EXPECT(job_find_any(f->r.db, &f->a, id, &job, &f->e), 1);
    assert_true(str_eqz(job.state, "stopped") && job.error.n > 0);
    EXPECT(job_find_any(f->r.db, &f->a, other, &job, &f->e), 1);
    assert_true(str_eqz(job.state, "pending"));
}

static void make_due(struct fixture *f, const char *kind)
{
    AUTO(db_txn) t = {0};

    EXPECT(db_begin(f->r.db, &t, &f->e), 0);
    EXPECT(db_exec(t.conn, Q_schedule_next, DB_ARGS(DB_TEXTZ(kind), DB_I64(1)), NULL, &f->e), 0);
    EXPECT(db_commit(&t, &f->e), 0);
}

static void test_schedules_that_are_paused(void **state)
{
    struct fixture *f = *state;
    struct work w;
    struct schedule *s;
    struct db_page page;
    const struct db_list_query all = {.limit = 10};
    struct job *list;
    size_t n;

    work_init(&w, &f->r, f->fd);
    EXPECT(queue_pause(f->r.db, QUEUE_OF_SCHEDULES, true, &f->e), 0);
    EXPECT(schedule_set(f->r.db, JOB_COLLECT, STR("0 0 0 1 1 *"), STR("{}"), &f->e), 0);
    make_due(f, JOB_COLLECT);
    EXPECT(schedule_page(f->r.db, &f->a, &all, &page, &f->e), 0);
    s = page.v;
    assert_true(page.n == 1 && page.total == 1 && s->id > 0 && s->updated_ms > 0);
    assert_true(str_eqz(s->kind, JOB_COLLECT) && str_eqz(s->cron, "0 0 0 1 1 *"));
    work_run(&w);
    EXPECT(job_list(f->r.db, &f->a, JOB_COLLECT, INT64_MAX, 10, &list, &n, &f->e), 0);
    assert_int_equal(n, 0);
    EXPECT(queue_pause(f->r.db, QUEUE_OF_SCHEDULES, false, &f->e), 0);
    work_run(&w);
    EXPECT(job_list(f->r.db, &f->a, JOB_COLLECT, INT64_MAX, 10, &list, &n, &f->e), 0);
    assert_true(n == 1 && str_eqz(list[0].state, "success"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows),       TEST(test_history_is_bounded),
        TEST(test_schedule),   TEST(test_arguments),
        TEST(test_collection), TEST(test_stopped_while_it_runs),
        TEST(test_queue),      TEST(test_schedules_that_are_paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
