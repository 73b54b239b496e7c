/* SPDX-License-Identifier: Apache-2.0 */
/* The manual pages haven(1) and haven-COMMAND(1) in roff, from the same tables as the help. */
#include "base/version.h"
#include "cli/command.h"
#include "cli/exit.h"

/* A piece of running text: hyphens as they are typed, `words` in bold, no line that roff takes for
 * a request. */
static void add_text(struct buf *out, struct str s)
{
    bool bold = false;
    if (s.n && (s.p[0] == '.' || s.p[0] == '\''))
        buf_addz(out, "\\&");
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '\\':
            buf_addz(out, "\\e");
            break;
        case '-':
            buf_addz(out, "\\-");
            break;
        case '`':
            bold = !bold;
            buf_addz(out, bold ? "\\fB" : "\\fR");
            break;
        default:
            buf_addc(out, s.p[i]);
        }
    }
}

static void add_line(struct buf *out, struct str s)
{
    add_text(out, s);
    buf_addc(out, '\n');
}

/* Paragraphs of a command's help; lines that begin with a blank are shown as they are. */
static void add_paragraphs(struct buf *out, const char *text)
{
    bool as_is = false;
    for (struct str rest = str_from(text); rest.p;) {
        struct str line = str_cut(&rest, '\n');
        bool now = line.n > 0 && line.p[0] == ' ';
        if (now != as_is)
            buf_addz(out, now ? ".nf\n" : ".fi\n");
        as_is = now;
        if (line.n == 0)
            buf_addz(out, ".PP\n");
        else
            add_line(out, line);
    }
    if (as_is)
        buf_addz(out, ".fi\n");
}

static void add_flag(struct buf *out, const struct cli_flag *f)
{
    const char *value = f->choices ? f->choices : f->metavar;
    buf_addz(out, ".TP\n\\fB");
    if (f->letter)
        buf_addf(out, "\\-%c\\fR, \\fB", f->letter);
    buf_addz(out, "\\-\\-");
    add_text(out, str_from(f->name));
    buf_addz(out, "\\fR");
    if (value) {
        buf_addz(out, " \\fI");
        add_text(out, str_from(value));
        buf_addz(out, "\\fR");
    }
    buf_addc(out, '\n');
    add_line(out, str_from(f->help));
    const char *key, *help;
    if (f->key)
        buf_addz(out, ".RS\n");
    for (size_t i = 0; f->key && (key = f->key(i, &help)) != NULL; i++) {
        buf_addz(out, ".TP\n");
        add_line(out, str_from(key));
        add_line(out, str_from(help));
    }
    if (f->key)
        buf_addz(out, ".RE\n");
}

static void add_command(struct buf *out, const struct command *command)
{
    struct cli_flag f;
    buf_addf(out, ".SS haven %s ", command->name);
    add_line(out, str_from(command->synopsis));
    add_line(out, str_from(command->summary));
    buf_addz(out, ".PP\n");
    add_paragraphs(out, command->help);
    for (size_t i = 0; cli_flag(command, i, &f) && !f.setting; i++)
        add_flag(out, &f);
}

static void add_settings(struct buf *out)
{
    buf_addz(
        out,
        ".SH SETTINGS\n"
        "Settings of \\fBhaven serve\\fR: key in the configuration file, environment variable,\n"
        "flag. A flag wins over the environment, and the environment over the file.\n");
    for (size_t i = 0; i < config_count(); i++) {
        const struct config_key *k = config_row(i);
        AUTO(buf) text = {0};
        buf_init(&text, CLI_TEXT_MAX);
        buf_addf(&text, "`%s`, ", k->key);
        config_env_name(k, &text);
        buf_addz(&text, ", ");
        config_flag_name(k, &text);
        buf_addz(out, ".TP\n");
        add_line(out, buf_str(&text));
        buf_reset(&text);
        buf_addf(&text, "%s Value: ", k->doc);
        config_accepted(k, &text);
        buf_addf(&text, "; default: %s.%s", *k->deflt ? k->deflt : "empty",
                 k->flags & CONFIG_RELOAD ? " A reload takes over a new value." : "");
        add_line(out, buf_str(&text));
    }
}

