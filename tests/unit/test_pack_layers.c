/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers files become: nothing is lost, nothing stands twice, the same files give the same.
 */
#include "base/limits.h"
#include "client/pack_layers.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 256 * MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void add(struct local_files *l, const char *path, enum model_kind kind, uint64_t size)
{
    l->files[l->n++] =
        (struct modelpack_file){.path = str_from(path), .kind = kind, .size = size, .mode = 0644};
}

/* A card, a config and weights, and small pieces below them. */
static struct local_files files(size_t pieces, uint64_t size)
{
    struct local_files l = {.root = -1};
    l.files = ARENA_ARRAY(&arena, pieces + 4, struct modelpack_file);
    add(&l, "config.json", MODEL_WEIGHT_CONFIG, 500);
    add(&l, "README.md", MODEL_DOC, 900);
    add(&l, "model.safetensors", MODEL_WEIGHT, 5 * GIB);
    add(&l, "sub/large.bin", MODEL_WEIGHT, PACK_LAYERS_SMALL + 1);
    for (size_t i = 0; i < pieces; i++)
        add(&l, arena_printf(&arena, "pieces/%06zu.bin", i), i % 2 ? MODEL_WEIGHT : MODEL_CODE,
            size);
    qsort(l.files, l.n, sizeof(*l.files), modelpack_file_cmp);
    return l;
}

/* 1 a tar, 0 a file, -1 there is none. */
static int entry_tar(const struct pack_layers *p, const char *path)
{
    for (size_t i = 0; i < p->n_entries; i++)
        if (str_eqz(p->entries[i].path, path))
            return p->entries[i].tar;
    return -1;
}
/* Every file is in exactly one blob, every blob has an entry of its own. */
static void check_whole(const struct local_files *l, const struct pack_layers *p)
{
    size_t *seen = ARENA_ARRAY(&arena, l->n, size_t), *used = ARENA_ARRAY(&arena, p->n, size_t);
    assert_int_equal(p->n, p->n_entries);
    for (size_t b = 0; b < p->n; b++) {
        const struct pack_layer_blob *blob = &p->blobs[b];
        if (blob->plan.n == 0)
            seen[blob->file]++;
        for (size_t i = 0; i < blob->plan.n; i++)
            seen[blob->plan.members[i].file]++;
        assert_true(b == 0 || p->blobs[b - 1].size >= blob->size);
        assert_int_equal(used[blob->entry]++, 0);
        const struct modelpack_file *e = &p->entries[blob->entry];
        assert_int_equal(e->tar ? e->layer_size : e->size, blob->size);
        assert_int_equal(e->tar, blob->plan.n > 0);
        if (blob->plan.n)
            assert_int_equal(e->kind, l->files[blob->plan.members[0].file].kind);
    }
    for (size_t i = 0; i < l->n; i++)
        assert_int_equal(seen[i], 1);
    for (size_t i = 1; i < p->n_entries; i++)
        assert_true(modelpack_file_cmp(&p->entries[i - 1], &p->entries[i]) < 0);
}

static void test_few_files_have_layers_of_their_own(void **state)
{
    (void)state;
    struct local_files l = files(PACK_LAYERS_MANY - 4, 100);
    struct pack_layers p;
    assert_fine(pack_layers_plan(&arena, &l, PACK_FORM_RAW, &p, &unit_e));
    assert_int_equal(p.n, PACK_LAYERS_MANY);
    check_whole(&l, &p);
    assert_fine(pack_layers_plan(&arena, &l, PACK_FORM_TAR, &p, &unit_e));
    assert_int_equal(p.n, PACK_LAYERS_MANY);
    check_whole(&l, &p);
}

static void test_many_files_share_layers(void **state)
{
    (void)state;
    struct local_files l = files(10000, 100 * KIB);
    struct pack_layers p;
    assert_fine(pack_layers_plan(&arena, &l, PACK_FORM_RAW, &p, &unit_e));
    check_whole(&l, &p);
    /* 500 MiB of each of two kinds, 32 MiB together, and the four that stay alone. */
    assert_in_range(p.n, 4 + 30, 4 + 36);
    assert_int_equal(entry_tar(&p, "config.json"), 0);
    assert_int_equal(entry_tar(&p, "README.md"), 0);
    assert_int_equal(entry_tar(&p, "model.safetensors"), 0);
    assert_int_equal(entry_tar(&p, "sub/large.bin"), 0);
    assert_int_equal(entry_tar(&p, "code-files-1.tar"), 1);
    assert_int_equal(entry_tar(&p, "weight-files-1.tar"), 1);
    assert_int_equal(entry_tar(&p, "pieces/000001.bin"), -1);
}

static void test_names_of_archives_are_free(void **state)
{
    (void)state;
    struct local_files l = files(3000, 10);
    struct pack_layers p;
    l.files[0].path = STR("CODE-files-1.tar"); /* file systems that ignore case exist */
    qsort(l.files, l.n, sizeof(*l.files), modelpack_file_cmp);
    assert_fine(pack_layers_plan(&arena, &l, PACK_FORM_RAW, &p, &unit_e));
    check_whole(&l, &p);
    assert_int_equal(entry_tar(&p, "code-files-1.tar"), -1);
    assert_int_equal(entry_tar(&p, "code-files-2.tar"), 1);
}

static void test_digests_reach_their_entries(void **state)
{
    (void)state;
    struct local_files l = files(3000, 10);
    struct pack_layers p;
    assert_fine(pack_layers_plan(&arena, &l, PACK_FORM_RAW, &p, &unit_e));
    for (size_t i = 0; i < p.n; i++)
        (void)snprintf(p.blobs[i].digest.text, sizeof(p.blobs[i].digest.text), "sha256:%zu", i);
    pack_layers_digests(&p);
    for (size_t i = 0; i < p.n; i++)
        assert_string_equal(p.entries[p.blobs[i].entry].digest.text, p.blobs[i].digest.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_few_files_have_layers_of_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_files_share_layers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_of_archives_are_free, setup, teardown),
        cmocka_unit_test_setup_teardown(test_digests_reach_their_entries, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
