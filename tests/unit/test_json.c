/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what the writer writes, and what loading refuses. */
#include "base/json.h"
#include "base/limits.h"
#include "unit.h"

static void writes(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    struct json_writer w;
    buf_init(&b, 4096);
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "s", STR("x"));
    jsonw_kstrz(&w, "none", NULL);
    jsonw_kstr(&w, "empty", STR_NULL);
    jsonw_ki64(&w, "i", INT64_MIN);
    jsonw_ku64(&w, "u", UINT64_MAX);
    jsonw_kbool(&w, "t", true);
    jsonw_kbool(&w, "f", false);
    jsonw_key(&w, "list");
    jsonw_list(&w);
    jsonw_i64(&w, 1);
    jsonw_list(&w);
    jsonw_list_done(&w);
    jsonw_object(&w);
    jsonw_object_done(&w);
    jsonw_nothing(&w);
    jsonw_raw(&w, STR("{\"raw\":1}"));
    jsonw_list_done(&w);
    jsonw_keys(&w, str_of("k\"ey", 4));
    jsonw_object(&w);
    jsonw_kstrz(&w, "a", "b");
    jsonw_object_done(&w);
    jsonw_object_done(&w);
    assert_true(buf_ok(&b));
    assert_string_equal(b.p, "{\"s\":\"x\",\"none\":null,\"empty\":\"\",\"i\":-9223372036854775808,"
                             "\"u\":18446744073709551615,\"t\":true,\"f\":false,"
                             "\"list\":[1,[],{},null,{\"raw\":1}],\"k\\\"ey\":{\"a\":\"b\"}}");
}

static void escapes(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *out;
    } cases[] = {
        {{"plain", 5}, "\"plain\""},
        {{"a\"b\\c/d", 7}, "\"a\\\"b\\\\c/d\""},
        {{"\b\t\n\v\f\r\x1f\x01\x7f", 9}, "\"\\b\\t\\n\\u000b\\f\\r\\u001f\\u0001\\u007f\""},
        {{"a\0b", 3}, "\"a\\u0000b\""},
        {{"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80!", 12},
         "\"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80!\""},
        {{"\xff", 1}, "\"\xef\xbf\xbd\""},
        {{"a\xc3", 2}, "\"a\xef\xbf\xbd\""},
        {{"\xc3(", 2}, "\"\xef\xbf\xbd(\""},
        {{"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {{"\xc0\xaf\xc3\xa9", 4}, "\"\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(buf) b = {0};
        struct json_writer w;
        buf_init(&b, 1000);
        jsonw_init(&w, &b);
        jsonw_str(&w, cases[i].in);
        assert_string_equal(b.p, cases[i].out);
    }
}

/* Every byte in every position comes back through the parser as itself or as U+FFFD. */
static void round_trip(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        AUTO(buf) b = {0};
        struct json_writer w;
        struct err e;
        char in[3] = {'<', (char)c, '>'};
        buf_init(&b, 1000);
        jsonw_init(&w, &b);
        jsonw_list(&w);
        jsonw_str(&w, str_of(in, 3));
        jsonw_list_done(&w);
        AUTO_JSON doc = json_load(buf_str(&b), ERR_BAD_REQUEST, &e);
        assert_non_null(doc);
        const char *text = json_string_value(json_array_get(doc, 0));
        if (c < 0x80)
            assert_memory_equal(text, in, 3);
        else
            assert_string_equal(text, "<\xef\xbf\xbd>");
    }
}

static void deepest(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    struct json_writer w;
    buf_init(&b, 1000);
    jsonw_init(&w, &b);
    for (int i = 0; i < 64; i++)
        jsonw_list(&w);
    for (int i = 0; i < 64; i++)
        jsonw_list_done(&w);
    assert_int_equal(b.n, 128);
    jsonw_init(&w, &b);
    buf_reset(&b);
    jsonw_list(&w);
    for (int i = 0; i < 3; i++) { /* what a level remembers is forgotten when it is left */
        jsonw_list(&w);
        jsonw_i64(&w, i);
        jsonw_list_done(&w);
        jsonw_object(&w);
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    assert_string_equal(b.p, "[[0],{},[1],{},[2],{}]");
}

static void too_deep(void *w)
{
    for (int i = 0; i < 65; i++)
        jsonw_list(w);
}

static void value_without_key(void *w)
{
    jsonw_object(w);
    jsonw_i64(w, 1);
}

static void key_in_list(void *w)
{
    jsonw_list(w);
    jsonw_key(w, "k");
}

static void key_alone(void *w)
{
    jsonw_key(w, "k");
}

static void key_twice(void *w)
{
    jsonw_object(w);
    jsonw_key(w, "k");
    jsonw_key(w, "k");
}

static void end_after_key(void *w)
{
    jsonw_object(w);
    jsonw_key(w, "k");
    jsonw_object_done(w);
}

static void wrong_end(void *w)
{
    jsonw_object(w);
    jsonw_list_done(w);
}

static void end_alone(void *w)
{
    jsonw_object_done(w);
}

static void misuse(void **state)
{
    (void)state;
    static void (*const wrong[])(void *) = {too_deep,  value_without_key, key_in_list, key_alone,
                                            key_twice, end_after_key,     wrong_end,   end_alone};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO(buf) b = {0};
        struct json_writer w;
        buf_init(&b, 1000);
        jsonw_init(&w, &b);
        assert_dies(wrong[i], &w);
    }
}

