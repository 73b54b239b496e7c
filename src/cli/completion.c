/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts for shells, from the same tables as the help. */
#include "cli/command.h"

/* "text|json" as words. */
static void add_words(struct buf *out, const char *choices)
{
    for (const char *z = choices; *z; z++)
        buf_addc(out, *z == '|' ? ' ' : *z);
}

/* Inside single quotes; `special` characters get a backslash. */
static void add_quoted(struct buf *out, const char *text, const char *special)
{
    for (const char *z = text; *z; z++) {
        if (*z == '\'')
            buf_addz(out, "'\\''");
        else if (strchr(special, *z))
            buf_addf(out, "\\%c", *z);
        else
            buf_addc(out, *z);
    }
}

/* "name= title=": the value goes on behind the word. */
static void add_keys(struct buf *out, const struct cli_flag *f)
{
    const char *key, *help;
    for (size_t i = 0; (key = f->key(i, &help)) != NULL; i++)
        buf_addf(out, "%s%s=", i ? " " : "", key);
}

static void add_names(const struct cli *c, struct buf *out)
{
    for (size_t i = 0; i < c->n_commands; i++)
        if (!c->commands[i]->hidden)
            buf_addf(out, "%s%s", i ? " " : "", c->commands[i]->name);
}

/* "admin " of admin-collect, a command that is typed as two words; 0: it is typed as one. */
static size_t group_of(const struct command *command)
{
    const char *dash = strchr(command->name, '-');
    return dash ? (size_t)(dash - command->name) : 0;
}

static bool is_in_group(const struct command *command, const struct command *group)
{
    size_t n = group_of(command);
    return n && !command->hidden && strlen(group->name) == n &&
           strncmp(command->name, group->name, n) == 0;
}

/* The second words of a group's commands; of a command that is no group nothing. */
static bool add_members(const struct cli *c, const struct command *group, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < c->n_commands; i++) {
        if (!is_in_group(c->commands[i], group))
            continue;
        buf_addf(out, "%s%s", any ? " " : "", c->commands[i]->name + strlen(group->name) + 1);
        any = true;
    }
    return any;
}

static bool is_group(const struct cli *c, const struct command *command)
{
    for (size_t i = 0; i < c->n_commands; i++)
        if (is_in_group(c->commands[i], command))
            return true;
    return false;
}

/* What may stand first. */
static void add_first_words(const struct cli *c, struct buf *out)
{
    const char *blank = "";
    for (size_t i = 0; i < c->n_commands; i++) {
        if (c->commands[i]->hidden || group_of(c->commands[i]))
            continue;
        buf_addf(out, "%s%s", blank, c->commands[i]->name);
        blank = " ";
    }
}

/* 'admin collect'|'admin backup': commands that are typed as two words, as a pattern. */
static void add_pairs(const struct cli *c, struct buf *out)
{
    const char *bar = "";
    for (size_t i = 0; i < c->n_commands; i++) {
        size_t n = group_of(c->commands[i]);
        if (c->commands[i]->hidden || !n)
            continue;
        buf_addf(out, "%s'%.*s %s'", bar, (int)n, c->commands[i]->name,
                 c->commands[i]->name + n + 1);
        bar = "|";
    }
}

static bool is_help(const struct command *command)
{
    return strcmp(command->name, "help") == 0;
}

/* Is it known what its first argument may be? */
static bool has_first(const struct cli *c, const struct command *command)
{
    return command->words || is_help(command) || strcmp(command->name, "man") == 0 ||
           is_group(c, command);
}

/* What the first argument may be. */
static void add_first(const struct cli *c, const struct command *command, struct buf *out)
{
    if (command->words) {
        add_words(out, command->words);
    } else if (!add_members(c, command, out)) {
        add_names(c, out);
        buf_addz(out, is_help(command) ? " " CLI_TOPIC_EXIT : "");
    }
}

