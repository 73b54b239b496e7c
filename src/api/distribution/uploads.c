/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads of blobs (OCI distribution "Pushing blobs").
 *
 * open runs before the body is asked for: it finds the session, locks it and checks where the chunk
 * begins, so that a client that is out of step is told before it sends a byte. The session is let
 * go before the answer is given: the client's next request may be faster than the end of this one.
 */
#include "api/distribution/distribution.h"

#include "base/clock.h"
#include "base/limits.h"
#include "registry/quota.h"

struct transfer {
    struct store_upload *upload; /* NULL: let go */
    struct app *app;
    int64_t project;
    bool transient;    /* the session ends with this request */
    uint64_t reserved; /* bytes that the upload has room for, in all */
    struct repo_name repo;
    bool has_digest;
    struct digest digest; /* of the closing request */
    uint64_t opened_at;   /* offset when this request began */
    bool has_range;
    uint64_t range_len; /* announced by Content-Range */
    char id[STORE_UPLOAD_ID + 1];
};

static void let_go(void *p)
{
    struct transfer *t = p;
    struct store_upload *u = TAKE(t->upload);
    if (!u)
        return;
    uint64_t kept = t->transient ? 0 : store_upload_info(u)->offset;
    store_upload_close(u);
    /* What was to come and did not needs no room. */
    struct err ignored;
    if (t->transient)
        quota_release(&t->app->registry, t->project, t->id);
    else if (t->reserved > kept)
        (void)quota_reserve(&t->app->registry, t->project, t->id, kept, &ignored);
}

/* Room in the quota for the upload as it stands with n bytes more. */
static int make_room(struct transfer *t, uint64_t n, struct err *e)
{
    uint64_t needed = store_upload_info(t->upload)->offset + n;
    if (needed <= t->reserved)
        return 0;
    if (quota_reserve(&t->app->registry, t->project, t->id, needed, e) < 0)
        return -1;
    t->reserved = needed;
    return 0;
}

/* A body whose length is known needs its room before it is asked for; of another one, ROOM_STEP is
 * set aside at a time, or exactly what came when there is not as much. */
#define ROOM_STEP (16 * MIB)
static int make_room_for_chunk(struct transfer *t, size_t n, struct err *e)
{
    struct err ignored;
    return make_room(t, n + ROOM_STEP, &ignored) == 0 ? 0 : make_room(t, n, e);
}

static int write_chunk(void *self, const void *p, size_t n, struct err *e)
{
    struct transfer *t = self;
    if (store_upload_info(t->upload)->offset + n > t->reserved &&
        make_room_for_chunk(t, n, e) < 0) {
        (void)store_upload_rewind(t->upload, t->opened_at, NULL);
        let_go(t);
        return -1;
    }
    if (store_upload_write(t->upload, p, n, e) == 0)
        return 0;
    /* What this request has brought gives its space back: a full disk is everybody's. */
    if (e->code == ERR_NO_SPACE)
        (void)store_upload_rewind(t->upload, t->opened_at, NULL);
    let_go(t);
    return -1;
}

static struct transfer *transfer_new(struct http_req *rq)
{
    struct transfer *t = ARENA_NEW(&rq->arena, struct transfer);
    t->app = api_app(rq);
    t->project = api_target(rq)->project_id;
    arena_defer(&rq->arena, let_go, t);
    rq->sink = (struct http_sink){.write = write_chunk, .self = t};
    return t;
}

static void adopt(struct transfer *t, struct store_upload *u)
{
    const struct store_upload_info *info = store_upload_info(u);
    t->upload = u;
    t->opened_at = info->offset;
    memcpy(t->id, info->id, sizeof(t->id));
}

/* Location, Range and Docker-Upload-UUID. An empty session says 0-0, as every registry does. */
static void set_progress(struct http_req *rq, const struct repo_name *repo, const char *id,
                         uint64_t offset)
{
    http_set_headerf(rq, "Location", "/v2/%s/blobs/uploads/%s", repo->text, id);
    http_set_headerf(rq, "Range", "0-%llu", (unsigned long long)(offset ? offset - 1 : 0));
    http_set_header(rq, "Docker-Upload-UUID", str_from(id));
}

static int reply_stored(struct http_req *rq, const struct repo_name *repo, const struct digest *d)
{
    http_set_headerf(rq, "Location", "/v2/%s/blobs/%s", repo->text, d->text);
    http_set_header(rq, "Docker-Content-Digest", digest_str(d));
    return http_reply_empty(rq, 201);
}

/* Verifies, makes durable, records; the session is over afterwards unless the digest was wrong:
 * then it goes back to where this request found it. */
