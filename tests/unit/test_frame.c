/* SPDX-License-Identifier: Apache-2.0 */
/* The picture of a running transfer at every size of a terminal, and how numbers are written. */
#include "cli/frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>

static struct transfer_slot slots[TRANSFER_SLOTS];

static struct frame two_files(void)
{
    for (size_t i = 0; i < TRANSFER_SLOTS; i++)
        slots[i].id = 0;
    /* The later one in an earlier place: places are taken again. */
    slots[0] =
        (struct transfer_slot){.id = 7, .path = "tokenizer.json", .size = 4096, .done = 1024};
    slots[2] = (struct transfer_slot){.id = 3,
                                      .path = "model-00001-of-00002.safetensors",
                                      .size = 4ull << 30,
                                      .done = 2ull << 30};
    return (struct frame){.width = 80,
                          .height = 24,
                          .rate = 100.0 * 1024 * 1024,
                          .state = {.bytes_total = 8ull << 30,
                                    .bytes_done = 3ull << 30,
                                    .files_total = 9,
                                    .files_done = 4},
                          .slots = slots};
}

static void assert_frame(const struct frame *f, size_t lines, const char *text)
{
    AUTO(buf) out = {0};
    buf_init(&out, FRAME_TEXT_MAX);
    assert_int_equal(frame_write(f, &out), lines);
    assert_string_equal(out.p, text);
}

static void test_plain(void **state)
{
    (void)state;
    struct frame f = two_files();
    assert_frame(&f, 3,
                 "model-00001-of-00002.safetensors  #######-------  50 %     2.0 GiB / 4.0 GiB\n"
                 "tokenizer.json                    ###-----------  25 %     1.0 KiB / 4.0 KiB\n"
                 " 37 %  3.0 GiB of 8.0 GiB  100.0 MiB/s  0:52 left  4 of 9 files");
    f.note = "interrupted";
    f.slots = NULL;
    f.rate = -1;
    assert_frame(&f, 2, "interrupted\n 37 %  3.0 GiB of 8.0 GiB  4 of 9 files");
    f.state.files_total = 0;
    assert_frame(&f, 2, "interrupted\nstarting");
}

static void test_utf8_and_color(void **state)
{
    (void)state;
    struct frame f = two_files();
    f.utf8 = true;
    f.width = 51;
    assert_frame(&f, 3,
                 "model-00001-of-00002.safetensors  ━━━━━─────  50 %\n"
                 "tokenizer.json                    ━━────────  25 %\n"
                 " 37 %  3.0 GiB of 8.0 GiB  100.0 MiB/s  0:52 left");
    f.color = true;
    f.slots = (memset(&slots[2], 0, sizeof(slots[2])), slots);
    f.state.bytes_done = f.state.bytes_total;
    slots[0].done = slots[0].size;
    f.width = 40;
    assert_frame(&f, 2,
                 "tokenizer.json  \033[32m━━━━━━━━━━━━━━━━━\033[0m\033[2m\033[0m 100 %\n"
                 "100 %  8.0 GiB of 8.0 GiB  100.0 MiB/s");
}

/* Columns of a line that has no wide letters; what colours it does not count. */
static unsigned width_of(struct str line)
{
    unsigned n = 0;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '\033')
            while (line.p[i] != 'm')
                i++;
        else if (((unsigned char)line.p[i] & 0xc0) != 0x80)
            n++;
    }
    return n;
}

static void test_every_size(void **state)
{
    (void)state;
    for (unsigned width = 0; width < 240; width++) {
        for (unsigned height = 0; height < 8; height++) {
            AUTO(buf) out = {0};
            buf_init(&out, FRAME_TEXT_MAX);
            struct frame f = two_files();
            f.width = width;
            f.height = height;
            f.utf8 = width % 2;
            f.color = width % 3;
            f.note = height % 2 ? "a note of some length that does not fit everywhere" : NULL;
            size_t lines = frame_write(&f, &out), seen = 0;
            assert_true(buf_ok(&out));
            for (struct str rest = buf_str(&out); rest.p; seen++) {
                unsigned have = width_of(str_cut(&rest, '\n'));
                if (have > (width > 1 ? width - 1 : 1))
                    fail_msg("%u columns on a terminal of %ux%u:\n%s", have, width, height, out.p);
            }
            assert_int_equal(seen, lines);
            assert_true(lines <= (height > 1 ? height - 1 : 1));
            if (height >= 5 && width >= 12)
                assert_int_equal(lines, 3 + (f.note ? 1 : 0));
        }
    }
}

static void test_more_files_than_lines(void **state)
{
    (void)state;
    struct frame f = two_files();
    f.height = 3;
    AUTO(buf) out = {0};
    buf_init(&out, FRAME_TEXT_MAX);
    assert_int_equal(frame_write(&f, &out), 2);
    assert_memory_equal(out.p, "model-00001", 11); /* the one that began first */
}

