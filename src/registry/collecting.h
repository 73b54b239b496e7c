/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the collector share. Not for other directories. */
#ifndef HAVEN_REGISTRY_COLLECTING_H
#define HAVEN_REGISTRY_COLLECTING_H

#include "registry/collect.h"
#include "registry/internal.h"

/* Rows that one transaction looks at, and the time after which it ends anyhow. */
#define COLLECT_BATCH   256
#define COLLECT_TURN_US 20000

struct collecting {
    struct registry *r;
    const struct collect_options *o;
    struct collect_result *res;
    int64_t now;
    /* What a turn has noted, until it is committed: nothing is said of what was rolled back, and
     * who is told may use the database. */
    bool in_turn;
    struct arena notes_arena;
    struct str notes[COLLECT_BATCH];
    size_t n_notes;
};

/* A short transaction: begin, work until it is over or collect_turn_over, end. */
struct collect_turn {
    struct collecting *c; /* NULL once it has ended */
    struct db_txn txn;
    struct collect_result before; /* counts come back with a rollback */
    int64_t began_us;
};
int collect_turn_begin(struct collecting *c, struct collect_turn *t, struct err *e);
bool collect_turn_over(const struct collect_turn *t);
/* Commits, and waits until others had their turn. CANCELLED when it is to stop. */
int collect_turn_end(struct collecting *c, struct collect_turn *t, struct err *e);
void collect_turn_autodone(struct collect_turn *t);
/* CANCELLED when it is to stop. */
int collect_check(const struct collecting *c, struct err *e);
/* One of each row that a turn looks at, at most. */
void collect_note(struct collecting *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A set of row ids. */
struct collect_set {
    int64_t *slots; /* 0 is empty: ids begin with 1 */
    size_t n, cap;
};
bool collect_set_has(const struct collect_set *s, int64_t id);
bool collect_set_add(struct collect_set *s, int64_t id); /* false: it was there */
void collect_set_autodone(struct collect_set *s);

/* One row of untagged_page. */
struct collect_artifact {
    int64_t id, since_ms, repository, document;
    struct str digest, subject; /* subject p NULL: none */
    struct str name;            /* of the repository */
};
/* Up to COLLECT_BATCH of them behind `after`, in the arena. */
int collect_untagged_page(struct db_conn *c, struct arena *a, int64_t after,
                          struct collect_artifact **ret, size_t *ret_n, struct err *e);
/* Nobody needs it, when the artifacts in `gone` (may be NULL) are not there: 1, 0, -1. */
int collect_artifact_unused(struct collecting *c, struct db_conn *conn,
                            const struct collect_artifact *a, const struct collect_set *gone,
                            struct err *e);

/* A range of an object that extents need. */
struct collect_extent {
    int64_t blob, seq, start, len;
};
/* The extents of an object, sorted by start, less those of blobs in `gone` (may be NULL). *ret in
 * the arena. */
int collect_extents(struct db_conn *c, struct arena *a, int64_t object,
                    const struct collect_set *gone, struct collect_extent **ret, size_t *ret_n,
                    struct err *e);
/* Joins what overlaps or touches: runs (as extents without blob), how many, and their bytes. */
int collect_runs(struct arena *a, const struct collect_extent *x, size_t n,
                 struct collect_extent **ret, size_t *ret_n, uint64_t *ret_bytes, struct err *e);

int collect_objects(struct collecting *c, struct err *e); /* collect_objects.c */
/* collect_rewrite.c: an object that extents still need. Copies it if that is worth it. */
int collect_rewrite(struct collecting *c, int64_t object, const struct digest *digest,
                    uint64_t size, struct err *e);
int collect_dry(struct collecting *c, struct err *e); /* collect_dry.c */

#endif
