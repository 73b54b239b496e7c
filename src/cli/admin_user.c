/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "cli/operating.h"
#include "cli/prompt.h"

static const struct cli_option options[] = {
    {.name = "email", .metavar = "ADDRESS", .help = "create: its e-mail address; needed."},
    {.name = "realname", .metavar = "TEXT", .help = "create: what it is called."},
    {.name = "comment", .metavar = "TEXT", .help = "create: a remark of up to 30 characters."},
    {.name = "admin", .help = "create: it administers the whole system."},
    {.name = "password-stdin", .help = "create, password: read it from standard input."},
    {.name = "random", .help = "create, password: make a random one, and print it this once."},
    OPERATING_OPTIONS,
};

/* ---- list ---- */

static int page(struct operate *o, struct arena *a, const void *ctx, int64_t offset,
                struct db_page *ret, struct err *e)
{
    (void)ctx;
    return operate_user_list(o, a, offset, ret, e);
}

static int cells(struct operate *o, struct arena *a, const void *row, struct str *ret,
                 struct err *e)
{
    const struct user *u = row;

    (void)o;
    (void)e;
    ret[0] = u->username;
    ret[1] = u->admin ? STR("yes") : STR("no");
    ret[2] = u->email;
    ret[3] = operating_time(a, u->created_ms);
    ret[4] = u->realname;
    return 0;
}

/* The fields are called as in the API. */
static int members(struct operate *o, struct arena *a, const void *row, struct json_writer *w,
                   struct err *e)
{
    const struct user *u = row;

    (void)o;
    (void)e;
    jsonw_ki64(w, "user_id", u->id);
    jsonw_kstr(w, "username", u->username);
    jsonw_kstr(w, "email", u->email);
    jsonw_kstr(w, "realname", u->realname);
    jsonw_kstr(w, "comment", u->comment);
    jsonw_kbool(w, "sysadmin_flag", u->admin);
    jsonw_kstr(w, "creation_time", operating_time(a, u->created_ms));
    jsonw_kstr(w, "update_time", operating_time(a, u->updated_ms));
    return 0;
}

static int list(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    static const struct str head[] = {
        {.p = "NAME", .n = 4},    {.p = "ADMIN", .n = 5},     {.p = "EMAIL", .n = 5},
        {.p = "CREATED", .n = 7}, {.p = "REAL NAME", .n = 9},
    };
    const struct operating_list l = {.name = "users",
                                     .head = head,
                                     .columns = ARRAY_LEN(head),
                                     .page = page,
                                     .size = sizeof(struct user),
                                     .cells = cells,
                                     .members = members};

    (void)args;
    return operating_print_list(c, o, &l, e);
}

/* ---- passwords ---- */

/* *ret: what was made at random, else STR_NULL. */
static int get_password(const struct cli *c, struct operate *o, struct buf *password,
                        struct str *ret, struct err *e)
{
    *ret = STR_NULL;
    if (cli_has(c, "random") && cli_has(c, "password-stdin"))
        return ERR(e, USAGE, "--random and --password-stdin exclude each other");
    if (!cli_has(c, "random"))
        return operating_secret(c, "password-stdin", "New password", password, e);
    *ret = operate_password(o);
    buf_adds(password, *ret);
    return 0;
}

static int answer(const struct cli *c, const char *name, const char *what, struct str password,
                  struct err *e)
{
    struct operating_answer a;
    struct json_writer *w = operating_begin(c, &a);

    if (w) {
        jsonw_kstrz(w, "username", name);
        jsonw_kstrz(w, "result", what);
        if (password.n)
            jsonw_kstr(w, "password", password);
    } else {
        buf_addf(&a.out, "%s: %s", name, what);
        if (password.n)
            buf_addf(&a.out, "\npassword (shown only this once): %.*s", S(password));
    }
    return operating_end(&a, e);
}

static int create(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    AUTO(buf) password = {0};
    const struct user u = {.username = str_from(args[0]),
                           .email = str_from(cli_value(c, "email")),
                           .realname = str_from(cli_value(c, "realname")),
                           .comment = str_from(cli_value(c, "comment")),
                           .admin = cli_has(c, "admin")};
    struct str made;

    if (!u.email.p)
        return ERR(e, USAGE, "an account needs an address: --email ADDRESS");
    buf_init(&password, OPERATING_SECRET_MAX);
    int rc = get_password(c, o, &password, &made, e);
    if (rc == 0)
        rc = operate_user_create(o, &u, buf_str(&password), e);
    prompt_wipe(&password);
    return rc < 0 ? -1 : answer(c, args[0], "created", made, e);
}

static int set_password(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    AUTO(buf) password = {0};
    struct user u = {0};
    struct str made;

    if (operate_user_find(o, args[0], &u, e) < 0)
        return -1;
    buf_init(&password, OPERATING_SECRET_MAX);
    int rc = get_password(c, o, &password, &made, e);
    if (rc == 0)
        rc = operate_user_password(o, &u, buf_str(&password), e);
    prompt_wipe(&password);
    return rc < 0 ? -1 : answer(c, args[0], "a new password", made, e);
}

/* ---- the rest ---- */

static int promote(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    struct user u = {0};

    if (operate_user_find(o, args[0], &u, e) < 0 || operate_user_set_admin(o, &u, true, e) < 0)
        return -1;
    return answer(c, args[0], "administers the system", STR_NULL, e);
}

static int demote(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    struct user u = {0};

    if (operate_user_find(o, args[0], &u, e) < 0 || operate_user_set_admin(o, &u, false, e) < 0)
        return -1;
    return answer(c, args[0], "administers the system no longer", STR_NULL, e);
}

static int remove_user(struct cli *c, struct operate *o, const char *const *args, struct err *e)
{
    struct user u = {0};

    if (operate_user_find(o, args[0], &u, e) < 0 || operate_user_remove(o, &u, e) < 0)
        return -1;
    return answer(c, args[0], "removed", STR_NULL, e);
}

static int run(struct cli *c, struct err *e)
{
    static const struct operating_verb verbs[] = {
        {"list", "", 0, 0, NULL, list},
        {"create", "--email ADDRESS NAME", 1, 1,
         "email|realname|comment|admin|password-stdin|random", create},
        {"remove", "NAME", 1, 1, NULL, remove_user},
        {"password", "NAME", 1, 1, "password-stdin|random", set_password},
        {"promote", "NAME", 1, 1, NULL, promote},
        {"demote", "NAME", 1, 1, NULL, demote},
    };
    return operating_run(c, verbs, ARRAY_LEN(verbs), e);
}

const struct command cmd_admin_user = {
    .name = "admin-user",
    .summary = "List, create, change and remove accounts of people",
    .synopsis = "list | create --email ADDRESS NAME | password NAME | promote NAME | demote NAME | "
                "remove NAME [OPTION ...]",
    .help = "Works on the data directory, beside its running server or without one; a server takes "
            "notice within\n"
            "a second. \"password\" is also the way back in when nobody knows the password of an "
            "administrator\n"
            "any more. \"promote\" makes somebody an administrator of the whole system, "
            "\"demote\" ends it; the\n"
            "first account stays one and cannot be removed.\n"
            "\n"
            "A password is asked for at the terminal, twice, and never stands on the command "
            "line. It has 8 to 128\n"
            "characters, among them an upper-case letter, a lower-case one and a digit.\n"
            "\n"
            "  haven admin user password --data /srv/haven admin\n"
            "  haven admin user create --email ada@example.org --random ada\n"
            "  haven admin user list --json\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = CLI_ARGS_ANY,
    .words = "list|create|remove|password|promote|demote",
    .run = run,
};
