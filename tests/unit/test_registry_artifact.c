/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: pushing, what is refused, sparse content, finding, deleting. */
#include "registry_fixture.h"

#include <pthread.h>

static void test_push_and_find(void **state)
{
    struct fixture *f = *state;
    const char *layer = "layer", *document = image(f, "config", &layer, 1, "");
    struct artifact_pushed pushed;
    struct artifact art;
    struct reference ref = reference("v1");

    send_blob(f, "library/a", "config");
    send_blob(f, "library/a", "layer");
    EXPECT(push(f, "library/a", "v1", document, &pushed, NULL), 0);
    assert_string_equal(pushed.digest.text, sha256_of(document).text);
    assert_false(pushed.has_subject);
    EXPECT(artifact_find(&f->r, &f->a, repo("library/a"), &ref, &art, &f->e), 1);
    assert_true(digest_eq(&art.digest, &pushed.digest));
    assert_true(str_eqz(art.bytes, document));
    assert_true(str_eqz(art.media_type, OCI_TYPE_MANIFEST));
    ref = reference(pushed.digest.text);
    EXPECT(artifact_find(&f->r, &f->a, repo("library/a"), &ref, &art, &f->e), 1);
    assert_true(str_eqz(art.bytes, document));
    EXPECT(artifact_stat(&f->r, &f->a, repo("library/a"), &ref, &art, &f->e), 1);
    assert_null(art.bytes.p);
    assert_int_equal(art.bytes.n, strlen(document));
    assert_false(has_artifact(f, "library/a", "v2"));
    assert_false(has_artifact(f, "library/b", "v1"));
    assert_false(has_artifact(f, "library/b", pushed.digest.text));
}

static void test_push_by_digest(void **state)
{
    struct fixture *f = *state;
    const char *document = image_index(f, NULL, 0, "");
    struct artifact_pushed pushed;
    struct artifact art;
    struct digest d256 = sha256_of(document), d512 = sha512_of(document);
    struct reference ref;

    REFUSED(push(f, "library/a", sha256_of("other").text, document, NULL, NULL), DIGEST_INVALID);
    REFUSED(push(f, "library/a", sha512_of("other").text, document, NULL, NULL), DIGEST_INVALID);
    EXPECT(push(f, "library/a", d512.text, document, &pushed, NULL), 0);
    assert_string_equal(pushed.digest.text, d512.text);
    /* it is known by the digest it was pushed by, and by that alone */
    assert_true(has_artifact(f, "library/a", d512.text));
    assert_false(has_artifact(f, "library/a", d256.text));
    EXPECT(push(f, "library/a", "v1", document, &pushed, NULL), 0);
    assert_string_equal(pushed.digest.text, d256.text);
    ref = reference(d512.text);
    EXPECT(artifact_find(&f->r, &f->a, repo("library/a"), &ref, &art, &f->e), 1);
    assert_string_equal(art.digest.text, d512.text);
    ref = reference("v1");
    EXPECT(artifact_find(&f->r, &f->a, repo("library/a"), &ref, &art, &f->e), 1);
    assert_string_equal(art.digest.text, d256.text);
    /* each goes alone; the bytes stay as long as one is there */
    EXPECT(artifact_delete(&f->r, repo("library/a"), &d256, &f->e), 1);
    assert_true(has_artifact(f, "library/a", d512.text));
    assert_int_equal(count_rows(f, Q_document_by_digest, DB_ARGS(DB_TEXT(digest_str(&d256)))), 1);
    EXPECT(artifact_delete(&f->r, repo("library/a"), &d512, &f->e), 1);
    assert_int_equal(count_rows(f, Q_document_by_digest, DB_ARGS(DB_TEXT(digest_str(&d256)))), 0);
}

