/* SPDX-License-Identifier: Apache-2.0 */
/* Every identity against every permission on every kind of target. */
#include "access/access.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* STR for the initialiser of a static object. */
#define TEXT(lit)                                                                                  \
    {                                                                                              \
        .p = lit, .n = sizeof(lit) - 1                                                             \
    }

#define CREATED_S 1000
#define REPO      "public/model"

enum who {
    NOBODY,
    WRONG,
    USER,
    ADMIN,
    TOKEN_NONE,
    TOKEN_PULL,
    TOKEN_ALL,
    TOKEN_OLD,
    TOKEN_CATALOG,
    WHO_COUNT
};
enum where { NOWHERE, PUBLIC, PRIVATE, WHERE_COUNT };

static const char *const who_names[WHO_COUNT] = {
    "nobody",     "wrong credentials",    "user",      "admin",         "token without grants",
    "pull token", "token for everything", "old token", "catalog token",
};

static const struct access_grant pull[] = {
    {.type = TEXT("repository"), .name = TEXT(REPO), .actions = ACCESS_PULL},
    {.type = TEXT("repository"), .name = TEXT("public/other"), .actions = ACCESS_ALL},
    {.type = TEXT("registry"), .name = TEXT(REPO), .actions = ACCESS_ALL},
};
static const struct access_grant all[] = {
    {.type = TEXT("repository"), .name = TEXT(REPO), .actions = ACCESS_PULL | ACCESS_PUSH},
    {.type = TEXT("repository"), .name = TEXT(REPO), .actions = ACCESS_DELETE},
};
static const struct access_grant catalog[] = {
    {.type = TEXT("registry"), .name = TEXT("catalog"), .actions = ACCESS_PULL},
    {.type = TEXT("repository"), .name = TEXT("catalog"), .actions = ACCESS_ALL},
};

static struct identity identity_of(enum who who)
{
    struct identity id = {.username = STR("")};
    switch (who) {
    case NOBODY:
    case WHO_COUNT:
        return id;
    case WRONG:
        id.had_credentials = true;
        return id;
    case USER:
    case ADMIN:
        return (struct identity){.proof = ACCESS_BASIC,
                                 .user_id = 7,
                                 .username = STR("ada"),
                                 .admin = who == ADMIN,
                                 .had_credentials = true};
    case TOKEN_NONE:
    case TOKEN_PULL:
    case TOKEN_ALL:
    case TOKEN_OLD:
    case TOKEN_CATALOG:
        break;
    }
    id = (struct identity){.proof = ACCESS_BEARER,
                           .user_id = 1,
                           .username = STR("admin"),
                           .had_credentials = true,
                           .issued_at = CREATED_S};
    if (who == TOKEN_PULL) {
        id.grants = pull;
        id.n_grants = ARRAY_LEN(pull);
    } else if (who == TOKEN_CATALOG) {
        id.grants = catalog;
        id.n_grants = ARRAY_LEN(catalog);
    } else if (who != TOKEN_NONE) {
        id.grants = all;
        id.n_grants = ARRAY_LEN(all);
        id.issued_at -= who == TOKEN_OLD;
    }
    return id;
}

static struct access_target target_of(enum where where)
{
    struct access_target t = {.repository = STR(REPO)};
    if (where != NOWHERE) {
        t.project_id = 3;
        t.roles = where == PUBLIC ? ROLE_BIT(ROLE_ANYBODY) : 0;
        t.project_created_ms = CREATED_S * 1000 + 999;
    }
    return t;
}

/* What is expected, one letter for PULL, PUSH, DELETE: y yes, - UNAUTHORIZED, s TOKEN_STALE. */
static const char *const on_repository[WHO_COUNT][WHERE_COUNT] = {
    [NOBODY] = {"---", "---", "---"},        [WRONG] = {"---", "---", "---"},
    [USER] = {"---", "y--", "---"},          [ADMIN] = {"yyy", "yyy", "yyy"},
    [TOKEN_NONE] = {"---", "---", "---"},    [TOKEN_PULL] = {"s--", "y--", "y--"},
    [TOKEN_ALL] = {"sss", "yyy", "yyy"},     [TOKEN_OLD] = {"sss", "sss", "sss"},
    [TOKEN_CATALOG] = {"---", "---", "---"},
};

static char letter_of(int rc, const struct err *e)
{
    if (rc == 0)
        return 'y';
    switch (e->code) {
    case ERR_UNAUTHORIZED:
        return '-';
    case ERR_TOKEN_STALE:
        return 's';
    case ERR_DENIED:
        return 'd';
    case ERR_NOT_FOUND:
        return 'n';
    default:
        return '?';
    }
}

static char letter(const struct identity *id, const struct access_target *t, enum permission p)
{
    struct err e = {0};
    int rc = access_check(id, t, p, &e);
    return letter_of(rc, &e);
}

