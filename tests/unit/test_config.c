/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: every row by all three ways, who wins, and what is refused with which words.
 */
#include "base/config.h"
#include "base/limits.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct config conf;
static struct err err;

static int setup(void **state)
{
    (void)state;
    config_init(&conf);
    err = (struct err){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    config_done(&conf);
    return 0;
}

static int load(const char *yaml)
{
    return config_load_text(&conf, "f.yaml", str_from(yaml), &err);
}

/* The text is refused, and the message has all of these words in this order. */
static void refused(const char *yaml, const char *words)
{
    config_done(&conf);
    config_init(&conf);
    if (load(yaml) == 0)
        fail_msg("accepted: %s", yaml);
    assert_int_equal(err.code, ERR_CONFIG);
    const char *at = err.msg;
    for (struct str rest = str_from(words); rest.p;) {
        struct str word = str_cut(&rest, '|');
        const char *found = memmem(at, strlen(at), word.p, word.n);
        if (!found)
            fail_msg("\"%.*s\" is not in: %s", S(word), err.msg);
        at = found + word.n;
    }
}

/* A value that differs from the default, in the words of the row's type. */
static void other_value(const struct config_key *k, struct buf *out)
{
    switch (k->type) {
    case CONFIG_BOOL:
        buf_addz(out, strcmp(k->deflt, "true") == 0 ? "false" : "true");
        return;
    case CONFIG_INT:
        buf_addf(out, "%lld", (long long)(k->max - 1));
        return;
    case CONFIG_SIZE:
        buf_addf(out, "%lldKiB", (long long)(k->max / 1024));
        return;
    case CONFIG_DURATION:
        buf_addf(out, "%lldms", (long long)(k->max - 1));
        return;
    case CONFIG_CHOICE:
        buf_addz(out, strrchr(k->choices, '|') + 1);
        return;
    case CONFIG_LIST:
        buf_addz(out, "10.0.0.1,fd00::/8");
        return;
    case CONFIG_STRING:
        buf_addz(out, "some \\ \"text\": #1");
        return;
    }
}

static void check_row(size_t row, const char *value, enum config_source source)
{
    AUTO(buf) now = {0};
    AUTO(buf) want = {0};
    struct config reference;
    buf_init(&now, CONFIG_TEXT_MAX);
    buf_init(&want, CONFIG_TEXT_MAX);
    config_init(&reference);
    assert_int_equal(config_set(&reference, row, str_from(value), source, &err), 0);
    config_value(&reference, row, &want);
    config_value(&conf, row, &now);
    assert_string_equal(now.p, want.p);
    assert_int_equal(conf.source[row], source);
    config_done(&reference);
}

static void as_yaml(const struct config_key *k, const char *value, struct buf *out)
{
    if (k->type == CONFIG_LIST)
        buf_addf(out, "[%s]", value);
    else if (k->type == CONFIG_STRING)
        buf_addf(out, "'%s'", value);
    else
        buf_addz(out, value);
}

static void test_rows_from_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_count(); i++) {
        const struct config_key *k = config_row(i);
        AUTO(buf) value = {0};
        AUTO(buf) text = {0};
        buf_init(&value, CONFIG_TEXT_MAX);
        buf_init(&text, CONFIG_TEXT_MAX);
        other_value(k, &value);
        buf_addf(&text, "%s: ", k->key); /* dotted */
        as_yaml(k, value.p, &text);
        assert_int_equal(load(text.p), 0);
        check_row(i, value.p, CONFIG_FROM_FILE);

        config_done(&conf);
        config_init(&conf);
        buf_reset(&text);
        unsigned indent = 0; /* nested */
        for (struct str rest = str_from(k->key); rest.p;) {
            struct str part = str_cut(&rest, '.');
            buf_addf(&text, "%*s%.*s:%s", (int)indent, "", S(part), rest.p ? "\n" : " ");
            indent += 2;
        }
        as_yaml(k, value.p, &text);
        assert_int_equal(load(text.p), 0);
        check_row(i, value.p, CONFIG_FROM_FILE);
    }
}

