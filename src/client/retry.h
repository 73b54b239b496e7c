/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry: when and how soon a failed request to a registry is made again.
 *
 * What passes by itself is tried again: a connection that broke, 408, 425, 429 and 5xx but 501, 505
 * and 507. The wait doubles from RETRY_FIRST_MS, with some chance in it so that many clients do not
 * come back at once; Retry-After is honoured up to RETRY_WAIT_MAX_MS. Progress starts the count
 * afresh.
 */
#ifndef HAVEN_CLIENT_RETRY_H
#define HAVEN_CLIENT_RETRY_H

#include "http/client.h"

#define RETRY_ATTEMPTS    6
#define RETRY_FIRST_MS    500
#define RETRY_WAIT_MAX_MS 120000

struct retry {
    unsigned failed;       /* in a row, without progress */
    const struct err *err; /* what an attempt without an answer left, for those who are told of the
                              wait (transfer_retry); may be NULL */
};

/* Whether an answer's status, or an error, may pass by itself. */
bool retry_status(int status);
bool retry_error(const struct err *e);

/* Counts a failure and waits before the next attempt. False: give up (attempts are used up, the
 * wait asked for is too long, or *cancel was set). a: the answer, NULL when there was none. */
bool retry_wait(struct retry *r, const struct http_answer *a, const atomic_bool *cancel);

#endif
