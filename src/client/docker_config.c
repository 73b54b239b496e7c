/* SPDX-License-Identifier: Apache-2.0 */
#include "client/docker_config.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/sys.h"
#include "client/helper.h"

#include <errno.h>

#define HUB_KEY "https://index.docker.io/v1/"

int docker_config_dir(struct arena *a, const char **ret, struct err *e)
{
    const char *dir = getenv("DOCKER_CONFIG");
    if (dir && *dir) {
        *ret = arena_strz(a, str_from(dir));
        return 0;
    }
    const char *home = getenv("HOME");
    if (!home || !*home)
        return ERR(e, CONFIG, "neither DOCKER_CONFIG nor HOME is set: no place for credentials");
    *ret = arena_printf(a, "%s/.docker", home);
    return 0;
}

static bool is_hub(struct str host)
{
    return str_eqz(host, "docker.io") || str_eqz(host, "index.docker.io") ||
           str_eqz(host, "registry-1.docker.io");
}

static struct str key_of(struct str host)
{
    return is_hub(host) ? STR(HUB_KEY) : host;
}

/* Keys may carry a scheme and a path ("https://host/v2/"); the host is what counts. */
static struct str host_of_key(const char *key)
{
    struct str s = str_from(key);
    if (str_starts(s, STR("https://")))
        s = str_skip(s, 8);
    else if (str_starts(s, STR("http://")))
        s = str_skip(s, 7);
    return str_cut(&s, '/');
}

/* The document; an empty object when there is no file. */
static json_t *load(struct arena *a, const char *dir, const char **ret_path, struct err *e)
{
    AUTO(buf) text = {0};
    buf_init(&text, LIMIT_DOCKER_CONFIG);
    const char *path = arena_printf(a, "%s/config.json", dir);
    *ret_path = path;
    int rc = file_read_at(AT_FDCWD, path, LIMIT_DOCKER_CONFIG, &text, e);
    if (rc < 0)
        return NULL;
    if (rc == 0 || str_trim(buf_str(&text)).n == 0)
        return json_object();
    json_t *doc = json_load(buf_str(&text), ERR_CONFIG, e);
    if (!doc) {
        err_wrap(e, "%s", path);
    } else if (!json_is_object(doc)) {
        ERR(e, CONFIG, "%s: must be a JSON object", path);
        json_decref(doc);
        doc = NULL;
    }
    return doc;
}

/* The helper for host, and whether it was named for this host alone. */
static struct str helper_of(const json_t *doc, struct str host, bool *ret_specific)
{
    AUTO_FREE char *key = mem_strndup(key_of(host).p, key_of(host).n);
    struct str helper = json_get_str(json_object_get(doc, "credHelpers"), key);
    *ret_specific = helper.n > 0;
    if (helper.n == 0 && is_hub(host)) {
        helper = json_get_str(json_object_get(doc, "credHelpers"), "docker.io");
        *ret_specific = helper.n > 0;
    }
    return helper.n ? helper : json_get_str(doc, "credsStore");
}

/* The first line of what a helper printed. */
static struct str complaint(const struct buf *out)
{
    struct str rest = buf_str(out);
    return str_head(str_trim(str_cut(&rest, '\n')), 200);
}

static int from_helper(struct arena *a, struct str helper, struct str host, bool specific,
                       struct credential *ret, struct err *e)
{
    AUTO(buf) out = {0};
    bool ok = false;
    struct err missing;

