/* SPDX-License-Identifier: Apache-2.0 */
/* ModelPack: which file is what, paths that are refused, bytes that never change. */
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/modelpack.h"
#include "model/pack.h"
#include "model/path.h"
#include "unit.h"

static void kinds(void **state)
{
    static const struct {
        const char *path;
        uint64_t size;
        enum model_kind kind;
        bool guessed;
    } rows[] = {
        {"config.json", 1, MODEL_WEIGHT_CONFIG, false},
        {"tokenizer.json", 1, MODEL_WEIGHT_CONFIG, false},
        {"sub/tokenizer.model", 1, MODEL_WEIGHT_CONFIG, false},
        {"vocab.txt", 1, MODEL_WEIGHT_CONFIG, false},
        {"merges.txt", 1, MODEL_WEIGHT_CONFIG, false},
        {"chat_template.jinja", 1, MODEL_WEIGHT_CONFIG, false},
        {"model.safetensors.index.json", 1, MODEL_WEIGHT_CONFIG, false},
        {"generation_config.JSON", 1, MODEL_WEIGHT_CONFIG, false},
        {"sentencepiece.bpe.model", 1, MODEL_WEIGHT_CONFIG, false},
        {"params.yaml", 1, MODEL_WEIGHT_CONFIG, false},
        {"model-00001-of-00002.safetensors", 1, MODEL_WEIGHT, false},
        {"Model.GGUF", 1, MODEL_WEIGHT, false},
        {"pytorch_model.bin", 1, MODEL_WEIGHT, false},
        {"onnx/model.onnx_data", 1, MODEL_WEIGHT, false},
        {"model.ckpt.data-00000-of-00001", 1, MODEL_WEIGHT, false},
        {"a.pickle", 1, MODEL_WEIGHT, false},
        {"train.py", 1, MODEL_CODE, false},
        {"Makefile", 1, MODEL_CODE, false},
        {"Dockerfile.gpu", 1, MODEL_CODE, false},
        {"requirements.txt", 1, MODEL_CODE, false},
        {"pyproject.toml", 1, MODEL_CODE, false},
        {"README.md", 1, MODEL_DOC, false},
        {"LICENSE", 1, MODEL_DOC, false},
        {"notes.txt", 1, MODEL_DOC, false},
        {"images/figure.png", 1, MODEL_DOC, false},
        {"train.parquet", 1, MODEL_DATASET, false},
        {"eval.csv", 1, MODEL_DATASET, false},
        {"data/train.jsonl", 1, MODEL_DATASET, false},
        {"x/Datasets/a.txt", 1, MODEL_DATASET, false},
        {"data/README.md", 1, MODEL_DOC, false},
        {"data", 1, MODEL_CODE, true},
        {"strange", 1, MODEL_CODE, true},
        {"strange.", 1, MODEL_CODE, true},
        {"strange", MODEL_KIND_WEIGHT_MIN, MODEL_CODE, true},
        {"strange", MODEL_KIND_WEIGHT_MIN + 1, MODEL_WEIGHT, true},
        {"", 0, MODEL_CODE, true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool guessed;
        enum model_kind kind = model_kind_of(str_from(rows[i].path), rows[i].size, &guessed);
        if (kind != rows[i].kind || guessed != rows[i].guessed)
            fail_msg("%s is %s, guessed %d", rows[i].path, model_kind_name(kind), guessed);
    }
}

static void skipped(void **state)
{
    static const char *const yes[] = {".git",      ".gitattributes", ".",    "",
                                      "Modelfile", "__pycache__",    "a.PYC"};
    static const char *const no[] = {"git", "modelfile.txt", "a.py", "README.md"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(model_name_skipped(str_from(yes[i])));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(model_name_skipped(str_from(no[i])));
}

static void formats(void **state)
{
    (void)state;
    assert_string_equal(model_format_of(STR("a/b.safetensors")), "safetensors");
    assert_string_equal(model_format_of(STR("B.GGUF")), "gguf");
    assert_string_equal(model_format_of(STR("pytorch_model.bin")), "pt");
    assert_null(model_format_of(STR("README.md")));
    assert_null(model_format_of(STR("")));
}

static struct str repeat(struct arena *a, const char *piece, size_t n)
{
    size_t len = strlen(piece);
    char *p = arena_alloc(a, n * len + 1);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * len, piece, len);
    return str_of(p, n * len);
}

static void paths(void **state)
{
    static const char *const good[] = {
        "a",    "a/b/c.txt", "..a",        "a..", "...", "a b", "\xc3\xa9", "\xf0\x9f\xa4\x96",
        "a/.b", "git",       ".gitignore", "~",   "C:x"};
    static const struct {
        const char *path, *why;
    } bad[] = {
        {"", "empty"},
        {"/a", "absolute"},
        {"/", "absolute"},
        {"a//b", "empty part"},
        {"a/", "empty part"},
        {".", "\".\""},
        {"..", "\"..\""},
        {"a/../b", "\"..\""},
        {"a/./b", "\".\""},
        {"a\\b", "backslash"},
        {"..\\..\\x", "backslash"},
        {"a\nb", "control"},
        {"a\x7f", "control"},
        {"a\x1b[31m", "control"},
        {"\xc2\x9b", "control"},
        {"\xff", "UTF-8"},
        {"\xc0\xaf", "UTF-8"},
        {"\xed\xa0\x80", "UTF-8"},
        {"\xf4\x90\x80\x80", "UTF-8"},
        {"\xc3", "UTF-8"},
        {".git/config", ".git"},
        {"a/.GIT/hooks/x", ".git"},
    };
    struct arena a;
    (void)state;
    arena_init(&a, MIB);
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_fine(model_path_check(str_from(good[i]), &unit_e));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(model_path_check(str_from(bad[i].path), &unit_e), MODEL_INVALID, bad[i].why);
    assert_err(model_path_check(str_of("a\0b", 3), &unit_e), MODEL_INVALID, "control");
    assert_fine(model_path_check(repeat(&a, "x", LIMIT_MODEL_NAME), &unit_e));
    assert_err(model_path_check(repeat(&a, "x", LIMIT_MODEL_NAME + 1), &unit_e), MODEL_INVALID,
               "255");
    struct str deep = repeat(&a, "a/", LIMIT_MODEL_DEPTH);
    assert_err(model_path_check(repeat(&a, "a/", LIMIT_MODEL_DEPTH + 1), &unit_e), MODEL_INVALID,
               "deep");
    assert_fine(model_path_check(str_head(deep, deep.n - 1), &unit_e));
    struct str longest = repeat(&a, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/", 20);
    assert_err(model_path_check(str_head(longest, longest.n - 1), &unit_e), MODEL_INVALID,
               "too long");
    arena_done(&a);
}

static void sets(void **state)
{
    const struct str fine[] = {STR("a"),     STR("b/a"),  STR("b/c"),
                               STR("b.txt"), STR("bb/a"), STR("b/d/e")};
    const struct str twice[] = {STR("x/a"), STR("b"), STR("x/a")};
    const struct str cased[] = {STR("README.md"), STR("readme.MD")};
    const struct str dirs[] = {STR("Sub/a"), STR("sub/b")};
    const struct str both[] = {STR("a/b"), STR("a")};
    const struct str both2[] = {STR("A"), STR("a/b/c")};
    (void)state;
    assert_fine(model_paths_check(fine, ARRAY_LEN(fine), &unit_e));
    assert_fine(model_paths_check(fine, 0, &unit_e));
    assert_err(model_paths_check(twice, ARRAY_LEN(twice), &unit_e), MODEL_INVALID, "twice");
    assert_err(model_paths_check(cased, ARRAY_LEN(cased), &unit_e), MODEL_INVALID, "case");
    assert_err(model_paths_check(dirs, ARRAY_LEN(dirs), &unit_e), MODEL_INVALID, "case");
    assert_err(model_paths_check(both, ARRAY_LEN(both), &unit_e), MODEL_INVALID, "both a file");
    assert_err(model_paths_check(both2, ARRAY_LEN(both2), &unit_e), MODEL_INVALID, "case");
}

/* ---- writing ---- */

static void fill(struct modelpack_file *f, const char *path, const char *content, uint32_t mode)
{
    *f = (struct modelpack_file){.path = str_from(path), .size = strlen(content), .mode = mode};
    f->kind = model_kind_of(f->path, f->size, &f->guessed);
    hash_bytes(DIGEST_SHA256, content, strlen(content), &f->digest);
}

static const char golden_config[] =
    "{\"descriptor\":{\"family\":\"qwen2\",\"name\":\"tiny\"},\"modelfs\":{\"type\":\"layers\","
    "\"diffIds\":["
    "\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\","
    "\"sha256:5c62e091b8c0565f1bafad0dad5934276143ae2ccef7a5381e8ada5b1a8d26d2\","
    "\"sha256:cd9b15ec66a06a8b03e1653ddd7df8e45f32d85b93cd8e2b8a2cdf1a55c9b0ee\"]},"
    "\"config\":{\"architecture\":\"transformer\",\"format\":\"safetensors\",\"precision\":"
    "\"bfloat16\"}}";

static void build(struct buf *config, struct buf *manifest, int64_t created_ms)
{
    struct modelpack_file files[3];
    AUTO(model_facts) facts = {0};

    model_facts_init(&facts);
    facts.created_ms = created_ms;
    model_facts_guess(&facts, STR("tiny"), STR("safetensors"));
    model_facts_add_file(&facts, STR("config.json"),
                         STR("{\"model_type\":\"qwen2\",\"torch_dtype\":\"torch.bfloat16\","
                             "\"transformers_version\":\"4.40\"}"));
    model_facts_resolve(&facts);
    fill(&files[0], "run.sh", "run", 0700);
    fill(&files[1], "w/model.safetensors", "wt", 0600);
    fill(&files[2], "config.json", "{}", 0666);
    /* The content of this digest is of no interest, only that it is this one. */
    assert_fine(
        digest_parse(STR("sha256:cd9b15ec66a06a8b03e1653ddd7df8e45f32d85b93cd8e2b8a2cdf1a55c9b0ee"),
                     &files[0].digest, &unit_e));
    assert_fine(
        digest_parse(STR("sha256:5c62e091b8c0565f1bafad0dad5934276143ae2ccef7a5381e8ada5b1a8d26d2"),
                     &files[1].digest, &unit_e));
    qsort(files, 3, sizeof(files[0]), modelpack_file_cmp);
    assert_fine(modelpack_write_config(config, &facts, files, 3, &unit_e));
    assert_fine(modelpack_write_manifest(manifest, &facts, buf_str(config), files, 3, &unit_e));
}

static void golden(void **state)
{
    AUTO(buf) config = {0};
    AUTO(buf) manifest = {0};
    struct digest d;
    (void)state;
    buf_init(&config, MIB);
    buf_init(&manifest, MIB);
    build(&config, &manifest, 0);
    assert_string_equal(config.p, golden_config);
    hash_bytes(DIGEST_SHA256, manifest.p, manifest.n, &d);
    /* Changing this digest changes the digest of every model that is pushed again. */
    if (strcmp(d.text, "sha256:b12916279374270c0353d567ad3e7a66483bb9449d84ebc382d4f5d960a004ef") !=
        0)
        fail_msg("%s\n%s", d.text, manifest.p);
}

static void created(void **state)
{
    AUTO(buf) config = {0};
    AUTO(buf) manifest = {0};
    (void)state;
    buf_init(&config, MIB);
    buf_init(&manifest, MIB);
    build(&config, &manifest, 1700000000000);
    assert_non_null(strstr(config.p, "\"createdAt\":\"2023-11-14T22:13:20"));
    assert_non_null(
        strstr(manifest.p, "\"org.opencontainers.image.created\":\"2023-11-14T22:13:20"));
}

/* additionalProperties is false at every level of the schema. */
static void only_members(const json_t *obj, const char *const *names, size_t n)
{
    const char *key;
    json_t *v;
    assert_true(json_is_object(obj));
    json_object_foreach((json_t *)(uintptr_t)obj, key, v)
    {
        bool known = false;
        for (size_t i = 0; i < n; i++)
            known = known || strcmp(names[i], key) == 0;
        if (!known)
            fail_msg("the schema has no member %s", key);
    }
}

static void config_fits_schema(void **state)
{
    static const char *const top[] = {"descriptor", "modelfs", "config"};
    static const char *const descriptor[] = {
        "createdAt", "authors",  "family", "name",     "docURL", "sourceURL",  "datasetsURL",
        "version",   "revision", "vendor", "licenses", "title",  "description"};
    static const char *const modelfs[] = {"type", "diffIds"};
    static const char *const inner[] = {"architecture", "format",       "paramSize",
                                        "precision",    "quantization", "capabilities"};
    AUTO(buf) config = {0};
    AUTO(buf) manifest = {0};
    struct digest d;
    (void)state;
    buf_init(&config, MIB);
    buf_init(&manifest, MIB);
    build(&config, &manifest, 1700000000000);
    AUTO_JSON doc = json_load(buf_str(&config), ERR_MODEL_INVALID, &unit_e);
    only_members(doc, top, ARRAY_LEN(top));
    assert_int_equal(json_object_size(doc), 3); /* all are required */
    only_members(json_object_get(doc, "descriptor"), descriptor, ARRAY_LEN(descriptor));
    only_members(json_object_get(doc, "modelfs"), modelfs, ARRAY_LEN(modelfs));
    only_members(json_object_get(doc, "config"), inner, ARRAY_LEN(inner));
    assert_str(json_get_str(json_object_get(doc, "modelfs"), "type"), "layers");
    const json_t *ids = json_object_get(json_object_get(doc, "modelfs"), "diffIds");
    assert_int_equal(json_array_size(ids), 3);
    for (size_t i = 0; i < 3; i++)
        assert_fine(digest_parse(str_from(json_string_value(json_array_get(ids, i))), &d, &unit_e));
}

/* What one writes, the other reads. */
static void round_trip(void **state)
{
    AUTO(buf) config = {0};
    AUTO(buf) manifest = {0};
    struct oci_manifest m;
    struct pack pack;
    struct arena a;
    (void)state;
    buf_init(&config, MIB);
    buf_init(&manifest, MIB);
    build(&config, &manifest, 0);
    arena_init(&a, 4 * MIB);
    assert_fine(oci_manifest_parse(&a, buf_str(&manifest), STR(OCI_TYPE_MANIFEST), &m, &unit_e));
    assert_str(m.artifact_type, MODELPACK_TYPE_MANIFEST);
    assert_fine(pack_read(&a, &m, &pack, &unit_e));
    const struct pack_layer *files = pack.layers;
    assert_string_equal(pack.form, "modelpack");
    assert_int_equal(pack.n_layers, 3);
    assert_str(files[0].path, "config.json");
    assert_int_equal(files[0].kind, MODEL_WEIGHT_CONFIG);
    assert_int_equal(files[0].mode, 0644);
    assert_int_equal(files[0].mtime_ms, 0);
    assert_str(files[1].path, "w/model.safetensors");
    assert_str(files[2].path, "run.sh");
    assert_int_equal(files[2].mode, 0755);
    assert_int_equal(files[2].size, 3);
    arena_done(&a);
}

static void over_limit(void **state)
{
    AUTO(buf) out = {0};
    struct modelpack_file f;
    struct model_facts facts = {.name = STR("x")};
    (void)state;
    fill(&f, "a", "a", 0644);
    buf_init(&out, 100);
    assert_err(modelpack_write_manifest(&out, &facts, STR("{}"), &f, 1, &unit_e), LIMIT,
               "manifest");
    buf_reset(&out);
    assert_err(modelpack_write_config(&out, &facts, &f, 1, &unit_e), LIMIT, "config");
}

static void lfs(void **state)
{
    (void)state;
    assert_true(modelpack_is_lfs_pointer(
        STR("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")));
    assert_false(modelpack_is_lfs_pointer(STR("version https://git-lfs")));
    assert_false(modelpack_is_lfs_pointer(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),      cmocka_unit_test(skipped),
        cmocka_unit_test(formats),    cmocka_unit_test(paths),
        cmocka_unit_test(sets),       cmocka_unit_test(golden),
        cmocka_unit_test(created),    cmocka_unit_test(config_fits_schema),
        cmocka_unit_test(round_trip), cmocka_unit_test(over_limit),
        cmocka_unit_test(lfs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
