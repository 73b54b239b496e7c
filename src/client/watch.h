/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: tells apart, within one HTTP call, the wait for the answer from the time in which a body
 * goes out or comes in (transfer_phase). The call's own callbacks may go into phases of their own.
 */
#ifndef HAVEN_CLIENT_WATCH_H
#define HAVEN_CLIENT_WATCH_H

#include "http/client.h"

struct watch {
    struct http_source inner, outer;
    uint64_t given;
    int (*take)(void *self, const void *p, size_t n, struct err *e);
    int (*begin)(void *self, const struct http_answer *a, struct err *e);
    void *take_self;
};
/* Puts w between the call and its callbacks. w must not move while the call is made. */
void watch_call(struct watch *w, struct http_call *call);

#endif
