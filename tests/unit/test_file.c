/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole reads and writes, symbolic links, replacement that is old or new at every failure.
 */
#include "base/file.h"
#include "base/sys.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>

static char root[32];
static int dir = -1;

static int setup(void **state)
{
    (void)state;
    unit_make_dir(root);
    dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)close(dir);
    unit_remove_dir(root);
    return 0;
}

static unsigned entries(void)
{
    unsigned n = 0;
    DIR *d = opendir(root);
    assert_non_null(d);
    for (const struct dirent *f; (f = readdir(d));)
        n += f->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

static void assert_content(const char *path, struct str want)
{
    AUTO(buf) b = {0};
    buf_init(&b, 1u << 22);
    assert_fine(file_read_at(dir, path, 1u << 22, &b, &unit_e));
    assert_true(str_eq(buf_str(&b), want));
}

static void opens(void **state)
{
    (void)state;
    struct err e;
    AUTOFD fd = file_open_at(dir, "f", O_WRONLY | O_CREAT | O_EXCL, 0600, &e);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_err(file_open_at(dir, "absent", O_RDONLY, 0, &unit_e), IO,
               "cannot open absent: No such file");
    assert_err(file_open_at(dir, "f", O_WRONLY | O_CREAT | O_EXCL, 0600, &unit_e), IO,
               "File exists");
}

/* Under a directory descriptor links are refused; what the operator names may be one. */
static void links(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 100);
    assert_fine(file_replace_at(dir, "target", 0600, STR("secret"), &unit_e));
    assert_int_equal(symlinkat("target", dir, "link"), 0);
    assert_int_equal(mkdirat(dir, "real", 0700), 0);
    assert_int_equal(symlinkat("real", dir, "linkdir"), 0);
    assert_err(file_open_at(dir, "link", O_RDONLY, 0, &unit_e), IO, "cannot open link");
    assert_err(file_read_at(dir, "link", 100, &b, &unit_e), IO, "cannot open link");
    assert_err(file_open_dir_at(dir, "linkdir", false, &unit_e), IO, "linkdir");
    AUTO_FREE char *path = mem_printf("%s/link", root);
    assert_fine(file_read_at(AT_FDCWD, path, 100, &b, &unit_e));
    assert_string_equal(b.p, "secret");
    AUTO_FREE char *dirpath = mem_printf("%s/linkdir", root);
    struct err e;
    AUTOFD fd = file_open_dir_at(AT_FDCWD, dirpath, false, &e);
    assert_true(fd >= 0);
    /* Replacing a link replaces the link, not its target. */
    assert_fine(file_replace_at(dir, "link", 0600, STR("own"), &unit_e));
    assert_content("link", STR("own"));
    assert_content("target", STR("secret"));
}

static void directories(void **state)
{
    (void)state;
    struct err e;
    assert_err(file_open_dir_at(dir, "d", false, &unit_e), IO, "cannot open the directory d");
    AUTOFD made = file_open_dir_at(dir, "d", true, &e);
    assert_true(made >= 0);
    AUTOFD again = file_open_dir_at(dir, "d", true, &e);
    assert_true(again >= 0);
    struct stat st;
    assert_int_equal(fstat(made, &st), 0);
    assert_int_equal(st.st_mode & 0027, 0); /* 0750 under any umask */
    AUTO_FREE char *path = mem_printf("%s/byname/", root);
    AUTOFD named = file_open_dir_at(AT_FDCWD, path, true, &e);
    assert_true(named >= 0);
    AUTOFD nested = file_open_dir_at(dir, "d/inner", true, &e);
    assert_true(nested >= 0);
    assert_err(file_open_dir_at(dir, "no/inner", true, &unit_e), IO, "cannot create the directory");
    assert_fine(file_replace_at(dir, "plain", 0600, STR("x"), &unit_e));
    assert_err(file_open_dir_at(dir, "plain", true, &unit_e), IO, "Not a directory");
}

static void positions(void **state)
{
    (void)state;
    struct err e;
    char got[8] = "";
    AUTOFD fd = file_open_at(dir, "p", O_RDWR | O_CREAT, 0600, &e);
    assert_true(fd >= 0);
    assert_fine(file_write_all(fd, "0123456789", 10, &unit_e));
    assert_fine(file_pwrite_all(fd, "ab", 2, 4, &unit_e));
    assert_fine(file_pread_all(fd, got, 4, 3, &unit_e));
    assert_memory_equal(got, "3ab6", 4);
    assert_fine(file_pread_all(fd, got, 0, 100, &unit_e));
    assert_fine(file_write_all(fd, NULL, 0, &unit_e));
    assert_err(file_pread_all(fd, got, 4, 8, &unit_e), CORRUPT, "ends at 10, 2 bytes early");
    assert_err(file_pread_all(fd, got, 1, 10, &unit_e), CORRUPT, "ends at 10");
    assert_err(file_pread_all(fd, got, 1, UINT64_MAX, &unit_e), IO, "too large");
    assert_err(file_pwrite_all(fd, got, 2, INT64_MAX, &unit_e), IO, "too large");
    assert_err(file_write_all(-1, "x", 1, &unit_e), IO, "Bad file descriptor");
    assert_fine(file_sync(fd, &unit_e));
    assert_fine(file_sync_dir(dir, &unit_e));
    assert_err(file_sync(-1, &unit_e), IO, "cannot sync");
    uint64_t space = 0;
    assert_fine(file_space(fd, &space, &unit_e));
    assert_true(space > 0);
    assert_err(file_space(-1, &space, &unit_e), IO, "free space");
}

