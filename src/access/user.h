/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user: the accounts of people: made, listed, changed, removed. The rules for names and passwords
 * are those of Harbor. Results lie in the arena given. Any thread; hashing a password waits.
 */
#ifndef HAVEN_ACCESS_USER_H
#define HAVEN_ACCESS_USER_H

#include "access/access.h"
#include "db/list.h"

/* The first account; it can neither be removed nor lose its rights. */
#define USER_FIRST_ID 1

struct user {
    int64_t id;
    struct str username, email, realname, comment;
    bool admin;
    bool from_group; /* admin through a group of an identity provider */
    int64_t created_ms, updated_ms;
};

/* The fields that lists of users are asked by. */
extern const struct db_list user_list_fields;

/* 1, 0, -1. */
int user_find(struct access *x, struct arena *a, int64_t id, struct user *ret, struct err *e);
int user_find_by_name(struct access *x, struct str username, int64_t *ret_id, struct err *e);
int user_find_by_email(struct access *x, struct str email, int64_t *ret_id, struct err *e);
/* A page of struct user. */
int user_list(struct access *x, struct arena *a, const struct db_list_query *q, struct db_page *ret,
              struct err *e);

/* Adds one; id and times of u are not looked at. A password has 8 to LIMIT_PASSWORD characters with
 * an upper-case letter, a lower-case one and a digit. BAD_REQUEST names the field that is not
 * acceptable; CONFLICT: name or address are taken. */
int user_create(struct access *x, const struct user *u, struct str password, int64_t *ret_id,
                struct err *e);
/* Changes address, real name and comment of u->id. NOT_FOUND, BAD_REQUEST, CONFLICT. */
int user_set_profile(struct access *x, const struct user *u, struct err *e);
/* NOT_FOUND; DENIED for the first account. */
int user_set_admin(struct access *x, int64_t id, bool admin, struct err *e);
int user_remove(struct access *x, int64_t id, struct err *e);
/* BAD_REQUEST: not acceptable as a password or ("secret") as what robots sign in with. */
int user_password_check(struct str password, const char *what, struct err *e);
/* Changes a password; old: what is in force, or STR_NULL for who need not know. BAD_REQUEST: the
 * new one is not acceptable or the same; DENIED: the old one is wrong. */
int user_password_change(struct access *x, int64_t id, const struct str *old, struct str password,
                         struct err *e);

#endif
