/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/operating.h"

static const struct cli_option options[] = {OPERATING_OPTIONS};

/* The value as what it is: a number, a truth value, a text. */
static void write_value(struct json_writer *w, const struct setting_info *info, struct str text)
{
    jsonw_key(w, info->name);
    if (info->type == SETTING_TEXT)
        jsonw_str(w, text);
    else
        jsonw_raw(w, text);
}

static int list(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    static const struct str head[] = {
        {.p = "NAME", .n = 4}, {.p = "VALUE", .n = 5}, {.p = "WHAT IT IS", .n = 10}};
    struct operating_answer a;
    struct json_writer *w = operating_begin(c, &a);
    struct table t;

    (void)args;
    table_init(&t, o->arena, head, ARRAY_LEN(head));
    for (size_t i = 0; i < operate_setting_count(); i++) {
        const struct setting_info *info = operate_setting_info(i);
        const struct str cells[] = {str_from(info->name), operate_setting_text(o, i),
                                    str_from(info->doc)};
        if (w)
            write_value(w, info, cells[1]);
        else
            table_add(&t, cells);
    }
    if (!w) {
        table_write(&t, true, &a.out);
        buf_cut(&a.out, a.out.n - 1);
    }
    return operating_end(&a, e);
}

/* The values of the settings named; as people see them, alone or behind their names. */
static int show(struct cli *c, struct operate *o, const size_t *which, size_t n, bool bare,
                struct err *e)
{
    struct operating_answer a;
    struct json_writer *w = operating_begin(c, &a);

    for (size_t i = 0; i < n; i++) {
        const struct setting_info *info = operate_setting_info(which[i]);
        struct str text = operate_setting_text(o, which[i]);
        if (w)
            write_value(w, info, text);
        else if (bare)
            buf_adds(&a.out, text);
        else
            buf_addf(&a.out, "%s%s=%.*s", i ? "\n" : "", info->name, S(text));
    }
    return operating_end(&a, e);
}

static int get(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    size_t which;
    return operate_setting_find(str_from(args[0]), &which, e) < 0 ? -1
                                                                  : show(c, o, &which, 1, true, e);
}

static int set(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    size_t n = c->n_args - 1;
    size_t *which = ARENA_ARRAY(o->arena, n, size_t);

    if (operate_settings_set(o, args, n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct str value = str_from(args[i]), name = str_cut(&value, '=');
        if (operate_setting_find(name, &which[i], e) < 0)
            return -1;
    }
    return show(c, o, which, n, false, e);
}

static int run(struct cli *c, struct err *e)
{
    static const struct operating_verb verbs[] = {
        {"list", "", 0, 0, NULL, list},
        {"get", "NAME", 1, 1, NULL, get},
        {"set", "NAME=VALUE ...", 1, CLI_ARGS_ANY, NULL, set},
    };
    return operating_run(c, verbs, ARRAY_LEN(verbs), e);
}

const struct command cmd_admin_configuration = {
    .name = "admin-configuration",
    .summary = "Show and set what administrators change at run time",
    .synopsis = "list | get NAME | set NAME=VALUE ... [OPTION ...]",
    .help = "Works on the data directory, beside its running server or without one; a server takes "
            "notice within\n"
            "a second. These are the settings of /api/v2.0/configurations; those of the "
            "configuration file are\n"
            "shown by `haven config`. Of several settings all are set, or none.\n"
            "\n"
            "  haven admin configuration set read_only=true\n"
            "  haven admin configuration get token_expiration\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = CLI_ARGS_ANY,
    .words = "list|get|set",
    .run = run,
};
