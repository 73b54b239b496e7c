/* SPDX-License-Identifier: Apache-2.0 */
/*
 * browser: what is done for browsers: the session cookie, and the CSRF token without which a
 * cookie changes nothing. Cookies and header have Harbor's names.
 */
#ifndef HAVEN_API_BROWSER_H
#define HAVEN_API_BROWSER_H

#include "api/app.h"

/* Who the session cookie stands for, if anybody, into id. DENIED: a change without a CSRF token. */
int browser_authenticate(struct http_req *rq, struct identity *id, struct err *e);
/* Gives a browser the token for its next change: where sessions count, and on the way there. */
void browser_offer_token(struct http_req *rq);
/* Does the request come from a page of this origin? DENIED. */
int browser_check_token(struct http_req *rq, struct err *e);

/* Sets the session cookie; an empty secret removes it. */
void browser_set_session(struct http_req *rq, struct str secret);
/* The secret in the session cookie, or STR_NULL. */
struct str browser_session(const struct http_req *rq);

#endif
