/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "base/suggest.h"

#include <errno.h>
#include <stdio.h>

#define HELP_WIDTH 80

/* Only the names of groups' commands have a dash. */
static void add_spoken(struct buf *out, const char *name)
{
    for (const char *z = name; *z; z++)
        buf_addc(out, *z == '-' ? ' ' : *z);
}

const char *cli_spoken(struct arena *a, const struct command *command)
{
    AUTO(buf) out = {0};
    buf_init(&out, CLI_TEXT_MAX);
    add_spoken(&out, command->name);
    return arena_strz(a, buf_str(&out));
}

const struct command *cli_find(const struct cli *c, const char *name, struct err *e)
{
    struct suggest near;
    suggest_init(&near, str_from(name));
    for (size_t i = 0; i < c->n_commands; i++) {
        if (str_eqz(near.typed, c->commands[i]->name))
            return c->commands[i];
        if (!c->commands[i]->hidden)
            suggest_try(&near, str_from(c->commands[i]->name));
    }
    struct str best = suggest_best(&near);
    if (best.n)
        ERR(e, USAGE, "unknown command \"%s\"; did you mean \"%.*s\"?", name, S(best));
    else
        ERR(e, USAGE, "unknown command \"%s\"; `haven help` lists them", name);
    return NULL;
}

static const struct cli_option *option_by_name(const struct command *command, struct str name)
{
    for (size_t i = 0; i < command->n_options; i++)
        if (str_eqz(name, command->options[i].name))
            return &command->options[i];
    return NULL;
}

static const struct cli_option *option_by_letter(const struct command *command, char letter)
{
    for (size_t i = 0; i < command->n_options; i++)
        if (command->options[i].letter == letter)
            return &command->options[i];
    return NULL;
}

bool cli_flag(const struct command *command, size_t i, struct cli_flag *ret)
{
    static const char *const metavars[] = {
        [CONFIG_STRING] = "TEXT", [CONFIG_BOOL] = "BOOL",     [CONFIG_INT] = "NUMBER",
        [CONFIG_SIZE] = "SIZE",   [CONFIG_DURATION] = "TIME", [CONFIG_CHOICE] = "WORD",
        [CONFIG_LIST] = "LIST",
    };
    AUTO(buf) name = {0};

    if (i < command->n_options) {
        const struct cli_option *o = &command->options[i];
        *ret = (struct cli_flag){.letter = o->letter,
                                 .metavar = o->metavar,
                                 .choices = o->choices,
                                 .help = o->help,
                                 .key = o->key};
        snprintf(ret->name, sizeof(ret->name), "%s", o->name);
        return true;
    }
    i -= command->n_options;
    if (i == 0) {
        *ret = (struct cli_flag){.name = "help", .help = "Show how the command is used."};
        ret->letter = option_by_letter(command, 'h') ? '\0' : 'h';
        return true;
    }
    i--;
    if (!command->config || i >= config_count())
        return false;
    const struct config_key *k = config_row(i);
    *ret = (struct cli_flag){
        .metavar = metavars[k->type], .choices = k->choices, .help = k->doc, .setting = true};
    buf_init(&name, CLI_FLAG_NAME_MAX);
    config_flag_name(k, &name);
    snprintf(ret->name, sizeof(ret->name), "%s", name.p + 2);
    return true;
}

static int unknown_option(const struct command *command, struct str name, struct err *e)
{
    AUTO(buf) names = {0};
    struct suggest near;
    struct cli_flag f;

    suggest_init(&near, name);
    buf_init(&names, CLI_TEXT_MAX);
    for (size_t i = 0; cli_flag(command, i, &f); i++)
        buf_addf(&names, "%s\n", f.name);
    for (struct str rest = buf_str(&names); rest.n;)
        suggest_try(&near, str_cut(&rest, '\n'));
    struct str best = suggest_best(&near);
    if (best.n)
        return ERR(e, USAGE, "unknown option --%.*s; did you mean --%.*s?", S(name), S(best));
    return ERR(e, USAGE, "unknown option --%.*s; see `haven %s --help`", S(name), command->name);
}

/* The words that were not read yet. */
struct words {
    char **v;
    size_t n;
};

static const char *words_next(struct words *w)
{
    if (w->n == 0)
        return NULL;
    w->n--;
    return *w->v++;
}

static bool is_choice(const char *choices, const char *value)
{
    for (struct str rest = str_from(choices); rest.p;)
        if (str_eqz(str_cut(&rest, '|'), value))
            return true;
    return false;
}

static int give(struct cli *c, const struct cli_option *option, size_t row, const char *value,
                struct err *e)
{
    if (option && option->choices && !is_choice(option->choices, value))
        return ERR(e, USAGE, "option --%s must be one of %s, not \"%s\"", option->name,
                   option->choices, value);
    c->given[c->n_given++] = (struct cli_given){.option = option, .row = row, .value = value};
    return 0;
}

