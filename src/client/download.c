/* SPDX-License-Identifier: Apache-2.0 */
#include "client/download.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/sys.h"
#include "client/retry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define READ_STEP (1 * MIB)
/* Written pages go to the disk in steps of this size while the next bytes come in. */
#define FLUSH_STEP (8 * MIB)

struct receiving {
    const struct download *d;
    const struct digest *digest;
    uint64_t size;
    int fd;
    struct hash hash; /* of the first hash.n bytes, which the file holds */
    uint64_t asked;   /* where the range of this request begins */
    uint64_t counted; /* bytes told to the transfer */
    uint64_t flushed;
    bool resumed; /* bytes of an earlier run are in it */
};

static void count(struct receiving *r, bool moved)
{
    if (r->hash.n <= r->counted)
        return;
    transfer_bytes(r->d->transfer, r->hash.n - r->counted, moved);
    r->counted = r->hash.n;
}

static int start_over(struct receiving *r, struct err *e)
{
    hash_init(&r->hash, r->digest->alg);
    r->resumed = false;
    r->flushed = 0;
    if (sys->ftruncate(r->fd, 0) < 0)
        return ERR_SYS(e, "cannot empty a partial file");
    return 0;
}

/* Hashes what an earlier run left. */
static int take_up(struct receiving *r, uint64_t there, struct err *e)
{
    hash_init(&r->hash, r->digest->alg);
    if (there > r->size)
        return start_over(r, e);
    AUTO_FREE char *piece = there ? mem_alloc(READ_STEP) : NULL;
    while (r->hash.n < there) {
        uint64_t left = there - r->hash.n;
        size_t n = left < READ_STEP ? (size_t)left : READ_STEP;
        TRANSFER_PHASE(TRANSFER_READ);
        if (file_pread_all(r->fd, piece, n, r->hash.n, NULL) < 0)
            return start_over(r, e);
        (void)transfer_phase(TRANSFER_HASH);
        hash_update(&r->hash, piece, n);
    }
    r->resumed = there > 0;
    count(r, false);
    return 0;
}

/* "bytes FIRST-LAST/TOTAL" must be what was asked for (RFC 9110 14.4). */
static bool range_fits(struct str value, uint64_t first, uint64_t size)
{
    uint64_t from, last, total;
    if (!str_starts(value, STR("bytes ")))
        return false;
    struct str rest = str_trim(str_skip(value, 6));
    struct str a = str_cut(&rest, '-');
    struct str b = str_cut(&rest, '/');
    if (!str_u64(a, 0, UINT64_MAX, &from) || !str_u64(b, 0, UINT64_MAX, &last))
        return false;
    if (!str_eqz(rest, "*") && (!str_u64(rest, 0, UINT64_MAX, &total) || total != size))
        return false;
    return from == first && last < size;
}

static int on_begin(void *self, const struct http_answer *a, struct err *e)
{
    struct receiving *r = self;
    uint64_t length;
    struct str said = http_answer_header(a, "Content-Length");

    if (a->status == 206) {
        if (!range_fits(http_answer_header(a, "Content-Range"), r->asked, r->size))
            return ERR(e, REMOTE, "the registry sends another range than was asked for");
        return 0;
    }
    if (a->status != 200)
        return ERR(e, REMOTE, "the registry answers %d to a download", a->status);
    if (said.n && (!str_u64(said, 0, UINT64_MAX, &length) || length != r->size))
        return ERR(e, REMOTE, "the registry sends %.*s bytes, the manifest says %" PRIu64, S(said),
                   r->size);
    /* It does not know ranges: from the beginning, then. */
    return r->hash.n ? start_over(r, e) : 0;
}

