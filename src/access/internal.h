/* SPDX-License-Identifier: Apache-2.0 */
/* internal: what the files of access/ share. */
#ifndef HAVEN_ACCESS_INTERNAL_H
#define HAVEN_ACCESS_INTERNAL_H

#include "access/access.h"
#include "access/cache.h"
#include "access/key.h"
#include "access/password.h"
#include "access/revision.h"
#include "access/setting.h"
#include "access/throttle.h"
#include "access/user.h"
#include "base/limits.h"

/* Clocks of two machines may differ by this much. */
#define ACCESS_LEEWAY_S 60

struct access {
    struct db *db;
    struct access_key *key;
    struct access_hasher hasher;
    struct access_cache cache;
    struct access_throttle throttle;
    struct settings *settings;
    struct revision revision; /* that cache and settings are as new as */
};

/* user.c */
struct access_user {
    int64_t id; /* 0: there is none; below zero: a robot, its number negated */
    bool admin;
    int64_t password_changed_ms;
    char password_hash[ACCESS_PASSWORD_MAX];
};
/* 1, 0 (*ret untouched), -1. */
int access_user_find(struct access *x, struct db_conn *c, struct str username,
                     struct access_user *ret, struct err *e);

/* robot.c: the row of a robot (a name without the prefix) that may sign in, in the order of
 * Q_user_by_name: 1, 0, -1. */
int access_robot_row(struct db_conn *c, struct str name, struct db_rows *ret, struct err *e);
/* Is it the name of a robot? *ret: what stands behind the prefix. */
bool access_robot_name(struct access *x, struct str username, struct str *ret);
/* What a password for a name that nobody has is compared with: it costs what names of its kind
 * cost. */
const char *access_nobody(struct access *x, struct str username);
/* What a robot that has proven itself is. UNAUTHORIZED: it is disabled, gone, or its time is over.
 */
int access_robot_identity(struct access *x, struct arena *a, int64_t robot, struct identity *ret,
                          struct err *e);

/* personal.c: has it the form of a personal access token? */
bool access_personal_is(struct str secret);
/* Whose is it? username: STR_NULL, or the name it is sent with. 1, 0, -1. */
int access_personal_find(struct access *x, struct arena *a, struct str username, struct str token,
                         struct identity *ret, struct err *e);
/* Is this one of the user's, and not over? 1, 0, -1. */
int access_personal_alive(struct access *x, int64_t id, int64_t user_id, struct err *e);

/* Inside a transaction: adds the row of an account. CONFLICT. */
int access_user_insert(struct db_conn *c, const struct user *u, const char *hash, int64_t *ret_id,
                       struct err *e);

/* access.c: SHA-256 of a random secret, as the database keeps it. */
#define ACCESS_HASH_HEX 65
void access_hash_hex(struct str secret, char ret[ACCESS_HASH_HEX]);
/* access.c: writes down by q that the row of this number was used now. A use that cannot be written
 * (the disk is full) keeps nobody out. */
void access_used(struct access *x, enum db_query q, int64_t id, int64_t now_ms);
/* access.c: proves a name and a password, with cache and throttle. UNAUTHORIZED,
 * TOO_MANY_REQUESTS. */
int access_prove(struct access *x, struct str peer, struct str username, struct str password,
                 struct access_user *ret, struct err *e);
/* access.c: hashes a password in one of the places for it. */
int access_hash(struct access *x, struct str password, char ret[ACCESS_PASSWORD_MAX],
                struct err *e);
/* access.c: RFC 7617, base64 of user ':' password. Fills pair (of at least ACCESS_PAIR_MAX bytes),
 * to which the views point. false for what no account could have. */
#define ACCESS_PAIR_MAX (LIMIT_USERNAME + 1 + LIMIT_PASSWORD)
bool access_basic_parse(struct str text, struct buf *pair, struct str *ret_user,
                        struct str *ret_password);

/* token.c: what the claims of a token say, without a look at signature and account. UNAUTHORIZED,
 * TOKEN_STALE. */
int access_token_read(struct arena *a, struct str claims_text, int64_t now_s, struct identity *ret,
                      struct err *e);
/* The identity that a token stands for at now_s (unix seconds). UNAUTHORIZED, TOKEN_STALE. */
int access_token_verify(struct access *x, struct arena *a, struct str jwt, int64_t now_s,
                        struct identity *ret, struct err *e);

#endif
