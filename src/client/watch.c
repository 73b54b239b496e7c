/* SPDX-License-Identifier: Apache-2.0 */
#include "client/watch.h"

#include "client/transfer.h"

static int on_read(void *self, void *p, size_t n, size_t *ret_n, struct err *e)
{
    struct watch *w = self;
    if (w->inner.read(w->inner.self, p, n, ret_n, e) < 0)
        return -1;
    w->given += *ret_n;
    /* With the last piece on its way, what is left is the answer. */
    (void)transfer_phase(w->given < w->inner.length ? TRANSFER_NETWORK : TRANSFER_ANSWER);
    return 0;
}

static int on_seek(void *self, uint64_t offset, struct err *e)
{
    struct watch *w = self;
    w->given = offset;
    return w->inner.seek(w->inner.self, offset, e);
}

static int on_begin(void *self, const struct http_answer *a, struct err *e)
{
    struct watch *w = self;
    (void)transfer_phase(TRANSFER_NETWORK);
    return w->begin(w->take_self, a, e);
}

static int on_take(void *self, const void *p, size_t n, struct err *e)
{
    struct watch *w = self;
    (void)transfer_phase(TRANSFER_NETWORK);
    return w->take(w->take_self, p, n, e);
}

void watch_call(struct watch *w, struct http_call *call)
{
    *w = (struct watch){.take = call->take, .begin = call->begin, .take_self = call->take_self};
    if (call->body) {
        w->inner = *call->body;
        w->outer = (struct http_source){.length = w->inner.length,
                                        .read = on_read,
                                        .seek = w->inner.seek ? on_seek : NULL,
                                        .self = w};
        call->body = &w->outer;
    }
    call->take = call->take ? on_take : NULL;
    call->begin = call->begin ? on_begin : NULL;
    call->take_self = w;
}
