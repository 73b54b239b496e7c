/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operate: what whoever owns a data directory changes in a shell: accounts, robots, quotas and
 * settings, beside a running server or without one.
 *
 * Each change is the one that the API makes, with the same rules and the same entry in the audit
 * log; who acts is "shell:NAME", the name of the user on this machine, which no account can have.
 * A running server takes notice within a second (access/revision.h). Read-only mode keeps nobody
 * out here: the operator is who gets a registry out of it. Results lie in the arena given. One
 * thread.
 */
#ifndef HAVEN_SERVER_OPERATE_H
#define HAVEN_SERVER_OPERATE_H

#include "access/robot.h"
#include "access/setting.h"
#include "access/user.h"
#include "registry/quota.h"
#include "server/beside.h"

struct operate {
    struct beside beside;
    struct access *access;
    struct arena *arena;
    struct identity who;
};

/* path: as beside_open; CONFIG, too, as long as no server made the first account. Not to be moved:
 * what this thread does is done by who, inside of it. */
int operate_open(const char *path, const struct config *config, struct arena *a,
                 struct operate *ret, struct err *e);
void operate_autodone(struct operate *o);

/* The most that one page of a list holds. */
#define OPERATE_PAGE 100

/* ---- accounts ---- */

/* Pages of struct user, by name. */
int operate_user_list(struct operate *o, struct arena *a, int64_t offset, struct db_page *ret,
                      struct err *e);
/* NOT_FOUND. */
int operate_user_find(struct operate *o, const char *name, struct user *ret, struct err *e);
/* admin of u counts, other than in the API. As user_create. */
int operate_user_create(struct operate *o, const struct user *u, struct str password,
                        struct err *e);
/* As user_password_change for who need not know the old one. The file with the first
 * administrator's password goes when that is no longer it. */
int operate_user_password(struct operate *o, const struct user *u, struct str password,
                          struct err *e);
/* As user_set_admin and user_remove. */
int operate_user_set_admin(struct operate *o, const struct user *u, bool admin, struct err *e);
int operate_user_remove(struct operate *o, const struct user *u, struct err *e);
/* A random one that the rules accept. */
struct str operate_password(struct operate *o);

/* ---- robots ---- */

/* project: STR_NULL for all robots, else those of this project. Pages of struct robot. NOT_FOUND:
 * there is no such project. */
int operate_robot_list(struct operate *o, struct arena *a, struct str project, int64_t offset,
                       struct db_page *ret, struct err *e);
/* name: as it signs in, or that without the prefix ("library+ci"). NOT_FOUND. */
int operate_robot_find(struct operate *o, const char *name, struct robot *ret, struct err *e);
/* What it may do, each right written "[PLACE/]RESOURCE:ACTION". PLACE: the name of a project, or
 * '*' for every project; without one, the system. */
int operate_robot_rights(struct operate *o, struct arena *a, const struct robot *r,
                         const char *const **ret, size_t *ret_n, struct err *e);
/* Makes one of r's name, description, duration, in project (NULL: of the system), with the rights
 * given as texts in the form of operate_robot_rights, where no place means the project of r if it
 * has one; the rest of r is filled. BAD_REQUEST, NOT_FOUND; secret and *ret_secret as robot_create.
 */
int operate_robot_create(struct operate *o, struct robot *r, const char *project,
                         const char *const *rights, size_t n, struct str secret,
                         struct str *ret_secret, struct err *e);
/* As robot_set_disabled, robot_secret_set and robot_remove. */
int operate_robot_set_disabled(struct operate *o, const struct robot *r, bool disabled,
                               struct err *e);
int operate_robot_secret(struct operate *o, const struct robot *r, struct str secret,
                         struct str *ret_secret, struct err *e);
int operate_robot_remove(struct operate *o, const struct robot *r, struct err *e);

/* ---- quotas ---- */

/* Pages of struct quota. */
int operate_quota_list(struct operate *o, struct arena *a, int64_t offset, struct db_page *ret,
                       struct err *e);
/* hard as quota_set; *ret: how it stands then. NOT_FOUND: there is no such project. */
int operate_quota_set(struct operate *o, const char *project, int64_t hard, struct quota *ret,
                      struct err *e);

/* ---- settings ---- */

/* The number of settings, each of which has a row (setting_info), and the one of this name; USAGE
 * names the nearest. */
size_t operate_setting_count(void);
const struct setting_info *operate_setting_info(size_t i);
int operate_setting_find(struct str name, size_t *ret, struct err *e);
/* Its value, as operate_settings_set takes it. */
struct str operate_setting_text(struct operate *o, size_t i);
/* "NAME=VALUE" each; all or none. USAGE, BAD_REQUEST. */
int operate_settings_set(struct operate *o, const char *const *pairs, size_t n, struct err *e);

#endif
