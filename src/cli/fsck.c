/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/json.h"
#include "cli/settings.h"
#include "cli/signals.h"
#include "registry/check.h"
#include "server/beside.h"

#include <inttypes.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {.name = "data", .metavar = "DIR", .help = "The data directory, if not that of the settings."},
    SETTINGS_OPTION_CONFIG,
    {.name = "verify",
     .help = "Read every byte, too, and compare it with its digest; also the database's indexes."},
    {.name = "repair", .help = "Repair what is safe to repair."},
    {.name = "rate",
     .metavar = "SIZE",
     .help = "With --verify: read at most so much a second, as 100MiB."},
    {.name = "after",
     .metavar = "DIGEST",
     .help = "With --verify: go on behind this object, where an earlier check was interrupted."},
    {.name = "grace",
     .metavar = "TIME",
     .help = "Leave files alone that are younger and that no row knows: a push may be about to "
             "name them (1h)."},
    {.name = "quiet", .letter = 'q', .help = "Do not say how far it is."},
    {.name = "json", .help = "Print a JSON object for each problem, and one for the result."},
};

#define GRACE_MS (3600 * 1000LL)

struct fsck {
    bool json, shows; /* shows: how far it is, on a terminal */
    int64_t shown_ms;
    struct digest at; /* the last object that was looked at */
    bool failed;      /* standard output is gone */
    struct err why;
};

static void print(struct fsck *f, struct str text)
{
    if (!f->failed && cli_print(text, &f->why) < 0)
        f->failed = true;
}

static void on_problem(void *self, const struct check_problem *p)
{
    struct fsck *f = self;
    AUTO(buf) out = {0};
    struct json_writer w;
    const char *repair = check_kind_repair(p->kind);

    buf_init(&out, CLI_TEXT_MAX);
    if (f->json) {
        jsonw_init(&w, &out);
        jsonw_object(&w);
        jsonw_kstrz(&w, "problem", check_kind_name(p->kind));
        jsonw_kstrz(&w, "what", p->what);
        jsonw_kstrz(&w, "why", p->why);
        jsonw_kstrz(&w, "needed_by", p->needed);
        jsonw_kbool(&w, "repaired", p->repaired);
        jsonw_object_done(&w);
        buf_addc(&out, '\n');
        print(f, buf_str(&out));
        return;
    }
    if (f->shows)
        (void)fputs("\r\033[K", stderr);
    buf_addf(&out, "%s: %s: %s\n", check_kind_name(p->kind), p->what, p->why);
    if (p->needed[0])
        buf_addf(&out, "    needed by %s\n", p->needed);
    if (p->repaired)
        buf_addf(&out, "    repaired: %s\n", repair);
    print(f, buf_str(&out));
}

static void on_progress(void *self, const struct check_progress *p, const struct digest *at)
{
    struct fsck *f = self;
    int64_t now = clock_mono_ms();

    if (at)
        f->at = *at;
    if (!f->shows || now - f->shown_ms < 200)
        return;
    f->shown_ms = now;
    (void)fprintf(stderr, "\r\033[K%" PRIu64 " blobs, %" PRIu64 " objects, %" PRIu64 " MiB read",
                  p->blobs, p->objects, p->bytes >> 20);
    (void)fflush(stderr);
}

