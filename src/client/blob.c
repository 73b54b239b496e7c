/* SPDX-License-Identifier: Apache-2.0 */
#include "client/blob.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/sys.h"
#include "client/transfer.h"

#include <inttypes.h>

/* A file that ends before what the map promises was changed by somebody. */
static bool map_fits(const struct blob *b)
{
    struct stat st;
    if (b->spread->fd < 0)
        return true; /* its files show it when they are read */
    size_t last = b->map.n;
    while (last && !piecemap_has(&b->map, last - 1))
        last--;
    return sys->fstat(b->spread->fd, &st) == 0 &&
           (uint64_t)st.st_size >= piecemap_at(&b->map, last);
}

static void copy_bits(struct piecemap *to, const struct piecemap *from)
{
    for (size_t i = 0; i < to->n; i++)
        piecemap_set(to, i, piecemap_has(from, i));
}

static void forget(struct piecemap *m)
{
    for (size_t i = 0; i < m->n; i++)
        piecemap_set(m, i, false);
}

void blob_init(struct blob *b, const struct spread *spread, const struct digest *digest,
               uint64_t size, int map_fd)
{
    *b = (struct blob){.spread = spread, .digest = digest, .size = size, .map_fd = map_fd};
    mutex_init(&b->lock, "blob");
    piecemap_init(&b->map, size);
    piecemap_init(&b->claimed, size);
    piecemap_init(&b->resumed, size);
    hash_init(&b->hash, digest->alg);
    if (map_fd >= 0 && piecemap_load(&b->map, map_fd) && !map_fits(b))
        forget(&b->map);
    /* Other members may be wanted now. */
    for (size_t i = 0; i < b->map.n; i++)
        if (piecemap_has(&b->map, i) &&
            !spread_keeps(spread, piecemap_at(&b->map, i), piecemap_at(&b->map, i + 1)))
            piecemap_set(&b->map, i, false);
    copy_bits(&b->claimed, &b->map);
    copy_bits(&b->resumed, &b->map);
}

void blob_autodone(struct blob *b)
{
    BUG_ON(b->n_active);
    mem_autoclose(&b->map_fd);
    piecemap_autodone(&b->map);
    piecemap_autodone(&b->claimed);
    piecemap_autodone(&b->resumed);
    mutex_done(&b->lock);
}

static uint64_t piece_length(const struct blob *b, size_t i)
{
    return piecemap_at(&b->map, i + 1) - piecemap_at(&b->map, i);
}

static uint64_t sum(const struct blob *b, const struct piecemap *m)
{
    if (m->n == 0 || m->n_set == 0)
        return 0;
    uint64_t all = m->n_set * m->piece;
    return piecemap_has(m, m->n - 1) ? all - (m->piece - piece_length(b, m->n - 1)) : all;
}

uint64_t blob_there(struct blob *b)
{
    MUTEX_SCOPE(&b->lock);
    return sum(b, &b->map);
}

uint64_t blob_free(struct blob *b)
{
    MUTEX_SCOPE(&b->lock);
    if ((b->no_ranges || b->spread->gaps) && b->n_active)
        return 0;
    return b->size - sum(b, &b->claimed);
}

/* Nothing before this may be written any more. */
static uint64_t frontier(const struct blob *b)
{
    return MAX_OF(b->hashed, b->hash_end);
}

static void claim_pieces(struct blob *b, struct blob_span *s)
{
    for (size_t i = s->first; i < s->first + s->n; i++)
        piecemap_set(&b->claimed, i, true);
    s->next = b->active;
    b->active = s;
    b->n_active++;
}

bool blob_claim(struct blob *b, uint64_t max, struct blob_span *ret)
{
    MUTEX_SCOPE(&b->lock);
    while (b->scan < b->map.n && piecemap_has(&b->claimed, b->scan))
        b->scan++;
    bool alone = b->no_ranges || b->spread->gaps;
    if (b->scan == b->map.n || (alone && b->n_active))
        return false;
    struct blob_span s = {.first = b->scan, .cursor = SPREAD_CURSOR};
    if (b->no_ranges) {
        s.first = 0;
        s.n = b->map.n;
        s.end = b->size;
        s.whole = true;
    } else {
        while (s.first + s.n < b->map.n && !piecemap_has(&b->claimed, s.first + s.n) &&
               s.n * b->map.piece < max)
            s.n++;
        s.at = piecemap_at(&b->map, s.first);
        s.end = piecemap_at(&b->map, s.first + s.n);
        if (s.at < frontier(b))
            s.at = frontier(b);
        /* What is not kept has to be hashed when it comes by. */
        if (b->spread->gaps && (b->hashing || b->hashed != s.at))
            return false;
    }
    s.flushed = s.at;
    *ret = s;
    claim_pieces(b, ret);
    return true;
}

