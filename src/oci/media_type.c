/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media types "type/subtype" (RFC 6838 section 4.2). They compare without regard to case, so the
 * value is kept in lower case; what follows a ';' is a parameter and says nothing about the type.
 */
#include "oci/name.h"

/* RFC 6838 4.2: each half has at most 127 characters. */
#define HALF_MAX 127

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool half_ok(struct str s)
{
    if (s.n == 0 || s.n > HALF_MAX || !is_alnum(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || !strchr("!#$&-^_.+", s.p[i])))
            return false;
    return true;
}

int media_type_parse(struct str s, struct media_type *ret, struct err *e)
{
    struct str rest = s;
    struct str essence = str_trim(str_cut(&rest, ';'));
    struct str subtype = essence;
    struct str type = str_cut(&subtype, '/');
    if (!half_ok(type) || !half_ok(subtype) || essence.n > LIMIT_MEDIA_TYPE)
        return ERR(e, MANIFEST_TYPE, "\"%.*s\" is not a media type", S(str_head(s, 100)));
    *ret = (struct media_type){.text = ""};
    for (size_t i = 0; i < essence.n; i++) {
        char c = essence.p[i];
        ret->text[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    return 0;
}
