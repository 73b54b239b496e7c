/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph: what an artifact depends on and what depends on it, as one caller sees it. What the caller
 * may not see is not there: a target in a project of others is the text that names it, as one that
 * was never pushed is, and what depends on something there is left out.
 *
 * An edge leads from what depends to what it depends on: from a fine-tune to its base, from a
 * signature to what is signed, from an index to its members. Results lie in the arena. Any worker
 * thread.
 */
#ifndef HAVEN_REGISTRY_GRAPH_H
#define HAVEN_REGISTRY_GRAPH_H

#include "registry/link.h"
#include "registry/repository.h"

/* Of manifests, beside those of enum link_relation. */
#define GRAPH_SUBJECT "subject" /* it is about it */
#define GRAPH_MEMBER  "member"  /* it is an index that holds it */

/* Whose graph it is. */
struct graph_eyes {
    struct project_visibility projects; /* where to look: all that they may see, or more */
    struct str host;                    /* of this registry, as links may write it; may be empty */
    /* May they see the artifacts of this project? 1, 0, -1. */
    int (*sees)(void *self, int64_t project, bool is_public, struct err *e);
    void *self;
};

struct graph_node {
    int64_t id;      /* of the artifact; below zero: there is none that the caller sees */
    struct str name; /* as it is written where there is none, else empty */
    struct str project, repository; /* names, the latter full */
    struct str digest, kind, artifact_type, title;
    struct str *tags; /* LIMIT_GRAPH_TAGS at most */
    size_t n_tags;
};
struct graph_edge {
    int64_t from, to;     /* ids of nodes */
    const char *relation; /* a name of enum link_relation, GRAPH_SUBJECT, GRAPH_MEMBER */
    enum link_source source;
    struct str target;    /* as it is written; empty: the manifest names it by its digest */
    int64_t link;         /* the number of one that was set by hand on `from`; 0: it was not */
    struct str accessory; /* the digest of the artifact without files that says it; or empty */
};
struct graph {
    struct graph_node *nodes; /* the first is the one asked about */
    size_t n_nodes;
    struct graph_edge *edges;
    size_t n_edges;
    bool truncated; /* there is more than the limits allow to tell */
};

/* Around an artifact that the caller may see: up: what it depends on, down: what depends on it, and
 * so on, depth steps (1 to LIMIT_GRAPH_DEPTH). LIMIT_GRAPH_NODES, LIMIT_GRAPH_EDGES. */
int graph_read(struct registry *r, struct arena *a, const struct graph_eyes *eyes, int64_t artifact,
               bool up, bool down, unsigned depth, struct graph *ret, struct err *e);

/* What loses its target when something goes: an artifact (tag empty, repository 0), a tag of it, or
 * a whole repository (artifact 0). */
struct graph_loss {
    int64_t artifact;
    struct str tag;
    int64_t repository;
};
/* Nodes and edges of what links to it, up to LIMIT_GRAPH_STEP; edges have no `to`. What would go as
 * well is left out. */
int graph_losers(struct registry *r, struct arena *a, const struct graph_eyes *eyes,
                 const struct graph_loss *loss, struct graph *ret, struct err *e);

/* For the tests of statements. */
extern const struct db_list graph_dependent_list;

#endif
