/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures come from libjose. Its configuration object, which is not made for several threads, is
 * made for each call; the key is shared and only read.
 */
#include "access/key.h"

#include "base/base64.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

#include <jose/jwk.h>
#include <jose/jws.h>
#include <jose/openssl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>

#define KEY_SETTING "token_signing_key"
#define KEY_BITS    2048
/* A private key of 2048 bits as JWK takes about 1,700 bytes. */
#define KEY_TEXT_MAX 8192

struct access_key {
    json_t *private; /* JWK, RFC 7517 */
    json_t *public;
    char id[ACCESS_KID_MAX];
    uint8_t root[32]; /* what keys for other purposes are derived from */
};

/* libjose prints to standard error unless told otherwise; what matters is in our own errors. */
static void quiet(void *misc, const char *file, int line, uint64_t err, const char *fmt, va_list ap)
{
    (void)misc;
    (void)file;
    (void)line;
    (void)err;
    (void)fmt;
    (void)ap;
}

static jose_cfg_t *config_new(void)
{
    jose_cfg_t *c = jose_cfg();
    BUG_ON(!c);
    jose_cfg_set_err_func(c, quiet, NULL);
    return c;
}

/* ---- the key ---- */

static int add_text(const char *p, size_t n, void *out)
{
    buf_add(out, p, n);
    return 0;
}

int access_key_generate(struct buf *out, struct err *e)
{
    jose_cfg_auto_t *c = config_new();
    AUTO_JSON jwk = json_pack("{s:s,s:s,s:i}", "kty", "RSA", "alg", "RS256", "bits", KEY_BITS);

    if (!jwk || !jose_jwk_gen(c, jwk))
        return ERR(e, INTERNAL, "making the key that signs tokens");
    if (json_dump_callback(jwk, add_text, out, JSON_COMPACT | JSON_SORT_KEYS) < 0 || !buf_ok(out))
        return ERR(e, INTERNAL, "writing the key that signs tokens");
    return 0;
}

/* 1 stored, 0 none. */
static int read_setting(struct db_conn *c, struct buf *out, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_setting_get, DB_ARGS(DB_TEXTZ(KEY_SETTING)), &rows, e);

    if (found == 1)
        buf_adds(out, db_text(&rows, 0));
    return found;
}

/* Of two nodes that start at once on an empty database, both use the key that came first. */
static int make(struct db *db, struct buf *out, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(buf) text = {0};

    buf_init(&text, KEY_TEXT_MAX);
    if (access_key_generate(&text, e) < 0)
        return -1;
    int r = db_begin(db, &t, e);
    if (r == 0)
        r = db_exec(t.conn, Q_setting_add, DB_ARGS(DB_TEXTZ(KEY_SETTING), DB_TEXT(buf_str(&text))),
                    NULL, e);
    OPENSSL_cleanse(text.p, text.n);
    if (r < 0 || read_setting(t.conn, out, e) < 0)
        return -1;
    return db_commit(&t, e);
}

static bool usable(jose_cfg_t *c, const json_t *jwk)
{
    return str_eqz(json_get_str(jwk, "kty"), "RSA") && str_eqz(json_get_str(jwk, "alg"), "RS256") &&
           json_get_str(jwk, "d").n && jose_jwk_prm(c, jwk, false, "sign") &&
           jose_jwk_prm(c, jwk, false, "verify");
}

/* RFC 4648 section 6; 240 bits give 48 letters without padding. */
static void fingerprint(const uint8_t raw[30], char out[ACCESS_KID_MAX])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    size_t n = 0;

    for (size_t bit = 0; bit < 240; bit += 5) {
        unsigned two = (unsigned)raw[bit / 8] << 8 | (bit / 8 + 1 < 30 ? raw[bit / 8 + 1] : 0);
        if (bit && bit % 20 == 0)
            out[n++] = ':';
        out[n++] = letters[two >> (11 - bit % 8) & 31];
    }
    out[n] = '\0';
    BUG_ON(n + 1 != ACCESS_KID_MAX);
}

static int name_key(jose_cfg_t *c, struct access_key *k, struct err *e)
{
    uint8_t raw[32], *der = NULL;
    EVP_PKEY *pkey = jose_openssl_jwk_to_EVP_PKEY(c, k->public);
    int n = pkey ? i2d_PUBKEY(pkey, &der) : -1;

    EVP_PKEY_free(pkey);
    if (n <= 0)
        return ERR(e, CORRUPT, "the stored key that signs tokens is damaged");
    hash_sha256(der, (size_t)n, raw);
    OPENSSL_free(der);
    fingerprint(raw, k->id);
    return 0;
}

static int parse(struct str text, struct access_key *k, struct err *e)
{
    jose_cfg_auto_t *c = config_new();

    k->private = json_load(text, ERR_CORRUPT, e);
    if (!k->private)
        return err_wrap(e, "the stored key that signs tokens");
    k->public = json_deep_copy(k->private);
    if (!k->public || !usable(c, k->private) || !jose_jwk_pub(c, k->public))
        return ERR(e, CORRUPT, "the stored key that signs tokens is not an RSA key for RS256");
    hash_sha256(text.p, text.n, k->root);
    return name_key(c, k, e);
}