static void reads(void **state)
{
    (void)state;
    static char big[100000];
    struct err e;
    AUTO(buf) b = {0};
    memset(big, 'x', sizeof(big));
    buf_init(&b, 200000);
    buf_addz(&b, "before");
    assert_int_equal(file_read_at(dir, "absent", 100, &b, &e), 0);
    assert_fine(file_replace_at(dir, "big", 0600, str_of(big, sizeof(big)), &unit_e));
    assert_err(file_read_at(dir, "big", sizeof(big) - 1, &b, &unit_e), LIMIT,
               "larger than 99999 bytes");
    assert_string_equal(b.p, "before");
    assert_int_equal(file_read_at(dir, "big", sizeof(big), &b, &e), 1);
    assert_int_equal(b.n, sizeof(big) + 6);
    AUTO(buf) small = {0};
    buf_init(&small, 50);
    assert_err(file_read_at(dir, "big", 1u << 20, &small, &unit_e), LIMIT, "larger than 50");
    assert_int_equal(small.n, 0);
    assert_fine(file_replace_at(dir, "empty", 0600, STR(""), &unit_e));
    buf_reset(&b);
    assert_int_equal(file_read_at(dir, "empty", 0, &b, &e), 1);
    assert_int_equal(b.n, 0);
    assert_err(file_read_at(AT_FDCWD, root, 100, &b, &unit_e), IO, "cannot read");
}

static void removes(void **state)
{
    (void)state;
    assert_fine(file_replace_at(dir, "gone", 0600, STR("x"), &unit_e));
    assert_fine(file_unlink_at(dir, "gone", &unit_e));
    assert_fine(file_unlink_at(dir, "gone", &unit_e));
    assert_int_equal(mkdirat(dir, "adir", 0700), 0);
    assert_err(file_unlink_at(dir, "adir", &unit_e), IO, "cannot remove adir");
}

