/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI image layout (image-spec image-layout.md): oci-layout, index.json, blobs/ALG/HEX.
 *
 * Layouts come from strangers too: nothing is opened through a link, only regular files of the size
 * that is expected are read. Writers: a blob grows in the folder PARTIAL and gets its name by a
 * rename. Large ones are synced before it; small ones are synced all at once before index.json
 * names them, and are not believed to be there without their digest being checked, so that a power
 * cut leaves nothing wrong. index.json is changed under a lock on the directory.
 */
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/sys.h"
#include "client/endpoint.h"
#include "client/layout_index.h"
#include "client/layout_parting.h"
#include "client/sweep.h"
#include "oci/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>

#define PARTIAL    ".haven-partial"
#define STEP       (1 * MIB)
#define SYNC_ALONE (4 * MIB) /* larger blobs are synced one by one */

struct layout {
    struct endpoint endpoint;
    int root;
    int partial; /* -1: read only; holds a shared lock while it is open */
    char *shown;
};

static struct layout *of(struct endpoint *p)
{
    return CONTAINER_OF(p, struct layout, endpoint);
}

static int not_there(void)
{
    return errno == ENOENT;
}

/* Opens name below dir as a regular file; 0 not there. O_NONBLOCK: a pipe would wait for ever. */
static int open_regular(const struct layout *l, int dir, const char *name, int *ret_fd,
                        uint64_t *ret_size, struct err *e)
{
    struct stat st;
    AUTOFD fd =
        sys->openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (fd < 0 && not_there())
        return 0;
    if (fd < 0 && errno == ELOOP)
        return ERR(e, MODEL_INVALID, "%s: %s is a symbolic link", l->shown, name);
    if (fd < 0 || sys->fstat(fd, &st) < 0)
        return ERR_SYS(e, "cannot open %s in %s", name, l->shown);
    if (!S_ISREG(st.st_mode))
        return ERR(e, MODEL_INVALID, "%s: %s is not a file", l->shown, name);
    *ret_size = (uint64_t)st.st_size;
    *ret_fd = TAKE_FD(fd);
    return 1;
}

/* blobs/ALG; -1 with errno ENOENT when it is not there and not to be made. */
static int open_blobs(const struct layout *l, enum digest_alg alg, bool create, struct err *e)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const char *names[] = {"blobs", digest_alg_name(alg)};
    AUTOFD at = -1;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int dir = at < 0 ? l->root : at;
        if (create && sys->mkdirat(dir, names[i], 0777) < 0 && errno != EEXIST)
            return ERR_SYS(e, "cannot create %s in %s", names[i], l->shown);
        int next = sys->openat(dir, names[i], flags, 0);
        if (next < 0 && not_there())
            return -1;
        if (next < 0 && (errno == ENOTDIR || errno == ELOOP))
            return ERR(e, MODEL_INVALID, "%s: %s is not a directory", l->shown, names[i]);
        if (next < 0)
            return ERR_SYS(e, "cannot open %s in %s", names[i], l->shown);
        mem_autoclose(&at);
        at = next;
    }
    return TAKE_FD(at);
}

/* 1 open, 0 not there, -1. */
static int open_blob(const struct layout *l, const struct digest *digest, int *ret_fd,
                     uint64_t *ret_size, struct err *e)
{
    struct err why = {.code = ERR_OK};
    AUTOFD dir = open_blobs(l, digest->alg, false, &why);
    if (dir < 0 && why.code == ERR_OK)
        return 0;
    if (dir < 0) {
        if (e)
            *e = why;
        return -1;
    }
    return open_regular(l, dir, digest_hex(digest), ret_fd, ret_size, e);
}

/* Does the open file have this digest? */
static int verify(int fd, uint64_t size, const struct digest *digest, struct err *e)
{
    struct hash h;
    struct digest got;
    AUTO_FREE char *piece = mem_alloc(STEP);
    hash_init(&h, digest->alg);
    while (h.n < size) {
        size_t n = (size_t)MIN_OF(size - h.n, STEP);
        if (file_pread_all(fd, piece, n, h.n, e) < 0)
            return -1;
        hash_update(&h, piece, n);
    }
    hash_digest(&h, &got);
    return digest_eq(&got, digest);
}

