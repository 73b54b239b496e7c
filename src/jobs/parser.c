/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One conversation for an artifact (see parser_frame.h): send LOOK, answer wishes, keep documents,
 * until DONE or WRONG. Whatever else happens ends the process, and how it ended says whose fault it
 * was. Nothing here waits without a deadline but the source.
 */
#include "jobs/parser.h"

#include "base/clock.h"
#include "base/confine.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/parser_frame.h"
#include "oci/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* How often stop is looked at; how long a process that closed its end may take to be gone. */
enum { STOP_EVERY_MS = 100, GONE_MS = 5000, CHILD_FD = 3 };

struct parser {
    char **command; /* NULL: this program */
    pid_t pid;      /* 0: there is no process */
    int fd;         /* our end of its socket, or -1 */
};

/* The reading of one artifact. */
struct reading {
    struct parser *p;
    struct arena *arena;
    const struct oci_manifest *manifest;
    const struct model_source *source;
    int64_t deadline, budget_ms;
    const atomic_bool *stop;
    /* Of the present attempt: */
    bool gone; /* it has closed its end: how it ended says more */
    bool source_failed;
    struct err source_err;
    int64_t source_ms;
    struct parser_document *documents;
    size_t n, cap;
    uint64_t total;
};

/* ---- the process ---- */

struct parser *parser_new(const char *const *command)
{
    struct parser *p = NEW(struct parser);
    size_t n = 0;
    p->fd = -1;
    while (command && command[n])
        n++;
    if (n) {
        p->command = NEW_ARRAY(n + 1, char *);
        for (size_t i = 0; i < n; i++)
            p->command[i] = mem_strdup(command[i]);
    }
    return p;
}

