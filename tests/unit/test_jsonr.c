/* SPDX-License-Identifier: Apache-2.0 */
/* The streaming reader of JSON: tokens whatever the pieces, strictness, ceilings, places of errors.
 */
#include "base/jsonr.h"
#include "base/limits.h"
#include "unit.h"

/* A text that comes in pieces of `step` bytes. */
struct source {
    struct str rest;
    size_t step;
    bool fails;
};

static int more(void *self, struct str *ret, struct err *e)
{
    struct source *s = self;
    if (s->fails && s->rest.n < s->step)
        return ERR(e, NETWORK, "gone");
    *ret = str_head(s->rest, s->step);
    s->rest = str_skip(s->rest, ret->n);
    return 0;
}

/* All tokens as one line: { } [ ] K(..) S(..) N(..) t f n . */
static int walk(struct jsonr *r, struct buf *out, struct err *e)
{
    static const char marks[] = ".{}[]KSNtfn";
    do {
        if (jsonr_next(r, e) < 0)
            return -1;
        buf_addc(out, marks[r->type]);
        if (r->type == JSONR_KEY || r->type == JSONR_STRING || r->type == JSONR_NUMBER)
            buf_addf(out, "(%.*s)", S(r->text));
    } while (r->type != JSONR_END);
    return 0;
}

static int tokens_in_steps(const char *text, size_t step, struct buf *out, struct err *e)
{
    struct source source = {.rest = str_from(text), .step = step};
    AUTO(jsonr) r = {0};
    buf_reset(out);
    jsonr_init(&r, more, &source, 1000, ERR_MODEL_INVALID);
    return walk(&r, out, e);
}

static int tokens(const char *text, struct buf *out, struct err *e)
{
    AUTO(jsonr) r = {0};
    buf_reset(out);
    jsonr_init_memory(&r, str_from(text), 1000, ERR_MODEL_INVALID);
    return walk(&r, out, e);
}

static void every_piece(void **state)
{
    static const struct {
        const char *text, *tokens;
    } rows[] = {
        {"{}", "{}."},
        {" [ ] \n", "[]."},
        {"{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}",
         "{K(a)N(1)K(b)[tfn]K(c){K(d)S(e)}}."},
        {"[-0,0,10,-1.5,2e3,1E-2,0.5e+1]", "[N(-0)N(0)N(10)N(-1.5)N(2e3)N(1E-2)N(0.5e+1)]."},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\uD83D\\ude00\"",
         "S(\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80)."},
        {"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"",
         "S(\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f)."},
        {"17", "N(17)."},
        {"[[],[[]],{}]", "[[][[]]{}]."},
        {"{\"\":\"\"}", "{K()S()}."},
    };
    AUTO(buf) out = {0};
    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_fine(tokens(rows[i].text, &out, &unit_e));
        assert_str(buf_str(&out), rows[i].tokens);
        for (size_t step = 1; step < 8; step++) {
            assert_fine(tokens_in_steps(rows[i].text, step, &out, &unit_e));
            assert_str(buf_str(&out), rows[i].tokens);
        }
    }
}

static void refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "line 1 column 1: the text ends too early"},
        {"  ", "ends too early"},
        {"{", "ends too early"},
        {"[1,", "ends too early"},
        {"{\"a\"", "a colon is expected"},
        {"{\"a\" 1}", "a colon is expected"},
        {"{\"a\":}", "a value is expected"},
        {"{\"a\":1,}", "a key is expected"},
        {"{,}", "a key is expected"},
        {"{1:2}", "a key is expected"},
        {"[1,]", "a value is expected"},
        {"[,1]", "a value is expected"},
        {"[1 2]", "a comma or ] is expected"},
        {"[1}", "a comma or ] is expected"},
        {"{\"a\":1]", "a comma or } is expected"},
        {"]", "a value is expected"},
        {"{}x", "text behind the end"},
        {"1 1", "text behind the end"},
        {"01", "not a number"},
        {"-", "not a number"},
        {"1.", "not a number"},
        {".5", "a value is expected"},
        {"+1", "a value is expected"},
        {"1e", "not a number"},
        {"1e+", "not a number"},
        {"-01", "not a number"},
        {"NaN", "a value is expected"},
        {"tru", "ends too early"},
        {"trux", "no such value"},
        {"nul]", "no such value"},
        {"\"a", "ends too early"},
        {"\"a\nb\"", "a control character"},
        {"\"\\x\"", "no such escape"},
        {"\"\\u12g4\"", "four hexadecimal digits"},
        {"\"\\u0000\"", "NUL"},
        {"\"\\ud800\"", "surrogate"},
        {"\"\\ud800x\"", "surrogate"},
        {"\"\\ud800\\u0041\"", "surrogate"},
        {"\"\\ud800\\n\"", "surrogate"},
        {"\"\\ud800\\ue000\"", "surrogate"},
        {"\"\\udc00\"", "surrogate"},
        {"\"\xc3\"", "not UTF-8"},
        {"\"\xc0\x80\"", "not UTF-8"},
        {"\"\x80\"", "not UTF-8"},
        {"\"\xed\xa0\x80\"", "not UTF-8"},
        {"\"\xf5\x80\x80\x80\"", "not UTF-8"},
        {"\"\xe2\x82\"", "not UTF-8"},
        {"\xef\xbb\xbf{}", "a value is expected"},
        {"'a'", "a value is expected"},
        {"// x\n1", "a value is expected"},
        {"\v1", "a value is expected"},
        {"{\n \"a\": 1,\n \"b\": x}", "line 3 column 7"},
    };
    AUTO(buf) out = {0};
    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_err(tokens(rows[i].text, &out, &unit_e), MODEL_INVALID, rows[i].why);
        for (size_t step = 1; step < 4; step++)
            assert_err(tokens_in_steps(rows[i].text, step, &out, &unit_e), MODEL_INVALID,
                       rows[i].why);
    }
}