static void loads(void **state)
{
    (void)state;
    struct err e;
    AUTO_JSON doc = json_load(STR("{\"a\":\"x\\u00fc\",\"n\":12,\"e\":\"\"}"), ERR_BAD_REQUEST, &e);
    assert_non_null(doc);
    assert_str(json_get_str(doc, "a"), "x\xc3\xbc");
    assert_non_null(json_get_str(doc, "e").p);
    assert_null(json_get_str(doc, "n").p);
    assert_null(json_get_str(doc, "absent").p);
    assert_null(json_get_str(NULL, "a").p);
    AUTO_JSON nothing = NULL; /* is released too */
    assert_null(nothing);
}

static void refuse(struct str text, const char *why)
{
    struct err e = {.code = ERR_OK};
    json_t *doc = json_load(text, ERR_MANIFEST_INVALID, &e);
    assert_null(doc);
    if (e.code != ERR_MANIFEST_INVALID || !strstr(e.msg, why))
        fail_msg("%.*s: %s", S(str_head(text, 60)), e.msg);
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *why;
    } cases[] = {
        {{NULL, 0}, "line 1"},
        {{" ", 1}, "expected"},
        {{"nonsense", 8}, "line 1 column"},
        {{"\"text\"", 6}, "expected"},
        {{"{\"a\":1,}", 8}, "line 1 column"},
        {{"{\n \"a\": 1,\n \"b\" 2}", 18}, "line 3 column"},
        {{"{\"a\":1,\"a\":2}", 13}, "duplicate"},
        {{"{\"a\":{\"b\":1,\"b\":2}}", 19}, "duplicate"},
        {{"{\"a\":\"x\\u0000y\"}", 16}, "NUL"},
        {{"{\"x\\u0000y\":1}", 14}, "NUL"},
        {{"{\"a\":\"x\0y\"}", 11}, "control character"},
        {{"{}\0", 3}, "line 1"},
        {{"{} {}", 5}, "end of file"},
        {{"[\"\xff\"]", 5}, "UTF-8"},
        {{"[\"\\ud800\"]", 10}, "Unicode"},
        {{"[1e999]", 7}, "overflow"},
        {{"[99999999999999999999]", 22}, "too big"},
        {{"[01]", 4}, "line 1"},
        {{"[\"", 2}, "end of input"},
        {{"[\"\\", 3}, "line 1"},
        {{"]]]]", 4}, "line 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        refuse(cases[i].text, cases[i].why);
}

static void nest(struct buf *b, unsigned depth, const char *open, const char *close)
{
    buf_reset(b);
    for (unsigned i = 0; i < depth; i++)
        buf_addz(b, open);
    buf_addz(b, "[]");
    for (unsigned i = 0; i < depth; i++)
        buf_addz(b, close);
}

static void depth(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    struct err e;
    buf_init(&b, 16u << 20);
    nest(&b, LIMIT_JSON_DEPTH - 1, "[", "]");
    AUTO_JSON list = json_load(buf_str(&b), ERR_BAD_REQUEST, &e);
    assert_non_null(list);
    nest(&b, LIMIT_JSON_DEPTH - 1, "{\"k\":", "}");
    AUTO_JSON object = json_load(buf_str(&b), ERR_BAD_REQUEST, &e);
    assert_non_null(object);
    nest(&b, LIMIT_JSON_DEPTH, "[", "]");
    refuse(buf_str(&b), "line 1 column 65: nested deeper than 64 levels");
    nest(&b, LIMIT_JSON_DEPTH, "{\"k\":\n", "}");
    refuse(buf_str(&b), "line 65 column 1: nested deeper");
    nest(&b, 1u << 20, "[", "]");
    refuse(buf_str(&b), "nested deeper");
    /* Brackets in strings and beside each other do not nest. */
    buf_reset(&b);
    buf_addc(&b, '[');
    for (int i = 0; i < 200; i++)
        buf_addz(&b, "\"[[{\\\"[\\\\\",[],{},");
    buf_addz(&b, "1]");
    AUTO_JSON wide = json_load(buf_str(&b), ERR_BAD_REQUEST, &e);
    assert_non_null(wide);
    assert_int_equal(json_array_size(wide), 601);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes),  cmocka_unit_test(escapes), cmocka_unit_test(round_trip),
        cmocka_unit_test(deepest), cmocka_unit_test(misuse),  cmocka_unit_test(loads),
        cmocka_unit_test(refuses), cmocka_unit_test(depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
