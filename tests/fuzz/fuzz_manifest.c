/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests. The first byte chooses the Content-Type, the rest is the document. A descriptor that
 * was read and written again reads as the same. */
#include "base/mem.h"
#include "oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const types[] = {
    OCI_TYPE_MANIFEST,
    OCI_TYPE_INDEX,
    DOCKER_TYPE_MANIFEST,
    DOCKER_TYPE_INDEX,
    "",
    "application/vnd.docker.distribution.manifest.v1+json",
    "Application/vnd.oci.image.index.v1+json; charset=utf-8",
};

static void check_descriptor(const struct oci_descriptor *d)
{
    AUTO(buf) b = {0};
    struct json_writer w;
    struct arena a;
    struct oci_manifest m;
    BUG_ON(d->size < 0 || d->media_type.n == 0);
    buf_init(&b, 16 * MIB);
    arena_init(&a, 64 * MIB);
    buf_addz(&b, "{\"schemaVersion\":2,\"manifests\":[");
    jsonw_init(&w, &b);
    oci_descriptor_write(&w, d);
    buf_addz(&b, "]}");
    if (buf_ok(&b) && b.n <= LIMIT_MANIFEST) {
        BUG_ON(oci_manifest_parse(&a, buf_str(&b), STR(OCI_TYPE_INDEX), &m, NULL) < 0);
        BUG_ON(m.n_items != 1 || !digest_eq(&m.items[0].digest, &d->digest));
        BUG_ON(m.items[0].size != d->size || m.items[0].n_annotations != d->n_annotations);
        BUG_ON(!str_eq(m.items[0].media_type, d->media_type));
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct oci_manifest m;
    struct err e = {.code = ERR_OK};
    if (size == 0)
        return 0;
    struct str type = str_from(types[data[0] % ARRAY_LEN(types)]);
    struct str text = str_of((const char *)data + 1, size - 1);
    arena_init(&a, 24 * MIB);
    if (oci_manifest_parse(&a, text, type, &m, &e) == 0) {
        BUG_ON(!oci_is_manifest_type(str_from(m.type.text)));
        BUG_ON(m.is_index == m.has_config);
        if (m.has_config)
            check_descriptor(&m.config);
        if (m.has_subject)
            check_descriptor(&m.subject);
        for (size_t i = 0; i < m.n_items && i < 8; i++)
            check_descriptor(&m.items[i]);
    } else {
        BUG_ON(e.code != ERR_MANIFEST_INVALID && e.code != ERR_MANIFEST_TYPE &&
               e.code != ERR_MANIFEST_TOO_LARGE && e.code != ERR_LIMIT);
    }
    arena_done(&a);
    return 0;
}
