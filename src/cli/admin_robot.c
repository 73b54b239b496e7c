/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "cli/operating.h"
#include "cli/prompt.h"

static const struct cli_option options[] = {
    {.name = "project",
     .metavar = "NAME",
     .help = "list: only robots of this project; create: make it one of this project."},
    {.name = "allow",
     .repeat = true,
     .metavar = "[PROJECT/]RESOURCE:ACTION",
     .help = "create: what it may do, as often as needed; \"*\" stands for every project, and "
             "without a place it is the robot's project, or the system."},
    {.name = "days",
     .metavar = "N",
     .help = "create: how long it may be used; without it, for ever."},
    {.name = "description", .metavar = "TEXT", .help = "create: what it is for."},
    {.name = "secret-stdin",
     .help = "create, refresh: read the secret from standard input, in place of a random one."},
    OPERATING_OPTIONS,
};

/* ---- list ---- */

static int page(struct operate *o, struct arena *a, const void *ctx, int64_t offset,
                struct db_page *ret, struct err *e)
{
    return operate_robot_list(o, a, str_from(ctx), offset, ret, e);
}

static struct str ends(struct arena *a, const struct robot *r)
{
    return r->expires_at < 0 ? STR("never") : operating_time(a, r->expires_at * 1000);
}

static int cells(struct operate *o, struct arena *a, const void *row, struct str *ret,
                 struct err *e)
{
    const struct robot *r = row;

    (void)o;
    (void)e;
    ret[0] = r->full_name;
    ret[1] = r->level;
    ret[2] = r->disabled ? STR("no") : STR("yes");
    ret[3] = ends(a, r);
    ret[4] = r->description;
    return 0;
}

/* The fields are called as in the API; what it may do is written as --allow takes it. */
static int members(struct operate *o, struct arena *a, const void *row, struct json_writer *w,
                   struct err *e)
{
    const struct robot *r = row;
    const char *const *rights;
    size_t n;

    if (operate_robot_rights(o, a, r, &rights, &n, e) < 0)
        return -1;
    jsonw_ki64(w, "id", r->id);
    jsonw_kstr(w, "name", r->full_name);
    jsonw_kstr(w, "level", r->level);
    jsonw_kstr(w, "description", r->description);
    jsonw_kbool(w, "disable", r->disabled);
    jsonw_ki64(w, "duration", r->duration);
    jsonw_ki64(w, "expires_at", r->expires_at);
    jsonw_key(w, "allow");
    jsonw_list(w);
    for (size_t i = 0; i < n; i++)
        jsonw_strz(w, rights[i]);
    jsonw_list_done(w);
    jsonw_kstr(w, "creation_time", operating_time(a, r->created_ms));
    return 0;
}

static int list(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    static const struct str head[] = {
        {.p = "NAME", .n = 4}, {.p = "LEVEL", .n = 5},        {.p = "ENABLED", .n = 7},
        {.p = "ENDS", .n = 4}, {.p = "DESCRIPTION", .n = 11},
    };
    const struct operating_list l = {.name = "robots",
                                     .head = head,
                                     .columns = ARRAY_LEN(head),
                                     .page = page,
                                     .ctx = cli_value(c, "project"),
                                     .size = sizeof(struct robot),
                                     .cells = cells,
                                     .members = members};

    (void)args;
    return operating_print_list(c, o, &l, e);
}

/* ---- making and changing ---- */

static int answer(const struct cli *c, const struct robot *r, const char *what, struct str secret,
                  struct err *e)
{
    struct operating_answer a;
    struct json_writer *w = operating_begin(c, &a);

    if (w) {
        jsonw_ki64(w, "id", r->id);
        jsonw_kstr(w, "name", r->full_name);
        jsonw_kstrz(w, "result", what);
        if (secret.n)
            jsonw_kstr(w, "secret", secret);
    } else {
        buf_addf(&a.out, "%.*s: %s", S(r->full_name), what);
        if (secret.n)
            buf_addf(&a.out, "\nsecret (shown only this once): %.*s", S(secret));
    }
    return operating_end(&a, e);
}

/* Of who runs the command, or STR_NULL: a random one is made. */
static int get_secret(const struct cli *c, struct buf *room, struct str *ret, struct err *e)
{
    *ret = STR_NULL;
    if (!cli_has(c, "secret-stdin"))
        return 0;
    if (operating_secret(c, "secret-stdin", "Secret", room, e) < 0)
        return -1;
    if (room->n == 0)
        return ERR(e, USAGE, "standard input holds no secret");
    *ret = buf_str(room);
    return 0;
}

