/* SPDX-License-Identifier: Apache-2.0 */
/* What manifests and the facts of models say they depend on. */
#include "registry/link.h"

#include "unit.h"

static struct arena arena;

static const struct links *find(struct oci_annotation *annotations, size_t n, const char *type,
                                const char *facts)
{
    static struct links links;
    struct oci_manifest m = {.annotations = annotations,
                             .n_annotations = n,
                             .artifact_type = str_from(type),
                             .has_subject = str_eqz(str_from(type), OCI_TYPE_LINK)};

    link_find(&arena, annotations ? &m : NULL, str_from(facts), &links);
    return &links;
}

static void has(const struct links *l, size_t i, enum link_relation relation,
                enum link_source source, const char *target)
{
    assert_true(i < l->n);
    assert_int_equal(l->v[i].relation, relation);
    assert_int_equal(l->v[i].source, source);
    assert_str(l->v[i].target, target);
}

static void test_facts(void **state)
{
    (void)state;
    const struct links *l =
        find(NULL, 0, "",
             "{\"facts\":{\"base-model\":[\"a/b\",\" a/b \",\"\",\"c\\u0007d\",7,\"e\"],"
             "\"dataset\":[\"a/b\"]},\"known\":{\"base_relation\":\"adapter\"}}");
    assert_int_equal(l->n, 3);
    has(l, 0, LINK_ADAPTER, LINK_OF_CARD, "a/b");
    has(l, 1, LINK_ADAPTER, LINK_OF_CARD, "e");
    has(l, 2, LINK_DATASET, LINK_OF_CARD, "a/b");
    l = find(NULL, 0, "",
             "{\"facts\":{\"base-model\":[\"x\"]},\"known\":{\"base_relation\":\"?\"}}");
    has(l, 0, LINK_BASE, LINK_OF_CARD, "x");
    static const char *const nothing[] = {
        "", "{", "[]", "7", "{\"facts\":[]}", "{\"facts\":{\"base-model\":\"a/b\"}}"};
    for (size_t i = 0; i < ARRAY_LEN(nothing); i++)
        assert_int_equal(find(NULL, 0, "", nothing[i])->n, 0);
}

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_manifest(void **state)
{
    struct oci_annotation v[] = {{.key = STR(OCI_ANNOTATION_BASE_NAME), .value = STR("a/b:1")},
                                 {.key = STR(OCI_ANNOTATION_BASE_DIGEST), .value = STR(DIGEST)},
                                 {.key = STR(OCI_ANNOTATION_LINK_RELATION), .value = STR("merge")}};

    (void)state;
    const struct links *l = find(v, 3, "x/y", "{\"facts\":{\"base-model\":[\"a/b:1\",\"c/d\"]}}");
    assert_int_equal(l->n, 2);
    has(l, 0, LINK_BASE, LINK_OF_MANIFEST, "a/b:1@" DIGEST);
    has(l, 1, LINK_BASE, LINK_OF_CARD, "c/d");
    has(find(v, 3, OCI_TYPE_LINK, ""), 0, LINK_MERGE, LINK_BY_HAND, "a/b:1@" DIGEST);
    v[2].value = STR("parent");
    has(find(v, 3, OCI_TYPE_LINK, ""), 0, LINK_BASE, LINK_BY_HAND, "a/b:1@" DIGEST);
    v[1].value = STR("sha256:1");
    has(find(v, 2, "", ""), 0, LINK_BASE, LINK_OF_MANIFEST, "a/b:1");
    v[0].value = STR("a/b@" DIGEST);
    v[1].value = STR(DIGEST);
    has(find(v, 2, "", ""), 0, LINK_BASE, LINK_OF_MANIFEST, "a/b@" DIGEST);
    v[0].value = STR("");
    assert_int_equal(find(v, 2, "", "")->n, 0);
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, MIB);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* Without room there are no links, and nothing else happens. */
static void test_no_room(void **state)
{
    struct arena small;
    struct links links;

    (void)state;
    arena_init(&small, 64);
    link_find(&small, NULL, STR("{\"facts\":{\"base-model\":[\"a/b\"]}}"), &links);
    assert_int_equal(links.n, 0);
    arena_done(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
