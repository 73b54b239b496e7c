/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app: what the handlers of every protocol share, and the glue between http's phases and access.
 * Built by server/, alive as long as the process serves. Settings that a reload may change are
 * atomics.
 */
#ifndef HAVEN_API_APP_H
#define HAVEN_API_APP_H

#include "access/access.h"
#include "api/upload_caps.h"
#include "base/thread.h"
#include "http/http.h"
#include "http/server.h"
#include "jobs/work.h"
#include "registry/registry.h"
#include "search/search.h"

/* api/failed.c: how many failures the audit log still takes. */
struct api_failures {
    struct mutex lock;
    int64_t left, filled_ms;
    uint64_t lost;
};

struct app {
    struct db *db;
    struct store *store;
    struct registry registry;
    struct search *search;
    struct extract_pool *extracts; /* jobs/extract.h */
    struct access *access;
    struct http_server *_Atomic http; /* NULL until http_server_start has returned */
    int data_dir;                     /* descriptor */
    int64_t started_ms;
    _Atomic int64_t page_size;
    struct upload_caps *upload_caps;
    _Atomic int64_t max_uploads_per_address;
    _Atomic bool stopping;
    struct api_failures failures;
    struct work work;         /* the jobs of this server */
    void (*wake)(void *self); /* there is one to run */
    void *wake_self;
};

/* api/auth.c: the phases. rq->identity is a struct identity, rq->target a struct access_target. */
int api_authenticate(struct http_req *rq, struct err *e);
void api_enter(struct http_req *rq); /* what a thread does is done by rq's caller; NULL: ends */
int api_authorise(struct http_req *rq, struct err *e);
static inline struct app *api_app(const struct http_req *rq)
{
    return rq->app;
}
static inline const struct identity *api_identity(const struct http_req *rq)
{
    return rq->identity;
}
static inline struct access_target *api_target(const struct http_req *rq)
{
    return rq->target;
}
/* Adds WWW-Authenticate for a 401: Bearer with realm, service and scope for the repository of the
 * target, Basic where Harbor answers Basic (the catalog, and callers that sent credentials
 * already). harbor-api section 3.1. */
void api_challenge(struct http_req *rq);

/* api/failed.c: the audit log is told of a change that was refused or failed. Waits. */
void api_failures_init(struct api_failures *f);
void api_failures_done(struct api_failures *f);
void api_failed(struct http_req *rq, const struct err *e);
/* The kind of entry for this route, or "". */
const char *api_failed_event(const struct http_route *route);

/* Resolver helper: fills a fresh rq->target for a full repository name ("project/repo"): looks the
 * project up. */
int api_target_repository(struct http_req *rq, struct str name, struct err *e);
/* The same for the second repository (mount source). */
int api_target_from(struct http_req *rq, struct str name, struct err *e);

/* The groups of routes, one file each: api/distribution/routes.c, api/harbor/routes.c,
 * api/ops/routes.c. */
extern const struct http_group distribution_group; /* "/v2/" */
extern const struct http_group harbor_group;       /* "/api/v2.0/", with those of harbor.h */
extern const struct http_group service_group;      /* "/service/" */
extern const struct http_group ops_group;          /* "/" */

#endif