static int get_days(const struct cli *c, int64_t *ret, struct err *e)
{
    const char *days = cli_value(c, "days");

    *ret = ROBOT_FOR_EVER;
    if (days && !str_i64(str_from(days), 1, ROBOT_DAYS_MAX, ret))
        return ERR(e, USAGE, "--days is a number of days from 1 on, not \"%.40s\"", days);
    return 0;
}

static int create(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    AUTO(buf) room = {0};
    const char **rights = ARENA_ARRAY(o->arena, c->n_given + 1, const char *);
    struct robot r = {.name = str_from(args[0]),
                      .description = str_from(cli_value(c, "description"))};
    struct str given, made;
    size_t n = 0;

    for (size_t at = 0; cli_next(c, "allow", &at, &rights[n]);)
        n++;
    if (n == 0)
        return ERR(e, USAGE, "a robot may do nothing without --allow [PROJECT/]RESOURCE:ACTION");
    buf_init(&room, OPERATING_SECRET_MAX);
    int rc = get_days(c, &r.duration, e);
    if (rc == 0)
        rc = get_secret(c, &room, &given, e);
    if (rc == 0)
        rc = operate_robot_create(o, &r, cli_value(c, "project"), rights, n, given, &made, e);
    prompt_wipe(&room);
    return rc < 0 ? -1 : answer(c, &r, "created", made, e);
}

static int refresh(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    AUTO(buf) room = {0};
    struct robot r = {0};
    struct str given, made;

    if (operate_robot_find(o, args[0], &r, e) < 0)
        return -1;
    buf_init(&room, OPERATING_SECRET_MAX);
    int rc = get_secret(c, &room, &given, e);
    if (rc == 0)
        rc = operate_robot_secret(o, &r, given, &made, e);
    prompt_wipe(&room);
    return rc < 0 ? -1 : answer(c, &r, "a new secret", made, e);
}

static int set_disabled(struct cli *c, struct operate *o, const char *name, bool disabled,
                        struct err *e)
{
    struct robot r = {0};

    if (operate_robot_find(o, name, &r, e) < 0 ||
        operate_robot_set_disabled(o, &r, disabled, e) < 0)
        return -1;
    return answer(c, &r, disabled ? "disabled" : "enabled", STR_NULL, e);
}

static int disable(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    return set_disabled(c, o, args[0], true, e);
}

static int enable(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    return set_disabled(c, o, args[0], false, e);
}

static int remove_robot(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    struct robot r = {0};

    if (operate_robot_find(o, args[0], &r, e) < 0 || operate_robot_remove(o, &r, e) < 0)
        return -1;
    return answer(c, &r, "removed", STR_NULL, e);
}

static int run(struct cli *c, struct err *e)
{
    static const struct operating_verb verbs[] = {
        {"list", "[--project NAME]", 0, 0, "project", list},
        {"create", "[--project NAME] --allow RIGHT ... NAME", 1, 1,
         "project|allow|days|description|secret-stdin", create},
        {"disable", "NAME", 1, 1, NULL, disable},
        {"enable", "NAME", 1, 1, NULL, enable},
        {"refresh", "[--secret-stdin] NAME", 1, 1, "secret-stdin", refresh},
        {"remove", "NAME", 1, 1, NULL, remove_robot},
    };
    return operating_run(c, verbs, ARRAY_LEN(verbs), e);
}

const struct command cmd_admin_robot = {
    .name = "admin-robot",
    .summary = "List, create, disable and remove accounts of programs",
    .synopsis = "list | create --allow RIGHT NAME | disable NAME | enable NAME | refresh NAME | "
                "remove NAME [OPTION ...]",
    .help = "Works on the data directory, beside its running server or without one; a server takes "
            "notice within\n"
            "a second. A robot is named as it signs in, or without the prefix: \"ci\" is one of "
            "the system,\n"
            "\"library+ci\" one of the project library. \"refresh\" gives it another secret; the "
            "old one and the\n"
            "tokens got with it end. A secret is made at random and shown once, unless "
            "--secret-stdin brings it.\n"
            "\n"
            "  haven admin robot create --project library --allow repository:push --days 90 ci\n"
            "  haven admin robot create --allow '*/repository:pull' --allow catalog:read reader\n"
            "  haven admin robot refresh library+ci\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = CLI_ARGS_ANY,
    .words = "list|create|disable|enable|refresh|remove",
    .run = run,
};
