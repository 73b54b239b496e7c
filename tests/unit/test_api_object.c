/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of the API: written, read, refused. */
#include "api/object.h"
#include "base/limits.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct part {
    int64_t n;
};
static const struct api_field part_fields[] = {
    {"n", API_INT, offsetof(struct part, n), API_REQUIRED, NULL, 0, "A number."},
};
static const struct api_object part = {
    .name = "Part", .size = sizeof(struct part), .fields = part_fields, .n = 1, .doc = "A part."};

struct whole {
    int64_t number;
    bool truth, sure;
    struct str text, json;
    int64_t time;
    const struct part *part;
    struct api_list parts;
    struct api_strs words;
    struct api_ints numbers;
};
static const struct api_field whole_fields[] = {
    {"number", API_INT, offsetof(struct whole, number), 0, NULL, 0, "A number."},
    {"truth", API_BOOL, offsetof(struct whole, truth), 0, NULL, 0, "A truth."},
    {"sure", API_BOOL, offsetof(struct whole, sure), API_ALWAYS, NULL, 0, "Always there."},
    {"text", API_STR, offsetof(struct whole, text), 0, NULL, 5, "A text."},
    {"time", API_TIME, offsetof(struct whole, time), 0, NULL, 0, "A time."},
    {"part", API_OBJECT, offsetof(struct whole, part), 0, &part, 0, "A part."},
    {"parts", API_LIST, offsetof(struct whole, parts), 0, &part, 0, "Parts."},
    {"words", API_STRS, offsetof(struct whole, words), 0, NULL, 0, "Words."},
    {"numbers", API_INTS, offsetof(struct whole, numbers), 0, NULL, 0, "Numbers."},
    {"json", API_JSON, offsetof(struct whole, json), 0, NULL, 0, "Anything."},
};
static const struct api_object whole = {.name = "Whole",
                                        .size = sizeof(struct whole),
                                        .fields = whole_fields,
                                        .n = ARRAY_LEN(whole_fields),
                                        .doc = "All of it."};

static void expect(const struct whole *w, const char *text)
{
    AUTO(buf) out = {0};
    struct json_writer writer;
    buf_init(&out, MIB);
    jsonw_init(&writer, &out);
    api_object_write(&writer, &whole, w);
    assert_string_equal(out.p, text);
}

static void test_write(void **state)
{
    (void)state;
    struct part parts[] = {{1}, {0}};
    struct str words[] = {STR("a"), STR("\"")};
    int64_t numbers[] = {3, -4};
    struct whole w = {0};

    expect(&w, "{\"sure\":false,\"time\":\"0001-01-01T00:00:00.000Z\",\"parts\":null,"
               "\"words\":null,\"numbers\":null}");
    w = (struct whole){.number = -7,
                       .truth = true,
                       .sure = true,
                       .text = STR("x"),
                       .json = STR("{\"k\":[1]}"),
                       .time = 1,
                       .part = parts,
                       .parts = {parts, 2},
                       .words = {words, 2},
                       .numbers = {numbers, 2}};
    expect(&w, "{\"number\":-7,\"truth\":true,\"sure\":true,\"text\":\"x\","
               "\"time\":\"1970-01-01T00:00:00.001Z\",\"part\":{\"n\":1},\"parts\":[{\"n\":1},{}],"
               "\"words\":[\"a\",\"\\\"\"],\"numbers\":[3,-4],\"json\":{\"k\":[1]}}");
}