static void test_rows_from_env_and_flag(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_count(); i++) {
        const struct config_key *k = config_row(i);
        AUTO(buf) value = {0};
        AUTO(buf) line = {0};
        buf_init(&value, CONFIG_TEXT_MAX);
        buf_init(&line, CONFIG_TEXT_MAX);
        other_value(k, &value);
        config_env_name(k, &line);
        buf_addf(&line, "=%s", value.p);
        char *envp[] = {line.p, NULL};
        assert_int_equal(config_load_env(&conf, envp, &err), 0);
        check_row(i, value.p, CONFIG_FROM_ENV);

        buf_reset(&line);
        config_flag_name(k, &line);
        assert_int_equal(config_flag_find(buf_str(&line)), (int)i);
        assert_int_equal(config_find(str_from(k->key)), (int)i);
        assert_int_equal(config_set(&conf, i, buf_str(&value), CONFIG_FROM_FLAG, &err), 0);
        check_row(i, value.p, CONFIG_FROM_FLAG);
    }
    assert_int_equal(config_flag_find(STR("--nothing")), -1);
    assert_int_equal(config_flag_find(STR("")), -1);
    assert_int_equal(config_find(STR("")), -1);
}

static void test_names(void **state)
{
    (void)state;
    AUTO(buf) out = {0};
    buf_init(&out, 100);
    int row = config_find(STR("http.idle_timeout"));
    assert_true(row >= 0);
    config_env_name(config_row((size_t)row), &out);
    assert_string_equal(out.p, "HAVEN_HTTP_IDLE_TIMEOUT");
    buf_reset(&out);
    config_flag_name(config_row((size_t)row), &out);
    assert_string_equal(out.p, "--http-idle-timeout");
    /* No two rows may share a spelling. */
    for (size_t i = 0; i < config_count(); i++) {
        buf_reset(&out);
        config_flag_name(config_row(i), &out);
        assert_int_equal(config_flag_find(buf_str(&out)), (int)i);
    }
}

static void test_later_source_wins(void **state)
{
    (void)state;
    char *envp[] = {(char *)(uintptr_t) "HAVEN_HTTP_WORKERS=32", (char *)(uintptr_t) "PATH=/bin",
                    NULL};
    int row = config_find(STR("http.workers"));
    assert_int_equal(conf.http_workers, 16);
    assert_int_equal(load("http: {workers: 24}"), 0);
    assert_int_equal(conf.http_workers, 24);
    assert_int_equal(config_load_env(&conf, envp, &err), 0);
    assert_int_equal(conf.http_workers, 32);
    assert_int_equal(config_set(&conf, (size_t)row, STR("40"), CONFIG_FROM_FLAG, &err), 0);
    assert_int_equal(conf.http_workers, 40);
    assert_int_equal(conf.source[row], CONFIG_FROM_FLAG);
}

static void test_units(void **state)
{
    (void)state;
    assert_int_equal(load("http: {idle_timeout: 2m, body_min_rate: 2KB, drain_timeout: 0s}\n"
                          "registry.upload_expiry: 1d\nlog: {level: debug}\n"
                          "trusted_proxies:\n  - 10.0.0.0/8\n  - \"::1\"\n"),
                     0);
    assert_int_equal(conf.http_idle_timeout, 120000);
    assert_int_equal(conf.http_body_min_rate, 2000);
    assert_int_equal(conf.http_drain_timeout, 0);
    assert_int_equal(conf.registry_upload_expiry, 86400000);
    assert_string_equal(conf.log_level, "debug");
    assert_int_equal(conf.trusted_proxies.n, 2);
    assert_string_equal(conf.trusted_proxies.items[0], "10.0.0.0/8");
    assert_string_equal(conf.trusted_proxies.items[1], "::1");
}

