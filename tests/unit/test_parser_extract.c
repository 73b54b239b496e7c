/* SPDX-License-Identifier: Apache-2.0 */
/* parser_extract: files out of a compressed layer by a process of which nothing is believed. The
 * program starts itself as the process (extract_reader.h). */
#include "base/log.h"
#include "extract_layers.h"
#include "extract_reader.h"
#include "jobs/parser.h"

#include <poll.h>

enum { PLENTY = 60000, SHORT = 400 };

static struct {
    const struct layer *layer;
    bool fails;
    int sleep_ms;
    unsigned asked;
} from;

static int get(void *self, const struct digest *digest, uint64_t size, uint64_t at, uint64_t n,
               int (*take)(void *to, const void *p, size_t n, struct err *e), void *to,
               struct err *e)
{
    (void)self;
    assert_true(digest_eq(digest, &from.layer->digest) && size == from.layer->packed.n);
    from.asked++;
    clock_sleep_us(1000 * (int64_t)from.sleep_ms);
    return from.fails ? ERR(e, NO_SPACE, "the disk is odd")
                      : take(to, from.layer->packed.p + at, (size_t)n, e);
}

static struct buf got[FILES];
static bool refuses;

static int take(void *self, size_t part, const void *p, size_t n, struct err *e)
{
    (void)self;
    if (refuses)
        return ERR(e, IO, "the taker is odd");
    assert_true(n > 0);
    buf_add(&got[part], p, n);
    return 0;
}

static struct parser_extraction ask(const struct layer *l, const size_t *which, size_t n)
{
    struct parser_extraction x = {.blob = l->digest, .size = l->packed.n, .kind = l->kind, .n = n};
    for (size_t i = 0; i < n; i++)
        x.parts[i] = (struct extract_part){l->files[which[i]].at, l->files[which[i]].size};
    return x;
}

static int run(const char *mode, const struct parser_extraction *x, int64_t budget_ms,
               const atomic_bool *stop)
{
    const char *const command[] = {"/proc/self/exe", "reader", mode, NULL};
    const struct model_source source = {.get = get};
    __attribute__((cleanup(parser_autofree))) struct parser *p = parser_new(mode ? command : NULL);
    for (size_t i = 0; i < FILES; i++)
        buf_reset(&got[i]);
    unit_e = (struct err){.code = ERR_OK};
    return parser_extract(p, x, &source, budget_ms, stop, take, NULL, &unit_e);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 512 * MIB);
    memset(&from, 0, sizeof(from));
    refuses = false;
    for (size_t i = 0; i < FILES; i++)
        buf_init(&got[i], 16 * MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++)
        buf_done(&got[i]);
    arena_done(&arena);
    /* Whatever happened, nobody is left behind. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

static void assert_got(size_t i, struct str content)
{
    assert_int_equal(got[i].n, content.n);
    assert_memory_equal(got[i].p, content.p, content.n);
}

/* The real reader, confined: any files in order, and no more of the layer than they need. */
static void test_parts(void **state)
{
    static const struct {
        size_t n, which[FILES];
    } wants[] = {{1, {0}}, {1, {1}}, {1, {4}}, {2, {0, 2}}, {3, {1, 2, 3}}, {5, {0, 1, 2, 3, 4}}};
    (void)state;
    for (int kind = INFLATE_GZIP; kind <= INFLATE_ZSTD; kind++) {
        struct layer l;
        make_layer(&l, 7, (enum inflate_kind)kind);
        from.layer = &l;
        for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
            struct parser_extraction x = ask(&l, wants[i].which, wants[i].n);
            from.asked = 0;
            assert_fine(run(i % 2 ? "well" : NULL, &x, PLENTY, NULL));
            for (size_t k = 0; k < wants[i].n; k++)
                assert_got(k, l.contents[wants[i].which[k]]);
            if (wants[i].which[wants[i].n - 1] == 0)
                assert_int_equal(from.asked, 1);
        }
        /* Also a part of a file, and what is between files: it knows nothing of archives. */
        struct parser_extraction x = ask(&l, wants[0].which, 1);
        x.parts[0] = (struct extract_part){l.files[0].at + 699, 2};
        assert_fine(run(NULL, &x, PLENTY, NULL));
        assert_int_equal(got[0].n, 2);
        assert_int_equal(got[0].p[0], l.contents[0].p[699]);
        assert_int_equal(got[0].p[1], 0);
    }
}

