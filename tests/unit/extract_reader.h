/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's side of test_extract.c: processes that are asked for files of a layer and do what
 * their mode says, some of it as one would that the layer has taken over. None is confined. */
#ifndef HAVEN_TESTS_EXTRACT_READER_H
#define HAVEN_TESTS_EXTRACT_READER_H

#include "base/clock.h"
#include "parser_looks.h"

/* Each start leaves a byte in a file named by the process that is tested. */
static void starts_path(pid_t tested, char out[64])
{
    (void)snprintf(out, 64, "/tmp/haven-extract-starts-%d", (int)tested);
}

static void note_start(void)
{
    char path[64];
    starts_path(getppid(), path);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd >= 0 && write(fd, "x", 1) == 1)
        (void)close(fd);
}

static void read_exactly(void *p, size_t n)
{
    char *at = p;
    while (n) {
        ssize_t got = read(FD, at, n);
        if (got <= 0)
            _exit(0);
        at += got;
        n -= (size_t)got;
    }
}

static int get_raw(void *self, const struct digest *blob, uint64_t size, uint64_t at, uint64_t n,
                   int (*take)(void *to, const void *p, size_t n, struct err *e), void *to,
                   struct err *e)
{
    static char bytes[LIMIT_PARSER_PIECE];
    const struct parser_wish w = {*blob, size, at, (uint32_t)n};
    uint8_t head[PARSER_FRAME_HEAD];
    struct parser_frame_head h;
    (void)self;
    raw_wish(&w);
    read_exactly(head, sizeof(head));
    if (parser_frame_head_read(head, false, &h, e) < 0 || h.kind != PARSER_BYTES || h.n != n)
        _exit(5);
    read_exactly(bytes, h.n);
    return take(to, bytes, h.n, e);
}

struct told {
    const struct parser_extraction *x;
    uint64_t sent;
    uint64_t slow_from; /* bytes from here on are sent slowly */
    uint64_t die_at;    /* having sent so many it is killed; 0: it is not */
    int spoil;          /* added to each byte */
};

static int send_content(void *self, const void *p, size_t n, struct err *e)
{
    struct told *t = self;
    const char *at = p;
    (void)e;
    while (n) {
        char bytes[1024];
        size_t part = t->sent >= t->slow_from ? 64 : MIN_OF(n, sizeof(bytes));
        part = MIN_OF(part, n);
        if (t->die_at && t->sent >= t->die_at)
            (void)kill(getpid(), SIGKILL);
        for (size_t i = 0; i < part; i++)
            bytes[i] = (char)(at[i] + t->spoil);
        raw_head(PARSER_CONTENT, (uint32_t)part);
        raw(bytes, part);
        if (t->sent >= t->slow_from)
            clock_sleep_us(5000);
        t->sent += part;
        at += part;
        n -= part;
    }
    return 0;
}

static void all_of_it(struct told *t)
{
    const struct model_source source = {.get = get_raw};
    const struct parser_extraction *x = t->x;
    struct err err;
    if (extract_parts(&source, &x->blob, x->size, x->kind, x->parts, x->n, send_content, t, &err) <
        0) {
        raw_head(PARSER_WRONG, (uint32_t)strlen(err.msg));
        raw(err.msg, strlen(err.msg));
        return;
    }
    raw_head(PARSER_DONE, 0);
}

static void content(const char *p, uint64_t n)
{
    do {
        uint32_t part = (uint32_t)MIN_OF(n, (uint64_t)LIMIT_PARSER_PIECE);
        raw_head(PARSER_CONTENT, part);
        raw(p, part);
        n -= part;
    } while (n);
}

/* What a mode does once it was asked. Whoever returns is waited for. */
static void as_told(const char *mode, const struct parser_extraction *x)
{
    const struct parser_wish first = {x->blob, x->size, 0, 1};
    struct parser_wish other = first;
    struct told t = {.x = x, .slow_from = UINT64_MAX};
    const struct parser_found document = {.kind = STR("one")};
    char *bytes = mem_zalloc(MIB);

    other.blob.text[10] = other.blob.text[10] == 'a' ? 'b' : 'a';
    if (strcmp(mode, "honest") == 0) {
        all_of_it(&t);
    } else if (strcmp(mode, "slow") == 0) {
        t.slow_from = 0;
        all_of_it(&t);
    } else if (strcmp(mode, "half") == 0) { /* and then nothing, for a long time */
        content(bytes, x->parts[0].size / 2);
    } else if (strcmp(mode, "spoilt") == 0) {
        t.spoil = 1;
        all_of_it(&t);
    } else if (strcmp(mode, "killed") == 0) {
        (void)kill(getpid(), SIGKILL);
    } else if (strcmp(mode, "killed-late") == 0) {
        t.die_at = x->parts[0].size / 2;
        all_of_it(&t);
    } else if (strcmp(mode, "more") == 0) {
        content(bytes, x->parts[0].size + 1);
    } else if (strcmp(mode, "less") == 0) {
        content(bytes, x->parts[0].size - 1);
        raw_head(PARSER_DONE, 0);
    } else if (strcmp(mode, "empty") == 0) {
        content(bytes, 0);
    } else if (strcmp(mode, "large") == 0) {
        raw_head(PARSER_CONTENT, LIMIT_PARSER_PIECE + 1);
    } else if (strcmp(mode, "document") == 0) {
        raw_document(&document, "x", 1);
    } else if (strcmp(mode, "foreign") == 0) {
        raw_wish(&other);
    } else if (strcmp(mode, "other-size") == 0) {
        other = first;
        other.size++;
        raw_wish(&other);
    } else if (strcmp(mode, "again") == 0) {
        raw_wish(&first);
        raw_wish(&first);
    } else if (strcmp(mode, "ahead") == 0) {
        other = first;
        other.at = 1;
        raw_wish(&other);
    } else if (strcmp(mode, "exit") == 0) {
        _exit(0);
    } else if (strcmp(mode, "crash") == 0) {
        (void)kill(getpid(), SIGSEGV);
    } else if (strcmp(mode, "refuse") == 0) {
        raw_head(PARSER_WRONG, 4);
        raw("odd\n", 4);
    }
}

/* The program as a reader that is asked for files. */
static int extract_reader(const char *mode)
{
    static struct parser_extraction x;
    struct parser_frame_head h;
    uint8_t head[PARSER_FRAME_HEAD];
    char *p;

    note_start();
    raw_head(PARSER_READY, 0);
    read_exactly(head, sizeof(head));
    if (parser_frame_head_read(head, false, &h, NULL) < 0 || h.kind != PARSER_EXTRACT)
        return 6;
    p = mem_alloc(h.n);
    read_exactly(p, h.n);
    if (parser_frame_extract_read(str_of(p, h.n), &x, NULL) < 0)
        return 7;
    as_told(mode, &x);
    for (;;)
        read_exactly(head, 1); /* until the server ends it */
}

/* main of a test that was started as a process: "parse", or "reader" and a mode. */
static int reader_of(int argc, char **argv)
{
    static const char *const real[] = {"well", "dies", "no-seccomp"};
    if (argc == 2 && strcmp(argv[1], "parse") == 0)
        return parser_child_run(FD, index_look);
    if (argc != 3 || strcmp(argv[1], "reader") != 0)
        return 8;
    for (size_t i = 0; i < ARRAY_LEN(real); i++)
        if (strcmp(argv[2], real[i]) == 0)
            return reader_main(argv[2]);
    return extract_reader(argv[2]);
}

#endif
