/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/artifact.h"

#include "base/json.h"
#include "base/mem.h"
#include "registry/internal.h"

/* ---- artifacts ---- */

static const struct db_field fields[] = {
    {.name = "id", .column = "a.id", .type = DB_FIELD_I64},
    {.name = "type", .column = "a.kind", .type = DB_FIELD_TEXT},
    {.name = "media_type", .column = "a.config_type", .type = DB_FIELD_TEXT},
    {.name = "manifest_media_type", .column = "a.media_type", .type = DB_FIELD_TEXT},
    {.name = "artifact_type", .column = "a.artifact_type", .type = DB_FIELD_TEXT},
    {.name = "digest", .column = "a.digest", .type = DB_FIELD_TEXT},
    {.name = "size", .column = "a.total_size", .type = DB_FIELD_I64},
    {.name = "push_time", .column = "a.pushed_ms", .type = DB_FIELD_TIME},
    {.name = "pull_time", .column = "a.pulled_ms", .type = DB_FIELD_TIME},
    {.name = "tags",
     .type = DB_FIELD_TEXT,
     .exists = "EXISTS (SELECT 1 FROM tag t WHERE t.artifact_id = a.id AND t.name ?)"},
    {.name = "labels",
     .type = DB_FIELD_I64,
     .exists = "EXISTS (SELECT 1 FROM artifact_label l WHERE l.artifact_id = a.id"
               " AND l.label_id ?)"},
};

#define COLUMNS                                                                                    \
    "a.id, a.repository_id, r.project_id, r.name, a.digest, a.kind, a.media_type, a.config_type,"  \
    " a.artifact_type, a.total_size, a.pushed_ms, a.pulled_ms, a.annotations, a.attributes,"       \
    " a.icon"
#define TABLES "artifact a JOIN repository r ON r.id = a.repository_id"
/* $2: also accessories and untagged members of an index; $3: 1 tagged ones, 2 untagged ones. */
#define IS_SHOWN                                                                                   \
    " AND ($2 = 1 OR (a.accessory_of IS NULL"                                                      \
    " AND (" HAS_TAG " OR NOT EXISTS (SELECT 1 FROM artifact_child c"                              \
    " WHERE c.repository_id = a.repository_id AND c.digest = a.digest))))"                         \
    " AND ($3 = 0 OR ($3 = 1 AND " HAS_TAG ") OR ($3 = 2 AND NOT " HAS_TAG "))"
#define HAS_TAG "EXISTS (SELECT 1 FROM tag t WHERE t.artifact_id = a.id)"

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    struct artifact_facts *f = ret;

    *f = (struct artifact_facts){
        .id = db_i64(rows, 0),
        .repository_id = db_i64(rows, 1),
        .project_id = db_i64(rows, 2),
        .repository = arena_str(a, db_text(rows, 3)),
        .digest = arena_str(a, db_text(rows, 4)),
        .kind = arena_str(a, db_text(rows, 5)),
        .media_type = arena_str(a, db_text(rows, 6)),
        .config_type = arena_str(a, db_text(rows, 7)),
        .artifact_type = arena_str(a, db_text(rows, 8)),
        .size = db_i64(rows, 9),
        .pushed_ms = db_i64(rows, 10),
        .pulled_ms = db_i64(rows, 11),
    };
    f->is_index = oci_is_index_type(f->media_type);
    f->icon = db_is_null(rows, 14) ? STR_NULL : arena_str(a, db_text(rows, 14));
    /* Texts of strangers: up to some MiB each. */
    if (registry_copy(a, db_text(rows, 12), &f->annotations, e) < 0)
        return -1;
    return registry_copy(a, db_text(rows, 13), &f->attributes, e);
}

/* Of all repositories of a project; $4: only the newest of each, among those of its media
 * type (1) or artifact type (2). */
static const struct db_list of_project = {
    .name = "artifacts of a project",
    .columns = COLUMNS,
    .from = TABLES
    " WHERE r.project_id = $1" IS_SHOWN
    " AND ($4 = 0 OR a.id = (SELECT b.id FROM artifact b WHERE b.repository_id = a.repository_id"
    " AND b.accessory_of IS NULL AND ($4 = 2 OR b.config_type = a.config_type)"
    " AND ($4 = 1 OR b.artifact_type = a.artifact_type)"
    " ORDER BY b.pushed_ms DESC, b.id DESC LIMIT 1))",
    .n_args = 4,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "a.pushed_ms DESC, a.id DESC",
    .key = "a.id",
    .size = sizeof(struct artifact_facts),
    .row = read_row,
};

