/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: what is taken, what is refused and by which word. */
#include "base/mem.h"
#include "oci/manifest.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>

#define HEX  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D256 "sha256:" HEX
#define D512 "sha512:" HEX HEX
#define CONFIG                                                                                     \
    "{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" D256               \
    "\",\"size\":2}"
#define LAYER                                                                                      \
    "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"" D256 "\",\"size\":"  \
    "9}"
#define CHILD        "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" D512 "\",\"size\":9}"
#define IMAGE(more)  "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" LAYER "]" more "}"
#define LAYERS(list) "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":" list "}"
#define INDEX(more)  "{\"schemaVersion\":2,\"manifests\":[" CHILD "]" more "}"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 24 * MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct oci_manifest good(const char *type, const char *text)
{
    struct oci_manifest m;
    struct err e = {.code = ERR_OK};
    if (oci_manifest_parse(&arena, str_from(text), str_from(type), &m, &e) < 0)
        fail_msg("refused: %s\n%s", e.msg, text);
    return m;
}

/* word: what the message must hold. */
static void bad(enum err_code code, const char *word, const char *type, struct str text)
{
    struct oci_manifest m;
    struct err e = {.code = ERR_OK};
    if (oci_manifest_parse(&arena, text, str_from(type), &m, &e) == 0)
        fail_msg("taken: %.*s", S(text));
    if (e.code != code || !strstr(e.msg, word))
        fail_msg("expected %s with \"%s\", got %s: %s", err_info(code)->symbol, word,
                 err_info(e.code)->symbol, e.msg);
}

static void test_image(void **state)
{
    (void)state;
    struct oci_manifest m = good(OCI_TYPE_MANIFEST, IMAGE(""));
    assert_false(m.is_index);
    assert_string_equal(m.type.text, OCI_TYPE_MANIFEST);
    assert_true(m.has_config);
    assert_int_equal(m.config.size, 2);
    assert_int_equal(m.n_items, 1);
    assert_string_equal(m.items[0].digest.text, D256);
    assert_false(m.has_subject);
    assert_true(str_eqz(m.artifact_type, "application/vnd.oci.image.config.v1+json"));

    m = good("", IMAGE(",\"mediaType\":\"" OCI_TYPE_MANIFEST "\""));
    assert_string_equal(m.type.text, OCI_TYPE_MANIFEST);
    m = good("", IMAGE(""));
    assert_string_equal(m.type.text, OCI_TYPE_MANIFEST);
    m = good(DOCKER_TYPE_MANIFEST, IMAGE(",\"mediaType\":\"" DOCKER_TYPE_MANIFEST "\""));
    assert_string_equal(m.type.text, DOCKER_TYPE_MANIFEST);
    m = good(" Application/vnd.oci.image.manifest.v1+JSON ; charset=utf-8", IMAGE(""));
    assert_string_equal(m.type.text, OCI_TYPE_MANIFEST);
    good(OCI_TYPE_MANIFEST, LAYERS("[]"));
    assert_int_equal(good(OCI_TYPE_MANIFEST, LAYERS("null")).n_items, 0);
    good(OCI_TYPE_MANIFEST, " \n" IMAGE("") "\n ");
}

static void test_members(void **state)
{
    (void)state;
    struct oci_manifest m =
        good(OCI_TYPE_MANIFEST,
             IMAGE(",\"artifactType\":\"application/vnd.x\",\"subject\":" CHILD
                   ",\"annotations\":{\"k\":\"v\",\"\":\"\"},\"x\":{\"y\":[1,2.5,null]}"));
    assert_true(str_eqz(m.artifact_type, "application/vnd.x"));
    assert_true(m.has_subject);
    assert_int_equal(m.subject.digest.alg, DIGEST_SHA512);
    assert_int_equal(m.n_annotations, 2);

    m = good(OCI_TYPE_MANIFEST,
             IMAGE(",\"artifactType\":null,\"subject\":null,\"annotations\":null"));
    assert_false(m.has_subject);
    assert_true(str_eqz(m.artifact_type, "application/vnd.oci.image.config.v1+json"));

    m = good(OCI_TYPE_MANIFEST,
             LAYERS("[{\"mediaType\":\"a/b; c=d\",\"digest\":\"" D256 "\",\"size\":0,\"data\":null,"
                    "\"urls\":[\"https://x\"],\"artifactType\":\"c/d\",\"new\":[],"
                    "\"annotations\":{\"org.cncf.model.filepath\":\"a\"}},"
                    "{\"mediaType\":\"a/b\",\"digest\":\"" D256
                    "\",\"size\":9223372036854775807,\"data\":\"e30=\",\"urls\":[]}]"));
    assert_true(m.items[0].has_urls);
    assert_int_equal(m.items[0].n_annotations, 1);
    assert_true(str_eqz(m.items[0].artifact_type, "c/d"));
    assert_true(str_eqz(m.items[0].media_type, "a/b; c=d"));
    assert_true(m.items[1].size == INT64_MAX);
    assert_true(str_eqz(m.items[1].data, "e30="));
    assert_false(m.items[1].has_urls);
}

