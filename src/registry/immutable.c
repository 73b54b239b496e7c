/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/immutable.h"

#include "base/glob.h"
#include "base/json.h"
#include "registry/internal.h"

/* Rules that a project may have, and selectors of one. */
enum { RULES_MAX = 100, SELECTORS_MAX = 16 };

/* ---- selectors as JSON ---- */

static void write_selectors(const struct immutable_selectors *s, struct buf *out)
{
    struct json_writer w;

    jsonw_init(&w, out);
    jsonw_list(&w);
    for (size_t i = 0; i < s->n; i++) {
        jsonw_object(&w);
        jsonw_kstr(&w, "kind", s->v[i].kind);
        jsonw_kstr(&w, "decoration", s->v[i].decoration);
        jsonw_kstr(&w, "pattern", s->v[i].pattern);
        jsonw_kstr(&w, "extras", s->v[i].extras);
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
}

static int read_selectors(struct arena *a, struct str text, struct immutable_selectors *ret,
                          struct err *e)
{
    AUTO_JSON json = json_load(text, ERR_CORRUPT, e);

    if (!json)
        return -1;
    size_t n = json_array_size(json);
    ret->v = ARENA_ARRAY(a, n, struct immutable_selector);
    ret->n = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *s = json_array_get(json, i);
        ret->v[i] = (struct immutable_selector){
            .kind = arena_str(a, json_get_str(s, "kind")),
            .decoration = arena_str(a, json_get_str(s, "decoration")),
            .pattern = arena_str(a, json_get_str(s, "pattern")),
            .extras = arena_str(a, json_get_str(s, "extras")),
        };
    }
    return 0;
}

static int check_selectors(const struct immutable_selectors *s, const char *what, const char *takes,
                           const char *leaves, struct err *e)
{
    if (s->n == 0 || s->n > SELECTORS_MAX)
        return ERR(e, BAD_REQUEST, "\"%s\" must hold 1 to %d selectors", what, SELECTORS_MAX);
    for (size_t i = 0; i < s->n; i++) {
        const struct immutable_selector *x = &s->v[i];
        if (!str_eqz(x->kind, "doublestar"))
            return ERR(e, BAD_REQUEST, "\"%s\": \"kind\" must be \"doublestar\"", what);
        if (!str_eqz(x->decoration, takes) && !str_eqz(x->decoration, leaves))
            return ERR(e, BAD_REQUEST, "\"%s\": \"decoration\" must be \"%s\" or \"%s\"", what,
                       takes, leaves);
        if (x->pattern.n == 0 || glob_ways_wrong(x->pattern))
            return ERR(e, BAD_REQUEST, "\"%s\": the pattern \"%.*s\" cannot be read", what,
                       S(str_head(x->pattern, 60)));
    }
    return 0;
}

static int check(const struct immutable_rule *rule, struct err *e)
{
    if (check_selectors(&rule->tags, "tag_selectors", "matches", "excludes", e) < 0)
        return -1;
    return check_selectors(&rule->repositories, "scope_selectors", "repoMatches", "repoExcludes",
                           e);
}

/* ---- rows ---- */

static const struct db_field fields[] = {
    {.name = "id", .column = "i.id", .type = DB_FIELD_I64},
    {.name = "disabled", .column = "i.disabled", .type = DB_FIELD_BOOL},
    {.name = "priority", .column = "i.priority", .type = DB_FIELD_I64},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    struct immutable_rule *rule = ret;

    *rule = (struct immutable_rule){.id = db_i64(rows, 0),
                                    .project_id = db_i64(rows, 1),
                                    .priority = db_i64(rows, 2),
                                    .disabled = db_i64(rows, 3) != 0};
    return read_selectors(a, db_text(rows, 4), &rule->tags, e) < 0
               ? -1
               : read_selectors(a, db_text(rows, 5), &rule->repositories, e);
}

