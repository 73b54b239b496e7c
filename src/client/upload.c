/* SPDX-License-Identifier: Apache-2.0 */
#include "client/upload.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "client/memo.h"
#include "client/retry.h"
#include "http/url.h"

#include <inttypes.h>
#include <stdio.h>

/* A note of where an upload stands is written this often at most. */
#define NOTE_EVERY_MS 250
#define REREAD_STEP   (1 * MIB)
#define CHUNK_MIN     (1 * MIB)
/* Blobs of up to ASK_ALWAYS bytes are not asked for any more when the last ASK_MISSES were missing,
 * but for one in ASK_SAMPLE: a question costs as much as such a blob. */
#define ASK_ALWAYS (64 * KIB)
#define ASK_MISSES 8
#define ASK_SAMPLE 16
/* As long as nobody knows whether a registry understands a POST with a body, only these are sent in
 * one: servers read as much of a body that they do not want. */
#define SINGLE_TRIAL (256 * KIB)

/* A session that is busy for so many attempts is left alone. */
#define BUSY_PATIENCE 3

enum upload_single { SINGLE_UNKNOWN, SINGLE_YES, SINGLE_NO };
enum upload_how { HOW_CHUNKS, HOW_STREAM, HOW_PUT };
enum step { STEP_DONE, STEP_AGAIN, STEP_FAILED };

static const char *const octets[] = {"Content-Type: application/octet-stream", NULL};

#define AUTO_ANSWER __attribute__((cleanup(http_answer_autodone))) struct http_answer

/* One blob on its way. */
struct sending {
    const struct upload_target *t;
    const struct blob_source *s;
    struct transfer *x;
    struct buf location; /* empty: no upload was begun */
    uint64_t offset;     /* what the registry has */
    uint64_t at;         /* position in this request's body, counted from offset */
    uint64_t counted;    /* bytes told to the transfer: what was sent twice counts once */
    struct hash hash;    /* of the first hash.n bytes */
    bool hashing;        /* else the digest is known and the registry alone checks it */
    bool stored;         /* this session has taken bytes */
    bool recalled;       /* its beginning is of an earlier run */
    bool present;        /* it turned out to be there */
    uint64_t chunk_min;  /* what the registry asks for */
    int how;             /* of the last PATCH, and its largest size */
    uint64_t chunk;
    struct memo_session memo;
    int64_t noted_ms;
};

static void sending_autodone(struct sending *s)
{
    buf_done(&s->location);
    memo_session_autodone(&s->memo);
}

static enum digest_alg algorithm(const struct sending *s)
{
    return s->s->digest ? s->s->digest->alg : DIGEST_SHA256;
}

static void count(struct sending *s, uint64_t end, bool moved)
{
    if (end <= s->counted)
        return;
    if (s->x)
        transfer_bytes(s->x, end - s->counted, moved);
    s->counted = end;
}

/* Writes down where the upload stands, for another run. */
static void take_note(struct sending *s, bool now)
{
    int64_t ms = clock_mono_ms();
    if (!s->memo.memo || s->location.n == 0 || s->hash.n == 0 ||
        (!now && ms - s->noted_ms < NOTE_EVERY_MS))
        return;
    s->noted_ms = ms;
    memo_session_keep(&s->memo, &s->hash, buf_str(&s->location));
}

int upload_has(const struct upload_target *t, const struct digest *digest, struct err *e)
{
    AUTO_ANSWER a;
    AUTO(buf) url = {0};
    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (transport_url(t->transport, &url, e, "/v2/%s/blobs/%s", t->repo, digest->text) < 0)
        return -1;
    const struct transport_request rq = {.method = "HEAD", .url = url.p};
    if (transport_ask(t->transport, TRANSPORT_PUSH, &rq, &a, e) < 0)
        return -1;
    if (a.status == 200)
        return 1;
    return a.status == 404 ? 0 : transport_refused(&a, "asking for a blob", e);
}