static int layout_has(struct endpoint *p, const struct digest *digest, struct err *e)
{
    AUTOFD fd = -1;
    uint64_t size;
    int rc = open_blob(of(p), digest, &fd, &size, e);
    if (rc <= 0)
        return rc;
    /* What was synced before it got its name is what it should be. */
    return size > SYNC_ALONE ? 1 : verify(fd, size, digest, e);
}

static int copy_source(const struct blob_source *s, int fd, struct transfer *x, struct hash *h,
                       struct err *e)
{
    AUTO_FREE char *piece = mem_alloc(STEP);
    while (h->n < s->size) {
        size_t n = (size_t)MIN_OF(s->size - h->n, STEP), got;
        if (x && atomic_load(x->cancel))
            return ERR(e, CANCELLED, "cancelled");
        if (s->read(s->self, h->n, piece, n, &got, e) < 0)
            return -1;
        TRANSFER_PHASE(TRANSFER_WRITE);
        if (file_pwrite_all(fd, piece, got, h->n, e) < 0)
            return -1;
        (void)transfer_phase(TRANSFER_HASH);
        hash_update(h, piece, got);
        if (x)
            transfer_bytes(x, got, true);
    }
    return s->check ? s->check(s->self, e) : 0;
}

/* Writes the temporary file; it is removed by the caller when this fails. */
static int fill(const struct layout *l, const char *tmp, const struct blob_source *s,
                struct transfer *x, struct digest *ret, struct err *e)
{
    struct hash h;
    AUTOFD fd = file_open_at(l->partial, tmp, O_RDWR | O_CREAT | O_EXCL, 0666, e);
    if (fd < 0)
        return -1;
    hash_init(&h, s->digest ? s->digest->alg : DIGEST_SHA256);
    if (copy_source(s, fd, x, &h, e) < 0)
        return err_wrap(e, "%s", s->shown);
    hash_digest(&h, ret);
    if (s->digest && !digest_eq(s->digest, ret))
        return ERR(e, DIGEST_INVALID, "%s has the digest %s instead of %s", s->shown, ret->text,
                   s->digest->text);
    return s->size > SYNC_ALONE ? file_sync(fd, e) : 0;
}

static int writable(const struct layout *l, struct err *e)
{
    return l->partial < 0 ? ERR(e, CONFLICT, "%s was opened for reading", l->shown) : 0;
}

static int layout_put(struct endpoint *p, const struct blob_source *s, struct transfer *x,
                      struct digest *ret_digest, bool *ret_present, struct err *e)
{
    struct layout *l = of(p);
    char tmp[RANDOM_UUID_MAX];
    struct digest digest;

    if (writable(l, e) < 0)
        return -1;
    if (s->digest) {
        int rc = layout_has(p, s->digest, e);
        if (rc < 0)
            return -1;
        if (rc > 0) {
            if (x)
                transfer_bytes(x, s->size, false);
            *ret_digest = *s->digest;
            *ret_present = true;
            return 0;
        }
    }
    random_uuid(tmp);
    if (fill(l, tmp, s, x, &digest, e) < 0) {
        (void)sys->unlinkat(l->partial, tmp, 0);
        return -1;
    }
    /* A rename over a blob of the same digest changes nothing. */
    AUTOFD dir = open_blobs(l, digest.alg, true, e);
    if (dir < 0 || sys->renameat(l->partial, tmp, dir, digest_hex(&digest)) < 0) {
        if (dir >= 0)
            (void)ERR_SYS(e, "cannot name a blob in %s", l->shown);
        (void)sys->unlinkat(l->partial, tmp, 0);
        return -1;
    }
    *ret_digest = digest;
    *ret_present = false;
    return 0;
}

