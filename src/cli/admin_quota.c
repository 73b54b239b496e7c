/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/operating.h"

static const struct cli_option options[] = {OPERATING_OPTIONS};

static int page(struct operate *o, struct arena *a, const void *ctx, int64_t offset,
                struct db_page *ret, struct err *e)
{
    (void)ctx;
    return operate_quota_list(o, a, offset, ret, e);
}

static struct str size_text(struct arena *a, int64_t bytes)
{
    char text[STR_SIZE_TEXT];
    return bytes == QUOTA_UNLIMITED ? STR("unlimited")
                                    : arena_str(a, str_from(str_size_text((double)bytes, text)));
}

static int cells(struct operate *o, struct arena *a, const void *row, struct str *ret,
                 struct err *e)
{
    const struct quota *q = row;

    (void)o;
    (void)e;
    ret[0] = q->project;
    ret[1] = size_text(a, q->used);
    ret[2] = size_text(a, q->hard);
    ret[3] = q->owner;
    return 0;
}

static void write_members(struct json_writer *w, const struct quota *q)
{
    jsonw_ki64(w, "id", q->id);
    jsonw_kstr(w, "project", q->project);
    jsonw_kstr(w, "owner", q->owner);
    jsonw_ki64(w, "used", q->used);
    jsonw_ki64(w, "hard", q->hard);
}

static int members(struct operate *o, struct arena *a, const void *row, struct json_writer *w,
                   struct err *e)
{
    (void)o;
    (void)a;
    (void)e;
    write_members(w, row);
    return 0;
}

static int list(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    static const struct str head[] = {
        {.p = "PROJECT", .n = 7},
        {.p = "USED", .n = 4},
        {.p = "HARD", .n = 4},
        {.p = "OWNER", .n = 5},
    };
    const struct operating_list l = {.name = "quotas",
                                     .head = head,
                                     .columns = ARRAY_LEN(head),
                                     .page = page,
                                     .size = sizeof(struct quota),
                                     .cells = cells,
                                     .members = members};

    (void)args;
    return operating_print_list(c, o, &l, e);
}

static int set(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    struct operating_answer a;
    struct quota q = {0};
    uint64_t bytes = 0;
    bool unlimited = strcmp(args[1], "unlimited") == 0;

    if (!unlimited && !str_size(str_from(args[1]), 1, INT64_MAX, &bytes))
        return ERR(e, USAGE, "a quota is a size such as 10GiB, or \"unlimited\", not \"%.40s\"",
                   args[1]);
    if (operate_quota_set(o, args[0], unlimited ? QUOTA_UNLIMITED : (int64_t)bytes, &q, e) < 0)
        return -1;
    struct json_writer *w = operating_begin(c, &a);
    if (w)
        write_members(w, &q);
    else
        buf_addf(&a.out, "%.*s: may hold %.*s, holds %.*s", S(q.project),
                 S(size_text(o->arena, q.hard)), S(size_text(o->arena, q.used)));
    return operating_end(&a, e);
}

static int run(struct cli *c, struct err *e)
{
    static const struct operating_verb verbs[] = {
        {"list", "", 0, 0, NULL, list},
        {"set", "PROJECT SIZE|unlimited", 2, 2, NULL, set},
    };
    return operating_run(c, verbs, ARRAY_LEN(verbs), e);
}

const struct command cmd_admin_quota = {
    .name = "admin-quota",
    .summary = "Show and set how much projects may hold",
    .synopsis = "list | set PROJECT SIZE|unlimited [OPTION ...]",
    .help = "Works on the data directory, beside its running server or without one. A quota counts "
            "at once; what\n"
            "a project holds already stays, even if it is more.\n"
            "\n"
            "  haven admin quota list\n"
            "  haven admin quota set vision 500GiB\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = CLI_ARGS_ANY,
    .words = "list|set",
    .run = run,
};
