/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: both forms, quoting, ceilings, threads. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

static int sink = -1;

static int open_sink(void **state)
{
    (void)state;
    sink = memfd_create("log", MFD_CLOEXEC);
    return sink < 0 ? -1 : 0;
}

static int close_sink(void **state)
{
    (void)state;
    log_setup(STDERR_FILENO, LOG_INFO, false);
    return close(sink);
}

static void start(enum log_level level, bool json)
{
    assert_int_equal(ftruncate(sink, 0), 0);
    assert_int_equal(lseek(sink, 0, SEEK_SET), 0);
    log_setup(sink, level, json);
}

/* What was written since start(). */
static struct str logged(char *out, size_t size)
{
    ssize_t n = pread(sink, out, size - 1, 0);
    assert_true(n >= 0);
    out[n] = '\0';
    return str_of(out, (size_t)n);
}

/* One text line without its time and newline. */
static struct str logged_text(char *out, size_t size)
{
    struct str s = logged(out, size);
    int64_t ms;
    assert_true(str_ends(s, STR("\n")));
    s.n--;
    assert_int_equal(str_chr(s, '\n'), -1);
    assert_true(clock_parse_rfc3339(str_cut(&s, ' '), &ms));
    assert_true(ms > INT64_C(1700000000000));
    return s;
}

static void text(void **state)
{
    (void)state;
    char out[20000];
    start(LOG_DEBUG, false);
    LOG(INFO, "upload.commit", log_strz("repository", "library/x"), log_u64("bytes", 123));
    assert_str(logged_text(out, sizeof(out)), "INFO upload.commit repository=library/x bytes=123");
    start(LOG_DEBUG, false);
    LOG(DEBUG, "start");
    assert_str(logged_text(out, sizeof(out)), "DEBUG start");
    start(LOG_DEBUG, false);
    LOG(WARN, "n", log_i64("min", INT64_MIN), log_u64("max", UINT64_MAX), log_secret("token"));
    assert_str(logged_text(out, sizeof(out)),
               "WARN n min=-9223372036854775808 max=18446744073709551615 token=***");
}

static void quoting(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *out;
    } cases[] = {
        {{"plain/x:1@y,z", 13}, "plain/x:1@y,z"},
        {{"", 0}, "\"\""},
        {{NULL, 0}, "\"\""},
        {{"two words", 9}, "\"two words\""},
        {{"a=b", 3}, "\"a=b\""},
        {{"say \"hi\"\\", 9}, "\"say \\\"hi\\\"\\\\\""},
        {{"a\nb\rc\td", 7}, "\"a\\nb\\rc\\td\""},
        {{"a\0b\x1b[0m\x7f", 8}, "\"a\\x00b\\x1b[0m\\x7f\""},
        {{"gr\xc3\xbc\xc3\x9f", 6}, "gr\xc3\xbc\xc3\x9f"},
        {{"x\xc2\x85y", 4}, "\"x\\xc2\\x85y\""},          /* C1 control */
        {{"x\xe2\x80\xaey", 5}, "\"x\\xe2\\x80\\xaey\""}, /* right-to-left override */
        {{"\xff\xc3", 2}, "\"\\xff\\xc3\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[1000], want[1000];
        start(LOG_INFO, false);
        LOG(INFO, "e", log_str("k", cases[i].in));
        (void)snprintf(want, sizeof(want), "INFO e k=%s", cases[i].out);
        assert_str(logged_text(out, sizeof(out)), want);
    }
}

static void json(void **state)
{
    (void)state;
    char out[20000];
    struct err e;
    start(LOG_INFO, true);
    log_context(STR("r-1"));
    LOG(WARN, "upload.abort", log_str("name", STR("a\"b\n\xff")), log_u64("n", 5),
        log_i64("i", -5));
    log_context(STR_NULL);
    struct str s = logged(out, sizeof(out));
    assert_true(str_ends(s, STR("}\n")));
    AUTO_JSON doc = json_load(s, ERR_INTERNAL, &e);
    assert_non_null(doc);
    int64_t ms;
    assert_true(clock_parse_rfc3339(json_get_str(doc, "time"), &ms));
    assert_str(json_get_str(doc, "level"), "warn");
    assert_str(json_get_str(doc, "event"), "upload.abort");
    assert_str(json_get_str(doc, "request"), "r-1");
    assert_str(json_get_str(doc, "name"), "a\"b\n\xef\xbf\xbd");
    assert_int_equal(json_integer_value(json_object_get(doc, "n")), 5);
    assert_int_equal(json_integer_value(json_object_get(doc, "i")), -5);
    assert_int_equal(json_object_size(doc), 7);
}

static void errors(void **state)
{
    (void)state;
    char out[20000];
    struct err e;
    (void)err_set(&e, ERR_NAME_UNKNOWN, 0, "../src/x/y.c", 12, "no repository x");
    start(LOG_INFO, false);
    LOG(ERROR, "fail", log_err(&e), log_u64("n", 1));
    assert_str(logged_text(out, sizeof(out)),
               "ERROR fail code=NAME_UNKNOWN error=\"no repository x\" at=y.c:12 n=1");
    start(LOG_INFO, false);
    LOG(ERROR, "fail", log_err(NULL));
    assert_str(logged_text(out, sizeof(out)), "ERROR fail");
    start(LOG_INFO, false);
    errno = ENOTTY; /* is not disturbed */
    log_setup(-1, LOG_INFO, false);
    LOG(ERROR, "lost");
    assert_int_equal(errno, ENOTTY);
}

