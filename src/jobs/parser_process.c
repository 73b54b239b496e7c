/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/parser_process.h"

#include "base/clock.h"
#include "base/confine.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* How often stop is looked at; how long a process that closed its end may take to be gone. */
enum { STOP_EVERY_MS = 100, GONE_MS = 5000, CHILD_FD = 3 };

struct parser {
    char **command; /* NULL: this program */
    pid_t pid;      /* 0: there is no process */
    int fd;         /* our end of its socket, or -1 */
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

int parser_end(struct parser *p, bool patient)
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
    (void)parser_end(p, false);
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

static int too_long(const struct parser_talk *t, struct err *e)
{
    if (t->source_ms > t->budget_ms / 2)
        return ERR(e, UNAVAILABLE, "its bytes came too slowly: %lld of %lld ms were spent on them",
                   (long long)t->source_ms, (long long)t->budget_ms);
    return ERR(e, MODEL_INVALID, "reading it took longer than %lld ms", (long long)t->budget_ms);
}

/* Something can be done on the socket, if only to find that its other end is closed. */
static int wait_for(const struct parser_talk *t, short events, struct err *e)
{
    for (;;) {
        int64_t left = t->deadline - clock_mono_ms();
        struct pollfd socket = {.fd = t->p->fd, .events = events};
        if (t->stop && atomic_load(t->stop))
            return ERR(e, CANCELLED, "stopped while a model was read");
        if (left <= 0)
            return too_long(t, e);
        int n = poll(&socket, 1, (int)MIN_OF(left, (int64_t)STOP_EVERY_MS));
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return ERR_SYS(e, "waiting for the reader of models");
    }
}

/* n is what recv or send returned: 1 go on, 0 try again, -1. */
static int moved(struct parser_talk *t, ssize_t n, struct err *e)
{
    if (n > 0)
        return 1;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0 && errno != ECONNRESET && errno != EPIPE)
        return ERR_SYS(e, "talking to the reader of models");
    t->gone = true;
    return ERR(e, MODEL_INVALID, "the reader of models is gone");
}

int parser_receive(struct parser_talk *t, void *p, size_t n, struct err *e)
{
    char *at = p;
    while (n) {
        if (wait_for(t, POLLIN, e) < 0)
            return -1;
        ssize_t got = recv(t->p->fd, at, n, MSG_DONTWAIT);
        int rc = moved(t, got, e);
        if (rc < 0)
            return -1;
        if (rc > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
    return 0;
}

int parser_transmit(struct parser_talk *t, const void *p, size_t n, struct err *e)
{
    const char *at = p;
    while (n) {
        if (wait_for(t, POLLOUT, e) < 0)
            return -1;
        ssize_t sent = send(t->p->fd, at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        int rc = moved(t, sent, e);
        if (rc < 0)
            return -1;
        if (rc > 0) {
            at += sent;
            n -= (size_t)sent;
        }
    }
    return 0;
}

int parser_receive_head(struct parser_talk *t, struct parser_frame_head *ret, struct err *e)
{
    uint8_t head[PARSER_FRAME_HEAD];
    if (parser_receive(t, head, sizeof(head), e) < 0)
        return -1;
    return parser_frame_head_read(head, true, ret, e);
}

int parser_receive_small(struct parser_talk *t, uint32_t n, char out[PARSER_FRAME_SMALL],
                         struct str *ret, struct err *e)
{
    BUG_ON(n > PARSER_FRAME_SMALL);
    if (parser_receive(t, out, n, e) < 0)
        return -1;
    *ret = str_of(out, n);
    return 0;
}

/* ---- starting ---- */

int parser_say_how(int status, struct err *e)
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
static int hear_ready(struct parser *p, const atomic_bool *stop, int *ret_status, struct err *e)
{
    struct parser_talk t = {.p = p,
                            .deadline = clock_mono_ms() + LIMIT_PARSER_START_MS,
                            .budget_ms = LIMIT_PARSER_START_MS,
                            .stop = stop};
    struct parser_frame_head head;
    char content[PARSER_FRAME_SMALL], text[ERR_MSG_MAX];
    struct str why;

    if (parser_receive_head(&t, &head, e) < 0) {
        if (t.gone) {
            *ret_status = parser_end(p, true);
            (void)parser_say_how(*ret_status, e);
        }
        return -1;
    }
    if (head.kind != PARSER_READY)
        return ERR(e, UNAVAILABLE, "it speaks out of turn");
    if (parser_receive_small(&t, head.n, content, &why, e) < 0)
        return -1;
    if (why.n == 0)
        return 0;
    parser_frame_text(why, text);
    (void)ERR(e, UNAVAILABLE, "%s", text);
    tell_unconfined(e);
    return -1;
}

int parser_start(struct parser *p, int nice, const atomic_bool *stop, int *ret_status,
                 struct err *e)
{
    int ends[2];
    *ret_status = 0;
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
    (void)setpriority(PRIO_PROCESS, (id_t)p->pid, nice); /* else it is one among others */
    if (hear_ready(p, stop, ret_status, e) == 0)
        return 0;
    (void)parser_end(p, false);
    if (e && e->code != ERR_CANCELLED)
        e->code = ERR_UNAVAILABLE;
    return err_wrap(e, "the reader of models does not start");
}

bool parser_was_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* ---- what both conversations have ---- */

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

static int fetch(struct parser_talk *t, const struct parser_wish *w, struct piece *out)
{
    int64_t began = clock_mono_ms();
    struct err err = {.code = ERR_OK};
    int rc = t->source->get(t->source->self, &w->blob, w->size, w->at, w->n, take, out, &err);
    if (rc == 0 && out->n != out->want)
        rc = ERR(&err, REMOTE, "fewer bytes than were asked for");
    t->source_ms += clock_mono_ms() - began;
    if (rc < 0 && err.code != ERR_MODEL_INVALID && !t->source_failed) {
        t->source_failed = true;
        t->source_err = err;
    }
    return rc;
}

int parser_answer(struct parser_talk *t, const struct parser_wish *w, struct err *e)
{
    AUTO(piece) answer = {.want = w->n};
    answer.p = mem_alloc(PARSER_FRAME_HEAD + answer.want);
    bool there = !t->source_failed && fetch(t, w, &answer) == 0;
    parser_frame_head_write(there ? PARSER_BYTES : PARSER_FAILED, there ? answer.n : 0,
                            (uint8_t *)answer.p);
    return parser_transmit(t, answer.p, PARSER_FRAME_HEAD + (there ? answer.n : 0), e);
}

int parser_hear_wrong(struct parser_talk *t, uint32_t n, struct err *e)
{
    char content[PARSER_FRAME_SMALL], text[ERR_MSG_MAX];
    struct str why;
    if (parser_receive_small(t, n, content, &why, e) < 0)
        return -1;
    parser_frame_text(why, text);
    return ERR(e, MODEL_INVALID, "%s", why.n ? text : "it cannot be read");
}