static void add_environment(struct buf *out, bool server)
{
    static const struct {
        const char *name, *text;
        bool server;
    } rows[] = {
        {"HAVEN_ADMIN_PASSWORD",
         "Password that the user admin gets at the first start of the server.", true},
        {"HAVEN_CONFIG", "Configuration file of the server when --config is not given.", true},
        {"DOCKER_CONFIG", "Directory of the config.json with credentials; else ~/.docker.", false},
        {"HAVEN_CACHE_DIR",
         "Where push remembers digests of large files and unfinished uploads; else haven in "
         "XDG_CACHE_HOME or ~/.cache.",
         false},
        {"http_proxy, https_proxy, no_proxy",
         "Proxies, and the hosts that are reached without one. This machine is never reached "
         "through a proxy.",
         false},
        {"SOURCE_DATE_EPOCH", "Time of creation that push writes down, in seconds since 1970.",
         false},
        {"NO_COLOR", "Not empty: progress is drawn without colours.", false},
        {"TERM", "dumb or empty: progress is written in lines.", false},
        {"LC_ALL, LC_CTYPE, LANG",
         "Whether the terminal takes UTF-8: the first one that is set counts.", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].server != server)
            continue;
        buf_addz(out, ".TP\n.B ");
        add_line(out, str_from(rows[i].name));
        add_line(out, str_from(rows[i].text));
    }
}

/* haven-NAME(1). */
static void add_page(struct buf *out, const struct command *command)
{
    struct cli_flag f;
    bool options = false;

    buf_addz(out, ".TH HAVEN-");
    for (const char *z = command->name; *z; z++)
        buf_addc(out, (char)(*z >= 'a' && *z <= 'z' ? *z - 'a' + 'A' : *z));
    buf_addf(out, " 1 \"\" \"haven %s\" \"Haven Manual\"\n.SH NAME\nhaven\\-%s \\- ", HAVEN_VERSION,
             command->name);
    add_line(out, str_from(command->summary));
    buf_addf(out, ".SH SYNOPSIS\n.B haven %s\n", command->name);
    if (*command->synopsis)
        add_line(out, str_from(command->synopsis));
    buf_addz(out, ".SH DESCRIPTION\n");
    add_paragraphs(out, command->help);
    for (size_t i = 0; cli_flag(command, i, &f) && !f.setting; i++) {
        buf_addz(out, options ? "" : ".SH OPTIONS\n");
        options = true;
        add_flag(out, &f);
    }
    if (command->config)
        add_settings(out);
    buf_addz(out, ".SH ENVIRONMENT\n");
    add_environment(out, command->config);
    buf_addz(out, ".SH EXIT STATUS\n");
    exit_write_roff(out);
    buf_addz(out, ".SH SEE ALSO\n.BR haven (1)\n");
}

static int run(struct cli *c, struct err *e)
{
    AUTO(buf) out = {0};
    buf_init(&out, CLI_TEXT_MAX);
    if (c->n_args) {
        const struct command *command = cli_find(c, c->args[0], e);
        if (!command)
            return -1;
        add_page(&out, command);
        return cli_print(buf_str(&out), e);
    }
    buf_addf(&out,
             ".TH HAVEN 1 \"\" \"haven %s\" \"Haven Manual\"\n"
             ".SH NAME\nhaven \\- a registry for AI models: server and client in one program\n"
             ".SH SYNOPSIS\n.B haven\n.I command\n[\\fIoption\\fR ...] [\\fIargument\\fR ...]\n"
             ".SH DESCRIPTION\n"
             "Haven stores AI models as OCI artifacts and serves them to registries' clients. One\n"
             "program is the server and the client.\n"
             ".SH COMMANDS\n",
             HAVEN_VERSION);
    for (size_t i = 0; i < c->n_commands; i++)
        if (!c->commands[i]->hidden)
            add_command(&out, c->commands[i]);
    add_settings(&out);
    buf_addz(&out, ".SH ENVIRONMENT\n");
    add_environment(&out, false);
    add_environment(&out, true);
    buf_addz(
        &out,
        ".PP\nand one variable for each setting above.\n"
        ".SH FILES\n"
        ".TP\n.I DATA/initial\\-admin\\-password\n"
        "The first administrator's password, when it was made by a server whose standard output\n"
        "is not a terminal.\n"
        ".TP\n.I DATA/lock\nHeld by the server that owns the directory.\n"
        ".SH EXIT STATUS\n");
    exit_write_roff(&out);
    buf_addz(&out, ".SH SEE ALSO\n");
    for (size_t i = 0; i < c->n_commands; i++)
        if (!c->commands[i]->hidden)
            buf_addf(&out, ".BR haven\\-%s (1)\n", c->commands[i]->name);
    return cli_print(buf_str(&out), e);
}

const struct command cmd_man = {
    .name = "man",
    .summary = "Print the manual page haven(1), or that of a command, in roff",
    .synopsis = "[COMMAND]",
    .help = "Read it with: haven man | man -l -\n\nWith COMMAND: haven-COMMAND(1).",
    .max_args = 1,
    .run = run,
};
