/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members: what a layer that is an archive holds, and what of it is wanted.
 *
 * Members are listed as they are found and judged at once: paths of strangers, links, devices,
 * sizes. Symbolic links are taken when they cannot lead out of the tree, whatever other links lie
 * on the way: "../" only at the beginning, and not more of them than directories stand above.
 * One thread at a time.
 */
#ifndef HAVEN_MODEL_MEMBERS_H
#define HAVEN_MODEL_MEMBERS_H

#include "base/arena.h"
#include "base/glob.h"
#include "model/tar.h"

/* Which files are wanted: one of include (if there are any), none of exclude. */
struct members_filter {
    struct glob_list include, exclude;
};
bool members_selects(const struct members_filter *f, struct str path);

/* What the names ".wh.NAME" and ".wh..wh..opq" say (OCI image-spec layer.md "Whiteouts"). */
enum members_what { MEMBER_FILE, MEMBER_COPY, MEMBER_LINK, MEMBER_DIR, MEMBER_GONE, MEMBER_OPAQUE };

struct member {
    enum members_what what;
    struct str path; /* of MEMBER_GONE and MEMBER_OPAQUE: what they are about; NUL-ended */
    struct str link; /* MEMBER_LINK: its text; NUL-ended */
    size_t source;   /* MEMBER_COPY: the member whose content it has */
    uint64_t size;
    uint32_t mode;    /* 0644 or 0755 */
    int64_t mtime_ms; /* 0: none */
    bool wanted;      /* selected, and of a kind that is written */
    bool present;     /* the file in place is known to be right */
};

struct members {
    struct arena arena; /* names */
    const struct members_filter *filter;
    bool whiteouts; /* it is a layer of an image */
    bool repeats;   /* of a path that appears again the last counts; else it is an error */
    struct member *members;
    size_t n, cap;
    uint64_t seed;   /* of the hash: nobody can foresee which paths meet */
    uint32_t *slots; /* members by path: a hash table of n_slots, 0 is empty */
    size_t n_slots;
    uint64_t total; /* bytes of all files */
    size_t n_wanted;
    size_t n_repeated; /* paths that appeared again; 0 unless repeats */
};

void members_init(struct members *a, const struct members_filter *filter, bool whiteouts);
void members_autodone(struct members *a);
/* Forgets all members; `repeats` stays. */
void members_reset(struct members *a);
/* The next member. MODEL_INVALID with its name; LIMIT. */
int members_add(struct members *a, const struct tar_entry *t, struct err *e);
/* The member that was added last. */
struct member *members_last(const struct members *a);

#endif