static void test_empty_files(void **state)
{
    static const char *const texts[] = {
        "",   "\n", "# only a comment\n", "---\n",
        "{}", "~",  "---\n...\n",         "http:\n# nothing below\nlog: ~\n"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (load(texts[i]) < 0)
            fail_msg("%zu: %s", i, err.msg);
}

static void test_bad_values(void **state)
{
    (void)state;
    refused("http:\n  workers: many\n",
            "f.yaml:2: key \"http.workers\": \"many\"|a whole number from 2 to 512");
    refused("http.workers: 1", "f.yaml:1: key \"http.workers\": \"1\"");
    refused("http.workers: 513", "2 to 512");
    refused("http.workers: 16.0", "\"16.0\"");
    refused("http.workers: +16", "+16");
    refused("http.workers: ' 16'", "whole number");
    refused("http.workers: 99999999999999999999", "2 to 512");
    refused("http.workers: -3", "\"-3\"");
    refused("http.idle_timeout: 75x", "a duration|from 1s to 1h");
    refused("http.idle_timeout: -5s", "a duration");
    refused("http.idle_timeout: 2h", "1s to 1h");
    refused("http.idle_timeout: 99999999999999999d", "a duration");
    refused("http.body_min_rate: 1XB", "a size|from 0 to 1GiB");
    refused("http.body_min_rate: 2TiB", "a size");
    refused("log.level: loud", "one of debug, info, warn, error");
    refused("log.level: INFO", "one of");
    refused("log.level: debug|info", "one of");
    refused("log.level: ''", "one of");
    refused("data: ''", "a text of 1 to 4096 bytes");
    refused("listen: \"a\\x07b:1\"", "key \"listen\"");
    refused("data: \"a\\0b\"", "key \"data\"");
    refused("trusted_proxies: 10.0.0.1", "f.yaml:1: key \"trusted_proxies\": a list is expected");
    refused("trusted_proxies: [a, [b]]", "not a single value");
    refused("trusted_proxies: [a, {b: c}]", "not a single value");
    refused("trusted_proxies: [a, ~]", "not a single value");
    refused("trusted_proxies: [a, '']", "empty or contains a comma");
    refused("trusted_proxies: ['a,b']", "comma");
    refused("listen: [a, b]", "a single value is expected, not a list");
    refused("listen: {a: b}", "a value is expected, not a mapping");
    refused("listen:", "it has no value");
    refused("listen: ~", "it has no value");
    refused("http: 3", "key \"http\": a mapping is expected");
    refused("http: [a]", "key \"http\": a mapping is expected");
}

static void test_too_much(void **state)
{
    AUTO(buf) text = {0};
    (void)state;
    buf_init(&text, LIMIT_CONFIG_FILE);
    buf_addz(&text, "data: ");
    for (int i = 0; i < 4097; i++)
        buf_addc(&text, 'x');
    refused(text.p, "\"xxxx|...\"|1 to 4096");
    buf_reset(&text);
    buf_addz(&text, "trusted_proxies: [a");
    for (int i = 0; i < 64; i++)
        buf_addz(&text, ",a");
    buf_addz(&text, "]");
    refused(text.p, "a list of at most 64 entries");
    buf_reset(&text);
    buf_addz(&text, "trusted_proxies: [");
    for (int i = 0; i < 300; i++)
        buf_addc(&text, 'a');
    buf_addz(&text, "]");
    refused(text.p, "a list of");
    buf_reset(&text);
    for (int i = 0; i < 5000; i++)
        buf_addc(&text, '[');
    refused(text.p, "f.yaml:1: the file must be a mapping");
    buf_reset(&text);
    for (int i = 0; i < 5000; i++)
        buf_addz(&text, "{http: ");
    refused(text.p, "key \"http.http\": no such key");
    buf_reset(&text);
    for (int i = 0; i < 300; i++)
        buf_addc(&text, 'k');
    buf_addz(&text, ": 1");
    refused(text.p, "too long");
}

static void test_unknown_and_repeated(void **state)
{
    (void)state;
    refused("\n\nhttp:\n  idle_timout: 5s\n",
            "f.yaml:4: key \"http.idle_timout\": no such key; did you mean \"http.idle_timeout\"?");
    refused("colour: red", "f.yaml:1: key \"colour\": no such key");
    assert_null(strstr(err.msg, "did you mean"));
    refused("lissten: x", "did you mean \"listen\"?");
    refused("'': x", "no such key");
    refused("http.: x", "no such key");
    refused("http: {'': x}", "key \"http.\": no such key");
    refused("http: {workers.x: 3}", "no such key");
    refused("data: a\nlisten: :80\ndata: b\n",
            "f.yaml:3: key \"data\": given twice, first in line 1");
    refused("http.workers: 3\nhttp:\n  workers: 3\n",
            "f.yaml:3: key \"http.workers\": given twice");
    refused("http: {workers: 3}\nhttp: {io_threads: 3}\n",
            "f.yaml:2: key \"http\": given twice, first in line 1");
    refused("<<: {data: a}", "no such key");
}

static void test_yaml_tricks(void **state)
{
    (void)state;
    refused("data: &a x\nlisten: *a\n", "anchors are not accepted");
    refused("data: *a\n", "aliases are not accepted");
    refused("&a data: x\n", "anchors");
    refused("&a {data: x}\n", "anchors");
    refused("trusted_proxies: &a [x]\n", "anchors");
    refused("trusted_proxies: [*a]\n", "aliases");
    refused("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "no such key");
    refused("data: !!str x\n", "tags are not accepted");
    refused("http: !x {workers: 3}\n", "tags");
    refused("? [a]\n: b\n", "a key must be a single word");
    refused("? {a: b}\n: b\n", "a key must be a single word");
    refused("data: x\n---\ndata: y\n", "a second document is not accepted");
    refused("- a\n", "must be a mapping");
    refused("just words\n", "must be a mapping");
    refused("data: {", "f.yaml:1:");
    refused("trusted_proxies: [a", "not valid YAML");
    refused("data: x\n  listen: y\n", "f.yaml:2: not valid YAML");
    refused("data: \"x\n", "not valid YAML");
    refused("data:\tx: y\n", "not valid YAML");
    refused("data: \xff\xfe\n", "not valid YAML");
    refused("%YAML 9.9\n---\ndata: x\n", "not valid YAML");
}

static void env_refused(const char *line, const char *words)
{
    char *envp[] = {(char *)(uintptr_t)line, NULL};
    assert_int_equal(config_load_env(&conf, envp, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" is not in: %s", words, err.msg);
}

static void test_environment(void **state)
{
    static const char *const foreign[] = {
        "HAVEN_ADMIN_PASSWORD=x",
        "HAVEN_CONFIG=/x",
        "HAVEN_PORT=tcp://10.0.0.1:80",
        "HAVEN_SERVICE_HOST=10.0.0.1",
        "HAVEN_PORT_80_TCP_PORT=80",
        "HAVENX=1",
        "XHAVEN_DATA=1",
        "HAVEN=1",
        "",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        char *envp[] = {(char *)(uintptr_t)foreign[i], NULL};
        assert_int_equal(config_load_env(&conf, envp, &err), 0);
    }
    env_refused("HAVEN_HTTP_WORKRES=3", "did you mean HAVEN_HTTP_WORKERS?");
    env_refused("HAVEN_WHATEVER_ELSE=3", "unknown variable HAVEN_WHATEVER_ELSE");
    env_refused("HAVEN_http_workers=3", "unknown variable");
    env_refused("HAVEN_HTTP_WORKERS=x", "environment: HAVEN_HTTP_WORKERS: \"x\" is not accepted");
    env_refused("HAVEN_HTTP_WORKERS=", "HAVEN_HTTP_WORKERS");
    env_refused("HAVEN_HTTP_WORKERS", "HAVEN_HTTP_WORKERS");
    env_refused("HAVEN_TRUSTED_PROXIES=a,,b", "a list");
    env_refused("HAVEN_TRUSTED_PROXIES=a,", "a list");
    char *empty[] = {(char *)(uintptr_t) "HAVEN_TRUSTED_PROXIES=", NULL};
    assert_int_equal(config_load_env(&conf, empty, &err), 0);
    assert_int_equal(conf.trusted_proxies.n, 0);
    char *blanks[] = {(char *)(uintptr_t) "HAVEN_TRUSTED_PROXIES= a , b ", NULL};
    assert_int_equal(config_load_env(&conf, blanks, &err), 0);
    assert_int_equal(conf.trusted_proxies.n, 2);
    assert_string_equal(conf.trusted_proxies.items[1], "b");
}

static void test_failed_set_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(load("http.workers: 24"), 0);
    size_t row = (size_t)config_find(STR("http.workers"));
    assert_int_equal(config_set(&conf, row, STR("x"), CONFIG_FROM_FLAG, &err), -1);
    assert_non_null(strstr(err.msg, "--http-workers: \"x\""));
    assert_int_equal(conf.http_workers, 24);
    assert_int_equal(conf.source[row], CONFIG_FROM_FILE);
}

/* One setting on top of the defaults: does the check take it? */
static bool checks(const char *yaml)
{
    config_done(&conf);
    config_init(&conf);
    if (load(yaml) < 0)
        fail_msg("%s: %s", yaml, err.msg);
    return config_check(&conf, &err) == 0;
}

static void test_check(void **state)
{
    static const char *const good[] = {
        "{}",
        "listen: 0.0.0.0:0",
        "listen: :8080",
        "listen: localhost:80",
        "listen: '[::1]:65535'",
        "external_url: https://models.example.org",
        "external_url: https://models.example.org/",
        "external_url: http://10.0.0.1:8080",
        "external_url: https://[2001:db8::1]:8443",
        "external_url: https://[2001:db8::1]",
        "trusted_proxies: [10.0.0.0/8, '::1', 'fd00::/8', 0.0.0.0/0]",
        "tls: {cert: a, key: b}",
    };
    static const char *const bad[] = {
        "listen: '8080'",
        "listen: 127.0.0.1",
        "listen: 127.0.0.1:65536",
        "listen: '127.0.0.1:'",
        "listen: 127.0.0.1:http",
        "listen: '::1:80x'",
        "listen: '[::1:80'",
        "listen: 'a b:80'",
        "external_url: models.example.org",
        "external_url: ftp://models.example.org",
        "external_url: https://",
        "external_url: https://models.example.org/path",
        "external_url: https://user@models.example.org",
        "external_url: https://models.example.org?x",
        "external_url: https://models.example.org:0",
        "external_url: https://models.example.org:99999",
        "external_url: 'https://models example.org'",
        "external_url: https://:80",
        "external_url: https://::1",
        "trusted_proxies: [proxy.example.org]",
        "trusted_proxies: [10.0.0.0/33]",
        "trusted_proxies: [10.0.0.0/]",
        "trusted_proxies: ['::1/129']",
        "tls.cert: a",
        "tls.key: a",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!checks(good[i]))
            fail_msg("refused: %s: %s", good[i], err.msg);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (checks(bad[i]))
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.code, ERR_CONFIG);
    }
    (void)checks("tls.cert: a");
    assert_non_null(strstr(err.msg, "key \"tls.cert\": tls.key is needed"));
}

