/* SPDX-License-Identifier: Apache-2.0 */
/* Base64: RFC 4648 section 10 vectors, both alphabets, everything malformed. */
#include "base/base64.h"
#include "unit.h"

static const struct {
    const char *plain, *coded, *url;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/", "-_-_"},
    {"admin:pa:ss", "YWRtaW46cGE6c3M=", "YWRtaW46cGE6c3M"},
};

static void known(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        AUTO(buf) b = {0};
        buf_init(&b, 100);
        base64_encode(&b, str_from(vectors[i].plain));
        assert_string_equal(b.p, vectors[i].coded);
        buf_reset(&b);
        base64url_encode(&b, str_from(vectors[i].plain));
        assert_string_equal(b.p, vectors[i].url);
        buf_reset(&b);
        assert_true(base64_decode(&b, str_from(vectors[i].coded)));
        assert_string_equal(b.p, vectors[i].plain);
        buf_reset(&b);
        assert_true(base64_decode(&b, str_from(vectors[i].url)));
        assert_string_equal(b.p, vectors[i].plain);
    }
}

static void round_trip(void **state)
{
    (void)state;
    uint8_t raw[300];
    for (size_t i = 0; i < sizeof(raw); i++)
        raw[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t n = 0; n <= sizeof(raw); n++) {
        AUTO(buf) text = {0};
        AUTO(buf) back = {0};
        buf_init(&text, 1000);
        buf_init(&back, n);
        base64_encode(&text, str_of((const char *)raw, n));
        assert_int_equal(text.n, (n + 2) / 3 * 4);
        assert_true(base64_decode(&back, buf_str(&text)));
        assert_int_equal(back.n, n);
        assert_memory_equal(back.p, raw, n);
    }
}

static void malformed(void **state)
{
    (void)state;
    static const char *const bad[] =
        {
            "Z",     "Zm9vY",  "=",      "==",         "Z===", "Zg=",      "Zg===",
            "Zm8==", "Zm9v=",  "Zm9v==", "Zm9v====",   "Z=g=", "Zg==Zg==", "Zm 9v",
            " Zm9v", "Zm9v\n", "Zm9v!",  "Zm\xc3\xbc", "+/-_", "-/aa",     "Zh==",
            "Zh",    "Zo==",   "Zm9=",   "Zm9", /* bits that belong to no byte */
        };
    AUTO(buf) b = {0};
    buf_init(&b, 100);
    buf_addz(&b, "before");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (base64_decode(&b, str_from(bad[i])))
            fail_msg("%s was taken", bad[i]);
        assert_string_equal(b.p, "before");
        assert_true(buf_ok(&b));
    }
    assert_false(base64_decode(&b, str_of("Zm\0v", 4)));
    assert_true(base64_decode(&b, STR_NULL));
    assert_string_equal(b.p, "before");
}

static void full(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 8);
    buf_addz(&b, "before");
    assert_false(base64_decode(&b, STR("Zm9v")));
    assert_string_equal(b.p, "before");
    buf_reset(&b);
    assert_false(base64_decode(&b, STR("Zm9vYmFyYmF6")));
    assert_string_equal(b.p, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(malformed),
        cmocka_unit_test(full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