static char registry_letter(const struct identity *id, const struct access_target *t,
                            enum permission p)
{
    struct err e = {0};
    int rc = access_check_repository(id, t, p, &e);
    return letter_of(rc, &e);
}

static void test_repositories(void **state)
{
    (void)state;
    static const enum permission asked[] = {PERM_PULL, PERM_PUSH, PERM_DELETE};

    for (int who = 0; who < WHO_COUNT; who++) {
        for (int where = 0; where < WHERE_COUNT; where++) {
            struct identity id = identity_of((enum who)who);
            struct access_target t = target_of((enum where)where);
            char got[4] = "";
            for (size_t i = 0; i < 3; i++)
                got[i] = registry_letter(&id, &t, asked[i]);
            if (strcmp(got, on_repository[who][where]) != 0)
                fail_msg("%s, target %d: %s, expected %s", who_names[who], where, got,
                         on_repository[who][where]);
        }
    }
}

/* PUBLIC, LOGIN, CATALOG, TOKEN, METRICS */
static const char *const on_registry[WHO_COUNT] = {
    [NOBODY] = "y--y-",    [WRONG] = "y--y-",      [USER] = "yy-yd",
    [ADMIN] = "yyyyy",     [TOKEN_NONE] = "yy-yd", [TOKEN_PULL] = "yy-yd",
    [TOKEN_ALL] = "yy-yd", [TOKEN_OLD] = "yy-yd",  [TOKEN_CATALOG] = "yyyyd",
};

static void test_registry(void **state)
{
    (void)state;
    static const enum permission asked[] = {PERM_PUBLIC, PERM_LOGIN, PERM_CATALOG, PERM_TOKEN,
                                            PERM_METRICS};
    for (int who = 0; who < WHO_COUNT; who++) {
        struct identity id = identity_of((enum who)who);
        char got[6] = "";
        for (size_t i = 0; i < 5; i++)
            got[i] = letter(&id, NULL, asked[i]);
        if (strcmp(got, on_registry[who]) != 0)
            fail_msg("%s: %s, expected %s", who_names[who], got, on_registry[who]);
    }
}

/* An absent project and one that is not the caller's read the same, word for word. */
static void test_nothing_leaks(void **state)
{
    (void)state;
    static const enum permission asked[] = {PERM_PULL, PERM_PUSH, PERM_DELETE};

    for (int who = 0; who < WHO_COUNT; who++) {
        if (who == ADMIN || who == TOKEN_PULL || who == TOKEN_ALL)
            continue;
        for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
            struct identity id = identity_of((enum who)who);
            struct access_target absent = target_of(NOWHERE), private = target_of(PRIVATE);
            struct err a = {0}, b = {0};
            assert_int_equal(access_check_repository(&id, &absent, asked[i], &a), -1);
            assert_int_equal(access_check_repository(&id, &private, asked[i], &b), -1);
            assert_int_equal(a.code, b.code);
            assert_string_equal(a.msg, b.msg);
        }
    }
}

static void test_mount_source(void **state)
{
    (void)state;
    /* What is public may be mounted by anybody who may push to the target. */
    static const char *const expected[WHO_COUNT] = {
        [NOBODY] = "-y-",    [WRONG] = "-y-",      [USER] = "-y-",
        [ADMIN] = "-yy",     [TOKEN_NONE] = "-y-", [TOKEN_PULL] = "-yy",
        [TOKEN_ALL] = "-yy", [TOKEN_OLD] = "-y-",  [TOKEN_CATALOG] = "-y-",
    };
    for (int who = 0; who < WHO_COUNT; who++) {
        struct identity id = identity_of((enum who)who);
        char got[4] = "";
        for (int where = 0; where < WHERE_COUNT; where++) {
            struct access_target from = target_of((enum where)where);
            struct access_target t = {
                .project_id = 9,
                .roles = ROLE_BIT(ROLE_ANYBODY),
                .repository = STR("public/target"),
                .from_project_id = from.project_id,
                .from_roles = from.roles,
                .from_created_ms = from.project_created_ms,
                .from_repository = from.repository,
            };
            got[where] = access_may_pull_from(&id, &t) ? 'y' : '-';
        }
        if (strcmp(got, expected[who]) != 0)
            fail_msg("%s: %s, expected %s", who_names[who], got, expected[who]);
    }
}

