/* SPDX-License-Identifier: Apache-2.0 */
/* tar: headers written and read back, extended headers, what is refused. What other programs write
 * and read is held against this in tests/e2e/test_packs.py. */
#include "base/hash.h"
#include "model/tar.h"
#include "unit.h"

#include <inttypes.h>

/* The archive that a test puts together, and what was read of it, one member a line. */
static struct buf archive, seen;

static int setup(void **state)
{
    (void)state;
    buf_init(&archive, 16 * MIB);
    buf_init(&seen, 16 * MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_done(&archive);
    buf_done(&seen);
    return 0;
}

static void zeros(uint64_t n)
{
    while (n--)
        buf_addc(&archive, '\0');
}

static void content(struct str s)
{
    buf_adds(&archive, s);
    zeros(tar_padding(s.n));
}

static void checksum(char *block)
{
    unsigned sum = 0;
    char text[16];
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += (unsigned char)block[i];
    (void)snprintf(text, sizeof(text), "%06o", sum & 0777777);
    memcpy(block + 148, text, 7);
}

/* A header with the type; the caller may change it and sum again. */
static char *header(char type, const char *name, uint64_t size)
{
    char text[16];
    size_t at = archive.n;
    zeros(TAR_BLOCK);
    char *b = archive.p + at;
    memcpy(b, name, strlen(name));
    memcpy(b + 100, "0000644", 7);
    (void)snprintf(text, sizeof(text), "%011" PRIo64, size & 077777777777);
    memcpy(b + 124, text, 11);
    memcpy(b + 136, "00000000017", 11);
    b[156] = type;
    memcpy(b + 257, "ustar\00000", 8);
    checksum(b);
    return b;
}

static void extended(char type, struct str body)
{
    (void)header(type, "x", body.n);
    content(body);
}

static int note(void *self, const struct tar_entry *t, struct err *e)
{
    static const char letters[] = {[TAR_FILE] = 'f',
                                   [TAR_DIR] = 'd',
                                   [TAR_SYMLINK] = 's',
                                   [TAR_HARDLINK] = 'h',
                                   [TAR_OTHER] = 'o'};
    (void)self;
    (void)e;
    buf_addf(&seen, "%c %.*s>%.*s %" PRIu64 " %o %" PRId64 " %" PRIu64 "+%" PRIu64 "\n",
             letters[t->type], S(t->path), S(t->link), t->size, t->mode, t->mtime_ms, t->header_at,
             t->content_at - t->header_at);
    return 0;
}

static int read_memory(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    (void)e;
    (void)self;
    BUG_ON(at + n > archive.n);
    memcpy(p, archive.p + at, n);
    return 0;
}

/* Walks what was put together; the next test begins anew. */
static int walk(void)
{
    const struct model_reader in = {.size = archive.n, .read = read_memory};
    buf_reset(&seen);
    int rc = tar_walk(&in, note, NULL, &unit_e);
    buf_reset(&archive);
    return rc;
}

static void check(const char *want)
{
    assert_fine(walk());
    assert_string_equal(seen.p, want);
}

static void plain(void **state)
{
    (void)state;
    tar_header_write(&archive, STR("a/b.txt"), 5, 0600);
    content(STR("hello"));
    tar_header_write(&archive, STR("run"), 0, 0100);
    zeros(TAR_END_BYTES);
    check("f a/b.txt> 5 644 0 0+512\nf run> 0 755 0 1024+512\n");
}

/* Any change here changes the digest of every model that is packed as tar again. */
static void golden(void **state)
{
    struct digest d;
    char path[300];
    (void)state;
    memset(path, 'p', sizeof(path));
    path[120] = '/';
    tar_header_write(&archive, STR("model.safetensors"), 1234567, 0644);
    tar_header_write(&archive, str_of(path, 200), 1, 0755);
    tar_header_write(&archive, str_of(path, 300), 9ull << 30, 0755);
    tar_header_write(&archive, STR("\xc3\xa4/\xc3\xb6"), 1, 0755);
    hash_bytes(DIGEST_SHA256, archive.p, archive.n, &d);
    assert_int_equal(archive.n, TAR_BLOCK * (1 + 1 + 3 + 3));
    buf_reset(&archive);
    assert_string_equal(d.text,
                        "sha256:0b7f4403388a92674e9a1b368e09cf3300afa6e6fc31c9475b70ac9261258c28");
}

/* Every length of path with a '/' at every place comes back. */
static void lengths(void **state)
{
    char path[400], want[512];
    (void)state;
    for (size_t n = 1; n <= 300; n += n < 95 || n > 105 ? 7 : 1) {
        for (size_t slash = 1; slash < n - (n > 1); slash += 11) {
            memset(path, 'q', sizeof(path));
            path[slash] = '/';
            tar_header_write(&archive, str_of(path, n), 0, 0644);
            size_t at = archive.n - TAR_BLOCK;
            assert_true(archive.n <= TAR_HEADER_MAX);
            zeros(TAR_END_BYTES);
            (void)snprintf(want, sizeof(want), "f %.*s> 0 644 0 0+%zu\n", (int)n, path,
                           at + TAR_BLOCK);
            check(want);
        }
    }
}

static void large(void **state)
{
    static const uint64_t sizes[] = {(1ull << 33) - 1, 1ull << 33, LIMIT_BLOB};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        AUTO(tar_reader) r = {0};
        struct tar_entry t;
        size_t at = 0;
        int step;
        tar_reader_init(&r);
        tar_header_write(&archive, STR("w"), sizes[i], 0644);
        assert_int_equal(archive.n, i ? 3 * TAR_BLOCK : TAR_BLOCK);
        do {
            step = tar_reader_next(&r, archive.p + at, &t, &unit_e);
            at += TAR_BLOCK;
        } while (step == TAR_MORE);
        assert_int_equal(step, TAR_ENTRY);
        assert_int_equal(t.size, sizes[i]);
        assert_int_equal(t.content_at, archive.n);
        assert_int_equal(r.at, archive.n + sizes[i] + tar_padding(sizes[i]));
        buf_reset(&archive);
    }
}

