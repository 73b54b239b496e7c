/* SPDX-License-Identifier: Apache-2.0 */
#include "client/tarball.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/sys.h"
#include "client/tar_stream.h"
#include "model/path.h"

#include <inttypes.h>

/* What is asked for at once while headers are read. */
#define WALK_WINDOW (16 * KIB)
/* After so many requests it has to be clear that members are large; a small archive is not worth
 * more than SMALL_TRIES to find out that nothing has to be done. */
#define WALK_TRIES  16
#define SMALL_TRIES 8
/* What may follow the end of an archive and is kept as padding. */
#define TRAILER_MAX (64 * KIB)
#define HASH_STEP   (256 * KIB)

/* An archive whose headers are read by position. */
struct walk {
    const struct tarball *t;
    struct fetch_job *job;
    struct members *archive;
    struct tar_reader reader;
    int head;
    uint64_t head_n;
    struct spread_extent *extents;
    size_t n, cap;
    bool gaps;
    uint64_t at; /* everything before is in an extent */
    size_t requests;
    char window[WALK_WINDOW];
    uint64_t window_at;
    size_t window_n;
};

static void walk_autofree(struct walk **p)
{
    struct walk *w = *p;
    tar_reader_autodone(&w->reader);
    mem_autoclose(&w->head);
    mem_free(w->extents);
    mem_free(w);
}

static void add_extent(struct walk *w, uint64_t n, uint64_t off, uint32_t file)
{
    struct spread_extent *last = w->n ? &w->extents[w->n - 1] : NULL;
    if (last && last->file == file && file == SPREAD_HEAD) {
        last->n += n;
    } else if (n) {
        if (w->n == w->cap) {
            w->cap = w->cap ? 2 * w->cap : 64;
            w->extents = mem_realloc(w->extents, w->cap * sizeof(*w->extents));
        }
        w->extents[w->n++] = (struct spread_extent){.at = w->at, .n = n, .off = off, .file = file};
    }
    w->at += n;
}

static int on_window(void *self, const void *p, size_t n, struct err *e)
{
    struct walk *w = self;
    (void)e;
    BUG_ON(n > sizeof(w->window) - w->window_n);
    memcpy(w->window + w->window_n, p, n);
    w->window_n += n;
    return 0;
}

/* n bytes at w->at, of what is not content, into the head. 1 done, 0 no ranges, -1. */
static int read_head(struct walk *w, char *out, size_t n, struct err *e)
{
    for (size_t done = 0; done < n;) {
        uint64_t into = w->at - w->window_at;
        if (w->at < w->window_at || into >= w->window_n) {
            struct download_range range = {.digest = &w->job->digest,
                                           .size = w->job->size,
                                           .at = w->at,
                                           .end = MIN_OF(w->job->size, w->at + WALK_WINDOW),
                                           .take = on_window,
                                           .self = w};
            w->window_at = w->at;
            w->window_n = 0;
            w->requests++;
            int rc = download_range(w->t->download, &range, e);
            if (rc <= 0)
                return rc;
            transfer_moved(w->t->transfer, 0, w->window_n);
            into = 0;
        }
        size_t step = MIN_OF(n - done, w->window_n - (size_t)into);
        if (file_pwrite_all(w->head, w->window + into, step, w->head_n, e) < 0)
            return -1;
        memcpy(out + done, w->window + into, step);
        add_extent(w, step, w->head_n, SPREAD_HEAD);
        w->head_n += step;
        done += step;
    }
    return 1;
}

/* Is a file of this member's size in its place? */
static bool is_likely_there(const struct walk *w, const struct member *m)
{
    struct stat st;
    AUTOFD fd = place_open_file(w->t->place, m->path);
    return fd >= 0 && sys->fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_size == m->size;
}

