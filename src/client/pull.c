/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pull.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "client/download.h"
#include "model/modelpack.h"
#include "model/pack.h"
#include "model/path.h"

#include <inttypes.h>

/* A manifest of LIMIT_MANIFEST and what is made of it. */
#define PULL_ARENA (64 * MIB)

/* All files of one content: fetched once, copied for the rest. */
struct group {
    struct modelpack_file *files; /* neighbours in the sorted list */
    size_t n;
    bool *present;
};

struct pull {
    struct arena arena;
    struct place place;
    struct download download;
    struct transfer *transfer;
    struct modelpack_file *files;
    size_t n_files;
    struct group *groups;
    size_t n_groups;
};

static void pull_autodone(struct pull *p)
{
    place_autodone(&p->place);
    arena_done(&p->arena);
}

/* Fetches the manifest; its digest is checked against the reference or what the registry says. */
static int get_manifest(struct pull *p, const struct remote_ref *ref, struct oci_manifest *ret,
                        struct digest *ret_digest, struct err *e)
{
    static const char *const accept[] = {
        "Accept: " OCI_TYPE_MANIFEST ", " DOCKER_TYPE_MANIFEST ", " OCI_TYPE_INDEX, NULL};
    struct http_answer a __attribute__((cleanup(http_answer_autodone)));
    AUTO(buf) url = {0};
    struct digest said, got;

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    struct str reference = reference_str(&ref->ref);
    if (transport_url(p->download.transport, &url, e, "/v2/%s/manifests/%.*s", ref->repo.text,
                      S(reference)) < 0)
        return -1;
    const struct transport_request rq = {
        .method = "GET", .url = url.p, .headers = accept, .body_max = LIMIT_MANIFEST};
    if (transport_ask(p->download.transport, TRANSPORT_PULL, &rq, &a, e) < 0)
        return -1;
    if (a.status != 200)
        return transport_refused(&a, ref->repo.text, e);
    struct str header = http_answer_header(&a, "Docker-Content-Digest");
    bool known = header.n && digest_parse(header, &said, NULL) == 0;
    enum digest_alg alg = ref->ref.is_digest ? ref->ref.digest.alg
                          : known            ? said.alg
                                             : DIGEST_SHA256;
    hash_bytes(alg, a.body.p, a.body.n, &got);
    if (ref->ref.is_digest && !digest_eq(&got, &ref->ref.digest))
        return ERR(e, DIGEST_INVALID,
                   "the registry sends a manifest with the digest %s instead of %s", got.text,
                   ref->ref.digest.text);
    if (known && said.alg == got.alg && !digest_eq(&said, &got))
        return ERR(e, DIGEST_INVALID, "the manifest was damaged on its way: %s instead of %s",
                   got.text, said.text);
    if (oci_manifest_parse(&p->arena, buf_str(&a.body), http_answer_header(&a, "Content-Type"), ret,
                           e) < 0)
        return -1;
    *ret_digest = got;
    return 0;
}

/* The files of the manifest, each of which is a layer. */
static int get_files(struct pull *p, const struct oci_manifest *m, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    struct pack pack;
    if (pack_read(&p->arena, m, &pack, e) < 0)
        return -1;
    p->files = arena_try(&p->arena, pack.n_layers * sizeof(*p->files), e);
    if (!p->files)
        return -1;
    for (size_t i = 0; i < pack.n_layers; i++) {
        const struct pack_layer *l = &pack.layers[i];
        if (l->encoding != PACK_RAW)
            return ERR(e, MODEL_INVALID,
                       "layer %zu is an archive (%s); only whole files are unpacked", i + 1,
                       model_path_show(l->media_type, show, sizeof(show)));
        p->files[i] = (struct modelpack_file){.path = l->path,
                                              .kind = l->kind,
                                              .guessed = l->guessed,
                                              .digest = l->digest,
                                              .size = l->size,
                                              .mode = l->mode,
                                              .mtime_ms = l->mtime_ms};
    }
    p->n_files = pack.n_layers;
    return 0;
}

static int by_digest(const void *va, const void *vb)
{
    const struct modelpack_file *a = va, *b = vb;
    int d = strcmp(a->digest.text, b->digest.text);
    return d ? d : str_cmp(a->path, b->path);
}

static int by_size(const void *va, const void *vb)
{
    const struct group *a = va, *b = vb;
    return a->files->size == b->files->size ? 0 : a->files->size > b->files->size ? -1 : 1;
}

/* Files of the same content side by side, large ones first. */
static int make_groups(struct pull *p, struct err *e)
{
    qsort(p->files, p->n_files, sizeof(*p->files), by_digest);
    p->groups = arena_try(&p->arena, p->n_files * sizeof(*p->groups), e);
    bool *present = p->groups ? arena_try(&p->arena, p->n_files * sizeof(*present), e) : NULL;
    if (!present)
        return -1;
    for (size_t i = 0; i < p->n_files; i++) {
        struct group *last = p->n_groups ? &p->groups[p->n_groups - 1] : NULL;
        if (last && digest_eq(&last->files->digest, &p->files[i].digest)) {
            if (last->files->size != p->files[i].size)
                return ERR(e, MODEL_INVALID, "the manifest gives %s two sizes",
                           p->files[i].digest.text);
            last->n++;
        } else {
            p->groups[p->n_groups++] =
                (struct group){.files = &p->files[i], .n = 1, .present = &present[i]};
        }
    }
    qsort(p->groups, p->n_groups, sizeof(*p->groups), by_size);
    return 0;
}

