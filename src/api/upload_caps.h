/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload_caps: how many unfinished uploads each address has begun, so that one cannot fill the
 * directory of uploads. Kept in memory: a new process begins to count anew, and the sessions that
 * it finds end by their age. Any thread.
 */
#ifndef HAVEN_API_UPLOAD_CAPS_H
#define HAVEN_API_UPLOAD_CAPS_H

#include "base/err.h"
#include "base/str.h"

struct upload_caps;

struct upload_caps *upload_caps_new(void);
void upload_caps_free(struct upload_caps *c); /* NULL is welcome */

/* TOO_MANY_REQUESTS when the address has `limit` unfinished uploads (0: no limit). */
int upload_caps_check(struct upload_caps *c, struct str address, uint64_t limit, struct err *e);
/* An upload was begun, was written to, or is over (finished, cancelled). Unknown ids are welcome.
 */
void upload_caps_begin(struct upload_caps *c, struct str address, const char *id, int64_t now_ms);
void upload_caps_touch(struct upload_caps *c, const char *id, int64_t now_ms);
void upload_caps_end(struct upload_caps *c, const char *id);
/* Forgets those that nobody has written to since: the sweep has removed them. */
void upload_caps_expire(struct upload_caps *c, int64_t before_ms);

#endif
