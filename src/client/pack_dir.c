/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pack_dir.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/sys.h"
#include "client/local.h"

#include <errno.h>
#include <stdlib.h>

struct packing {
    struct local_files *l;
    struct endpoint *to;
    struct transfer *transfer;
    const struct pack_options *options;
    struct modelpack_facts
        *facts;         /* under the transfer's run: only the job of config.json adds to it */
    struct arena arena; /* what that job keeps */
    char *root;         /* absolute, for the memo; NULL: not known */
    size_t *order;      /* large files first, so that no thread is left with one at the end */
};

static void packing_autodone(struct packing *p)
{
    arena_done(&p->arena);
    mem_free(p->order);
    mem_free(p->root);
}

/* A blob in memory. */
static int memory_read(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e)
{
    const struct str *bytes = self;
    (void)e;
    memcpy(p, bytes->p + at, n);
    *ret_n = n;
    return 0;
}

static int put_memory(struct packing *p, struct str bytes, const char *shown, struct transfer *x,
                      struct digest *ret, bool *ret_present, struct err *e)
{
    struct digest digest;
    enum transfer_phase before = transfer_phase(TRANSFER_HASH);
    hash_bytes(DIGEST_SHA256, bytes.p, bytes.n, &digest);
    (void)transfer_phase(before);
    const struct blob_source s = {
        .size = bytes.n, .shown = shown, .read = memory_read, .self = &bytes, .digest = &digest};
    if (p->to->ops->put(p->to, &s, x, ret, ret_present, e) < 0)
        return err_wrap(e, "%s", shown);
    return 0;
}

/* A file that is open. */
struct open_file {
    const struct local_files *l;
    size_t i;
    int fd;
};

