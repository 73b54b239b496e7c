/* SPDX-License-Identifier: Apache-2.0 */
#include "client/transfer.h"

#include "base/clock.h"
#include "base/mem.h"

void transfer_init(struct transfer *x, const struct transfer_events *events)
{
    *x = (struct transfer){.events = events, .started_ms = clock_mono_ms()};
    mutex_init(&x->lock, "transfer");
}

void transfer_autodone(struct transfer *x)
{
    mutex_done(&x->lock);
}

void transfer_expect(struct transfer *x, size_t files, uint64_t bytes)
{
    MUTEX_SCOPE(&x->lock);
    x->state.files_total = files;
    x->state.bytes_total = bytes;
}

static void update_clock(struct transfer *x)
{
    mutex_assert_held(&x->lock);
    x->state.elapsed_ms = clock_mono_ms() - x->started_ms;
}

struct transfer_state transfer_state_now(struct transfer *x)
{
    MUTEX_SCOPE(&x->lock);
    update_clock(x);
    return x->state;
}

void transfer_bytes(struct transfer *x, uint64_t n, bool moved)
{
    MUTEX_SCOPE(&x->lock);
    x->state.bytes_done += n;
    if (moved)
        x->state.bytes_moved += n;
    update_clock(x);
    if (x->state.elapsed_ms - x->ticked_ms < TRANSFER_TICK_MS)
        return;
    x->ticked_ms = x->state.elapsed_ms;
    if (x->events && x->events->progress)
        x->events->progress(x->events->self, &x->state);
}

void transfer_file(struct transfer *x, const char *path, uint64_t size, enum transfer_how how)
{
    MUTEX_SCOPE(&x->lock);
    x->state.files_done++;
    if (how == TRANSFER_PRESENT)
        x->state.files_present++;
    update_clock(x);
    if (x->events && x->events->file)
        x->events->file(x->events->self, path, size, how, &x->state);
}

static bool take_next(struct transfer *x, size_t *ret)
{
    MUTEX_SCOPE(&x->lock);
    if (x->failed || x->next == x->n)
        return false;
    *ret = x->next++;
    return true;
}

static void *work(void *arg)
{
    struct transfer *x = arg;
    struct err err;
    size_t i;

    while (take_next(x, &i)) {
        if (x->fn(x->self, i, &err) == 0)
            continue;
        MUTEX_SCOPE(&x->lock);
        if (!x->failed)
            x->first = err;
        x->failed = true;
        atomic_store(&x->cancel, true);
    }
    return NULL;
}

int transfer_run(struct transfer *x, size_t n, unsigned threads,
                 int (*fn)(void *self, size_t i, struct err *e), void *self, struct err *e)
{
    pthread_t ids[TRANSFER_THREADS_MAX];
    size_t started = 0;

    if (threads > TRANSFER_THREADS_MAX)
        threads = TRANSFER_THREADS_MAX;
    x->n = n;
    x->next = 0;
    x->fn = fn;
    x->self = self;
    /* Fewer threads than asked for do the work as well. */
    while (started + 1 < threads && started + 1 < n &&
           thread_start(&ids[started], "transfer", work, x, NULL) == 0)
        started++;
    (void)work(x);
    while (started)
        BUG_ON(pthread_join(ids[--started], NULL) != 0);
    if (!x->failed)
        return 0;
    if (e)
        *e = x->first;
    return -1;
}