static void test_actions(void **state)
{
    (void)state;
    struct identity nobody = identity_of(NOBODY), user = identity_of(USER),
                    admin = identity_of(ADMIN), token = identity_of(TOKEN_ALL);

    const unsigned anybody = ROLE_BIT(ROLE_ANYBODY);

    assert_int_equal(access_actions(&nobody, true, anybody), ACCESS_PULL);
    assert_int_equal(access_actions(&nobody, true, 0), 0);
    assert_int_equal(access_actions(&user, true, anybody), ACCESS_PULL);
    assert_int_equal(access_actions(&user, true, 0), 0);
    assert_int_equal(access_actions(&user, true, ROLE_BIT(ROLE_LIMITED)), ACCESS_PULL);
    assert_int_equal(access_actions(&user, true, ROLE_BIT(ROLE_GUEST)), ACCESS_PULL);
    assert_int_equal(access_actions(&user, true, ROLE_BIT(ROLE_DEVELOPER)),
                     ACCESS_PULL | ACCESS_PUSH);
    assert_int_equal(access_actions(&user, true, ROLE_BIT(ROLE_MAINTAINER)),
                     ACCESS_PULL | ACCESS_PUSH | ACCESS_DELETE);
    assert_int_equal(access_actions(&user, true, ROLE_BIT(ROLE_ADMIN)),
                     ACCESS_PULL | ACCESS_PUSH | ACCESS_DELETE);
    assert_int_equal(access_actions(&user, false, ROLE_BIT(ROLE_ADMIN)), 0);
    assert_int_equal(access_actions(&admin, true, anybody), ACCESS_ALL);
    assert_int_equal(access_actions(&admin, true, 0), ACCESS_ALL);
    assert_int_equal(access_actions(&admin, false, anybody), 0);
    /* A token of an administrator gets nobody a wider one. */
    assert_int_equal(access_actions(&token, true, 0), 0);
    assert_true(access_may_list(&admin, false));
    assert_false(access_may_list(&user, false));
    assert_true(access_may_list(&nobody, true));
}

/* Which roles hold a permission in a project: project admin, maintainer, developer, guest, limited
 * guest, and everybody if it is public. Harbor's matrix, written down a second time. */
static const struct {
    const char *permission, *roles;
} matrix[] = {
    {"repository:pull", "AMDGLP"},
    {"repository:push", "AMD---"},
    {"repository:delete", "AM----"},
    {"project:read", "AMDGLP"},
    {"project:update", "A-----"},
    {"project:delete", "A-----"},
    {"member:create", "A-----"},
    {"member:read", "AMDG--"},
    {"member:update", "A-----"},
    {"member:delete", "A-----"},
    {"member:list", "AMDG--"},
    {"metadata:create", "A-----"},
    {"metadata:read", "AM----"},
    {"metadata:update", "A-----"},
    {"metadata:delete", "A-----"},
    {"repository:list", "AMDGLP"},
    {"repository:read", "AMDGL-"},
    {"repository:update", "AMD---"},
    {"artifact:list", "AMDGLP"},
    {"artifact:read", "AMDGLP"},
    {"tag:list", "AMDGLP"},
    {"artifact:create", "AMD---"},
    {"artifact:delete", "AM----"},
    {"tag:create", "AMD---"},
    {"tag:delete", "AM----"},
    {"label:create", "AM----"},
    {"label:read", "AMDG-P"},
    {"label:update", "AM----"},
    {"label:delete", "AM----"},
    {"label:list", "AMDG-P"},
    {"artifact-label:create", "AMD---"},
    {"artifact-label:delete", "AMD---"},
    {"accessory:list", "AMDGLP"},
    {"metadata:list", "------"},
    {"quota:read", "AMDGL-"},
    {"log:list", "A-----"},
    {"artifact-addition:read", "AMDGLP"},
    {"preheat-policy:create", "A-----"},
    {"preheat-policy:read", "A-----"},
    {"preheat-policy:update", "A-----"},
    {"preheat-policy:delete", "A-----"},
    {"preheat-policy:list", "A-----"},
    {"notification-policy:create", "A-----"},
    {"notification-policy:read", "AM----"},
    {"notification-policy:update", "A-----"},
    {"notification-policy:delete", "A-----"},
    {"notification-policy:list", "AM----"},
    {"tag-retention:create", "AMD---"},
    {"tag-retention:read", "AMD---"},
    {"tag-retention:update", "AMD---"},
    {"tag-retention:delete", "AMD---"},
    {"tag-retention:list", "AMD---"},
    {"scan:create", "AM----"},
    {"scan:read", "AMDGLP"},
    {"scan:stop", "AM----"},
    {"sbom:create", "AM----"},
    {"sbom:read", "AMDGL-"},
    {"sbom:stop", "AM----"},
    {"scanner:read", "AMDGLP"},
    {"scanner:create", "A-----"},
    {"export-cve:create", "AMD---"},
    {"export-cve:read", "AMD---"},
    {"export-cve:list", "AMD---"},
    {"immutable-tag:create", "AM----"},
    {"immutable-tag:update", "AM----"},
    {"immutable-tag:delete", "AM----"},
    {"immutable-tag:list", "AM----"},
    {"robot:create", "A-----"},
    {"robot:read", "AMDG--"},
    {"robot:update", "A-----"},
    {"robot:delete", "A-----"},
    {"robot:list", "AMDG--"},
};

