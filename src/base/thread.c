/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Sanitizers widen every stack frame. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_FACTOR 4
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define STACK_FACTOR 4
#endif
#endif
#ifndef STACK_FACTOR
#define STACK_FACTOR 1
#endif

static int thread_id(void)
{
    static _Thread_local int id;
    if (id == 0)
        id = (int)gettid();
    return id;
}

static _Noreturn void broken(const struct mutex *m, const char *what)
{
    (void)fprintf(stderr, "haven: bug: lock '%s' %s\n", m->name, what);
    abort();
}

static bool is_mine(const struct mutex *m)
{
    return atomic_load_explicit(&m->holder, memory_order_relaxed) == thread_id();
}

static void set_holder(struct mutex *m, int id)
{
    atomic_store_explicit(&m->holder, id, memory_order_relaxed);
}

void mutex_init(struct mutex *m, const char *name)
{
    m->name = name;
    atomic_init(&m->holder, 0);
    BUG_ON(pthread_mutex_init(&m->m, NULL) != 0);
}

void mutex_done(struct mutex *m)
{
    if (pthread_mutex_destroy(&m->m) != 0)
        broken(m, "is destroyed while it is held");
}

void mutex_lock(struct mutex *m)
{
    if (is_mine(m))
        broken(m, "is locked twice by one thread");
    BUG_ON(pthread_mutex_lock(&m->m) != 0);
    set_holder(m, thread_id());
}

void mutex_unlock(struct mutex *m)
{
    mutex_assert_held(m);
    set_holder(m, 0);
    BUG_ON(pthread_mutex_unlock(&m->m) != 0);
}

void mutex_assert_held(const struct mutex *m)
{
    if (!is_mine(m))
        broken(m, "is not held by this thread");
}

void mutex_wait(struct mutex *m, pthread_cond_t *c)
{
    mutex_assert_held(m);
    set_holder(m, 0);
    BUG_ON(pthread_cond_wait(c, &m->m) != 0);
    set_holder(m, thread_id());
}

void mutex_wait_ms(struct mutex *m, pthread_cond_t *c, int64_t ms)
{
    struct timespec until;

    mutex_assert_held(m);
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    set_holder(m, 0);
    int rc = pthread_cond_timedwait(c, &m->m, &until);
    BUG_ON(rc != 0 && rc != ETIMEDOUT);
    set_holder(m, thread_id());
}

void thread_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(c, &attr);
    (void)pthread_condattr_destroy(&attr);
}

struct mutex *mutex_autolock(struct mutex *m)
{
    mutex_lock(m);
    return m;
}

void mutex_autounlock(struct mutex **m)
{
    mutex_unlock(*m);
}

struct start {
    void *(*fn)(void *arg);
    void *arg;
    char name[THREAD_NAME_MAX + 1];
};

static void *run(void *p)
{
    struct start start = *(struct start *)p;
    mem_free(p);
    (void)pthread_setname_np(pthread_self(), start.name); /* only for those who look */
    return start.fn(start.arg);
}

int thread_start(pthread_t *ret, const char *name, void *(*fn)(void *arg), void *arg, struct err *e)
{
    pthread_attr_t attr;
    sigset_t all, before;
    struct start *start = NEW(struct start);
    struct str shown = str_head(str_from(name), THREAD_NAME_MAX);
    *start = (struct start){.fn = fn, .arg = arg};
    memcpy(start->name, shown.p, shown.n);
    BUG_ON(pthread_attr_init(&attr) != 0);
    BUG_ON(pthread_attr_setstacksize(&attr, THREAD_STACK * STACK_FACTOR) != 0);
    BUG_ON(sigfillset(&all) != 0);
    /* A new thread inherits the mask: it must be set before the thread exists. */
    BUG_ON(pthread_sigmask(SIG_SETMASK, &all, &before) != 0);
    int failed = pthread_create(ret, &attr, run, start);
    BUG_ON(pthread_sigmask(SIG_SETMASK, &before, NULL) != 0);
    (void)pthread_attr_destroy(&attr);
    if (failed) {
        mem_free(start);
        errno = failed;
        return ERR_SYS(e, "cannot start the thread '%s'", name);
    }
    return 0;
}

void thread_give_way(void)
{
    /* Of one thread alone, as Linux has it. */
    (void)setpriority(PRIO_PROCESS, (id_t)thread_id(), THREAD_NICE);
}
