/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies that are pieces of memory and ranges of files: one path for whole, composed and ranged
 * content, plain and TLS.
 *
 * The I/O thread reads what is in the page cache (preadv2 with RWF_NOWAIT). On a miss the
 * connection is suspended and a worker reads the block and asks the kernel for the next ones, so
 * that no socket waits for a disk. A file that has become shorter than it was ends the connection:
 * the client sees a body that is too short, never wrong bytes. Where a file grows while it is sent,
 * the connection is suspended until there is more of it.
 */
#include "http/internal.h"

#include "base/mem.h"
#include "base/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the kernel is asked to read ahead behind a missed block. */
#define READ_AHEAD (4u << 20)

struct http_sender {
    struct http_conn *conn;
    const struct http_seg *segs;
    size_t n, at;        /* the piece that `pos` lies in */
    uint64_t at_start;   /* position of its first byte */
    bool nowait_missing; /* the file system does not know RWF_NOWAIT */
    /* A block that a worker has read. */
    char *block;
    uint64_t block_pos;
    size_t block_n;
    bool block_failed;
    struct pool_job job;
    struct waiter waiter; /* for a file to grow */
};

static void read_job(struct pool_job *job)
{
    struct http_sender *s = CONTAINER_OF(job, struct http_sender, job);
    struct http_conn *c = s->conn;
    const struct http_seg *seg = &s->segs[s->at];
    uint64_t into = s->block_pos - s->at_start;
    size_t want = (size_t)MIN_OF(seg->len - into, (uint64_t)HTTP_BLOCK);
    off_t from = (off_t)(seg->offset + into);
    (void)posix_fadvise(seg->fd, from, READ_AHEAD, POSIX_FADV_WILLNEED);
    size_t n = 0;
    while (n < want) {
        ssize_t r = pread(seg->fd, s->block + n, want - n, from + (off_t)n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            break;
        n += (size_t)r;
    }
    s->block_n = n;
    s->block_failed = n == 0;
    http_link_phase(c->link, HTTP_SEND);
    MHD_resume_connection(c->mhd);
}

/* Of *want bytes of a piece those that are there: 1, 0 none yet, -1 there never will be any. */
static int grown(const struct http_seg *seg, uint64_t into, struct waiter *w, size_t *want)
{
    uint64_t have, at = seg->offset + into;
    int rc = seg->grows ? seg->grows->wait(seg->grows->self, at, w, &have) : 1;
    if (seg->grows && rc > 0)
        *want = (size_t)MIN_OF((uint64_t)*want, have - at);
    return rc;
}

static void wake(struct waiter *w)
{
    struct http_conn *c = CONTAINER_OF(w, struct http_sender, waiter)->conn;
    http_link_phase(c->link, HTTP_SEND);
    MHD_resume_connection(c->mhd);
}

static bool left(const struct waiter *w)
{
    const struct http_sender *s =
        (const void *)((const char *)w - offsetof(struct http_sender, waiter));
    return http_client_left(&s->conn->rq);
}

/* The file is not long enough yet. */
static ssize_t wait_for_growth(struct http_sender *s, uint64_t pos)
{
    const struct http_seg *seg = &s->segs[s->at];
    size_t want = 1;
    if (http_client_left(&s->conn->rq))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    s->waiter = (struct waiter){.wake = wake, .left = left};
    http_link_phase(s->conn->link, HTTP_BUSY);
    MHD_suspend_connection(s->conn->mhd);
    if (grown(seg, pos - s->at_start, &s->waiter, &want) != 0)
        wake(&s->waiter); /* now it is, or never will be */
    return 0;
}

/* Bytes at pos, from the present piece: > 0, 0 would block, -1 the file is too short or unreadable.
 */
static ssize_t read_piece(struct http_sender *s, uint64_t pos, char *out, size_t max)
{
    const struct http_seg *seg = &s->segs[s->at];
    uint64_t into = pos - s->at_start;
    size_t want = (size_t)MIN_OF(seg->len - into, (uint64_t)max);
    int there = grown(seg, into, NULL, &want);
    if (there <= 0)
        return there;
    if (seg->mem) {
        memcpy(out, (const char *)seg->mem + into, want);
        return (ssize_t)want;
    }
    if (s->block_n && pos >= s->block_pos && pos < s->block_pos + s->block_n) {
        size_t skip = (size_t)(pos - s->block_pos);
        want = MIN_OF(want, s->block_n - skip);
        memcpy(out, s->block + skip, want);
        return (ssize_t)want;
    }
    if (s->nowait_missing)
        return 0;
    struct iovec io = {.iov_base = out, .iov_len = want};
    ssize_t n;
    do
        n = preadv2(seg->fd, &io, 1, (off_t)(seg->offset + into), RWF_NOWAIT);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    if (n == 0)
        return -1;
    if (errno == EAGAIN)
        return 0;
    if (errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS) {
        s->nowait_missing = true;
        return 0;
    }
    return -1;
}

/* What is not here has to be waited for, elsewhere. */
static ssize_t miss(struct http_sender *s, uint64_t pos)
{
    size_t want = 1;
    if (grown(&s->segs[s->at], pos - s->at_start, NULL, &want) == 0)
        return wait_for_growth(s, pos);
    METRIC_ADD(read_misses, 1);
    if (!s->block)
        s->block = arena_alloc(&s->conn->rq.arena, HTTP_BLOCK);
    s->block_pos = pos;
    s->block_n = 0;
    s->job.fn = read_job;
    http_link_phase(s->conn->link, HTTP_BUSY);
    MHD_suspend_connection(s->conn->mhd);
    BUG_ON(!pool_add(s->conn->server->byte_workers, &s->job));
    return 0;
}

static ssize_t next_block(void *cls, uint64_t pos, char *out, size_t max)
{
    struct http_sender *s = cls;
    size_t n = 0;
    if (s->block_failed)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    while (n < max) {
        while (s->at < s->n && pos + n >= s->at_start + s->segs[s->at].len)
            s->at_start += s->segs[s->at++].len;
        if (s->at == s->n)
            break;
        ssize_t r = read_piece(s, pos + n, out + n, max - n);
        if (r < 0)
            return n ? (ssize_t)n : MHD_CONTENT_READER_END_WITH_ERROR;
        if (r == 0)
            return n ? (ssize_t)n : miss(s, pos);
        n += (size_t)r;
    }
    return n ? (ssize_t)n : MHD_CONTENT_READER_END_WITH_ERROR;
}

/* A small body is read here and now, on the worker that answers; false: it cannot be. */
static bool read_small(struct http_conn *c, char *out)
{
    struct http_reply_state *r = &c->reply;
    size_t at = 0;
    for (size_t i = 0; i < r->n_segs; i++) {
        const struct http_seg *seg = &r->segs[i];
        if (seg->mem) {
            memcpy(out + at, seg->mem, (size_t)seg->len);
            at += (size_t)seg->len;
            continue;
        }
        size_t got = 0, want = (size_t)seg->len;
        if (seg->len && (grown(seg, 0, NULL, &want) <= 0 || want < seg->len))
            return false;
        while (got < seg->len) {
            ssize_t n =
                pread(seg->fd, out + at + got, (size_t)seg->len - got, (off_t)(seg->offset + got));
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return false;
            got += (size_t)n;
        }
        at += got;
    }
    return true;
}

struct MHD_Response *http_sender_response(struct http_conn *c)
{
    struct http_reply_state *r = &c->reply;
    if (!c->rq.head && r->size <= HTTP_SMALL_BODY) {
        char *bytes = arena_alloc(&c->rq.arena, (size_t)r->size + 1);
        if (read_small(c, bytes))
            return MHD_create_response_from_buffer((size_t)r->size, bytes, MHD_RESPMEM_PERSISTENT);
    }
    struct http_sender *s = ARENA_NEW(&c->rq.arena, struct http_sender);
    s->conn = c;
    s->segs = r->segs;
    s->n = r->n_segs;
    return MHD_create_response_from_callback(r->size, c->rq.head ? 1 : HTTP_BLOCK, next_block, s,
                                             NULL);
}
