/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: what a handler sees of a request and how it answers. Knows no registry word.
 *
 * Life of a request: limits → route → authenticate → resolve → authorise → [open] → body → handler
 * → log. The phases up to open run before any body byte is asked for, so that a refusal costs the
 * client nothing. Everything that can wait (all application code) runs on a worker thread as
 * straight-line code; the I/O threads only move bytes.
 *
 * Handlers answer with exactly one http_reply* call, or return -1 with an error, which the group's
 * error writer turns into a body. They free nothing: memory and descriptors hang from rq->arena.
 */
#ifndef HAVEN_HTTP_HTTP_H
#define HAVEN_HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/waiter.h"

#include <stdatomic.h>

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_METHOD_COUNT };

enum http_body {
    HTTP_BODY_NONE,   /* a body is read and thrown away (at most body_max) */
    HTTP_BODY_BUFFER, /* collected in rq->body (at most body_max, else 413) before the handler runs
                       */
    HTTP_BODY_STREAM, /* given piece by piece to rq->sink, which the route's open set */
};

struct http_req;

typedef int http_handler_fn(struct http_req *rq, struct err *e);

/* One route. Patterns: literal segments, "{name}" one segment, "{name...}" one or more segments
 * (at most one in a pattern; what stands behind it is matched from the right, so that a repository
 * may contain components called "blobs" or "manifests", and what stands before it from the left).
 * HEAD is answered by GET, OPTIONS by the router. */
struct http_route {
    enum http_method method;
    const char *pattern;
    const char *name;         /* "manifest.get": metrics, log, audit */
    unsigned permission;      /* meaning belongs to the application's authorise */
    http_handler_fn *resolve; /* fills rq->target from path and query; may be NULL */
    enum http_body body;
    uint64_t body_max;
    http_handler_fn
        *open; /* HTTP_BODY_STREAM: runs after authorise, before the body; sets rq->sink */
    http_handler_fn *handler;
    const char *doc;
    const void *contract; /* belongs to the application: what goes in and comes out */
};

/* Routes of one protocol share the form of their errors. Several groups may have the same prefix.
 */
struct http_group {
    const char *prefix; /* "/v2/": errors of unrouted paths below it are written by this group */
    const char *title;  /* of its chapter in the documentation; may be NULL */
    const struct http_route *routes;
    size_t n;
    const char *const
        *headers; /* name, value, name, value …, NULL: added to every answer; may be NULL */
    /* Writes status, headers and body for an error (http_reply…). */
    void (*error)(struct http_req *rq, const struct err *e);
};

struct http_app {
    void *data; /* rq->app */
    const struct http_group
        *groups; /* longest matching prefix wins; the last one, "/", takes the rest */
    size_t n_groups;
    http_handler_fn *authenticate; /* fills rq->identity */
    http_handler_fn *authorise;    /* 0 or an error, from rq->identity, rq->target, rq->route */
    /* Work on rq begins on this thread, or (NULL) ends. May be NULL. */
    void (*enter)(struct http_req *rq);
    /* A request was answered with an error on a worker, which may wait. May be NULL. */
    void (*failed)(struct http_req *rq, const struct err *e);
    /* Called once per finished request on any thread (access log, counts). May be NULL. */
    void (*done)(struct http_req *rq);
};

/* Where the pieces of a streamed body go. Called on a worker, in order, never two at a time. */
struct http_sink {
    int (*write)(void *self, const void *p, size_t n, struct err *e);
    void *self;
};

/* A file that grows while it is sent. */
struct http_growing {
    /* Can the byte at pos of the file be read? 1: it and all before *ret_have; 0: not yet, and w
     * (unless it is NULL) is woken when that may have changed, or when its client left; -1: it
     * never can, and the connection is cut. Called by the threads that own the sockets: it waits
     * for nothing. */
    int (*wait)(void *self, uint64_t pos, struct waiter *w, uint64_t *ret_have);
    void *self;
};

/* A piece of a response body: memory, or a range of a file. Borrowed until the response is over
 * (use the arena). */
struct http_seg {
    const void *mem; /* NULL: a file range */
    int fd;
    uint64_t offset;
    uint64_t len;
    const struct http_growing *grows; /* NULL: all of the file is there */
};

