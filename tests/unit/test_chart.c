/* SPDX-License-Identifier: Apache-2.0 */
/* Helm charts: what Chart.yaml says, as JSON; and what strangers write there. */
#include "base/buf.h"
#include "base/limits.h"
#include "model/chart.h"
#include "unit.h"

static void check(const char *yaml, const char *requirements, const char *metadata,
                  const char *dependencies)
{
    AUTO(arena) a = {0};
    struct chart c;
    struct err e = {.code = ERR_OK};

    arena_init(&a, 16 * MIB);
    if (chart_read(&a, str_from(yaml), str_from(requirements), &c, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(c.metadata.p, metadata);
    assert_string_equal(c.dependencies.p, dependencies);
}

static void reads(void **state)
{
    (void)state;
    check("apiVersion: v2\nname: web\nversion: 1.10\nappVersion: \"3\"\ndeprecated: true\nhome: ~\n"
          "keywords: [a, 'true']\nmaintainers:\n- name: X\n  email: x@y\nannotations: {n: no}\n",
          NULL,
          "{\"apiVersion\":\"v2\",\"name\":\"web\",\"version\":\"1.10\",\"appVersion\":\"3\","
          "\"deprecated\":true,\"home\":null,\"keywords\":[\"a\",\"true\"],"
          "\"maintainers\":[{\"name\":\"X\",\"email\":\"x@y\"}],\"annotations\":{\"n\":\"no\"}}",
          "[]");
    check("# only\n---\n{name: a}\n...\n", NULL, "{\"name\":\"a\"}", "[]");
}

static void dependencies(void **state)
{
    static const char *const one =
        "dependencies:\n- {name: db, version: ~1.2, repository: \"https://x\", alias: d}\n- odd\n";
    static const char *const shown =
        "[{\"name\":\"db\",\"version\":\"~1.2\",\"repository\":\"https://x\"}]";
    char both[256];

    (void)state;
    (void)snprintf(both, sizeof(both), "apiVersion: v2\n%s", one);
    check(both, "dependencies: [{name: other}]",
          "{\"apiVersion\":\"v2\",\"dependencies\":[{\"name\":\"db\",\"version\":\"~1.2\","
          "\"repository\":\"https://x\",\"alias\":\"d\"},\"odd\"]}",
          shown);
    check("apiVersion: v1\n", one, "{\"apiVersion\":\"v1\"}", shown);
    check("apiVersion: v1\n", NULL, "{\"apiVersion\":\"v1\"}", "[]");
    check("apiVersion: v1\n", "dependencies: 3", "{\"apiVersion\":\"v1\"}", "[]");
}

static void refuses(void **state)
{
    static const struct {
        const char *yaml, *why;
    } rows[] = {
        {"", "mapping"},
        {"- a\n", "mapping"},
        {"a: &x 1\nb: *x\n", "line 2: aliases"},
        {"a: 1\nb: 2\na: 3\n", "line 3: a key that is given twice"},
        {"a: \"x\\0y\"\n", "NUL"},
        {"\"a\\0b\": 1\n", "no text"},
        {"? [a]\n: 1\n", "single word"},
        {"a: 1\n---\nb: 2\n", "second"},
        {"a: [\n", "not valid YAML"},
        {"a: \xff\n", "not valid YAML"},
        {"a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}}}}}}}}}\n",
         "nested too deeply"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) a = {0};
        struct chart c;
        struct err e = {.code = ERR_OK};
        arena_init(&a, MIB);
        assert_int_equal(chart_read(&a, str_from(rows[i].yaml), STR_NULL, &c, &e), -1);
        assert_non_null(strstr(e.msg, "Chart.yaml"));
        if (!strstr(e.msg, rows[i].why))
            fail_msg("\"%s\" does not say \"%s\"", e.msg, rows[i].why);
    }
}

static void ceilings(void **state)
{
    AUTO(arena) a = {0};
    AUTO(buf) text = {0};
    struct chart c;
    struct err e = {.code = ERR_OK};

    (void)state;
    arena_init(&a, 16 * MIB);
    buf_init(&text, 2 * MIB);
    buf_addz(&text, "a: [");
    for (int i = 0; i < LIMIT_CHART_NODES - 2; i++)
        buf_addz(&text, "1,");
    size_t most = text.n;
    buf_addc(&text, ']');
    assert_int_equal(chart_read(&a, buf_str(&text), STR_NULL, &c, &e), 0);
    buf_cut(&text, most);
    buf_addz(&text, "1]");
    assert_int_equal(chart_read(&a, buf_str(&text), STR_NULL, &c, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
    buf_reset(&text);
    buf_addz(&text, "a: \"");
    while (text.n <= LIMIT_MODEL_CARD)
        buf_addz(&text, "x");
    assert_int_equal(chart_read(&a, buf_str(&text), STR_NULL, &c, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
}

static void files(void **state)
{
    (void)state;
    assert_int_equal(chart_file_of(STR("web/Chart.yaml")), CHART_YAML);
    assert_int_equal(chart_file_of(STR("web/chart.yaml")), CHART_OTHER);
    assert_int_equal(chart_file_of(STR("web/VALUES.yaml")), CHART_VALUES);
    assert_int_equal(chart_file_of(STR("web/ReadMe.md")), CHART_README);
    assert_int_equal(chart_file_of(STR("web/requirements.yaml")), CHART_REQUIREMENTS);
    assert_int_equal(chart_file_of(STR("web/charts/db/Chart.yaml")), CHART_OTHER);
    assert_int_equal(chart_file_of(STR("Chart.yaml")), CHART_OTHER);
    assert_int_equal(chart_file_of(STR("/Chart.yaml")), CHART_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),    cmocka_unit_test(dependencies), cmocka_unit_test(refuses),
        cmocka_unit_test(ceilings), cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
