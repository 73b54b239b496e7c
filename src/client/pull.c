/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pull.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "client/fetch.h"
#include "client/pull_archives.h"
#include "model/path.h"

#include <inttypes.h>

/* A manifest of LIMIT_MANIFEST and what is made of it. */
#define PULL_ARENA (64 * MIB)

/* An index may hold an index; nobody needs more. */
#define INDEX_DEPTH 3
/* Files up to this size get their names in batches, with one sync of the file system for all of a
 * batch instead of two for each. */
#define BATCH_FILE_MAX (256 * KIB)
#define BATCH_MAX      256
/* … of at most this many bytes: a kill costs them. */
#define BATCH_BYTES (8 * MIB)

/* All files of one content: fetched once, copied for the rest. */
struct group {
    struct pack_layer *files; /* neighbours in the sorted list */
    size_t n;
    bool *present;
};

/* What a fetch_job is for: one of these. */
struct job_of {
    struct group *group;
    struct pull_archive *archive;
};

struct pull {
    struct arena arena;
    struct place place;
    struct download download;
    struct transfer *transfer;
    struct members_filter filter;
    struct pack_layer *files; /* raw layers that are wanted */
    size_t n_files;
    struct group *groups;
    size_t n_groups;
    struct pull_archives archives;
    struct fetch_job *jobs;
    size_t n_jobs;
    struct mutex lock;
    /* Under lock: groups that are complete and right, and have no names yet. */
    struct group *batch[BATCH_MAX];
    size_t n_batch;
    uint64_t batch_bytes;
};

static void pull_autodone(struct pull *p)
{
    mutex_done(&p->lock);
    pull_archives_autodone(&p->archives);
    place_autodone(&p->place);
    arena_done(&p->arena);
}

/* Fetches a manifest; its digest is checked against `want`, or (NULL) what the registry says. */
static int get_one(struct pull *p, const char *repo, struct str reference,
                   const struct digest *want, struct oci_manifest *ret, struct digest *ret_digest,
                   struct err *e)
{
    static const char *const accept[] = {"Accept: " OCI_TYPE_MANIFEST ", " DOCKER_TYPE_MANIFEST
                                         ", " OCI_TYPE_INDEX ", " DOCKER_TYPE_INDEX,
                                         NULL};
    struct http_answer a __attribute__((cleanup(http_answer_autodone)));
    AUTO(buf) url = {0};
    struct digest said, got;

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (transport_url(p->download.transport, &url, e, "/v2/%s/manifests/%.*s", repo, S(reference)) <
        0)
        return -1;
    const struct transport_request rq = {
        .method = "GET", .url = url.p, .headers = accept, .body_max = LIMIT_MANIFEST};
    if (transport_ask(p->download.transport, TRANSPORT_PULL, &rq, &a, e) < 0)
        return -1;
    if (a.status != 200)
        return transport_refused(&a, repo, e);
    struct str header = http_answer_header(&a, "Docker-Content-Digest");
    bool known = header.n && digest_parse(header, &said, NULL) == 0;
    enum digest_alg alg = want ? want->alg : known ? said.alg : DIGEST_SHA256;
    hash_bytes(alg, a.body.p, a.body.n, &got);
    if (want && !digest_eq(&got, want))
        return ERR(e, DIGEST_INVALID,
                   "the registry sends a manifest with the digest %s instead of %s", got.text,
                   want->text);
    if (known && said.alg == got.alg && !digest_eq(&said, &got))
        return ERR(e, DIGEST_INVALID, "the manifest was damaged on its way: %s instead of %s",
                   got.text, said.text);
    if (oci_manifest_parse(&p->arena, buf_str(&a.body), http_answer_header(&a, "Content-Type"), ret,
                           e) < 0)
        return -1;
    *ret_digest = got;
    return 0;
}

/* The manifest, of an index the one that is for this machine. *ret_digest: of what was named. */
static int get_manifest(struct pull *p, const struct remote_ref *ref, struct str platform,
                        struct oci_manifest *ret, struct digest *ret_digest, struct err *e)
{
    const struct oci_descriptor *d;
    struct digest ignored;
    if (get_one(p, ref->repo.text, reference_str(&ref->ref),
                ref->ref.is_digest ? &ref->ref.digest : NULL, ret, ret_digest, e) < 0)
        return -1;
    for (size_t i = 0; ret->is_index && i < INDEX_DEPTH; i++) {
        if (pack_choose(ret, platform, &d, e) < 0 ||
            get_one(p, ref->repo.text, digest_str(&d->digest), &d->digest, ret, &ignored, e) < 0)
            return -1;
    }
    return 0;
}

/* The folder of partial files is ours alone. */
static bool is_ours(struct str path)
{
    return str_ieq(str_cut(&path, '/'), STR(PLACE_PARTIAL));
}