static void test_more_tags(void **state)
{
    struct fixture *f = *state;
    const char *document = image_index(f, NULL, 0, "");
    struct digest d512 = sha512_of(document);
    struct tag *tags = ARENA_ARRAY(&f->a, LIMIT_TAGS_PER_PUSH + 1, struct tag);
    struct artifact_push p = {.bytes = str_from(document),
                              .content_type = STR(OCI_TYPE_INDEX),
                              .ref = reference(d512.text),
                              .tags = tags,
                              .n_tags = LIMIT_TAGS_PER_PUSH + 1};
    struct artifact_pushed pushed;
    struct artifact art;
    struct reference ref = reference("t99");
    struct registry_names names;

    for (size_t i = 0; i <= LIMIT_TAGS_PER_PUSH; i++)
        snprintf(tags[i].text, sizeof(tags[i].text), "t%zu", i);
    REFUSED(artifact_push(&f->r, &f->a, repo("library/a"), &p, &pushed, NULL, &f->e),
            TAGS_TOO_MANY);
    p.n_tags--;
    EXPECT(artifact_push(&f->r, &f->a, repo("library/a"), &p, &pushed, NULL, &f->e), 0);
    EXPECT(tag_list(&f->r, &f->a, repo("library/a"), STR(""), 1000, &names, &f->e), 1);
    assert_int_equal(names.n, LIMIT_TAGS_PER_PUSH);
    /* a tag leads to the full digest, whatever its algorithm */
    EXPECT(artifact_stat(&f->r, &f->a, repo("library/a"), &ref, &art, &f->e), 1);
    assert_string_equal(art.digest.text, d512.text);
}

static void test_push_again(void **state)
{
    struct fixture *f = *state;
    const char *layer = "layer", *document = image(f, "config", &layer, 1, "");
    struct digest d = push_image(f, "library/a", "v1", "config", "layer"), other;
    struct reference ref = reference(d.text);
    struct artifact first, again;

    EXPECT(artifact_stat(&f->r, &f->a, repo("library/a"), &ref, &first, &f->e), 1);
    EXPECT(push(f, "library/a", "v2", document, NULL, NULL), 0);
    EXPECT(push(f, "library/a", d.text, document, NULL, NULL), 0);
    EXPECT(artifact_stat(&f->r, &f->a, repo("library/a"), &ref, &again, &f->e), 1);
    assert_int_equal(first.id, again.id);
    assert_true(has_artifact(f, "library/a", "v2"));
    /* a tag moves */
    other = push_image(f, "library/a", "v1", "config", "another layer");
    ref = reference("v1");
    EXPECT(artifact_stat(&f->r, &f->a, repo("library/a"), &ref, &again, &f->e), 1);
    assert_true(digest_eq(&again.digest, &other));
    assert_true(has_artifact(f, "library/a", d.text));
}

/* A document without a mediaType of its own is what the last push said. */
static void test_type_of_the_request(void **state)
{
    struct fixture *f = *state;
    const char *document = "{\"schemaVersion\":2,\"manifests\":[]}";
    struct artifact_push p = {.bytes = str_from(document), .ref = reference("v1")};
    struct artifact_pushed pushed;
    struct artifact art;

    p.content_type = STR(DOCKER_TYPE_INDEX "; charset=utf-8");
    EXPECT(artifact_push(&f->r, &f->a, repo("library/a"), &p, &pushed, NULL, &f->e), 0);
    EXPECT(artifact_stat(&f->r, &f->a, repo("library/a"), &p.ref, &art, &f->e), 1);
    assert_true(str_eqz(art.media_type, DOCKER_TYPE_INDEX));
    p.content_type = STR(OCI_TYPE_INDEX);
    EXPECT(artifact_push(&f->r, &f->a, repo("library/a"), &p, &pushed, NULL, &f->e), 0);
    EXPECT(artifact_stat(&f->r, &f->a, repo("library/a"), &p.ref, &art, &f->e), 1);
    assert_true(str_eqz(art.media_type, OCI_TYPE_INDEX));
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    char *large = ARENA_ARRAY(&f->a, LIMIT_MANIFEST + 2, char);

    REFUSED(push(f, "library/a", "v1", "not json", NULL, NULL), MANIFEST_INVALID);
    REFUSED(push(f, "library/a", "v1", "", NULL, NULL), MANIFEST_INVALID);
    REFUSED(push(f, "library/a", "v1",
                 "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX
                 "\",\"manifests\":[],\"layers\":[]}",
                 NULL, NULL),
            MANIFEST_INVALID);
    memset(large, ' ', LIMIT_MANIFEST + 1);
    REFUSED(push(f, "library/a", "v1", large, NULL, NULL), MANIFEST_TOO_LARGE);
    REFUSED(push(f, "nobody/a", "v1", image_index(f, NULL, 0, ""), NULL, NULL), NAME_UNKNOWN);
    REFUSED(push(f, "library", "v1", image_index(f, NULL, 0, ""), NULL, NULL), NAME_INVALID);
    /* none of it made a repository */
    assert_int_equal(count_rows(f, Q_repository_id, DB_ARGS(DB_TEXTZ("library/a"))), 0);
}

