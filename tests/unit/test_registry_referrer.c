/* SPDX-License-Identifier: Apache-2.0 */
/* Referrers: descriptors, filters, pages, the fallback tag of older clients. */
#include "registry_fixture.h"

#include "base/json.h"

#define NO_TYPES NULL, 0

/* An artifact about subject: type may be NULL, annotations are JSON or "". Returns its digest. */
static struct digest attach(struct fixture *f, const char *name, struct digest subject,
                            const char *type, const char *config, const char *annotations)
{
    struct artifact_pushed pushed;
    AUTO_FREE char *extra = mem_printf(",\"subject\":{\"mediaType\":\"" OCI_TYPE_MANIFEST
                                       "\",\"digest\":\"%s\",\"size\":1}%s%s%s%s",
                                       subject.text, type ? ",\"artifactType\":\"" : "",
                                       type ? type : "", type ? "\"" : "", annotations);
    const char *document = image(f, config, NULL, 0, extra);

    send_blob(f, name, config);
    EXPECT(push(f, name, sha256_of(document).text, document, &pushed, NULL), 0);
    assert_true(pushed.has_subject);
    assert_true(digest_eq(&pushed.subject, &subject));
    return pushed.digest;
}

/* The page as a JSON list; the caller drops it. */
static json_t *list(struct fixture *f, const char *name, struct digest subject,
                    const struct str *types, size_t n_types, const struct digest *after, size_t max,
                    struct referrer_page *ret)
{
    struct referrer_page page;

    EXPECT(referrer_list(&f->r, &f->a, repo(name), &subject, types, n_types, after, max,
                         ret ? ret : &page, &f->e),
           0);
    struct str json = ret ? ret->json : page.json;
    AUTO_FREE char *text = mem_printf("[%.*s]", S(json));
    json_t *parsed = json_loads(text, 0, NULL);
    assert_non_null(parsed);
    return parsed;
}

static const char *text_of(json_t *item, const char *key)
{
    return json_string_value(json_object_get(item, key));
}

static json_t *item_of(json_t *page, struct digest d)
{
    for (size_t i = 0; i < json_array_size(page); i++)
        if (strcmp(text_of(json_array_get(page, i), "digest"), d.text) == 0)
            return json_array_get(page, i);
    return NULL;
}

static void test_empty(void **state)
{
    struct fixture *f = *state;
    struct referrer_page page;

    AUTO_JSON none = list(f, "library/none", sha256_of("x"), NO_TYPES, NULL, MIB, &page);
    assert_int_equal(json_array_size(none), 0);
    assert_false(page.more);
    send_blob(f, "library/a", "x");
    AUTO_JSON unknown = list(f, "library/a", sha256_of("x"), NO_TYPES, NULL, MIB, &page);
    assert_int_equal(json_array_size(unknown), 0);
    assert_false(page.more);
}

static void test_descriptors(void **state)
{
    struct fixture *f = *state;
    struct digest subject = push_image(f, "library/a", "v1", "config", "layer");
    struct digest typed = attach(f, "library/a", subject, "application/x.sig", "c1",
                                 ",\"annotations\":{\"key\":\"va\\\"lue\",\"b\":\"\"}");
    struct digest untyped = attach(f, "library/a", subject, NULL, "c2", "");
    struct artifact_pushed index;
    AUTO_FREE char *extra = mem_printf(",\"subject\":{\"mediaType\":\"" OCI_TYPE_MANIFEST
                                       "\",\"digest\":\"%s\",\"size\":1}",
                                       subject.text);

    EXPECT(push(f, "library/a", "index", image_index(f, NULL, 0, extra), &index, NULL), 0);
    AUTO_JSON page = list(f, "library/a", subject, NO_TYPES, NULL, MIB, NULL);
    assert_int_equal(json_array_size(page), 3);
    for (size_t i = 1; i < 3; i++) /* by digest */
        assert_true(strcmp(text_of(json_array_get(page, i - 1), "digest"),
                           text_of(json_array_get(page, i), "digest")) < 0);
    json_t *item = item_of(page, typed);
    assert_string_equal(text_of(item, "mediaType"), OCI_TYPE_MANIFEST);
    assert_string_equal(text_of(item, "artifactType"), "application/x.sig");
    assert_true(json_integer_value(json_object_get(item, "size")) > 100);
    assert_string_equal(text_of(json_object_get(item, "annotations"), "key"), "va\"lue");
    assert_string_equal(text_of(json_object_get(item, "annotations"), "b"), "");
    /* an image manifest without a type has that of its configuration, an index none */
    assert_string_equal(text_of(item_of(page, untyped), "artifactType"),
                        "application/vnd.test.config");
    assert_null(json_object_get(item_of(page, untyped), "annotations"));
    assert_null(json_object_get(item_of(page, index.digest), "artifactType"));
    assert_string_equal(text_of(item_of(page, index.digest), "mediaType"), OCI_TYPE_INDEX);
    /* of this repository, of this subject */
    AUTO_JSON other = list(f, "library/a", typed, NO_TYPES, NULL, MIB, NULL);
    assert_int_equal(json_array_size(other), 0);
    push_image(f, "library/b", "v1", "config", "layer");
    AUTO_JSON elsewhere = list(f, "library/b", subject, NO_TYPES, NULL, MIB, NULL);
    assert_int_equal(json_array_size(elsewhere), 0);
    /* a referrer goes with its manifest, and outlives its subject */
    EXPECT(artifact_delete(&f->r, repo("library/a"), &typed, &f->e), 1);
    EXPECT(artifact_delete(&f->r, repo("library/a"), &subject, &f->e), 1);
    AUTO_JSON after = list(f, "library/a", subject, NO_TYPES, NULL, MIB, NULL);
    assert_int_equal(json_array_size(after), 2);
    assert_null(item_of(after, typed));
}

