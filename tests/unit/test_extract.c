/* SPDX-License-Identifier: Apache-2.0 */
/* extract: files out of compressed layers for people who come, wait, leave and come again, by
 * processes that do anything (extract_reader.h). */
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/sys.h"
#include "base/thread.h"
#include "extract_layers.h"
#include "extract_reader.h"
#include "registry_fixture.h"

#include <dirent.h>

enum { PLENTY = 60000 };

#define LAYERS 3

struct world {
    struct fixture *f;
    struct layer layers[LAYERS];
    struct extract_pool *x;
    struct extract_options options;
    char starts[64];
    pthread_mutex_t lock;
    pthread_cond_t woken;
};
static struct world w;

static const char *const *command_of(const char *mode)
{
    static const char *command[] = {"/proc/self/exe", "reader", NULL, NULL};
    command[2] = mode;
    return command;
}

static int setup(void **state)
{
    void *fixture = NULL;
    (void)state;
    arena_init(&arena, 512 * MIB);
    assert_int_equal(fixture_setup(&fixture), 0);
    memset(&w, 0, sizeof(w));
    w.f = fixture;
    w.options = (struct extract_options){.processes = 2, .space = 64 * MIB};
    assert_int_equal(pthread_mutex_init(&w.lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&w.woken, NULL), 0);
    struct fixture *f = w.f;
    for (unsigned i = 0; i < LAYERS; i++) {
        struct digest object;
        make_layer(&w.layers[i], 10 + i, i == 1 ? INFLATE_ZSTD : INFLATE_GZIP);
        EXPECT(store_put(f->r.store, w.layers[i].packed, &object, &f->e), 0);
        EXPECT(blob_record(&f->r, repo("library/a"), &object, &object, w.layers[i].packed.n, &f->e),
               0);
    }
    starts_path(getpid(), w.starts);
    int fd = open(w.starts, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    return 0;
}

static int teardown(void **state)
{
    void *fixture = w.f;
    extract_pool_free(w.x);
    w.x = NULL;
    assert_int_equal(metrics_cells.extract_processes, 0);
    assert_int_equal(metrics_cells.extract_bytes, 0);
    (void)unlink(w.starts);
    (void)pthread_cond_destroy(&w.woken);
    (void)pthread_mutex_destroy(&w.lock);
    assert_int_equal(fixture_teardown(&fixture), 0);
    arena_done(&arena);
    (void)state;
    /* Whatever happened, nobody is left behind. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

/* mode NULL: the real one. */
static void begin_with(const char *mode)
{
    extract_pool_free(w.x);
    w.x = NULL;
    w.options.command = mode ? command_of(mode) : NULL;
    assert_fine(extract_pool_new(&w.f->r, w.f->fd, &w.options, &w.x, &unit_e));
}

/* How many processes were started. */
static size_t starts(void)
{
    struct stat st;
    assert_int_equal(stat(w.starts, &st), 0);
    return (size_t)st.st_size;
}

/* Files that lie there. */
static size_t files_left(void)
{
    size_t n = 0;
    int fd = openat(w.f->fd, EXTRACT_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fdopendir(fd);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        n += entry->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

#define UNTIL(cond)                                                                                \
    for (int64_t until_ = clock_mono_ms() + PLENTY; !(cond); clock_sleep_us(2000))                 \
    assert_true(clock_mono_ms() < until_)

struct reader {
    struct waiter waiter;
    bool woken;
    atomic_bool gone;
};

static void wake(struct waiter *waiter)
{
    struct reader *r = CONTAINER_OF(waiter, struct reader, waiter);
    (void)pthread_mutex_lock(&w.lock);
    r->woken = true;
    (void)pthread_cond_broadcast(&w.woken);
    (void)pthread_mutex_unlock(&w.lock);
}

static bool left(const struct waiter *waiter)
{
    const struct reader *r = (const void *)((const char *)waiter - offsetof(struct reader, waiter));
    return atomic_load(&r->gone);
}

/* Waits until the byte can be read, or never will be. */
static int wait_byte(struct extract *f, uint64_t pos, struct reader *r, struct err *e)
{
    uint64_t have = 0;
    r->waiter = (struct waiter){.wake = wake, .left = left};
    r->woken = false;
    int rc = extract_wait(f, pos, &r->waiter, &have, e);
    if (rc)
        return rc;
    (void)pthread_mutex_lock(&w.lock);
    while (!r->woken)
        (void)pthread_cond_wait(&w.woken, &w.lock);
    (void)pthread_mutex_unlock(&w.lock);
    rc = extract_wait(f, pos, NULL, &have, e);
    BUG_ON(rc > 0 && have <= pos);
    return rc;
}

static int begin(size_t layer, size_t file, uint64_t who, struct extract **ret)
{
    unit_e = (struct err){.code = ERR_OK};
    return extract_begin(w.x, &w.layers[layer].files[file], NULL, 0, who, ret, &unit_e);
}

/* All of a file, in two steps. Any thread. */
static int read_file(size_t layer, size_t file, uint64_t who, struct err *e)
{
    struct str content = w.layers[layer].contents[file];
    struct reader r = {.woken = false};
    struct extract *f;
    char *p = mem_alloc(content.n);
    int fd = -1, rc = extract_begin(w.x, &w.layers[layer].files[file], NULL, 0, who, &f, e);
    if (rc == 0) {
        rc = wait_byte(f, 0, &r, e);
        rc = rc > 0 ? extract_open(f, &fd, e) : -1;
        if (rc == 0)
            rc = wait_byte(f, content.n - 1, &r, e) > 0 ? 0 : -1;
        if (rc == 0) {
            rc = file_pread_all(fd, p, content.n, 0, e);
            BUG_ON(rc < 0 || memcmp(p, content.p, content.n) != 0);
        }
        extract_end(f, false);
    }
    if (fd >= 0)
        (void)close(fd);
    mem_free(p);
    return rc;
}

static void test_kept(void **state)
{
    (void)state;
    begin_with(NULL);
    for (size_t i = 0; i < LAYERS; i++)
        for (size_t k = 0; k < FILES; k++)
            assert_fine(read_file(i, k, 1, &unit_e));
    assert_int_equal(files_left(), LAYERS * FILES);
    extract_pool_free(w.x);
    w.x = NULL;
    assert_int_equal(files_left(), 0);
    int fd = openat(w.f->fd, EXTRACT_FOLDER "/99", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0); /* as another server leaves it that is killed */
    (void)close(fd);
    begin_with("honest");
    assert_int_equal(files_left(), 0);
    assert_fine(read_file(0, 1, 1, &unit_e));
    assert_fine(read_file(0, 1, 1, &unit_e));
    assert_int_equal(starts(), 1);
    /* A file of the same place that is told to be another is another. */
    struct extract_want other = w.layers[0].files[1];
    struct reader r = {.woken = false};
    struct extract *f;
    other.has_digest = false;
    assert_fine(extract_begin(w.x, &other, NULL, 0, 1, &f, &unit_e));
    assert_int_equal(wait_byte(f, 0, &r, &unit_e), 1);
    assert_int_equal(starts(), 2);
    extract_end(f, false);
}

static void test_removed_by_hand(void **state)
{
    struct extract *f;
    struct reader r = {.woken = false};
    int fd;
    (void)state;
    begin_with("honest");
    assert_fine(read_file(0, 0, 1, &unit_e));
    assert_int_equal(files_left(), 1);
    assert_int_equal(unlinkat(openat(w.f->fd, EXTRACT_FOLDER, O_PATH | O_CLOEXEC), "0", 0), 0);
    assert_int_equal(begin(0, 0, 1, &f), 0);
    assert_int_equal(wait_byte(f, 0, &r, &unit_e), 1);
    assert_err(extract_open(f, &fd, &unit_e), IO, "No such file");
    extract_end(f, false);
    assert_fine(read_file(0, 0, 1, &unit_e));
    assert_int_equal(starts(), 2);
}

static void test_neighbours(void **state)
{
    struct layer *l = &w.layers[0];
    struct extract_want near[4] = {l->files[0], l->files[2], l->files[4], w.layers[1].files[2]};
    struct reader r = {.woken = false};
    struct extract *f;
    (void)state;
    begin_with("honest");
    assert_fine(extract_begin(w.x, &l->files[1], near, 4, 1, &f, &unit_e));
    assert_int_equal(wait_byte(f, l->files[1].size - 1, &r, &unit_e), 1);
    extract_end(f, false);
    for (size_t i = 0; i < FILES; i++)
        if (i != 3)
            assert_fine(read_file(0, i, 1, &unit_e));
    assert_int_equal(starts(), 1);
    assert_int_equal(files_left(), 4); /* not that of another layer */
    /* One that is not what it was said to be costs nobody else anything. */
    near[0] = l->files[2];
    near[0].digest = l->files[0].digest;
    assert_fine(extract_begin(w.x, &l->files[3], near, 1, 1, &f, &unit_e));
    assert_int_equal(wait_byte(f, l->files[3].size - 1, &r, &unit_e), 1);
    extract_end(f, false);
    UNTIL(metrics_cells.extract_processes == 0);
    assert_int_equal(files_left(), 5);
}

/* What waits for the same layer is taken out together. */
static void test_together(void **state)
{
    struct extract *slow, *f[FILES];
    struct reader r = {.woken = false};
    (void)state;
    w.options.processes = 1;
    begin_with("slow");
    assert_int_equal(begin(0, 4, 1, &slow), 0);
    UNTIL(starts() == 1);
    for (size_t i = 0; i < FILES; i += 2)
        assert_int_equal(begin(1, i, 1, &f[i]), 0);
    assert_int_equal(wait_byte(slow, 8999, &r, &unit_e), 1);
    extract_end(slow, false);
    for (size_t i = 0; i < FILES; i += 2) {
        assert_int_equal(wait_byte(f[i], w.layers[1].files[i].size - 1, &r, &unit_e), 1);
        extract_end(f[i], false);
    }
    assert_int_equal(starts(), 2);
}

static void test_grows(void **state)
{
    struct extract *f;
    struct reader r = {.woken = false};
    uint64_t have = 0;
    int fd;
    (void)state;
    begin_with("slow");
    assert_int_equal(begin(0, 1, 1, &f), 0);
    assert_int_equal(wait_byte(f, 100, &r, &unit_e), 1);
    assert_int_equal(extract_wait(f, 0, NULL, &have, &unit_e), 1);
    assert_true(have > 100 && have < MIB);
    char p[100];
    assert_fine(extract_open(f, &fd, &unit_e));
    assert_fine(file_pread_all(fd, p, sizeof(p), 0, &unit_e));
    assert_memory_equal(p, w.layers[0].contents[1].p, sizeof(p));
    (void)close(fd);
    /* Who comes later reads the same one. */
    struct extract *same;
    assert_int_equal(begin(0, 1, 2, &same), 0);
    assert_ptr_equal(same, f);
    extract_end(same, true);
    assert_int_equal(wait_byte(f, have + 1, &r, &unit_e), 1);
    assert_int_equal(starts(), 1);
    extract_end(f, true);
}

/* Nobody is left who wants it: the process ends at once, and the file goes. */
static void test_leaving(void **state)
{
    struct extract *f, *other;
    struct reader r = {.woken = false};
    (void)state;
    w.options.processes = 1;
    w.options.idle_ms = 10 * PLENTY; /* of those who were content */
    begin_with("half");
    assert_int_equal(begin(0, 1, 1, &f), 0);
    assert_int_equal(begin(1, 1, 1, &other), 0); /* waits */
    UNTIL(starts() == 1);
    atomic_store(&r.gone, true);
    assert_int_equal(wait_byte(f, w.layers[0].files[1].size - 1, &r, &unit_e), 0);
    assert_int_equal(metrics_cells.extract_processes, 1);
    extract_end(f, true);
    UNTIL(starts() == 2) /* the next one's turn */
    ;
    extract_end(other, true);
    UNTIL(metrics_cells.extract_processes == 0);
    assert_int_equal(files_left(), 0);
    assert_int_equal(metrics_cells.extract_bytes, 0);
    /* One that has not begun costs nothing. */
    assert_int_equal(begin(0, 1, 1, &f), 0);
    assert_int_equal(begin(1, 1, 1, &other), 0);
    extract_end(other, true);
    UNTIL(starts() == 3);
    extract_end(f, true);
    UNTIL(metrics_cells.extract_processes == 0);
    assert_int_equal(starts(), 3);
}

/* Who reads a range and is content may come back for the next: it goes on for a while. */
static void test_idle(void **state)
{
    struct extract *f, *other;
    struct reader r = {.woken = false};
    (void)state;
    w.options.processes = 1;
    w.options.idle_ms = 1000;
    begin_with("half");
    assert_int_equal(begin(0, 1, 1, &f), 0);
    assert_int_equal(wait_byte(f, 10, &r, &unit_e), 1);
    int64_t began = clock_mono_ms();
    extract_end(f, false);
    assert_int_equal(begin(0, 1, 1, &f), 0);
    assert_int_equal(starts(), 1);
    extract_end(f, false);
    UNTIL(metrics_cells.extract_processes == 0);
    assert_in_range(clock_mono_ms() - began, 900, 30000);
    /* As long as there is a process for everybody. */
    w.options.idle_ms = PLENTY;
    w.options.processes = 2;
    begin_with("half");
    size_t before = starts();
    assert_int_equal(begin(0, 1, 1, &f), 0);
    assert_int_equal(wait_byte(f, 10, &r, &unit_e), 1);
    extract_end(f, false);
    assert_int_equal(begin(1, 1, 1, &other), 0);
    assert_int_equal(wait_byte(other, 10, &r, &unit_e), 1);
    assert_int_equal(begin(0, 1, 1, &f), 0);
    assert_int_equal(starts(), before + 2);
    extract_end(f, true);
    extract_end(other, true);
    w.options.processes = 1;
    begin_with("half");
    assert_int_equal(begin(0, 1, 1, &f), 0);
    assert_int_equal(wait_byte(f, 10, &r, &unit_e), 1);
    extract_end(f, false);
    began = clock_mono_ms();
    before = starts();
    assert_int_equal(begin(1, 1, 1, &other), 0);
    UNTIL(starts() == before + 1);
    assert_in_range(clock_mono_ms() - began, 0, PLENTY / 2);
    extract_end(other, true);
}

static void test_limits(void **state)
{
    struct extract *f[LIMIT_EXTRACT_WAITING + 2], *one;
    struct reader r = {.woken = false};
    struct extract_want want = w.layers[0].files[0];
    (void)state;
    w.options.processes = 1;
    w.options.wait_ms = 500;
    begin_with("half");
    /* One runs; each of those that wait is in the way of all others. */
    size_t n = 0;
    want.size = 2000;
    for (; n < LIMIT_EXTRACT_PER_ADDRESS; n++) {
        want.at = 4000 + n;
        assert_fine(extract_begin(w.x, &want, NULL, 0, 7, &f[n], &unit_e));
    }
    want.at = 4000 + n;
    assert_err(extract_begin(w.x, &want, NULL, 0, 7, &one, &unit_e), TOO_MANY_REQUESTS,
               "16 files are being taken out");
    UNTIL(starts() == 1);
    for (; n <= LIMIT_EXTRACT_WAITING; n++) {
        want.at = 4000 + n;
        assert_fine(extract_begin(w.x, &want, NULL, 0, 100 + n, &f[n], &unit_e));
    }
    want.at = 4000 + n;
    assert_err(extract_begin(w.x, &want, NULL, 0, 99, &one, &unit_e), UNAVAILABLE,
               "64 files wait to be taken out");
    /* What is there, or on its way, is always given. */
    want.at = 4000;
    assert_fine(extract_begin(w.x, &want, NULL, 0, 7, &one, &unit_e));
    assert_ptr_equal(one, f[0]);
    extract_end(one, false);
    assert_int_equal(wait_byte(f[n - 1], 0, &r, &unit_e), -1);
    assert_int_equal(unit_e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(unit_e.msg, "no process was free"));
    while (n-- > 0)
        extract_end(f[n], true);
}

static void test_space(void **state)
{
    uint64_t size = w.layers[0].files[1].size;
    struct extract *held, *f;
    struct reader r = {.woken = false};
    (void)state;
    w.options.space = 2 * size + 100;
    begin_with("honest");
    /* The longest unused goes. */
    assert_fine(read_file(0, 1, 1, &unit_e));
    assert_fine(read_file(1, 1, 1, &unit_e));
    assert_fine(read_file(0, 1, 1, &unit_e));
    assert_int_equal(starts(), 2);
    assert_fine(read_file(2, 1, 1, &unit_e));
    assert_int_equal(files_left(), 2);
    assert_fine(read_file(0, 1, 1, &unit_e));
    assert_int_equal(starts(), 3);
    assert_fine(read_file(1, 1, 1, &unit_e));
    assert_int_equal(starts(), 4);
    /* But none that somebody reads. */
    assert_int_equal(begin(0, 1, 1, &held), 0);
    assert_int_equal(wait_byte(held, size - 1, &r, &unit_e), 1);
    assert_int_equal(begin(1, 1, 1, &f), 0);
    struct extract *none;
    assert_err(extract_begin(w.x, &w.layers[2].files[1], NULL, 0, 1, &none, &unit_e), UNAVAILABLE,
               "(extract.space); ask again later");
    assert_fine(read_file(2, 2, 1, &unit_e)); /* it fits */
    extract_end(held, false);
    extract_end(f, false);
    assert_fine(read_file(2, 1, 1, &unit_e));
    assert_true((uint64_t)metrics_cells.extract_bytes <= w.options.space);
    /* Nothing so large ever. */
    w.options.space = size - 1;
    begin_with("honest");
    assert_err(extract_begin(w.x, &w.layers[0].files[1], NULL, 0, 1, &none, &unit_e), UNPROCESSABLE,
               "3145745 bytes, more than are taken out");
    struct extract_want want = w.layers[0].files[0];
    want.at = LIMIT_LOOK_UNPACKED;
    assert_err(extract_begin(w.x, &want, NULL, 0, 1, &none, &unit_e), UNPROCESSABLE, "700 bytes");
    w.options.space = 0;
    begin_with("honest");
    assert_err(extract_begin(w.x, &w.layers[0].files[0], NULL, 0, 1, &none, &unit_e), UNPROCESSABLE,
               "takes no files out of compressed layers");
}

static void test_unused(void **state)
{
    (void)state;
    w.options.kept_ms = 200;
    begin_with("honest");
    assert_fine(read_file(0, 1, 1, &unit_e));
    assert_int_equal(files_left(), 1);
    UNTIL(files_left() == 0);
    assert_int_equal(metrics_cells.extract_bytes, 0);
}

/* What a process sends is held against what is known. */
static void test_lies(void **state)
{
    struct extract *f;
    struct reader r = {.woken = false};
    (void)state;
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, false);
    begin_with("spoilt");
    assert_int_equal(begin(0, 1, 1, &f), 0);
    assert_int_equal(wait_byte(f, 0, &r, &unit_e), 1);
    assert_int_equal(wait_byte(f, w.layers[0].files[1].size - 1, &r, &unit_e), -1);
    assert_int_equal(unit_e.code, ERR_CORRUPT);
    assert_non_null(strstr(unit_e.msg, "when it was read"));
    extract_end(f, false);
    UNTIL(metrics_cells.extract_processes == 0);
    assert_int_equal(files_left(), 0);
    static const struct {
        const char *mode;
        enum err_code code;
    } modes[] = {{"less", ERR_CORRUPT},           {"more", ERR_CORRUPT},
                 {"crash", ERR_CORRUPT},          {"refuse", ERR_CORRUPT},
                 {"killed", ERR_UNAVAILABLE},     {"dies", ERR_UNAVAILABLE},
                 {"killed-late", ERR_UNAVAILABLE}};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        begin_with(modes[i].mode);
        size_t before = starts();
        struct err err = {.code = ERR_OK};
        if (read_file(0, 1, 1, &err) == 0 || err.code != modes[i].code)
            fail_msg("%s: %s", modes[i].mode, err.msg);
        UNTIL(metrics_cells.extract_processes == 0);
        assert_int_equal(files_left(), 0);
        /* Nobody has seen a byte: it is tried again, once. */
        if (strcmp(modes[i].mode, "dies") != 0)
            assert_int_equal(starts() - before, strcmp(modes[i].mode, "killed") == 0 ? 2 : 1);
    }
    log_setup(STDERR_FILENO, LOG_ERROR, false);
}

/* The layer is gone. */
static void test_no_layer(void **state)
{
    struct extract_want want = w.layers[0].files[0];
    struct reader r = {.woken = false};
    struct extract *f;
    (void)state;
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, false);
    hash_bytes(DIGEST_SHA256, "x", 1, &want.layer);
    begin_with(NULL);
    assert_fine(extract_begin(w.x, &want, NULL, 0, 1, &f, &unit_e));
    assert_int_equal(wait_byte(f, 0, &r, &unit_e), -1);
    assert_int_equal(unit_e.code, ERR_CORRUPT);
    extract_end(f, false);
    log_setup(STDERR_FILENO, LOG_ERROR, false);
}

static ssize_t full_pwrite(int fd, const void *p, size_t n, off_t at)
{
    (void)fd, (void)p, (void)n, (void)at;
    errno = ENOSPC;
    return -1;
}

static int little_space(int fd, struct statvfs *ret)
{
    int rc = sys_real.fstatvfs(fd, ret);
    ret->f_bavail = ret->f_frsize ? MIB / ret->f_frsize : 0;
    return rc;
}

static void test_full_disk(void **state)
{
    struct sys_calls calls = sys_real;
    struct extract *f;
    (void)state;
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, false);
    calls.pwrite = full_pwrite;
    sys_use(&calls);
    begin_with("honest");
    struct err err = {.code = ERR_OK};
    assert_int_equal(read_file(0, 1, 1, &err), -1);
    assert_int_equal(err.code, ERR_NO_SPACE);
    extract_pool_free(w.x);
    w.x = NULL;
    sys_use(NULL);
    assert_int_equal(files_left(), 0);
    /* Before it begins; what is kept goes first. */
    calls = sys_real;
    calls.fstatvfs = little_space;
    begin_with("honest");
    assert_fine(read_file(0, 0, 1, &unit_e));
    assert_int_equal(files_left(), 1);
    sys_use(&calls);
    assert_err(extract_begin(w.x, &w.layers[0].files[1], NULL, 0, 1, &f, &unit_e), NO_SPACE,
               "bytes are to be taken out of a layer, and");
    assert_int_equal(files_left(), 0);
    assert_fine(read_file(0, 0, 1, &unit_e));
    extract_pool_free(w.x);
    w.x = NULL;
    sys_use(NULL);
    log_setup(STDERR_FILENO, LOG_ERROR, false);
}

