/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breadth first, once for each direction over the same nodes. Rows are gathered before anything
 * else is asked: a statement has one cursor at a time.
 */
#include "registry/graph.h"

#include "base/json.h"
#include "registry/internal.h"

#include <stdlib.h>

/* Annotations that are read for a title. */
#define ANNOTATIONS_MAX (64 * KIB)
/* The rows of one step: LIMIT_GRAPH_STEP of them with a target, two digests and what a list adds.
 */
#define STEP_ARENA (1 * MIB)

enum { UP, DOWN, DIRECTIONS };

/* What is known of a node beside what is told of it. */
struct place {
    int64_t repository;
    struct str display; /* lower case */
    struct str accessory_of;
    bool waits[DIRECTIONS]; /* it was reached this way */
};

struct walk {
    struct registry *r;
    struct db_conn *c;
    struct arena *a;
    const struct graph_eyes *eyes;
    struct graph g;
    struct place *places; /* beside the nodes */
    int64_t next_absent;  /* the id of the next node without an artifact */
    size_t *next, n_next; /* nodes of the next step */
    int way;
};

/* ---- nodes and edges ---- */

static int copy(struct walk *w, struct str s, struct str *ret, struct err *e)
{
    if (s.n == 0) {
        *ret = STR("");
        return 0;
    }
    return registry_copy(w->a, s, ret, e);
}

static struct str title_of(struct walk *w, struct str annotations)
{
    struct str title;
    struct err ignored;

    if (annotations.n == 0 || annotations.n > ANNOTATIONS_MAX)
        return STR("");
    AUTO_JSON json = json_load(annotations, ERR_CORRUPT, &ignored);
    struct str said = json_get_str(json, "org.opencontainers.image.title");
    return said.n <= LIMIT_MODEL_TITLE && copy(w, said, &title, &ignored) == 0 ? title : STR("");
}

static int read_tags(struct walk *w, struct graph_node *n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    n->tags = arena_try(w->a, LIMIT_GRAPH_TAGS * sizeof(*n->tags), e);
    if (!n->tags || db_query(w->c, Q_graph_tags, DB_ARGS(DB_I64(n->id), DB_I64(LIMIT_GRAPH_TAGS)),
                             &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0 && n->n_tags < LIMIT_GRAPH_TAGS)
        if (copy(w, db_text(&rows, 0), &n->tags[n->n_tags++], e) < 0)
            return -1;
    return more < 0 ? -1 : 0;
}

static bool has_room(struct walk *w)
{
    if (w->g.n_nodes < LIMIT_GRAPH_NODES)
        return true;
    w->g.truncated = true;
    return false;
}

/* Fills the node behind the last from the row of Q_graph_artifact. */
static int fill(struct walk *w, const struct db_rows *rows, struct err *e)
{
    struct graph_node *n = &w->g.nodes[w->g.n_nodes];
    struct place *p = &w->places[w->g.n_nodes];
    struct str display;

    *n = (struct graph_node){.id = db_i64(rows, 0), .name = STR("")};
    *p = (struct place){.repository = db_i64(rows, 1)};
    if (copy(w, db_text(rows, 4), &n->project, e) < 0 ||
        copy(w, db_text(rows, 5), &n->repository, e) < 0 ||
        copy(w, db_text(rows, 6), &display, e) < 0 ||
        copy(w, db_text(rows, 7), &n->digest, e) < 0 ||
        copy(w, db_text(rows, 8), &n->kind, e) < 0 ||
        copy(w, db_text(rows, 9), &n->artifact_type, e) < 0 ||
        copy(w, db_is_null(rows, 10) ? STR("") : db_text(rows, 10), &p->accessory_of, e) < 0)
        return -1;
    n->title = db_is_null(rows, 11) ? STR("") : title_of(w, db_text(rows, 11));
    if (n->title.n == 0)
        n->title = display;
    p->display = registry_lower(w->a, display);
    return 0;
}

/* The node of an artifact: 1, 0 the caller does not see it or there is no room, -1. */
static int node_of(struct walk *w, int64_t artifact, size_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};

    for (size_t i = 0; i < w->g.n_nodes; i++)
        if (w->g.nodes[i].id == artifact) {
            *ret = i;
            return 1;
        }
    int found = db_one(w->c, Q_graph_artifact, DB_ARGS(DB_I64(artifact)), &rows, e);
    if (found > 0)
        found = w->eyes->sees(w->eyes->self, db_i64(&rows, 2), db_i64(&rows, 3) == 1, e);
    if (found <= 0)
        return found;
    if (!has_room(w))
        return 0;
    if (fill(w, &rows, e) < 0 || read_tags(w, &w->g.nodes[w->g.n_nodes], e) < 0)
        return -1;
    *ret = w->g.n_nodes++;
    return 1;
}