static void assert_fit(const char *text, unsigned width, bool utf8, bool pad, const char *want)
{
    AUTO(buf) out = {0};
    buf_init(&out, 1024);
    frame_fit(&out, text, width, utf8, pad);
    assert_string_equal(out.p, want);
}

static void test_fit(void **state)
{
    (void)state;
    assert_fit("abc", 5, true, true, "abc  ");
    assert_fit("abc", 5, true, false, "abc");
    assert_fit("abcdef", 6, true, true, "abcdef");
    assert_fit("abcdefg", 6, true, true, "…cdefg");
    assert_fit("abcdefg", 6, false, true, "...efg");
    assert_fit("abcdefg", 2, false, true, "..");
    assert_fit("abcdefg", 0, true, true, "");
    /* Two columns each: 模型 does not fit into the three that are left, 型 and a blank do. */
    assert_fit("模型权重", 8, true, true, "模型权重");
    assert_fit("模型权重", 6, true, true, "…权重 ");
    assert_fit("模型", 8, false, true, "??      ");
    /* A mark stays with its letter, or goes with it. */
    assert_fit("e\u0301tude", 5, true, true, "e\u0301tude");
    assert_fit("xe\u0301tude", 5, true, true, "…tude");
    /* Nothing that a terminal obeys. */
    assert_fit("a\033[31mb\nc\x7f\xc2\x9b\xff", 40, true, false, "a?[31mb?c???");
    assert_fit("a\u202eb\u2028", 40, true, false, "a?b?");
}

static void test_numbers(void **state)
{
    (void)state;
    char text[FRAME_SIZE_TEXT];
    assert_string_equal(str_size_text(0, text), "0 B");
    assert_string_equal(str_size_text(1023, text), "1023 B");
    assert_string_equal(str_size_text(1024, text), "1.0 KiB");
    assert_string_equal(str_size_text(1024.0 * 1024 - 1, text), "1.0 MiB");
    assert_string_equal(str_size_text(5e15, text), "4547.5 TiB");
    assert_string_equal(frame_time(0, text), "0:00");
    assert_string_equal(frame_time(1, text), "0:01");
    assert_string_equal(frame_time(59001, text), "1:00");
    assert_string_equal(frame_time(3661000, text), "1:01:01");
    assert_string_equal(frame_time(400ll * 3600 * 1000, text), "16 days");
    assert_int_equal(frame_percent(0, 0), 100);
    assert_int_equal(frame_percent(0, 3), 0);
    assert_int_equal(frame_percent(999999, 1000000), 99);
    assert_int_equal(frame_percent(UINT64_MAX - 1, UINT64_MAX), 99);
    assert_int_equal(frame_percent(5, 3), 100);
}

static void test_left(void **state)
{
    (void)state;
    struct transfer_state s = {.bytes_total = 3000, .bytes_done = 1000};
    assert_int_equal(frame_left_ms(&s, 1000), 2000);
    assert_int_equal(frame_left_ms(&s, 0), -1);
    assert_int_equal(frame_left_ms(&s, -1), -1);
    s.bytes_done = 3001; /* a file grew while it was read */
    assert_int_equal(frame_left_ms(&s, 1000), -1);
}

static void test_rate(void **state)
{
    (void)state;
    struct rate r = {.n = 0};
    assert_true(frame_rate_now(&r) < 0);
    frame_rate_add(&r, 1000, 0);
    assert_true(frame_rate_now(&r) < 0);
    frame_rate_add(&r, 1050, 999999); /* too soon */
    assert_true(frame_rate_now(&r) < 0);
    frame_rate_add(&r, 2000, 1000);
    assert_true(frame_rate_now(&r) > 999 && frame_rate_now(&r) < 1001);
    /* Only the last seconds count: a stall shows. */
    for (int64_t ms = 2100; ms <= 20000; ms += 100)
        frame_rate_add(&r, ms, ms < 10000 ? (uint64_t)ms - 1000 : 9000);
    assert_true(frame_rate_now(&r) < 0.001 && frame_rate_now(&r) >= 0);
    frame_rate_add(&r, 20100, 14000);
    assert_true(frame_rate_now(&r) > 900 && frame_rate_now(&r) < 1100);
    frame_rate_add(&r, 100000, 14000); /* after a long silence there is nothing to compare with */
    assert_true(frame_rate_now(&r) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),      cmocka_unit_test(test_utf8_and_color),
        cmocka_unit_test(test_every_size), cmocka_unit_test(test_more_files_than_lines),
        cmocka_unit_test(test_fit),        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_left),       cmocka_unit_test(test_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
