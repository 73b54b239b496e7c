/* SPDX-License-Identifier: Apache-2.0 */
/* The query catalogue as text, for the driver, tests and tools. */
#include "db/db.h"

static const struct {
    const char *name;
    const char *sql;
} catalogue[Q_COUNT] = {
#define Q(name, sql) [Q_##name] = {#name, sql},
#include "db/queries.def"
#include "db/search.def"
#undef Q
};

const char *db_query_sql(enum db_query q)
{
    BUG_ON(q >= Q_COUNT);
    return catalogue[q].sql;
}

const char *db_query_name(enum db_query q)
{
    BUG_ON(q >= Q_COUNT);
    return catalogue[q].name;
}
