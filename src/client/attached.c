/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attached.h"

#include "base/limits.h"
#include "base/mem.h"
#include "oci/link_target.h"

/* By cosign's names, in their order. */
static const struct {
    const char *suffix, *kind;
} conventions[ATTACHED_TAGS] = {{".sig", "signature"}, {".att", "attestation"}, {".sbom", "sbom"}};

static const struct {
    const char *type, *kind;
} types[] = {
    {"application/vnd.dev.cosign.artifact.sig.v1+json", "signature"},
    {"application/vnd.dev.sigstore.bundle.v0.3+json", "signature"},
    {"application/vnd.cncf.notary.signature", "signature"},
    {"application/vnd.in-toto+json", "attestation"},
    {"application/vnd.goharbor.harbor.sbom.v1", "sbom"},
    {"application/vnd.cyclonedx+json", "sbom"},
    {"application/vnd.cyclonedx", "sbom"},
    {"application/spdx+json", "sbom"},
    {"text/spdx", "sbom"},
    {OCI_TYPE_LINK, "link"},
};

bool attached_tag(const struct digest *subject, size_t i, struct tag *ret)
{
    /* SHA-512 does not fit into a tag. */
    if (subject->alg != DIGEST_SHA256)
        return false;
    AUTO_FREE char *name = mem_printf("%s-%s%s", digest_alg_name(subject->alg), digest_hex(subject),
                                      conventions[i].suffix);
    return tag_parse(str_from(name), ret, NULL) == 0;
}

static const char *kind_of(struct str type)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eqz(type, types[i].type))
            return types[i].kind;
    return NULL;
}

static struct str annotation(const struct oci_descriptor *d, const char *key)
{
    for (size_t i = 0; i < d->n_annotations; i++)
        if (str_eqz(d->annotations[i].key, key))
            return d->annotations[i].value;
    return STR("");
}

static bool is_listed(const struct attached *list, size_t n, const struct digest *digest)
{
    for (size_t i = 0; i < n; i++)
        if (digest_eq(&list[i].digest, digest))
            return true;
    return false;
}

/* Descriptors lie in the arena already. */
static struct attached from_list(const struct digest *subject, const struct oci_descriptor *d)
{
    struct attached f = {.subject = *subject, .digest = d->digest, .tag = STR("")};

    f.type = str_head(d->artifact_type.n ? d->artifact_type : d->media_type, LIMIT_MEDIA_TYPE);
    f.kind = kind_of(f.type);
    f.target = f.relation = STR("");
    if (str_eqz(f.type, OCI_TYPE_LINK)) {
        enum link_relation relation = LINK_BASE;
        struct str target = str_trim(annotation(d, OCI_ANNOTATION_BASE_NAME));
        (void)link_relation_find(annotation(d, OCI_ANNOTATION_LINK_RELATION), &relation);
        if (link_target_is_text(target)) {
            f.target = target;
            f.relation = str_from(link_relation_name(relation));
        }
    }
    return f;
}

/* 1 it is there, 0, -1. */
static int by_convention(struct endpoint *p, struct arena *a, const struct digest *subject,
                         size_t i, struct attached *ret, struct err *e)
{
    AUTO(arena) passing = {0};
    struct reference ref = {.is_digest = false};
    struct endpoint_entry there;

    if (!attached_tag(subject, i, &ref.tag))
        return 0;
    arena_init(&passing, 16 * LIMIT_MANIFEST);
    int rc = p->ops->manifest_head(p, &passing, &ref, &there, e);
    if (rc <= 0)
        return rc;
    *ret = (struct attached){.subject = *subject,
                             .digest = there.digest,
                             .kind = conventions[i].kind,
                             .type = arena_str(a, str_head(there.type, LIMIT_MEDIA_TYPE)),
                             .tag = arena_str(a, str_from(ref.tag.text)),
                             .target = STR(""),
                             .relation = STR("")};
    return 1;
}

int attached_find(struct endpoint *p, struct arena *a, const struct digest *subject,
                  struct attached **ret, size_t *ret_n, struct err *e)
{
    struct oci_descriptor *found;
    size_t n, kept = 0;

    if (p->ops->referrers(p, a, subject, &found, &n, e) < 0)
        return -1;
    struct attached *list = arena_try(a, (n + ATTACHED_TAGS) * sizeof(*list), e);
    if (!list)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!is_listed(list, kept, &found[i].digest))
            list[kept++] = from_list(subject, &found[i]);
    for (size_t i = 0; i < ATTACHED_TAGS; i++) {
        int rc = by_convention(p, a, subject, i, &list[kept], e);
        if (rc < 0)
            return -1;
        if (rc > 0 && !is_listed(list, kept, &list[kept].digest))
            kept++;
    }
    *ret = list;
    *ret_n = kept;
    return 0;
}
