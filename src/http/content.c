/* SPDX-License-Identifier: Apache-2.0 */
/* Content with an entity tag: conditions and ranges (RFC 9110 sections 13 and 14). */
#include "http/internal.h"
#include "http/range.h"

#include "base/random.h"

/* One element of an If-None-Match list: quoted, weak or (as some clients send it) bare. */
static bool tag_is(struct str given, struct str etag)
{
    if (str_eq(given, STR("*")))
        return true;
    if (str_starts(given, STR("W/")))
        given = str_skip(given, 2);
    if (given.n >= 2 && given.p[0] == '"' && given.p[given.n - 1] == '"')
        given = str_of(given.p + 1, given.n - 2);
    return str_eq(given, etag);
}

bool http_not_modified(const struct http_req *rq, struct str etag)
{
    struct str list = http_header(rq, "If-None-Match");
    while (list.p && list.n)
        if (tag_is(str_trim(str_cut(&list, ',')), etag))
            return true;
    return false;
}

/* If-Range needs a strong match (RFC 9110 13.1.5); a date never matches, since content has none. */
static bool range_applies(const struct http_req *rq, struct str etag)
{
    struct str cond = http_header(rq, "If-Range");
    if (!cond.p)
        return true;
    return !str_starts(cond, STR("W/")) && !str_eq(cond, STR("*")) && tag_is(cond, etag);
}

/* Appends the pieces that make up [first, last]. */
static size_t cut(const struct http_seg *segs, size_t n, struct http_range range,
                  struct http_seg *out)
{
    uint64_t start = 0;
    size_t made = 0;
    for (size_t i = 0; i < n && start <= range.last; start += segs[i++].len) {
        uint64_t end = start + segs[i].len; /* exclusive */
        if (end <= range.first || segs[i].len == 0)
            continue;
        uint64_t from = range.first > start ? range.first - start : 0;
        uint64_t to = range.last + 1 < end ? range.last + 1 - start : segs[i].len;
        struct http_seg s = segs[i];
        if (s.mem)
            s.mem = (const char *)s.mem + from;
        else
            s.offset += from;
        s.len = to - from;
        out[made++] = s;
    }
    return made;
}

static int reply_multi(struct http_req *rq, const char *content_type, const struct http_seg *segs,
                       size_t n, uint64_t size, const struct http_range *ranges, size_t n_ranges)
{
    char boundary[33];
    random_alnum(boundary, 32);
    struct http_seg *out = ARENA_ARRAY(&rq->arena, n_ranges * (n + 1) + 1, struct http_seg);
    size_t made = 0;
    for (size_t i = 0; i < n_ranges; i++) {
        const char *head = arena_printf(
            &rq->arena, "%s--%s\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
            i ? "\r\n" : "", boundary, content_type, (unsigned long long)ranges[i].first,
            (unsigned long long)ranges[i].last, (unsigned long long)size);
        out[made++] = (struct http_seg){.mem = head, .len = strlen(head)};
        made += cut(segs, n, ranges[i], out + made);
    }
    const char *tail = arena_printf(&rq->arena, "\r\n--%s--\r\n", boundary);
    out[made++] = (struct http_seg){.mem = tail, .len = strlen(tail)};
    return http_reply_segs(rq, 206,
                           arena_printf(&rq->arena, "multipart/byteranges; boundary=%s", boundary),
                           out, made);
}

/* RFC 9110 14.2: only GET has ranges; HEAD describes the whole. */
static enum http_range_verdict judge(struct http_req *rq, struct str etag, uint64_t size,
                                     struct http_range **ret, size_t *ret_n)
{
    struct str header = http_header(rq, "Range");
    if (!header.p || rq->head || !range_applies(rq, etag))
        return HTTP_RANGE_NONE;
    return http_range_parse(&rq->arena, header, size, ret, ret_n);
}

bool http_content_needed(struct http_req *rq, struct str etag, uint64_t size, uint64_t *ret_first)
{
    struct http_range *ranges = NULL;
    size_t n = 0;

    if (rq->head || size == 0 || http_not_modified(rq, etag))
        return false;
    enum http_range_verdict verdict = judge(rq, etag, size, &ranges, &n);
    *ret_first = verdict == HTTP_RANGE_SOME ? ranges[0].first : 0;
    return verdict != HTTP_RANGE_UNSATISFIABLE;
}

int http_reply_content(struct http_req *rq, const char *content_type, struct str etag,
                       const struct http_seg *segs, size_t n, struct err *e)
{
    uint64_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += segs[i].len;
    http_set_headerf(rq, "ETag", "\"%.*s\"", S(etag));
    http_set_header(rq, "Accept-Ranges", STR("bytes"));
    if (http_not_modified(rq, etag))
        return http_reply_empty(rq, 304);

    struct http_range *ranges = NULL;
    struct http_seg *out = NULL;
    size_t n_ranges = 0;

    switch (judge(rq, etag, size, &ranges, &n_ranges)) {
    case HTTP_RANGE_UNSATISFIABLE:
        http_set_headerf(rq, "Content-Range", "bytes */%llu", (unsigned long long)size);
        return ERR(e, RANGE_INVALID, "the range %.*s lies outside the %llu bytes of the content",
                   S(str_head(http_header(rq, "Range"), 100)), (unsigned long long)size);
    case HTTP_RANGE_SOME:
        if (n_ranges > 1)
            return reply_multi(rq, content_type, segs, n, size, ranges, n_ranges);
        http_set_headerf(rq, "Content-Range", "bytes %llu-%llu/%llu",
                         (unsigned long long)ranges[0].first, (unsigned long long)ranges[0].last,
                         (unsigned long long)size);
        out = ARENA_ARRAY(&rq->arena, n, struct http_seg);
        return http_reply_segs(rq, 206, content_type, out, cut(segs, n, ranges[0], out));
    case HTTP_RANGE_NONE:
        break;
    }
    if (size == 0)
        return http_reply(rq, 200, content_type, STR(""));
    return http_reply_segs(rq, 200, content_type, segs, n);
}
