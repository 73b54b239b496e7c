/* SPDX-License-Identifier: Apache-2.0 */
/* The mountable form: archives that are planned and never made, files in few layers, bytes that
 * never change. That runtimes mount it is shown in tests/e2e/test_packs.py. */
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/cnai_image.h"
#include "model/pack.h"
#include "model/tar.h"
#include "unit.h"

#include <stdio.h>

static struct arena arena;

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

/* ---- plans ---- */

static char content_byte(const struct tar_member *m, uint64_t at)
{
    return (char)('a' + (m->file + at) % 26);
}

/* The whole archive, read in pieces of at most step bytes. */
static void gather(const struct tar_plan *plan, uint64_t step, struct buf *out)
{
    for (uint64_t at = 0; at < plan->size;) {
        struct tar_piece p = tar_plan_at(plan, at, step);
        assert_in_range(p.n, 1, step);
        if (p.member) {
            assert_true(p.from + p.n <= p.member->size);
            for (uint64_t i = 0; i < p.n; i++)
                buf_addc(out, content_byte(p.member, p.from + i));
        } else {
            buf_add(out, p.bytes, p.n);
        }
        at += p.n;
    }
    assert_int_equal(out->n, plan->size);
}

struct seen {
    const struct tar_plan *plan;
    const struct buf *archive;
    size_t n;
};

static int see(void *self, const struct tar_entry *t, struct err *e)
{
    struct seen *s = self;
    const struct tar_member *m = &s->plan->members[s->n++];
    (void)e;
    assert_true(str_eq(t->path, m->path));
    assert_int_equal(t->size, m->size);
    assert_int_equal(t->content_at, m->content_at);
    assert_int_equal(t->header_at, m->header_at);
    assert_int_equal(t->mode, m->mode & 0111 ? 0755 : 0644);
    for (uint64_t i = 0; i < t->size; i++)
        assert_int_equal(s->archive->p[t->content_at + i], content_byte(m, i));
    return 0;
}

static int read_buf(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    const struct buf *b = self;
    (void)e;
    memcpy(p, b->p + at, n);
    return 0;
}

static void plans(void **state)
{
    static const uint64_t steps[] = {1, 3, 511, 512, 513, 100000};
    char longer[400];
    AUTO(buf) first = {0};
    AUTO(buf) out = {0};
    struct tar_plan plan;
    (void)state;
    memset(longer, 'l', sizeof(longer));
    longer[200] = '/';
    struct tar_member members[] = {
        {.path = STR("z"), .size = 513, .mode = 0755, .file = 0},
        {.path = str_of(longer, 300), .size = 1, .mode = 0644, .file = 1},
        {.path = STR("a/b"), .size = 512, .mode = 0600, .file = 2},
        {.path = STR("a"), .size = 0, .mode = 0100, .file = 3},
        {.path = STR("a-b"), .size = 2000, .mode = 0644, .file = 4},
    };
    assert_fine(tar_plan_make(&arena, members, ARRAY_LEN(members), &plan, &unit_e));
    assert_str(plan.members[0].path, "a");
    assert_str(plan.members[1].path, "a-b"); /* '-' before '/' */
    assert_str(plan.members[2].path, "a/b");
    buf_init(&first, MIB);
    buf_init(&out, MIB);
    gather(&plan, 1, &first);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        buf_reset(&out);
        gather(&plan, steps[i], &out);
        assert_memory_equal(out.p, first.p, first.n);
    }
    struct seen s = {.plan = &plan, .archive = &first};
    const struct model_reader in = {.size = first.n, .read = read_buf, .self = &first};
    assert_fine(tar_walk(&in, see, &s, &unit_e));
    assert_int_equal(s.n, ARRAY_LEN(members));
}

static void plan_ends(void **state)
{
    AUTO(buf) out = {0};
    struct tar_plan plan;
    (void)state;
    buf_init(&out, MIB);
    assert_fine(tar_plan_make(&arena, NULL, 0, &plan, &unit_e));
    assert_int_equal(plan.size, TAR_END_BYTES);
    gather(&plan, 7, &out);
    /* The largest that fits, and what does not. */
    struct tar_member large[] = {{.path = STR("a"), .size = LIMIT_BLOB - 4 * TAR_BLOCK - 1024},
                                 {.path = STR("b"), .size = 1}};
    assert_fine(tar_plan_make(&arena, large, 1, &plan, &unit_e));
    struct tar_piece p = tar_plan_at(&plan, plan.size - 1, 10);
    assert_true(p.n == 1 && !p.member && *p.bytes == 0);
    p = tar_plan_at(&plan, 1ull << 40, UINT64_MAX);
    assert_true(p.member == large && p.from == (1ull << 40) - 3 * TAR_BLOCK);
    assert_int_equal(p.n, large->size - p.from);
    assert_err(tar_plan_make(&arena, large, 2, &plan, &unit_e), LIMIT, "larger");
}

/* ---- groups ---- */

