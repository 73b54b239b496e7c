/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attach.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define EMPTY_TYPE "application/vnd.oci.empty.v1+json"
#define TITLE      "org.opencontainers.image.title"

static struct str name_of(const char *path)
{
    struct str s = str_from(path);
    ptrdiff_t slash = str_rchr(s, '/');
    return slash < 0 ? s : str_skip(s, (size_t)slash + 1);
}

/* ---- blobs ---- */

static int memory_read(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e)
{
    const struct str *bytes = self;
    (void)e;
    memcpy(p, bytes->p + at, n);
    *ret_n = n;
    return 0;
}

/* "{}": the configuration of what has none, and the layer of what has no files. */
static int put_empty(struct endpoint *p, struct transfer *x, struct digest *ret, struct err *e)
{
    struct str bytes = STR("{}");
    struct digest digest;
    bool present;

    hash_bytes(DIGEST_SHA256, bytes.p, bytes.n, &digest);
    const struct blob_source s = {.size = bytes.n,
                                  .shown = "the configuration",
                                  .read = memory_read,
                                  .self = &bytes,
                                  .digest = &digest};
    return p->ops->put(p, &s, x, ret, &present, e);
}

struct source {
    const char *path;
    int fd;
    struct stat st;
};

static int file_read(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e)
{
    const struct source *s = self;
    ssize_t got = sys->pread(s->fd, p, n, (off_t)at);
    if (got < 0)
        return ERR_SYS(e, "cannot read %s", s->path);
    if (got == 0)
        return ERR(e, MODEL_INVALID, "%s has become shorter while it was read", s->path);
    *ret_n = (size_t)got;
    return 0;
}

static int file_check(void *self, struct err *e)
{
    const struct source *s = self;
    struct stat now;
    if (sys->fstat(s->fd, &now) < 0)
        return ERR_SYS(e, "cannot read %s", s->path);
    if (now.st_size != s->st.st_size || now.st_mtim.tv_sec != s->st.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != s->st.st_mtim.tv_nsec)
        return ERR(e, MODEL_INVALID, "%s was changed while it was read", s->path);
    return 0;
}

struct attaching {
    struct endpoint *p;
    const struct attach_options *o;
    struct transfer *x;
    struct attach_file *files;
};

static int put_file(void *self, size_t i, struct err *e)
{
    struct attaching *t = self;
    struct attach_file *f = &t->files[i];
    const char *path = t->o->files[i];
    /* Whatever it is, opening it waits for nobody. */
    AUTOFD fd = file_open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, e);
    struct source s = {.path = path, .fd = fd};

    if (fd < 0)
        return -1;
    if (sys->fstat(fd, &s.st) < 0)
        return ERR_SYS(e, "cannot read %s", path);
    if (!S_ISREG(s.st.st_mode))
        return ERR(e, MODEL_INVALID, "%s is no file", path);
    f->size = (uint64_t)s.st.st_size;
    const struct blob_source blob = {
        .size = f->size, .shown = path, .read = file_read, .check = file_check, .self = &s};
    transfer_expect_more(t->x, 1, (int64_t)f->size);
    (void)transfer_file_begin(t->x, path, f->size);
    if (t->p->ops->put(t->p, &blob, t->x, &f->digest, &f->present, e) < 0)
        return strstr(e->msg, path) ? -1 : err_wrap(e, "%s", path);
    transfer_file(t->x, path, f->size, f->present ? TRANSFER_PRESENT : TRANSFER_MOVED);
    return 0;
}

/* Who takes them out again writes them into one directory. */
static int name_files(const struct attach_options *o, struct arena *a, struct attach_file *files,
                      struct err *e)
{
    for (size_t i = 0; i < o->n_files; i++) {
        files[i].name = arena_str(a, name_of(o->files[i]));
        for (size_t k = 0; k < i; k++)
            if (str_eq(files[k].name, files[i].name))
                return ERR(e, MODEL_INVALID, "two files are called %.*s", S(files[i].name));
    }
    return 0;
}

/* ---- the manifest ---- */

