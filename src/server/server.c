/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main thread: starts the parts, then waits for signals and clocks. Signals come through a
 * descriptor, so that everything here is ordinary code; every other thread has them blocked.
 */
#include "server/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "jobs/tasks.h"
#include "server/app.h"
#include "server/notify.h"
#include "server/upkeep.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors that are not connections: database, objects being sent, uploads. */
enum { FILES_BESIDES = 1024 };

struct server {
    const struct server_options *options;
    struct server_app app;
    struct config reloaded; /* what the last reload read */
    uint64_t reloads;
    const struct config *in_force; /* options->config or reloaded */
    struct notify notify;
    struct upkeep *upkeep;
    int64_t watchdog_due_ms;
};

static void raise_file_limit(const struct config *c)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
        return;
    lim.rlim_cur = lim.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &lim) < 0 || getrlimit(RLIMIT_NOFILE, &lim) < 0)
        return;
    /* Every connection, and files for those that transfer at the same time. */
    uint64_t needed = (uint64_t)c->http_max_connections + FILES_BESIDES;
    if (lim.rlim_cur != RLIM_INFINITY && lim.rlim_cur < needed)
        LOG(WARN, "limits.files", log_u64("limit", lim.rlim_cur), log_u64("wanted", needed),
            log_strz("hint", "raise RLIMIT_NOFILE or lower http.max_connections"));
}

/*
 * Few heaps for many threads, and large blocks (the 16 MiB of a password hash) straight back to the
 * system: by default the allocator would keep both for ever. Buffers of transfers (up to 1 MiB)
 * stay below and are reused.
 */
static void tune_allocator(void)
{
    enum { HEAPS = 4, LARGE = 4 << 20, SPARE = 8 << 20 };
    (void)mallopt(M_ARENA_MAX, HEAPS);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
    (void)mallopt(M_TRIM_THRESHOLD, SPARE);
}

static void stop_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
}

static int open_signals(int *ret_fd, struct err *e)
{
    sigset_t set;
    stop_signals(&set);
    (void)sigaddset(&set, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return ERR(e, INTERNAL, "signals cannot be blocked");
    *ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret_fd < 0 ? ERR_SYS(e, "signalfd") : 0;
}

static int announce(const struct server *s, struct err *e)
{
    const struct app *app = &s->app.app;
    struct str host = str_from(s->in_force->listen);
    ptrdiff_t colon = str_rchr(host, ':');
    host = str_head(host, colon > 0 ? (size_t)colon : 0);
    if (host.n == 0)
        host = STR("0.0.0.0");
    const char *scheme = http_server_tls(app->http) ? "https" : "http";
    LOG(INFO, "server.ready", log_strz("version", HAVEN_VERSION), log_str("address", host),
        log_u64("port", http_server_port(app->http)), log_strz("data", s->in_force->data),
        log_i64("ms", clock_now_ms() - app->started_ms));
    if (printf("haven: listening on %s://%.*s:%u\n", scheme, S(host), http_server_port(app->http)) <
            0 ||
        fflush(stdout) != 0)
        return ERR_SYS(e, "writing to standard output");
    return 0;
}

/* Keeps the values that only a new start may change; says so. */
static void keep_fixed(const struct config *running, struct config *fresh)
{
    for (size_t i = 0; i < config_count(); i++) {
        const struct config_key *k = config_row(i);
        if ((k->flags & CONFIG_RELOAD) || config_same(running, fresh, i))
            continue;
        LOG(WARN, "config.reload.ignored", log_strz("key", k->key),
            log_strz("hint", "the new value counts after a restart"));
        config_copy(fresh, running, i);
    }
}

static int reload(struct server *s, struct err *e)
{
    struct config made;

    if (!s->options->reload)
        return 0;
    if (s->options->reload(s->options->reload_data, &made, e) < 0)
        return -1;
    keep_fixed(s->in_force, &made);
    if (server_app_apply(&s->app, &made, e) < 0) {
        config_done(&made);
        return -1;
    }
    config_done(&s->reloaded); /* everything that was in use has been copied or replaced */
    s->reloaded = made;
    s->in_force = &s->reloaded;
    return 0;
}

static void on_reload(struct server *s)
{
    char text[96];
    struct err err;
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_us());
    notify_send(&s->notify, text);
    if (reload(s, &err) < 0)
        LOG(ERROR, "config.reload.failed", log_err(&err),
            log_strz("hint", "the former settings stay in force"));
    else
        LOG(INFO, "config.reloaded", log_u64("times", ++s->reloads));
    notify_send(&s->notify, "READY=1");
}

