/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pack_dir.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/sys.h"
#include "client/archive.h"
#include "client/local.h"
#include "client/weigh.h"

#include <stdlib.h>

/* Headers of archives: a KiB or two for each of LIMIT_MODEL_FILES, and what the manifest lists. */
#define PACK_ARENA (256 * MIB)

struct packing {
    struct local_files *l;
    struct endpoint *to;
    struct transfer *transfer;
    const struct pack_options *options;
    const struct model_facts *facts;
    struct arena arena;
    char *root; /* absolute, for the memo; NULL: not known */
    struct pack_layers layers;
};

static void packing_autodone(struct packing *p)
{
    arena_done(&p->arena);
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
    return local_files_read(f->l, f->i, f->fd, at, p, n, ret_n, e);
}

static int file_check(void *self, struct err *e)
{
    const struct open_file *f = self;
    return local_files_unchanged(f->l, f->i, f->fd, e);
}

/* Where the bytes of a layer come from. */
struct layer_source {
    struct blob_source blob;
    struct memo_upload upload;
    struct open_file open;
    struct archive archive;
};

static void layer_source_autodone(struct layer_source *s)
{
    mem_autoclose(&s->open.fd);
    archive_autodone(&s->archive);
}

/* Who the file is, for the memo; what is made of it counts as well ("//" is in no other path). */
static void identify(const struct packing *p, const struct pack_layer_blob *layer, int fd,
                     struct memo_id *ret)
{
    struct stat st;
    const struct modelpack_file *f = &p->l->files[layer->file];
    *ret = (struct memo_id){.settled = false};
    if (!p->root || sys->fstat(fd, &st) < 0)
        return;
    AUTO_FREE char *path = layer->plan.n
                               ? mem_printf("%s//tar:%o:%s", p->root, f->mode & 0111, f->path.p)
                               : mem_printf("%s/%s", p->root, f->path.p);
    memo_id_make(&st, path, ret);
}

static int source_of(struct packing *p, const struct pack_layer_blob *layer, struct layer_source *s,
                     struct err *e)
{
    size_t i = layer->file;
    *s = (struct layer_source){
        .blob = {.size = layer->size, .shown = p->l->files[i].path.p},
        .upload = {.memo = p->options->memo, .blob_size = layer->size, .form = STR("raw")},
        .open = {.l = p->l, .i = i, .fd = -1}};
    archive_init(&s->archive, &layer->plan, p->l);
    if (layer->plan.n <= 1 && !p->l->local[i].content.p) {
        int fd = local_files_open(p->l, i, e);
        if (fd < 0)
            return -1;
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        identify(p, layer, fd, &s->upload.id);
        if (layer->plan.n) {
            s->archive.fd = fd;
            s->archive.file = i;
        } else {
            s->open.fd = fd;
        }
        s->blob.memo = &s->upload;
    }
    s->blob.self = layer->plan.n ? (void *)&s->archive : (void *)&s->open;
    s->blob.read = layer->plan.n ? archive_read : file_read;
    s->blob.check = layer->plan.n ? archive_check : file_check;
    return 0;
}

static int pack_small(struct packing *p, struct pack_layer_blob *layer, bool *ret_present,
                      struct err *e)
{
    const char *path = p->l->files[layer->file].path.p;
    struct str bytes = p->l->local[layer->file].content;
    AUTO_FREE char *whole = NULL;
    if (layer->plan.n || !bytes.p) {
        AUTO(layer_source) s = {.open = {.fd = -1}, .archive = {.fd = -1}};
        size_t got;
        if (source_of(p, layer, &s, e) < 0)
            return -1;
        whole = mem_alloc((size_t)layer->size + 1);
        for (size_t at = 0; at < layer->size; at += got)
            if (s.blob.read(s.blob.self, at, whole + at, (size_t)layer->size - at, &got, e) < 0)
                return -1;
        if (s.blob.check(s.blob.self, e) < 0)
            return -1;
        bytes = str_of(whole, (size_t)layer->size);
    }
    return put_memory(p, bytes, path, p->transfer, &layer->digest, ret_present, e);
}

static int pack_large(struct packing *p, struct pack_layer_blob *layer, bool *ret_present,
                      struct err *e)
{
    const struct memo *memo = p->options->memo;
    struct digest known;
    AUTO(layer_source) s = {.open = {.fd = -1}, .archive = {.fd = -1}};

