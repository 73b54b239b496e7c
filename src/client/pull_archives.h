/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull_archives: the layers of a pull that are archives. Their members are kept in partial files
 * until every layer is complete and right; then what hides what is settled, all paths are checked
 * together, and the files get their names.
 */
#ifndef HAVEN_CLIENT_PULL_ARCHIVES_H
#define HAVEN_CLIENT_PULL_ARCHIVES_H

#include "client/tarball.h"
#include "model/pack.h"

struct pull_archive {
    const struct pack_layer *layer;
    struct members archive;
    struct spread_extent *extents;
    bool present; /* all of its files are in place */
};

struct pull_archives {
    struct tarball tarball;
    struct pull_archive *all; /* one for each content */
    size_t n;
    struct members **order; /* one for each layer, as the manifest has them */
    size_t n_order;
    bool ordered;
};

/* The archives among the layers of pack; filter is borrowed as pack is. */
void pull_archives_init(struct pull_archives *x, const struct pack *pack,
                        const struct members_filter *filter);
void pull_archives_autodone(struct pull_archives *x);
/* tarball is to be filled before all of these. Looks whether all files of archive i are in place,
 * if it is compressed and an earlier pull remembered what it holds; any number of threads, each for
 * another i. */
int pull_archives_look(struct pull_archives *x, size_t i, struct err *e);
/* For a fetch_job. */
int pull_archives_begin(struct pull_archives *x, struct pull_archive *a, struct fetch_job *job,
                        struct err *e);
int pull_archives_done(const struct pull_archives *x, struct pull_archive *a,
                       const struct fetch_job *job, struct err *e);
/* At the end: gives all members their names. others: paths of files that are no members. *ret_n:
 * how many files are wanted. */
int pull_archives_place(struct pull_archives *x, const struct str *others, size_t n_others,
                        size_t *ret_n, struct err *e);

#endif