/* As upload_has, for a blob of which it is not clear that the question pays. */
static int ask(const struct upload_target *t, const struct blob_source *s, struct err *e)
{
    unsigned asked = atomic_fetch_add(&t->ways->asked, 1);
    if (s->size <= ASK_ALWAYS && atomic_load(&t->ways->missed) >= ASK_MISSES &&
        asked % ASK_SAMPLE != 0)
        return 0;
    int rc = upload_has(t, s->digest, e);
    if (rc > 0)
        atomic_store(&t->ways->missed, 0);
    else if (rc == 0)
        atomic_fetch_add(&t->ways->missed, 1);
    return rc;
}

/* POST: location becomes the address of a new upload. */
static int begin(struct sending *s, struct err *e)
{
    AUTO_ANSWER a;
    AUTO(buf) url = {0};
    uint64_t least;

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (s->recalled) /* all is read again: nothing rests on that run any more */
        hash_init(&s->hash, algorithm(s));
    s->offset = 0;
    s->stored = s->recalled = false;
    if (transport_url(s->t->transport, &url, e, "/v2/%s/blobs/uploads/", s->t->repo) < 0)
        return -1;
    const struct transport_request rq = {.method = "POST", .url = url.p};
    if (transport_ask(s->t->transport, TRANSPORT_PUSH, &rq, &a, e) < 0)
        return -1;
    if (a.status != 202)
        return transport_refused(&a, "starting an upload", e);
    if (str_u64(http_answer_header(&a, "OCI-Chunk-Min-Length"), 0, LIMIT_BLOB, &least))
        s->chunk_min = least;
    return transport_location(s->t->transport, &a, &s->location, e);
}

/* What the registry says it stored must be what we sent. */
static int check_stored(const struct http_answer *a, const struct digest *digest, struct err *e)
{
    struct str said = http_answer_header(a, "Docker-Content-Digest");
    struct digest there;
    if (said.n == 0 || (digest_parse(said, &there, NULL) == 0 &&
                        (there.alg != digest->alg || digest_eq(&there, digest))))
        return 0;
    return ERR(e, REMOTE, "the registry stored other content than was sent");
}

/* Reads the next bytes of the blob. What was sent before, and is sent again after a break, is in
 * the hash already; the source is checked for changes at the end. */
static int body_read(void *self, void *p, size_t n, size_t *ret_n, struct err *e)
{
    struct sending *s = self;
    uint64_t from = s->offset + s->at;
    size_t got;

    if (s->s->read(s->s->self, from, p, n, &got, e) < 0)
        return -1;
    uint64_t end = from + got;
    if (s->hashing && end > s->hash.n) {
        BUG_ON(from > s->hash.n);
        TRANSFER_PHASE(TRANSFER_HASH);
        size_t known = (size_t)(s->hash.n - from);
        hash_update(&s->hash, (const char *)p + known, got - known);
        take_note(s, false);
    }
    count(s, end, true);
    s->at += got;
    *ret_n = got;
    return 0;
}

static int body_seek(void *self, uint64_t offset, struct err *e)
{
    struct sending *s = self;
    (void)e;
    s->at = offset;
    return 0;
}

/* The next n bytes as the body of a request. */
static struct http_source body_of(struct sending *s, uint64_t n)
{
    s->at = 0;
    return (struct http_source){.length = n, .read = body_read, .seek = body_seek, .self = s};
}

/* Reads on without sending, until `end` bytes are hashed. */
static int hash_to(struct sending *s, uint64_t end, struct err *e)
{
    AUTO_FREE char *piece = s->hash.n < end ? mem_alloc(REREAD_STEP) : NULL;
    const atomic_bool *cancel = transport_cancel(s->t->transport);
    while (s->hash.n < end) {
        size_t n = (size_t)MIN_OF(end - s->hash.n, REREAD_STEP), got;
        if (cancel && atomic_load(cancel))
            return ERR(e, CANCELLED, "cancelled");
        if (s->s->read(s->s->self, s->hash.n, piece, n, &got, e) < 0)
            return -1;
        TRANSFER_PHASE(TRANSFER_HASH);
        hash_update(&s->hash, piece, got);
    }
    return 0;
}

