/* SPDX-License-Identifier: Apache-2.0 */
#include "client/push.h"

#include "base/file.h"
#include "base/hash.h"
#include "client/local.h"
#include "client/upload.h"

#include <fcntl.h>

struct push {
    struct local_files *l;
    struct upload_target target;
    struct transfer *transfer;
    struct modelpack_facts
        *facts;         /* under the transfer's run: only the job of config.json adds to it */
    struct arena arena; /* what that job keeps */
    size_t *order;      /* large files first, so that no thread is left with one at the end */
};

static void push_autodone(struct push *p)
{
    arena_done(&p->arena);
    mem_free(p->order);
}

/* What unchanged() needs. */
struct one {
    const struct local_files *l;
    size_t i;
};

static int one_unchanged(void *self, int fd, struct err *e)
{
    const struct one *o = self;
    return local_files_unchanged(o->l, o->i, fd, e);
}

/* A small file whole, from memory if the scan has read it. */
static int read_small(struct push *p, size_t i, struct buf *keep, struct str *ret, struct err *e)
{
    struct local_files *l = p->l;
    if (l->local[i].content.p) {
        *ret = l->local[i].content;
        return 0;
    }
    size_t n = (size_t)l->files[i].size;
    AUTOFD fd = local_files_open(l, i, e);
    if (fd < 0)
        return -1;
    AUTO_FREE char *bytes = mem_alloc(n);
    TRANSFER_PHASE(TRANSFER_READ);
    if (file_pread_all(fd, bytes, n, 0, e) < 0)
        return err_wrap(e, "reading %s", l->files[i].path.p);
    buf_add(keep, bytes, n);
    *ret = buf_str(keep);
    return local_files_unchanged(l, i, fd, e);
}

static int push_small(struct push *p, size_t i, enum transfer_how *ret_how, struct err *e)
{
    struct modelpack_file *f = &p->l->files[i];
    AUTO(buf) keep = {0};
    struct str bytes;
    bool present;

    buf_init(&keep, PUSH_SMALL);
    if (read_small(p, i, &keep, &bytes, e) < 0)
        return -1;
    enum transfer_phase before = transfer_phase(TRANSFER_HASH);
    hash_bytes(DIGEST_SHA256, bytes.p, bytes.n, &f->digest);
    (void)transfer_phase(before);
    if (str_eqz(f->path, "config.json") && bytes.n <= LIMIT_MODEL_FACTS)
        modelpack_facts_add(&p->arena, bytes, p->facts);
    if (upload_memory(&p->target, bytes, &f->digest, &present, e) < 0)
        return err_wrap(e, "%s", f->path.p);
    transfer_bytes(p->transfer, f->size, !present);
    *ret_how = present ? TRANSFER_PRESENT : TRANSFER_MOVED;
    return 0;
}

static int push_large(struct push *p, size_t i, struct err *e)
{
    struct modelpack_file *f = &p->l->files[i];
    struct one one = {.l = p->l, .i = i};
    AUTOFD fd = local_files_open(p->l, i, e);
    if (fd < 0)
        return -1;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    const struct upload_file file = {
        .fd = fd, .size = f->size, .path = f->path.p, .unchanged = one_unchanged, .self = &one};
    return upload_file(&p->target, &file, &f->digest, e);
}

static int push_one(void *self, size_t job, struct err *e)
{
    struct push *p = self;
    size_t i = p->order[job];
    const struct modelpack_file *f = &p->l->files[i];
    enum transfer_how how = TRANSFER_MOVED;

    (void)transfer_file_begin(p->transfer, f->path.p, f->size);
    if (f->size <= PUSH_SMALL ? push_small(p, i, &how, e) < 0 : push_large(p, i, e) < 0)
        return -1;
    transfer_file(p->transfer, f->path.p, f->size, how);
    return 0;
}

static int by_size(const void *va, const void *vb, void *ctx)
{
    const struct modelpack_file *files = ctx;
    uint64_t a = files[*(const size_t *)va].size, b = files[*(const size_t *)vb].size;
    return a == b ? 0 : a > b ? -1 : 1;
}

/* The format that most weight bytes have. */
static struct str main_format(const struct local_files *l)
{
    const char *best = NULL;
    uint64_t best_size = 0;
    for (size_t i = 0; i < l->n; i++) {
        const char *format = model_format_of(l->files[i].path);
        if (l->files[i].kind == MODEL_WEIGHT && format && l->files[i].size >= best_size) {
            best = format;
            best_size = l->files[i].size;
        }
    }
    return str_from(best);
}

/* The manifest's size is known before its digests are: a model of too many files is refused at
 * once. */
static int check_fits(const struct local_files *l, const struct modelpack_facts *facts,
                      struct err *e)
{
    AUTO(buf) bytes = {0};
    struct digest any;
    hash_bytes(DIGEST_SHA256, "", 0, &any);
    for (size_t i = 0; i < l->n; i++)
        l->files[i].digest = any;
    buf_init(&bytes, LIMIT_MANIFEST);
    return modelpack_write_manifest(&bytes, facts, STR("{}"), l->files, l->n, e);
}

