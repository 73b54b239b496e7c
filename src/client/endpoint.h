/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint: one repository to read from or write to: in a registry (endpoint_remote.c) or an OCI
 * image layout in a directory (endpoint_layout.c; image-spec image-layout.md). Packing, copying and
 * offline transfer are written once, over this. Any number of threads may use one endpoint.
 */
#ifndef HAVEN_CLIENT_ENDPOINT_H
#define HAVEN_CLIENT_ENDPOINT_H

#include "base/arena.h"
#include "base/digest.h"
#include "client/transfer.h"
#include "client/transport.h"
#include "oci/manifest.h"

struct endpoint;
struct memo_upload;

/* The bytes of a blob that is to be written. */
struct blob_source {
    uint64_t size;
    const char *shown; /* for messages: the file's path, the digest */
    /* Fills p with 1..n bytes from `at` (below size). Positions may repeat after a break. */
    int (*read)(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e);
    /* Runs when all was read and before the blob is concluded: an error abandons it. May be NULL.
     */
    int (*check)(void *self, struct err *e);
    void *self;
    /* NULL: not known yet, it is computed while the bytes go by. Else what they must turn out to
     * have (DIGEST_INVALID), and the endpoint is asked first whether it is there. */
    const struct digest *digest;
    /* Remembers the upload over runs (upload memory), NULL: it does not. */
    struct memo_upload *memo;
};

struct endpoint_manifest {
    struct str bytes; /* in the arena */
    struct str type;  /* as the endpoint says, may be empty */
    struct digest digest;
};

/* What is known of a manifest without its bytes. */
struct endpoint_entry {
    struct str tag;       /* empty: it has none, or was not asked for by one */
    struct str type;      /* as the endpoint says, may be empty */
    struct digest digest; /* empty text: not known */
    uint64_t size;        /* of the manifest, when the digest is known */
};

/* What depends on an artifact that is to be deleted, as the registry says. */
struct endpoint_link {
    struct str repository, digest, tag; /* of the one that depends; tag may be empty */
    struct str relation;
};
struct endpoint_linked {
    struct arena *arena; /* for what follows */
    struct endpoint_link *v;
    size_t n;
};

struct endpoint_ops {
    /* 1 there (size checked), 0 not, -1 error. */
    int (*has)(struct endpoint *p, const struct digest *digest, struct err *e);
    /* Writes a blob; *ret_digest: what it has; *ret_present: it was there already. x counts the
     * bytes, NULL: nobody does. */
    int (*put)(struct endpoint *p, const struct blob_source *s, struct transfer *x,
               struct digest *ret_digest, bool *ret_present, struct err *e);
    /* Tries to take a blob from another repository of the same registry: 1 done, 0 cannot. May be
     * NULL. */
    int (*mount)(struct endpoint *p, const struct repo_name *from, const struct digest *digest,
                 struct err *e);
    /* Streams n bytes of a blob from `at` (at + n <= size). The caller verifies what it gets; a
     * blob of another size is refused. */
    int (*get)(struct endpoint *p, const struct digest *digest, uint64_t size, uint64_t at,
               uint64_t n, int (*take)(void *self, const void *p, size_t n, struct err *e),
               void *self, struct err *e);
    /* The same for who wants little of a large blob: a registry that knows no ranges is
     * UNSUPPORTED, and nothing but the answer's head has come then. */
    int (*get_part)(struct endpoint *p, const struct digest *digest, uint64_t size, uint64_t at,
                    uint64_t n, int (*take)(void *self, const void *p, size_t n, struct err *e),
                    void *self, struct err *e);
    int (*manifest_get)(struct endpoint *p, struct arena *a, const struct reference *ref,
                        struct endpoint_manifest *ret, struct err *e);
    /* tag NULL: by digest alone. */
    int (*manifest_put)(struct endpoint *p, struct str bytes, struct str type,
                        const struct digest *digest, const struct tag *tag, struct err *e);
    /* A manifest that another one names: by digest, and a layout does not list it. */
    int (*manifest_put_part)(struct endpoint *p, struct str bytes, struct str type,
                             const struct digest *digest, struct err *e);
    /* 1 there, 0 not, -1. ret (may be NULL): strings in the arena. */
    int (*manifest_head)(struct endpoint *p, struct arena *a, const struct reference *ref,
                         struct endpoint_entry *ret, struct err *e);
    /* All that is listed: of a registry its tags and nothing else of them, of a layout its entries.
     * In the arena; LIMIT. */
    int (*list)(struct endpoint *p, struct arena *a, struct endpoint_entry **ret, size_t *ret_n,
                struct err *e);
    /* The manifests that name this one as their subject. In the arena. */
    int (*referrers)(struct endpoint *p, struct arena *a, const struct digest *subject,
                     struct oci_descriptor **ret, size_t *ret_n, struct err *e);
    /* Lets referrers be found that were put: a registry that does not do so by itself gets the
     * index under the fallback tag (distribution-spec "Referrers Tag Schema"). NULL: no need. */
    int (*referrers_put)(struct endpoint *p, const struct digest *subject,
                         const struct oci_descriptor *list, size_t n, struct err *e);
    /* Takes a tag away and leaves the manifest, or by digest the manifest with all of its tags. 1
     * done, 0 not there, -1; UNSUPPORTED: the registry does not do that. linked (may be NULL): asks
     * first what depends on it, where the registry can tell: PRECONDITION with that, and it is
     * still there. */
    int (*remove)(struct endpoint *p, const struct reference *ref, struct endpoint_linked *linked,
                  struct err *e);
    void (*close)(struct endpoint *p); /* releases it */
};

struct endpoint {
    const struct endpoint_ops *ops;
    const char *shown; /* for messages */
};

static inline void endpoint_autofree(struct endpoint **p)
{
    if (*p)
        (*p)->ops->close(*p);
}
#define AUTO_ENDPOINT __attribute__((cleanup(endpoint_autofree))) struct endpoint *

/* A registry's repository. ref: scheme, host and repo are taken from it; for_push: rights to write
 * are asked for too. Nothing is sent yet. Errors as transport_new. */
struct endpoint *endpoint_remote(const struct remote_ref *ref, bool for_push,
                                 const struct transport_options *options, struct err *e);

/* An image layout in a directory. create: a missing or empty directory becomes one. Blobs are on
 * the disk, and the manifest's entry in index.json is, when manifest_put returns. Several processes
 * may write at a time. MODEL_INVALID: it is no layout, or one that leads out of its directory. */
struct endpoint *endpoint_layout(const char *dir, bool create, struct err *e);
/* Is the directory an image layout? By its file oci-layout. */
bool endpoint_is_layout(const char *dir);

#endif