static void levels(void **state)
{
    (void)state;
    char out[1000];
    enum log_level level = LOG_WARN;
    assert_true(log_level_parse(STR("debug"), &level) && level == LOG_DEBUG);
    assert_true(log_level_parse(STR("error"), &level) && level == LOG_ERROR);
    assert_false(log_level_parse(STR("ERROR"), &level));
    assert_false(log_level_parse(STR_NULL, &level));
    start(LOG_WARN, false);
    assert_false(log_enabled(LOG_INFO));
    assert_true(log_enabled(LOG_WARN));
    LOG(INFO, "no", log_u64("n", 1));
    LOG(DEBUG, "no");
    log_event(LOG_INFO, "no", NULL, 0);
    assert_int_equal(logged(out, sizeof(out)).n, 0);
    LOG(ERROR, "yes");
    assert_str(logged_text(out, sizeof(out)), "ERROR yes");
}

static void long_values(void **state)
{
    (void)state;
    static char out[20000], big[20000];
    struct err e;
    memset(big, 'x', sizeof(big));
    start(LOG_INFO, false);
    LOG(INFO, "e", log_str("k", str_of(big, sizeof(big))), log_u64("n", 1));
    struct str s = logged_text(out, sizeof(out));
    assert_true(s.n > 2000 && s.n < 2200);
    assert_true(str_ends(s, STR("xxx…\" n=1")));

    /* Never cut inside a character. */
    for (size_t i = 0; i + 2 < sizeof(big); i += 3)
        memcpy(big + i, "\xe2\x82\xac", 3);
    for (size_t from = 0; from < 3; from++) {
        start(LOG_INFO, true);
        LOG(INFO, "e", log_str("k", str_of(big + 3 - from, 6000)), log_u64("n", 1));
        s = logged(out, sizeof(out));
        AUTO_JSON doc = json_load(s, ERR_INTERNAL, &e);
        assert_non_null(doc);
        struct str v = json_get_str(doc, "k");
        assert_true(str_ends(v, STR("\xe2\x82\xac…")));
        assert_int_equal(json_integer_value(json_object_get(doc, "n")), 1);
    }
}

static void long_lines(void **state)
{
    (void)state;
    static char out[20000], big[3000];
    struct err e;
    memset(big, '\x01', sizeof(big)); /* six bytes each in JSON, four in text */
    for (int as_json = 0; as_json < 2; as_json++) {
        start(LOG_INFO, as_json);
        LOG(INFO, "e", log_u64("first", 1), log_str("a", str_of(big, 1300)),
            log_str("b", str_of(big, 1300)), log_u64("last", 2));
        struct str s = logged(out, sizeof(out));
        assert_true(s.n <= LIMIT_LOG_LINE);
        assert_true(str_ends(s, STR("\n")));
        if (as_json) {
            AUTO_JSON doc = json_load(s, ERR_INTERNAL, &e);
            assert_non_null(doc);
            assert_int_equal(json_integer_value(json_object_get(doc, "first")), 1);
            assert_true(json_is_true(json_object_get(doc, "truncated")));
            assert_int_equal(json_string_length(json_object_get(doc, "a")), 1300);
            assert_null(json_object_get(doc, "b"));
            assert_int_equal(json_integer_value(json_object_get(doc, "last")), 2);
        } else {
            assert_true(str_ends(s, STR(" last=2 truncated=true\n")));
        }
    }
    /* Lines of every length near the ceiling. */
    memset(big, 'x', sizeof(big));
    for (size_t n = 1900; n < 2048; n++) {
        start(LOG_INFO, true);
        LOG(INFO, "e", log_str("a", str_of(big, n)), log_str("b", str_of(big, n)),
            log_str("c", str_of(big, n)), log_str("d", str_of(big, n)), log_str("e", STR("tail")));
        struct str s = logged(out, sizeof(out));
        assert_true(s.n <= LIMIT_LOG_LINE);
        AUTO_JSON doc = json_load(s, ERR_INTERNAL, &e);
        assert_non_null(doc);
    }
}

enum { THREADS = 4, LINES = 500 };

static void *shout(void *arg)
{
    const char *id = arg;
    log_context(str_from(id));
    for (unsigned i = 0; i < LINES; i++)
        LOG(INFO, "shout", log_strz("who", id), log_u64("i", i));
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    static char out[THREADS * LINES * 100];
    static char ids[THREADS][8];
    pthread_t all[THREADS];
    unsigned next[THREADS] = {0};
    start(LOG_INFO, false);
    assert_int_equal(fcntl(sink, F_SETFL, O_APPEND), 0);
    log_context(STR("main"));
    for (unsigned i = 0; i < THREADS; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "t%u", i);
        assert_int_equal(pthread_create(&all[i], NULL, shout, ids[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(all[i], NULL), 0);
    struct str rest = logged(out, sizeof(out));
    for (unsigned i = 0; i < THREADS * LINES; i++) { /* whole lines, each thread's in order */
        struct str line = str_cut(&rest, '\n');
        (void)str_cut(&line, ' ');
        assert_true(str_starts(line, STR("INFO shout request=t")));
        unsigned who = (unsigned)(line.p[20] - '0');
        assert_true(who < THREADS);
        char want[64];
        (void)snprintf(want, sizeof(want), "INFO shout request=t%u who=t%u i=%u", who, who,
                       next[who]++);
        assert_str(line, want);
    }
    assert_int_equal(rest.n, 0);
    assert_int_equal(fcntl(sink, F_SETFL, 0), 0);
    start(LOG_INFO, false);
    LOG(INFO, "mine");
    log_context(STR_NULL);
    assert_str(logged_text(out, sizeof(out)), "INFO mine request=main");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),       cmocka_unit_test(quoting), cmocka_unit_test(json),
        cmocka_unit_test(errors),     cmocka_unit_test(levels),  cmocka_unit_test(long_values),
        cmocka_unit_test(long_lines), cmocka_unit_test(threads),
    };
    return cmocka_run_group_tests(tests, open_sink, close_sink);
}
