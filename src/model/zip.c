/* SPDX-License-Identifier: Apache-2.0 */
#include "model/zip.h"

#include "base/limits.h"
#include "model/path.h"
#include "model/window.h"

#include <inttypes.h>
#include <stdlib.h>

/* Signatures and lengths without what varies. */
#define LOCAL         0x04034b50u
#define LOCAL_BYTES   30
#define ENTRY         0x02014b50u
#define ENTRY_BYTES   46
#define END           0x06054b50u
#define END_BYTES     22
#define LOCATOR       0x07064b50u
#define LOCATOR_BYTES 20
#define END64         0x06064b50u
#define END64_BYTES   56
/* A comment behind the end, and an extra field, are at most so long. */
#define SHORT_LIMIT 0xffffu
#define LONG_LIMIT  0xffffffffu
/* The extra field that holds what does not fit into 32 bits. */
#define EXTRA64 1
/* Bits of the flags: encrypted; sizes stand behind the content. */
#define FLAG_ENCRYPTED  0x0001u
#define FLAG_TRAILER    0x0008u
#define TRAILER_BYTES   16
#define TRAILER64_BYTES 24
/* Where PyTorch's writer lets contents begin: at multiples of this. */
#define ALIGNMENT 64

struct directory {
    uint64_t at, bytes, n;
};

static uint64_t number(const char *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = bytes; i-- > 0;)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static int wrong(struct str name, const char *why, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    return ERR(e, MODEL_INVALID, "the member \"%s\" %s", model_path_show(name, show, sizeof(show)),
               why);
}

/* ---- where the directory is ---- */

/* The end of a large archive, which the 20 bytes before the usual end point to. */
static int read_end64(const struct model_reader *r, const char *locator, uint64_t before,
                      struct directory *d, struct err *e)
{
    char p[END64_BYTES];
    uint64_t at = number(locator + 8, 8);
    if (number(locator + 4, 4) != 0 || number(locator + 16, 4) > 1)
        return ERR(e, MODEL_INVALID, "an archive in several parts");
    if (before < END64_BYTES || at > before - END64_BYTES)
        return ERR(e, MODEL_INVALID, "the end of the directory is said to lie at byte %" PRIu64,
                   at);
    if (model_read(r, at, p, sizeof(p), "the end of the directory", e) < 0)
        return -1;
    if (number(p, 4) != END64)
        return ERR(e, MODEL_INVALID, "no end of a directory at byte %" PRIu64, at);
    if (number(p + 16, 4) != 0 || number(p + 20, 4) != 0 || number(p + 24, 8) != number(p + 32, 8))
        return ERR(e, MODEL_INVALID, "an archive in several parts");
    *d = (struct directory){
        .n = number(p + 32, 8), .bytes = number(p + 40, 8), .at = number(p + 48, 8)};
    return 0;
}

static int check_directory(const struct directory *d, uint64_t end, struct err *e)
{
    if (d->at > end || d->bytes > end - d->at)
        return ERR(e, MODEL_INVALID,
                   "the directory of %" PRIu64 " bytes from byte %" PRIu64
                   " on does not lie before its end",
                   d->bytes, d->at);
    if (d->n > d->bytes / ENTRY_BYTES)
        return ERR(e, MODEL_INVALID, "%" PRIu64 " members in a directory of %" PRIu64 " bytes",
                   d->n, d->bytes);
    if (d->n > LIMIT_ZIP_MEMBERS || d->bytes > LIMIT_WEIGHT_HEADER)
        return ERR(e, LIMIT,
                   "%" PRIu64 " members, described in %" PRIu64 " bytes; %d and %llu are accepted",
                   d->n, d->bytes, LIMIT_ZIP_MEMBERS, LIMIT_WEIGHT_HEADER);
    return 0;
}

