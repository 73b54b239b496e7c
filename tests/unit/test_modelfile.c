/* SPDX-License-Identifier: Apache-2.0 */
/* Modelfile: every directive, quoting, mistakes with their line, and writing what was read. */
#include "base/glob.h"
#include "base/limits.h"
#include "model/modelfile.h"
#include "unit.h"

static struct arena arena;

static const char full[] = "# what is packed\n"
                           "NAME tiny\n"
                           "  arch transformer\n"
                           "Family \"my family\"\r\n"
                           "FORMAT\tsafetensors\n"
                           "PARAMSIZE 0.6B\n"
                           "PRECISION bf16\n"
                           "QUANTIZATION awq\n"
                           "\n"
                           "DATASET data/**\n"
                           "CONFIG *.json\n"
                           "MODEL \"weights \\\"a\\\".bin\"\n"
                           "CODE ./run.py\n"
                           "CODE a\\\\[1].py\n"
                           "DOC read\\ me\n"
                           "   # the end";

static void all(void **state)
{
    static const struct {
        const char *glob;
        enum model_kind kind;
        unsigned line;
    } rows[] = {
        {"data/**", MODEL_DATASET, 10},          {"*.json", MODEL_WEIGHT_CONFIG, 11},
        {"weights \"a\".bin", MODEL_WEIGHT, 12}, {"run.py", MODEL_CODE, 13},
        {"a\\[1].py", MODEL_CODE, 14},           {"read me", MODEL_DOC, 15},
    };
    static const char *const values[] = {"tiny", "transformer", "my family", "safetensors",
                                         "0.6B", "bf16",        "awq"};
    struct modelfile m;
    AUTO(buf) out = {0};
    (void)state;
    assert_fine(modelfile_parse(&arena, "M", str_from(full), &m, &unit_e));
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        assert_str(m.values[i], values[i]);
    assert_int_equal(m.n_patterns, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_str(m.patterns[i].glob, rows[i].glob);
        assert_int_equal(m.patterns[i].kind, rows[i].kind);
        assert_int_equal(m.patterns[i].line, rows[i].line);
    }
    buf_init(&out, MIB);
    modelfile_write(&out, &m);
    assert_string_equal(out.p, "NAME tiny\nARCH transformer\nFAMILY \"my family\"\n"
                               "FORMAT safetensors\nPARAMSIZE 0.6B\nPRECISION bf16\n"
                               "QUANTIZATION awq\n\nCONFIG *.json\n\n"
                               "MODEL \"weights \\\"a\\\".bin\"\n\nCODE run.py\n"
                               "CODE a\\\\[1].py\n\nDOC \"read me\"\n\nDATASET data/**\n");
}

static void nothing(void **state)
{
    struct modelfile m;
    AUTO(buf) out = {0};
    (void)state;
    assert_fine(modelfile_parse(&arena, "M", STR("\n# x\n \t\n"), &m, &unit_e));
    assert_int_equal(m.n_patterns, 0);
    buf_init(&out, MIB);
    modelfile_write(&out, &m);
    assert_string_equal(out.p, "");
    assert_fine(modelfile_parse(&arena, "M",
                                STR("\xef\xbb\xbf"
                                    "MODEL a"),
                                &m, &unit_e));
    assert_int_equal(m.n_patterns, 1);
}

static void mistakes(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"NAME a\nNAME b", "M, line 2: NAME is said in line 1 already"},
        {"\n\nMODLE x", "M, line 3: unknown directive \"MODLE\"; did you mean MODEL?"},
        {"modle x", "did you mean MODEL?"},
        {"FROM x", "unknown directive \"FROM\"; there are NAME"},
        {"CODE", "line 1: CODE needs a value"},
        {"CODE \"\"", "CODE needs a value"},
        {"CODE a b", "CODE takes one value; put \"quotes\""},
        {"NAME \"a\" b", "NAME takes one value"},
        {"CODE \"a", "a quote is not closed"},
        {"CODE a\\", "ends in a backslash"},
        {"CODE /etc/passwd", "is absolute"},
        {"CODE a/../../b", "holds \"..\""},
        {"CODE ..", "holds \"..\""},
        {"CODE data/", "names a directory; name its files, with /** all of them"},
        {"CODE a//b", "empty part"},
        {"CODE a/./b", "empty part or a \".\""},
        {"CODE [a", "the pattern \"[a\" has a '['"},
        {"CODE [\x1b", "the pattern \"[?\" has"},
        {"NAME a\x1b", "control character"},
        {"CODE a\r\r", "the pattern \"a?\" holds a control character"},
        {"CODE \xff", "the pattern \"?\" is not UTF-8"},
        {"NAME \xff", "not UTF-8"},
    };
    struct modelfile m;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_err(modelfile_parse(&arena, "M", str_from(rows[i].text), &m, &unit_e), MODEL_INVALID,
                   rows[i].why);
}

static struct str repeat(const char *line, size_t n)
{
    size_t len = strlen(line);
    char *p = arena_alloc(&arena, n * len + 1);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * len, line, len);
    return str_of(p, n * len);
}

static void ceilings(void **state)
{
    struct modelfile m;
    AUTO_FREE char *name = mem_printf("NAME %.*s", S(repeat("x", LIMIT_MODELFILE_VALUE)));
    AUTO_FREE char *longer = mem_printf("%sx", name);
    (void)state;
    assert_fine(modelfile_parse(&arena, "M", str_from(name), &m, &unit_e));
    assert_err(modelfile_parse(&arena, "M", str_from(longer), &m, &unit_e), MODEL_INVALID, "long");
    assert_fine(modelfile_parse(&arena, "M", repeat("CODE a\n", LIMIT_MODEL_FILES), &m, &unit_e));
    assert_err(modelfile_parse(&arena, "M", repeat("CODE a\n", LIMIT_MODEL_FILES + 1), &m, &unit_e),
               LIMIT, "line 50001");
    assert_fine(modelfile_parse(&arena, "M", repeat("CODE *\n", LIMIT_GLOBS), &m, &unit_e));
    assert_err(modelfile_parse(&arena, "M", repeat("CODE *\n", LIMIT_GLOBS + 1), &m, &unit_e),
               LIMIT, "line 4097");
    assert_err(modelfile_parse(&arena, "M", repeat("\n", LIMIT_MODELFILE + 1), &m, &unit_e), LIMIT,
               "larger");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all), cmocka_unit_test(nothing),
                                       cmocka_unit_test(mistakes), cmocka_unit_test(ceilings)};
    arena_init(&arena, 64 * MIB);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return rc;
}