/* ---- what must be there ---- */

static bool names(const struct artifact_missing *m, struct digest d)
{
    for (size_t i = 0; i < m->n; i++)
        if (digest_eq(&m->digests[i], &d))
            return true;
    return false;
}

static void test_missing_content(void **state)
{
    struct fixture *f = *state;
    const char *const layers[] = {"here", "gone", "gone", "also gone"};
    struct artifact_missing missing = {0};

    send_blob(f, "library/a", "here");
    send_blob(f, "library/b", "gone"); /* elsewhere does not count */
    REFUSED(push(f, "library/a", "v1", image(f, "no config", layers, 4, ""), NULL, &missing),
            MANIFEST_BLOB_UNKNOWN);
    assert_int_equal(missing.n, 3); /* each once */
    assert_true(names(&missing, sha256_of("no config")));
    assert_true(names(&missing, sha256_of("gone")));
    assert_true(names(&missing, sha256_of("also gone")));
    assert_false(has_artifact(f, "library/a", "v1"));
    /* an upload that failed so leaves no trace of what was missing */
    struct digest d = sha256_of("also gone");
    assert_int_equal(count_rows(f, Q_blob_by_digest, DB_ARGS(DB_TEXT(digest_str(&d)))), 0);
    f->r.sparse = REGISTRY_SPARSE_INDEXES;
    REFUSED(push(f, "library/a", "v1", image(f, "no config", layers, 4, ""), NULL, &missing),
            MANIFEST_BLOB_UNKNOWN);
    f->r.sparse = REGISTRY_SPARSE_ANY;
    EXPECT(push(f, "library/a", "v1", image(f, "no config", layers, 4, ""), NULL, NULL), 0);
}

static void test_children(void **state)
{
    struct fixture *f = *state;
    struct digest child = push_image(f, "library/a", "child", "config", "layer");
    struct digest elsewhere = push_image(f, "library/b", "child", "config b", "layer b");
    struct digest plain = send_blob(f, "library/a", "cache layer");
    const char *good[] = {child.text, plain.text}, *bad[] = {child.text, elsewhere.text};
    struct artifact_missing missing = {0};
    struct artifact_pushed pushed;

    /* a manifest of the repository, or a plain blob of it */
    EXPECT(push(f, "library/a", "v1", image_index(f, good, 2, ""), &pushed, NULL), 0);
    REFUSED(push(f, "library/a", "v2", image_index(f, bad, 2, ""), NULL, &missing),
            MANIFEST_BLOB_UNKNOWN);
    assert_int_equal(missing.n, 1);
    assert_true(names(&missing, elsewhere));
    f->r.sparse = REGISTRY_SPARSE_INDEXES;
    EXPECT(push(f, "library/a", "v2", image_index(f, bad, 2, ""), NULL, NULL), 0);
    assert_false(has_artifact(f, "library/a", elsewhere.text));
    /* indexes of indexes */
    const char *nested[] = {pushed.digest.text};
    f->r.sparse = REGISTRY_SPARSE_REFUSE;
    EXPECT(push(f, "library/a", "v3", image_index(f, nested, 1, ""), NULL, NULL), 0);
    /* the index holds its plain blob */
    REFUSED(blob_unlink(&f->r, repo("library/a"), &plain, &f->e), CONFLICT);
    EXPECT(artifact_delete(&f->r, repo("library/a"), &pushed.digest, &f->e), 1);
    assert_false(is_member(f, "library/a", &plain));
    assert_true(has_artifact(f, "library/a", child.text)); /* children stay */
}