static void test_index(void **state)
{
    (void)state;
    struct oci_manifest m = good(OCI_TYPE_INDEX, INDEX(""));
    assert_true(m.is_index);
    assert_false(m.has_config);
    assert_true(m.artifact_type.n == 0);
    m = good("", INDEX(",\"artifactType\":\"a/b\",\"subject\":" CHILD));
    assert_string_equal(m.type.text, OCI_TYPE_INDEX);
    assert_true(str_eqz(m.artifact_type, "a/b"));
    assert_true(m.has_subject);
    good(OCI_TYPE_INDEX, "{\"schemaVersion\":2,\"manifests\":[]}");
    good(OCI_TYPE_INDEX, "{\"schemaVersion\":2,\"manifests\":null}");
    m = good(DOCKER_TYPE_INDEX,
             "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_TYPE_INDEX
             "\",\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":\"" D256
             "\",\"size\":1,\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\","
             "\"variant\":\"v7\",\"os.features\":[\"x\"]}}]}");
    assert_true(str_eqz(m.items[0].platform_os, "linux"));
    assert_true(str_eqz(m.items[0].platform_arch, "arm"));
    assert_true(str_eqz(m.items[0].platform_variant, "v7"));
}

static void test_types_refused(void **state)
{
    (void)state;
    struct str image = STR(IMAGE(""));
    bad(ERR_MANIFEST_TYPE, "schema 1", "application/vnd.docker.distribution.manifest.v1+json",
        image);
    bad(ERR_MANIFEST_TYPE, "schema 1", "application/vnd.docker.distribution.manifest.v1+prettyjws",
        image);
    bad(ERR_MANIFEST_TYPE, "schema 1", "", STR("{\"schemaVersion\":1,\"fsLayers\":[]}"));
    bad(ERR_MANIFEST_TYPE, "schema 1", OCI_TYPE_MANIFEST, STR("{\"schemaVersion\":1}"));
    bad(ERR_MANIFEST_TYPE, "application/json", "application/json", image);
    bad(ERR_MANIFEST_TYPE, "artifact.manifest", "application/vnd.oci.artifact.manifest.v1+json",
        image);
    bad(ERR_MANIFEST_TYPE, "media type", "nonsense", image);
    bad(ERR_MANIFEST_TYPE, "neither", "", STR("{\"schemaVersion\":2}"));
    bad(ERR_MANIFEST_TYPE, "a/b", "", STR("{\"schemaVersion\":2,\"mediaType\":\"a/b\"}"));
    bad(ERR_MANIFEST_INVALID, "mediaType", OCI_TYPE_MANIFEST,
        STR(IMAGE(",\"mediaType\":\"" DOCKER_TYPE_MANIFEST "\"")));
    bad(ERR_MANIFEST_INVALID, "mediaType", OCI_TYPE_MANIFEST,
        STR(IMAGE(",\"mediaType\":\"" OCI_TYPE_MANIFEST "; a=b\"")));
    bad(ERR_MANIFEST_INVALID, "mediaType", OCI_TYPE_INDEX,
        STR(INDEX(",\"mediaType\":\"" OCI_TYPE_MANIFEST "\"")));
    bad(ERR_MANIFEST_INVALID, "mediaType", OCI_TYPE_MANIFEST, STR(IMAGE(",\"mediaType\":1")));
    bad(ERR_MANIFEST_INVALID, "mediaType", OCI_TYPE_MANIFEST, STR(IMAGE(",\"mediaType\":\"x\"")));
}

