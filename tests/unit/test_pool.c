/* SPDX-License-Identifier: Apache-2.0 */
/* Worker pools and locks: order, draining, names, signals, broken rules. */
#include "base/pool.h"
#include "base/thread.h"
#include "unit.h"

#include <semaphore.h>
#include <sys/resource.h>
#include <unistd.h>

struct work {
    struct pool_job job;
    _Atomic int ran;
    sem_t *gate;
    struct pool *pool;
    int *order, *next;
    int id;
};

static void count(struct pool_job *job)
{
    atomic_fetch_add(&CONTAINER_OF(job, struct work, job)->ran, 1);
}

static void runs_all(void **state)
{
    (void)state;
    enum { N = 5000 };
    static struct work all[N];
    memset(all, 0, sizeof(all));
    struct pool *p = pool_new("test", 4);
    for (size_t i = 0; i < N; i++) {
        all[i].job.fn = count;
        assert_true(pool_add(p, &all[i].job));
    }
    pool_free(p); /* waits for what is queued */
    for (size_t i = 0; i < N; i++)
        assert_int_equal(all[i].ran, 1);
    pool_free(NULL);
}

static void wait_gate(struct pool_job *job)
{
    while (sem_wait(CONTAINER_OF(job, struct work, job)->gate) != 0)
        continue;
}

static void note_order(struct pool_job *job)
{
    struct work *w = CONTAINER_OF(job, struct work, job);
    w->order[(*w->next)++] = w->id;
}

/* One worker: first in, first out; waiting jobs are counted without the one that runs. */
static void in_order(void **state)
{
    (void)state;
    enum { N = 100 };
    int order[N], next = 0;
    struct work first = {.job.fn = wait_gate}, all[N];
    sem_t gate;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    first.gate = &gate;
    struct pool *p = pool_new("order", 1);
    assert_true(pool_add(p, &first.job));
    while (pool_waiting(p) != 0)
        (void)usleep(100);
    for (int i = 0; i < N; i++) {
        all[i] = (struct work){.job.fn = note_order, .order = order, .next = &next, .id = i};
        assert_true(pool_add(p, &all[i].job));
    }
    assert_int_equal(pool_waiting(p), N);
    assert_int_equal(sem_post(&gate), 0);
    pool_free(p);
    for (int i = 0; i < N; i++)
        assert_int_equal(order[i], i);
    assert_int_equal(sem_destroy(&gate), 0);
}

static void add_again(struct pool_job *job)
{
    struct work *w = CONTAINER_OF(job, struct work, job);
    if (atomic_fetch_add(&w->ran, 1) + 1 < 100)
        assert_true(pool_add(w->pool, job));
    else
        assert_int_equal(sem_post(w->gate), 0);
}

static void free_owner(struct pool_job *job)
{
    mem_free(CONTAINER_OF(job, struct work, job));
}

/* A job may put itself back, or free what it is embedded in. */
static void owners(void **state)
{
    (void)state;
    sem_t gate;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    struct pool *p = pool_new("owners", 3);
    struct work again = {.job.fn = add_again, .pool = p, .gate = &gate};
    assert_true(pool_add(p, &again.job));
    for (int i = 0; i < 100; i++) {
        struct work *w = NEW(struct work);
        w->job.fn = free_owner;
        assert_true(pool_add(p, &w->job));
    }
    while (sem_wait(&gate) != 0)
        continue;
    pool_free(p);
    assert_int_equal(again.ran, 100);
    assert_int_equal(sem_destroy(&gate), 0);
}

static void stops(void **state)
{
    (void)state;
    sem_t gate;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    struct pool *p = pool_new("stops", 2);
    struct work blocked[2] = {{.job.fn = wait_gate, .gate = &gate},
                              {.job.fn = wait_gate, .gate = &gate}};
    struct work queued = {.job.fn = count}, late = {.job.fn = count};
    assert_true(pool_add(p, &blocked[0].job));
    assert_true(pool_add(p, &blocked[1].job));
    assert_true(pool_add(p, &queued.job));
    pool_stop(p);
    assert_false(pool_add(p, &late.job));
    assert_int_equal(sem_post(&gate), 0);
    assert_int_equal(sem_post(&gate), 0);
    pool_free(p);
    assert_int_equal(queued.ran, 1);
    assert_int_equal(late.ran, 0);
    assert_int_equal(sem_destroy(&gate), 0);
}

