/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry: the domain. Projects, repositories, artifacts, tags, blobs, uploads, referrers; no
 * HTTP.
 *
 * A digest grants nothing: every read of a blob asks for membership of (repository, digest), which
 * is gained by sending the bytes, by a permitted mount, and revoked with the last manifest that
 * holds it. Look-ups: 1 found, 0 not found, -1 error. Results lie in the arena given. Any worker
 * thread.
 */
#ifndef HAVEN_REGISTRY_REGISTRY_H
#define HAVEN_REGISTRY_REGISTRY_H

#include "base/arena.h"
#include "db/db.h"
#include "oci/display.h"
#include "oci/manifest.h"
#include "oci/name.h"
#include "store/store.h"

enum registry_sparse { REGISTRY_SPARSE_REFUSE, REGISTRY_SPARSE_INDEXES, REGISTRY_SPARSE_ANY };

struct registry {
    struct db *db;
    struct store *store;
    _Atomic int sparse;         /* enum registry_sparse */
    _Atomic int64_t lease_ms;   /* how long a push may rely on what it was told is here */
    struct pulls *pulls;        /* where pulls are counted; NULL: they are not */
    struct settings *settings;  /* of administrators; NULL: none count */
    struct quota_rooms *quotas; /* room for uploads under way; NULL: none is set aside */
    struct task_bell *bell;     /* rung when there is work (task.h); NULL: nobody is there */
};

/* ---- project.c ---- */
struct project {
    int64_t id;
    struct str name;
    bool is_public;
    int64_t created_ms;
};
/* name: letter case ignored. */
int project_find(struct registry *r, struct arena *a, struct str name, struct project *ret,
                 struct err *e);
/* The project that a text of an address means: by its name, or else by its display id. */
int project_meant(struct registry *r, struct arena *a, struct str text, struct project *ret,
                  struct err *e);
int project_find_by_id(struct registry *r, struct arena *a, int64_t id, struct project *ret,
                       struct err *e);
/* Makes a project. name: a name of OCI in any case, or a display id (oci/display.h), which is kept;
 * references use the name it stands for. CONFLICT if either is taken (case ignored), NAME_INVALID
 * if reserved or malformed. ret_id may be NULL. */
int project_create(struct registry *r, struct str name, bool is_public, int64_t *ret_id,
                   struct err *e);
/* Makes the public project "library" if there is no project at all (first start). */
int project_seed(struct registry *r, struct err *e);

/* ---- repository.c ---- */
int repository_find(struct registry *r, const struct repo_name *name, int64_t *ret_id,
                    struct err *e);
/* *ret: the OCI name of the repository of a project that a text of an address means: by its name
 * behind that of the project, or else by its display id, letter case ignored. The name that the
 * text would be if there is none. */
int repository_meant(struct registry *r, struct arena *a, const struct project *p, struct str text,
                     struct str *ret, struct err *e);
/* Finds or makes it; the project must exist (NAME_UNKNOWN), and the name must go beyond it
 * (NAME_INVALID). Its display id is what the name decodes to (oci/display.h), behind the project's;
 * CONFLICT: another one has that. Inside a transaction. A repository stays when its last artifact
 * goes (see repository.c). */
int repository_ensure(struct db_conn *c, const struct repo_name *name, int64_t *ret_id,
                      struct err *e);
/* Inside a transaction: `id`, which has to fit the name, becomes its display id, unless it was
 * given one already. */
int repository_display_wish(struct db_conn *c, int64_t repository, const struct repo_name *name,
                            struct str id, struct err *e);
/* Names of repositories that hold an artifact, behind `last` in bytewise order, at most limit (and
 * LIMIT_PAGE); more says whether there are others (never for limit 0). Only of public projects
 * unless all is true. */
struct registry_names {
    struct str *names;
    size_t n;
    bool more;
};
int repository_list(struct registry *r, struct arena *a, bool all, struct str last, size_t limit,
                    struct registry_names *ret, struct err *e);

/* ---- blob.c ---- */
struct blob_extent {
    bool literal;
    struct str bytes;     /* literal */
    struct digest object; /* else: a range of this object */
    uint64_t offset, len;
};
struct blob {
    int64_t id;
    struct digest digest;
    uint64_t size;
    struct blob_extent *extents; /* in order; their lengths add up to size */
    size_t n_extents;
};
/* The blob if the repository is a member of it. */
int blob_find(struct registry *r, struct arena *a, const struct repo_name *repo,
              const struct digest *d, struct blob *ret, struct err *e);
