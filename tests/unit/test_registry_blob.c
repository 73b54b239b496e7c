/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs: membership in all its ways, extents, mounts, unlinking. */
#include "registry_fixture.h"

#include <pthread.h>

static void test_record_and_find(void **state)
{
    struct fixture *f = *state;
    struct blob b;
    struct digest d = send_blob(f, "library/a", "hello"), object;
    uint64_t size;
    int fd;

    EXPECT(blob_find(&f->r, &f->a, repo("library/a"), &d, &b, &f->e), 1);
    assert_true(digest_eq(&b.digest, &d));
    assert_int_equal(b.size, 5);
    assert_int_equal(b.n_extents, 1);
    assert_false(b.extents[0].literal);
    assert_true(digest_eq(&b.extents[0].object, &d));
    assert_int_equal(b.extents[0].offset, 0);
    assert_int_equal(b.extents[0].len, 5);
    EXPECT(store_object_open(f->r.store, &b.extents[0].object, &fd, &size, &f->e), 1);
    assert_int_equal(size, 5);
    close(fd);
    send_blob(f, "library/a", "hello"); /* once more changes nothing */
    EXPECT(blob_find(&f->r, &f->a, repo("library/a"), &d, &b, &f->e), 1);
    assert_int_equal(b.n_extents, 1);
    object = sha256_of("never sent");
    EXPECT(blob_find(&f->r, &f->a, repo("library/a"), &object, &b, &f->e), 0);
}

static void test_empty_blob(void **state)
{
    struct fixture *f = *state;
    struct digest d = send_blob(f, "library/a", "");
    struct blob b;

    EXPECT(blob_find(&f->r, &f->a, repo("library/a"), &d, &b, &f->e), 1);
    assert_int_equal(b.size, 0);
    assert_int_equal(b.n_extents, 1);
}

/* The same bytes under two digests are two blobs of one object, and membership is of each. */
static void test_other_algorithm(void **state)
{
    struct fixture *f = *state;
    struct digest object, d512 = sha512_of("hello");
    struct blob b;

    EXPECT(store_put(f->r.store, STR("hello"), &object, &f->e), 0);
    EXPECT(blob_record(&f->r, repo("library/a"), &d512, &object, 5, &f->e), 0);
    EXPECT(blob_find(&f->r, &f->a, repo("library/a"), &d512, &b, &f->e), 1);
    assert_true(digest_eq(&b.digest, &d512));
    assert_true(digest_eq(&b.extents[0].object, &object));
    assert_false(is_member(f, "library/a", &object));
}

static void test_record_refusals(void **state)
{
    struct fixture *f = *state;
    struct digest d = send_blob(f, "library/a", "hello"), other = sha256_of("other");

    REFUSED(blob_record(&f->r, repo("nobody/a"), &d, &d, 5, &f->e), NAME_UNKNOWN);
    REFUSED(blob_record(&f->r, repo("library"), &d, &d, 5, &f->e), NAME_INVALID);
    REFUSED(blob_record(&f->r, repo("library/a"), &other, &d, 5, &f->e), INTERNAL);
    REFUSED(blob_record(&f->r, repo("library/a"), &d, &d, 6, &f->e), CORRUPT);
    REFUSED(blob_record(&f->r, repo("library/a"), &other, &other, LIMIT_BLOB + 1, &f->e), LIMIT);
    /* nothing of it stayed */
    assert_false(is_member(f, "library/a", &other));
    assert_int_equal(count_rows(f, Q_repository_id, DB_ARGS(DB_TEXTZ("nobody/a"))), 0);
}

/* A digest grants nothing: bytes that one repository holds are unknown to every other. */
static void test_membership_does_not_leak(void **state)
{
    struct fixture *f = *state;
    struct digest d = send_blob(f, "secret/a", "secret bytes");

    assert_true(is_member(f, "secret/a", &d));
    assert_false(is_member(f, "secret/b", &d));
    assert_false(is_member(f, "library/a", &d));
    send_blob(f, "library/a", "something else"); /* the repository exists now */
    assert_false(is_member(f, "library/a", &d));
    /* a manifest that names it grants nothing either, however it is taken */
    f->r.sparse = REGISTRY_SPARSE_ANY;
    const char *layer = "secret bytes";
    EXPECT(push(f, "library/a", "v1", image(f, "no config", &layer, 1, ""), NULL, NULL), 0);
    assert_false(is_member(f, "library/a", &d));
    EXPECT(blob_mount(&f->r, repo("library/b"), repo("library/a"), false, &d, &f->e), 0);
    assert_false(is_member(f, "library/b", &d));
    /* nor a mount from a repository that does not hold it, nor an anonymous one from a private
     * project */
    EXPECT(blob_mount(&f->r, repo("library/b"), NULL, false, &d, &f->e), 0);
    EXPECT(blob_unlink(&f->r, repo("library/a"), &d, &f->e), 0);
    assert_true(is_member(f, "secret/a", &d));
    /* as long as nobody sends the bytes */
    send_blob(f, "library/a", "secret bytes");
    assert_true(is_member(f, "library/a", &d));
}

