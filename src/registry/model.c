/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/model.h"

#include "base/clock.h"
#include "base/mem.h"
#include "registry/internal.h"

#include <zstd.h>

/* JSON of tensors shrinks to a tenth at the first level already. */
#define LEVEL 3

/* ---- compression ---- */

static int pack(struct str text, struct buf *ret, struct err *e)
{
    if (text.n > LIMIT_MODEL_TEXT)
        return ERR(e, LIMIT, "what was read has %zu bytes, more than %llu", text.n,
                   LIMIT_MODEL_TEXT);
    size_t room = ZSTD_compressBound(text.n);
    AUTO_FREE char *p = mem_alloc(room);
    size_t n = ZSTD_compress(p, room, text.p, text.n, LEVEL);
    if (ZSTD_isError(n))
        return ERR(e, INTERNAL, "compressing: %s", ZSTD_getErrorName(n));
    buf_init(ret, n);
    buf_add(ret, p, n);
    return 0;
}

static int unpack(struct arena *a, struct str packed, struct str *ret, struct err *e)
{
    unsigned long long size = ZSTD_getFrameContentSize(packed.p, packed.n);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
        size > LIMIT_MODEL_TEXT)
        return ERR(e, CORRUPT, "what was read of a model cannot be unpacked");
    char *p = arena_try(a, (size_t)size + 1, e);
    if (!p)
        return -1;
    if (ZSTD_decompress(p, (size_t)size, packed.p, packed.n) != size)
        return ERR(e, CORRUPT, "what was read of a model cannot be unpacked");
    p[size] = '\0';
    *ret = str_of(p, (size_t)size);
    return 0;
}

/* ---- writing ---- */

/* Some parts, packed before their transaction begins: that takes time. */
struct packed_parts {
    const struct model_part *parts;
    struct buf bytes[MODEL_WRITE_AT_ONCE];
    size_t n;
};

static void packed_parts_autodone(struct packed_parts *p)
{
    for (size_t i = 0; i < p->n; i++)
        buf_done(&p->bytes[i]);
}

static int pack_parts(const struct model_part *parts, size_t n, struct packed_parts *ret,
                      struct err *e)
{
    ret->parts = parts;
    for (size_t i = 0; i < n; i++) {
        if (pack(parts[i].bytes, &ret->bytes[i], e) < 0)
            return -1;
        ret->n++;
    }
    return 0;
}

static int put_parts(struct db_conn *c, const struct packed_parts *p, struct err *e)
{
    for (size_t i = 0; i < p->n; i++)
        if (db_exec(c, Q_model_part_put,
                    DB_ARGS(DB_TEXT(digest_str(&p->parts[i].blob)), DB_I64(p->parts[i].kind),
                            DB_I64(p->parts[i].at), DB_BYTES(buf_str(&p->bytes[i]))),
                    NULL, e) < 0)
            return -1;
    return 0;
}

static int write_parts(struct registry *r, const struct model_part *parts, size_t n, struct err *e)
{
    AUTO(packed_parts) packed = {.n = 0};
    AUTO(db_txn) t = {0};

    return pack_parts(parts, n, &packed, e) < 0 || db_begin(r->db, &t, e) < 0 ||
                   put_parts(t.conn, &packed, e) < 0
               ? -1
               : db_commit(&t, e);
}

int model_write(struct registry *r, int64_t document, const struct model_content *content,
                const struct task *task, const char *holder, struct err *e)
{
    AUTO(packed_parts) last = {.n = 0};
    AUTO(buf) packed = {0};
    AUTO(db_txn) t = {0};
    size_t at = 0;

    /* Each transaction is a wait for the disk: the last parts, mostly all, go with the rest. */
    for (; content->n_parts - at > MODEL_WRITE_AT_ONCE; at += MODEL_WRITE_AT_ONCE)
        if (write_parts(r, content->parts + at, MODEL_WRITE_AT_ONCE, e) < 0)
            return -1;
    if (pack_parts(content->parts + at, content->n_parts - at, &last, e) < 0 ||
        pack(content->facts, &packed, e) < 0 || db_begin(r->db, &t, e) < 0 ||
        put_parts(t.conn, &last, e) < 0 ||
        db_exec(t.conn, Q_model_put,
                DB_ARGS(DB_I64(document), DB_I64(MODEL_VERSION), DB_I64(clock_now_ms()),
                        DB_BYTES(buf_str(&packed)), DB_TEXT(content->summary)),
                NULL, e) < 0 ||
        link_write(t.conn, document, content->links, e) < 0 ||
        task_done(t.conn, task, holder, e) < 0)
        return -1;
    return db_commit(&t, e);
}

/* ---- reading ---- */

int model_get(struct registry *r, struct arena *a, int64_t artifact, struct model_read *ret,
              struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(r->db), Q_model_get, DB_ARGS(DB_I64(artifact)), &rows, e);

    if (found <= 0)
        return found;
    *ret = (struct model_read){.version = db_i64(&rows, 0), .read_ms = db_i64(&rows, 1)};
    return unpack(a, db_bytes(&rows, 2), &ret->facts, e) < 0 ? -1 : 1;
}

int model_summary(struct registry *r, struct arena *a, int64_t artifact, struct str *ret,
                  struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(r->db), Q_model_summary, DB_ARGS(DB_I64(artifact)), &rows, e);

    return found <= 0 ? found : registry_copy(a, db_text(&rows, 0), ret, e) < 0 ? -1 : 1;
}

int model_get_part(struct registry *r, struct arena *a, enum model_part_kind kind,
                   const struct digest *blob, uint64_t at, struct str *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(r->db), Q_model_part_get,
                       DB_ARGS(DB_TEXT(digest_str(blob)), DB_I64(kind), DB_I64(at)), &rows, e);

    return found <= 0 ? found : unpack(a, db_bytes(&rows, 0), ret, e) < 0 ? -1 : 1;
}

int model_document(struct registry *r, struct arena *a, int64_t document, struct str *ret_type,
                   struct str *ret_bytes, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(r->db), Q_document_read, DB_ARGS(DB_I64(document)), &rows, e);

    if (found <= 0)
        return found;
    return registry_copy(a, db_text(&rows, 0), ret_type, e) < 0 ||
                   registry_copy(a, db_bytes(&rows, 1), ret_bytes, e) < 0
               ? -1
               : 1;
}

/* ---- what is still to be read ---- */

static int queue(struct registry *r, const int64_t *documents, size_t n, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (db_exec(t.conn, Q_task_add,
                    DB_ARGS(DB_TEXTZ(TASK_INDEX), DB_I64(documents[i]), DB_I64(clock_now_ms())),
                    NULL, e) < 0)
            return -1;
    return db_commit(&t, e);
}

int model_queue_unread(struct registry *r, int64_t after, size_t limit, size_t *ret_n,
                       int64_t *ret_last, struct err *e)
{
    AUTO_FREE int64_t *documents = NEW_ARRAY(limit, int64_t);
    size_t n = 0;
    int more;

    {
        AUTO(db_rows) rows = {0};
        if (db_query(db_reader(r->db), Q_document_unread,
                     DB_ARGS(DB_I64(after), DB_I64(MODEL_VERSION), DB_I64(limit)), &rows, e) < 0)
            return -1;
        while ((more = db_next(&rows, e)) > 0 && n < limit)
            documents[n++] = db_i64(&rows, 0);
        if (more < 0)
            return -1;
    }
    *ret_n = n;
    if (n == 0)
        return 0;
    *ret_last = documents[n - 1];
    return queue(r, documents, n, e);
}
