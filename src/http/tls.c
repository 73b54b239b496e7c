/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that can be replaced while the server runs.
 *
 * libmicrohttpd asks for the certificate of each handshake through a GnuTLS callback that carries
 * no argument, hence the one global here (a process has one listener). Material that was replaced
 * is kept until the end, since handshakes may still use it.
 */
#include "http/internal.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

enum { PEM_MAX = 1 << 20, CHAIN_MAX = 16 };

struct http_tls {
    struct http_tls *older;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned n_chain;
    gnutls_privkey_t key;
};

static struct http_tls *_Atomic tls_current;

static int retrieve(gnutls_session_t session, const gnutls_datum_t *ca_dn, int n_ca_dn,
                    const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
                    gnutls_pcert_st **ret_chain, unsigned int *ret_n, gnutls_privkey_t *ret_key)
{
    (void)session;
    (void)ca_dn;
    (void)n_ca_dn;
    (void)algorithms;
    (void)n_algorithms;
    struct http_tls *t = atomic_load(&tls_current);
    if (!t)
        return -1;
    *ret_chain = t->chain;
    *ret_n = t->n_chain;
    *ret_key = t->key;
    return 0;
}

void *http_tls_callback(struct http_tls *t)
{
    atomic_store(&tls_current, t);
    return (void *)(uintptr_t)retrieve;
}

static void tls_free_one(struct http_tls *t)
{
    for (unsigned i = 0; i < t->n_chain; i++)
        gnutls_pcert_deinit(&t->chain[i]);
    if (t->key)
        gnutls_privkey_deinit(t->key);
    mem_free(t);
}

void http_tls_free(struct http_tls *t)
{
    if (t)
        atomic_store(&tls_current, NULL);
    while (t) {
        struct http_tls *older = t->older;
        tls_free_one(t);
        t = older;
    }
}

static int read_pem(const char *path, const char *key, struct buf *out, struct err *e)
{
    switch (file_read_at(AT_FDCWD, path, PEM_MAX, out, e)) {
    case 1:
        return 0;
    case 0:
        return ERR(e, CONFIG, "%s: %s does not exist", key, path);
    default:
        return err_wrap(e, "%s", key);
    }
}

static int parse(struct http_tls *t, const struct buf *cert, const struct buf *key, struct err *e)
{
    gnutls_datum_t c = {.data = (unsigned char *)cert->p, .size = (unsigned)cert->n};
    gnutls_datum_t k = {.data = (unsigned char *)key->p, .size = (unsigned)key->n};
    unsigned n = CHAIN_MAX;
    int r = gnutls_pcert_list_import_x509_raw(t->chain, &n, &c, GNUTLS_X509_FMT_PEM, 0);
    if (r < 0)
        return ERR(e, CONFIG, "tls.cert: not a PEM certificate chain: %s", gnutls_strerror(r));
    t->n_chain = n;
    if ((r = gnutls_privkey_init(&t->key)) < 0 ||
        (r = gnutls_privkey_import_x509_raw(t->key, &k, GNUTLS_X509_FMT_PEM, NULL, 0)) < 0)
        return ERR(e, CONFIG, "tls.key: not a PEM private key: %s", gnutls_strerror(r));
    unsigned char id_cert[64], id_key[64];
    size_t n_cert = sizeof(id_cert), n_key = sizeof(id_key);
    gnutls_pubkey_t pub;
    if (gnutls_pubkey_init(&pub) < 0)
        return ERR(e, INTERNAL, "no memory for a public key");
    bool same = gnutls_pubkey_import_privkey(pub, t->key, 0, 0) >= 0 &&
                gnutls_pubkey_get_key_id(pub, 0, id_key, &n_key) >= 0 &&
                gnutls_pubkey_get_key_id(t->chain[0].pubkey, 0, id_cert, &n_cert) >= 0 &&
                n_key == n_cert && memcmp(id_key, id_cert, n_key) == 0;
    gnutls_pubkey_deinit(pub);
    if (!same)
        return ERR(e, CONFIG, "tls.key: not the key of the certificate in tls.cert");
    return 0;
}

int http_tls_load(struct http_tls **t, const char *cert, const char *key, struct err *e)
{
    AUTO(buf) c = {0}, k = {0};
    buf_init(&c, PEM_MAX);
    buf_init(&k, PEM_MAX);
    if (read_pem(cert, "tls.cert", &c, e) < 0 || read_pem(key, "tls.key", &k, e) < 0)
        return -1;
    struct http_tls *fresh = NEW(struct http_tls);
    if (parse(fresh, &c, &k, e) < 0) {
        tls_free_one(fresh);
        return -1;
    }
    fresh->older = *t;
    *t = fresh;
    return 0;
}