struct http_param {
    struct str key, value; /* percent-decoded once, NUL-free */
};

struct http_req {
    void *app;
    struct arena arena;
    const struct http_route *route;
    enum http_method method; /* GET for HEAD */
    bool head;
    char id[37];                 /* request id: X-Request-Id when it is sane, else a new one */
    struct str raw_path;         /* as sent */
    struct str path;             /* percent-decoded once; %00 and %2F were refused */
    struct http_param params[8]; /* what the pattern captured */
    size_t n_params;
    struct http_param *query; /* in order, repeated keys kept */
    size_t n_query;
    struct http_param *headers; /* in order; names as sent */
    size_t n_headers;
    struct str peer;         /* address of the client, after trusted proxies */
    struct str scheme, host; /* as the client sees them (external_url, trusted proxies, Host) */
    int64_t content_length;  /* -1: unknown (chunked) or none */
    bool has_body;
    struct str body; /* HTTP_BODY_BUFFER */
    struct http_sink sink;
    uint64_t body_received;
    bool truncated;                 /* the client went away before the body was complete */
    void *identity;                 /* set by authenticate */
    void *target;                   /* set by resolve */
    void *parked;                   /* set by http_park */
    int status;                     /* of the answer */
    uint64_t reply_bytes;           /* size of its body; 0 for HEAD */
    int64_t started_us;             /* monotonic */
    const struct err *failed;       /* the error answered, for `done` */
    struct http_conn *conn;         /* private to http */
    struct http_reply_state *reply; /* private to http */
};

/* A header's value (first occurrence, case ignored) or STR_NULL. */
struct str http_header(const struct http_req *rq, const char *name);
/* A captured path parameter; BUG if the pattern has none of this name. */
struct str http_param(const struct http_req *rq, const char *name);
/* First query value or STR_NULL; http_query_next goes on from *at (start with 0). */
struct str http_query(const struct http_req *rq, const char *name);
bool http_query_next(const struct http_req *rq, const char *name, size_t *at, struct str *ret);

/* scheme://host of the registry as this client sees it, no slash at the end; in the arena. */
const char *http_base_url(struct http_req *rq);

/* Adds a response header. Values with control characters are dropped (they would split the head).
 */
void http_set_header(struct http_req *rq, const char *name, struct str value);
void http_set_headerf(struct http_req *rq, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Answers. All return 0. Bytes are borrowed from the arena (or static), not copied. HEAD sends the
 * same head without the body. */
int http_reply(struct http_req *rq, int status, const char *content_type, struct str body);
int http_reply_empty(struct http_req *rq, int status);
int http_reply_buf(struct http_req *rq, int status, const char *content_type,
                   struct buf *take_body);
int http_reply_segs(struct http_req *rq, int status, const char *content_type,
                    const struct http_seg *segs, size_t n);
/* The same for content that has ranges (RFC 9110 13, 14): honours If-None-Match, If-Range, Range
 * (one, several in request order as multipart/byteranges); sets ETag and Accept-Ranges. etag
 * without quotes. Fails with RANGE_INVALID (416, Content-Range set). */
int http_reply_content(struct http_req *rq, const char *content_type, struct str etag,
                       const struct http_seg *segs, size_t n, struct err *e);
/* Whether that would send bytes of the content, which for HEAD, 304 and 416 it does not, and the
 * first one that it needs. */
bool http_content_needed(struct http_req *rq, struct str etag, uint64_t size, uint64_t *ret_first);
/* If-None-Match names etag (quoted, weak or bare, lists, *). */
bool http_not_modified(const struct http_req *rq, struct str etag);
/* Makes the server close the connection after this answer. */
void http_close_after(struct http_req *rq);

/* The answer is given later, and no thread waits for it: a handler returns what this returns, and
 * `again` runs as the handler, with rq->parked, once somebody has called http_unpark, on any
 * thread, once; that may be before the handler has returned. */
int http_park(struct http_req *rq, http_handler_fn *again, void *parked);
void http_unpark(struct http_req *rq);
/* Nobody will read the answer: the client has reset the connection or ended its side of it, which
 * is how clients leave who are sent nothing. */
bool http_client_left(const struct http_req *rq);

#endif