static struct modelpack_file file(const char *path, uint64_t size)
{
    struct modelpack_file f = {.path = str_from(path), .size = size, .mode = 0644};
    f.kind = model_kind_of(f.path, size, &f.guessed);
    return f;
}

/* "KIND:path,path;KIND:…" */
static void assert_layers(const struct modelpack_file *files, size_t n, const char *want)
{
    AUTO(buf) got = {0};
    struct cnai_layer *layers;
    size_t n_layers;
    buf_init(&got, MIB);
    assert_fine(cnai_image_plan(&arena, files, n, &layers, &n_layers, &unit_e));
    for (size_t i = 0; i < n_layers; i++) {
        buf_addf(&got, "%s:", model_kind_name(layers[i].kind));
        for (size_t k = 0; k < layers[i].plan.n; k++) {
            const struct tar_member *m = &layers[i].plan.members[k];
            assert_true(str_eq(m->path, files[m->file].path) && m->size == files[m->file].size);
            buf_addf(&got, "%.*s%s", S(m->path), k + 1 < layers[i].plan.n ? "," : ";");
        }
    }
    assert_string_equal(got.p, want);
}

static void groups(void **state)
{
    const struct modelpack_file files[] = {
        file("README.md", 10),
        file("tokenizer.json", 20),
        file("model-2.safetensors", 30),
        file("model-1.safetensors", 40),
        file("config.json", 50),
        file("run.py", 60),
        file("LICENSE", 70),
        file("big.pdf", CNAI_IMAGE_LARGE),
        file("small.pdf", CNAI_IMAGE_LARGE - 1),
        file("train.parquet", 1ull << 40),
    };
    struct cnai_layer *layers;
    size_t n;
    (void)state;
    assert_layers(files, ARRAY_LEN(files),
                  "weight.config:config.json,tokenizer.json;weight:model-1.safetensors;"
                  "weight:model-2.safetensors;code:run.py;doc:LICENSE,README.md,small.pdf;"
                  "doc:big.pdf;dataset:train.parquet;");
    assert_err(cnai_image_plan(&arena, files, 0, &layers, &n, &unit_e), MODEL_INVALID, "no file");
    const struct modelpack_file whiteout[] = {file("a/.wh.b", 1)};
    assert_err(cnai_image_plan(&arena, whiteout, 1, &layers, &n, &unit_e), MODEL_INVALID,
               "\"a/.wh.b\" cannot be in an image");
}

/* However many files, no more layers than can be mounted; each file once; large ones even. */
static void many(void **state)
{
    static const size_t counts[] = {1, 122, 123, 127, 128, 400, 9000};
    (void)state;
    for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
        size_t n = counts[c] + 5, n_layers, members = 0, alone = 0;
        struct modelpack_file *files = ARENA_ARRAY(&arena, n, struct modelpack_file);
        struct cnai_layer *layers;
        bool *found = ARENA_ARRAY(&arena, n, bool);
        for (size_t i = 0; i < counts[c]; i++)
            files[i] = file(arena_printf(&arena, "w/%zu.safetensors", i), 1000 + i);
        files[n - 5] = file("README", 1);
        files[n - 4] = file("config.json", 1);
        files[n - 3] = file("x.py", 1);
        files[n - 2] = file("x.csv", 1);
        files[n - 1] = file("huge.csv", CNAI_IMAGE_LARGE);
        assert_fine(cnai_image_plan(&arena, files, n, &layers, &n_layers, &unit_e));
        assert_true(n_layers <= CNAI_IMAGE_LAYERS);
        uint64_t least = UINT64_MAX, most = 0;
        for (size_t i = 0; i < n_layers; i++) {
            members += layers[i].plan.n;
            alone += layers[i].plan.n == 1 && layers[i].kind == MODEL_WEIGHT;
            for (size_t k = 0; k < layers[i].plan.n; k++) {
                const struct tar_member *m = &layers[i].plan.members[k];
                assert_false(found[m->file]);
                found[m->file] = true;
                assert_int_equal(files[m->file].kind, layers[i].kind);
            }
            if (layers[i].kind == MODEL_WEIGHT) {
                least = MIN_OF(least, layers[i].plan.n);
                most = MAX_OF(most, layers[i].plan.n);
            }
        }
        assert_int_equal(members, n);
        if (counts[c] <= 121)
            assert_int_equal(alone, counts[c]);
        else
            assert_int_equal(n_layers, 121 + 1 + 4);
        assert_true(most <= least + 1);
    }
}

/* ---- writing ---- */

