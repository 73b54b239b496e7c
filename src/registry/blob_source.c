/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/blob_source.h"

#include "base/file.h"
#include "base/metrics.h"
#include "registry/internal.h"

#define STEP (256 * KIB)

void blob_source_init(struct blob_source *s, struct registry *r)
{
    *s = (struct blob_source){.registry = r, .fd = -1};
    arena_init(&s->arena, LIMIT_REQUEST_ARENA);
}

static void forget_object(struct blob_source *s)
{
    mem_autoclose(&s->fd);
    s->fd = -1;
}

void blob_source_autodone(struct blob_source *s)
{
    forget_object(s);
    arena_done(&s->arena);
}

static int find(struct blob_source *s, const struct digest *digest, uint64_t size, struct err *e)
{
    if (!s->has_blob || !digest_eq(&s->blob.digest, digest)) {
        s->has_blob = false;
        arena_reset(&s->arena);
        int found = blob_find_any(s->registry, &s->arena, digest, &s->blob, e);
        if (found <= 0)
            return found < 0 ? -1 : ERR(e, MODEL_INVALID, "%s is not here", digest->text);
        s->has_blob = true;
    }
    if (s->blob.size != size)
        return ERR(e, MODEL_INVALID, "%s has %llu bytes, and the manifest says %llu", digest->text,
                   (unsigned long long)s->blob.size, (unsigned long long)size);
    return 0;
}

static int open_object(struct blob_source *s, const struct digest *object, struct err *e)
{
    uint64_t size;

    if (s->fd >= 0 && digest_eq(&s->object, object))
        return 0;
    forget_object(s);
    int found = store_object_open(s->registry->store, object, &s->fd, &size, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, IO, "object %s is not in the store", object->text);
    s->object = *object;
    return 0;
}

typedef int take_fn(void *to, const void *p, size_t n, struct err *e);

/* n bytes of an extent from `at` on. */
static int read_extent(struct blob_source *s, const struct blob_extent *x, uint64_t at, uint64_t n,
                       take_fn *take, void *to, struct err *e)
{
    if (x->literal)
        return take(to, x->bytes.p + at, (size_t)n, e);
    if (open_object(s, &x->object, e) < 0)
        return -1;
    AUTO_FREE char *p = mem_alloc((size_t)MIN_OF(n, STEP));
    for (uint64_t done = 0; done < n;) {
        size_t part = (size_t)MIN_OF(n - done, STEP);
        if (file_pread_all(s->fd, p, part, x->offset + at + done, e) < 0 ||
            take(to, p, part, e) < 0)
            return -1;
        done += part;
    }
    return 0;
}

static int get(void *self, const struct digest *digest, uint64_t size, uint64_t at, uint64_t n,
               take_fn *take, void *to, struct err *e)
{
    struct blob_source *s = self;
    uint64_t begin = 0; /* of the extent, in the blob */

    if (find(s, digest, size, e) < 0)
        return -1;
    METRIC_ADD(index_reads, !s->uncounted);
    METRIC_ADD(index_bytes, s->uncounted ? 0 : n);
    for (size_t i = 0; i < s->blob.n_extents && n > 0; i++) {
        const struct blob_extent *x = &s->blob.extents[i];
        uint64_t end = begin + x->len;
        if (at < end) {
            uint64_t part = MIN_OF(n, end - at);
            if (read_extent(s, x, at - begin, part, take, to, e) < 0)
                return err_wrap(e, "reading %s", digest->text);
            at += part;
            n -= part;
        }
        begin = end;
    }
    return 0;
}

struct model_source blob_source_source(struct blob_source *s)
{
    return (struct model_source){.get = get, .self = s};
}