static int layout_get(struct endpoint *p, const struct digest *digest, uint64_t size, uint64_t at,
                      uint64_t n, int (*take)(void *self, const void *p, size_t n, struct err *e),
                      void *self, struct err *e)
{
    struct layout *l = of(p);
    AUTOFD fd = -1;
    uint64_t there;
    int rc = open_blob(l, digest, &fd, &there, e);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return ERR(e, BLOB_UNKNOWN, "%s holds no blob %s", l->shown, digest->text);
    if (there != size)
        return ERR(e, MODEL_INVALID, "%s: the blob %s has %" PRIu64 " bytes instead of %" PRIu64,
                   l->shown, digest->text, there, size);
    AUTO_FREE char *piece = mem_alloc(STEP);
    while (n) {
        size_t part = (size_t)MIN_OF(n, STEP);
        if (file_pread_all(fd, piece, part, at, e) < 0 || take(self, piece, part, e) < 0)
            return -1;
        at += part;
        n -= part;
    }
    return 0;
}

/* A whole file of at most LIMIT_MANIFEST bytes: 1, 0 not there, -1. */
static int read_small(const struct layout *l, int fd, uint64_t size, const char *name,
                      struct buf *out, struct err *e)
{
    if (size > LIMIT_MANIFEST)
        return ERR(e, LIMIT, "%s: %s is larger than %llu bytes", l->shown, name, LIMIT_MANIFEST);
    AUTO_FREE char *bytes = mem_alloc((size_t)size + 1);
    if (file_pread_all(fd, bytes, (size_t)size, 0, e) < 0)
        return err_wrap(e, "%s: %s", l->shown, name);
    buf_add(out, bytes, (size_t)size);
    return 1;
}

/* index.json with a list of manifests, or NULL; made up when there is none yet. */
static json_t *load_index(const struct layout *l, struct err *e)
{
    AUTO(buf) text = {0};
    AUTOFD fd = -1;
    uint64_t size;

    buf_init(&text, LIMIT_MANIFEST);
    int rc = open_regular(l, l->root, "index.json", &fd, &size, e);
    if (rc < 0 || (rc > 0 && read_small(l, fd, size, "index.json", &text, e) < 0))
        return NULL;
    struct str bytes =
        rc > 0 ? buf_str(&text)
               : STR("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[]}");
    AUTO_JSON doc = json_load(bytes, ERR_MODEL_INVALID, e);
    if (!doc) {
        (void)err_wrap(e, "%s: index.json", l->shown);
        return NULL;
    }
    if (!json_is_object(doc) || !json_is_array(json_object_get(doc, "manifests"))) {
        (void)ERR(e, MODEL_INVALID, "%s: index.json has no list \"manifests\"", l->shown);
        return NULL;
    }
    return TAKE(doc);
}

static int layout_manifest_get(struct endpoint *p, struct arena *a, const struct reference *ref,
                               struct endpoint_manifest *ret, struct err *e)
{
    struct layout *l = of(p);
    struct endpoint_manifest m = {.type = STR_NULL};
    AUTO(buf) bytes = {0};
    AUTOFD fd = -1;
    uint64_t size;

    AUTO_JSON doc = load_index(l, e);
    if (!doc)
        return -1;
    const json_t *entry = layout_index_find(doc, ref);
    struct str said = reference_str(ref);
    if (!entry && !ref->is_digest)
        return ERR(e, MANIFEST_UNKNOWN, "%s holds nothing under the name %.*s", l->shown, S(said));
    /* A digest that is not listed may be part of an index that is. */
    if (ref->is_digest)
        m.digest = ref->digest;
    else if (digest_parse(json_get_str(entry, "digest"), &m.digest, e) < 0)
        return err_wrap(e, "%s: index.json", l->shown);
    int rc = open_blob(l, &m.digest, &fd, &size, e);
    if (rc <= 0)
        return rc < 0
                   ? -1
                   : ERR(e, MANIFEST_UNKNOWN, "%s holds no manifest %s", l->shown, m.digest.text);
    buf_init(&bytes, LIMIT_MANIFEST);
    if (read_small(l, fd, size, m.digest.text, &bytes, e) < 0)
        return -1;
    struct digest got;
    hash_bytes(m.digest.alg, bytes.p, bytes.n, &got);
    if (!digest_eq(&got, &m.digest))
        return ERR(e, DIGEST_INVALID, "%s: the manifest %s is damaged", l->shown, m.digest.text);
    struct str type = json_get_str(entry, "mediaType");
    char *copy = arena_try(a, bytes.n + type.n + 2, e);
    if (!copy)
        return -1;
    memcpy(copy, bytes.p, bytes.n + 1);
    if (type.n)
        memcpy(copy + bytes.n + 1, type.p, type.n);
    m.bytes = str_of(copy, bytes.n);
    m.type = str_of(copy + bytes.n + 1, type.n);
    *ret = m;
    return 0;
}

