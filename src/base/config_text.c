/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration table says about itself: help, sample file, manual, values in force. */
#include "base/config.h"

#include <stdio.h>

#define TEXT_WIDTH 80

/* Words of a text in lines that begin with `prefix`. */
static void add_wrapped(struct buf *out, const char *prefix, const char *text)
{
    struct str rest = str_from(text);
    size_t column = 0;
    while (rest.p) {
        struct str word = str_cut(&rest, ' ');
        if (column && column + 1 + word.n > TEXT_WIDTH) {
            buf_addc(out, '\n');
            column = 0;
        }
        if (column == 0)
            buf_addz(out, prefix);
        else
            buf_addc(out, ' ');
        column += (column ? 1 : strlen(prefix)) + word.n;
        buf_adds(out, word);
    }
    buf_addc(out, '\n');
}

static const char *metavar(enum config_type type)
{
    static const char *const names[] = {
        [CONFIG_STRING] = "TEXT",       [CONFIG_BOOL] = "true|false", [CONFIG_INT] = "NUMBER",
        [CONFIG_SIZE] = "SIZE",         [CONFIG_DURATION] = "TIME",   [CONFIG_CHOICE] = "WORD",
        [CONFIG_LIST] = "ENTRY[,ENTRY]"};
    return names[type];
}

void config_write_help(struct buf *out)
{
    for (size_t i = 0; i < config_count(); i++) {
        const struct config_key *k = config_row(i);
        buf_addz(out, "  ");
        config_flag_name(k, out);
        buf_addf(out, " %s\n", k->choices ? k->choices : metavar(k->type));
        add_wrapped(out, "          ", k->doc);
        if (*k->deflt)
            buf_addf(out, "          Default: %s\n", k->deflt);
    }
}

/* YAML takes it for the end of a line (1.2, 5.4), for a byte order mark, or for no character that
 * may stand in a text (5.1). Values have no control characters of ASCII. */
static bool is_escaped(uint32_t point)
{
    return (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 ||
           point == 0xfeff || point == 0xfffe || point == 0xffff;
}

/* A text in double quotes, as YAML (and JSON) reads it. */
static void add_quoted(struct buf *out, struct str s)
{
    buf_addc(out, '"');
    for (size_t i = 0; i < s.n;) {
        uint32_t point = 0;
        size_t n = str_utf8(str_skip(s, i), &point);
        if (is_escaped(point)) {
            buf_addf(out, "\\u%04x", (unsigned)point);
        } else {
            if (point == '"' || point == '\\')
                buf_addc(out, '\\');
            buf_add(out, s.p + i, n ? n : 1);
        }
        i += n ? n : 1;
    }
    buf_addc(out, '"');
}

static void add_yaml(struct buf *out, enum config_type type, struct str value)
{
    struct str rest = value;
    switch (type) {
    case CONFIG_STRING:
        add_quoted(out, value);
        return;
    case CONFIG_LIST:
        buf_addc(out, '[');
        while (rest.n) {
            add_quoted(out, str_cut(&rest, ','));
            buf_addz(out, rest.n ? ", " : "");
        }
        buf_addc(out, ']');
        return;
    case CONFIG_BOOL:
    case CONFIG_INT:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
    case CONFIG_CHOICE:
        buf_adds(out, value);
        return;
    }
}

void config_write_sample(struct buf *out)
{
    buf_addz(
        out,
        "# Configuration of haven serve: every key with its default.\n"
        "# \"a.b: value\" and \"a:\" with \"b: value\" below it mean the same. The environment\n"
        "# (HAVEN_A_B) and flags (--a-b) override this file.\n");
    for (size_t i = 0; i < config_count(); i++) {
        const struct config_key *k = config_row(i);
        AUTO(buf) accepted = {0};
        buf_init(&accepted, CONFIG_TEXT_MAX);
        config_accepted(k, &accepted);
        buf_addc(out, '\n');
        add_wrapped(out, "# ", k->doc);
        buf_addf(out, "# (%s)\n#%s: ", accepted.p, k->key);
        add_yaml(out, k->type, str_from(k->deflt));
        buf_addc(out, '\n');
    }
}

static void write_manual_row(struct buf *out, const struct config_key *k)
{
    buf_addf(out, "\n### `%s`\n\n%s\n\n| | |\n|---|---|\n| Value | ", k->key, k->doc);
    config_accepted(k, out);
    buf_addf(out, " |\n| Default | %s%s%s |\n| Environment | `", *k->deflt ? "`" : "",
             *k->deflt ? k->deflt : "empty", *k->deflt ? "`" : "");
    config_env_name(k, out);
    buf_addz(out, "` |\n| Flag | `");
    config_flag_name(k, out);
    buf_addf(out, "` |\n| Changes | %s |\n",
             k->flags & CONFIG_RELOAD ? "at a reload (SIGHUP)" : "at a start of the server");
    if (k->flags & CONFIG_RUNTIME)
        buf_addz(out, "| Also | an administrator can change it in the running registry, unless it "
                      "is set here |\n");
    if (k->flags & CONFIG_SECRET)
        buf_addz(out, "| Secret | never shown |\n");
}

void config_write_manual(struct buf *out)
{
    struct str section = STR_NULL;
    buf_addz(
        out,
        "# Configuration\n\n"
        "<!-- Made by `haven config manual`. -->\n\n"
        "Each setting has a key in the configuration file (`haven serve --config FILE`), an\n"
        "environment variable and a flag. Where several are given, the flag wins over the\n"
        "environment, and the environment over the file. The file is a YAML mapping; nested\n"
        "mappings and dotted keys mean the same:\n\n"
        "```yaml\nlisten: 0.0.0.0:8080\nhttp:\n  idle_timeout: 75s\nlog.format: json\n```\n\n"
        "Unknown keys, keys given twice and values out of range are errors: the server says "
        "where and\ndoes not start. Lists are YAML sequences, in the environment and in flags "
        "comma separated.\n`haven config sample` prints a file with every key and its default, "
        "`haven config check FILE`\ntests one, and `haven serve --print-config` shows the "
        "values in force and where each comes\nfrom.\n");
    for (size_t i = 0; i < config_count(); i++) {
        const struct config_key *k = config_row(i);
        struct str rest = str_from(k->key);
        struct str head = str_cut(&rest, '.');
        if (!rest.p)
            head = STR("general");
        if (!str_eq(head, section))
            buf_addf(out, "\n## %.*s\n", S(head));
        section = head;
        write_manual_row(out, k);
    }
}

void config_write_effective(const struct config *c, struct buf *out)
{
    static const char *const sources[] = {"default", "file", "environment", "flag"};
    for (size_t i = 0; i < config_count(); i++) {
        const struct config_key *k = config_row(i);
        AUTO(buf) value = {0};
        buf_init(&value, CONFIG_TEXT_MAX);
        config_value(c, i, &value);
        if (value.n && (k->flags & CONFIG_SECRET)) {
            buf_reset(&value);
            buf_addz(&value, "***");
        }
        buf_addf(out, "%s: ", k->key);
        add_yaml(out, k->type, buf_str(&value));
        buf_addf(out, " # %s\n", sources[c->source[i]]);
    }
}
