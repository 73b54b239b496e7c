/* SPDX-License-Identifier: Apache-2.0 */
/* The collector: what goes, what stays, and what a push beside it can rely on. */
#include "registry_fixture.h"

#include "base/clock.h"
#include "base/file.h"
#include "registry/collect.h"
#include "registry/quota.h"
#include "store/hold.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/wait.h>

static struct collect_options options(struct fixture *f)
{
    /* Everything is older than a grace of -1. */
    return (struct collect_options){.data_dir = f->fd, .untagged = true, .grace_ms = -1};
}

static struct collect_result run(struct fixture *f, const struct collect_options *o)
{
    struct collect_result dry, real;
    struct collect_options first = *o;
    first.dry_run = true;
    EXPECT(collect_run(&f->r, &first, &dry, &f->e), 0);
    EXPECT(collect_run(&f->r, o, &real, &f->e), 0);
    if (!real.held) { /* what was foretold happened */
        assert_int_equal(dry.artifacts, real.artifacts);
        assert_int_equal(dry.memberships, real.memberships);
        assert_int_equal(dry.blobs, real.blobs);
        assert_int_equal(dry.objects, real.objects);
        assert_int_equal(dry.rewritten, real.rewritten);
        assert_int_equal(dry.bytes, real.bytes);
    }
    return real;
}

static size_t files_below(const char *dir)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
        char path[600];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        n += entry->d_type == DT_DIR ? files_below(path) : 1;
    }
    (void)closedir(d);
    return n;
}

static size_t objects(struct fixture *f)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/trash", f->dir);
    assert_int_equal(files_below(path), 0);
    snprintf(path, sizeof(path), "%s/blobs", f->dir);
    return files_below(path);
}

static void remove_image(struct fixture *f, const char *name, const struct digest *d)
{
    EXPECT(artifact_delete(&f->r, repo(name), d, &f->e), 1);
}

/* ---- what goes and what stays ---- */

static void test_nothing_to_do(void **state)
{
    struct fixture *f = *state;
    const struct collect_options o = options(f);
    push_image(f, "library/a", "v1", "config", "layer");
    struct collect_result r = run(f, &o);
    assert_int_equal(r.artifacts + r.memberships + r.blobs + r.objects + r.bytes, 0);
    assert_int_equal(objects(f), 2);
}

static void test_deleted_image(void **state)
{
    struct fixture *f = *state;
    const struct collect_options o = options(f);
    struct digest one = push_image(f, "library/a", "v1", "config", "layer of one");
    struct digest two = push_image(f, "library/b", "v1", "config", "layer of two");
    struct digest layer = sha256_of("layer of one"), config = sha256_of("config");

    remove_image(f, "library/a", &one);
    struct collect_result r = run(f, &o);
    assert_int_equal(r.blobs, 1);
    assert_int_equal(r.objects, 1);
    assert_int_equal(r.bytes, strlen("layer of one"));
    assert_int_equal(objects(f), 2);
    assert_false(is_member(f, "library/a", &layer));
    assert_true(is_member(f, "library/b", &config));
    remove_image(f, "library/b", &two);
    r = run(f, &o);
    assert_int_equal(r.objects, 2);
    assert_int_equal(objects(f), 0);
    /* And the same may come again. */
    push_image(f, "library/a", "v1", "config", "layer of one");
    assert_true(is_member(f, "library/a", &layer));
    r = run(f, &o);
    assert_int_equal(r.objects, 0);
    assert_int_equal(objects(f), 2);
}

/* A blob that was sent and that no manifest names is kept for the grace. */
static void test_leases(void **state)
{
    struct fixture *f = *state;
    struct collect_options o = options(f);
    struct digest sent = send_blob(f, "library/a", "sent"), layer;
    struct digest image = push_image(f, "library/a", "v1", "config", "layer");

    o.grace_ms = 60000;
    layer = sha256_of("layer");
    /* Asked for by a pusher: the manifest goes, the blob stays for the push under way. */
    EXPECT(blob_renew(&f->r, repo("library/a"), &layer, &f->e), 1);
    remove_image(f, "library/a", &image);
    struct collect_result r = run(f, &o);
    assert_int_equal(r.memberships, 0);
    assert_int_equal(r.objects, 1); /* the configuration */
    assert_true(is_member(f, "library/a", &sent));
    assert_true(is_member(f, "library/a", &layer));
    o.grace_ms = -1;
    r = run(f, &o);
    assert_int_equal(r.memberships, 2);
    assert_int_equal(r.objects, 2);
    assert_false(is_member(f, "library/a", &sent));
    assert_int_equal(objects(f), 0);
}

