/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes, secrets and ids: form, and that they differ. */
#include "base/random.h"
#include "unit.h"

static void bytes(void **state)
{
    (void)state;
    uint8_t a[1000] = {0}, b[1000] = {0};
    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    size_t zeros = 0;
    for (size_t i = 0; i < sizeof(a); i++)
        zeros += a[i] == 0;
    assert_true(zeros < 50); /* all of it was filled */
    random_bytes(NULL, 0);
}

static void letters(void **state)
{
    (void)state;
    unsigned seen[256] = {0};
    for (size_t n = 0; n < 200; n++) {
        char out[202];
        memset(out, '#', sizeof(out));
        random_alnum(out, n);
        assert_int_equal(strlen(out), n);
        assert_int_equal(out[n + 1], '#');
        for (size_t i = 0; i < n; i++)
            seen[(unsigned char)out[i]]++;
    }
    for (unsigned c = 0; c < 256; c++) {
        bool wanted = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        assert_int_equal(seen[c] != 0, wanted); /* each is expected 321 times */
    }
}

static void uuids(void **state)
{
    (void)state;
    char last[RANDOM_UUID_MAX] = "";
    for (int i = 0; i < 1000; i++) {
        char out[RANDOM_UUID_MAX];
        random_uuid(out);
        assert_int_equal(strlen(out), 36);
        for (size_t k = 0; k < 36; k++) {
            if (k == 8 || k == 13 || k == 18 || k == 23)
                assert_int_equal(out[k], '-');
            else
                assert_non_null(strchr("0123456789abcdef", out[k]));
        }
        assert_int_equal(out[14], '4');
        assert_non_null(strchr("89ab", out[19]));
        assert_string_not_equal(out, last);
        memcpy(last, out, sizeof(out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes),
        cmocka_unit_test(letters),
        cmocka_unit_test(uuids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
