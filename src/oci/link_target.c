/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/link_target.h"

#include "base/mem.h"
#include "oci/display.h"

static const char *const relations[LINK_RELATIONS] = {
    [LINK_BASE] = "base",           [LINK_ADAPTER] = "adapter",   [LINK_DATASET] = "dataset",
    [LINK_QUANTIZED] = "quantized", [LINK_FINETUNE] = "finetune", [LINK_MERGE] = "merge",
    [LINK_RELATED] = "related",
};

const char *link_relation_name(enum link_relation r)
{
    return relations[r];
}

bool link_relation_find(struct str name, enum link_relation *ret)
{
    for (int i = 0; i < LINK_RELATIONS; i++)
        if (str_eqz(name, relations[i])) {
            *ret = (enum link_relation)i;
            return true;
        }
    return false;
}

bool link_target_is_text(struct str text)
{
    if (text.n == 0 || text.n > LIMIT_LINK_TARGET || str_trim(text).n != text.n)
        return false;
    while (text.n) {
        uint32_t c;
        size_t n = str_utf8(text, &c);
        if (n == 0 || c < ' ' || (c >= 0x7f && c < 0xa0))
            return false;
        text = str_skip(text, n);
    }
    return true;
}

/* ---- the parts ---- */

static void put_lower(char *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] - 'A' + 'a') : s.p[i];
    out[s.n] = '\0';
}

static bool take_prefix(struct str *s, const char *prefix)
{
    struct str p = str_from(prefix);
    if (!str_ieq(str_head(*s, p.n), p))
        return false;
    *s = str_skip(*s, p.n);
    return true;
}

static bool is_hub(struct str host)
{
    return str_ieq(host, STR("huggingface.co")) || str_ieq(host, STR("hf.co")) ||
           str_ieq(host, STR("www.huggingface.co"));
}

/* OWNER/NAME of an address on a hub, whatever page of it is meant. */
static struct str hub_id(struct str path)
{
    if (!take_prefix(&path, "datasets/"))
        (void)take_prefix(&path, "models/");
    ptrdiff_t owner = str_chr(path, '/');
    if (owner < 0)
        return path;
    for (size_t i = (size_t)owner + 1; i < path.n; i++)
        if (path.p[i] == '/' || path.p[i] == '?' || path.p[i] == '#')
            return str_head(path, i);
    return path;
}

static bool looks_like_host(struct str s)
{
    if (s.n == 0 || s.p[0] == '.')
        return false;
    return str_chr(s, '.') >= 0 || str_chr(s, ':') >= 0 || str_ieq(s, STR("localhost"));
}

/* Leaves in *s what stands behind the host. */
static struct str take_host(struct str *s)
{
    static const char *const schemes[] = {"https://", "http://", "oci://", "docker://"};
    struct str rest = *s;
    bool scheme = take_prefix(&rest, "hf://");

    if (scheme) {
        *s = hub_id(rest);
        return STR("");
    }
    for (size_t i = 0; i < ARRAY_LEN(schemes) && !scheme; i++)
        scheme = take_prefix(&rest, schemes[i]);
    struct str path = rest, host = str_cut(&path, '/');
    if (is_hub(host) && path.p) {
        *s = hub_id(path);
        return STR("");
    }
    /* A project may have a dot in its name: a host has a project and a name behind it. */
    if (!scheme && !(looks_like_host(host) && str_chr(path, '/') > 0))
        return STR("");
    *s = path.p ? path : STR("");
    return host;
}

static bool is_name(struct str s)
{
    struct repo_name name;
    return str_chr(s, '/') > 0 &&
           (repo_name_parse(s, &name, NULL) == 0 || display_encode(s, &name, NULL) == 0);
}

/* :TAG and @DIGEST at its end; the digest decides. */
static bool take_reference(struct str *s, char *ret)
{
    struct digest digest;
    struct tag tag;
    struct str behind = *s, before = str_cut(&behind, '@');
    ptrdiff_t colon = str_rchr(before, ':');

    ret[0] = '\0';
    if (colon >= 0) {
        if (tag_parse(str_skip(before, (size_t)colon + 1), &tag, NULL) < 0)
            return false;
        (void)snprintf(ret, DIGEST_TEXT_MAX, "%s", tag.text);
        before = str_head(before, (size_t)colon);
    }
    if (behind.p) {
        if (digest_parse(behind, &digest, NULL) < 0)
            return false;
        (void)snprintf(ret, DIGEST_TEXT_MAX, "%s", digest.text);
    }
    *s = before;
    return true;
}

void link_target_parse(struct str text, struct link_target *ret)
{
    struct link_target t = {.name = ""};
    struct str rest = str_trim(text), host = take_host(&rest);

    *ret = t;
    if (!take_reference(&rest, t.ref) || host.n >= sizeof(t.host) || rest.n >= sizeof(t.name) ||
        !is_name(rest))
        return;
    put_lower(t.host, host);
    put_lower(t.name, rest);
    *ret = t;
}
