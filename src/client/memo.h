/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memo: what earlier runs of the client found out about files, so that it is not found out again:
 * the digest of a large file, what a compressed archive holds, and where an upload stopped.
 *
 * One small file for each, in HAVEN_CACHE_DIR, else $XDG_CACHE_HOME/haven, else ~/.cache/haven,
 * for its owner only: the address of an upload may let others write to it, so it is never logged.
 * Notes are hints. They hold for a file of the same device, inode, path, size, mtime and ctime
 * whose times were settled (MEMO_SETTLED_MS old) when it was opened, since a change in the same
 * tick of the clock would show in none of them (git's rule for racily clean entries). A note that
 * is missing, damaged or cannot be written costs time and nothing else: no function here fails.
 * Notes of 30 days are removed. Any number of processes and threads share the folder.
 */
#ifndef HAVEN_CLIENT_MEMO_H
#define HAVEN_CLIENT_MEMO_H

#include "base/buf.h"
#include "base/hash.h"
#include "client/memo_entry.h"

#include <sys/stat.h>

#define MEMO_SETTLED_MS 2000
#define MEMO_DAYS       30

struct memo;

/* The folder, made if missing. NULL when there is none to be had, and every function below takes
 * that: it then knows nothing. */
struct memo *memo_open(void);
struct memo *memo_open_dir(const char *dir); /* for tests: this one */
void memo_autofree(struct memo **p);
#define AUTO_MEMO __attribute__((cleanup(memo_autofree))) struct memo *

/* A file as it is. */
struct memo_id {
    uint8_t key[MEMO_KEY]; /* of device, inode and path */
    uint64_t size;
    struct timespec mtime, ctime;
    bool settled;
};
/* st: from the open descriptor, before anything is read; path: absolute. */
void memo_id_make(const struct stat *st, const char *path, struct memo_id *ret);

/* Is the digest of this file known? */
bool memo_digest_find(const struct memo *m, const struct memo_id *id, struct digest *ret);
/* The whole file was read, and it was not changed meanwhile. */
void memo_digest_keep(const struct memo *m, const struct memo_id *id, const struct digest *digest);
/* It turned out to be wrong. */
void memo_digest_forget(const struct memo *m, const struct memo_id *id);

/* What the archive of this digest holds (contents.h). The list found is a view into bytes, whose
 * ceiling is MEMO_CONTENTS_MORE above that of a list. */
#define MEMO_CONTENTS_MORE 64
bool memo_contents_find(const struct memo *m, const struct digest *archive, struct buf *bytes,
                        struct str *ret);
void memo_contents_keep(const struct memo *m, const struct digest *archive, struct str list);

/* What an upload is to remember: whose it is, filled by who knows the file. `form` tells blobs
 * apart that are made of the same file ("raw", "tar" with its header). */
struct memo_upload {
    const struct memo *memo;
    struct memo_id id;
    uint64_t blob_size;
    struct str form;
};

/* One upload under way, for which no other process uses the note. Zeroed is closed. */
struct memo_session {
    const struct memo *memo;
    int lock;
    struct memo_entry entry; /* key, size and times are set */
};
/* registry: "https://host". False: nothing can be remembered (another process does it, there is no
 * folder, the file is too young). On true the caller closes. */
bool memo_session_open(const struct memo_upload *u, const char *registry, const char *repo,
                       struct memo_session *ret);
void memo_session_autodone(struct memo_session *s);
/* What an earlier run left: the hash of the first hash->n bytes, the address. */
bool memo_session_find(const struct memo_session *s, struct hash *ret_hash,
                       struct buf *ret_location);
void memo_session_keep(struct memo_session *s, const struct hash *hash, struct str location);
void memo_session_forget(const struct memo_session *s);

#endif
