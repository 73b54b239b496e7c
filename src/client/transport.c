/* SPDX-License-Identifier: Apache-2.0 */
#include "client/transport.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/thread.h"
#include "base/version.h"
#include "client/retry.h"
#include "client/transfer.h"
#include "client/watch.h"
#include "http/challenge.h"
#include "http/url.h"

#include <stdio.h>

/* A token service answers at once or not at all. */
#define TOKEN_CALL_MS 60000
/* A token that says nothing lives for this long, and none is believed to live shorter. */
#define TOKEN_LIFE_S 60
/* … and is renewed this much earlier, for clocks and long heads. */
#define TOKEN_MARGIN_MS 10000
#define TRANSPORT_ARENA (8 * MIB)
/* How registries of Harbor's kind call themselves in challenges. */
#define HARBOR_SERVICE "harbor-registry"

enum auth_kind { AUTH_UNKNOWN, AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

struct transport {
    struct arena arena; /* what never changes after transport_new */
    struct http_client *http;
    const char *base; /* "https://host" */
    const char *host; /* as the user knows it, for messages */
    bool https;
    const char *repo;       /* NULL: none */
    const char *mount_from; /* likewise */
    struct credential cred;
    bool has_cred;
    const atomic_bool *cancel;
    struct mutex lock;
    /* Under lock: */
    enum auth_kind auth;
    struct err refusal; /* the credentials were refused (code is not OK): nobody tries them again */
    struct buf realm, service, extra_scope;
    struct {
        struct buf authorization; /* "Bearer …" */
        int64_t expires_ms;       /* monotonic */
    } tokens[TRANSPORT_ACCESSES];
};

int transport_host_parse(struct str s, struct transport_host *ret, struct err *e)
{
    struct remote_ref ref;
    AUTO(buf) full = {0};

    if (str_ends(s, STR("/")))
        s.n--;
    buf_init(&full, 1024);
    if (!memmem(s.p ? s.p : "", s.n, "://", 3))
        buf_addz(&full, "https://"); /* any word may be a host here */
    buf_addf(&full, "%.*s/x", S(s));
    struct str rest = buf_str(&full);
    const char *after = strstr(full.p, "://");
    bool with_path = memchr(after + 3, '/', rest.n - (size_t)(after + 3 - full.p) - 2) != NULL;
    if (!buf_ok(&full) || with_path || remote_ref_parse(rest, &ref, e) < 0)
        return ERR(e, NAME_INVALID, "\"%.*s\" is not a registry; write it as HOST[:PORT]",
                   S(str_head(s, 100)));
    struct transport_host h = {.host = ""};
    memcpy(h.host, ref.host, sizeof(h.host));
    if (memmem(s.p, s.n, "://", 3))
        memcpy(h.scheme, ref.scheme, sizeof(h.scheme));
    *ret = h;
    return 0;
}

static int find_credential(struct transport *t, const struct transport_options *o, struct err *e)
{
    const char *dir;
    if (o->credential) {
        t->cred = (struct credential){.username = arena_str(&t->arena, o->credential->username),
                                      .password = arena_str(&t->arena, o->credential->password),
                                      .identity_token =
                                          arena_str(&t->arena, o->credential->identity_token)};
        t->has_cred = true;
        return 0;
    }
    /* Without a home there are no stored credentials: go on without. */
    if (docker_config_dir(&t->arena, &dir, NULL) < 0)
        return 0;
    int rc = docker_config_find(&t->arena, dir, str_from(t->host), &t->cred, e);
    t->has_cred = rc > 0;
    return rc < 0 ? -1 : 0;
}

struct transport *transport_new(const char *scheme, const char *host, const struct repo_name *repo,
                                const struct transport_options *options, struct err *e)
{
    const struct http_client_options ho = {.ca_file = options->ca_file,
                                           .insecure = options->insecure,
                                           .user_agent = "haven/" HAVEN_VERSION};
    AUTO_TRANSPORT t = NEW(struct transport);
    arena_init(&t->arena, TRANSPORT_ARENA);
    mutex_init(&t->lock, "transport");
    buf_init(&t->realm, LIMIT_CLIENT_URL);
    buf_init(&t->service, LIMIT_CHALLENGE);
    buf_init(&t->extra_scope, LIMIT_CHALLENGE);
    for (size_t i = 0; i < ARRAY_LEN(t->tokens); i++)
        buf_init(&t->tokens[i].authorization, LIMIT_TOKEN);

    bool https = *scheme ? strcmp(scheme, "https") == 0 : !http_host_is_loopback(str_from(host));
    if (options->plain_http && !*scheme)
        https = false;
    t->https = https;
    t->host = arena_strz(&t->arena, str_from(host));
    /* Docker Hub's registry answers under another name than the one everybody writes. */
    const char *real = strcmp(host, "docker.io") == 0 || strcmp(host, "index.docker.io") == 0
                           ? "registry-1.docker.io"
                           : host;
    t->base = arena_printf(&t->arena, "%s://%s", https ? "https" : "http", real);
    t->repo = repo ? arena_strz(&t->arena, repo_name_str(repo)) : NULL;
    t->mount_from =
        options->mount_from ? arena_strz(&t->arena, repo_name_str(options->mount_from)) : NULL;
    t->cancel = options->cancel;
    if (options->basic)
        t->auth = AUTH_BASIC;
    t->http = http_client_new(&ho, e);
    if (!t->http || find_credential(t, options, e) < 0)
        return NULL;
    return TAKE(t);
}

void transport_autofree(struct transport **p)
{
    struct transport *t = *p;
    if (!t)
        return;
    http_client_free(t->http);
    buf_done(&t->realm);
    buf_done(&t->service);
    buf_done(&t->extra_scope);
    for (size_t i = 0; i < ARRAY_LEN(t->tokens); i++)
        buf_done(&t->tokens[i].authorization);
    mutex_done(&t->lock);
    arena_done(&t->arena);
    mem_free(t);
}

const atomic_bool *transport_cancel(const struct transport *t)
{
    return t->cancel;
}

const char *transport_base(const struct transport *t)
{
    return t->base;
}

int transport_url(const struct transport *t, struct buf *ret, struct err *e, const char *fmt, ...)
{
    va_list ap;
    buf_reset(ret);
    buf_addz(ret, t->base);
    va_start(ap, fmt);
    buf_vaddf(ret, fmt, ap);
    va_end(ap);
    return buf_ok(ret) ? 0 : ERR(e, LIMIT, "an address is longer than %zu bytes", ret->max);
}

int transport_location(const struct transport *t, const struct http_answer *a, struct buf *ret,
                       struct err *e)
{
    struct str location = http_answer_header(a, "Location");
    if (location.n == 0)
        return ERR(e, REMOTE, "%s answers without a Location", t->host);
    if (http_url_resolve(a->url.p, location, ret, e) < 0)
        return -1;
    if (t->https && !str_starts(buf_str(ret), STR("https:")))
        return ERR(
            e, REMOTE,
            "%s sends an upload from https to an address without it; the registry does not know "
            "its own public address",
            t->host);
    return 0;
}

/* Remembers how the registry wants to be spoken to. Bearer is taken before Basic. */
static int learn(struct transport *t, const struct http_answer *a, struct err *e)
{
    struct http_challenge c;
    struct str value;
    size_t at = 0;
    bool basic = false;
    int rc;

    mutex_assert_held(&t->lock);
    while (http_answer_next(a, "WWW-Authenticate", &at, &value)) {
        while ((rc = http_challenge_next(&value, &c)) > 0) {
            basic = basic || strcmp(c.scheme, "basic") == 0;
            struct str realm = http_challenge_param(&c, "realm");
            if (strcmp(c.scheme, "bearer") != 0 || realm.n == 0)
                continue;
            if (http_url_resolve(a->url.p, realm, &t->realm, e) < 0)
                return err_wrap(e, "the token service of %s", t->host);
            if (t->https && !str_starts(buf_str(&t->realm), STR("https:")))
                return ERR(e, REMOTE, "%s names a token service without https (%s)", t->host,
                           t->realm.p);
            buf_reset(&t->service);
            buf_adds(&t->service, http_challenge_param(&c, "service"));
            buf_reset(&t->extra_scope);
            buf_adds(&t->extra_scope, http_challenge_param(&c, "scope"));
            t->auth = AUTH_BEARER;
            return 0;
        }
    }
    if (basic) {
        t->auth = AUTH_BASIC;
        return 0;
    }
    return ERR(e, REMOTE, "%s asks for an authentication that is not supported", t->host);
}

static int ping(struct transport *t, struct err *e)
{
    struct http_answer a __attribute__((cleanup(http_answer_autodone)));
    AUTO(buf) url = {0};
    struct retry retry = {.err = e};

    mutex_assert_held(&t->lock);
    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (transport_url(t, &url, e, "/v2/") < 0)
        return -1;
    const struct http_call call = {
        .method = "GET", .url = url.p, .total_ms = TOKEN_CALL_MS, .cancel = t->cancel};
    do {
        if (http_client_do(t->http, &call, &a, e) < 0)
            return -1;
    } while (retry_status(a.status) && retry_wait(&retry, &a, t->cancel));
    if (a.status == 401)
        return learn(t, &a, e);
    if (a.status == 404)
        return ERR(e, REMOTE, "%s is not a registry: it has no /v2/", t->base);
    /* 403 without a challenge: some registries answer so to the ping alone. */
    if (a.status != 200 && a.status != 403)
        return transport_refused(&a, t->base, e);
    t->auth = AUTH_NONE;
    return 0;
}

static void add_basic(const struct transport *t, struct buf *out)
{
    AUTO(buf) pair = {0};
    buf_init(&pair, LIMIT_CREDENTIAL_HELPER);
    buf_addf(&pair, "%.*s:%.*s", S(t->cred.username), S(t->cred.password));
    buf_addz(out, "Basic ");
    base64_encode(out, buf_str(&pair));
}

static void add_field(struct buf *out, char sep, const char *key, struct str value)
{
    buf_addc(out, sep);
    buf_addf(out, "%s=", key);
    buf_add_url(out, value, "");
}

/* The scopes to ask for, parted by blanks as OAuth has it: ours, and what the last challenge named
 * if that is something else. */
static void add_scope(const struct transport *t, enum transport_access access, struct buf *out)
{
    static const char *const actions[TRANSPORT_ACCESSES] = {[TRANSPORT_PULL] = "pull",
                                                            [TRANSPORT_PUSH] = "pull,push",
                                                            [TRANSPORT_DELETE] = "pull,delete"};
    if (actions[access] && t->repo)
        buf_addf(out, "repository:%s:%s", t->repo, actions[access]);
    if (access == TRANSPORT_PUSH && t->mount_from)
        buf_addf(out, " repository:%s:pull", t->mount_from);
    struct str extra = buf_str(&t->extra_scope);
    bool known = extra.n == 0 || str_eq(extra, buf_str(out)) ||
                 (access == TRANSPORT_PUSH && str_ends(extra, STR(":push,pull")));
    if (!known)
        buf_addf(out, "%s%.*s", out->n ? " " : "", S(extra));
}

/* Reads {"token": …, "expires_in": …}. */
static int keep_token(struct transport *t, enum transport_access access,
                      const struct http_answer *a, struct err *e)
{
    AUTO_JSON doc = json_load(buf_str(&a->body), ERR_REMOTE, e);
    if (!doc)
        return err_wrap(e, "the token service of %s", t->host);
    struct str token = json_get_str(doc, "token");
    if (token.n == 0)
        token = json_get_str(doc, "access_token");
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] <= ' ' || token.p[i] > '~')
            token.n = 0;
    if (token.n == 0)
        return ERR(e, REMOTE, "the token service of %s gives no token", t->host);
    json_int_t life = json_integer_value(json_object_get(doc, "expires_in"));
    if (life < TOKEN_LIFE_S)
        life = TOKEN_LIFE_S;
    if (life > 86400)
        life = 86400;
    struct buf *out = &t->tokens[access].authorization;
    buf_reset(out);
    buf_addf(out, "Bearer %.*s", S(token));
    if (!buf_ok(out)) {
        buf_reset(out);
        return ERR(e, REMOTE, "the token of %s is larger than %llu bytes", t->host, LIMIT_TOKEN);
    }
    t->tokens[access].expires_ms = clock_mono_ms() + (int64_t)life * 1000 - TOKEN_MARGIN_MS;
    return 0;
}

