/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label: words with a colour that people put on artifacts. A label belongs to the whole system or
 * to one project. Results lie in the arena given. Any worker thread.
 */
#ifndef HAVEN_REGISTRY_LABEL_H
#define HAVEN_REGISTRY_LABEL_H

#include "db/list.h"
#include "registry/artifact.h"

#define LABEL_SYSTEM  "g"
#define LABEL_PROJECT "p"

struct label {
    int64_t id, project_id; /* 0: of the system */
    struct str name, description, color;
    struct str scope; /* LABEL_SYSTEM, LABEL_PROJECT */
    int64_t created_ms, updated_ms;
};

/* 1, 0, -1. */
int label_find(struct registry *r, struct arena *a, int64_t id, struct label *ret, struct err *e);
extern const struct db_list label_list_fields;
/* A page of struct label: those of a project, or of the system (0). */
int label_list(struct registry *r, struct arena *a, int64_t project, const struct db_list_query *q,
               struct db_page *ret, struct err *e);
/* Of project_id; id, scope and times are not looked at. BAD_REQUEST, CONFLICT. */
int label_create(struct registry *r, const struct label *l, int64_t *ret_id, struct err *e);
/* Sets name, description and colour. NOT_FOUND, BAD_REQUEST, CONFLICT. */
int label_update(struct registry *r, const struct label *l, struct err *e);
/* The one of l's number and project. NOT_FOUND. */
int label_remove(struct registry *r, const struct label *l, struct err *e);

/* Those on an artifact, in the order of their numbers. */
int label_of_artifact(struct registry *r, struct arena *a, int64_t artifact, struct label **ret,
                      size_t *ret_n, struct err *e);
/* NOT_FOUND: it is of another project; CONFLICT: it is there already. */
int label_attach(struct registry *r, const struct artifact_facts *f, int64_t label, struct err *e);
/* NOT_FOUND: it is not there. */
int label_detach(struct registry *r, const struct artifact_facts *f, int64_t label, struct err *e);

#endif
