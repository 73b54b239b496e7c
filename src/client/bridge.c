/* SPDX-License-Identifier: Apache-2.0 */
#include "client/bridge.h"

void bridge_init(struct bridge *b, struct endpoint *from, const struct digest *digest,
                 uint64_t size, struct transfer *x, int slot)
{
    *b = (struct bridge){.from = from, .digest = digest, .size = size, .x = x, .slot = slot};
    mutex_init(&b->lock, "bridge");
    BUG_ON(pthread_cond_init(&b->changed, NULL) != 0);
}

static void changed(struct bridge *b)
{
    BUG_ON(pthread_cond_broadcast(&b->changed) != 0);
}

/* The source's bytes come in. */
static int take(void *self, const void *p, size_t n, struct err *e)
{
    struct bridge *b = self;
    const char *from = p;

    MUTEX_SCOPE(&b->lock);
    while (n) {
        while (b->tail - b->head == BRIDGE_RING && !b->stop) {
            TRANSFER_PHASE(TRANSFER_OTHER); /* the target is slower */
            mutex_wait(&b->lock, &b->changed);
        }
        if (b->stop)
            return ERR(e, CANCELLED, "the bytes are not wanted any more");
        size_t room = (size_t)(BRIDGE_RING - (b->tail - b->head));
        size_t at = (size_t)(b->tail % BRIDGE_RING);
        size_t part = MIN_OF(MIN_OF(n, room), (size_t)BRIDGE_RING - at);
        memcpy(b->ring + at, from, part);
        from += part;
        n -= part;
        b->tail += part;
        changed(b);
    }
    return 0;
}

static void fetch(struct bridge *b)
{
    struct err err = {.code = ERR_OK};
    uint64_t at = b->tail; /* nobody else is there yet */
    int rc = b->from->ops->get(b->from, b->digest, b->size, at, b->size - at, take, b, &err);

    MUTEX_SCOPE(&b->lock);
    b->ended = true;
    if (rc == 0 && b->tail < b->size)
        (void)ERR(&err, REMOTE, "%s ends early", b->digest->text);
    if (!b->stop && err.code != ERR_OK)
        b->err = err;
    changed(b);
}

static void *work(void *arg)
{
    struct bridge *b = arg;
    if (b->x) {
        transfer_join(b->x);
        transfer_slot_use(b->slot);
    }
    fetch(b);
    if (b->x)
        transfer_leave();
    return NULL;
}

static void end(struct bridge *b)
{
    if (!b->running)
        return;
    mutex_lock(&b->lock);
    b->stop = true;
    changed(b);
    mutex_unlock(&b->lock);
    BUG_ON(pthread_join(b->thread, NULL) != 0);
    b->running = false;
}

void bridge_autodone(struct bridge *b)
{
    if (!b->from)
        return;
    end(b);
    mem_free(b->ring);
    BUG_ON(pthread_cond_destroy(&b->changed) != 0);
    mutex_done(&b->lock);
    b->from = NULL;
}

static int begin(struct bridge *b, uint64_t at, struct err *e)
{
    end(b);
    if (!b->ring)
        b->ring = mem_alloc(BRIDGE_RING);
    b->head = b->tail = at;
    b->stop = b->ended = false;
    if (thread_start(&b->thread, "bridge", work, b, e) < 0)
        return -1;
    b->running = true;
    return 0;
}

int bridge_read(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e)
{
    struct bridge *b = self;
    TRANSFER_PHASE(TRANSFER_OTHER); /* what the source does its own thread tells */

    BUG_ON(at >= b->size || n == 0);
    if ((!b->running || at != b->head) && !bridge_failed(b, NULL) && begin(b, at, e) < 0)
        return -1;
    MUTEX_SCOPE(&b->lock);
    while (b->head == b->tail && !b->ended)
        mutex_wait(&b->lock, &b->changed);
    if (b->head == b->tail || b->err.code != ERR_OK)
        return ERR(e, CANCELLED, "reading %s failed", b->digest->text);
    size_t from = (size_t)(b->head % BRIDGE_RING);
    size_t part = (size_t)MIN_OF((uint64_t)n, b->tail - b->head);
    part = MIN_OF(part, (size_t)BRIDGE_RING - from);
    memcpy(p, b->ring + from, part);
    b->head += part;
    *ret_n = part;
    changed(b);
    return 0;
}

bool bridge_failed(struct bridge *b, struct err *e)
{
    MUTEX_SCOPE(&b->lock);
    if (b->err.code == ERR_OK)
        return false;
    if (e)
        *e = b->err;
    return true;
}
