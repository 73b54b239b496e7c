/* SPDX-License-Identifier: Apache-2.0 */
/* The bridge between a source that pushes and a target that pulls: order, positions, breaks. */
#include "client/bridge.h"
#include "unit.h"

#define SIZE (5 * MIB + 12345)

/* A source that gives what its position says, in pieces of odd sizes. */
struct source {
    struct endpoint endpoint;
    _Atomic(uint64_t) given; /* bytes that were taken from it, in all */
    atomic_uint begun;
    uint64_t breaks_at; /* it fails here; 0: never */
    uint64_t ends_at;   /* it stops here without a word; 0: never */
};

static unsigned char byte_at(uint64_t at)
{
    return (unsigned char)((at * 2654435761u) >> 13);
}

static int get(struct endpoint *p, const struct digest *digest, uint64_t size, uint64_t at,
               uint64_t n, int (*take)(void *self, const void *p, size_t n, struct err *e),
               void *self, struct err *e)
{
    struct source *s = CONTAINER_OF(p, struct source, endpoint);
    static const size_t pieces[] = {1, 70000, 16384, 3 * MIB, 5};
    AUTO_FREE unsigned char *piece = mem_alloc(3 * MIB);
    (void)digest;
    assert_int_equal(at + n, size);
    atomic_fetch_add(&s->begun, 1);
    for (size_t i = 0; n; i++) {
        size_t part = (size_t)MIN_OF(n, (uint64_t)pieces[i % ARRAY_LEN(pieces)]);
        if (s->breaks_at && at + part > s->breaks_at)
            return ERR(e, NETWORK, "the source broke");
        if (s->ends_at && at + part > s->ends_at)
            return 0;
        for (size_t k = 0; k < part; k++)
            piece[k] = byte_at(at + k);
        if (take(self, piece, part, e) < 0)
            return -1;
        atomic_fetch_add(&s->given, part);
        at += part;
        n -= part;
    }
    return 0;
}

static const struct endpoint_ops ops = {.get = get};
static const struct digest digest = {.text = "sha256:it"};

static void check(const unsigned char *p, uint64_t at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != byte_at(at + i))
            fail_msg("byte %llu is wrong", (unsigned long long)(at + i));
}

/* Reads from..to in steps of n. */
static void read_range(struct bridge *b, uint64_t from, uint64_t to, size_t n)
{
    AUTO_FREE unsigned char *p = mem_alloc(n);
    while (from < to) {
        size_t got = 0, want = (size_t)MIN_OF(to - from, (uint64_t)n);
        assert_fine(bridge_read(b, from, p, want, &got, &unit_e));
        assert_true(got > 0 && got <= want);
        check(p, from, got);
        from += got;
    }
}

static void whole(void **state)
{
    static const size_t steps[] = {1000, 65536, 2 * MIB};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct source s = {.endpoint = {.ops = &ops, .shown = "source"}};
        AUTO(bridge) b = {.from = NULL};
        bridge_init(&b, &s.endpoint, &digest, SIZE, NULL, -1);
        assert_int_equal(s.begun, 0);
        read_range(&b, 0, SIZE, steps[i]);
        assert_int_equal(s.begun, 1);
        assert_false(bridge_failed(&b, NULL));
    }
}

/* A target that has to go back, and one that goes ahead. */
static void jumps(void **state)
{
    struct source s = {.endpoint = {.ops = &ops, .shown = "source"}};
    AUTO(bridge) b = {.from = NULL};
    (void)state;
    bridge_init(&b, &s.endpoint, &digest, SIZE, NULL, -1);
    read_range(&b, 0, 3 * MIB, 50000);
    read_range(&b, MIB, 4 * MIB, 50000);
    assert_int_equal(s.begun, 2);
    read_range(&b, 5 * MIB, SIZE, 50000);
    read_range(&b, 0, SIZE, 50000);
    assert_int_equal(s.begun, 4);
    assert_false(bridge_failed(&b, NULL));
}

/* A slow target does not fill the memory; one that leaves does not wait. */
static void bounded(void **state)
{
    struct source s = {.endpoint = {.ops = &ops, .shown = "source"}};
    (void)state;
    {
        AUTO(bridge) b = {.from = NULL};
        bridge_init(&b, &s.endpoint, &digest, SIZE, NULL, -1);
        read_range(&b, 0, 10, 10);
        for (int i = 0; i < 200 && s.given < 86385; i++)
            (void)usleep(1000);
        (void)usleep(20000);
        assert_true(s.given <= BRIDGE_RING + 10);
    }
    assert_true(s.given <= BRIDGE_RING + 10);
    AUTO(bridge) never = {.from = NULL};
    bridge_init(&never, &s.endpoint, &digest, SIZE, NULL, -1);
    AUTO(bridge) zeroed = {.from = NULL};
    assert_null(zeroed.ring);
}

static void breaks(void **state)
{
    struct source s = {.endpoint = {.ops = &ops, .shown = "source"}, .breaks_at = 2 * MIB};
    AUTO(bridge) b = {.from = NULL};
    unsigned char p[100];
    uint64_t at = 0;
    size_t got;
    (void)state;
    bridge_init(&b, &s.endpoint, &digest, SIZE, NULL, -1);
    while (bridge_read(&b, at, p, sizeof(p), &got, &unit_e) == 0) {
        check(p, at, got);
        at += got;
    }
    assert_true(at <= 2 * MIB);
    assert_int_equal(unit_e.code, ERR_CANCELLED);
    struct err why = {.code = ERR_OK};
    assert_true(bridge_failed(&b, &why));
    assert_int_equal(why.code, ERR_NETWORK);
    assert_string_equal(why.msg, "the source broke");
    /* It stays so, wherever the target would go on. */
    assert_err(bridge_read(&b, 0, p, sizeof(p), &got, &unit_e), CANCELLED, "");
    assert_int_equal(s.begun, 1);
}

static void ends_early(void **state)
{
    struct source s = {.endpoint = {.ops = &ops, .shown = "source"}, .ends_at = MIB};
    AUTO(bridge) b = {.from = NULL};
    unsigned char p[4096];
    uint64_t at = 0;
    size_t got;
    struct err why;
    (void)state;
    bridge_init(&b, &s.endpoint, &digest, SIZE, NULL, -1);
    while (bridge_read(&b, at, p, sizeof(p), &got, &unit_e) == 0)
        at += got;
    assert_true(bridge_failed(&b, &why));
    assert_int_equal(why.code, ERR_REMOTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole), cmocka_unit_test(jumps),
                                       cmocka_unit_test(bounded), cmocka_unit_test(breaks),
                                       cmocka_unit_test(ends_early)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
