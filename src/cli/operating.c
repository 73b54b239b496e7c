/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/operating.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "cli/prompt.h"

/* ---- the line ---- */

static const struct operating_verb *find_verb(struct cli *c, const struct operating_verb *verbs,
                                              size_t n, struct err *e)
{
    AUTO(buf) all = {0};
    struct suggest near;

    buf_init(&all, CLI_TEXT_MAX);
    suggest_init(&near, str_from(c->args[0]));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(verbs[i].name, c->args[0]) == 0)
            return &verbs[i];
        suggest_try(&near, str_from(verbs[i].name));
        buf_addf(&all, "%s%s", i ? ", " : "", verbs[i].name);
    }
    struct str best = suggest_best(&near);
    const char *spoken = cli_spoken(&c->arena, c->command);
    if (best.n)
        ERR(e, USAGE, "there is no \"haven %s %.40s\"; did you mean \"%.*s\"?", spoken, c->args[0],
            S(best));
    else
        ERR(e, USAGE, "there is no \"haven %s %.40s\"; there is %s", spoken, c->args[0], all.p);
    return NULL;
}

static bool is_one_of(const char *names, const char *name)
{
    struct str rest = str_from(names);
    while (rest.p)
        if (str_eqz(str_cut(&rest, '|'), name))
            return true;
    return false;
}

static int check_line(struct cli *c, const struct operating_verb *v, struct err *e)
{
    const char *spoken = cli_spoken(&c->arena, c->command);

    if (c->n_args - 1 < v->min || c->n_args - 1 > v->max)
        return ERR(e, USAGE, "%s; usage: haven %s %s %s",
                   c->n_args - 1 < v->min ? "an argument is missing"
                                          : "there are too many arguments",
                   spoken, v->name, v->args);
    for (size_t i = 0; i < c->n_given; i++) {
        const struct cli_option *given = c->given[i].option;
        if (given && !is_one_of("data|config|json", given->name) &&
            !is_one_of(v->options, given->name))
            return ERR(e, USAGE, "option --%s is not for \"haven %s %s\"", given->name, spoken,
                       v->name);
    }
    return 0;
}

static int run_on(struct cli *c, const struct operating_verb *v, const struct config *config,
                  struct err *e)
{
    AUTO(arena) arena = {0};
    const char *dir = cli_value(c, "data");
    struct operate o;

    arena_init(&arena, LIMIT_OPERATING_PAGE);
    if (operate_open(dir ? dir : config->data, config, &arena, &o, e) < 0)
        return -1;
    int rc = v->run(c, &o, c->args + 1, e);
    operate_autodone(&o);
    return rc;
}

int operating_run(struct cli *c, const struct operating_verb *verbs, size_t n, struct err *e)
{
    const struct operating_verb *v = find_verb(c, verbs, n, e);
    struct config config;

    if (!v || check_line(c, v, e) < 0 || settings_load(c, &config, e) < 0)
        return -1;
    int rc = run_on(c, v, &config, e);
    config_done(&config);
    return rc;
}

/* ---- secrets ---- */

int operating_secret(const struct cli *c, const char *stdin_option, const char *what,
                     struct buf *out, struct err *e)
{
    AUTO(buf) again = {0};
    char question[64];

    if (cli_has(c, stdin_option))
        return prompt_stdin(out, e);
    buf_init(&again, out->max);
    snprintf(question, sizeof(question), "%s: ", what);
    if (prompt_line(question, true, out, e) < 0)
        return err_wrap(e, "a new password is missing (--%s)", stdin_option);
    snprintf(question, sizeof(question), "%s again: ", what);
    int rc = prompt_line(question, true, &again, e);
    bool same = str_eq(buf_str(out), buf_str(&again));
    prompt_wipe(&again);
    if (rc == 0 && !same)
        return ERR(e, USAGE, "the two are not the same; nothing was changed");
    return rc;
}

/* ---- answers ---- */

struct str operating_time(struct arena *a, int64_t ms)
{
    char text[CLOCK_TEXT_MAX];
    return ms ? arena_str(a, str_from(clock_rfc3339(ms, text))) : STR("");
}

struct json_writer *operating_begin(const struct cli *c, struct operating_answer *a)
{
    *a = (struct operating_answer){.json = cli_has(c, "json")};
    buf_init(&a->out, LIMIT_OPERATING_PAGE);
    jsonw_init(&a->w, &a->out);
    if (a->json)
        jsonw_object(&a->w);
    return a->json ? &a->w : NULL;
}

int operating_end(struct operating_answer *a, struct err *e)
{
    if (a->json)
        jsonw_object_done(&a->w);
    buf_addc(&a->out, '\n');
    int rc = cli_print(buf_str(&a->out), e);
    prompt_wipe(&a->out);
    buf_done(&a->out);
    return rc;
}

static int flush(struct buf *out, struct err *e)
{
    if (!buf_ok(out))
        return ERR(e, LIMIT, "a row of the list is too long");
    int rc = cli_print(buf_str(out), e);
    buf_reset(out);
    return rc;
}

/* What is found out about a row goes with it: a robot may have thousands of rights. */
static int write_rows(struct operate *o, const struct operating_list *list,
                      const struct db_page *page, struct json_writer *w, struct table *t,
                      struct err *e)
{
    AUTO(arena) arena = {0};
    const char *row = page->v;

    arena_init(&arena, LIMIT_OPERATING_PAGE);
    for (size_t i = 0; i < page->n; i++, row += list->size) {
        struct str cells[TABLE_COLUMNS];
        arena_reset(&arena);
        if (!w) {
            if (list->cells(o, &arena, row, cells, e) < 0)
                return -1;
            table_add(t, cells);
            continue;
        }
        jsonw_object(w);
        if (list->members(o, &arena, row, w, e) < 0)
            return -1;
        jsonw_object_done(w);
        if (w->out->n >= MIB && flush(w->out, e) < 0)
            return -1;
    }
    return 0;
}

int operating_print_list(const struct cli *c, struct operate *o, const struct operating_list *list,
                         struct err *e)
{
    AUTO(arena) arena = {0};
    AUTO(buf) out = {0};
    bool json = cli_has(c, "json");
    struct json_writer w;
    struct db_page page = {0};
    struct table t;
    int64_t offset = 0;

    arena_init(&arena, LIMIT_OPERATING_PAGE);
    buf_init(&out, LIMIT_OPERATING_PAGE);
    jsonw_init(&w, &out);
    table_init(&t, &arena, list->head, list->columns);
    if (json) {
        jsonw_object(&w);
        jsonw_key(&w, list->name);
        jsonw_list(&w);
    }
    do {
        if (list->page(o, &arena, list->ctx, offset, &page, e) < 0 ||
            write_rows(o, list, &page, json ? &w : NULL, &t, e) < 0)
            return -1;
        if (!json)
            table_write(&t, offset == 0, &out);
        offset += (int64_t)page.n;
        arena_reset(&arena);
        if (flush(&out, e) < 0)
            return -1;
    } while (page.n == OPERATE_PAGE);
    if (json) {
        jsonw_list_done(&w);
        jsonw_object_done(&w);
        buf_addc(&out, '\n');
    }
    return flush(&out, e);
}