static int file_read(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e)
{
    const struct open_file *f = self;
    const char *path = f->l->files[f->i].path.p;
    ssize_t got;
    TRANSFER_PHASE(TRANSFER_READ);
    do
        got = sys->pread(f->fd, p, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return ERR_SYS(e, "reading %s", path);
    if (got == 0)
        return ERR(e, MODEL_INVALID, "%s was changed while it was read", path);
    *ret_n = (size_t)got;
    return 0;
}

static int file_check(void *self, struct err *e)
{
    const struct open_file *f = self;
    return local_files_unchanged(f->l, f->i, f->fd, e);
}

/* A small file whole, from memory if the scan has read it. */
static int read_small(struct packing *p, size_t i, struct buf *keep, struct str *ret, struct err *e)
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

static int pack_small(struct packing *p, size_t i, bool *ret_present, struct err *e)
{
    struct modelpack_file *f = &p->l->files[i];
    AUTO(buf) keep = {0};
    struct str bytes;

    buf_init(&keep, PACK_SMALL);
    if (read_small(p, i, &keep, &bytes, e) < 0)
        return -1;
    if (str_eqz(f->path, "config.json") && bytes.n <= LIMIT_MODEL_FACTS)
        modelpack_facts_add(&p->arena, bytes, p->facts);
    return put_memory(p, bytes, f->path.p, p->transfer, &f->digest, ret_present, e);
}

/* Who the file is, for the memo. */
static void identify(const struct packing *p, size_t i, int fd, struct memo_id *ret)
{
    struct stat st;
    *ret = (struct memo_id){.settled = false};
    if (!p->root || sys->fstat(fd, &st) < 0)
        return;
    AUTO_FREE char *path = mem_printf("%s/%s", p->root, p->l->files[i].path.p);
    memo_id_make(&st, path, ret);
}

static int pack_large(struct packing *p, size_t i, bool *ret_present, struct err *e)
{
    struct modelpack_file *f = &p->l->files[i];
    const struct memo *memo = p->options->memo;
    struct memo_upload upload = {.memo = memo, .blob_size = f->size, .form = STR("raw")};
    struct open_file open = {.l = p->l, .i = i};
    struct digest known;

    AUTOFD fd = local_files_open(p->l, i, e);
    if (fd < 0)
        return -1;
    open.fd = fd;
    identify(p, i, fd, &upload.id);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    struct blob_source s = {.size = f->size,
                            .shown = f->path.p,
                            .read = file_read,
                            .check = file_check,
                            .self = &open,
                            .memo = &upload};
    if (upload.id.settled && memo_digest_find(memo, &upload.id, &known))
        s.digest = &known;
    int rc = p->to->ops->put(p->to, &s, p->transfer, &f->digest, ret_present, e);
    if (rc < 0 && s.digest && e->code == ERR_DIGEST_INVALID) {
        /* The note was wrong: the file is what counts. */
        memo_digest_forget(memo, &upload.id);
        s.digest = NULL;
        rc = p->to->ops->put(p->to, &s, p->transfer, &f->digest, ret_present, e);
    }
    if (rc == 0 && !s.digest)
        memo_digest_keep(memo, &upload.id, &f->digest);
    return rc;
}

static int pack_one(void *self, size_t job, struct err *e)
{
    struct packing *p = self;
    size_t i = p->order[job];
    const struct modelpack_file *f = &p->l->files[i];
    bool present;

    (void)transfer_file_begin(p->transfer, f->path.p, f->size);
    if (f->size <= PACK_SMALL ? pack_small(p, i, &present, e) < 0
                              : pack_large(p, i, &present, e) < 0)
        return -1;
    transfer_file(p->transfer, f->path.p, f->size, present ? TRANSFER_PRESENT : TRANSFER_MOVED);
    return 0;
}

static int by_size(const void *va, const void *vb, void *ctx)
{
    const struct modelpack_file *files = ctx;
    size_t ia = *(const size_t *)va, ib = *(const size_t *)vb;
    uint64_t a = files[ia].size, b = files[ib].size;
    /* The same order in every run: what an earlier one sent then stands together. */
    return a == b ? (ia < ib ? -1 : 1) : a > b ? -1 : 1;
}

/* What a Modelfile says; it is there first, and what is there is kept. */
static void facts_of_modelfile(const struct modelfile *m, struct modelpack_facts *facts)
{
    struct str *const to[MODELFILE_VALUE_COUNT] = {
        [MODELFILE_NAME] = &facts->name,
        [MODELFILE_ARCH] = &facts->architecture,
        [MODELFILE_FAMILY] = &facts->family,
        [MODELFILE_FORMAT] = &facts->format,
        [MODELFILE_PARAMSIZE] = &facts->param_size,
        [MODELFILE_PRECISION] = &facts->precision,
        [MODELFILE_QUANTIZATION] = &facts->quantization,
    };
    for (size_t i = 0; m && i < ARRAY_LEN(to); i++)
        if (m->values[i].n)
            *to[i] = m->values[i];
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

/* Config and manifest, when every layer is there. */
static int conclude(struct packing *p, const struct reference *ref, struct digest *ret,
                    struct err *e)
{
    AUTO(buf) config = {0};
    AUTO(buf) manifest = {0};
    struct digest digest;
    bool present;

    buf_init(&config, LIMIT_MANIFEST);
    buf_init(&manifest, LIMIT_MANIFEST);
    if (modelpack_write_config(&config, p->facts, p->l->files, p->l->n, e) < 0 ||
        modelpack_write_manifest(&manifest, p->facts, buf_str(&config), p->l->files, p->l->n, e) <
            0 ||
        put_memory(p, buf_str(&config), "the model's config", NULL, &digest, &present, e) < 0)
        return -1;
    hash_bytes(DIGEST_SHA256, manifest.p, manifest.n, &digest);
    if (ref->is_digest && !digest_eq(&ref->digest, &digest))
        return ERR(e, DIGEST_INVALID, "the model has the digest %s, not the one asked for",
                   digest.text);
    if (p->to->ops->manifest_put(p->to, buf_str(&manifest), STR(OCI_TYPE_MANIFEST), &digest,
                                 ref->is_digest ? NULL : &ref->tag, e) < 0)
        return -1;
    *ret = digest;
    return 0;
}

int pack_dir(const char *dir, struct endpoint *to, const struct reference *ref,
             const struct pack_options *options, struct transfer *x, struct digest *ret,
             struct err *e)
{
    struct local_files l __attribute__((cleanup(local_files_autodone))) = {.root = -1};
    struct modelpack_facts facts = {.name = options->name, .created_ms = options->created_ms};
    AUTO(packing)
    p = {.l = &l, .to = to, .transfer = x, .options = options, .facts = &facts};

    arena_init(&p.arena, MIB);
    if (local_files_scan(dir, options->pick, &l, e) < 0)
        return -1;
    p.root = realpath(dir, NULL);
    facts.format = local_files_format(&l);
    facts_of_modelfile(options->pick->modelfile, &facts);
    p.order = NEW_ARRAY(l.n, size_t);
    for (size_t i = 0; i < l.n; i++)
        p.order[i] = i;
    qsort_r(p.order, l.n, sizeof(size_t), by_size, l.files);
    if (check_fits(&l, &facts, e) < 0)
        return -1;
    transfer_expect(x, l.n, l.total);
    if (transfer_run(x, l.n, options->threads ? options->threads : TRANSFER_THREADS, pack_one, &p,
                     e) < 0)
        return -1;
    return conclude(&p, ref, ret, e);
}