/* `--name`, `--name VALUE`, `--name=VALUE`; text is what stands behind the dashes. */
static int parse_long(struct cli *c, struct str text, struct words *w, struct err *e)
{
    struct str value = text;
    struct str name = str_cut(&value, '=');
    const struct cli_option *o = option_by_name(c->command, name);
    bool wants, may_stand_alone = false;
    int row = -1;

    if (o) {
        wants = o->metavar != NULL;
    } else if (c->command->config &&
               (row = config_flag_find(str_of(text.p - 2, name.n + 2))) >= 0) {
        wants = true;
        may_stand_alone = config_row((size_t)row)->type == CONFIG_BOOL;
    } else if (str_eqz(name, "help") && !value.p) {
        c->help = true;
        return 0;
    } else {
        return unknown_option(c->command, name, e);
    }
    if (!wants && value.p)
        return ERR(e, USAGE, "option --%.*s takes no value", S(name));
    const char *given = value.p; /* the end of its word is the end of the value */
    if (wants && !given)
        given = may_stand_alone ? "true" : words_next(w);
    if (wants && !given)
        return ERR(e, USAGE, "option --%.*s needs a value", S(name));
    return give(c, o, o ? 0 : (size_t)row, given, e);
}

/* `-x`, `-xy`, `-x VALUE`, `-xVALUE`; z is what stands behind the dash. */
static int parse_short(struct cli *c, const char *z, struct words *w, struct err *e)
{
    for (; *z; z++) {
        const struct cli_option *o = option_by_letter(c->command, *z);
        if (!o && *z == 'h') {
            c->help = true;
            continue;
        }
        if (!o)
            return ERR(e, USAGE, "unknown option -%c; see `haven %s --help`", *z, c->command->name);
        if (!o->metavar) {
            if (give(c, o, 0, NULL, e) < 0)
                return -1;
            continue;
        }
        const char *value = z[1] ? z + 1 : words_next(w);
        if (!value)
            return ERR(e, USAGE, "option -%c needs a value", *z);
        return give(c, o, 0, value, e);
    }
    return 0;
}

int cli_parse(struct cli *c, const struct command *command, char **argv, size_t argc, struct err *e)
{
    struct words w = {.v = argv, .n = argc};
    bool only_args = false;
    const char *word;

    if (argc > CLI_ARGS_MAX)
        return ERR(e, USAGE, "more than %d words on the command line", CLI_ARGS_MAX);
    c->command = command;
    c->args = ARENA_ARRAY(&c->arena, argc + 1, const char *);
    /* Letters of one word may be an option each. */
    size_t most = 1;
    for (size_t i = 0; i < argc; i++)
        most += argv[i][0] == '-' && argv[i][1] != '-' ? strlen(argv[i]) : 1;
    c->given = arena_try(&c->arena, most * sizeof(struct cli_given), e);
    if (!c->given)
        return -1;

    while ((word = words_next(&w))) {
        int rc = 0;
        if (only_args || word[0] != '-' || word[1] == '\0')
            c->args[c->n_args++] = word;
        else if (strcmp(word, "--") == 0)
            only_args = true;
        else if (word[1] == '-')
            rc = parse_long(c, str_from(word + 2), &w, e);
        else
            rc = parse_short(c, word + 1, &w, e);
        if (rc < 0)
            return -1;
    }
    if (c->help)
        return 0;
    if (c->n_args < command->min_args)
        return ERR(e, USAGE, "an argument is missing; usage: haven %s %s",
                   cli_spoken(&c->arena, command), command->synopsis);
    if (c->n_args > command->max_args)
        return ERR(e, USAGE, "unexpected argument \"%s\"; usage: haven %s %s",
                   c->args[command->max_args], cli_spoken(&c->arena, command), command->synopsis);
    return 0;
}

static const struct cli_given *given_last(const struct cli *c, const char *name)
{
    const struct cli_option *o = option_by_name(c->command, str_from(name));
    BUG_ON(!o);
    for (size_t i = c->n_given; i > 0; i--)
        if (c->given[i - 1].option == o)
            return &c->given[i - 1];
    return NULL;
}

bool cli_has(const struct cli *c, const char *name)
{
    return given_last(c, name) != NULL;
}

const char *cli_value(const struct cli *c, const char *name)
{
    const struct cli_given *g = given_last(c, name);
    return g ? g->value : NULL;
}

bool cli_next(const struct cli *c, const char *name, size_t *at, const char **ret_value)
{
    const struct cli_option *o = option_by_name(c->command, str_from(name));
    BUG_ON(!o);
    while (*at < c->n_given) {
        const struct cli_given *g = &c->given[(*at)++];
        if (g->option == o) {
            *ret_value = g->value;
            return true;
        }
    }
    return false;
}

