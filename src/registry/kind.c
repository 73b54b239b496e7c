/* SPDX-License-Identifier: Apache-2.0 */
/* What artifacts are called (kind.def). */
#include "base/mem.h"
#include "registry/describe.h"

static const struct {
    const char *type, *kind;
} kinds[] = {
#define X(type, kind) {type, kind},
#include "registry/kind.def"
#undef X
};

static const char *known(struct str type)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eqz(type, kinds[i].type))
            return kinds[i].kind;
    return NULL;
}

/* "application/vnd.VENDOR.NAME.config.VERSION+json" → NAME in upper case; STR_NULL: it has another
 * form. NAME may hold dots. */
static struct str name_in(struct arena *a, struct str type)
{
    struct str rest = type, vendor, name;
    ptrdiff_t at = -1;

    if (!str_starts(rest, STR("application/vnd.")) || !str_ends(rest, STR("+json")))
        return STR_NULL;
    rest = str_of(rest.p + 16, rest.n - 16 - 5);
    vendor = str_cut(&rest, '.');
    if (!rest.p || vendor.n == 0)
        return STR_NULL;
    for (size_t i = 0; i + 8 <= rest.n; i++)
        if (memcmp(rest.p + i, ".config.", 8) == 0)
            at = (ptrdiff_t)i;
    if (at <= 0 || str_chr(str_skip(rest, (size_t)at + 8), '.') >= 0)
        return STR_NULL;
    name = str_head(rest, (size_t)at);
    char *upper = arena_strz(a, name);
    for (size_t i = 0; i < name.n; i++)
        if (upper[i] >= 'a' && upper[i] <= 'z')
            upper[i] = (char)(upper[i] - 'a' + 'A');
    return str_of(upper, name.n);
}

struct str registry_kind(struct arena *a, struct str artifact_type, struct str config_type,
                         struct str media_type)
{
    const struct str asked[] = {artifact_type, config_type.n ? config_type : media_type};

    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        if (known(asked[i]))
            return str_from(known(asked[i]));
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        struct str name = name_in(a, asked[i]);
        if (name.n)
            return name;
    }
    return STR("UNKNOWN");
}
