/* SPDX-License-Identifier: Apache-2.0 */
/* Upload sessions after a kill of the process, a loss of power, and damage to their files. */
#include "store_fixture.h"

/* ---- crashes and damage ---- */

/* Writes from the content's start in a child that is killed when it has passed `kill_at` bytes. */
static void write_and_die(const uint8_t *p, size_t kill_at, size_t piece, const char *id)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *s;
        struct store_upload *u;
        if (store_open(root_fd, &s, NULL) < 0 ||
            store_upload_open(s, str_from(id), SCOPE, &u, NULL) != 1)
            _exit(3);
        size_t at = (size_t)store_upload_info(u)->offset;
        while (at < kill_at) {
            size_t n = MIN_OF(piece, kill_at - at);
            if (store_upload_write(u, p + at, n, NULL) < 0)
                _exit(4);
            at += n;
        }
        (void)raise(SIGKILL);
        _exit(5);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_kill(void **state)
{
    (void)state;
    const size_t n = 90 * MI;
    AUTO_FREE uint8_t *p = noise(n, 5);
    char id[STORE_UPLOAD_ID + 1];
    struct store_upload *u = begin(false);
    keep_id(u, id);
    store_upload_close(u);
    static const size_t kills[] = {3 * MI, 12 * MI, 13 * MI, 70 * MI, 89 * MI};
    for (size_t i = 0; i < ARRAY_LEN(kills); i++) {
        write_and_die(p, kills[i], 100001, id);
        restart();
        u = reopen(id);
        uint64_t at = store_upload_info(u)->offset;
        assert_true(at <= kills[i] && kills[i] - at <= 9 * MI); /* at most one step is lost */
        store_upload_close(u);
    }
    u = reopen(id);
    uint64_t at = store_upload_info(u)->offset;
    OK(store_upload_write(u, p + at, n - at, &err));
    commit(u, p, n);
}

/* A session with one durable slot (64 MiB) and a later note (n bytes). */
static void half_done(const uint8_t *p, size_t n, char id[STORE_UPLOAD_ID + 1])
{
    struct store_upload *u = begin(false);
    keep_id(u, id);
    for (size_t at = 0; at < n; at += MI)
        OK(store_upload_write(u, p + at, MIN_OF(n - at, (size_t)MI), &err));
    store_upload_close(u);
}

static struct state read_slot(const char *id, unsigned slot)
{
    uint8_t bytes[STATE_SLOT_SIZE];
    struct state st;
    char path[200];
    (void)snprintf(path, sizeof(path), "uploads/%s/state", id);
    AUTOFD fd = file_open_at(root_fd, path, O_RDONLY, 0, &err);
    OK(file_pread_all(fd, bytes, sizeof(bytes), STATE_SLOT_AT(slot), &err));
    OK(state_decode(bytes, &st, &err));
    return st;
}

static void write_slot(const char *id, unsigned slot, const struct state *st)
{
    uint8_t bytes[STATE_SLOT_SIZE];
    state_encode(st, bytes);
    damage(id, "state", (off_t)STATE_SLOT_AT(slot), bytes, sizeof(bytes));
}

static void test_power_loss(void **state)
{
    (void)state;
    const size_t n = 70 * MI;
    AUTO_FREE uint8_t *p = noise(n, 6);
    char id[STORE_UPLOAD_ID + 1];
    half_done(p, n, id);
    unsigned late = read_slot(id, 0).durable ? 1 : 0;
    struct state note = read_slot(id, late), durable = read_slot(id, 1 - late);
    assert_true(durable.durable && !note.durable && note.offset == n && durable.offset >= 64 * MI);

    /* Another boot, all bytes there: nothing is lost. */
    memset(note.boot, 0x5a, sizeof(note.boot));
    write_slot(id, late, &note);
    uint64_t offset;
    assert_int_equal(store_upload_stat(store, str_from(id), SCOPE, &offset, &err), 1);
    assert_int_equal(offset, n);

    /* Another boot, and the late bytes never reached the disk. */
    late = read_slot(id, 0).durable ? 1 : 0;
    note = read_slot(id, late);
    memset(note.boot, 0x5a, sizeof(note.boot));
    write_slot(id, late, &note);
    damage(id, "data", (off_t)durable.offset + 5, "\0\0\0\0\0\0\0\0", 8);
    restart();
    struct store_upload *u = reopen(id);
    assert_int_equal(store_upload_info(u)->offset, durable.offset);
    OK(store_upload_write(u, p + durable.offset, n - durable.offset, &err));
    commit(u, p, n);
}