static int commit(struct http_req *rq, struct transfer *t, struct err *e)
{
    struct digest object;
    uint64_t size;
    if (store_upload_commit(t->upload, &t->digest, &object, &size, e) < 0) {
        if (e->code == ERR_DIGEST_INVALID &&
            store_upload_rewind(t->upload, t->opened_at, NULL) == 0)
            set_progress(rq, &t->repo, t->id, t->opened_at);
        let_go(t);
        return -1;
    }
    t->upload = NULL;
    upload_caps_end(api_app(rq)->upload_caps, t->id);
    /* Its rows count from here on; until they are there, the room is nobody's. */
    quota_release(&api_app(rq)->registry, t->project, t->id);
    if (blob_record(&api_app(rq)->registry, &t->repo, &t->digest, &object, size, e) < 0)
        return -1;
    return reply_stored(rq, &t->repo, &t->digest);
}

/* 1 mounted (answered), 0 not possible, -1. end-11. */
static int try_mount(struct http_req *rq, const struct repo_name *repo, struct err *e)
{
    struct str mount = http_query(rq, "mount"), from_text = http_query(rq, "from");
    struct repo_name from;
    struct digest d;
    int done;
    if (!mount.p)
        return 0;
    if (digest_parse(mount, &d, e) < 0)
        return -1;
    if (from_text.p) {
        if (repo_name_parse(from_text, &from, NULL) < 0 ||
            !access_may_pull_from(api_identity(rq), api_target(rq)))
            return 0;
        done = blob_mount(&api_app(rq)->registry, repo, &from, false, &d, e);
    } else {
        const struct identity *id = api_identity(rq);
        bool any = id->admin && id->proof == ACCESS_BASIC;
        done = blob_mount(&api_app(rq)->registry, repo, NULL, any, &d, e);
    }
    if (done > 0)
        (void)reply_stored(rq, repo, &d);
    return done;
}

int distribution_upload_start_open(struct http_req *rq, struct err *e)
{
    struct app *app = api_app(rq);
    struct transfer *t = transfer_new(rq);
    struct store_upload *u;
    struct str digest = http_query(rq, "digest"), alg_text = http_query(rq, "digest-algorithm");
    enum digest_alg alg = DIGEST_SHA256;

    if (distribution_repo_for_push(rq, &t->repo, e) < 0)
        return -1;
    if (alg_text.p && digest_alg_parse(alg_text, &alg, e) < 0)
        return -1;
    if (digest.p) {
        if (digest_parse(digest, &t->digest, e) < 0)
            return -1;
        t->has_digest = true;
        alg = t->digest.alg;
    } else if (rq->has_body) {
        return ERR(e, BLOB_UPLOAD_INVALID,
                   "a POST with a body needs ?digest=; send the bytes with PATCH or PUT");
    } else {
        int mounted = try_mount(rq, &t->repo, e);
        if (mounted)
            return mounted < 0 ? -1 : 0;
    }
    uint64_t expect = rq->content_length > 0 ? (uint64_t)rq->content_length : 0;
    if (!t->has_digest && upload_caps_check(app->upload_caps, rq->peer,
                                            (uint64_t)app->max_uploads_per_address, e) < 0)
        return -1;
    if (store_upload_new(app->store, repo_name_str(&t->repo), alg, expect, t->has_digest, &u, e) <
        0)
        return -1;
    adopt(t, u);
    t->transient = t->has_digest;
    if (make_room(t, expect, e) < 0) {
        store_upload_cancel(TAKE(t->upload));
        return -1;
    }
    if (!t->has_digest)
        upload_caps_begin(app->upload_caps, rq->peer, t->id, clock_now_ms());
    return 0;
}

/* end-4a, end-4b */
int distribution_upload_start(struct http_req *rq, struct err *e)
{
    struct transfer *t = rq->sink.self;
    if (rq->status) /* mounted */
        return 0;
    if (t->has_digest)
        return commit(rq, t, e);
    set_progress(rq, &t->repo, t->id, 0);
    let_go(t);
    return http_reply_empty(rq, 202);
}

/* "<first>-<last>" as the specification has it; also HTTP's "bytes first-last/total". */
static bool parse_content_range(struct str s, uint64_t *ret_first, uint64_t *ret_len)
{
    uint64_t first, last;
    if (str_starts(s, STR("bytes ")))
        s = str_skip(s, 6);
    struct str range = str_cut(&s, '/');
    struct str a = str_cut(&range, '-');
    if (!range.p || !str_u64(a, 0, LIMIT_BLOB, &first) ||
        !str_u64(range, first, first + LIMIT_BLOB, &last))
        return false;
    *ret_first = first;
    *ret_len = last - first + 1;
    return true;
}

