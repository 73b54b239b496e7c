/* SPDX-License-Identifier: Apache-2.0 */
/* pack: the manifests of every packaging, as their tools write them; hostile ones; indexes. */
#include "base/limits.h"
#include "model/pack.h"
#include "unit.h"

#include <inttypes.h>

static struct arena arena;
static struct oci_manifest manifest;
static struct pack pack;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 * MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* The texts below are JSON with ' for ", and @3 for a digest of threes and the size 3. */
static void expand(const char *text, struct buf *out)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\'') {
            buf_addc(out, '"');
        } else if (*c == '@') {
            buf_addz(out, "\"digest\":\"sha256:");
            for (int i = 0; i < 64; i++)
                buf_addc(out, c[1]);
            buf_addf(out, "\",\"size\":%d", c[1] >= 'a' ? c[1] - 'a' + 10 : c[1] - '0');
            c++;
        } else {
            buf_addc(out, *c);
        }
    }
}

static int parse(const char *text)
{
    AUTO(buf) json = {0};
    buf_init(&json, 8 * MIB);
    expand(text, &json);
    return oci_manifest_parse(&arena, buf_str(&json), STR_NULL, &manifest, &unit_e);
}

static int read_text(const char *text)
{
    if (parse(text) < 0)
        return -1;
    return pack_read(&arena, &manifest, &pack, &unit_e);
}

/* One line a layer: the digit of its digest, encoding, kind, permission, path. */
static void check(const char *text, const char *form, const char *want)
{
    static const char *const encodings[] = {"raw", "tar", "gzip", "zstd"};
    AUTO(buf) got = {0};
    buf_init(&got, MIB);
    assert_fine(read_text(text));
    for (size_t i = 0; i < pack.n_layers; i++) {
        const struct pack_layer *l = &pack.layers[i];
        buf_addf(&got, "%c %s %s%s %o %.*s\n", digest_hex(&l->digest)[0], encodings[l->encoding],
                 l->has_kind ? model_kind_name(l->kind) : "-", l->guessed ? "?" : "", l->mode,
                 S(l->path));
    }
    assert_string_equal(got.p, want);
    assert_string_equal(pack.form, form);
}

#define HEAD  "{'schemaVersion':2,'mediaType':'application/vnd.oci.image.manifest.v1+json',"
#define PATH  "'annotations':{'org.cncf.model.filepath':"
#define EMPTY "'config':{'mediaType':'application/vnd.oci.empty.v1+json',@0},"
#define CNCF  "application/vnd.cncf.model."
#define CNAI  "application/vnd.cnai.model."

static void modelpack(void **state)
{
    (void)state;
    check(HEAD "'artifactType':'" CNCF "manifest.v1+json',"
               "'config':{'mediaType':'" CNCF "config.v1+json',@0},'layers':["
               "{'mediaType':'" CNCF "weight.config.v1.raw',@1," PATH "'config.json',"
               "'org.cnai.model.filepath':'old.json','org.opencontainers.image.title':'t.json'}},"
               "{'mediaType':'" CNCF "weight.v1.raw',@2," PATH "'w/a.bin',"
               "'org.cncf.model.file.mediatype.untested':'true',"
               "'org.cncf.model.file.metadata+json':'{\\'mode\\':493,\\'mtime\\':"
               "\\'2024-01-02T03:04:05.5Z\\',\\'typeflag\\':0}'}},"
               "{'mediaType':'" CNCF "weight.v1.tar',@3," PATH "'dir/'}},"
               "{'mediaType':'" CNCF "doc.v1.tar+gzip',@4," PATH "'./docs'}},"
               "{'mediaType':'" CNCF "dataset.v1.tar+zstd',@5," PATH "'.'}},"
               "{'mediaType':'" CNCF "code.v1.tar',@6},"
               "{'mediaType':'" CNCF "weight.v1.gguf',@7," PATH "'m.gguf'}},"
               "{'mediaType':'" CNCF "weight.v1.safetensors',@8," PATH "'./m.safetensors'}},"
               "{'mediaType':'text/plain',@9," PATH "'notes.tar'}}]}",
          "modelpack",
          "1 raw weight.config 644 config.json\n2 raw weight? 755 w/a.bin\n3 tar weight 644 dir\n"
          "4 gzip doc 644 docs\n5 zstd dataset 644 \n6 tar code 644 \n7 raw weight 644 m.gguf\n"
          "8 raw weight 644 m.safetensors\n9 raw code? 644 notes.tar\n");
    assert_false(pack.ordered);
    assert_true(pack.has_config);
    assert_int_equal(pack.layers[0].mtime_ms, 0);
    assert_int_equal(pack.layers[1].mtime_ms, 1704164645500);
    assert_int_equal(pack.layers[1].size, 2);
}

