/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/signals.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define FRAME_EVERY_MS 100
#define PLAIN_EVERY_MS 5000
#define JSON_EVERY_MS  1000
/* A model of more files than this is told of as a whole. */
#define FILES_TOLD 100
/* What waits for the next picture; more is written at once. */
#define LINES_WAITING 65536

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
    progress_name(ret);
    return 0;
}

void progress_name(const struct remote_ref *ref)
{
    if (ref->display[0])
        (void)fprintf(stderr, "haven: %s is named %s in registries\n", ref->display,
                      ref->repo.text);
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

/* For the person who waits: what cannot be written is not missed. */
static void say(struct str text)
{
    if (text.n)
        (void)file_write_all(STDERR_FILENO, text.p, text.n, NULL);
}

/* A line is complete. */
static void line_done(struct progress *p)
{
    mutex_assert_held(&p->lock);
    if (p->mode == PROGRESS_BAR) {
        buf_addz(&p->lines, "\033[K");
    } else if (p->lines.n > LINES_WAITING) {
        buf_addc(&p->lines, '\n');
        say(buf_str(&p->lines));
        buf_reset(&p->lines);
        return;
    }
    buf_addc(&p->lines, '\n');
}

static void look(struct progress *p)
{
    mutex_assert_held(&p->attached);
    if (p->transfer)
        transfer_look(p->transfer, &p->state, p->slots);
}

static void on_attach(void *self, struct transfer *x)
{
    struct progress *p = self;
    MUTEX_SCOPE(&p->attached);
    look(p); /* how far it came, if it ends */
    p->transfer = x;
    if (x) {
        p->rate = (struct rate){.n = 0};
        frame_rate_add(&p->rate, clock_mono_ms(), 0);
    }
}

static void add_seconds(struct json_writer *w, const char *key, int64_t ms)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
    jsonw_key(w, key);
    jsonw_raw(w, str_from(text));
}

static void event_begin(struct buf *out, struct json_writer *w, const char *event,
                        int64_t elapsed_ms)
{
    jsonw_init(w, out);
    jsonw_object(w);
    jsonw_kstrz(w, "event", event);
    add_seconds(w, "elapsed_seconds", elapsed_ms);
}

static void event_end(struct progress *p, struct json_writer *w)
{
    jsonw_object_done(w);
    line_done(p);
}

static void on_begin(void *self, const char *path, uint64_t size, const struct transfer_state *s)
{
    struct progress *p = self;
    struct json_writer w;
    MUTEX_SCOPE(&p->lock);
    if (p->mode != PROGRESS_JSON)
        return;
    event_begin(&p->lines, &w, "begin", s->elapsed_ms);
    jsonw_kstrz(&w, "path", path);
    jsonw_ku64(&w, "size", size);
    event_end(p, &w);
}

static void on_file(void *self, const char *path, uint64_t size, enum transfer_how how,
                    const struct transfer_state *s)
{
    static const char *const words[] = {
        [TRANSFER_MOVED] = "done", [TRANSFER_PRESENT] = "present", [TRANSFER_COPIED] = "copied"};
    static const char *const names[] = {
        [TRANSFER_MOVED] = "moved", [TRANSFER_PRESENT] = "present", [TRANSFER_COPIED] = "copied"};
    struct progress *p = self;
    struct json_writer w;
    char text[FRAME_SIZE_TEXT];

    MUTEX_SCOPE(&p->lock);
    if (p->mode == PROGRESS_JSON) {
        event_begin(&p->lines, &w, "file", s->elapsed_ms);
        jsonw_kstrz(&w, "path", path);
        jsonw_ku64(&w, "size", size);
        jsonw_kstrz(&w, "how", names[how]);
        event_end(p, &w);
    } else if (s->files_total <= FILES_TOLD) {
        buf_addf(&p->lines, "%-7s ", words[how]);
        frame_fit(&p->lines, path, UINT32_MAX, p->utf8, false);
        buf_addf(&p->lines, " (%s)", str_size_text((double)size, text));
        line_done(p);
    }
}