const struct db_list immutable_list_fields = {
    .name = "immutable rules",
    .columns = "i.id, i.project_id, i.priority, i.disabled, i.tags, i.repositories",
    .from = "immutable_rule i WHERE i.project_id = $1",
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "i.id",
    .key = "i.id",
    .size = sizeof(struct immutable_rule),
    .row = read_row,
};

int immutable_list(struct registry *r, struct arena *a, int64_t project,
                   const struct db_list_query *q, struct db_page *ret, struct err *e)
{
    return db_list_page(db_reader(r->db), &immutable_list_fields, DB_ARGS(DB_I64(project)), q, a,
                        ret, e);
}

static int taken(struct err *e)
{
    return e && e->code == ERR_CONFLICT
               ? ERR(e, CONFLICT, "the project has a rule with these selectors already")
               : -1;
}

/* The first pattern says more in a log than a number. */
static struct audit_entry entry_of(enum audit_event event, const struct immutable_rule *rule)
{
    return (struct audit_entry){.event = event,
                                .project_id = rule->project_id,
                                .resource = rule->tags.n ? rule->tags.v[0].pattern : STR("")};
}

int immutable_create(struct registry *r, const struct immutable_rule *rule, int64_t *ret_id,
                     struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(buf) tags = {0};
    AUTO(buf) repositories = {0};
    struct immutable_rules there;
    AUTO(arena) a = {0};

    buf_init(&tags, LIMIT_API_BODY);
    buf_init(&repositories, LIMIT_API_BODY);
    arena_init(&a, 16 * MIB);
    if (check(rule, e) < 0)
        return -1;
    write_selectors(&rule->tags, &tags);
    write_selectors(&rule->repositories, &repositories);
    if (db_begin(r->db, &t, e) < 0 || immutable_load(t.conn, &a, rule->project_id, &there, e) < 0)
        return -1;
    if (there.n >= RULES_MAX)
        return ERR(e, BAD_REQUEST, "a project has at most %d rules", RULES_MAX);
    if (registry_one_id(t.conn, Q_immutable_add,
                        DB_ARGS(DB_I64(rule->project_id), DB_I64(rule->priority),
                                DB_I64(rule->disabled), DB_TEXT(buf_str(&tags)),
                                DB_TEXT(buf_str(&repositories))),
                        ret_id, e) <= 0)
        return taken(e);
    const struct audit_entry entry = entry_of(AUDIT_create_immutable, rule);
    return audit_add(t.conn, &entry, e) < 0 ? -1 : db_commit(&t, e);
}

static int change(struct registry *r, const struct immutable_rule *rule, enum audit_event event,
                  enum db_query q, struct db_args args, struct err *e)
{
    AUTO(db_txn) t = {0};
    const struct audit_entry entry = entry_of(event, rule);
    int64_t changed = 0;

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    if (db_exec(t.conn, q, args, &changed, e) < 0)
        return taken(e);
    if (changed == 0)
        return ERR(e, NOT_FOUND, "the project has no rule %lld", (long long)rule->id);
    return audit_add(t.conn, &entry, e) < 0 ? -1 : db_commit(&t, e);
}

int immutable_update(struct registry *r, const struct immutable_rule *rule, struct err *e)
{
    AUTO(buf) tags = {0};
    AUTO(buf) repositories = {0};

    buf_init(&tags, LIMIT_API_BODY);
    buf_init(&repositories, LIMIT_API_BODY);
    if (check(rule, e) < 0)
        return -1;
    write_selectors(&rule->tags, &tags);
    write_selectors(&rule->repositories, &repositories);
    return change(r, rule, AUDIT_update_immutable, Q_immutable_set,
                  DB_ARGS(DB_I64(rule->project_id), DB_I64(rule->id), DB_I64(rule->priority),
                          DB_I64(rule->disabled), DB_TEXT(buf_str(&tags)),
                          DB_TEXT(buf_str(&repositories))),
                  e);
}

