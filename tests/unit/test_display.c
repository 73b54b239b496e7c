/* SPDX-License-Identifier: Apache-2.0 */
/* Display ids and the OCI names that they are written as. */
#include "base/mem.h"
#include "oci/display.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static void becomes(const char *id, const char *name)
{
    struct repo_name n;
    struct display_id d;
    struct err e = {.code = ERR_OK};

    if (display_encode(str_from(id), &n, &e) < 0)
        fail_msg("\"%s\" was refused: %s", id, e.msg);
    assert_string_equal(n.text, name);
    assert_int_equal(n.project_n, strcspn(name, "/"));
    display_decode(&n, &d);
    if (!str_ieq(str_from(d.text), str_from(id)))
        fail_msg("\"%s\" is \"%s\", which is read as \"%s\"", id, name, d.text);
    for (const char *c = d.text; *c; c++)
        assert_false(*c >= 'A' && *c <= 'Z');
    assert_true(display_fits(str_from(id), &n));
}

static void test_encode(void **state)
{
    (void)state;
    becomes("a", "a");
    becomes("Qwen/Qwen3-8B", "qwen/qwen3-8b");
    becomes("a/b.c_d__e-f---g/h", "a/b.c_d__e-f---g/h");
    becomes("a/_b", "a/x--5fb");
    becomes("a/b-", "a/bx--2d");
    becomes("a/.B.", "a/x--2ebx--2e");
    becomes("a/b._c", "a/bx--2ex--5fc");
    becomes("a/b___c", "a/bx--5fx--5fx--5fc");
    becomes("a/b..c", "a/bx--2ex--2ec");
    becomes("a/b-_c--d", "a/bx--2dx--5fc--d");
    becomes("a/...", "a/x--2ex--2ex--2e");
    becomes("a/-/b", "a/x--2d/b");
    /* an 'x' before what would make an escape of it, and before what would not */
    becomes("a/x--2e", "a/x--78--2e");
    becomes("a/X--5F", "a/x--78--5f");
    becomes("a/xx--2db", "a/xx--78--2db");
    becomes("a/x--78--2e", "a/x--78--78--2e");
    becomes("a/x--61", "a/x--61");
    becomes("a/x-2e", "a/x-2e");
    becomes("a/x---2e", "a/x---2e");
    becomes("a/x--2", "a/x--2");
    becomes("a/x--/2e", "a/xx--2dx--2d/2e");
    becomes("a/x--_2e", "a/xx--2dx--2dx--5f2e");
    becomes("a/x.x--2e_", "a/x.x--78--2ex--5f");
    /* projects as well */
    becomes("_A", "x--5fa");
    becomes("A-/b", "ax--2d/b");
    becomes("a._b/c", "ax--2ex--5fb/c");
    becomes("X--2E", "x--78--2e");
    becomes("x--2e/x--2e", "x--78--2e/x--78--2e");
}

static void refused(struct str id)
{
    struct repo_name n = {.text = "untouched"};
    struct err e = {.code = ERR_OK};

    if (display_encode(id, &n, &e) == 0)
        fail_msg("\"%.*s\" was taken", S(id));
    assert_int_equal(e.code, ERR_NAME_INVALID);
    assert_string_equal(n.text, "untouched");
}

