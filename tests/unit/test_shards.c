/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a sharded model: what it says, what is refused, and whether the files agree. */
#include "base/buf.h"
#include "base/limits.h"
#include "model/shards.h"
#include "unit.h"

static int read_text(struct arena *a, const char *text, struct shards *ret, struct err *e)
{
    struct str bytes = str_from(text);
    struct model_reader r = model_reader_memory(&bytes);
    return shards_read(a, &r, ret, e);
}

static const char index_text[] =
    "{\"metadata\":{\"total_size\":123,\"x\":[1]},\"other\":{\"y\":1},\"weight_map\":{"
    "\"lm_head\":\"m-2.safetensors\",\"embed\":\"m-1.safetensors\",\"a\":\"m-2.safetensors\"}}\n";

static void reads(void **state)
{
    AUTO(arena) a = {0};
    struct shards s;
    (void)state;
    arena_init(&a, 1 * MIB);
    assert_fine(read_text(&a, index_text, &s, &unit_e));
    assert_int_equal(s.total_size, 123);
    assert_int_equal(s.n_files, 2);
    assert_str(s.files[0], "m-1.safetensors");
    assert_str(s.files[1], "m-2.safetensors");
    assert_int_equal(s.n_tensors, 3);
    assert_str(s.tensors[0].name, "a");
    assert_str(s.tensors[0].file, "m-2.safetensors");
    assert_str(s.tensors[1].name, "embed");
    assert_str(s.tensors[1].file, "m-1.safetensors");
    assert_str(s.tensors[2].name, "lm_head");
    /* sizes as some writers have them are no error */
    assert_fine(read_text(&a, "{\"metadata\":{\"total_size\":1.5e9},\"weight_map\":{\"a\":\"b\"}}",
                          &s, &unit_e));
    assert_int_equal(s.total_size, 0);
    assert_fine(read_text(&a, "{\"metadata\":[1],\"weight_map\":{\"a\":\"d/b\"}}", &s, &unit_e));
    assert_str(s.files[0], "d/b");
}

static void refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "ends too early"},
        {"[]", "must be an object"},
        {"{}", "\"weight_map\" with tensors is missing"},
        {"{\"weight_map\":{}}", "is missing"},
        {"{\"weight_map\":[]}", "must be an object"},
        {"{\"weight_map\":{\"a\":1}}", "must be names of files"},
        {"{\"weight_map\":{\"a\":\"b\"},\"weight_map\":{\"a\":\"b\"}}", "appears twice"},
        {"{\"weight_map\":{\"a\":\"b\",\"a\":\"c\"}}", "the tensor \"a\" appears twice"},
        {"{\"weight_map\":{\"a\":\"../b\"}}", "\"..\""},
        {"{\"weight_map\":{\"a\":\"/b\"}}", "is absolute"},
        {"{\"weight_map\":{\"a\":\"\"}}", "is empty"},
        {"{\"weight_map\":{\"a\":\"b\"}}x", "behind the end"},
        {"{\"weight_map\":{\"a\":\"b\"}", "ends too early"},
    };
    AUTO(arena) a = {0};
    struct shards s;
    (void)state;
    arena_init(&a, 1 * MIB);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_err(read_text(&a, rows[i].text, &s, &unit_e), MODEL_INVALID, rows[i].why);
}

static void ceilings(void **state)
{
    AUTO(arena) a = {0};
    AUTO(buf) text = {0};
    struct shards s;
    (void)state;
    arena_init(&a, 64 * MIB);
    buf_init(&text, 16 * MIB);
    buf_addz(&text, "{\"weight_map\":{");
    for (size_t i = 0; i <= LIMIT_MODEL_FILES; i++)
        buf_addf(&text, "%s\"t%zu\":\"f%zu\"", i ? "," : "", i, i * 7919 % 100003);
    buf_addz(&text, "}}");
    assert_err(read_text(&a, text.p, &s, &unit_e), LIMIT, "files");

    struct model_reader r = {.size = LIMIT_WEIGHT_HEADER + 1};
    assert_err(shards_read(&a, &r, &s, &unit_e), LIMIT, "100000000");
}

static void agreement(void **state)
{
    const struct str both[] = {STR("x"), STR("m-2.safetensors"), STR("m-1.safetensors")};
    struct weight_tensor tensors[] = {
        {.name = STR("lm_head")}, {.name = STR("extra")}, {.name = STR("a")}};
    struct weights w = {.tensors = tensors, .n_tensors = 3};
    AUTO(arena) a = {0};
    struct shards s;
    (void)state;
    arena_init(&a, 1 * MIB);
    assert_fine(read_text(&a, index_text, &s, &unit_e));
    assert_fine(shards_check_files(&s, both, 3, &unit_e));
    assert_err(shards_check_files(&s, both, 2, &unit_e), MODEL_INVALID,
               "the file \"m-1.safetensors\", which the index names, is missing");
    assert_err(shards_check_files(&s, NULL, 0, &unit_e), MODEL_INVALID, "is missing");
    assert_fine(shards_check_tensors(&s, STR("m-2.safetensors"), &w, &unit_e));
    assert_fine(shards_check_tensors(&s, STR("unnamed"), &w, &unit_e));
    assert_err(shards_check_tensors(&s, STR("m-1.safetensors"), &w, &unit_e), MODEL_INVALID,
               "\"m-1.safetensors\" lacks the tensor \"embed\"");
    w.n_tensors = 2;
    assert_err(shards_check_tensors(&s, STR("m-2.safetensors"), &w, &unit_e), MODEL_INVALID,
               "lacks the tensor \"a\"");
}

static void names(void **state)
{
    (void)state;
    assert_true(shards_is_index(STR("d/model.safetensors.index.json")));
    assert_true(shards_is_index(STR("pytorch_model.bin.index.json")));
    assert_false(shards_is_index(STR("faiss.index.json")));
    assert_false(shards_is_index(STR("model.safetensors")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),     cmocka_unit_test(refused), cmocka_unit_test(ceilings),
        cmocka_unit_test(agreement), cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