bool blob_span_whole(struct blob *b, struct blob_span *s)
{
    MUTEX_SCOPE(&b->lock);
    b->no_ranges = true;
    if (b->n_active != 1)
        return false;
    for (size_t i = 0; i < b->map.n; i++)
        piecemap_set(&b->claimed, i, true);
    s->first = 0;
    s->n = b->map.n;
    s->at = s->flushed = 0;
    s->end = b->size;
    s->whole = true;
    return true;
}

/* What was written of the piece that the span stands in, and will have to come again. */
static uint64_t torn(const struct blob *b, const struct blob_span *s)
{
    size_t i = (size_t)(s->at / b->map.piece);
    uint64_t from = MAX_OF(piecemap_at(&b->map, i), frontier(b));
    return i < b->map.n && !piecemap_has(&b->map, i) && s->at > from ? s->at - from : 0;
}

uint64_t blob_span_rewind(struct blob *b, struct blob_span *s)
{
    MUTEX_SCOPE(&b->lock);
    uint64_t lost = torn(b, s);
    s->at = s->flushed = 0;
    return lost;
}

uint64_t blob_release(struct blob *b, struct blob_span *s)
{
    MUTEX_SCOPE(&b->lock);
    uint64_t lost = torn(b, s);
    for (size_t i = s->first; i < s->first + s->n; i++)
        if (!piecemap_has(&b->map, i) && frontier(b) < piecemap_at(&b->map, i + 1)) {
            piecemap_set(&b->claimed, i, false);
            b->scan = MIN_OF(b->scan, i);
        }
    struct blob_span **at = &b->active;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    b->n_active--;
    spread_cursor_autodone(&s->cursor);
    return lost;
}

/* Up to where bytes lie on the disk that follow those hashed. */
static uint64_t readable(const struct blob *b)
{
    size_t i = (size_t)(b->hashed / b->map.piece);
    if (i < b->map.n && piecemap_has(&b->map, i))
        return piecemap_at(&b->map, i + 1);
    for (const struct blob_span *s = b->active; s; s = s->next)
        if (i >= s->first && i < s->first + s->n && s->at > b->hashed)
            return MIN_OF(s->at, piecemap_at(&b->map, i + 1));
    return b->hashed;
}

static bool waits(const struct blob *b)
{
    return !b->hashing && readable(b) > b->hashed;
}

/* How many of n bytes at s->at are there already: only a stream that nobody asked for has such. */
static size_t known(struct blob *b, const struct blob_span *s, size_t n)
{
    if (!s->whole)
        return 0;
    MUTEX_SCOPE(&b->lock);
    if (piecemap_has(&b->map, (size_t)(s->at / b->map.piece)))
        return n;
    uint64_t before = frontier(b) > s->at ? frontier(b) - s->at : 0;
    return before < n ? (size_t)before : n;
}

/* Takes the hash if it stands just here. */
static bool hash_here(struct blob *b, uint64_t at, size_t n)
{
    MUTEX_SCOPE(&b->lock);
    if (b->hashing || b->hashed != at)
        return false;
    b->hashing = true;
    b->hash_end = at + n;
    return true;
}

/* The span has grown by n bytes. */
static int advance(struct blob *b, struct blob_span *s, size_t n, bool hashed, bool *early,
                   struct err *e)
{
    MUTEX_SCOPE(&b->lock);
    if (hashed) {
        b->hashing = false;
        b->hashed = b->hash_end;
    }
    size_t i = (size_t)(s->at / b->map.piece);
    s->at += n;
    if (s->at < piecemap_at(&b->map, i + 1))
        return 0;
    if (!piecemap_has(&b->map, i) &&
        spread_keeps(b->spread, piecemap_at(&b->map, i), piecemap_at(&b->map, i + 1))) {
        piecemap_set(&b->map, i, true);
        if (b->map_fd >= 0 && piecemap_save(&b->map, b->map_fd, e) < 0)
            return -1;
    }
    *early = *early || waits(b);
    return 0;
}