static void test_read(void **state)
{
    (void)state;
    AUTO(arena) a = {0};
    struct whole w = {0};
    struct api_given given;
    struct err e;

    arena_init(&a, MIB);
    assert_int_equal(
        api_object_read(&a, &whole,
                        STR("{\"number\":-7,\"truth\":true,\"sure\":null,\"text\":\"vier\","
                            "\"time\":\"1970-01-01T00:00:00.001Z\",\"part\":{\"n\":1,\"id\":9},"
                            "\"parts\":[{\"n\":1},{\"n\":2}],\"words\":[\"a\",\"b\"],"
                            "\"numbers\":[3,-4],\"json\":{\"k\":[1]},\"is_admin\":true}"),
                        &w, &given, &e),
        0);
    expect(&w, "{\"number\":-7,\"truth\":true,\"sure\":false,\"text\":\"vier\","
               "\"time\":\"1970-01-01T00:00:00.001Z\",\"part\":{\"n\":1},"
               "\"parts\":[{\"n\":1},{\"n\":2}],"
               "\"words\":[\"a\",\"b\"],\"numbers\":[3,-4],\"json\":{\"k\":[1]}}");
    assert_true(api_given(&whole, &given, "number"));
    assert_true(api_given(&whole, &given, "json"));
    assert_false(api_given(&whole, &given, "sure"));
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum err_code code;
        const char *names; /* what the message must hold */
    } cases[] = {
        {"", ERR_BAD_REQUEST, "missing"},
        {"  ", ERR_BAD_REQUEST, "missing"},
        {"{", ERR_BAD_REQUEST, "JSON"},
        {"[]", ERR_BAD_REQUEST, "object"},
        {"{\"number\":1,\"number\":2}", ERR_BAD_REQUEST, "number"},
        {"{\"number\":\"1\"}", ERR_BAD_REQUEST, "\"number\" must be a whole number"},
        {"{\"number\":1.5}", ERR_BAD_REQUEST, "\"number\""},
        {"{\"truth\":1}", ERR_BAD_REQUEST, "\"truth\""},
        {"{\"text\":[]}", ERR_BAD_REQUEST, "\"text\""},
        {"{\"text\":\"sechs.\"}", ERR_UNPROCESSABLE, "\"text\""},
        {"{\"time\":\"gestern\"}", ERR_BAD_REQUEST, "\"time\""},
        {"{\"part\":[]}", ERR_BAD_REQUEST, "\"part\""},
        {"{\"part\":{}}", ERR_UNPROCESSABLE, "\"n\" is required"},
        {"{\"parts\":{}}", ERR_BAD_REQUEST, "\"parts\""},
        {"{\"parts\":[{\"n\":1},{\"n\":\"x\"}]}", ERR_BAD_REQUEST, "\"n\""},
        {"{\"words\":[1]}", ERR_BAD_REQUEST, "\"words\""},
        {"{\"numbers\":[\"1\"]}", ERR_BAD_REQUEST, "\"numbers\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(arena) a = {0};
        struct whole w = {0};
        struct err e = {0};
        arena_init(&a, MIB);
        if (api_object_read(&a, &whole, str_from(cases[i].body), &w, NULL, &e) == 0)
            fail_msg("%s was taken", cases[i].body);
        if (e.code != cases[i].code || !strstr(e.msg, cases[i].names))
            fail_msg("%s: %s", cases[i].body, e.msg);
    }
    /* Longer than the ceilings. */
    AUTO(arena) a = {0};
    AUTO(buf) body = {0};
    struct whole w = {0};
    struct err e = {0};
    arena_init(&a, MIB);
    buf_init(&body, MIB);
    buf_addz(&body, "{\"numbers\":[0");
    for (int i = 0; i < LIMIT_API_ITEMS; i++)
        buf_addz(&body, ",0");
    buf_addz(&body, "]}");
    assert_int_equal(api_object_read(&a, &whole, buf_str(&body), &w, NULL, &e), -1);
    assert_int_equal(e.code, ERR_UNPROCESSABLE);
    buf_reset(&body);
    buf_addz(&body, "{\"json\":\"");
    for (int i = 0; i <= LIMIT_API_TEXT; i++)
        buf_addc(&body, 'x');
    buf_addz(&body, "\"}");
    assert_int_equal(api_object_read(&a, &whole, buf_str(&body), &w, NULL, &e), -1);
    assert_int_equal(e.code, ERR_UNPROCESSABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
