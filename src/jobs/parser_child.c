/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/parser_child.h"

#include "base/clock.h"
#include "base/confine.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "jobs/parser_frame.h"

#include <errno.h>
#include <signal.h>

struct parser_out {
    int fd;
    size_t n;       /* documents of this artifact */
    uint64_t total; /* their bytes */
    char *piece;    /* LIMIT_PARSER_PIECE bytes: what a wish brings */
};

/* ---- the socket ---- */

/* There is nobody to tell: the server is gone, or does not speak as agreed. Handlers of exit() may
 * want more than a confined process has. */
static _Noreturn void leave(int status)
{
    _exit(status); /* style: the process is nothing but this */
}

static void write_all(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t done = write(fd, at, n);
        if (done < 0 && errno != EINTR)
            leave(1);
        if (done > 0) {
            at += done;
            n -= (size_t)done;
        }
    }
}

static void read_all(int fd, void *p, size_t n)
{
    char *at = p;
    while (n) {
        ssize_t got = read(fd, at, n);
        if (got == 0)
            leave(0); /* the server closed its end */
        if (got < 0 && errno != EINTR)
            leave(1);
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

static void send_frame(int fd, enum parser_frame_kind kind, struct str content)
{
    uint8_t head[PARSER_FRAME_HEAD];
    parser_frame_head_write(kind, content.n, head);
    write_all(fd, head, sizeof(head));
    write_all(fd, content.p, content.n);
}

static struct parser_frame_head read_head(int fd)
{
    uint8_t head[PARSER_FRAME_HEAD];
    struct parser_frame_head ret;
    read_all(fd, head, sizeof(head));
    if (parser_frame_head_read(head, false, &ret, NULL) < 0)
        leave(1);
    return ret;
}

/* ---- what a look is given ---- */

static int get_piece(struct parser_out *out, const struct parser_wish *w, struct err *e)
{
    uint8_t content[PARSER_FRAME_SMALL];
    size_t n = parser_frame_wish_write(w, content);
    send_frame(out->fd, PARSER_WISH, str_of((const char *)content, n));
    struct parser_frame_head head = read_head(out->fd);
    if (head.kind == PARSER_FAILED)
        return ERR(e, MODEL_INVALID, "the bytes cannot be had"); /* the server knows why */
    if (head.kind != PARSER_BYTES || head.n != w->n)
        leave(1);
    read_all(out->fd, out->piece, head.n);
    return 0;
}

static int get(void *self, const struct digest *digest, uint64_t size, uint64_t at, uint64_t n,
               int (*take)(void *to, const void *p, size_t n, struct err *e), void *to,
               struct err *e)
{
    struct parser_out *out = self;
    while (n) {
        struct parser_wish w = {.blob = *digest,
                                .size = size,
                                .at = at,
                                .n = (uint32_t)MIN_OF(n, (uint64_t)LIMIT_PARSER_PIECE)};
        if (get_piece(out, &w, e) < 0 || take(to, out->piece, w.n, e) < 0)
            return -1;
        at += w.n;
        n -= w.n;
    }
    return 0;
}

int parser_out_add(struct parser_out *out, const char *kind, const struct digest *blob, uint64_t at,
                   struct str bytes, struct err *e)
{
    struct parser_found d = {.kind = str_from(kind), .has_blob = blob != NULL, .at = at};
    uint8_t head[PARSER_FRAME_HEAD], fixed[PARSER_FRAME_SMALL];

    if (bytes.n > LIMIT_PARSER_DOCUMENT)
        return ERR(e, LIMIT, "what was found takes more than %llu bytes", LIMIT_PARSER_DOCUMENT);
    if (out->n >= LIMIT_PARSER_DOCUMENTS || bytes.n > LIMIT_PARSER_RESULT - out->total)
        return ERR(e, LIMIT, "too much was found in one artifact");
    out->n++;
    out->total += bytes.n;
    if (blob)
        d.blob = *blob;
    size_t n = parser_frame_document_write(&d, fixed);
    parser_frame_head_write(PARSER_DOCUMENT, n + bytes.n, head);
    write_all(out->fd, head, sizeof(head));
    write_all(out->fd, fixed, n);
    write_all(out->fd, bytes.p, bytes.n);
    return 0;
}

/* ---- the life of the process ---- */

/* What libraries take from files, at their first use or never. */
static void read_once(void)
{
    int64_t ignored;
    json_object_seed(0);                                              /* /dev/urandom */
    (void)clock_parse_rfc3339(STR("2026-01-01T00:00:00Z"), &ignored); /* /etc/localtime */
}

/* The server ends this process when it likes to; what is meant for the server and reaches all of
 * its processes must not look as if a model had done it. */
static void ignore_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        (void)sigaction(signals[i], &ignore, NULL);
}

static int look_once(struct parser_out *out, parser_look_fn *look, struct str content,
                     struct err *e)
{
    struct model_source source = {.get = get, .self = out};
    struct str media_type, manifest;
    AUTO(arena) a = {0};

    arena_init(&a, LIMIT_WEIGHT_ARENA);
    if (parser_frame_look_read(content, &media_type, &manifest, NULL) < 0)
        leave(1);
    return look(&a, manifest, media_type, &source, out, e);
}

static int give(void *self, const void *p, size_t n, struct err *e)
{
    const struct parser_out *out = self;
    const char *at = p;
    (void)e;
    while (n) {
        size_t part = MIN_OF(n, (size_t)LIMIT_PARSER_PIECE);
        send_frame(out->fd, PARSER_CONTENT, str_of(at, part));
        at += part;
        n -= part;
    }
    return 0;
}

static int extract_once(struct parser_out *out, struct str content, struct err *e)
{
    struct model_source source = {.get = get, .self = out};
    struct parser_extraction x;

    if (parser_frame_extract_read(content, &x, NULL) < 0)
        leave(1);
    return extract_parts(&source, &x.blob, x.size, x.kind, x.parts, x.n, give, out, e);
}

static void serve_once(struct parser_out *out, parser_look_fn *look)
{
    struct parser_frame_head head = read_head(out->fd);
    struct err err = {.code = ERR_OK};
    int rc = -1;

    AUTO_FREE char *content = mem_alloc(head.n);
    read_all(out->fd, content, head.n);
    if (head.kind == PARSER_LOOK)
        rc = look_once(out, look, str_of(content, head.n), &err);
    else if (head.kind == PARSER_EXTRACT)
        rc = extract_once(out, str_of(content, head.n), &err);
    else
        leave(1);
    if (rc < 0)
        send_frame(out->fd, PARSER_WRONG, str_from(err.msg));
    else
        send_frame(out->fd, PARSER_DONE, STR_NULL);
}

int parser_child_run(int fd, parser_look_fn *look)
{
    const struct confine c = {.fd = fd, .memory = LIMIT_PARSER_MEMORY, .cpu_s = LIMIT_PARSER_CPU_S};
    struct err err;

    ignore_signals();
    read_once();
    if (confine_self(&c, &err) < 0) {
        send_frame(fd, PARSER_READY, str_from(err.msg));
        return 1;
    }
    struct parser_out out = {.fd = fd, .piece = mem_alloc(LIMIT_PARSER_PIECE)};
    send_frame(fd, PARSER_READY, STR_NULL);
    serve_once(&out, look);
    leave(0);
}
