/* SPDX-License-Identifier: Apache-2.0 */
/* What the client remembers: found again, not found when anything differs, never in the way. */
#include "client/memo.h"
#include "unit.h"

#include <dirent.h>
#include <time.h>

static char dir[32];

static int setup(void **state)
{
    (void)state;
    unit_make_dir(dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unit_remove_dir(dir);
    return 0;
}

/* A file that was last changed at these seconds. */
static struct stat stat_at(time_t mtime, time_t ctime)
{
    return (struct stat){.st_dev = 1,
                         .st_ino = 2,
                         .st_size = 5 * (off_t)MIB,
                         .st_mtim = {mtime, 123},
                         .st_ctim = {ctime, 456}};
}

static struct memo_id settled(void)
{
    struct stat st = stat_at(1000, 1000);
    struct memo_id id;
    memo_id_make(&st, "/a/model/w", &id);
    assert_true(id.settled);
    return id;
}

static struct digest digest_of(const char *text)
{
    struct digest d;
    hash_bytes(DIGEST_SHA256, text, strlen(text), &d);
    return d;
}

static void digests(void **state)
{
    struct digest want = digest_of("w"), got;
    struct memo_id id = settled(), other;
    (void)state;
    AUTO_MEMO m = memo_open_dir(dir);
    assert_non_null(m);
    assert_false(memo_digest_find(m, &id, &got));
    memo_digest_keep(m, &id, &want);
    assert_true(memo_digest_find(m, &id, &got));
    assert_true(digest_eq(&want, &got));
    /* Another path or inode is another file, and does not disturb this one. */
    struct stat st = stat_at(1000, 1000);
    memo_id_make(&st, "/a/model/v", &other);
    assert_false(memo_digest_find(m, &other, &got));
    st.st_ino = 3;
    memo_id_make(&st, "/a/model/w", &other);
    assert_false(memo_digest_find(m, &other, &got));
    assert_true(memo_digest_find(m, &id, &got));
    memo_digest_forget(m, &id);
    assert_false(memo_digest_find(m, &id, &got));
}

/* Each of size, mtime and ctime counts, nanoseconds included. */
static void changed_files(void **state)
{
    struct digest want = digest_of("w"), got;
    (void)state;
    AUTO_MEMO m = memo_open_dir(dir);
    for (int i = 0; i < 5; i++) {
        struct memo_id id = settled();
        memo_digest_keep(m, &id, &want);
        assert_true(memo_digest_find(m, &id, &got));
        id.size += i == 0;
        id.mtime.tv_nsec += i == 1;
        id.ctime.tv_nsec += i == 2;
        id.mtime.tv_sec -= i == 3;
        id.ctime.tv_sec += i == 4;
        assert_false(memo_digest_find(m, &id, &got));
        /* What speaks of another content is of no use to anybody. */
        id = settled();
        assert_false(memo_digest_find(m, &id, &got));
    }
}

/* A file that was changed just now could change again without a trace. */
static void young_files(void **state)
{
    struct digest want = digest_of("w"), got;
    struct memo_id id;
    struct memo_session s;
    time_t now = time(NULL);
    (void)state;
    AUTO_MEMO m = memo_open_dir(dir);
    const struct {
        time_t mtime, ctime;
        bool settled;
    } rows[] = {{now, 1000, false},
                {1000, now, false},
                {now - 1, now - 1, false},
                {now + 99, 1000, false},
                {now - 4, now - 4, true}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stat st = stat_at(rows[i].mtime, rows[i].ctime);
        memo_id_make(&st, "/w", &id);
        assert_int_equal(id.settled, rows[i].settled);
        memo_digest_keep(m, &id, &want);
        assert_int_equal(memo_digest_find(m, &id, &got), rows[i].settled);
        const struct memo_upload u = {.memo = m, .id = id, .blob_size = id.size};
        bool open = memo_session_open(&u, "https://h", "a/b", &s);
        assert_int_equal(open, rows[i].settled);
        if (open)
            memo_session_autodone(&s);
    }
}

static void sessions(void **state)
{
    struct memo_session s, second;
    struct hash hash, back;
    AUTO(buf) location = {0};
    (void)state;
    AUTO_MEMO m = memo_open_dir(dir);
    buf_init(&location, LIMIT_CLIENT_URL);
    const struct memo_upload u = {
        .memo = m, .id = settled(), .blob_size = 5 * MIB, .form = STR("raw")};
    assert_true(memo_session_open(&u, "https://h", "a/b", &s));
    assert_false(memo_session_find(&s, &back, &location));
    hash_init(&hash, DIGEST_SHA256);
    hash_update(&hash, "hello", 5);
    memo_session_keep(&s, &hash, STR("https://h/upload?a=b"));
    assert_false(memo_session_open(&u, "https://h", "a/b", &second)); /* one at a time */
    memo_session_autodone(&s);

    /* Another registry, repository, or packaging of the file is another upload. */
    static const char *const where[][3] = {
        {"http://h", "a/b", "raw"}, {"https://h", "a/c", "raw"}, {"https://h", "a/b", "tar"}};
    for (size_t i = 0; i < ARRAY_LEN(where); i++) {
        struct memo_upload v = u;
        v.form = str_from(where[i][2]);
        assert_true(memo_session_open(&v, where[i][0], where[i][1], &s));
        assert_false(memo_session_find(&s, &back, &location));
        memo_session_autodone(&s);
    }
    AUTO_MEMO later = memo_open_dir(dir);
    struct memo_upload v = u;
    v.memo = later;
    assert_true(memo_session_open(&v, "https://h", "a/b", &s));
    assert_true(memo_session_find(&s, &back, &location));
    assert_str(buf_str(&location), "https://h/upload?a=b");
    assert_int_equal(back.n, 5);
    struct digest a, b = digest_of("hello!");
    hash_update(&back, "!", 1);
    hash_digest(&back, &a);
    assert_true(digest_eq(&a, &b));
    memo_session_forget(&s);
    assert_false(memo_session_find(&s, &back, &location));
    memo_session_autodone(&s);
}

static void each_file(void (*fn)(const char *path))
{
    char path[512];
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *de; (de = readdir(d));) {
        if (strncmp(de->d_name, "d-", 2) != 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
        fn(path);
    }
    (void)closedir(d);
}

static void check_mode(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void flip(const char *path)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, 50, SEEK_SET), 0);
    assert_int_equal(fputc(0x5a, f), 0x5a);
    (void)fclose(f);
}

