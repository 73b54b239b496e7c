/* SPDX-License-Identifier: Apache-2.0 */
#include "model/path.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdlib.h>

/* Length of the well-formed UTF-8 character at p (RFC 3629), 0 if there is none. */
static size_t utf8_char(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool too_high = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || too_high ? 0 : len;
}

const char *model_path_show(struct str s, char *out, size_t n)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t at = 0;
    for (size_t i = 0; i < s.n;) {
        size_t len = utf8_char(p + i, s.n - i);
        bool control = len == 0 || p[i] < ' ' || p[i] == 0x7f || (p[i] == 0xc2 && p[i + 1] < 0xa0);
        if (at + (control ? 1 : len) >= n)
            break;
        if (control)
            out[at++] = '?';
        for (size_t k = 0; !control && k < len; k++)
            out[at++] = (char)p[i + k];
        i += len ? len : 1;
    }
    out[at] = '\0';
    return out;
}

/* What is wrong with the bytes of a path, or NULL. */
static const char *bytes_wrong(struct str path)
{
    const unsigned char *p = (const unsigned char *)path.p;
    for (size_t i = 0; i < path.n;) {
        size_t len = utf8_char(p + i, path.n - i);
        if (len == 0)
            return "is not UTF-8";
        if (p[i] < ' ' || p[i] == 0x7f || (p[i] == 0xc2 && p[i + 1] < 0xa0))
            return "holds a control character";
        if (p[i] == '\\')
            return "holds a backslash";
        i += len;
    }
    return NULL;
}

static const char *parts_wrong(struct str path)
{
    size_t depth = 0;
    for (struct str rest = path; rest.p;) {
        struct str part = str_cut(&rest, '/');
        if (part.n == 0)
            return "has an empty part";
        if (str_eqz(part, ".") || str_eqz(part, ".."))
            return "holds \".\" or \"..\"";
        if (str_ieq(part, STR(".git")))
            return "lies in a .git directory, whose files are run by git";
        if (part.n > LIMIT_MODEL_NAME)
            return "has a name of more than 255 bytes";
        if (++depth > LIMIT_MODEL_DEPTH)
            return "lies too deep";
    }
    return NULL;
}

int model_path_check(struct str path, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    const char *wrong = NULL;

    if (path.n == 0)
        wrong = "is empty";
    else if (path.p[0] == '/')
        wrong = "is absolute";
    else if (!(wrong = parts_wrong(path)) && path.n > LIMIT_MODEL_PATH)
        wrong = "is too long";
    if (!wrong)
        wrong = bytes_wrong(path);
    if (wrong)
        return ERR(e, MODEL_INVALID, "the path \"%s\" %s",
                   model_path_show(path, show, sizeof(show)), wrong);
    return 0;
}

/* A path, or the directory part of one. */
struct name {
    struct str s;
    bool is_dir;
};

static int fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static int compare(const void *va, const void *vb)
{
    const struct name *a = va, *b = vb;
    size_t n = MIN_OF(a->s.n, b->s.n);
    for (size_t i = 0; i < n; i++) {
        int d = fold((unsigned char)a->s.p[i]) - fold((unsigned char)b->s.p[i]);
        if (d)
            return d;
    }
    if (a->s.n != b->s.n)
        return a->s.n < b->s.n ? -1 : 1;
    return str_cmp(a->s, b->s);
}

static int clash(const struct name *a, const struct name *b, struct err *e)
{
    char one[MODEL_PATH_SHOW], two[MODEL_PATH_SHOW];
    if (!str_ieq(a->s, b->s))
        return 0;
    bool same = str_eq(a->s, b->s);
    if (same && a->is_dir && b->is_dir)
        return 0;
    model_path_show(a->s, one, sizeof(one));
    model_path_show(b->s, two, sizeof(two));
    if (!same)
        return ERR(e, MODEL_INVALID, "the paths \"%s\" and \"%s\" differ in case only", one, two);
    if (a->is_dir != b->is_dir)
        return ERR(e, MODEL_INVALID, "the path \"%s\" is both a file and a directory", one);
    return ERR(e, MODEL_INVALID, "the path \"%s\" appears twice", one);
}

int model_paths_check(const struct str *paths, size_t n, struct err *e)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < paths[i].n; k++)
            total += paths[i].p[k] == '/';
    AUTO_FREE struct name *names = NEW_ARRAY(n + total + 1, struct name);
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < paths[i].n; k++)
            if (paths[i].p[k] == '/')
                names[m++] = (struct name){.s = str_head(paths[i], k), .is_dir = true};
        names[m++] = (struct name){.s = paths[i]};
    }
    qsort(names, m, sizeof(*names), compare);
    for (size_t i = 1; i < m; i++)
        if (clash(&names[i - 1], &names[i], e) < 0)
            return -1;
    return 0;
}
