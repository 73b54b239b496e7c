/* SPDX-License-Identifier: Apache-2.0 */
/* Two processes on one database: what one changes, the other notices; what it changed itself, it
 * need not. */
#include "access/internal.h"
#include "access/robot.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define PASSWORD "Correct-Horse-9"
#define ANOTHER  "Battery-Staple-9"

/* Each side has a database handle of its own, as processes have. */
struct side {
    struct db *db;
    struct access *x;
};
struct fixture {
    char dir[64];
    int fd;
    struct side server, shell;
    struct arena a;
};

static int setup_empty(void **state)
{
    struct fixture *f = NEW(struct fixture);
    struct err e = {0};

    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/haven-test-revision-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->fd >= 0);
    if (db_open(f->fd, "haven.db", &f->server.db, &e) < 0 ||
        db_open_as_is(f->fd, "haven.db", false, &f->shell.db, &e) < 0)
        fail_msg("%s", e.msg);
    arena_init(&f->a, 64 * MIB);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    struct str ignored;
    struct err e = {0};

    (void)setup_empty(state);
    struct fixture *f = *state;
    if (access_open(f->server.db, STR(PASSWORD), &f->a, &ignored, &f->server.x, &e) < 0 ||
        access_open_beside(f->shell.db, &f->shell.x, &e) < 0)
        fail_msg("%s", e.msg);
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"haven.db", "haven.db-wal", "haven.db-shm"};
    struct fixture *f = *state;

    access_close(f->shell.x);
    access_close(f->server.x);
    db_close(f->shell.db);
    db_close(f->server.db);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)unlinkat(f->fd, names[i], 0);
    (void)close(f->fd);
    assert_int_equal(rmdir(f->dir), 0);
    arena_done(&f->a);
    mem_free(f);
    return 0;
}

static struct str pair_of(struct fixture *f, const char *user, const char *password)
{
    return str_from(arena_printf(&f->a, "%s:%s", user, password));
}

static enum err_code login(struct fixture *f, const char *user, const char *password)
{
    AUTO(buf) header = {0};
    struct identity id;
    struct err e = {0};

    buf_init(&header, 16384);
    buf_addz(&header, "Basic ");
    base64_encode(&header, pair_of(f, user, password));
    return access_authenticate(f->server.x, &f->a, buf_str(&header), &id, &e) == 0 ? ERR_OK
                                                                                   : e.code;
}

static bool is_proven(struct fixture *f, const char *user, const char *password)
{
    struct access_cache_key key;
    struct access_cache_entry entry;

    access_cache_key(&f->server.x->cache, ACCESS_CACHE_BASIC, pair_of(f, user, password), &key);
    return access_cache_get(&f->server.x->cache, &key, clock_mono_ms(), &entry);
}

/* The server looks, whenever it did last. */
static void look(struct fixture *f)
{
    atomic_store(&f->server.x->revision.due_ms, 0);
    access_look(f->server.x);
}

static int64_t add_user(struct fixture *f, struct access *x, const char *name)
{
    struct err e = {0};
    int64_t id = 0;
    const struct user u = {.username = str_from(name),
                           .email = str_from(arena_printf(&f->a, "%s@example.org", name))};

    if (user_create(x, &u, STR(PASSWORD), &id, &e) < 0)
        fail_msg("%s", e.msg);
    return id;
}

static void set_password(struct access *x, int64_t user, const char *password)
{
    struct err e = {0};
    if (user_password_change(x, user, NULL, str_from(password), &e) < 0)
        fail_msg("%s", e.msg);
}

static void set_setting(struct access *x, enum setting which, const char *value)
{
    struct err e = {0};
    const struct setting_change c = {.which = which, .text = str_from(value)};
    if (setting_change_all(x->settings, &c, 1, &e) < 0)
        fail_msg("%s", e.msg);
}

static void test_a_password_set_elsewhere(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(login(f, "admin", PASSWORD), ERR_OK);
    look(f);
    assert_true(is_proven(f, "admin", PASSWORD));
    set_password(f->shell.x, USER_FIRST_ID, ANOTHER);
    assert_true(is_proven(f, "admin", PASSWORD));
    look(f);
    assert_false(is_proven(f, "admin", PASSWORD));
    assert_int_equal(login(f, "admin", PASSWORD), ERR_UNAUTHORIZED);
    assert_int_equal(login(f, "admin", ANOTHER), ERR_OK);
    look(f);
    assert_true(is_proven(f, "admin", ANOTHER)); /* told once */
}

static void test_rights_and_accounts_changed_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    int64_t ada = add_user(f, f->server.x, "ada");

    assert_int_equal(login(f, "ada", PASSWORD), ERR_OK);
    assert_int_equal(user_set_admin(f->shell.x, ada, true, &e), 0);
    look(f);
    assert_false(is_proven(f, "ada", PASSWORD));
    assert_int_equal(login(f, "ada", PASSWORD), ERR_OK);
    assert_int_equal(user_remove(f->shell.x, ada, &e), 0);
    look(f);
    assert_int_equal(login(f, "ada", PASSWORD), ERR_UNAUTHORIZED);
}

static void test_looking_is_seldom(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(login(f, "admin", PASSWORD), ERR_OK);
    look(f);
    int64_t due = atomic_load(&f->server.x->revision.due_ms);
    assert_true(due > 0 && due <= clock_mono_ms() + REVISION_LOOK_MS);
    set_password(f->shell.x, USER_FIRST_ID, ANOTHER);
    atomic_store(&f->server.x->revision.due_ms, INT64_MAX);
    access_look(f->server.x);
    assert_true(is_proven(f, "admin", PASSWORD));
}

