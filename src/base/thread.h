/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread: named threads, and a mutex that knows its name and who holds it.
 *
 *     struct mutex lock;                mutex_init(&lock, "pool");
 *     MUTEX_SCOPE(&lock);               held until the end of the block
 *     mutex_assert_held(&lock);         in functions that are called with it held
 *
 * Locking twice in one thread, or unlocking what is not held, is a programmer's error and ends the
 * process.
 */
#ifndef HAVEN_BASE_THREAD_H
#define HAVEN_BASE_THREAD_H

#include "base/err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct mutex {
    pthread_mutex_t m;
    const char *name;    /* borrowed; shown when the rules are broken */
    _Atomic(int) holder; /* thread id, 0 when free */
};

void mutex_init(struct mutex *m, const char *name);
void mutex_done(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
void mutex_assert_held(const struct mutex *m);
/* Waits for c with m held; as pthread_cond_wait it may return without a reason. */
void mutex_wait(struct mutex *m, pthread_cond_t *c);

/* The same for at most ms; c must count by CLOCK_MONOTONIC (thread_cond_init). */
void mutex_wait_ms(struct mutex *m, pthread_cond_t *c, int64_t ms);
/* A condition variable that counts by CLOCK_MONOTONIC. */
void thread_cond_init(pthread_cond_t *c);

/* For MUTEX_SCOPE only. */
struct mutex *mutex_autolock(struct mutex *m);
void mutex_autounlock(struct mutex **m);
#define MUTEX_SCOPE(m)                                                                             \
    __attribute__((cleanup(mutex_autounlock), unused)) struct mutex *mutex_scope_ =                \
        mutex_autolock(m)

#define THREAD_NAME_MAX 15
/* Starts a thread with a stack of THREAD_STACK bytes and every signal blocked (signals belong to
 * the main thread). name: cut to THREAD_NAME_MAX characters. The caller joins *ret. IO error. */
#define THREAD_STACK (256u * 1024)
int thread_start(pthread_t *ret, const char *name, void *(*fn)(void *arg), void *arg,
                 struct err *e);

/* From here on the calling thread gives way to others, as do processes that it starts: for work
 * that nobody waits for. It still gets a tenth of what another thread gets, so that a lock that it
 * holds is not held for long. What the system does not allow is left as it is. */
#define THREAD_NICE 10
void thread_give_way(void);

#endif
