/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar: the headers of tar archives, read and written. Content never passes through here.
 *
 * Reading is a machine that is fed with one block after the other and says what to do next, so that
 * it works on a stream and by position alike. It understands ustar with its prefix, PAX extended
 * headers ('x', 'g'), GNU long names ('L', 'K') and numbers of base 256; checksums are verified.
 * What two readers could understand differently is refused: sparse files, types that are not known,
 * a name given in two ways, a lone block of zeros. Paths are handed out as they are written (less a
 * leading "./" and a trailing '/'), hostile ones too: the caller checks them (model/path.h).
 * Writing is reproducible: the bytes depend on path, size and the x bit alone.
 * Sources: POSIX.1-2017 pax "ustar Interchange Format" and "pax Interchange Format"; GNU tar manual
 * "Basic Tar Format". Pure; any thread, one at a time per reader.
 */
#ifndef HAVEN_MODEL_TAR_H
#define HAVEN_MODEL_TAR_H

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "model/reader.h"

#define TAR_BLOCK 512
/* The end of an archive: two blocks of zeros. */
#define TAR_END_BYTES 1024

enum tar_type {
    TAR_FILE,
    TAR_DIR,
    TAR_SYMLINK,
    TAR_HARDLINK, /* to the path in link, a member before this one */
    TAR_OTHER     /* a device, a pipe, a volume label */
};

/* One member. The views are valid until the reader's next call. */
struct tar_entry {
    enum tar_type type;
    struct str path; /* empty: the root itself ("./") */
    struct str link; /* a symbolic link: its text as written; a hard link: like path */
    uint64_t size;   /* bytes of content; 0 unless it is a file */
    uint32_t mode;   /* permission bits, 0777 at most */
    int64_t mtime_ms;
    uint64_t header_at;  /* position of its first header, extended ones included */
    uint64_t content_at; /* position of its content */
};

enum tar_step {
    TAR_MORE,  /* give the next block */
    TAR_ENTRY, /* a member; size + tar_padding(size) bytes follow that are not for the reader */
    TAR_DONE   /* the end of the archive; what follows is padding */
};

/* The fields are the reader's own. */
struct tar_reader {
    uint64_t at;      /* position of the block that it wants next */
    uint64_t head_at; /* of the header that was read last */
    uint64_t member_at;
    uint64_t n_members;
    bool in_member; /* an extended header was read whose member has not come */
    bool zero;      /* one block of zeros was read */
    bool done;
    bool fresh; /* a member was handed out, its strings are to be dropped */
    /* The body of an extended header while it comes in. */
    char body_type;
    uint64_t body_left; /* bytes */
    struct buf body;
    /* What extended headers said of the member that is to come. */
    bool pax, has_path, has_link, has_size, has_mtime, has_global_mtime;
    struct buf path, link;
    uint64_t size;
    int64_t mtime_ms, global_mtime_ms;
};

void tar_reader_init(struct tar_reader *r);
void tar_reader_autodone(struct tar_reader *r);
/* Takes one block (p, TAR_BLOCK bytes) and returns a tar_step; *ret is filled with TAR_ENTRY. Not
 * to be called after TAR_DONE. -1: MODEL_INVALID, the message names the member or the position. */
int tar_reader_next(struct tar_reader *r, const void *p, struct tar_entry *ret, struct err *e);
/* The archive ends here: MODEL_INVALID when that is inside of a member. An archive that ends behind
 * a member without blocks of zeros is taken, as by other readers. */
int tar_reader_finish(const struct tar_reader *r, struct err *e);

/* Calls each() with every member, reading headers only. each: 0 go on, 1 stop, -1 error. Returns 0
 * at the end, 1 when it was stopped, -1. A member whose content lies behind the end is refused. */
int tar_walk(const struct model_reader *in,
             int (*each)(void *self, const struct tar_entry *entry, struct err *e), void *self,
             struct err *e);

/* Bytes of zeros that follow a content of size bytes. */
uint64_t tar_padding(uint64_t size);
/* Appends all headers of a regular file: path is good (model_path_check); mode: 0755 when any x bit
 * is set, else 0644; owner 0, time 0. An extended header stands before it when path or size need
 * one. At most TAR_HEADER_MAX bytes. */
void tar_header_write(struct buf *out, struct str path, uint64_t size, uint32_t mode);
#define TAR_HEADER_MAX (5 * TAR_BLOCK + LIMIT_MODEL_PATH)

#endif
