/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cron: times that come again, in six fields as Harbor writes them, always UTC:
 *
 *     second  minute  hour  day of the month  month  day of the week
 *     0-59    0-59    0-23  1-31              1-12   0-6 (0 and 7: Sunday)
 *
 * A field is *, ?, or a list of N, A-B, each with /STEP; months and days also by their first three
 * letters. When both days are given, either is enough. "@hourly", "@daily" ("@midnight"),
 * "@weekly", "@monthly" and "@yearly" ("@annually") stand for what they say. Pure.
 */
#ifndef HAVEN_BASE_CRON_H
#define HAVEN_BASE_CRON_H

#include "base/err.h"
#include "base/str.h"

#define CRON_TEXT_MAX 128

struct cron {
    uint64_t second, minute; /* a bit for each value */
    uint32_t hour, day, month;
    uint8_t weekday;
    bool any_day, any_weekday; /* the field was * or ? */
};

int cron_parse(struct str s, struct cron *ret, struct err *e); /* USAGE, with the field's name */
/* The first time after after_ms (UTC milliseconds), or -1: never (the 30th of February). */
int64_t cron_next(const struct cron *c, int64_t after_ms);

#endif
