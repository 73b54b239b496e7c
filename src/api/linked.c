/* SPDX-License-Identifier: Apache-2.0 */
#include "api/linked.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/metrics.h"

/* ---- eyes ---- */

/* What was found out of projects: the same few come again and again. */
struct looker {
    struct http_req *rq;
    struct {
        int64_t project;
        bool sees;
    } known[32];
    size_t n;
};

struct project_visibility api_visibility(const struct http_req *rq)
{
    const struct identity *id = api_identity(rq);
    const struct access_robot *robot = id->robot;

    return (struct project_visibility){
        .all = id->admin ||
               (robot && access_robot_has(robot, ACCESS_ROBOT_SYSTEM, 0, PERM_PROJECTS_LIST)),
        .user_id = id->user_id,
        .robot_id = robot ? robot->id : 0,
    };
}

static int sees(void *self, int64_t project, bool is_public, struct err *e)
{
    struct looker *l = self;
    const struct identity *id = api_identity(l->rq);
    struct access_target t = {.project_id = project};
    struct err ignored;

    for (size_t i = 0; i < l->n; i++)
        if (l->known[i].project == project)
            return l->known[i].sees;
    if (access_roles(api_app(l->rq)->access, id, project, is_public, &t.roles, e) < 0)
        return -1;
    bool may = access_check(id, &t, PERM_ARTIFACT_READ, &ignored) == 0;
    if (l->n < ARRAY_LEN(l->known)) {
        l->known[l->n].project = project;
        l->known[l->n++].sees = may;
    }
    return may;
}

struct graph_eyes api_eyes(struct http_req *rq)
{
    struct looker *l = ARENA_NEW(&rq->arena, struct looker);
    struct str host = str_from(http_base_url(rq));
    ptrdiff_t scheme = str_chr(host, ':');

    l->rq = rq;
    char *lower = arena_strz(&rq->arena, str_skip(host, (size_t)scheme + 3));
    for (char *c = lower; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    return (struct graph_eyes){
        .projects = api_visibility(rq), .host = str_from(lower), .sees = sees, .self = l};
}

/* ---- deletes ---- */

static void write_loser(struct json_writer *w, const struct graph *g, const struct graph_edge *edge)
{
    const struct graph_node *n = g->nodes;

    while (n->id != edge->from)
        n++;
    jsonw_object(w);
    jsonw_kstr(w, "project", n->project);
    jsonw_kstr(w, "repository", n->repository);
    jsonw_kstr(w, "digest", n->digest);
    jsonw_key(w, "tags");
    jsonw_list(w);
    for (size_t i = 0; i < n->n_tags; i++)
        jsonw_str(w, n->tags[i]);
    jsonw_list_done(w);
    jsonw_kstrz(w, "relation", edge->relation);
    jsonw_kstr(w, "target", edge->target);
    jsonw_object_done(w);
}

static int tell(struct http_req *rq, const struct graph *g)
{
    const struct err_info *info = err_info(ERR_PRECONDITION);
    struct json_writer w;
    struct buf out;

    buf_init(&out, LIMIT_API_ANSWER);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_key(&w, "errors");
    jsonw_list(&w);
    jsonw_object(&w);
    jsonw_kstrz(&w, "code", info->wire);
    jsonw_kstrz(&w, "message",
                arena_printf(&rq->arena,
                             "%zu link%s to it; without " API_CHECK_LINKS
                             " it is deleted all the same",
                             g->n_edges, g->n_edges == 1 ? " leads" : "s lead"));
    jsonw_key(&w, "detail");
    jsonw_object(&w);
    jsonw_key(&w, "links");
    jsonw_list(&w);
    for (size_t i = 0; i < g->n_edges; i++)
        write_loser(&w, g, &g->edges[i]);
    jsonw_list_done(&w);
    jsonw_kbool(&w, "truncated", g->truncated);
    jsonw_object_done(&w);
    jsonw_object_done(&w);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    metrics_count_error(ERR_PRECONDITION);
    return http_reply_buf(rq, info->status, "application/json; charset=utf-8", &out);
}

int api_check_links(struct http_req *rq, const struct graph_loss *loss, bool *ret_told,
                    struct err *e)
{
    struct str text = http_query(rq, API_CHECK_LINKS);
    struct graph found;
    bool wanted = false;

    *ret_told = false;
    if (text.n && !str_bool(text, &wanted))
        return ERR(e, UNPROCESSABLE,
                   API_CHECK_LINKS " in query must be true or false, not \"%.*s\"",
                   S(str_head(text, 40)));
    if (!wanted)
        return 0;
    const struct graph_eyes eyes = api_eyes(rq);
    if (graph_losers(&api_app(rq)->registry, &rq->arena, &eyes, loss, &found, e) < 0)
        return -1;
    if (found.n_edges == 0)
        return 0;
    *ret_told = true;
    return tell(rq, &found);
}