/* The node of what is not here: 1, 0 there is no room, -1. */
static int node_absent(struct walk *w, struct str name, size_t *ret, struct err *e)
{
    for (size_t i = 0; i < w->g.n_nodes; i++)
        if (w->g.nodes[i].id < 0 && str_eq(w->g.nodes[i].name, name)) {
            *ret = i;
            return 1;
        }
    if (!has_room(w))
        return 0;
    struct graph_node *n = &w->g.nodes[w->g.n_nodes];
    *n = (struct graph_node){.id = --w->next_absent};
    if (copy(w, name, &n->name, e) < 0)
        return -1;
    w->places[w->g.n_nodes] = (struct place){.repository = 0};
    *ret = w->g.n_nodes++;
    return 1;
}

static bool is_same(const struct graph_edge *a, const struct graph_edge *b)
{
    return a->from == b->from && a->to == b->to && a->source == b->source && a->link == b->link &&
           strcmp(a->relation, b->relation) == 0 && str_eq(a->accessory, b->accessory) &&
           str_eq(a->target, b->target);
}

/* Between two nodes; `other` is the one that was reached, and comes next in this direction. */
static int join(struct walk *w, size_t from, size_t to, size_t other, struct graph_edge edge,
                struct err *e)
{
    edge.from = w->g.nodes[from].id;
    edge.to = w->g.nodes[to].id;
    if (w->g.nodes[other].id > 0 && !w->places[other].waits[w->way]) {
        w->places[other].waits[w->way] = true;
        w->next[w->n_next++] = other;
    }
    for (size_t i = 0; i < w->g.n_edges; i++)
        if (is_same(&w->g.edges[i], &edge))
            return 0;
    if (w->g.n_edges == LIMIT_GRAPH_EDGES) {
        w->g.truncated = true;
        return 0;
    }
    if (copy(w, edge.target, &edge.target, e) < 0 ||
        copy(w, edge.accessory, &edge.accessory, e) < 0)
        return -1;
    w->g.edges[w->g.n_edges++] = edge;
    return 0;
}

/* ---- targets ---- */

/* The repository that a name means, if the caller sees it: 1, 0, -1. */
static int find_repository(struct walk *w, struct str name, int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(w->c, Q_link_repository, DB_ARGS(DB_TEXT(name)), &rows, e);

    if (found == 0)
        found = db_one(w->c, Q_link_repository_by_display, DB_ARGS(DB_TEXT(name)), &rows, e);
    if (found <= 0)
        return found;
    *ret = db_i64(&rows, 0);
    return w->eyes->sees(w->eyes->self, db_i64(&rows, 1), db_i64(&rows, 2) == 1, e);
}

/* What is meant where no tag is named: 1, 0, -1. */
static int find_latest(struct walk *w, int64_t repository, int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(w->c, Q_link_latest, DB_ARGS(DB_I64(repository)), &rows, e);

    if (found <= 0 || db_is_null(&rows, 0))
        return found < 0 ? -1 : 0;
    *ret = db_i64(&rows, 0);
    return 1;
}

/* The artifact that a target is, if the caller sees it: 1, 0, -1. */
static int find_target(struct walk *w, const struct link_target *t, int64_t *ret, struct err *e)
{
    int64_t repository;

    if (!t->name[0] || (t->host[0] && !str_ieq(str_from(t->host), w->eyes->host)))
        return 0;
    int found = find_repository(w, str_from(t->name), &repository, e);
    if (found <= 0)
        return found;
    if (!t->ref[0])
        return find_latest(w, repository, ret, e);
    return registry_one_id(w->c, strchr(t->ref, ':') ? Q_artifact_id : Q_tag_artifact,
                           DB_ARGS(DB_I64(repository), DB_TEXTZ(t->ref)), ret, e);
}

/* ---- up ---- */

