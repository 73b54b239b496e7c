/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query parameters q and sort of lists, against a list with a field of each type; what they
 * become must be a statement with a parameter for each value.
 */
#include "api/filter.h"
#include "base/limits.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct db_field fields[] = {
    {.name = "name", .column = "name", .type = DB_FIELD_TEXT},
    {.name = "id", .column = "id", .type = DB_FIELD_I64},
    {.name = "public", .column = "public", .type = DB_FIELD_BOOL},
    {.name = "creation_time", .column = "created_ms", .type = DB_FIELD_TIME},
    {.name = "labels", .type = DB_FIELD_I64, .exists = "EXISTS (SELECT 1 FROM l WHERE l.id ?)"},
};
static const struct db_list list = {
    .name = "things",
    .columns = "id",
    .from = "things WHERE 1 = $1",
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "id",
    .key = "id",
};

/* Parameters that the statement names. */
static size_t named(struct str sql)
{
    size_t n = 0;
    for (size_t i = 0; i < sql.n; i++)
        n += sql.p[i] == '$';
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = {0};
    AUTO(buf) sql = {0};
    struct db_list_query q = {0};
    struct str sort = str_of((const char *)data, size), filter = str_cut(&sort, '\n');
    struct err e;
    size_t values = 3; /* of the list itself, limit and offset */

    arena_init(&a, 16 * MIB);
    buf_init(&sql, MIB);
    if (api_filter_q(&a, &list, filter, &q, &e) < 0) {
        BUG_ON(e.code != ERR_BAD_REQUEST);
        return 0;
    }
    if (api_filter_sort(&a, &list, sort, &q, &e) < 0) {
        BUG_ON(e.code != ERR_BAD_REQUEST);
        return 0;
    }
    for (size_t i = 0; i < q.n_matches; i++)
        for (size_t k = 0; k < q.matches[i].n; k++)
            values += q.matches[i].values[k].type != DB_TYPE_NULL;
    db_list_sql(&list, &q, false, &sql);
    BUG_ON(!buf_ok(&sql) || named(buf_str(&sql)) != values);
    return 0;
}
