/* SPDX-License-Identifier: Apache-2.0 */
/* Is the server there, and is it well? */
#include "api/harbor/harbor.h"

#include "base/json.h"
#include "base/log.h"
#include "base/sys.h"

#include <errno.h>

/* Less free space than this, and pushes are about to fail. */
#define HEALTH_FREE_MIN (64 * MIB)

int harbor_ping(struct http_req *rq, struct err *e)
{
    (void)e;
    return http_reply(rq, 200, "text/plain; charset=utf-8", STR("Pong"));
}

/* Each check: NULL if the part is well, else what is wrong in words that anybody may read. */

static const char *check_core(struct app *app)
{
    return atomic_load(&app->stopping) ? "the server is stopping" : NULL;
}

static const char *check_database(struct app *app)
{
    AUTO(db_rows) rows = {0};
    struct err e = {0};
    if (db_one(db_reader(app->db), Q_schema_version, DB_NO_ARGS, &rows, &e) == 1)
        return NULL;
    LOG(ERROR, "health.database", log_err(&e));
    return "the database does not answer";
}

static const char *check_registry(struct app *app)
{
    struct statvfs v;
    if (sys->fstatvfs(app->data_dir, &v) < 0) {
        LOG(ERROR, "health.data", log_i64("errno", errno));
        return "the data directory cannot be read";
    }
    if ((v.f_flag & ST_RDONLY) || faccessat(app->data_dir, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return "the data directory cannot be written to";
    if ((uint64_t)v.f_bavail * v.f_frsize < HEALTH_FREE_MIN)
        return "there is less than 64 MiB of free space for data";
    if (v.f_files && v.f_favail == 0)
        return "the file system of the data directory takes no more files";
    return NULL;
}

static const struct {
    const char *name; /* Harbor's, as far as there is such a part here */
    const char *(*check)(struct app *app);
} components[] = {
    {"core", check_core},
    {"database", check_database},
    {"registry", check_registry},
};

static const char *word(bool healthy)
{
    return healthy ? "healthy" : "unhealthy";
}

int harbor_health(struct http_req *rq, struct err *e)
{
    (void)e;
    const char *fault[ARRAY_LEN(components)];
    bool healthy = true;
    struct buf out;
    struct json_writer w;

    for (size_t i = 0; i < ARRAY_LEN(components); i++) {
        fault[i] = components[i].check(api_app(rq));
        healthy = healthy && !fault[i];
    }
    buf_init(&out, 4 * KIB);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstrz(&w, "status", word(healthy));
    jsonw_key(&w, "components");
    jsonw_list(&w);
    for (size_t i = 0; i < ARRAY_LEN(components); i++) {
        jsonw_object(&w);
        jsonw_kstrz(&w, "name", components[i].name);
        jsonw_kstrz(&w, "status", word(!fault[i]));
        if (fault[i])
            jsonw_kstrz(&w, "error", fault[i]);
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    return http_reply_buf(rq, 200, "application/json; charset=utf-8", &out);
}
