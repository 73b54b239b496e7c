/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the check share. Not for other directories. */
#ifndef HAVEN_REGISTRY_CHECKING_H
#define HAVEN_REGISTRY_CHECKING_H

#include "base/hash.h"
#include "registry/check.h"
#include "registry/internal.h"

#define CHECK_PAGE 256

struct checking {
    struct registry *r;
    const struct check_options *o;
    struct check_result *res;
    struct arena arena; /* of one page */
    int64_t now, began_us;
};

/* CANCELLED when it is to stop. */
int check_go_on(const struct checking *c, struct err *e);
/* Counts and reports one. */
void check_report(struct checking *c, enum check_kind kind, const char *what, const char *why,
                  const char *needed, bool repaired);
/* Hashed n bytes more: waits as the rate asks. */
int check_hashed(struct checking *c, uint64_t n, struct err *e);
/* Hashes a range of a file: 1 done, 0 it cannot be read (*ret_io), -1 stopped. */
int check_hash_range(struct checking *c, int fd, uint64_t at, uint64_t len, struct hash *h,
                     struct err *ret_io, struct err *e);

int check_objects(struct checking *c, struct err *e); /* rows and files; check_objects.c */
int check_files(struct checking *c, struct err *e);   /* files without rows */
int check_rows(struct checking *c, struct err *e);    /* blobs, documents, leaks; check_rows.c */
int check_totals(struct checking *c, struct err *e);  /* what is counted ahead; check_totals.c */

/* Who needs a blob, a manifest's bytes or an object, as check_problem.needed has it, in the arena.
 */
int check_needed_blob(struct checking *c, int64_t blob, const char **ret, struct err *e);
int check_needed_document(struct checking *c, int64_t document, const char **ret, struct err *e);
int check_needed_object(struct checking *c, int64_t object, const char **ret, struct err *e);
/* What a blob is made of, as one digest; check_repair.c. */
int check_print_blob(struct db_conn *conn, int64_t blob, struct digest *ret, struct err *e);
/* In a transaction of its own: nobody claims the blob any more. Only if it is made of what print
 * says: 1 done, 0 it was sent again or moved meanwhile, -1. */
int check_withdraw_blob(struct checking *c, int64_t blob, const struct digest *print,
                        struct err *e);
/* In a transaction of its own: withdraws all that an object is part of, and its row; a file in its
 * place goes to the quarantine. Asks again first: 1 done, 0 it is right now, -1. */
int check_withdraw_object(struct checking *c, int64_t object, const struct digest *d, uint64_t size,
                          enum check_kind kind, struct err *e);
/* A file that no row knows, moved to the trash in due form. 1, 0 it is known or gone now, -1. */
int check_remove_orphan(struct checking *c, const struct digest *d, struct err *e);

#endif