/* A lease on what a manifest holds ends without a trace. */
static void test_lease_of_held(void **state)
{
    struct fixture *f = *state;
    const struct collect_options o = options(f);
    struct digest image = push_image(f, "library/a", "v1", "config", "layer");
    struct digest layer = sha256_of("layer");

    f->r.lease_ms = 20;
    EXPECT(blob_renew(&f->r, repo("library/a"), &layer, &f->e), 1);
    (void)send_blob(f, "library/a", "layer");
    struct collect_result r = run(f, &o);
    assert_int_equal(r.memberships + r.objects, 0);
    assert_true(is_member(f, "library/a", &layer));
    usleep(30000);
    remove_image(f, "library/a", &image);
    assert_false(is_member(f, "library/a", &layer));
}

/* Two pushes rely on the same layer; the manifest of one comes and goes before that of the other.
 */
static void test_lease_of_another_push(void **state)
{
    struct fixture *f = *state;
    struct collect_options o = options(f);
    struct digest layer = sha256_of("layer");

    struct digest old = push_image(f, "library/a", "old", "config", "layer");
    EXPECT(blob_renew(&f->r, repo("library/a"), &layer, &f->e), 1); /* "it is here" */
    struct digest other = push_image(f, "library/a", "other", "config 2", "layer");
    remove_image(f, "library/a", &old);
    remove_image(f, "library/a", &other);
    assert_true(is_member(f, "library/a", &layer));
    o.grace_ms = 60000;
    (void)run(f, &o);
    assert_true(is_member(f, "library/a", &layer));
    EXPECT(blob_renew(&f->r, repo("library/none"), &layer, &f->e), 0);
    o.grace_ms = -1;
    struct collect_result r = run(f, &o);
    assert_int_equal(r.memberships, 1);
    assert_int_equal(objects(f), 0);
    EXPECT(blob_renew(&f->r, repo("library/a"), &layer, &f->e), 0);
}

static void test_untagged(void **state)
{
    struct fixture *f = *state;
    struct collect_options o = options(f);
    struct digest old = push_image(f, "library/a", "v1", "config", "old layer");
    struct digest child = push_image(f, "library/a", "child", "config", "child layer");
    struct digest now = push_image(f, "library/a", "v1", "config", "new layer");
    struct artifact_pushed index;
    struct tag tag = {"child"};
    const char *of[] = {child.text};
    char subject[256];
    const char *none = NULL;

    EXPECT(push(f, "library/a", "all", image_index(f, of, 1, ""), &index, NULL), 0);
    EXPECT(tag_delete(&f->r, repo("library/a"), &tag, &f->e), 1);
    snprintf(subject, sizeof(subject),
             ",\"subject\":{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":1}",
             now.text);
    const char *signature = image(f, "config", &none, 0, subject);
    struct digest sd = sha256_of(signature);
    EXPECT(push(f, "library/a", sd.text, signature, NULL, NULL), 0);

    o.untagged = false;
    assert_int_equal(run(f, &o).artifacts, 0);
    o.untagged = true;
    o.grace_ms = 60000;
    assert_int_equal(run(f, &o).artifacts, 0);
    o.grace_ms = -1;
    struct collect_result r = run(f, &o);
    assert_int_equal(r.artifacts, 1);
    assert_false(has_artifact(f, "library/a", old.text));
    assert_true(has_artifact(f, "library/a", child.text));
    assert_true(has_artifact(f, "library/a", sd.text));
    /* The index goes, and what it named; the subject, and what is about it. */
    remove_image(f, "library/a", &index.digest);
    remove_image(f, "library/a", &now);
    r = run(f, &o);
    assert_int_equal(r.artifacts, 2);
    assert_int_equal(objects(f), 0);
}

/* What a manifest names that was pushed without it. */
static void test_sparse(void **state)
{
    struct fixture *f = *state;
    const struct collect_options o = options(f);
    const char *layer = "late layer";
    struct artifact_pushed pushed;
    struct digest d = sha256_of(layer);
    struct tag tag = {"v1"};

    f->r.sparse = REGISTRY_SPARSE_ANY;
    EXPECT(push(f, "library/a", "v1", image(f, "late config", &layer, 1, ""), &pushed, NULL), 0);
    send_blob(f, "library/b", layer);
    EXPECT(blob_unlink(&f->r, repo("library/b"), &d, &f->e), 1);
    struct collect_result r = run(f, &o);
    assert_int_equal(r.blobs, 0); /* the manifest still names it */
    assert_int_equal(r.objects, 1);
    send_blob(f, "library/a", layer);
    assert_true(is_member(f, "library/a", &d));
    EXPECT(tag_delete(&f->r, repo("library/a"), &tag, &f->e), 1);
    r = run(f, &o);
    assert_int_equal(r.artifacts, 1);
    assert_int_equal(r.blobs, 2);
    assert_int_equal(objects(f), 0);
}

