/* SPDX-License-Identifier: Apache-2.0 */
/*
 * untar: a tar archive as it comes by: its bytes go in, members and their content come out.
 * One thread at a time. Errors are MODEL_INVALID and those of the sink.
 */
#ifndef HAVEN_MODEL_UNTAR_H
#define HAVEN_MODEL_UNTAR_H

#include "model/tar.h"

/* Each returns 0 or -1. */
struct untar_sink {
    int (*entry)(void *self, const struct tar_entry *entry, struct err *e);
    /* Bytes of the last entry, in order. */
    int (*content)(void *self, const void *p, size_t n, struct err *e);
    /* Every other byte: headers, padding, what follows the end. May be NULL. */
    int (*head)(void *self, const void *p, size_t n, struct err *e);
    void *self;
};

struct untar {
    struct tar_reader reader;
    const struct untar_sink *sink; /* borrowed */
    char block[TAR_BLOCK];
    size_t n;                  /* bytes of a block */
    uint64_t content, padding; /* to come of the last entry */
    bool done;
};

void untar_init(struct untar *u, const struct untar_sink *sink);
void untar_autodone(struct untar *u);
int untar_put(struct untar *u, const void *p, size_t n, struct err *e);
/* The archive is over: an error when that is too early. */
int untar_end(const struct untar *u, struct err *e);

#endif
