/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: alignment, ceiling, deferred functions in reverse order. */
#include "base/arena.h"
#include "unit.h"

static void memory(void **state)
{
    (void)state;
    AUTO(arena) a = {0};
    arena_init(&a, 1u << 20);
    for (size_t n = 0; n < 300; n++) {
        unsigned char *p = arena_alloc(&a, n);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    /* A large one between small ones leaves the current block in use. */
    char *before = arena_alloc(&a, 16), *large = arena_alloc(&a, 100000);
    char *after = arena_alloc(&a, 16);
    memset(large, 1, 100000);
    assert_int_equal(after[0], 0);
    assert_true(after == before + 16 || after < large || after >= large + 100000);
    uint64_t *many = ARENA_ARRAY(&a, 100, uint64_t);
    assert_int_equal(many[99], 0);
    arena_reset(&a);
    assert_int_equal(a.used, 0);
    assert_non_null(arena_alloc(&a, 1));
}

static void ceiling(void **state)
{
    (void)state;
    AUTO(arena) a = {0};
    struct err e = {.code = ERR_OK};
    arena_init(&a, 64);
    assert_non_null(arena_try(&a, 48, &e));
    assert_null(arena_try(&a, 17, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    assert_null(arena_try(&a, SIZE_MAX, &e));
    assert_null(arena_try(&a, SIZE_MAX - 15, NULL));
    assert_non_null(arena_try(&a, 16, &e));
    assert_null(arena_try(&a, 1, &e));
    assert_non_null(arena_try(&a, 0, &e));
}

static void over_ceiling(void *arg)
{
    (void)arena_alloc(arg, 65);
}

static void over_product(void *arg)
{
    (void)arena_array(arg, SIZE_MAX / 2, 3);
}

static void dies_at_ceiling(void **state)
{
    (void)state;
    AUTO(arena) a = {0};
    arena_init(&a, 64);
    assert_dies(over_ceiling, &a);
    assert_dies(over_product, &a);
}

static void texts(void **state)
{
    (void)state;
    AUTO(arena) a = {0};
    arena_init(&a, 1u << 16);
    struct str s = arena_str(&a, str_of("abcdef", 3));
    assert_str(s, "abc");
    assert_int_equal(s.p[3], 0);
    assert_string_equal(arena_strz(&a, STR_NULL), "");
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 7), "x-7");
    assert_int_equal(strlen(arena_printf(&a, "%05000d", 1)), 5000);
}

static char trace[16];

static void leave(void *p)
{
    size_t n = strlen(trace);
    trace[n] = *(char *)p;
}

static void leave_and_defer(void *p)
{
    leave((char *)p + sizeof(struct arena *));
    struct arena *a;
    memcpy(&a, p, sizeof(a));
    arena_defer(a, leave, arena_strz(a, STR("z")));
}

static void deferred(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    memset(trace, 0, sizeof(trace));
    arena_defer(&a, leave, arena_strz(&a, STR("1")));
    arena_defer(&a, leave, arena_strz(&a, STR("2")));
    arena_defer(&a, leave, arena_strz(&a, STR("3")));
    arena_reset(&a);
    assert_string_equal(trace, "321");
    arena_reset(&a);
    assert_string_equal(trace, "321");

    /* A deferred function may defer and allocate. */
    memset(trace, 0, sizeof(trace));
    char *p = arena_alloc(&a, sizeof(struct arena *) + 2);
    struct arena *self = &a;
    memcpy(p, &self, sizeof(self));
    p[sizeof(self)] = 'y';
    arena_defer(&a, leave_and_defer, p);

    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    arena_defer_close(&a, fd);
    arena_done(&a);
    assert_string_equal(trace, "yz");
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory), cmocka_unit_test(ceiling),  cmocka_unit_test(dies_at_ceiling),
        cmocka_unit_test(texts),  cmocka_unit_test(deferred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
