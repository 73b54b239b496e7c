/* SPDX-License-Identifier: Apache-2.0 */
/* Objects: each row has its file, each file its row, and the bytes their digest. */
#include "base/file.h"
#include "registry/checking.h"

#include <stdio.h>

#define READ_STEP (1 * MIB)

int check_hash_range(struct checking *c, int fd, uint64_t at, uint64_t len, struct hash *h,
                     struct err *ret_io, struct err *e)
{
    AUTO_FREE uint8_t *p = mem_alloc(READ_STEP);

    for (uint64_t end = at + len; at < end;) {
        size_t n = (size_t)MIN_OF(end - at, READ_STEP);
        if (file_pread_all(fd, p, n, at, ret_io) < 0)
            return 0;
        hash_update(h, p, n);
        at += n;
        if (check_hashed(c, n, e) < 0)
            return -1;
    }
    return 1;
}

/* ---- files without rows ---- */

static int on_object(void *p, const struct digest *d, uint64_t size, struct err *e)
{
    struct checking *c = p;
    AUTO(db_rows) rows = {0};
    struct store_found at;
    char what[DIGEST_TEXT_MAX + 16], why[64];

    if (check_go_on(c, e) < 0)
        return -1;
    int found =
        db_one(db_reader(c->r->db), Q_object_by_digest, DB_ARGS(DB_TEXT(digest_str(d))), &rows, e);
    if (found != 0)
        return found < 0 ? -1 : 0;
    found = store_object_stat(c->r->store, d, &at, e);
    /* A push puts the file in its place before it has the row. */
    if (found <= 0 || at.in_trash || at.changed_ms > c->now - c->o->grace_ms)
        return found < 0 ? -1 : 0;
    int removed = c->o->repair ? check_remove_orphan(c, d, e) : 0;
    if (removed < 0)
        return -1;
    if (c->o->repair && !removed) /* it is known by now */
        return 0;
    (void)snprintf(what, sizeof(what), "object %s", d->text);
    (void)snprintf(why, sizeof(why), "a file of %llu bytes that no row knows",
                   (unsigned long long)size);
    check_report(c, CHECK_orphan, what, why, "", removed > 0);
    return 0;
}

static int on_stray(void *p, const char *path, int64_t changed_ms, const char *why, struct err *e)
{
    struct checking *c = p;

    if (check_go_on(c, e) < 0)
        return -1;
    if (changed_ms > c->now - c->o->grace_ms)
        return 0;
    int moved = c->o->repair ? store_quarantine(c->r->store, path, e) : 0;
    if (moved < 0)
        return -1;
    if (!c->o->repair || moved)
        check_report(c, CHECK_stray, path, why, "", moved > 0);
    return 0;
}

int check_files(struct checking *c, struct err *e)
{
    if (store_stray_each(c->r->store, on_stray, c, e) < 0)
        return -1;
    return store_object_each(c->r->store, on_object, c, e);
}

/* ---- rows and their files ---- */

static int found_wrong(struct checking *c, const struct registry_object *o, enum check_kind kind,
                       const char *why, struct err *e)
{
    char what[DIGEST_TEXT_MAX + 16];
    const char *needed;

    if (check_needed_object(c, o->id, &needed, e) < 0)
        return -1;
    int done = c->o->repair ? check_withdraw_object(c, o->id, &o->digest, o->size, kind, e) : 0;
    if (done < 0)
        return -1;
    if (c->o->repair && !done) /* it is right by now, or gone */
        return 0;
    (void)snprintf(what, sizeof(what), "object %s", o->digest.text);
    check_report(c, kind, what, why, needed, done > 0);
    return 0;
}

/* Hashes a file of a known size: 1 done, 0 it cannot be read (*ret_io), -1. */
static int hash_object(struct checking *c, const struct registry_object *o, struct digest *ret,
                       struct err *ret_io, struct err *e)
{
    struct hash h;
    uint64_t size;
    int fd = -1;
    int found = store_object_open(c->r->store, &o->digest, &fd, &size, ret_io);
    AUTOFD file = fd;

    if (found <= 0)
        return found < 0 ? 0 : ERR(e, NOT_FOUND, "%s has gone", o->digest.text);
    hash_init(&h, DIGEST_SHA256);
    int read = check_hash_range(c, file, 0, size, &h, ret_io, e);
    if (read > 0)
        hash_digest(&h, ret);
    return read;
}

/* 1 it is right, 0 wrong (why), -1 stopped, or it is not the file that is at fault. */
static int verify(struct checking *c, const struct registry_object *o, char *why, size_t why_n,
                  struct err *e)
{
    struct digest got;
    struct err io = {0};
    int read = hash_object(c, o, &got, &io, e);

    if (read == 0 && registry_is_damage(&io)) /* disks fail for a moment, too */
        read = hash_object(c, o, &got, &io, e);
    if (read < 0)
        return e->code == ERR_NOT_FOUND ? 1 : -1; /* the collector's */
    if (read == 0 && !registry_is_damage(&io)) {
        *e = io;
        return -1;
    }
    if (read == 0)
        (void)snprintf(why, why_n, "it cannot be read: %.400s", io.msg);
    else
        (void)snprintf(why, why_n, "its bytes have the digest %s", got.text);
    return read > 0 && digest_eq(&got, &o->digest);
}

static int check_object(struct checking *c, const struct registry_object *o, struct err *e)
{
    struct store_found at;
    char why[ERR_MSG_MAX];

    c->res->seen.objects++;
    int found = store_object_stat(c->r->store, &o->digest, &at, e);
    if (found < 0)
        return -1;
    if (found == 0)
        return found_wrong(c, o, CHECK_missing, "there is no file", e);
    if (!at.is_file || at.size != o->size) {
        (void)snprintf(why, sizeof(why), "the file has %llu bytes instead of %llu",
                       (unsigned long long)at.size, (unsigned long long)o->size);
        return found_wrong(c, o, CHECK_size, why, e);
    }
    if (!c->o->verify)
        return 0;
    int right = verify(c, o, why, sizeof(why), e);
    return right < 0 ? -1 : right ? 0 : found_wrong(c, o, CHECK_digest, why, e);
}

int check_objects(struct checking *c, struct err *e)
{
    struct registry_object list[REGISTRY_OBJECTS];
    struct digest last = {.text = ""};
    struct str after = c->o->after;
    size_t n;

    do {
        if (registry_objects(db_reader(c->r->db), after, list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            arena_reset(&c->arena);
            if (check_go_on(c, e) < 0 || check_object(c, &list[i], e) < 0)
                return -1;
            last = list[i].digest;
            if (c->o->progress)
                c->o->progress(c->o->self, &c->res->seen, &last);
        }
        after = digest_str(&last);
    } while (n);
    return 0;
}
