/* SPDX-License-Identifier: Apache-2.0 */
#include "http/target.h"

#include "base/limits.h"

static int unhex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    if (ch >= 'a' && ch <= 'f')
        return ch - 'a' + 10;
    if (ch >= 'A' && ch <= 'F')
        return ch - 'A' + 10;
    return -1;
}

enum part { PART_PATH, PART_QUERY, PART_VALUE };

/* Percent-decoding, once. A NUL is refused everywhere, an encoded '/' in paths. */
static int decode(struct arena *a, struct str s, enum part part, struct str *ret, struct err *e)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (ch == '%') {
            int hi = i + 2 < s.n ? unhex_digit(s.p[i + 1]) : -1;
            int lo = i + 2 < s.n ? unhex_digit(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return ERR(e, BAD_REQUEST, "a malformed percent escape");
            ch = (char)(hi << 4 | lo);
            i += 2;
            if (ch == '\0')
                return ERR(e, BAD_REQUEST, "%%00 is not accepted");
            if (part == PART_PATH && ch == '/')
                return ERR(e, BAD_REQUEST,
                           "the path contains %%2F; write names with plain slashes");
        } else if (part == PART_QUERY && ch == '+') {
            ch = ' ';
        }
        if ((unsigned char)ch < 0x20 || ch == 0x7f)
            return ERR(e, BAD_REQUEST, "a control character is not accepted");
        out[n++] = ch;
    }
    out[n] = '\0';
    *ret = str_of(out, n);
    return 0;
}

static int parse_query(struct arena *a, struct str query, struct http_target *ret, struct err *e)
{
    size_t count = query.n ? 1 : 0;
    for (size_t i = 0; i < query.n; i++)
        count += query.p[i] == '&';
    if (count > LIMIT_HTTP_QUERY_PARAMS)
        return ERR(e, BAD_REQUEST, "there are more than %d parameters", LIMIT_HTTP_QUERY_PARAMS);
    ret->query = ARENA_ARRAY(a, count, struct http_param);
    while (query.p && query.n) {
        struct str value = str_cut(&query, '&');
        if (value.n == 0)
            continue;
        struct str key = str_cut(&value, '=');
        struct http_param *q = &ret->query[ret->n_query];
        if (decode(a, key, PART_QUERY, &q->key, e) < 0 ||
            decode(a, value, PART_QUERY, &q->value, e) < 0)
            return -1;
        ret->n_query++;
    }
    return 0;
}

int http_target_parse(struct arena *a, struct str uri, struct http_target *ret, struct err *e)
{
    *ret = (struct http_target){0};
    if (uri.n > LIMIT_HTTP_URI)
        return ERR(e, URI_TOO_LONG, "the address is longer than %llu bytes",
                   (unsigned long long)LIMIT_HTTP_URI);
    if (str_starts(uri, STR("http://")) || str_starts(uri, STR("https://"))) {
        uri = str_skip(uri, uri.p[4] == 's' ? 8 : 7);
        ptrdiff_t slash = str_chr(uri, '/');
        uri = slash < 0 ? STR("/") : str_skip(uri, (size_t)slash);
    }
    if (uri.n == 0 || uri.p[0] != '/')
        return ERR(e, BAD_REQUEST, "the request target must begin with '/'");
    struct str query = uri;
    ret->raw_path = str_cut(&query, '?');
    if (decode(a, ret->raw_path, PART_PATH, &ret->path, e) < 0 || parse_query(a, query, ret, e) < 0)
        return err_wrap(e, "the address");
    return 0;
}

int http_form_parse(struct arena *a, struct str body, struct http_param **ret, size_t *ret_n,
                    struct err *e)
{
    struct http_target form = {0};

    if (parse_query(a, body, &form, e) < 0)
        return err_wrap(e, "the form");
    *ret = form.query;
    *ret_n = form.n_query;
    return 0;
}

int http_unescape(struct arena *a, struct str s, struct str *ret, struct err *e)
{
    return decode(a, s, PART_VALUE, ret, e) < 0 ? err_wrap(e, "what is encoded twice") : 0;
}
