/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: bytes by digest, in a directory. Knows objects and upload sessions, no database.
 *
 *     DATA/blobs/sha256/ab/<64 hex>   an object: complete, synced, never changed
 *     DATA/trash/<64 hex>             an object that nothing refers to, for seconds
 *     DATA/quarantine/                what a check found wrong, for people to look at
 *     DATA/uploads/<uuid>/data        bytes received so far
 *     DATA/uploads/<uuid>/state       who it belongs to, offset, hash state (versioned, with
 * checksum)
 *
 * Objects are named by SHA-256 whatever digest the client used. A blob of another algorithm is a
 * row with an extent over the same object. Paths are made from parsed digests and ids only, opened
 * relative to directory descriptors.
 *
 * Durability: store_upload_commit returns after data and directories are synced. Uploads are
 * written back early (sync_file_range) and checkpointed every STORE_CHECKPOINT bytes, so that a
 * commit is short whatever the size, and a crash costs at most one step.
 */
#ifndef HAVEN_STORE_STORE_H
#define HAVEN_STORE_STORE_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"

#include <stdatomic.h>

#define STORE_CHECKPOINT (64ull << 20)
#define STORE_UPLOAD_ID  36 /* characters of a session id (UUID) */

struct store;

/* dir: descriptor of the data directory (borrowed for the life of the store). Creates blobs/ and
 * uploads/. */
int store_open(int dir, struct store **ret, struct err *e);
void store_close(struct store *s);

/* Objects. 1 with an open descriptor (caller closes) and size, 0 absent, -1 error. */
int store_object_open(struct store *s, const struct digest *object, int *ret_fd, uint64_t *ret_size,
                      struct err *e);
int store_object_remove(struct store *s, const struct digest *object,
                        struct err *e); /* absent: success */
/* Calls fn for every object; fn returns 0 to go on, -1 with error to stop. */
int store_object_each(struct store *s,
                      int (*fn)(void *p, const struct digest *object, uint64_t size, struct err *e),
                      void *p, struct err *e);

/* How objects go. A collector that has found an object unused discards it inside of the transaction
 * that removes its row; the file then lies in the trash until that is emptied. A pusher of the same
 * bytes calls store_object_keep inside of the transaction that records them: whatever the order of
 * both, a row never stands without its file.
 *
 * 1 discarded, 0 there was none, -1. Not synced: after a power loss it may be back. */
int store_object_discard(struct store *s, const struct digest *object, struct err *e);
/* 1 the file is in its place (durably also when it was taken back from the trash), 0 it is gone. */
int store_object_keep(struct store *s, const struct digest *object, struct err *e);
/* Does anything lie in the trash? 1, 0, -1. */
int store_trash_any(struct store *s, struct err *e);
/* Removes what lies in the trash and counts it; stops when *stop (may be NULL) becomes true. */
int store_trash_empty(struct store *s, const atomic_bool *stop, uint64_t *ret_n,
                      uint64_t *ret_bytes, struct err *e);
/* All that was removed is removed on the disk. */
int store_sync(struct store *s, struct err *e);

/* For checks (registry/check.h). Where an object is: in its place or in the trash. 1, 0 nowhere,
 * -1. */
struct store_found {
    uint64_t size;
    int64_t changed_ms; /* it came, or was moved */
    bool is_file, in_trash;
};
int store_object_stat(struct store *s, const struct digest *object, struct store_found *ret,
                      struct err *e);
/* Calls fn for whatever lies in blobs/ and uploads/ and is neither an object nor an upload that can
 * go on; path is below the data directory. A new upload may be among them for a moment. */
#define STORE_STRAY_MAX 512
typedef int store_stray_fn(void *p, const char *path, int64_t changed_ms, const char *why,
                           struct err *e);
int store_stray_each(struct store *s, store_stray_fn *fn, void *p, struct err *e);
/* Moves it (a path below the data directory) to DATA/quarantine/NAME.TIME. 1, 0 it is not there. */
int store_quarantine(struct store *s, const char *path, struct err *e);
int store_object_quarantine(struct store *s, const struct digest *object, struct err *e);

/* An upload session. A session that is open here is locked: no second request writes to it. */
struct store_upload;

struct store_upload_info {
    char id[STORE_UPLOAD_ID + 1];
    struct str
        scope; /* what the session is bound to (the repository's name); in the session's memory */
    enum digest_alg alg; /* the algorithm that is hashed while receiving, besides SHA-256 */
    uint64_t offset;     /* bytes received and hashed */
    int64_t created_ms, updated_ms;
};

/* A new session, open. expect: announced size or 0; NO_SPACE when it cannot fit. transient: not
 * kept when it is closed uncommitted (no state is written). */
int store_upload_new(struct store *s, struct str scope, enum digest_alg alg, uint64_t expect,
                     bool transient, struct store_upload **ret, struct err *e);
/* Opens an existing one: 1, 0 unknown (also when scope differs), -1 (BLOB_UPLOAD_BUSY: in use). The
 * file is cut back to the offset whose hash state is known. */
int store_upload_open(struct store *s, struct str id, struct str scope, struct store_upload **ret,
                      struct err *e);
/* What is known of a session without opening it, also while another request writes. 1, 0, -1. */
int store_upload_stat(struct store *s, struct str id, struct str scope, uint64_t *ret_offset,
                      struct err *e);
const struct store_upload_info *store_upload_info(const struct store_upload *u);
/* Appends: hashed and written in one pass. An error (NO_SPACE, IO) leaves the session at the offset
 * before. */
int store_upload_write(struct store_upload *u, const void *p, size_t n, struct err *e);
/* Cuts the session back to an earlier offset at which its state is known (the offset at which this
 * request opened it), for a request that turns out to be invalid after bytes were taken. */
int store_upload_rewind(struct store_upload *u, uint64_t offset, struct err *e);
/* Completes it: want is checked against the content (an algorithm other than those hashed so far is
 * computed by reading once more). On success *ret_object is the object's SHA-256, *ret_size its
 * size, the object is durable, and the session is gone (u is freed). DIGEST_INVALID: the session
 * stays open. */
int store_upload_commit(struct store_upload *u, const struct digest *want,
                        struct digest *ret_object, uint64_t *ret_size, struct err *e);
/* Lets go of it; it can be opened again (unless transient). NULL is welcome. */
void store_upload_close(struct store_upload *u);
/* Removes it with its bytes; u is freed. */
void store_upload_cancel(struct store_upload *u);

/* Removes sessions that nobody has open: those whose last byte is older than max_age_ms, and, of
 * any age, those that had only begun when the process died. */
int store_upload_sweep(struct store *s, int64_t max_age_ms, size_t *ret_removed, struct err *e);

/* Small content in one go (tests, imports): as upload, write, commit. */
int store_put(struct store *s, struct str content, struct digest *ret_object, struct err *e);

#endif
