/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/link.h"

#include "base/clock.h"
#include "base/json.h"
#include "registry/internal.h"

/* ---- what manifests and models say ---- */

static void find_one(struct arena *a, struct links *links, enum link_relation relation,
                     enum link_source source, struct str target)
{
    struct link l = {.relation = relation, .source = source};

    target = str_trim(target);
    if (!links->v || links->n == LIMIT_LINKS_FOUND || !link_target_is_text(target))
        return;
    for (size_t i = 0; i < links->n; i++)
        if (links->v[i].relation == relation && links->v[i].source == source &&
            str_eq(links->v[i].target, target))
            return;
    if (registry_copy(a, target, &l.target, NULL) == 0)
        links->v[links->n++] = l;
}

static struct str annotation(const struct oci_manifest *m, const char *key)
{
    for (size_t i = 0; i < m->n_annotations; i++)
        if (str_eqz(m->annotations[i].key, key))
            return m->annotations[i].value;
    return STR("");
}

/* The name, and which of that name where a digest stands beside it. */
static void find_in_manifest(struct arena *a, const struct oci_manifest *m, struct links *ret)
{
    struct str name = str_trim(annotation(m, OCI_ANNOTATION_BASE_NAME)),
               digest = annotation(m, OCI_ANNOTATION_BASE_DIGEST);
    bool by_hand = m->has_subject && str_eqz(m->artifact_type, OCI_TYPE_LINK);
    enum link_relation relation = LINK_BASE;
    AUTO(buf) target = {0};
    struct digest parsed;

    if (by_hand)
        (void)link_relation_find(annotation(m, OCI_ANNOTATION_LINK_RELATION), &relation);
    buf_init(&target, LIMIT_LINK_TARGET + 1);
    buf_adds(&target, name);
    if (name.n && str_chr(name, '@') < 0 && digest_parse(digest, &parsed, NULL) == 0)
        buf_addf(&target, "@%s", parsed.text);
    if (buf_ok(&target))
        find_one(a, ret, relation, by_hand ? LINK_BY_HAND : LINK_OF_MANIFEST, buf_str(&target));
}

/* known: what the manifest says already; the reader has that among its facts. */
static void find_in_list(struct arena *a, const json_t *facts, const char *key,
                         enum link_relation relation, struct str known, struct links *ret)
{
    const json_t *list = json_object_get(facts, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct str target = str_from(json_string_value(json_array_get(list, i)));
        if (!str_eq(str_trim(target), known))
            find_one(a, ret, relation, LINK_OF_CARD, target);
    }
}

static void find_in_facts(struct arena *a, const json_t *root, struct str known, struct links *ret)
{
    const json_t *facts = json_object_get(root, "facts");
    enum link_relation relation = LINK_BASE;

    (void)link_relation_find(json_get_str(json_object_get(root, "known"), "base_relation"),
                             &relation);
    find_in_list(a, facts, "base-model", relation, known, ret);
    find_in_list(a, facts, "dataset", LINK_DATASET, STR(""), ret);
}

void link_find(struct arena *a, const struct oci_manifest *m, struct str facts, struct links *ret)
{
    struct err ignored;

    *ret = (struct links){.v = arena_try(a, LIMIT_LINKS_FOUND * sizeof(struct link), NULL)};
    if (m)
        find_in_manifest(a, m, ret);
    AUTO_JSON root = facts.n ? json_load(facts, ERR_MODEL_INVALID, &ignored) : NULL;
    if (root)
        find_in_facts(a, root, m ? str_trim(annotation(m, OCI_ANNOTATION_BASE_NAME)) : STR(""),
                      ret);
}

/* ---- rows ---- */

int link_write(struct db_conn *c, int64_t document, const struct links *links, struct err *e)
{
    int64_t now = clock_now_ms();

    if (db_exec(c, Q_link_clear_document, DB_ARGS(DB_I64(document)), NULL, e) < 0)
        return -1;
    for (size_t i = 0; i < links->n; i++) {
        const struct link *l = &links->v[i];
        struct link_target t;
        link_target_parse(l->target, &t);
        if (db_exec(c, Q_link_add_document,
                    DB_ARGS(DB_I64(document), DB_TEXTZ(link_relation_name(l->relation)),
                            DB_I64(l->source), DB_TEXT(l->target), DB_TEXTZ(t.host),
                            DB_TEXTZ(t.name), DB_TEXTZ(t.ref), DB_I64(now)),
                    NULL, e) < 0)
            return -1;
    }
    return 0;
}

