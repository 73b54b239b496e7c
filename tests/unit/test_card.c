/* SPDX-License-Identifier: Apache-2.0 */
/* Model cards: front matter in every form that the hub takes, what is refused with line and key,
 * titles. */
#include "base/buf.h"
#include "base/limits.h"
#include "model/card.h"
#include "unit.h"

static struct arena arena;
static struct model_card card;

static int parse(struct str text)
{
    return model_card_parse(&arena, text, &card, &unit_e);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, LIMIT_MODEL_ARENA);
    card = (struct model_card){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void assert_list(const struct model_list *l, const char *joined)
{
    char text[512];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < l->n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? "|" : "", S(l->items[i]));
    assert_string_equal(text, joined);
}

static void whole(void **state)
{
    static const char text[] = "---\n"
                               "# a comment\n"
                               "license: other\n"
                               "license_name: \"qwen-research\"\n"
                               "license_link: https://example.org/LICENSE\n"
                               "language:\n"
                               "- en\n"
                               "- no\n"
                               "- 'zh'\n"
                               "base_model: Qwen/Qwen3-0.6B\n"
                               "base_model_relation: quantized\n"
                               "datasets: [squad, org/data, squad]\n"
                               "pipeline_tag: text-generation\n"
                               "library_name: transformers\n"
                               "tags: [a, 3, 1.5, true, 2024-01-01]\n"
                               "co2_eq_emissions:\n"
                               "  emissions: 3\n"
                               "model-index:\n"
                               "- name: x\n"
                               "  results: [{task: {type: t}, metrics: [{value: 1}]}]\n"
                               "---\n"
                               "Text.\n"
                               "\n"
                               "# The **model** `X`\n";
    (void)state;
    assert_fine(parse(str_from(text)));
    assert_list(&card.licenses, "other");
    assert_str(card.license_name, "qwen-research");
    assert_str(card.license_link, "https://example.org/LICENSE");
    assert_list(&card.languages, "en|no|zh");
    assert_list(&card.base_models, "Qwen/Qwen3-0.6B");
    assert_str(card.base_model_relation, "quantized");
    assert_list(&card.datasets, "squad|org/data");
    assert_str(card.pipeline_tag, "text-generation");
    assert_str(card.library_name, "transformers");
    assert_list(&card.tags, "a|3|1.5|true|2024-01-01");
    assert_str(card.title, "The model X");
    assert_true(strncmp(text + card.text_at, "Text.\n", 6) == 0);
}

/* A text where a list is expected, a list where a text is, and nothing at all. */
static void kindness(void **state)
{
    (void)state;
    assert_fine(parse(STR("---\nlanguage: en\nlicense: [mit, apache-2.0]\npipeline_tag: [a, b]\n"
                          "tags:\ndatasets: ~\nbase_model: null\nlibrary_name: ''\n---\n")));
    assert_list(&card.languages, "en");
    assert_list(&card.licenses, "mit|apache-2.0");
    assert_str(card.pipeline_tag, "a");
    assert_list(&card.tags, "");
    assert_list(&card.datasets, "");
    assert_list(&card.base_models, "");
    assert_true(card.library_name.n == 0);
    /* Folded and quoted texts become one line. */
    assert_fine(parse(STR("---\nlicense_name: >\n  one\n  two\n---\n")));
    assert_str(card.license_name, "one two");
    /* Anchors and tags without aliases do no harm. */
    assert_fine(parse(STR("---\nlicense: &l mit\ntags: !!seq [!!str a]\n---\n")));
    assert_list(&card.licenses, "mit");
}

