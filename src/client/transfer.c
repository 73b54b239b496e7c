/* SPDX-License-Identifier: Apache-2.0 */
#include "client/transfer.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>

/* What the calling thread is doing. */
static _Thread_local struct {
    struct transfer *x; /* NULL: nothing for a transfer */
    int slot;           /* -1: none */
    enum transfer_phase phase;
    int64_t since_us;
} mine = {.slot = -1};

void transfer_join(struct transfer *x)
{
    BUG_ON(mine.x);
    mine.x = x;
    mine.slot = -1;
    mine.phase = TRANSFER_OTHER;
    mine.since_us = clock_mono_us();
}

void transfer_leave(void)
{
    (void)transfer_phase(TRANSFER_OTHER);
    mine.x = NULL;
    mine.slot = -1;
}

void transfer_init(struct transfer *x, const struct transfer_events *events)
{
    *x = (struct transfer){.events = events, .started_ms = clock_mono_ms()};
    x->cancel = events && events->cancel ? events->cancel : &x->own_cancel;
    mutex_init(&x->lock, "transfer");
    if (!mine.x)
        transfer_join(x);
    if (events && events->attach)
        events->attach(events->self, x);
}

void transfer_autodone(struct transfer *x)
{
    if (x->events && x->events->attach)
        x->events->attach(x->events->self, NULL);
    if (mine.x == x)
        transfer_leave();
    mutex_done(&x->lock);
}

void transfer_expect(struct transfer *x, size_t files, uint64_t bytes)
{
    MUTEX_SCOPE(&x->lock);
    x->state.files_total = files;
    x->state.bytes_total = bytes;
}

void transfer_expect_more(struct transfer *x, int64_t files, int64_t bytes)
{
    MUTEX_SCOPE(&x->lock);
    x->state.files_total += (size_t)files; /* modulo, as unsigned numbers are */
    x->state.bytes_total += (uint64_t)bytes;
}

enum transfer_phase transfer_phase(enum transfer_phase phase)
{
    enum transfer_phase before = mine.phase;
    if (mine.x) {
        int64_t now = clock_mono_us();
        atomic_fetch_add_explicit(&mine.x->phase_us[before], now - mine.since_us,
                                  memory_order_relaxed);
        mine.since_us = now;
        mine.phase = phase;
    }
    return before;
}

void transfer_phase_end(const enum transfer_phase *before)
{
    (void)transfer_phase(*before);
}

static void update_clock(struct transfer *x)
{
    mutex_assert_held(&x->lock);
    x->state.elapsed_ms = clock_mono_ms() - x->started_ms;
}

static void look(struct transfer *x, struct transfer_state *ret)
{
    mutex_assert_held(&x->lock);
    update_clock(x);
    for (size_t i = 0; i < TRANSFER_PHASES; i++)
        x->state.phase_us[i] = atomic_load_explicit(&x->phase_us[i], memory_order_relaxed);
    *ret = x->state;
}

struct transfer_state transfer_state_now(struct transfer *x)
{
    struct transfer_state s;
    MUTEX_SCOPE(&x->lock);
    look(x, &s);
    return s;
}

void transfer_look(struct transfer *x, struct transfer_state *ret_state,
                   struct transfer_slot *ret_slots)
{
    MUTEX_SCOPE(&x->lock);
    look(x, ret_state);
    for (size_t i = 0; i < TRANSFER_SLOTS; i++) {
        if (x->slots[i].id)
            ret_slots[i] = x->slots[i];
        else
            ret_slots[i].id = 0;
    }
}

/* The running file of the calling thread, or NULL. */
static struct transfer_slot *my_slot(struct transfer *x)
{
    mutex_assert_held(&x->lock);
    return mine.x == x && mine.slot >= 0 ? &x->slots[mine.slot] : NULL;
}

void transfer_slot_use(int slot)
{
    BUG_ON(slot >= TRANSFER_SLOTS);
    mine.slot = slot;
}

static void keep_path(struct transfer_slot *slot, const char *path)
{
    size_t n = strlen(path);
    if (n < sizeof(slot->path)) {
        memcpy(slot->path, path, n + 1);
        return;
    }
    /* The end tells more; a cut letter is no letter. */
    const char *tail = path + n - (sizeof(slot->path) - 4);
    while (((unsigned char)*tail & 0xc0) == 0x80)
        tail++;
    (void)snprintf(slot->path, sizeof(slot->path), "...%s", tail);
}