/* Ends it; how it ended. patient: it ends by itself, and how is worth a moment. */
static int end(struct parser *p, bool patient)
{
    int status = 0;
    pid_t done = 0;
    mem_autoclose(&p->fd);
    if (p->pid <= 0)
        return 0;
    for (int64_t until = clock_mono_ms() + GONE_MS; patient && done == 0;) {
        done = waitpid(p->pid, &status, WNOHANG);
        if (done == 0 && clock_mono_ms() >= until)
            break;
        if (done == 0)
            clock_sleep_us(1000);
    }
    if (done == 0) {
        (void)kill(p->pid, SIGKILL);
        while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    p->pid = 0;
    return status;
}

void parser_free(struct parser *p)
{
    if (!p)
        return;
    (void)end(p, false);
    for (size_t i = 0; p->command && p->command[i]; i++)
        mem_free(p->command[i]);
    mem_free(p->command);
    mem_free(p);
}

void parser_autofree(struct parser **p)
{
    parser_free(*p);
}

/* Signals as at the start of a program, in a group of its own: what a terminal sends to all is not
 * meant for it. */
static int spawn(struct parser *p, int fd)
{
    static char lang[] = "LANG=C", name[] = "haven", verb[] = "parse", self[] = "/proc/self/exe";
    /* Faults end it as they do without a sanitizer, and nothing waits at its end. */
    static char asan[] = "ASAN_OPTIONS=detect_leaks=0:handle_segv=0:handle_abort=0:"
                         "abort_on_error=1:symbolize=0";
    static char ubsan[] = "UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:symbolize=0";
    static char tsan[] = "TSAN_OPTIONS=handle_segv=0:handle_abort=0:abort_on_error=1:symbolize=0:"
                         "atexit_sleep_ms=0:report_bugs=0";
    char *own[] = {name, verb, NULL};
    char *environment[] = {lang, CONFINE_SANITIZED ? asan : NULL, ubsan, tsan, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, pipe;

    (void)sigemptyset(&none);
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    BUG_ON(posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attributes) != 0);
    BUG_ON(posix_spawnattr_setsigmask(&attributes, &none) != 0 ||
           posix_spawnattr_setsigdefault(&attributes, &pipe) != 0 ||
           posix_spawnattr_setpgroup(&attributes, 0) != 0 ||
           posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                     POSIX_SPAWN_SETPGROUP) != 0);
    int rc = posix_spawn_file_actions_adddup2(&actions, fd, CHILD_FD);
    if (rc == 0)
        rc = posix_spawn(&p->pid, p->command ? p->command[0] : self, &actions, &attributes,
                         p->command ? p->command : own, environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* ---- bytes, with a deadline ---- */

static int too_long(const struct reading *r, struct err *e)
{
    if (r->source_ms > r->budget_ms / 2)
        return ERR(e, UNAVAILABLE, "its bytes came too slowly: %lld of %lld ms were spent on them",
                   (long long)r->source_ms, (long long)r->budget_ms);
    return ERR(e, MODEL_INVALID, "reading it took longer than %lld ms", (long long)r->budget_ms);
}

/* Something can be done on the socket, if only to find that its other end is closed. */
static int wait_for(const struct reading *r, short events, struct err *e)
{
    for (;;) {
        int64_t left = r->deadline - clock_mono_ms();
        struct pollfd socket = {.fd = r->p->fd, .events = events};
        if (r->stop && atomic_load(r->stop))
            return ERR(e, CANCELLED, "stopped while a model was read");
        if (left <= 0)
            return too_long(r, e);
        int n = poll(&socket, 1, (int)MIN_OF(left, (int64_t)STOP_EVERY_MS));
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return ERR_SYS(e, "waiting for the reader of models");
    }
}

/* n is what recv or send returned: 1 go on, 0 try again, -1. */
static int moved(struct reading *r, ssize_t n, struct err *e)
{
    if (n > 0)
        return 1;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0 && errno != ECONNRESET && errno != EPIPE)
        return ERR_SYS(e, "talking to the reader of models");
    r->gone = true;
    return ERR(e, MODEL_INVALID, "the reader of models is gone");
}

static int receive(struct reading *r, void *p, size_t n, struct err *e)
{
    char *at = p;
    while (n) {
        if (wait_for(r, POLLIN, e) < 0)
            return -1;
        ssize_t got = recv(r->p->fd, at, n, MSG_DONTWAIT);
        int rc = moved(r, got, e);
        if (rc < 0)
            return -1;
        if (rc > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
    return 0;
}

static int transmit(struct reading *r, const void *p, size_t n, struct err *e)
{
    const char *at = p;
    while (n) {
        if (wait_for(r, POLLOUT, e) < 0)
            return -1;
        ssize_t sent = send(r->p->fd, at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        int rc = moved(r, sent, e);
        if (rc < 0)
            return -1;
        if (rc > 0) {
            at += sent;
            n -= (size_t)sent;
        }
    }
    return 0;
}

static int receive_head(struct reading *r, struct parser_frame_head *ret, struct err *e)
{
    uint8_t head[PARSER_FRAME_HEAD];
    if (receive(r, head, sizeof(head), e) < 0)
        return -1;
    return parser_frame_head_read(head, true, ret, e);
}

/* The content of a frame that is no document. */
static int receive_small(struct reading *r, uint32_t n, char out[PARSER_FRAME_SMALL],
                         struct str *ret, struct err *e)
{
    BUG_ON(n > PARSER_FRAME_SMALL);
    if (receive(r, out, n, e) < 0)
        return -1;
    *ret = str_of(out, n);
    return 0;
}

/* ---- starting ---- */

static int say_how(int status, struct err *e)
{
    static const char who[] = "the reader of models";
    int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (sig == SIGSYS)
        return ERR(e, MODEL_INVALID, "%s tried what it may not do (ended by signal %d)", who, sig);
    if (sig == SIGKILL)
        return ERR(e, MODEL_INVALID, "%s was killed, perhaps for want of memory (signal %d)", who,
                   sig);
    if (sig == SIGABRT)
        return ERR(e, MODEL_INVALID,
                   "%s gave up: too much memory, or a fault in it (ended by signal %d)", who, sig);
    if (sig == SIGXCPU)
        return ERR(e, MODEL_INVALID, "%s took too long (ended by signal %d)", who, sig);
    if (sig)
        return ERR(e, MODEL_INVALID, "%s ended by signal %d", who, sig);
    return ERR(e, MODEL_INVALID, "%s ended with status %d", who, WEXITSTATUS(status));
}

/* Told once: every artifact meets the same. */
static void tell_unconfined(const struct err *e)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&told))
        LOG(ERROR, "parser.unconfined", log_err(e));
}

/* It says that it is confined before it is sent anything. */
static int hear_ready(struct parser *p, const atomic_bool *stop, struct err *e)
{
    struct reading r = {.p = p,
                        .deadline = clock_mono_ms() + LIMIT_PARSER_START_MS,
                        .budget_ms = LIMIT_PARSER_START_MS,
                        .stop = stop};
    struct parser_frame_head head;
    char content[PARSER_FRAME_SMALL], text[ERR_MSG_MAX];
    struct str why;

    if (receive_head(&r, &head, e) < 0) {
        if (r.gone)
            (void)say_how(end(p, true), e);
        return -1;
    }
    if (head.kind != PARSER_READY)
        return ERR(e, UNAVAILABLE, "it speaks out of turn");
    if (receive_small(&r, head.n, content, &why, e) < 0)
        return -1;
    if (why.n == 0)
        return 0;
    parser_frame_text(why, text);
    (void)ERR(e, UNAVAILABLE, "%s", text);
    tell_unconfined(e);
    return -1;
}

static int start(struct parser *p, const atomic_bool *stop, struct err *e)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return ERR_SYS(e, "making a socket");
    AUTOFD theirs = ends[1];
    p->fd = ends[0];
    int rc = spawn(p, theirs);
    mem_autoclose(&theirs);
    if (rc != 0) {
        p->pid = 0;
        mem_autoclose(&p->fd);
        errno = rc;
        return err_set(e, ERR_UNAVAILABLE, rc, __FILE__, __LINE__,
                       "the reader of models cannot be started");
    }
    if (hear_ready(p, stop, e) == 0)
        return 0;
    (void)end(p, false);
    if (e && e->code != ERR_CANCELLED)
        e->code = ERR_UNAVAILABLE;
    return err_wrap(e, "the reader of models does not start");
}