static int check_range(struct http_req *rq, struct transfer *t, struct err *e)
{
    struct str range = http_header(rq, "Content-Range");
    uint64_t first;
    if (!range.p)
        return 0;
    if (!parse_content_range(range, &first, &t->range_len))
        return ERR(e, BLOB_UPLOAD_INVALID, "Content-Range \"%.*s\" must be FIRST-LAST",
                   S(str_head(range, 100)));
    t->has_range = true;
    if (first != t->opened_at) {
        set_progress(rq, &t->repo, t->id, t->opened_at);
        return ERR(e, BLOB_UPLOAD_RANGE,
                   "the chunk begins at byte %llu, but the upload stands at %llu",
                   (unsigned long long)first, (unsigned long long)t->opened_at);
    }
    if (rq->content_length >= 0 && (uint64_t)rq->content_length != t->range_len)
        return ERR(e, SIZE_INVALID, "Content-Length is %lld, but Content-Range covers %llu bytes",
                   (long long)rq->content_length, (unsigned long long)t->range_len);
    return 0;
}

static int open_session(struct http_req *rq, struct transfer *t, struct err *e)
{
    struct store_upload *u;
    struct str id = http_param(rq, "id");
    if (distribution_repo(rq, &t->repo, e) < 0)
        return -1;
    int found = store_upload_open(api_app(rq)->store, id, repo_name_str(&t->repo), &u, e);
    if (found < 0)
        return -1;
    if (!found)
        return ERR(e, BLOB_UPLOAD_UNKNOWN, "%.*s has no upload %.*s", S(repo_name_str(&t->repo)),
                   S(str_head(id, STORE_UPLOAD_ID)));
    adopt(t, u);
    upload_caps_touch(api_app(rq)->upload_caps, t->id, clock_now_ms());
    uint64_t expect = rq->content_length > 0 ? (uint64_t)rq->content_length : 0;
    if (check_range(rq, t, e) < 0 || make_room(t, expect, e) < 0) {
        let_go(t);
        return -1;
    }
    return 0;
}

int distribution_upload_chunk_open(struct http_req *rq, struct err *e)
{
    return open_session(rq, transfer_new(rq), e);
}

/* The bytes that came are those that were announced? */
static int check_length(struct http_req *rq, struct transfer *t, struct err *e)
{
    if (!t->has_range || rq->body_received == t->range_len)
        return 0;
    (void)store_upload_rewind(t->upload, t->opened_at, NULL);
    set_progress(rq, &t->repo, t->id, t->opened_at);
    let_go(t);
    return ERR(e, SIZE_INVALID, "%llu bytes came, but Content-Range covers %llu",
               (unsigned long long)rq->body_received, (unsigned long long)t->range_len);
}

/* end-5 */
int distribution_upload_chunk(struct http_req *rq, struct err *e)
{
    struct transfer *t = rq->sink.self;
    if (check_length(rq, t, e) < 0)
        return -1;
    set_progress(rq, &t->repo, t->id, store_upload_info(t->upload)->offset);
    let_go(t);
    return http_reply_empty(rq, 202);
}

int distribution_upload_finish_open(struct http_req *rq, struct err *e)
{
    struct transfer *t = transfer_new(rq);
    struct str digest = http_query(rq, "digest");
    if (!digest.p)
        return ERR(e, DIGEST_INVALID, "the closing PUT needs ?digest=");
    if (digest_parse(digest, &t->digest, e) < 0)
        return -1;
    t->has_digest = true;
    return open_session(rq, t, e);
}

/* end-6 */
int distribution_upload_finish(struct http_req *rq, struct err *e)
{
    struct transfer *t = rq->sink.self;
    if (check_length(rq, t, e) < 0)
        return -1;
    return commit(rq, t, e);
}

/* end-13 */
int distribution_upload_status(struct http_req *rq, struct err *e)
{
    struct repo_name repo;
    uint64_t offset;
    struct str id = http_param(rq, "id");
    if (distribution_repo(rq, &repo, e) < 0)
        return -1;
    int found = store_upload_stat(api_app(rq)->store, id, repo_name_str(&repo), &offset, e);
    if (found < 0)
        return -1;
    if (!found)
        return ERR(e, BLOB_UPLOAD_UNKNOWN, "%.*s has no upload %.*s", S(repo_name_str(&repo)),
                   S(str_head(id, STORE_UPLOAD_ID)));
    set_progress(rq, &repo, arena_strz(&rq->arena, id), offset);
    return http_reply_empty(rq, 204);
}

/* end-14 */
int distribution_upload_cancel(struct http_req *rq, struct err *e)
{
    struct transfer *t = transfer_new(rq);
    if (open_session(rq, t, e) < 0)
        return -1;
    store_upload_cancel(TAKE(t->upload));
    upload_caps_end(api_app(rq)->upload_caps, t->id);
    quota_release(&api_app(rq)->registry, t->project, t->id);
    return http_reply_empty(rq, 204);
}
