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

#define PLACE_PARTIAL ".haven-partial"

struct place {
    int root;
    int partial; /* locked: one pull at a time */
};

/* Makes the directory if it is missing. CONFLICT when another pull works there. */
int place_open(const char *dir, struct place *ret, struct err *e);
void place_autodone(struct place *p);
/* The pull is over: removes the folder of partial files if there are none. */
void place_finish(struct place *p);

/* 1 a regular file of this size and content is there, 0 not, -1 error. */
int place_has(const struct place *p, struct str path, uint64_t size, const struct digest *digest,
              struct err *e);
/* Opens the partial file of a digest for reading and writing, made if missing; *ret_size: what it
 * holds. */
int place_part_open(const struct place *p, const struct digest *digest, uint64_t *ret_size,
                    struct err *e);
/* What the partial file holds, 0 if there is none. */
uint64_t place_part_size(const struct place *p, const struct digest *digest);
int place_part_remove(const struct place *p, const struct digest *digest, struct err *e);
/* Gives a complete partial file its mode, its time (0: left as it is) and its name, durably. */
int place_put(const struct place *p, int fd, const struct digest *digest, struct str path,
              uint32_t mode, int64_t mtime_ms, struct err *e);
/* Makes the partial file of digest a copy of a file in its place, sharing its blocks where the file
 * system can. */
int place_copy(const struct place *p, struct str from, uint64_t size, const struct digest *digest,
               struct err *e);

#endif