/* "0-N" or "bytes=0-N": N + 1 bytes are there. false: it says something else. */
static bool parse_progress(struct str range, uint64_t max, uint64_t *ret)
{
    uint64_t last;
    if (str_starts(range, STR("bytes=")))
        range = str_skip(range, 6);
    struct str from = str_cut(&range, '-');
    if (!str_eqz(from, "0") || max == 0 || !str_u64(range, 0, max - 1, &last))
        return false;
    *ret = last + 1;
    return true;
}

/* Asks how far the upload is. 1: s->offset is set and its bytes are hashed; 0: begin afresh; -1
 * error. */
static int probe(struct sending *s, struct err *e)
{
    AUTO_ANSWER a;
    uint64_t there = 0;

    http_answer_init(&a);
    const struct transport_request rq = {.method = "GET", .url = s->location.p};
    if (transport_ask(s->t->transport, TRANSPORT_PUSH, &rq, &a, e) < 0)
        return -1;
    /* "0-0" is said of one byte and of none; that little is not worth a guess. More than was hashed
     * cannot come from this run, but an earlier one may have sent more than its last note says. */
    if (a.status < 200 || a.status > 299 ||
        !parse_progress(http_answer_header(&a, "Range"), s->s->size, &there) || there <= 1 ||
        (there > s->hash.n && !s->recalled))
        return 0;
    if (http_answer_header(&a, "Location").n &&
        transport_location(s->t->transport, &a, &s->location, e) < 0)
        return -1;
    if (hash_to(s, there, e) < 0)
        return -1;
    count(s, there, false);
    s->offset = there;
    s->stored = true;
    return 1;
}

/* This registry wants it otherwise: the next way, for this blob and those to come. False: there is
 * none. */
static bool other_way(struct sending *s, int status)
{
    struct upload_ways *w = s->t->ways;
    buf_reset(&s->location);
    if (s->how == HOW_CHUNKS && status == 413 && s->chunk / 4 >= MAX_OF(CHUNK_MIN, s->chunk_min)) {
        uint64_t old = s->chunk;
        (void)atomic_compare_exchange_strong(&w->chunk, &old, s->chunk / 4);
        return true;
    }
    if (s->how == HOW_PUT)
        return false;
    /* A blob that fits into one chunk has gone as a stream. Another thread may have been faster. */
    bool chunked = s->how == HOW_CHUNKS && s->s->size > s->chunk;
    int old = s->how;
    (void)atomic_compare_exchange_strong(&w->how, &old, chunked ? HOW_STREAM : HOW_PUT);
    return true;
}

/* A PATCH or PUT that was not taken: can it be made good? */
static enum step refused(struct sending *s, const struct http_answer *a, bool is_patch,
                         struct err *e)
{
    bool unable = a->status == 405 || a->status == 400 || a->status == 413 || a->status == 501 ||
                  ((a->status == 404 || a->status == 416) && !s->stored);
    if (is_patch && unable && other_way(s, a->status))
        return STEP_AGAIN;
    /* 409: the connection that broke has not ended on the other side yet. */
    if (retry_status(a->status) || a->status == 404 || a->status == 409 || a->status == 416)
        return STEP_AGAIN;
    (void)transport_refused(a, s->s->shown, e);
    return STEP_FAILED;
}

/* Sends the next bytes by one PATCH. */
static enum step patch(struct sending *s, struct http_answer *a, struct err *e)
{
    char range[80];
    const char *headers[] = {octets[0], NULL, NULL};
    uint64_t n = s->s->size - s->offset, there;