/* A GET with Basic (or nobody's), or the OAuth form when a refresh token is all we have. */
static int fetch_token(struct transport *t, enum transport_access access, struct err *e)
{
    static const char *const form_type[] = {"Content-Type: application/x-www-form-urlencoded",
                                            NULL};
    struct http_answer a __attribute__((cleanup(http_answer_autodone)));
    AUTO(buf) scope = {0};
    AUTO(buf) url = {0};
    AUTO(buf) form = {0};
    AUTO(buf) basic = {0};
    struct http_memory memory = {.at = 0};
    struct retry retry = {.err = e};
    bool refresh = t->has_cred && t->cred.identity_token.n > 0;

    mutex_assert_held(&t->lock);
    http_answer_init(&a);
    buf_init(&scope, 2 * LIMIT_CHALLENGE);
    buf_init(&url, LIMIT_CLIENT_URL);
    buf_init(&form, LIMIT_CREDENTIAL_HELPER);
    buf_init(&basic, 2 * LIMIT_CREDENTIAL_HELPER);
    add_scope(t, access, &scope);
    buf_adds(&url, buf_str(&t->realm));
    struct buf *fields = refresh ? &form : &url;
    if (refresh) {
        buf_addz(&form, "grant_type=refresh_token");
        add_field(&form, '&', "refresh_token", t->cred.identity_token);
    }
    add_field(fields, refresh || strchr(url.p, '?') ? '&' : '?', "service", buf_str(&t->service));
    if (scope.n)
        add_field(fields, '&', "scope", buf_str(&scope));
    add_field(fields, '&', "client_id", STR("haven"));
    if (t->has_cred && !refresh) {
        add_field(fields, '&', "account", t->cred.username);
        add_basic(t, &basic);
    }
    if (!buf_ok(&url) || !buf_ok(&form) || !buf_ok(&basic))
        return ERR(e, LIMIT, "the token request for %s is too long", t->host);
    memory.bytes = buf_str(&form);
    const struct http_source body = http_memory_source(&memory);
    const struct http_call call = {.method = refresh ? "POST" : "GET",
                                   .url = url.p,
                                   .headers = refresh ? form_type : NULL,
                                   .authorization = basic.n ? basic.p : NULL,
                                   .body = refresh ? &body : NULL,
                                   .body_max = 4 * LIMIT_TOKEN,
                                   .total_ms = TOKEN_CALL_MS,
                                   .foreign = !str_starts(buf_str(&t->realm), str_from(t->base)),
                                   .cancel = t->cancel};
    do {
        memory.at = 0;
        if (http_client_do(t->http, &call, &a, e) < 0)
            return err_wrap(e, "asking the token service of %s", t->host);
    } while (retry_status(a.status) && retry_wait(&retry, &a, t->cancel));
    if (a.status == 400 || a.status == 401 || a.status == 403) {
        if (t->has_cred)
            return ERR(e, UNAUTHORIZED, "%s does not accept the user name or password", t->host);
        return ERR(e, UNAUTHORIZED, "%s wants a login: haven login %s", t->host, t->host);
    }
    if (a.status != 200)
        return transport_refused(&a, "asking for a token", e);
    return keep_token(t, access, &a, e);
}

