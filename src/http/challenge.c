/* SPDX-License-Identifier: Apache-2.0 */
#include "http/challenge.h"

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_blanks(struct str *s)
{
    while (s->n && (*s->p == ' ' || *s->p == '\t'))
        *s = str_skip(*s, 1);
}

/* Blanks and the commas of empty list elements. */
static void skip_separators(struct str *s)
{
    while (s->n && (*s->p == ' ' || *s->p == '\t' || *s->p == ','))
        *s = str_skip(*s, 1);
}

static struct str take_token(struct str *s)
{
    size_t n = 0;
    while (n < s->n && is_token_char(s->p[n]))
        n++;
    struct str token = str_head(*s, n);
    *s = str_skip(*s, n);
    return token;
}

/* Lower case and NUL-ended; false when it does not fit. */
static bool put_lower(struct str s, char *out, size_t size)
{
    if (s.n == 0 || s.n >= size)
        return false;
    for (size_t i = 0; i < s.n; i++)
        out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + ('a' - 'A')) : s.p[i];
    out[s.n] = '\0';
    return true;
}

static bool put_char(struct http_challenge *c, char ch)
{
    if (c->text_n >= sizeof(c->text) || (unsigned char)ch < ' ' || ch == 0x7f)
        return false;
    c->text[c->text_n++] = ch;
    return true;
}

/* A quoted string (its opening quote is next) or a token, appended to c->text. */
static bool take_value(struct str *s, struct http_challenge *c)
{
    if (s->n == 0 || *s->p != '"') {
        struct str token = take_token(s);
        for (size_t i = 0; i < token.n; i++)
            if (!put_char(c, token.p[i]))
                return false;
        return token.n > 0;
    }
    for (size_t i = 1; i < s->n; i++) {
        char ch = s->p[i];
        if (ch == '"') {
            *s = str_skip(*s, i + 1);
            return true;
        }
        if (ch == '\\') {
            if (++i == s->n)
                return false;
            ch = s->p[i];
        }
        if (!put_char(c, ch))
            return false;
    }
    return false; /* the closing quote is missing */
}

static bool has_param(const struct http_challenge *c, const char *name)
{
    for (size_t i = 0; i < c->n_params; i++)
        if (strcmp(c->params[i].name, name) == 0)
            return true;
    return false;
}

/* What stands at s is "name =", that is, not the scheme of the next challenge. */
static bool at_param(struct str s)
{
    if (take_token(&s).n == 0)
        return false;
    skip_blanks(&s);
    if (s.n == 0 || *s.p != '=')
        return false;
    /* A token68 may end in '=' too, but then nothing but '=' follows up to the comma. */
    while (s.n && *s.p == '=')
        s = str_skip(s, 1);
    skip_blanks(&s);
    return s.n > 0 && *s.p != ',';
}

static bool take_param(struct str *s, struct http_challenge *c)
{
    struct http_challenge_param p = {.at = c->text_n};
    struct str name = take_token(s);
    skip_blanks(s);
    *s = str_skip(*s, 1); /* '=' */
    skip_blanks(s);
    if (!take_value(s, c))
        return false;
    p.n = c->text_n - p.at;
    /* Names that are too long, too many or said before mean nothing to us. */
    if (c->n_params < HTTP_CHALLENGE_PARAMS && put_lower(name, p.name, sizeof(p.name)) &&
        !has_param(c, p.name))
        c->params[c->n_params++] = p;
    else
        c->text_n = p.at;
    return true;
}

int http_challenge_next(struct str *rest, struct http_challenge *ret)
{
    ret->n_params = 0;
    ret->text_n = 0;
    skip_separators(rest);
    if (rest->n == 0)
        return 0;
    struct str scheme = take_token(rest);
    if (!put_lower(scheme, ret->scheme, sizeof(ret->scheme)))
        return -1;
    if (rest->n && *rest->p != ' ' && *rest->p != '\t' && *rest->p != ',')
        return -1;
    skip_blanks(rest);
    if (rest->n && *rest->p != ',' && !at_param(*rest)) {
        /* token68 (RFC 9110 11.2), as Negotiate has it: of no use to us, passed over */
        struct str probe = *rest;
        size_t n = 0;
        while (n < probe.n && probe.p[n] != ',' && probe.p[n] != ' ' && probe.p[n] != '\t')
            n++;
        *rest = str_skip(*rest, n);
        skip_blanks(rest);
        return rest->n == 0 || *rest->p == ',' ? 1 : -1;
    }
    for (;;) {
        struct str probe = *rest;
        skip_separators(&probe);
        if (!at_param(probe))
            break;
        *rest = probe;
        if (!take_param(rest, ret))
            return -1;
        skip_blanks(rest);
        if (rest->n && *rest->p != ',')
            return -1;
    }
    return 1;
}

struct str http_challenge_param(const struct http_challenge *c, const char *name)
{
    for (size_t i = 0; i < c->n_params; i++)
        if (strcmp(c->params[i].name, name) == 0)
            return str_of(c->text + c->params[i].at, c->params[i].n);
    return STR_NULL;
}