    s->how = atomic_load(&s->t->ways->how);
    s->chunk = MAX_OF(atomic_load(&s->t->ways->chunk), s->chunk_min);
    if (s->how == HOW_CHUNKS && n > s->chunk)
        n = s->chunk;
    const struct http_source body = body_of(s, n);
    struct http_call call = {
        .method = "PATCH", .url = s->location.p, .headers = headers, .body = &body};
    if (n < s->s->size) {
        (void)snprintf(range, sizeof(range), "Content-Range: %" PRIu64 "-%" PRIu64, s->offset,
                       s->offset + n - 1);
        headers[1] = range;
    }
    a->status = 0;
    if (transport_do(s->t->transport, TRANSPORT_PUSH, &call, a, e) < 0)
        return retry_error(e) ? STEP_AGAIN : STEP_FAILED;
    /* 201 and 204 are said by some that mean 202. */
    if (a->status != 202 && a->status != 201 && a->status != 204)
        return refused(s, a, true, e);
    if ((a->status == 202 || http_answer_header(a, "Location").n) &&
        transport_location(s->t->transport, a, &s->location, e) < 0)
        return STEP_FAILED;
    uint64_t end = s->offset + n;
    if (parse_progress(http_answer_header(a, "Range"), s->s->size, &there) && there < end) {
        a->status = 0;
        (void)ERR(e, REMOTE, "the registry took %" PRIu64 " of %" PRIu64 " bytes", there, end);
        return STEP_AGAIN;
    }
    s->offset = end;
    s->stored = true;
    take_note(s, true);
    return STEP_DONE;
}

/* PUT with the digest; n bytes of the blob are its body. */
static enum step put(struct sending *s, const struct digest *digest, uint64_t n,
                     struct http_answer *a, struct err *e)
{
    AUTO(buf) url = {0};
    const struct http_source body = body_of(s, n);

    buf_init(&url, LIMIT_CLIENT_URL);
    a->status = 0;
    if (http_url_add_query(s->location.p, "digest", digest_str(digest), &url, e) < 0)
        return STEP_FAILED;
    struct http_call call = {
        .method = "PUT", .url = url.p, .headers = octets, .body = n ? &body : NULL};
    if (transport_do(s->t->transport, TRANSPORT_PUSH, &call, a, e) < 0)
        return retry_error(e) ? STEP_AGAIN : STEP_FAILED;
    if (a->status == 201 || a->status == 204)
        return check_stored(a, digest, e) < 0 ? STEP_FAILED : STEP_DONE;
    if (a->status == 400 && s->recalled) {
        /* What an earlier run sent is not what it should be. */
        buf_reset(&s->location);
        return STEP_AGAIN;
    }
    return refused(s, a, false, e);
}

/* Begins an upload, or takes up the one that broke. */
static int stand(struct sending *s, bool broken, struct err *e)
{
    if (broken && s->location.n) {
        int rc = probe(s, e);
        if (rc != 0)
            return rc < 0 ? -1 : 0;
        buf_reset(&s->location);
    }
    if (s->location.n)
        return 0;
    memo_session_forget(&s->memo);
    return begin(s, e);
}

/* All was read: is it what it was, and what it should be? */
static int check_read(struct sending *s, struct digest *digest, struct err *e)
{
    if (s->s->check && s->s->check(s->s->self, e) < 0) {
        memo_session_forget(&s->memo);
        return -1;
    }
    hash_digest(&s->hash, digest);
    if (s->s->digest && !digest_eq(s->s->digest, digest)) {
        memo_session_forget(&s->memo);
        return ERR(e, DIGEST_INVALID, "%s has the digest %s instead of %s", s->s->shown,
                   digest->text, s->s->digest->text);
    }
    return 0;
}