static int take_member(struct walk *w, const struct tar_entry *entry, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    if (w->job->size - MIN_OF(w->job->size, entry->content_at) < entry->size)
        return ERR(e, MODEL_INVALID, "the archive ends inside of \"%s\"",
                   model_path_show(entry->path, show, sizeof(show)));
    if (members_add(w->archive, entry, e) < 0)
        return -1;
    const struct member *m = members_last(w->archive);
    bool kept = m->what == MEMBER_FILE && m->wanted;
    w->gaps = w->gaps || (entry->size && !kept);
    add_extent(w, entry->size, 0, kept ? (uint32_t)(w->archive->n - 1) : SPREAD_NONE);
    return 0;
}

/* Is it worth going on? A small archive is walked only to see whether everything is there. */
static bool is_worth(const struct walk *w)
{
    if (w->job->size > TARBALL_STREAM_MAX)
        return w->requests < WALK_TRIES || w->at / (w->archive->n + 1) >= TARBALL_MEMBER_MIN;
    const struct member *m = w->archive->n ? members_last(w->archive) : NULL;
    return w->requests < SMALL_TRIES &&
           (!m || m->what != MEMBER_FILE || (m->wanted && is_likely_there(w, m)));
}

/* 1: all headers are read. 0: it is better streamed. */
static int walk_members(struct walk *w, struct err *e)
{
    char block[TAR_BLOCK];
    struct tar_entry entry;
    while (w->job->size - w->at >= TAR_BLOCK) {
        if (!is_worth(w))
            return 0;
        int rc = read_head(w, block, TAR_BLOCK, e);
        if (rc <= 0)
            return rc;
        int step = tar_reader_next(&w->reader, block, &entry, e);
        if (step < 0 || (step == TAR_ENTRY && take_member(w, &entry, e) < 0))
            return -1;
        if (step == TAR_DONE)
            break;
        size_t padding = step == TAR_ENTRY ? (size_t)tar_padding(entry.size) : 0;
        /* The last one may be missing. */
        padding = (size_t)MIN_OF((uint64_t)padding, w->job->size - w->at);
        rc = padding ? read_head(w, block, padding, e) : 1;
        if (rc <= 0)
            return rc;
    }
    return is_worth(w);
}

/* What follows the end. */
static int walk_trailer(struct walk *w, struct err *e)
{
    char piece[WALK_WINDOW];
    uint64_t rest = w->job->size - w->at;
    if (!w->reader.done && rest)
        return ERR(e, MODEL_INVALID, "the archive ends inside of a header");
    if (tar_reader_finish(&w->reader, e) < 0)
        return -1;
    if (rest > TRAILER_MAX) {
        w->gaps = true;
        add_extent(w, rest, 0, SPREAD_NONE);
        return 1;
    }
    while (w->at < w->job->size) {
        int rc = read_head(w, piece, (size_t)MIN_OF(w->job->size - w->at, sizeof(piece)), e);
        if (rc <= 0)
            return rc;
    }
    return 1;
}

/* ---- is it there already? ---- */

static int hash_extent(const struct walk *w, struct hash *h, const struct spread_extent *x,
                       char *piece)
{
    const struct member *m = x->file == SPREAD_HEAD ? NULL : &w->archive->members[x->file];
    AUTOFD own = m ? place_open_file(w->t->place, m->path) : -1;
    int fd = m ? own : w->head;
    for (uint64_t at = 0; at < x->n;) {
        size_t n = (size_t)MIN_OF(x->n - at, HASH_STEP);
        if (fd < 0 || file_pread_all(fd, piece, n, x->off + at, NULL) < 0)
            return -1;
        hash_update(h, piece, n);
        at += n;
    }
    return 0;
}

/* The archive made of the files in their places has the right digest: then they are right. */
static bool is_there(struct walk *w)
{
    struct hash h;
    struct digest got;
    AUTO_FREE char *piece = mem_alloc(HASH_STEP);
    if (w->gaps)
        return false;
    for (size_t i = 0; i < w->archive->n; i++)
        if (w->archive->members[i].what == MEMBER_FILE &&
            !is_likely_there(w, &w->archive->members[i]))
            return false;
    TRANSFER_PHASE(TRANSFER_HASH);
    hash_init(&h, w->job->digest.alg);
    for (size_t i = 0; i < w->n; i++)
        if (atomic_load(w->t->transfer->cancel) || hash_extent(w, &h, &w->extents[i], piece) < 0)
            return false;
    hash_digest(&h, &got);
    return digest_eq(&got, &w->job->digest);
}

