/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiter: somebody who waits for something without holding a thread.
 *
 * It lies in a list of what it waits for until it is woken, which happens once, on any thread and
 * under the lock of that list: `wake` is short and calls nothing that takes this lock. Before it is
 * woken neither the waiter nor what `left` looks at may go.
 */
#ifndef HAVEN_BASE_WAITER_H
#define HAVEN_BASE_WAITER_H

#include <stdbool.h>
#include <stdint.h>

struct waiter {
    struct waiter *next; /* the list's */
    uint64_t pos;        /* what for: the meaning is the list's */
    void (*wake)(struct waiter *w);
    bool (*left)(const struct waiter *w); /* whoever it waits for does not want it any more */
};

#endif
