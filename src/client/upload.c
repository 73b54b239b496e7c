/* SPDX-License-Identifier: Apache-2.0 */
#include "client/upload.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/sys.h"
#include "client/retry.h"
#include "http/url.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const char *const octets[] = {"Content-Type: application/octet-stream", NULL};

#define AUTO_ANSWER __attribute__((cleanup(http_answer_autodone))) struct http_answer

/* 1 the repository has the blob, 0 it has not. */
static int has_blob(const struct upload_target *t, const struct digest *digest, struct err *e)
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

/* POST: *location becomes the address of a new upload. */
static int begin(const struct upload_target *t, struct buf *location, struct err *e)
{
    AUTO_ANSWER a;
    AUTO(buf) url = {0};
    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (transport_url(t->transport, &url, e, "/v2/%s/blobs/uploads/", t->repo) < 0)
        return -1;
    const struct transport_request rq = {.method = "POST", .url = url.p};
    if (transport_ask(t->transport, TRANSPORT_PUSH, &rq, &a, e) < 0)
        return -1;
    if (a.status != 202)
        return transport_refused(&a, "starting an upload", e);
    return transport_location(t->transport, &a, location, e);
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

int upload_memory(const struct upload_target *t, struct str bytes, const struct digest *digest,
                  bool *ret_present, struct err *e)
{
    AUTO_ANSWER a;
    AUTO(buf) location = {0};
    AUTO(buf) url = {0};
    struct http_memory memory = {.bytes = bytes};
    struct retry retry = {.err = e};

    http_answer_init(&a);
    buf_init(&location, LIMIT_CLIENT_URL);
    buf_init(&url, LIMIT_CLIENT_URL);
    for (;;) {
        int rc = has_blob(t, digest, e);
        if (rc != 0) {
            *ret_present = rc > 0 && retry.failed == 0;
            return rc < 0 ? -1 : 0;
        }
        if (begin(t, &location, e) < 0 ||
            http_url_add_query(location.p, "digest", digest_str(digest), &url, e) < 0)
            return -1;
        const struct http_source body = http_memory_source(&memory);
        struct http_call call = {.method = "PUT", .url = url.p, .headers = octets, .body = &body};
        rc = transport_do(t->transport, TRANSPORT_PUSH, &call, &a, e);
        if (rc == 0 && a.status == 201) {
            *ret_present = false;
            return check_stored(&a, digest, e);
        }
        bool again = rc < 0 ? retry_error(e) : retry_status(a.status) || a.status == 404;
        if (again && retry_wait(&retry, rc < 0 ? NULL : &a, transport_cancel(t->transport)))
            continue;
        return rc < 0 ? -1 : transport_refused(&a, "sending a blob", e);
    }
}

/* One file on its way. */
struct sending {
    const struct upload_target *t;
    const struct upload_file *file;
    struct buf location; /* empty: no upload was begun */
    uint64_t offset;     /* what the registry has */
    uint64_t at;         /* position in this request's body, counted from offset */
    uint64_t counted;    /* bytes told to the transfer: what was sent twice counts once */
    struct hash hash;    /* of the first hash.n bytes of the file */
};

/* Reads the next bytes of the file. What was sent before, and is sent again after a break, is in
 * the hash already; the file is checked for changes at the end. */
static int file_source_read(void *self, void *p, size_t n, size_t *ret_n, struct err *e)
{
    struct sending *s = self;
    uint64_t from = s->offset + s->at;
    ssize_t got;

    enum transfer_phase before = transfer_phase(TRANSFER_READ);
    do {
        got = sys->pread(s->file->fd, p, n, (off_t)from);
    } while (got < 0 && errno == EINTR);
    (void)transfer_phase(before);
    if (got < 0)
        return ERR_SYS(e, "reading %s", s->file->path);
    if (got == 0)
        return ERR(e, MODEL_INVALID, "%s was changed while it was read", s->file->path);
    uint64_t end = from + (uint64_t)got;
    if (end > s->hash.n) {
        BUG_ON(from > s->hash.n);
        TRANSFER_PHASE(TRANSFER_HASH);
        size_t known = (size_t)(s->hash.n - from);
        hash_update(&s->hash, (const char *)p + known, (size_t)got - known);
    }
    if (end > s->counted) {
        transfer_bytes(s->t->transfer, end - s->counted, true);
        s->counted = end;
    }
    s->at += (uint64_t)got;
    *ret_n = (size_t)got;
    return 0;
}

static int file_source_seek(void *self, uint64_t offset, struct err *e)
{
    struct sending *s = self;
    (void)e;
    s->at = offset;
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

/* Asks how far the upload is. 1: s->offset is set; 0: begin afresh; -1 error. */
static int probe(struct sending *s, struct err *e)
{
    AUTO_ANSWER a;
    uint64_t there = 0;

    http_answer_init(&a);
    const struct transport_request rq = {.method = "GET", .url = s->location.p};
    if (transport_ask(s->t->transport, TRANSPORT_PUSH, &rq, &a, e) < 0)
        return -1;
    /* "0-0" is said of one byte and of none; that little is not worth a guess. More than was hashed
     * cannot come from us. */
    if (a.status != 204 ||
        !parse_progress(http_answer_header(&a, "Range"), s->file->size, &there) || there <= 1 ||
        there > s->hash.n)
        return 0;
    if (http_answer_header(&a, "Location").n &&
        transport_location(s->t->transport, &a, &s->location, e) < 0)
        return -1;
    s->offset = there;
    return 1;
}

enum step { STEP_DONE, STEP_AGAIN, STEP_FAILED };

/* Sends the file from s->offset on by one PATCH. */
static enum step patch(struct sending *s, struct http_answer *a, struct err *e)
{
    char range[80];
    const char *headers[] = {octets[0], NULL, NULL};
    const struct http_source body = {.length = s->file->size - s->offset,
                                     .read = file_source_read,
                                     .seek = file_source_seek,
                                     .self = s};
    struct http_call call = {
        .method = "PATCH", .url = s->location.p, .headers = headers, .body = &body};

    s->at = 0;
    if (s->offset) {
        (void)snprintf(range, sizeof(range), "Content-Range: %" PRIu64 "-%" PRIu64, s->offset,
                       s->file->size - 1);
        headers[1] = range;
    }
    a->status = 0;
    if (transport_do(s->t->transport, TRANSPORT_PUSH, &call, a, e) < 0)
        return retry_error(e) ? STEP_AGAIN : STEP_FAILED;
    if (a->status == 202) {
        uint64_t there;
        struct str said = http_answer_header(a, "Range");
        if (transport_location(s->t->transport, a, &s->location, e) < 0)
            return STEP_FAILED;
        if (!parse_progress(said, s->file->size, &there) || there == s->file->size) {
            s->offset = s->file->size;
            return STEP_DONE;
        }
        return STEP_AGAIN;
    }
    if (retry_status(a->status) || a->status == 404 || a->status == 416)
        return STEP_AGAIN;
    (void)transport_refused(a, s->file->path, e);
    return STEP_FAILED;
}

/* PUT with the digest. */
static enum step finish(struct sending *s, const struct digest *digest, struct http_answer *a,
                        struct err *e)
{
    AUTO(buf) url = {0};
    buf_init(&url, LIMIT_CLIENT_URL);
    a->status = 0;
    if (http_url_add_query(s->location.p, "digest", digest_str(digest), &url, e) < 0)
        return STEP_FAILED;
    struct http_call call = {.method = "PUT", .url = url.p, .headers = octets};
    if (transport_do(s->t->transport, TRANSPORT_PUSH, &call, a, e) < 0)
        return retry_error(e) ? STEP_AGAIN : STEP_FAILED;
    if (a->status == 201)
        return check_stored(a, digest, e) < 0 ? STEP_FAILED : STEP_DONE;
    if (retry_status(a->status) || a->status == 404 || a->status == 416)
        return STEP_AGAIN;
    (void)transport_refused(a, s->file->path, e);
    return STEP_FAILED;
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
    if (s->location.n == 0) {
        s->offset = 0;
        return begin(s->t, &s->location, e);
    }
    return 0;
}

/* One attempt at what is left to do. */
static enum step attempt(struct sending *s, bool broken, struct digest *digest,
                         struct http_answer *a, struct err *e)
{
    if (broken && s->hash.n == s->file->size && s->file->size) {
        /* The break may have hidden the success. */
        hash_digest(&s->hash, digest);
        int rc = has_blob(s->t, digest, e);
        if (rc != 0)
            return rc < 0 ? STEP_FAILED : STEP_DONE;
    }
    if (stand(s, broken, e) < 0)
        return STEP_FAILED;
    if (s->offset < s->file->size) {
        enum step step = patch(s, a, e);
        if (step != STEP_DONE)
            return step;
    }
    if (s->file->unchanged(s->file->self, s->file->fd, e) < 0)
        return STEP_FAILED;
    hash_digest(&s->hash, digest);
    return finish(s, digest, a, e);
}

static void sending_autodone(struct sending *s)
{
    buf_done(&s->location);
}

int upload_file(const struct upload_target *t, const struct upload_file *file, struct digest *ret,
                struct err *e)
{
    AUTO(sending) s = {.t = t, .file = file};
    AUTO_ANSWER a;
    struct retry retry = {.err = e};
    struct digest digest;
    uint64_t best = 0;

    http_answer_init(&a);
    buf_init(&s.location, LIMIT_CLIENT_URL);
    hash_init(&s.hash, DIGEST_SHA256);
    for (bool broken = false;; broken = true) {
        switch (attempt(&s, broken, &digest, &a, e)) {
        case STEP_DONE:
            *ret = digest;
            return 0;
        case STEP_FAILED:
            return -1;
        case STEP_AGAIN:
            break;
        }
        if (s.offset > best) { /* further than ever: this is progress, not failure */
            best = s.offset;
            retry.failed = 0;
        }
        if (retry_wait(&retry, a.status ? &a : NULL, transport_cancel(t->transport)))
            continue;
        if (a.status)
            return transport_refused(&a, file->path, e);
        return err_wrap(e, "sending %s", file->path);
    }
}
