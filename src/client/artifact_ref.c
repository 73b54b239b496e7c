/* SPDX-License-Identifier: Apache-2.0 */
#include "client/artifact_ref.h"

#define PREFIX "oci:"

static int set_dir(struct str dir, struct artifact_ref *r, struct err *e)
{
    if (dir.n == 0)
        return ERR(e, NAME_INVALID, "the layout's directory is missing; write it as oci:DIR[:TAG]");
    if (dir.n >= sizeof(r->dir) || memchr(dir.p, '\0', dir.n))
        return ERR(e, NAME_INVALID, "the layout's directory is no path, or too long a one");
    memcpy(r->dir, dir.p, dir.n);
    r->dir[dir.n] = '\0';
    r->is_layout = true;
    return 0;
}

static void set_default(struct artifact_ref *r)
{
    if (!r->named)
        memcpy(r->ref.tag.text, "latest", sizeof("latest"));
}

/* Behind the prefix. */
static int parse_layout(struct str s, struct artifact_ref *r, struct err *e)
{
    ptrdiff_t at = str_rchr(s, '@');
    /* An '@' in a path is no rarity; one before a digest is. */
    if (at >= 0 && digest_parse(str_skip(s, (size_t)at + 1), &r->ref.digest, NULL) == 0) {
        r->ref.is_digest = r->named = true;
        s = str_head(s, (size_t)at);
    } else if (at >= 0 && (str_starts(str_skip(s, (size_t)at + 1), STR("sha256:")) ||
                           str_starts(str_skip(s, (size_t)at + 1), STR("sha512:")))) {
        (void)digest_parse(str_skip(s, (size_t)at + 1), &r->ref.digest, e);
        return -1;
    }
    ptrdiff_t colon = str_rchr(s, ':');
    if (colon >= 0 && str_chr(str_skip(s, (size_t)colon + 1), '/') < 0) {
        if (tag_parse(str_skip(s, (size_t)colon + 1), &r->ref.tag, e) < 0)
            return -1;
        r->named = true;
        s = str_head(s, (size_t)colon);
    }
    return set_dir(s, r, e);
}

static bool looks_like_path(struct str s)
{
    return str_starts(s, STR("/")) || str_starts(s, STR("./")) || str_starts(s, STR("../")) ||
           str_eqz(s, ".") || str_eqz(s, "..");
}

int artifact_ref_parse(struct str s, struct artifact_ref *ret, struct err *e)
{
    struct artifact_ref r = {.is_layout = false};
    if (str_starts(s, STR(PREFIX))) {
        if (parse_layout(str_skip(s, sizeof(PREFIX) - 1), &r, e) < 0)
            return -1;
    } else if (looks_like_path(s)) {
        return ERR(e, NAME_INVALID,
                   "\"%.*s\" is a path; an image layout in a directory is written oci:DIR[:TAG]",
                   S(str_head(s, 100)));
    } else {
        if (remote_ref_parse(s, &r.remote, e) < 0)
            return -1;
        r.ref = r.remote.ref;
        ptrdiff_t slash = str_rchr(s, '/');
        r.named = r.ref.is_digest || str_chr(str_skip(s, (size_t)slash + 1), ':') >= 0;
    }
    set_default(&r);
    *ret = r;
    return 0;
}

int artifact_ref_layout(const char *dir, const char *tag, struct artifact_ref *ret, struct err *e)
{
    struct artifact_ref r = {.named = tag != NULL};
    if (set_dir(str_from(dir), &r, e) < 0 || (tag && tag_parse(str_from(tag), &r.ref.tag, e) < 0))
        return -1;
    set_default(&r);
    *ret = r;
    return 0;
}

bool artifact_ref_same_registry(const struct artifact_ref *a, const struct artifact_ref *b)
{
    return !a->is_layout && !b->is_layout && strcmp(a->remote.host, b->remote.host) == 0 &&
           strcmp(a->remote.scheme, b->remote.scheme) == 0;
}

const char *artifact_ref_text(struct arena *a, const struct artifact_ref *r)
{
    const char *sep = r->ref.is_digest ? "@" : ":";
    struct str ref = reference_str(&r->ref);
    if (r->is_layout)
        return r->named ? arena_printf(a, PREFIX "%s%s%.*s", r->dir, sep, S(ref))
                        : arena_printf(a, PREFIX "%s", r->dir);
    return arena_printf(a, "%s/%s%s%.*s", r->remote.host, r->remote.repo.text, sep, S(ref));
}

struct endpoint *artifact_ref_open(const struct artifact_ref *r, enum artifact_access access,
                                   const struct transport_options *options, struct err *e)
{
    if (!r->is_layout)
        return endpoint_remote(&r->remote, access != ARTIFACT_READ, options, e);
    if (access == ARTIFACT_WRITE && !endpoint_is_layout(r->dir)) {
        (void)ERR(e, MODEL_INVALID, "%s is not an image layout: it has no file oci-layout", r->dir);
        return NULL;
    }
    return endpoint_layout(r->dir, access != ARTIFACT_READ, e);
}

static int is_unclear(const struct artifact_ref *r, const struct endpoint_entry *list, size_t n,
                      struct err *e)
{
    AUTO(buf) names = {0};
    buf_init(&names, ERR_MSG_MAX / 2);
    for (size_t i = 0; i < n; i++)
        if (list[i].tag.n)
            buf_addf(&names, "%s%.*s", names.n ? ", " : "", S(list[i].tag));
    for (size_t i = 0; i < names.n; i++)
        if ((unsigned char)names.p[i] < ' ' || (unsigned char)names.p[i] >= 0x7f)
            names.p[i] = '?';
    if (n == 0)
        return ERR(e, MANIFEST_UNKNOWN, "%s holds nothing", r->dir);
    return ERR(e, MANIFEST_UNKNOWN, "%s holds several artifacts; say which by its tag%s%s%s",
               r->dir, names.n ? " (" : " or digest", names.p, names.n ? ")" : "");
}

int artifact_ref_settle(struct artifact_ref *r, struct endpoint *p, struct err *e)
{
    AUTO(arena) arena = {0};
    struct endpoint_entry *list;
    const struct endpoint_entry *only = NULL, *latest = NULL;
    size_t n, named = 0;

    if (!r->is_layout || r->named)
        return 0;
    arena_init(&arena, 16 * LIMIT_MANIFEST);
    if (p->ops->list(p, &arena, &list, &n, e) < 0)
        return -1;
    /* What has no name is there because it refers to another, where anything has one. */
    for (size_t i = 0; i < n; i++) {
        if (str_eqz(list[i].tag, "latest"))
            latest = &list[i];
        if (list[i].tag.n && named++ == 0)
            only = &list[i];
    }
    if (named == 0 && n == 1)
        only = &list[0];
    else if (named != 1)
        only = latest;
    if (!only)
        return is_unclear(r, list, n, e);
    struct artifact_ref s = *r;
    s.ref = (struct reference){.is_digest = true, .digest = only->digest};
    /* Names that are no tags (containerd writes whole references) lead nowhere. */
    if (only->tag.n && tag_parse(only->tag, &s.ref.tag, NULL) < 0)
        s.ref.tag.text[0] = '\0';
    *r = s;
    return 0;
}
