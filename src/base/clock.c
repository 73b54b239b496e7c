/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/err.h"

#include <stdio.h>
#include <time.h>

/* What has four digits of a year: 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z. */
#define MS_MIN INT64_C(-62167219200000)
#define MS_MAX INT64_C(253402300799999)

enum { MINUTE = 60, HOUR = 3600 };

static int64_t read_clock(clockid_t id, int64_t a_second)
{
    struct timespec t;
    BUG_ON(clock_gettime(id, &t) != 0);
    return (int64_t)t.tv_sec * a_second + t.tv_nsec / (1000000000 / a_second);
}

int64_t clock_now_ms(void)
{
    return read_clock(CLOCK_REALTIME, 1000);
}

int64_t clock_mono_ms(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000);
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000000);
}

void clock_sleep_us(int64_t us)
{
    const struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    if (us > 0)
        (void)nanosleep(&t, NULL);
}

/* Broken-down UTC; times outside the four-digit years are moved to their edge. */
static struct tm split(int64_t ms, unsigned *ret_ms)
{
    if (ms < MS_MIN)
        ms = MS_MIN;
    if (ms > MS_MAX)
        ms = MS_MAX;
    int64_t part = ms % 1000;
    if (part < 0)
        part += 1000;
    time_t s = (time_t)((ms - part) / 1000);
    struct tm tm;
    BUG_ON(!gmtime_r(&s, &tm));
    *ret_ms = (unsigned)part;
    return tm;
}

/* A number of fixed width, which lets the compiler see that the texts fit. */
static unsigned two(int v)
{
    return (unsigned)v % 100;
}

static unsigned year(const struct tm *tm)
{
    return (unsigned)(tm->tm_year + 1900) % 10000;
}

const char *clock_rfc3339(int64_t ms, char out[CLOCK_TEXT_MAX])
{
    unsigned part;
    struct tm tm = split(ms, &part);
    (void)snprintf(out, CLOCK_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year(&tm),
                   two(tm.tm_mon + 1), two(tm.tm_mday), two(tm.tm_hour), two(tm.tm_min),
                   two(tm.tm_sec), part % 1000);
    return out;
}

const char *clock_http_date(int64_t ms, char out[CLOCK_TEXT_MAX])
{
    /* Not strftime: the names must not depend on a locale. */
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    unsigned part;
    struct tm tm = split(ms, &part);
    (void)snprintf(out, CLOCK_TEXT_MAX, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
                   days[(unsigned)tm.tm_wday % 7], two(tm.tm_mday),
                   months[(unsigned)tm.tm_mon % 12], year(&tm), two(tm.tm_hour), two(tm.tm_min),
                   two(tm.tm_sec));
    return out;
}

/* Takes exactly n digits, min <= value <= max, from the front of *s. */
static bool take_digits(struct str *s, size_t n, int min, int max, int *ret)
{
    uint64_t v;
    if (s->n < n || !str_u64(str_head(*s, n), (uint64_t)min, (uint64_t)max, &v))
        return false;
    *ret = (int)v;
    *s = str_skip(*s, n);
    return true;
}

static bool take_one_of(struct str *s, const char *set, char *ret)
{
    if (s->n == 0 || s->p[0] == '\0' || !strchr(set, s->p[0]))
        return false;
    *ret = s->p[0];
    *s = str_skip(*s, 1);
    return true;
}

static int days_in_month(int y, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* ".123456": milliseconds, further digits cut off. No dot is no fraction. */
static bool take_fraction(struct str *s, int *ret_ms)
{
    char c;
    *ret_ms = 0;
    if (!take_one_of(s, ".", &c))
        return true;
    int digits = 0, digit, weight = 100;
    while (take_digits(s, 1, 0, 9, &digit)) {
        *ret_ms += digit * weight;
        weight /= 10;
        digits = 1;
    }
    return digits > 0;
}

/* "Z" or "+hh:mm": seconds east of UTC. */
static bool take_offset(struct str *s, int *ret)
{
    char c;
    int h = 0, m = 0;
    if (!take_one_of(s, "Zz+-", &c))
        return false;
    if (c == '+' || c == '-') {
        char colon;
        if (!take_digits(s, 2, 0, 23, &h) || !take_one_of(s, ":", &colon) ||
            !take_digits(s, 2, 0, 59, &m))
            return false;
    }
    *ret = (c == '-' ? -1 : 1) * (h * HOUR + m * MINUTE);
    return true;
}

bool clock_parse_rfc3339(struct str s, int64_t *ret_ms)
{
    int y, month, day, h, m, sec, ms, offset;
    char c;
    if (!take_digits(&s, 4, 0, 9999, &y) || !take_one_of(&s, "-", &c) ||
        !take_digits(&s, 2, 1, 12, &month) || !take_one_of(&s, "-", &c) ||
        !take_digits(&s, 2, 1, days_in_month(y, month), &day) || !take_one_of(&s, "Tt ", &c) ||
        !take_digits(&s, 2, 0, 23, &h) || !take_one_of(&s, ":", &c) ||
        !take_digits(&s, 2, 0, 59, &m) || !take_one_of(&s, ":", &c) ||
        !take_digits(&s, 2, 0, 60, &sec) || !take_fraction(&s, &ms) || !take_offset(&s, &offset) ||
        s.n != 0)
        return false;
    bool leap_second = sec == 60; /* reads as the first moment of the next day */
    struct tm tm = {.tm_year = y - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = h,
                    .tm_min = m,
                    .tm_sec = sec};
    int64_t at = (int64_t)timegm(&tm) - offset;
    if (leap_second && at % (24 * HOUR) != 0)
        return false;
    *ret_ms = at * 1000 + (leap_second ? 0 : ms);
    return true;
}
