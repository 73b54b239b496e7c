/* SPDX-License-Identifier: Apache-2.0 */
#include "api/distribution/distribution.h"

#include "api/blob_body.h"
#include "base/log.h"

/* Who may push and asks whether a blob is here will not send it: it has to be here when the
 * manifest comes. 0: it has gone meanwhile. A lease that cannot be written costs a push that is
 * made again, at worst. */
static int lease(struct http_req *rq, const struct repo_name *repo, const struct digest *d)
{
    struct app *app = api_app(rq);
    struct err why;
    if (!rq->head || access_check_repository(api_identity(rq), api_target(rq), PERM_PUSH, NULL) < 0)
        return 1;
    int found = blob_renew(&app->registry, repo, d, &why);
    if (found < 0)
        LOG(WARN, "blob.lease.failed", log_str("digest", digest_str(d)), log_err(&why));
    return found != 0;
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
    struct http_seg *segs = NULL;
    size_t n_segs = 0;
    if (distribution_repo(rq, &repo, e) < 0 ||
        digest_parse(http_param(rq, "digest"), &ref.digest, e) < 0)
        return -1;
    int found = blob_find(&app->registry, &rq->arena, &repo, &ref.digest, &b, e);
    if (found > 0)
        found = lease(rq, &repo, &ref.digest);
    if (found > 0)
        found = api_blob_segs(rq, &repo, &b, 0, b.size, &segs, &n_segs, e);
    if (found < 0)
        return -1;
    if (found) {
        set_headers(rq, &ref.digest);
        return http_reply_content(rq, "application/octet-stream", digest_str(&ref.digest), segs,
                                  n_segs, e);
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