static int find_directory(const struct model_reader *r, struct directory *d, struct err *e)
{
    size_t n = (size_t)MIN_OF(r->size, (uint64_t)END_BYTES + SHORT_LIMIT);
    AUTO_FREE char *tail = mem_alloc(n + 1);
    size_t at = n < END_BYTES ? 0 : n - END_BYTES + 1;
    uint64_t from = r->size - n;

    if (model_read(r, from, tail, n, "the end of the archive", e) < 0)
        return -1;
    /* The comment behind it ends where the file ends. */
    while (at > 0 && (number(tail + at - 1, 4) != END ||
                      number(tail + at - 1 + 20, 2) != n - (at - 1) - END_BYTES))
        at--;
    if (at == 0)
        return ERR(e, MODEL_INVALID, "the archive has no directory at its end; is it complete?");
    at--;
    const char *p = tail + at, *locator = at < LOCATOR_BYTES ? NULL : p - LOCATOR_BYTES;
    uint64_t end = from + at;
    if (locator && number(locator, 4) == LOCATOR) {
        if (read_end64(r, locator, end - LOCATOR_BYTES, d, e) < 0)
            return -1;
        return check_directory(d, number(locator + 8, 8), e);
    }
    if (number(p + 4, 2) != 0 || number(p + 6, 2) != 0 || number(p + 8, 2) != number(p + 10, 2))
        return ERR(e, MODEL_INVALID, "an archive in several parts");
    *d = (struct directory){
        .n = number(p + 10, 2), .bytes = number(p + 12, 4), .at = number(p + 16, 4)};
    return check_directory(d, end, e);
}

/* ---- its entries ---- */

/* What was too large for the entry itself. */
static int read_extra64(struct zip_member *m, struct str extra, struct err *e)
{
    uint64_t *wanted[3];
    size_t n = 0, i = 0;
    if (m->size == LONG_LIMIT)
        wanted[n++] = &m->size;
    if (m->packed == LONG_LIMIT)
        wanted[n++] = &m->packed;
    if (m->at == LONG_LIMIT)
        wanted[n++] = &m->at;
    while (n && extra.n >= 4) {
        uint64_t id = number(extra.p, 2), bytes = number(extra.p + 2, 2);
        extra = str_skip(extra, 4);
        if (bytes > extra.n)
            break;
        for (size_t k = 0; id == EXTRA64 && i < n && k + 8 <= bytes; k += 8)
            *wanted[i++] = number(extra.p + k, 8);
        if (i)
            break;
        extra = str_skip(extra, (size_t)bytes);
    }
    return i == n ? 0 : wrong(m->name, "is too large for the archive's directory", e);
}

static int short_directory(struct err *e)
{
    return ERR(e, MODEL_INVALID, "the directory ends within an entry");
}

static int read_entry(struct arena *a, struct model_window *w, struct zip_member *m, struct err *e)
{
    struct str s;
    if (model_window_left(w) < ENTRY_BYTES)
        return short_directory(e);
    if (model_window_peek(w, ENTRY_BYTES, "the directory", &s, e) < 0)
        return -1;
    if (number(s.p, 4) != ENTRY)
        return ERR(e, MODEL_INVALID, "no entry of the directory at byte %" PRIu64, w->at);
    size_t name = (size_t)number(s.p + 28, 2), extra = (size_t)number(s.p + 30, 2);
    size_t whole = ENTRY_BYTES + name + extra + (size_t)number(s.p + 32, 2);
    if (model_window_left(w) < whole)
        return short_directory(e);
    if (model_window_peek(w, whole, "the directory", &s, e) < 0)
        return -1;
    char *kept = arena_try(a, name + 1, e);
    if (!kept)
        return -1;
    if (name)
        memcpy(kept, s.p + ENTRY_BYTES, name);
    *m = (struct zip_member){.name = str_of(kept, name),
                             .flags = (unsigned)number(s.p + 8, 2),
                             .method = (unsigned)number(s.p + 10, 2),
                             .packed = number(s.p + 20, 4),
                             .size = number(s.p + 24, 4),
                             .at = number(s.p + 42, 4)};
    if (read_extra64(m, str_of(s.p + ENTRY_BYTES + name, extra), e) < 0)
        return -1;
    return model_window_skip(w, whole, "the directory", e);
}

static int by_place(const void *va, const void *vb)
{
    const struct zip_member *a = va, *b = vb;
    return a->at < b->at ? -1 : a->at > b->at;
}

static int by_name(const void *va, const void *vb)
{
    const struct zip_member *a = va, *b = vb;
    return str_cmp(a->name, b->name);
}