int immutable_remove(struct registry *r, int64_t project, int64_t id, struct err *e)
{
    const struct immutable_rule rule = {.id = id, .project_id = project};

    return change(r, &rule, AUDIT_delete_immutable, Q_immutable_remove,
                  DB_ARGS(DB_I64(project), DB_I64(id)), e);
}

/* ---- in force ---- */

int immutable_load(struct db_conn *c, struct arena *a, int64_t project, struct immutable_rules *ret,
                   struct err *e)
{
    const struct db_list_query q = {.limit = RULES_MAX};
    struct db_page page;

    if (db_list_some(c, &immutable_list_fields, DB_ARGS(DB_I64(project)), &q, a, &page, e) < 0)
        return -1;
    *ret = (struct immutable_rules){.v = page.v, .n = page.n};
    return 0;
}

static bool selects(const struct immutable_selectors *s, struct str name)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct immutable_selector *x = &s->v[i];
        bool leaves = str_eqz(x->decoration, "excludes") || str_eqz(x->decoration, "repoExcludes");
        if (glob_match_ways(x->pattern, name) == leaves)
            return false;
    }
    return true;
}

bool immutable_holds(const struct immutable_rules *rules, struct str repository, struct str tag)
{
    struct str rest = repository;

    (void)str_cut(&rest, '/');
    for (size_t i = 0; i < rules->n; i++)
        if (!rules->v[i].disabled && selects(&rules->v[i].repositories, rest) &&
            selects(&rules->v[i].tags, tag))
            return true;
    return false;
}

/* The rules for a repository, and its name in the arena. */
static int load_for(struct db_conn *c, struct arena *a, int64_t repository, struct str *ret_name,
                    struct immutable_rules *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_repository_place, DB_ARGS(DB_I64(repository)), &rows, e);

    *ret = (struct immutable_rules){.n = 0};
    if (found <= 0)
        return found;
    *ret_name = arena_str(a, db_text(&rows, 0));
    int64_t project = db_i64(&rows, 1);
    db_rows_done(&rows);
    return immutable_load(c, a, project, ret, e);
}

static int refuse(struct str repository, struct str tag, struct err *e)
{
    return ERR(e, PRECONDITION,
               "the tag %.*s:%.*s is immutable: a rule of the project keeps it where it is",
               S(repository), S(tag));
}

int immutable_check_tag(struct db_conn *c, int64_t repository, struct str tag, struct err *e)
{
    AUTO(arena) a = {0};
    struct immutable_rules rules;
    struct str name;

    arena_init(&a, 16 * MIB);
    if (load_for(c, &a, repository, &name, &rules, e) < 0)
        return -1;
    return immutable_holds(&rules, name, tag) ? refuse(name, tag, e) : 0;
}

/* The first tag among those of q that a rule keeps; its name stands in a column of the rows. */
static int check_tags(struct db_conn *c, int64_t repository, enum db_query q, int64_t of, int name,
                      struct err *e)
{
    AUTO(arena) a = {0};
    AUTO(db_rows) rows = {0};
    struct immutable_rules rules;
    struct str place;
    int more;

    arena_init(&a, 16 * MIB);
    if (load_for(c, &a, repository, &place, &rules, e) < 0)
        return -1;
    if (rules.n == 0)
        return 0;
    if (db_query(c, q, DB_ARGS(DB_I64(of)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        if (immutable_holds(&rules, place, db_text(&rows, name)))
            return refuse(place, db_text(&rows, name), e);
    return more;
}

int immutable_check_repository(struct db_conn *c, int64_t repository, struct err *e)
{
    return check_tags(c, repository, Q_tag_names, repository, 0, e);
}

int immutable_check_artifact(struct db_conn *c, int64_t repository, int64_t artifact, struct err *e)
{
    return check_tags(c, repository, Q_tags_of_artifact, artifact, 3, e);
}
