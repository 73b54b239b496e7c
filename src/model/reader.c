/* SPDX-License-Identifier: Apache-2.0 */
#include "model/reader.h"

#include "base/file.h"

#include <inttypes.h>

int model_read(const struct model_reader *r, uint64_t at, void *p, size_t n, const char *what,
               struct err *e)
{
    if (at > r->size || n > r->size - at)
        return ERR(e, MODEL_INVALID,
                   "%s: the file ends at byte %" PRIu64 " and %zu bytes from %" PRIu64
                   " on are needed; is it complete?",
                   what, r->size, n, at);
    return n ? r->read(r->self, at, p, n, e) : 0;
}

static int read_memory(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    const struct str *bytes = self;
    (void)e;
    memcpy(p, bytes->p + at, n);
    return 0;
}

static int read_file(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    const int *fd = self;
    if (file_pread_all(*fd, p, n, at, e) == 0)
        return 0;
    if (e && e->code == ERR_CORRUPT)
        return ERR(e, MODEL_INVALID, "the file became shorter while it was read");
    return -1;
}

struct model_reader model_reader_memory(const struct str *bytes)
{
    return (struct model_reader){
        .size = bytes->n, .read = read_memory, .self = (void *)(uintptr_t)bytes};
}

struct model_reader model_reader_file(const int *fd, uint64_t size)
{
    return (struct model_reader){.size = size, .read = read_file, .self = (void *)(uintptr_t)fd};
}