/* ---- composed blobs ---- */

static char *noise(struct fixture *f, size_t n)
{
    char *p = arena_alloc(&f->a, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + (i * 2654435761u >> 7) % 26);
    p[n] = '\0';
    return p;
}

static void assert_content(struct fixture *f, const char *name, const struct digest *d,
                           const char *want)
{
    struct blob b;
    size_t at = 0;
    EXPECT(blob_find(&f->r, &f->a, repo(name), d, &b, &f->e), 1);
    for (size_t i = 0; i < b.n_extents; i++) {
        const struct blob_extent *x = &b.extents[i];
        char *got = arena_alloc(&f->a, (size_t)x->len + 1);
        int fd;
        uint64_t size;
        if (x->literal) {
            memcpy(got, x->bytes.p, x->len);
        } else {
            EXPECT(store_object_open(f->r.store, &x->object, &fd, &size, &f->e), 1);
            EXPECT(file_pread_all(fd, got, x->len, x->offset, &f->e), 0);
            (void)close(fd);
        }
        assert_memory_equal(got, want + at, x->len);
        at += x->len;
    }
    assert_int_equal(at, strlen(want));
}

static void test_half_dead(void **state)
{
    struct fixture *f = *state;
    const struct collect_options o = options(f);
    const char *tar = noise(f, 100000);
    struct digest whole = send_blob(f, "library/a", tar);
    const char *readme = arena_printf(&f->a, "<%.*s%.*s>", 3000, tar + 512, 100, tar + 90000);
    struct digest d = sha256_of(readme);
    struct blob_extent x[] = {
        {.literal = true, .bytes = STR("<"), .len = 1},
        {.object = whole, .offset = 512, .len = 3000},
        {.object = whole, .offset = 90000, .len = 100},
        {.literal = true, .bytes = STR(">"), .len = 1},
    };
    const char *inner = arena_printf(&f->a, "%.*s", 1000, tar + 1024);
    struct digest overlapping = sha256_of(inner);
    struct blob_extent y[] = {{.object = whole, .offset = 1024, .len = 1000}};

    EXPECT(blob_compose(&f->r, repo("library/a"), &d, strlen(readme), x, 4, &f->e), 0);
    EXPECT(blob_compose(&f->r, repo("library/a"), &overlapping, 1000, y, 1, &f->e), 0);
    const char *layers[] = {readme, inner};
    send_blob(f, "library/a", "config");
    EXPECT(push(f, "library/a", "v1", image(f, "config", layers, 2, ""), NULL, NULL), 0);
    /* The tar itself is a member without a manifest. */
    struct collect_result r = run(f, &o);
    assert_int_equal(r.blobs, 1);
    assert_int_equal(r.rewritten, 1);
    assert_int_equal(r.bytes, 100000 - 3100);
    assert_int_equal(objects(f), 3); /* two runs and the configuration */
    assert_content(f, "library/a", &d, readme);
    assert_content(f, "library/a", &overlapping, inner);
    r = run(f, &o);
    assert_int_equal(r.objects + r.rewritten, 0);
    /* The whole comes again. */
    send_blob(f, "library/b", tar);
    assert_content(f, "library/b", &whole, tar);
}

/* More than half is needed: it stays as it is. */
static void test_more_than_half(void **state)
{
    struct fixture *f = *state;
    const struct collect_options o = options(f);
    struct digest whole = send_blob(f, "library/a", "0123456789");
    struct digest d = sha256_of("01234");
    struct blob_extent x[] = {{.object = whole, .offset = 0, .len = 5}};
    const char *layer = "01234";

    EXPECT(blob_compose(&f->r, repo("library/a"), &d, 5, x, 1, &f->e), 0);
    send_blob(f, "library/a", "config");
    EXPECT(push(f, "library/a", "v1", image(f, "config", &layer, 1, ""), NULL, NULL), 0);
    struct collect_result r = run(f, &o);
    assert_int_equal(r.blobs, 1);
    assert_int_equal(r.objects + r.rewritten, 0);
    assert_content(f, "library/a", &d, "01234");
    assert_int_equal(objects(f), 2);
}

/* ---- others at the same time ---- */

