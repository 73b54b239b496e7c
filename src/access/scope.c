/* SPDX-License-Identifier: Apache-2.0 */
#include "access/scope.h"

#include "base/limits.h"

/* What a token repeats of a scope stands in JSON and in logs: printable ASCII only. */
static bool printable(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
            return false;
    return true;
}

static bool parse(struct str word, struct access_scope *ret)
{
    struct str rest = word;
    struct access_scope s = {.type = str_cut(&rest, ':'), .actions = STR("")};
    ptrdiff_t colon, class = str_chr(s.type, '(');

    if (!rest.p || !printable(word))
        return false;
    if (class > 0 && str_ends(s.type, STR(")")))
        s.type = str_head(s.type, (size_t) class);
    /* A name may hold ':' (a host with a port), actions never do. */
    colon = str_rchr(rest, ':');
    s.name = colon < 0 ? rest : str_head(rest, (size_t)colon);
    if (colon >= 0)
        s.actions = str_skip(rest, (size_t)colon + 1);
    if (s.type.n == 0 || s.type.n > LIMIT_SCOPE_TYPE || s.name.n == 0 || s.name.n > LIMIT_REPO_NAME)
        return false;
    *ret = s;
    return true;
}

bool access_scope_next(struct str *rest, struct access_scope *ret)
{
    while (rest->p) {
        struct str word = str_cut(rest, ' ');
        if (word.n && parse(word, ret))
            return true;
    }
    return false;
}