/* v0.0.1 to v0.0.6: other prefixes. */
static void cnai(void **state)
{
    (void)state;
    check(HEAD "'artifactType':'" CNAI "manifest.v1+json',"
               "'config':{'mediaType':'" CNAI "config.v1+json',@0},'layers':["
               "{'mediaType':'" CNAI "doc.v1.raw',@1,'annotations':{"
               "'org.cnai.model.filepath':'README.md',"
               "'org.cnai.model.file.metadata':'{\\'mode\\':365}'}},"
               "{'mediaType':'" CNAI "weight.v1.tar+gzip',@2,'annotations':{"
               "'org.cnai.model.filepath':'w','org.cnai.model.file.mediatype.untested':'true'}}]}",
          "cnai", "1 raw doc 755 README.md\n2 gzip weight? 644 w\n");
    assert_false(pack.ordered);
}

/* The draft of 2024, also with the type that talks show. */
#define DRAFT(prefix)                                                                              \
    HEAD "'artifactType':'" prefix "manifest.v1+json',"                                            \
         "'annotations':{'org.cnai.model.name':'my-model'},"                                       \
         "'config':{'mediaType':'application/vnd.oci.image.config.v1+json',@0},'layers':["         \
         "{'mediaType':'application/vnd.oci.image.layer.v1.tar',"                                  \
         "'artifactType':'" prefix "layer.v1.tar',@1,"                                             \
         "'annotations':{'org.cnai.model.config':'true'}},"                                        \
         "{'mediaType':'application/vnd.oci.image.layer.v1.tar+gzip',"                             \
         "'artifactType':'" prefix "layer.v1.tar+gzip',@2,"                                        \
         "'annotations':{'org.cnai.model.model':'true','org.cnai.model.config':'false'}},"         \
         "{'mediaType':'application/vnd.oci.image.layer.v1.tar',@3,'annotations':{"                \
         "'org.cnai.model.readme':'true','org.cnai.model.license':'true'}},"                       \
         "{'mediaType':'application/vnd.oci.image.layer.v1.tar',@4,'annotations':{"                \
         "'org.cnai.model.model':'true','org.cnai.model.config':'true'}}]}"

static void draft(void **state)
{
    static const char want[] =
        "1 tar weight.config 644 \n2 gzip weight 644 \n3 tar doc 644 \n4 tar - 644 \n";
    (void)state;
    check(DRAFT("application/vnd.cncf.cnai.model."), "cnai", want);
    assert_true(pack.ordered);
    check(DRAFT("application/vnd.cnai.model."), "cnai", want);
    assert_true(pack.ordered);
}

#define KIT "application/vnd.kitops.modelkit."

static void kitops(void **state)
{
    (void)state;
    check("{'schemaVersion':2,'config':{'mediaType':'" KIT "config.v1+json',@0},'layers':["
          "{'mediaType':'" KIT "model.v1.tar',@1},{'mediaType':'" KIT "modelpart.v1.tar+gzip',@2},"
          "{'mediaType':'" KIT "code.v1.tar+gzip',@3},{'mediaType':'" KIT "dataset.v1.tar',@4},"
          "{'mediaType':'" KIT "docs.v1.tar+zstd',@5}],"
          "'annotations':{'ml.kitops.modelkit.cli-version':'1.7.0'}}",
          "kitops",
          "1 tar - 644 \n2 gzip - 644 \n3 gzip code 644 \n4 tar dataset 644 \n5 zstd doc 644 \n");
    assert_false(pack.ordered);
    assert_err(read_text("{'schemaVersion':2,'config':{'mediaType':'" KIT "config.v1+json',@0},"
                         "'layers':[{'mediaType':'" KIT "model.v1.tar+lzma',@1}]}"),
               MODEL_INVALID, "encoding");
    assert_err(read_text("{'schemaVersion':2,'config':{'mediaType':'" KIT "config.v1+json',@0},"
                         "'layers':[{'mediaType':'" KIT "soul.v1.tar',@1}]}"),
               MODEL_INVALID, "not known");
}

