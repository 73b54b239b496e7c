/* SPDX-License-Identifier: Apache-2.0 */
/* What an artifact depends on, and what depends on it. Harbor has none of this. */
#include "api/harbor/harbor.h"
#include "api/linked.h"
#include "base/mem.h"

#define ARTIFACT                                                                                   \
    "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}"

/* ---- objects ---- */

struct shown_node {
    int64_t id;
    bool resolved;
    struct str name, project, repository, digest, kind, artifact_type, title;
    struct api_strs tags;
};
static const struct api_field node_fields[] = {
    {"id", API_INT, offsetof(struct shown_node, id), API_ALWAYS, NULL, 0,
     "The number of the artifact; below zero where there is none."},
    {"resolved", API_BOOL, offsetof(struct shown_node, resolved), API_ALWAYS, NULL, 0,
     "It is an artifact of this registry that the caller may see."},
    {"name", API_STR, offsetof(struct shown_node, name), 0, NULL, 0,
     "If it is not: how it is called by what names it."},
    {"project", API_STR, offsetof(struct shown_node, project), 0, NULL, 0, "Its project."},
    {"repository", API_STR, offsetof(struct shown_node, repository), 0, NULL, 0,
     "Its repository, with the project."},
    {"digest", API_STR, offsetof(struct shown_node, digest), 0, NULL, 0, "Its digest."},
    {"tags", API_STRS, offsetof(struct shown_node, tags), 0, NULL, 0, "Its first tags."},
    {"title", API_STR, offsetof(struct shown_node, title), 0, NULL, 0,
     "What it is called: its annotation, or the display id of its repository."},
    {"type", API_STR, offsetof(struct shown_node, kind), 0, NULL, 0, "What it is: IMAGE, CNAI …"},
    {"artifact_type", API_STR, offsetof(struct shown_node, artifact_type), 0, NULL, 0,
     "The type of its manifest."},
};
static const struct api_object node_object = {
    .name = "GraphNode",
    .size = sizeof(struct shown_node),
    .fields = node_fields,
    .n = ARRAY_LEN(node_fields),
    .doc = "An artifact, or the name of one that is not here.",
};

struct shown_edge {
    int64_t from, to, link;
    struct str relation, source, target, accessory;
};
static const struct api_field edge_fields[] = {
    {"from", API_INT, offsetof(struct shown_edge, from), API_ALWAYS, NULL, 0,
     "The node that depends."},
    {"to", API_INT, offsetof(struct shown_edge, to), API_ALWAYS, NULL, 0,
     "The node that it depends on."},
    {"relation", API_STR, offsetof(struct shown_edge, relation), 0, NULL, 0,
     "What it is of it: base, adapter, dataset, quantized, finetune, merge, related; subject: it "
     "is "
     "about it; member: it is an index that holds it."},
    {"source", API_STR, offsetof(struct shown_edge, source), 0, NULL, 0,
     "What says so: manifest, card (or configuration) of the model, manual."},
    {"target", API_STR, offsetof(struct shown_edge, target), 0, NULL, 0,
     "How it is written there."},
    {"link_id", API_INT, offsetof(struct shown_edge, link), 0, NULL, 0,
     "The number of a link that was set by this API."},
    {"accessory", API_STR, offsetof(struct shown_edge, accessory), 0, NULL, 0,
     "The digest of the artifact that says nothing else."},
};
static const struct api_object edge_object = {
    .name = "GraphEdge",
    .size = sizeof(struct shown_edge),
    .fields = edge_fields,
    .n = ARRAY_LEN(edge_fields),
    .doc = "That one artifact depends on another.",
};

struct shown_graph {
    int64_t root;
    struct api_list nodes, edges;
    bool truncated;
};
static const struct api_field graph_fields[] = {
    {"root", API_INT, offsetof(struct shown_graph, root), API_ALWAYS, NULL, 0,
     "The node of the artifact asked about."},
    {"nodes", API_LIST, offsetof(struct shown_graph, nodes), 0, &node_object, 0, "All nodes."},
    {"edges", API_LIST, offsetof(struct shown_graph, edges), 0, &edge_object, 0,
     "All edges; null: there is none."},
    {"truncated", API_BOOL, offsetof(struct shown_graph, truncated), API_ALWAYS, NULL, 0,
     "There is more than is told at once."},
};
static const struct api_object graph_object = {
    .name = "Graph",
    .size = sizeof(struct shown_graph),
    .fields = graph_fields,
    .n = ARRAY_LEN(graph_fields),
    .doc = "What an artifact depends on and what depends on it.",
};

struct wanted_link {
    struct str target, relation;
};
static const struct api_field link_fields[] = {
    {"target", API_STR, offsetof(struct wanted_link, target), API_REQUIRED, NULL, 0,
     "What it depends on: PROJECT/REPOSITORY[:TAG][@DIGEST], with or without the host of the "
     "registry, the id of a hub, or any other name."},
    {"relation", API_STR, offsetof(struct wanted_link, relation), API_REQUIRED, NULL, 0,
     "base, adapter, dataset, quantized, finetune, merge or related."},
};
static const struct api_object link_object = {
    .name = "LinkReq",
    .size = sizeof(struct wanted_link),
    .fields = link_fields,
    .n = ARRAY_LEN(link_fields),
    .doc = "What an artifact depends on, as somebody says.",
};

/* ---- the graph ---- */

static const char *source_name(enum link_source s)
{
    return s == LINK_OF_MANIFEST ? "manifest" : s == LINK_OF_CARD ? "card" : "manual";
}