static void test_reload_helpers(void **state)
{
    struct config fresh;
    size_t row = (size_t)config_find(STR("trusted_proxies"));
    (void)state;
    config_init(&fresh);
    assert_true(config_same(&conf, &fresh, row));
    assert_int_equal(load("trusted_proxies: [10.0.0.1]"), 0);
    assert_false(config_same(&conf, &fresh, row));
    config_copy(&fresh, &conf, row);
    assert_true(config_same(&conf, &fresh, row));
    assert_int_equal(fresh.source[row], CONFIG_FROM_FILE);
    config_done(&conf);
    config_init(&conf);
    assert_string_equal(fresh.trusted_proxies.items[0], "10.0.0.1"); /* a copy of its own */
    config_done(&fresh);
    /* What decides where data lies and who listens must not change under a running server. */
    assert_false(config_row((size_t)config_find(STR("data")))->flags & CONFIG_RELOAD);
    assert_false(config_row((size_t)config_find(STR("listen")))->flags & CONFIG_RELOAD);
}

/* The sample is a valid file in which every key is commented out; with the comments removed it says
 * the defaults. */
static void test_sample(void **state)
{
    AUTO(buf) sample = {0};
    AUTO(buf) keys = {0};
    struct config fresh;
    (void)state;
    buf_init(&sample, CONFIG_TEXT_MAX);
    buf_init(&keys, CONFIG_TEXT_MAX);
    config_write_sample(&sample);
    assert_true(buf_ok(&sample));
    assert_int_equal(load(sample.p), 0);
    for (struct str rest = buf_str(&sample); rest.p;) {
        struct str line = str_cut(&rest, '\n');
        if (line.n > 1 && line.p[0] == '#' && line.p[1] != ' ')
            buf_addf(&keys, "%.*s\n", S(str_skip(line, 1)));
    }
    if (load(keys.p) < 0)
        fail_msg("%s", err.msg);
    config_init(&fresh);
    for (size_t i = 0; i < config_count(); i++) {
        assert_true(config_same(&conf, &fresh, i));
        assert_int_equal(conf.source[i], CONFIG_FROM_FILE);
    }
    config_done(&fresh);
}