static void bash_command(const struct cli *c, const struct command *command, struct buf *out)
{
    struct cli_flag f;
    buf_addf(out, "    %s)\n        flags='", command->name);
    for (size_t i = 0; cli_flag(command, i, &f); i++)
        buf_addf(out, "%s--%s", i ? " " : "", f.name);
    buf_addz(out, "'\n");
    if (has_first(c, command)) {
        buf_addz(out, "        words='");
        add_first(c, command, out);
        buf_addz(out, "'\n");
    }
    buf_addz(out, "        case $prev in\n");
    for (size_t i = 0; cli_flag(command, i, &f); i++) {
        if (!f.metavar)
            continue;
        buf_addf(out, "        --%s) ", f.name);
        if (f.choices) {
            buf_addz(out, "COMPREPLY=($(compgen -W '");
            add_words(out, f.choices);
            buf_addz(out, "' -- \"$cur\")); ");
        } else if (f.key) {
            buf_addz(out, "COMPREPLY=($(compgen -W '");
            add_keys(out, &f);
            buf_addz(out, "' -- \"$cur\")); compopt -o nospace 2>/dev/null; ");
        }
        buf_addz(out, "return ;;\n");
    }
    buf_addz(out, "        esac\n        ;;\n");
}

static void bash(const struct cli *c, struct buf *out)
{
    buf_addz(out, "# bash completion for haven; load it with: source <(haven completion bash)\n"
                  "_haven()\n{\n"
                  "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                  "    local flags='' words='' command=${COMP_WORDS[1]} at=2\n"
                  "    COMPREPLY=()\n"
                  "    if ((COMP_CWORD == 1)); then\n"
                  "        COMPREPLY=($(compgen -W '");
    add_first_words(c, out);
    buf_addz(out, "' -- \"$cur\"))\n        return\n    fi\n"
                  "    case \"$command ${COMP_WORDS[2]}\" in\n    ");
    add_pairs(c, out);
    buf_addz(out, ")\n        ((COMP_CWORD > 2)) && command+=-${COMP_WORDS[2]} at=3 ;;\n"
                  "    esac\n    case $command in\n");
    for (size_t i = 0; i < c->n_commands; i++)
        if (!c->commands[i]->hidden)
            bash_command(c, c->commands[i], out);
    buf_addz(out, "    esac\n"
                  "    case $cur in\n"
                  "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")) ;;\n"
                  "    *) [[ $words ]] && ((COMP_CWORD == at)) &&\n"
                  "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
                  "    esac\n}\n"
                  "complete -o bashdefault -o default -F _haven haven\n");
}

static void zsh_flag(const struct cli_flag *f, struct buf *out)
{
    buf_addz(out, " \\\n            ");
    if (f->letter)
        buf_addf(out, "'(-%c --%s)'{-%c,--%s}'[", f->letter, f->name, f->letter, f->name);
    else
        buf_addf(out, "'--%s[", f->name);
    add_quoted(out, f->help, "[]:\\");
    buf_addc(out, ']');
    if (f->metavar)
        buf_addf(out, ":%s:", f->metavar);
    if (f->choices) {
        buf_addc(out, '(');
        add_words(out, f->choices);
        buf_addc(out, ')');
    } else if (f->key) {
        buf_addz(out, "{compadd -S \"\" -- ");
        add_keys(out, f);
        buf_addc(out, '}');
    } else if (f->metavar) {
        buf_addz(out, "_files");
    }
    buf_addc(out, '\'');
}

static void zsh(const struct cli *c, struct buf *out)
{
    struct cli_flag f;
    buf_addz(out, "#compdef haven\n"
                  "# zsh completion for haven; put it into a directory of $fpath as _haven\n"
                  "_haven()\n{\n    local -a commands\n    commands=(\n");
    for (size_t i = 0; i < c->n_commands; i++) {
        if (c->commands[i]->hidden || group_of(c->commands[i]))
            continue;
        buf_addf(out, "        '%s:", c->commands[i]->name);
        add_quoted(out, c->commands[i]->summary, ":\\");
        buf_addz(out, "'\n");
    }
    buf_addz(out, "    )\n"
                  "    if ((CURRENT == 2)); then\n"
                  "        _describe command commands\n"
                  "        return\n    fi\n"
                  "    shift words\n    ((CURRENT--))\n"
                  "    if ((CURRENT > 2)); then\n"
                  "        case \"$words[1] $words[2]\" in\n        ");
    add_pairs(c, out);
    buf_addz(out, ")\n"
                  "            words[1,2]=(\"$words[1]-$words[2]\")\n            ((CURRENT--)) ;;\n"
                  "        esac\n    fi\n"
                  "    case $words[1] in\n");
    for (size_t i = 0; i < c->n_commands; i++) {
        const struct command *command = c->commands[i];
        if (command->hidden)
            continue;
        buf_addf(out, "    %s)\n        _arguments", command->name);
        for (size_t j = 0; cli_flag(command, j, &f); j++)
            zsh_flag(&f, out);
        buf_addz(out, " \\\n            ");
        if (has_first(c, command)) {
            buf_addz(out, "'1:word:(");
            add_first(c, command, out);
            buf_addz(out, ")' ");
        }
        buf_addz(out, "'*:file:_files'\n        ;;\n");
    }
    buf_addz(out, "    esac\n}\n_haven \"$@\"\n");
}

