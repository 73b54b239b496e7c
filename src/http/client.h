/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: HTTP requests over libcurl. Knows no registry word.
 *
 * One http_client serves any number of threads: each call borrows a handle (with its open
 * connections) and gives it back. Bodies stream both ways through callbacks, on the caller's
 * thread.
 *
 * Safety: only http and https; redirects are followed here, hop by hop, never from https down to
 * http, and the Authorization of a call is sent to the origin of its address alone: the first hop
 * to another origin drops it for good. Sizes have ceilings, stalls end a call. Proxies come from
 * the environment (http_proxy, https_proxy, no_proxy); this machine is never reached through one.
 *
 * Errors: NETWORK (not reached, broken off, stalled, certificate refused), REMOTE (answered, but
 * not as agreed), LIMIT (more than the ceiling), CANCELLED, and whatever a callback of the caller
 * returned.
 */
#ifndef HAVEN_HTTP_CLIENT_H
#define HAVEN_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdatomic.h>

#define HTTP_CLIENT_CONNECT_MS 15000
#define HTTP_CLIENT_STALL_MS   120000

struct http_client;

struct http_client_options {
    const char *ca_file; /* PEM file of trusted authorities; NULL: the system's */
    bool insecure;       /* certificates are not checked */
    const char *user_agent;
    int64_t connect_ms; /* name, TCP and TLS; 0: HTTP_CLIENT_CONNECT_MS */
    int64_t stall_ms;   /* a call ends when no byte moved for this long; 0: HTTP_CLIENT_STALL_MS */
};

/* Strings are copied. CONFIG when the CA file cannot be read. */
struct http_client *http_client_new(const struct http_client_options *options, struct err *e);
void http_client_free(struct http_client *c); /* no call may be under way; NULL is welcome */

/* An answer. Init before the first call; every call starts it afresh. */
struct http_answer {
    int status;
    struct buf head; /* the last head's fields: "Name: value\n" each */
    struct buf body; /* what was not streamed to take */
    struct buf url;  /* the address that answered, after redirects */
};
void http_answer_init(struct http_answer *a);
void http_answer_autodone(struct http_answer *a);
/* A field's value, trimmed (first occurrence, case ignored), or STR_NULL; borrowed until the next
 * call. */
struct str http_answer_header(const struct http_answer *a, const char *name);
/* Every occurrence in order: *at starts with 0. */
bool http_answer_next(const struct http_answer *a, const char *name, size_t *at, struct str *ret);

/* What Retry-After asks for (seconds or a date, RFC 9110 10.2.3), in milliseconds from now; -1:
 * nothing. */
int64_t http_answer_retry_after_ms(const struct http_answer *a);

/* Where a request body comes from. */
struct http_source {
    uint64_t length;
    /* Fills p with 1..n bytes; called until length bytes were given. */
    int (*read)(void *self, void *p, size_t n, size_t *ret_n, struct err *e);
    /* Goes to a position of the body, so that it can be sent again. NULL: it can be sent once. */
    int (*seek)(void *self, uint64_t offset, struct err *e);
    void *self;
};

struct http_call {
    const char *method;             /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
    const char *url;                /* absolute */
    const char *const *headers;     /* "Name: value" lines, the last one NULL; may be NULL */
    const char *authorization;      /* value of Authorization; may be NULL */
    const struct http_source *body; /* NULL: none (methods that carry one say Content-Length: 0) */
    /* A successful (2xx) answer's body goes here, if set; else it is kept in the answer. */
    int (*take)(void *self, const void *p, size_t n, struct err *e);
    /* Runs once before the first take, when the head is complete; may be NULL. Not run for an empty
     * body. */
    int (*begin)(void *self, const struct http_answer *a, struct err *e);
    void *take_self;
    uint64_t take_max; /* bytes that take gets at most; more is LIMIT */
    size_t
        body_max; /* ceiling of what is kept, 0: LIMIT_CLIENT_BODY; longer error bodies are cut */
    int64_t total_ms; /* the whole call, 0: no bound but the stall */
    /* Another side named the address, as it does with redirects to another origin: it leads nowhere
     * that only this machine can reach (http_address_is_link_local). */
    bool foreign;
    const atomic_bool *cancel; /* may be NULL; polled about once a second and at each piece */
};

/* Makes the call. 0: there is an answer, of any status but a redirect that was followed. A 3xx that
 * cannot be followed (no Location, a body that cannot be sent again) is an answer too. */
int http_client_do(struct http_client *c, const struct http_call *call, struct http_answer *a,
                   struct err *e);

/* Body from memory. */
struct http_memory {
    struct str bytes;
    size_t at;
};
struct http_source http_memory_source(struct http_memory *m);

#endif