/* For registries that know no PATCH. */
static enum step attempt_put(struct sending *s, struct digest *digest, struct http_answer *a,
                             struct err *e)
{
    if (hash_to(s, s->s->size, e) < 0 || check_read(s, digest, e) < 0)
        return STEP_FAILED;
    int rc = upload_has(s->t, digest, e);
    if (rc != 0) {
        s->present = rc > 0;
        return rc < 0 ? STEP_FAILED : STEP_DONE;
    }
    if (begin(s, e) < 0)
        return STEP_FAILED;
    enum step step = put(s, digest, s->s->size, a, e);
    if (step != STEP_DONE)
        return step;
    return s->s->check && s->s->check(s->s->self, e) < 0 ? STEP_FAILED : STEP_DONE;
}

/* One attempt at what is left to do. */
static enum step attempt(struct sending *s, bool broken, struct digest *digest,
                         struct http_answer *a, struct err *e)
{
    if (broken && s->hash.n == s->s->size && s->s->size) {
        /* The break may have hidden the success. */
        hash_digest(&s->hash, digest);
        int rc = upload_has(s->t, digest, e);
        if (rc != 0)
            return rc < 0 || check_read(s, digest, e) < 0 ? STEP_FAILED : STEP_DONE;
    }
    if (atomic_load(&s->t->ways->how) == HOW_PUT)
        return attempt_put(s, digest, a, e);
    if (stand(s, broken, e) < 0)
        return STEP_FAILED;
    while (s->offset < s->s->size) {
        enum step step = patch(s, a, e);
        if (step != STEP_DONE)
            return step;
    }
    if (check_read(s, digest, e) < 0) {
        if (!s->recalled || e->code != ERR_DIGEST_INVALID)
            return STEP_FAILED;
        /* What an earlier run sent may be to blame. */
        buf_reset(&s->location);
        a->status = 0;
        return STEP_AGAIN;
    }
    return put(s, digest, 0, a, e);
}

/* Takes up what an earlier run left, if it is known. */
static bool recall(struct sending *s)
{
    if (!memo_session_open(s->s->memo, transport_base(s->t->transport), s->t->repo, &s->memo))
        return false;
    struct hash hash;
    if (!memo_session_find(&s->memo, &hash, &s->location)) {
        buf_reset(&s->location);
        return false;
    }
    s->hash = hash;
    s->recalled = true;
    return true;
}

static int send_large(struct sending *s, struct digest *digest, struct err *e)
{
    AUTO_ANSWER a;
    struct retry retry = {.err = e};
    uint64_t best = 0;

    http_answer_init(&a);
    hash_init(&s->hash, algorithm(s));
    s->hashing = true;
    for (bool broken = recall(s);; broken = true) {
        bool recalled = s->recalled;
        int how = atomic_load(&s->t->ways->how);
        switch (attempt(s, broken, digest, &a, e)) {
        case STEP_DONE:
            memo_session_forget(&s->memo);
            return 0;
        case STEP_FAILED:
            if (e->code == ERR_CANCELLED || e->code == ERR_NETWORK)
                take_note(s, true);
            return -1;
        case STEP_AGAIN:
            break;
        }
        /* Further than ever, or differently: this is progress, not failure. */
        if (s->offset > best || recalled != s->recalled || how != atomic_load(&s->t->ways->how)) {
            best = MAX_OF(best, s->offset);
            retry.failed = 0;
        }
        if (a.status == 409 && retry.failed >= BUSY_PATIENCE)
            buf_reset(&s->location); /* it may last: a new upload costs bytes, but not time */
        if (s->location.n == 0 && how != atomic_load(&s->t->ways->how))
            continue;
        if (retry_wait(&retry, a.status ? &a : NULL, transport_cancel(s->t->transport)))
            continue;
        take_note(s, true);
        if (a.status)
            return transport_refused(&a, s->s->shown, e);
        return err_wrap(e, "sending %s", s->s->shown);
    }
}

