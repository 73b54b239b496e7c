/* SPDX-License-Identifier: Apache-2.0 */
/* Robots, for who owns the data directory: named and given rights by words in place of numbers. */
#include "base/mem.h"
#include "server/operate.h"

static int find_project(struct operate *o, struct str name, int64_t *ret, struct err *e)
{
    struct project p = {0};
    int found = project_meant(&o->beside.registry, o->arena, name, &p, e);

    if (found <= 0)
        return found < 0 ? -1
                         : ERR(e, NOT_FOUND, "there is no project %.*s", S(str_head(name, 255)));
    *ret = p.id;
    return 0;
}

/* ---- looking ---- */

static struct db_match exactly(const char *field, const struct db_arg *value)
{
    return (struct db_match){.field = db_list_field(&robot_list_fields, str_from(field)),
                             .op = DB_MATCH_EXACT,
                             .values = value,
                             .n = 1};
}

int operate_robot_list(struct operate *o, struct arena *a, struct str project, int64_t offset,
                       struct db_page *ret, struct err *e)
{
    int64_t id = 0;

    if (project.p && find_project(o, project, &id, e) < 0)
        return -1;
    const struct db_arg value = DB_I64(id);
    const struct db_match match = exactly("project_id", &value);
    const struct db_list_query q = {
        .matches = &match, .n_matches = project.p != NULL, .limit = OPERATE_PAGE, .offset = offset};
    return robot_list(o->access, a, &q, ret, e);
}

int operate_robot_find(struct operate *o, const char *name, struct robot *ret, struct err *e)
{
    struct str prefix =
        setting_text(access_settings(o->access), SETTING_robot_name_prefix, o->arena);
    struct str bare = str_from(name), project = STR_NULL;
    struct db_page page = {0};
    int64_t id = 0;

    if (str_starts(bare, prefix))
        bare = str_skip(bare, prefix.n);
    if (str_chr(bare, '+') >= 0)
        project = str_cut(&bare, '+');
    if (project.p && find_project(o, project, &id, e) < 0)
        return -1;
    const struct db_arg values[] = {DB_I64(id), DB_TEXT(bare)};
    const struct db_match matches[] = {exactly("project_id", &values[0]),
                                       exactly("name", &values[1])};
    const struct db_list_query q = {
        .matches = matches, .n_matches = ARRAY_LEN(matches), .limit = 1};
    if (robot_list(o->access, o->arena, &q, &page, e) < 0)
        return -1;
    if (page.n == 0)
        return ERR(e, NOT_FOUND, "there is no robot %.300s", name);
    *ret = *(const struct robot *)page.v;
    return 0;
}

/* ---- rights ---- */

int operate_robot_rights(struct operate *o, struct arena *a, const struct robot *r,
                         const char *const **ret, size_t *ret_n, struct err *e)
{
    struct access_robot all;

    if (robot_grants(o->access, a, r->id, &all, e) < 0)
        return -1;
    const char **texts = ARENA_ARRAY(a, all.n + 1, const char *);
    for (size_t i = 0; i < all.n; i++) {
        const struct access_robot_grant *g = &all.grants[i];
        const char *name = permission_name((enum permission)g->permission);
        if (g->kind == ACCESS_ROBOT_SYSTEM)
            texts[i] = name;
        else if (g->project_id == 0)
            texts[i] = arena_printf(a, "*/%s", name);
        else
            texts[i] = arena_printf(a, "%.*s/%s", S(g->project), name);
    }
    *ret = texts;
    *ret_n = all.n;
    return 0;
}

static int read_right(struct operate *o, const struct robot *r, const char *text,
                      struct access_robot_grant *ret, struct err *e)
{
    struct str what = str_from(text), place = STR_NULL;
    struct access_robot_grant g = {.kind = ACCESS_ROBOT_PROJECT, .project_id = r->project_id};
    enum permission permission;

    if (str_chr(what, '/') >= 0)
        place = str_cut(&what, '/');
    struct str action = what, resource = str_cut(&action, ':');
    if (!action.p)
        return ERR(e, BAD_REQUEST, "\"%.200s\" is not written [PROJECT/]RESOURCE:ACTION", text);
    if (!place.p && !r->project_id)
        g.kind = ACCESS_ROBOT_SYSTEM;
    else if (place.p && !str_eqz(place, "*") && find_project(o, place, &g.project_id, e) < 0)
        return -1;
    if (r->project_id && ((place.p && str_eqz(place, "*")) || g.project_id != r->project_id))
        return ERR(e, BAD_REQUEST, "\"%.200s\": a robot of a project has no rights elsewhere",
                   text);
    if (robot_permission(g.kind, resource, action, &permission, e) < 0)
        return -1;
    g.permission = (unsigned)permission;
    *ret = g;
    return 0;
}

/* ---- changing ---- */

int operate_robot_create(struct operate *o, struct robot *r, const char *project,
                         const char *const *rights, size_t n, struct str secret,
                         struct str *ret_secret, struct err *e)
{
    struct access_robot_grant *grants = ARENA_ARRAY(o->arena, n + 1, struct access_robot_grant);

    if (project && find_project(o, str_from(project), &r->project_id, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (read_right(o, r, rights[i], &grants[i], e) < 0)
            return -1;
    const struct access_robot all = {.grants = grants, .n = n};
    /* Whoever owns the data directory has no account: the first one stands for them. */
    return robot_create(o->access, o->arena, r, &all, secret, USER_FIRST_ID, ret_secret, e);
}

int operate_robot_set_disabled(struct operate *o, const struct robot *r, bool disabled,
                               struct err *e)
{
    return robot_set_disabled(o->access, r, disabled, e);
}

int operate_robot_secret(struct operate *o, const struct robot *r, struct str secret,
                         struct str *ret_secret, struct err *e)
{
    return robot_secret_set(o->access, o->arena, r, secret, ret_secret, e);
}

int operate_robot_remove(struct operate *o, const struct robot *r, struct err *e)
{
    return robot_remove(o->access, r, e);
}