struct found_link {
    int64_t id;
    struct graph_edge edge;
    struct link_target target;
};

/* Rows of Q_link_of_artifact: texts in the arena. */
static int read_link(const struct db_rows *rows, struct arena *a, struct found_link *ret,
                     struct err *e)
{
    enum link_relation relation = LINK_RELATED;
    struct found_link f = {.id = db_i64(rows, 0),
                           .edge = {.source = (enum link_source)db_i64(rows, 2)}};

    (void)link_relation_find(db_text(rows, 1), &relation);
    f.edge.relation = link_relation_name(relation);
    f.edge.link = db_i64(rows, 7) ? db_i64(rows, 0) : 0;
    if (registry_copy(a, db_text(rows, 3), &f.edge.target, e) < 0 ||
        registry_copy(a, db_text(rows, 8), &f.edge.accessory, e) < 0)
        return -1;
    link_target_parse(f.edge.target, &f.target);
    *ret = f;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct found_link *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int up_links(struct walk *w, size_t at, struct err *e)
{
    AUTO_FREE struct found_link *v = NEW_ARRAY(LIMIT_GRAPH_STEP, struct found_link);
    AUTO(arena) texts = {0};
    size_t n = 0, to;
    int more;

    arena_init(&texts, STEP_ARENA);
    {
        AUTO(db_rows) rows = {0};
        if (db_query(w->c, Q_link_of_artifact,
                     DB_ARGS(DB_I64(w->g.nodes[at].id), DB_I64(LIMIT_GRAPH_STEP + 1)), &rows,
                     e) < 0)
            return -1;
        for (; (more = db_next(&rows, e)) > 0 && n < LIMIT_GRAPH_STEP; n++)
            if (read_link(&rows, &texts, &v[n], e) < 0)
                return -1;
        if (more < 0)
            return -1;
        w->g.truncated = w->g.truncated || more > 0;
    }
    qsort(v, n, sizeof(*v), by_id); /* in the order in which they were said */
    for (size_t i = 0; i < n; i++) {
        int64_t artifact = 0;
        int found = find_target(w, &v[i].target, &artifact, e);
        if (found > 0 && artifact == w->g.nodes[at].id)
            continue; /* its own name */
        if (found > 0)
            found = node_of(w, artifact, &to, e);
        else if (found == 0)
            found = node_absent(w, v[i].edge.target, &to, e);
        if (found < 0 || (found > 0 && join(w, at, to, to, v[i].edge, e) < 0))
            return -1;
    }
    return 0;
}

/* What the manifest names by its digest: id 0: it is not here. */
static int up_digest(struct walk *w, size_t at, int64_t id, struct str digest, const char *relation,
                     struct err *e)
{
    size_t to;
    int found = id ? node_of(w, id, &to, e) : node_absent(w, digest, &to, e);