static void on_retry(void *self, const struct transfer_retry *r, const struct transfer_state *s)
{
    struct progress *p = self;
    struct json_writer w;

    MUTEX_SCOPE(&p->lock);
    if (p->mode == PROGRESS_JSON) {
        event_begin(&p->lines, &w, "retry", s->elapsed_ms);
        jsonw_kstrz(&w, "path", r->path);
        jsonw_kstrz(&w, "why", r->why);
        jsonw_ku64(&w, "attempt", r->attempt);
        jsonw_ku64(&w, "attempts", r->attempts);
        add_seconds(&w, "wait_seconds", r->wait_ms);
        event_end(p, &w);
        return;
    }
    buf_addz(&p->lines, "retry   ");
    if (r->path) {
        frame_fit(&p->lines, r->path, UINT32_MAX, p->utf8, false);
        buf_addz(&p->lines, ": ");
    }
    frame_fit(&p->lines, r->why, UINT32_MAX, p->utf8, false);
    buf_addf(&p->lines, "; attempt %u of %u in %.1f s", r->attempt, r->attempts,
             (double)r->wait_ms / 1000);
    line_done(p);
}

static unsigned from_env(const char *name, unsigned deflt)
{
    const char *text = getenv(name);
    uint64_t n;
    return text && str_u64(str_from(text), 1, 10000, &n) ? (unsigned)n : deflt;
}

static void get_size(struct frame *f)
{
    struct winsize size = {0};
    (void)ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    f->width = size.ws_col ? size.ws_col : from_env("COLUMNS", 80);
    f->height = size.ws_row ? size.ws_row : from_env("LINES", 24);
}

/* A job in the background leaves the terminal to the one before it. */
static bool in_background(void)
{
    pid_t front = tcgetpgrp(STDERR_FILENO);
    return front > 0 && front != getpgrp();
}

static struct frame make_frame(struct progress *p)
{
    mutex_assert_held(&p->attached);
    struct frame f = {.utf8 = p->utf8,
                      .color = p->color,
                      .state = p->state,
                      .rate = frame_rate_now(&p->rate),
                      .slots = p->slots};
    if (signals_caught())
        f.note = "interrupted: coming to an end (once more: at once)";
    get_size(&f);
    return f;
}

/* Lines go above the picture, which is drawn over, or with `last` wiped away. */
static void draw(struct progress *p, bool last, struct str lines, struct buf *out)
{
    AUTO(buf) text = {0};
    buf_init(&text, FRAME_TEXT_MAX);
    if (p->shown)
        buf_addc(out, '\r');
    if (p->shown > 1)
        buf_addf(out, "\033[%zuA", p->shown - 1);
    buf_adds(out, lines);
    if (last) {
        if (p->shown)
            buf_addz(out, "\033[J");
        p->shown = 0;
        return;
    }
    struct frame f = make_frame(p);
    p->shown = frame_write(&f, &text);
    for (struct str rest = buf_str(&text); rest.p;) {
        buf_adds(out, str_cut(&rest, '\n'));
        buf_addz(out, rest.p ? "\033[K\n" : "\033[K\033[J");
    }
}

static void add_plain(struct progress *p, struct buf *out)
{
    struct frame f = {.width = 200,
                      .height = 2,
                      .utf8 = p->utf8,
                      .state = p->state,
                      .rate = frame_rate_now(&p->rate)};
    (void)frame_write(&f, out);
    buf_addc(out, '\n');
}

static void add_totals(struct json_writer *w, const struct transfer_state *s)
{
    jsonw_ku64(w, "bytes", s->bytes_total);
    jsonw_ku64(w, "bytes_done", s->bytes_done);
    jsonw_ku64(w, "bytes_transferred", s->bytes_moved);
    jsonw_ku64(w, "files", s->files_total);
    jsonw_ku64(w, "files_done", s->files_done);
    jsonw_ku64(w, "files_present", s->files_present);
    jsonw_ku64(w, "retries", s->retries);
}

static void add_json(struct progress *p, const char *event, bool running, struct buf *out)
{
    struct json_writer w;
    double rate = frame_rate_now(&p->rate);
    int64_t left = frame_left_ms(&p->state, rate);

    event_begin(out, &w, event, p->state.elapsed_ms);
    add_totals(&w, &p->state);
    if (running) {
        jsonw_ku64(&w, "bytes_per_second", rate > 0 ? (uint64_t)rate : 0);
        if (left >= 0)
            add_seconds(&w, "seconds_left", left);
        else
            jsonw_kstrz(&w, "seconds_left", NULL);
        jsonw_key(&w, "running");
        jsonw_list(&w);
        for (size_t i = 0; i < TRANSFER_SLOTS; i++) {
            if (!p->slots[i].id)
                continue;
            jsonw_object(&w);
            jsonw_kstrz(&w, "path", p->slots[i].path);
            jsonw_ku64(&w, "size", p->slots[i].size);
            jsonw_ku64(&w, "bytes_done", p->slots[i].done);
            jsonw_object_done(&w);
        }
        jsonw_list_done(&w);
    }
    jsonw_object_done(&w);
    buf_addc(out, '\n');
}

