/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport: a session with one registry: where it is, how it wants to be spoken to, and the
 * tokens it gave. Any number of threads may use one session; credentials that were refused once are
 * not tried again in it. Errors are looked at here: `e` must not be NULL.
 *
 * https unless the reference says otherwise, the host is this machine, or plain_http is set. The
 * first request asks GET /v2/ what authentication is wanted (Basic, or Bearer from a token
 * service); tokens are kept per scope until they expire. Credentials go to the registry's own
 * origin and to the token service that it names, nowhere else, and never from https down to http.
 * Source: OCI distribution-spec; distribution's token authentication (docs/spec/auth).
 */
#ifndef HAVEN_CLIENT_TRANSPORT_H
#define HAVEN_CLIENT_TRANSPORT_H

#include "client/docker_config.h"
#include "http/client.h"
#include "oci/name.h"

struct transport;

struct transport_options {
    bool plain_http;
    bool insecure;                       /* certificates are not checked */
    bool basic;                          /* the API beside /v2/: credentials are sent as they are */
    const char *ca_file;                 /* PEM, NULL: the system's */
    const struct credential *credential; /* in the place of the stored one, which NULL stands for */
    const atomic_bool *cancel;           /* ends every call and wait; may be NULL */
    /* A repository whose blobs are to be mounted: rights to read it are asked for with those to
     * push. NULL: none. */
    const struct repo_name *mount_from;
};

/* What a request needs to be allowed to. */
enum transport_access { TRANSPORT_PING, TRANSPORT_PULL, TRANSPORT_PUSH, TRANSPORT_DELETE };
#define TRANSPORT_ACCESSES (TRANSPORT_DELETE + 1)

/* A host as the user wrote it, "[http[s]://]name[:port][/]". NAME_INVALID. */
struct transport_host {
    char scheme[6]; /* empty when none was written */
    char host[256]; /* lower case */
};
int transport_host_parse(struct str s, struct transport_host *ret, struct err *e);

/* host as in remote_ref; scheme may be empty. repo: whose rights are asked for, NULL for a login.
 * Nothing is sent yet. CONFIG: stored credentials cannot be read. The strings are copied. */
struct transport *transport_new(const char *scheme, const char *host, const struct repo_name *repo,
                                const struct transport_options *options, struct err *e);
void transport_autofree(struct transport **p);
#define AUTO_TRANSPORT __attribute__((cleanup(transport_autofree))) struct transport *

/* GET /v2/ with the credentials: 0 when the registry lets the caller in, UNAUTHORIZED when it does
 * not. */
int transport_login(struct transport *t, struct err *e);

/* "scheme://host" + format; for paths that need no encoding (names, tags, digests). */
int transport_url(const struct transport *t, struct buf *ret, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The absolute address in an answer's Location. REMOTE: missing, malformed, or down to http. */
int transport_location(const struct transport *t, const struct http_answer *a, struct buf *ret,
                       struct err *e);

/* Makes one call with the right Authorization, and once more after a 401 that names a way in. The
 * call's authorization and cancel are set here. 0: an answer, of any status but 401. */
int transport_do(struct transport *t, enum transport_access access, struct http_call *call,
                 struct http_answer *a, struct err *e);
/* The same for a request whose body lies in memory, with retries (retry.h). */
struct transport_request {
    const char *method;
    const char *url;
    const char *const *headers; /* as in http_call */
    struct str body;
    size_t body_max; /* of the answer; 0: LIMIT_CLIENT_BODY */
};
int transport_ask(struct transport *t, enum transport_access access,
                  const struct transport_request *rq, struct http_answer *a, struct err *e);

/* The same by name and password instead of a token, for what a token does not show (it stands for
 * one repository, its holder for all that they see): 1 an answer, 0 that is not done here or not
 * accepted (nothing was changed then), -1. Only with registries of Harbor's kind, which take both,
 * and where their own origin makes the tokens and so is sent the password anyway. */
int transport_ask_in_person(struct transport *t, const struct transport_request *rq,
                            struct http_answer *a, struct err *e);

/* Turns an answer that is not what was hoped for into an error: the registry's own words, made fit
 * for a terminal, and the code that they stand for (DENIED, MANIFEST_UNKNOWN, … else REMOTE). */
int transport_refused(const struct http_answer *a, const char *doing, struct err *e);

/* Are there credentials for it? Else it is asked as nobody. */
bool transport_has_credential(const struct transport *t);
const atomic_bool *transport_cancel(const struct transport *t);
/* "https://host", as it is spoken to. */
const char *transport_base(const struct transport *t);

#endif
