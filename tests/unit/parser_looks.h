/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's side of test_parser.c: looks that do what the annotation "do" of the manifest says,
 * some of it as a reader would that a model has taken over. */
#ifndef HAVEN_TESTS_PARSER_LOOKS_H
#define HAVEN_TESTS_PARSER_LOOKS_H

#include "base/limits.h"
#include "base/mem.h"
#include "jobs/index_look.h"
#include "jobs/parser_frame.h"
#include "oci/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* What a look is given, and the blob that is the first layer. */
struct deed {
    struct arena *a;
    const struct model_source *source;
    struct parser_out *out;
    struct digest blob;
    uint64_t size;
};

enum { FD = 3 };

/* Raw frames: lengths and contents that parser_child.c would not send. */
static void raw(const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t done = write(FD, at, n);
        if (done < 0)
            _exit(1);
        at += done;
        n -= (size_t)done;
    }
}

static void raw_head(unsigned kind, uint32_t n)
{
    const uint8_t head[PARSER_FRAME_HEAD] = {
        (uint8_t)kind,     0, 0, 0, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16),
        (uint8_t)(n >> 24)};
    raw(head, sizeof(head));
}

static void raw_wish(const struct parser_wish *w)
{
    uint8_t content[PARSER_FRAME_SMALL];
    size_t n = parser_frame_wish_write(w, content);
    raw_head(PARSER_WISH, (uint32_t)n);
    raw(content, n);
}

static void raw_document(const struct parser_found *d, const void *bytes, size_t n)
{
    uint8_t content[PARSER_FRAME_SMALL];
    size_t fixed = parser_frame_document_write(d, content);
    raw_head(PARSER_DOCUMENT, (uint32_t)(fixed + n));
    raw(content, fixed);
    raw(bytes, n);
}

static int keep(void *to, const void *p, size_t n, struct err *e)
{
    (void)e;
    buf_add(to, p, n);
    return 0;
}

static int do_copy(struct deed *d, struct err *e)
{
    AUTO(buf) bytes = {0};
    buf_init(&bytes, LIMIT_PARSER_DOCUMENT);
    if (d->source->get(d->source->self, &d->blob, d->size, 0, d->size, keep, &bytes, e) < 0)
        return -1;
    return parser_out_add(d->out, "copy", &d->blob, 7, buf_str(&bytes), e);
}

static int do_environment(struct deed *d, struct err *e)
{
    AUTO(buf) text = {0};
    buf_init(&text, MIB);
    for (char **v = environ; *v; v++)
        buf_addf(&text, "%s\n", *v);
    return parser_out_add(d->out, "environment", NULL, 0, buf_str(&text), e);
}

static int do_nothing(struct deed *d, struct err *e)
{
    (void)d;
    (void)e;
    return 0;
}

static int do_refuse(struct deed *d, struct err *e)
{
    (void)d;
    return ERR(e, LIMIT, "it is \x1b[31m odd \xff\nreally");
}

__attribute__((no_sanitize("undefined"))) static int do_crash(struct deed *d, struct err *e)
{
    volatile char *volatile nowhere = NULL;
    (void)d;
    (void)e;
    *nowhere = 1;
    return 0;
}

static int do_abort(struct deed *d, struct err *e)
{
    (void)e;
    BUG_ON(d != NULL);
    return 0;
}

static int do_loop(struct deed *d, struct err *e)
{
    (void)d;
    (void)e;
    for (volatile bool over = false; !over;)
        ;
    return 0;
}

static int do_wish_and_loop(struct deed *d, struct err *e)
{
    AUTO(buf) byte = {0};
    buf_init(&byte, 1);
    (void)d->source->get(d->source->self, &d->blob, d->size, 0, 1, keep, &byte, e);
    return do_loop(d, e);
}

static int do_memory(struct deed *d, struct err *e)
{
    (void)d;
    (void)e;
    for (size_t i = 0; i < 64 * KIB; i++) /* 64 GiB */
        memset(mem_alloc(MIB), 1, MIB);
    return 0;
}

static int do_exit(struct deed *d, struct err *e)
{
    (void)d;
    (void)e;
    _exit(0);
}

/* Calls that must end the process; abort: it lived on. */
static int do_open(struct deed *d, struct err *e)
{
    (void)d;
    (void)e;
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
        _exit(3);
    abort();
}

static int do_socket(struct deed *d, struct err *e)
{
    (void)d;
    (void)e;
    (void)socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    abort();
}

static int do_exec(struct deed *d, struct err *e)
{
    static char name[] = "/bin/true";
    char *argv[] = {name, NULL};
    (void)d;
    (void)e;
    (void)syscall(SYS_execve, name, argv, argv + 1);
    abort();
}