static void types(void **state)
{
    (void)state;
    (void)header('\0', "./old", 0);
    (void)header('\0', "olddir/", 0);
    (void)header('7', "contiguous", 0);
    (void)header('5', "./", 0);
    (void)header('5', "./dir/", 99); /* no content, whatever it says */
    memcpy(header('1', "hard", 7) + 157, "./old", 5);
    checksum(archive.p + archive.n - TAR_BLOCK);
    memcpy(header('2', "soft", 0) + 157, "./../x", 6);
    checksum(archive.p + archive.n - TAR_BLOCK);
    (void)header('6', "pipe", 0);
    (void)header('V', "label", 0);
    zeros(TAR_END_BYTES);
    buf_addz(&archive, "what stands behind the end is not looked at");
    check("f old> 0 644 15000 0+512\nd olddir> 0 644 15000 512+512\n"
          "f contiguous> 0 644 15000 1024+512\nd > 0 644 15000 1536+512\n"
          "d dir> 0 644 15000 2048+512\nh hard>old 0 644 15000 2560+512\n"
          "s soft>./../x 0 644 15000 3072+512\no pipe> 0 644 15000 3584+512\n"
          "o label> 0 644 15000 4096+512\n");
}

static void prefixes(void **state)
{
    (void)state;
    memcpy(header('0', "name", 0) + 345, "some/where", 10);
    checksum(archive.p + archive.n - TAR_BLOCK);
    /* GNU keeps times there. */
    char *b = header('0', "name", 0);
    memcpy(b + 345, "some/where", 10);
    memcpy(b + 257, "ustar  ", 8);
    checksum(b);
    check("f some/where/name> 0 644 15000 0+512\nf name> 0 644 15000 512+512\n");
}

static void pax(void **state)
{
    (void)state;
    extended('g', STR("14 mtime=20.5\n11 uname=u\n"));
    extended('x', STR("15 path=long/n\n9 size=3\n19 SCHILY.xattr.a=\n14 mtime=-1.5\n"));
    (void)header('0', "short", 0);
    content(STR("abc"));
    (void)header('0', "next", 0);
    extended('x', STR("13 linkpath=\n19 linkpath=target\n9 path=y\n"));
    (void)header('2', "s", 0);
    extended('X', STR("8 path=\n"));
    (void)header('0', "kept", 0);
    check("f long/n> 3 644 -1500 1024+1536\nf next> 0 644 20500 3072+512\n"
          "s y>target 0 644 20500 3584+1536\nf kept> 0 644 20500 5120+1536\n");
}

static void gnu(void **state)
{
    char name[300];
    char want[700];
    (void)state;
    memset(name, 'n', sizeof(name));
    name[299] = '\0';
    extended('K', str_of(name, 300));
    extended('L', str_of(name, 300));
    (void)header('2', "nnn", 0);
    /* Base 256. */
    char *b = header('0', "b", 0);
    memcpy(b + 124, "\x80\0\0\0\0\0\0\0\0\0\0\2", 12);
    memset(b + 136, 0xff, 12);
    checksum(b);
    content(STR("xy"));
    (void)snprintf(want, sizeof(want), "s %s>%s 0 644 15000 0+2560\nf b> 2 644 -1000 2560+512\n",
                   name, name);
    check(want);
}