static void test_filters(void **state)
{
    struct fixture *f = *state;
    struct digest subject = sha256_of("subject that is not here");
    struct digest sig = attach(f, "library/a", subject, "application/x.sig", "c1", "");
    struct digest sbom = attach(f, "library/a", subject, "application/x.sbom", "c2", "");
    struct str types[] = {STR("application/x.sig"), STR("application/none"),
                          STR("application/x.sbom")};

    attach(f, "library/a", subject, "application/x.scan", "c3", "");
    AUTO_JSON one = list(f, "library/a", subject, types, 1, NULL, MIB, NULL);
    assert_int_equal(json_array_size(one), 1);
    assert_non_null(item_of(one, sig));
    AUTO_JSON none = list(f, "library/a", subject, types + 1, 1, NULL, MIB, NULL);
    assert_int_equal(json_array_size(none), 0);
    AUTO_JSON two = list(f, "library/a", subject, types, 3, NULL, MIB, NULL);
    assert_int_equal(json_array_size(two), 2);
    assert_non_null(item_of(two, sbom));
}

/* Reads all pages of at most max bytes; returns how many there were. */
static size_t read_pages(struct fixture *f, struct digest subject, const struct str *types,
                         size_t n_types, size_t max, size_t want_items)
{
    struct referrer_page page = {0};
    struct digest after;
    char before[DIGEST_TEXT_MAX] = "";
    size_t pages = 0, items = 0;

    do {
        AUTO_JSON got =
            list(f, "library/a", subject, types, n_types, pages ? &after : NULL, max, &page);
        for (size_t i = 0; i < json_array_size(got); i++, items++) {
            const char *d = text_of(json_array_get(got, i), "digest");
            assert_true(strcmp(before, d) < 0);
            snprintf(before, sizeof(before), "%s", d);
        }
        if (page.more) {
            assert_true(json_array_size(got) > 0);
            assert_string_equal(page.last.text, before);
        }
        assert_true(page.json.n <= max || json_array_size(got) == 1);
        after = page.last;
        pages++;
    } while (page.more);
    assert_int_equal(items, want_items);
    return pages;
}

static void test_pages(void **state)
{
    struct fixture *f = *state;
    struct digest subject = sha256_of("subject");
    struct str even = STR("application/x.even");

    for (int i = 0; i < 40; i++) {
        char config[32];
        snprintf(config, sizeof(config), "config %d", i);
        attach(f, "library/a", subject, i % 2 ? "application/x.odd" : "application/x.even", config,
               "");
    }
    assert_int_equal(read_pages(f, subject, NO_TYPES, MIB, 40), 1);
    assert_in_range(read_pages(f, subject, NO_TYPES, 2000, 40), 4, 12);
    assert_int_equal(read_pages(f, subject, NO_TYPES, 1, 40), 40); /* a page is never empty */
    assert_in_range(read_pages(f, subject, &even, 1, 2000, 20), 2, 6);
}

/* Annotations are inlined: a page ends before clients refuse it. */
static void test_large_annotations(void **state)
{
    struct fixture *f = *state;
    struct digest subject = sha256_of("subject"), big;
    size_t n = LIMIT_MANIFEST - 2048;
    char *value = mem_alloc(n + 1);

    for (int i = 0; i < 3; i++) {
        memset(value, 'a' + i, n);
        value[i == 2 ? n : 3 * MIB] = '\0';
        AUTO_FREE char *annotations = mem_printf(",\"annotations\":{\"k\":\"%s\"}", value);
        big = attach(f, "library/a", subject, "application/x", "c", annotations);
        arena_reset(&f->a);
    }
    mem_free(value);
    struct referrer_page page;
    struct digest after;
    size_t items = 0, pages = 0;
    bool found = false;
    do {
        AUTO_JSON got =
            list(f, "library/a", subject, NO_TYPES, pages ? &after : NULL, SIZE_MAX, &page);
        assert_true(page.json.n <= LIMIT_REFERRERS_BYTES);
        items += json_array_size(got);
        if (item_of(got, big)) { /* too large for any page: listed without them */
            assert_null(json_object_get(item_of(got, big), "annotations"));
            found = true;
        }
        after = page.last;
        pages++;
        arena_reset(&f->a);
    } while (page.more);
    assert_true(found);
    assert_int_equal(items, 3);
    assert_true(pages >= 2);
}