/* Several threads with one wrong password should not look like an attack. */
static int remember_refusal(struct transport *t, const struct err *e)
{
    mutex_assert_held(&t->lock);
    t->refusal = *e;
    return -1;
}

/* What to send as Authorization, into out (empty: nothing). */
static int authorize(struct transport *t, enum transport_access access, struct buf *out,
                     struct err *e)
{
    MUTEX_SCOPE(&t->lock);
    if (t->refusal.code != ERR_OK) {
        *e = t->refusal;
        return -1;
    }
    if (t->auth == AUTH_UNKNOWN && ping(t, e) < 0)
        return -1;
    buf_reset(out);
    if (t->auth == AUTH_BASIC && t->has_cred && t->cred.identity_token.n == 0)
        add_basic(t, out);
    if (t->auth == AUTH_BEARER) {
        bool fresh =
            t->tokens[access].authorization.n && clock_mono_ms() < t->tokens[access].expires_ms;
        if (!fresh && fetch_token(t, access, e) < 0)
            return e->code == ERR_UNAUTHORIZED ? remember_refusal(t, e) : -1;
        buf_adds(out, buf_str(&t->tokens[access].authorization));
    }
    return buf_ok(out) ? 0 : ERR(e, LIMIT, "the credentials for %s are too long", t->host);
}

