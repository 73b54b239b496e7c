/* SPDX-License-Identifier: Apache-2.0 */
/* What models say they depend on, taken apart. */
#include "base/mem.h"
#include "oci/link_target.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdlib.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void is(const char *text, const char *host, const char *name, const char *ref)
{
    struct link_target t;

    link_target_parse(str_from(text), &t);
    if (strcmp(t.host, host) != 0 || strcmp(t.name, name) != 0 || strcmp(t.ref, ref) != 0)
        fail_msg("\"%s\" is host \"%s\", name \"%s\", reference \"%s\"", text, t.host, t.name,
                 t.ref);
}

static void test_ids(void **state)
{
    (void)state;
    is("Qwen/Qwen3-0.6B", "", "qwen/qwen3-0.6b", "");
    is("  Qwen/Qwen3-0.6B ", "", "qwen/qwen3-0.6b", "");
    is("Qwen/_draft", "", "qwen/_draft", "");
    is("library/a/b:v1", "", "library/a/b", "v1");
    is("library/a@sha256:" HEX, "", "library/a", "sha256:" HEX);
    is("library/a:v1@sha256:" HEX, "", "library/a", "sha256:" HEX);
    is("my.project/a", "", "my.project/a", "");
    is("hf://Qwen/Qwen3", "", "qwen/qwen3", "");
    is("https://huggingface.co/Qwen/Qwen3-0.6B", "", "qwen/qwen3-0.6b", "");
    is("https://HuggingFace.co/Qwen/Qwen3/tree/main", "", "qwen/qwen3", "");
    is("http://hf.co/Qwen/Qwen3?x=1", "", "qwen/qwen3", "");
    is("huggingface.co/datasets/allenai/c4#top", "", "allenai/c4", "");
}

static void test_hosts(void **state)
{
    (void)state;
    is("Registry.example.org/Team/Model:V1", "registry.example.org", "team/model", "V1");
    is("localhost:5000/team/model", "localhost:5000", "team/model", "");
    is("127.0.0.1:8080/a/b/c@sha256:" HEX, "127.0.0.1:8080", "a/b/c", "sha256:" HEX);
    is("https://haven/team/model", "haven", "team/model", "");
    is("oci://haven:1/team/model:x", "haven:1", "team/model", "x");
}

static void test_no_artifacts(void **state)
{
    static const char *const none[] = {
        "",
        "gpt2",
        "a b/c",
        "Qwen/..",
        "https://example.org",
        "a/b:",
        "a/b:-x",
        "a/b@x",
        "a/b:v1@sha256:12",
        "a/b@sha256:12",
        "/a/b",
        "a//b",
        "https:///a/b/",
        "Qwen/a?b",
        "./local/model",
        "../../etc/passwd",
        "library/a:",
        "https://hf.co",
        "a/b\xff",
        "hf://",
        "https://huggingface.co/",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        is(none[i], "", "", "");
    AUTO_FREE char *longer = mem_alloc(1000);
    memset(longer, 'a', 999);
    longer[3] = '/';
    longer[999] = '\0';
    is(longer, "", "", "");
    longer[3] = '.';
    longer[400] = longer[402] = '/';
    is(longer, "", "", "");
}

static void test_texts(void **state)
{
    char longest[LIMIT_LINK_TARGET + 2];

    (void)state;
    assert_true(link_target_is_text(STR("a data set \xc3\xbc")));
    assert_false(link_target_is_text(STR("")));
    assert_false(link_target_is_text(STR(" a")));
    assert_false(link_target_is_text(STR("a\nb")));
    assert_false(link_target_is_text(STR("a\x7f")));
    assert_false(link_target_is_text(STR("a\xc2\x85")));
    assert_false(link_target_is_text(STR("a\xff")));
    memset(longest, 'x', sizeof(longest));
    assert_true(link_target_is_text(str_of(longest, LIMIT_LINK_TARGET)));
    assert_false(link_target_is_text(str_of(longest, LIMIT_LINK_TARGET + 1)));
}

static void test_relations(void **state)
{
    enum link_relation r;

    (void)state;
    for (int i = 0; i < LINK_RELATIONS; i++) {
        assert_true(link_relation_find(str_from(link_relation_name((enum link_relation)i)), &r));
        assert_int_equal(r, i);
    }
    assert_false(link_relation_find(STR("Base"), &r));
    assert_false(link_relation_find(STR(""), &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),          cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_no_artifacts), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_relations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