    if (found <= 0)
        return found;
    return join(w, at, to, to,
                (struct graph_edge){.relation = relation, .source = LINK_OF_MANIFEST}, e);
}

static int up_subject(struct walk *w, size_t at, struct err *e)
{
    const struct place *p = &w->places[at];
    int64_t id = 0;

    if (p->accessory_of.n == 0)
        return 0;
    int found = registry_one_id(w->c, Q_artifact_id,
                                DB_ARGS(DB_I64(p->repository), DB_TEXT(p->accessory_of)), &id, e);
    return found < 0 ? -1 : up_digest(w, at, id, p->accessory_of, GRAPH_SUBJECT, e);
}

static int up_members(struct walk *w, size_t at, struct err *e)
{
    AUTO_FREE int64_t *ids = NEW_ARRAY(LIMIT_GRAPH_STEP, int64_t);
    AUTO_FREE struct str *digests = NEW_ARRAY(LIMIT_GRAPH_STEP, struct str);
    AUTO(arena) texts = {0};
    size_t n = 0;
    int more;

    arena_init(&texts, STEP_ARENA);
    {
        AUTO(db_rows) rows = {0};
        if (db_query(w->c, Q_graph_members,
                     DB_ARGS(DB_I64(w->g.nodes[at].id), DB_I64(LIMIT_GRAPH_STEP + 1)), &rows,
                     e) < 0)
            return -1;
        for (; (more = db_next(&rows, e)) > 0 && n < LIMIT_GRAPH_STEP; n++) {
            ids[n] = db_is_null(&rows, 0) ? 0 : db_i64(&rows, 0);
            if (registry_copy(&texts, db_text(&rows, 1), &digests[n], e) < 0)
                return -1;
        }
        if (more < 0)
            return -1;
        w->g.truncated = w->g.truncated || more > 0;
    }
    for (size_t i = 0; i < n; i++)
        if (up_digest(w, at, ids[i], digests[i], GRAPH_MEMBER, e) < 0)
            return -1;
    return 0;
}

/* ---- down ---- */

struct dependent {
    struct graph_edge edge;
    int64_t artifact, repository;
    struct str accessory_of;
};

static int read_dependent(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    enum link_relation relation = LINK_RELATED;
    struct dependent d = {.artifact = db_i64(rows, 1),
                          .repository = db_i64(rows, 7),
                          .edge = {.source = (enum link_source)db_i64(rows, 3)}};

    (void)link_relation_find(db_text(rows, 2), &relation);
    d.edge.relation = link_relation_name(relation);
    d.edge.link = db_i64(rows, 5) ? db_i64(rows, 0) : 0;
    if (registry_copy(a, db_text(rows, 4), &d.edge.target, e) < 0 ||
        registry_copy(a, db_text(rows, 6), &d.edge.accessory, e) < 0 ||
        registry_copy(a, db_is_null(rows, 8) ? STR("") : db_text(rows, 8), &d.accessory_of, e) < 0)
        return -1;
    *(struct dependent *)ret = d;
    return 0;
}

/* h says it, a is what depends. $4, $5: names of the repository; $6: the host of the registry. $7:
 * those that name no tag count as well; $8: this reference; $9: a tag of this artifact; $10: a tag
 * or a digest of this repository. */
const struct db_list graph_dependent_list = {
    .name = "dependents",
    .columns = "l.id, a.id, l.relation, l.source, l.target,"
               " CASE WHEN l.artifact_id IS NULL THEN 0 ELSE 1 END,"
               " CASE WHEN l.artifact_id IS NULL AND l.source = 3 THEN h.digest ELSE '' END,"
               " a.repository_id, a.accessory_of",
    .from =
        "artifact_link l JOIN artifact h ON h.id = l.artifact_id OR h.document_id = l.document_id"
        " JOIN artifact a ON a.repository_id = h.repository_id AND a.digest ="
        " CASE WHEN l.artifact_id IS NULL AND l.source = 3 THEN h.accessory_of ELSE h.digest END"
        " JOIN repository r ON r.id = a.repository_id JOIN project p ON p.id = r.project_id"
        " WHERE l.name <> '' AND l.name IN ($4, $5) AND l.host IN ('', $6)"
        " AND (($7 = 1 AND l.ref = '') OR l.ref = $8"
        " OR EXISTS (SELECT 1 FROM tag t WHERE t.artifact_id = $9 AND t.name = l.ref)"
        " OR EXISTS (SELECT 1 FROM tag t WHERE t.repository_id = $10 AND t.name = l.ref)"
        " OR EXISTS (SELECT 1 FROM artifact b WHERE b.repository_id = $10 AND b.digest = l.ref))"
        " AND (l.source <> 2 OR NOT EXISTS"
        " (SELECT 1 FROM artifact_blob x WHERE x.artifact_id = h.id AND NOT EXISTS (SELECT 1"
        " FROM repository_blob k WHERE k.repository_id = h.repository_id AND k.blob_id = x.blob_id)"
        " AND EXISTS (SELECT 1 FROM extent y WHERE y.blob_id = x.blob_id)))"
        " AND " PROJECT_IS_VISIBLE,
    .n_args = 10,
    .order = "l.id",
    .key = "a.id",
    .size = sizeof(struct dependent),
    .row = read_dependent,
};

/* What is asked of graph_dependent_list beyond the names. */
struct named {
    bool loose;
    struct str ref;
    int64_t artifact, repository;
};

/* Those of a repository, by its names, into the arena. `shadowed`: its display id is another one's
 * name. */
static int list_dependents(struct walk *w, struct str name, struct str display,
                           const struct named *how, struct arena *a, struct db_page *ret,
                           struct err *e)
{
    const struct project_visibility *v = &w->eyes->projects;
    const struct db_list_query q = {.limit = LIMIT_GRAPH_STEP + 1};
    int64_t other;
    int shadowed = str_eq(name, display) ? 0
                                         : registry_one_id(w->c, Q_repository_id,
                                                           DB_ARGS(DB_TEXT(display)), &other, e);

