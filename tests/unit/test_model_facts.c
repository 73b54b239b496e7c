/* SPDX-License-Identifier: Apache-2.0 */
/* Facts: who is trusted before whom, what is counted, what may be set, what the config says. */
#include "base/buf.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/modelpack.h"
#include "unit.h"

static struct model_facts f;

static int setup(void **state)
{
    (void)state;
    model_facts_init(&f);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    model_facts_done(&f);
    return 0;
}

static void again(void)
{
    model_facts_done(&f);
    model_facts_init(&f);
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

static const struct weight_dtype bf16 = {"BF16", "bfloat16", 1, 16};
static const struct weight_dtype f16 = {"F16", "float16", 1, 16};
static const struct weight_dtype f32 = {"F32", "float32", 1, 32};
static const struct weight_dtype i32 = {"I32", "int32", 1, 32};
static const struct weight_dtype u8 = {"U8", "uint8", 1, 8};
static const struct weight_dtype q4_k = {"Q4_K", NULL, 256, 1152};

static void count(struct weight_totals *t, const struct weight_dtype *type, uint64_t elements)
{
    t->counts[t->n_counts++] =
        (struct weight_count){.dtype = type, .tensors = 1, .elements = elements};
    t->parameters += elements;
}

static void add(const char *path, const char *text)
{
    model_facts_add_file(&f, str_from(path), str_from(text));
}

/* ---- sources ---- */

static void card(void **state)
{
    (void)state;
    add("README.md", "---\nlicense: apache-2.0\nlanguage: [en, eng, zh, multilingual, code, haw]\n"
                     "datasets: [squad, https://example.org/d]\nbase_model: Qwen/Qwen3-0.6B\n"
                     "pipeline_tag: text-generation\ntags: [x]\n---\n# A title\n");
    model_facts_resolve(&f);
    assert_list(&f.licenses, "Apache-2.0");
    assert_list(&f.languages, "en|zh");
    assert_list(&f.datasets, "squad|https://example.org/d");
    assert_list(&f.base_models, "Qwen/Qwen3-0.6B");
    assert_str(f.base_relation, "finetune");
    assert_str(f.task, "text-generation");
    assert_str(f.title, "A title");
    assert_list(&f.tags, "x");
    assert_list(&f.input_types, "text");
    assert_list(&f.output_types, "text");
    assert_int_equal(f.warnings.n, 0);

    again();
    add("README.md",
        "---\nlicense: other\nlicense_name: qwen-research\nbase_model: [a/b, c/d]\n---\n");
    model_facts_resolve(&f);
    assert_list(&f.licenses, "LicenseRef-qwen-research");
    assert_str(f.base_relation, "merge");
    again();
    add("README.md", "---\nlicense: unknown\n---\n");
    model_facts_resolve(&f);
    assert_list(&f.licenses, "");
}

/* Broken files leave a warning, and the rest of what they say. */
static void broken(void **state)
{
    (void)state;
    add("README.md", "---\nlicense: {a: b}\n---\n# The title\n");
    add("config.json", "{\"model_type\":");
    add("tokenizer.json", "{");
    model_facts_resolve(&f);
    model_facts_resolve(&f);
    assert_int_equal(f.warnings.n, 2);
    assert_non_null(strstr(f.warnings.items[0].p, "README.md, line 2, key \"license\""));
    assert_non_null(strstr(f.warnings.items[1].p, "config.json: JSON"));
    assert_str(f.title, "The title");
    assert_list(&f.licenses, "");
}

static void trust(void **state)
{
    struct weight_totals t = {.format = "safetensors"};
    (void)state;
    model_facts_guess(&f, STR("repo"), STR("gguf"));
    add("config.json",
        "{\"model_type\":\"qwen2\",\"architectures\":[\"Qwen2ForCausalLM\"],\"torch_dtype\":"
        "\"float16\",\"max_position_embeddings\":4096,\"transformers_version\":\"4\"}");
    model_facts_resolve(&f);
    assert_str(f.name, "repo");
    assert_str(f.format, "gguf");
    assert_str(f.precision, "float16");
    assert_str(f.architecture, "transformer");
    assert_str(f.family, "qwen2");
    assert_str(f.library, "transformers");
    assert_str(f.task, "text-generation");
    assert_str(f.model_class, "Qwen2ForCausalLM");
    assert_true(f.param_size.n == 0 && f.parameters == 0);
    assert_int_equal(f.context_length, 4096);

    /* The weights know better than config.json and than names. */
    count(&t, &bf16, 596000000);
    t.context_length = 2048;
    model_facts_add_weights(&f, &t);
    model_facts_resolve(&f);
    assert_str(f.format, "safetensors");
    assert_str(f.precision, "bfloat16");
    assert_str(f.param_size, "596M");
    assert_int_equal(f.parameters, 596000000);
    assert_int_equal(f.context_length, 2048);

    /* What is set beats all, whenever it was set. */
    assert_fine(model_facts_set(&f, "precision", STR("fp8, F32"), &unit_e));
    assert_fine(model_facts_set(&f, "PARAMSIZE", STR("6.7b"), &unit_e));
    assert_fine(model_facts_set(&f, "arch", STR("cnn"), &unit_e));
    assert_fine(model_facts_set(&f, "family", STR(""), &unit_e));
    model_facts_resolve(&f);
    assert_str(f.precision, "float8_e4m3,float32");
    assert_str(f.param_size, "6.7b");
    assert_str(f.architecture, "cnn");
    assert_true(f.family.n == 0);
    assert_str(f.format, "safetensors");
}

static void gguf(void **state)
{
    struct weight_totals t = {.format = "gguf",
                              .architecture = STR("qwen2"),
                              .name = STR("Qwen 2"),
                              .license = STR("apache-2.0"),
                              .quantization = STR("Q4_K_M"),
                              .chat_template = STR("{% if tools %}")};
    (void)state;
    count(&t, &q4_k, 1500000000);
    count(&t, &f32, 1000000);
    add("config.json", "{\"torch_dtype\":\"bfloat16\"}"); /* what it was quantised from */
    model_facts_add_weights(&f, &t);
    model_facts_resolve(&f);
    assert_str(f.format, "gguf");
    assert_str(f.family, "qwen2");
    assert_str(f.architecture, "transformer");
    assert_str(f.title, "Qwen 2");
    assert_list(&f.licenses, "Apache-2.0");
    assert_str(f.quantization, "Q4_K_M");
    assert_str(f.param_size, "1.5B");
    assert_str(f.library, "gguf");
    assert_true(f.precision.n == 0); /* the words for Q4_K are missing, and F32 is too little */
    assert_int_equal(f.tool_usage, MODEL_YES);
    assert_int_equal(f.reasoning, MODEL_UNSAID);
    /* The card knows more of licence and title. */
    add("README.md", "---\nlicense: mit\n---\n# Other");
    assert_fine(model_facts_set(&f, "tool-usage", STR("no"), &unit_e));
    model_facts_resolve(&f);
    assert_list(&f.licenses, "MIT");
    assert_str(f.title, "Other");
    assert_int_equal(f.tool_usage, MODEL_NO);

    again();
    t = (struct weight_totals){
        .format = "gguf", .quantization = STR("F16"), .architecture = STR("rwkv7")};
    count(&t, &f16, 1000);
    model_facts_add_weights(&f, &t);
    model_facts_resolve(&f);
    assert_true(f.quantization.n == 0);
    assert_str(f.precision, "float16");
    assert_str(f.architecture, "rnn");
}

static void counted(void **state)
{
    struct weight_totals t = {.format = "safetensors"};
    (void)state;
    count(&t, &bf16, 980);
    count(&t, &f16, 11);
    count(&t, &f32, 9);
    model_facts_add_weights(&f, &t);
    model_facts_resolve(&f);
    assert_str(f.precision, "bfloat16,float16"); /* float32 holds less than one in a hundred */

    /* GPTQ packs eight weights into an int32, which is no precision of the model. */
    again();
    t = (struct weight_totals){.format = "safetensors"};
    count(&t, &i32, 1000000);
    count(&t, &f16, 500000);
    model_facts_add_weights(&f, &t);
    add("config.json", "{\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}}");
    model_facts_resolve(&f);
    assert_int_equal(f.parameters, 8500000);
    assert_str(f.precision, "float16");
    assert_str(f.quantization, "gptq");

    /* Only integers: config.json has the word. */
    again();
    t = (struct weight_totals){.format = "safetensors"};
    count(&t, &u8, 1000000);
    model_facts_add_weights(&f, &t);
    add("config.json",
        "{\"torch_dtype\":\"bfloat16\",\"quantization_config\":{\"load_in_4bit\":true}}");
    model_facts_resolve(&f);
    assert_int_equal(f.parameters, 2000000);
    assert_str(f.precision, "bfloat16");
    /* Nothing is packed with eight bits of eight. */
    again();
    model_facts_add_weights(&f, &t);
    add("config.json",
        "{\"torch_dtype\":\"bfloat16\",\"quantization_config\":{\"load_in_8bit\":true}}");
    model_facts_resolve(&f);
    assert_int_equal(f.parameters, 1000000);
    assert_str(f.precision, "uint8");
}

static void kinds(void **state)
{
    (void)state;
    add("adapter_config.json", "{\"base_model_name_or_path\":\"a/b\",\"peft_type\":\"LORA\"}");
    model_facts_resolve(&f);
    assert_list(&f.base_models, "a/b");
    assert_str(f.base_relation, "adapter");
    assert_str(f.library, "peft");
    again();
    add("adapter_config.json", "{\"base_model_name_or_path\":\"/home/me/model\"}");
    model_facts_resolve(&f);
    assert_list(&f.base_models, "");
    again();
    add("model_index.json", "{\"_class_name\":\"FluxPipeline\"}");
    model_facts_resolve(&f);
    assert_str(f.library, "diffusers");
    assert_str(f.architecture, "diffusion");
    again();
    add("config.json", "{\"architecture\":\"resnet50.a1\",\"pretrained_cfg\":{}}");
    model_facts_resolve(&f);
    assert_str(f.architecture, "cnn");
    assert_str(f.library, "timm");
    again();
    add("config.json", "{\"model_type\":\"qwen2_vl\",\"architectures\":"
                       "[\"Qwen2VLForConditionalGeneration\"],\"vision_config\":{}}");
    model_facts_resolve(&f);
    assert_str(f.task, "image-text-to-text");
    assert_list(&f.input_types, "text|image");
    assert_list(&f.output_types, "text");
    assert_fine(model_facts_set(&f, "input-type", STR("Video"), &unit_e));
    assert_fine(model_facts_set(&f, "task", STR("sentence-similarity"), &unit_e));
    model_facts_resolve(&f);
    assert_list(&f.input_types, "video");
    assert_list(&f.output_types, "embedding");
    again();
    add("config.json", "{\"architectures\":[\"XForRewardModel\"],\"model_type\":\"x\"}");
    model_facts_resolve(&f);
    assert_int_equal(f.reward, MODEL_YES);
}

/* ---- setting ---- */

static void set_good(void **state)
{
    static const char *const pairs[] = {
        "name=a model",
        "family=llama3",
        "architecture=transformer",
        "format=gguf",
        "param-size=0.5T",
        "paramSize=100m",
        "precision=bf16,bfloat16",
        "quantization=Q4_K_M",
        "license=mit OR apache-2.0",
        "author=Ada <ada@example.org>",
        "title=T",
        "description= two\n lines ",
        "version=1.0",
        "vendor=V",
        "source-url=https://example.org/a?b=c",
        "sourceURL=git+ssh://example.org/x",
        "doc_url=oci://example.org/x",
        "revision=0123abc",
        "language=DEU",
        "dataset=org/name",
        "base-model=a/b",
        "task=text-generation",
        "input-type=text",
        "output-type=embedding",
        "reasoning=yes",
        "tool-usage=false",
        "reward=off",
        "knowledge-cutoff=2024-06",
        "knowledge-cutoff=2024-02-29",
        "knowledge-cutoff=2024-06-30T12:00:00+02:00",
        "knowledge-cutoff=",
        "license=",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        assert_fine(model_facts_set_pair(&f, str_from(pairs[i]), &unit_e));
    assert_str(f.description, "two lines");
    assert_list(&f.languages, "de");
    assert_int_equal(f.reasoning, MODEL_YES);
    assert_int_equal(f.reward, MODEL_NO);
    assert_str(f.source_url, "git+ssh://example.org/x");
    assert_true(f.knowledge_cutoff.n == 0 && f.licenses.n == 0);
    assert_fine(model_facts_set_pair(&f, STR("knowledge-cutoff=2024-06"), &unit_e));
    assert_str(f.knowledge_cutoff, "2024-06-01T00:00:00.000Z");
    /* Lists grow, others are replaced. */
    assert_fine(model_facts_set_pair(&f, STR("license=mit"), &unit_e));
    assert_fine(model_facts_set_pair(&f, STR("license=gemma"), &unit_e));
    assert_list(&f.licenses, "MIT|LicenseRef-gemma");
    /* A set list takes the place of the card's. */
    add("README.md", "---\nlicense: bsd\nlanguage: fr\n---\n");
    model_facts_resolve(&f);
    assert_list(&f.licenses, "MIT|LicenseRef-gemma");
    assert_list(&f.languages, "de");
}

static void set_bad(void **state)
{
    static const struct {
        const char *pair, *why;
    } rows[] = {
        {"nothing", "is not KEY=VALUE"},
        {"=x", "no fact is called \"\""},
        {"licens=x", "did you mean \"license\"?"},
        {"zzzzzz=x", "no fact is called \"zzzzzz\""},
        {"param-size=7 billion", "no param-size; it has to be a number"},
        {"param-size=7", "no param-size"},
        {"param-size=6.75B", "no param-size"},
        {"param-size=.7B", "no param-size"},
        {"param-size=7.B", "no param-size"},
        {"param-size=B", "no param-size"},
        {"param-size=7G", "no param-size"},
        {"precision=int4", "no precision; it has to be one or more of float64"},
        {"precision=float32,", "no precision"},
        {"family=two words", "no family"},
        {"license=()", "no license"},
        {"license=unknown", "no license"},
        {"source-url=example.org", "no source-url"},
        {"source-url=https://", "no source-url"},
        {"source-url=https://a b", "no source-url"},
        {"doc-url=://x", "no doc-url"},
        {"language=xx", "no language"},
        {"language=haw", "no language"},
        {"task=Text Generation", "no task"},
        {"input-type=smell", "one of text, image"},
        {"reasoning=maybe", "true or false"},
        {"knowledge-cutoff=2023-02-29", "no knowledge-cutoff"},
        {"knowledge-cutoff=soon", "no knowledge-cutoff"},
        {"knowledge-cutoff=1969-01", "no knowledge-cutoff"},
        {"name=a\x1b[31m", "the value of name holds a control character"},
        {"name=\xff", "the value of name is not UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_err(model_facts_set_pair(&f, str_from(rows[i].pair), &unit_e), USAGE, rows[i].why);
    assert_int_equal(f.set, 0);
    AUTO_FREE char *text = mem_zalloc(LIMIT_MODEL_WORD + 2);
    memset(text, 'x', LIMIT_MODEL_WORD + 1);
    assert_err(model_facts_set(&f, "title", str_from(text), &unit_e), USAGE, "longer than");
}

/* Every key can be said and unsaid. */
static void keys(void **state)
{
    size_t n;
    const struct model_fact_key *all = model_facts_keys(&n);
    (void)state;
    assert_int_equal(n, 26);
    for (size_t i = 0; i < n; i++) {
        assert_fine(model_facts_set(&f, all[i].name, STR(""), &unit_e));
        assert_true(strlen(all[i].help) > 0);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(all[i].name, all[k].name);
    }
    assert_int_equal(f.set, (UINT64_C(1) << n) - 1);
}

/* ---- the config ---- */

static void fill_file(struct modelpack_file *file)
{
    *file = (struct modelpack_file){.path = STR("a"), .kind = MODEL_DOC, .mode = 0644, .size = 1};
    assert_fine(
        digest_parse(STR("sha256:cd9b15ec66a06a8b03e1653ddd7df8e45f32d85b93cd8e2b8a2cdf1a55c9b0ee"),
                     &file->digest, &unit_e));
}

static void written(void **state)
{
    AUTO(buf) out = {0};
    struct modelpack_file file;
    static const char *const pairs[] = {"name=n",
                                        "family=f",
                                        "architecture=cnn",
                                        "format=onnx",
                                        "param-size=1.5B",
                                        "precision=float16,int8",
                                        "quantization=awq",
                                        "license=mit OR zlib",
                                        "license=gemma",
                                        "author=A",
                                        "author=B",
                                        "title=T",
                                        "description=D",
                                        "version=1",
                                        "vendor=V",
                                        "source-url=https://s",
                                        "doc-url=https://d",
                                        "revision=r",
                                        "language=en",
                                        "dataset=org/a b",
                                        "dataset=org/a",
                                        "dataset=https://example.org/d",
                                        "base-model=Qwen/Q",
                                        "input-type=image",
                                        "output-type=text",
                                        "reasoning=true",
                                        "tool-usage=false",
                                        "knowledge-cutoff=2024-06"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        (void)model_facts_set_pair(&f, str_from(pairs[i]), NULL);
    model_facts_resolve(&f);
    fill_file(&file);
    buf_init(&out, MIB);
    assert_fine(modelpack_write_config(&out, &f, &file, 1, &unit_e));
    assert_string_equal(
        out.p,
        "{\"descriptor\":{\"authors\":[\"A\",\"B\"],\"family\":\"f\",\"name\":\"n\",\"docURL\":"
        "\"https://d\",\"sourceURL\":\"https://s\",\"datasetsURL\":[\"https://huggingface.co/"
        "datasets/org/a\",\"https://example.org/d\"],\"version\":\"1\",\"revision\":\"r\","
        "\"vendor\":\"V\",\"licenses\":[\"MIT OR Zlib\",\"LicenseRef-gemma\"],\"title\":\"T\","
        "\"description\":\"D\"},\"modelfs\":{\"type\":\"layers\",\"diffIds\":[\"sha256:"
        "cd9b15ec66a06a8b03e1653ddd7df8e45f32d85b93cd8e2b8a2cdf1a55c9b0ee\"]},\"config\":{"
        "\"architecture\":\"cnn\",\"format\":\"onnx\",\"paramSize\":\"1.5B\",\"precision\":"
        "\"float16,int8\",\"quantization\":\"awq\",\"capabilities\":{\"inputTypes\":[\"image\"],"
        "\"outputTypes\":[\"text\"],\"knowledgeCutoff\":\"2024-06-01T00:00:00.000Z\","
        "\"reasoning\":true,\"toolUsage\":false,\"languages\":[\"en\"]}}}");
    buf_reset(&out);
    assert_fine(modelpack_write_manifest(&out, &f, STR("{}"), &file, 1, &unit_e));
    AUTO_JSON doc = json_load(buf_str(&out), ERR_MODEL_INVALID, &unit_e);
    const json_t *notes = json_object_get(doc, "annotations");
#define NOTE(key) json_get_str(notes, "org.opencontainers.image." key)
    assert_str(NOTE("licenses"), "(MIT OR Zlib) AND LicenseRef-gemma");
    assert_str(NOTE("title"), "T");
    assert_str(NOTE("base.name"), "Qwen/Q");
    assert_str(NOTE("source"), "https://s");
    assert_str(NOTE("documentation"), "https://d");
    assert_str(NOTE("revision"), "r");
    assert_str(NOTE("version"), "1");
    assert_str(NOTE("vendor"), "V");
    assert_str(NOTE("description"), "D");
    assert_int_equal(json_object_size(notes), 9);
}

/* Layers that are archives: the type says so, sizes and digests are the layer's. */
static void layers(void **state)
{
    AUTO(buf) out = {0};
    struct modelpack_file file;
    (void)state;
    fill_file(&file);
    file.tar = true;
    file.layer_size = 2048;
    buf_init(&out, MIB);
    model_facts_resolve(&f);
    assert_fine(modelpack_write_manifest(&out, &f, STR("{}"), &file, 1, &unit_e));
    AUTO_JSON doc = json_load(buf_str(&out), ERR_MODEL_INVALID, &unit_e);
    const json_t *layer = json_array_get(json_object_get(doc, "layers"), 0);
    assert_str(json_get_str(layer, "mediaType"), "application/vnd.cncf.model.doc.v1.tar");
    assert_int_equal(json_integer_value(json_object_get(layer, "size")), 2048);
    assert_non_null(strstr(out.p, "\\\"size\\\":1,"));
    file.has_diff_id = true;
    hash_bytes(DIGEST_SHA256, "x", 1, &file.diff_id);
    buf_reset(&out);
    assert_fine(modelpack_write_config(&out, &f, &file, 1, &unit_e));
    assert_non_null(strstr(out.p, file.diff_id.text));
    assert_null(strstr(out.p, file.digest.text));
    /* Nothing known: still all that the schema requires. */
    assert_true(str_starts(buf_str(&out), STR("{\"descriptor\":{},")));
    assert_non_null(strstr(out.p, "\"config\":{}}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(card, setup, teardown),
        cmocka_unit_test_setup_teardown(broken, setup, teardown),
        cmocka_unit_test_setup_teardown(trust, setup, teardown),
        cmocka_unit_test_setup_teardown(gguf, setup, teardown),
        cmocka_unit_test_setup_teardown(counted, setup, teardown),
        cmocka_unit_test_setup_teardown(kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(set_good, setup, teardown),
        cmocka_unit_test_setup_teardown(set_bad, setup, teardown),
        cmocka_unit_test_setup_teardown(keys, setup, teardown),
        cmocka_unit_test_setup_teardown(written, setup, teardown),
        cmocka_unit_test_setup_teardown(layers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
