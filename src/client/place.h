/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: the directory that a model is pulled into, on a machine that trusts neither the manifest
 * nor what already lies there.
 *
 * Every path has passed model_path_check. Directories on the way are made or entered one by one
 * without following links, so that nothing is read or written outside. Files in the making
 * lie in PLACE_PARTIAL below the same root, are synced, and get their name by a rename. Any thread.
 */
#ifndef HAVEN_CLIENT_PLACE_H
#define HAVEN_CLIENT_PLACE_H

#include "base/digest.h"
#include "base/err.h"
#include "client/memo.h"
#include "model/path.h"

#include <stdbool.h>

#define PLACE_PARTIAL MODEL_PATH_PARTIAL
/* The digests of files from this size on are remembered. */
#define PLACE_REMEMBER_MIN (4ull << 20)

struct place {
    int root;
    int partial;             /* locked: one pull at a time */
    char *full;              /* absolute path, for memo; NULL: not known */
    const struct memo *memo; /* digests of files in their places; borrowed, NULL: none */
    bool fresh;              /* there was nothing in the directory, but for partial files */
};

/* Makes the directory if it is missing. CONFLICT when another pull works there. */
int place_open(const char *dir, struct place *ret, struct err *e);
void place_autodone(struct place *p);
/* The pull is over: removes the folder of partial files if there are none. False: there are some.
 */
bool place_finish(struct place *p);

/* 1 a regular file of this size and content is there, 0 not, -1 error. It is read, unless memo
 * knows its digest. */
int place_has(const struct place *p, struct str path, uint64_t size, const struct digest *digest,
              struct err *e);
/* The name of a partial file, "sha256-HEX" and what tells apart the files of one blob. */
#define PLACE_PART_NAME (DIGEST_TEXT_MAX + 16)
struct place_part {
    char name[PLACE_PART_NAME];
};
/* suffix: "" for the blob itself, ".map", … */
struct place_part place_part(const struct digest *d, const char *suffix);
/* Member i of the archive with this digest. */
struct place_part place_part_member(const struct digest *d, size_t i);

/* Opens a partial file for reading and writing, made if missing; *ret_size: where it ends. */
int place_part_open(const struct place *p, const struct place_part *part, uint64_t *ret_size,
                    struct err *e);
/* The bytes that it takes on the disk, at most its size; 0 if there is none. */
uint64_t place_part_size(const struct place *p, const struct place_part *part);
int place_part_remove(const struct place *p, const struct place_part *part, struct err *e);
/* Removes every partial file of this blob. */
void place_part_remove_all(const struct place *p, const struct digest *d);
/* Gives a complete partial file its mode, its time (0: left as it is) and its name, durably. */
int place_put(const struct place *p, int fd, const struct place_part *part, struct str path,
              uint32_t mode, int64_t mtime_ms, struct err *e);
/* The same, durable only after place_sync; it must be called before, too, so that no name is given
 * to bytes that a crash could lose. For many files at once. */
int place_put_later(const struct place *p, int fd, const struct place_part *part, struct str path,
                    uint32_t mode, int64_t mtime_ms, struct err *e);
int place_sync(const struct place *p, struct err *e);
/* Makes a symbolic link. Where it leads is for the caller to judge. */
int place_link(const struct place *p, struct str path, const char *to, struct err *e);
/* Opens a file in its place for reading, through no link; -1: there is none that can be opened. */
int place_open_file(const struct place *p, struct str path);
/* Makes the partial file a copy of a file in its place, sharing its blocks where the file system
 * can. */
int place_copy(const struct place *p, struct str from, uint64_t size, const struct place_part *part,
               struct err *e);

#endif
