/* SPDX-License-Identifier: Apache-2.0 */
#include "client/unpack.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/sys.h"
#include "client/transfer.h"
#include "model/path.h"

#include <errno.h>
#include <inttypes.h>

#define READ_STEP (256 * KIB)

void unpack_init(struct unpack *u, const struct place *place, const struct digest *digest,
                 struct members *archive)
{
    *u = (struct unpack){.place = place, .digest = digest, .archive = archive, .fd = -1};
}

void unpack_autodone(struct unpack *u)
{
    mem_autoclose(&u->fd);
}

int unpack_end(struct unpack *u, struct err *e)
{
    struct stat st;
    if (u->fd < 0)
        return 0;
    /* An earlier run may have left more. */
    if (sys->fstat(u->fd, &st) < 0)
        return ERR_SYS(e, "cannot ask about a partial file");
    if ((uint64_t)st.st_size != u->at && sys->ftruncate(u->fd, (off_t)u->at) < 0)
        return ERR_SYS(e, "cannot cut a partial file");
    mem_autoclose(&u->fd);
    return 0;
}

int unpack_entry(void *self, const struct tar_entry *entry, struct err *e)
{
    struct unpack *u = self;
    uint64_t space, there;
    char show[MODEL_PATH_SHOW];

    if (unpack_end(u, e) < 0 || members_add(u->archive, entry, e) < 0)
        return -1;
    if (u->contents)
        contents_entry(u->contents, entry);
    const struct member *m = members_last(u->archive);
    if (m->what != MEMBER_FILE || !m->wanted)
        return 0;
    const struct place_part part = place_part_member(u->digest, u->archive->n - 1);
    u->at = 0;
    u->fd = place_part_open(u->place, &part, &there, e);
    if (u->fd < 0 || file_space(u->fd, &space, e) < 0)
        return -1;
    if (m->size > there && m->size - there > space)
        return ERR(e, NO_SPACE, "\"%s\" has %" PRIu64 " bytes, %" PRIu64 " are free",
                   model_path_show(m->path, show, sizeof(show)), m->size, space);
    return 0;
}

int unpack_content(void *self, const void *p, size_t n, struct err *e)
{
    struct unpack *u = self;
    if (u->contents)
        contents_bytes(u->contents, p, n);
    if (u->fd < 0)
        return 0;
    TRANSFER_PHASE(TRANSFER_WRITE);
    if (file_pwrite_all(u->fd, p, n, u->at, e) < 0)
        return -1;
    u->at += n;
    return 0;
}

static int on_unpacked(void *self, const void *p, size_t n, struct err *e)
{
    return untar_put(self, p, n, e);
}

int unpack_file(const struct place *place, const struct digest *digest, struct members *archive,
                int fd, uint64_t size, enum inflate_kind kind, const atomic_bool *cancel,
                struct err *e)
{
    AUTO(unpack) u = {.fd = -1};
    AUTO(untar) t = {0};
    AUTO(contents) contents = {.in_file = false};
    AUTO_FREE char *piece = mem_alloc(READ_STEP);

    unpack_init(&u, place, digest, archive);
    contents_init(&contents);
    u.contents = place->memo ? &contents : NULL;
    const struct untar_sink sink = {.entry = unpack_entry, .content = unpack_content, .self = &u};
    untar_init(&t, &sink);
    AUTO_INFLATE f = inflate_new(kind, on_unpacked, &t);
    for (uint64_t at = 0; at < size;) {
        size_t n = (size_t)MIN_OF(size - at, READ_STEP);
        if (atomic_load(cancel))
            return ERR(e, CANCELLED, "interrupted");
        if (file_pread_all(fd, piece, n, at, e) < 0 || inflate_put(f, piece, n, e) < 0)
            return -1;
        at += n;
    }
    if (inflate_end(f, e) < 0 || untar_end(&t, e) < 0 || unpack_end(&u, e) < 0)
        return -1;
    if (u.contents)
        contents_keep(u.contents, place->memo, digest);
    return 0;
}
