/* SPDX-License-Identifier: Apache-2.0 */
/* ZIP: where members lie, in every form of the directory, and every field of it, broken. */
#include "model/zip.h"
#include "zip_maker.h"

static struct arena memory;
static struct zip zip;

static int read_made(struct zip_maker *z, struct err *e)
{
    struct model_reader r = zip_reader(z);
    arena_done(&memory);
    arena_init(&memory, 16 * MIB);
    return zip_read(&memory, &r, &zip, e);
}

static uint64_t content_of(struct zip_maker *z, const char *name)
{
    struct model_reader r = zip_reader(z);
    const struct zip_member *m = zip_find(&zip, str_from(name));
    uint64_t at = 0;
    assert_non_null(m);
    assert_fine(zip_content(m, &r, &at, &unit_e));
    return at;
}

static void make(struct zip_maker *z)
{
    zip_member(z, "m/data.pkl", STR("0123456789"), 0);
    zip_member(z, "m/data/1", STR("abcdef"), 0);
    zip_member(z, "m/data/0", STR(""), 0);
    zip_finish(z);
}

static void reads(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        AUTO(zip_maker) z = {.plain = form & 1, .large = form & 2};
        char got[6];
        make(&z);
        assert_fine(read_made(&z, &unit_e));
        assert_int_equal(zip.n, 3);
        assert_str(zip.first, "m/data.pkl");
        assert_str(zip.members[1].name, "m/data/0");
        assert_null(zip_find(&zip, STR("m/data/2")));
        struct model_reader r = zip_reader(&z);
        uint64_t at = content_of(&z, "m/data/1"), reads = z.reads;
        assert_fine(model_read(&r, at, got, 6, "x", &unit_e));
        assert_memory_equal(got, "abcdef", 6);
        assert_int_equal(content_of(&z, "m/data.pkl") % (z.plain ? 1 : 64), 0);
        if (!z.plain) /* no header of a member was read */
            assert_int_equal(z.reads, reads + 1);
    }
}

static void empty(void **state)
{
    AUTO(zip_maker) z = {.n = 0};
    (void)state;
    zip_finish(&z);
    assert_fine(read_made(&z, &unit_e));
    assert_int_equal(zip.n, 0);
    assert_null(zip_find(&zip, STR("a")));
}

static void beyond_32_bits(void **state)
{
    AUTO(zip_maker) z = {.large = true};
    (void)state;
    zip_member(&z, "m/data.pkl", STR("0123456789"), 0);
    zip_member(&z, "m/data/0", STR_NULL, 5 * GIB);
    zip_member(&z, "m/data/1", STR("abcdef"), 0);
    zip_finish(&z);
    assert_fine(read_made(&z, &unit_e));
    assert_int_equal(zip_find(&zip, STR("m/data/0"))->size, 5 * GIB);
    assert_true(content_of(&z, "m/data/1") > 5 * GIB);
    assert_true(z.asked < 256 * KIB);
}

/* Every cut is noticed: the end is at the end. */
static void cut(void **state)
{
    AUTO(zip_maker) z = {.plain = true};
    (void)state;
    make(&z);
    for (uint64_t n = z.at; n-- > 0;) {
        z.at = n;
        assert_err(read_made(&z, &unit_e), MODEL_INVALID, "");
    }
}

/* Any byte of the directory changed: read, or refused, and never a member outside of the file. */
static void any_byte(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        AUTO(zip_maker) z = {.plain = form & 1, .large = form & 2};
        make(&z);
        struct buf *b = &z.pieces[0].bytes;
        for (size_t i = z.members[2].at; i < b->n; i++) {
            for (int bit = 0; bit < 8; bit++) {
                struct err e = {.code = ERR_OK};
                b->p[i] ^= (char)(1 << bit);
                if (read_made(&z, &e) < 0)
                    assert_true(e.code == ERR_MODEL_INVALID || e.code == ERR_LIMIT);
                else
                    for (size_t k = 0; k < zip.n; k++)
                        assert_true(zip.members[k].at + zip.members[k].packed <= b->n);
                b->p[i] ^= (char)(1 << bit);
            }
        }
    }
}

/* value of `bytes` bytes at `at` from the directory's (0), or its end's (1), beginning. */
static void broken(bool end, size_t at, uint64_t value, unsigned bytes, const char *why)
{
    AUTO(zip_maker) z = {.plain = true};
    make(&z);
    struct buf *b = &z.pieces[0].bytes;
    const char *p = memmem(b->p, b->n, end ? "PK\5\6" : "PK\1\2", 4);
    for (unsigned i = 0; i < bytes; i++)
        b->p[(size_t)(p - b->p) + at + i] = (char)(value >> (8 * i));
    assert_err(read_made(&z, &unit_e), MODEL_INVALID, why);
}

static void directories(void **state)
{
    (void)state;
    broken(false, 0, 0, 4, "no entry of the directory");
    broken(false, 20, 17, 4, "\"m/data.pkl\" overlaps");
    broken(false, 20, 0xfffffffe, 4, "overlaps");
    broken(false, 28, 0xffff, 2, "within an entry");
    broken(false, 42, 0xfffffffe, 4, "behind the directory");
    broken(false, 42, 60, 4, "overlaps");
    broken(false, 42, 0xffffffff, 4, "too large");
    broken(true, 8, 0x00020002, 4, "behind the directory's last entry");
    broken(true, 8, 0xffffffff, 4, "members in a directory");
    broken(true, 12, 0xffffffff, 4, "does not lie before its end");
    broken(true, 16, 0xffffffff, 4, "does not lie before its end");
    broken(true, 4, 1, 2, "several parts");
    broken(true, 20, 1, 2, "no directory at its end");
}

static void contents(void **state)
{
    AUTO(zip_maker) z = {.plain = true};
    uint64_t at;
    (void)state;
    make(&z);
    struct model_reader r = zip_reader(&z);
    assert_fine(read_made(&z, &unit_e));
    struct zip_member m = *zip_find(&zip, STR("m/data/1")), bad = m;
    assert_fine(zip_content(&m, &r, &at, &unit_e));
    bad.flags = 1;
    assert_err(zip_content(&bad, &r, &at, &unit_e), MODEL_INVALID, "is encrypted");
    bad = m;
    bad.method = 8;
    assert_err(zip_content(&bad, &r, &at, &unit_e), MODEL_INVALID, "is compressed");
    bad = m;
    bad.size++;
    assert_err(zip_content(&bad, &r, &at, &unit_e), MODEL_INVALID, "is compressed");
    bad = m;
    bad.at++;
    assert_err(zip_content(&bad, &r, &at, &unit_e), MODEL_INVALID, "not the one of the directory");
    z.pieces[0].bytes.p[m.at + 28] = 1; /* an extra field of one byte */
    assert_err(zip_content(&m, &r, &at, &unit_e), MODEL_INVALID, "overlaps what lies behind it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),    cmocka_unit_test(empty),    cmocka_unit_test(beyond_32_bits),
        cmocka_unit_test(cut),      cmocka_unit_test(any_byte), cmocka_unit_test(directories),
        cmocka_unit_test(contents),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&memory);
    return rc;
}
