/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests of every packaging, and indexes: no path that comes out can leave the directory it is
 * written to, and every raw layer has one. The first byte chooses the type. */
#include "base/limits.h"
#include "base/mem.h"
#include "model/pack.h"
#include "model/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct str path)
{
    BUG_ON(path.n == 0 || path.p[0] == '/' || memchr(path.p, '\0', path.n) ||
           memchr(path.p, '\\', path.n));
    for (struct str rest = path; rest.p;) {
        struct str part = str_cut(&rest, '/');
        BUG_ON(part.n == 0 || part.n > LIMIT_MODEL_NAME || str_eqz(part, ".") ||
               str_eqz(part, ".."));
    }
}

static void check_layer(const struct pack_layer *l)
{
    BUG_ON(l->encoding == PACK_RAW && (l->path.n == 0 || !l->has_kind));
    if (l->path.n)
        check_path(l->path);
    BUG_ON(l->size > LIMIT_BLOB || (l->mode != 0644 && l->mode != 0755));
    BUG_ON(l->has_kind && (unsigned)l->kind >= MODEL_KIND_COUNT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"", OCI_TYPE_MANIFEST, DOCKER_TYPE_MANIFEST,
                                        OCI_TYPE_INDEX};
    struct arena a;
    struct oci_manifest m;
    struct pack p;
    const struct oci_descriptor *chosen = NULL;
    if (size == 0)
        return 0;
    struct str type = str_from(types[data[0] % ARRAY_LEN(types)]);
    struct str text = str_of((const char *)data + 1, size - 1);

    arena_init(&a, 32 * MIB);
    if (oci_manifest_parse(&a, text, type, &m, NULL) == 0) {
        struct err e = {.code = ERR_OK};
        if (pack_read(&a, &m, &p, &e) == 0) {
            BUG_ON(p.n_layers == 0 || p.n_layers > m.n_items || m.is_index);
            for (size_t i = 0; i < p.n_layers; i++)
                check_layer(&p.layers[i]);
        } else {
            BUG_ON(e.code != ERR_MODEL_INVALID && e.code != ERR_LIMIT);
        }
        if (m.is_index && pack_choose(&m, STR_NULL, &chosen, NULL) == 0)
            BUG_ON(chosen < m.items || chosen >= m.items + m.n_items);
        if (m.is_index)
            (void)pack_choose(&m, STR("linux/arm64/v8"), &chosen, NULL);
    }
    arena_done(&a);
    return 0;
}
