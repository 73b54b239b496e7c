/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/internal.h"

#include <errno.h>

int registry_copy(struct arena *a, struct str s, struct str *ret, struct err *e)
{
    char *p = arena_try(a, s.n + 1, e);

    if (!p)
        return -1;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    *ret = str_of(p, s.n);
    return 0;
}

struct str registry_lower(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++)
        out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] - 'A' + 'a') : s.p[i];
    return str_of(out, s.n);
}

int registry_digest(struct str text, struct digest *ret, struct err *e)
{
    if (digest_parse(text, ret, NULL) < 0)
        return ERR(e, CORRUPT, "the database holds a malformed digest: \"%.*s\"",
                   S(str_head(text, DIGEST_TEXT_MAX)));
    return 0;
}

int registry_one_id(struct db_conn *c, enum db_query q, struct db_args args, int64_t *ret,
                    struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, q, args, &rows, e);

    if (found > 0)
        *ret = db_i64(&rows, 0);
    return found;
}

int registry_audit(struct db_conn *c, enum audit_event event, int64_t repository, char mark,
                   struct str name, const char *description, struct err *e)
{
    AUTO(db_rows) rows = {0};
    AUTO(buf) resource = {0};
    struct audit_entry entry = {.event = event, .description = str_from(description)};
    int found = db_one(c, Q_repository_place, DB_ARGS(DB_I64(repository)), &rows, e);

    if (found <= 0)
        return found;
    buf_init(&resource, LIMIT_AUDIT_TEXT * 2);
    buf_adds(&resource, db_text(&rows, 0));
    if (mark)
        buf_addf(&resource, "%c%.*s", mark, S(name));
    entry.project_id = db_i64(&rows, 1);
    entry.resource = buf_str(&resource);
    db_rows_done(&rows);
    return audit_add(c, &entry, e);
}

int registry_page(struct db_conn *c, struct arena *a, enum db_query q, struct db_args args,
                  size_t limit, struct registry_names *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct registry_names page = {.n = 0};
    int more;

    page.names = arena_try(a, (limit + 1) * sizeof(*page.names), e);
    if (!page.names || db_query(c, q, args, &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0 && page.n < limit) {
        if (registry_copy(a, db_text(&rows, 0), &page.names[page.n], e) < 0)
            return -1;
        page.n++;
    }
    if (more < 0)
        return -1;
    page.more = more > 0;
    *ret = page;
    return 0;
}

int registry_objects(struct db_conn *c, struct str after, struct registry_object *ret,
                     size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t n = 0;
    int more;

    if (db_query(c, Q_check_object_page, DB_ARGS(DB_TEXT(after), DB_I64(REGISTRY_OBJECTS)), &rows,
                 e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        struct registry_object o = {.id = db_i64(&rows, 0), .size = (uint64_t)db_i64(&rows, 2)};
        if (registry_digest(db_text(&rows, 1), &o.digest, e) < 0)
            return -1;
        ret[n++] = o;
    }
    *ret_n = n;
    return more;
}

bool registry_is_damage(const struct err *io)
{
    return io->code == ERR_CORRUPT || io->sys == EIO;
}
