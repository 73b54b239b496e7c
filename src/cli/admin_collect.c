/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/cron.h"
#include "base/json.h"
#include "cli/settings.h"
#include "cli/signals.h"
#include "jobs/collect.h"
#include "jobs/job.h"
#include "jobs/schedule.h"
#include "server/beside.h"

#include <inttypes.h>

static const struct cli_option options[] = {
    {.name = "data", .metavar = "DIR", .help = "The data directory, if not that of the settings."},
    SETTINGS_OPTION_CONFIG,
    {.name = "dry-run", .letter = 'n', .help = "Say what would go, and change nothing."},
    {.name = "untagged",
     .help = "Delete artifacts, too, that have no tag, are in no index and are about nothing that "
             "is there."},
    {.name = "grace",
     .metavar = "TIME",
     .help = "Leave alone what is younger (collect.grace, as 2h)."},
    {.name = "rate", .metavar = "N", .help = "Remove at most N objects a second."},
    {.name = "schedule",
     .metavar = "CRON",
     .help = "Let the server collect by itself, with these options, in place of doing it now: six "
             "fields of cron (UTC) or @daily; \"none\" ends that."},
    {.name = "history", .help = "Show earlier collections and the schedule."},
    {.name = "log", .metavar = "ID", .help = "Show the log of a collection."},
    {.name = "quiet", .letter = 'q', .help = "Do not say what goes while it does."},
    {.name = "json", .help = "Print the result as a JSON object."},
};

/* ---- history ---- */

static void write_time(struct json_writer *w, const char *key, int64_t ms)
{
    char text[CLOCK_TEXT_MAX];
    jsonw_kstrz(w, key, ms ? clock_rfc3339(ms, text) : NULL);
}

static void raw(struct json_writer *w, const char *key, struct str json)
{
    jsonw_key(w, key);
    if (json.p)
        jsonw_raw(w, json);
    else
        jsonw_nothing(w);
}

static void job_json(struct json_writer *w, const struct job *j)
{
    jsonw_object(w);
    jsonw_ki64(w, "id", j->id);
    jsonw_kstr(w, "cause", j->cause);
    jsonw_kstr(w, "state", j->state);
    raw(w, "options", j->args);
    raw(w, "result", j->result);
    if (j->error.p)
        jsonw_kstr(w, "error", j->error);
    write_time(w, "started", j->started_ms);
    write_time(w, "ended", j->ended_ms);
    jsonw_object_done(w);
}

static void job_text(struct buf *out, const struct job *j)
{
    char text[CLOCK_TEXT_MAX];
    buf_addf(out, "%-6" PRId64 " %s %-9s %-8s %.*s\n", j->id, clock_rfc3339(j->started_ms, text),
             j->cause.p, j->state.p, S(j->error.p ? j->error : j->result));
}

static void write_history(struct buf *out, bool json, const struct schedule *s,
                          const struct job *list, size_t n)
{
    struct json_writer w;
    char text[CLOCK_TEXT_MAX];

    if (!json) {
        if (s)
            buf_addf(out, "schedule: %.*s, next at %s, options %.*s\n", S(s->cron),
                     clock_rfc3339(s->next_ms, text), S(s->args));
        for (size_t i = 0; i < n; i++)
            job_text(out, &list[i]);
        return;
    }
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key(&w, "schedule");
    if (s) {
        jsonw_object(&w);
        jsonw_kstr(&w, "cron", s->cron);
        raw(&w, "options", s->args);
        write_time(&w, "next", s->next_ms);
        jsonw_object_done(&w);
    } else {
        jsonw_nothing(&w);
    }
    jsonw_key(&w, "collections");
    jsonw_list(&w);
    for (size_t i = 0; i < n; i++)
        job_json(&w, &list[i]);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    buf_addc(out, '\n');
}

static int show_history(struct cli *c, struct beside *b, struct err *e)
{
    AUTO(arena) arena = {0};
    AUTO(buf) out = {0};
    struct schedule s;
    struct job *list;
    size_t n;

    arena_init(&arena, LIMIT_REQUEST_ARENA);
    buf_init(&out, CLI_TEXT_MAX);
    int scheduled = schedule_get(b->registry.db, &arena, JOB_COLLECT, &s, e);
    if (scheduled < 0 ||
        job_list(b->registry.db, &arena, JOB_COLLECT, INT64_MAX, JOB_HISTORY, &list, &n, e) < 0)
        return -1;
    write_history(&out, cli_has(c, "json"), scheduled ? &s : NULL, list, n);
    return cli_print(buf_str(&out), e);
}

static int print_line(void *self, int64_t at_ms, struct str line, struct err *e)
{
    char text[CLOCK_TEXT_MAX];
    ++*(size_t *)self;
    return cli_printf(e, "%s %.*s\n", clock_rfc3339(at_ms, text), S(line));
}