const struct db_list artifact_list_fields = {
    .name = "artifacts",
    .columns = COLUMNS,
    .from = TABLES " WHERE a.repository_id = $1" IS_SHOWN,
    .n_args = 3,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "a.pushed_ms DESC, a.id DESC",
    .key = "a.id",
    .other = &of_project,
    .size = sizeof(struct artifact_facts),
    .row = read_row,
};

static const struct db_list by_digest = {
    .name = "artifact",
    .columns = COLUMNS,
    .from = TABLES " WHERE r.name = $1 AND a.digest = $2",
    .n_args = 2,
    .order = "a.id",
    .key = "a.id",
    .size = sizeof(struct artifact_facts),
    .row = read_row,
};

static const struct db_list by_tag = {
    .name = "artifact by tag",
    .columns = COLUMNS,
    .from = "repository r JOIN tag t ON t.repository_id = r.id AND t.name = $2"
            " JOIN artifact a ON a.id = t.artifact_id WHERE r.name = $1",
    .n_args = 2,
    .order = "a.id",
    .key = "a.id",
    .size = sizeof(struct artifact_facts),
    .row = read_row,
};

int artifact_list(struct registry *r, struct arena *a, const struct artifact_filter *f,
                  const struct db_list_query *q, struct db_page *ret, struct err *e)
{
    struct db_conn *c = db_reader(r->db);
    const struct db_arg everything = DB_I64(f->everything), tagged = DB_I64(f->tagged);

    return f->project
               ? db_list_page(c, &of_project,
                              DB_ARGS(DB_I64(f->project), everything, tagged, DB_I64(f->latest)), q,
                              a, ret, e)
               : db_list_page(c, &artifact_list_fields,
                              DB_ARGS(DB_I64(f->repository), everything, tagged), q, a, ret, e);
}

int artifact_facts_find(struct registry *r, struct arena *a, const struct repo_name *repo,
                        const struct reference *ref, struct artifact_facts *ret, struct err *e)
{
    return db_list_one(db_reader(r->db), ref->is_digest ? &by_digest : &by_tag,
                       DB_ARGS(DB_TEXT(repo_name_str(repo)), DB_TEXT(reference_str(ref))), a, ret,
                       e);
}

/* ---- tags ---- */

static const struct db_field tag_fields[] = {
    {.name = "id", .column = "t.id", .type = DB_FIELD_I64},
    {.name = "name", .column = "t.name", .type = DB_FIELD_TEXT},
    {.name = "push_time", .column = "t.pushed_ms", .type = DB_FIELD_TIME},
    {.name = "pull_time", .column = "t.pulled_ms", .type = DB_FIELD_TIME},
};

static int read_tag(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct artifact_tag *)ret = (struct artifact_tag){
        .id = db_i64(rows, 0),
        .repository_id = db_i64(rows, 1),
        .artifact_id = db_i64(rows, 2),
        .name = arena_str(a, db_text(rows, 3)),
        .pushed_ms = db_i64(rows, 4),
        .pulled_ms = db_i64(rows, 5),
    };
    return 0;
}

/* In the order of Q_tags_of_artifact. */
const struct db_list artifact_tag_fields = {
    .name = "tags",
    .columns = "t.id, t.repository_id, t.artifact_id, t.name, t.pushed_ms, t.pulled_ms",
    .from = "tag t WHERE t.artifact_id = $1",
    .n_args = 1,
    .fields = tag_fields,
    .n_fields = ARRAY_LEN(tag_fields),
    .order = "t.name",
    .key = "t.id",
    .size = sizeof(struct artifact_tag),
    .row = read_tag,
};

/* Makes room for one more of `size` bytes behind n others. */
static int grow(struct arena *a, void **v, size_t n, size_t *cap, size_t size, struct err *e)
{
    size_t more = *cap ? 4 * *cap : 8;

    if (n < *cap)
        return 0;
    void *bigger = arena_try(a, more * size, e);
    if (!bigger)
        return -1;
    if (n)
        memcpy(bigger, *v, n * size);
    *v = bigger;
    *cap = more;
    return 0;
}