/* Old writers summed signed bytes. */
static void signed_sum(void **state)
{
    char text[16];
    int sum = 0;
    (void)state;
    char *b = header('0', "\xc3\xa4", 0);
    memset(b + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += (signed char)b[i];
    (void)snprintf(text, sizeof(text), "%06o", (unsigned)sum & 0777777);
    memcpy(b + 148, text, 7);
    check("f \xc3\xa4> 0 644 15000 0+512\n");
}

static void ends(void **state)
{
    (void)state;
    check("");
    /* No zeros at all, and one block of them: as others take it. */
    (void)header('0', "a", 1);
    buf_addc(&archive, 'c');
    check("f a> 1 644 15000 0+512\n");
    (void)header('0', "a", 0);
    zeros(TAR_BLOCK);
    check("f a> 0 644 15000 0+512\n");
    (void)header('0', "a", 0);
    zeros(TAR_BLOCK);
    (void)header('0', "b", 0);
    assert_err(walk(), MODEL_INVALID, "lone block");
    (void)header('0', "a", 2);
    buf_addc(&archive, 'c');
    assert_err(walk(), MODEL_INVALID, "ends inside of \"a\"");
    (void)header('0', "a", 0);
    buf_addz(&archive, "short");
    assert_err(walk(), MODEL_INVALID, "inside of a header");
    extended('x', STR("9 path=y\n"));
    assert_err(walk(), MODEL_INVALID, "inside of an extended header");
    (void)header('x', "x", 10);
    assert_err(walk(), MODEL_INVALID, "inside of an extended header");
    extended('x', STR("9 path=y\n"));
    zeros(TAR_END_BYTES);
    assert_err(walk(), MODEL_INVALID, "should follow");
}

static void bad_headers(void **state)
{
    (void)state;
    header('0', "a", 0)[0] = 'b';
    assert_err(walk(), MODEL_INVALID, "byte 0 of the archive is none: its checksum");
    (void)header('S', "holes", 0);
    assert_err(walk(), MODEL_INVALID, "\"holes\" is a sparse file");
    (void)header('Z', "z\n", 0);
    assert_err(walk(), MODEL_INVALID, "\"z?\" is of the unknown type 'Z'");
    (void)header('\1', "z", 0);
    assert_err(walk(), MODEL_INVALID, "type 0x01");
    (void)header('0', "", 0);
    assert_err(walk(), MODEL_INVALID, "no name");
    char *b = header('0', "a", 0);
    b[124] = '9';
    checksum(b);
    assert_err(walk(), MODEL_INVALID, "size that is no number");
    b = header('0', "a", 0);
    memset(b + 124, 0xff, 12);
    checksum(b);
    assert_err(walk(), MODEL_INVALID, "\"a\" has the size -1");
    b = header('0', "a", 0);
    memcpy(b + 124, "\x80\0\0\0\0\1\0\0\0\0\0\0", 12);
    checksum(b);
    assert_err(walk(), MODEL_INVALID, "\"a\" has the size");
    b = header('0', "a", 0);
    memset(b + 124, 0x7f, 12);
    b[124] = (char)0x80;
    checksum(b);
    assert_err(walk(), MODEL_INVALID, "no number");
    b = header('0', "a", 0);
    b[100] = 'x';
    checksum(b);
    assert_err(walk(), MODEL_INVALID, "mode or time");
}

static void bad_extended(void **state)
{
    static const struct {
        char type;
        const char *body, *why;
    } rows[] = {
        {'x', "9 path=y", "malformed"},
        {'x', "8 path=y\n", "malformed"},
        {'x', "99 path=y\n", "malformed"},
        {'x', "path=y\n", "malformed"},
        {'x', "0 \n", "malformed"},
        {'x', "3 \n", "malformed"},
        {'x', "5 =y\n", "without a key"},
        {'x', "5 yy\n", "without a key"},
        {'x', "9 path=y\n9 path=z\n", "twice"},
        {'x', "11 size=-1\n", "size"},
        {'x', "9 size=1\n9 size=2\n", "size"},
        {'x', "29 size=99999999999999999999\n", "size"},
        {'x', "11 mtime=x\n", "time"},
        {'x', "13 mtime=1.x\n", "time"},
        {'x', "22 GNU.sparse.major=1\n", "sparse"},
        {'g', "9 path=y\n", "all members"},
        {'g', "9 size=1\n", "all members"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        extended(rows[i].type, str_from(rows[i].body));
        (void)header('0', "a", 0);
        assert_err(walk(), MODEL_INVALID, rows[i].why);
    }
    extended('x', STR("11 path=y\0\n"));
    (void)header('0', "a", 0);
    assert_err(walk(), MODEL_INVALID, "NUL");
    extended('x', STR("9 path=y\n"));
    extended('x', STR("9 size=1\n"));
    assert_err(walk(), MODEL_INVALID, "second");
    extended('x', STR("9 path=y\n"));
    extended('L', STR("z"));
    assert_err(walk(), MODEL_INVALID, "twice");
    (void)header('L', "x", LIMIT_TAR_EXTENSION + 1);
    assert_err(walk(), MODEL_INVALID, "absurd");
    (void)header('L', "x", LIMIT_TAR_PATH + 1);
    for (size_t i = 0; i < LIMIT_TAR_PATH + TAR_BLOCK; i++)
        buf_addc(&archive, 'a');
    assert_err(walk(), MODEL_INVALID, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain), cmocka_unit_test(golden),      cmocka_unit_test(lengths),
        cmocka_unit_test(large), cmocka_unit_test(types),       cmocka_unit_test(prefixes),
        cmocka_unit_test(pax),   cmocka_unit_test(gnu),         cmocka_unit_test(signed_sum),
        cmocka_unit_test(ends),  cmocka_unit_test(bad_headers), cmocka_unit_test(bad_extended),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
