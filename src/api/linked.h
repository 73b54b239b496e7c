/* SPDX-License-Identifier: Apache-2.0 */
/* linked: what links to an artifact as the caller of a request sees it, for all protocols. */
#ifndef HAVEN_API_LINKED_H
#define HAVEN_API_LINKED_H

#include "api/app.h"
#include "registry/graph.h"

/* The query parameter of deletes that asks first. */
#define API_CHECK_LINKS "check_links"

/* Whose projects the caller sees in lists. */
struct project_visibility api_visibility(const struct http_req *rq);
/* What the caller sees of graphs: artifacts of projects where they may read them. Valid as long as
 * the request. */
struct graph_eyes api_eyes(struct http_req *rq);

/* Before a delete: does the caller want to be told what links to it (?check_links=true), and is
 * there something? Then it is answered with 412 PRECONDITION and the list of it as detail, and
 * *ret_told is true: nothing is to be deleted. UNPROCESSABLE: no truth value. */
int api_check_links(struct http_req *rq, const struct graph_loss *loss, bool *ret_told,
                    struct err *e);

#endif
