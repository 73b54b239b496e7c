/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/parser_frame.h"

#include "base/mem.h"

#define BROKEN "the reader of models does not speak as agreed: "

/* The longest content of each kind. */
static const struct {
    bool used, of_reader;
    uint64_t max;
} kinds[] = {
    [PARSER_LOOK] = {true, false, PARSER_FRAME_LOOK_FIXED + LIMIT_MEDIA_TYPE + LIMIT_MANIFEST},
    [PARSER_BYTES] = {true, false, LIMIT_PARSER_PIECE},
    [PARSER_FAILED] = {true, false, 0},
    [PARSER_EXTRACT] = {true, false, PARSER_FRAME_EXTRACT_MAX},
    [PARSER_READY] = {true, true, ERR_MSG_MAX - 1},
    [PARSER_WISH] = {true, true, PARSER_FRAME_SMALL},
    [PARSER_DOCUMENT] = {true, true,
                         PARSER_FRAME_DOCUMENT_FIXED + LIMIT_PARSER_KIND + DIGEST_TEXT_MAX +
                             LIMIT_PARSER_DOCUMENT},
    [PARSER_DONE] = {true, true, 0},
    [PARSER_WRONG] = {true, true, ERR_MSG_MAX - 1},
    [PARSER_CONTENT] = {true, true, LIMIT_PARSER_PIECE},
};

static uint8_t *put(uint8_t *at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> (8 * i));
    return at + bytes;
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

static uint8_t *put_text(uint8_t *at, struct str s)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

void parser_frame_head_write(enum parser_frame_kind kind, size_t n, uint8_t out[PARSER_FRAME_HEAD])
{
    BUG_ON(n > kinds[kind].max);
    (void)put(put(put(out, kind, 1), 0, 3), n, 4);
}

int parser_frame_head_read(const uint8_t p[PARSER_FRAME_HEAD], bool of_reader,
                           struct parser_frame_head *ret, struct err *e)
{
    uint64_t kind = get(p, 1), n = get(p + 4, 4);
    if (kind >= ARRAY_LEN(kinds) || !kinds[kind].used || kinds[kind].of_reader != of_reader ||
        get(p + 1, 3) != 0)
        return ERR(e, MODEL_INVALID, BROKEN "a frame of an unknown kind");
    if (n > kinds[kind].max)
        return ERR(e, MODEL_INVALID, BROKEN "a frame of %llu bytes", (unsigned long long)n);
    *ret = (struct parser_frame_head){.kind = (enum parser_frame_kind)kind, .n = (uint32_t)n};
    return 0;
}

size_t parser_frame_look_write(struct str media_type, uint8_t out[PARSER_FRAME_SMALL])
{
    BUG_ON(media_type.n > LIMIT_MEDIA_TYPE);
    return (size_t)(put_text(put(out, media_type.n, 2), media_type) - out);
}

int parser_frame_look_read(struct str content, struct str *ret_media_type, struct str *ret_manifest,
                           struct err *e)
{
    if (content.n < PARSER_FRAME_LOOK_FIXED)
        return ERR(e, MODEL_INVALID, BROKEN "a frame that ends early");
    size_t n = (size_t)get((const uint8_t *)content.p, 2);
    content = str_skip(content, PARSER_FRAME_LOOK_FIXED);
    if (n > content.n)
        return ERR(e, MODEL_INVALID, BROKEN "a frame that ends early");
    *ret_media_type = str_head(content, n);
    *ret_manifest = str_skip(content, n);
    return 0;
}

enum { WISH_FIXED = 20 };

size_t parser_frame_wish_write(const struct parser_wish *w, uint8_t out[PARSER_FRAME_SMALL])
{
    uint8_t *at = put(put(put(out, w->size, 8), w->at, 8), w->n, 4);
    return (size_t)(put_text(at, digest_str(&w->blob)) - out);
}

int parser_frame_wish_read(struct str content, struct parser_wish *ret, struct err *e)
{
    struct parser_wish w;
    const uint8_t *p = (const uint8_t *)content.p;
    if (content.n < WISH_FIXED)
        return ERR(e, MODEL_INVALID, BROKEN "a wish that ends early");
    w.size = get(p, 8);
    w.at = get(p + 8, 8);
    w.n = (uint32_t)get(p + 16, 4);
    if (digest_parse(str_skip(content, WISH_FIXED), &w.blob, NULL) < 0)
        return ERR(e, MODEL_INVALID, BROKEN "a wish for what is no blob");
    if (w.n == 0 || w.n > LIMIT_PARSER_PIECE)
        return ERR(e, MODEL_INVALID, BROKEN "a wish for %u bytes at once", w.n);
    if (w.at > w.size || w.n > w.size - w.at)
        return ERR(e, MODEL_INVALID, BROKEN "a wish for bytes beyond the end of a blob");
    *ret = w;
    return 0;
}