/* A manifest with one layer: digest of the configuration; type, digest and further members of the
 * layer. */
#define LAYER                                                                                      \
    "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"config\":{\"mediaType\":"      \
    "\"application/"                                                                               \
    "x\",\"digest\":\"%s\",\"size\":6},\"layers\":[{\"mediaType\":\"%s\",\"digest\":"              \
    "\"%s\",\"size\":4%s}]}"
#define FOREIGN "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
#define URLS    ",\"urls\":[\"https://example.com/layer\"]"

static void test_never_refused(void **state)
{
    struct fixture *f = *state;
    struct digest config = send_blob(f, "library/a", "config"), gone = sha256_of("gone");

    EXPECT(push(f, "library/a", "none", image(f, "config", NULL, 0, ""), NULL, NULL), 0);
    EXPECT(push(f, "library/a", "empty", image_index(f, NULL, 0, ""), NULL, NULL), 0);
    /* a subject that is not there */
    EXPECT(push(f, "library/a", "sub",
                image(f, "config", NULL, 0,
                      arena_printf(&f->a,
                                   ",\"subject\":{\"mediaType\":\"" OCI_TYPE_MANIFEST
                                   "\",\"digest\":\"%s\",\"size\":1}",
                                   gone.text)),
                NULL, NULL),
           0);
    /* a layer that others serve */
    AUTO_FREE char *with = mem_printf(LAYER, config.text, FOREIGN, gone.text, URLS);
    AUTO_FREE char *without = mem_printf(LAYER, config.text, FOREIGN, gone.text, "");
    EXPECT(push(f, "library/a", "foreign", with, NULL, NULL), 0);
    assert_false(is_member(f, "library/a", &gone));
    /* but without an address it must be here, and an address alone makes no layer foreign */
    REFUSED(push(f, "library/a", "bare", without, NULL, NULL), MANIFEST_BLOB_UNKNOWN);
    AUTO_FREE char *ordinary = mem_printf(LAYER, config.text, "application/x", gone.text, URLS);
    REFUSED(push(f, "library/a", "bare", ordinary, NULL, NULL), MANIFEST_BLOB_UNKNOWN);
}

/* ---- deleting ---- */