static void take_lines(struct progress *p, struct buf *out)
{
    MUTEX_SCOPE(&p->lock);
    buf_adds(out, buf_str(&p->lines));
    buf_reset(&p->lines);
}

/* Puts into out what is to be written now. */
static void tick(struct progress *p, bool last, struct buf *out)
{
    AUTO(buf) lines = {0};
    int64_t now = clock_mono_ms();
    int64_t every = p->mode == PROGRESS_JSON ? JSON_EVERY_MS : PLAIN_EVERY_MS;

    if (p->mode == PROGRESS_BAR && !last && in_background())
        return;
    buf_init(&lines, CLI_TEXT_MAX);
    /* Lines first: what is seen afterwards is never older than what they tell. */
    take_lines(p, &lines);
    MUTEX_SCOPE(&p->attached);
    look(p);
    frame_rate_add(&p->rate, now, p->state.bytes_moved);
    if (p->mode == PROGRESS_BAR) {
        draw(p, last, buf_str(&lines), out);
        return;
    }
    buf_adds(out, buf_str(&lines));
    if (last && p->mode == PROGRESS_JSON) {
        add_json(p, "end", false, out);
    } else if (!last && p->state.files_total && now - p->said_ms >= every) {
        p->said_ms = now;
        if (p->mode == PROGRESS_JSON)
            add_json(p, "progress", true, out);
        else
            add_plain(p, out);
    }
}

static void *run(void *arg)
{
    struct progress *p = arg;
    struct pollfd stop = {.fd = p->stop, .events = POLLIN};
    AUTO(buf) out = {0};
    bool last = false;

    buf_init(&out, 2 * CLI_TEXT_MAX);
    while (!last) {
        last = poll(&stop, 1, FRAME_EVERY_MS) > 0;
        buf_reset(&out);
        tick(p, last, &out);
        say(buf_str(&out));
    }
    return NULL;
}

static enum progress_mode choose_mode(const struct cli *c)
{
    const char *asked = cli_value(c, "progress");
    if (cli_has(c, "quiet") || (asked && strcmp(asked, "none") == 0))
        return PROGRESS_NONE;
    if (asked && strcmp(asked, "auto") != 0)
        return *asked == 'b' ? PROGRESS_BAR : *asked == 'j' ? PROGRESS_JSON : PROGRESS_PLAIN;
    const char *term = getenv("TERM");
    bool able = term && *term && strcmp(term, "dumb") != 0;
    return able && isatty(STDERR_FILENO) == 1 ? PROGRESS_BAR : PROGRESS_PLAIN;
}

/* By the first of these variables that says anything (POSIX, XBD 8.2); the locale need not be
 * installed. */
static bool is_utf8_locale(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
    }
    return false;
}

void progress_init(struct progress *p, const struct cli *c)
{
    const char *no_color = getenv("NO_COLOR");
    *p = (struct progress){.mode = choose_mode(c), .utf8 = is_utf8_locale(), .stop = -1};
    p->color = !(no_color && *no_color);
    p->said_ms = clock_mono_ms();
    p->events.cancel = signals_watch();
    mutex_init(&p->attached, "progress-attached");
    mutex_init(&p->lock, "progress");
    buf_init(&p->lines, CLI_TEXT_MAX);
    if (p->mode == PROGRESS_NONE)
        return;
    p->stop = eventfd(0, EFD_CLOEXEC);
    if (p->stop < 0 || thread_start(&p->thread, "progress", run, p, NULL) < 0) {
        p->mode = PROGRESS_NONE; /* the transfer matters more */
        return;
    }
    p->events.begin = on_begin;
    p->events.attach = on_attach;
    p->events.file = on_file;
    p->events.retry = on_retry;
    p->events.self = p;
}

void progress_end(struct progress *p)
{
    if (p->mode != PROGRESS_NONE) {
        BUG_ON(eventfd_write(p->stop, 1) != 0);
        BUG_ON(pthread_join(p->thread, NULL) != 0);
    }
    if (p->stop >= 0)
        (void)close(p->stop);
    buf_done(&p->lines);
    mutex_done(&p->lock);
    mutex_done(&p->attached);
}
