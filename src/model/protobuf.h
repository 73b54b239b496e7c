/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf: the fields of a Protocol Buffers message one after another, over a window, so that what
 * is skipped is never fetched.
 *
 *     while ((rc = protobuf_next(p, end, &f, e)) > 0)
 *         rc = f.number == 7 && f.type == PROTOBUF_BYTES ? read_it(p, p->w->at + f.value, e)
 *                                                     : protobuf_skip(p, &f, e);
 *
 * Source: protobuf.dev, "Encoding". One thread at a time.
 */
#ifndef HAVEN_MODEL_PROTOBUF_H
#define HAVEN_MODEL_PROTOBUF_H

#include "model/window.h"

enum protobuf_type {
    PROTOBUF_NUMBER = 0,
    PROTOBUF_FIXED64 = 1,
    PROTOBUF_BYTES = 2,
    PROTOBUF_FIXED32 = 5
};

struct protobuf {
    struct model_window *w; /* borrowed */
    uint64_t fields;        /* read so far */
    uint64_t max;           /* LIMIT behind so many */
};

struct protobuf_field {
    uint64_t number; /* at least 1 */
    enum protobuf_type type;
    uint64_t value; /* the number; of BYTES how many follow: the window stands in front of them */
};

/* The next field of the message that ends at byte `end`. 1 read, 0 there is none, -1 MODEL_INVALID:
 * it is no message, or a field passes its end. */
int protobuf_next(struct protobuf *p, uint64_t end, struct protobuf_field *ret, struct err *e);
/* Goes on behind the field just read (which a number is already). */
int protobuf_skip(struct protobuf *p, const struct protobuf_field *f, struct err *e);
/* A number by itself, as packed lists have them. */
int protobuf_number(struct protobuf *p, uint64_t end, uint64_t *ret, struct err *e);

#endif