/* The directory, locked until it is closed: one writer of index.json at a time. */
static int lock_root(const struct layout *l, struct err *e)
{
    AUTOFD fd = file_open_at(l->root, ".", O_RDONLY | O_DIRECTORY, 0, e);
    if (fd < 0)
        return -1;
    int rc;
    do
        rc = flock(fd, LOCK_EX);
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? ERR_SYS(e, "cannot lock %s", l->shown) : TAKE_FD(fd);
}

static int memory_read(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e)
{
    const struct str *bytes = self;
    (void)e;
    memcpy(p, bytes->p + at, n);
    *ret_n = n;
    return 0;
}

/* Called with the lock. */
static int store_index(const struct layout *l, const json_t *doc, struct err *e)
{
    char *text = json_dumps(doc, JSON_COMPACT);
    BUG_ON(!text); /* every string in it was read from JSON or checked by us */
    int rc = strlen(text) > LIMIT_MANIFEST
                 ? ERR(e, LIMIT, "%s: index.json would be larger than %llu bytes", l->shown,
                       LIMIT_MANIFEST)
                 : file_replace_at(l->root, "index.json", 0666, str_from(text), e);
    mem_free(text);
    return rc;
}

static int layout_manifest_put(struct endpoint *p, struct str bytes, struct str type,
                               const struct digest *digest, const struct tag *tag, struct err *e)
{
    struct layout *l = of(p);
    const struct blob_source s = {.size = bytes.n,
                                  .shown = "the manifest",
                                  .read = memory_read,
                                  .self = &bytes,
                                  .digest = digest};
    struct digest got;
    bool present;

    if (layout_put(p, &s, NULL, &got, &present, e) < 0)
        return -1;
    /* Blobs first, then what names them. */
    if (syncfs(l->root) < 0)
        return ERR_SYS(e, "cannot sync %s", l->shown);
    AUTOFD lock = lock_root(l, e);
    if (lock < 0)
        return -1;
    AUTO_JSON doc = load_index(l, e);
    if (!doc || layout_index_add(doc, bytes, type, digest, tag, e) < 0)
        return -1;
    return store_index(l, doc, e);
}

static int layout_manifest_put_part(struct endpoint *p, struct str bytes, struct str type,
                                    const struct digest *digest, struct err *e)
{
    const struct blob_source s = {.size = bytes.n,
                                  .shown = "the manifest",
                                  .read = memory_read,
                                  .self = &bytes,
                                  .digest = digest};
    struct digest got;
    bool present;
    (void)type; /* what names it says that */
    return layout_put(p, &s, NULL, &got, &present, e);
}

static int layout_manifest_head(struct endpoint *p, struct arena *a, const struct reference *ref,
                                struct endpoint_entry *ret, struct err *e)
{
    struct err why = {.code = ERR_OK};
    struct endpoint_manifest m;
    if (layout_manifest_get(p, a, ref, &m, &why) < 0) {
        if (why.code == ERR_MANIFEST_UNKNOWN)
            return 0;
        *e = why;
        return -1;
    }
    if (ret)
        *ret = (struct endpoint_entry){.type = m.type, .digest = m.digest, .size = m.bytes.n};
    return 1;
}