/* What is printed as in force can be read back. */
static void test_effective(void **state)
{
    AUTO(buf) out = {0};
    struct config again;
    (void)state;
    buf_init(&out, CONFIG_TEXT_MAX);
    assert_int_equal(load("http: {idle_timeout: 90s}\ndata: 'a \"b\" \\ c: # d'\n"
                          "trusted_proxies: [10.0.0.1, '::1']\n"),
                     0);
    config_write_effective(&conf, &out);
    assert_non_null(strstr(out.p, "http.idle_timeout: 90s # file\n"));
    assert_non_null(strstr(out.p, "log.level: info # default\n"));
    config_init(&again);
    if (config_load_text(&again, "effective", buf_str(&out), &err) < 0)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < config_count(); i++)
        assert_true(config_same(&conf, &again, i));
    config_done(&again);
}

static void test_texts_name_every_key(void **state)
{
    static void (*const writers[])(struct buf * out) = {config_write_sample, config_write_manual,
                                                        config_write_help};
    (void)state;
    for (size_t w = 0; w < ARRAY_LEN(writers); w++) {
        AUTO(buf) out = {0};
        AUTO(buf) flag = {0};
        buf_init(&out, CONFIG_TEXT_MAX);
        buf_init(&flag, CONFIG_TEXT_MAX);
        writers[w](&out);
        assert_true(buf_ok(&out));
        for (size_t i = 0; i < config_count(); i++) {
            buf_reset(&flag);
            config_flag_name(config_row(i), &flag);
            assert_true(strstr(out.p, config_row(i)->key) || strstr(out.p, flag.p));
            assert_true(config_row(i)->doc[0] != '\0');
        }
    }
}

