/* SPDX-License-Identifier: Apache-2.0 */
/* Archives. Members lie one behind the other and inside of the archive; a stream gives what a walk
 * gives; good paths that were read are written so that they read the same again. */
#include "base/limits.h"
#include "base/mem.h"
#include "model/path.h"
#include "model/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
    struct str bytes;
    uint64_t end; /* of the member before */
    uint64_t n, sum;
};

static int read_memory(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    const struct walk *w = self;
    (void)e;
    BUG_ON(at > w->bytes.n || n > w->bytes.n - at);
    memcpy(p, w->bytes.p + at, n);
    return 0;
}

static void write_again(const struct tar_entry *t)
{
    AUTO(buf) out = {0};
    AUTO(tar_reader) r = {0};
    struct tar_entry again;
    int step = TAR_MORE;
    buf_init(&out, TAR_HEADER_MAX);
    tar_reader_init(&r);
    tar_header_write(&out, t->path, t->size, t->mode);
    BUG_ON(!buf_ok(&out) || out.n % TAR_BLOCK != 0);
    for (size_t at = 0; step == TAR_MORE; at += TAR_BLOCK) {
        BUG_ON(at >= out.n);
        step = tar_reader_next(&r, out.p + at, &again, NULL);
    }
    BUG_ON(step != TAR_ENTRY || again.type != TAR_FILE || again.size != t->size);
    BUG_ON(!str_eq(again.path, t->path) || again.content_at != out.n);
    BUG_ON(again.mode != (t->mode & 0111 ? 0755 : 0644) || again.mtime_ms != 0);
}

static int each(void *self, const struct tar_entry *t, struct err *e)
{
    struct walk *w = self;
    (void)e;
    BUG_ON(t->header_at < w->end || t->content_at <= t->header_at);
    BUG_ON(t->size && t->type != TAR_FILE);
    BUG_ON(t->content_at + t->size > w->bytes.n || t->mode > 0777);
    w->end = t->content_at + t->size;
    w->n++;
    w->sum += t->size + t->path.n + t->link.n;
    if (t->type == TAR_FILE && model_path_check(t->path, NULL) == 0)
        write_again(t);
    return 0;
}

/* The same by feeding blocks. */
static int stream(struct walk *w)
{
    AUTO(tar_reader) r = {0};
    struct tar_entry t;
    tar_reader_init(&r);
    for (uint64_t at = 0; w->bytes.n - at >= TAR_BLOCK;) {
        int step = tar_reader_next(&r, w->bytes.p + at, &t, NULL);
        at += TAR_BLOCK;
        if (step < 0)
            return -1;
        if (step == TAR_DONE)
            return 0;
        if (step == TAR_MORE)
            continue;
        if (t.size > w->bytes.n - at)
            return -1;
        w->n++;
        w->sum += t.size + t.path.n + t.link.n;
        at += MIN_OF(t.size + tar_padding(t.size), w->bytes.n - at);
    }
    return tar_reader_finish(&r, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct walk a = {.bytes = str_of((const char *)data, size)}, b = a;
    struct err e = {.code = ERR_OK};
    const struct model_reader in = {.size = size, .read = read_memory, .self = &a};
    int rc = tar_walk(&in, each, &a, &e);
    BUG_ON(rc < 0 && e.code != ERR_MODEL_INVALID);
    if (rc == 0) {
        BUG_ON(stream(&b) < 0);
        BUG_ON(a.n != b.n || a.sum != b.sum);
    }
    return 0;
}