/* POST with the bytes. Registries that do not know that begin an upload, or refuse. */
static enum step single(struct sending *s, struct http_answer *a, struct err *e)
{
    AUTO(buf) path = {0};
    AUTO(buf) url = {0};
    const struct http_source body = body_of(s, s->s->size);

    buf_init(&path, LIMIT_CLIENT_URL);
    buf_init(&url, LIMIT_CLIENT_URL);
    a->status = 0;
    if (transport_url(s->t->transport, &path, e, "/v2/%s/blobs/uploads/", s->t->repo) < 0 ||
        http_url_add_query(path.p, "digest", digest_str(s->s->digest), &url, e) < 0)
        return STEP_FAILED;
    struct http_call call = {
        .method = "POST", .url = url.p, .headers = octets, .body = s->s->size ? &body : NULL};
    if (transport_do(s->t->transport, TRANSPORT_PUSH, &call, a, e) < 0)
        return retry_error(e) ? STEP_AGAIN : STEP_FAILED;
    if (a->status == 201) {
        atomic_store(&s->t->ways->single, SINGLE_YES);
        return check_stored(a, s->s->digest, e) < 0 ? STEP_FAILED : STEP_DONE;
    }
    if (a->status == 202) {
        atomic_store(&s->t->ways->single, SINGLE_NO);
        if (transport_location(s->t->transport, a, &s->location, e) < 0)
            return STEP_FAILED;
        enum step step = put(s, s->s->digest, s->s->size, a, e);
        return step == STEP_FAILED && a->status >= 400 ? STEP_AGAIN : step;
    }
    if (!retry_status(a->status) && a->status != 403 &&
        atomic_exchange(&s->t->ways->single, SINGLE_NO) != SINGLE_NO)
        return STEP_AGAIN;
    return refused(s, a, false, e);
}

static int send_small(struct sending *s, struct err *e)
{
    AUTO_ANSWER a;
    struct retry retry = {.err = e};
    enum step step;

    http_answer_init(&a);
    for (;;) {
        int known = atomic_load(&s->t->ways->single);
        bool alone = known == SINGLE_YES || (known == SINGLE_UNKNOWN && s->s->size <= SINGLE_TRIAL);
        if (alone)
            step = single(s, &a, e);
        else
            step = begin(s, e) < 0 ? STEP_FAILED : put(s, s->s->digest, s->s->size, &a, e);
        if (step == STEP_DONE && s->s->check && s->s->check(s->s->self, e) < 0)
            step = STEP_FAILED;
        if (step != STEP_AGAIN)
            return step == STEP_DONE ? 0 : -1;
        s->offset = 0;
        if (alone && a.status >= 400 && !retry_status(a.status) && retry.failed == 0) {
            retry.failed++;
            continue; /* the other way */
        }
        if (!retry_wait(&retry, a.status ? &a : NULL, transport_cancel(s->t->transport)))
            return a.status ? transport_refused(&a, s->s->shown, e)
                            : err_wrap(e, "sending %s", s->s->shown);
        /* The break may have hidden the success. */
        int rc = upload_has(s->t, s->s->digest, e);
        if (rc != 0)
            return rc < 0 ? -1 : 0;
    }
}

int upload_blob(const struct upload_target *t, const struct blob_source *source, struct transfer *x,
                struct digest *ret_digest, bool *ret_present, struct err *e)
{
    AUTO(sending) s = {.t = t, .s = source, .x = x};
    struct digest digest;

    buf_init(&s.location, LIMIT_CLIENT_URL);
    if (source->digest) {
        int rc = ask(t, source, e);
        if (rc < 0)
            return -1;
        digest = *source->digest;
        s.present = rc > 0;
    }
    bool small = source->digest && source->size <= UPLOAD_SMALL;
    if (!s.present && (small ? send_small(&s, e) : send_large(&s, &digest, e)) < 0)
        return -1;
    count(&s, source->size, false);
    *ret_digest = digest;
    *ret_present = s.present;
    return 0;
}
