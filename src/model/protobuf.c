/* SPDX-License-Identifier: Apache-2.0 */
#include "model/protobuf.h"

#include <inttypes.h>

/* Bytes of the longest number. */
#define NUMBER_MAX 10
/* The highest number of a field. */
#define FIELD_MAX 0x1fffffffu

static int passes(const struct protobuf *p, uint64_t end, struct err *e)
{
    return ERR(e, MODEL_INVALID,
               "a field at byte %" PRIu64 " passes the end of its message at byte %" PRIu64,
               p->w->at, end);
}

int protobuf_number(struct protobuf *p, uint64_t end, uint64_t *ret, struct err *e)
{
    struct str s;
    uint64_t v = 0;
    if (p->w->at >= end)
        return passes(p, end, e);
    if (model_window_peek(p->w, 1, "a number", &s, e) < 0)
        return -1;
    size_t room = (size_t)MIN_OF(end - p->w->at, NUMBER_MAX);
    if (s.n < room && model_window_peek(p->w, room, "a number", &s, e) < 0)
        return -1;
    for (size_t i = 0; i < room; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (i == NUMBER_MAX - 1 && c > 1)
            break;
        v |= (uint64_t)(c & 0x7f) << (7 * i);
        if (c & 0x80)
            continue;
        *ret = v;
        return model_window_skip(p->w, i + 1, "a number", e);
    }
    return room < NUMBER_MAX
               ? passes(p, end, e)
               : ERR(e, MODEL_INVALID, "a number of more than 64 bits at byte %" PRIu64, p->w->at);
}

static int read_fixed(struct protobuf *p, uint64_t end, unsigned bytes, uint64_t *ret,
                      struct err *e)
{
    struct str s;
    uint64_t v = 0;
    if (end - p->w->at < bytes)
        return passes(p, end, e);
    if (model_window_peek(p->w, bytes, "a number", &s, e) < 0)
        return -1;
    for (unsigned i = bytes; i-- > 0;)
        v = v << 8 | (unsigned char)s.p[i];
    *ret = v;
    return model_window_skip(p->w, bytes, "a number", e);
}

int protobuf_next(struct protobuf *p, uint64_t end, struct protobuf_field *ret, struct err *e)
{
    uint64_t tag, at = p->w->at;
    if (at >= end)
        return 0;
    if (p->fields == p->max)
        return ERR(e, LIMIT, "more than %" PRIu64 " fields", p->max);
    p->fields++;
    if (protobuf_number(p, end, &tag, e) < 0)
        return -1;
    *ret = (struct protobuf_field){.number = tag >> 3, .type = (enum protobuf_type)(tag & 7)};
    if (ret->number == 0 || ret->number > FIELD_MAX)
        return ERR(e, MODEL_INVALID, "a field that has no number at byte %" PRIu64, at);
    int rc;
    switch (ret->type) {
    case PROTOBUF_NUMBER:
        rc = protobuf_number(p, end, &ret->value, e);
        break;
    case PROTOBUF_FIXED64:
        rc = read_fixed(p, end, 8, &ret->value, e);
        break;
    case PROTOBUF_FIXED32:
        rc = read_fixed(p, end, 4, &ret->value, e);
        break;
    case PROTOBUF_BYTES:
        rc = protobuf_number(p, end, &ret->value, e);
        if (rc == 0 && ret->value > end - p->w->at)
            rc = passes(p, end, e);
        break;
    default:
        rc = ERR(e, MODEL_INVALID, "a field of the unknown type %u at byte %" PRIu64,
                 (unsigned)(tag & 7), at);
    }
    return rc < 0 ? -1 : 1;
}

int protobuf_skip(struct protobuf *p, const struct protobuf_field *f, struct err *e)
{
    return f->type == PROTOBUF_BYTES ? model_window_skip(p->w, f->value, "a field", e) : 0;
}