    buf_init(&out, LIMIT_CREDENTIAL_HELPER);
    if (helper_run(helper, "get", key_of(host), &out, &ok, &missing) < 0) {
        /* A general store that is not installed here (a copied configuration) holds nothing for us.
         */
        if (!specific && missing.sys == ENOENT)
            return 0;
        if (e)
            *e = missing;
        return -1;
    }
    if (!ok) {
        if (memmem(out.p, out.n, "credentials not found", 21))
            return 0;
        return ERR(e, CONFIG, "the credential helper %.*s failed: %.*s", S(helper),
                   S(complaint(&out)));
    }
    AUTO_JSON doc = json_load(buf_str(&out), ERR_CONFIG, e);
    if (!doc)
        return err_wrap(e, "the credential helper %.*s", S(helper));
    struct str user = json_get_str(doc, "Username");
    struct str secret = json_get_str(doc, "Secret");
    if (secret.n == 0)
        return 0;
    struct credential c = {.username = STR("")};
    if (str_eqz(user, "<token>")) {
        c.identity_token = arena_str(a, secret);
    } else {
        c.username = arena_str(a, user);
        c.password = arena_str(a, secret);
    }
    *ret = c;
    return 1;
}

static int from_entry(struct arena *a, const json_t *entry, const char *path,
                      struct credential *ret, struct err *e)
{
    AUTO(buf) plain = {0};
    struct credential c = {.identity_token = arena_str(a, json_get_str(entry, "identitytoken")),
                           .username = arena_str(a, json_get_str(entry, "username")),
                           .password = arena_str(a, json_get_str(entry, "password"))};
    struct str auth = json_get_str(entry, "auth");

    if (auth.n) {
        buf_init(&plain, LIMIT_DOCKER_CONFIG);
        if (!base64_decode(&plain, auth))
            return ERR(e, CONFIG, "%s: an \"auth\" is not base64", path);
        struct str password = buf_str(&plain);
        /* Docker pads old entries with NULs. */
        while (password.n && password.p[password.n - 1] == '\0')
            password.n--;
        struct str user = str_cut(&password, ':');
        if (!password.p)
            return ERR(e, CONFIG, "%s: an \"auth\" holds no user name and password", path);
        c.username = arena_str(a, user);
        c.password = arena_str(a, password);
    }
    if (c.identity_token.n == 0 && c.username.n == 0)
        return 0;
    *ret = c;
    return 1;
}

/* The member of auths that means host: its own key first, then any key with the same host. */
static const char *entry_key(const json_t *auths, struct str host)
{
    const char *key;
    json_t *v;
    struct str own = key_of(host);
    const char *other = NULL;

    json_object_foreach((json_t *)(uintptr_t)auths, key, v)
    {
        if (str_eqz(own, key))
            return key;
        struct str there = host_of_key(key);
        if (!other && (str_ieq(there, host) || (is_hub(host) && is_hub(there))))
            other = key;
    }
    return other;
}

int docker_config_find(struct arena *a, const char *dir, struct str host, struct credential *ret,
                       struct err *e)
{
    const char *path;
    bool specific;
    AUTO_JSON doc = load(a, dir, &path, e);
    if (!doc)
        return -1;
    struct str helper = helper_of(doc, host, &specific);
    if (helper.n) {
        int rc = from_helper(a, helper, host, specific, ret, e);
        if (rc != 0)
            return rc;
    }
    const json_t *auths = json_object_get(doc, "auths");
    const char *key = entry_key(auths, host);
    return key ? from_entry(a, json_object_get(auths, key), path, ret, e) : 0;
}

/* Writes the document in the place of the old one; a link to the file is kept, its target replaced.
 */
static int save(struct arena *a, const char *dir, const char *path, const json_t *doc,
                struct err *e)
{
    if (sys->mkdirat(AT_FDCWD, dir, 0700) < 0 && errno != EEXIST)
        return ERR_SYS(e, "cannot create the directory %s", dir);
    char *text = json_dumps(doc, JSON_INDENT(4));
    BUG_ON(!text); /* every string in it was read from JSON or checked by us */
    char *line = arena_printf(a, "%s\n", text);
    mem_free(text);
    char *target = realpath(path, NULL);
    int rc = file_replace_at(AT_FDCWD, target ? target : path, 0600, str_from(line), e);
    mem_free(target);
    return rc;
}

