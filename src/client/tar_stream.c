/* SPDX-License-Identifier: Apache-2.0 */
#include "client/tar_stream.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/sys.h"
#include "client/unpack.h"

#include <errno.h>

#define READ_STEP (256 * KIB)

struct stream {
    const struct tarball *t;
    const struct fetch_job *job;
    struct members *archive;
    struct untar untar;
    struct untar_sink sink;
    struct unpack unpack;
    struct hash hash;
    int head;
    uint64_t head_at; /* bytes of it that were read or written */
    bool replaying;   /* the bytes come from files of an earlier run */
    uint64_t resumed; /* how many did */
    struct download_range range;
};

static int on_entry(void *self, const struct tar_entry *entry, struct err *e)
{
    struct stream *s = self;
    return unpack_entry(&s->unpack, entry, e);
}

static int on_content(void *self, const void *p, size_t n, struct err *e)
{
    struct stream *s = self;
    if (s->replaying) {
        s->unpack.at += n;
        return 0;
    }
    return unpack_content(&s->unpack, p, n, e);
}

static int on_head(void *self, const void *p, size_t n, struct err *e)
{
    struct stream *s = self;
    if (!s->replaying && file_pwrite_all(s->head, p, n, s->head_at, e) < 0)
        return -1;
    s->head_at += n;
    return 0;
}

static void start(struct stream *s)
{
    untar_init(&s->untar, &s->sink);
    unpack_init(&s->unpack, s->t->place, &s->job->digest, s->archive);
    hash_init(&s->hash, s->job->digest.alg);
    s->head_at = 0;
    s->resumed = 0;
}

static void stop(struct stream *s)
{
    untar_autodone(&s->untar);
    unpack_autodone(&s->unpack);
}

/* From the beginning, with nothing. */
static void restart(struct stream *s)
{
    transfer_lost(s->t->transfer, s->hash.n);
    stop(s);
    members_reset(s->archive);
    (void)sys->ftruncate(s->head, 0); /* it is written anew; an old end would cost time at most */
    start(s);
}

static int put(struct stream *s, const void *p, size_t n, struct err *e)
{
    /* Hashing first: what cannot be taken apart is hashed, too. */
    hash_update(&s->hash, p, n);
    return untar_put(&s->untar, p, n, e);
}

/* ---- what an earlier run left ---- */

/* Reads what follows from the file where it would have been kept: *ret_n bytes, 0 when it ends. */
static int read_old(const struct stream *s, char *piece, size_t *ret_n, struct err *e)
{
    const struct untar *u = &s->untar;
    uint64_t want = u->content ? u->content : u->padding ? u->padding : TAR_BLOCK - u->n;
    int fd = u->content ? s->unpack.fd : s->head;
    uint64_t at = u->content ? s->unpack.at : s->head_at;
    struct stat st;

    *ret_n = 0;
    if (fd < 0)
        return 0; /* not wanted, so not kept */
    if (sys->fstat(fd, &st) < 0)
        return ERR_SYS(e, "cannot ask about a partial file");
    uint64_t there = (uint64_t)st.st_size > at ? (uint64_t)st.st_size - at : 0;
    want = MIN_OF(want, MIN_OF(there, s->job->size - s->hash.n));
    size_t n = want < READ_STEP ? (size_t)want : READ_STEP;
    if (file_pread_all(fd, piece, n, at, e) < 0)
        return -1;
    *ret_n = n;
    return 0;
}

/* -1 also when it makes no sense. */
static int replay(struct stream *s, struct err *e)
{
    AUTO_FREE char *piece = mem_alloc(READ_STEP);
    size_t n = 1;
    int rc = 0;
    s->replaying = true;
    while (rc == 0 && s->hash.n < s->job->size) {
        rc = read_old(s, piece, &n, e);
        if (rc < 0 || n == 0)
            break;
        s->resumed += n;
        rc = put(s, piece, n, e);
        transfer_bytes(s->t->transfer, n, false);
        if (atomic_load(s->t->transfer->cancel))
            rc = ERR(e, CANCELLED, "interrupted");
    }
    s->replaying = false;
    return rc;
}

/* ---- the rest, from the registry ---- */

static int on_take(void *self, const void *p, size_t n, struct err *e)
{
    struct stream *s = self;
    if (put(s, p, n, e) < 0)
        return -1;
    transfer_moved(s->t->transfer, n, n);
    return 0;
}

static void on_rewind(void *self)
{
    restart(self);
}

static bool on_whole(void *self)
{
    struct stream *s = self;
    restart(s);
    s->range.at = 0;
    s->range.whole = true;
    return true;
}

static int receive(struct stream *s, struct err *e)
{
    struct digest got;
    s->range = (struct download_range){.digest = &s->job->digest,
                                       .size = s->job->size,
                                       .at = s->hash.n,
                                       .end = s->job->size,
                                       .take = on_take,
                                       .take_whole = on_whole,
                                       .rewind = on_rewind,
                                       .self = s};
    if (download_range(s->t->download, &s->range, e) < 0)
        return -1;
    hash_digest(&s->hash, &got);
    if (!digest_eq(&got, &s->job->digest))
        return ERR(e, DIGEST_INVALID, "the registry sends content with the digest %s instead of %s",
                   got.text, s->job->digest.text);
    return untar_end(&s->untar, e) < 0 ? -1 : unpack_end(&s->unpack, e);
}

/* The content is to blame, or what was made of it: not the network, not the disk. */
static bool is_wrong(const struct err *e)
{
    return e->code == ERR_DIGEST_INVALID || e->code == ERR_MODEL_INVALID || e->code == ERR_CORRUPT;
}

int tar_stream(const struct tarball *t, const struct fetch_job *job, struct members *archive,
               struct err *e)
{
    const struct place_part part = place_part(&job->digest, ".head");
    struct stream s = {.t = t, .job = job, .archive = archive};
    uint64_t ignored;

    s.sink =
        (struct untar_sink){.entry = on_entry, .content = on_content, .head = on_head, .self = &s};
    AUTOFD head = place_part_open(t->place, &part, &ignored, e);
    if (head < 0)
        return -1;
    s.head = head;
    start(&s);
    int rc = replay(&s, e);
    if (rc == 0)
        rc = receive(&s, e);
    if (rc < 0 && is_wrong(e) && s.resumed) {
        /* The old part may be to blame. */
        restart(&s);
        rc = receive(&s, e);
    }
    bool useless = rc < 0 && (is_wrong(e) || s.hash.n == 0);
    stop(&s);
    if (useless)
        place_part_remove_all(t->place, &job->digest);
    return rc;
}