static void test_held(void **state)
{
    struct fixture *f = *state;
    const struct collect_options o = options(f);
    struct digest one = push_image(f, "library/a", "v1", "config", "layer");
    int keep = -1;

    remove_image(f, "library/a", &one);
    EXPECT(store_hold_keep(f->fd, &keep, &f->e), 0);
    struct collect_result r = run(f, &o);
    assert_true(r.held);
    assert_int_equal(r.blobs, 2);
    assert_int_equal(r.objects, 0);
    assert_int_equal(objects(f), 2);
    (void)close(keep);
    r = run(f, &o);
    assert_false(r.held);
    assert_int_equal(r.objects, 2);
    assert_int_equal(objects(f), 0);
}

/* Killed after it moved a file to the trash, before the row was gone; the next one may not discard.
 */
static void test_killed_before_commit(void **state)
{
    struct fixture *f = *state;
    const struct collect_options o = options(f);
    struct digest one = push_image(f, "library/a", "v1", "config", "layer");
    struct digest layer = sha256_of("layer");
    int keep = -1;

    remove_image(f, "library/a", &one);
    EXPECT(store_hold_keep(f->fd, &keep, &f->e), 0);
    run(f, &o);
    assert_int_equal(store_object_discard(f->r.store, &layer, &f->e), 1);
    struct collect_result r = run(f, &o);
    assert_true(r.held);
    assert_int_equal(r.objects, 0);
    assert_int_equal(objects(f), 2); /* a row does not stand without its file */
    (void)close(keep);
    assert_int_equal(store_object_discard(f->r.store, &layer, &f->e), 1);
    r = run(f, &o);
    assert_int_equal(r.objects, 2);
    assert_int_equal(objects(f), 0);
}

/* The bytes come again between the removal of the row and the end of the file. */
static void test_taken_back(void **state)
{
    struct fixture *f = *state;
    struct digest d = send_blob(f, "library/a", "content"), again;

    assert_int_equal(store_object_discard(f->r.store, &d, &f->e), 1);
    assert_int_equal(store_object_discard(f->r.store, &d, &f->e), 0);
    EXPECT(blob_record(&f->r, repo("library/b"), &d, &d, 7, &f->e), 0);
    assert_content(f, "library/b", &d, "content");
    /* Too late: a refusal, and no row without a file. */
    uint64_t n, bytes;
    assert_int_equal(store_object_discard(f->r.store, &d, &f->e), 1);
    EXPECT(store_trash_empty(f->r.store, NULL, &n, &bytes, &f->e), 0);
    assert_true(n == 1 && bytes == 7);
    REFUSED(blob_record(&f->r, repo("library/c"), &d, &d, 7, &f->e), UNAVAILABLE);
    assert_false(is_member(f, "library/c", &d));
    EXPECT(store_put(f->r.store, STR("content"), &again, &f->e), 0);
    EXPECT(blob_record(&f->r, repo("library/c"), &d, &d, 7, &f->e), 0);
    assert_content(f, "library/c", &d, "content");
}

/* Bytes that the quota refuses when they are here already are the collector's. */
static void test_refused_by_quota(void **state)
{
    struct fixture *f = *state;
    const struct collect_options o = options(f);
    struct digest d;

    push_image(f, "library/a", "v1", "config", "layer");
    EXPECT(quota_set(&f->r, 1, 20, &f->e), 0);
    EXPECT(store_put(f->r.store, STR("too much for this project"), &d, &f->e), 0);
    REFUSED(blob_record(&f->r, repo("library/a"), &d, &d, 25, &f->e), POLICY);
    assert_false(is_member(f, "library/a", &d));
    assert_int_equal(objects(f), 3);
    assert_int_equal(run(f, &o).objects, 1);
    assert_int_equal(objects(f), 2);
}

/* A power loss brought the file back whose row is gone. */
static void test_file_back_from_the_dead(void **state)
{
    struct fixture *f = *state;
    const struct collect_options o = options(f);
    struct digest d = send_blob(f, "library/a", "content"), again;
    AUTO(db_txn) t = {0};

    run(f, &o);
    assert_int_equal(objects(f), 0);
    EXPECT(store_put(f->r.store, STR("content"), &again, &f->e), 0);
    EXPECT(db_begin(f->r.db, &t, &f->e), 0);
    EXPECT(db_exec(t.conn, Q_object_gone_add, DB_ARGS(DB_TEXT(digest_str(&d))), NULL, &f->e), 0);
    EXPECT(db_commit(&t, &f->e), 0);
    EXPECT(collect_run(&f->r, &o, &(struct collect_result){0}, &f->e), 0);
    assert_int_equal(objects(f), 0);
    assert_int_equal(count_rows(f, Q_object_gone_page, DB_ARGS(DB_TEXT(STR("")), DB_I64(9))), 0);
}