/* What the manifest holds and the filter lets through. */
static int get_files(struct pull *p, const struct oci_manifest *m, struct pack *pack, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    if (pack_read(&p->arena, m, pack, e) < 0)
        return -1;
    p->files = arena_try(&p->arena, pack->n_layers * sizeof(*p->files) + 1, e);
    if (!p->files)
        return -1;
    for (size_t i = 0; i < pack->n_layers; i++) {
        const struct pack_layer *l = &pack->layers[i];
        if (l->encoding != PACK_RAW || !members_selects(&p->filter, l->path))
            continue;
        if (is_ours(l->path))
            return ERR(e, MODEL_INVALID, "the path \"%s\" is kept for partial files",
                       model_path_show(l->path, show, sizeof(show)));
        p->files[p->n_files] = *l;
        /* NUL-ended, for messages. */
        p->files[p->n_files++].path = arena_str(&p->arena, l->path);
    }
    return 0;
}

static int by_digest(const void *va, const void *vb)
{
    const struct pack_layer *a = va, *b = vb;
    int d = strcmp(a->digest.text, b->digest.text);
    return d ? d : str_cmp(a->path, b->path);
}

static int by_size(const void *va, const void *vb)
{
    const struct fetch_job *a = va, *b = vb;
    return a->size == b->size ? 0 : a->size > b->size ? -1 : 1;
}

static int by_content(const void *va, const void *vb)
{
    const struct pack_layer *const *a = va, *const *b = vb;
    return strcmp((*a)->digest.text, (*b)->digest.text);
}

/* Files of the same content side by side. */
static int make_groups(struct pull *p, struct err *e)
{
    if (p->n_files)
        qsort(p->files, p->n_files, sizeof(*p->files), by_digest);
    p->groups = arena_try(&p->arena, p->n_files * sizeof(*p->groups) + 1, e);
    bool *present = p->groups ? arena_try(&p->arena, p->n_files * sizeof(*present) + 1, e) : NULL;
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
    return 0;
}

