/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a command line, and what help and suggestions say. */
#include "base/suggest.h"
#include "cli/command.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static const struct cli_option options[] = {
    {.name = "user", .letter = 'u', .metavar = "USER", .help = "Who."},
    {.name = "tag", .letter = 't', .metavar = "TAG", .repeat = true, .help = "A tag."},
    {.name = "quiet", .letter = 'q', .help = "Say less."},
    {.name = "verify", .letter = 'v', .help = "Look twice."},
    {.name = "data", .metavar = "X", .help = "Wins over the setting of the same name."},
};

static int run_nothing(struct cli *c, struct err *e)
{
    (void)c;
    (void)e;
    return 0;
}

static const struct command plain = {
    .name = "plain",
    .summary = "A command",
    .synopsis = "[-q] FILE [FILE]",
    .help = "First words of\na paragraph.\n\n    as it is\n\nSecond one.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 2,
    .run = run_nothing,
};
static const struct command serving = {
    .name = "serving",
    .summary = "Another",
    .synopsis = "",
    .help = "Text.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .max_args = CLI_ARGS_ANY,
    .config = true,
    .run = run_nothing,
};
static const struct command secret = {.name = "seldom",
                                      .summary = "Hidden",
                                      .synopsis = "",
                                      .help = "",
                                      .hidden = true,
                                      .run = run_nothing};
static const struct command *const commands[] = {&plain, &serving, &secret};

static struct cli cli;
static struct err err;

static int setup(void **state)
{
    (void)state;
    cli = (struct cli){.commands = commands, .n_commands = ARRAY_LEN(commands)};
    arena_init(&cli.arena, CLI_TEXT_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&cli.arena);
    return 0;
}

/* Words are separated by single blanks; "''" stands for an empty word. */
static int parse(const struct command *command, const char *line)
{
    static char words[64][64];
    char *argv[64];
    size_t n = 0;
    (void)teardown(NULL);
    (void)setup(NULL);
    for (struct str rest = str_from(line); rest.n; n++) {
        struct str word = str_cut(&rest, ' ');
        if (str_eqz(word, "''"))
            word = STR("");
        snprintf(words[n], sizeof(words[n]), "%.*s", S(word));
        argv[n] = words[n];
    }
    return cli_parse(&cli, command, argv, n, &err);
}

static void refused(const struct command *command, const char *line, const char *words)
{
    if (parse(command, line) == 0)
        fail_msg("accepted: %s", line);
    assert_int_equal(err.code, ERR_USAGE);
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" is not in: %s", words, err.msg);
}

static void test_forms(void **state)
{
    static const char *const lines[] = {
        "-u me -q a b",     "-q -ume a b",           "-qu me a b",
        "-qume a b",        "--user me --quiet a b", "--user=me a -q b",
        "a b --user me -q", "-u x -q a -u me b",     "-qu me -- a b",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (parse(&plain, lines[i]) < 0)
            fail_msg("%s: %s", lines[i], err.msg);
        assert_string_equal(cli_value(&cli, "user"), "me");
        assert_true(cli_has(&cli, "quiet"));
        assert_false(cli_has(&cli, "verify"));
        assert_null(cli_value(&cli, "tag"));
        assert_int_equal(cli.n_args, 2);
        assert_string_equal(cli.args[0], "a");
        assert_string_equal(cli.args[1], "b");
    }
    assert_int_equal(parse(&plain, "-- -q --user"), 0);
    assert_false(cli_has(&cli, "quiet"));
    assert_string_equal(cli.args[1], "--user");
    assert_int_equal(parse(&plain, "-"), 0);
    assert_string_equal(cli.args[0], "-");
    assert_int_equal(parse(&plain, "--user= ''"), 0);
    assert_string_equal(cli_value(&cli, "user"), "");
    assert_string_equal(cli.args[0], "");
    assert_int_equal(parse(&plain, "--user -q a"), 0); /* a value may begin with a dash */
    assert_string_equal(cli_value(&cli, "user"), "-q");
}

static void test_repeated(void **state)
{
    size_t at = 0;
    const char *value;
    (void)state;
    assert_int_equal(parse(&plain, "-t 1 x --tag=2 -t3"), 0);
    assert_true(cli_next(&cli, "tag", &at, &value));
    assert_string_equal(value, "1");
    assert_true(cli_next(&cli, "tag", &at, &value));
    assert_string_equal(value, "2");
    assert_true(cli_next(&cli, "tag", &at, &value));
    assert_string_equal(value, "3");
    assert_false(cli_next(&cli, "tag", &at, &value));
    assert_string_equal(cli_value(&cli, "tag"), "3");
}