static void mac(const uint8_t key[32], struct str text, uint8_t ret[32])
{
    unsigned n = 32;

    BUG_ON(!HMAC(EVP_sha256(), key, 32, (const unsigned char *)text.p, text.n, ret, &n) || n != 32);
}

void access_key_mac(const struct access_key *k, struct str purpose, struct str text,
                    uint8_t ret[32])
{
    uint8_t derived[32];

    mac(k->root, purpose, derived);
    mac(derived, text, ret);
    OPENSSL_cleanse(derived, sizeof(derived));
}

int access_key_parse(struct str text, struct access_key **ret, struct err *e)
{
    struct access_key *k = NEW(struct access_key);

    if (parse(text, k, e) < 0) {
        access_key_free(k);
        return -1;
    }
    *ret = k;
    return 0;
}

int access_key_load(struct db *db, struct access_key **ret, struct err *e)
{
    AUTO(buf) text = {0};

    buf_init(&text, KEY_TEXT_MAX);
    int found = read_setting(db_reader(db), &text, e);
    if (found < 0 || (found == 0 && make(db, &text, e) < 0))
        return -1;
    int r = buf_ok(&text) ? access_key_parse(buf_str(&text), ret, e)
                          : ERR(e, CORRUPT, "the stored key that signs tokens is too long");
    OPENSSL_cleanse(text.p, text.n);
    return r;
}

void access_key_free(struct access_key *k)
{
    if (!k)
        return;
    json_decref(k->private);
    json_decref(k->public);
    OPENSSL_cleanse(k->root, sizeof(k->root));
    mem_free(k);
}

const char *access_key_id(const struct access_key *k)
{
    return k->id;
}

/* ---- signatures ---- */

int access_key_sign(const struct access_key *k, struct str claims, struct buf *out, struct err *e)
{
    jose_cfg_auto_t *c = config_new();
    AUTO(buf) payload = {0};

    buf_init(&payload, LIMIT_TOKEN);
    base64url_encode(&payload, claims);
    if (!buf_ok(&payload))
        return ERR(e, LIMIT, "the token would be longer than %llu bytes",
                   (unsigned long long)LIMIT_TOKEN);
    AUTO_JSON jws = json_pack("{s:s%}", "payload", payload.p, payload.n);
    AUTO_JSON sig =
        json_pack("{s:{s:s,s:s,s:s}}", "protected", "alg", "RS256", "kid", k->id, "typ", "JWT");
    if (!jws || !sig || !jose_jws_sig(c, jws, sig, k->private))
        return ERR(e, INTERNAL, "signing a token");
    buf_adds(out, json_get_str(jws, "protected"));
    buf_addc(out, '.');
    buf_adds(out, buf_str(&payload));
    buf_addc(out, '.');
    buf_adds(out, json_get_str(jws, "signature"));
    if (!buf_ok(out))
        return ERR(e, LIMIT, "the token would be longer than %llu bytes",
                   (unsigned long long)LIMIT_TOKEN);
    return 0;
}

static int refuse(const char *why, struct err *e)
{
    return ERR(e, UNAUTHORIZED, "the token is not valid: %s", why);
}

/* "a.b.c" into its three parts, each of them base64url and not empty. */
static bool split(struct str jws, struct str part[3])
{
    for (size_t i = 0; i < jws.n; i++) {
        char ch = jws.p[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
              ch == '-' || ch == '_' || ch == '.'))
            return false;
    }
    for (size_t i = 0; i < 3; i++) {
        part[i] = str_cut(&jws, '.');
        if (part[i].n == 0)
            return false;
    }
    return !jws.p;
}

static int check_header(const struct access_key *k, struct str text, struct err *e)
{
    AUTO(buf) raw = {0};
    const char *name;
    json_t *value;

    buf_init(&raw, LIMIT_TOKEN);
    if (!base64_decode(&raw, text))
        return refuse("its header is not base64url", e);
    AUTO_JSON header = json_load(buf_str(&raw), ERR_UNAUTHORIZED, NULL);
    if (!json_is_object(header))
        return refuse("its header is not a JSON object", e);
    json_object_foreach(header, name, value)
    {
        struct str n = str_from(name);
        if (!str_eqz(n, "alg") && !str_eqz(n, "kid") && !str_eqz(n, "typ"))
            return refuse("its header holds more than alg, kid and typ", e);
    }
    if (!str_eqz(json_get_str(header, "alg"), "RS256"))
        return refuse("it is not signed with RS256", e);
    if (!str_eqz(json_get_str(header, "kid"), k->id))
        return refuse("it is not signed with the key of this registry", e);
    return 0;
}

int access_key_verify(const struct access_key *k, struct str jws, struct buf *claims, struct err *e)
{
    jose_cfg_auto_t *c = config_new();
    struct str part[3];

    if (jws.n > LIMIT_TOKEN || !split(jws, part))
        return refuse("it does not have three parts of base64url", e);
    if (check_header(k, part[0], e) < 0)
        return -1;
    AUTO_JSON object = json_pack("{s:s%,s:s%,s:s%}", "protected", part[0].p, part[0].n, "payload",
                                 part[1].p, part[1].n, "signature", part[2].p, part[2].n);
    if (!object || !jose_jws_ver(c, object, NULL, k->public, false))
        return refuse("its signature is wrong", e);
    if (!base64_decode(claims, part[1]))
        return refuse("its claims are not base64url", e);
    return 0;
}
