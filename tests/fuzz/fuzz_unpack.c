/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers that are archives: the first byte says how they are packed (tar, gzip, zstd), the second
 * how they are cut, the rest is one. What comes out does not depend on the cuts, and no member that
 * is wanted leads out of the directory.
 */
#include "base/mem.h"
#include "model/inflate.h"
#include "model/overlay.h"
#include "model/path.h"
#include "model/untar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct state {
    struct members members;
    struct untar untar;
    uint64_t content, head;
};

static int on_entry(void *self, const struct tar_entry *entry, struct err *e)
{
    struct state *s = self;
    return members_add(&s->members, entry, e);
}

static int on_content(void *self, const void *p, size_t n, struct err *e)
{
    struct state *s = self;
    (void)p, (void)e;
    s->content += n;
    return 0;
}

static int on_head(void *self, const void *p, size_t n, struct err *e)
{
    struct state *s = self;
    (void)p, (void)e;
    s->head += n;
    return 0;
}

static int on_unpacked(void *self, const void *p, size_t n, struct err *e)
{
    struct state *s = self;
    return untar_put(&s->untar, p, n, e);
}

/* 1: it was unpacked. */
static int unpack(struct state *s, int kind, const uint8_t *p, size_t n, size_t step, struct err *e)
{
    AUTO_INFLATE f =
        kind ? inflate_new(kind == 1 ? INFLATE_GZIP : INFLATE_ZSTD, on_unpacked, s) : NULL;
    for (size_t at = 0; at < n;) {
        size_t now = MIN_OF(step, n - at);
        if ((f ? inflate_put(f, p + at, now, e) : untar_put(&s->untar, p + at, now, e)) < 0)
            return 0;
        at += now;
    }
    return !(f && inflate_end(f, e) < 0) && untar_end(&s->untar, e) == 0;
}

static void check_members(const struct members *a)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct member *m = &a->members[i];
        if (!m->wanted)
            continue;
        BUG_ON(model_path_check(m->path, NULL) < 0);
        BUG_ON(m->what == MEMBER_COPY &&
               (m->source >= i || a->members[m->source].what != MEMBER_FILE));
        BUG_ON(m->what == MEMBER_LINK && (m->link.n == 0 || m->link.p[0] == '/'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct members_filter all;
    struct state s[2] = {0};
    struct err e[2] = {{.code = ERR_OK}};
    int rc[2];
    if (size < 2)
        return 0;
    for (size_t i = 0; i < 2; i++) {
        const struct untar_sink sink = {
            .entry = on_entry, .content = on_content, .head = on_head, .self = &s[i]};
        members_init(&s[i].members, &all, data[1] & 1);
        untar_init(&s[i].untar, &sink);
        rc[i] = unpack(&s[i], data[0] % 3, data + 2, size - 2, i ? data[1] + 1u : size, &e[i]);
        BUG_ON(!rc[i] && e[i].code != ERR_MODEL_INVALID);
        check_members(&s[i].members);
    }
    /* Of a damaged stream more or less may have come out before that showed. */
    BUG_ON(data[0] % 3 == 0 && rc[0] != rc[1]);
    BUG_ON(rc[0] && rc[1] &&
           (s[0].members.n != s[1].members.n || s[0].content != s[1].content ||
            s[0].head != s[1].head));
    struct members *layers[] = {&s[0].members, &s[1].members, &s[0].members};
    overlay_hide(layers, 3);
    check_members(&s[0].members);
    for (size_t i = 0; i < 2; i++) {
        untar_autodone(&s[i].untar);
        members_autodone(&s[i].members);
    }
    return 0;
}
