/* SPDX-License-Identifier: Apache-2.0 */
#include "client/contents.h"

#include "base/limits.h"

/*
 * Little-endian, for each member:
 *   type (8 bit), mode (32), size (64), time in milliseconds (64), then path and link, each with
 *   its length before it (32); after a file the SHA-256 of its content
 */
enum { SUM = 32 };

void contents_init(struct contents *c)
{
    *c = (struct contents){.in_file = false};
    buf_init(&c->bytes, LIMIT_ARCHIVE_CONTENTS);
}

void contents_autodone(struct contents *c)
{
    buf_done(&c->bytes);
}

static void put(struct buf *out, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_addc(out, (char)(unsigned char)(v >> (8 * i)));
}

static void put_str(struct buf *out, struct str s)
{
    put(out, s.n, 4);
    buf_adds(out, s);
}

static void end_file(struct contents *c)
{
    struct digest d;
    uint8_t raw[SUM];
    if (!c->in_file)
        return;
    hash_digest(&c->hash, &d);
    BUG_ON(!str_unhex(str_from(digest_hex(&d)), raw, sizeof(raw)));
    buf_add(&c->bytes, raw, sizeof(raw));
    c->in_file = false;
}

void contents_entry(struct contents *c, const struct tar_entry *t)
{
    end_file(c);
    put(&c->bytes, (uint64_t)t->type, 1);
    put(&c->bytes, t->mode, 4);
    put(&c->bytes, t->size, 8);
    put(&c->bytes, (uint64_t)t->mtime_ms, 8);
    put_str(&c->bytes, t->path);
    put_str(&c->bytes, t->link);
    c->in_file = t->type == TAR_FILE;
    hash_init(&c->hash, DIGEST_SHA256);
}

void contents_bytes(struct contents *c, const void *p, size_t n)
{
    if (c->in_file && buf_ok(&c->bytes))
        hash_update(&c->hash, p, n);
}

void contents_keep(struct contents *c, const struct memo *memo, const struct digest *archive)
{
    end_file(c);
    if (buf_ok(&c->bytes))
        memo_contents_keep(memo, archive, buf_str(&c->bytes));
}

/* ---- reading ---- */

/* Takes a number off the front; short lists give zeros and set *bad. */
static uint64_t take(struct str *s, unsigned bytes, bool *bad)
{
    uint64_t v = 0;
    if (s->n < bytes) {
        *bad = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)s->p[i] << (8 * i);
    *s = str_skip(*s, bytes);
    return v;
}

static struct str take_str(struct str *s, bool *bad)
{
    size_t n = (size_t)take(s, 4, bad);
    if (n > s->n) {
        *bad = true;
        return STR("");
    }
    struct str v = str_head(*s, n);
    *s = str_skip(*s, n);
    return v;
}

static bool take_entry(struct str *s, struct tar_entry *ret, struct digest *ret_content)
{
    bool bad = false;
    struct tar_entry t = {.type = TAR_OTHER};
    uint64_t type = take(s, 1, &bad);
    if (type > TAR_OTHER)
        return false;
    t.type = (enum tar_type)type;
    t.mode = (uint32_t)take(s, 4, &bad);
    t.size = take(s, 8, &bad);
    t.mtime_ms = (int64_t)take(s, 8, &bad);
    t.path = take_str(s, &bad);
    t.link = take_str(s, &bad);
    if (t.type == TAR_FILE && !bad) {
        if (s->n < SUM)
            return false;
        digest_from_raw(DIGEST_SHA256, (const uint8_t *)s->p, ret_content);
        *s = str_skip(*s, SUM);
    }
    *ret = t;
    return !bad;
}

/* 1 all wanted are there, 0 not or the list is of no use. digests: of the members that are files.
 */
static int look(struct str list, struct digest *digests, const struct place *place,
                struct members *a, struct err *e)
{
    struct err ignored;
    while (list.n) {
        struct tar_entry t;
        if (!take_entry(&list, &t, &digests[a->n]) || members_add(a, &t, &ignored) < 0)
            return 0; /* what is wrong with it shows when the archive comes */
    }
    for (size_t i = 0; i < a->n; i++) {
        struct member *m = &a->members[i];
        if (!m->wanted || m->what == MEMBER_LINK)
            continue;
        size_t source = m->what == MEMBER_COPY ? m->source : i;
        int rc = place_has(place, m->path, m->size, &digests[source], e);
        if (rc <= 0)
            return rc;
        m->present = true;
    }
    return 1;
}

/* No entry is shorter than this. */
enum { ENTRY_MIN = 1 + 4 + 8 + 8 + 4 + 4 };

int contents_find(const struct memo *memo, const struct digest *archive, const struct place *place,
                  struct members *a, struct err *e)
{
    AUTO(buf) bytes = {0};
    buf_init(&bytes, LIMIT_ARCHIVE_CONTENTS + MEMO_CONTENTS_MORE);
    struct str list;
    if (!memo_contents_find(memo, archive, &bytes, &list))
        return 0;
    AUTO_FREE struct digest *digests = NEW_ARRAY(list.n / ENTRY_MIN + 1, struct digest);
    int rc = look(list, digests, place, a, e);
    if (rc <= 0)
        members_reset(a);
    return rc;
}
