/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/describe.h"

#include "base/log.h"
#include "base/mem.h"
#include "registry/attributes.h"
#include "registry/icon.h"
#include "registry/internal.h"

/* Artifacts that are described in one turn. */
#define DESCRIBE_AT_ONCE 50

/* A copy, as long as the arena has room for what strangers choose; else nothing is known. */
static struct str keep(struct arena *a, struct str text)
{
    struct str copy;
    return registry_copy(a, text, &copy, NULL) < 0 ? STR_NULL : copy;
}

/* ---- the manifest ---- */

static struct str annotations(struct arena *a, const struct oci_annotation *v, size_t n)
{
    AUTO(buf) out = {0};
    struct json_writer w;

    if (n == 0)
        return STR_NULL;
    buf_init(&out, LIMIT_MANIFEST * 2);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    for (size_t i = 0; i < n; i++) {
        jsonw_keys(&w, v[i].key);
        jsonw_str(&w, v[i].value);
    }
    jsonw_object_done(&w);
    return buf_ok(&out) ? keep(a, buf_str(&out)) : STR_NULL;
}

static bool has_layer(const struct oci_manifest *m, const char *type)
{
    for (size_t i = 0; i < m->n_items; i++)
        if (str_eqz(m->items[i].media_type, type))
            return true;
    return false;
}

static bool is_nydus(const struct oci_manifest *m)
{
    const struct oci_descriptor *last = m->n_items ? &m->items[m->n_items - 1] : NULL;

    for (size_t i = 0; last && i < last->n_annotations; i++)
        if (str_eqz(last->annotations[i].key, "containerd.io/snapshot/nydus-bootstrap"))
            return true;
    return false;
}

/* "sha256-<hex>.sig": the tag under which cosign keeps the signatures of a digest. */
static bool signed_by_tag(struct str tag, struct digest *ret)
{
    char text[DIGEST_TEXT_MAX];

    if (!str_starts(tag, STR("sha256-")) || !str_ends(tag, STR(".sig")))
        return false;
    int n = snprintf(text, sizeof(text), "sha256:%.*s", S(str_of(tag.p + 7, tag.n - 11)));
    return n > 0 && (size_t)n < sizeof(text) && digest_parse(str_from(text), ret, NULL) == 0;
}

/* What it is of another artifact: Harbor's names. */
static struct str accessory_of(const struct oci_manifest *m, struct str tag, struct digest *ret)
{
    static const struct {
        const char *type, *name;
    } types[] = {
        {"application/vnd.dev.cosign.artifact.sig.v1+json", "signature.cosign"},
        {"application/vnd.dev.sigstore.bundle.v0.3+json", "signature.cosign"},
        {"application/vnd.cncf.notary.signature", "signature.notation"},
        {"application/vnd.goharbor.harbor.sbom.v1", "sbom.harbor"},
    };
    if (!m->is_index && has_layer(m, "application/vnd.dev.cosign.simplesigning.v1+json") &&
        signed_by_tag(tag, ret))
        return STR("signature.cosign");
    if (!m->has_subject)
        return STR_NULL;
    *ret = m->subject.digest;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eqz(m->artifact_type, types[i].type) ||
            (m->has_config && str_eqz(m->config.media_type, types[i].type)))
            return str_from(types[i].name);
    return !m->is_index && is_nydus(m) ? STR("accelerator.nydus") : STR("subject.accessory");
}

void describe_read(struct registry *r, struct arena *a, const struct repo_name *repo,
                   const struct oci_manifest *m, size_t manifest_size, struct str tag,
                   struct description *ret)
{
    struct description d = {.size = (int64_t)manifest_size};

    d.config_type = attributes_is_wasm(m) ? STR(WASM_CONFIG)
                    : m->is_index         ? attributes_index_type(m)
                    : m->has_config       ? m->config.media_type
                                          : STR_NULL;
    /* What is written on an image that it is a module says more than its type. */
    d.kind = registry_kind(a, attributes_is_wasm(m) ? STR_NULL : m->artifact_type, d.config_type,
                           str_from(m->type.text));
    if (m->has_config)
        d.size += m->config.size;
    for (size_t i = 0; !m->is_index && i < m->n_items; i++)
        if (__builtin_add_overflow(d.size, m->items[i].size, &d.size))
            d.size = INT64_MAX;
    d.annotations = annotations(a, m->annotations, m->n_annotations);
    d.attributes = attributes_read(r, a, repo, m, d.kind);
    d.accessory = accessory_of(m, tag, &d.of);
    d.icon = icon_of(r, a, repo, m);
    *ret = d;
}

/* ---- writing ---- */

static struct str member_detail(struct arena *a, const struct oci_descriptor *d)
{
    AUTO(buf) out = {0};
    struct json_writer w;
    struct str notes = annotations(a, d->annotations, d->n_annotations);