/* ---- the conversation ---- */

static bool is_named(const struct oci_descriptor *d, const struct digest *blob)
{
    return d->size >= 0 && digest_eq(&d->digest, blob);
}

/* Does the manifest name the blob (any: with this size)? */
static bool names(const struct oci_manifest *m, const struct digest *blob, bool any, uint64_t size)
{
    if (m->has_config && is_named(&m->config, blob) && (any || (uint64_t)m->config.size == size))
        return true;
    for (size_t i = 0; i < m->n_items; i++)
        if (is_named(&m->items[i], blob) && (any || (uint64_t)m->items[i].size == size))
            return true;
    return false;
}

/* The frame that answers a wish. */
struct piece {
    char *p; /* head and content */
    size_t n, want;
};

static void piece_autodone(struct piece *o)
{
    mem_free(o->p);
}

static int take(void *to, const void *p, size_t n, struct err *e)
{
    struct piece *o = to;
    if (n > o->want - o->n)
        return ERR(e, REMOTE, "more bytes than were asked for");
    memcpy(o->p + PARSER_FRAME_HEAD + o->n, p, n);
    o->n += n;
    return 0;
}

/* The process goes on without the bytes. Where they are not here at all that is a fact about the
 * artifact; else it fails with the source's error. */
static int fetch(struct reading *r, const struct parser_wish *w, struct piece *out)
{
    int64_t began = clock_mono_ms();
    struct err err = {.code = ERR_OK};
    int rc = r->source->get(r->source->self, &w->blob, w->size, w->at, w->n, take, out, &err);
    if (rc == 0 && out->n != out->want)
        rc = ERR(&err, REMOTE, "fewer bytes than were asked for");
    r->source_ms += clock_mono_ms() - began;
    if (rc < 0 && err.code != ERR_MODEL_INVALID && !r->source_failed) {
        r->source_failed = true;
        r->source_err = err;
    }
    return rc;
}

static int answer_wish(struct reading *r, uint32_t n, struct err *e)
{
    char content[PARSER_FRAME_SMALL];
    struct parser_wish w;
    struct str got;

    if (receive_small(r, n, content, &got, e) < 0 || parser_frame_wish_read(got, &w, e) < 0)
        return -1;
    if (!names(r->manifest, &w.blob, false, w.size))
        return ERR(e, MODEL_INVALID, "the reader of models asked for %s, which is none of its own",
                   w.blob.text);
    AUTO(piece) answer = {.want = w.n};
    answer.p = mem_alloc(PARSER_FRAME_HEAD + answer.want);
    bool there = !r->source_failed && fetch(r, &w, &answer) == 0;
    parser_frame_head_write(there ? PARSER_BYTES : PARSER_FAILED, there ? answer.n : 0,
                            (uint8_t *)answer.p);
    return transmit(r, answer.p, PARSER_FRAME_HEAD + (there ? answer.n : 0), e);
}

static int grow(struct reading *r, struct err *e)
{
    size_t cap = r->cap ? 2 * r->cap : 16;
    if (r->n < r->cap)
        return 0;
    struct parser_document *more = arena_try(r->arena, cap * sizeof(*more), e);
    if (!more)
        return -1;
    if (r->n)
        memcpy(more, r->documents, r->n * sizeof(*more));
    r->documents = more;
    r->cap = cap;
    return 0;
}

