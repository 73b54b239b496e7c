/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the migrations for both engines and the query catalogue as JSON, for tests outside C. */
#include "base/json.h"
#include "base/limits.h"
#include "db/db.h"

#include <stdio.h>

int main(void)
{
    AUTO(buf) out = {0};
    struct json_writer w;
    const struct db_migration *m;

    buf_init(&out, 16 * MIB);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_key(&w, "migrations");
    jsonw_list(&w);
    for (size_t i = 0; (m = db_migration(i)); i++) {
        jsonw_object(&w);
        jsonw_ki64(&w, "version", m->version);
        jsonw_kstrz(&w, "name", m->name);
        jsonw_kstrz(&w, "sqlite", m->sql);
        jsonw_kstrz(&w, "postgres", m->postgres);
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    jsonw_key(&w, "queries");
    jsonw_list(&w);
    for (int q = 0; q < Q_COUNT; q++) {
        jsonw_object(&w);
        jsonw_kstrz(&w, "name", db_query_name((enum db_query)q));
        jsonw_kstrz(&w, "sql", db_query_sql((enum db_query)q));
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    if (!buf_ok(&out) || printf("%s\n", out.p) < 0 || fflush(stdout) != 0)
        return 1;
    return 0;
}