    buf_init(&out, LIMIT_MANIFEST * 2);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    if (d->platform_os.n || d->platform_arch.n) {
        jsonw_key(&w, "platform");
        jsonw_object(&w);
        jsonw_kstr(&w, "architecture", d->platform_arch);
        jsonw_kstr(&w, "os", d->platform_os);
        if (d->platform_variant.n)
            jsonw_kstr(&w, "variant", d->platform_variant);
        jsonw_object_done(&w);
    }
    if (notes.n) {
        jsonw_key(&w, "annotations");
        jsonw_raw(&w, notes);
    }
    jsonw_object_done(&w);
    return buf_ok(&out) ? keep(a, buf_str(&out)) : STR_NULL;
}

/* Notes what an index says of its members, and adds up their sizes. */
static int write_members(struct db_conn *c, struct arena *a, int64_t repository, int64_t artifact,
                         const struct oci_manifest *m, int64_t *size, struct err *e)
{
    for (size_t i = 0; i < m->n_items; i++) {
        const struct oci_descriptor *d = &m->items[i];
        int64_t of_member = 0;
        struct str detail = member_detail(a, d);
        int found = registry_one_id(c, Q_artifact_size,
                                    DB_ARGS(DB_I64(repository), DB_TEXT(digest_str(&d->digest))),
                                    &of_member, e);
        if (found < 0 || db_exec(c, Q_artifact_child_detail,
                                 DB_ARGS(DB_I64(artifact), DB_TEXT(digest_str(&d->digest)),
                                         detail.n ? DB_TEXT(detail) : DB_NULL),
                                 NULL, e) < 0)
            return -1;
        if (__builtin_add_overflow(*size, of_member, size))
            *size = INT64_MAX;
    }
    return 0;
}

int describe_write(struct db_conn *c, struct arena *a, int64_t repository, int64_t artifact,
                   const struct oci_manifest *m, const struct description *d, struct err *e)
{
    int64_t size = d->size;

    if (m->is_index && write_members(c, a, repository, artifact, m, &size, e) < 0)
        return -1;
    return db_exec(c, Q_artifact_describe,
                   DB_ARGS(DB_I64(artifact), DB_TEXT(d->kind), DB_TEXT(d->config_type),
                           DB_I64(size), d->annotations.n ? DB_TEXT(d->annotations) : DB_NULL,
                           d->attributes.n ? DB_TEXT(d->attributes) : DB_NULL,
                           d->accessory.n ? DB_TEXT(d->accessory) : DB_NULL,
                           d->accessory.n ? DB_TEXT(digest_str(&d->of)) : DB_NULL,
                           d->icon.n ? DB_TEXT(d->icon) : DB_NULL),
                   NULL, e);
}

/* ---- what older versions left ---- */

struct undescribed {
    int64_t artifact, repository;
    struct repo_name name;
    struct str media_type, bytes;
};

static int find_undescribed(struct db_conn *c, struct arena *a, struct undescribed *ret,
                            size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t n = 0;
    int more;

    if (db_query(c, Q_artifact_undescribed, DB_ARGS(DB_I64(0), DB_I64(DESCRIBE_AT_ONCE)), &rows,
                 e) < 0)
        return -1;
    for (; (more = db_next(&rows, e)) > 0 && n < DESCRIBE_AT_ONCE; n++) {
        struct undescribed *u = &ret[n];
        u->artifact = db_i64(&rows, 0);
        u->repository = db_i64(&rows, 1);
        if (repo_name_parse(db_text(&rows, 2), &u->name, e) < 0 ||
            registry_copy(a, db_text(&rows, 3), &u->media_type, e) < 0 ||
            registry_copy(a, db_bytes(&rows, 4), &u->bytes, e) < 0)
            return -1;
    }
    *ret_n = n;
    return more < 0 ? -1 : 0;
}

static int describe_one(struct registry *r, struct arena *a, const struct undescribed *u,
                        struct err *e)
{
    AUTO(db_txn) t = {0};
    struct oci_manifest m = {0};
    struct description d = {.kind = STR("UNKNOWN"), .size = (int64_t)u->bytes.n};

    /* What cannot be read any more is described as that, or it would be tried for ever. */
    if (oci_manifest_parse(a, u->bytes, u->media_type, &m, e) == 0)
        describe_read(r, a, &u->name, &m, u->bytes.n, STR(""), &d);
    if (db_begin(r->db, &t, e) < 0 ||
        describe_write(t.conn, a, u->repository, u->artifact, &m, &d, e) < 0)
        return -1;
    return db_commit(&t, e);
}

int registry_describe_some(struct registry *r, size_t *ret_n, struct err *e)
{
    AUTO(arena) a = {0};
    struct undescribed found[DESCRIBE_AT_ONCE];
    size_t n = 0;

    arena_init(&a, 1 * GIB);
    if (find_undescribed(db_reader(r->db), &a, found, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (describe_one(r, &a, &found[i], e) < 0)
            return -1;
    *ret_n = n;
    return 0;
}
