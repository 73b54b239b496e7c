/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of display.h: one pass over each component, run by run. */
#include "oci/display.h"

#include "base/buf.h"
#include "base/mem.h"

#define QUOTE_MAX 100
/* "x--HH" */
#define ESCAPE_LEN 5

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_separator(char c)
{
    return c == '.' || c == '_' || c == '-';
}

static bool is_display_char(char c)
{
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || is_separator(c);
}

/* The character that the rest of an escape ("--HH" at the start of s) stands for, or 0. */
static char escaped(struct str s)
{
    static const struct {
        const char *rest;
        char c;
    } all[] = {{"--2d", '-'}, {"--2e", '.'}, {"--5f", '_'}, {"--78", 'x'}};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (str_ieq(str_head(s, ESCAPE_LEN - 1), str_from(all[i].rest)))
            return all[i].c;
    return '\0';
}

/* Does the grammar of OCI take these separators between letters and digits? */
static bool is_plain_run(struct str run)
{
    for (size_t i = 1; i < run.n; i++)
        if (run.p[i] != run.p[0])
            return false;
    return run.n <= 1 || run.p[0] == '-' || (run.p[0] == '_' && run.n == 2);
}

static void add_escape(struct buf *out, char c)
{
    buf_addf(out, "x--%02x", (unsigned char)c);
}

static void add_run(struct buf *out, struct str run, bool plain)
{
    if (plain)
        buf_adds(out, run);
    for (size_t i = 0; !plain && i < run.n; i++)
        add_escape(out, run.p[i]);
}

static void add_component(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        size_t n = 0;
        while (i + n < s.n && is_separator(s.p[i + n]))
            n++;
        struct str run = str_of(s.p + i, n);
        bool inner = i > 0 && i + n < s.n;
        add_run(out, run, inner && is_plain_run(run));
        i += n;
        if (i == s.n)
            break;
        if (lower(s.p[i]) == 'x' && escaped(str_skip(s, i + 1)))
            add_escape(out, 'x');
        else
            buf_addc(out, lower(s.p[i]));
    }
}

/* Why this is no component of a display id, or NULL. */
static const char *component_fault(struct str s)
{
    if (s.n == 0)
        return "has an empty component";
    if (s.n > DISPLAY_COMPONENT_MAX)
        return "has a component of more than 96 characters";
    if (str_eqz(s, ".") || str_eqz(s, ".."))
        return "has a component \".\" or \"..\"";
    for (size_t i = 0; i < s.n; i++)
        if (!is_display_char(s.p[i]))
            return "holds a character other than letters, digits and . _ - /";
    return NULL;
}

static int check(struct str id, struct err *e)
{
    struct str rest = id;

    if (id.n == 0)
        return ERR(e, NAME_INVALID, "the name is empty");
    if (id.n > LIMIT_REPO_NAME)
        return ERR(e, NAME_INVALID, "the name has %zu characters, more than %d", id.n,
                   LIMIT_REPO_NAME);
    do {
        const char *fault = component_fault(str_cut(&rest, '/'));
        if (fault)
            return ERR(e, NAME_INVALID, "the name \"%.*s\" %s", S(str_head(id, QUOTE_MAX)), fault);
    } while (rest.p);
    return 0;
}

int display_encode(struct str id, struct repo_name *ret, struct err *e)
{
    AUTO(buf) out = {0};
    struct str rest = id;

    if (check(id, e) < 0)
        return -1;
    buf_init(&out, LIMIT_REPO_NAME * ESCAPE_LEN + 1);
    for (add_component(&out, str_cut(&rest, '/')); rest.p;) {
        buf_addc(&out, '/');
        add_component(&out, str_cut(&rest, '/'));
    }
    BUG_ON(!buf_ok(&out));
    if (out.n > LIMIT_REPO_NAME)
        return ERR(e, NAME_INVALID,
                   "the name \"%.*s\" becomes one of %zu characters where OCI does not "
                   "take it as it is, more than %d",
                   S(str_head(id, QUOTE_MAX)), out.n, LIMIT_REPO_NAME);
    return repo_name_parse(buf_str(&out), ret, e);
}

/* Is it encoded as the name? */
static bool is_of(struct str id, const struct repo_name *name)
{
    struct repo_name encoded;

    return display_encode(id, &encoded, NULL) == 0 && strcmp(encoded.text, name->text) == 0;
}

void display_decode(const struct repo_name *name, struct display_id *ret)
{
    struct display_id d = {.text = ""};
    struct str s = repo_name_str(name);
    size_t n = 0;

    for (size_t i = 0; i < s.n; n++) {
        char c = s.p[i] == 'x' ? escaped(str_skip(s, i + 1)) : '\0';
        d.text[n] = c ? c : s.p[i];
        i += c ? ESCAPE_LEN : 1;
    }
    if (!is_of(str_of(d.text, n), name))
        memcpy(d.text, name->text, sizeof(d.text));
    *ret = d;
}

bool display_fits(struct str id, const struct repo_name *name)
{
    struct display_id d;

    display_decode(name, &d);
    return str_ieq(id, str_from(d.text));
}
