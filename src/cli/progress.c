/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "base/json.h"
#include "cli/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Without a terminal a long file says how far it is this often. */
#define PLAIN_EVERY_MS 5000

void progress_connection(const struct cli *c, struct transport_options *ret)
{
    *ret = (struct transport_options){.plain_http = cli_has(c, "plain-http"),
                                      .insecure = cli_has(c, "insecure"),
                                      .ca_file = cli_value(c, "ca-file"),
                                      .cancel = signals_watch()};
}

int progress_ref(struct cli *c, const char *text, struct remote_ref *ret, struct err *e)
{
    if (remote_ref_parse(str_from(text), ret, e) < 0) {
        e->code = ERR_NAME_INVALID; /* a malformed digest is no damaged content */
        return -1;
    }
    c->host = arena_strz(&c->arena, str_from(ret->host));
    return 0;
}

int progress_host(struct cli *c, const char *text, struct transport_host *ret, struct err *e)
{
    if (transport_host_parse(str_from(text), ret, e) < 0)
        return -1;
    c->host = arena_strz(&c->arena, str_from(ret->host));
    return 0;
}

int progress_threads(const struct cli *c, unsigned *ret, struct err *e)
{
    uint64_t n = TRANSFER_THREADS;
    const char *text = cli_value(c, "concurrency");
    if (text && !str_u64(str_from(text), 1, TRANSFER_THREADS_MAX, &n))
        return ERR(e, USAGE, "--concurrency must be a number from 1 to %d", TRANSFER_THREADS_MAX);
    *ret = (unsigned)n;
    return 0;
}

/* Reproducible unless a time is given by the convention of reproducible-builds.org. */
int progress_source_date(int64_t *ret_ms, struct err *e)
{
    uint64_t seconds;
    const char *text = getenv("SOURCE_DATE_EPOCH");
    *ret_ms = 0;
    if (!text || !*text)
        return 0;
    /* Up to the year 9999, which is all that RFC 3339 can write. */
    if (!str_u64(str_from(text), 0, 253402300799, &seconds))
        return ERR(e, CONFIG, "SOURCE_DATE_EPOCH is not a number of seconds");
    *ret_ms = (int64_t)seconds * 1000;
    return 0;
}

#define SIZE_TEXT 32
static const char *size_text(double n, char out[SIZE_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    while (n >= 1024 && u + 1 < ARRAY_LEN(units)) {
        n /= 1024;
        u++;
    }
    (void)snprintf(out, SIZE_TEXT, u ? "%.1f %s" : "%.0f %s", n, units[u]);
    return out;
}

static double rate(uint64_t bytes, int64_t ms)
{
    return ms > 0 ? (double)bytes * 1000 / (double)ms : (double)bytes;
}

/* For the person who waits: what cannot be written is not missed. */
static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
}

static void say_state(const struct progress *p, const struct transfer_state *s)
{
    char done[SIZE_TEXT], total[SIZE_TEXT], speed[SIZE_TEXT];
    unsigned percent =
        s->bytes_total ? (unsigned)((double)s->bytes_done * 100 / (double)s->bytes_total) : 100;
    say("%s%3u %%  %s of %s, %zu of %zu files, %s/s%s", p->terminal ? "\r\033[K" : "", percent,
        size_text((double)s->bytes_done, done), size_text((double)s->bytes_total, total),
        s->files_done, s->files_total, size_text(rate(s->bytes_moved, s->elapsed_ms), speed),
        p->terminal ? "" : "\n");
}

static void on_progress(void *self, const struct transfer_state *s,
                        const struct transfer_slot *slots)
{
    struct progress *p = self;
    (void)slots;
    if (!p->terminal && s->elapsed_ms - p->said_ms < PLAIN_EVERY_MS)
        return;
    say_state(p, s);
    p->said_ms = s->elapsed_ms;
    p->shown = p->terminal;
}

static void on_file(void *self, const char *path, uint64_t size, enum transfer_how how,
                    const struct transfer_state *s)
{
    static const char *const words[] = {
        [TRANSFER_MOVED] = "done", [TRANSFER_PRESENT] = "present", [TRANSFER_COPIED] = "copied"};
    struct progress *p = self;
    char text[SIZE_TEXT];
    say("%s%-7s %s (%s)\n", p->shown ? "\r\033[K" : "", words[how], path,
        size_text((double)size, text));
    p->shown = false;
    p->said_ms = s->elapsed_ms;
}

void progress_init(struct progress *p, const struct cli *c)
{
    *p = (struct progress){.terminal = isatty(STDERR_FILENO) == 1};
    if (!cli_has(c, "quiet"))
        p->events = (struct transfer_events){.progress = on_progress, .file = on_file, .self = p};
    p->events.cancel = signals_watch();
}

void progress_end(struct progress *p)
{
    if (p->shown)
        say("\r\033[K");
    p->shown = false;
}

static int summary_json(const char *reference, const struct digest *digest,
                        const struct transfer_state *s, struct err *e)
{
    AUTO(buf) out = {0};
    char seconds[32];
    struct json_writer w;

    (void)snprintf(seconds, sizeof(seconds), "%lld.%03d", (long long)(s->elapsed_ms / 1000),
                   (int)(s->elapsed_ms % 1000));
    buf_init(&out, CLI_TEXT_MAX);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstrz(&w, "reference", reference);
    jsonw_kstr(&w, "digest", digest_str(digest));
    jsonw_ku64(&w, "files", s->files_total);
    jsonw_ku64(&w, "files_present", s->files_present);
    jsonw_ku64(&w, "bytes", s->bytes_total);
    jsonw_ku64(&w, "bytes_transferred", s->bytes_moved);
    jsonw_key(&w, "seconds");
    jsonw_raw(&w, str_from(seconds));
    jsonw_ku64(&w, "bytes_per_second", (uint64_t)rate(s->bytes_moved, s->elapsed_ms));
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

int progress_summary(const struct cli *c, const char *done, const char *reference,
                     const struct digest *digest, const struct transfer_state *s, struct err *e)
{
    char total[SIZE_TEXT], moved[SIZE_TEXT], speed[SIZE_TEXT];

    if (cli_has(c, "json"))
        return summary_json(reference, digest, s, e);
    return cli_printf(e,
                      "%s %s\ndigest %s\n%zu files, %s; %s transferred, %zu files were there, "
                      "%lld.%03d s, %s/s\n",
                      done, reference, digest->text, s->files_total,
                      size_text((double)s->bytes_total, total),
                      size_text((double)s->bytes_moved, moved), s->files_present,
                      (long long)(s->elapsed_ms / 1000), (int)(s->elapsed_ms % 1000),
                      size_text(rate(s->bytes_moved, s->elapsed_ms), speed));
}