/* After a 401: learns from the challenge, and forgets the token that was refused unless another
 * thread has got a new one meanwhile. */
static int relearn(struct transport *t, enum transport_access access, const struct buf *used,
                   const struct http_answer *a, struct err *e)
{
    MUTEX_SCOPE(&t->lock);
    if (learn(t, a, e) < 0)
        return -1;
    struct buf *kept = &t->tokens[access].authorization;
    if (str_eq(buf_str(kept), buf_str(used)))
        buf_reset(kept);
    return 0;
}

/* Is this address the registry itself? Only then does it get to see who we are. */
static int is_home(const struct transport *t, const char *url, bool *ret, struct err *e)
{
    AUTO(buf) there = {0};
    AUTO(buf) here = {0};
    buf_init(&there, LIMIT_CLIENT_URL);
    buf_init(&here, LIMIT_CLIENT_URL);
    if (http_url_origin(url, &there, e) < 0 || http_url_origin(t->base, &here, e) < 0)
        return -1;
    *ret = str_eq(buf_str(&there), buf_str(&here));
    return 0;
}

int transport_do(struct transport *t, enum transport_access access, struct http_call *call,
                 struct http_answer *a, struct err *e)
{
    AUTO(buf) authorization = {0};
    bool home;

    buf_init(&authorization, 2 * LIMIT_CREDENTIAL_HELPER);
    call->cancel = t->cancel;
    if (is_home(t, call->url, &home, e) < 0)
        return -1;
    for (unsigned attempt = 0;; attempt++) {
        TRANSFER_PHASE(TRANSFER_ANSWER);
        if (home && authorize(t, access, &authorization, e) < 0)
            return -1;
        call->authorization = authorization.n ? authorization.p : NULL;
        struct http_call watched = *call;
        struct watch watch;
        watch_call(&watch, &watched);
        int rc = http_client_do(t->http, &watched, a, e);
        call->authorization = NULL;
        if (rc < 0)
            return -1;
        if (a->status != 401)
            return 0;
        /* A password is not right the second time either; a token may just have expired. */
        if (!home || attempt == 1 || str_starts(buf_str(&authorization), STR("Basic ")))
            break;
        if (relearn(t, access, &authorization, a, e) < 0)
            return -1;
        if (call->body && call->body->seek && call->body->seek(call->body->self, 0, e) < 0)
            return -1;
    }
    if (!home)
        return transport_refused(a, call->url, e);
    MUTEX_SCOPE(&t->lock);
    if (t->has_cred)
        (void)transport_refused(a, t->host, e);
    else
        (void)ERR(e, UNAUTHORIZED, "%s wants a login: haven login %s", t->host, t->host);
    return remember_refusal(t, e);
}

