/* SPDX-License-Identifier: Apache-2.0 */
/* docker's config.json: found, stored, erased; other members kept; credential helpers. */
#include "base/file.h"
#include "base/limits.h"
#include "client/docker_config.h"
#include "client/transport.h"
#include "unit.h"

static char dir[32];
static struct arena arena;

static int setup(void **state)
{
    (void)state;
    unit_make_dir(dir);
    arena_init(&arena, 16 * MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unit_remove_dir(dir);
    arena_done(&arena);
    return 0;
}

static void put(const char *name, const char *text, mode_t mode)
{
    assert_fine(file_replace_at(AT_FDCWD, arena_printf(&arena, "%s/%s", dir, name), mode,
                                str_from(text), &unit_e));
}

static const char *get(const char *name)
{
    AUTO(buf) b = {0};
    buf_init(&b, MIB);
    assert_fine(file_read_at(AT_FDCWD, arena_printf(&arena, "%s/%s", dir, name), MIB, &b, &unit_e));
    return arena_strz(&arena, buf_str(&b));
}

static int find(const char *host, struct credential *ret)
{
    return docker_config_find(&arena, dir, str_from(host), ret, &unit_e);
}

static void finds(void **state)
{
    struct credential c;
    (void)state;
    assert_int_equal(find("h", &c), 0); /* no file */
    put("config.json", "", 0600);
    assert_int_equal(find("h", &c), 0);
    put("config.json",
        "{\"auths\":{"
        "\"a.example\":{\"auth\":\"dTpwOnc=\"},"
        "\"https://b.example:5000/v2/\":{\"username\":\"bu\",\"password\":\"bp\"},"
        "\"c.example\":{\"identitytoken\":\"tok\"},"
        "\"d.example\":{},"
        "\"https://index.docker.io/v1/\":{\"auth\":\"aHU6aHA=\"}}}",
        0600);
    assert_int_equal(find("a.example", &c), 1);
    assert_str(c.username, "u");
    assert_str(c.password, "p:w");
    assert_int_equal(find("b.example:5000", &c), 1);
    assert_str(c.username, "bu");
    assert_int_equal(find("b.example", &c), 0);
    assert_int_equal(find("c.example", &c), 1);
    assert_str(c.identity_token, "tok");
    assert_int_equal(find("d.example", &c), 0);
    assert_int_equal(find("docker.io", &c), 1);
    assert_str(c.username, "hu");
}

static void broken(void **state)
{
    static const char *const texts[] = {"{", "[]", "7", "{\"auths\":{\"h\":{\"auth\":\"***\"}}}",
                                        "{\"auths\":{\"h\":{\"auth\":\"bm9jb2xvbg==\"}}}"};
    struct credential c;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        put("config.json", texts[i], 0600);
        assert_err(find("h", &c), CONFIG, "");
    }
    /* Members of other types than expected hold nothing. */
    put("config.json", "{\"auths\":[1],\"credHelpers\":\"x\",\"credsStore\":5}", 0600);
    assert_int_equal(find("h", &c), 0);
    put("config.json", "{\"auths\":{\"h\":7}}", 0600);
    assert_int_equal(find("h", &c), 0);
}

