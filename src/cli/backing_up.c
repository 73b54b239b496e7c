/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/backing_up.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/sys.h"
#include "cli/signals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define SHOW_EVERY_MS 200

static void on_problem(void *self, const char *line)
{
    const struct backing_up *s = self;

    (void)fprintf(stderr, "%s%s\n", s->shows ? "\r\033[K" : "", line);
}

static void on_progress(void *self, const struct backup_progress *p)
{
    struct backing_up *s = self;
    int64_t now = clock_mono_ms();

    if (!s->shows || now - s->shown_ms < SHOW_EVERY_MS)
        return;
    s->shown_ms = now;
    (void)fprintf(stderr,
                  "\r\033[K%" PRIu64 " of %" PRIu64 " files, %" PRIu64 " of %" PRIu64
                  " MiB; %" PRIu64 " MiB copied",
                  p->objects, p->total_objects, p->bytes >> 20, p->total_bytes >> 20,
                  p->copied_bytes >> 20);
    (void)fflush(stderr);
}

int backing_up_begin(const struct cli *c, const char *target, bool make, struct backing_up *shown,
                     struct backup_options *ret, struct err *e)
{
    *shown = (struct backing_up){.shows = !cli_has(c, "quiet") && isatty(STDERR_FILENO)};
    if (make && sys->mkdirat(AT_FDCWD, target, 0700) < 0 && errno != EEXIST)
        return ERR_SYS(e, "creating %s", target);
    int fd = sys->openat(AT_FDCWD, target, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return ERR_SYS(e, "opening %s", target);
    *ret = (struct backup_options){.target = fd,
                                   .verify = cli_has(c, "verify"),
                                   .stop = signals_watch(),
                                   .problem = on_problem,
                                   .progress = on_progress,
                                   .self = shown};
    return 0;
}

void backing_up_done(struct backup_options *o)
{
    (void)close(o->target);
}

static void write_json(struct buf *out, const struct backup_result *r)
{
    struct json_writer w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kstrz(&w, "snapshot", r->name);
    jsonw_ku64(&w, "files", r->done.objects);
    jsonw_ku64(&w, "bytes", r->done.bytes);
    jsonw_ku64(&w, "files_copied", r->done.copied);
    jsonw_ku64(&w, "bytes_copied", r->done.copied_bytes);
    jsonw_ku64(&w, "problems", r->problems);
    jsonw_ku64(&w, "snapshots_removed", r->dropped);
    jsonw_ku64(&w, "files_removed", r->removed);
    jsonw_ku64(&w, "bytes_removed", r->removed_bytes);
    jsonw_object_done(&w);
    buf_addc(out, '\n');
}

static void write_text(struct buf *out, const struct backup_result *r)
{
    buf_addf(out,
             "%s: %" PRIu64 " files, %" PRIu64 " bytes; copied %" PRIu64 " of them, %" PRIu64
             " bytes\n",
             r->name, r->done.objects, r->done.bytes, r->done.copied, r->done.copied_bytes);
    if (r->dropped)
        buf_addf(out,
                 "removed %" PRIu64 " snapshots and %" PRIu64 " files, %" PRIu64
                 " bytes, that only they needed\n",
                 r->dropped, r->removed, r->removed_bytes);
}

int backing_up_end(const struct cli *c, const struct backup_options *o,
                   const struct backup_result *r, int rc, struct err *e)
{
    AUTO(buf) out = {0};
    const struct backing_up *s = o->self;

    if (s->shows)
        (void)fputs("\r\033[K", stderr);
    if (rc < 0)
        return -1;
    buf_init(&out, CLI_TEXT_MAX);
    if (cli_has(c, "json"))
        write_json(&out, r);
    else
        write_text(&out, r);
    if (cli_print(buf_str(&out), e) < 0)
        return -1;
    if (r->problems)
        return ERR(e, CORRUPT,
                   "%" PRIu64 " files are damaged or missing, see above; everything else is "
                   "copied, and `haven fsck` says who needs them",
                   r->problems);
    return 0;
}
