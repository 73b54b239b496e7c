/* SPDX-License-Identifier: Apache-2.0 */
/* Is the server there, and is it well? */
#include "api/harbor/harbor.h"

#include "base/log.h"
#include "base/mem.h"
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

struct part {
    struct str name, status, error;
};
static const struct api_field part_fields[] = {
    {"name", API_STR, offsetof(struct part, name), 0, NULL, 0, "The name of the part."},
    {"status", API_STR, offsetof(struct part, status), 0, NULL, 0, "healthy or unhealthy."},
    {"error", API_STR, offsetof(struct part, error), 0, NULL, 0, "What is wrong."},
};
static const struct api_object part_object = {
    .name = "ComponentHealthStatus",
    .size = sizeof(struct part),
    .fields = part_fields,
    .n = ARRAY_LEN(part_fields),
    .doc = "How a part of the server is.",
};

struct health {
    struct str status;
    struct api_list parts;
};
static const struct api_field health_fields[] = {
    {"status", API_STR, offsetof(struct health, status), 0, NULL, 0, "healthy or unhealthy."},
    {"components", API_LIST, offsetof(struct health, parts), 0, &part_object, 0,
     "The parts of the server."},
};
const struct api_object harbor_health_object = {
    .name = "OverallHealthStatus",
    .size = sizeof(struct health),
    .fields = health_fields,
    .n = ARRAY_LEN(health_fields),
    .doc = "How the server is.",
};

static struct str word(bool healthy)
{
    return healthy ? STR("healthy") : STR("unhealthy");
}

int harbor_health(struct http_req *rq, struct err *e)
{
    (void)e;
    struct part parts[ARRAY_LEN(components)] = {0};
    struct health h = {.parts = {parts, ARRAY_LEN(parts)}};
    bool healthy = true;

    for (size_t i = 0; i < ARRAY_LEN(components); i++) {
        const char *fault = components[i].check(api_app(rq));
        parts[i] = (struct part){
            .name = str_from(components[i].name), .status = word(!fault), .error = str_from(fault)};
        healthy = healthy && !fault;
    }
    h.status = word(healthy);
    return harbor_reply(rq, &h);
}

int harbor_openapi(struct http_req *rq, struct err *e)
{
    (void)e;
    struct buf out;
    buf_init(&out, LIMIT_API_ANSWER);
    api_openapi_write(&out);
    http_set_header(rq, "Cache-Control", STR("public, max-age=3600"));
    return http_reply_buf(rq, 200, "application/json; charset=utf-8", &out);
}