#define DOCKER "application/vnd.docker.ai."

static void docker(void **state)
{
    (void)state;
    check(HEAD "'config':{'mediaType':'" DOCKER "model.config.v0.1+json',@0},'layers':["
               "{'mediaType':'" DOCKER "gguf.v3',@1},{'mediaType':'" DOCKER "license',@2},"
               "{'mediaType':'" DOCKER "license',@3},{'mediaType':'" DOCKER "mmproj',@4},"
               "{'mediaType':'" DOCKER "chat.template.jinja',@5},"
               "{'mediaType':'" DOCKER "vllm.config.tar',@6},{'mediaType':'" DOCKER "dir.tar',@7},"
               "{'mediaType':'" DOCKER "gguf.v3.lora',@8}]}",
          "docker",
          "1 raw weight 644 model.gguf\n2 raw doc 644 LICENSE\n3 raw doc 644 LICENSE-2\n"
          "4 raw weight 644 mmproj.gguf\n5 raw weight.config 644 chat_template.jinja\n"
          "6 tar weight.config 644 \n7 tar - 644 \n8 raw weight 644 adapter.gguf\n");
    /* Shards, and version 0.2 with names. */
    check(HEAD "'config':{'mediaType':'" DOCKER "model.config.v0.2+json',@0},'layers':["
               "{'mediaType':'" DOCKER "safetensors',@1},{'mediaType':'" DOCKER "safetensors',@2},"
               "{'mediaType':'" DOCKER "safetensors',@3," PATH "'x/y.safetensors'}},"
               "{'mediaType':'" DOCKER "model.file',@4," PATH "'x/config.json',"
               "'org.cncf.model.file.metadata+json':'{\\'mode\\':493}'}},"
               "{'mediaType':'" DOCKER "dduf',@5}]}",
          "docker",
          "1 raw weight 644 model-00001-of-00002.safetensors\n"
          "2 raw weight 644 model-00002-of-00002.safetensors\n3 raw weight 644 x/y.safetensors\n"
          "4 raw weight.config 755 x/config.json\n5 raw weight 644 model.dduf\n");
    assert_err(read_text(HEAD "'config':{'mediaType':'" DOCKER "model.config.v0.2+json',@0},"
                              "'layers':[{'mediaType':'" DOCKER "model.file',@1}]}"),
               MODEL_INVALID, "no file name");
}

#define OLLAMA "application/vnd.ollama.image."
#define OLLAMA_HEAD                                                                                \
    "{'schemaVersion':2,'mediaType':'application/vnd.docker.distribution.manifest.v2+json',"       \
    "'config':{'mediaType':'application/vnd.docker.container.image.v1+json',@0},'layers':["