static void write_manifest(struct json_writer *w, const struct attach_options *o,
                           const struct oci_descriptor *subject, const struct digest *empty,
                           const struct attach_file *files)
{
    const struct oci_descriptor nothing = {
        .media_type = STR(EMPTY_TYPE), .digest = *empty, .size = 2};

    jsonw_object(w);
    jsonw_ki64(w, "schemaVersion", 2);
    jsonw_kstrz(w, "mediaType", OCI_TYPE_MANIFEST);
    jsonw_kstrz(w, "artifactType", o->type);
    jsonw_key(w, "config");
    oci_descriptor_write(w, &nothing);
    jsonw_key(w, "layers");
    jsonw_list(w);
    for (size_t i = 0; i < o->n_files; i++) {
        struct oci_annotation title = {.key = STR(TITLE), .value = files[i].name};
        const struct oci_descriptor layer = {.media_type = str_from(o->media_type),
                                             .digest = files[i].digest,
                                             .size = (int64_t)files[i].size,
                                             .annotations = &title,
                                             .n_annotations = 1};
        oci_descriptor_write(w, &layer);
    }
    if (o->n_files == 0)
        oci_descriptor_write(w, &nothing);
    jsonw_list_done(w);
    jsonw_key(w, "subject");
    oci_descriptor_write(w, subject);
    if (o->n_annotations) {
        jsonw_key(w, "annotations");
        jsonw_object(w);
        for (size_t i = 0; i < o->n_annotations; i++) {
            jsonw_keys(w, o->annotations[i].key);
            jsonw_str(w, o->annotations[i].value);
        }
        jsonw_object_done(w);
    }
    jsonw_object_done(w);
}

/* The descriptor of what it is about. */
static int find_subject(struct endpoint *p, const struct reference *ref, struct arena *a,
                        struct oci_descriptor *ret, struct err *e)
{
    struct endpoint_manifest m;
    struct oci_manifest doc;

    if (p->ops->manifest_get(p, a, ref, &m, e) < 0)
        return -1;
    if (oci_manifest_parse(a, m.bytes, m.type, &doc, e) < 0)
        return err_wrap(e, "%s", p->shown);
    *ret = (struct oci_descriptor){.media_type = arena_str(a, str_from(doc.type.text)),
                                   .digest = m.digest,
                                   .size = (int64_t)m.bytes.n};
    return 0;
}

static int put_manifest(struct endpoint *p, const struct attach_options *o, struct str bytes,
                        struct attach_result *r, struct err *e)
{
    hash_bytes(DIGEST_SHA256, bytes.p, bytes.n, &r->digest);
    if (p->ops->manifest_put(p, bytes, STR(OCI_TYPE_MANIFEST), &r->digest, NULL, e) < 0)
        return -1;
    const struct oci_descriptor own = {.media_type = STR(OCI_TYPE_MANIFEST),
                                       .digest = r->digest,
                                       .size = (int64_t)bytes.n,
                                       .artifact_type = str_from(o->type),
                                       .annotations = o->annotations,
                                       .n_annotations = o->n_annotations};
    if (!p->ops->referrers_put)
        return 0;
    return p->ops->referrers_put(p, &r->subject, &own, 1, e) < 0
               ? err_wrap(e, "noting what refers to %s", r->subject.text)
               : 0;
}

int attach_artifact(struct endpoint *p, const struct reference *ref, const struct attach_options *o,
                    struct transfer *x, struct arena *a, struct attach_result *ret, struct err *e)
{
    AUTO(buf) out = {0};
    struct attach_result r = {.files = ARENA_ARRAY(a, o->n_files, struct attach_file)};
    struct oci_descriptor subject;
    struct digest empty;
    struct json_writer w;

    struct attaching t = {.p = p, .o = o, .x = x, .files = r.files};

    if (name_files(o, a, r.files, e) < 0 || find_subject(p, ref, a, &subject, e) < 0)
        return -1;
    r.subject = subject.digest;
    if (transfer_run(x, o->n_files, o->threads ? o->threads : TRANSFER_THREADS, put_file, &t, e) <
        0)
        return -1;
    if (put_empty(p, x, &empty, e) < 0)
        return -1;
    buf_init(&out, LIMIT_MANIFEST);
    jsonw_init(&w, &out);
    write_manifest(&w, o, &subject, &empty, r.files);
    if (!buf_ok(&out))
        return ERR(e, LIMIT, "the manifest would have more than %llu bytes", LIMIT_MANIFEST);
    if (put_manifest(p, o, buf_str(&out), &r, e) < 0)
        return -1;
    *ret = r;
    return 0;
}