static void test_matrix(void **state)
{
    (void)state;
    static const enum access_role order[] = {ROLE_ADMIN, ROLE_MAINTAINER, ROLE_DEVELOPER,
                                             ROLE_GUEST, ROLE_LIMITED,    ROLE_ANYBODY};
    struct identity user = identity_of(USER), nobody = identity_of(NOBODY),
                    admin = identity_of(ADMIN);
    size_t seen = 0;

    for (int p = 0; p < PERM_COUNT; p++) {
        const struct permission_info *info = permission_info((enum permission)p);
        if (info->level != PERM_LEVEL_PROJECT)
            continue;
        size_t at = 0;
        while (at < ARRAY_LEN(matrix) && strcmp(matrix[at].permission, info->name) != 0)
            at++;
        assert_true(at < ARRAY_LEN(matrix));
        seen++;
        for (size_t i = 0; i < ARRAY_LEN(order); i++) {
            struct access_target t = {.project_id = 3, .roles = ROLE_BIT(order[i])};
            bool may = matrix[at].roles[i] != '-';
            char got = letter(&user, &t, (enum permission)p);
            if (got != (may ? 'y' : 'd'))
                fail_msg("%s as role %d: %c", info->name, order[i], got);
            if (order[i] == ROLE_ANYBODY)
                assert_int_equal(letter(&nobody, &t, (enum permission)p), may ? 'y' : '-');
        }
        struct access_target absent = {.roles = 0}, there = {.project_id = 3};
        assert_int_equal(letter(&user, &absent, (enum permission)p), 'd');
        assert_int_equal(letter(&nobody, &absent, (enum permission)p), '-');
        assert_int_equal(letter(&admin, &absent, (enum permission)p), 'n');
        assert_int_equal(letter(&admin, &there, (enum permission)p), 'y');
    }
    assert_int_equal(seen, ARRAY_LEN(matrix));
}

static void test_system(void **state)
{
    (void)state;
    struct identity user = identity_of(USER), nobody = identity_of(NOBODY),
                    admin = identity_of(ADMIN);
    struct access_target self = {.self = true}, other = {0}, ours = {.of_system = true};

    /* What belongs to the system: everybody reads, administrators change. */
    assert_int_equal(letter(&nobody, &ours, PERM_LABEL_READ), 'y');
    assert_int_equal(letter(&nobody, &ours, PERM_LABEL_CREATE), '-');
    assert_int_equal(letter(&user, &ours, PERM_LABEL_CREATE), 'd');
    assert_int_equal(letter(&admin, &ours, PERM_LABEL_CREATE), 'y');

    assert_int_equal(letter(&admin, NULL, PERM_USER_LIST), 'y');
    assert_int_equal(letter(&user, NULL, PERM_USER_LIST), 'd');
    assert_int_equal(letter(&nobody, NULL, PERM_USER_LIST), '-');
    assert_int_equal(letter(&user, &self, PERM_USER_READ), 'y');
    assert_int_equal(letter(&user, &other, PERM_USER_READ), 'd');
}

static void test_roles(void **state)
{
    (void)state;
    assert_int_equal(access_role_strongest(0), ROLE_ANYBODY);
    assert_int_equal(access_role_strongest(ROLE_BIT(ROLE_ANYBODY)), ROLE_ANYBODY);
    assert_int_equal(access_role_strongest(ROLE_BIT(ROLE_LIMITED) | ROLE_BIT(ROLE_MAINTAINER)),
                     ROLE_MAINTAINER);
    assert_int_equal(access_role_strongest(ROLE_BIT(ROLE_DEVELOPER) | ROLE_BIT(ROLE_GUEST)),
                     ROLE_DEVELOPER);
    assert_string_equal(access_role_name(ROLE_ADMIN), "projectAdmin");
    assert_string_equal(access_role_name(ROLE_LIMITED), "limitedGuest");
    assert_string_equal(access_role_name(ROLE_ANYBODY), "");
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < PERM_COUNT; i++) {
        assert_non_null(permission_name((enum permission)i));
        for (int k = 0; k < i; k++)
            assert_true(permission_info((enum permission)i)->level !=
                            permission_info((enum permission)k)->level ||
                        strcmp(permission_name((enum permission)i),
                               permission_name((enum permission)k)) != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix),       cmocka_unit_test(test_system),
        cmocka_unit_test(test_roles),        cmocka_unit_test(test_repositories),
        cmocka_unit_test(test_registry),     cmocka_unit_test(test_nothing_leaks),
        cmocka_unit_test(test_mount_source), cmocka_unit_test(test_actions),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