static void ollama(void **state)
{
    (void)state;
    check(OLLAMA_HEAD "{'mediaType':'" OLLAMA "model',@1,'from':'/blobs/sha256-1'},"
                      "{'mediaType':'" OLLAMA "adapter',@2},{'mediaType':'" OLLAMA "adapter',@3},"
                      "{'mediaType':'" OLLAMA "projector',@4},{'mediaType':'" OLLAMA
                      "template',@5},"
                      "{'mediaType':'" OLLAMA "system',@6},{'mediaType':'" OLLAMA "params',@7},"
                      "{'mediaType':'" OLLAMA "messages',@8},{'mediaType':'" OLLAMA "license',@9},"
                      "{'mediaType':'" OLLAMA "license',@a},{'mediaType':'" OLLAMA "license',@b},"
                      "{'mediaType':'" OLLAMA "embed',@c},{'mediaType':'" OLLAMA "draft',@d}]}",
          "ollama",
          "1 raw weight 644 model.gguf\n2 raw weight 644 adapter.gguf\n"
          "3 raw weight 644 adapter-2.gguf\n4 raw weight 644 mmproj.gguf\n"
          "5 raw weight.config 644 template\n6 raw weight.config 644 system\n"
          "7 raw weight.config 644 params.json\n8 raw weight.config 644 messages.json\n"
          "9 raw doc 644 license\na raw doc 644 license-2\nb raw doc 644 license-3\n"
          "d raw weight 644 draft.gguf\n");
    check(OLLAMA_HEAD "{'mediaType':'" OLLAMA "tensor',@1,'name':'model.layers.0.q_proj.weight'},"
                      "{'mediaType':'" OLLAMA "json',@2,'name':'tokenizer/config.json'},"
                      "{'mediaType':'" OLLAMA "prompt',@3,'name':7}]}",
          "ollama",
          "1 raw weight 644 model.layers.0.q_proj.weight\n"
          "2 raw weight.config 644 tokenizer/config.json\n3 raw weight.config 644 template\n");
    assert_err(read_text(OLLAMA_HEAD "{'mediaType':'" OLLAMA "tensor',@1,'name':'../x'}]}"),
               MODEL_INVALID, "layer 1: the path \"../x\"");
    assert_err(read_text(OLLAMA_HEAD "{'mediaType':'" OLLAMA "tensor',@1}]}"), MODEL_INVALID,
               "no file name");
    assert_err(read_text(OLLAMA_HEAD "{'mediaType':'" OLLAMA "soul',@1}]}"), MODEL_INVALID,
               "not known");
    assert_err(read_text(OLLAMA_HEAD "{'mediaType':'" OLLAMA "embed',@1}]}"), MODEL_INVALID,
               "no layer of the manifest holds a file");
}

#define IMAGE  "'config':{'mediaType':'application/vnd.oci.image.config.v1+json',@0},'layers':["
#define LAYER  "application/vnd.oci.image.layer.v1."
#define DLAYER "application/vnd.docker.image.rootfs.diff."

static void image(void **state)
{
    (void)state;
    check(HEAD IMAGE "{'mediaType':'" LAYER "tar',@1},{'mediaType':'" LAYER "tar+gzip',@2},"
                     "{'mediaType':'" LAYER "tar+zstd',@3}]}",
          "image", "1 tar - 644 \n2 gzip - 644 \n3 zstd - 644 \n");
    assert_true(pack.ordered);
    check("{'schemaVersion':2,'config':{'mediaType':"
          "'application/vnd.docker.container.image.v1+json',@0},'layers':["
          "{'mediaType':'" DLAYER "tar',@1},{'mediaType':'" DLAYER "tar.gzip',@2}]}",
          "image", "1 tar - 644 \n2 gzip - 644 \n");
    /* Layers of an image without its config: what some pack models as. */
    check(HEAD EMPTY "'layers':[{'mediaType':'" LAYER "tar+gzip',@1}]}", "image",
          "1 gzip - 644 \n");
    assert_false(pack.has_config);
    assert_err(read_text(HEAD IMAGE "{'mediaType':'" LAYER "tar+encrypted',@1}]}"), MODEL_INVALID,
               "encoding");
    assert_err(read_text(HEAD IMAGE "{'mediaType':'application/vnd.in-toto+json',@1}]}"),
               MODEL_INVALID, "no layer of an image");
}

#define TITLE "'annotations':{'org.opencontainers.image.title':"

static void oras(void **state)
{
    (void)state;
    check(HEAD "'artifactType':'application/vnd.me.v1'," EMPTY "'layers':[{'mediaType':'" LAYER
               "tar',@1," TITLE "'weights.bin'}},"
               "{'mediaType':'application/x-tar',@2," TITLE "'d/a.tar'}},"
               "{'mediaType':'" LAYER "tar+gzip',@3," TITLE "'folder',"
               "'io.deis.oras.content.unpack':'true','io.deis.oras.content.digest':'sha256:0'}},"
               "{'mediaType':'text/plain',@4}]}",
          "oras",
          "1 raw weight 644 weights.bin\n2 raw code? 644 d/a.tar\n3 gzip - 644 folder\n4 raw code? "
          "644 sha256-4444444444444444444444444444444444444444444444444444444444444444\n");
    assert_false(pack.ordered);
    /* oras can write the types of ModelPack around its own layers. */
    check(HEAD "'artifactType':'" CNCF "manifest.v1+json','config':{'mediaType':'" CNCF
               "config.v1+json',@0},'layers':[{'mediaType':'" LAYER "tar',@1," TITLE "'a.py'}}]}",
          "modelpack", "1 raw code 644 a.py\n");
}