/* Looks which files are right already. */
static int look_group(void *self, size_t job, struct err *e)
{
    struct pull *p = self;
    struct group *g = &p->groups[job];
    for (size_t i = 0; i < g->n; i++) {
        const struct pack_layer *f = &g->files[i];
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

static int look_archive(void *self, size_t i, struct err *e)
{
    struct pull *p = self;
    return pull_archives_look(&p->archives, i, e);
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
        const struct place_part name = place_part(&g->files->digest, "");
        uint64_t part = missing ? place_part_size(&p->place, &name) : 0;
        need += missing - MIN_OF(part, missing);
    }
    /* Compressed layers are kept until they are unpacked; what others need is known later. */
    for (size_t k = 0; k < p->archives.n; k++) {
        const struct pack_layer *l = p->archives.all[k].layer;
        const struct place_part name = place_part(&l->digest, "");
        if (l->encoding != PACK_TAR && !p->archives.all[k].present)
            need += l->size - MIN_OF(l->size, place_part_size(&p->place, &name));
    }
    if (file_space(p->place.root, &space, e) < 0)
        return -1;
    if (need > space)
        return ERR(e, NO_SPACE, "%" PRIu64 " bytes are to be written, %" PRIu64 " are free", need,
                   space);
    return 0;
}

static int put(const struct pull *p, int fd, const struct pack_layer *f, enum transfer_how how,
               bool later, struct err *e)
{
    const struct place_part part = place_part(&f->digest, "");
    TRANSFER_PHASE(TRANSFER_WRITE);
    int rc = later ? place_put_later(&p->place, fd, &part, f->path, f->mode, f->mtime_ms, e)
                   : place_put(&p->place, fd, &part, f->path, f->mode, f->mtime_ms, e);
    if (rc < 0)
        return -1;
    transfer_file(p->transfer, f->path.p, f->size, how);
    return 0;
}

/* The other files of a group, once `source` is in its place. */
static int put_copies(struct pull *p, const struct group *g, const struct pack_layer *source,
                      struct err *e)
{
    const struct place_part part = place_part(&source->digest, "");
    for (size_t i = 0; i < g->n; i++) {
        const struct pack_layer *f = &g->files[i];
        uint64_t ignored;
        if (g->present[i] || f == source)
            continue;
        if (place_copy(&p->place, source->path, f->size, &part, e) < 0)
            return err_wrap(e, "%s", f->path.p);
        AUTOFD fd = place_part_open(&p->place, &part, &ignored, e);
        transfer_bytes(p->transfer, f->size, false);
        if (fd < 0 || put(p, fd, f, TRANSFER_COPIED, false, e) < 0)
            return err_wrap(e, "%s", f->path.p);
    }
    return 0;
}

/* Gives names to a batch. */
static int put_batch(struct pull *p, struct group *const *batch, size_t n, struct err *e)
{
    if (n && place_sync(&p->place, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct pack_layer *f = batch[i]->files;
        const struct place_part part = place_part(&f->digest, "");
        uint64_t there;
        AUTOFD fd = place_part_open(&p->place, &part, &there, e);
        if (fd < 0)
            return -1;
        if (there != f->size)
            return ERR(e, CORRUPT, "%s: a partial file was changed by somebody else", f->path.p);
        if (put(p, fd, f, TRANSFER_MOVED, true, e) < 0 || put_copies(p, batch[i], f, e) < 0)
            return -1;
    }
    return 0;
}

static int put_in_batch(struct pull *p, struct group *g, struct err *e)
{
    struct group *batch[BATCH_MAX];
    size_t n = 0;
    mutex_lock(&p->lock);
    p->batch[p->n_batch++] = g;
    p->batch_bytes += g->files->size;
    if (p->n_batch == BATCH_MAX || p->batch_bytes >= BATCH_BYTES) {
        n = p->n_batch;
        memcpy(batch, p->batch, sizeof(batch));
        p->n_batch = 0;
        p->batch_bytes = 0;
    }
    mutex_unlock(&p->lock);
    transfer_file_drop(p->transfer);
    return put_batch(p, batch, n, e);
}

/* A file of this group that was right from the beginning, or NULL. */
static const struct pack_layer *source_of(const struct group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->present[i])
            return &g->files[i];
    return NULL;
}

static int begin_job(void *self, struct fetch_job *job, struct err *e)
{
    struct pull *p = self;
    const struct job_of *of = job->self;
    if (of->archive)
        return pull_archives_begin(&p->archives, of->archive, job, e);
    const struct pack_layer *source = source_of(of->group);
    if (source)
        return put_copies(p, of->group, source, e) < 0 ? -1 : 1;
    return fetch_spread_file(&p->place, job, e);
}

static int job_done(void *self, struct fetch_job *job, struct err *e)
{
    struct pull *p = self;
    const struct job_of *of = job->self;
    if (of->archive)
        return pull_archives_done(&p->archives, of->archive, job, e);
    if (job->size <= BATCH_FILE_MAX)
        return put_in_batch(p, of->group, e);
    if (put(p, job->spread.fd, of->group->files, TRANSFER_MOVED, false, e) < 0)
        return -1;
    return put_copies(p, of->group, of->group->files, e);
}

static bool is_complete(const struct group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (!g->present[i])
            return false;
    return true;
}

static void add_job(struct pull *p, const struct pack_layer *l, const char *shown, struct job_of of)
{
    struct job_of *self = arena_alloc(&p->arena, sizeof(*self));
    *self = of;
    p->jobs[p->n_jobs++] =
        (struct fetch_job){.digest = l->digest, .size = l->size, .shown = shown, .self = self};
}

/* The large ones first. */
static int make_jobs(struct pull *p, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    size_t n = p->n_groups + p->archives.n;
    p->jobs = arena_try(&p->arena, n * sizeof(*p->jobs) + 1, e);
    if (!p->jobs)
        return -1;
    for (size_t k = 0; k < p->n_groups; k++) {
        struct group *g = &p->groups[k];
        if (!is_complete(g))
            add_job(p, g->files, g->files->path.p, (struct job_of){.group = g});
    }
    for (size_t k = 0; k < p->archives.n; k++) {
        struct pull_archive *a = &p->archives.all[k];
        const struct pack_layer *l = a->layer;
        const char *path = model_path_show(l->path, show, sizeof(show));
        if (a->present)
            continue;
        add_job(p, l,
                l->path.n ? arena_printf(&p->arena, "the archive %s", path)
                          : arena_printf(&p->arena, "the archive %.19s", l->digest.text),
                (struct job_of){.archive = a});
    }
    if (p->n_jobs)
        qsort(p->jobs, p->n_jobs, sizeof(*p->jobs), by_size);
    return 0;
}

static int fetch_files(struct pull *p, unsigned threads, struct err *e)
{
    struct fetch f = {.download = &p->download,
                      .transfer = p->transfer,
                      .place = &p->place,
                      .jobs = p->jobs,
                      .n = p->n_jobs,
                      .threads = threads,
                      .begin = begin_job,
                      .done = job_done,
                      .self = p};
    struct err late;
    int rc = fetch_run(&f, e);
    /* What is right is not lost because something else is wrong. */
    bool batched = p->n_batch > 0 || p->n_jobs > BATCH_MAX;
    if (put_batch(p, p->batch, p->n_batch, &late) < 0 ||
        (batched && place_sync(&p->place, &late) < 0)) {
        if (rc == 0)
            *e = late;
        return -1;
    }
    return rc;
}

/* One content cannot be a file and an archive, or archives of two kinds: they would be in each
 * other's way. */
static int check_meaning(const struct pack *pack, struct err *e)
{
    AUTO_FREE const struct pack_layer **l =
        NEW_ARRAY(pack->n_layers + 1, const struct pack_layer *);
    for (size_t i = 0; i < pack->n_layers; i++)
        l[i] = &pack->layers[i];
    qsort(l, pack->n_layers, sizeof(void *), by_content);
    for (size_t i = 1; i < pack->n_layers; i++)
        if (digest_eq(&l[i - 1]->digest, &l[i]->digest) &&
            (l[i - 1]->encoding != l[i]->encoding || l[i - 1]->size != l[i]->size))
            return ERR(e, MODEL_INVALID, "the manifest gives %s two sizes or two meanings",
                       l[i]->digest.text);
    return 0;
}

static int place_archives(struct pull *p, struct err *e)
{
    size_t n;
    AUTO_FREE struct str *paths = NEW_ARRAY(p->n_files + 1, struct str);
    for (size_t i = 0; i < p->n_files; i++)
        paths[i] = p->files[i].path;
    if (pull_archives_place(&p->archives, paths, p->n_files, &n, e) < 0)
        return -1;
    if (n + p->n_files == 0)
        return ERR(e, NOT_FOUND, "no file of the model is selected");
    return 0;
}

static int pull_files(struct pull *p, unsigned threads, struct err *e)
{
    uint64_t total = 0;
    for (size_t i = 0; i < p->n_files; i++)
        total += p->files[i].size;
    for (size_t i = 0; i < p->archives.n; i++)
        total += p->archives.all[i].layer->size;
    transfer_expect(p->transfer, p->n_files, total);
    if (make_groups(p, e) < 0 ||
        transfer_run(p->transfer, p->n_groups, threads, look_group, p, e) < 0 ||
        transfer_run(p->transfer, p->archives.n, threads, look_archive, p, e) < 0)
        return -1;
    if (check_space(p, e) < 0 || make_jobs(p, e) < 0 || fetch_files(p, threads, e) < 0)
        return -1;
    return place_archives(p, e);
}

/*
 * After a failure, parts wait for the next pull. After a success, what is left of this manifest's
 * contents is of a run that was killed after it gave a file its name and before it removed the map.
 */
static void finish(struct pull *p, bool success)
{
    if (place_finish(&p->place) || !success)
        return;
    for (size_t k = 0; k < p->n_groups; k++) {
        static const char *const suffixes[] = {"", ".map"};
        for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
            const struct place_part part = place_part(&p->groups[k].files->digest, suffixes[i]);
            (void)place_part_remove(&p->place, &part, NULL);
        }
    }
    for (size_t k = 0; k < p->archives.n; k++)
        place_part_remove_all(&p->place, &p->archives.all[k].layer->digest);
    (void)place_finish(&p->place);
}

