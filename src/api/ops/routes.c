/* SPDX-License-Identifier: Apache-2.0 */
/* What operators and lost visitors look at: the root page, the metrics, and everything else that is
 * not there. */
#include "api/app.h"
#include "api/error.h"
#include "api/portal/portal.h"
#include "base/metrics.h"

/* Some 40 routes with 14 buckets and the codes that occur, at 100 bytes a line. */
#define METRICS_MAX (4 * MIB)

static const char places[] = "  /-/                  the portal, for browsers\n"
                             "  /v2/                 the registry (OCI distribution 1.1)\n"
                             "  /api/v2.0/health     is it well?\n"
                             "  /metrics             for Prometheus\n";

static int root(struct http_req *rq, struct err *e)
{
    (void)e;
    struct buf out;
    if (portal_redirect(rq))
        return 0;
    struct str host = rq->host.n ? rq->host : STR("localhost");
    buf_init(&out, 8 * KIB);
    buf_addf(&out,
             "This is Haven, a registry for AI models.\n\n"
             "  haven login %.*s\n"
             "  haven push DIRECTORY %.*s/library/MODEL:TAG\n"
             "  haven pull %.*s/library/MODEL:TAG DIRECTORY\n\n"
             "Any OCI client works as well (podman, skopeo, oras, containerd).\n\n%s",
             S(host), S(host), S(host), places);
    return http_reply_buf(rq, 200, "text/plain; charset=utf-8", &out);
}

static int metrics(struct http_req *rq, struct err *e)
{
    struct buf out;
    buf_init(&out, METRICS_MAX);
    metrics_write(&out);
    struct http_server *http = api_app(rq)->http;
    if (http)
        http_server_metrics(http, &out);
    if (!buf_ok(&out)) {
        buf_done(&out);
        return ERR(e, LIMIT, "the metrics are larger than %llu bytes",
                   (unsigned long long)METRICS_MAX);
    }
    return http_reply_buf(rq, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}

/* For people: whoever comes here has mistyped an address, or names a repository as in commands. */
static void error(struct http_req *rq, const struct err *e)
{
    const struct err_info *info = err_info(e->code);
    struct buf out;
    if (info->status == 404 && portal_redirect(rq))
        return;
    buf_init(&out, 8 * KIB);
    buf_addf(&out, "%d %s: %.*s\n", info->status, info->wire, S(api_error_message(rq, e)));
    if (info->status == 404)
        buf_addf(&out, "\nThis is Haven, a registry for AI models. What is here:\n%s", places);
    api_error_headers(rq, e);
    (void)http_reply_buf(rq, info->status, "text/plain; charset=utf-8", &out);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/",
     .name = "root",
     .permission = PERM_PUBLIC,
     .handler = root,
     .doc = "Say what this is and how to use it."},
    {.method = HTTP_GET,
     .pattern = "/metrics",
     .name = "metrics",
     .permission = PERM_METRICS,
     .handler = metrics,
     .doc = "Read the metrics in Prometheus text; for administrators and programs on the same "
            "machine."},
};

const struct http_group ops_group = {
    .prefix = "/",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = error,
};
