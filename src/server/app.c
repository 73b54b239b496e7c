/* SPDX-License-Identifier: Apache-2.0 */
#include "server/app.h"

#include "access/setting.h"
#include "api/contract.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/sys.h"
#include "jobs/extract.h"
#include "registry/backup.h"
#include "registry/pulls.h"
#include "registry/quota.h"
#include "server/access_log.h"
#include "server/beside.h"

#include <unistd.h>

void server_log_apply(const struct config *c)
{
    enum log_level level = LOG_INFO;
    bool known = log_level_parse(str_from(c->log_level), &level);
    BUG_ON(!known); /* one of the choices of config.def */
    log_setup(STDERR_FILENO, level, strcmp(c->log_format, "json") == 0);
}

static enum registry_sparse sparse(const struct config *c)
{
    if (strcmp(c->registry_sparse, "any") == 0)
        return REGISTRY_SPARSE_ANY;
    return strcmp(c->registry_sparse, "indexes") == 0 ? REGISTRY_SPARSE_INDEXES
                                                      : REGISTRY_SPARSE_REFUSE;
}

static void apply_values(struct server_app *s, const struct config *c)
{
    setting_default_int(access_settings(s->app.access), SETTING_token_expiration,
                        c->auth_token_expiration);
    s->app.page_size = c->registry_page_size;
    s->app.registry.sparse = (int)sparse(c);
    s->app.registry.lease_ms = c->collect_grace;
    s->app.max_uploads_per_address = c->registry_max_uploads_per_address;
    s->upload_expiry_ms = c->registry_upload_expiry;
}

/* Database, store, accounts, first project. */
static int open_parts(struct server_app *s, const struct config *c, struct arena *a,
                      struct str given, struct err *e)
{
    const struct extract_options extract = {.processes = (unsigned)c->extract_processes,
                                            .space = (uint64_t)c->extract_space};
    struct app *app = &s->app;
    struct str first, generated = STR_NULL;

    struct stat st;

    if (sys->fstatat(s->data.fd, BACKUP_RESTORING, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return ERR(e, CONFIG,
                   "a restore into data directory %s was not finished: run `haven admin restore` "
                   "again",
                   s->data.path);
    app->upload_caps = upload_caps_new();
    app->registry.quotas = quota_rooms_new();
    if (datadir_first_password(&s->data, a, given, SERVER_DB_FILE, &first, e) < 0 ||
        db_open(s->data.fd, SERVER_DB_FILE, &app->db, e) < 0 ||
        store_open(s->data.fd, &app->store, e) < 0 ||
        access_open(app->db, first, a, &generated, &app->access, e) < 0 ||
        datadir_publish_password(&s->data, a, app->access, generated, e) < 0)
        return -1;
    app->registry.db = app->db;
    app->registry.store = app->store;
    app->search = search_new(s->data.fd, &app->registry);
    if (extract_pool_new(&app->registry, s->data.fd, &extract, &app->extracts, e) < 0)
        return -1;
    work_init(&app->work, &app->registry, s->data.fd);
    app->registry.settings = access_settings(app->access);
    if (pulls_new(app->db, &app->registry.pulls, e) < 0)
        return -1;
    if (project_seed(&app->registry, e) < 0)
        return -1;
    return forward_start(app->db, access_settings(app->access), &s->forward, e);
}

int server_app_open(struct server_app *s, const struct config *c, struct str first_password,
                    struct err *e)
{
    AUTO(arena) a = {0};

    *s = (struct server_app){.data = {.fd = -1, .lock_fd = -1}};
    if (datadir_open(c->data, &s->data, e) < 0)
        return -1;
    s->app.data_dir = s->data.fd;
    s->app.started_ms = clock_now_ms();
    arena_init(&a, MIB);
    api_failures_init(&s->app.failures);
    if (open_parts(s, c, &a, first_password, e) < 0) {
        server_app_close(s);
        return -1;
    }
    apply_values(s, c);
    return 0;
}

static struct http_server_config http_config(const struct config *c)
{
    return (struct http_server_config){
        .listen = c->listen,
        .tls_cert = c->tls_cert,
        .tls_key = c->tls_key,
        .io_threads = (unsigned)c->http_io_threads,
        .workers = (unsigned)c->http_workers,
        .byte_workers = (unsigned)c->http_byte_workers,
        .max_connections = (unsigned)c->http_max_connections,
        .max_connections_per_address = (unsigned)c->http_max_connections_per_address,
        .head_timeout_ms = c->http_head_timeout,
        .idle_timeout_ms = c->http_idle_timeout,
        .body_min_rate = (uint64_t)c->http_body_min_rate,
        .body_rate_window_ms = c->http_body_rate_window,
        .keepalive_requests = (uint64_t)c->http_keepalive_requests,
        .external_url = c->external_url,
        .trusted_proxies = c->trusted_proxies.items,
        .n_trusted_proxies = c->trusted_proxies.n,
    };
}

int server_app_listen(struct server_app *s, const struct config *c, struct err *e)
{
    struct http_server_config conf = http_config(c);
    s->http_app = (struct http_app){
        .data = &s->app,
        .authenticate = api_authenticate,
        .enter = api_enter,
        .authorise = api_authorise,
        .failed = api_failed,
        .done = access_log,
    };
    s->http_app.groups = api_groups(&s->http_app.n_groups);
    s->app.http = http_server_start(&conf, &s->http_app, e);
    return s->app.http ? 0 : -1;
}

int server_app_apply(struct server_app *s, const struct config *c, struct err *e)
{
    struct http_server_config conf = http_config(c);
    if (http_server_tls(s->app.http) != (*c->tls_cert != '\0'))
        return ERR(e, CONFIG, "key \"tls.cert\": turning TLS on or off needs a restart");
    if (http_server_reload(s->app.http, &conf, e) < 0)
        return -1;
    apply_values(s, c);
    server_log_apply(c);
    return 0;
}

void server_app_close(struct server_app *s)
{
    forward_stop(s->forward);
    s->forward = NULL;
    pulls_free(s->app.registry.pulls);
    s->app.registry.pulls = NULL;
    extract_pool_free(s->app.extracts);
    s->app.extracts = NULL;
    search_free(s->app.search);
    access_close(s->app.access);
    upload_caps_free(s->app.upload_caps);
    quota_rooms_free(s->app.registry.quotas);
    store_close(s->app.store);
    db_close(s->app.db);
    s->app.search = NULL;
    s->app.access = NULL;
    s->app.store = NULL;
    s->app.db = NULL;
    api_failures_done(&s->app.failures);
    datadir_close(&s->data);
}
