/* SPDX-License-Identifier: Apache-2.0 */
/* clock: wall time in UTC milliseconds, monotonic time, RFC 3339 and HTTP dates. */
#ifndef HAVEN_BASE_CLOCK_H
#define HAVEN_BASE_CLOCK_H

#include "base/str.h"

int64_t clock_now_ms(void);  /* UTC, since the epoch */
int64_t clock_mono_ms(void); /* never goes back */
int64_t clock_mono_us(void);
/* Sleeps for as many microseconds, or until a signal comes; not at all for 0 or less. */
void clock_sleep_us(int64_t us);

#define CLOCK_TEXT_MAX 32
/* "2026-01-02T03:04:05.678Z" */
const char *clock_rfc3339(int64_t ms, char out[CLOCK_TEXT_MAX]);
/* "Fri, 02 Jan 2026 03:04:05 GMT" (RFC 9110 5.6.7) */
const char *clock_http_date(int64_t ms, char out[CLOCK_TEXT_MAX]);
/* RFC 3339 with any offset and fraction, to UTC milliseconds. */
bool clock_parse_rfc3339(struct str s, int64_t *ret_ms);

#endif