static int note(struct db_conn *c, enum audit_event event, int64_t repository, struct str digest,
                struct str relation, struct str target, struct err *e)
{
    AUTO(buf) words = {0};

    buf_init(&words, 2 * LIMIT_LINK_TARGET);
    buf_addf(&words, "%.*s: %.*s", S(relation), S(target));
    return registry_audit(c, event, repository, '@', digest, words.p, e);
}

int link_add(struct registry *r, const struct artifact_facts *f, enum link_relation relation,
             struct str target, int64_t *ret_id, struct err *e)
{
    AUTO(db_txn) t = {0};
    const char *name = link_relation_name(relation);
    struct link_target parsed;
    int64_t n, other;

    if (!link_target_is_text(target))
        return ERR(e, BAD_REQUEST,
                   "\"target\" must have 1 to %d characters, none of them a control",
                   LIMIT_LINK_TARGET);
    link_target_parse(target, &parsed);
    if (db_begin(r->db, &t, e) < 0)
        return -1;
    int found = registry_one_id(t.conn, Q_artifact_id,
                                DB_ARGS(DB_I64(f->repository_id), DB_TEXT(f->digest)), &other, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "the artifact is gone");
    if (registry_one_id(t.conn, Q_link_count_artifact, DB_ARGS(DB_I64(f->id)), &n, e) < 0)
        return -1;
    if (n >= LIMIT_LINKS_BY_HAND)
        return ERR(e, BAD_REQUEST, "the artifact has %d links already", LIMIT_LINKS_BY_HAND);
    if (registry_one_id(t.conn, Q_link_add_artifact,
                        DB_ARGS(DB_I64(f->id), DB_TEXTZ(name), DB_TEXT(target),
                                DB_TEXTZ(parsed.host), DB_TEXTZ(parsed.name), DB_TEXTZ(parsed.ref),
                                DB_I64(clock_now_ms())),
                        ret_id, e) <= 0)
        return e && e->code == ERR_CONFLICT ? ERR(e, CONFLICT, "the artifact has this link already")
                                            : -1;
    if (note(t.conn, AUDIT_create_link, f->repository_id, f->digest, str_from(name), target, e) < 0)
        return -1;
    return db_commit(&t, e);
}

int link_remove(struct registry *r, const struct artifact_facts *f, int64_t id, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};
    AUTO(buf) relation = {0};
    AUTO(buf) target = {0};
    const struct db_args args = DB_ARGS(DB_I64(id), DB_I64(f->id));

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    int found = db_one(t.conn, Q_link_by_id, args, &rows, e);
    if (found <= 0)
        return found < 0 ? -1
                         : ERR(e, NOT_FOUND, "no link %lld was set on the artifact", (long long)id);
    buf_init(&relation, LIMIT_LINK_TARGET);
    buf_init(&target, 2 * LIMIT_LINK_TARGET);
    buf_adds(&relation, db_text(&rows, 0));
    buf_adds(&target, db_text(&rows, 1));
    db_rows_done(&rows);
    if (db_exec(t.conn, Q_link_remove, args, NULL, e) < 0 ||
        note(t.conn, AUDIT_delete_link, f->repository_id, f->digest, buf_str(&relation),
             buf_str(&target), e) < 0)
        return -1;
    return db_commit(&t, e);
}

int link_copy(struct registry *r, int64_t from, int64_t to, const struct digest *d, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};
    const struct db_arg digest = DB_TEXT(digest_str(d));
    int64_t source, copy, n;
    int more;

    if (from == to)
        return 0;
    if (db_begin(r->db, &t, e) < 0)
        return -1;
    int found = registry_one_id(t.conn, Q_artifact_id, DB_ARGS(DB_I64(from), digest), &source, e);
    if (found > 0)
        found = registry_one_id(t.conn, Q_artifact_id, DB_ARGS(DB_I64(to), digest), &copy, e);
    if (found <= 0)
        return found;
    if (registry_one_id(t.conn, Q_link_count_artifact, DB_ARGS(DB_I64(copy)), &n, e) < 0 ||
        db_query(t.conn, Q_link_copy,
                 DB_ARGS(DB_I64(source), DB_I64(copy), DB_I64(clock_now_ms()),
                         DB_I64(MAX_OF((int64_t)LIMIT_LINKS_BY_HAND - n, (int64_t)0))),
                 &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        if (note(t.conn, AUDIT_create_link, to, digest_str(d), db_text(&rows, 0), db_text(&rows, 1),
                 e) < 0)
            return -1;
    db_rows_done(&rows);
    return more < 0 ? -1 : db_commit(&t, e);
}
