/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local: the files of a model directory, found and judged before anything is sent.
 *
 * Which files, and of what kind, is the business of client/pick.h. Of those, refused with the file
 * named: what is neither a file nor a directory, links that lead out of the directory (or to a
 * directory), names that could not be written elsewhere (model/path.h), Git LFS pointers. Nothing
 * is opened outside the directory.
 */
#ifndef HAVEN_CLIENT_LOCAL_H
#define HAVEN_CLIENT_LOCAL_H

#include "base/arena.h"
#include "client/pick.h"
#include "model/modelpack.h"

#include <sys/stat.h>

/* What a file was when it was found; content: of files that are so small that they were read at
 * once. */
struct local_file {
    struct timespec mtime;
    struct str content; /* p == NULL: not read yet */
};

struct local_files {
    struct arena arena;
    int root;                     /* descriptor of the directory */
    struct modelpack_file *files; /* sorted by modelpack_file_cmp; digests not known yet */
    struct local_file *local;     /* beside each of them */
    size_t n;
    uint64_t total; /* bytes */
};

/* MODEL_INVALID, IO, LIMIT. A line of the Modelfile that matches nothing is an error that names the
 * line. On failure there is nothing to release. */
int local_files_scan(const char *dir, const struct pick_options *options, struct local_files *ret,
                     struct err *e);
void local_files_autodone(struct local_files *l);

/* Opens file i for reading: a regular file inside the root, of the size and time found. */
int local_files_open(const struct local_files *l, size_t i, struct err *e);
/* What the files (and modelfile, NULL: none) say of the model goes to facts, which are not resolved
 * yet: README.md, config.json and its neighbours, whose content is kept for who packs them, and the
 * format by the names. MODEL_INVALID (also for a value of the Modelfile that is none), IO, LIMIT.
 */
int local_files_facts(struct local_files *l, struct str name, const struct modelfile *modelfile,
                      struct model_facts *facts, struct err *e);
/* After reading: an error (MODEL_INVALID) when the file is not what it was when it was found. */
int local_files_unchanged(const struct local_files *l, size_t i, int fd, struct err *e);

/* Some of the bytes of file i from `at` (below its size), 1 to n. */
int local_files_read(const struct local_files *l, size_t i, int fd, uint64_t at, void *p, size_t n,
                     size_t *ret_n, struct err *e);

#endif