int pull_dir(const struct remote_ref *ref, const char *dir, const struct pull_options *options,
             struct pull_result *ret, struct err *e)
{
    AUTO(pull) p = {.place = {.root = -1, .partial = -1}, .filter = options->filter};
    AUTO(transfer) x = {0};
    struct pull_result r;
    struct oci_manifest m = {.is_index = false};
    struct pack pack;

    arena_init(&p.arena, PULL_ARENA);
    mutex_init(&p.lock, "pull");
    transfer_init(&x, options->events);
    struct transport_options to = options->transport;
    to.cancel = x.cancel;
    AUTO_TRANSPORT t = transport_new(ref->scheme, ref->host, &ref->repo, &to, e);
    if (!t)
        return -1;
    p.transfer = &x;
    p.download = (struct download){.transport = t, .repo = ref->repo.text};
    if (get_manifest(&p, ref, options->platform, &m, &r.digest, e) < 0 ||
        get_files(&p, &m, &pack, e) < 0 || check_meaning(&pack, e) < 0)
        return -1;
    pull_archives_init(&p.archives, &pack, &p.filter);
    if (p.n_files + p.archives.n == 0)
        return ERR(e, NOT_FOUND, "no file of the model is selected");
    if (place_open(dir, &p.place, e) < 0)
        return -1;
    AUTO_MEMO memo = p.place.fresh && p.archives.n == 0 ? NULL : memo_open();
    p.place.memo = memo;
    p.archives.tarball = (struct tarball){
        .download = &p.download, .transfer = &x, .place = &p.place, .look = !p.place.fresh};
    int rc = pull_files(&p, options->threads ? options->threads : TRANSFER_THREADS, e);
    finish(&p, rc == 0);
    if (rc < 0)
        return -1;
    r.state = transfer_state_now(&x);
    *ret = r;
    return 0;
}