static void test_mount(void **state)
{
    struct fixture *f = *state;
    struct digest d = send_blob(f, "secret/a", "hello"), missing = sha256_of("missing");

    EXPECT(blob_mount(&f->r, repo("library/b"), repo("secret/a"), false, &missing, &f->e), 0);
    EXPECT(blob_mount(&f->r, repo("library/b"), repo("secret/none"), false, &d, &f->e), 0);
    /* what mounted nothing made nothing */
    assert_int_equal(count_rows(f, Q_repository_id, DB_ARGS(DB_TEXTZ("library/b"))), 0);
    EXPECT(blob_mount(&f->r, repo("library/b"), repo("secret/a"), false, &d, &f->e), 1);
    EXPECT(blob_mount(&f->r, repo("library/b"), repo("secret/a"), false, &d, &f->e), 1);
    assert_true(is_member(f, "library/b", &d));
    REFUSED(blob_mount(&f->r, repo("nobody/b"), repo("secret/a"), false, &d, &f->e), NAME_UNKNOWN);
    /* the members are independent of each other */
    EXPECT(blob_unlink(&f->r, repo("secret/a"), &d, &f->e), 1);
    assert_false(is_member(f, "secret/a", &d));
    assert_true(is_member(f, "library/b", &d));
}

static void test_mount_anonymous(void **state)
{
    struct fixture *f = *state;
    struct digest open = send_blob(f, "library/a", "open"),
                  closed = send_blob(f, "secret/a", "closed");

    EXPECT(blob_mount(&f->r, repo("secret/b"), NULL, false, &open, &f->e), 1);
    EXPECT(blob_mount(&f->r, repo("secret/b"), NULL, false, &closed, &f->e), 0);
    EXPECT(blob_mount(&f->r, repo("secret/b"), NULL, true, &closed, &f->e), 1);
    assert_true(is_member(f, "secret/b", &closed));
    EXPECT(blob_unlink(&f->r, repo("library/a"), &open, &f->e), 1);
    EXPECT(blob_mount(&f->r, repo("secret/c"), NULL, false, &open, &f->e),
           0); /* no public member is left */
}

static void test_unlink(void **state)
{
    struct fixture *f = *state;
    struct digest layer = sha256_of("layer"), manifest;

    EXPECT(blob_unlink(&f->r, repo("library/none"), &layer, &f->e), 0);
    manifest = push_image(f, "library/a", "v1", "config", "layer");
    REFUSED(blob_unlink(&f->r, repo("library/a"), &layer, &f->e), CONFLICT);
    assert_true(is_member(f, "library/a", &layer));
    /* a manifest elsewhere is no obstacle */
    EXPECT(blob_mount(&f->r, repo("library/b"), repo("library/a"), false, &layer, &f->e), 1);
    EXPECT(blob_unlink(&f->r, repo("library/b"), &layer, &f->e), 1);
    EXPECT(blob_unlink(&f->r, repo("library/b"), &layer, &f->e), 0);
    EXPECT(artifact_delete(&f->r, repo("library/a"), &manifest, &f->e), 1);
    EXPECT(blob_unlink(&f->r, repo("library/a"), &layer, &f->e), 0); /* went with its manifest */
}