/* When the words so far are those of the command. */
static void fish_condition(const struct cli *c, const struct command *command, struct buf *out)
{
    size_t n = group_of(command);

    if (n)
        buf_addf(out, "__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s",
                 (int)n, command->name, command->name + n + 1);
    else
        buf_addf(out, "__fish_seen_subcommand_from %s", command->name);
    if (is_group(c, command)) {
        buf_addz(out, "; and not __fish_seen_subcommand_from ");
        (void)add_members(c, command, out);
    }
}

static void fish_command(const struct cli *c, const struct command *command, struct buf *out)
{
    struct cli_flag f;
    if (!group_of(command)) {
        buf_addf(out, "complete -c haven -f -n __fish_use_subcommand -a %s -d '", command->name);
        add_quoted(out, command->summary, "\\");
        buf_addz(out, "'\n");
    }
    if (has_first(c, command)) {
        buf_addz(out, "complete -c haven -f -n '");
        fish_condition(c, command, out);
        buf_addz(out, "' -a '");
        add_first(c, command, out);
        buf_addz(out, "'\n");
    }
    for (size_t i = 0; cli_flag(command, i, &f); i++) {
        buf_addz(out, "complete -c haven -n '");
        fish_condition(c, command, out);
        buf_addf(out, "' -l %s", f.name);
        if (f.letter)
            buf_addf(out, " -s %c", f.letter);
        if (f.choices) {
            buf_addz(out, " -x -a '");
            add_words(out, f.choices);
            buf_addc(out, '\'');
        } else if (f.key) {
            buf_addz(out, " -x -a '");
            add_keys(out, &f);
            buf_addc(out, '\'');
        } else if (f.metavar) {
            buf_addz(out, " -r");
        }
        buf_addz(out, " -d '");
        /* fish knows \' inside single quotes, not the '\'' of the others. */
        for (const char *z = f.help; *z; z++)
            buf_addf(out, *z == '\'' || *z == '\\' ? "\\%c" : "%c", *z);
        buf_addz(out, "'\n");
    }
}

static void fish(const struct cli *c, struct buf *out)
{
    buf_addz(out,
             "# fish completion for haven; put it into ~/.config/fish/completions/haven.fish\n");
    for (size_t i = 0; i < c->n_commands; i++)
        if (!c->commands[i]->hidden)
            fish_command(c, c->commands[i], out);
}

static int run(struct cli *c, struct err *e)
{
    static const struct {
        const char *name;
        void (*write)(const struct cli *c, struct buf *out);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    AUTO(buf) out = {0};

    buf_init(&out, CLI_TEXT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(c->args[0], shells[i].name) == 0) {
            shells[i].write(c, &out);
            return cli_print(buf_str(&out), e);
        }
    }
    return ERR(e, USAGE, "no completion for \"%s\"; there is one for bash, zsh and fish",
               c->args[0]);
}

const struct command cmd_completion = {
    .name = "completion",
    .summary = "Print the completion script for a shell",
    .synopsis = "bash | zsh | fish",
    .help = "For bash, in this session:\n"
            "\n"
            "    source <(haven completion bash)",
    .min_args = 1,
    .max_args = 1,
    .words = "bash|zsh|fish",
    .run = run,
};