/* Milliseconds until the next clock wants attention. */
static int wait_ms(const struct server *s)
{
    int64_t due = upkeep_due_ms(s->upkeep);
    if (s->notify.watchdog_ms && s->watchdog_due_ms < due)
        due = s->watchdog_due_ms;
    int64_t left = due - clock_mono_ms();
    return left < 0 ? 0 : (int)MIN_OF(left, 60000);
}

static void on_clock(struct server *s)
{
    int64_t now = clock_mono_ms();
    upkeep_tick(s->upkeep, now);
    if (s->notify.watchdog_ms && now >= s->watchdog_due_ms) {
        notify_send(&s->notify, "WATCHDOG=1");
        s->watchdog_due_ms = now + s->notify.watchdog_ms / 2;
    }
}

/* Returns when a signal asks for the end. */
static int wait_for_end(struct server *s, int signals, struct err *e)
{
    for (;;) {
        struct pollfd p = {.fd = signals, .events = POLLIN};
        struct signalfd_siginfo info;
        int r = poll(&p, 1, wait_ms(s));
        if (r < 0 && errno != EINTR)
            return ERR_SYS(e, "poll");
        on_clock(s);
        while (r > 0 && read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
            if (info.ssi_signo == SIGHUP) {
                on_reload(s);
                continue;
            }
            LOG(INFO, "server.stopping", log_strz("signal", strsignal((int)info.ssi_signo)),
                log_i64("drain_ms", s->in_force->http_drain_timeout));
            return 0;
        }
    }
}

/* From here on the same signals have their plain meaning in this thread: a second one ends the
 * process. */
static void let_second_signal_kill(void)
{
    sigset_t set;
    stop_signals(&set);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int serve(struct server *s, int signals, struct err *e)
{
    struct app *app = &s->app.app;
    struct tasks *tasks = NULL;

    if (tasks_start(&app->registry, app->search, &tasks, e) < 0 ||
        server_app_listen(&s->app, s->in_force, e) < 0) {
        tasks_stop(tasks);
        return -1;
    }
    s->upkeep = upkeep_new(&s->app);
    int rc = announce(s, e);
    if (rc == 0) {
        notify_send(&s->notify, "READY=1");
        rc = wait_for_end(s, signals, e);
    }
    notify_send(&s->notify, "STOPPING=1");
    app->stopping = true;
    work_end(&app->work);
    let_second_signal_kill();
    http_server_stop(app->http, s->in_force->http_drain_timeout);
    tasks_stop(tasks);
    upkeep_free(s->upkeep);
    return rc;
}

int server_run(const struct server_options *o, struct err *e)
{
    struct server s = {.options = o, .in_force = o->config};
    AUTOFD signals = -1;

    /* Whatever the directory's mode: its files hold keys and password hashes. */
    (void)umask(0077);
    tune_allocator();
    server_log_apply(o->config);
    if (open_signals(&signals, e) < 0)
        return -1;
    raise_file_limit(o->config);
    if (server_app_open(&s.app, o->config, o->admin_password, e) < 0)
        return -1;
    notify_open(&s.notify);
    int rc = serve(&s, signals, e);
    server_app_close(&s.app);
    notify_close(&s.notify);
    if (rc == 0)
        LOG(INFO, "server.stopped", log_i64("ms", clock_now_ms() - s.app.app.started_ms));
    config_done(&s.reloaded);
    return rc;
}
