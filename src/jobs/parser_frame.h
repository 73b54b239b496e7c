/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_frame: what the server and the process that reads models say to each other.
 *
 * A frame is a head (kind, three zeros, length of what follows) and its content; numbers are
 * little-endian. Reading is pure: it takes the bytes of one head or one content, which may come
 * from a process that a stranger has taken over, and checks all of it. Errors: MODEL_INVALID.
 *
 *     server                         reader
 *                                    READY (empty, or why it is not confined)
 *     LOOK media type, manifest
 *                                    WISH blob, range      any number of times
 *     BYTES or FAILED
 *                                    DOCUMENT              any number of times
 *                                    DONE or WRONG (why)
 *
 * Or, instead of LOOK:
 *
 *     EXTRACT blob, encoding, parts
 *                                    WISH, from its beginning on
 *     BYTES or FAILED
 *                                    CONTENT bytes         of all parts, in order
 *                                    DONE or WRONG (why)
 */
#ifndef HAVEN_JOBS_PARSER_FRAME_H
#define HAVEN_JOBS_PARSER_FRAME_H

#include "base/digest.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "model/extract.h"

enum parser_frame_kind {
    /* of the server */
    PARSER_LOOK = 1,
    PARSER_BYTES,
    PARSER_FAILED, /* the source has no bytes; the server knows why */
    PARSER_EXTRACT,
    /* of the reader */
    PARSER_READY = 16,
    PARSER_WISH,
    PARSER_DOCUMENT,
    PARSER_DONE,
    PARSER_WRONG,
    PARSER_CONTENT,
};

struct parser_frame_head {
    enum parser_frame_kind kind;
    uint32_t n; /* bytes of the content; never above the ceiling of its kind */
};

#define PARSER_FRAME_HEAD 8
/* The content of every frame of the reader but DOCUMENT and CONTENT is at most this long. */
#define PARSER_FRAME_SMALL ERR_MSG_MAX
/* What stands before the texts of a DOCUMENT and of a LOOK. */
#define PARSER_FRAME_DOCUMENT_FIXED 10
#define PARSER_FRAME_LOOK_FIXED     2

void parser_frame_head_write(enum parser_frame_kind kind, size_t n, uint8_t out[PARSER_FRAME_HEAD]);
/* of_reader: who sent it; a kind of the other side is wrong. */
int parser_frame_head_read(const uint8_t p[PARSER_FRAME_HEAD], bool of_reader,
                           struct parser_frame_head *ret, struct err *e);

/* LOOK: what stands before the manifest; returns its length. The views point into content. */
size_t parser_frame_look_write(struct str media_type, uint8_t out[PARSER_FRAME_SMALL]);
int parser_frame_look_read(struct str content, struct str *ret_media_type, struct str *ret_manifest,
                           struct err *e);

/* WISH: n bytes of a blob from `at`: 0 < n <= LIMIT_PARSER_PIECE, at + n <= size. */
struct parser_wish {
    struct digest blob;
    uint64_t size; /* of the blob */
    uint64_t at;
    uint32_t n;
};
size_t parser_frame_wish_write(const struct parser_wish *w, uint8_t out[PARSER_FRAME_SMALL]);
int parser_frame_wish_read(struct str content, struct parser_wish *ret, struct err *e);

/* DOCUMENT: kind is a word of [a-z0-9-]; has_blob: it is about one. The views point into content.
 */
struct parser_found {
    struct str kind;
    bool has_blob;
    struct digest blob;
    uint64_t at;
    struct str bytes;
};
/* What stands before the bytes; returns its length. */
size_t parser_frame_document_write(const struct parser_found *d, uint8_t out[PARSER_FRAME_SMALL]);
int parser_frame_document_read(struct str content, struct parser_found *ret, struct err *e);
bool parser_frame_is_kind(struct str kind);

/* EXTRACT: parts of what a blob unpacks to (model/extract.h), at least one. */
struct parser_extraction {
    struct digest blob;
    uint64_t size; /* of the blob */
    enum inflate_kind kind;
    size_t n;
    struct extract_part parts[LIMIT_EXTRACT_PARTS];
};
#define PARSER_FRAME_EXTRACT_MAX (12 + DIGEST_TEXT_MAX + 16 * LIMIT_EXTRACT_PARTS)
/* Returns its length. */
size_t parser_frame_extract_write(const struct parser_extraction *x,
                                  uint8_t out[PARSER_FRAME_EXTRACT_MAX]);
int parser_frame_extract_read(struct str content, struct parser_extraction *ret, struct err *e);

/* READY and WRONG: the text as one that can be shown: what is no printable UTF-8 becomes '?'. */
void parser_frame_text(struct str content, char out[ERR_MSG_MAX]);

#endif