bool transport_has_credential(const struct transport *t)
{
    return t->has_cred;
}

/* Did the registry ever answer? A wrong address should not take the time of a broken connection. */
static bool is_reached(struct transport *t)
{
    MUTEX_SCOPE(&t->lock);
    return t->auth != AUTH_UNKNOWN;
}

int transport_ask(struct transport *t, enum transport_access access,
                  const struct transport_request *rq, struct http_answer *a, struct err *e)
{
    struct http_memory memory = {.bytes = rq->body};
    struct retry retry = {.err = e};
    for (;;) {
        const struct http_source body = http_memory_source(&memory);
        struct http_call call = {.method = rq->method,
                                 .url = rq->url,
                                 .headers = rq->headers,
                                 .body = rq->body.p ? &body : NULL,
                                 .body_max = rq->body_max};
        int rc = transport_do(t, access, &call, a, e);
        bool again = rc < 0 ? retry_error(e) && is_reached(t) : retry_status(a->status);
        if (!again || !retry_wait(&retry, rc < 0 ? NULL : a, t->cancel))
            return rc;
    }
}

/* 1: out holds name and password; 0: they are not to be sent here; -1. */
static int authorize_in_person(struct transport *t, struct buf *out, struct err *e)
{
    MUTEX_SCOPE(&t->lock);
    bool home = false;
    if (t->auth == AUTH_UNKNOWN && ping(t, e) < 0)
        return -1;
    if (t->auth != AUTH_BEARER || !t->has_cred || t->cred.identity_token.n > 0 ||
        t->refusal.code != ERR_OK)
        return 0;
    if (!str_eqz(buf_str(&t->service), HARBOR_SERVICE))
        return 0;
    if (is_home(t, t->realm.p, &home, e) < 0)
        return -1;
    if (home)
        add_basic(t, out);
    return home && buf_ok(out);
}

