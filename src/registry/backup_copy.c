/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of a snapshot from one store to another: counted, then copied and hashed. */
#include "base/file.h"
#include "base/hash.h"
#include "registry/backing.h"

#include <stdio.h>

#define COPY_STEP (1 * MIB)

int backup_go_on(const struct backup_options *o, struct err *e)
{
    return o->stop && atomic_load(o->stop) ? ERR(e, CANCELLED, "it was stopped") : 0;
}

static int each_object(struct backing *b,
                       int (*fn)(struct backing *b, const struct registry_object *o, struct err *e),
                       struct err *e)
{
    struct registry_object list[REGISTRY_OBJECTS];
    struct digest last = {.text = ""};
    size_t n;

    do {
        if (registry_objects(db_reader(b->db), digest_str(&last), list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (backup_go_on(b->o, e) < 0 || fn(b, &list[i], e) < 0)
                return -1;
            last = list[i].digest;
        }
    } while (n);
    return 0;
}

/* ---- one object ---- */

/* 1 read, 0 the file is damaged (*ret_bad), -1 it is not the file that is at fault. */
static int read_step(int fd, void *p, size_t n, uint64_t at, struct err *ret_bad, struct err *e)
{
    if (file_pread_all(fd, p, n, at, ret_bad) == 0)
        return 1;
    if (registry_is_damage(ret_bad))
        return 0;
    *e = *ret_bad;
    return -1;
}

/* Hashes a file of a store: 1 it is right, 0 not, -1. */
static int is_right(struct backing *b, struct store *s, const struct registry_object *o,
                    struct err *e)
{
    struct hash h;
    struct digest got;
    struct err io = {0};
    uint64_t size;
    int fd = -1;
    int found = store_object_open(s, &o->digest, &fd, &size, &io);
    AUTOFD file = fd;
    AUTO_FREE uint8_t *p = mem_alloc(COPY_STEP);

    if (found < 0 && !registry_is_damage(&io)) {
        *e = io;
        return -1;
    }
    if (found <= 0 || size != o->size)
        return 0;
    hash_init(&h, DIGEST_SHA256);
    for (uint64_t at = 0; at < size;) {
        size_t n = (size_t)MIN_OF(size - at, COPY_STEP);
        int read = read_step(file, p, n, at, &io, e);
        if (read <= 0 || backup_go_on(b->o, e) < 0)
            return read == 0 ? 0 : -1;
        hash_update(&h, p, n);
        at += n;
    }
    hash_digest(&h, &got);
    return digest_eq(&got, &o->digest);
}

/* What is there and wrong is put aside: an object that has its name is not written again. */
static int is_there(struct backing *b, const struct registry_object *o, struct err *e)
{
    struct store_found at;
    int found = store_object_stat(b->to, &o->digest, &at, e);

    if (found <= 0 || at.in_trash)
        return found < 0 ? -1 : 0;
    int right = at.is_file && at.size == o->size;
    if (right && b->o->verify)
        right = is_right(b, b->to, o, e);
    return right == 0 && store_object_quarantine(b->to, &o->digest, e) < 0 ? -1 : right;
}

static int is_needed(struct backing *b, const struct registry_object *o, struct err *e)
{
    AUTO(db_rows) rows = {0};

    return db_one(db_reader(b->db), Q_object_extents, DB_ARGS(DB_I64(o->id)), &rows, e);
}

static void problem(struct backing *b, const struct registry_object *o, const char *why)
{
    char line[DIGEST_TEXT_MAX + ERR_MSG_MAX + 16];

    b->ret->problems++;
    (void)snprintf(line, sizeof(line), "object %s: %s", o->digest.text, why);
    b->o->problem(b->o->self, line);
}

/* Copies from an open file; *ret_bad is set when the source is at fault, and 0 is given. */
static int copy_bytes(struct backing *b, const struct registry_object *o, int fd,
                      struct store_upload *u, struct err *ret_bad, struct err *e)
{
    AUTO_FREE uint8_t *p = mem_alloc(COPY_STEP);

    for (uint64_t at = 0; at < o->size;) {
        size_t n = (size_t)MIN_OF(o->size - at, COPY_STEP);
        int read = read_step(fd, p, n, at, ret_bad, e);
        if (read <= 0)
            return read;
        if (store_upload_write(u, p, n, e) < 0 || backup_go_on(b->o, e) < 0)
            return -1;
        at += n;
        b->ret->done.copied_bytes += n;
        if (b->o->progress)
            b->o->progress(b->o->self, &b->ret->done);
    }
    return 1;
}

static int copy_object(struct backing *b, const struct registry_object *o, struct err *e)
{
    struct store_upload *u;
    struct err bad = {0};
    struct digest got;
    uint64_t size;
    int fd = -1;
    int found = store_object_open(b->from, &o->digest, &fd, &size, &bad);
    AUTOFD file = fd;

    if (found < 0 && !registry_is_damage(&bad)) {
        *e = bad;
        return -1;
    }
    if (found <= 0) {
        int needed = is_needed(b, o, e); /* what waits for its collection is not missed */
        if (needed > 0)
            problem(b, o, found < 0 ? bad.msg : "there is no file");
        return needed < 0 ? -1 : 0;
    }
    if (size != o->size) {
        problem(b, o, "the file has another size than its row says");
        return 0;
    }
    if (store_upload_new(b->to, STR("backup"), DIGEST_SHA256, o->size, true, &u, e) < 0)
        return -1;
    int rc = copy_bytes(b, o, file, u, &bad, e);
    if (rc > 0) {
        struct err wrong = {0};
        if (store_upload_commit(u, &o->digest, &got, &size, &wrong) == 0) {
            b->ret->done.copied++;
            return 0;
        }
        if (wrong.code != ERR_DIGEST_INVALID) {
            *e = wrong;
            rc = -1;
        }
        bad = wrong;
    }
    store_upload_cancel(u);
    if (rc < 0)
        return -1;
    problem(b, o, bad.msg);
    return 0;
}

/* ---- all of them ---- */

static int count(struct backing *b, const struct registry_object *o, struct err *e)
{
    struct store_found at;
    int found = store_object_stat(b->to, &o->digest, &at, e);

    if (found < 0)
        return -1;
    b->ret->done.total_objects++;
    b->ret->done.total_bytes += o->size;
    if (!found || at.size != o->size)
        b->missing += o->size;
    return 0;
}

static int copy(struct backing *b, const struct registry_object *o, struct err *e)
{
    int there = is_there(b, o, e);

    if (there < 0 || (!there && copy_object(b, o, e) < 0))
        return -1;
    b->ret->done.objects++;
    b->ret->done.bytes += o->size;
    if (b->o->progress)
        b->o->progress(b->o->self, &b->ret->done);
    return 0;
}

int backup_copy(struct backing *b, int to_dir, struct err *e)
{
    uint64_t space;

    if (each_object(b, count, e) < 0 || file_space(to_dir, &space, e) < 0)
        return -1;
    if (b->missing > space)
        return ERR(e, NO_SPACE, "%llu bytes are to be copied and %llu are free",
                   (unsigned long long)b->missing, (unsigned long long)space);
    return each_object(b, copy, e);
}
