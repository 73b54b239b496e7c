/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with an open upload session: write, rewind, commit.
 *
 * Bytes are hashed and written in one pass. Writeback is started every STORE_STEP bytes and waited
 * for every STORE_CHECKPOINT bytes, so that a commit finds little left to sync. A full disk is an
 * answer and leaves the session as it was; any other error of a write or a sync may mean that the
 * kernel has dropped dirty pages and will not tell again, so the session fails for good.
 */
#include "store/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/sys.h"

#include <errno.h>

/* Hashed and written piece by piece, so that a piece is still in the cache for the second of them.
 */
#define PIECE_SIZE  (256u << 10)
#define REREAD_SIZE (1u << 20)

static int failed_before(struct err *e)
{
    return ERR(e, IO, "the upload had an error of the disk before; start it again");
}

/* Hands the error on; the session is lost. */
static int fail(struct store_upload *u, const struct err *why, struct err *e)
{
    u->failed = true;
    if (e)
        *e = *why;
    return -1;
}

static void set_offset(struct store_upload *u, uint64_t offset)
{
    u->st.offset = u->info.offset = offset;
    u->st.updated_ms = u->info.updated_ms = clock_now_ms();
    u->dirty = true;
    atomic_store(&u->seen, offset);
}

static void cut_file(struct store_upload *u)
{
    if (u->data_fd >= 0 && sys->ftruncate(u->data_fd, (off_t)u->info.offset) < 0)
        u->long_file = true;
}

/* Starts writeback of what came since the last step. File systems that cannot are left alone. */
static int write_back(struct store_upload *u, struct err *e)
{
    uint64_t n = u->info.offset - u->written_back;
    if (sys->sync_file_range(u->data_fd, (off_t)u->written_back, (off_t)n, SYNC_FILE_RANGE_WRITE) <
            0 &&
        (errno == EIO || errno == ENOSPC || errno == EDQUOT))
        return ERR_SYS(e, "cannot write the bytes of an upload back");
    u->written_back = u->info.offset;
    return 0;
}

static int checkpoint(struct store_upload *u, struct err *e)
{
    if (!u->transient)
        return store_session_save(u, true, e);
    if (file_sync(u->data_fd, e) < 0)
        return -1;
    u->checkpoint = u->info.offset;
    return 0;
}

/* Early writeback and notes, when enough has come. */
static int step(struct store_upload *u, struct err *e)
{
    struct err why = {.code = ERR_OK};
    if (u->info.offset - u->written_back < STORE_STEP)
        return 0;
    if (write_back(u, &why) < 0)
        return fail(u, &why, e);
    if (u->info.offset - u->checkpoint >= STORE_CHECKPOINT)
        return checkpoint(u, &why) < 0 ? fail(u, &why, e) : 0;
    /* This note only spares work after a crash: without room for it the upload goes on. */
    if (!u->transient && store_session_save(u, false, &why) < 0 && why.code != ERR_NO_SPACE)
        return fail(u, &why, e);
    return 0;
}

static int take(struct store_upload *u, const uint8_t *p, size_t n, struct err *e)
{
    uint64_t at = u->info.offset;
    while (n) {
        size_t piece = MIN_OF(n, (size_t)PIECE_SIZE);
        hash_update(&u->st.sha256, p, piece);
        if (u->st.alg != DIGEST_SHA256)
            hash_update(&u->st.other, p, piece);
        if (file_pwrite_all(u->data_fd, p, piece, at, e) < 0)
            return -1;
        p += piece;
        n -= piece;
        at += piece;
    }
    set_offset(u, at);
    return 0;
}

int store_upload_write(struct store_upload *u, const void *p, size_t n, struct err *e)
{
    struct err why = {.code = ERR_OK};
    if (u->failed)
        return failed_before(e);
    if (n > LIMIT_BLOB - u->info.offset)
        return ERR(e, LIMIT, "the blob is larger than the registry accepts");
    if (n == 0)
        return 0;
    if (store_session_data(u, e) < 0)
        return -1;
    const struct hash sha256 = u->st.sha256, other = u->st.other;
    if (take(u, p, n, &why) < 0) {
        u->st.sha256 = sha256;
        u->st.other = other;
        cut_file(u);
        if (why.code != ERR_NO_SPACE)
            return fail(u, &why, e);
        if (e)
            *e = why;
        return -1;
    }
    return step(u, e);
}

