/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of http/ share. Nobody outside includes this or libmicrohttpd.
 *
 * A link is a TCP connection, a conn one request on it. The I/O thread that owns the connection and
 * one worker at a time touch a conn; who may is decided by `stage`, and the hand-over is
 * "suspend, then add the job" one way and "resume" the other. The watcher thread looks at links
 * only, under the links' lock, and does nothing to them but shutdown(2): MHD then sees an ended
 * connection.
 */
#ifndef HAVEN_HTTP_INTERNAL_H
#define HAVEN_HTTP_INTERNAL_H

#include "base/pool.h"
#include "base/thread.h"
#include "http/router.h"
#include "http/server.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>

/* Bodies of refused requests: up to this much is read and thrown away so that the connection can be
 * kept; of larger ones the answer is sent at once and the connection closed. */
#define HTTP_DISCARD_MAX (64u * 1024)
/* After an answer that was sent while the client still sent: how much, and how long, is read so
 * that the answer is not lost in a reset. */
#define HTTP_LINGER_BYTES (64ull << 20)
#define HTTP_LINGER_MS    5000
/* A body whose sender has ended, and of which nothing comes any more, is over after this. */
#define HTTP_END_MS 500
/* Block of a response body: one read, one send. */
#define HTTP_BLOCK (256u * 1024)
/* Bodies up to this size are read on the worker that answers. */
#define HTTP_SMALL_BODY (64u * 1024)
/* Buffers of a streamed request body: the first hand-over, and the largest. */
#define HTTP_FEED_FIRST (64u * 1024)
#define HTTP_FEED_MAX   (1024u * 1024)

enum http_phase {
    HTTP_IDLE,   /* between requests: head bytes may be arriving */
    HTTP_BODY,   /* the client has to send */
    HTTP_BUSY,   /* a worker has the request */
    HTTP_SEND,   /* the client has to read */
    HTTP_LINGER, /* answered early; what still comes is thrown away */
};

struct http_link {
    struct http_link *next, *prev;
    struct http_server *server;
    int fd;
    char peer[INET6_ADDRSTRLEN];
    _Atomic int phase;
    _Atomic int64_t phase_since_ms;
    _Atomic uint64_t body_bytes; /* of request bodies, ever */
    _Atomic uint64_t requests;   /* begun on this connection */
    /* Watcher only. */
    uint64_t head_base; /* TCP bytes received when the link became idle */
    bool head_base_known;
    int64_t idle_seen_ms;    /* phase_since_ms that head_base belongs to */
    int64_t head_since_ms;   /* 0: no head byte yet */
    uint64_t window_bytes;   /* body_bytes at the start of the rate window */
    int64_t window_since_ms; /* 0: no window */
    int64_t end_since_ms;    /* the peer has ended, and nothing came of it yet; 0: not so */
    uint64_t end_bytes;      /* body_bytes then */
    _Atomic bool gone;       /* the peer reset the connection */
    _Atomic bool ended;      /* it sends no more, reset or not; seen while it waits for us */
};

enum http_stage {
    STAGE_HEAD,  /* nothing looked at yet */
    STAGE_OPEN,  /* a worker decides whether the request may go on */
    STAGE_READY, /* decided: answered, or the body may come */
    STAGE_BODY,
    STAGE_RUN,    /* a worker runs the handler */
    STAGE_ANSWER, /* the answer waits to be queued */
    STAGE_SENT,   /* queued */
    STAGE_LINGER, /* answered outside MHD */
};

/* Two buffers between the I/O thread that receives and the worker that hashes and writes. */
struct http_conn;
struct http_feed {
    struct mutex lock;
    bool ready; /* lock initialised */
    char *buf[2];
    size_t cap[2], fill[2];
    size_t target; /* fill at which a buffer is handed over */
    int cur;       /* the one that the I/O thread fills */
    bool busy;     /* the other one is with a worker */
    bool waiting;  /* the connection is suspended until it is back */
    bool finish;   /* the body is complete: the worker that is busy goes on with the handler */
    bool abort;    /* the client left: the worker that is busy releases the request */
    bool failed;   /* the sink refused; what still comes is dropped */
    struct err err;
    void (*finished)(
        struct http_conn *c); /* on a worker: everything is in the sink, or err says why not */
    void (*left)(struct http_conn *c); /* on a worker: the client left, what came is in the sink */
    struct pool_job job;
};

/* What is to be sent. */
struct http_reply_state {
    int status;
    const char *content_type;
    struct http_param *headers;
    size_t n_headers, cap_headers;
    struct str body;             /* memory */
    const struct http_seg *segs; /* or pieces */
    size_t n_segs;
    uint64_t size;
    bool close;
    bool set;
};

struct http_sender; /* send.c */

