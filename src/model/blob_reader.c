/* SPDX-License-Identifier: Apache-2.0 */
#include "model/blob_reader.h"

#include "base/mem.h"

void blob_reader_init(struct blob_reader *b, const struct model_source *source,
                      const struct digest *digest, uint64_t size)
{
    *b = (struct blob_reader){.source = source, .digest = *digest, .size = size};
}

void blob_reader_drop(struct blob_reader *b)
{
    mem_free(b->p);
    b->p = NULL;
    b->n = b->cap = 0;
}

void blob_reader_autodone(struct blob_reader *b)
{
    blob_reader_drop(b);
}

static int take(void *self, const void *p, size_t n, struct err *e)
{
    struct blob_reader *b = self;
    if (n > b->cap - b->n)
        return ERR(e, REMOTE, "more bytes than were asked for");
    memcpy(b->p + b->n, p, n);
    b->n += n;
    return 0;
}

/* The bytes from `at` on, at least n of them, into p. */
static int fetch(struct blob_reader *b, uint64_t at, size_t n, struct err *e)
{
    bool whole = b->size <= BLOB_READER_SMALL;
    uint64_t want = whole ? b->size : MAX_OF((uint64_t)n, (uint64_t)BLOB_READER_AHEAD);
    if (whole)
        at = 0;
    want = MIN_OF(want, b->size - at);
    if (b->cap < want) {
        b->cap = (size_t)want;
        b->p = mem_realloc(b->p, b->cap);
    }
    b->at = at;
    b->n = 0;
    if (b->source->get(b->source->self, &b->digest, b->size, at, want, take, b, e) < 0) {
        b->n = 0;
        return -1;
    }
    if (b->n != want)
        return ERR(e, REMOTE, "fewer bytes than were asked for");
    return 0;
}

static int blob_read(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    struct blob_reader *b = self;
    char *out = p;
    if (at >= b->at && at - b->at < b->n) {
        size_t skip = (size_t)(at - b->at), here = MIN_OF(n, b->n - skip);
        memcpy(out, b->p + skip, here);
        out += here;
        at += here;
        n -= here;
    }
    if (n == 0)
        return 0;
    if (fetch(b, at, n, e) < 0)
        return -1;
    memcpy(out, b->p + (at - b->at), n);
    return 0;
}

struct model_reader blob_reader_reader(struct blob_reader *b)
{
    return (struct model_reader){.size = b->size, .read = blob_read, .self = b};
}

static int part_read(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    const struct part_reader *part = self;
    return part->whole->read(part->whole->self, part->at + at, p, n, e);
}

struct model_reader blob_reader_part(struct part_reader *p, uint64_t size)
{
    return (struct model_reader){.size = size, .read = part_read, .self = p};
}