static void test_stopped(void **state)
{
    struct fixture *f = *state;
    atomic_bool stop = true;
    struct collect_options o = options(f);
    struct digest one = push_image(f, "library/a", "v1", "config", "layer");

    remove_image(f, "library/a", &one);
    o.stop = &stop;
    struct collect_result r;
    REFUSED(collect_run(&f->r, &o, &r, &f->e), CANCELLED);
    stop = false;
    assert_int_equal(run(f, &o).objects, 2);
}

struct pusher {
    pthread_t thread;
    struct fixture *f;
    unsigned n;
    char why[600];
};

/* Pushes and deletes images of a few contents that all pushers share. */
static void *push_and_delete(void *arg)
{
    struct pusher *p = arg;
    struct fixture own = {.fd = p->f->fd, .r = {.db = p->f->r.db, .store = p->f->r.store}};
    struct fixture *f = &own;
    arena_init(&f->a, LIMIT_REQUEST_ARENA);
    for (unsigned i = 0; i < 60 && !p->why[0]; i++) {
        char layer[32], name[32];
        snprintf(layer, sizeof(layer), "layer %u", (i * 7 + p->n) % 5);
        snprintf(name, sizeof(name), "library/busy-%u", p->n);
        const char *one = layer;
        struct digest config = sha256_of("config"), d = sha256_of(layer), object;
        struct repo_name repo_;
        struct reference tag = {.tag = {"v1"}};
        const char *document = image(f, "config", &one, 1, "");
        struct artifact_push push = {.bytes = str_from(document), .ref = tag};
        struct artifact_pushed pushed;
        struct blob b;
        int fd;
        uint64_t size;
        bool ok = repo_name_parse(str_from(name), &repo_, &f->e) == 0 &&
                  store_put(f->r.store, STR("config"), &object, &f->e) == 0 &&
                  blob_record(&f->r, &repo_, &config, &config, 6, &f->e) == 0 &&
                  store_put(f->r.store, str_from(layer), &object, &f->e) == 0 &&
                  blob_record(&f->r, &repo_, &d, &d, strlen(layer), &f->e) == 0;
        if (!ok && f->e.code == ERR_UNAVAILABLE) /* send it once more */
            continue;
        ok = ok && artifact_push(&f->r, &f->a, &repo_, &push, &pushed, NULL, &f->e) == 0 &&
             blob_find(&f->r, &f->a, &repo_, &d, &b, &f->e) == 1 &&
             store_object_open(f->r.store, &b.extents[0].object, &fd, &size, &f->e) == 1;
        if (ok)
            (void)close(fd);
        ok = ok && artifact_delete(&f->r, &repo_, &pushed.digest, &f->e) == 1;
        if (!ok)
            snprintf(p->why, sizeof(p->why), "round %u: %s", i, f->e.msg[0] ? f->e.msg : "lost");
        arena_reset(&f->a);
    }
    arena_done(&f->a);
    return NULL;
}

/* Collections without a pause beside pushes of the same bytes: whatever was acknowledged can be
 * read, and in the end all is gone. */
static void test_beside_pushes(void **state)
{
    struct fixture *f = *state;
    struct collect_options o = options(f);
    struct pusher pushers[3] = {0};
    struct collect_result r;

    o.grace_ms = 3600000;
    o.untagged = false;
    o.settle_ms = 1;
    for (unsigned i = 0; i < ARRAY_LEN(pushers); i++) {
        pushers[i].f = f;
        pushers[i].n = i;
        assert_int_equal(pthread_create(&pushers[i].thread, NULL, push_and_delete, &pushers[i]), 0);
    }
    for (int i = 0; i < 40; i++)
        EXPECT(collect_run(&f->r, &o, &r, &f->e), 0);
    for (size_t i = 0; i < ARRAY_LEN(pushers); i++) {
        pthread_join(pushers[i].thread, NULL);
        if (pushers[i].why[0])
            fail_msg("%s", pushers[i].why);
    }
    o.grace_ms = -1;
    run(f, &o);
    assert_int_equal(objects(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_to_do),
        TEST(test_deleted_image),
        TEST(test_leases),
        TEST(test_lease_of_held),
        TEST(test_lease_of_another_push),
        TEST(test_untagged),
        TEST(test_sparse),
        TEST(test_half_dead),
        TEST(test_more_than_half),
        TEST(test_held),
        TEST(test_killed_before_commit),
        TEST(test_taken_back),
        TEST(test_refused_by_quota),
        TEST(test_file_back_from_the_dead),
        TEST(test_stopped),
        TEST(test_beside_pushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