static int on_take(void *self, const void *p, size_t n, struct err *e)
{
    struct receiving *r = self;
    if (n > r->size - r->hash.n)
        return ERR(e, REMOTE, "the registry sends more than the %" PRIu64 " bytes of the manifest",
                   r->size);
    TRANSFER_PHASE(TRANSFER_WRITE);
    if (file_pwrite_all(r->fd, p, n, r->hash.n, e) < 0)
        return -1;
    (void)transfer_phase(TRANSFER_HASH);
    hash_update(&r->hash, p, n);
    (void)transfer_phase(TRANSFER_WRITE);
    if (r->hash.n - r->flushed >= FLUSH_STEP) {
        /* A hint only: what it cannot do, the sync at the end does. */
        (void)sys->sync_file_range(r->fd, (off_t)r->flushed, (off_t)(r->hash.n - r->flushed),
                                   SYNC_FILE_RANGE_WRITE);
        r->flushed = r->hash.n;
    }
    count(r, true);
    return 0;
}

enum step { STEP_DONE, STEP_AGAIN, STEP_FAILED };

static enum step ask(struct receiving *r, struct http_answer *a, struct err *e)
{
    char range[64];
    const char *headers[] = {NULL, NULL};
    AUTO(buf) url = {0};

    buf_init(&url, LIMIT_CLIENT_URL);
    a->status = 0;
    if (transport_url(r->d->transport, &url, e, "/v2/%s/blobs/%s", r->d->repo, r->digest->text) < 0)
        return STEP_FAILED;
    r->asked = r->hash.n;
    if (r->asked) {
        (void)snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", r->asked);
        headers[0] = range;
    }
    struct http_call call = {.method = "GET",
                             .url = url.p,
                             .headers = headers,
                             .begin = on_begin,
                             .take = on_take,
                             .take_self = r,
                             .take_max = r->size};
    if (transport_do(r->d->transport, TRANSPORT_PULL, &call, a, e) < 0) {
        a->status = 0;
        return retry_error(e) ? STEP_AGAIN : STEP_FAILED;
    }
    if (a->status == 200 || a->status == 206) {
        if (r->hash.n == r->size)
            return STEP_DONE;
        (void)ERR(e, NETWORK, "the download ended %" PRIu64 " bytes early", r->size - r->hash.n);
        a->status = 0;
        return STEP_AGAIN;
    }
    if (a->status == 416 && r->asked)
        return start_over(r, e) < 0 ? STEP_FAILED : STEP_AGAIN;
    if (retry_status(a->status))
        return STEP_AGAIN;
    (void)transport_refused(a, "fetching a blob", e);
    return STEP_FAILED;
}

/* Until every byte is there. */
static int receive(struct receiving *r, struct err *e)
{
    struct http_answer a __attribute__((cleanup(http_answer_autodone)));
    struct retry retry = {.err = e};

    http_answer_init(&a);
    while (r->hash.n < r->size) {
        uint64_t before = r->hash.n;
        enum step step = ask(r, &a, e);
        if (step == STEP_DONE)
            break;
        if (step == STEP_FAILED)
            return -1;
        if (r->hash.n > before)
            retry.failed = 0;
        if (!retry_wait(&retry, a.status ? &a : NULL, transport_cancel(r->d->transport)))
            return a.status ? transport_refused(&a, "fetching a blob", e) : -1;
    }
    return 0;
}

int download_blob(const struct download *d, const struct digest *digest, uint64_t size,
                  struct err *e)
{
    struct receiving r = {.d = d, .digest = digest, .size = size};
    struct digest got;
    uint64_t there;

    AUTOFD fd = place_part_open(d->place, digest, &there, e);
    if (fd < 0)
        return -1;
    r.fd = fd;
    if (take_up(&r, there, e) < 0)
        return -1;
    for (;;) {
        if (receive(&r, e) < 0) {
            if (r.hash.n == 0) /* nothing that a later run could use */
                (void)place_part_remove(d->place, digest, NULL);
            return -1;
        }
        hash_digest(&r.hash, &got);
        if (digest_eq(&got, digest))
            return TAKE_FD(fd);
        if (!r.resumed) {
            (void)place_part_remove(d->place, digest, NULL);
            return ERR(e, DIGEST_INVALID,
                       "the registry sends content with the digest %s instead of %s", got.text,
                       digest->text);
        }
        /* The old part may be to blame. */
        if (start_over(&r, e) < 0)
            return -1;
    }
}