static void places(void **state)
{
    static const struct {
        const char *text, *license, *rest;
    } rows[] = {
        {"", NULL, ""},
        {"# no front matter", NULL, "# no front matter"},
        {"a\n---\nlicense: mit\n---\n", NULL, "a\n---\nlicense: mit\n---\n"},
        {"---\n---\nx", NULL, "x"},
        {"---\n# only a comment\n---\nx", NULL, "x"},
        {"---\r\nlicense: mit\r\n---\r\nx", "mit", "x"},
        {"\xef\xbb\xbf---\nlicense: mit\n---\nx", "mit", "x"},
        {"\n \n---  \nlicense: mit\n--- \nx", "mit", "x"},
        {"---\nlicense: mit\n---", "mit", ""},
        {"---\nlicense: mit\n---\n---\nlicense: x\n---\n", "mit", "---\nlicense: x\n---\n"},
        {"---\nlicense: mit\n----\n---\n", NULL, NULL}, /* refused: "----" is no key */
        {"----\nlicense: mit\n---\n", NULL, "----\nlicense: mit\n---\n"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = str_from(rows[i].text);
        if (!rows[i].rest) {
            assert_int_equal(parse(text), -1);
            continue;
        }
        assert_fine(parse(text));
        assert_list(&card.licenses, rows[i].license ? rows[i].license : "");
        assert_str(str_skip(text, card.text_at), rows[i].rest);
        assert_int_equal(model_card_text_at(text), card.text_at);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"---\nlicense: mit\n", "line 1: the front matter that begins here has no end"},
        {"\n\n---\nlicense: mit\n", "line 3: the front matter that begins here has no end"},
        {"---\nlicense: {a: b}\n---\n", "line 2, key \"license\": a text or a list of texts"},
        {"---\nx: 1\ntags:\n- a\n- b: c\n---\n", "line 5, key \"tags\": a text or a list"},
        {"---\ntags: [[a]]\n---\n", "line 2, key \"tags\": a text or a list"},
        {"---\npipeline_tag: {a: b}\n---\n", "line 2, key \"pipeline_tag\": a text is expected"},
        {"---\nlicense: mit\nx: y\nlicense: mit\n---\n",
         "line 4, key \"license\": given twice, first in line 2"},
        {"---\nx: &a [b]\ntags: *a\n---\n", "line 3, key \"tags\": aliases"},
        {"---\nx: &a [b]\ny: [*a, *a]\n---\n", "line 3: aliases"},
        {"---\nlicense: \"mit\n---\n", "key \"license\": not valid YAML"},
        {"---\nlicense: mit\n\tx: y\n---\n", "not valid YAML"},
        {"---\nlicense: a: b\n---\n", "line 2: not valid YAML: mapping values"},
        {"---\n- a\n---\n", "line 2: the front matter must be a mapping"},
        {"---\nword\n---\n", "line 2: the front matter must be a mapping"},
        {"---\n[a]: b\n---\n", "line 2: a key must be a single word"},
        {"---\na: b\n--- c\n---\n", "line 3: a second YAML document"},
        {"---\nlicense: \"a\\0b\"\n---\n", "key \"license\": holds a control character"},
        {"---\nlicense: \"\\e[31m\"\n---\n", "key \"license\": holds a control character"},
        {"---\nlicense: \xff\n---\n", "not valid YAML"},
        {"---\nx: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n---\n", "line 2: nested too deeply"},
    };
    struct model_card before = {.text_at = 77};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        card = before;
        assert_err(parse(str_from(rows[i].text)), MODEL_INVALID, rows[i].why);
        assert_true(str_starts(str_from(unit_e.msg), STR("README.md, line ")));
        assert_memory_equal(&card, &before, sizeof(card));
    }
}

static struct str repeat(const char *head, const char *piece, size_t n, const char *tail)
{
    size_t len = strlen(piece), at = strlen(head);
    char *p = arena_alloc(&arena, at + n * len + strlen(tail) + 1);
    memcpy(p, head, at);
    for (size_t i = 0; i < n; i++, at += len)
        memcpy(p + at, piece, len);
    memcpy(p + at, tail, strlen(tail) + 1);
    return str_of(p, at + strlen(tail));
}

