/* SPDX-License-Identifier: Apache-2.0 */
/* Names, tags, references and media types: what is taken reads back as itself. */
#include "base/mem.h"
#include "oci/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void names(struct str s)
{
    struct repo_name n;
    struct tag t;
    struct media_type m, again;
    if (repo_name_parse(s, &n, NULL) == 0) {
        BUG_ON(!str_eq(repo_name_str(&n), s));
        size_t project = repo_name_project(&n).n, rest = repo_name_rest(&n).n;
        BUG_ON(project == 0 || project + (rest ? rest + 1 : 0) != s.n);
        (void)repo_name_reserved(repo_name_project(&n));
    }
    if (tag_parse(s, &t, NULL) == 0)
        BUG_ON(!str_eqz(s, t.text));
    if (media_type_parse(s, &m, NULL) == 0) {
        BUG_ON(media_type_parse(str_from(m.text), &again, NULL) < 0);
        BUG_ON(strcmp(m.text, again.text) != 0);
    }
}

static void references(struct str s)
{
    struct reference r;
    struct remote_ref remote;
    struct tag fallback, again;
    struct err e = {.code = ERR_OK};
    if (reference_parse(s, &r, &e) == 0) {
        BUG_ON(!str_eq(reference_str(&r), s));
        if (r.is_digest) {
            tag_for_referrers(&r.digest, &fallback);
            BUG_ON(tag_parse(str_from(fallback.text), &again, NULL) < 0);
        }
    } else {
        BUG_ON(e.code != ERR_TAG_INVALID && e.code != ERR_DIGEST_INVALID);
    }
    if (remote_ref_parse(s, &remote, NULL) == 0) {
        struct repo_name n;
        struct reference ref;
        BUG_ON(remote.host[0] == '\0' || strlen(remote.host) >= sizeof(remote.host));
        BUG_ON(repo_name_parse(repo_name_str(&remote.repo), &n, NULL) < 0);
        BUG_ON(reference_parse(reference_str(&remote.ref), &ref, NULL) < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = str_of((const char *)data, size);
    names(s);
    references(s);
    return 0;
}
