/* SPDX-License-Identifier: Apache-2.0 */
/* What the process that reads models says to the server: however it is taken over, reading ends,
 * stays inside the bytes, and what comes out keeps the promises of parser_frame.h. */
#include "base/limits.h"
#include "jobs/parser_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct str part, struct str whole)
{
    return part.n == 0 || (part.p >= whole.p && part.n <= (size_t)(whole.p + whole.n - part.p));
}

/* What was read is written as the same bytes. */
static void check_wish(struct str content)
{
    struct parser_wish w;
    uint8_t again[PARSER_FRAME_SMALL];
    if (parser_frame_wish_read(content, &w, NULL) < 0)
        return;
    BUG_ON(w.n == 0 || w.n > LIMIT_PARSER_PIECE || w.at > w.size || w.n > w.size - w.at);
    size_t n = parser_frame_wish_write(&w, again);
    BUG_ON(n != content.n || memcmp(again, content.p, n) != 0);
}

static void check_document(struct str content)
{
    struct parser_found d;
    uint8_t again[PARSER_FRAME_SMALL];
    if (parser_frame_document_read(content, &d, NULL) < 0)
        return;
    BUG_ON(!parser_frame_is_kind(d.kind) || !lies_in(d.kind, content));
    BUG_ON(!lies_in(d.bytes, content) || d.bytes.n > LIMIT_PARSER_DOCUMENT);
    size_t n = parser_frame_document_write(&d, again);
    BUG_ON(n + d.bytes.n != content.n || memcmp(again, content.p, n) != 0);
}

static void check_text(struct str content)
{
    char text[ERR_MSG_MAX];
    parser_frame_text(content, text);
    struct str s = str_from(text);
    BUG_ON(s.n >= ERR_MSG_MAX);
    while (s.n) {
        uint32_t c;
        size_t n = str_utf8(s, &c);
        BUG_ON(n == 0 || c < ' ');
        s = str_skip(s, n);
    }
}

static void check_look(struct str content)
{
    struct str type, manifest;
    if (parser_frame_look_read(content, &type, &manifest, NULL) == 0)
        BUG_ON(!lies_in(type, content) || !lies_in(manifest, content));
}

static void check_extract(struct str content)
{
    static struct parser_extraction x;
    static uint8_t again[PARSER_FRAME_EXTRACT_MAX];
    if (parser_frame_extract_read(content, &x, NULL) < 0)
        return;
    BUG_ON(x.n == 0 || x.n > LIMIT_EXTRACT_PARTS || !extract_parts_good(x.parts, x.n));
    size_t n = parser_frame_extract_write(&x, again);
    BUG_ON(n != content.n || memcmp(again, content.p, n) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_of((const char *)data, size);
    struct parser_frame_head head;
    check_look(rest);
    check_extract(rest);
    while (rest.n >= PARSER_FRAME_HEAD &&
           parser_frame_head_read((const uint8_t *)rest.p, true, &head, NULL) == 0) {
        rest = str_skip(rest, PARSER_FRAME_HEAD);
        struct str content = str_head(rest, head.n);
        BUG_ON(head.kind == PARSER_CONTENT
                   ? head.n > LIMIT_PARSER_PIECE
                   : head.kind != PARSER_DOCUMENT && head.n > PARSER_FRAME_SMALL);
        check_wish(content);
        check_document(content);
        check_text(content);
        rest = str_skip(rest, content.n);
    }
    return 0;
}
