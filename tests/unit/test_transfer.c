/* SPDX-License-Identifier: Apache-2.0 */
/* Several files at a time: the first error, running files, retries, and where the time goes. */
#include "client/transfer.h"

#include "unit.h"

#include "base/clock.h"

static void pause_ms(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&t, NULL);
}

/* What the events tell. */
static struct told {
    struct transfer *attached;
    int ends;
    char begun[256];
    struct transfer_state file;
    enum transfer_how how;
    struct transfer_retry retry;
    char retry_path[64];
} told;

static void on_attach(void *self, struct transfer *x)
{
    struct told *t = self;
    t->ends += !x;
    t->attached = x;
}

static void on_begin(void *self, const char *path, uint64_t size, const struct transfer_state *s)
{
    struct told *t = self;
    (void)size, (void)s;
    (void)snprintf(t->begun, sizeof(t->begun), "%s", path);
}

static void on_file(void *self, const char *path, uint64_t size, enum transfer_how how,
                    const struct transfer_state *s)
{
    struct told *t = self;
    (void)path, (void)size;
    t->file = *s;
    t->how = how;
}

static void on_retry(void *self, const struct transfer_retry *r, const struct transfer_state *s)
{
    struct told *t = self;
    (void)s;
    t->retry = *r;
    (void)snprintf(t->retry_path, sizeof(t->retry_path), "%s", r->path ? r->path : "none");
}

static const struct transfer_events events = {
    .attach = on_attach, .begin = on_begin, .file = on_file, .retry = on_retry, .self = &told};

static struct transfer_slot slots[TRANSFER_SLOTS];

static size_t running(struct transfer *x, struct transfer_state *s)
{
    size_t n = 0;
    transfer_look(x, s, slots);
    for (size_t i = 0; i < TRANSFER_SLOTS; i++)
        n += slots[i].id != 0;
    return n;
}

static void test_files(void **state)
{
    (void)state;
    struct transfer_state s;
    told = (struct told){.ends = 0};
    {
        AUTO(transfer) x = {0};
        transfer_init(&x, &events);
        assert_ptr_equal(told.attached, &x);
        transfer_expect(&x, 2, 300);
        int slot = transfer_file_begin(&x, "a", 100);
        assert_true(slot >= 0);
        assert_string_equal(told.begun, "a");
        transfer_bytes(&x, 40, true);
        transfer_retry(2, 6, 500, "why");
        assert_string_equal(told.retry_path, "a");
        assert_int_equal(told.retry.wait_ms, 500);
        assert_int_equal(running(&x, &s), 1);
        assert_int_equal(slots[slot].done, 40);
        assert_int_equal(s.bytes_done, 40);
        assert_int_equal(s.bytes_moved, 40);
        transfer_file(&x, "a", 100, TRANSFER_MOVED);
        assert_int_equal(told.file.files_done, 1);
        assert_int_equal(running(&x, &s), 0);
        /* No file: counted for the whole alone. */
        transfer_bytes(&x, 60, false);
        transfer_retry(3, 6, 1, "why");
        assert_string_equal(told.retry_path, "none");
        (void)transfer_file_begin(&x, "b", 200);
        transfer_file_drop(&x);
        assert_int_equal(running(&x, &s), 0);
        assert_int_equal(s.files_done, 1);
        assert_int_equal(s.bytes_done, 100);
        assert_int_equal(s.bytes_moved, 40);
        assert_int_equal(s.retries, 2);
    }
    assert_null(told.attached);
    assert_int_equal(told.ends, 1);
    /* Nobody's now: said to nobody. */
    transfer_retry(2, 6, 1, "why");
    assert_int_equal(transfer_phase(TRANSFER_HASH), TRANSFER_OTHER);
}

static void test_slots_run_out(void **state)
{
    (void)state;
    AUTO(transfer) x = {0};
    struct transfer_state s;
    transfer_init(&x, NULL);
    for (int i = 0; i < TRANSFER_SLOTS; i++)
        assert_true(transfer_file_begin(&x, "a", 1) >= 0);
    assert_int_equal(transfer_file_begin(&x, "b", 1), -1);
    transfer_bytes(&x, 1, true);
    assert_int_equal(running(&x, &s), TRANSFER_SLOTS);
    transfer_slot_use(5);
    transfer_file(&x, "a", 1, TRANSFER_PRESENT);
    assert_int_equal(transfer_file_begin(&x, "c", 1), 5);
    assert_int_equal(x.state.files_present, 1);
}

