/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives and packagings for tests outside C:
 *   pack_tool list FILE               the members of a tar, as JSON
 *   pack_tool header PATH SIZE MODE   the headers of a member, to the standard output
 *   pack_tool image DIR OUT PATH...   files of DIR in the mountable form: blobs into OUT, named by
 *                                     their hex, and OUT/manifest.json
 *   pack_tool layers MANIFEST         the layers of a manifest, as JSON
 */
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/cnai_image.h"
#include "model/pack.h"
#include "model/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int print(const struct buf *b)
{
    return buf_ok(b) && fwrite(b->p, 1, b->n, stdout) == b->n && fflush(stdout) == 0 ? 0 : -1;
}

/* ---- list ---- */

static int read_file(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    return file_pread_all(*(const int *)self, p, n, at, e);
}

static int list_one(void *self, const struct tar_entry *t, struct err *e)
{
    static const char *const types[] = {[TAR_FILE] = "file",
                                        [TAR_DIR] = "dir",
                                        [TAR_SYMLINK] = "symlink",
                                        [TAR_HARDLINK] = "hardlink",
                                        [TAR_OTHER] = "other"};
    struct json_writer *w = self;
    (void)e;
    jsonw_object(w);
    jsonw_kstrz(w, "type", types[t->type]);
    jsonw_kstr(w, "path", t->path);
    jsonw_kstr(w, "link", t->link);
    jsonw_ku64(w, "size", t->size);
    jsonw_ku64(w, "mode", t->mode);
    jsonw_ki64(w, "mtime_ms", t->mtime_ms);
    jsonw_ku64(w, "content_at", t->content_at);
    jsonw_object_done(w);
    return 0;
}

static int list(const char *path, struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;
    struct stat st;
    AUTOFD fd = file_open_at(AT_FDCWD, path, O_RDONLY, 0, e);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return ERR_SYS(e, "%s", path);
    const struct model_reader in = {.size = (uint64_t)st.st_size, .read = read_file, .self = &fd};
    buf_init(&out, 64 * MIB);
    jsonw_init(&w, &out);
    jsonw_list(&w);
    if (tar_walk(&in, list_one, &w, e) < 0)
        return -1;
    jsonw_list_done(&w);
    return print(&out);
}

static int header(const char *path, const char *size, const char *mode, struct err *e)
{
    AUTO(buf) out = {0};
    uint64_t n;
    buf_init(&out, TAR_HEADER_MAX);
    if (!str_u64(str_from(size), 0, LIMIT_BLOB, &n))
        return ERR(e, USAGE, "SIZE");
    tar_header_write(&out, str_from(path), n, str_eqz(str_from(mode), "755") ? 0755 : 0644);
    return print(&out);
}

/* ---- image ---- */

static int put(int out, struct str bytes, struct digest *ret, struct err *e)
{
    hash_bytes(DIGEST_SHA256, bytes.p, bytes.n, ret);
    return file_replace_at(out, digest_hex(ret), 0644, bytes, e);
}

/* The archive of a plan, gathered in small pieces. */
static int gather(int dir, const struct tar_plan *plan, struct buf *out, struct err *e)
{
    char chunk[777];
    for (uint64_t at = 0; at < plan->size;) {
        struct tar_piece p = tar_plan_at(plan, at, sizeof(chunk));
        if (p.member) {
            AUTOFD fd = file_open_at(dir, p.member->path.p, O_RDONLY, 0, e);
            if (fd < 0 || file_pread_all(fd, chunk, p.n, p.from, e) < 0)
                return -1;
            p.bytes = chunk;
        }
        buf_add(out, p.bytes, p.n);
        at += p.n;
    }
    return buf_ok(out) ? 0 : ERR(e, LIMIT, "too large for this tool");
}

