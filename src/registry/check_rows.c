/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: blobs are made of what is there, manifests are what their digest says, nothing leaks. */
#include "base/mem.h"
#include "registry/checking.h"

#include <stdio.h>

struct row {
    int64_t id, other; /* other: of a pair */
    struct digest digest;
    uint64_t size;
};

/* A page of rows that begin with id and digest. */
static int page(struct checking *c, enum db_query q, int64_t after, bool sized, struct row *ret,
                size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t n = 0;
    int more;

    if (db_query(db_reader(c->r->db), q, DB_ARGS(DB_I64(after), DB_I64(CHECK_PAGE)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        struct row row = {.id = db_i64(&rows, 0), .size = sized ? (uint64_t)db_i64(&rows, 2) : 0};
        if (registry_digest(db_text(&rows, 1), &row.digest, e) < 0)
            return -1;
        ret[n++] = row;
    }
    *ret_n = n;
    return more;
}

/* ---- blobs ---- */

static int hash_object(struct checking *c, struct hash *h, const struct blob_extent *x,
                       struct err *e)
{
    uint64_t size;
    int fd = -1;
    struct err io = {0};
    int found = store_object_open(c->r->store, &x->object, &fd, &size, &io);
    AUTOFD file = fd;

    /* What is not there or damaged is reported where objects are looked at. */
    if (found > 0)
        found = check_hash_range(c, file, x->offset, x->len, h, &io, e);
    else if (found < 0)
        found = 0;
    if (found == 0 && io.code && !registry_is_damage(&io)) {
        *e = io;
        return -1;
    }
    return found;
}

/* Not where the digest of the only object says it all. 1 right or unknown, 0 wrong, -1. */
static int verify_blob(struct checking *c, const struct row *b, const struct blob_extent *x,
                       size_t n, struct err *e)
{
    struct hash h;
    struct digest got;

    if (n == 1 && !x[0].literal && digest_eq(&x[0].object, &b->digest))
        return 1;
    hash_init(&h, b->digest.alg);
    for (size_t i = 0; i < n; i++) {
        if (x[i].literal) {
            hash_update(&h, x[i].bytes.p, x[i].bytes.n);
            continue;
        }
        int rc = hash_object(c, &h, &x[i], e);
        if (rc <= 0)
            return rc < 0 ? -1 : 1;
    }
    hash_digest(&h, &got);
    return digest_eq(&got, &b->digest);
}

/* Reads the extents; why is filled when they do not make the blob. */
static int judge_blob(struct checking *c, const struct row *b, char *why, size_t why_n,
                      struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct err bad = {0};
    struct blob_extent *x = NULL;
    size_t n = 0, cap = 0;
    uint64_t sum = 0;
    int64_t member;
    int more;

    if (db_query(db_reader(c->r->db), Q_check_extents, DB_ARGS(DB_I64(b->id)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        if (blob_extents_grow(&c->arena, &x, n, &cap, e) < 0)
            return -1;
        if (blob_extent_read(&rows, &c->arena, &x[n], &bad) < 0) {
            (void)snprintf(why, why_n, "%s", bad.msg);
            return 0;
        }
        sum += x[n++].len;
    }
    if (more < 0)
        return -1;
    if (n == 0) { /* known and not here: nobody may claim it */
        int held = registry_one_id(db_reader(c->r->db), Q_blob_member_any, DB_ARGS(DB_I64(b->id)),
                                   &member, e);
        if (held > 0)
            (void)snprintf(why, why_n, "a repository claims it, and it has no bytes");
        return held < 0 ? -1 : 0;
    }
    if (sum != b->size) {
        (void)snprintf(why, why_n, "its parts have %llu bytes instead of %llu",
                       (unsigned long long)sum, (unsigned long long)b->size);
        return 0;
    }
    int right = c->o->verify ? verify_blob(c, b, x, n, e) : 1;
    if (right == 0)
        (void)snprintf(why, why_n, "its parts together have another digest");
    return right < 0 ? -1 : 0;
}

static int check_blob(struct checking *c, const struct row *b, struct err *e)
{
    char why[ERR_MSG_MAX] = "", again[ERR_MSG_MAX] = "", what[DIGEST_TEXT_MAX + 16];
    struct digest print;
    const char *needed;

    c->res->seen.blobs++;
    if (judge_blob(c, b, why, sizeof(why), e) < 0)
        return -1;
    if (!why[0])
        return 0;
    /* It may have been collected, or sent again, between the two queries. */
    if (check_print_blob(db_reader(c->r->db), b->id, &print, e) < 0 ||
        judge_blob(c, b, again, sizeof(again), e) < 0)
        return -1;
    if (!again[0])
        return 0;
    if (check_needed_blob(c, b->id, &needed, e) < 0)
        return -1;
    int done = c->o->repair ? check_withdraw_blob(c, b->id, &print, e) : 0;
    if (done < 0)
        return -1;
    if (c->o->repair && !done)
        return 0;
    (void)snprintf(what, sizeof(what), "blob %s", b->digest.text);
    check_report(c, CHECK_extents, what, why, needed, done > 0);
    return 0;
}

static int check_blobs(struct checking *c, struct err *e)
{
    struct row list[CHECK_PAGE];
    int64_t after = 0;
    size_t n;

    do {
        if (page(c, Q_check_blob_page, after, true, list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            arena_reset(&c->arena);
            after = list[i].id;
            if (check_go_on(c, e) < 0 || check_blob(c, &list[i], e) < 0)
                return -1;
            if (c->o->progress)
                c->o->progress(c->o->self, &c->res->seen, NULL);
        }
    } while (n);
    return 0;
}

/* ---- documents ---- */

static int check_documents(struct checking *c, struct err *e)
{
    int64_t after = 0;
    size_t n;

    do {
        AUTO(db_rows) rows = {0};
        struct row bad[CHECK_PAGE];
        size_t n_bad = 0;
        int more;
        n = 0;
        if (db_query(db_reader(c->r->db), Q_check_document_page,
                     DB_ARGS(DB_I64(after), DB_I64(CHECK_PAGE)), &rows, e) < 0)
            return -1;
        while ((more = db_next(&rows, e)) > 0) {
            struct digest d, got;
            struct str bytes = db_bytes(&rows, 2);
            after = db_i64(&rows, 0);
            n++;
            c->res->seen.documents++;
            if (registry_digest(db_text(&rows, 1), &d, e) < 0 || check_hashed(c, bytes.n, e) < 0)
                return -1;
            hash_bytes(DIGEST_SHA256, bytes.p, bytes.n, &got);
            if (!digest_eq(&d, &got))
                bad[n_bad++] = (struct row){.id = after, .digest = d};
        }
        if (more < 0)
            return -1;
        db_rows_done(&rows);
        for (size_t i = 0; i < n_bad; i++) {
            char what[DIGEST_TEXT_MAX + 16];
            const char *needed;
            arena_reset(&c->arena);
            if (check_needed_document(c, bad[i].id, &needed, e) < 0)
                return -1;
            (void)snprintf(what, sizeof(what), "manifest %s", bad[i].digest.text);
            check_report(c, CHECK_document, what,
                         "its bytes have another digest; delete the artifact and push it again",
                         needed, false);
        }
    } while (n);
    return 0;
}

/* ---- leaks ---- */

static int note(struct checking *c, enum db_query q, struct db_args args, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (!c->o->repair)
        return 0;
    if (db_begin(c->r->db, &t, e) < 0 || db_exec(t.conn, q, args, NULL, e) < 0 ||
        db_commit(&t, e) < 0)
        return -1;
    return 1;
}

static int leaked(struct checking *c, const char *what, const struct digest *d, int noted)
{
    char text[DIGEST_TEXT_MAX + 32];

    if (noted < 0)
        return -1;
    (void)snprintf(text, sizeof(text), "%s %s", what, d->text);
    check_report(c, CHECK_leak, text, "nothing refers to it, and no collection would look at it",
                 "", noted > 0);
    return 0;
}

/* Untagged artifacts need a time from which they are: now. */
static int leaks_of(struct checking *c, enum db_query find, enum db_query add, const char *what,
                    struct err *e)
{
    struct row list[CHECK_PAGE];
    int64_t after = 0;
    size_t n;

    do {
        if (check_go_on(c, e) < 0 || page(c, find, after, false, list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            const struct db_args one = DB_ARGS(DB_I64(list[i].id));
            const struct db_args since = DB_ARGS(DB_I64(list[i].id), DB_I64(c->now));
            after = list[i].id;
            if (leaked(c, what, &list[i].digest,
                       note(c, add, add == Q_untagged_add ? since : one, e)) < 0)
                return -1;
        }
    } while (n);
    return 0;
}

static int leaked_members(struct checking *c, struct err *e)
{
    struct row last = {.id = 0};
    size_t n;

    do {
        AUTO(db_rows) rows = {0};
        struct row list[CHECK_PAGE];
        int more;
        n = 0;
        if (check_go_on(c, e) < 0 ||
            db_query(db_reader(c->r->db), Q_check_member_idle,
                     DB_ARGS(DB_I64(last.id), DB_I64(last.other), DB_I64(CHECK_PAGE)), &rows,
                     e) < 0)
            return -1;
        while ((more = db_next(&rows, e)) > 0) {
            struct row row = {.id = db_i64(&rows, 0), .other = db_i64(&rows, 1)};
            if (registry_digest(db_text(&rows, 2), &row.digest, e) < 0)
                return -1;
            list[n++] = row;
        }
        if (more < 0)
            return -1;
        db_rows_done(&rows);
        for (size_t i = 0; i < n; i++) {
            last = list[i];
            if (leaked(c, "a repository's hold on blob", &last.digest,
                       note(c, Q_member_lapse,
                            DB_ARGS(DB_I64(last.id), DB_I64(last.other), DB_I64(0)), e)) < 0)
                return -1;
        }
    } while (n);
    return 0;
}

int check_rows(struct checking *c, struct err *e)
{
    if (check_blobs(c, e) < 0 || (c->o->verify && check_documents(c, e) < 0) ||
        leaked_members(c, e) < 0 ||
        leaks_of(c, Q_check_artifact_idle, Q_untagged_add, "untagged artifact", e) < 0 ||
        leaks_of(c, Q_check_blob_idle, Q_blob_candidate_add, "blob", e) < 0)
        return -1;
    return leaks_of(c, Q_check_object_idle, Q_object_candidate_add, "object", e);
}
