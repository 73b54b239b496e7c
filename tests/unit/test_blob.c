/* SPDX-License-Identifier: Apache-2.0 */
/* piecemap and blob: pieces in any order, the frontier's hash, what an earlier run left. */
#include "unit.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/random.h"
#include "client/blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (5 * MIB + 12345)

/* A file of nobody, without a name. */
static int scratch(void)
{
    int fd = memfd_create("blob", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static unsigned char *noise(size_t n)
{
    unsigned char *p = mem_alloc(n);
    random_bytes(p, n);
    return p;
}

/* ---- piecemap ---- */

static void map_pieces(void **state)
{
    (void)state;
    static const struct {
        uint64_t size, piece;
        size_t n;
    } cases[] = {{0, MIB, 0},
                 {1, MIB, 1},
                 {MIB, MIB, 1},
                 {MIB + 1, MIB, 2},
                 {64 * GIB - 1, MIB, 65536},
                 {64 * GIB, 2 * MIB, 32768},
                 {8 * TIB, 256 * MIB, 32768}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(piecemap) m;
        piecemap_init(&m, cases[i].size);
        assert_int_equal(m.piece, cases[i].piece);
        assert_int_equal(m.n, cases[i].n);
        assert_int_equal(piecemap_at(&m, m.n), cases[i].size);
    }
}

static void map_file(void **state)
{
    (void)state;
    AUTOFD fd = scratch();
    AUTO(piecemap) m;
    struct err e;
    piecemap_init(&m, SIZE);
    assert_false(piecemap_load(&m, fd));
    piecemap_set(&m, 0, true);
    assert_int_equal(piecemap_save(&m, fd, &e), 0);
    piecemap_set(&m, 5, true);
    assert_int_equal(piecemap_save(&m, fd, &e), 0);

    AUTO(piecemap) back;
    piecemap_init(&back, SIZE);
    assert_true(piecemap_load(&back, fd));
    assert_true(piecemap_has(&back, 0) && piecemap_has(&back, 5));
    assert_int_equal(back.n_set, 2);

    AUTO(piecemap) other;
    piecemap_init(&other, SIZE + 1);
    assert_false(piecemap_load(&other, fd));
    assert_int_equal(other.n_set, 0);
}

/* Whatever byte of the newer slot is wrong: the older one counts; with both wrong, none. */
static void map_damage(void **state)
{
    (void)state;
    const size_t slot = 32 + 1 + 32;
    struct err e;
    for (size_t at = 0; at < slot; at++) {
        AUTOFD fd = scratch();
        AUTO(piecemap) m;
        AUTO(piecemap) back;
        unsigned char byte;
        piecemap_init(&m, SIZE);
        piecemap_set(&m, 1, true);
        assert_int_equal(piecemap_save(&m, fd, &e), 0); /* slot 1 */
        piecemap_set(&m, 2, true);
        assert_int_equal(piecemap_save(&m, fd, &e), 0); /* slot 0 */
        assert_int_equal(file_pread_all(fd, &byte, 1, at, &e), 0);
        byte ^= 0x10;
        assert_int_equal(file_pwrite_all(fd, &byte, 1, at, &e), 0);
        piecemap_init(&back, SIZE);
        assert_true(piecemap_load(&back, fd));
        assert_int_equal(back.n_set, 1);
        assert_int_equal(file_pwrite_all(fd, &byte, 1, slot + at, &e), 0);
        unsigned char was;
        assert_int_equal(file_pread_all(fd, &was, 1, slot + (at + 1) % slot, &e), 0);
        was ^= 1;
        assert_int_equal(file_pwrite_all(fd, &was, 1, slot + (at + 1) % slot, &e), 0);
        AUTO(piecemap) none;
        piecemap_init(&none, SIZE);
        assert_false(piecemap_load(&none, fd));
        assert_int_equal(none.n_set, 0);
    }
}

/* ---- blob ---- */

struct fixture {
    unsigned char *data;
    struct digest digest;
    struct spread spread;
    int map;
    struct blob blob;
};

static void open_blob(struct fixture *f)
{
    blob_init(&f->blob, &f->spread, &f->digest, SIZE, dup(f->map));
}

static int setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    f->data = noise(SIZE);
    hash_bytes(DIGEST_SHA256, f->data, SIZE, &f->digest);
    f->spread = (struct spread){.digest = &f->digest, .fd = scratch(), .head = -1};
    f->map = scratch();
    open_blob(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    blob_autodone(&f->blob);
    (void)close(f->spread.fd);
    (void)close(f->map);
    mem_free(f->data);
    mem_free(f);
    return 0;
}

static void take(struct fixture *f, struct blob_span *s, uint64_t n, bool *early)
{
    struct err e;
    uint64_t fresh;
    while (n) {
        size_t step = (size_t)MIN_OF(n, 100000u);
        bool now;
        assert_int_equal(blob_take(&f->blob, s, f->data + s->at, step, &fresh, &now, &e), 0);
        assert_int_equal(fresh, step);
        *early = *early || now;
        n -= step;
    }
}

static void hash_all(struct fixture *f)
{
    AUTO_FREE char *p = mem_alloc(MIB);
    AUTO(spread_cursor) c = SPREAD_CURSOR;
    uint64_t lost;
    struct err e;
    while (blob_hash(&f->blob, &c, p, 700001, &lost, &e) > 0)
        assert_int_equal(lost, 0);
}

static void assert_right(struct fixture *f)
{
    uint64_t lost = 0;
    struct err e;
    AUTO_FREE unsigned char *back = mem_alloc(SIZE);
    assert_true(blob_is_whole(&f->blob));
    assert_int_equal(blob_conclude(&f->blob, &lost, &e), 1);
    assert_int_equal(file_pread_all(f->spread.fd, back, SIZE, 0, &e), 0);
    assert_memory_equal(back, f->data, SIZE);
}

static void in_order(void **state)
{
    struct fixture *f = *state;
    struct blob_span s;
    bool early = false;
    assert_int_equal(blob_free(&f->blob), SIZE);
    assert_true(blob_claim(&f->blob, UINT64_MAX, &s));
    assert_int_equal(s.end, SIZE);
    take(f, &s, SIZE, &early);
    assert_false(early); /* all of it was hashed as it came */
    assert_int_equal(blob_release(&f->blob, &s), 0);
    assert_false(blob_claim(&f->blob, 1, &s));
    assert_right(f);
}

/* The later half comes first; the frontier passes from thread to thread. */
static void out_of_order(void **state)
{
    struct fixture *f = *state;
    struct blob_span a, b;
    bool early = false;
    assert_true(blob_claim(&f->blob, 2 * MIB, &a));
    assert_true(blob_claim(&f->blob, UINT64_MAX, &b));
    assert_int_equal(a.end, 2 * MIB);
    assert_int_equal(b.at, 2 * MIB);
    take(f, &b, 2 * MIB + 5, &early);
    assert_false(early);
    hash_all(f);
    assert_int_equal(f->blob.hashed, 0);
    take(f, &a, 2 * MIB, &early);
    assert_true(early); /* b's bytes can be hashed now */
    hash_all(f);
    assert_int_equal(f->blob.hashed, 4 * MIB + 5); /* to the middle of a piece, where b stands */
    early = false;
    take(f, &b, b.end - b.at, &early);
    assert_false(early);
    (void)blob_release(&f->blob, &a);
    (void)blob_release(&f->blob, &b);
    assert_right(f);
}

/* A span that is given back half-way: hashed bytes stay and are not asked for again. */
static void given_back(void **state)
{
    struct fixture *f = *state;
    struct blob_span a, b;
    bool early = false;
    assert_true(blob_claim(&f->blob, UINT64_MAX, &a));
    take(f, &a, MIB + 1000, &early);
    assert_int_equal(blob_release(&f->blob, &a), 0);
    assert_true(blob_claim(&f->blob, 1, &a));
    assert_int_equal(a.at, MIB + 1000);
    assert_true(blob_claim(&f->blob, UINT64_MAX, &b));
    take(f, &b, MIB + 7, &early);
    assert_int_equal(blob_release(&f->blob, &b), 7); /* not hashed: to be fetched again */
    assert_true(blob_claim(&f->blob, UINT64_MAX, &b));
    assert_int_equal(b.at, 3 * MIB);
    take(f, &b, b.end - b.at, &early);
    take(f, &a, a.end - a.at, &early);
    (void)blob_release(&f->blob, &a);
    (void)blob_release(&f->blob, &b);
    hash_all(f);
    assert_right(f);
}

/* What was hashed is never written again, whatever comes. */
static void whole_stream(void **state)
{
    struct fixture *f = *state;
    struct blob_span s, other;
    bool early = false;
    uint64_t fresh;
    struct err e;
    assert_true(blob_claim(&f->blob, 2 * MIB, &s));
    take(f, &s, MIB + 1000, &early);
    assert_true(blob_claim(&f->blob, MIB, &other));
    assert_false(blob_span_whole(&f->blob, &s)); /* another span is out */
    (void)blob_release(&f->blob, &other);
    assert_true(blob_span_whole(&f->blob, &s));
    assert_false(blob_claim(&f->blob, MIB, &other));
    AUTO_FREE unsigned char *wrong = noise(MIB + 1000);
    assert_int_equal(blob_take(&f->blob, &s, wrong, MIB + 1000, &fresh, &early, &e), 0);
    assert_int_equal(fresh, 0);
    take(f, &s, 1000, &early);
    assert_int_equal(blob_span_rewind(&f->blob, &s), 0);
    assert_int_equal(s.at, 0);
    assert_int_equal(blob_take(&f->blob, &s, wrong, MIB + 1000, &fresh, &early, &e), 0);
    assert_int_equal(blob_take(&f->blob, &s, wrong, 1000, &fresh, &early, &e), 0);
    assert_int_equal(fresh, 0);
    take(f, &s, s.end - s.at, &early);
    (void)blob_release(&f->blob, &s);
    assert_right(f);
}

static void fetch_piece(struct fixture *f, size_t skip)
{
    struct blob_span s[6];
    bool early = false;
    for (size_t i = 0; i <= skip; i++)
        assert_true(blob_claim(&f->blob, 1, &s[i]));
    take(f, &s[skip], s[skip].end - s[skip].at, &early);
    for (size_t i = 0; i <= skip; i++)
        (void)blob_release(&f->blob, &s[i]);
}

static void taken_up(void **state)
{
    struct fixture *f = *state;
    struct blob_span s;
    bool early = false;
    fetch_piece(f, 3);
    fetch_piece(f, 0);
    blob_autodone(&f->blob);
    open_blob(f);
    assert_int_equal(blob_there(&f->blob), 2 * MIB);
    assert_int_equal(blob_free(&f->blob), SIZE - 2 * MIB);
    hash_all(f);
    assert_int_equal(f->blob.hashed, MIB);
    assert_true(blob_claim(&f->blob, UINT64_MAX, &s));
    assert_int_equal(s.at, MIB);
    assert_int_equal(s.end, 3 * MIB);
    take(f, &s, s.end - s.at, &early);
    assert_true(early);
    (void)blob_release(&f->blob, &s);
    assert_true(blob_claim(&f->blob, UINT64_MAX, &s));
    assert_int_equal(s.at, 4 * MIB);
    take(f, &s, s.end - s.at, &early);
    (void)blob_release(&f->blob, &s);
    hash_all(f);
    assert_right(f);
}

/* A wrong byte in an old piece: the old pieces alone are thrown away. */
static void old_piece_is_wrong(void **state)
{
    struct fixture *f = *state;
    struct blob_span s;
    bool early = false;
    uint64_t lost = 0;
    unsigned char byte = (unsigned char)(f->data[3 * MIB + 5] ^ 1);
    struct err e;
    fetch_piece(f, 3);
    blob_autodone(&f->blob);
    open_blob(f);
    assert_int_equal(file_pwrite_all(f->spread.fd, &byte, 1, 3 * MIB + 5, &e), 0);
    while (blob_claim(&f->blob, UINT64_MAX, &s)) {
        take(f, &s, s.end - s.at, &early);
        (void)blob_release(&f->blob, &s);
    }
    hash_all(f);
    assert_int_equal(blob_conclude(&f->blob, &lost, &e), 0);
    assert_int_equal(lost, MIB);
    assert_true(blob_claim(&f->blob, UINT64_MAX, &s));
    assert_int_equal(s.at, 3 * MIB);
    assert_int_equal(s.end, 4 * MIB);
    take(f, &s, MIB, &early);
    (void)blob_release(&f->blob, &s);
    hash_all(f);
    assert_right(f);
}

static void registry_is_wrong(void **state)
{
    struct fixture *f = *state;
    struct blob_span s;
    bool early = false;
    uint64_t lost = 0;
    struct err e;
    f->data[17] ^= 1;
    assert_true(blob_claim(&f->blob, UINT64_MAX, &s));
    take(f, &s, SIZE, &early);
    (void)blob_release(&f->blob, &s);
    assert_int_equal(blob_conclude(&f->blob, &lost, &e), -1);
    assert_int_equal(e.code, ERR_DIGEST_INVALID);
}

/* Four threads take pieces in turn, two hash. */
static void *thread_takes(void *arg)
{
    struct fixture *f = arg;
    struct blob_span s;
    uint64_t fresh;
    bool early;
    struct err e;
    while (blob_claim(&f->blob, 1, &s)) {
        while (s.at < s.end) {
            size_t step = (size_t)MIN_OF(s.end - s.at, 65537u);
            if (blob_take(&f->blob, &s, f->data + s.at, step, &fresh, &early, &e) < 0)
                abort();
        }
        (void)blob_release(&f->blob, &s);
    }
    return NULL;
}

static void *thread_hashes(void *arg)
{
    struct fixture *f = arg;
    AUTO_FREE char *p = mem_alloc(100000);
    AUTO(spread_cursor) c = SPREAD_CURSOR;
    uint64_t lost;
    struct err e;
    while (!blob_is_whole(&f->blob))
        if (blob_hash(&f->blob, &c, p, 100000, &lost, &e) < 0)
            abort();
    return NULL;
}

static void threads(void **state)
{
    struct fixture *f = *state;
    pthread_t ids[6];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        assert_int_equal(
            thread_start(&ids[i], "test", i < 4 ? thread_takes : thread_hashes, f, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    assert_right(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_pieces),
        cmocka_unit_test(map_file),
        cmocka_unit_test(map_damage),
        cmocka_unit_test_setup_teardown(in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(out_of_order, setup, teardown),
        cmocka_unit_test_setup_teardown(given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(whole_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(taken_up, setup, teardown),
        cmocka_unit_test_setup_teardown(old_piece_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(registry_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