/* ---- the fallback tag ---- */

static void put_fallback(struct fixture *f, struct digest subject, const char *items)
{
    struct tag tag;
    AUTO_FREE char *document = mem_printf(
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[%s]}", items);

    tag_for_referrers(&subject, &tag);
    EXPECT(push(f, "library/a", tag.text, document, NULL, NULL), 0);
}

#define FORM "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":9%s}"

static void test_fallback(void **state)
{
    struct fixture *f = *state;
    struct digest subject = push_image(f, "library/a", "v1", "config", "layer");
    struct digest row = attach(f, "library/a", subject, "application/x.sig", "c1", "");
    struct digest old = push_image(f, "library/a", "old", "old config", "old layer");
    struct digest older = push_image(f, "library/a", "older", "older config", "older layer");
    struct str sig = STR("application/x.sig"), sbom = STR("application/x.sbom"),
               config = STR("application/vnd.test.config");
    AUTO_FREE char *one = mem_printf(FORM, row.text, ",\"artifactType\":\"application/x.sbom\"");
    AUTO_FREE char *two = mem_printf(FORM, old.text,
                                     ",\"artifactType\":\"application/x.sbom\","
                                     "\"annotations\":{\"from\":\"fallback\"}");
    AUTO_FREE char *three = mem_printf(FORM, older.text, "");
    AUTO_FREE char *all = mem_printf("%s,%s,%s,%s", one, two, three, two);

    put_fallback(f, subject, all);
    AUTO_JSON page = list(f, "library/a", subject, NO_TYPES, NULL, MIB, NULL);
    assert_int_equal(json_array_size(page), 3); /* each once */
    for (size_t i = 1; i < 3; i++)
        assert_true(strcmp(text_of(json_array_get(page, i - 1), "digest"),
                           text_of(json_array_get(page, i), "digest")) < 0);
    /* the row knows better than the index of a client */
    assert_string_equal(text_of(item_of(page, row), "artifactType"), "application/x.sig");
    assert_string_equal(text_of(item_of(page, old), "artifactType"), "application/x.sbom");
    assert_string_equal(text_of(json_object_get(item_of(page, old), "annotations"), "from"),
                        "fallback");
    /* what the index does not say, the manifest does */
    assert_string_equal(text_of(item_of(page, older), "artifactType"),
                        "application/vnd.test.config");
    AUTO_JSON sigs = list(f, "library/a", subject, &sig, 1, NULL, MIB, NULL);
    assert_int_equal(json_array_size(sigs), 1);
    AUTO_JSON sboms = list(f, "library/a", subject, &sbom, 1, NULL, MIB, NULL);
    assert_int_equal(json_array_size(sboms), 1);
    assert_non_null(item_of(sboms, old));
    AUTO_JSON configs = list(f, "library/a", subject, &config, 1, NULL, MIB, NULL);
    assert_int_equal(json_array_size(configs), 1);
    assert_int_equal(read_pages(f, subject, NO_TYPES, 1, 3), 3);
    /* nobody takes a deleted manifest out of that index: it is not listed all the same */
    EXPECT(artifact_delete(&f->r, repo("library/a"), &old, &f->e), 1);
    AUTO_JSON rest = list(f, "library/a", subject, NO_TYPES, NULL, MIB, NULL);
    assert_int_equal(json_array_size(rest), 2);
}

/* A tag of that name that is no index, and one in another repository. */
static void test_fallback_of_others(void **state)
{
    struct fixture *f = *state;
    struct digest subject = sha256_of("subject");
    struct tag tag;

    tag_for_referrers(&subject, &tag);
    push_image(f, "library/a", tag.text, "config", "layer");
    AUTO_JSON page = list(f, "library/a", subject, NO_TYPES, NULL, MIB, NULL);
    assert_int_equal(json_array_size(page), 0);
    send_blob(f, "library/b", "x");
    AUTO_JSON other = list(f, "library/b", subject, NO_TYPES, NULL, MIB, NULL);
    assert_int_equal(json_array_size(other), 0);
}

static void test_sha512(void **state)
{
    struct fixture *f = *state;
    struct digest subject = sha512_of("subject");
    struct digest d = attach(f, "library/a", subject, "application/x", "c", "");

    AUTO_JSON page = list(f, "library/a", subject, NO_TYPES, NULL, MIB, NULL);
    assert_int_equal(json_array_size(page), 1);
    assert_non_null(item_of(page, d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),  TEST(test_descriptors),        TEST(test_filters),
        TEST(test_pages),  TEST(test_large_annotations),  TEST(test_fallback),
        TEST(test_sha512), TEST(test_fallback_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