int cli_config_flags(const struct cli *c, struct config *cfg, struct err *e)
{
    for (size_t i = 0; i < c->n_given; i++) {
        const struct cli_given *g = &c->given[i];
        if (!g->option && config_set(cfg, g->row, str_from(g->value), CONFIG_FROM_FLAG, e) < 0)
            return -1;
    }
    return 0;
}

int cli_print(struct str text, struct err *e)
{
    errno = 0;
    if ((fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0) || errno == EPIPE)
        return 0;
    return ERR_SYS(e, "writing to standard output");
}

int cli_printf(struct err *e, const char *fmt, ...)
{
    AUTO(buf) b = {0};
    va_list ap;

    buf_init(&b, CLI_TEXT_MAX);
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    return cli_print(buf_str(&b), e);
}

/* One paragraph, broken at blanks so that it fits between indent and HELP_WIDTH; the cursor stands
 * at column. */
static void write_wrapped(struct buf *out, const char *text, int column, int indent)
{
    struct str rest = str_from(text);
    bool first = true;
    while (rest.p) {
        struct str word = str_cut(&rest, ' ');
        if (!first && column + 1 + (int)word.n > HELP_WIDTH) {
            buf_addf(out, "\n%*s", indent, "");
            column = indent;
            first = true;
        }
        if (!first) {
            buf_addc(out, ' ');
            column++;
        }
        buf_adds(out, word);
        column += (int)word.n;
        first = false;
    }
    buf_addc(out, '\n');
}

static void write_flag(struct buf *out, const struct cli_flag *f)
{
    enum { INDENT = 10 };
    const char *value = f->choices ? f->choices : f->metavar;
    if (f->letter)
        buf_addf(out, "  -%c, --%s", f->letter, f->name);
    else
        buf_addf(out, "      --%s", f->name);
    buf_addf(out, "%s%s\n%*s", value ? " " : "", value ? value : "", INDENT, "");
    write_wrapped(out, f->help, INDENT, INDENT);
    const char *key, *help;
    for (size_t i = 0; f->key && (key = f->key(i, &help)) != NULL; i++) {
        AUTO(buf) text = {0};
        buf_init(&text, CLI_TEXT_MAX);
        buf_addf(&text, "%s: %s", key, help);
        buf_addf(out, "%*s", INDENT + 2, "");
        write_wrapped(out, text.p, INDENT + 2, INDENT + 6);
    }
}

/* Lines of a paragraph are joined and broken anew; lines that begin with a blank stay. */
static void write_text(struct buf *out, const char *text)
{
    AUTO(buf) paragraph = {0};
    buf_init(&paragraph, CLI_TEXT_MAX);
    for (struct str rest = str_from(text); rest.p;) {
        struct str line = str_cut(&rest, '\n');
        bool as_is = line.n == 0 || line.p[0] == ' ';
        if (as_is && paragraph.n) {
            write_wrapped(out, paragraph.p, 0, 0);
            buf_reset(&paragraph);
        }
        if (as_is) {
            buf_adds(out, line);
            buf_addc(out, '\n');
        } else {
            if (paragraph.n)
                buf_addc(&paragraph, ' ');
            buf_adds(&paragraph, line);
        }
    }
    if (paragraph.n)
        write_wrapped(out, paragraph.p, 0, 0);
}

void cli_write_help(const struct command *command, struct buf *out)
{
    struct cli_flag f;
    buf_addz(out, "haven ");
    add_spoken(out, command->name);
    buf_addf(out, " - %s\n\nUsage: haven ", command->summary);
    add_spoken(out, command->name);
    buf_addf(out, " %s\n\n", command->synopsis);
    write_text(out, command->help);
    buf_addz(out, "\nOptions:\n");
    for (size_t i = 0; cli_flag(command, i, &f) && !f.setting; i++)
        write_flag(out, &f);
    if (command->config) {
        buf_addz(out, "\nSettings:\n");
        config_write_help(out);
    }
}

void cli_write_overview(const struct cli *c, struct buf *out)
{
    buf_addz(out, "haven - a registry for AI models: server and client in one program\n\n"
                  "Usage: haven COMMAND [OPTION ...] [ARGUMENT ...]\n\nCommands:\n");
    int width = 0;
    for (size_t i = 0; i < c->n_commands; i++)
        width = MAX_OF(width, (int)strlen(c->commands[i]->name));
    for (size_t i = 0; i < c->n_commands; i++) {
        const struct command *command = c->commands[i];
        if (command->hidden)
            continue;
        buf_addz(out, "  ");
        add_spoken(out, command->name);
        buf_addf(out, "%*s %s\n", width - (int)strlen(command->name), "", command->summary);
    }
    buf_addz(out, "\n`haven help COMMAND` says more about each, `haven help exit-codes` what their "
                  "exit\nstatus says.\n");
}
