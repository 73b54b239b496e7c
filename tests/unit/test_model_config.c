/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON files beside the weights, as transformers, PEFT, diffusers and timm write them. */
#include "base/limits.h"
#include "model/model_config.h"
#include "unit.h"

static struct arena arena;

static struct model_config read_as(const char *path, const char *text)
{
    struct model_config c = {0};
    unit_e = (struct err){.code = ERR_OK};
    if (model_config_add(&arena, str_from(path), str_from(text), &c, &unit_e) != 1)
        fail_msg("%s: %s", path, unit_e.msg);
    return c;
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4 * MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void transformers(void **state)
{
    (void)state;
    struct model_config c =
        read_as("config.json",
                "{\"architectures\":[\"Qwen2ForCausalLM\"],\"model_type\":\"qwen2\","
                "\"torch_dtype\":\"torch.bfloat16\",\"max_position_embeddings\":32768,"
                "\"auto_map\":{\"AutoModel\":\"modeling.X\"},\"transformers_version\":\"4.40\"}");
    assert_true(c.transformers && c.custom_code && !c.vision && !c.timm);
    assert_str(c.architecture, "Qwen2ForCausalLM");
    assert_str(c.model_type, "qwen2");
    assert_str(c.dtype, "bfloat16");
    assert_int_equal(c.context_length, 32768);
    /* A model of several parts, in newer and in older spelling. */
    c = read_as("config.json", "{\"model_type\":\"x\",\"architectures\":[\"A\"],\"dtype\":\"auto\","
                               "\"vision_config\":{},\"text_config\":{\"dtype\":\"float16\","
                               "\"n_positions\":2048.0}}");
    assert_true(c.transformers && c.vision && !c.audio);
    assert_str(c.dtype, "float16");
    assert_int_equal(c.context_length, 2048);
    c = read_as("config.json", "{\"thinker_config\":{\"audio_config\":{},\"text_config\":"
                               "{\"max_position_embeddings\":77}}}");
    assert_true(c.audio);
    assert_int_equal(c.context_length, 77);
    c = read_as("config.json", "{\"dtype\":{\"\":\"bfloat16\",\"text_config\":\"float32\"}}");
    assert_str(c.dtype, "bfloat16");
    c = read_as("config.json", "{\"dtype\":{\"vision\":\"x\",\"text_config\":\"float32\"}}");
    assert_str(c.dtype, "float32");
    c = read_as("config.json", "{\"architecture\":\"resnet50\",\"pretrained_cfg\":{}}");
    assert_true(c.timm && !c.transformers);
    assert_str(c.model_type, "resnet50");
}

static void quantization(void **state)
{
    static const struct {
        const char *path, *text, *method;
        unsigned bits;
    } rows[] = {
        {"config.json", "{\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}}", "gptq",
         4},
        {"config.json", "{\"quantization_config\":{\"load_in_4bit\":true,\"load_in_8bit\":false}}",
         "bitsandbytes", 4},
        {"config.json",
         "{\"quantization_config\":{\"quant_method\":\"bitsandbytes\",\"_load_in_8bit\":true}}",
         "bitsandbytes", 8},
        {"config.json",
         "{\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"config_groups\":"
         "{\"group_0\":{\"weights\":{\"num_bits\":4}}}}}",
         "compressed-tensors", 4},
        {"config.json", "{\"text_config\":{\"quantization_config\":{\"quant_method\":\"mxfp4\"}}}",
         "mxfp4", 0},
        {"config.json", "{\"quantization_config\":3}", "", 0},
        {"config.json", "{\"quantization_config\":{\"quant_method\":\"x\",\"bits\":1e9}}", "x", 0},
        {"quantize_config.json", "{\"bits\":4,\"group_size\":128}", "gptq", 4},
        {"quant_config.json", "{\"w_bit\":4,\"quant_method\":\"awq\"}", "awq", 4},
        {"hf_quant_config.json", "{\"quantization\":{\"quant_algo\":\"NVFP4\"}}", "nvfp4", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct model_config c = read_as(rows[i].path, rows[i].text);
        bool other = strcmp(rows[i].path, "config.json") != 0;
        assert_str(other ? c.other_quant_method : c.quant_method, rows[i].method);
        assert_int_equal(other ? c.other_quant_bits : c.quant_bits, rows[i].bits);
    }
    /* The order in which files are read makes no difference. */
    struct model_config a = {0}, b = {0};
    const struct str p1 = STR("quantize_config.json"), p2 = STR("hf_quant_config.json");
    const struct str t1 = STR("{\"bits\":8}"),
                     t2 = STR("{\"quantization\":{\"quant_algo\":\"FP8\"}}");
    assert_fine(model_config_add(&arena, p1, t1, &a, &unit_e));
    assert_fine(model_config_add(&arena, p2, t2, &a, &unit_e));
    assert_fine(model_config_add(&arena, p2, t2, &b, &unit_e));
    assert_fine(model_config_add(&arena, p1, t1, &b, &unit_e));
    assert_str(a.other_quant_method, "gptq");
    assert_str(b.other_quant_method, "gptq");
    assert_int_equal(b.other_quant_bits, 8);
}

static void others(void **state)
{
    (void)state;
    struct model_config c = read_as("adapter_config.json",
                                    "{\"base_model_name_or_path\":\"a/b\",\"peft_type\":\"LORA\"}");
    assert_true(c.adapter);
    assert_str(c.base_model, "a/b");
    assert_str(c.peft_type, "LORA");
    c = read_as("model_index.json", "{\"_class_name\":\"FluxPipeline\"}");
    assert_str(c.pipeline, "FluxPipeline");
    c = read_as("generation_config.json", "{}");
    assert_true(c.generates);
    c = read_as("modules.json", "[]");
    assert_true(c.sentence_transformers);
    c = read_as("tokenizer_config.json",
                "{\"model_max_length\":512,\"chat_template\":\"{{ x }}\"}");
    assert_true(c.chat_template && !c.template_tools && !c.template_thinks);
    assert_int_equal(c.tokenizer_length, 512);
    c = read_as("tokenizer_config.json",
                "{\"chat_template\":[{\"name\":\"default\",\"template\":\"mytools\"},"
                "{\"name\":\"tool_use\",\"template\":\"{% if tools %}<think>\"}]}");
    assert_true(c.chat_template && c.template_tools && c.template_thinks);
    c = read_as("chat_template.jinja", "{%- if tools_in_user_message %}");
    assert_true(c.chat_template && !c.template_tools);
    c = read_as("chat_template.json", "{\"chat_template\":\"tools\"}");
    assert_true(c.template_tools);
    assert_int_equal(model_config_add(&arena, STR("sub/config.json"), STR("{"), &c, NULL), 0);
    assert_false(model_config_knows(STR("tokenizer.json")));
    assert_true(model_config_knows(STR("config.json")));
}

/* What Python's json module writes and reads, and JSON does not know. */
static void pythons(void **state)
{
    struct model_config c;
    (void)state;
    c = read_as("config.json", "{\"a\":[0.0, Infinity],\"b\":NaN,\"c\":-Infinity,"
                               "\"s\":\"NaN Infinity 1000000000000000000000 \\\" NaN\","
                               "\"n_ctx\":1024}");
    assert_int_equal(c.context_length, 1024);
    c = read_as("tokenizer_config.json",
                "{\"model_max_length\":1000000000000000019884624838656,\"chat_template\":\"x\"}");
    assert_true(c.chat_template);
    assert_int_equal(c.tokenizer_length, 0);
    static const char *const numbers[] = {"9223372036854775808",
                                          "18446744073709551616",
                                          "-99999999999999999999",
                                          "1234567890123456789",
                                          "0.12345678901234567890123",
                                          "12345678901234567890.5",
                                          "1e5",
                                          "12345678901234567890e5"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "{\"x\":%s,\"n_ctx\":7}", numbers[i]);
        assert_int_equal(read_as("config.json", text).context_length, 7);
    }
    char digits[700];
    int n = snprintf(digits, sizeof(digits), "{\"n_ctx\":7,\"x\":");
    memset(digits + n, '9', 600);
    memcpy(digits + n + 600, "}", 2);
    assert_int_equal(read_as("config.json", digits).context_length, 7);
    c = read_as("config.json", "\xef\xbb\xbf{\"n_ctx\":7}");
    assert_int_equal(c.context_length, 7);
}

static void nonsense(void **state)
{
    static const char *const texts[] = {
        "[1]", "{}", "{\"model_type\":7,\"architectures\":\"x\",\"dtype\":[],\"n_ctx\":-5}",
        "{\"n_ctx\":\"x\",\"text_config\":[],\"architectures\":[1],\"max_seq_len\":1e300}",
        "{\"dtype\":\"\\u0007\",\"quantization_config\":{\"quant_method\":{},\"config_groups\":7}"
        "}"};
    struct model_config c, none = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        c = read_as("config.json", texts[i]);
        assert_memory_equal(&c, &none, sizeof(c));
    }
    c = none;
    assert_err(model_config_add(&arena, STR("config.json"), STR("{\"a\":"), &c, &unit_e),
               MODEL_INVALID, "config.json: JSON, line 1");
    assert_err(model_config_add(&arena, STR("config.json"), STR(""), &c, &unit_e), MODEL_INVALID,
               "config.json: JSON");
    AUTO_FREE char *large = mem_zalloc(LIMIT_MODEL_FACTS + 1);
    assert_err(model_config_add(&arena, STR("config.json"), str_of(large, LIMIT_MODEL_FACTS + 1),
                                &c, &unit_e),
               MODEL_INVALID, "config.json is larger than");
    struct arena tiny;
    arena_init(&tiny, 8);
    assert_err(model_config_add(&tiny, STR("config.json"),
                                STR("{\"model_type\":\"a long word for it\",\"n_ctx\":1}"), &c,
                                &unit_e),
               LIMIT, "too much");
    arena_done(&tiny);
    assert_memory_equal(&c, &none, sizeof(c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transformers, setup, teardown),
        cmocka_unit_test_setup_teardown(quantization, setup, teardown),
        cmocka_unit_test_setup_teardown(others, setup, teardown),
        cmocka_unit_test_setup_teardown(pythons, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
