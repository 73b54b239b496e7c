/* SPDX-License-Identifier: Apache-2.0 */
#include "model/untar.h"

void untar_init(struct untar *u, const struct untar_sink *sink)
{
    *u = (struct untar){.sink = sink};
    tar_reader_init(&u->reader);
}

void untar_autodone(struct untar *u)
{
    tar_reader_autodone(&u->reader);
}

static int take_block(struct untar *u, struct err *e)
{
    struct tar_entry entry;
    u->n = 0;
    int step = tar_reader_next(&u->reader, u->block, &entry, e);
    if (step < 0)
        return -1;
    if (step == TAR_DONE)
        u->done = true;
    if (step != TAR_ENTRY)
        return 0;
    u->content = entry.size;
    u->padding = tar_padding(entry.size);
    return u->sink->entry(u->sink->self, &entry, e);
}

/* Takes some of n bytes; returns how many, 0: an error. */
static size_t take_some(struct untar *u, const char *p, size_t n, struct err *e)
{
    const struct untar_sink *k = u->sink;
    if (u->content) {
        n = (size_t)MIN_OF(u->content, (uint64_t)n);
        u->content -= n;
        return k->content(k->self, p, n, e) < 0 ? 0 : n;
    }
    bool in_block = !u->padding && !u->done;
    if (u->padding) {
        n = (size_t)MIN_OF(u->padding, (uint64_t)n);
        u->padding -= n;
    } else if (in_block) {
        n = MIN_OF(n, TAR_BLOCK - u->n);
        memcpy(u->block + u->n, p, n);
        u->n += n;
    }
    if (k->head && k->head(k->self, p, n, e) < 0)
        return 0;
    return in_block && u->n == TAR_BLOCK && take_block(u, e) < 0 ? 0 : n;
}

int untar_put(struct untar *u, const void *p, size_t n, struct err *e)
{
    const char *from = p;
    while (n) {
        size_t taken = take_some(u, from, n, e);
        if (taken == 0)
            return -1;
        from += taken;
        n -= taken;
    }
    return 0;
}

int untar_end(const struct untar *u, struct err *e)
{
    if (u->content)
        return ERR(e, MODEL_INVALID, "the archive ends inside of a member");
    /* The last padding may be missing, and so may the blocks of zeros. */
    if (u->n)
        return ERR(e, MODEL_INVALID, "the archive ends inside of a header");
    return tar_reader_finish(&u->reader, e);
}