/* All its bytes: 1, 0 (it is not here, or larger than max), -1. */
int blob_bytes(struct registry *r, struct arena *a, const struct repo_name *repo,
               const struct digest *d, size_t max, struct str *ret, struct err *e);
/* Records a committed object as a blob of the repository (one extent over the whole object). */
int blob_record(struct registry *r, const struct repo_name *repo, const struct digest *d,
                const struct digest *object, uint64_t size, struct err *e);
/* Gives the repository membership of a blob that `from` (may be NULL: any repository whose project
 * is public, or any at all when any_project) is a member of. 1 mounted, 0 no such blob there. */
int blob_mount(struct registry *r, const struct repo_name *repo, const struct repo_name *from,
               bool any_project, const struct digest *d, struct err *e);
/* Renews the lease of a membership: somebody who may push was told that the blob is here, and will
 * name it without sending it. Writes only what is older than a quarter of lease_ms.
 * 1 renewed, 0 it is here no more. */
int blob_renew(struct registry *r, const struct repo_name *repo, const struct digest *d,
               struct err *e);
/* Revokes membership. 1 done, 0 was none; CONFLICT while a manifest of the repository holds it. */
int blob_unlink(struct registry *r, const struct repo_name *repo, const struct digest *d,
                struct err *e);
/* Composes a blob from extents of objects the caller has checked (views, conversions). */
int blob_compose(struct registry *r, const struct repo_name *repo, const struct digest *d,
                 uint64_t size, const struct blob_extent *extents, size_t n, struct err *e);

/* ---- artifact.c ---- */
struct artifact {
    int64_t id;
    struct digest digest;
    struct str media_type;
    struct str bytes; /* the manifest exactly as pushed */
};
int artifact_find(struct registry *r, struct arena *a, const struct repo_name *repo,
                  const struct reference *ref, struct artifact *ret, struct err *e);
/* The same without the bytes (HEAD): bytes.n is the size, bytes.p NULL. */
int artifact_stat(struct registry *r, struct arena *a, const struct repo_name *repo,
                  const struct reference *ref, struct artifact *ret, struct err *e);

struct artifact_push {
    struct str bytes;
    struct str content_type;
    struct reference ref; /* tag, or digest that must be that of the bytes */
    struct tag *tags;     /* more tags (?tag=) */
    size_t n_tags;
    /* What the repository is to be called if nobody has said so yet; it fits its name. p NULL: no
     * wish. */
    struct str display;
};
struct artifact_pushed {
    struct digest digest;
    bool has_subject;
    struct digest subject;
};
/* Missing content found while checking a push: one error each. */
struct artifact_missing {
    struct digest *digests;
    size_t n;
};
/* One transaction: manifest, edges, referrer, tags. MANIFEST_BLOB_UNKNOWN fills *ret_missing (may
 * be NULL). A digest pushed again keeps its artifact and moves the tags. */
int artifact_push(struct registry *r, struct arena *a, const struct repo_name *repo,
                  const struct artifact_push *req, struct artifact_pushed *ret,
                  struct artifact_missing *ret_missing, struct err *e);
/* By digest: the manifest, its tags and its referrer entry; memberships that nothing else in the
 * repository holds, except of blobs that were sent again since and that no manifest has named yet
 * (a push under way). 1, 0. */
int artifact_delete(struct registry *r, const struct repo_name *repo, const struct digest *d,
                    struct err *e);

/* ---- tag.c ---- */
int tag_delete(struct registry *r, const struct repo_name *repo, const struct tag *t,
               struct err *e); /* 1, 0 */
/* As repository_list. 0 if the repository does not exist. */
int tag_list(struct registry *r, struct arena *a, const struct repo_name *repo, struct str last,
             size_t limit, struct registry_names *ret, struct err *e);

/* ---- referrer.c ---- */
struct referrer_page {
    struct str json; /* the elements of "manifests", comma separated, without the brackets */
    bool more;
    struct digest last; /* to go on behind */
};
/* Descriptors of the manifests whose subject is d, merged with a fallback-tag index of older
 * clients, ordered by digest, behind `after` (NULL: from the start), at most max_bytes of JSON.
 * types: only these artifact types. An unknown repository or digest gives an empty page. */
int referrer_list(struct registry *r, struct arena *a, const struct repo_name *repo,
                  const struct digest *d, const struct str *types, size_t n_types,
                  const struct digest *after, size_t max_bytes, struct referrer_page *ret,
                  struct err *e);

#endif