    if (shadowed < 0 ||
        db_list_some(w->c, &graph_dependent_list,
                     DB_ARGS(DB_I64(v->all), DB_I64(v->user_id), DB_I64(v->robot_id), DB_TEXT(name),
                             DB_TEXT(shadowed ? name : display), DB_TEXT(w->eyes->host),
                             DB_I64(how->loose), DB_TEXT(how->ref), DB_I64(how->artifact),
                             DB_I64(how->repository)),
                     &q, a, ret, e) < 0)
        return -1;
    if (ret->n > LIMIT_GRAPH_STEP) {
        ret->n = LIMIT_GRAPH_STEP;
        w->g.truncated = true;
    }
    return 0;
}

static int down_links(struct walk *w, size_t at, struct err *e)
{
    const struct graph_node *n = &w->g.nodes[at];
    AUTO(arena) texts = {0};
    int64_t latest = 0;
    struct db_page page;
    size_t from;

    arena_init(&texts, STEP_ARENA);
    if (find_latest(w, w->places[at].repository, &latest, e) < 0)
        return -1;
    const struct named how = {.loose = latest == n->id, .ref = n->digest, .artifact = n->id};
    if (list_dependents(w, n->repository, w->places[at].display, &how, &texts, &page, e) < 0)
        return -1;
    const struct dependent *v = page.v;
    for (size_t i = 0; i < page.n; i++) {
        if (v[i].artifact == n->id)
            continue;
        int found = node_of(w, v[i].artifact, &from, e);
        if (found < 0 || (found > 0 && join(w, from, at, from, v[i].edge, e) < 0))
            return -1;
    }
    return 0;
}

static int down_all(struct walk *w, size_t at, enum db_query q, struct db_args args,
                    const char *relation, struct err *e)
{
    AUTO_FREE int64_t *ids = NEW_ARRAY(LIMIT_GRAPH_STEP, int64_t);
    size_t n = 0, from;
    int more;

    {
        AUTO(db_rows) rows = {0};
        if (db_query(w->c, q, args, &rows, e) < 0)
            return -1;
        while ((more = db_next(&rows, e)) > 0 && n < LIMIT_GRAPH_STEP)
            ids[n++] = db_i64(&rows, 0);
        if (more < 0)
            return -1;
        w->g.truncated = w->g.truncated || more > 0;
    }
    for (size_t i = 0; i < n; i++) {
        int found = node_of(w, ids[i], &from, e);
        if (found < 0 ||
            (found > 0 &&
             join(w, from, at, from,
                  (struct graph_edge){.relation = relation, .source = LINK_OF_MANIFEST}, e) < 0))
            return -1;
    }
    return 0;
}

/* ---- the walk ---- */

static int expand(struct walk *w, size_t at, struct err *e)
{
    if (w->way == UP)
        return up_links(w, at, e) < 0 || up_subject(w, at, e) < 0 ? -1 : up_members(w, at, e);
    const struct db_arg repository = DB_I64(w->places[at].repository),
                        digest = DB_TEXT(w->g.nodes[at].digest),
                        limit = DB_I64(LIMIT_GRAPH_STEP + 1);
    if (down_links(w, at, e) < 0 ||
        down_all(w, at, Q_graph_accessories,
                 DB_ARGS(repository, digest, DB_TEXTZ(OCI_TYPE_LINK), limit), GRAPH_SUBJECT, e) < 0)
        return -1;
    return down_all(w, at, Q_graph_indexes, DB_ARGS(repository, digest, limit), GRAPH_MEMBER, e);
}

static int spread(struct walk *w, int way, unsigned depth, struct err *e)
{
    AUTO_FREE size_t *now = NEW_ARRAY(LIMIT_GRAPH_NODES, size_t);
    AUTO_FREE size_t *next = NEW_ARRAY(LIMIT_GRAPH_NODES, size_t);
    size_t n = 1;

    w->way = way;
    w->next = next;
    now[0] = 0;
    w->places[0].waits[way] = true;
    for (; depth > 0 && n > 0; depth--) {
        w->n_next = 0;
        for (size_t i = 0; i < n; i++)
            if (expand(w, now[i], e) < 0)
                return -1;
        n = w->n_next;
        memcpy(now, next, n * sizeof(*now));
    }
    w->next = NULL;
    return 0;
}

static int begin(struct walk *w, struct registry *r, struct arena *a, const struct graph_eyes *eyes,
                 struct err *e)
{
    *w = (struct walk){.r = r, .c = db_reader(r->db), .a = a, .eyes = eyes};
    w->g.nodes = arena_try(a, LIMIT_GRAPH_NODES * sizeof(*w->g.nodes), e);
    w->g.edges = arena_try(a, LIMIT_GRAPH_EDGES * sizeof(*w->g.edges), e);
    w->places = arena_try(a, LIMIT_GRAPH_NODES * sizeof(*w->places), e);
    return w->g.nodes && w->g.edges && w->places ? 0 : -1;
}

int graph_read(struct registry *r, struct arena *a, const struct graph_eyes *eyes, int64_t artifact,
               bool up, bool down, unsigned depth, struct graph *ret, struct err *e)
{
    struct walk w;
    size_t root;

    if (begin(&w, r, a, eyes, e) < 0)
        return -1;
    int found = node_of(&w, artifact, &root, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "the artifact is gone");
    if ((up && spread(&w, UP, depth, e) < 0) || (down && spread(&w, DOWN, depth, e) < 0))
        return -1;
    *ret = w.g;
    return 0;
}

/* ---- what loses its target ---- */

/* What goes, as a walk sees it, and how links name it; 1, 0 nothing is there that could be named,
 * -1. */
static int find_loss(struct walk *w, const struct graph_loss *loss, struct graph_node *ret_node,
                     struct place *ret_place, struct named *ret, struct err *e)
{
    int64_t artifact = loss->artifact, latest = 0;
    size_t at;