static void ceilings(void **state)
{
    (void)state;
    assert_fine(parse(repeat("---\nlicense: ", "x", LIMIT_MODEL_WORD, "\n---\n")));
    assert_err(parse(repeat("---\nlicense: ", "x", LIMIT_MODEL_WORD + 1, "\n---\n")), MODEL_INVALID,
               "longer than");
    assert_err(parse(repeat("---\nx: ", "xxxxxxxx", LIMIT_MODEL_CARD / 8, "\n---\n")), LIMIT,
               "larger than");
    /* The text behind may be large. */
    assert_fine(parse(repeat("---\nlicense: mit\n---\n", "12345678\n", LIMIT_MODEL_CARD / 8, "")));

    AUTO(buf) many = {0};
    buf_init(&many, MIB);
    buf_addz(&many, "---\ntags: [");
    for (int i = 0; i <= LIMIT_MODEL_LIST; i++)
        buf_addf(&many, "t%d,", i);
    buf_addz(&many, "]\n---\n");
    assert_err(parse(buf_str(&many)), MODEL_INVALID, "key \"tags\": has more than 8192 entries");
}

static void titles(void **state)
{
    static const struct {
        const char *text, *title;
    } rows[] = {
        {"# One\n# Two", "One"},
        {"text\n\n## Two\n\n# One\n", "One"},
        {"## Two\n### Three\n", "Two"},
        {"One\n===\n", "One"},
        {"Two\n---\n# One", "One"},
        {"# One #\n", "One"},
        {"# C#\n", "C#"},
        {"#One\n", ""},
        {"####### seven\n", ""},
        {"```\n# comment\n```\n# One", "One"},
        {"~~~py\n# comment\n```\n# still\n~~~\n# One", "One"},
        {"<!-- \n# hidden\n-->\n# One", "One"},
        {"<!-- x --># One\n# Two", "Two"},
        {"# [Name](https://example.org) *of* **it**", "Name of it"},
        {"# ![logo](a.png)\n# One", "One"},
        {"# <img src=\"x\"> One", "One"},
        {"<h1 align=\"center\">One</h1>", "One"},
        {"# \\*One\\*", "*One*"},
        {"# \xe6\xa8\xa1\xe5\x9e\x8b\r\n", "\xe6\xa8\xa1\xe5\x9e\x8b"},
        {"# \x1b[31mred\n# One", "One"},
        {"no heading", ""},
        {"# One <b", "One <b"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_fine(parse(str_from(rows[i].text)));
        if (!str_eqz(card.title, rows[i].title))
            fail_msg("row %zu: \"%.*s\"", i, S(card.title));
    }
    assert_fine(parse(repeat("# ", "x", LIMIT_MODEL_TITLE + 1, "\n# One")));
    assert_str(card.title, "One");
}

static void languages(void **state)
{
    static const struct {
        const char *typed, *code;
    } rows[] = {{"en", "en"},     {"EN", "en"},           {"eng", "en"},     {"ger", "de"},
                {"deu", "de"},    {"pt-BR", "pt"},        {"zh_Hans", "zh"}, {"zu", "zu"},
                {"aa", "aa"},     {"xx", NULL},           {"", NULL},        {"e", NULL},
                {"code", NULL},   {"multilingual", NULL}, {"engl", NULL},    {"-en", NULL},
                {"en:eng", NULL}, {"a b", NULL}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[3] = "";
        const char *code = model_language(str_from(rows[i].typed), out);
        if (rows[i].code ? !code || strcmp(code, rows[i].code) != 0 : code != NULL)
            fail_msg("%s is %s", rows[i].typed, code ? code : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole, setup, teardown),
        cmocka_unit_test_setup_teardown(kindness, setup, teardown),
        cmocka_unit_test_setup_teardown(places, setup, teardown),
        cmocka_unit_test_setup_teardown(refused, setup, teardown),
        cmocka_unit_test_setup_teardown(ceilings, setup, teardown),
        cmocka_unit_test_setup_teardown(titles, setup, teardown),
        cmocka_unit_test(languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