static void test_delete(void **state)
{
    struct fixture *f = *state;
    struct digest one = push_image(f, "library/a", "v1", "config one", "shared");
    struct digest two = push_image(f, "library/a", "v2", "config two", "shared");
    struct digest shared = sha256_of("shared"), config = sha256_of("config one");
    const char *layer = "shared";
    struct registry_names tags;

    f->r.lease_ms = 0; /* nobody else pushes at present */
    push_image(f, "library/b", "v1", "config one", "shared");
    EXPECT(push(f, "library/a", "latest", image(f, "config one", &layer, 1, ""), NULL, NULL), 0);
    EXPECT(artifact_delete(&f->r, repo("library/none"), &one, &f->e), 0);
    EXPECT(artifact_delete(&f->r, repo("library/a"), &shared, &f->e), 0);
    EXPECT(artifact_delete(&f->r, repo("library/a"), &one, &f->e), 1);
    EXPECT(artifact_delete(&f->r, repo("library/a"), &one, &f->e), 0);
    /* all its tags went, and what it alone held */
    EXPECT(tag_list(&f->r, &f->a, repo("library/a"), STR(""), 10, &tags, &f->e), 1);
    assert_int_equal(tags.n, 1);
    assert_true(str_eqz(tags.names[0], "v2"));
    assert_false(is_member(f, "library/a", &config));
    assert_true(is_member(f, "library/a", &shared));
    /* not what another repository holds */
    assert_true(is_member(f, "library/b", &config));
    assert_true(has_artifact(f, "library/b", one.text));
    EXPECT(artifact_delete(&f->r, repo("library/a"), &two, &f->e), 1);
    assert_false(is_member(f, "library/a", &shared));
    assert_true(is_member(f, "library/b", &shared));
    /* the repository stays, empty and out of the catalog; what was revoked must be sent again */
    EXPECT(tag_list(&f->r, &f->a, repo("library/a"), STR(""), 10, &tags, &f->e), 1);
    assert_int_equal(tags.n, 0);
    EXPECT(repository_list(&f->r, &f->a, true, STR(""), 10, &tags, &f->e), 0);
    assert_int_equal(tags.n, 1);
    REFUSED(push(f, "library/a", "v1", image(f, "config one", &layer, 1, ""), NULL, NULL),
            MANIFEST_BLOB_UNKNOWN);
}

/* What a push under way has sent stays, also when a manifest that held it goes in between. */
static void test_delete_during_push(void **state)
{
    struct fixture *f = *state;
    struct digest old = push_image(f, "library/a", "old", "config", "layer");
    struct digest unrelated = send_blob(f, "library/a", "unrelated"), config = sha256_of("config");
    const char *const layers[] = {"layer", "unrelated"};

    send_blob(f, "library/a", "layer"); /* again, for the next manifest */
    EXPECT(artifact_delete(&f->r, repo("library/a"), &old, &f->e), 1);
    assert_false(is_member(f, "library/a", &config));
    assert_true(is_member(f, "library/a", &unrelated));
    send_blob(f, "library/a", "config");
    struct artifact_pushed pushed;
    EXPECT(push(f, "library/a", "new", image(f, "config", layers, 2, ""), &pushed, NULL), 0);
    /* now they belong to the manifest, and go with it */
    EXPECT(artifact_delete(&f->r, repo("library/a"), &pushed.digest, &f->e), 1);
    assert_false(is_member(f, "library/a", &unrelated));
    assert_false(is_member(f, "library/a", &config));
}

static void test_delete_tag(void **state)
{
    struct fixture *f = *state;
    struct digest d = push_image(f, "library/a", "v1", "config", "layer");
    struct tag tag = {"v1"};

    EXPECT(tag_delete(&f->r, repo("library/none"), &tag, &f->e), 0);
    EXPECT(tag_delete(&f->r, repo("library/a"), &tag, &f->e), 1);
    EXPECT(tag_delete(&f->r, repo("library/a"), &tag, &f->e), 0);
    assert_false(has_artifact(f, "library/a", "v1"));
    assert_true(has_artifact(f, "library/a", d.text));
}

/* Nearly as many descriptors as a manifest may have. */
static void test_wide_index(void **state)
{
    enum { N = 9000 };
    struct fixture *f = *state;
    const char **digests = ARENA_ARRAY(&f->a, N, const char *);
    struct artifact_missing missing = {0};

    for (int i = 0; i < N; i++) {
        char text[32];
        snprintf(text, sizeof(text), "child %d", i);
        struct digest d = sha256_of(text);
        digests[i] = arena_printf(&f->a, "%s", d.text);
    }
    const char *document = image_index(f, digests, N, "");
    REFUSED(push(f, "library/a", "wide", document, NULL, &missing), MANIFEST_BLOB_UNKNOWN);
    assert_int_equal(missing.n, N);
    f->r.sparse = REGISTRY_SPARSE_INDEXES;
    EXPECT(push(f, "library/a", "wide", document, NULL, NULL), 0);
    EXPECT(push(f, "library/a", "wide", document, NULL, NULL), 0);
    struct digest d = sha256_of(document);
    EXPECT(artifact_delete(&f->r, repo("library/a"), &d, &f->e), 1);
}