static int layout_list(struct endpoint *p, struct arena *a, struct endpoint_entry **ret,
                       size_t *ret_n, struct err *e)
{
    const json_t *one;
    size_t i;

    AUTO_JSON doc = load_index(of(p), e);
    if (!doc)
        return -1;
    const json_t *manifests = json_object_get(doc, "manifests");
    size_t n = json_array_size(manifests);
    struct endpoint_entry *list = arena_try(a, n * sizeof(*list) + 1, e);
    if (!list)
        return -1;
    json_array_foreach(manifests, i, one)
    {
        if (layout_index_entry(one, a, &list[i], e) < 0)
            return err_wrap(e, "%s: index.json", of(p)->shown);
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

/* What a list of referrers says of one (distribution-spec "Listing Referrers"). */
static void keep_annotations(struct arena *a, const struct oci_manifest *m,
                             struct oci_descriptor *ret)
{
    struct oci_annotation *list = arena_try(a, m->n_annotations * sizeof(*list) + 1, NULL);
    for (size_t i = 0; list && i < m->n_annotations; i++) {
        const struct str from[] = {m->annotations[i].key, m->annotations[i].value};
        struct str *const to[] = {&list[i].key, &list[i].value};
        for (size_t k = 0; k < ARRAY_LEN(from); k++) {
            char *copy = arena_try(a, from[k].n + 1, NULL);
            if (!copy)
                return;
            if (from[k].n)
                memcpy(copy, from[k].p, from[k].n);
            *to[k] = str_of(copy, from[k].n);
        }
    }
    if (list) {
        ret->annotations = list;
        ret->n_annotations = m->n_annotations;
    }
}

/* An entry whose subject this is: 1, 0. What cannot be read refers to nothing. */
static int refers_to(struct endpoint *p, struct arena *a, const struct endpoint_entry *entry,
                     const struct digest *subject, struct oci_descriptor *ret)
{
    AUTO(arena) passing = {0};
    const struct reference ref = {.is_digest = true, .digest = entry->digest};
    struct endpoint_manifest m;
    struct oci_manifest doc;

    arena_init(&passing, 16 * LIMIT_MANIFEST);
    if (layout_manifest_get(p, &passing, &ref, &m, NULL) < 0 ||
        oci_manifest_parse(&passing, m.bytes, m.type, &doc, NULL) < 0 || !doc.has_subject ||
        !digest_eq(&doc.subject.digest, subject))
        return 0;
    *ret = (struct oci_descriptor){.media_type = arena_str(a, str_from(doc.type.text)),
                                   .digest = entry->digest,
                                   .size = (int64_t)m.bytes.n,
                                   .artifact_type =
                                       arena_str(a, str_head(doc.artifact_type, LIMIT_MEDIA_TYPE))};
    keep_annotations(a, &doc, ret);
    return 1;
}

static int layout_referrers(struct endpoint *p, struct arena *a, const struct digest *subject,
                            struct oci_descriptor **ret, size_t *ret_n, struct err *e)
{
    AUTO(arena) passing = {0};
    struct endpoint_entry *entries;
    size_t n, found = 0;

    arena_init(&passing, 16 * LIMIT_MANIFEST);
    if (layout_list(p, &passing, &entries, &n, e) < 0)
        return -1;
    struct oci_descriptor *list = arena_try(a, n * sizeof(*list) + 1, e);
    if (!list)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (refers_to(p, a, &entries[i], subject, &list[found]) > 0)
            found++;
    *ret = list;
    *ret_n = found;
    return 0;
}

/* Frees what only the artifact that is gone had. Nobody else may be writing: a blob that another
 * one counts on would go. What cannot be told, or removed, stays, which costs only space. */
static void sweep(struct layout *l, const struct digest *gone)
{
    AUTO_FREE struct digest *list = NULL;
    struct err ignored = {.code = ERR_OK};
    size_t n;

    if (flock(l->partial, LOCK_EX | LOCK_NB) == 0 &&
        sweep_plan(&l->endpoint, gone, &list, &n, &ignored) == 0) {
        for (size_t i = 0; i < n; i++) {
            AUTOFD dir = open_blobs(l, list[i].alg, false, NULL);
            if (dir >= 0)
                (void)sys->unlinkat(dir, digest_hex(&list[i]), 0);
        }
    }
    (void)flock(l->partial, LOCK_SH);
}

/* With the lock. 1: it is listed, and what depends on it may lose it; 0: it is not. */
static int ask_first(struct layout *l, const struct digest *gone, struct endpoint_linked *linked,
                     struct layout_parting *ret, struct err *e)
{
    const struct reference ref = {.is_digest = true, .digest = *gone};
    AUTO_JSON doc = load_index(l, e);

    if (!doc)
        return -1;
    if (!layout_index_find(doc, &ref))
        return 0;
    if (layout_parting_find(&l->endpoint, gone, l->shown, linked, ret, e) < 0)
        return -1;
    if (linked && linked->n)
        return ERR(e, PRECONDITION, "%s: %zu link%s to it", l->shown, linked->n,
                   linked->n == 1 ? " leads" : "s lead");
    return 1;
}

static int layout_remove(struct endpoint *p, const struct reference *ref,
                         struct endpoint_linked *linked, struct err *e)
{
    struct layout *l = of(p);
    struct layout_parting parting = {.along = NULL};

    if (writable(l, e) < 0)
        return -1;
    AUTOFD lock = lock_root(l, e);
    if (lock < 0)
        return -1;
    int rc = ref->is_digest ? ask_first(l, &ref->digest, linked, &parting, e) : 1;
    AUTO_FREE struct digest *along = parting.along;
    if (rc <= 0)
        return rc;
    AUTO_JSON doc = load_index(l, e);
    if (!doc)
        return -1;
    if (!layout_index_remove(doc, ref))
        return 0;
    for (size_t i = 0; i < parting.n_along; i++) {
        const struct reference one = {.is_digest = true, .digest = along[i]};
        (void)layout_index_remove(doc, &one);
    }
    if (store_index(l, doc, e) < 0)
        return -1;
    for (size_t i = 0; i < parting.n_along; i++)
        sweep(l, &along[i]);
    if (ref->is_digest)
        sweep(l, &ref->digest);
    return 1;
}

static int remove_entry(void *p, int folder, const char *name, struct err *e)
{
    (void)p, (void)e;
    (void)sys->unlinkat(folder, name, 0);
    return 0;
}

/* What writers that were killed have left; called with the only lock. */
static void empty_partial(int partial)
{
    (void)file_each_at(partial, ".", remove_entry, NULL, NULL);
}

/* The folder of files in the making, with a shared lock. */
static int open_partial(const struct layout *l, struct err *e)
{
    struct stat st;
    for (;;) {
        if (sys->mkdirat(l->root, PARTIAL, 0777) < 0 && errno != EEXIST)
            return ERR_SYS(e, "cannot create " PARTIAL " in %s", l->shown);
        AUTOFD fd = file_open_at(l->root, PARTIAL, O_RDONLY | O_DIRECTORY, 0, e);
        if (fd < 0)
            return -1;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            empty_partial(fd);
        if (flock(fd, LOCK_SH) < 0 && errno != EINTR)
            return ERR_SYS(e, "cannot lock " PARTIAL " in %s", l->shown);
        /* The last writer may have removed it meanwhile. */
        if (sys->fstat(fd, &st) == 0 && st.st_nlink > 0)
            return TAKE_FD(fd);
    }
}

static void layout_close(struct endpoint *p)
{
    struct layout *l = of(p);
    if (l->partial >= 0 && flock(l->partial, LOCK_EX | LOCK_NB) == 0)
        (void)sys->unlinkat(l->root, PARTIAL, AT_REMOVEDIR);
    mem_autoclose(&l->partial);
    mem_autoclose(&l->root);
    mem_free(l->shown);
    mem_free(l);
}

static const struct endpoint_ops layout_ops = {.has = layout_has,
                                               .put = layout_put,
                                               .get = layout_get,
                                               .get_part = layout_get,
                                               .manifest_get = layout_manifest_get,
                                               .manifest_put = layout_manifest_put,
                                               .manifest_put_part = layout_manifest_put_part,
                                               .manifest_head = layout_manifest_head,
                                               .list = layout_list,
                                               .referrers = layout_referrers,
                                               .remove = layout_remove,
                                               .close = layout_close};

/* {"imageLayoutVersion": "1.0.0"} */
static int check_version(const struct layout *l, struct err *e)
{
    AUTO(buf) text = {0};
    AUTOFD fd = -1;
    uint64_t size;
    int rc = open_regular(l, l->root, "oci-layout", &fd, &size, e);
    if (rc <= 0)
        return rc;
    buf_init(&text, LIMIT_MANIFEST);
    if (read_small(l, fd, size, "oci-layout", &text, e) < 0)
        return -1;
    AUTO_JSON doc = json_load(buf_str(&text), ERR_MODEL_INVALID, e);
    if (!doc)
        return err_wrap(e, "%s: oci-layout", l->shown);
    if (!str_starts(json_get_str(doc, "imageLayoutVersion"), STR("1.")))
        return ERR(e, MODEL_INVALID, "%s is an image layout of another version than 1", l->shown);
    return 1;
}

/* What file_replace_at leaves when it is killed. */
static bool is_left(struct str name)
{
    return str_ends(name, STR(".tmp")) &&
           (str_starts(name, STR("oci-layout.")) || str_starts(name, STR("index.json.")));
}

/* What writers of layouts leave is removed; anything else ends the look. */
static int is_content(void *p, int folder, const char *name, struct err *e)
{
    (void)p, (void)e;
    if (!is_left(str_from(name)))
        return strcmp(name, PARTIAL) != 0;
    (void)sys->unlinkat(folder, name, 0);
    return 0;
}

/* Called with the lock. */
static bool is_empty(const struct layout *l)
{
    return file_each_at(l->root, ".", is_content, NULL, NULL) == 0;
}

static int open_layout(struct layout *l, bool create, struct err *e)
{
    if (create && sys->mkdirat(AT_FDCWD, l->shown, 0777) < 0 && errno != EEXIST)
        return ERR_SYS(e, "cannot create the directory %s", l->shown);
    l->root = file_open_at(AT_FDCWD, l->shown, O_RDONLY | O_DIRECTORY, 0, e);
    if (l->root < 0)
        return -1;
    int rc = check_version(l, e);
    if (rc < 0)
        return -1;
    if (rc == 0 && !create)
        return ERR(e, MODEL_INVALID, "%s is not an image layout: it has no file oci-layout",
                   l->shown);
    if (rc == 0) {
        AUTOFD lock = lock_root(l, e);
        if (lock < 0)
            return -1;
        rc = check_version(l, e); /* another writer may have been faster */
        if (rc == 0 && !is_empty(l))
            return ERR(e, CONFLICT,
                       "%s holds other files and is not an image layout; name an empty directory",
                       l->shown);
        if (rc < 0 ||
            (rc == 0 && file_replace_at(l->root, "oci-layout", 0666,
                                        STR("{\"imageLayoutVersion\":\"1.0.0\"}"), e) < 0))
            return -1;
    }
    if (!create)
        return 0;
    l->partial = open_partial(l, e);
    return l->partial < 0 ? -1 : 0;
}

struct endpoint *endpoint_layout(const char *dir, bool create, struct err *e)
{
    struct layout *l = NEW(struct layout);
    *l = (struct layout){.root = -1, .partial = -1, .shown = mem_strdup(dir)};
    l->endpoint = (struct endpoint){.ops = &layout_ops, .shown = l->shown};
    if (open_layout(l, create, e) < 0) {
        layout_close(&l->endpoint);
        return NULL;
    }
    return &l->endpoint;
}

bool endpoint_is_layout(const char *dir)
{
    struct stat st;
    AUTOFD fd = file_open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, NULL);
    return fd >= 0 && sys->fstatat(fd, "oci-layout", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(st.st_mode);
}
