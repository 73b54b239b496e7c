/* SPDX-License-Identifier: Apache-2.0 */
#include "api/blob_body.h"

#include "base/mem.h"

struct body {
    struct http_seg *segs;
    size_t n;
};

/* The part of an extent; its object is opened for the life of the request. 0: it is not there. */
static int open_part(struct http_req *rq, const struct blob *b, const struct blob_extent *x,
                     uint64_t at, uint64_t n, struct http_seg *ret, struct err *e)
{
    int fd;
    uint64_t size;

    if (x->literal) {
        *ret = (struct http_seg){.mem = x->bytes.p + at, .len = n};
        return 1;
    }
    int found = store_object_open(api_app(rq)->store, &x->object, &fd, &size, e);
    if (found <= 0)
        return found;
    arena_defer_close(&rq->arena, fd);
    if (x->offset > size || x->len > size - x->offset)
        return ERR(e, CORRUPT, "the object %s of blob %s is shorter than recorded", x->object.text,
                   b->digest.text);
    *ret = (struct http_seg){.fd = fd, .offset = x->offset + at, .len = n};
    return 1;
}

/* 0: an object is not there: *ret_missing. */
static int try_extents(struct http_req *rq, const struct blob *b, uint64_t at, uint64_t n,
                       struct body *ret, const struct digest **ret_missing, struct err *e)
{
    struct body body = {.segs = ARENA_ARRAY(&rq->arena, b->n_extents, struct http_seg)};
    uint64_t begin = 0; /* of the extent, in the blob */

    for (size_t i = 0; i < b->n_extents; i++) {
        const struct blob_extent *x = &b->extents[i];
        uint64_t from = MAX_OF(at, begin), end = begin + x->len, to = MIN_OF(at + n, end);
        *ret_missing = &x->object;
        int found =
            from < to ? open_part(rq, b, x, from - begin, to - from, &body.segs[body.n++], e) : 1;
        if (found <= 0)
            return found;
        begin = end;
    }
    *ret = body;
    return 1;
}

/* An object may have been collected after the extents were read: then they say something else now.
 */
int api_blob_segs(struct http_req *rq, const struct repo_name *repo, struct blob *b, uint64_t at,
                  uint64_t n, struct http_seg **ret, size_t *ret_n, struct err *e)
{
    const struct digest *missing = NULL;
    struct body body;
    int rc = try_extents(rq, b, at, n, &body, &missing, e);

    if (rc == 0) {
        rc = blob_find(&api_app(rq)->registry, &rq->arena, repo, &b->digest, b, e);
        if (rc <= 0)
            return rc;
        rc = try_extents(rq, b, at, n, &body, &missing, e);
    }
    if (rc == 0)
        return ERR(e, CORRUPT, "the object %s of blob %s is missing", missing->text,
                   b->digest.text);
    if (rc > 0) {
        *ret = body.segs;
        *ret_n = body.n;
    }
    return rc;
}
