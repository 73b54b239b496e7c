/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/label.h"

#include "access/audit.h"
#include "base/clock.h"
#include "base/mem.h"
#include "registry/internal.h"

enum { NAME_MAX_BYTES = 128, COLOR_MAX_BYTES = 32, LABELS_SHOWN = 100 };

static const struct db_field fields[] = {
    {.name = "id", .column = "l.id", .type = DB_FIELD_I64},
    {.name = "name", .column = "l.name", .type = DB_FIELD_TEXT},
    {.name = "description", .column = "l.description", .type = DB_FIELD_TEXT},
    {.name = "color", .column = "l.color", .type = DB_FIELD_TEXT},
    {.name = "creation_time", .column = "l.created_ms", .type = DB_FIELD_TIME},
    {.name = "update_time", .column = "l.updated_ms", .type = DB_FIELD_TIME},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    bool of_system = db_is_null(rows, 1);
    *(struct label *)ret = (struct label){
        .id = db_i64(rows, 0),
        .project_id = of_system ? 0 : db_i64(rows, 1),
        .scope = of_system ? STR(LABEL_SYSTEM) : STR(LABEL_PROJECT),
        .name = arena_str(a, db_text(rows, 2)),
        .description = arena_str(a, db_text(rows, 3)),
        .color = arena_str(a, db_text(rows, 4)),
        .created_ms = db_i64(rows, 5),
        .updated_ms = db_i64(rows, 6),
    };
    return 0;
}

/* In the order of Q_label_by_id. */
const struct db_list label_list_fields = {
    .name = "labels",
    .columns = "l.id, l.project_id, l.name, l.description, l.color, l.created_ms, l.updated_ms",
    .from = "label l WHERE (($1 = 0 AND l.project_id IS NULL) OR l.project_id = $1)",
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "l.name, l.id",
    .key = "l.id",
    .size = sizeof(struct label),
    .row = read_row,
};

int label_find(struct registry *r, struct arena *a, int64_t id, struct label *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(r->db), Q_label_by_id, DB_ARGS(DB_I64(id)), &rows, e);

    return found <= 0 ? found : read_row(&rows, a, ret, e) < 0 ? -1 : 1;
}

int label_list(struct registry *r, struct arena *a, int64_t project, const struct db_list_query *q,
               struct db_page *ret, struct err *e)
{
    return db_list_page(db_reader(r->db), &label_list_fields, DB_ARGS(DB_I64(project)), q, a, ret,
                        e);
}

static int check(const struct label *l, struct err *e)
{
    if (l->name.n == 0 || l->name.n > NAME_MAX_BYTES)
        return ERR(e, BAD_REQUEST, "\"name\" must have 1 to %d characters", NAME_MAX_BYTES);
    if (l->color.n > COLOR_MAX_BYTES)
        return ERR(e, BAD_REQUEST, "\"color\" must be written as #RRGGBB");
    return 0;
}

static int taken(const struct label *l, struct err *e)
{
    return e && e->code == ERR_CONFLICT
               ? ERR(e, CONFLICT, "there is a label \"%.*s\" already", S(l->name))
               : -1;
}

int label_create(struct registry *r, const struct label *l, int64_t *ret_id, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (check(l, e) < 0 || db_begin(r->db, &t, e) < 0)
        return -1;
    if (registry_one_id(t.conn, Q_label_add,
                        DB_ARGS(l->project_id ? DB_I64(l->project_id) : DB_NULL, DB_TEXT(l->name),
                                DB_TEXT(l->description), DB_TEXT(l->color), DB_I64(clock_now_ms())),
                        ret_id, e) <= 0)
        return taken(l, e);
    const struct audit_entry entry = {
        .event = AUDIT_create_label, .project_id = l->project_id, .resource = l->name};
    return audit_add(t.conn, &entry, e) < 0 ? -1 : db_commit(&t, e);
}

/* l: its number and its project. */
static int change(struct registry *r, const struct label *l, enum audit_event event,
                  enum db_query q, struct db_args args, struct err *e)
{
    const struct audit_change c = {.what = "label",
                                   .find = Q_label_by_id,
                                   .key = {args.v, 1},
                                   .name = 2,
                                   .q = q,
                                   .args = args,
                                   .entry = {.event = event, .project_id = l->project_id}};
    return audit_change(r->db, &c, e);
}

int label_update(struct registry *r, const struct label *l, struct err *e)
{
    if (check(l, e) < 0)
        return -1;
    if (change(r, l, AUDIT_update_label, Q_label_set,
               DB_ARGS(DB_I64(l->id), DB_TEXT(l->name), DB_TEXT(l->description), DB_TEXT(l->color),
                       DB_I64(clock_now_ms())),
               e) < 0)
        return taken(l, e);
    return 0;
}

int label_remove(struct registry *r, const struct label *l, struct err *e)
{
    return change(r, l, AUDIT_delete_label, Q_label_remove, DB_ARGS(DB_I64(l->id)), e);
}

/* ---- on artifacts ---- */

int label_of_artifact(struct registry *r, struct arena *a, int64_t artifact, struct label **ret,
                      size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct label *v = ARENA_ARRAY(a, LABELS_SHOWN, struct label);
    size_t n = 0;
    int more;

    if (db_query(db_reader(r->db), Q_labels_of_artifact, DB_ARGS(DB_I64(artifact)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0 && n < LABELS_SHOWN)
        (void)read_row(&rows, a, &v[n++], e);
    *ret = v;
    *ret_n = n;
    return more < 0 ? -1 : 0;
}

static int note(struct db_conn *c, const struct artifact_facts *f, const char *what, struct err *e)
{
    return registry_audit(c, AUDIT_update_artifact, f->repository_id, '@', f->digest, what, e);
}

int label_attach(struct registry *r, const struct artifact_facts *f, int64_t label, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    int found = db_one(t.conn, Q_label_by_id, DB_ARGS(DB_I64(label)), &rows, e);
    if (found < 0)
        return -1;
    if (!found || (!db_is_null(&rows, 1) && db_i64(&rows, 1) != f->project_id))
        return ERR(e, NOT_FOUND, "there is no label %lld for this project", (long long)label);
    db_rows_done(&rows);
    if (db_exec(t.conn, Q_artifact_label_add, DB_ARGS(DB_I64(f->id), DB_I64(label)), NULL, e) < 0)
        return e && e->code == ERR_CONFLICT
                   ? ERR(e, CONFLICT, "the label is on the artifact already")
                   : -1;
    return note(t.conn, f, "a label is put on it", e) < 0 ? -1 : db_commit(&t, e);
}

int label_detach(struct registry *r, const struct artifact_facts *f, int64_t label, struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t changed = 0;

    if (db_begin(r->db, &t, e) < 0 ||
        db_exec(t.conn, Q_artifact_label_remove, DB_ARGS(DB_I64(f->id), DB_I64(label)), &changed,
                e) < 0)
        return -1;
    if (changed == 0)
        return ERR(e, NOT_FOUND, "the label %lld is not on the artifact", (long long)label);
    return note(t.conn, f, "a label is taken away", e) < 0 ? -1 : db_commit(&t, e);
}
