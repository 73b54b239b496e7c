/* SPDX-License-Identifier: Apache-2.0 */
/* Digests: what parses, what does not, and the canonical text. */
#include "base/digest.h"
#include "unit.h"

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void algorithms(void **state)
{
    (void)state;
    enum digest_alg alg = DIGEST_SHA256;
    assert_string_equal(digest_alg_name(DIGEST_SHA256), "sha256");
    assert_string_equal(digest_alg_name(DIGEST_SHA512), "sha512");
    assert_int_equal(digest_alg_size(DIGEST_SHA256), 32);
    assert_int_equal(digest_alg_size(DIGEST_SHA512), 64);
    assert_fine(digest_alg_parse(STR("sha512"), &alg, &unit_e));
    assert_int_equal(alg, DIGEST_SHA512);
    assert_err(digest_alg_parse(STR("md5"), &alg, &unit_e), DIGEST_INVALID, "'md5'");
    assert_err(digest_alg_parse(STR("SHA256"), &alg, &unit_e), DIGEST_INVALID, "not a supported");
    assert_err(digest_alg_parse(STR_NULL, &alg, &unit_e), DIGEST_INVALID, "not a supported");
    assert_int_equal(alg, DIGEST_SHA512);
}

static void parses(void **state)
{
    (void)state;
    struct digest d, other;
    assert_fine(digest_parse(STR("sha256:" HEX64), &d, &unit_e));
    assert_int_equal(d.alg, DIGEST_SHA256);
    assert_string_equal(d.text, "sha256:" HEX64);
    assert_string_equal(digest_hex(&d), HEX64);
    assert_str(digest_str(&d), "sha256:" HEX64);
    assert_fine(digest_parse(STR("sha512:" HEX64 HEX64), &other, &unit_e));
    assert_string_equal(digest_hex(&other), HEX64 HEX64);
    assert_false(digest_eq(&d, &other));
    assert_true(digest_eq(&d, &d));
    /* A view into something longer. */
    assert_fine(digest_parse(str_of("sha256:" HEX64 "/more", 71), &other, &unit_e));
    assert_true(digest_eq(&d, &other));
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "is not a digest"},
        {"sha256", "is not a digest"},
        {HEX64, "is not a digest"},
        {":" HEX64, "not a supported"},
        {"md5:d41d8cd98f00b204e9800998ecf8427e", "not a supported"},
        {"sha256 :" HEX64, "not a supported"},
        {"sha256:", "has 0 digits"},
        {"sha256:" HEX64 "0", "has 65 digits"},
        {"sha256:" HEX64 HEX64, "has 128 digits"},
        {"sha512:" HEX64, "has 64 digits where sha512 has 128"},
        {"sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "lower-case"},
        {"sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "lower-case"},
        {"sha256:../../../../../../../../../../../../../../../../../../../../../x", "lower-case"},
        {"sha256::3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "lower-case"},
    };
    struct digest d = {.text = "untouched"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(digest_parse(str_from(bad[i].text), &d, &unit_e), DIGEST_INVALID, bad[i].why);
    assert_err(digest_parse(STR_NULL, &d, &unit_e), DIGEST_INVALID, "is not a digest");
    char nul[] = "sha256:" HEX64;
    nul[30] = '\0';
    assert_err(digest_parse(str_of(nul, sizeof(nul) - 1), &d, &unit_e), DIGEST_INVALID,
               "lower-case");
    char huge[5000];
    memset(huge, 'a', sizeof(huge));
    assert_err(digest_parse(str_of(huge, sizeof(huge)), &d, &unit_e), DIGEST_INVALID,
               "not a digest");
    assert_string_equal(d.text, "untouched");
}

static void from_raw(void **state)
{
    (void)state;
    uint8_t raw[DIGEST_RAW_MAX];
    struct digest d, back;
    for (size_t i = 0; i < sizeof(raw); i++)
        raw[i] = (uint8_t)(i * 4 + 3);
    for (unsigned alg = 0; alg < DIGEST_ALG_COUNT; alg++) {
        digest_from_raw((enum digest_alg)alg, raw, &d);
        assert_fine(digest_parse(digest_str(&d), &back, &unit_e));
        assert_true(digest_eq(&d, &back));
        assert_int_equal(strlen(digest_hex(&d)), 2 * digest_alg_size((enum digest_alg)alg));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(algorithms),
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(from_raw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