static int take_new(struct blob *b, struct blob_span *s, const void *p, size_t n, bool *early,
                    struct err *e)
{
    TRANSFER_PHASE(TRANSFER_WRITE);
    if (spread_write(b->spread, &s->cursor, p, n, s->at, e) < 0)
        return -1;
    (void)transfer_phase(TRANSFER_HASH);
    bool here = hash_here(b, s->at, n);
    if (here)
        hash_update(&b->hash, p, n);
    else if (b->spread->gaps)
        return ERR(e, REMOTE, "the registry does not keep to the ranges that it is asked for");
    return advance(b, s, n, here, early, e);
}

static void flush(struct blob *b, struct blob_span *s)
{
    if (b->spread->fd < 0 || s->at - s->flushed < BLOB_FLUSH_STEP)
        return;
    /* A hint only: what it cannot do, the sync at the end does. */
    (void)sys->sync_file_range(b->spread->fd, (off_t)s->flushed, (off_t)(s->at - s->flushed),
                               SYNC_FILE_RANGE_WRITE);
    s->flushed = s->at;
}

int blob_take(struct blob *b, struct blob_span *s, const void *p, size_t n, uint64_t *ret_new,
              bool *ret_early, struct err *e)
{
    const char *from = p;
    uint64_t fresh = 0;
    bool early = false;

    BUG_ON(n > s->end - s->at);
    while (n) {
        uint64_t room = b->map.piece - s->at % b->map.piece;
        size_t step = room < n ? (size_t)room : n;
        size_t old = known(b, s, step);
        if (old)
            step = old;
        int rc =
            old ? advance(b, s, step, false, &early, e) : take_new(b, s, from, step, &early, e);
        if (rc < 0)
            return -1;
        fresh += old ? 0 : step;
        from += step;
        n -= step;
    }
    flush(b, s);
    *ret_new = fresh;
    *ret_early = early;
    return 0;
}

/* Throws away what an earlier run left; false: there is nothing of it. */
static bool start_over(struct blob *b, uint64_t *ret_lost)
{
    mutex_assert_held(&b->lock);
    if (b->resumed.n_set == 0)
        return false;
    *ret_lost = sum(b, &b->resumed);
    for (size_t i = 0; i < b->map.n; i++) {
        if (!piecemap_has(&b->resumed, i))
            continue;
        piecemap_set(&b->map, i, false);
        piecemap_set(&b->claimed, i, false);
        piecemap_set(&b->resumed, i, false);
    }
    /* What went by without being kept has to come again. */
    for (size_t i = 0; b->spread->gaps && i < b->map.n; i++)
        piecemap_set(&b->claimed, i, piecemap_has(&b->map, i));
    b->scan = 0;
    b->hashed = b->hash_end = 0;
    hash_init(&b->hash, b->digest->alg);
    return true;
}

int blob_hash(struct blob *b, struct spread_cursor *c, void *p, size_t n, uint64_t *ret_lost,
              struct err *e)
{
    *ret_lost = 0;
    mutex_lock(&b->lock);
    uint64_t end = readable(b);
    if (b->hashing || end == b->hashed) {
        mutex_unlock(&b->lock);
        return 0;
    }
    uint64_t at = b->hashed;
    if (end - at < n)
        n = (size_t)(end - at);
    b->hashing = true;
    b->hash_end = at + n;
    mutex_unlock(&b->lock);

    TRANSFER_PHASE(TRANSFER_READ);
    int rc = spread_read(b->spread, c, p, n, at, e);
    (void)transfer_phase(TRANSFER_HASH);
    if (rc == 0)
        hash_update(&b->hash, p, n);

    MUTEX_SCOPE(&b->lock);
    b->hashing = false;
    if (rc == 0)
        b->hashed = b->hash_end;
    else if (start_over(b, ret_lost))
        rc = 0;
    b->hash_end = b->hashed;
    return rc < 0 ? -1 : 1;
}

bool blob_waits(struct blob *b)
{
    MUTEX_SCOPE(&b->lock);
    return waits(b);
}

bool blob_is_whole(struct blob *b)
{
    MUTEX_SCOPE(&b->lock);
    return b->hashed == b->size && !b->hashing;
}

int blob_conclude(struct blob *b, uint64_t *ret_lost, struct err *e)
{
    struct digest got;
    MUTEX_SCOPE(&b->lock);
    hash_digest(&b->hash, &got);
    if (digest_eq(&got, b->digest))
        return 1;
    if (start_over(b, ret_lost))
        return 0;
    return ERR(e, DIGEST_INVALID, "the registry sends content with the digest %s instead of %s",
               got.text, b->digest->text);
}