static void test_short_data(void **state)
{
    (void)state;
    const size_t n = 70 * MI;
    AUTO_FREE uint8_t *p = noise(n, 7);
    char id[STORE_UPLOAD_ID + 1];
    half_done(p, n, id);
    cut(id, "data", 69 * MI); /* behind the durable slot */
    struct store_upload *u = reopen(id);
    uint64_t at = store_upload_info(u)->offset;
    assert_true(at >= 64 * MI && at <= 69 * MI);
    store_upload_close(u);
    cut(id, "data", 3); /* before all slots */
    restart();
    u = reopen(id);
    assert_int_equal(store_upload_info(u)->offset, 0);
    OK(store_upload_write(u, "new", 3, &err));
    store_upload_close(u);
    commit(reopen(id), "new", 3);
}

static void test_damaged_state(void **state)
{
    (void)state;
    char id[STORE_UPLOAD_ID + 1];
    struct store_upload *u;
    uint64_t offset;
    for (int how = 0; how < 5; how++) {
        u = begin(false);
        keep_id(u, id);
        OK(store_upload_write(u, "abc", 3, &err));
        store_upload_close(u);
        if (how == 0)
            cut(id, "state", 0);
        else if (how == 1)
            cut(id, "state", 100);
        else if (how == 2)
            damage(id, "state", 30, "\xff\xff", 2);
        else if (how == 3)
            damage(id, "state", 8, "\x02", 1);
        else
            flip(id, "state", STATE_SLOT_SIZE - 1);
        restart();
        assert_int_equal(store_upload_stat(store, str_from(id), SCOPE, &offset, &err), 0);
        assert_int_equal(store_upload_open(store, str_from(id), SCOPE, &u, &err), 0);
    }
    size_t removed;
    OK(store_upload_sweep(store, -1000, &removed, &err));
    assert_int_equal(removed, 5);
    assert_int_equal(entries("uploads"), 0);

    /* One slot of two is enough. */
    const size_t n = 66 * MI;
    AUTO_FREE uint8_t *p = noise(n, 8);
    half_done(p, n, id);
    unsigned late = read_slot(id, 0).durable ? 1 : 0;
    damage(id, "state", (off_t)STATE_SLOT_AT(late) + 20, "\xff", 1);
    u = reopen(id);
    uint64_t at = store_upload_info(u)->offset;
    assert_true(at >= 64 * MI && at < n);
    OK(store_upload_write(u, p + at, n - at, &err));
    commit(u, p, n);
}

static void test_state_form(void **state)
{
    (void)state;
    struct state st, back;
    uint8_t bytes[STATE_SLOT_SIZE];
    char scope[LIMIT_UPLOAD_SCOPE + 1];
    memset(scope, 's', sizeof(scope) - 1);
    scope[sizeof(scope) - 1] = '\0';
    state_init(&st, str_from(scope), DIGEST_SHA512, 1234);
    hash_update(&st.sha256, scope, 127);
    hash_update(&st.other, scope, 127);
    st.offset = 127;
    st.durable = true;
    st.seq = UINT64_MAX;
    state_encode(&st, bytes);
    OK(state_decode(bytes, &back, &err));
    assert_string_equal(back.scope, scope);
    assert_true(back.durable && back.seq == UINT64_MAX && back.created_ms == 1234);
    for (size_t i = 0; i < sizeof(bytes); i++) { /* no byte may change unnoticed */
        bytes[i] ^= 0x10;
        FAILS(CORRUPT, state_decode(bytes, &back, &err));
        bytes[i] ^= 0x10;
    }
    st.offset = 126; /* not what the hash states count */
    state_encode(&st, bytes);
    FAILS(CORRUPT, state_decode(bytes, &back, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kill),
        TEST(test_power_loss),
        TEST(test_short_data),
        TEST(test_damaged_state),
        cmocka_unit_test(test_state_form),
    };
    log_setup(STDERR_FILENO, LOG_ERROR, false); /* the warnings are what is tested */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
