/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repository: what is known of the repositories of a project, and lists of them. One without an
 * artifact is not there. Results lie in the arena given. Any worker thread.
 */
#ifndef HAVEN_REGISTRY_REPOSITORY_H
#define HAVEN_REGISTRY_REPOSITORY_H

#include "registry/project.h"

struct repository_facts {
    int64_t id, project_id;
    struct str name;         /* full */
    struct str display_name; /* full, with upper case and what OCI forbids: oci/display.h */
    struct str description;
    struct str kind; /* of its newest artifact: registry/kind.def */
    bool is_model;   /* that one is packed as a model, or has weights, as far as it was read */
    bool is_public;
    int64_t artifacts, pulls;
    int64_t created_ms, updated_ms;
};

/* 1, 0, -1; name: full. */
int repository_facts_find(struct registry *r, struct arena *a, struct str name,
                          struct repository_facts *ret, struct err *e);

extern const struct db_list repository_list_fields;
/* A page of struct repository_facts. project: only of this one; 0: of all that may be seen. */
int repository_facts_list(struct registry *r, struct arena *a, const struct project_visibility *v,
                          int64_t project, const struct db_list_query *q, struct db_page *ret,
                          struct err *e);
/* Those whose name holds the text, letter case ignored: a page of struct repository_facts in the
 * order of their names, limit at most; total is not counted. */
int repository_search(struct registry *r, struct arena *a, const struct project_visibility *v,
                      struct str text, size_t limit, struct db_page *ret, struct err *e);

/* What is to be changed; a text whose p is NULL stays. */
struct repository_wanted {
    struct str description;
    struct str display_name; /* full; the project's part is written as the project is */
};
/* One transaction with its entry in the audit log. BAD_REQUEST: no display id of this name;
 * CONFLICT: another repository has it. */
int repository_change(struct registry *r, const struct repository_facts *f,
                      const struct repository_wanted *w, struct err *e);
/* Removes it with all its artifacts, some in a transaction. */
int repository_delete(struct registry *r, int64_t id, struct err *e);

#endif