static void stores(void **state)
{
    struct credential c = {.username = STR("me"), .password = STR("s:ecret")};
    struct stat st;
    (void)state;
    assert_fine(docker_config_store(&arena, dir, STR("h:5000"), &c, &unit_e));
    assert_int_equal(stat(arena_printf(&arena, "%s/config.json", dir), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    put("config.json",
        "{\"z\":{\"keep\":[1,2.5,null,\"\\u00e9\"]},\"auths\":{\"x\":{\"auth\":\"eDp5\"},\"https://"
        "h:5000/v2/\":{}},\"a\":true}",
        0644);
    assert_fine(docker_config_store(&arena, dir, STR("h:5000"), &c, &unit_e));
    const char *text = get("config.json");
    assert_non_null(strstr(text, "\"keep\""));
    assert_non_null(strstr(text, "2.5"));
    assert_non_null(strstr(text, "\xc3\xa9"));
    assert_non_null(strstr(text, "\"eDp5\""));
    assert_non_null(strstr(text, "\"a\": true"));
    assert_true(strstr(text, "\"z\"") < strstr(text, "\"a\": true")); /* order kept */
    assert_null(strstr(text, "https://h:5000"));                      /* no second entry */
    assert_int_equal(stat(arena_printf(&arena, "%s/config.json", dir), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(find("h:5000", &c), 1);
    assert_str(c.password, "s:ecret");
    assert_int_equal(docker_config_erase(&arena, dir, STR("h:5000"), &unit_e), 1);
    assert_int_equal(docker_config_erase(&arena, dir, STR("h:5000"), &unit_e), 0);
    assert_int_equal(find("h:5000", &c), 0);
    assert_int_equal(find("x", &c), 1);
}

static void keeps_links(void **state)
{
    struct credential c = {.username = STR("me"), .password = STR("p")};
    struct stat st;
    (void)state;
    put("real.json", "{}", 0600);
    const char *link = arena_printf(&arena, "%s/config.json", dir);
    (void)unlink(link);
    assert_int_equal(symlink("real.json", link), 0);
    assert_fine(docker_config_store(&arena, dir, STR("h"), &c, &unit_e));
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_non_null(strstr(get("real.json"), "bWU6cA=="));
}

/* A helper that keeps one line in a file beside it. */
static const char helper[] = "#!/bin/sh\n"
                             "d=$(dirname \"$0\")\n"
                             "case $1 in\n"
                             "get) read -r host; if [ \"$host\" = token.example ]; then echo "
                             "'{\"Username\":\"<token>\",\"Secret\":\"t\"}';\n"
                             "  elif [ \"$host\" = bad.example ]; then echo 'no luck'; exit 1;\n"
                             "  elif [ \"$host\" = huge.example ]; then yes | head -c 200000;\n"
                             "  elif [ -f \"$d/kept\" ]; then cat \"$d/kept\"; else echo "
                             "'credentials not found in native keychain'; exit 1; fi;;\n"
                             "store) cat > \"$d/kept\";;\n"
                             "erase) rm \"$d/kept\";;\n"
                             "esac\n";

static void helpers(void **state)
{
    struct credential c = {.username = STR("me"), .password = STR("secret")};
    (void)state;
    put("docker-credential-test", helper, 0755);
    const char *old = getenv("PATH");
    AUTO_FREE char *path = mem_printf("%s:%s", dir, old ? old : "/bin");
    char *env = mem_printf("PATH=%s", path);
#undef putenv
    assert_int_equal(putenv(env), 0); /* no threads here */
    put("config.json",
        "{\"credsStore\":\"test\",\"credHelpers\":{\"odd.example\":\"../"
        "x\",\"gone.example\":\"nowhere\"}}",
        0600);
    assert_int_equal(find("h", &c), 0);
    assert_fine(docker_config_store(&arena, dir, STR("h"), &c, &unit_e));
    assert_null(strstr(get("config.json"), "\"auth\"")); /* the secret is not in the file */
    c = (struct credential){.username = STR("")};
    assert_int_equal(find("h", &c), 1);
    assert_str(c.username, "me");
    assert_str(c.password, "secret");
    assert_int_equal(find("token.example", &c), 1);
    assert_str(c.identity_token, "t");
    assert_err(find("bad.example", &c), CONFIG, "no luck");
    assert_err(find("huge.example", &c), CONFIG, "too much");
    assert_err(find("odd.example", &c), CONFIG, "plain name");
    assert_err(find("gone.example", &c), CONFIG, "nowhere");
    assert_int_equal(docker_config_erase(&arena, dir, STR("h"), &unit_e), 1);
    assert_int_equal(find("h", &c), 0);
    /* A general store that is not installed here is passed over. */
    put("config.json", "{\"credsStore\":\"nowhere\",\"auths\":{\"h\":{\"auth\":\"dTpw\"}}}", 0600);
    assert_int_equal(find("h", &c), 1);
    assert_str(c.username, "u");
}

static void hosts(void **state)
{
    static const char *const bad[] = {"",    "/",   "a/b",    "http://", "ftp://h", "https://h/x",
                                      "a b", "h:0", "user@h", "h:",      "-h",      "h@sha256:1"};
    struct transport_host h;
    (void)state;
    assert_fine(transport_host_parse(STR("Registry"), &h, &unit_e));
    assert_string_equal(h.host, "registry");
    assert_string_equal(h.scheme, "");
    assert_fine(transport_host_parse(STR("http://h:5000/"), &h, &unit_e));
    assert_string_equal(h.host, "h:5000");
    assert_string_equal(h.scheme, "http");
    assert_fine(transport_host_parse(STR("[::1]:5000"), &h, &unit_e));
    assert_string_equal(h.host, "[::1]:5000");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (transport_host_parse(str_from(bad[i]), &h, &unit_e) == 0)
            fail_msg("%s was taken for %s", bad[i], h.host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds, setup, teardown),
        cmocka_unit_test_setup_teardown(broken, setup, teardown),
        cmocka_unit_test_setup_teardown(stores, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_links, setup, teardown),
        cmocka_unit_test_setup_teardown(helpers, setup, teardown),
        cmocka_unit_test(hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