int store_upload_rewind(struct store_upload *u, uint64_t offset, struct err *e)
{
    struct err why = {.code = ERR_OK};
    if (u->failed)
        return failed_before(e);
    if (offset == u->info.offset)
        return 0;
    if (offset != u->opened.offset)
        return ERR(e, BLOB_UPLOAD_INVALID, "the upload cannot go back to byte %llu",
                   (unsigned long long)offset);
    u->st.sha256 = u->opened.sha256;
    u->st.other = u->opened.other;
    set_offset(u, offset);
    u->written_back = MIN_OF(u->written_back, offset);
    u->checkpoint = MIN_OF(u->checkpoint, offset);
    /* A slot that counts bytes which are about to be replaced must lose for good to a newer one,
     * before the first of them is. */
    if (!u->transient && u->slot_max > offset && store_session_save(u, true, &why) < 0)
        return fail(u, &why, e);
    cut_file(u);
    return 0;
}

/* ---- commit ---- */

/* The digest by an algorithm that was not hashed on the way in. */
static int reread(struct store_upload *u, enum digest_alg alg, struct digest *ret, struct err *e)
{
    struct hash h;
    hash_init(&h, alg);
    AUTO_FREE uint8_t *p = mem_alloc(REREAD_SIZE);
    for (uint64_t at = 0; at < u->info.offset;) {
        size_t n = (size_t)MIN_OF(u->info.offset - at, (uint64_t)REREAD_SIZE);
        if (file_pread_all(u->data_fd, p, n, at, e) < 0)
            return -1;
        hash_update(&h, p, n);
        at += n;
    }
    hash_digest(&h, ret);
    return 0;
}

static int check_digest(struct store_upload *u, const struct digest *want,
                        const struct digest *sha256, struct err *e)
{
    struct digest got = *sha256;
    if (want->alg != DIGEST_SHA256) {
        if (want->alg == u->st.alg)
            hash_digest(&u->st.other, &got);
        else if (reread(u, want->alg, &got, e) < 0)
            return -1;
    }
    if (!digest_eq(&got, want))
        return ERR(e, DIGEST_INVALID, "the content has the digest %s, not %s", got.text,
                   want->text);
    return 0;
}

/* 1 a whole object is in place, 0 none (or a damaged one, which the rename will replace), -1. */
static int object_exists(struct store *s, const char *path, uint64_t size, struct err *e)
{
    struct stat st;
    if (sys->fstatat(s->objects, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot stat the object %s", path);
    return S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

/* Syncs the bytes and gives them their name. */
static int move_data(struct store_upload *u, const char *path, struct err *e)
{
    struct err why = {.code = ERR_OK};
    char from[STORE_PATH_MAX];
    if (u->long_file) {
        if (sys->ftruncate(u->data_fd, (off_t)u->info.offset) < 0)
            return ERR_SYS(e, "cannot cut the upload to its length");
        u->long_file = false;
    }
    if (file_sync(u->data_fd, &why) < 0)
        return fail(u, &why, e);
    store_session_data_path(u, from);
    if (sys->renameat(u->store->uploads, from, u->store->objects, path) < 0)
        return ERR_SYS(e, "cannot move the upload to its place");
    u->moved = true;
    return 0;
}

int store_upload_commit(struct store_upload *u, const struct digest *want,
                        struct digest *ret_object, uint64_t *ret_size, struct err *e)
{
    struct err why = {.code = ERR_OK};
    char path[STORE_PATH_MAX];
    struct digest object;
    if (u->failed)
        return failed_before(e);
    if (store_session_data(u, e) < 0)
        return -1;
    hash_digest(&u->st.sha256, &object);
    if (check_digest(u, want, &object, e) < 0)
        return -1;

    store_object_path(&object, path);
    uint64_t size = u->info.offset;
    AUTOFD shard = store_shard_open(u->store, &object, e);
    if (shard < 0)
        return -1;
    int exists = object_exists(u->store, path, size, e);
    if (exists < 0 || (!exists && move_data(u, path, e) < 0))
        return -1;
    /* Also when it was there: whoever put it there may not have come to this point yet. */
    if (file_sync_dir(shard, &why) < 0)
        return fail(u, &why, e);

    store_session_remove(u);
    METRIC_ADD(uploads_committed, 1);
    *ret_object = object;
    *ret_size = size;
    return 0;
}

int store_put(struct store *s, struct str content, struct digest *ret_object, struct err *e)
{
    struct store_upload *u;
    struct digest want;
    uint64_t size;
    hash_bytes(DIGEST_SHA256, content.p, content.n, &want);
    if (store_upload_new(s, STR(""), DIGEST_SHA256, content.n, true, &u, e) < 0)
        return -1;
    if (store_upload_write(u, content.p, content.n, e) < 0 ||
        store_upload_commit(u, &want, ret_object, &size, e) < 0) {
        store_upload_cancel(u);
        return -1;
    }
    return 0;
}