int transport_ask_in_person(struct transport *t, const struct transport_request *rq,
                            struct http_answer *a, struct err *e)
{
    AUTO(buf) authorization = {0};
    struct http_memory memory = {.bytes = rq->body};
    const struct http_source body = http_memory_source(&memory);
    bool home;

    buf_init(&authorization, 2 * LIMIT_CREDENTIAL_HELPER);
    if (is_home(t, rq->url, &home, e) < 0)
        return -1;
    int rc = home ? authorize_in_person(t, &authorization, e) : 0;
    if (rc <= 0)
        return rc;
    const struct http_call call = {.method = rq->method,
                                   .url = rq->url,
                                   .headers = rq->headers,
                                   .authorization = authorization.p,
                                   .body = rq->body.p ? &body : NULL,
                                   .body_max = rq->body_max,
                                   .cancel = t->cancel};
    if (http_client_do(t->http, &call, a, e) < 0)
        return -1;
    return a->status != 401;
}

int transport_login(struct transport *t, struct err *e)
{
    struct http_answer a __attribute__((cleanup(http_answer_autodone)));
    AUTO(buf) url = {0};

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (transport_url(t, &url, e, "/v2/") < 0)
        return -1;
    struct http_call call = {.method = "GET", .url = url.p, .total_ms = TOKEN_CALL_MS};
    if (transport_do(t, TRANSPORT_PING, &call, &a, e) < 0)
        return -1;
    if (a.status != 200)
        return transport_refused(&a, t->host, e);
    return 0;
}

/* The registry's words, one line, fit for a terminal. */
static void show(struct str s, char *out, size_t n)
{
    size_t len = s.n < n - 1 ? s.n : n - 1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        out[i] = c < ' ' || c >= 0x7f ? ' ' : (char)c;
    }
    out[len] = '\0';
}

/* The code of ours that a registry's code or, failing that, a status stands for. */
static enum err_code code_of(struct str wire, int status)
{
    static const enum err_code known[] = {
        ERR_BLOB_UNKNOWN,     ERR_BLOB_UPLOAD_INVALID,   ERR_BLOB_UPLOAD_UNKNOWN,
        ERR_DIGEST_INVALID,   ERR_MANIFEST_BLOB_UNKNOWN, ERR_MANIFEST_INVALID,
        ERR_MANIFEST_UNKNOWN, ERR_NAME_INVALID,          ERR_NAME_UNKNOWN,
        ERR_SIZE_INVALID,     ERR_UNAUTHORIZED,          ERR_DENIED,
        ERR_UNSUPPORTED,      ERR_TOO_MANY_REQUESTS,
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (wire.n && str_eqz(wire, err_info(known[i])->wire))
            return known[i];
    switch (status) {
    case 401:
        return ERR_UNAUTHORIZED;
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 429:
        return ERR_TOO_MANY_REQUESTS;
    default:
        return ERR_REMOTE;
    }
}

int transport_refused(const struct http_answer *a, const char *doing, struct err *e)
{
    char code[64] = "", message[256] = "";
    AUTO_JSON doc = json_load(buf_str(&a->body), ERR_REMOTE, NULL);
    const json_t *first = json_array_get(json_object_get(doc, "errors"), 0);
    struct str wire = json_get_str(first, "code");

    show(wire, code, sizeof(code));
    show(json_get_str(first, "message"), message, sizeof(message));
    return err_set(e, code_of(wire, a->status), 0, __FILE__, __LINE__,
                   "%s: the registry answers %d%s%s%s%s", doing, a->status, *code ? " " : "", code,
                   *message ? ": " : "", message);
}