static void test_both_refused(void **state)
{
    (void)state;
    bad(ERR_MANIFEST_INVALID, "manifests", OCI_TYPE_MANIFEST, STR(IMAGE(",\"manifests\":[]")));
    bad(ERR_MANIFEST_INVALID, "manifests", OCI_TYPE_MANIFEST, STR(IMAGE(",\"manifests\":null")));
    bad(ERR_MANIFEST_INVALID, "layers", OCI_TYPE_INDEX, STR(INDEX(",\"layers\":[]")));
    bad(ERR_MANIFEST_INVALID, "config", OCI_TYPE_INDEX, STR(INDEX(",\"config\":" CONFIG)));
    bad(ERR_MANIFEST_INVALID, "config", "", STR(INDEX(",\"config\":null")));
    bad(ERR_MANIFEST_INVALID, "fsLayers", "", STR(INDEX(",\"fsLayers\":[]")));
    bad(ERR_MANIFEST_INVALID, "Manifests", OCI_TYPE_MANIFEST, STR(IMAGE(",\"Manifests\":[]")));
    bad(ERR_MANIFEST_INVALID, "manife\xc5\xbfts", OCI_TYPE_MANIFEST,
        STR(IMAGE(",\"manife\xc5\xbfts\":[]")));
    bad(ERR_MANIFEST_INVALID, "layers[0].DIGEST", OCI_TYPE_MANIFEST,
        STR(LAYERS("[{\"mediaType\":\"a/b\",\"digest\":\"" D256 "\",\"size\":1,\"DIGEST\":1}]")));
    bad(ERR_MANIFEST_INVALID, "config", OCI_TYPE_INDEX, STR(IMAGE("")));
    bad(ERR_MANIFEST_INVALID, "", OCI_TYPE_MANIFEST, STR(INDEX("")));
}

static void test_top_refused(void **state)
{
    (void)state;
    const char *t = OCI_TYPE_MANIFEST;
    static const char *const no_json[] = {
        "",
        " ",
        "x",
        "{",
        "[]",
        "null",
        "1",
        "\"a\"",
        "{}x",
        IMAGE("") "x",
        IMAGE("") IMAGE(""),
        "x" IMAGE(""),
        "\xef\xbb\xbf" IMAGE(""),
        IMAGE(",\"a\":\"\xff\""),
        IMAGE(",\"a\":1,\"a\":1"),
        IMAGE(",\"schemaVersion\":2"),
        IMAGE(",\"a\":\"\\u0000\""),
        IMAGE(",\"a\":01"),
        IMAGE(",\"a\":{\"b\":1,\"b\":2}"),
        IMAGE(",}"),
        "{'schemaVersion':2}",
    };
    for (size_t i = 0; i < ARRAY_LEN(no_json); i++)
        bad(ERR_MANIFEST_INVALID, "", t, str_from(no_json[i]));
    bad(ERR_MANIFEST_INVALID, "", t, STR(IMAGE("") "\0"));
    bad(ERR_MANIFEST_INVALID, "", t, STR(IMAGE("") "\0" IMAGE("")));
    bad(ERR_MANIFEST_INVALID, "schemaVersion", t, STR("{}"));
    bad(ERR_MANIFEST_INVALID, "schemaVersion", t, STR("{\"schemaVersion\":\"2\"}"));
    bad(ERR_MANIFEST_INVALID, "schemaVersion", t, STR("{\"schemaVersion\":2.0}"));
    bad(ERR_MANIFEST_INVALID, "schemaVersion", t, STR("{\"schemaVersion\":3}"));
    bad(ERR_MANIFEST_INVALID, "schemaVersion", t, STR("{\"schemaVersion\":null}"));
    bad(ERR_MANIFEST_INVALID, "config", t, STR("{\"schemaVersion\":2,\"layers\":[]}"));
    bad(ERR_MANIFEST_INVALID, "config", t,
        STR("{\"schemaVersion\":2,\"config\":[],\"layers\":[]}"));
    bad(ERR_MANIFEST_INVALID, "config", t,
        STR("{\"schemaVersion\":2,\"config\":null,\"layers\":[]}"));
    bad(ERR_MANIFEST_INVALID, "layers", t, STR("{\"schemaVersion\":2,\"config\":" CONFIG "}"));
    bad(ERR_MANIFEST_INVALID, "layers", t, STR(LAYERS("{}")));
    bad(ERR_MANIFEST_INVALID, "layers[0]", t, STR(LAYERS("[null]")));
    bad(ERR_MANIFEST_INVALID, "layers[1]", t, STR(LAYERS("[" LAYER ",7]")));
    bad(ERR_MANIFEST_INVALID, "subject", t, STR(IMAGE(",\"subject\":\"" D256 "\"")));
    bad(ERR_MANIFEST_INVALID, "subject.digest", t,
        STR(IMAGE(",\"subject\":{\"mediaType\":\"a/b\",\"size\":1}")));
    bad(ERR_MANIFEST_INVALID, "annotations", t, STR(IMAGE(",\"annotations\":[]")));
    bad(ERR_MANIFEST_INVALID, "annotations", t, STR(IMAGE(",\"annotations\":{\"k\":1}")));
    bad(ERR_MANIFEST_INVALID, "artifactType", t, STR(IMAGE(",\"artifactType\":5")));
    bad(ERR_MANIFEST_INVALID, "artifactType", t, STR(IMAGE(",\"artifactType\":\"a b\"")));
}