static void test_one_of_many_looks(void **state)
{
    (void)state;
    struct revision r = {0};

    assert_true(revision_due(&r, 5000));
    assert_false(revision_due(&r, 5000));
    assert_false(revision_due(&r, 5000 + REVISION_LOOK_MS - 1));
    assert_true(revision_due(&r, 5000 + REVISION_LOOK_MS));
}

/* Else every user could make the server forget what it has proven, by changing a password. */
static void test_own_changes_cost_others_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t ada = add_user(f, f->server.x, "ada");

    assert_int_equal(login(f, "admin", PASSWORD), ERR_OK);
    set_password(f->server.x, ada, ANOTHER);
    look(f);
    assert_true(is_proven(f, "admin", PASSWORD));
    /* But where a change of somebody else's lies between, it is not lost. */
    set_password(f->shell.x, ada, PASSWORD);
    set_password(f->server.x, ada, ANOTHER);
    look(f);
    assert_false(is_proven(f, "admin", PASSWORD));
}

static void test_settings_changed_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct settings *s = f->server.x->settings;

    setting_default_int(s, SETTING_token_expiration, 77);
    set_setting(f->shell.x, SETTING_read_only, "true");
    set_setting(f->shell.x, SETTING_banner_message, "closed for a while");
    assert_false(setting_bool(s, SETTING_read_only));
    look(f);
    assert_true(setting_bool(s, SETTING_read_only));
    assert_true(str_eq(setting_text(s, SETTING_banner_message, &f->a), STR("closed for a while")));
    assert_int_equal(setting_int(s, SETTING_token_expiration), 77);
    /* What was changed counts, and no default behind it any more. */
    set_setting(f->shell.x, SETTING_token_expiration, "5");
    look(f);
    setting_default_int(s, SETTING_token_expiration, 78);
    assert_int_equal(setting_int(s, SETTING_token_expiration), 5);
    /* The rules for the log follow. */
    set_setting(f->shell.x, SETTING_disabled_audit_log_event_types, "pull_artifact");
    look(f);
    assert_true(str_eq(setting_text(s, SETTING_disabled_audit_log_event_types, &f->a),
                       STR("pull_artifact")));
}

static void test_robots_changed_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct str secret;
    struct robot r = {.name = STR("ci"), .duration = ROBOT_FOR_EVER};
    const struct access_robot_grant grant = {.kind = ACCESS_ROBOT_SYSTEM,
                                             .permission = PERM_USER_LIST};
    const struct access_robot rights = {.grants = &grant, .n = 1};

    if (robot_create(f->shell.x, &f->a, &r, &rights, STR_NULL, 1, &secret, &e) < 0)
        fail_msg("%s", e.msg);
    const char *old = arena_strz(&f->a, secret);
    assert_int_equal(login(f, "robot$ci", old), ERR_OK);
    assert_int_equal(robot_set_disabled(f->shell.x, &r, true, &e), 0);
    look(f);
    assert_int_equal(login(f, "robot$ci", old), ERR_UNAUTHORIZED);
    assert_int_equal(robot_set_disabled(f->shell.x, &r, false, &e), 0);
    look(f);
    assert_int_equal(login(f, "robot$ci", old), ERR_OK);
    assert_int_equal(robot_secret_set(f->shell.x, &f->a, &r, STR_NULL, &secret, &e), 0);
    look(f);
    assert_int_equal(login(f, "robot$ci", old), ERR_UNAUTHORIZED);
    assert_int_equal(robot_update(f->shell.x, &r, &rights, &e), 0);
    const char *new = arena_strz(&f->a, secret);
    assert_int_equal(login(f, "robot$ci", new), ERR_OK);
    look(f);
    assert_false(is_proven(f, "robot$ci", new));
    r.id = 999;
    assert_int_equal(robot_set_disabled(f->shell.x, &r, true, &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
}

/* A number that cannot be read is a change that cannot be ruled out. */
static void test_when_looking_fails(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};

    assert_int_equal(login(f, "admin", PASSWORD), ERR_OK);
    for (int i = 0; i < 2; i++) {
        AUTO(db_txn) t = {0};
        assert_int_equal(db_begin(f->shell.db, &t, &e), 0);
        assert_int_equal(db_exec(t.conn, Q_setting_put,
                                 DB_ARGS(DB_TEXTZ("revision"), DB_TEXTZ(i ? "7" : "seven")), NULL,
                                 &e),
                         0);
        assert_int_equal(db_commit(&t, &e), 0);
        look(f);
        assert_false(is_proven(f, "admin", PASSWORD));
        assert_int_equal(login(f, "admin", PASSWORD), ERR_OK);
    }
    look(f);
    assert_true(is_proven(f, "admin", PASSWORD));
}

static void test_beside_makes_nothing(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    int64_t id;

    assert_int_equal(access_open_beside(f->shell.db, &f->shell.x, &e), 0);
    assert_int_equal(user_find_by_name(f->shell.x, STR("admin"), &id, &e), 0);
}

#define WITH(setup_fn, fn) cmocka_unit_test_setup_teardown(fn, setup_fn, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(setup, test_a_password_set_elsewhere),
        WITH(setup, test_rights_and_accounts_changed_elsewhere),
        WITH(setup, test_looking_is_seldom),
        cmocka_unit_test(test_one_of_many_looks),
        WITH(setup, test_own_changes_cost_others_nothing),
        WITH(setup, test_settings_changed_elsewhere),
        WITH(setup, test_robots_changed_elsewhere),
        WITH(setup, test_when_looking_fails),
        WITH(setup_empty, test_beside_makes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
