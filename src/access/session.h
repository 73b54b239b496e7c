/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: browsers that are signed in. A session is a random secret in a cookie; the database
 * keeps its hash, so that sessions survive a restart and end everywhere at once. Each use moves the
 * end on (setting session_timeout); a new password ends all that are older, and none lives longer
 * than SESSION_LIFE_MS. Any thread.
 *
 * Cookies are sent by browsers whoever asks them to: a change by the right of a session needs a
 * CSRF token besides, which only a page of this origin can read. It is an HMAC-SHA256 of a random
 * value in a second cookie (double submit, with a key of the server).
 */
#ifndef HAVEN_ACCESS_SESSION_H
#define HAVEN_ACCESS_SESSION_H

#include "access/access.h"
#include "db/list.h"

#define SESSION_LIFE_MS (INT64_C(30) * 24 * 3600 * 1000)
/* Characters of a secret: 62 ^ 43 is more than 2 ^ 256. */
#define SESSION_SECRET 43
/* Sessions of one user; the one that was used longest ago ends when there would be more. */
#define SESSIONS_MAX 100

/* Proves a user by name or e-mail address and password: *ret is of ACCESS_SESSION, without a
 * session. Robots have none. UNAUTHORIZED, TOO_MANY_REQUESTS. */
int session_prove(struct access *x, struct arena *a, struct str peer, struct str principal,
                  struct str password, struct identity *ret, struct err *e);
/* Begins a session of id->user_id and gives the secret of the cookie; with an entry in the audit
 * log, whose actor the caller has set. agent: the browser, as it calls itself. */
int session_begin(struct access *x, struct arena *a, const struct identity *id, struct str agent,
                  struct str *ret_secret, struct err *e);
/* A sign-in that failed, for the audit log. */
int session_refused(struct access *x, struct str principal, struct err *e);
/* Whose session is it? renew: this counts as a use. 1, 0, -1. */
int session_find(struct access *x, struct arena *a, struct str secret, bool renew,
                 struct identity *ret, struct err *e);
/* Ends one session of a user, or (session_id 0) all of them. NOT_FOUND. */
int session_end(struct access *x, int64_t user_id, int64_t session_id, struct err *e);
/* Removes those whose time is over. */
int session_sweep(struct access *x, struct err *e);

struct session {
    int64_t id;
    struct str address, agent;
    int64_t created_ms, used_ms;
    bool current; /* for the caller to fill */
};
extern const struct db_list session_list_fields;
/* A page of struct session of one user. */
int session_list(struct access *x, struct arena *a, int64_t user_id, const struct db_list_query *q,
                 struct db_page *ret, struct err *e);

/* The CSRF token that belongs to a cookie's value. */
#define SESSION_CSRF_MAX 65
void session_csrf(struct access *x, struct str cookie, char ret[SESSION_CSRF_MAX]);
bool session_csrf_right(struct access *x, struct str cookie, struct str token);

#endif