/* A user's own artifact, as shown for Harbor: no mediaType, no names. */
static void own(void **state)
{
    (void)state;
    check("{'schemaVersion':2,'config':{"
          "'mediaType':'application/vnd.caicloud.model.config.v1alpha1+json',@0,'annotations':{"
          "'io.goharbor.artifact.v1alpha1.skip-list':'metrics,git',"
          "'io.goharbor.artifact.v1alpha1.name':'ML-Model'}},'layers':["
          "{'mediaType':'image/png',@1,'annotations':{'io.goharbor.artifact.v1alpha1.icon':''}},"
          "{'mediaType':'application/octet-stream',@1},"
          "{'mediaType':'application/octet-stream',@2," TITLE "'model.onnx'}}]}",
          "oras",
          "1 raw code? 644 sha256-"
          "1111111111111111111111111111111111111111111111111111111111111111\n"
          "2 raw weight 644 model.onnx\n");
}

#define RAW(path) "{'mediaType':'" CNCF "weight.v1.raw',@1," PATH "'" path "'}}"

static void hostile(void **state)
{
    static const struct {
        const char *layers, *why;
    } bad[] = {
        {"", "no layers"},
        {RAW("/etc/passwd"), "absolute"},
        {RAW("../x"), "\"..\""},
        {RAW("./../x"), "\"..\""},
        {RAW(".//etc/passwd"), "absolute"},
        {RAW("a/../../x"), "\"..\""},
        {RAW("a\\\\b"), "backslash"},
        {RAW("a\\nb"), "control"},
        {RAW(".git/hooks/pre-commit"), ".git"},
        {RAW(""), "no file name"},
        {RAW("."), "\"..\""},
        {RAW("dir/"), "empty part"},
        {RAW("a") "," RAW("a"), "twice"},
        {RAW("a") "," RAW("A"), "case"},
        {RAW("a") "," RAW("a/b"), "both a file"},
        {"{'mediaType':'" CNCF "weight.v1.raw',@1}", "no file name"},
        {"{'mediaType':'" CNCF "weight.v1.raw','digest':'sha256:"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',"
         "'size':9000000000000000000," PATH "'a'}}",
         "size"},
        {"{'mediaType':'" CNCF "weight.v1.raw+gzip',@1," PATH "'a'}}", "encoding"},
        {"{'mediaType':'" CNCF "weight.v1.tar',@1," PATH "'../a'}}", "layer 1: the path"},
        {"{'mediaType':'" LAYER "tar',@1," TITLE "'/a'}}", "absolute"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_FREE char *text =
            mem_printf(HEAD "'config':{'mediaType':'" CNCF "config.v1+json',@0},'layers':[%s]}",
                       bad[i].layers);
        assert_err(read_text(text), MODEL_INVALID, bad[i].why);
    }
}

/* Many layers that need a name: refused, and soon. */
static void nameless(void **state)
{
    AUTO(buf) text = {0};
    (void)state;
    buf_init(&text, 8 * MIB);
    buf_addz(&text, OLLAMA_HEAD);
    for (int i = 0; i < 5000; i++)
        buf_addf(&text, "%s{'mediaType':'" OLLAMA "license',@1}", i ? "," : "");
    buf_addz(&text, "]}");
    assert_err(read_text(text.p), MODEL_INVALID, "too many");
}

/* ---- indexes ---- */

#define MANIFEST "'mediaType':'application/vnd.oci.image.manifest.v1+json'"
#define AT(os, arch, variant)                                                                      \
    ",'platform':{'os':'" os "','architecture':'" arch "','variant':'" variant "'}"

static char choose(const char *entries, const char *platform)
{
    const struct oci_descriptor *d;
    AUTO_FREE char *text = mem_printf("{'schemaVersion':2,'mediaType':"
                                      "'application/vnd.oci.image.index.v1+json','manifests':[%s]}",
                                      entries);
    assert_fine(parse(text));
    assert_err(pack_read(&arena, &manifest, &pack, &unit_e), MODEL_INVALID, "index");
    if (pack_choose(&manifest, str_from(platform), &d, &unit_e) < 0) {
        assert_int_equal(unit_e.code, ERR_MODEL_INVALID);
        return '-';
    }
    return digest_hex(&d->digest)[0];
}

#if defined(__aarch64__)
#define HERE "arm64"
#elif defined(__x86_64__)
#define HERE "amd64"
#endif

static void indexes(void **state)
{
#define ATTEST                                                                                     \
    "{" MANIFEST                                                                                   \
    ",@a" AT("unknown", "unknown", "") ",'annotations':{"                                          \
                                       "'vnd.docker.reference.type':'attestation-manifest'}}"
    static const char both[] =
        "{" MANIFEST ",@1" AT("windows", "amd64", "") "},{" MANIFEST ",@2" AT(
            "linux", "mips", "v7") "},{" MANIFEST ",@3" AT("linux", "mips", "v8") "}," ATTEST;
    (void)state;
    assert_int_equal(choose(both, ""), '-');
    assert_non_null(strstr(unit_e.msg, "windows/amd64, linux/mips/v7, linux/mips/v8;"));
    assert_int_equal(choose(both, "linux/mips"), '2');
    assert_int_equal(choose(both, "linux/mips/v8"), '3');
    assert_int_equal(choose(both, "linux/mips/v9"), '-');
    assert_non_null(strstr(unit_e.msg, "no manifest for linux/mips/v9; it has windows/amd64"));
    assert_int_equal(choose(both, "windows/amd64"), '1');
    /* The only one that is not an attestation, wherever it runs. */
    assert_int_equal(choose(ATTEST ",{" MANIFEST ",@1" AT("linux", "mips", "") "}", ""), '1');
    assert_int_equal(choose(ATTEST, ""), '-');
    /* Not every builder gives them a platform. */
    assert_int_equal(choose("{" MANIFEST ",@1,'annotations':{'vnd.docker.reference.type':"
                            "'attestation-manifest'}},{" MANIFEST ",@2}",
                            ""),
                     '2');
    assert_int_equal(choose(ATTEST, ""), '-');
    assert_non_null(strstr(unit_e.msg, "no manifest"));
    assert_int_equal(choose("{" MANIFEST ",@1}", ""), '1');
    assert_int_equal(choose("{" MANIFEST ",@1" AT("linux", "mips", "") "},{" MANIFEST ",@2}", ""),
                     '2');
    assert_int_equal(choose("{" MANIFEST ",@1},{" MANIFEST ",@2}", ""), '-');
    assert_int_equal(choose("{'mediaType':'text/plain',@1},{" MANIFEST ",@2}", ""), '2');
    assert_int_equal(choose("", ""), '-');
#ifdef HERE
    assert_int_equal(choose("{" MANIFEST ",@1},{" MANIFEST ",@2" AT("linux", HERE, "") "}", ""),
                     '2');
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(modelpack, setup, teardown),
        cmocka_unit_test_setup_teardown(cnai, setup, teardown),
        cmocka_unit_test_setup_teardown(draft, setup, teardown),
        cmocka_unit_test_setup_teardown(kitops, setup, teardown),
        cmocka_unit_test_setup_teardown(docker, setup, teardown),
        cmocka_unit_test_setup_teardown(ollama, setup, teardown),
        cmocka_unit_test_setup_teardown(image, setup, teardown),
        cmocka_unit_test_setup_teardown(oras, setup, teardown),
        cmocka_unit_test_setup_teardown(own, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile, setup, teardown),
        cmocka_unit_test_setup_teardown(nameless, setup, teardown),
        cmocka_unit_test_setup_teardown(indexes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