/* Layers that are not what they were. */
static void test_bad_layers(void **state)
{
    static const size_t both[] = {1, 4};
    struct layer l;
    (void)state;
    for (int kind = INFLATE_GZIP; kind <= INFLATE_ZSTD; kind++) {
        make_layer(&l, 1, (enum inflate_kind)kind);
        from.layer = &l;
        struct parser_extraction x = ask(&l, both, 2);
        struct str whole = l.packed;
        /* Cut off. */
        l.packed = str_head(whole, whole.n / 2);
        x.size = l.packed.n;
        assert_err(run(NULL, &x, PLENTY, NULL), MODEL_INVALID, "ends before the file does");
        /* Spoilt. */
        char *p = arena_alloc(&arena, whole.n);
        memcpy(p, whole.p, whole.n);
        memset(p + whole.n / 3, 0x55, 5000);
        l.packed = str_of(p, whole.n);
        x.size = whole.n;
        /* What is not seen here, a digest will tell. */
        if (run(NULL, &x, PLENTY, NULL) == 0)
            assert_memory_not_equal(got[0].p, l.contents[1].p, l.contents[1].n);
        else
            assert_non_null(strstr(unit_e.msg, "is not good"));
        /* Of the other kind. */
        l.packed = whole;
        x.kind = kind == INFLATE_GZIP ? INFLATE_ZSTD : INFLATE_GZIP;
        assert_err(run(NULL, &x, PLENTY, NULL), MODEL_INVALID, "is not good");
        /* Empty. */
        l.packed = str_head(whole, 0);
        x.size = 0;
        x.kind = l.kind;
        assert_err(run(NULL, &x, PLENTY, NULL), MODEL_INVALID, "ends before");
    }
}

static void test_bomb(void **state)
{
    struct layer l = {.kind = INFLATE_GZIP};
    size_t n = 400 * MIB;
    char *zeros = mem_zalloc(n);
    (void)state;
    l.packed = gzip(str_of(zeros, n), 9);
    mem_free(zeros);
    from.layer = &l;
    hash_bytes(DIGEST_SHA256, l.packed.p, l.packed.n, &l.digest);
    struct parser_extraction x = {.blob = l.digest, .size = l.packed.n, .n = 1};
    x.parts[0] = (struct extract_part){.at = n - 10, .size = 10};
    assert_err(run(NULL, &x, PLENTY, NULL), MODEL_INVALID, "more than 100 times its size");
    x.parts[0].at = 0;
    assert_fine(run(NULL, &x, PLENTY, NULL)); /* that far it is none yet */
}

static const struct {
    const char *mode, *says;
} bad[] = {
    {"more", "sends more than there is"},
    {"less", "sends less than there is"},
    {"empty", "sends nothing"},
    {"large", "a frame of 1048577 bytes"},
    {"document", "out of turn"},
    {"foreign", "which is none of its own"},
    {"other-size", "which is none of its own"},
    {"again", "from front to back"},
    {"ahead", "from front to back"},
    {"exit", "ended with status 0"},
    {"crash", "ended by signal 11"},
    {"refuse", "odd?"},
};

static void test_bad_readers(void **state)
{
    static const size_t second[] = {1};
    struct layer l;
    (void)state;
    make_layer(&l, 2, INFLATE_ZSTD);
    from.layer = &l;
    struct parser_extraction x = ask(&l, second, 1);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (run(bad[i].mode, &x, PLENTY, NULL) != -1 || unit_e.code != ERR_MODEL_INVALID ||
            !strstr(unit_e.msg, bad[i].says))
            fail_msg("%s: %s", bad[i].mode, unit_e.msg);
        assert_true(got[0].n <= x.parts[0].size);
    }
    assert_int_equal(run("killed", &x, PLENTY, NULL), 1);
    assert_non_null(strstr(unit_e.msg, "was killed"));
    assert_err(run("half", &x, SHORT, NULL), MODEL_INVALID, "took longer than 400 ms");
    const atomic_bool stop = true;
    assert_err(run("half", &x, PLENTY, &stop), CANCELLED, "stopped");
    assert_err(run("dies", &x, PLENTY, NULL), UNAVAILABLE, "does not start");
    assert_err(run("no-seccomp", &x, PLENTY, NULL), UNAVAILABLE, "cannot confine a process");
}

/* What is not the fault of the process. */
static void test_source_and_taker(void **state)
{
    static const size_t second[] = {1};
    struct layer l;
    (void)state;
    make_layer(&l, 2, INFLATE_GZIP);
    from.layer = &l;
    struct parser_extraction x = ask(&l, second, 1);
    from.fails = true;
    assert_err(run(NULL, &x, PLENTY, NULL), NO_SPACE, "the disk is odd");
    from.fails = false;
    from.sleep_ms = SHORT;
    assert_err(run(NULL, &x, SHORT, NULL), UNAVAILABLE, "came too slowly");
    from.sleep_ms = 0;
    refuses = true;
    assert_err(run(NULL, &x, PLENTY, NULL), IO, "the taker is odd");
}