static void mark_present(const struct walk *w)
{
    for (size_t i = 0; i < w->archive->n; i++)
        w->archive->members[i].present = w->archive->members[i].what == MEMBER_FILE;
    transfer_bytes(w->t->transfer, w->job->size, false);
    place_part_remove_all(w->t->place, &w->job->digest);
}

/* 2: all is there. 1: it is laid out. 0: it is better streamed. */
static int walk(struct walk *w, struct err *e)
{
    int rc = walk_members(w, e);
    if (rc > 0)
        rc = walk_trailer(w, e);
    if (rc <= 0)
        return rc;
    if (w->t->look && is_there(w)) {
        mark_present(w);
        return 2;
    }
    return w->job->size > TARBALL_STREAM_MAX;
}

/* Members that hold nothing are in no extent. */
static int make_empty(const struct walk *w, struct err *e)
{
    uint64_t ignored;
    for (size_t i = 0; i < w->archive->n; i++) {
        const struct member *m = &w->archive->members[i];
        if (m->what != MEMBER_FILE || !m->wanted || m->size)
            continue;
        const struct place_part part = place_part_member(&w->job->digest, i);
        AUTOFD fd = place_part_open(w->t->place, &part, &ignored, e);
        if (fd < 0)
            return -1;
    }
    return 0;
}

static int check_space(const struct walk *w, struct err *e)
{
    uint64_t space, need = 0;
    for (size_t i = 0; i < w->archive->n; i++) {
        const struct member *m = &w->archive->members[i];
        const struct place_part part = place_part_member(&w->job->digest, i);
        if (m->what == MEMBER_FILE && m->wanted)
            need += m->size - MIN_OF(m->size, place_part_size(w->t->place, &part));
    }
    if (file_space(w->head, &space, e) < 0)
        return -1;
    if (need > space)
        return ERR(e, NO_SPACE, "%" PRIu64 " bytes are to be written, %" PRIu64 " are free", need,
                   space);
    return 0;
}

/* As walk; 2 also when nothing of it is wanted. */
static int lay_out(const struct tarball *t, struct fetch_job *job, struct members *archive,
                   struct spread_extent **ret_extents, struct err *e)
{
    const struct place_part part = place_part(&job->digest, ".head");
    __attribute__((cleanup(walk_autofree))) struct walk *w = NEW(struct walk);
    uint64_t ignored;

    w->t = t;
    w->job = job;
    w->archive = archive;
    w->head = -1;
    tar_reader_init(&w->reader);
    w->head = place_part_open(t->place, &part, &ignored, e);
    if (w->head < 0)
        return -1;
    int rc = walk(w, e);
    if (rc <= 0 || rc == 2)
        return rc;
    if (archive->n_wanted == 0) {
        place_part_remove_all(t->place, &job->digest);
        transfer_bytes(t->transfer, job->size, false);
        return 2;
    }
    if (make_empty(w, e) < 0 || check_space(w, e) < 0)
        return -1;
    *ret_extents = w->extents;
    int head = TAKE_FD(w->head);
    job->spread = (struct spread){.place = t->place,
                                  .digest = &job->digest,
                                  .fd = -1,
                                  .head = head,
                                  .extents = w->extents,
                                  .n = w->n,
                                  .gaps = w->gaps};
    w->extents = NULL;
    return 1;
}

int tarball_begin(const struct tarball *t, struct fetch_job *job, struct members *archive,
                  struct spread_extent **ret_extents, struct err *e)
{
    bool small = job->size <= TARBALL_STREAM_MAX;
    if (!small || t->look) {
        int rc = lay_out(t, job, archive, ret_extents, e);
        if (rc < 0)
            return -1;
        if (rc > 0)
            return rc == 2;
        members_reset(archive);
    }
    return tar_stream(t, job, archive, e) < 0 ? -1 : 1;
}