static int print_result(struct fsck *f, const struct check_result *r, bool complete, struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;

    buf_init(&out, CLI_TEXT_MAX);
    if (f->shows)
        (void)fputs("\r\033[K", stderr);
    if (!f->json) {
        buf_addf(&out,
                 "%" PRIu64 " blobs, %" PRIu64 " objects, %" PRIu64 " bytes read: %" PRIu64
                 " problems, %" PRIu64 " repaired\n",
                 r->seen.blobs, r->seen.objects, r->seen.bytes, r->problems, r->repaired);
        if (!complete && f->at.text[0])
            buf_addf(&out, "not complete; --verify --after %s goes on from here\n", f->at.text);
        return cli_print(buf_str(&out), e);
    }
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kbool(&w, "complete", complete);
    jsonw_ku64(&w, "blobs", r->seen.blobs);
    jsonw_ku64(&w, "objects", r->seen.objects);
    jsonw_ku64(&w, "manifests", r->seen.documents);
    jsonw_ku64(&w, "bytes", r->seen.bytes);
    jsonw_ku64(&w, "problems", r->problems);
    jsonw_ku64(&w, "repaired", r->repaired);
    if (f->at.text[0])
        jsonw_kstrz(&w, "last", f->at.text);
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

static int check(struct cli *c, const struct config *config, const struct check_options *asked,
                 struct err *e)
{
    AUTO(beside) b = {.data_dir = -1};
    struct fsck f = {.json = cli_has(c, "json"),
                     .shows = !cli_has(c, "quiet") && isatty(STDERR_FILENO)};
    const char *dir = cli_value(c, "data");
    struct check_options o = *asked;
    struct check_result r;

    if (beside_open(dir ? dir : config->data, config, &b, e) < 0)
        return -1;
    o.data_dir = b.data_dir;
    o.stop = signals_watch();
    o.problem = on_problem;
    o.progress = on_progress;
    o.self = &f;
    int rc = check_run(&b.registry, &o, &r, e);
    struct err late;
    if (print_result(&f, &r, rc == 0, &late) < 0 && rc == 0) {
        *e = late;
        return -1;
    }
    if (rc < 0)
        return -1;
    if (f.failed) {
        *e = f.why;
        return -1;
    }
    uint64_t left = r.problems - r.repaired;
    if (left)
        return ERR(e, CORRUPT, "%" PRIu64 " problems are left%s", left,
                   o.repair ? "; see above" : "; --repair repairs what is safe to repair");
    return 0;
}

static int read_options(const struct cli *c, struct check_options *ret, struct err *e)
{
    const char *grace = cli_value(c, "grace"), *rate = cli_value(c, "rate"),
               *after = cli_value(c, "after");
    struct check_options o = {.verify = cli_has(c, "verify"),
                              .repair = cli_has(c, "repair"),
                              .grace_ms = GRACE_MS,
                              .after = STR("")};
    struct digest d;

    if (grace && !str_duration(str_from(grace), 0, INT64_MAX / 2, &o.grace_ms))
        return ERR(e, USAGE, "--grace is a time such as 2h or 0s, not \"%s\"", grace);
    if (rate && !str_size(str_from(rate), 1, INT64_MAX, &o.rate))
        return ERR(e, USAGE, "--rate is a size such as 100MiB, not \"%s\"", rate);
    if ((rate || after) && !o.verify)
        return ERR(e, USAGE, "--rate and --after are for --verify");
    if (after && digest_parse(str_from(after), &d, e) < 0)
        return err_wrap(e, "--after");
    if (after)
        o.after = str_from(after);
    *ret = o;
    return 0;
}

static int run(struct cli *c, struct err *e)
{
    struct config config;
    struct check_options o;

    if (read_options(c, &o, e) < 0 || settings_load(c, &config, e) < 0)
        return -1;
    int rc = check(c, &config, &o, e);
    config_done(&config);
    return rc;
}

const struct command cmd_fsck = {
    .name = "fsck",
    .summary = "Check a data directory, and repair what is safe to repair",
    .synopsis = "[--data DIR] [--verify] [--repair] [OPTION ...]",
    .help = "Works on the data directory, also while its server runs. Says which files no row "
            "knows, which rows\n"
            "have no file or one of another size, which uploads cannot go on, and what would never "
            "be\n"
            "collected; with --verify, which bytes are not those of their digest, and who needs "
            "them.\n"
            "\n"
            "The exit status is 6 while problems are left.\n"
            "\n"
            "  haven fsck --data /srv/haven\n"
            "  haven fsck --data /srv/haven --verify --rate 100MiB\n"
            "  haven fsck --data /srv/haven --repair\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
