/* SPDX-License-Identifier: Apache-2.0 */
/*
 * immutable: rules of a project that keep tags where they are. A tag that a rule names can be set
 * once; then it is neither moved nor deleted, and its artifact stays. Results lie in the arena
 * given. Any worker thread.
 */
#ifndef HAVEN_REGISTRY_IMMUTABLE_H
#define HAVEN_REGISTRY_IMMUTABLE_H

#include "db/list.h"
#include "registry/registry.h"

/* A pattern: glob_match_ways. */
struct immutable_selector {
    struct str kind; /* "doublestar" */
    struct str
        decoration;     /* "matches", "excludes"; of repositories "repoMatches", "repoExcludes" */
    struct str pattern; /* of a tag; of the name of a repository without that of its project */
    struct str extras;
};
struct immutable_selectors {
    struct immutable_selector *v; /* all of them must agree */
    size_t n;
};
struct immutable_rule {
    int64_t id, project_id, priority;
    bool disabled;
    struct immutable_selectors tags, repositories;
};

extern const struct db_list immutable_list_fields;
/* A page of struct immutable_rule. */
int immutable_list(struct registry *r, struct arena *a, int64_t project,
                   const struct db_list_query *q, struct db_page *ret, struct err *e);
/* BAD_REQUEST, CONFLICT: the project has one like it. */
int immutable_create(struct registry *r, const struct immutable_rule *rule, int64_t *ret_id,
                     struct err *e);
/* NOT_FOUND, BAD_REQUEST, CONFLICT. */
int immutable_update(struct registry *r, const struct immutable_rule *rule, struct err *e);
int immutable_remove(struct registry *r, int64_t project, int64_t id, struct err *e);

/* The rules in force of a project, for several questions. */
struct immutable_rules {
    const struct immutable_rule *v;
    size_t n;
};
int immutable_load(struct db_conn *c, struct arena *a, int64_t project, struct immutable_rules *ret,
                   struct err *e);
/* repository: full name. */
bool immutable_holds(const struct immutable_rules *rules, struct str repository, struct str tag);

/* Inside a transaction: may a tag of a repository go, or name another artifact? PRECONDITION. */
int immutable_check_tag(struct db_conn *c, int64_t repository, struct str tag, struct err *e);
/* The same for all tags of a repository, before it is deleted bit by bit. */
int immutable_check_repository(struct db_conn *c, int64_t repository, struct err *e);
/* The same for all tags of an artifact. */
int immutable_check_artifact(struct db_conn *c, int64_t repository, int64_t artifact,
                             struct err *e);

#endif
