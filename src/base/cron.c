/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cron.h"

#include <time.h>

/* No rule that has times at all is without one for longer: the 29th of February of the year 2104
 * follows that of 2096. */
#define YEARS_MAX 9

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

struct field {
    const char *name;
    unsigned min, max;
    const char *const *names; /* of min, min + 1, ...; NULL: numbers only */
};
static const struct field fields[] = {
    {"second", 0, 59, NULL},       {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},         {"day of the month", 1, 31, NULL},
    {"month", 1, 12, month_names}, {"day of the week", 0, 7, day_names},
};

static bool read_value(const struct field *f, struct str s, unsigned *ret)
{
    uint64_t v;
    if (str_u64(s, f->min, f->max, &v)) {
        *ret = (unsigned)v;
        return true;
    }
    for (unsigned i = 0; f->names && f->names[i]; i++)
        if (str_ieq(s, str_from(f->names[i]))) {
            *ret = f->min + i;
            return true;
        }
    return false;
}

/* One element of a list: *, N, A-B, each with /STEP. N/STEP: from N on. */
static bool read_part(const struct field *f, struct str s, uint64_t *bits, bool *ret_any)
{
    struct str rest = s, range = str_cut(&rest, '/');
    unsigned from = f->min, to = f->max;
    uint64_t step = 1;
    bool stepped = rest.p != NULL;
    if (stepped && !str_u64(rest, 1, 59, &step))
        return false;
    if (str_eqz(range, "*") || str_eqz(range, "?")) {
        *ret_any = *ret_any || !stepped;
    } else {
        struct str high = range, low = str_cut(&high, '-');
        if (!read_value(f, low, &from))
            return false;
        if (high.p && !read_value(f, high, &to))
            return false;
        if (!high.p && !stepped)
            to = from;
    }
    if (from > to)
        return false;
    for (uint64_t v = from; v <= to; v += step)
        *bits |= 1ull << v;
    return true;
}

static int read_field(const struct field *f, struct str s, uint64_t *ret, bool *ret_any,
                      struct err *e)
{
    uint64_t bits = 0;
    struct str rest = s;
    *ret_any = false;
    while (rest.p) {
        struct str part = str_cut(&rest, ',');
        if (!read_part(f, part, &bits, ret_any))
            return ERR(e, USAGE, "the %s of a schedule is * or values from %u to %u, not \"%.*s\"",
                       f->name, f->min, f->max, S(s));
    }
    *ret = bits;
    return 0;
}

static struct str unfold(struct str s)
{
    static const struct {
        const char *name, *means;
    } short_forms[] = {
        {"@hourly", "0 0 * * * *"},   {"@daily", "0 0 0 * * *"},   {"@midnight", "0 0 0 * * *"},
        {"@weekly", "0 0 0 * * 0"},   {"@monthly", "0 0 0 1 * *"}, {"@yearly", "0 0 0 1 1 *"},
        {"@annually", "0 0 0 1 1 *"},
    };
    for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++)
        if (str_ieq(s, str_from(short_forms[i].name)))
            return str_from(short_forms[i].means);
    return s;
}

int cron_parse(struct str s, struct cron *ret, struct err *e)
{
    enum { N = sizeof(fields) / sizeof(fields[0]) };
    struct str rest = unfold(str_trim(s));
    uint64_t bits[N];
    bool any[N];
    size_t n = 0;

    if (s.n > CRON_TEXT_MAX)
        return ERR(e, USAGE, "a schedule has at most %d characters", CRON_TEXT_MAX);
    while (rest.p) {
        struct str field = str_cut(&rest, ' ');
        if (field.n == 0)
            continue;
        if (n == N) {
            n++;
            break;
        }
        if (read_field(&fields[n], field, &bits[n], &any[n], e) < 0)
            return -1;
        n++;
    }
    if (n != N)
        return ERR(e, USAGE,
                   "a schedule has six fields (second, minute, hour, day, month, weekday) or is "
                   "@hourly, @daily, @weekly, @monthly or @yearly");
    *ret = (struct cron){.second = bits[0],
                         .minute = bits[1],
                         .hour = (uint32_t)bits[2],
                         .day = (uint32_t)bits[3],
                         .month = (uint32_t)bits[4],
                         .weekday = (uint8_t)((bits[5] | bits[5] >> 7) & 0x7f),
                         .any_day = any[3],
                         .any_weekday = any[5]};
    return 0;
}

static bool has(uint64_t bits, int v)
{
    return bits >> v & 1;
}

static bool day_fits(const struct cron *c, const struct tm *t)
{
    bool day = has(c->day, t->tm_mday), weekday = has(c->weekday, t->tm_wday);
    if (c->any_day || c->any_weekday)
        return day && weekday;
    return day || weekday;
}

/* The least value from v on, or -1. */
static int from(uint64_t bits, int v)
{
    for (; v < 60; v++)
        if (has(bits, v))
            return v;
    return -1;
}

/* The first time of the day at or after hour:minute:second; false: none is left. */
static bool time_of_day(const struct cron *c, struct tm *t)
{
    int h, m, s;
    for (h = from(c->hour, t->tm_hour); h >= 0; h = from(c->hour, h + 1)) {
        int first = h == t->tm_hour ? t->tm_min : 0;
        for (m = from(c->minute, first); m >= 0; m = from(c->minute, m + 1)) {
            s = from(c->second, h == t->tm_hour && m == t->tm_min ? t->tm_sec : 0);
            if (s < 0)
                continue;
            t->tm_hour = h;
            t->tm_min = m;
            t->tm_sec = s;
            return true;
        }
    }
    return false;
}

int64_t cron_next(const struct cron *c, int64_t after_ms)
{
    time_t now = (time_t)(after_ms / 1000 + 1);
    struct tm t;

    if (!gmtime_r(&now, &t))
        return -1;
    int last = t.tm_year + YEARS_MAX;
    while (t.tm_year <= last) {
        if (has(c->month, t.tm_mon + 1) && day_fits(c, &t) && time_of_day(c, &t))
            return (int64_t)timegm(&t) * 1000;
        t.tm_hour = t.tm_min = t.tm_sec = 0;
        if (!has(c->month, t.tm_mon + 1)) {
            t.tm_mday = 1;
            t.tm_mon++;
        } else {
            t.tm_mday++;
        }
        now = timegm(&t); /* brings the fields into their ranges */
        if (!gmtime_r(&now, &t))
            return -1;
    }
    return -1;
}