static void compose(struct buf *config, struct buf *manifest, int64_t created_ms)
{
    const struct modelpack_file files[] = {file("README.md", 10), file("LICENSE.txt", 11),
                                           file("config.json", 50), file("m.gguf", 513)};
    struct str licenses[] = {STR("Apache-2.0"), STR("MIT")};
    const struct model_facts facts = {.name = STR("tiny"),
                                      .licenses = {.items = licenses, .n = 2},
                                      .param_size = STR("1.1B"),
                                      .family = STR("llama"),
                                      .architecture = STR("transformer"),
                                      .format = STR("gguf"),
                                      .precision = STR("float16"),
                                      .quantization = STR("q4"),
                                      .created_ms = created_ms};
    struct cnai_layer *layers;
    size_t n;
    assert_fine(cnai_image_plan(&arena, files, ARRAY_LEN(files), &layers, &n, &unit_e));
    for (size_t i = 0; i < n; i++)
        hash_bytes(DIGEST_SHA256, &i, 1, &layers[i].digest);
    assert_fine(cnai_image_write_config(config, &facts, layers, n, &unit_e));
    assert_fine(cnai_image_write_manifest(manifest, &facts, buf_str(config), layers, n, &unit_e));
}

#define D0 "sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define D1 "sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"
#define D2 "sha256:dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986"
#define TYPES                                                                                      \
    "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","                                   \
    "\"artifactType\":\"application/vnd.cncf.cnai.model.layer.v1.tar\",\"digest\":\""

static void golden(void **state)
{
    AUTO(buf) config = {0};
    AUTO(buf) manifest = {0};
    struct digest d;
    (void)state;
    buf_init(&config, MIB);
    buf_init(&manifest, MIB);
    compose(&config, &manifest, 0);
    assert_string_equal(config.p, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{},"
                                  "\"rootfs\":{\"type\":\"layers\","
                                  "\"diff_ids\":[\"" D0 "\",\"" D1 "\",\"" D2 "\"]}}");
    hash_bytes(DIGEST_SHA256, config.p, config.n, &d);
    AUTO_FREE char *want = mem_printf(
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"artifactType\":\"application/vnd.cncf.cnai.model.manifest.v1+json\",\"config\":{"
        "\"mediaType\":\"application/"
        "vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
        "\"layers\":[" TYPES D0 "\",\"size\":2048,\"annotations\":{"
        "\"org.cnai.model.config\":\"true\",\"org.cnai.model.filepath\":\"config.json\"}}," TYPES D1
        "\",\"size\":2560,\"annotations\":{\"org.cnai.model.filepath\":\"m.gguf\","
        "\"org.cnai.model.model\":\"true\"}}," TYPES D2
        "\",\"size\":3072,\"annotations\":{\"org.cnai.model.license\":\"true\","
        "\"org.cnai.model.readme\":\"true\"}}],\"annotations\":{"
        "\"org.cnai.model.architecture\":\"transformer\",\"org.cnai.model.family\":\"llama\","
        "\"org.cnai.model.format\":\"gguf\",\"org.cnai.model.licenses\":\"Apache-2.0 AND MIT\","
        "\"org.cnai.model.name\":\"tiny\",\"org.cnai.model.param.size\":\"1.1B\","
        "\"org.cnai.model.precision\":\"float16\",\"org.cnai.model.quantization\":\"q4\","
        "\"org.opencontainers.image.licenses\":\"Apache-2.0 AND MIT\","
        "\"org.opencontainers.image.title\":\"tiny\"}}",
        d.text, config.n);
    assert_string_equal(manifest.p, want);
}

/* What is written here reads as the draft, and times are written when they are known. */
static void reads_back(void **state)
{
    AUTO(buf) config = {0};
    AUTO(buf) manifest = {0};
    struct oci_manifest m;
    struct pack p;
    (void)state;
    buf_init(&config, MIB);
    buf_init(&manifest, MIB);
    compose(&config, &manifest, 1700000000000);
    assert_non_null(strstr(config.p, "{\"created\":\"2023-11-14T22:13:20"));
    assert_non_null(strstr(manifest.p, "\"org.cnai.model.created\":\"2023-11-14T22:13:20"));
    assert_fine(
        oci_manifest_parse(&arena, buf_str(&manifest), STR(OCI_TYPE_MANIFEST), &m, &unit_e));
    assert_str(m.artifact_type, CNAI_TYPE_MANIFEST);
    assert_fine(pack_read(&arena, &m, &p, &unit_e));
    assert_string_equal(p.form, "cnai");
    assert_true(p.ordered && p.has_config && p.n_layers == 3);
    assert_int_equal(p.layers[0].kind, MODEL_WEIGHT_CONFIG);
    assert_int_equal(p.layers[1].kind, MODEL_WEIGHT);
    assert_int_equal(p.layers[1].encoding, PACK_TAR);
    assert_str(p.layers[1].path, "m.gguf");
    assert_int_equal(p.layers[2].kind, MODEL_DOC);
    buf_done(&config);
    buf_init(&config, 20);
    const struct model_facts none = {.created_ms = 0};
    assert_err(cnai_image_write_config(&config, &none, NULL, 0, &unit_e), LIMIT, "config");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plans, setup, teardown),
        cmocka_unit_test_setup_teardown(plan_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(groups, setup, teardown),
        cmocka_unit_test_setup_teardown(many, setup, teardown),
        cmocka_unit_test_setup_teardown(golden, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
