/* SPDX-License-Identifier: Apache-2.0 */
/*
 * project: tenants. A project has a name, the first component of the names of its repositories; who
 * made it; and properties (metadata.def). Look-ups: 1 found, 0 not found, -1 error. Results lie in
 * the arena given. Any worker thread.
 */
#ifndef HAVEN_REGISTRY_PROJECT_H
#define HAVEN_REGISTRY_PROJECT_H

#include "db/list.h"
#include "registry/registry.h"

enum project_property {
#define X(name, kind, doc) PROJECT_##name,
#include "registry/metadata.def"
#undef X
    PROJECT_PROPERTY_COUNT
};
/* STR_NULL: nothing is said. */
struct project_properties {
    struct str v[PROJECT_PROPERTY_COUNT];
};
const char *project_property_name(enum project_property p);
/* The property of this name; -1: there is none. */
int project_property_find(struct str name);
/* BAD_REQUEST: the value is none that this property can have. */
int project_property_check(enum project_property p, struct str value, struct err *e);

/* All that is known of one. */
struct project_facts {
    int64_t id;
    struct str name, display_name, owner_name;
    int64_t owner_id;
    bool is_public;
    int64_t created_ms, updated_ms;
    int64_t repositories; /* that hold an artifact */
    struct project_properties properties;
};

int project_facts_find(struct registry *r, struct arena *a, int64_t id, struct project_facts *ret,
                       struct err *e);

/* Whose projects are listed: every list takes it. */
struct project_visibility {
    bool all;         /* every project: administrators */
    int64_t user_id;  /* else public ones, and those this user is a member of; 0: nobody */
    int64_t robot_id; /* or that this robot was given something in; 0: none */
};
extern const struct db_list project_list_fields;
/* A page of struct project_facts. */
int project_list(struct registry *r, struct arena *a, const struct project_visibility *v,
                 const struct db_list_query *q, struct db_page *ret, struct err *e);

/* The numbers of the projects that are visible, and whether each is public; in the arena. */
struct project_visible {
    int64_t id;
    bool is_public;
};
int project_visible(struct registry *r, struct arena *a, const struct project_visibility *v,
                    struct project_visible **ret, size_t *ret_n, struct err *e);

/* Makes one that may hold `hard` bytes (QUOTA_UNLIMITED) and takes its owner (0: none) in as its
 * administrator. Upper case in the name is kept for display. CONFLICT: the name is taken, case
 * ignored; NAME_INVALID; BAD_REQUEST. */
int project_make(struct registry *r, struct str name, int64_t owner_id,
                 const struct project_properties *p, int64_t hard, int64_t *ret_id, struct err *e);
/* Sets the properties that are not STR_NULL. BAD_REQUEST, NOT_FOUND. */
int project_set(struct registry *r, int64_t id, const struct project_properties *p, struct err *e);
/* Forgets one; public becomes "false". NOT_FOUND: it was not set. */
int project_unset(struct registry *r, int64_t id, enum project_property p, struct err *e);
/* Removes one that holds no artifact. PRECONDITION while it does, NOT_FOUND. */
int project_remove(struct registry *r, int64_t id, struct err *e);

#endif