static void test_long_path(void **state)
{
    (void)state;
    AUTO(transfer) x = {0};
    char path[2 * TRANSFER_PATH_MAX + 1];
    transfer_init(&x, NULL);
    for (size_t i = 0; i < sizeof(path) - 1; i += 2)
        memcpy(path + i, "\xc3\xbc", 2);
    path[sizeof(path) - 1] = '\0';
    for (unsigned i = 0; i < 2; i++) { /* both ways in which the cut can meet a letter */
        int slot = transfer_file_begin(&x, i ? path : &path[2], 1);
        const char *kept = x.slots[slot].path;
        assert_true(str_starts(str_from(kept), STR("...\xc3")));
        assert_true(strlen(kept) > TRANSFER_PATH_MAX - 8);
        transfer_file_drop(&x);
        path[sizeof(path) - 2] = '\0';
        path[sizeof(path) - 3] = 'e';
    }
}

static void hash_for_a_while(void)
{
    TRANSFER_PHASE(TRANSFER_HASH);
    pause_ms(50);
}

static void test_phases(void **state)
{
    (void)state;
    AUTO(transfer) x = {0};
    transfer_init(&x, NULL);
    {
        TRANSFER_PHASE(TRANSFER_NETWORK);
        pause_ms(30);
        hash_for_a_while();
        pause_ms(30);
    }
    pause_ms(20);
    assert_int_equal(transfer_phase(TRANSFER_OTHER), TRANSFER_OTHER);
    struct transfer_state s = transfer_state_now(&x);
    assert_in_range(s.phase_us[TRANSFER_NETWORK], 60000, 200000);
    assert_in_range(s.phase_us[TRANSFER_HASH], 50000, 200000);
    assert_in_range(s.phase_us[TRANSFER_OTHER], 20000, 200000);
    assert_int_equal(s.phase_us[TRANSFER_WRITE], 0);
}

/* The caller's job is done as soon as another thread has begun its own, which takes longer. */
static int one_works(void *self, size_t i, struct err *e)
{
    atomic_bool *begun = self;
    (void)i, (void)e;
    if (gettid() == getpid()) {
        while (!atomic_load(begun))
            pause_ms(1);
        return 0;
    }
    atomic_store(begun, true);
    TRANSFER_PHASE(TRANSFER_WRITE);
    pause_ms(150);
    return 0;
}

static void test_idle_threads_add_no_time(void **state)
{
    (void)state;
    AUTO(transfer) x = {0};
    atomic_bool begun = false;
    int64_t sum = 0;
    transfer_init(&x, NULL);
    assert_int_equal(transfer_run(&x, 2, 2, one_works, &begun, NULL), 0);
    (void)transfer_phase(TRANSFER_OTHER); /* what ran until now is written down */
    struct transfer_state s = transfer_state_now(&x);
    for (size_t i = 0; i < TRANSFER_PHASES; i++)
        sum += s.phase_us[i];
    assert_in_range(s.phase_us[TRANSFER_WRITE], 150000, 290000);
    assert_in_range(sum - s.phase_us[TRANSFER_WRITE], 0, 100000);
}

static int third_fails(void *self, size_t i, struct err *e)
{
    _Atomic(int) *runs = self;
    atomic_fetch_add(runs, 1);
    return i == 2 ? ERR(e, REMOTE, "the third") : 0;
}

static void test_first_error_ends(void **state)
{
    (void)state;
    atomic_bool cancel = false;
    _Atomic(int) runs = 0;
    const struct transfer_events outer = {.cancel = &cancel};
    AUTO(transfer) x = {0};
    transfer_init(&x, &outer);
    assert_err(transfer_run(&x, 100, 1, third_fails, &runs, &unit_e), REMOTE, "the third");
    assert_int_equal(atomic_load(&runs), 3);
    assert_true(atomic_load(&cancel));
}

static int sets_cancel(void *self, size_t i, struct err *e)
{
    (void)e;
    if (i == 2)
        atomic_store((atomic_bool *)self, true);
    return 0;
}

static void test_interrupted(void **state)
{
    (void)state;
    atomic_bool cancel = false;
    const struct transfer_events outer = {.cancel = &cancel};
    AUTO(transfer) x = {0};
    transfer_init(&x, &outer);
    assert_err(transfer_run(&x, 100, 1, sets_cancel, &cancel, &unit_e), CANCELLED, "interrupted");
    /* Set while the last one ran: that is no failure of what is done. */
    atomic_store(&cancel, false);
    assert_int_equal(transfer_run(&x, 3, 1, sets_cancel, &cancel, &unit_e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_slots_run_out),
        cmocka_unit_test(test_long_path),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_idle_threads_add_no_time),
        cmocka_unit_test(test_first_error_ends),
        cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