/* Looks which files are right already. */
static int look_group(void *self, size_t job, struct err *e)
{
    struct pull *p = self;
    struct group *g = &p->groups[job];
    for (size_t i = 0; i < g->n; i++) {
        const struct modelpack_file *f = &g->files[i];
        TRANSFER_PHASE(TRANSFER_HASH);
        int rc = place_has(&p->place, f->path, f->size, &f->digest, e);
        if (rc < 0)
            return -1;
        g->present[i] = rc > 0;
        if (rc == 0)
            continue;
        transfer_bytes(p->transfer, f->size, false);
        transfer_file(p->transfer, f->path.p, f->size, TRANSFER_PRESENT);
    }
    return 0;
}

/* What is still to be written must fit, less what partial files hold. Block sharing is not counted
 * on. */
static int check_space(const struct pull *p, struct err *e)
{
    uint64_t need = 0, space;
    for (size_t k = 0; k < p->n_groups; k++) {
        const struct group *g = &p->groups[k];
        uint64_t missing = 0;
        for (size_t i = 0; i < g->n; i++)
            missing += g->present[i] ? 0 : g->files->size;
        uint64_t part = missing ? place_part_size(&p->place, &g->files->digest) : 0;
        need += missing - MIN_OF(part, missing);
    }
    if (file_space(p->place.root, &space, e) < 0)
        return -1;
    if (need > space)
        return ERR(e, NO_SPACE, "%" PRIu64 " bytes are to be written, %" PRIu64 " are free", need,
                   space);
    return 0;
}

static int put(const struct pull *p, int fd, const struct modelpack_file *f, enum transfer_how how,
               struct err *e)
{
    TRANSFER_PHASE(TRANSFER_WRITE);
    if (place_put(&p->place, fd, &f->digest, f->path, f->mode, f->mtime_ms, e) < 0)
        return -1;
    transfer_file(p->transfer, f->path.p, f->size, how);
    return 0;
}

static int pull_group(void *self, size_t job, struct err *e)
{
    struct pull *p = self;
    struct group *g = &p->groups[job];
    const struct modelpack_file *source = NULL;

    for (size_t i = 0; i < g->n && !source; i++)
        if (g->present[i])
            source = &g->files[i];
    for (size_t i = 0; i < g->n; i++) {
        const struct modelpack_file *f = &g->files[i];
        uint64_t ignored;
        if (g->present[i])
            continue;
        (void)transfer_file_begin(p->transfer, f->path.p, f->size);
        AUTOFD fd = -1;
        if (!source) {
            fd = download_blob(&p->download, &f->digest, f->size, e);
        } else if (place_copy(&p->place, source->path, f->size, &f->digest, e) == 0) {
            fd = place_part_open(&p->place, &f->digest, &ignored, e);
            transfer_bytes(p->transfer, f->size, false);
        }
        if (fd < 0 || put(p, fd, f, source ? TRANSFER_COPIED : TRANSFER_MOVED, e) < 0)
            return err_wrap(e, "%s", f->path.p);
        source = f;
    }
    return 0;
}

/* The folder of partial files is ours alone. */
static bool is_ours(struct str path)
{
    return str_ieq(str_cut(&path, '/'), STR(PLACE_PARTIAL));
}

static int pull_files(struct pull *p, unsigned threads, struct err *e)
{
    uint64_t total = 0;
    for (size_t i = 0; i < p->n_files; i++)
        if (is_ours(p->files[i].path))
            return ERR(e, MODEL_INVALID, "the path \"%s\" is kept for partial files",
                       p->files[i].path.p);
    for (size_t i = 0; i < p->n_files; i++)
        total += p->files[i].size;
    transfer_expect(p->transfer, p->n_files, total);
    if (make_groups(p, e) < 0 ||
        transfer_run(p->transfer, p->n_groups, threads, look_group, p, e) < 0)
        return -1;
    if (check_space(p, e) < 0)
        return -1;
    return transfer_run(p->transfer, p->n_groups, threads, pull_group, p, e);
}

int pull_dir(const struct remote_ref *ref, const char *dir, const struct pull_options *options,
             struct pull_result *ret, struct err *e)
{
    AUTO(pull) p = {.place = {.root = -1, .partial = -1}};
    AUTO(transfer) x = {0};
    struct pull_result r;
    struct oci_manifest m;

    arena_init(&p.arena, PULL_ARENA);
    transfer_init(&x, options->events);
    struct transport_options to = options->transport;
    to.cancel = x.cancel;
    AUTO_TRANSPORT t = transport_new(ref->scheme, ref->host, &ref->repo, &to, e);
    if (!t)
        return -1;
    p.transfer = &x;
    p.download = (struct download){
        .transport = t, .repo = ref->repo.text, .transfer = &x, .place = &p.place};
    if (get_manifest(&p, ref, &m, &r.digest, e) < 0 || get_files(&p, &m, e) < 0 ||
        place_open(dir, &p.place, e) < 0)
        return -1;
    int rc = pull_files(&p, options->threads ? options->threads : TRANSFER_THREADS, e);
    place_finish(&p.place);
    if (rc < 0)
        return -1;
    r.state = transfer_state_now(&x);
    *ret = r;
    return 0;
}