/* The member `auths`, made if missing; borrowed. */
static json_t *auths_of(json_t *doc)
{
    json_t *auths = json_object_get(doc, "auths");
    if (!json_is_object(auths)) {
        auths = json_object();
        BUG_ON(json_object_set_new(doc, "auths", auths) != 0);
    }
    return auths;
}

static int to_helper(struct str helper, struct str host, const struct credential *cred,
                     struct err *e)
{
    AUTO(buf) in = {0};
    AUTO(buf) out = {0};
    struct json_writer w;
    bool ok = false;

    buf_init(&in, LIMIT_CREDENTIAL_HELPER);
    buf_init(&out, LIMIT_CREDENTIAL_HELPER);
    jsonw_init(&w, &in);
    jsonw_object(&w);
    jsonw_kstr(&w, "ServerURL", key_of(host));
    jsonw_kstr(&w, "Username", cred->username);
    jsonw_kstr(&w, "Secret", cred->password);
    jsonw_object_done(&w);
    if (!buf_ok(&in))
        return ERR(e, LIMIT, "the password is too long");
    if (helper_run(helper, "store", buf_str(&in), &out, &ok, e) < 0)
        return -1;
    if (!ok)
        return ERR(e, CONFIG, "the credential helper %.*s failed: %.*s", S(helper),
                   S(complaint(&out)));
    return 0;
}

int docker_config_store(struct arena *a, const char *dir, struct str host,
                        const struct credential *cred, struct err *e)
{
    AUTO(buf) plain = {0};
    AUTO(buf) auth = {0};
    const char *path;
    bool specific;

    AUTO_JSON doc = load(a, dir, &path, e);
    if (!doc)
        return -1;
    struct str helper = helper_of(doc, host, &specific);
    AUTO_JSON entry = json_object();
    if (helper
            .n) { /* the file then says only that there is something in the store, as docker does */
        if (to_helper(helper, host, cred, e) < 0)
            return -1;
    } else {
        buf_init(&plain, LIMIT_CREDENTIAL_HELPER);
        buf_init(&auth, 2 * LIMIT_CREDENTIAL_HELPER);
        buf_addf(&plain, "%.*s:%.*s", S(cred->username), S(cred->password));
        base64_encode(&auth, buf_str(&plain));
        if (!buf_ok(&plain) || !buf_ok(&auth))
            return ERR(e, LIMIT, "the password is too long");
        BUG_ON(json_object_set_new(entry, "auth", json_stringn(auth.p, auth.n)) != 0);
    }
    AUTO_FREE char *key = mem_strndup(key_of(host).p, key_of(host).n);
    json_t *auths = auths_of(doc);
    const char *old = entry_key(auths, host);
    if (old && strcmp(old, key) != 0)
        (void)json_object_del(auths, old);
    BUG_ON(json_object_set(auths, key, entry) != 0);
    return save(a, dir, path, doc, e);
}

int docker_config_erase(struct arena *a, const char *dir, struct str host, struct err *e)
{
    const char *path, *key;
    bool specific, found = false;

    AUTO_JSON doc = load(a, dir, &path, e);
    if (!doc)
        return -1;
    struct str helper = helper_of(doc, host, &specific);
    struct credential ignored;
    if (helper.n) {
        int rc = from_helper(a, helper, host, specific, &ignored, e);
        if (rc < 0)
            return -1;
        if (rc > 0) {
            AUTO(buf) out = {0};
            bool ok = false;
            buf_init(&out, LIMIT_CREDENTIAL_HELPER);
            if (helper_run(helper, "erase", key_of(host), &out, &ok, e) < 0)
                return -1;
            if (!ok)
                return ERR(e, CONFIG, "the credential helper %.*s failed: %.*s", S(helper),
                           S(complaint(&out)));
            found = true;
        }
    }
    json_t *auths = json_object_get(doc, "auths");
    bool changed = false;
    while ((key = entry_key(auths, host))) {
        if (json_object_del(auths, key) != 0)
            break;
        changed = true;
    }
    if (changed && save(a, dir, path, doc, e) < 0)
        return -1;
    return found || changed;
}
