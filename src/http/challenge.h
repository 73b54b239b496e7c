/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge: the value of WWW-Authenticate, read strictly enough to be safe against any bytes and
 * leniently enough for registries in the field. Source: RFC 9110 11.2 to 11.6.1.
 */
#ifndef HAVEN_HTTP_CHALLENGE_H
#define HAVEN_HTTP_CHALLENGE_H

#include "base/limits.h"
#include "base/str.h"

#define HTTP_CHALLENGE_PARAMS 16

struct http_challenge_param {
    char name[32]; /* lower case, NUL-ended */
    size_t at, n;  /* the value in text */
};

struct http_challenge {
    char scheme[32]; /* lower case: "bearer", "basic" */
    struct http_challenge_param params[HTTP_CHALLENGE_PARAMS];
    size_t n_params;
    char text[LIMIT_CHALLENGE]; /* the values, unquoted */
    size_t text_n;
};

/* Takes the next challenge off *rest: 1 read, 0 at the end, -1 when what stands there is no
 * challenge (then *rest cannot be read on). A value may hold several; a repeated parameter counts
 * once, the first. */
int http_challenge_next(struct str *rest, struct http_challenge *ret);
/* A parameter's value, borrowed from c, or STR_NULL. name in lower case. */
struct str http_challenge_param(const struct http_challenge *c, const char *name);

#endif