/* Sets where each ends. */
static int check_places(struct zip *z, uint64_t directory, struct err *e)
{
    if (z->n)
        qsort(z->members, z->n, sizeof(*z->members), by_place);
    for (size_t i = 0; i < z->n; i++) {
        struct zip_member *m = &z->members[i];
        m->end = i + 1 < z->n ? z->members[i + 1].at : directory;
        uint64_t least = LOCAL_BYTES + m->name.n;
        if (m->at > directory)
            return wrong(m->name, "lies behind the directory", e);
        if (least > m->end - m->at || m->packed > m->end - m->at - least)
            return wrong(m->name,
                         i + 1 < z->n ? "overlaps another one" : "reaches into the directory", e);
    }
    return 0;
}

int zip_read(struct arena *a, const struct model_reader *r, struct zip *ret, struct err *e)
{
    AUTO(model_window) w = {0};
    struct directory d;
    struct zip z = {.n = 0};

    if (find_directory(r, &d, e) < 0)
        return -1;
    z.members = arena_try(a, ((size_t)d.n + 1) * sizeof(*z.members), e);
    if (!z.members)
        return -1;
    model_window_init(&w, r);
    if (model_window_skip(&w, d.at, "the directory", e) < 0)
        return -1;
    model_window_limit(&w, d.at + d.bytes);
    model_window_expect(&w);
    for (; z.n < d.n; z.n++)
        if (read_entry(a, &w, &z.members[z.n], e) < 0)
            return -1;
    if (model_window_left(&w))
        return ERR(e, MODEL_INVALID, "%" PRIu64 " bytes behind the directory's last entry",
                   model_window_left(&w));
    if (z.n)
        z.first = z.members[0].name;
    if (check_places(&z, d.at, e) < 0)
        return -1;
    if (z.n)
        qsort(z.members, z.n, sizeof(*z.members), by_name);
    for (size_t i = 1; i < z.n; i++)
        if (str_eq(z.members[i - 1].name, z.members[i].name))
            return wrong(z.members[i].name, "appears twice", e);
    *ret = z;
    return 0;
}

const struct zip_member *zip_find(const struct zip *z, struct str name)
{
    const struct zip_member key = {.name = name};
    if (z->n == 0)
        return NULL;
    return bsearch(&key, z->members, z->n, sizeof(*z->members), by_name);
}

/* The place that the members' order and PyTorch's alignment give, or 0. */
static uint64_t aligned_content(const struct zip_member *m)
{
    bool large = m->packed >= LONG_LIMIT || m->size >= LONG_LIMIT;
    uint64_t trailer = large ? TRAILER64_BYTES : TRAILER_BYTES;
    uint64_t least = m->at + LOCAL_BYTES + m->name.n;
    uint64_t room = m->end - least - m->packed; /* check_places: not negative */
    if (!(m->flags & FLAG_TRAILER))
        trailer = 0;
    if (room < trailer || room - trailer > SHORT_LIMIT)
        return 0;
    uint64_t at = m->end - trailer - m->packed;
    return at % ALIGNMENT == 0 ? at : 0;
}

int zip_content(const struct zip_member *m, const struct model_reader *r, uint64_t *ret,
                struct err *e)
{
    char p[LOCAL_BYTES];
    if (m->flags & FLAG_ENCRYPTED)
        return wrong(m->name, "is encrypted", e);
    if (m->method != 0 || m->packed != m->size)
        return wrong(m->name, "is compressed; weights are read where they are stored as they are",
                     e);
    *ret = aligned_content(m);
    if (*ret)
        return 0;
    if (model_read(r, m->at, p, sizeof(p), "the header of a member", e) < 0)
        return -1;
    if (number(p, 4) != LOCAL || number(p + 26, 2) != m->name.n)
        return wrong(m->name, "has a header that is not the one of the directory", e);
    uint64_t head = LOCAL_BYTES + m->name.n + number(p + 28, 2);
    if (head > m->end - m->at || m->packed > m->end - m->at - head)
        return wrong(m->name, "overlaps what lies behind it", e);
    *ret = m->at + head;
    return 0;
}