int transfer_file_begin(struct transfer *x, const char *path, uint64_t size)
{
    MUTEX_SCOPE(&x->lock);
    int free = -1;
    for (int i = 0; i < TRANSFER_SLOTS && free < 0; i++)
        if (x->slots[i].id == 0)
            free = i;
    if (mine.x == x)
        mine.slot = free;
    if (free >= 0) {
        x->slots[free] = (struct transfer_slot){.id = ++x->last_id, .size = size};
        keep_path(&x->slots[free], path);
    }
    update_clock(x);
    if (x->events && x->events->begin)
        x->events->begin(x->events->self, path, size, &x->state);
    return free;
}

/* The calling thread's file is under way no longer. */
static void end_slot(struct transfer *x)
{
    struct transfer_slot *slot = my_slot(x);
    if (slot)
        slot->id = 0;
    mine.slot = -1;
}

void transfer_file_drop(struct transfer *x)
{
    MUTEX_SCOPE(&x->lock);
    end_slot(x);
}

void transfer_moved(struct transfer *x, uint64_t done, uint64_t moved)
{
    MUTEX_SCOPE(&x->lock);
    struct transfer_slot *slot = my_slot(x);
    if (slot)
        slot->done += done;
    x->state.bytes_done += done;
    x->state.bytes_moved += moved;
}

void transfer_bytes(struct transfer *x, uint64_t n, bool moved)
{
    transfer_moved(x, n, moved ? n : 0);
}

void transfer_lost(struct transfer *x, uint64_t n)
{
    MUTEX_SCOPE(&x->lock);
    struct transfer_slot *slot = my_slot(x);
    if (slot)
        slot->done -= MIN_OF(n, slot->done);
    x->state.bytes_done -= MIN_OF(n, x->state.bytes_done);
}

void transfer_file(struct transfer *x, const char *path, uint64_t size, enum transfer_how how)
{
    MUTEX_SCOPE(&x->lock);
    end_slot(x);
    x->state.files_done++;
    if (how == TRANSFER_PRESENT)
        x->state.files_present++;
    update_clock(x);
    if (x->events && x->events->file)
        x->events->file(x->events->self, path, size, how, &x->state);
}

void transfer_retry(unsigned attempt, unsigned attempts, int64_t wait_ms, const char *why)
{
    struct transfer *x = mine.x;
    if (!x)
        return;
    MUTEX_SCOPE(&x->lock);
    const struct transfer_slot *slot = my_slot(x);
    const struct transfer_retry r = {.path = slot ? slot->path : NULL,
                                     .why = why,
                                     .attempt = attempt,
                                     .attempts = attempts,
                                     .wait_ms = wait_ms};
    x->state.retries++;
    update_clock(x);
    if (x->events && x->events->retry)
        x->events->retry(x->events->self, &r, &x->state);
}

static bool take_next(struct transfer *x, size_t *ret)
{
    MUTEX_SCOPE(&x->lock);
    if (x->failed || x->next == x->n || atomic_load(x->cancel))
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
        int rc = x->fn(x->self, i, &err);
        (void)transfer_phase(TRANSFER_OTHER);
        mine.slot = -1;
        if (rc == 0)
            continue;
        MUTEX_SCOPE(&x->lock);
        if (!x->failed)
            x->first = err;
        x->failed = true;
        atomic_store(x->cancel, true);
    }
    return NULL;
}

static void *work_joined(void *arg)
{
    transfer_join(arg);
    (void)work(arg);
    transfer_leave();
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
           thread_start(&ids[started], "transfer", work_joined, x, NULL) == 0)
        started++;
    (void)work(x);
    bool joined = mine.x == x;
    if (joined)
        transfer_leave(); /* waiting for the others is no work */
    while (started)
        BUG_ON(pthread_join(ids[--started], NULL) != 0);
    if (joined)
        transfer_join(x);
    if (!x->failed && x->next < x->n)
        return ERR(e, CANCELLED, "interrupted");
    if (!x->failed)
        return 0;
    if (e)
        *e = x->first;
    return -1;
}