    if (source_of(p, layer, &s, e) < 0)
        return -1;
    bool remembered = s.blob.memo && s.upload.id.settled;
    if (remembered && memo_digest_find(memo, &s.upload.id, &known))
        s.blob.digest = &known;
    int rc = p->to->ops->put(p->to, &s.blob, p->transfer, &layer->digest, ret_present, e);
    if (rc < 0 && s.blob.digest && e->code == ERR_DIGEST_INVALID) {
        /* The note was wrong: the file is what counts. */
        memo_digest_forget(memo, &s.upload.id);
        s.blob.digest = NULL;
        rc = p->to->ops->put(p->to, &s.blob, p->transfer, &layer->digest, ret_present, e);
    }
    if (rc == 0 && remembered && !s.blob.digest)
        memo_digest_keep(memo, &s.upload.id, &layer->digest);
    return rc;
}

static void tell(struct packing *p, size_t file, bool present)
{
    const struct modelpack_file *f = &p->l->files[file];
    transfer_file(p->transfer, f->path.p, f->size, present ? TRANSFER_PRESENT : TRANSFER_MOVED);
}

static int pack_one(void *self, size_t job, struct err *e)
{
    struct packing *p = self;
    struct pack_layer_blob *layer = &p->layers.blobs[job];
    bool present;

    (void)transfer_file_begin(p->transfer, p->l->files[layer->file].path.p, layer->size);
    if (layer->size <= PACK_SMALL ? pack_small(p, layer, &present, e) < 0
                                  : pack_large(p, layer, &present, e) < 0)
        return -1;
    if (layer->plan.n == 0)
        tell(p, layer->file, present);
    for (size_t i = 0; i < layer->plan.n; i++)
        tell(p, layer->plan.members[i].file, present);
    return 0;
}

static int write_config(const struct packing *p, struct buf *out, struct err *e)
{
    return p->layers.image
               ? cnai_image_write_config(out, p->facts, p->layers.image, p->layers.n_image, e)
               : modelpack_write_config(out, p->facts, p->layers.entries, p->layers.n_entries, e);
}

static int write_manifest(const struct packing *p, struct str config, struct buf *out,
                          struct err *e)
{
    return p->layers.image ? cnai_image_write_manifest(out, p->facts, config, p->layers.image,
                                                       p->layers.n_image, e)
                           : modelpack_write_manifest(out, p->facts, config, p->layers.entries,
                                                      p->layers.n_entries, e);
}

/* The manifest's size is known before its digests are: a model of too many files is refused at
 * once. */
static int check_fits(struct packing *p, struct err *e)
{
    AUTO(buf) bytes = {0};
    struct digest any;
    hash_bytes(DIGEST_SHA256, "", 0, &any);
    for (size_t i = 0; i < p->layers.n; i++)
        p->layers.blobs[i].digest = any;
    pack_layers_digests(&p->layers);
    buf_init(&bytes, LIMIT_MANIFEST);
    return write_manifest(p, STR("{}"), &bytes, e);
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
    pack_layers_digests(&p->layers);
    if (write_config(p, &config, e) < 0 || write_manifest(p, buf_str(&config), &manifest, e) < 0 ||
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

/* All that is known of the model; what the user says comes last and counts. */
static int learn(struct local_files *l, const struct pack_options *o, struct model_facts *facts,
                 struct err *e)
{
    facts->created_ms = o->created_ms;
    if (local_files_facts(l, o->name, o->pick->modelfile, facts, e) < 0)
        return -1;
    for (size_t i = 0; i < o->n_set; i++)
        if (model_facts_set_pair(facts, str_from(o->set[i]), e) < 0)
            return err_wrap(e, "--set");
    weigh(l, facts);
    model_facts_resolve(facts);
    return 0;
}

int pack_dir(const char *dir, struct endpoint *to, const struct reference *ref,
             const struct pack_options *options, struct transfer *x, struct digest *ret,
             struct err *e)
{
    struct local_files l __attribute__((cleanup(local_files_autodone))) = {.root = -1};
    AUTO(model_facts) facts = {0};
    AUTO(packing)
    p = {.l = &l, .to = to, .transfer = x, .options = options, .facts = &facts};

    arena_init(&p.arena, PACK_ARENA);
    model_facts_init(&facts);
    if (local_files_scan(dir, options->pick, &l, e) < 0)
        return -1;
    p.root = realpath(dir, NULL);
    if (learn(&l, options, &facts, e) < 0)
        return -1;
    if (pack_layers_plan(&p.arena, &l, options->form, &p.layers, e) < 0 || check_fits(&p, e) < 0)
        return -1;
    uint64_t total = 0;
    for (size_t i = 0; i < p.layers.n; i++)
        total += p.layers.blobs[i].size;
    transfer_expect(x, l.n, total);
    unsigned threads = options->threads ? options->threads : TRANSFER_THREADS;
    if (transfer_run(x, p.layers.n, threads, pack_one, &p, e) < 0)
        return -1;
    if (conclude(&p, ref, ret, e) < 0)
        return -1;
    for (size_t i = 0; options->warning && i < facts.warnings.n; i++)
        options->warning(options->self, facts.warnings.items[i]);
    return 0;
}
