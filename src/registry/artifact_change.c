/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of artifacts beyond pushing them: tags set and taken away by hand, and removal with what
 * is about them. */
#include "base/clock.h"
#include "base/mem.h"
#include "registry/artifact.h"
#include "registry/immutable.h"
#include "registry/internal.h"

/* Artifacts that go in one transaction. */
#define REMOVE_AT_ONCE 50

/* ---- tags ---- */

int artifact_tag_add(struct registry *r, const struct artifact_facts *f, const struct tag *tag,
                     struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t now = clock_now_ms(), other;

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    int found = registry_one_id(t.conn, Q_artifact_id,
                                DB_ARGS(DB_I64(f->repository_id), DB_TEXT(f->digest)), &other, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "the artifact is gone");
    found = registry_one_id(t.conn, Q_tag_artifact,
                            DB_ARGS(DB_I64(f->repository_id), DB_TEXTZ(tag->text)), &other, e);
    if (found != 0)
        return found < 0 ? -1 : ERR(e, CONFLICT, "the repository has a tag %s already", tag->text);
    if (db_exec(t.conn, Q_tag_put,
                DB_ARGS(DB_I64(f->repository_id), DB_TEXTZ(tag->text), DB_I64(f->id), DB_I64(now)),
                NULL, e) < 0 ||
        artifact_note_untagged(t.conn, f->id, now, e) < 0 ||
        registry_audit(t.conn, AUDIT_create_tag, f->repository_id, ':', str_from(tag->text), "",
                       e) < 0)
        return -1;
    return db_commit(&t, e);
}

int artifact_tag_remove(struct registry *r, const struct artifact_facts *f, const struct tag *tag,
                        struct err *e)
{
    AUTO(db_txn) t = {0};
    const struct db_args named = DB_ARGS(DB_I64(f->repository_id), DB_TEXTZ(tag->text));
    int64_t artifact = 0;

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    int found = registry_one_id(t.conn, Q_tag_artifact, named, &artifact, e);
    if (found < 0)
        return -1;
    if (found == 0 || artifact != f->id)
        return ERR(e, NOT_FOUND, "the artifact has no tag %s", tag->text);
    if (immutable_check_tag(t.conn, f->repository_id, str_from(tag->text), e) < 0)
        return -1;
    if (db_exec(t.conn, Q_tag_remove, named, NULL, e) < 0 ||
        artifact_note_untagged(t.conn, f->id, clock_now_ms(), e) < 0 ||
        registry_audit(t.conn, AUDIT_delete_tag, f->repository_id, ':', str_from(tag->text), "",
                       e) < 0)
        return -1;
    return db_commit(&t, e);
}

/* ---- removal ---- */

/* What is to go: the artifact, what is about it, and members of an index that nothing else needs.
 */
struct removal {
    struct registry *r;
    int64_t repository;
    struct arena arena;
    int64_t *ids;
    size_t n, cap;
};

static int add(struct removal *x, int64_t id, struct err *e)
{
    if (x->n == x->cap) {
        size_t cap = x->cap ? 4 * x->cap : 16;
        int64_t *bigger = arena_try(&x->arena, cap * sizeof(*bigger), e);
        if (!bigger)
            return -1;
        if (x->n)
            memcpy(bigger, x->ids, x->n * sizeof(*bigger));
        x->ids = bigger;
        x->cap = cap;
    }
    x->ids[x->n++] = id;
    return 0;
}

static int add_all(struct removal *x, struct db_conn *c, enum db_query q, struct db_args args,
                   struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    if (db_query(c, q, args, &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        if (add(x, db_i64(&rows, 0), e) < 0)
            return -1;
    return more;
}

/* Is there an index that has it as a member? 1, 0, -1. */
static int has_parent(struct db_conn *c, int64_t repository, struct str digest, struct err *e)
{
    int64_t parent;
    return registry_one_id(c, Q_artifact_parents, DB_ARGS(DB_I64(repository), DB_TEXT(digest)),
                           &parent, e);
}

/* Removes one; those that came along with it are looked at first: a tag, or another index, keeps
 * them. */
static int remove_one(struct removal *x, struct db_conn *c, int64_t id, bool asked, struct err *e)
{
    AUTO(db_rows) rows = {0};
    char digest[DIGEST_TEXT_MAX];
    int64_t document, tagged;
    int found = db_one(c, Q_artifact_by_id, DB_ARGS(DB_I64(id)), &rows, e);

    if (found <= 0)
        return found;
    document = db_i64(&rows, 0);
    snprintf(digest, sizeof(digest), "%.*s", S(db_text(&rows, 1)));
    bool accessory = !db_is_null(&rows, 2);
    db_rows_done(&rows);
    int parent = has_parent(c, x->repository, str_from(digest), e);
    if (parent < 0)
        return -1;
    if (parent && asked)
        return ERR(e, REFERENCED, "an index of the repository holds %s: delete the index first",
                   digest);
    if (!asked && !accessory) {
        int kept = registry_one_id(c, Q_tag_any, DB_ARGS(DB_I64(id)), &tagged, e);
        if (kept < 0 || kept || parent)
            return kept < 0 ? -1 : 0;
    }
    if (add_all(x, c, Q_accessory_ids, DB_ARGS(DB_I64(x->repository), DB_TEXTZ(digest)), e) < 0 ||
        add_all(x, c, Q_member_ids, DB_ARGS(DB_I64(id)), e) < 0)
        return -1;
    return artifact_remove(x->r, c, x->repository, id, document, e);
}

/* One transaction's part, from ids[*at] on. */
static int remove_some(struct removal *x, size_t *at, struct err *e)
{
    AUTO(db_txn) t = {0};
    size_t end = *at + REMOVE_AT_ONCE;

    if (db_begin(x->r->db, &t, e) < 0)
        return -1;
    for (; *at < x->n && *at < end; (*at)++)
        if (remove_one(x, t.conn, x->ids[*at], *at == 0, e) < 0)
            return -1;
    return db_commit(&t, e);
}

int artifact_remove_whole(struct registry *r, const struct artifact_facts *f, struct err *e)
{
    struct removal x = {.r = r, .repository = f->repository_id};
    size_t at = 0;
    int rc;

    arena_init(&x.arena, 16 * MIB);
    rc = add(&x, f->id, e);
    while (rc == 0 && at < x.n)
        rc = remove_some(&x, &at, e);
    arena_done(&x.arena);
    return rc;
}