static void get_exactly(int fd, void *p, size_t n)
{
    assert_int_equal(recv(fd, p, n, MSG_WAITALL), n);
}

/* It serves once, whoever asks, and ends by itself. */
static void test_ends(void **state)
{
    static const size_t first[] = {0};
    static uint8_t request[PARSER_FRAME_EXTRACT_MAX];
    uint8_t head[PARSER_FRAME_HEAD];
    struct parser_frame_head h = {.kind = PARSER_READY};
    struct layer l;
    int sockets[2], status;
    (void)state;

    make_layer(&l, 4, INFLATE_GZIP);
    struct parser_extraction x = ask(&l, first, 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(sockets[1], FD);
        (void)execl("/proc/self/exe", "haven", "parse", (char *)NULL);
        _exit(9);
    }
    (void)close(sockets[1]);
    size_t n = parser_frame_extract_write(&x, request);
    parser_frame_head_write(PARSER_EXTRACT, n, head);
    assert_int_equal(write(sockets[0], head, sizeof(head)), sizeof(head));
    assert_int_equal(write(sockets[0], request, n), n);
    while (h.kind != PARSER_DONE) {
        struct parser_wish wish;
        get_exactly(sockets[0], head, sizeof(head));
        assert_fine(parser_frame_head_read(head, true, &h, &unit_e));
        char *content = arena_alloc(&arena, h.n + 1);
        get_exactly(sockets[0], content, h.n);
        if (h.kind == PARSER_CONTENT)
            buf_add(&got[0], content, h.n);
        if (h.kind != PARSER_WISH)
            continue;
        assert_fine(parser_frame_wish_read(str_of(content, h.n), &wish, &unit_e));
        parser_frame_head_write(PARSER_BYTES, wish.n, head);
        assert_int_equal(write(sockets[0], head, sizeof(head)), sizeof(head));
        assert_int_equal(write(sockets[0], l.packed.p + wish.at, wish.n), wish.n);
    }
    assert_got(0, l.contents[0]);
    struct pollfd end = {.fd = sockets[0], .events = POLLIN};
    assert_int_equal(poll(&end, 1, PLENTY), 1);
    assert_int_equal(recv(sockets[0], head, 1, 0), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    (void)close(sockets[0]);
}

static void test_frames(void **state)
{
    static uint8_t bytes[PARSER_FRAME_EXTRACT_MAX];
    static struct parser_extraction x, y;
    struct layer l;
    (void)state;
    make_layer(&l, 3, INFLATE_ZSTD);
    static const size_t two[] = {0, 3};
    x = ask(&l, two, 2);
    size_t n = parser_frame_extract_write(&x, bytes);
    struct str frame = str_of((char *)bytes, n);
    assert_fine(parser_frame_extract_read(frame, &y, &unit_e));
    assert_true(digest_eq(&x.blob, &y.blob) && x.size == y.size && x.kind == y.kind && y.n == 2);
    assert_memory_equal(x.parts, y.parts, 2 * sizeof(x.parts[0]));
    for (size_t i = 0; i < n; i++)
        assert_err(parser_frame_extract_read(str_head(frame, i), &y, &unit_e), MODEL_INVALID,
                   "does not speak as agreed");
    bytes[0] = 2;
    assert_err(parser_frame_extract_read(frame, &y, &unit_e), MODEL_INVALID, "unknown encoding");
    /* One part that begins inside of the one before, is empty, or ends nowhere. */
    const struct extract_part odd[] = {{x.parts[0].at + x.parts[0].size - 1, 5},
                                       {x.parts[1].at, 0},
                                       {LIMIT_LOOK_UNPACKED, 1},
                                       {UINT64_MAX, 2},
                                       {x.parts[1].at, UINT64_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        x.parts[1] = odd[i];
        n = parser_frame_extract_write(&x, bytes);
        assert_err(parser_frame_extract_read(str_of((char *)bytes, n), &y, &unit_e), MODEL_INVALID,
                   "files that cannot be");
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_parts),       TEST(test_bad_layers),       TEST(test_bomb),
        TEST(test_bad_readers), TEST(test_source_and_taker), TEST(test_frames),
        TEST(test_ends),
    };
    if (argc > 1)
        return reader_of(argc, argv);
    log_setup(STDERR_FILENO, LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