/* It is freed in the middle of everything but the hands of those who hold files. */
static void test_stop(void **state)
{
    struct extract *f;
    (void)state;
    w.options.processes = 1;
    w.options.idle_ms = PLENTY;
    begin_with("slow");
    assert_int_equal(begin(0, 1, 1, &f), 0);
    UNTIL(starts() == 1);
    extract_end(f, false);
    int64_t began = clock_mono_ms();
    extract_pool_free(w.x);
    w.x = NULL;
    assert_in_range(clock_mono_ms() - began, 0, PLENTY / 2);
    assert_int_equal(files_left(), 0);
}

/* ---- all at once ---- */

enum { THREADS = 8, ROUNDS = 40 };

static void *crowd(void *arg)
{
    uintptr_t me = (uintptr_t)arg;
    uint32_t x = (uint32_t)me * 2654435761u + 1;
    for (int i = 0; i < ROUNDS; i++) {
        struct extract *f;
        struct err err = {.code = ERR_OK};
        struct reader r = {.woken = false};
        x = x * 1664525 + 1013904223;
        size_t layer = (x >> 8) % LAYERS, file = (x >> 12) % FILES, how = (x >> 16) % 4;
        if (how == 0) {
            if (read_file(layer, file, me, &err) < 0 && err.code != ERR_UNAVAILABLE)
                abort();
            continue;
        }
        if (extract_begin(w.x, &w.layers[layer].files[file], w.layers[layer].files, FILES, me, &f,
                          &err) < 0)
            continue;
        atomic_store(&r.gone, how == 1);
        (void)wait_byte(f, how == 2 ? 0 : w.layers[layer].files[file].size - 1, &r, &err);
        extract_end(f, how != 2);
    }
    return NULL;
}

static void test_crowd(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    w.options = (struct extract_options){
        .processes = 3, .space = 12 * MIB, .idle_ms = 5, .kept_ms = 50, .wait_ms = PLENTY};
    begin_with("honest");
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd, (void *)(i + 1)), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    UNTIL(metrics_cells.extract_processes == 0);
    for (size_t i = 0; i < FILES; i++)
        assert_fine(read_file(1, i, 1, &unit_e));
    /* Whatever was stopped just before its end: none is left on the disk. */
    UNTIL(metrics_cells.extract_processes == 0 && metrics_cells.extract_bytes == 0);
    UNTIL(files_left() == 0);
}

#define ONE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ONE(test_kept),       ONE(test_removed_by_hand),
        ONE(test_neighbours), ONE(test_together),
        ONE(test_grows),      ONE(test_leaving),
        ONE(test_idle),       ONE(test_limits),
        ONE(test_space),      ONE(test_unused),
        ONE(test_lies),       ONE(test_no_layer),
        ONE(test_full_disk),  ONE(test_stop),
        ONE(test_crowd),
    };
    if (argc > 1)
        return reader_of(argc, argv);
    log_setup(STDERR_FILENO, LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