static void test_refused(void **state)
{
    (void)state;
    refused(&plain, "", "an argument is missing; usage: haven plain [-q] FILE");
    refused(&plain, "-q", "an argument is missing");
    refused(&plain, "a b c", "unexpected argument \"c\"");
    refused(&plain, "a --usr me", "unknown option --usr; did you mean --user?");
    refused(&plain, "a --usr=me", "did you mean --user?");
    refused(&plain, "a --zzzzzzzz", "see `haven plain --help`");
    refused(&plain, "a --=x", "unknown option --");
    refused(&plain, "a --user", "option --user needs a value");
    refused(&plain, "a -u", "option -u needs a value");
    refused(&plain, "a -qu", "option -u needs a value");
    refused(&plain, "a --quiet=yes", "option --quiet takes no value");
    refused(&plain, "a -x", "unknown option -x");
    refused(&plain, "a -qx", "unknown option -x");
    refused(&plain, "a --help=1", "unknown option --help");
    refused(&plain, "a --listen :1", "unknown option --listen");
}

static void test_help_wins(void **state)
{
    (void)state;
    assert_int_equal(parse(&plain, "--help"), 0);
    assert_true(cli.help);
    assert_int_equal(parse(&plain, "a b c -qh"), 0);
    assert_true(cli.help);
}

static void test_config_flags(void **state)
{
    struct config config;
    (void)state;
    config_init(&config);
    assert_int_equal(parse(&serving, "--http-workers 20 --listen=:81 --http-workers=30 --data own"),
                     0);
    assert_int_equal(cli_config_flags(&cli, &config, &err), 0);
    assert_int_equal(config.http_workers, 30);
    assert_string_equal(config.listen, ":81");
    assert_string_equal(config.data, "./haven-data");
    assert_string_equal(cli_value(&cli, "data"), "own");
    assert_int_equal(parse(&serving, "--http-workers x"), 0);
    assert_int_equal(cli_config_flags(&cli, &config, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.msg, "--http-workers: \"x\""));
    refused(&serving, "--http-workers", "needs a value");
    refused(&serving, "--http-workres 3", "did you mean --http-workers?");
    config_done(&config);
}

static void test_find(void **state)
{
    (void)state;
    assert_ptr_equal(cli_find(&cli, "plain", &err), &plain);
    assert_ptr_equal(cli_find(&cli, "seldom", &err), &secret);
    assert_null(cli_find(&cli, "plian", &err));
    assert_non_null(strstr(err.msg, "did you mean \"plain\"?"));
    assert_null(cli_find(&cli, "seldon", &err)); /* hidden ones are not suggested */
    assert_null(strstr(err.msg, "did you mean"));
    assert_null(cli_find(&cli, "", &err));
    assert_int_equal(err.code, ERR_USAGE);
}

static void test_help_text(void **state)
{
    AUTO(buf) out = {0};
    (void)state;
    buf_init(&out, CLI_TEXT_MAX);
    cli_write_help(&plain, &out);
    assert_non_null(strstr(out.p, "Usage: haven plain [-q] FILE [FILE]\n"));
    assert_non_null(
        strstr(out.p, "\nFirst words of a paragraph.\n\n    as it is\n\nSecond one.\n"));
    assert_non_null(strstr(out.p, "  -u, --user USER\n          Who.\n"));
    assert_non_null(strstr(out.p, "  -h, --help\n"));
    assert_null(strstr(out.p, "Settings:"));
    buf_reset(&out);
    cli_write_help(&serving, &out);
    assert_non_null(strstr(out.p, "Settings:\n"));
    assert_non_null(strstr(out.p, "--http-idle-timeout"));
    buf_reset(&out);
    cli_write_overview(&cli, &out);
    assert_non_null(strstr(out.p, "  plain "));
    assert_null(strstr(out.p, "seldom"));
}

static void test_distance(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned distance;
    } rows[] = {
        {"", "", 0},       {"", "abc", 3},           {"abc", "", 3},       {"abc", "abc", 0},
        {"abc", "acb", 1}, {"abc", "ab", 1},         {"abc", "abcd", 1},   {"abc", "axc", 1},
        {"abc", "xyz", 3}, {"kitten", "sitting", 3}, {"serve", "srve", 1}, {"ca", "abc", 3},
    };
    char a_long[SUGGEST_MAX + 2];
    struct suggest s;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(suggest_distance(str_from(rows[i].a), str_from(rows[i].b)),
                         rows[i].distance);
    memset(a_long, 'a', sizeof(a_long));
    suggest_init(&s, str_of(a_long, SUGGEST_MAX + 1));
    suggest_try(&s, str_of(a_long, SUGGEST_MAX));
    assert_null(suggest_best(&s).p);
    suggest_init(&s, str_of(a_long, SUGGEST_MAX));
    suggest_try(&s, str_of(a_long, SUGGEST_MAX));
    assert_int_equal(suggest_best(&s).n, SUGGEST_MAX);
    suggest_init(&s, STR("x"));
    assert_null(suggest_best(&s).p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_forms),        T(test_repeated), T(test_refused),   T(test_help_wins),
        T(test_config_flags), T(test_find),     T(test_help_text), T(test_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