static int do_fork(struct deed *d, struct err *e)
{
    (void)d;
    (void)e;
    (void)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    abort();
}

static int do_kill(struct deed *d, struct err *e)
{
    (void)d;
    (void)e;
    (void)syscall(SYS_kill, getppid(), SIGTERM);
    abort();
}

/* tgkill is there for abort() alone. */
static int do_signal(struct deed *d, struct err *e)
{
    (void)d;
    (void)e;
    (void)syscall(SYS_tgkill, 1, 1, 0);
    abort();
}

static int do_code(struct deed *d, struct err *e)
{
    (void)d;
    (void)e;
    (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    abort();
}

static int do_turn_code(struct deed *d, struct err *e)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)d;
    (void)e;
    if (p != MAP_FAILED)
        (void)mprotect(p, 4096, PROT_READ | PROT_EXEC);
    abort();
}

static int do_read_other(struct deed *d, struct err *e)
{
    char byte;
    (void)d;
    (void)e;
    (void)!read(STDIN_FILENO, &byte, 1);
    abort();
}

/* Against the protocol. */
static int do_unnamed(struct deed *d, struct err *e)
{
    AUTO(buf) bytes = {0};
    struct digest other = d->blob;
    buf_init(&bytes, MIB);
    other.text[10] = other.text[10] == 'a' ? 'b' : 'a';
    return d->source->get(d->source->self, &other, d->size, 0, 1, keep, &bytes, e);
}

static int do_other_size(struct deed *d, struct err *e)
{
    AUTO(buf) bytes = {0};
    buf_init(&bytes, MIB);
    return d->source->get(d->source->self, &d->blob, d->size + 1, d->size, 1, keep, &bytes, e);
}

static int do_beyond(struct deed *d, struct err *e)
{
    AUTO(buf) bytes = {0};
    buf_init(&bytes, MIB);
    return d->source->get(d->source->self, &d->blob, d->size, d->size, 1, keep, &bytes, e);
}

static int do_wrap_around(struct deed *d, struct err *e)
{
    AUTO(buf) bytes = {0};
    buf_init(&bytes, MIB);
    return d->source->get(d->source->self, &d->blob, d->size, UINT64_MAX, 2, keep, &bytes, e);
}

static int do_wish_much(struct deed *d, struct err *e)
{
    const struct parser_wish w = {d->blob, d->size, 0, LIMIT_PARSER_PIECE + 1};
    (void)e;
    raw_wish(&w);
    return do_loop(d, e);
}

static int do_wish_nothing(struct deed *d, struct err *e)
{
    const struct parser_wish w = {d->blob, d->size, 0, 0};
    raw_wish(&w);
    return do_loop(d, e);
}

static int do_many(struct deed *d, struct err *e)
{
    for (size_t i = 0; i <= LIMIT_PARSER_DOCUMENTS; i++)
        if (parser_out_add(d->out, "one", NULL, i, STR("x"), e) < 0)
            return -1;
    return 0;
}

static int do_raw_many(struct deed *d, struct err *e)
{
    const struct parser_found one = {.kind = STR("one")};
    for (size_t i = 0; i <= LIMIT_PARSER_DOCUMENTS; i++)
        raw_document(&one, "x", 1);
    return do_loop(d, e);
}

static int do_large(struct deed *d, struct err *e)
{
    return parser_out_add(d->out, "one", NULL, 0, str_of("", LIMIT_PARSER_DOCUMENT + 1), e);
}

static int do_raw_large(struct deed *d, struct err *e)
{
    raw_head(PARSER_DOCUMENT, LIMIT_PARSER_DOCUMENT + 4096);
    return do_loop(d, e);
}

static int do_raw_huge(struct deed *d, struct err *e)
{
    raw_head(PARSER_WISH, UINT32_MAX);
    return do_loop(d, e);
}

static int do_raw_total(struct deed *d, struct err *e)
{
    const struct parser_found one = {.kind = STR("one")};
    size_t n = LIMIT_PARSER_DOCUMENT - 4096;
    char *bytes = mem_zalloc(n);
    for (size_t i = 0; i <= LIMIT_PARSER_RESULT / LIMIT_PARSER_DOCUMENT; i++)
        raw_document(&one, bytes, n);
    return do_loop(d, e);
}

static int do_foreign(struct deed *d, struct err *e)
{
    struct digest other = d->blob;
    other.text[10] = other.text[10] == 'a' ? 'b' : 'a';
    return parser_out_add(d->out, "one", &other, 0, STR("x"), e);
}

