/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_reader: a blob of a source (model/source.h) for a parser of headers (model/reader.h), by
 * ranges.
 *
 * A range is never shorter than BLOB_READER_AHEAD, as far as the blob goes, and what came last is
 * kept, so that reading in small steps asks seldom. Small blobs come whole, with no need for
 * ranges. The bytes are not verified: only all of them have a digest. One thread at a time.
 */
#ifndef HAVEN_MODEL_BLOB_READER_H
#define HAVEN_MODEL_BLOB_READER_H

#include "base/limits.h"
#include "model/reader.h"
#include "model/source.h"

#define BLOB_READER_AHEAD (64 * KIB)
#define BLOB_READER_SMALL (256 * KIB)

struct blob_reader {
    const struct model_source *source; /* borrowed */
    struct digest digest;
    uint64_t size;
    uint64_t at; /* of the first byte in p */
    size_t n, cap;
    char *p;
};

void blob_reader_init(struct blob_reader *b, const struct model_source *source,
                      const struct digest *digest, uint64_t size);
void blob_reader_autodone(struct blob_reader *b);
/* Frees what came last. */
void blob_reader_drop(struct blob_reader *b);
/* b must not move. Errors: the source's. */
struct model_reader blob_reader_reader(struct blob_reader *b);

/* A file inside of something else: size bytes from `at`, which lie within. Must not move. */
struct part_reader {
    const struct model_reader *whole; /* borrowed */
    uint64_t at;
};
struct model_reader blob_reader_part(struct part_reader *p, uint64_t size);

#endif