int artifact_tags(struct registry *r, struct arena *a, int64_t artifact, struct artifact_tag **ret,
                  size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    void *v = NULL;
    size_t n = 0, cap = 0;
    int more;

    if (db_query(db_reader(r->db), Q_tags_of_artifact, DB_ARGS(DB_I64(artifact)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0 && n < LIMIT_PAGE) {
        if (grow(a, &v, n, &cap, sizeof(struct artifact_tag), e) < 0)
            return -1;
        (void)read_tag(&rows, a, &((struct artifact_tag *)v)[n++], e);
    }
    *ret = v;
    *ret_n = n;
    return more < 0 ? -1 : 0;
}

int artifact_tag_list(struct registry *r, struct arena *a, int64_t artifact,
                      const struct db_list_query *q, struct db_page *ret, struct err *e)
{
    return db_list_page(db_reader(r->db), &artifact_tag_fields, DB_ARGS(DB_I64(artifact)), q, a,
                        ret, e);
}

/* ---- members of an index ---- */

/* A member of the stored JSON as text again; empty without it. */
static struct str part_of(struct arena *a, const json_t *detail, const char *key)
{
    const json_t *v = json_object_get(detail, key);
    AUTO_FREE char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;
    struct str copy;

    return text && registry_copy(a, str_from(text), &copy, NULL) == 0 ? copy : STR_NULL;
}

int artifact_members(struct registry *r, struct arena *a, int64_t artifact,
                     struct artifact_member **ret, size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    void *v = NULL;
    size_t n = 0, cap = 0;
    int more;

    if (db_query(db_reader(r->db), Q_children_of_artifact, DB_ARGS(DB_I64(artifact)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        struct err ignored;
        AUTO_JSON detail =
            db_is_null(&rows, 3) ? NULL : json_load(db_text(&rows, 3), ERR_CORRUPT, &ignored);
        if (grow(a, &v, n, &cap, sizeof(struct artifact_member), e) < 0)
            return -1;
        ((struct artifact_member *)v)[n++] = (struct artifact_member){
            .index_id = db_i64(&rows, 0),
            .id = db_is_null(&rows, 1) ? 0 : db_i64(&rows, 1),
            .digest = arena_str(a, db_text(&rows, 2)),
            .platform = part_of(a, detail, "platform"),
            .annotations = part_of(a, detail, "annotations"),
        };
    }
    *ret = v;
    *ret_n = n;
    return more < 0 ? -1 : 0;
}

/* ---- accessories ---- */

static const struct db_field accessory_fields[] = {
    {.name = "id", .column = "a.id", .type = DB_FIELD_I64},
    {.name = "type", .column = "a.accessory", .type = DB_FIELD_TEXT},
    {.name = "digest", .column = "a.digest", .type = DB_FIELD_TEXT},
    {.name = "size", .column = "a.total_size", .type = DB_FIELD_I64},
    {.name = "creation_time", .column = "a.pushed_ms", .type = DB_FIELD_TIME},
};

static int read_accessory(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct artifact_accessory *)ret = (struct artifact_accessory){
        .id = db_i64(rows, 0),
        .artifact_id = db_i64(rows, 0),
        .kind = arena_str(a, db_text(rows, 1)),
        .digest = arena_str(a, db_text(rows, 2)),
        .size = db_i64(rows, 3),
        .created_ms = db_i64(rows, 4),
        .icon = db_is_null(rows, 5) ? STR_NULL : arena_str(a, db_text(rows, 5)),
    };
    return 0;
}

const struct db_list artifact_accessory_fields = {
    .name = "accessories",
    .columns = "a.id, a.accessory, a.digest, a.total_size, a.pushed_ms, a.icon",
    .from = "artifact a WHERE a.repository_id = $1 AND a.accessory_of = $2",
    .n_args = 2,
    .fields = accessory_fields,
    .n_fields = ARRAY_LEN(accessory_fields),
    .order = "a.id",
    .key = "a.id",
    .size = sizeof(struct artifact_accessory),
    .row = read_accessory,
};

int artifact_accessories(struct registry *r, struct arena *a, const struct artifact_facts *of,
                         const struct db_list_query *q, struct db_page *ret, struct err *e)
{
    if (db_list_page(db_reader(r->db), &artifact_accessory_fields,
                     DB_ARGS(DB_I64(of->repository_id), DB_TEXT(of->digest)), q, a, ret, e) < 0)
        return -1;
    struct artifact_accessory *found = ret->v;
    for (size_t i = 0; i < ret->n; i++) {
        found[i].subject_id = of->id;
        found[i].subject_digest = of->digest;
        found[i].repository = of->repository;
    }
    return 0;
}