static void write_file(const char *path, const char *text, size_t n)
{
    AUTOFD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), (ssize_t)n);
}

static void test_files(void **state)
{
    char dir[] = "/tmp/haven-test-config-XXXXXX";
    char path[64], link[64];
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/c.yaml", dir);
    snprintf(link, sizeof(link), "%s/link", dir);
    assert_int_equal(config_load_file(&conf, path, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.msg, "No such file"));
    assert_int_equal(config_load_file(&conf, dir, &err), -1);
    assert_non_null(strstr(err.msg, "it is a directory"));

    write_file(path, "data: x\n", 8);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(config_load_file(&conf, link, &err), 0);
    assert_string_equal(conf.data, "x");

    write_file(path, "data: x\nlogg: 1\n", 16);
    assert_int_equal(config_load_file(&conf, path, &err), -1);
    assert_memory_equal(err.msg, path, strlen(path));
    assert_memory_equal(err.msg + strlen(path), ":2: ", 4);

    AUTO_FREE char *big = mem_zalloc(LIMIT_CONFIG_FILE + 1);
    memset(big, '#', LIMIT_CONFIG_FILE + 1);
    write_file(path, big, LIMIT_CONFIG_FILE + 1);
    assert_int_equal(config_load_file(&conf, path, &err), -1);
    assert_non_null(strstr(err.msg, "larger than 1048576 bytes"));
    write_file(path, big, LIMIT_CONFIG_FILE);
    assert_int_equal(config_load_file(&conf, path, &err), 0);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_rows_from_file),
        T(test_rows_from_env_and_flag),
        T(test_names),
        T(test_later_source_wins),
        T(test_units),
        T(test_empty_files),
        T(test_bad_values),
        T(test_too_much),
        T(test_unknown_and_repeated),
        T(test_yaml_tricks),
        T(test_environment),
        T(test_failed_set_changes_nothing),
        T(test_check),
        T(test_reload_helpers),
        T(test_sample),
        T(test_effective),
        T(test_texts_name_every_key),
        T(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
