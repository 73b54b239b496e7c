/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: what artifacts depend on: bases, adapters, data sets. Found in manifests and models when
 * they are read (model_write), or set by hand. A link keeps its target as it was written
 * (oci/link_target.h); graph.h finds out which artifact that is, for whoever asks.
 *
 * What a document says is kept with it, what people set with the artifact; both go with it, and are
 * there in a copy of it. Any thread.
 */
#ifndef HAVEN_REGISTRY_LINK_H
#define HAVEN_REGISTRY_LINK_H

#include "oci/link_target.h"
#include "registry/artifact.h"

enum link_source { LINK_OF_MANIFEST = 1, LINK_OF_CARD = 2, LINK_BY_HAND = 3 };

struct link {
    enum link_relation relation;
    enum link_source source;
    struct str target;
};
struct links {
    struct link *v;
    size_t n;
};

/* What a manifest (NULL: it could not be read) and the facts that were read in its model (JSON;
 * anything else says nothing) name, each once, LIMIT_LINKS_FOUND at most. Texts lie in the arena;
 * one that it has no room for is left out. */
void link_find(struct arena *a, const struct oci_manifest *m, struct str facts, struct links *ret);

/* Inside of the transaction of model_write: in the place of what the document said before; nothing
 * if it has gone. */
int link_write(struct db_conn *c, int64_t document, const struct links *links, struct err *e);

/* Sets one on an artifact, with its entry in the audit log. BAD_REQUEST: the target is no text that
 * may be one, or there are LIMIT_LINKS_BY_HAND already; CONFLICT: it is there already; NOT_FOUND:
 * the artifact is gone. */
int link_add(struct registry *r, const struct artifact_facts *f, enum link_relation relation,
             struct str target, int64_t *ret_id, struct err *e);
/* Takes one away that was set on this artifact. NOT_FOUND. */
int link_remove(struct registry *r, const struct artifact_facts *f, int64_t id, struct err *e);

/* What was set on the artifact d in one repository is set on the same in another, too, each with
 * its entry in the audit log; what is there stays, and beyond LIMIT_LINKS_BY_HAND nothing is added.
 * Nothing if either is gone. */
int link_copy(struct registry *r, int64_t from, int64_t to, const struct digest *d, struct err *e);

#endif