/* ---- several at once ---- */

struct worker {
    pthread_t thread;
    struct fixture *shared;
    struct fixture own; /* arena and error of the thread; the registry is shared */
    int n;
    bool failed;
};

/* Sends, pushes, reads and deletes its own image under a tag that others move as well. */
static void *work(void *p)
{
    struct worker *w = p;
    struct registry *r = &w->shared->r;
    struct repo_name name;
    struct err e = {0};
    struct reference tag = {.tag = {"moving"}};

    w->failed = repo_name_parse(STR("library/busy"), &name, &e) < 0;
    for (int i = 0; i < 15 && !w->failed; i++) {
        char layer[32];
        snprintf(layer, sizeof(layer), "layer of %d", w->n);
        const char *one = layer;
        struct digest config = sha256_of("shared config"), d = sha256_of(layer);
        const char *document = image(&w->own, "shared config", &one, 1, "");
        struct artifact_push push = {.bytes = str_from(document), .ref = tag};
        struct artifact_pushed pushed;
        struct artifact art;
        struct blob b;
        if (store_put(r->store, STR("shared config"), &config, &e) < 0 ||
            blob_record(r, &name, &config, &config, strlen("shared config"), &e) < 0 ||
            store_put(r->store, str_from(layer), &d, &e) < 0 ||
            blob_record(r, &name, &d, &d, strlen(layer), &e) < 0)
            w->failed = true;
        /* what was sent stays until a manifest names it: only another push of the same
         * configuration may take it over and be deleted in between, which is the one refusal that
         * can happen */
        else if (artifact_push(r, &w->own.a, &name, &push, &pushed, NULL, &e) < 0)
            w->failed = e.code != ERR_MANIFEST_BLOB_UNKNOWN;
        else if (blob_find(r, &w->own.a, &name, &d, &b, &e) != 1 ||
                 artifact_find(r, &w->own.a, &name, &tag, &art, &e) < 0 ||
                 artifact_delete(r, &name, &pushed.digest, &e) != 1 ||
                 blob_find(r, &w->own.a, &name, &d, &b, &e) != 0)
            w->failed = true;
        arena_reset(&w->own.a);
    }
    return NULL;
}

static void test_several_pushes(void **state)
{
    struct fixture *f = *state;
    struct worker workers[4] = {0};
    struct registry_names tags;

    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        workers[i].shared = f;
        workers[i].n = (int)i;
        arena_init(&workers[i].own.a, LIMIT_REQUEST_ARENA);
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        assert_false(workers[i].failed);
        arena_done(&workers[i].own.a);
    }
    EXPECT(tag_list(&f->r, &f->a, repo("library/busy"), STR(""), 10, &tags, &f->e), 1);
    assert_int_equal(tags.n, 0);
}

/* Results beyond the caller's arena are an error, not the end of the process. */
static void test_small_arena(void **state)
{
    struct fixture *f = *state;
    struct reference ref = reference("v1");
    struct artifact art;
    struct arena small;

    push_image(f, "library/a", "v1", "config", "layer");
    arena_init(&small, 100);
    REFUSED(artifact_find(&f->r, &small, repo("library/a"), &ref, &art, &f->e), LIMIT);
    arena_done(&small);
    EXPECT(artifact_find(&f->r, &f->a, repo("library/a"), &ref, &art, &f->e), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_push_and_find),   TEST(test_push_by_digest), TEST(test_more_tags),
        TEST(test_push_again),      TEST(test_refusals),       TEST(test_type_of_the_request),
        TEST(test_missing_content), TEST(test_children),       TEST(test_never_refused),
        TEST(test_delete),          TEST(test_delete_tag),     TEST(test_delete_during_push),
        TEST(test_wide_index),      TEST(test_small_arena),    TEST(test_several_pushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