bool parser_frame_is_kind(struct str kind)
{
    if (kind.n == 0 || kind.n > LIMIT_PARSER_KIND)
        return false;
    for (size_t i = 0; i < kind.n; i++) {
        char c = kind.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

size_t parser_frame_document_write(const struct parser_found *d, uint8_t out[PARSER_FRAME_SMALL])
{
    struct str blob = d->has_blob ? digest_str(&d->blob) : STR_NULL;
    BUG_ON(!parser_frame_is_kind(d->kind));
    uint8_t *at = put(put(put(out, d->kind.n, 1), blob.n, 1), d->at, 8);
    return (size_t)(put_text(put_text(at, d->kind), blob) - out);
}

int parser_frame_document_read(struct str content, struct parser_found *ret, struct err *e)
{
    struct parser_found d = {.has_blob = false};
    const uint8_t *p = (const uint8_t *)content.p;
    if (content.n < PARSER_FRAME_DOCUMENT_FIXED)
        return ERR(e, MODEL_INVALID, BROKEN "a document that ends early");
    size_t kind = p[0], blob = p[1];
    d.at = get(p + 2, 8);
    content = str_skip(content, PARSER_FRAME_DOCUMENT_FIXED);
    if (kind + blob > content.n)
        return ERR(e, MODEL_INVALID, BROKEN "a document that ends early");
    d.kind = str_head(content, kind);
    if (!parser_frame_is_kind(d.kind))
        return ERR(e, MODEL_INVALID, BROKEN "a document of no kind");
    d.has_blob = blob > 0;
    if (d.has_blob && digest_parse(str_head(str_skip(content, kind), blob), &d.blob, NULL) < 0)
        return ERR(e, MODEL_INVALID, BROKEN "a document about what is no blob");
    d.bytes = str_skip(content, kind + blob);
    if (d.bytes.n > LIMIT_PARSER_DOCUMENT)
        return ERR(e, MODEL_INVALID, BROKEN "a document of %zu bytes", d.bytes.n);
    *ret = d;
    return 0;
}

enum { EXTRACT_FIXED = 12, EXTRACT_PART = 16 };

size_t parser_frame_extract_write(const struct parser_extraction *x,
                                  uint8_t out[PARSER_FRAME_EXTRACT_MAX])
{
    struct str blob = digest_str(&x->blob);
    BUG_ON(x->n == 0 || x->n > LIMIT_EXTRACT_PARTS);
    uint8_t *at = put(put(put(put(out, x->kind, 1), x->size, 8), x->n, 2), blob.n, 1);
    at = put_text(at, blob);
    for (size_t i = 0; i < x->n; i++)
        at = put(put(at, x->parts[i].at, 8), x->parts[i].size, 8);
    return (size_t)(at - out);
}

int parser_frame_extract_read(struct str content, struct parser_extraction *ret, struct err *e)
{
    const uint8_t *p = (const uint8_t *)content.p;
    struct parser_extraction x;
    if (content.n < EXTRACT_FIXED)
        return ERR(e, MODEL_INVALID, BROKEN "a wish for files that ends early");
    uint64_t kind = get(p, 1);
    x.size = get(p + 1, 8);
    x.n = (size_t)get(p + 9, 2);
    size_t blob = p[11];
    content = str_skip(content, EXTRACT_FIXED);
    if (kind != INFLATE_GZIP && kind != INFLATE_ZSTD)
        return ERR(e, MODEL_INVALID, BROKEN "a wish for files of an unknown encoding");
    x.kind = (enum inflate_kind)kind;
    if (x.n == 0 || x.n > LIMIT_EXTRACT_PARTS || content.n != blob + x.n * EXTRACT_PART)
        return ERR(e, MODEL_INVALID, BROKEN "a wish for %zu files", x.n);
    if (digest_parse(str_head(content, blob), &x.blob, NULL) < 0)
        return ERR(e, MODEL_INVALID, BROKEN "a wish for files of what is no blob");
    p = (const uint8_t *)content.p + blob;
    for (size_t i = 0; i < x.n; i++, p += EXTRACT_PART)
        x.parts[i] = (struct extract_part){.at = get(p, 8), .size = get(p + 8, 8)};
    if (!extract_parts_good(x.parts, x.n))
        return ERR(e, MODEL_INVALID, BROKEN "a wish for files that cannot be");
    *ret = x;
    return 0;
}

void parser_frame_text(struct str content, char out[ERR_MSG_MAX])
{
    size_t n = 0;
    while (content.n && n < ERR_MSG_MAX - 1) {
        uint32_t c;
        size_t len = str_utf8(content, &c);
        bool shown = len && len < ERR_MSG_MAX - n && c >= ' ' && !(c >= 0x7f && c < 0xa0);
        if (shown)
            memcpy(out + n, content.p, len);
        else
            out[n] = '?';
        n += shown ? len : 1;
        content = str_skip(content, len ? len : 1);
    }
    out[n] = '\0';
}
