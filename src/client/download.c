/* SPDX-License-Identifier: Apache-2.0 */
#include "client/download.h"

#include "base/limits.h"
#include "client/retry.h"

#include <inttypes.h>
#include <stdio.h>

struct receiving {
    struct download_range *r;
    uint64_t asked; /* where this request begins */
    bool ranged;
    bool useless; /* the answer is the whole blob, and nobody wants that */
    uint64_t furthest;
};

/* "bytes FIRST-LAST/TOTAL" must be what was asked for (RFC 9110 14.4); a shorter range is as good.
 */
static bool range_fits(struct str value, const struct download_range *r, uint64_t first)
{
    uint64_t from, last, total;
    if (!str_starts(value, STR("bytes ")))
        return false;
    struct str rest = str_trim(str_skip(value, 6));
    struct str a = str_cut(&rest, '-');
    struct str b = str_cut(&rest, '/');
    if (!str_u64(a, 0, UINT64_MAX, &from) || !str_u64(b, 0, UINT64_MAX, &last))
        return false;
    if (!str_eqz(rest, "*") && (!str_u64(rest, 0, UINT64_MAX, &total) || total != r->size))
        return false;
    return from == first && last < r->end;
}

static int on_begin(void *self, const struct http_answer *a, struct err *e)
{
    struct receiving *g = self;
    struct download_range *r = g->r;
    uint64_t length;
    struct str said = http_answer_header(a, "Content-Length");

    if (a->status == 206) {
        if (!g->ranged || !range_fits(http_answer_header(a, "Content-Range"), r, g->asked))
            return ERR(e, REMOTE, "the registry sends another range than was asked for");
        return 0;
    }
    if (a->status != 200)
        return ERR(e, REMOTE, "the registry answers %d to a download", a->status);
    if (said.n && (!str_u64(said, 0, UINT64_MAX, &length) || length != r->size))
        return ERR(e, REMOTE, "the registry sends %.*s bytes, the manifest says %" PRIu64, S(said),
                   r->size);
    if (!g->ranged)
        return 0;
    g->useless = !r->take_whole || !r->take_whole(r->self);
    return g->useless ? ERR(e, REMOTE, "the registry knows no ranges") : 0;
}

static int on_take(void *self, const void *p, size_t n, struct err *e)
{
    struct receiving *g = self;
    struct download_range *r = g->r;
    if (n > r->end - r->at)
        return ERR(e, REMOTE, "the registry sends more than the %" PRIu64 " bytes of the manifest",
                   r->size);
    if (r->take(r->self, p, n, e) < 0)
        return -1;
    r->at += n;
    return 0;
}

enum step { STEP_DONE, STEP_MORE, STEP_AGAIN, STEP_USELESS, STEP_FAILED };

static enum step ask(const struct download *d, struct receiving *g, struct http_answer *a,
                     struct err *e)
{
    struct download_range *r = g->r;
    char range[64];
    const char *headers[] = {NULL, NULL};
    AUTO(buf) url = {0};

    buf_init(&url, LIMIT_CLIENT_URL);
    a->status = 0;
    if (transport_url(d->transport, &url, e, "/v2/%s/blobs/%s", d->repo, r->digest->text) < 0)
        return STEP_FAILED;
    if (r->whole && r->at) {
        r->rewind(r->self);
        r->at = 0;
    }
    g->asked = r->at;
    g->ranged = !r->whole && !(r->at == 0 && r->end == r->size);
    if (g->ranged) {
        (void)snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-%" PRIu64, r->at,
                       r->end - 1);
        headers[0] = range;
    }
    struct http_call call = {.method = "GET",
                             .url = url.p,
                             .headers = headers,
                             .begin = on_begin,
                             .take = on_take,
                             .take_self = g,
                             .take_max = UINT64_MAX};
    if (transport_do(d->transport, TRANSPORT_PULL, &call, a, e) < 0) {
        a->status = 0;
        return g->useless ? STEP_USELESS : retry_error(e) ? STEP_AGAIN : STEP_FAILED;
    }
    if (a->status == 200 || a->status == 206) {
        if (r->at == r->end)
            return STEP_DONE;
        /* A shorter range than was asked for, but whole: so they come. */
        if (a->status == 206 && r->at > g->asked)
            return STEP_MORE;
        (void)ERR(e, NETWORK, "the download ended %" PRIu64 " bytes early", r->end - r->at);
        a->status = 0;
        return STEP_AGAIN;
    }
    if (retry_status(a->status))
        return STEP_AGAIN;
    (void)transport_refused(a, "fetching a blob", e);
    return STEP_FAILED;
}

int download_range(const struct download *d, struct download_range *r, struct err *e)
{
    struct http_answer a __attribute__((cleanup(http_answer_autodone)));
    struct receiving g = {.r = r, .furthest = r->at};
    struct retry retry = {.err = e};

    http_answer_init(&a);
    while (r->at < r->end) {
        enum step step = ask(d, &g, &a, e);
        if (step == STEP_DONE)
            break;
        if (step == STEP_USELESS)
            return 0;
        if (step == STEP_FAILED)
            return -1;
        if (step == STEP_MORE)
            continue;
        if (r->at > g.furthest) {
            g.furthest = r->at;
            retry.failed = 0;
        }
        if (!retry_wait(&retry, a.status ? &a : NULL, transport_cancel(d->transport)))
            return a.status ? transport_refused(&a, "fetching a blob", e) : -1;
    }
    return 1;
}
