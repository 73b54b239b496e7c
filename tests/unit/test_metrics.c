/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics page: form of the exposition format, values, error series. */
#include "base/metrics.h"
#include "unit.h"

static void page(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 1u << 20);
    METRIC_ADD(bytes_sent, 5000000000);
    METRIC_ADD(bytes_sent, 1);
    METRIC_ADD(http_connections, 3);
    METRIC_ADD(http_connections, -1);
    metrics_count_error(ERR_NAME_UNKNOWN);
    metrics_count_error(ERR_NAME_UNKNOWN);
    metrics_write(&b);
    assert_true(buf_ok(&b));
    assert_non_null(strstr(b.p, "# HELP haven_bytes_sent_total Bytes of response bodies.\n"
                                "# TYPE haven_bytes_sent_total counter\n"
                                "haven_bytes_sent_total 5000000001\n"));
    assert_non_null(strstr(b.p, "# TYPE haven_http_connections gauge\nhaven_http_connections 2\n"));
    assert_non_null(strstr(b.p, "# TYPE haven_errors_total counter\n"));
    assert_non_null(strstr(b.p, "\nhaven_errors_total{code=\"NAME_UNKNOWN\"} 2\n"));
    assert_null(strstr(b.p, "code=\"NAME_INVALID\""));
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", s.p[i]))
            return false;
    return str_starts(s, STR("haven_"));
}

/* Each sample follows its HELP and TYPE; counters end in _total; no name comes twice. */
static void form(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 1u << 20);
    metrics_write(&b);
    assert_int_equal(b.p[b.n - 1], '\n');
    struct str rest = str_head(buf_str(&b), b.n - 1), current = STR_NULL;
    bool counter = false;
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        if (str_starts(line, STR("# HELP "))) {
            line = str_skip(line, 7);
            current = str_cut(&line, ' ');
            assert_true(is_name(current));
            assert_true(line.n > 0);
            AUTO_FREE char *again = mem_printf("# HELP %.*s ", S(current));
            assert_null(rest.p ? strstr(rest.p, again) : NULL);
        } else if (str_starts(line, STR("# TYPE "))) {
            line = str_skip(line, 7);
            assert_true(str_eq(str_cut(&line, ' '), current));
            counter = str_eqz(line, "counter");
            assert_true(counter || str_eqz(line, "gauge"));
            assert_int_equal(str_ends(current, STR("_total")), counter);
        } else {
            int64_t v;
            assert_true(str_starts(line, current));
            (void)str_cut(&line, ' ');
            assert_true(str_i64(line, counter ? 0 : INT64_MIN, INT64_MAX, &v));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(page), cmocka_unit_test(form)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