struct http_conn {
    struct http_req rq; /* first */
    struct http_server *server;
    struct http_link *link;
    struct MHD_Connection *mhd;
    const struct http_group *group;
    char *uri;    /* as received, owned */
    bool expects; /* Expect: 100-continue */
    _Atomic int stage;
    bool failed;
    struct err err;
    uint64_t discarded;
    struct buf collected;
    struct http_feed feed;
    struct http_reply_state reply;
    struct http_sender *sender;
    struct MHD_Response *response;
    struct pool_job job;
    bool counted;
    http_handler_fn *again; /* parked: goes on with the request */
    _Atomic int holds;      /* parked: the job that has parked it, and who is to unpark it */
    enum http_stage next;   /* after the handler */
};

#define HTTP_CODES 40
struct http_route_stats {
    _Atomic uint64_t by_code[HTTP_CODES];
    _Atomic uint64_t buckets[14];
    _Atomic uint64_t sum_us;
};

struct http_tls;

/* What a reload may replace; read under a lock by the head parser. */
struct http_proxies {
    char *external_scheme, *external_host; /* NULL: none */
    struct http_cidr *trusted;
    size_t n_trusted;
};

struct http_server {
    struct MHD_Daemon *daemon;
    const struct http_app *app;
    struct http_server_config conf;
    int listen_fd;
    unsigned port;
    bool is_tls;
    struct http_tls *tls;
    struct pool *workers, *byte_workers;
    pthread_rwlock_t proxies_lock;
    struct http_proxies proxies;
    struct mutex links_lock;
    struct http_link *links;
    pthread_t watcher;
    int watcher_stop; /* eventfd */
    _Atomic bool stopping;
    _Atomic int64_t active; /* conns alive, released ones excluded */
    uint64_t id_prefix;
    _Atomic uint64_t id_next;
    struct http_route_stats *stats; /* one per route of all groups, and one for "none" */
    size_t n_stats;
};

/* head.c: fills c->rq from what MHD parsed; refuses what is ambiguous. */
int http_head_parse(struct http_conn *c, const char *method, const char *version, struct err *e);

/* proxy.c */
int http_proxies_load(struct http_proxies *p, const struct http_server_config *c, struct err *e);
void http_proxies_done(struct http_proxies *p);
/* Fills peer, scheme and host of the request. */
void http_proxies_apply(struct http_conn *c);

/* link.c */
void http_link_add(struct http_server *s, struct MHD_Connection *mhd, void **socket_context);
void http_link_remove(struct http_server *s, void **socket_context);
void http_link_phase(struct http_link *l, enum http_phase phase);
void *http_watcher(void *server);
/* Ends idle connections (all == false) or every connection. */
void http_links_shutdown(struct http_server *s, bool all);

/* flow.c: the callbacks of MHD. */
void *http_on_uri(void *server, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_on_request(void *server, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_n, void **ctx);
void http_on_completed(void *server, struct MHD_Connection *mhd, void **ctx,
                       enum MHD_RequestTerminationCode how);

/* feed.c */
void http_feed_start(struct http_conn *c, void (*finished)(struct http_conn *c),
                     void (*left)(struct http_conn *c));
/* Takes all n bytes; suspends the connection when both buffers are full. */
void http_feed_take(struct http_conn *c, const char *p, size_t n);
/* The body is complete: flushes on a worker, then runs the handler. The connection is suspended. */
void http_feed_finish(struct http_conn *c);
/* The client left: what was received is flushed on a worker, then the request is released. */
void http_feed_abort(struct http_conn *c);
/* The sink has refused (and no worker has the request): the answer can be given now. */
bool http_feed_failed(struct http_conn *c, struct err *ret);
/* Makes it refuse from outside. */
void http_feed_fail(struct http_conn *c, const struct err *e);
void http_feed_done(struct http_feed *f);

/* reply.c */
void http_reply_error(struct http_conn *c); /* c->err through the group's writer */
/* Makes c->response from c->reply (on any thread). */
void http_reply_build(struct http_conn *c);
/* Sends head and (memory) body past MHD, for answers given while the client still sends. */
void http_reply_raw(struct http_conn *c);

/* send.c */
struct MHD_Response *http_sender_response(struct http_conn *c);

/* tls.c */
int http_tls_load(struct http_tls **t, const char *cert, const char *key, struct err *e);
void http_tls_free(struct http_tls *t);
/* The callback and its argument for MHD. */
void *http_tls_callback(struct http_tls *t);

/* server.c */
void http_stats_count(struct http_server *s, const struct http_req *rq);

/* flow.c: this thread works on a request from here on, or ends to; app: of that request. */
void http_enter(struct http_conn *c);
void http_leave(const struct http_app *app);

#endif