static int image(const char *dir_path, const char *out_path, char **paths, size_t n, struct err *e)
{
    AUTO(arena) a = {0};
    AUTO(buf) text = {0};
    AUTO(buf) manifest = {0};
    struct cnai_layer *layers;
    struct digest ignored;
    const struct model_facts facts = {.name = STR("tool"), .format = STR("safetensors")};
    AUTOFD dir = file_open_dir_at(AT_FDCWD, dir_path, false, e);
    AUTOFD out = dir < 0 ? -1 : file_open_dir_at(AT_FDCWD, out_path, true, e);
    if (out < 0)
        return -1;
    arena_init(&a, 64 * MIB);
    buf_init(&text, 256 * MIB);
    buf_init(&manifest, LIMIT_MANIFEST);
    struct modelpack_file *files = ARENA_ARRAY(&a, n, struct modelpack_file);
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        if (fstatat(dir, paths[i], &st, 0) < 0)
            return ERR_SYS(e, "%s", paths[i]);
        files[i] = (struct modelpack_file){
            .path = str_from(paths[i]), .size = (uint64_t)st.st_size, .mode = st.st_mode};
        files[i].kind = model_kind_of(files[i].path, files[i].size, &files[i].guessed);
    }
    if (cnai_image_plan(&a, files, n, &layers, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        buf_reset(&text);
        if (gather(dir, &layers[i].plan, &text, e) < 0 ||
            put(out, buf_str(&text), &layers[i].digest, e) < 0)
            return -1;
    }
    buf_reset(&text);
    if (cnai_image_write_config(&text, &facts, layers, n, e) < 0 ||
        put(out, buf_str(&text), &ignored, e) < 0 ||
        cnai_image_write_manifest(&manifest, &facts, buf_str(&text), layers, n, e) < 0)
        return -1;
    return file_replace_at(out, "manifest.json", 0644, buf_str(&manifest), e);
}

/* ---- layers ---- */

static void layer(struct json_writer *w, const struct pack_layer *l)
{
    static const char *const encodings[] = {"raw", "tar", "tar+gzip", "tar+zstd"};
    jsonw_object(w);
    jsonw_kstrz(w, "encoding", encodings[l->encoding]);
    jsonw_kstr(w, "path", l->path);
    jsonw_kstrz(w, "kind", l->has_kind ? model_kind_name(l->kind) : NULL);
    jsonw_kstr(w, "digest", digest_str(&l->digest));
    jsonw_object_done(w);
}

static int layers(const char *path, struct err *e)
{
    AUTO(arena) a = {0};
    AUTO(buf) text = {0};
    struct oci_manifest m;
    struct pack p;
    struct json_writer w;
    arena_init(&a, 64 * MIB);
    buf_init(&text, 64 * MIB);
    int rc = file_read_at(AT_FDCWD, path, LIMIT_MANIFEST, &text, e);
    if (rc <= 0)
        return rc < 0 ? -1 : ERR(e, IO, "no file %s", path);
    if (oci_manifest_parse(&a, buf_str(&text), STR_NULL, &m, e) < 0 || pack_read(&a, &m, &p, e) < 0)
        return -1;
    buf_reset(&text);
    jsonw_init(&w, &text);
    jsonw_object(&w);
    jsonw_kstrz(&w, "form", p.form);
    jsonw_kbool(&w, "ordered", p.ordered);
    jsonw_key(&w, "layers");
    jsonw_list(&w);
    for (size_t i = 0; i < p.n_layers; i++)
        layer(&w, &p.layers[i]);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    return print(&text);
}

int main(int argc, char **argv)
{
    struct err e = {.code = ERR_OK};
    struct str verb = str_from(argc > 1 ? argv[1] : NULL);
    int rc = ERR(&e, USAGE, "see the head of pack_tool.c");
    if (str_eqz(verb, "list") && argc == 3)
        rc = list(argv[2], &e);
    else if (str_eqz(verb, "header") && argc == 5)
        rc = header(argv[2], argv[3], argv[4], &e);
    else if (str_eqz(verb, "image") && argc > 4)
        rc = image(argv[2], argv[3], argv + 4, (size_t)argc - 4, &e);
    else if (str_eqz(verb, "layers") && argc == 3)
        rc = layers(argv[2], &e);
    if (rc < 0)
        (void)fprintf(stderr, "%s\n", e.msg);
    return rc < 0;
}
