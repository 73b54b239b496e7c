/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract: what a route takes and gives (http_route.contract), beside the row that says who may
 * use it. The OpenAPI file is made of both.
 */
#ifndef HAVEN_API_CONTRACT_H
#define HAVEN_API_CONTRACT_H

#include "api/object.h"
#include "base/buf.h"
#include "db/list.h"
#include "http/http.h"

/* A parameter of the query. */
struct api_query {
    const char *name;
    enum api_type type; /* API_INT, API_BOOL, API_STR */
    const char *doc;
    bool required;
};

struct api_contract {
    const char *operation;          /* its name in the OpenAPI file */
    const struct api_object *takes; /* the body; NULL: none */
    const struct api_object *gives; /* NULL: no body */
    bool many;                      /* a list of them */
    const char *empty;              /* the answer is empty until there is this feature */
    const char *absent;             /* nothing but a refusal (status, or 404) until there is it */
    const struct db_list *list;     /* page, page_size, q and sort; NULL: not */
    const struct api_query *query;  /* further parameters, up to one without a name */
    int status;                     /* of success; 0: 200, or with absent 404 */
    const char *text;               /* the media type of a body that is no JSON */
    /* Where the body says what it is about: fills the target from what was read, upon which this
     * permission is asked for as well. NULL: the row of the route says it all. */
    int (*resolve)(struct http_req *rq, const void *body, struct err *e);
    unsigned permission;
};

/* All groups of routes: the longest prefix wins, the last one takes the rest. Static. */
const struct http_group *api_groups(size_t *ret_n);

/* Appends the OpenAPI file (version 3.0.3) of all routes that have a contract. */
void api_openapi_write(struct buf *out);

#endif