static void replaces(void **state)
{
    (void)state;
    struct stat st;
    assert_fine(file_replace_at(dir, "r", 0600, STR("one"), &unit_e));
    assert_content("r", STR("one"));
    assert_int_equal(fstatat(dir, "r", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    unsigned before = entries();
    assert_fine(file_replace_at(dir, "r", 0640, STR("two"), &unit_e));
    assert_content("r", STR("two"));
    assert_int_equal(entries(), before);
    assert_int_equal(mkdirat(dir, "sub", 0700), 0);
    assert_fine(file_replace_at(dir, "sub/r", 0600, STR("deep"), &unit_e));
    assert_content("sub/r", STR("deep"));
    AUTO_FREE char *path = mem_printf("%s/byname.txt", root);
    assert_fine(file_replace_at(AT_FDCWD, path, 0600, STR("named"), &unit_e));
    assert_content("byname.txt", STR("named"));
    assert_err(file_replace_at(dir, "no/r", 0600, STR("x"), &unit_e), IO, "cannot open");
    assert_err(file_replace_at(dir, "sub", 0600, STR("x"), &unit_e), IO, "cannot rename");
}

/* A table of calls whose n-th fails. */
static int calls, fail_at, fail_errno;

static bool fails(void)
{
    if (++calls != fail_at)
        return false;
    errno = fail_errno;
    return true;
}

static int bad_openat(int d, const char *path, int flags, mode_t mode)
{
    return fails() ? -1 : sys_real.openat(d, path, flags, mode);
}

/* Writes at most a few bytes at a time: callers must go on. */
static ssize_t bad_write(int fd, const void *p, size_t n)
{
    return fails() ? -1 : sys_real.write(fd, p, MIN_OF(n, 3));
}

static ssize_t bad_pwrite(int fd, const void *p, size_t n, off_t at)
{
    return fails() ? -1 : sys_real.pwrite(fd, p, MIN_OF(n, 3), at);
}

static ssize_t bad_pread(int fd, void *p, size_t n, off_t at)
{
    return fails() ? -1 : sys_real.pread(fd, p, MIN_OF(n, 3), at);
}

static int bad_fdatasync(int fd)
{
    return fails() ? -1 : sys_real.fdatasync(fd);
}

static int bad_fsync(int fd)
{
    return fails() ? -1 : sys_real.fsync(fd);
}

static int bad_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return fails() ? -1 : sys_real.renameat(from_dir, from, to_dir, to);
}

static int bad_mkdirat(int d, const char *path, mode_t mode)
{
    return fails() ? -1 : sys_real.mkdirat(d, path, mode);
}

static void start_failing(int at, int code)
{
    static struct sys_calls table;
    table = sys_real;
    table.openat = bad_openat;
    table.write = bad_write;
    table.pwrite = bad_pwrite;
    table.pread = bad_pread;
    table.fdatasync = bad_fdatasync;
    table.fsync = bad_fsync;
    table.renameat = bad_renameat;
    table.mkdirat = bad_mkdirat;
    calls = 0;
    fail_at = at;
    fail_errno = code;
    sys_use(&table);
}

static void replace_fails(void **state)
{
    (void)state;
    static const int codes[] = {EIO, ENOSPC, EDQUOT};
    for (size_t c = 0; c < ARRAY_LEN(codes); c++) {
        bool done = false;
        for (int at = 1; !done; at++) {
            assert_true(at < 50);
            assert_fine(file_replace_at(dir, "a", 0600, STR("old content"), &unit_e));
            unsigned before = entries();
            struct err e = {.code = ERR_OK};
            start_failing(at, codes[c]);
            done = file_replace_at(dir, "a", 0600, STR("new"), &e) == 0;
            sys_use(NULL);
            assert_int_equal(entries(), before); /* no temporary file stays */
            AUTO(buf) b = {0};
            buf_init(&b, 100);
            assert_int_equal(file_read_at(dir, "a", 100, &b, &e), 1);
            if (done) {
                assert_true(at > 4);
                assert_string_equal(b.p, "new");
            } else {
                assert_int_equal(e.code, codes[c] == EIO ? ERR_IO : ERR_NO_SPACE);
                assert_true(str_eqz(buf_str(&b), "old content") || str_eqz(buf_str(&b), "new"));
            }
        }
    }
}

/* An interrupted call is tried again; short counts are continued. */
static void interrupted(void **state)
{
    (void)state;
    for (int at = 1; at < 12; at++) {
        start_failing(at, EINTR);
        struct err e;
        char got[11] = "";
        int rc = file_replace_at(dir, "i", 0600, STR("some text"), &e);
        if (rc == 0) {
            AUTOFD fd = file_open_at(dir, "i", O_RDWR, 0, &e);
            assert_true(fd >= 0);
            assert_fine(file_pwrite_all(fd, "0123456789", 10, 0, &unit_e));
            assert_fine(file_pread_all(fd, got, 10, 0, &unit_e));
            assert_string_equal(got, "0123456789");
        } else {
            assert_non_null(strstr(e.msg, "rename")); /* the one call that is never interrupted */
        }
        sys_use(NULL);
    }
}

static void create_fails(void **state)
{
    (void)state;
    bool done = false;
    for (int at = 1; !done; at++) {
        assert_true(at < 20);
        struct err e;
        AUTO_FREE char *path = mem_printf("made%d", at);
        start_failing(at, EIO);
        AUTOFD fd = file_open_dir_at(dir, path, true, &e);
        sys_use(NULL);
        done = fd >= 0;
        if (!done)
            assert_int_equal(e.code, ERR_IO);
    }
}

static _Atomic bool stop;

static void *replace_forever(void *arg)
{
    static char a[50000], b[70000];
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    for (int i = 0; i < 40; i++) {
        struct str s = i % 2 ? str_of(a, sizeof(a)) : str_of(b, sizeof(b));
        if (file_replace_at(dir, "shared", 0600, s, NULL) < 0)
            abort();
    }
    stop = true;
    return arg;
}

/* A reader sees the one or the other, whole. */
static void never_a_mixture(void **state)
{
    (void)state;
    pthread_t t;
    assert_fine(file_replace_at(dir, "shared", 0600, STR("start"), &unit_e));
    assert_int_equal(pthread_create(&t, NULL, replace_forever, NULL), 0);
    while (!stop) {
        AUTO(buf) b = {0};
        struct err e;
        buf_init(&b, 100000);
        assert_int_equal(file_read_at(dir, "shared", 100000, &b, &e), 1);
        if (str_eqz(buf_str(&b), "start"))
            continue;
        assert_int_equal(b.n, b.p[0] == 'a' ? 50000 : 70000);
        assert_int_equal(b.p[0], b.p[b.n - 1]);
    }
    assert_int_equal(pthread_join(t, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens),           cmocka_unit_test(links),
        cmocka_unit_test(directories),     cmocka_unit_test(positions),
        cmocka_unit_test(reads),           cmocka_unit_test(removes),
        cmocka_unit_test(replaces),        cmocka_unit_test(replace_fails),
        cmocka_unit_test(interrupted),     cmocka_unit_test(create_fails),
        cmocka_unit_test(never_a_mixture),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