static int show_log(struct beside *b, int64_t id, struct err *e)
{
    size_t n = 0;
    if (job_log_each(b->registry.db, id, print_line, &n, e) < 0)
        return -1;
    return n ? 0 : ERR(e, NOT_FOUND, "there is no log of a collection %" PRId64, id);
}

/* ---- doing it ---- */

static void say(void *self, const char *line)
{
    (void)self;
    fprintf(stderr, "%s\n", line);
}

static int print_result(const struct cli *c, const struct job_collect *q, int64_t id,
                        const struct collect_result *r, struct err *e)
{
    AUTO(buf) out = {0};

    if (!cli_has(c, "json"))
        return cli_printf(e,
                          "%s%" PRIu64 " artifacts, %" PRIu64 " blobs, %" PRIu64
                          " objects: %" PRId64 " bytes%s\n",
                          q->dry_run ? "would free " : "freed ", r->artifacts, r->blobs, r->objects,
                          (int64_t)r->bytes,
                          r->held ? "; objects are kept for a backup or a check at present, and go "
                                    "next time"
                                  : "");
    struct json_writer w;
    AUTO(buf) result = {0};
    buf_init(&out, CLI_TEXT_MAX);
    buf_init(&result, CLI_TEXT_MAX);
    job_collect_write_result(r, &result);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_ki64(&w, "id", id);
    jsonw_kbool(&w, "dry_run", q->dry_run);
    raw(&w, "result", buf_str(&result));
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

static int set_schedule(struct beside *b, const char *cron, const struct job_collect *q,
                        struct err *e)
{
    AUTO(buf) args = {0};

    if (strcmp(cron, "none") == 0)
        return schedule_clear(b->registry.db, JOB_COLLECT, e);
    if (q->dry_run)
        return ERR(e, USAGE, "--dry-run cannot be scheduled");
    buf_init(&args, JOB_COLLECT_ARGS_MAX);
    job_collect_write(q, &args);
    return schedule_set(b->registry.db, JOB_COLLECT, str_from(cron), buf_str(&args), e);
}

static int read_request(const struct cli *c, const struct config *config, struct job_collect *ret,
                        struct err *e)
{
    const char *grace = cli_value(c, "grace"), *rate = cli_value(c, "rate");
    struct job_collect q = {.dry_run = cli_has(c, "dry-run"),
                            .untagged = cli_has(c, "untagged"),
                            .grace_ms = config->collect_grace};

    if (grace && !str_duration(str_from(grace), 0, INT64_MAX / 2, &q.grace_ms))
        return ERR(e, USAGE, "--grace is a time such as 2h or 0s, not \"%s\"", grace);
    if (rate && !str_u64(str_from(rate), 1, UINT32_MAX, &q.rate))
        return ERR(e, USAGE, "--rate is a number of objects a second, not \"%s\"", rate);
    *ret = q;
    return 0;
}

static int collect(struct cli *c, struct beside *b, const struct job_collect *q, struct err *e)
{
    struct collect_result r;
    int64_t id;

    if (job_collect_run(&b->registry, b->data_dir, q, "manual", signals_watch(),
                        cli_has(c, "quiet") ? NULL : say, NULL, &id, &r, e) < 0)
        return -1;
    return print_result(c, q, id, &r, e);
}

static int run_on(struct cli *c, const struct config *config, struct err *e)
{
    AUTO(beside) b = {.data_dir = -1};
    const char *dir = cli_value(c, "data"), *cron = cli_value(c, "schedule"),
               *log = cli_value(c, "log");
    struct job_collect q;
    uint64_t id = 0;

    if (log && !str_u64(str_from(log), 1, INT64_MAX, &id))
        return ERR(e, USAGE, "--log is the number of a collection, not \"%s\"", log);
    if (read_request(c, config, &q, e) < 0 ||
        beside_open(dir ? dir : config->data, config, &b, e) < 0)
        return -1;
    if (log)
        return show_log(&b, (int64_t)id, e);
    if (cron && set_schedule(&b, cron, &q, e) < 0)
        return -1;
    if (cron || cli_has(c, "history"))
        return show_history(c, &b, e);
    return collect(c, &b, &q, e);
}

static int run(struct cli *c, struct err *e)
{
    struct config config;

    if (settings_load(c, &config, e) < 0)
        return -1;
    int rc = run_on(c, &config, e);
    config_done(&config);
    return rc;
}

const struct command cmd_admin_collect = {
    .name = "admin-collect",
    .summary = "Free what nothing refers to",
    .synopsis = "[--data DIR] [OPTION ...]",
    .help =
        "Works on the data directory, also while its server runs: pushes and pulls go on. Blobs "
        "that no\n"
        "manifest names any more, and that no push has sent or asked for within the grace, lose "
        "their\n"
        "bytes. Interrupted, it is in order; the next one completes it.\n"
        "\n"
        "  haven admin collect --data /srv/haven --dry-run --untagged\n"
        "  haven admin collect --data /srv/haven --schedule \"0 0 3 * * *\"\n"
        "  haven admin collect --data /srv/haven --history\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