/* A layer of which one member is replaced. */
static void bad_layer(const char *word, const char *members)
{
    char text[2048];
    (void)snprintf(text, sizeof(text),
                   "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" LAYER "," LAYER
                   "," LAYER ",{%s}]}",
                   members);
    bad(ERR_MANIFEST_INVALID, word, OCI_TYPE_MANIFEST, str_from(text));
}

static void test_descriptors_refused(void **state)
{
    (void)state;
#define M "\"mediaType\":\"a/b\""
#define D "\"digest\":\"" D256 "\""
#define Z "\"size\":1"
    bad_layer("layers[3].mediaType", D "," Z);
    bad_layer("layers[3].mediaType", D "," Z ",\"mediaType\":\"\"");
    bad_layer("layers[3].mediaType", D "," Z ",\"mediaType\":3");
    bad_layer("layers[3].mediaType", D "," Z ",\"mediaType\":\"plain\"");
    bad_layer("layers[3].mediaType", D "," Z ",\"mediaType\":\"a/b; \\n\"");
    bad_layer("layers[3].digest", M "," Z);
    bad_layer("layers[3].digest", M "," Z ",\"digest\":null");
    bad_layer("layers[3].digest", M "," Z ",\"digest\":1");
    bad_layer("layers[3].digest", M "," Z ",\"digest\":\"\"");
    bad_layer("layers[3].digest", M "," Z ",\"digest\":\"sha256:abc\"");
    bad_layer("layers[3].digest", M "," Z ",\"digest\":\"" D256 " \"");
    bad_layer("layers[3].digest", M "," Z ",\"digest\":\"md5:0123456789abcdef0123456789abcdef\"");
    bad_layer("layers[3].size", M "," D);
    bad_layer("layers[3].size", M "," D ",\"size\":-1");
    bad_layer("layers[3].size", M "," D ",\"size\":1.5");
    bad_layer("layers[3].size", M "," D ",\"size\":1e3");
    bad_layer("layers[3].size", M "," D ",\"size\":\"1\"");
    bad_layer("layers[3].size", M "," D ",\"size\":null");
    bad_layer("", M "," D ",\"size\":9223372036854775808");
    bad_layer("layers[3].urls", M "," D "," Z ",\"urls\":\"x\"");
    bad_layer("layers[3].urls[1]", M "," D "," Z ",\"urls\":[\"x\",1]");
    bad_layer("layers[3].data", M "," D "," Z ",\"data\":{}");
    bad_layer("layers[3].annotations", M "," D "," Z ",\"annotations\":{\"a\":null}");
    bad_layer("layers[3].platform", M "," D "," Z ",\"platform\":[]");
    bad_layer("layers[3].platform.os", M "," D "," Z ",\"platform\":{\"os\":1}");
    bad_layer("layers[3].artifactType", M "," D "," Z ",\"artifactType\":\"/\"");
}