static void test_refused(void **state)
{
    char text[LIMIT_REPO_NAME + 2];
    static const char *const bad[] = {
        "",      "/",     "a/",    "/a",     "a//b",       "a/.",   "a/..", "./a", "../a", "a/../b",
        "a/b c", "a/b:c", "a/b@c", "a/b\\c", "a/\xc3\xa9", "a/%2e", "./_a", "..",  ".",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refused(str_from(bad[i]));
    refused(str_of("a/b\0c", 5));
    memset(text, 'a', sizeof(text));
    text[1] = '/';
    text[2 + DISPLAY_COMPONENT_MAX] = '/';
    becomes((text[2 + DISPLAY_COMPONENT_MAX] = '\0', text), text);
    text[2 + DISPLAY_COMPONENT_MAX] = 'a';
    refused(str_of(text, 2 + DISPLAY_COMPONENT_MAX + 1));
    for (size_t i = 1; i < sizeof(text); i += 2)
        text[i] = '/';
    refused(str_of(text, LIMIT_REPO_NAME + 1));
    /* what becomes too long by its escapes: 5 + 50 * 5 characters fit, one more does not */
    memset(text, '_', sizeof(text));
    memcpy(text, "pppp/", 5);
    struct repo_name n;
    assert_int_equal(display_encode(str_of(text, 5 + 50), &n, NULL), 0);
    assert_int_equal(strlen(n.text), LIMIT_REPO_NAME);
    refused(str_of(text, 5 + 51));
}

static void is_read_as(const char *name, const char *id)
{
    struct repo_name n;
    struct display_id d;

    assert_int_equal(repo_name_parse(str_from(name), &n, NULL), 0);
    display_decode(&n, &d);
    assert_string_equal(d.text, id);
    assert_true(display_fits(str_from(id), &n));
}

/* What no id is written as is its own. */
static void test_decode(void **state)
{
    char name[LIMIT_REPO_NAME + 1];
    (void)state;
    is_read_as("a/x--5fb", "a/_b");
    is_read_as("a/x--2e", "a/x--2e");           /* "." is no component */
    is_read_as("a/x--2ex--2e", "a/x--2ex--2e"); /* nor is ".." */
    is_read_as("a/bx--2ec", "a/bx--2ec");       /* "b.c" needs no escape */
    is_read_as("a/x--78", "a/x--78");           /* nor does "x" */
    is_read_as("a/x--78--2e", "a/x--2e");
    is_read_as("a/x--61", "a/x--61");
    is_read_as("a/x--5fb-x--5f", "a/x--5fb-x--5f"); /* the run "-_" is escaped as a whole */
    is_read_as("x--5fa/x--5fa", "_a/_a");
    is_read_as("x--2e/x--5fa", "x--2e/x--5fa");
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    is_read_as(name, name); /* longer than a component may be */
}

static void test_fits(void **state)
{
    struct repo_name n;
    (void)state;
    assert_int_equal(repo_name_parse(STR("a/x--5fb"), &n, NULL), 0);
    assert_true(display_fits(STR("A/_B"), &n));
    assert_false(display_fits(STR("a/b"), &n));
    assert_false(display_fits(STR("a/x--5fb"), &n)); /* that id is a/x--78--5fb */
    assert_false(display_fits(STR(""), &n));
    assert_false(display_fits(STR("_b"), &n));
}

/* ---- all short texts of an alphabet ---- */

struct pairs {
    char (*names)[64];
    size_t n;
};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void one(struct str id, struct pairs *p)
{
    struct repo_name n, again;
    struct display_id d;

    if (repo_name_parse(id, &n, NULL) == 0) { /* as a name */
        display_decode(&n, &d);
        assert_true(display_fits(str_from(d.text), &n));
        if (display_encode(str_from(d.text), &again, NULL) < 0 || strcmp(again.text, n.text) != 0)
            assert_string_equal(d.text, n.text);
    }
    if (display_encode(id, &n, NULL) < 0)
        return;
    assert_int_equal(repo_name_parse(repo_name_str(&n), &again, NULL), 0);
    display_decode(&n, &d);
    if (!str_eq(str_from(d.text), id))
        fail_msg("\"%.*s\" is \"%s\", which is read as \"%s\"", S(id), n.text, d.text);
    (void)snprintf(p->names[p->n++], sizeof(p->names[0]), "%.63s", n.text);
}

/* "p/" and each text of `length` pieces. */
static size_t walk(const char *const *pieces, size_t n_pieces, size_t length)
{
    size_t all = 1;
    struct pairs p = {.n = 0};

    for (size_t i = 0; i < length; i++)
        all *= n_pieces;
    p.names = mem_array(all, sizeof(p.names[0]));
    for (size_t at = 0; at < all; at++) {
        char id[64] = "p/";
        size_t k = at, n = 2;
        for (size_t i = 0; i < length; i++, k /= n_pieces)
            for (const char *c = pieces[k % n_pieces]; *c; c++)
                id[n++] = *c;
        one(str_of(id, n), &p);
    }
    qsort(p.names, p.n, sizeof(p.names[0]), compare);
    for (size_t i = 1; i < p.n; i++)
        if (strcmp(p.names[i - 1], p.names[i]) == 0)
            fail_msg("two ids are written as \"%s\"", p.names[i]);
    mem_free(p.names);
    return p.n;
}

static void test_all_short_ones(void **state)
{
    static const char *const letters[] = {"x", "2", "e", "5", ".", "_", "-", "/"};
    size_t seen = 0;
    (void)state;
    for (size_t length = 1; length <= 6; length++)
        seen += walk(letters, ARRAY_LEN(letters), length);
    assert_true(seen > 150000);
}

/* The same text may come of different pieces: each length alone would report those as twins, so
 * that only the properties of single ids are asked. */
static void test_all_of_pieces(void **state)
{
    static const char *const pieces[] = {"x", "--2e", "x--5f", "x--78", "_", "-", "a", "78"};
    static char names[1][64];
    (void)state;
    for (size_t at = 0; at < 8u * 8 * 8 * 8 * 8; at++) {
        char id[64] = "p/";
        size_t k = at, n = 2;
        struct pairs p = {.names = names};
        for (size_t i = 0; i < 5; i++, k /= 8)
            for (const char *c = pieces[k % 8]; *c; c++)
                id[n++] = *c;
        one(str_of(id, n), &p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_decode),         cmocka_unit_test(test_fits),
        cmocka_unit_test(test_all_short_ones), cmocka_unit_test(test_all_of_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