static void make_old(const char *path)
{
    time_t then = time(NULL) - (MEMO_DAYS + 1) * 24 * 3600;
    const struct timespec times[2] = {{then, 0}, {then, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void damaged_and_old(void **state)
{
    char lock[64];
    struct digest want = digest_of("w"), got;
    struct memo_id id = settled();
    (void)state;
    (void)snprintf(lock, sizeof(lock), "%s/lock", dir);
    {
        AUTO_MEMO m = memo_open_dir(dir);
        memo_digest_keep(m, &id, &want);
        each_file(check_mode);
        each_file(flip);
        assert_false(memo_digest_find(m, &id, &got));
        memo_digest_keep(m, &id, &want);
        assert_true(memo_digest_find(m, &id, &got));
    }
    each_file(make_old);
    {
        AUTO_MEMO m = memo_open_dir(dir); /* looked through today already */
        assert_true(memo_digest_find(m, &id, &got));
    }
    make_old(lock);
    AUTO_MEMO m = memo_open_dir(dir);
    assert_false(memo_digest_find(m, &id, &got));
}

/* Without a folder, or in one that others can write to, nothing is known and nothing fails. */
static void without(void **state)
{
    struct digest want = digest_of("w"), got;
    struct memo_id id = settled();
    struct memo_session s;
    (void)state;
    assert_null(memo_open_dir("/dev/null/x"));
    memo_digest_keep(NULL, &id, &want);
    assert_false(memo_digest_find(NULL, &id, &got));
    memo_digest_forget(NULL, &id);
    const struct memo_upload u = {.id = id};
    assert_false(memo_session_open(&u, "https://h", "a/b", &s));
    assert_false(memo_session_open(NULL, "https://h", "a/b", &s));
    assert_int_equal(chmod(dir, 0777), 0);
    assert_null(memo_open_dir(dir));
    assert_int_equal(chmod(dir, 0500), 0);
    AUTO_MEMO m = memo_open_dir(dir);
    memo_digest_keep(m, &id, &want);
    if (geteuid() != 0)
        assert_false(memo_digest_find(m, &id, &got));
    assert_int_equal(chmod(dir, 0700), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(digests, setup, teardown),
        cmocka_unit_test_setup_teardown(changed_files, setup, teardown),
        cmocka_unit_test_setup_teardown(young_files, setup, teardown),
        cmocka_unit_test_setup_teardown(sessions, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_and_old, setup, teardown),
        cmocka_unit_test_setup_teardown(without, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
