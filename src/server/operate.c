/* SPDX-License-Identifier: Apache-2.0 */
#include "server/operate.h"

#include "access/audit.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/suggest.h"
#include "server/datadir.h"

#include <pwd.h>
#include <unistd.h>

enum { RANDOM_CHARS = 24 };

/* ---- opening ---- */

/* Who runs the program, as the machine knows them; a number where it knows no name. */
static struct str shell_user(struct arena *a)
{
    char room[4096];
    struct passwd entry, *found = NULL;

    if (getpwuid_r(getuid(), &entry, room, sizeof(room), &found) == 0 && found)
        return str_from(arena_printf(a, "shell:%.200s", found->pw_name));
    return str_from(arena_printf(a, "shell:%lu", (unsigned long)getuid()));
}

/* Who makes the first account here would take the place of the one that the server is about to
 * make. */
static int check_begun(struct operate *o, struct err *e)
{
    struct user first = {0};
    int found = user_find(o->access, o->arena, USER_FIRST_ID, &first, e);

    return found > 0   ? 0
           : found < 0 ? -1
                       : ERR(e, CONFIG, "its server has not come up yet, not even once");
}

int operate_open(const char *path, const struct config *config, struct arena *a,
                 struct operate *ret, struct err *e)
{
    struct operate *o = ret;

    *o = (struct operate){.beside = {.data_dir = -1}, .arena = a};
    if (beside_open(path, config, &o->beside, e) < 0)
        return -1;
    if (access_open_beside(o->beside.registry.db, &o->access, e) < 0 || check_begun(o, e) < 0) {
        operate_autodone(o);
        return err_wrap(e, "data directory %s", path);
    }
    setting_default_int(access_settings(o->access), SETTING_token_expiration,
                        config->auth_token_expiration);
    o->who = (struct identity){.proof = ACCESS_BASIC, .username = shell_user(a), .admin = true};
    audit_act_as(&o->who);
    return 0;
}

void operate_autodone(struct operate *o)
{
    audit_act_as(NULL);
    access_close(o->access);
    beside_autodone(&o->beside);
}

/* ---- accounts ---- */

int operate_user_list(struct operate *o, struct arena *a, int64_t offset, struct db_page *ret,
                      struct err *e)
{
    const struct db_list_query q = {.limit = OPERATE_PAGE, .offset = offset};
    return user_list(o->access, a, &q, ret, e);
}

int operate_user_find(struct operate *o, const char *name, struct user *ret, struct err *e)
{
    int64_t id;
    int found = user_find_by_name(o->access, str_from(name), &id, e);

    if (found > 0)
        found = user_find(o->access, o->arena, id, ret, e);
    return found > 0 ? 0 : found < 0 ? -1 : ERR(e, NOT_FOUND, "there is no user %.255s", name);
}

int operate_user_create(struct operate *o, const struct user *u, struct str password, struct err *e)
{
    int64_t id;
    return user_create(o->access, u, password, &id, e);
}

int operate_user_password(struct operate *o, const struct user *u, struct str password,
                          struct err *e)
{
    if (user_password_change(o->access, u->id, NULL, password, e) < 0)
        return -1;
    return u->id == USER_FIRST_ID ? datadir_forget_password(o->beside.data_dir, e) : 0;
}

int operate_user_set_admin(struct operate *o, const struct user *u, bool admin, struct err *e)
{
    return user_set_admin(o->access, u->id, admin, e);
}

int operate_user_remove(struct operate *o, const struct user *u, struct err *e)
{
    return user_remove(o->access, u->id, e);
}

struct str operate_password(struct operate *o)
{
    char *made = arena_alloc(o->arena, RANDOM_CHARS + 1);

    do
        random_alnum(made, RANDOM_CHARS);
    while (user_password_check(str_from(made), "password", NULL) < 0);
    return str_from(made);
}

/* ---- quotas ---- */

int operate_quota_list(struct operate *o, struct arena *a, int64_t offset, struct db_page *ret,
                       struct err *e)
{
    const struct db_list_query q = {.limit = OPERATE_PAGE, .offset = offset};
    return quota_list(&o->beside.registry, a, &q, ret, e);
}

int operate_quota_set(struct operate *o, const char *project, int64_t hard, struct quota *ret,
                      struct err *e)
{
    struct registry *r = &o->beside.registry;
    struct project p = {0};
    int found = project_meant(r, o->arena, str_from(project), &p, e);

    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "there is no project %.255s", project);
    if (quota_set(r, p.id, hard, e) < 0)
        return -1;
    found = quota_find(r, o->arena, p.id, ret, e);
    return found > 0 ? 0 : found < 0 ? -1 : ERR(e, NOT_FOUND, "there is no project %s", project);
}

/* ---- settings ---- */

size_t operate_setting_count(void)
{
    return SETTING_COUNT;
}

const struct setting_info *operate_setting_info(size_t i)
{
    BUG_ON(i >= SETTING_COUNT);
    return setting_info((enum setting)i);
}

int operate_setting_find(struct str name, size_t *ret, struct err *e)
{
    struct suggest near;

    suggest_init(&near, name);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (str_eqz(name, operate_setting_info(i)->name)) {
            *ret = i;
            return 0;
        }
        suggest_try(&near, str_from(operate_setting_info(i)->name));
    }
    struct str best = suggest_best(&near);
    if (best.n)
        return ERR(e, USAGE, "there is no setting \"%.*s\"; did you mean \"%.*s\"?",
                   S(str_head(name, 60)), S(best));
    return ERR(e, USAGE,
               "there is no setting \"%.*s\"; `haven admin configuration list` shows them",
               S(str_head(name, 60)));
}

struct str operate_setting_text(struct operate *o, size_t i)
{
    struct settings *s = access_settings(o->access);
    enum setting which = (enum setting)i;

    switch (operate_setting_info(i)->type) {
    case SETTING_BOOL:
        return setting_bool(s, which) ? STR("true") : STR("false");
    case SETTING_INT:
        return str_from(arena_printf(o->arena, "%lld", (long long)setting_int(s, which)));
    case SETTING_TEXT:
        break;
    }
    return setting_text(s, which, o->arena);
}

int operate_settings_set(struct operate *o, const char *const *pairs, size_t n, struct err *e)
{
    struct setting_change changes[SETTING_COUNT];
    bool seen[SETTING_COUNT] = {false};
    size_t used = 0, which;

    for (size_t i = 0; i < n; i++) {
        struct str value = str_from(pairs[i]), name = str_cut(&value, '=');
        if (!value.p)
            return ERR(e, USAGE, "\"%.60s\" is not written NAME=VALUE", pairs[i]);
        if (operate_setting_find(name, &which, e) < 0)
            return -1;
        if (seen[which])
            return ERR(e, USAGE, "\"%.*s\" is given twice", S(name));
        seen[which] = true;
        changes[used++] = (struct setting_change){.which = (enum setting)which, .text = value};
    }
    return setting_try(changes, used, e) < 0
               ? -1
               : setting_change_all(access_settings(o->access), changes, used, e);
}