static int do_no_kind(struct deed *d, struct err *e)
{
    static const uint8_t content[] = {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, '.', '/'};
    raw_head(PARSER_DOCUMENT, sizeof(content));
    raw(content, sizeof(content));
    return do_loop(d, e);
}

static int do_short_document(struct deed *d, struct err *e)
{
    static const uint8_t content[] = {9, 200, 0, 0, 0, 0, 0, 0, 0, 0, 'x'};
    raw_head(PARSER_DOCUMENT, sizeof(content));
    raw(content, sizeof(content));
    return do_loop(d, e);
}

static int do_short_wish(struct deed *d, struct err *e)
{
    raw_head(PARSER_WISH, 3);
    raw("abc", 3);
    return do_loop(d, e);
}

static int do_odd_kind(struct deed *d, struct err *e)
{
    raw_head(77, 0);
    return do_loop(d, e);
}

static int do_server_kind(struct deed *d, struct err *e)
{
    raw_head(PARSER_FAILED, 0);
    return do_loop(d, e);
}

static int do_ready(struct deed *d, struct err *e)
{
    raw_head(PARSER_READY, 0);
    return do_loop(d, e);
}

static int do_half(struct deed *d, struct err *e)
{
    raw_head(PARSER_DOCUMENT, 100);
    raw("half", 4);
    return do_loop(d, e);
}

/* Done, and then something more for whoever comes next. */
static int do_more(struct deed *d, struct err *e)
{
    const struct parser_found one = {.kind = STR("forged")};
    raw_head(PARSER_DONE, 0);
    raw_document(&one, "x", 1);
    return do_loop(d, e);
}

static const struct {
    const char *name;
    int (*fn)(struct deed *d, struct err *e);
} deeds[] = {
    {"copy", do_copy},
    {"environment", do_environment},
    {"nothing", do_nothing},
    {"refuse", do_refuse},
    {"crash", do_crash},
    {"abort", do_abort},
    {"loop", do_loop},
    {"wish-and-loop", do_wish_and_loop},
    {"memory", do_memory},
    {"exit", do_exit},
    {"open", do_open},
    {"socket", do_socket},
    {"exec", do_exec},
    {"fork", do_fork},
    {"kill", do_kill},
    {"signal", do_signal},
    {"code", do_code},
    {"turn-code", do_turn_code},
    {"read-other", do_read_other},
    {"unnamed", do_unnamed},
    {"other-size", do_other_size},
    {"beyond", do_beyond},
    {"wrap-around", do_wrap_around},
    {"wish-much", do_wish_much},
    {"wish-nothing", do_wish_nothing},
    {"many", do_many},
    {"raw-many", do_raw_many},
    {"large", do_large},
    {"raw-large", do_raw_large},
    {"raw-huge", do_raw_huge},
    {"raw-total", do_raw_total},
    {"foreign", do_foreign},
    {"no-kind", do_no_kind},
    {"short-document", do_short_document},
    {"short-wish", do_short_wish},
    {"odd-kind", do_odd_kind},
    {"server-kind", do_server_kind},
    {"ready", do_ready},
    {"half", do_half},
    {"more", do_more},
};

/* A parser_look_fn; without the annotation it is the real one. */
static int look_as_told(struct arena *a, struct str manifest, struct str media_type,
                        const struct model_source *source, struct parser_out *out, struct err *e)
{
    struct oci_manifest m;
    if (oci_manifest_parse(a, manifest, media_type, &m, e) < 0)
        return -1;
    if (m.n_annotations == 0)
        return index_look(a, manifest, media_type, source, out, e);
    struct deed d = {a, source, out, m.items[0].digest, (uint64_t)m.items[0].size};
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
        if (str_eqz(m.annotations[0].value, deeds[i].name))
            return deeds[i].fn(&d, e);
    return ERR(e, USAGE, "no such deed");
}

/* A kernel without filters of system calls. */
static void forbid_seccomp(void)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    if (!f || seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) != 0 ||
        seccomp_rule_add(f, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
                         SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP)) != 0 ||
        seccomp_load(f) != 0)
        _exit(4);
    seccomp_release(f);
}

/* The program as a reader: mode is the second word of its command line. */
static int reader_main(const char *mode)
{
    if (strcmp(mode, "no-seccomp") == 0)
        forbid_seccomp();
    if (strcmp(mode, "dies") == 0)
        return 9;
    if (strcmp(mode, "chatty") == 0)
        raw_head(PARSER_DONE, 0);
    if (strcmp(mode, "mute") == 0)
        (void)do_loop(NULL, NULL);
    return parser_child_run(FD, look_as_told);
}

#endif
