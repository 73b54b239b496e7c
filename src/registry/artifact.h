/* SPDX-License-Identifier: Apache-2.0 */
/*
 * artifact: what is known of the artifacts of a repository, and lists of them. Results lie in the
 * arena given. Any worker thread.
 */
#ifndef HAVEN_REGISTRY_ARTIFACT_H
#define HAVEN_REGISTRY_ARTIFACT_H

#include "db/list.h"
#include "registry/registry.h"

struct artifact_tag {
    int64_t id, repository_id, artifact_id;
    struct str name;
    int64_t pushed_ms, pulled_ms; /* 0: never */
    bool immutable;
};

/* A member of an index. */
struct artifact_member {
    int64_t index_id, id; /* id 0: it is not here */
    struct str digest;
    struct str platform, annotations; /* JSON; empty: nothing is said */
    struct str urls;                  /* JSON, likewise */
};

/* What an artifact is of another one. */
struct artifact_accessory {
    int64_t id, artifact_id, subject_id;
    struct str subject_digest, repository;
    int64_t size;
    struct str digest, kind, icon;
    int64_t created_ms;
};

struct artifact_facts {
    int64_t id, repository_id, project_id;
    struct str repository; /* full name */
    struct str digest, kind, media_type, config_type, artifact_type;
    int64_t size, pushed_ms, pulled_ms;
    struct str icon;                    /* the digest of a picture; empty: it has none */
    struct str annotations, attributes; /* JSON; empty: none */
    bool is_index;
};

/* Which artifacts a list has, beyond what callers filter. */
enum artifact_tagged { ARTIFACT_ANY, ARTIFACT_TAGGED, ARTIFACT_UNTAGGED };
enum artifact_latest { ARTIFACT_ALL, ARTIFACT_LATEST_OF_MEDIA_TYPE, ARTIFACT_LATEST_OF_TYPE };
struct artifact_filter {
    int64_t repository;
    int64_t project;             /* instead: all repositories of a project */
    enum artifact_latest latest; /* of a project only: the newest of each repository */
    bool everything;             /* accessories and untagged members of an index, too */
    enum artifact_tagged tagged;
};
extern const struct db_list artifact_list_fields;
/* A page of struct artifact_facts. */
int artifact_list(struct registry *r, struct arena *a, const struct artifact_filter *f,
                  const struct db_list_query *q, struct db_page *ret, struct err *e);
/* By tag or digest; 1, 0, -1. */
int artifact_facts_find(struct registry *r, struct arena *a, const struct repo_name *repo,
                        const struct reference *ref, struct artifact_facts *ret, struct err *e);

/* All tags, in the order of their names. */
int artifact_tags(struct registry *r, struct arena *a, int64_t artifact, struct artifact_tag **ret,
                  size_t *ret_n, struct err *e);
extern const struct db_list artifact_tag_fields;
/* A page of struct artifact_tag. */
int artifact_tag_list(struct registry *r, struct arena *a, int64_t artifact,
                      const struct db_list_query *q, struct db_page *ret, struct err *e);
/* Members of an index, in the order of their digests. */
int artifact_members(struct registry *r, struct arena *a, int64_t artifact,
                     struct artifact_member **ret, size_t *ret_n, struct err *e);
extern const struct db_list artifact_accessory_fields;
/* A page of struct artifact_accessory. */
int artifact_accessories(struct registry *r, struct arena *a, const struct artifact_facts *of,
                         const struct db_list_query *q, struct db_page *ret, struct err *e);

/* ---- artifact_change.c ---- */

/* CONFLICT: the repository has a tag of this name. NOT_FOUND: the artifact went meanwhile. */
int artifact_tag_add(struct registry *r, const struct artifact_facts *f, const struct tag *tag,
                     struct err *e);
/* NOT_FOUND: the tag names no artifact, or another one. */
int artifact_tag_remove(struct registry *r, const struct artifact_facts *f, const struct tag *tag,
                        struct err *e);
/* Removes an artifact with its tags, what is about it, and members of an index that have no tag and
 * are in no other. REFERENCED: it is itself a member of an index. */
int artifact_remove_whole(struct registry *r, const struct artifact_facts *f, struct err *e);

/* ---- artifact_copy.c ---- */

/* Copies an artifact with its tags, the members of an index and what is about it into a repository
 * of this registry; blobs are mounted. Each manifest is a transaction of its own: a copy that fails
 * half way can be made again. POLICY: the source is itself about another artifact, or a quota does
 * not allow it; PRECONDITION: an immutable tag is in the way. */
int artifact_copy(struct registry *r, struct arena *a, const struct repo_name *from,
                  const struct artifact_facts *source, const struct repo_name *to, struct err *e);

#endif
