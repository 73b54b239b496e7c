/* SPDX-License-Identifier: Apache-2.0 */
#include "api/distribution/distribution.h"

#include <unistd.h>

/* The pieces of a blob, its objects opened for the life of the request. */
static int open_extents(struct http_req *rq, const struct blob *b, struct http_seg *segs,
                        struct err *e)
{
    struct app *app = api_app(rq);
    for (size_t i = 0; i < b->n_extents; i++) {
        const struct blob_extent *x = &b->extents[i];
        if (x->literal) {
            segs[i] = (struct http_seg){.mem = x->bytes.p, .len = x->bytes.n};
            continue;
        }
        int fd;
        uint64_t size;
        int found = store_object_open(app->store, &x->object, &fd, &size, e);
        if (found < 0)
            return -1;
        if (found == 0)
            return ERR(e, CORRUPT, "the object %s of blob %s is missing", x->object.text,
                       b->digest.text);
        arena_defer_close(&rq->arena, fd);
        if (x->offset > size || x->len > size - x->offset)
            return ERR(e, CORRUPT, "the object %s of blob %s is shorter than recorded",
                       x->object.text, b->digest.text);
        segs[i] = (struct http_seg){.fd = fd, .offset = x->offset, .len = x->len};
    }
    return 0;
}

static void set_headers(struct http_req *rq, const struct digest *d)
{
    http_set_header(rq, "Docker-Content-Digest", digest_str(d));
    http_set_header(rq, "Cache-Control", STR("private, max-age=31536000, immutable"));
}

/* end-2. Manifests are served here too: clients that know only a digest ask for blobs. */
int distribution_blob_get(struct http_req *rq, struct err *e)
{
    struct app *app = api_app(rq);
    struct repo_name repo;
    struct reference ref = {.is_digest = true};
    struct blob b;
    if (distribution_repo(rq, &repo, e) < 0 ||
        digest_parse(http_param(rq, "digest"), &ref.digest, e) < 0)
        return -1;
    int found = blob_find(&app->registry, &rq->arena, &repo, &ref.digest, &b, e);
    if (found < 0)
        return -1;
    if (found) {
        struct http_seg *segs = ARENA_ARRAY(&rq->arena, b.n_extents, struct http_seg);
        if (open_extents(rq, &b, segs, e) < 0)
            return -1;
        set_headers(rq, &ref.digest);
        return http_reply_content(rq, "application/octet-stream", digest_str(&ref.digest), segs,
                                  b.n_extents, e);
    }
    struct artifact a;
    found = artifact_find(&app->registry, &rq->arena, &repo, &ref, &a, e);
    if (found < 0)
        return -1;
    if (!found)
        return ERR(e, BLOB_UNKNOWN, "%.*s holds no blob %s", S(repo_name_str(&repo)),
                   ref.digest.text);
    struct http_seg *whole = ARENA_NEW(&rq->arena, struct http_seg);
    *whole = (struct http_seg){.mem = a.bytes.p, .len = a.bytes.n};
    set_headers(rq, &ref.digest);
    return http_reply_content(rq, "application/octet-stream", digest_str(&ref.digest), whole, 1, e);
}

/* end-10 */
int distribution_blob_delete(struct http_req *rq, struct err *e)
{
    struct repo_name repo;
    struct digest d;
    if (distribution_repo(rq, &repo, e) < 0 || digest_parse(http_param(rq, "digest"), &d, e) < 0)
        return -1;
    int done = blob_unlink(&api_app(rq)->registry, &repo, &d, e);
    if (done < 0 && e->code == ERR_CONFLICT)
        return ERR(e, UNSUPPORTED, "a manifest of %.*s still holds %s; delete the manifest first",
                   S(repo_name_str(&repo)), d.text);
    if (done < 0)
        return -1;
    if (!done)
        return ERR(e, BLOB_UNKNOWN, "%.*s holds no blob %s", S(repo_name_str(&repo)), d.text);
    return http_reply_empty(rq, 202);
}
