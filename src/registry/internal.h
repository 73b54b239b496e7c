/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of registry/ share. Not for other directories. */
#ifndef HAVEN_REGISTRY_INTERNAL_H
#define HAVEN_REGISTRY_INTERNAL_H

#include "access/audit.h"
#include "base/mem.h"
#include "registry/registry.h"

/* The condition of lists that is a struct project_visibility: parameters $1 all, $2 user, $3 robot;
 * the project is p. What does not depend on the project is asked once for a list. */
#define PROJECT_IS_VISIBLE                                                                         \
    "($1 = 1 OR p.is_public = 1"                                                                   \
    " OR p.id IN (SELECT m.project_id FROM project_member m WHERE m.user_id = $2"                  \
    " UNION ALL SELECT m.project_id FROM user_group_member g JOIN project_member m"                \
    " ON m.group_id = g.group_id WHERE g.user_id = $2"                                             \
    " UNION ALL SELECT x.project_id FROM robot_permission x WHERE x.robot_id = $3 AND x.kind = 2)" \
    " OR EXISTS (SELECT 1 FROM robot_permission x WHERE x.robot_id = $3 AND x.kind = 2"            \
    " AND x.project_id = 0))"
/* A copy in the arena, NUL-ended; LIMIT at its ceiling. */
int registry_copy(struct arena *a, struct str s, struct str *ret, struct err *e);
/* Upper case folded, in the arena. */
struct str registry_lower(struct arena *a, struct str s);
/* A digest that the database holds; what does not parse is CORRUPT. */
int registry_digest(struct str text, struct digest *ret, struct err *e);
/* Objects behind a digest ("": from the first on), in the order of their digests: up to
 * REGISTRY_OBJECTS of them. */
#define REGISTRY_OBJECTS 256
struct registry_object {
    int64_t id;
    struct digest digest;
    uint64_t size;
};
int registry_objects(struct db_conn *c, struct str after, struct registry_object *ret,
                     size_t *ret_n, struct err *e);
/* Reading a stored file failed with this: is it the file that is at fault, and not want of memory,
 * descriptors or rights? */
bool registry_is_damage(const struct err *io);
/* The first column, a number, of the row that q finds: 1, 0, -1. */
int registry_one_id(struct db_conn *c, enum db_query q, struct db_args args, int64_t *ret,
                    struct err *e);
/* Inside a transaction: an entry about a repository (mark 0), or what `mark` (':' or '@') and a
 * name say of it. description may be "". */
int registry_audit(struct db_conn *c, enum audit_event event, int64_t repository, char mark,
                   struct str name, const char *description, struct err *e);
/* One page of names: q must have been asked for limit + 1 rows. */
int registry_page(struct db_conn *c, struct arena *a, enum db_query q, struct db_args args,
                  size_t limit, struct registry_names *ret, struct err *e);

/* Inside a transaction: the row of a digest that a manifest names and of which nothing more is
 * known, made if there is none. */
int blob_intern(struct db_conn *c, const struct digest *d, int64_t *ret_id, struct err *e);

/* An extent from columns 2… of a row: object digest, object size, literal, start, len. CORRUPT. */
int blob_extent_read(const struct db_rows *rows, struct arena *a, struct blob_extent *ret,
                     struct err *e);
/* A blob wherever it is a member: for what serves nobody. 1, 0, -1. */
int blob_find_any(struct registry *r, struct arena *a, const struct digest *d, struct blob *ret,
                  struct err *e);
/* Makes room for an extent behind n others. */
int blob_extents_grow(struct arena *a, struct blob_extent **x, size_t n, size_t *cap,
                      struct err *e);

/* Inside a transaction: the bytes of a blob are not here any more; what they lay in is noted for
 * the collector. 1 a manifest names it: the row stays, known and not here; 0 the row has gone; -1.
 */
int blob_empty(struct db_conn *c, int64_t blob, struct err *e);
/* Inside a transaction: the row of an object, made if there is none. CORRUPT: it has another size.
 */
int object_ensure(struct db_conn *c, const struct digest *object, uint64_t size, int64_t *ret_id,
                  struct err *e);
/* Inside a transaction: removes an artifact (row, document) with what only it held. */
int artifact_remove(struct registry *r, struct db_conn *c, int64_t repository, int64_t artifact,
                    int64_t document, struct err *e);
/* Inside a transaction: the display id of a repository whose part behind the project is that of
 * `id`, which has to fit the name (display_fits); the project's is written as it was made. 1, 0
 * there is no such project, -1. ret_project: may be NULL. */
int repository_display(struct db_conn *c, const struct repo_name *name, struct str id,
                       struct display_id *ret, int64_t *ret_project, struct err *e);
/* Inside a transaction: removes a repository that holds no artifact. What was sent to it and never
 * named becomes a candidate for the collection. */
int repository_remove(struct db_conn *c, int64_t id, struct err *e);
/* Inside a transaction, after a tag was moved or removed: notes the artifact if it has no tag. */
int artifact_note_untagged(struct db_conn *c, int64_t artifact, int64_t now_ms, struct err *e);

#endif