static void test_compose(void **state)
{
    struct fixture *f = *state;
    struct digest object = send_blob(f, "library/a", "0123456789");
    struct digest d = sha256_of("<2345>"), wrong = sha256_of("wrong");
    struct blob_extent x[] = {
        {.literal = true, .bytes = STR("<"), .len = 1},
        {.literal = true, .bytes = STR(""), .len = 0}, /* left out */
        {.object = object, .offset = 2, .len = 4},
        {.literal = true, .bytes = STR(">"), .len = 1},
    };
    struct blob b;

    EXPECT(blob_compose(&f->r, repo("library/a"), &d, 6, x, 4, &f->e), 0);
    EXPECT(blob_find(&f->r, &f->a, repo("library/a"), &d, &b, &f->e), 1);
    assert_int_equal(b.size, 6);
    assert_int_equal(b.n_extents, 3);
    assert_true(b.extents[0].literal && str_eqz(b.extents[0].bytes, "<"));
    assert_false(b.extents[1].literal);
    assert_int_equal(b.extents[1].offset, 2);
    assert_int_equal(b.extents[1].len, 4);
    assert_true(str_eqz(b.extents[2].bytes, ">"));
    /* sent later as a whole: it stays composed */
    send_blob(f, "library/b", "<2345>");
    EXPECT(blob_find(&f->r, &f->a, repo("library/b"), &d, &b, &f->e), 1);
    assert_int_equal(b.n_extents, 3);
    /* sums, ends and unknown objects */
    REFUSED(blob_compose(&f->r, repo("library/a"), &wrong, 7, x, 4, &f->e), INTERNAL);
    x[2].offset = 7;
    REFUSED(blob_compose(&f->r, repo("library/a"), &wrong, 6, x, 4, &f->e), INTERNAL);
    x[2].offset = UINT64_MAX;
    REFUSED(blob_compose(&f->r, repo("library/a"), &wrong, 6, x, 4, &f->e), INTERNAL);
    x[2].offset = 0;
    x[2].object = wrong;
    REFUSED(blob_compose(&f->r, repo("library/a"), &wrong, 6, x, 4, &f->e), BLOB_UNKNOWN);
    x[0].len = 2;
    REFUSED(blob_compose(&f->r, repo("library/a"), &wrong, 7, x, 4, &f->e), INTERNAL);
    REFUSED(blob_compose(&f->r, repo("library/a"), &wrong, 7, x, LIMIT_BLOB_EXTENTS + 1, &f->e),
            LIMIT);
    assert_false(is_member(f, "library/a", &wrong));
    wrong = sha256_of("");
    EXPECT(blob_compose(&f->r, repo("library/a"), &wrong, 0, NULL, 0, &f->e), 0);
    assert_true(is_member(f, "library/a", &wrong));
}

/* Many extents: in order, and all of them. */
static void test_many_extents(void **state)
{
    enum { N = 5000 };
    struct fixture *f = *state;
    struct digest object = send_blob(f, "library/a", "0123456789"), d = sha256_of("of many");
    struct blob_extent *x = ARENA_ARRAY(&f->a, N, struct blob_extent);
    struct blob b;

    for (size_t i = 0; i < N; i++)
        x[i] = (struct blob_extent){.object = object, .offset = i % 10, .len = 1};
    EXPECT(blob_compose(&f->r, repo("library/a"), &d, N, x, N, &f->e), 0);
    EXPECT(blob_find(&f->r, &f->a, repo("library/a"), &d, &b, &f->e), 1);
    assert_int_equal(b.n_extents, N);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(b.extents[i].offset, i % 10);
}

/* A manifest named it before its bytes came. */
static void test_sent_after_named(void **state)
{
    struct fixture *f = *state;
    const char *layer = "late layer";
    struct digest d = sha256_of(layer);

    f->r.sparse = REGISTRY_SPARSE_ANY;
    EXPECT(push(f, "library/a", "v1", image(f, "late config", &layer, 1, ""), NULL, NULL), 0);
    assert_false(is_member(f, "library/a", &d));
    send_blob(f, "library/a", layer);
    assert_true(is_member(f, "library/a", &d));
    /* the manifest holds it from the moment it came */
    REFUSED(blob_unlink(&f->r, repo("library/a"), &d, &f->e), CONFLICT);
}

struct racer {
    pthread_t thread;
    struct fixture *f;
    struct digest d;
    struct err e;
    int rc;
};

static void *race(void *p)
{
    struct racer *me = p;
    struct repo_name name;

    me->rc = repo_name_parse(STR("library/fresh"), &name, &me->e);
    for (int i = 0; me->rc == 0 && i < 20; i++)
        me->rc = blob_record(&me->f->r, &name, &me->d, &me->d, 5, &me->e);
    return NULL;
}

/* Several uploads of one blob into a repository that does not exist yet. */
static void test_record_races(void **state)
{
    struct fixture *f = *state;
    struct racer racers[4] = {0};
    struct digest d;
    struct blob b;

    EXPECT(store_put(f->r.store, STR("hello"), &d, &f->e), 0);
    for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
        racers[i].f = f;
        racers[i].d = d;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
        pthread_join(racers[i].thread, NULL);
        if (racers[i].rc != 0)
            fail_msg("%s", racers[i].e.msg);
    }
    EXPECT(blob_find(&f->r, &f->a, repo("library/fresh"), &d, &b, &f->e), 1);
    assert_int_equal(b.n_extents, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_record_and_find), TEST(test_empty_blob),      TEST(test_other_algorithm),
        TEST(test_record_refusals), TEST(test_mount),           TEST(test_membership_does_not_leak),
        TEST(test_unlink),          TEST(test_mount_anonymous), TEST(test_compose),
        TEST(test_many_extents),    TEST(test_record_races),    TEST(test_sent_after_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
