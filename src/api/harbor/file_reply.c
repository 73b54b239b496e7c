/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be answered without the bytes of a file is: HEAD, 304, 416. Else a file of a compressed
 * layer is asked for, and the request is parked until it is there and right, if it is small, or
 * until the first byte that is needed is; the rest is sent while it comes.
 */
#include "api/harbor/file_reply.h"

#include "base/mem.h"
#include "jobs/extract.h"
#include "registry/model.h"

/* What reads a file that comes out of its layer. */
struct download {
    struct http_req *rq;
    struct extract *extract;
    const struct model_file *file;
    uint64_t need; /* the byte without which there is no answer yet */
    bool gone;     /* the client, before there was an answer */
    struct waiter waiter;
    struct http_growing growing;
};

static struct str etag_of(struct http_req *rq, const struct model_file *file)
{
    return str_from(
        arena_printf(&rq->arena, "%s@%llu", file->layer.text, (unsigned long long)file->at));
}

static int reply(struct http_req *rq, const struct model_file *file, const struct http_seg *segs,
                 size_t n, struct err *e)
{
    /* Bytes of strangers, on the address of the portal: never anything a browser would run. */
    http_set_header(rq, "Content-Disposition", STR("attachment"));
    http_set_headerf(rq, "Haven-Layer", "%s", file->layer.text);
    return http_reply_content(rq, "application/octet-stream", etag_of(rq, file), segs, n, e);
}

/* ---- small neighbours ---- */

/* Those before and behind it in the archive; who looks at one file of a layer looks at others. */
struct near {
    struct extract_want v[LIMIT_EXTRACT_NEAR];
    size_t n;
};

static bool is_near(const struct model_file *other, const struct extract_want *want)
{
    return other->looked_into && other->has_digest && other->size > 0 &&
           other->size <= LIMIT_EXTRACT_SMALL &&
           other->at < want->at + want->size + LIMIT_EXTRACT_AHEAD && other->at != want->at &&
           digest_eq(&other->layer, &want->layer);
}

static void find_near(const json_t *facts, const struct extract_want *want, struct near *ret)
{
    enum { HALF = LIMIT_EXTRACT_NEAR / 2 };
    size_t before = 0, behind = 0; /* so many were seen; of the first the last HALF are kept */
    struct model_file other;

    for (size_t i = 0; harbor_model_file_at(facts, i, &other); i++) {
        bool is_before = other.at < want->at;
        if (!is_near(&other, want) || (!is_before && behind == HALF))
            continue;
        struct extract_want *to = &ret->v[is_before ? before++ % HALF : HALF + behind++];
        *to = *want;
        to->at = other.at;
        to->size = other.size;
        to->has_digest = true;
        to->digest = other.digest;
    }
    before = MIN_OF(before, (size_t)HALF);
    memmove(&ret->v[before], &ret->v[HALF], behind * sizeof(ret->v[0]));
    ret->n = before + behind;
}

/* ---- out of a layer ---- */

static void end_download(void *p)
{
    const struct download *d = p;
    extract_end(d->extract, d->gone || d->rq->truncated);
}

static void wake(struct waiter *w)
{
    http_unpark(CONTAINER_OF(w, struct download, waiter)->rq);
}

static bool left(const struct waiter *w)
{
    const struct download *d = (const void *)((const char *)w - offsetof(struct download, waiter));
    return http_client_left(d->rq);
}

static int wait_growing(void *self, uint64_t pos, struct waiter *w, uint64_t *ret_have)
{
    const struct download *d = self;
    return extract_wait(d->extract, pos, w, ret_have, NULL);
}

static int answer(struct download *d, uint64_t have, struct err *e)
{
    struct http_seg *seg = ARENA_NEW(&d->rq->arena, struct http_seg);
    int fd;

    if (extract_open(d->extract, &fd, e) < 0)
        return -1;
    arena_defer_close(&d->rq->arena, fd);
    d->growing = (struct http_growing){.wait = wait_growing, .self = d};
    *seg = (struct http_seg){
        .fd = fd, .len = d->file->size, .grows = have < d->file->size ? &d->growing : NULL};
    return reply(d->rq, d->file, seg, 1, e);
}

static int go_on(struct http_req *rq, struct err *e)
{
    struct download *d = rq->parked;
    uint64_t have;
    int there = extract_wait(d->extract, d->need, NULL, &have, e);

    if (there)
        return there < 0 ? -1 : answer(d, have, e);
    d->gone = true;
    return ERR(e, CANCELLED, "the client left");
}

static int begin(struct http_req *rq, const json_t *facts, const struct model_file *file,
                 const struct blob *layer, struct extract **ret, struct err *e)
{
    struct extract_want want = {.layer = file->layer,
                                .layer_size = layer->size,
                                .kind = INFLATE_GZIP,
                                .at = file->at,
                                .size = file->size,
                                .has_digest = file->has_digest,
                                .digest = file->digest};
    struct near *near = ARENA_NEW(&rq->arena, struct near);
    uint64_t who = 0xcbf29ce484222325u; /* FNV-1a of the address */

    if (str_eqz(file->encoding, "tar+zstd"))
        want.kind = INFLATE_ZSTD;
    else if (!str_eqz(file->encoding, "tar+gzip"))
        return ERR(e, UNPROCESSABLE, "it lies in a layer that cannot be unpacked (%.*s)",
                   S(file->encoding));
    for (size_t i = 0; i < rq->peer.n; i++)
        who = (who ^ (unsigned char)rq->peer.p[i]) * 0x100000001b3u;
    find_near(facts, &want, near);
    return extract_begin(api_app(rq)->extracts, &want, near->v, near->n, who, ret, e);
}

static int reply_extracted(struct http_req *rq, const json_t *facts, const struct model_file *file,
                           const struct blob *layer, struct err *e)
{
    const struct http_seg unread = {.fd = -1, .len = file->size};
    uint64_t first, have;

    if (!http_content_needed(rq, etag_of(rq, file), file->size, &first))
        return reply(rq, file, &unread, file->size > 0, e);
    struct download *d = ARENA_NEW(&rq->arena, struct download);
    struct model_file *copy = ARENA_NEW(&rq->arena, struct model_file);
    *copy = *file;
    *d = (struct download){.rq = rq,
                           .file = copy,
                           .need = file->size <= LIMIT_EXTRACT_WHOLE ? file->size - 1 : first,
                           .waiter = {.wake = wake, .left = left}};
    if (begin(rq, facts, copy, layer, &d->extract, e) < 0)
        return err_wrap(e, "\"%.*s\"", S(str_head(file->path, 200)));
    arena_defer(&rq->arena, end_download, d);
    int there = extract_wait(d->extract, d->need, NULL, &have, e);
    if (there)
        return there < 0 ? -1 : answer(d, have, e);
    int parked = http_park(rq, go_on, d);
    if (extract_wait(d->extract, d->need, &d->waiter, &have, NULL) != 0)
        http_unpark(rq);
    return parked;
}

int harbor_file_reply(struct http_req *rq, const struct artifact_facts *f, const json_t *facts,
                      const struct model_file *file, struct err *e)
{
    struct http_seg *segs;
    struct blob layer;
    size_t n;
    int found = harbor_model_file_segs(rq, f, file, &layer, &segs, &n, e);

    if (found < 0)
        return -1;
    return found ? reply(rq, file, segs, n, e) : reply_extracted(rq, facts, file, &layer, e);
}