static void test_ceilings(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 16 * MIB);
    buf_addz(&b, "{\"schemaVersion\":2,\"x\":");
    for (int i = 0; i < 1000; i++)
        buf_addc(&b, '[');
    for (int i = 0; i < 1000; i++)
        buf_addc(&b, ']');
    buf_addz(&b, ",\"manifests\":[]}");
    bad(ERR_MANIFEST_INVALID, "", OCI_TYPE_INDEX, buf_str(&b));

    buf_reset(&b);
    buf_addz(&b, "{\"schemaVersion\":2,\"manifests\":[");
    for (int i = 0; i <= LIMIT_DESCRIPTORS; i++)
        buf_addf(&b, "%s" CHILD, i ? "," : "");
    buf_addz(&b, "]}");
    if (b.n <= LIMIT_MANIFEST)
        bad(ERR_MANIFEST_INVALID, "manifests", OCI_TYPE_INDEX, buf_str(&b));
    else
        bad(ERR_MANIFEST_TOO_LARGE, "", OCI_TYPE_INDEX, buf_str(&b));

    /* The largest that is taken: annotations of 10 kB, as the conformance suite makes them. */
    buf_reset(&b);
    buf_addz(&b, "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"annotations\":{");
    for (int i = 0; i < 400; i++)
        buf_addf(&b, "%s\"k%d\":\"%010000d\"", i ? "," : "", i, i);
    buf_addz(&b, "}}");
    assert_true(buf_ok(&b) && b.n < LIMIT_MANIFEST);
    assert_int_equal(good(OCI_TYPE_MANIFEST, b.p).n_annotations, 400);
    while (b.n < LIMIT_MANIFEST)
        buf_addc(&b, ' ');
    good(OCI_TYPE_MANIFEST, b.p);
    buf_addc(&b, ' ');
    bad(ERR_MANIFEST_TOO_LARGE, "", OCI_TYPE_MANIFEST, buf_str(&b));
}

static void test_small_arena(void **state)
{
    (void)state;
    struct arena small;
    struct oci_manifest m;
    struct err e = {.code = ERR_OK};
    arena_init(&small, 64);
    assert_int_equal(oci_manifest_parse(&small, STR(IMAGE("")), STR(OCI_TYPE_MANIFEST), &m, &e),
                     -1);
    assert_int_equal(e.code, ERR_LIMIT);
    arena_done(&small);
}

static void test_kinds(void **state)
{
    (void)state;
    assert_true(oci_is_manifest_type(STR(OCI_TYPE_MANIFEST)));
    assert_true(oci_is_manifest_type(STR(DOCKER_TYPE_INDEX)));
    assert_false(oci_is_manifest_type(STR(OCI_TYPE_EMPTY)));
    assert_true(oci_is_index_type(STR(OCI_TYPE_INDEX)));
    assert_false(oci_is_index_type(STR(DOCKER_TYPE_MANIFEST)));
    assert_true(
        oci_is_foreign_layer(STR("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd")));
    assert_true(
        oci_is_foreign_layer(STR("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")));
    assert_false(oci_is_foreign_layer(STR("application/vnd.oci.image.layer.v1.tar")));
}

static void test_write(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    struct json_writer w;
    buf_init(&b, 4096);
    struct oci_manifest m =
        good(OCI_TYPE_INDEX,
             "{\"schemaVersion\":2,\"manifests\":[{\"size\":7,\"digest\":\"" D256
             "\",\"mediaType\":\"a/b\",\"annotations\":{\"k\":\"v\"},\"artifactType\":\"c/d\","
             "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}");
    jsonw_init(&w, &b);
    oci_descriptor_write(&w, &m.items[0]);
    assert_string_equal(b.p,
                        "{\"mediaType\":\"a/b\",\"digest\":\"" D256
                        "\",\"size\":7,\"annotations\":{\"k\":\"v\"},\"platform\":"
                        "{\"architecture\":\"amd64\",\"os\":\"linux\"},\"artifactType\":\"c/d\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_members, setup, teardown),
        cmocka_unit_test_setup_teardown(test_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_types_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_top_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_descriptors_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ceilings, setup, teardown),
        cmocka_unit_test(test_small_arena),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test_setup_teardown(test_write, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