    if (loss->repository) {
        int there = find_latest(w, loss->repository, &artifact, e);
        if (there <= 0)
            return there;
    }
    int found = node_of(w, artifact, &at, e);
    if (found <= 0)
        return found;
    *ret_node = w->g.nodes[at];
    *ret_place = w->places[at];
    w->g.n_nodes = 0; /* it is none of those that are told */
    if (find_latest(w, ret_place->repository, &latest, e) < 0)
        return -1;
    bool is_latest = latest == artifact;
    if (loss->repository)
        *ret = (struct named){.loose = true, .ref = STR(""), .repository = loss->repository};
    else if (loss->tag.n)
        *ret = (struct named){.loose = is_latest &&
                                       (str_eqz(loss->tag, "latest") || ret_node->n_tags == 1),
                              .ref = loss->tag};
    else
        *ret = (struct named){.loose = is_latest, .ref = ret_node->digest, .artifact = artifact};
    return 1;
}

/* Does it go along with the loss? Its own links, and those of what is about it. */
static bool goes_too(const struct dependent *d, const struct graph_loss *loss,
                     const struct graph_node *node, const struct place *place)
{
    if (loss->repository)
        return d->repository == loss->repository;
    if (loss->tag.n)
        return false;
    return d->artifact == loss->artifact ||
           (d->repository == place->repository && str_eq(d->accessory_of, node->digest));
}

int graph_losers(struct registry *r, struct arena *a, const struct graph_eyes *eyes,
                 const struct graph_loss *loss, struct graph *ret, struct err *e)
{
    struct graph_node node = {.id = 0};
    struct place place = {.repository = 0};
    struct named how = {.loose = false};
    struct db_page page = {0};
    struct walk w;

    if (begin(&w, r, a, eyes, e) < 0)
        return -1;
    int found = find_loss(&w, loss, &node, &place, &how, e);
    if (found < 0 ||
        (found > 0 && list_dependents(&w, node.repository, place.display, &how, a, &page, e) < 0))
        return -1;
    const struct dependent *v = page.v;
    for (size_t i = 0; i < page.n; i++) {
        size_t from;
        if (goes_too(&v[i], loss, &node, &place))
            continue;
        found = node_of(&w, v[i].artifact, &from, e);
        if (found < 0)
            return -1;
        if (found > 0) {
            w.g.edges[w.g.n_edges] = v[i].edge;
            w.g.edges[w.g.n_edges++].from = w.g.nodes[from].id;
        }
    }
    *ret = w.g;
    return 0;
}
