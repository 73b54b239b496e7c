/* SPDX-License-Identifier: Apache-2.0 */
#include "client/login.h"

#include "base/limits.h"

#define LOGIN_ARENA (16 * MIB)

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return s.n > 0;
}

int login_store(const struct transport_host *host, const struct credential *cred,
                const struct transport_options *options, struct err *e)
{
    AUTO(arena) a = {0};
    const char *dir;

    if (!is_plain(cred->username) || str_chr(cred->username, ':') >= 0)
        return ERR(e, USAGE, "the user name is empty or holds a colon or a control character");
    if (!is_plain(cred->password))
        return ERR(e, USAGE, "the password is empty or holds a control character");
    arena_init(&a, LOGIN_ARENA);
    if (docker_config_dir(&a, &dir, e) < 0)
        return -1;
    struct transport_options with = *options;
    with.credential = cred;
    AUTO_TRANSPORT t = transport_new(host->scheme, host->host, NULL, &with, e);
    if (!t || transport_login(t, e) < 0)
        return -1;
    return docker_config_store(&a, dir, str_from(host->host), cred, e);
}

int login_forget(const struct transport_host *host, struct err *e)
{
    AUTO(arena) a = {0};
    const char *dir;

    arena_init(&a, LOGIN_ARENA);
    if (docker_config_dir(&a, &dir, e) < 0)
        return -1;
    return docker_config_erase(&a, dir, str_from(host->host), e);
}