static int keep_document(struct reading *r, uint32_t n, struct err *e)
{
    struct parser_found d;
    if (r->n >= LIMIT_PARSER_DOCUMENTS || n > LIMIT_PARSER_RESULT - r->total)
        return ERR(e, MODEL_INVALID, "the reader of models found too much in it");
    char *content = arena_try(r->arena, (size_t)n + 1, e);
    if (!content || grow(r, e) < 0)
        return err_wrap(e, "what was found in it");
    if (receive(r, content, n, e) < 0 || parser_frame_document_read(str_of(content, n), &d, e) < 0)
        return -1;
    if (d.has_blob && !names(r->manifest, &d.blob, true, 0))
        return ERR(e, MODEL_INVALID, "the reader of models told of %s, which is none of its own",
                   d.blob.text);
    r->total += n;
    r->documents[r->n++] = (struct parser_document){
        .kind = d.kind, .has_blob = d.has_blob, .blob = d.blob, .at = d.at, .bytes = d.bytes};
    return 0;
}

static int hear_wrong(struct reading *r, uint32_t n, struct err *e)
{
    char content[PARSER_FRAME_SMALL], text[ERR_MSG_MAX];
    struct str why;
    if (receive_small(r, n, content, &why, e) < 0)
        return -1;
    parser_frame_text(why, text);
    return ERR(e, MODEL_INVALID, "%s", why.n ? text : "it cannot be read");
}

static int ask(struct reading *r, struct str manifest, struct str media_type, struct err *e)
{
    uint8_t head[PARSER_FRAME_HEAD], fixed[PARSER_FRAME_SMALL];
    size_t n = parser_frame_look_write(media_type, fixed);
    parser_frame_head_write(PARSER_LOOK, n + manifest.n, head);
    if (transmit(r, head, sizeof(head), e) < 0 || transmit(r, fixed, n, e) < 0)
        return -1;
    return transmit(r, manifest.p, manifest.n, e);
}

static int converse(struct reading *r, struct str manifest, struct str media_type, struct err *e)
{
    if (ask(r, manifest, media_type, e) < 0)
        return -1;
    for (;;) {
        struct parser_frame_head head;
        if (receive_head(r, &head, e) < 0)
            return -1;
        switch (head.kind) {
        case PARSER_WISH:
            if (answer_wish(r, head.n, e) < 0)
                return -1;
            break;
        case PARSER_DOCUMENT:
            if (keep_document(r, head.n, e) < 0)
                return -1;
            break;
        case PARSER_DONE:
            return 0;
        case PARSER_WRONG:
            return hear_wrong(r, head.n, e);
        default:
            return ERR(e, MODEL_INVALID, "the reader of models speaks out of turn");
        }
    }
}

/* ---- one artifact ---- */

static bool killed_from_outside(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* One attempt: 1 it is worth another one, 0, -1. */
static int attempt(struct reading *r, struct str manifest, struct str media_type, struct err *e)
{
    if (start(r->p, r->stop, e) < 0)
        return -1;
    r->deadline = clock_mono_ms() + r->budget_ms;
    int rc = converse(r, manifest, media_type, e);
    int status = end(r->p, r->gone);
    if (rc == 0 || !r->gone)
        return rc;
    (void)say_how(status, e);
    /* By somebody, the kernel for want of memory among them. */
    return killed_from_outside(status) ? 1 : -1;
}

static int invalid(struct err *e)
{
    if (e)
        e->code = ERR_MODEL_INVALID;
    return -1;
}

int parser_look(struct parser *p, struct arena *a, struct str manifest, struct str media_type,
                const struct model_source *source, int64_t budget_ms, const atomic_bool *stop,
                struct parser_result *ret, struct err *e)
{
    struct oci_manifest m;
    struct err err = {.code = ERR_OK};
    int rc = 1;

    if (manifest.n > LIMIT_MANIFEST || media_type.n > LIMIT_MEDIA_TYPE)
        return ERR(e, MODEL_INVALID, "the manifest is too large");
    if (oci_manifest_parse(a, manifest, media_type, &m, e) < 0)
        return invalid(e);
    budget_ms = MIN_OF(budget_ms, (int64_t)LIMIT_PARSER_BUDGET_MS);
    struct reading r = {.p = p};
    for (int tries = 0; rc == 1 && tries < 2; tries++) {
        r = (struct reading){.p = p,
                             .arena = a,
                             .manifest = &m,
                             .source = source,
                             .budget_ms = budget_ms,
                             .stop = stop};
        rc = attempt(&r, manifest, media_type, &err);
        if (rc == 1 && tries == 0)
            LOG(WARN, "parser.again", log_err(&err));
    }
    if (r.source_failed)
        err = r.source_err;
    else if (rc != 0 && err.code == ERR_LIMIT)
        err.code = ERR_MODEL_INVALID;
    if (rc == 0 && !r.source_failed) {
        *ret = (struct parser_result){.documents = r.documents, .n = r.n};
        return 0;
    }
    if (e)
        *e = err;
    return -1;
}