static void nested(void **state)
{
    char text[2 * LIMIT_JSON_DEPTH + 8] = "";
    AUTO(buf) out = {0};
    (void)state;
    buf_init(&out, 4096);
    memset(text, '[', LIMIT_JSON_DEPTH);
    memset(text + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
    assert_fine(tokens(text, &out, &unit_e));
    memset(text, '[', LIMIT_JSON_DEPTH + 1);
    memset(text + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH + 1);
    assert_err(tokens(text, &out, &unit_e), MODEL_INVALID, "nested too deep");
}

/* Objects and lists in turn, up to the last level: each knows its own bracket. */
static void levels(void **state)
{
    AUTO(buf) text = {0}, out = {0};
    (void)state;
    buf_init(&text, 4096);
    buf_init(&out, 4096);
    for (int i = 0; i < LIMIT_JSON_DEPTH; i++)
        buf_addz(&text, i % 2 ? "[" : "{\"k\":");
    buf_addz(&text, "1");
    for (int i = LIMIT_JSON_DEPTH; i-- > 0;)
        buf_addz(&text, i % 2 ? "]" : "}");
    /* The innermost is a list; "{k:" wants a value, and has one. */
    assert_fine(tokens(text.p, &out, &unit_e));
}

static void ceiling(void **state)
{
    AUTO(jsonr) r = {0};
    (void)state;
    jsonr_init_memory(&r, STR("[\"12345\",\"123456\",\"1234\xc3\xa9\",\"12\"]"), 5,
                      ERR_MODEL_INVALID);
    assert_fine(jsonr_next(&r, &unit_e));
    assert_fine(jsonr_next(&r, &unit_e));
    assert_str(r.text, "12345");
    assert_int_equal(r.text_length, 5);
    assert_fine(jsonr_next(&r, &unit_e));
    assert_str(r.text, "12345");
    assert_int_equal(r.text_length, 6);
    assert_fine(jsonr_next(&r, &unit_e));
    assert_str(r.text, "1234"); /* no half of a character */
    assert_int_equal(r.text_length, 6);
    assert_fine(jsonr_next(&r, &unit_e));
    assert_str(r.text, "12"); /* and it is over with the string */
    assert_int_equal(r.text_length, 2);
}

static void skipping(void **state)
{
    AUTO(jsonr) r = {0};
    (void)state;
    jsonr_init_memory(&r, STR("{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":3,\"e\":[4]}"), 100, ERR_CONFIG);
    assert_fine(jsonr_next(&r, &unit_e)); /* { */
    assert_fine(jsonr_next(&r, &unit_e)); /* a */
    assert_fine(jsonr_skip(&r, &unit_e));
    assert_int_equal(r.depth, 1);
    assert_fine(jsonr_next(&r, &unit_e));
    assert_str(r.text, "d");
    assert_fine(jsonr_next(&r, &unit_e));
    assert_fine(jsonr_skip(&r, &unit_e)); /* a number is read already */
    assert_fine(jsonr_next(&r, &unit_e));
    assert_str(r.text, "e");
    assert_fine(jsonr_next(&r, &unit_e));
    assert_int_equal(r.type, JSONR_LIST);
    assert_fine(jsonr_skip(&r, &unit_e));
    assert_fine(jsonr_next(&r, &unit_e));
    assert_int_equal(r.type, JSONR_OBJECT_DONE);
    assert_fine(jsonr_next(&r, &unit_e));
    assert_int_equal(r.type, JSONR_END);
    assert_fine(jsonr_next(&r, &unit_e));
    assert_int_equal(r.type, JSONR_END);
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"-1", false, 0},
        {"-0", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"\"1\"", false, 0},
        {"100000000000000000000000000000000000000001", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t v = 7;
        AUTO(jsonr) r = {0};
        jsonr_init_memory(&r, str_from(rows[i].text), 21, ERR_MODEL_INVALID);
        assert_fine(jsonr_next(&r, &unit_e));
        assert_int_equal(jsonr_u64(&r, &v), rows[i].good);
        assert_true(v == (rows[i].good ? rows[i].value : 7));
    }
}

static void source_fails(void **state)
{
    struct source source = {.rest = STR("[\"abc\", 1]"), .step = 4, .fails = true};
    AUTO(jsonr) r = {0};
    AUTO(buf) out = {0};
    (void)state;
    buf_init(&out, 100);
    jsonr_init(&r, more, &source, 100, ERR_MODEL_INVALID);
    assert_err(walk(&r, &out, &unit_e), NETWORK, "gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece), cmocka_unit_test(refused),      cmocka_unit_test(nested),
        cmocka_unit_test(levels),      cmocka_unit_test(ceiling),      cmocka_unit_test(skipping),
        cmocka_unit_test(numbers),     cmocka_unit_test(source_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