static struct shown_graph show(struct http_req *rq, const struct graph *g)
{
    struct shown_node *nodes = ARENA_ARRAY(&rq->arena, g->n_nodes, struct shown_node);
    struct shown_edge *edges = ARENA_ARRAY(&rq->arena, g->n_edges, struct shown_edge);

    for (size_t i = 0; i < g->n_nodes; i++) {
        const struct graph_node *n = &g->nodes[i];
        nodes[i] = (struct shown_node){.id = n->id,
                                       .resolved = n->id > 0,
                                       .name = n->name,
                                       .project = n->project,
                                       .repository = n->repository,
                                       .digest = n->digest,
                                       .kind = n->kind,
                                       .artifact_type = n->artifact_type,
                                       .title = n->title,
                                       .tags = {n->tags, n->n_tags}};
    }
    for (size_t i = 0; i < g->n_edges; i++) {
        const struct graph_edge *x = &g->edges[i];
        edges[i] = (struct shown_edge){.from = x->from,
                                       .to = x->to,
                                       .link = x->link,
                                       .relation = str_from(x->relation),
                                       .source = str_from(source_name(x->source)),
                                       .target = x->target,
                                       .accessory = x->accessory};
    }
    return (struct shown_graph){.root = g->nodes[0].id,
                                .nodes = {nodes, g->n_nodes},
                                .edges = {edges, g->n_edges},
                                .truncated = g->truncated};
}

static int read_wish(struct http_req *rq, bool *ret_up, bool *ret_down, unsigned *ret_depth,
                     struct err *e)
{
    struct str way = http_query(rq, "direction"), depth = http_query(rq, "depth");
    uint64_t n = 1;
    bool both = way.n == 0 || str_eqz(way, "both");

    *ret_up = both || str_eqz(way, "up");
    *ret_down = both || str_eqz(way, "down");
    if (!*ret_up && !*ret_down)
        return ERR(e, UNPROCESSABLE, "direction in query must be up, down or both, not \"%.*s\"",
                   S(str_head(way, 40)));
    if (depth.n && !str_u64(depth, 1, LIMIT_GRAPH_DEPTH, &n))
        return ERR(e, UNPROCESSABLE, "depth in query must be a number from 1 to %d, not \"%.*s\"",
                   LIMIT_GRAPH_DEPTH, S(str_head(depth, 40)));
    *ret_depth = (unsigned)n;
    return 0;
}

static int get_graph(struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    struct graph g;
    bool up, down;
    unsigned depth;

    if (read_wish(rq, &up, &down, &depth, e) < 0 || harbor_artifact(rq, &f, e) < 0)
        return -1;
    const struct graph_eyes eyes = api_eyes(rq);
    if (graph_read(&api_app(rq)->registry, &rq->arena, &eyes, f.id, up, down, depth, &g, e) < 0)
        return -1;
    const struct shown_graph shown = show(rq, &g);
    return harbor_reply(rq, &shown);
}

/* ---- by hand ---- */

static int add_link(struct http_req *rq, struct err *e)
{
    struct wanted_link wanted = {0};
    enum link_relation relation;
    struct artifact_facts f;
    int64_t id = 0;

    if (harbor_body(rq, &wanted, NULL, e) < 0)
        return -1;
    if (!link_relation_find(wanted.relation, &relation))
        return ERR(e, BAD_REQUEST,
                   "\"relation\" must be base, adapter, dataset, quantized, finetune, merge or "
                   "related");
    if (harbor_artifact(rq, &f, e) < 0 ||
        link_add(&api_app(rq)->registry, &f, relation, wanted.target, &id, e) < 0)
        return -1;
    return harbor_reply_created(rq, id);
}

static int remove_link(struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    int64_t id;

    if (harbor_param_id(rq, "link_id", &id, e) < 0 || harbor_artifact(rq, &f, e) < 0 ||
        link_remove(&api_app(rq)->registry, &f, id, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

/* ---- routes ---- */

static const struct api_query graph_query[] = {
    {"direction", API_STR, "up: what it depends on; down: what depends on it; both.", false},
    {"depth", API_INT, "How many steps: 1, or up to 5.", false},
    {.name = NULL},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = ARTIFACT "/graph",
     .name = "artifact.graph.get",
     .permission = PERM_ARTIFACT_READ,
     .resolve = harbor_resolve_repository,
     .handler = get_graph,
     .doc = "See what an artifact depends on, and what depends on it.",
     .contract = &(const struct api_contract){.operation = "getGraph",
                                              .gives = &graph_object,
                                              .query = graph_query}},
    {.method = HTTP_POST,
     .pattern = ARTIFACT "/links",
     .name = "artifact.link.create",
     .permission = PERM_ARTIFACT_CREATE,
     .resolve = harbor_resolve_repository,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = add_link,
     .doc = "Say what an artifact depends on.",
     .contract = &(const struct api_contract){.operation = "createLink",
                                              .takes = &link_object,
                                              .status = 201}},
    {.method = HTTP_DELETE,
     .pattern = ARTIFACT "/links/{link_id}",
     .name = "artifact.link.delete",
     .permission = PERM_ARTIFACT_CREATE,
     .resolve = harbor_resolve_repository,
     .handler = remove_link,
     .doc = "Take a link away that was set by hand.",
     .contract = &(const struct api_contract){.operation = "deleteLink"}},
};

const struct http_group harbor_links_group = {
    .prefix = "/api/v2.0/",
    .title = "links",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