static char seen_name[THREAD_NAME_MAX + 1];
static int seen_blocked;
static size_t seen_stack;

static void look(struct pool_job *job)
{
    (void)job;
    sigset_t set;
    pthread_attr_t attr;
    (void)pthread_getname_np(pthread_self(), seen_name, sizeof(seen_name));
    (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
    seen_blocked = sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGHUP) == 1 &&
                   sigismember(&set, SIGCHLD) == 1;
    (void)pthread_getattr_np(pthread_self(), &attr);
    (void)pthread_attr_getstacksize(&attr, &seen_stack);
    (void)pthread_attr_destroy(&attr);
}

static void attributes(void **state)
{
    (void)state;
    sigset_t before, after;
    struct pool_job job = {.fn = look};
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
    struct pool *p = pool_new("abcdefghijk", 1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &after), 0);
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
    assert_true(pool_add(p, &job));
    pool_free(p);
    assert_string_equal(seen_name, "abcdefghijk-0");
    assert_true(seen_blocked);
    assert_true(seen_stack >= THREAD_STACK && seen_stack <= 8 * THREAD_STACK);
}

static void long_name(void *arg)
{
    (void)arg;
    (void)pool_new("abcdefghijkl", 1);
}

static void no_threads(void *arg)
{
    (void)arg;
    (void)pool_new("none", 0);
}

static void misuse(void **state)
{
    (void)state;
    assert_dies(long_name, NULL);
    assert_dies(no_threads, NULL);
}

static struct mutex lock;
static unsigned shared;

static void *add_many(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        MUTEX_SCOPE(&lock);
        shared++;
        mutex_assert_held(&lock);
    }
    return arg;
}

static void locks_exclude(void **state)
{
    (void)state;
    pthread_t t[3];
    shared = 0;
    mutex_init(&lock, "test");
    for (int i = 0; i < 3; i++)
        assert_fine(
            thread_start(&t[i], "a name longer than the kernel takes", add_many, NULL, &unit_e));
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    assert_int_equal(shared, 30000);
    mutex_done(&lock);
}

static void lock_twice(void *m)
{
    mutex_lock(m);
    mutex_lock(m);
}

static void unlock_free(void *m)
{
    mutex_unlock(m);
}

static void claim_held(void *m)
{
    mutex_assert_held(m);
}

static void wait_free(void *m)
{
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    mutex_wait(m, &c);
}

static void destroy_held(void *m)
{
    mutex_lock(m);
    mutex_done(m);
}

static void lock_rules(void **state)
{
    (void)state;
    static void (*const wrong[])(void *) = {lock_twice, unlock_free, claim_held, wait_free,
                                            destroy_held};
    struct mutex m;
    mutex_init(&m, "rules");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_dies(wrong[i], &m);
    mutex_lock(&m);
    mutex_assert_held(&m);
    mutex_unlock(&m);
    mutex_done(&m);
}

static void *give_way(void *arg)
{
    int *seen = arg;

    thread_give_way();
    *seen = getpriority(PRIO_PROCESS, (id_t)gettid());
    return NULL;
}

/* One thread, and not those beside it. */
static void gives_way(void **state)
{
    pthread_t thread;
    int seen = 0, mine = getpriority(PRIO_PROCESS, (id_t)gettid());
    (void)state;

    assert_fine(thread_start(&thread, "aside", give_way, &seen, &unit_e));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(seen, THREAD_NICE);
    assert_int_equal(getpriority(PRIO_PROCESS, (id_t)gettid()), mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_all),      cmocka_unit_test(in_order),   cmocka_unit_test(owners),
        cmocka_unit_test(stops),         cmocka_unit_test(attributes), cmocka_unit_test(misuse),
        cmocka_unit_test(locks_exclude), cmocka_unit_test(lock_rules), cmocka_unit_test(gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