static int put_manifest(const struct push *p, const struct remote_ref *ref, struct str bytes,
                        const struct digest *digest, struct err *e)
{
    static const char *const headers[] = {"Content-Type: " OCI_TYPE_MANIFEST, NULL};
    struct http_answer a __attribute__((cleanup(http_answer_autodone)));
    AUTO(buf) url = {0};
    struct digest there;

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (ref->ref.is_digest && !digest_eq(&ref->ref.digest, digest))
        return ERR(e, DIGEST_INVALID, "the model has the digest %s, not the one asked for",
                   digest->text);
    struct str reference = reference_str(&ref->ref);
    if (transport_url(p->target.transport, &url, e, "/v2/%s/manifests/%.*s", p->target.repo,
                      S(reference)) < 0)
        return -1;
    const struct transport_request rq = {
        .method = "PUT", .url = url.p, .headers = headers, .body = bytes};
    if (transport_ask(p->target.transport, TRANSPORT_PUSH, &rq, &a, e) < 0)
        return -1;
    if (a.status != 201)
        return transport_refused(&a, "sending the manifest", e);
    struct str said = http_answer_header(&a, "Docker-Content-Digest");
    if (said.n && digest_parse(said, &there, NULL) == 0 && there.alg == digest->alg &&
        !digest_eq(&there, digest))
        return ERR(e, REMOTE, "the registry stored another manifest than was sent");
    return 0;
}

/* Config and manifest, when every layer is there. */
static int conclude(struct push *p, const struct remote_ref *ref, struct digest *ret, struct err *e)
{
    AUTO(buf) config = {0};
    AUTO(buf) manifest = {0};
    struct digest digest;
    bool present;

    buf_init(&config, LIMIT_MANIFEST);
    buf_init(&manifest, LIMIT_MANIFEST);
    if (modelpack_write_config(&config, p->facts, p->l->files, p->l->n, e) < 0 ||
        modelpack_write_manifest(&manifest, p->facts, buf_str(&config), p->l->files, p->l->n, e) <
            0)
        return -1;
    hash_bytes(DIGEST_SHA256, config.p, config.n, &digest);
    if (upload_memory(&p->target, buf_str(&config), &digest, &present, e) < 0)
        return err_wrap(e, "the model's config");
    hash_bytes(DIGEST_SHA256, manifest.p, manifest.n, &digest);
    if (put_manifest(p, ref, buf_str(&manifest), &digest, e) < 0)
        return -1;
    *ret = digest;
    return 0;
}

/* The last part of the repository's name: the same wherever the directory lies. */
static struct str model_name(const struct remote_ref *ref)
{
    struct str name = repo_name_str(&ref->repo);
    ptrdiff_t slash = str_rchr(name, '/');
    return slash < 0 ? name : str_skip(name, (size_t)slash + 1);
}

static int push_files(struct local_files *l, struct transport *t, struct transfer *x,
                      const struct remote_ref *ref, const struct push_options *options,
                      struct digest *ret, struct err *e)
{
    struct modelpack_facts facts = {
        .name = model_name(ref), .format = main_format(l), .created_ms = options->created_ms};
    AUTO(push)
    p = {.l = l,
         .target = {.transport = t, .repo = ref->repo.text, .transfer = x},
         .transfer = x,
         .facts = &facts};

    arena_init(&p.arena, MIB);
    p.order = NEW_ARRAY(l->n, size_t);
    for (size_t i = 0; i < l->n; i++)
        p.order[i] = i;
    qsort_r(p.order, l->n, sizeof(size_t), by_size, l->files);
    if (check_fits(l, &facts, e) < 0)
        return -1;
    transfer_expect(x, l->n, l->total);
    if (transfer_run(x, l->n, options->threads ? options->threads : TRANSFER_THREADS, push_one, &p,
                     e) < 0)
        return -1;
    return conclude(&p, ref, ret, e);
}

int push_dir(const char *dir, const struct remote_ref *ref, const struct push_options *options,
             struct push_result *ret, struct err *e)
{
    struct local_files l __attribute__((cleanup(local_files_autodone))) = {.root = -1};
    AUTO(transfer) x = {0};
    struct push_result r;

    transfer_init(&x, options->events);
    if (local_files_scan(dir, &l, e) < 0)
        return -1;
    struct transport_options to = options->transport;
    to.cancel = x.cancel;
    AUTO_TRANSPORT t = transport_new(ref->scheme, ref->host, &ref->repo, &to, e);
    if (!t || push_files(&l, t, &x, ref, options, &r.digest, e) < 0)
        return -1;
    r.state = transfer_state_now(&x);
    *ret = r;
    return 0;
}
