/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "client/listing.h"
#include "client/retry.h"
#include "client/upload.h"
#include "http/url.h"
#include "oci/display.h"
#include "oci/manifest.h"

#include <inttypes.h>
#include <stdio.h>

struct remote {
    struct endpoint endpoint;
    struct transport *transport;
    struct repo_name repo;
    enum transport_access access;
    struct upload_ways ways;
    atomic_bool no_referrers; /* it has no list of referrers */
    char display[LIMIT_REPO_NAME + sizeof(OCI_DISPLAY_HEADER) + 2]; /* a header, or empty */
    char *shown;
};

static const char *const accept_manifests[] = {"Accept: " OCI_TYPE_MANIFEST
                                               ", " DOCKER_TYPE_MANIFEST ", " OCI_TYPE_INDEX
                                               ", " DOCKER_TYPE_INDEX,
                                               NULL};

#define AUTO_ANSWER __attribute__((cleanup(http_answer_autodone))) struct http_answer

static struct remote *of(struct endpoint *p)
{
    return CONTAINER_OF(p, struct remote, endpoint);
}

static struct upload_target target_of(struct remote *r)
{
    return (struct upload_target){
        .transport = r->transport, .repo = r->repo.text, .ways = &r->ways};
}

static int remote_has(struct endpoint *p, const struct digest *digest, struct err *e)
{
    struct remote *r = of(p);
    const struct upload_target t = target_of(r);
    return upload_has(&t, digest, e);
}

static int remote_put(struct endpoint *p, const struct blob_source *s, struct transfer *x,
                      struct digest *ret_digest, bool *ret_present, struct err *e)
{
    const struct upload_target t = target_of(of(p));
    return upload_blob(&t, s, x, ret_digest, ret_present, e);
}

/* A registry that cannot mount has begun an upload, which nobody needs. */
static void abandon(struct remote *r, const struct http_answer *begun)
{
    AUTO_ANSWER a;
    AUTO(buf) location = {0};
    http_answer_init(&a);
    buf_init(&location, LIMIT_CLIENT_URL);
    if (transport_location(r->transport, begun, &location, &(struct err){.code = ERR_OK}) < 0)
        return;
    struct http_call call = {.method = "DELETE", .url = location.p};
    (void)transport_do(r->transport, r->access, &call, &a, &(struct err){.code = ERR_OK});
}

static int remote_mount(struct endpoint *p, const struct repo_name *from,
                        const struct digest *digest, struct err *e)
{
    AUTO_ANSWER a;
    AUTO(buf) url = {0};
    struct remote *r = of(p);

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (transport_url(r->transport, &url, e, "/v2/%s/blobs/uploads/?mount=%s&from=%s", r->repo.text,
                      digest->text, from->text) < 0)
        return -1;
    const struct transport_request rq = {.method = "POST", .url = url.p};
    if (transport_ask(r->transport, r->access, &rq, &a, e) < 0)
        return -1;
    if (a.status == 201)
        return 1;
    if (a.status == 202) {
        abandon(r, &a);
        return 0;
    }
    /* Not to be seen there, or not known: the bytes have to go the long way. */
    if (a.status == 404 || a.status == 403 || a.status == 400 || a.status == 405)
        return 0;
    return transport_refused(&a, "mounting a blob", e);
}

/* A range of a blob on its way to somebody. */
struct getting {
    const struct digest *digest;
    uint64_t size, from, n; /* of the blob; what is wanted */
    uint64_t got;           /* of the n bytes */
    uint64_t skip;          /* bytes before them that a registry without ranges sends */
    bool strict;            /* the whole blob is not wanted for a part of it */
    bool open_end;          /* … and it sends what stands behind them */
    int (*take)(void *self, const void *p, size_t n, struct err *e);
    void *self;
};

/* "bytes FIRST-LAST/TOTAL" must be what was asked for (RFC 9110 14.4). */
static bool range_fits(struct str value, uint64_t first, uint64_t last, uint64_t size)
{
    char want[96];
    int n = snprintf(want, sizeof(want), "bytes %" PRIu64 "-%" PRIu64 "/", first, last);
    struct str total = str_skip(value, (size_t)n);
    uint64_t said;
    return str_starts(value, str_from(want)) &&
           (str_eqz(total, "*") || (str_u64(total, 0, UINT64_MAX, &said) && said == size));
}

static int on_begin(void *self, const struct http_answer *a, struct err *e)
{
    struct getting *g = self;
    uint64_t length;
    struct str said = http_answer_header(a, "Content-Length");

    g->skip = 0;
    g->open_end = false;
    if (a->status == 206) {
        if (!range_fits(http_answer_header(a, "Content-Range"), g->from + g->got,
                        g->from + g->n - 1, g->size))
            return ERR(e, REMOTE, "the registry sends another range than was asked for");
        return 0;
    }
    if (a->status != 200)
        return ERR(e, REMOTE, "the registry answers %d to a download", a->status);
    if (said.n && (!str_u64(said, 0, UINT64_MAX, &length) || length != g->size))
        return ERR(e, REMOTE, "the registry sends %.*s bytes instead of %" PRIu64,
                   S(str_head(said, 32)), g->size);
    if (g->strict && g->n != g->size)
        return ERR(e, UNSUPPORTED,
                   "the registry knows no ranges: all %" PRIu64 " bytes of %s would have to come",
                   g->size, g->digest->text);
    g->skip = g->from + g->got; /* it does not know ranges */
    g->open_end = true;
    return 0;
}

static int on_take(void *self, const void *p, size_t n, struct err *e)
{
    struct getting *g = self;
    const char *at = p;
    size_t skip = (size_t)MIN_OF((uint64_t)n, g->skip);

    g->skip -= skip;
    at += skip;
    n -= skip;
    if (n > g->n - g->got) {
        if (!g->open_end)
            return ERR(e, REMOTE, "the registry sends more than was asked for");
        n = (size_t)(g->n - g->got);
    }
    if (n && g->take(g->self, at, n, e) < 0)
        return -1;
    g->got += n;
    return 0;
}

static int get_once(struct remote *r, const char *url, struct getting *g, struct http_answer *a,
                    struct err *e)
{
    char range[96];
    const char *headers[] = {NULL, NULL};
    if (g->from + g->got || g->n != g->size) {
        (void)snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-%" PRIu64, g->from + g->got,
                       g->from + g->n - 1);
        headers[0] = range;
    }
    struct http_call call = {.method = "GET",
                             .url = url,
                             .headers = headers,
                             .begin = on_begin,
                             .take = on_take,
                             .take_self = g,
                             .take_max = g->size};
    a->status = 0;
    return transport_do(r->transport, r->access, &call, a, e);
}

static int get_all(struct endpoint *p, struct getting *g, struct err *e)
{
    AUTO_ANSWER a;
    AUTO(buf) url = {0};
    struct remote *r = of(p);
    struct retry retry = {0};

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (transport_url(r->transport, &url, e, "/v2/%s/blobs/%s", r->repo.text, g->digest->text) < 0)
        return -1;
    while (g->got < g->n) {
        uint64_t before = g->got;
        int rc = get_once(r, url.p, g, &a, e);
        if (rc == 0 && !retry_status(a.status)) {
            if (a.status != 200 && a.status != 206)
                return transport_refused(&a, g->digest->text, e);
            if (g->got < g->n)
                return ERR(e, REMOTE, "the registry sends less than was asked for");
            break;
        }
        if (rc < 0 && !retry_error(e))
            return -1;
        if (g->got > before)
            retry.failed = 0;
        if (!retry_wait(&retry, rc < 0 ? NULL : &a, transport_cancel(r->transport)))
            return rc < 0 ? -1 : transport_refused(&a, g->digest->text, e);
    }
    return 0;
}

static int remote_get(struct endpoint *p, const struct digest *digest, uint64_t size, uint64_t at,
                      uint64_t n, int (*take)(void *self, const void *p, size_t n, struct err *e),
                      void *self, struct err *e)
{
    struct getting g = {
        .digest = digest, .size = size, .from = at, .n = n, .take = take, .self = self};
    return get_all(p, &g, e);
}

static int remote_get_part(struct endpoint *p, const struct digest *digest, uint64_t size,
                           uint64_t at, uint64_t n,
                           int (*take)(void *self, const void *p, size_t n, struct err *e),
                           void *self, struct err *e)
{
    struct getting g = {.digest = digest,
                        .size = size,
                        .from = at,
                        .n = n,
                        .strict = true,
                        .take = take,
                        .self = self};
    return get_all(p, &g, e);
}

static int remote_manifest_get(struct endpoint *p, struct arena *arena, const struct reference *ref,
                               struct endpoint_manifest *ret, struct err *e)
{
    AUTO_ANSWER a;
    AUTO(buf) url = {0};
    struct remote *r = of(p);
    struct digest said, got;

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    struct str reference = reference_str(ref);
    if (transport_url(r->transport, &url, e, "/v2/%s/manifests/%.*s", r->repo.text, S(reference)) <
        0)
        return -1;
    const struct transport_request rq = {
        .method = "GET", .url = url.p, .headers = accept_manifests, .body_max = LIMIT_MANIFEST};
    if (transport_ask(r->transport, r->access, &rq, &a, e) < 0)
        return -1;
    if (a.status != 200)
        return transport_refused(&a, p->shown, e);
    struct str header = http_answer_header(&a, "Docker-Content-Digest");
    bool known = header.n && digest_parse(header, &said, NULL) == 0;
    enum digest_alg alg = ref->is_digest ? ref->digest.alg : known ? said.alg : DIGEST_SHA256;
    hash_bytes(alg, a.body.p, a.body.n, &got);
    if (ref->is_digest && !digest_eq(&got, &ref->digest))
        return ERR(e, DIGEST_INVALID,
                   "the registry sends a manifest with the digest %s instead of %s", got.text,
                   ref->digest.text);
    if (known && said.alg == got.alg && !digest_eq(&said, &got))
        return ERR(e, DIGEST_INVALID, "the manifest was damaged on its way: %s instead of %s",
                   got.text, said.text);
    char *bytes = arena_try(arena, a.body.n + 1, e);
    if (!bytes)
        return -1;
    memcpy(bytes, a.body.p, a.body.n + 1);
    /* A head's lines are short: LIMIT_CLIENT_HEAD. */
    *ret =
        (struct endpoint_manifest){.bytes = str_of(bytes, a.body.n),
                                   .type = arena_str(arena, http_answer_header(&a, "Content-Type")),
                                   .digest = got};
    return 0;
}

static int remote_manifest_put(struct endpoint *p, struct str bytes, struct str type,
                               const struct digest *digest, const struct tag *tag, struct err *e)
{
    char content_type[LIMIT_MEDIA_TYPE + 32];
    AUTO_ANSWER a;
    AUTO(buf) url = {0};
    struct remote *r = of(p);
    const char *headers[] = {content_type, r->display[0] ? r->display : NULL, NULL};
    struct digest there;

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (type.n > LIMIT_MEDIA_TYPE)
        return ERR(e, MANIFEST_TYPE, "the manifest's media type is too long");
    (void)snprintf(content_type, sizeof(content_type), "Content-Type: %.*s", S(type));
    if (transport_url(r->transport, &url, e, "/v2/%s/manifests/%s", r->repo.text,
                      tag ? tag->text : digest->text) < 0)
        return -1;
    const struct transport_request rq = {
        .method = "PUT", .url = url.p, .headers = headers, .body = bytes};
    if (transport_ask(r->transport, r->access, &rq, &a, e) < 0)
        return -1;
    if (a.status != 201)
        return transport_refused(&a, "sending the manifest", e);
    struct str said = http_answer_header(&a, "Docker-Content-Digest");
    if (said.n && digest_parse(said, &there, NULL) == 0 && there.alg == digest->alg &&
        !digest_eq(&there, digest))
        return ERR(e, REMOTE, "the registry stored another manifest than was sent");
    return 0;
}

static int remote_manifest_put_part(struct endpoint *p, struct str bytes, struct str type,
                                    const struct digest *digest, struct err *e)
{
    return remote_manifest_put(p, bytes, type, digest, NULL, e);
}

/* A registry that does not say the digest or the length has to be asked for the bytes. */
static int head_by_get(struct endpoint *p, struct arena *arena, const struct reference *ref,
                       struct endpoint_entry *ret, struct err *e)
{
    struct endpoint_manifest m;
    if (remote_manifest_get(p, arena, ref, &m, e) < 0)
        return -1;
    *ret = (struct endpoint_entry){.type = m.type, .digest = m.digest, .size = m.bytes.n};
    return 1;
}

static int remote_manifest_head(struct endpoint *p, struct arena *arena,
                                const struct reference *ref, struct endpoint_entry *ret,
                                struct err *e)
{
    AUTO_ANSWER a;
    AUTO(buf) url = {0};
    struct remote *r = of(p);
    struct endpoint_entry entry = {.size = 0};

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    struct str reference = reference_str(ref);
    if (transport_url(r->transport, &url, e, "/v2/%s/manifests/%.*s", r->repo.text, S(reference)) <
        0)
        return -1;
    const struct transport_request rq = {
        .method = "HEAD", .url = url.p, .headers = accept_manifests};
    if (transport_ask(r->transport, r->access, &rq, &a, e) < 0)
        return -1;
    if (a.status == 404)
        return 0;
    if (a.status != 200)
        return transport_refused(&a, p->shown, e);
    if (!ret)
        return 1;
    struct str said = http_answer_header(&a, "Docker-Content-Digest");
    if (ref->is_digest)
        entry.digest = ref->digest;
    else if (!said.n || digest_parse(said, &entry.digest, NULL) < 0)
        return head_by_get(p, arena, ref, ret, e);
    if (!str_u64(http_answer_header(&a, "Content-Length"), 0, LIMIT_MANIFEST, &entry.size))
        return head_by_get(p, arena, ref, ret, e);
    entry.type = arena_str(arena, http_answer_header(&a, "Content-Type"));
    *ret = entry;
    return 1;
}

static int remote_list(struct endpoint *p, struct arena *arena, struct endpoint_entry **ret,
                       size_t *ret_n, struct err *e)
{
    struct remote *r = of(p);
    struct listing tags;
    if (listing_tags(r->transport, r->access, r->repo.text, arena, &tags, e) < 0)
        return err_wrap(e, "%s", p->shown);
    struct endpoint_entry *list = arena_try(arena, tags.n * sizeof(*list) + 1, e);
    if (!list)
        return -1;
    for (size_t i = 0; i < tags.n; i++)
        list[i] = (struct endpoint_entry){.tag = tags.names[i]};
    *ret = list;
    *ret_n = tags.n;
    return 0;
}

/* The index under the fallback tag; 0 there is none. */
static int fallback_get(struct endpoint *p, struct arena *arena, const struct digest *subject,
                        struct oci_manifest *ret, struct err *e)
{
    struct err why = {.code = ERR_OK};
    struct reference ref = {.is_digest = false};
    struct endpoint_manifest m = {.type = STR_NULL};
    tag_for_referrers(subject, &ref.tag);
    if (remote_manifest_get(p, arena, &ref, &m, &why) < 0) {
        if (why.code == ERR_MANIFEST_UNKNOWN || why.code == ERR_NAME_UNKNOWN ||
            why.code == ERR_NOT_FOUND)
            return 0;
        *e = why;
        return -1;
    }
    if (oci_manifest_parse(arena, m.bytes, m.type, ret, e) < 0)
        return err_wrap(e, "%s: the list of referrers %s", p->shown, ref.tag.text);
    if (!ret->is_index)
        return ERR(e, REMOTE, "%s: %s is not the list of referrers that it is named for", p->shown,
                   ref.tag.text);
    return 1;
}

static int remote_referrers(struct endpoint *p, struct arena *arena, const struct digest *subject,
                            struct oci_descriptor **ret, size_t *ret_n, struct err *e)
{
    struct remote *r = of(p);
    struct listing_referrers found = {.n = 0};
    struct oci_manifest index = {.n_items = 0};

    if (!atomic_load(&r->no_referrers)) {
        if (listing_referrers(r->transport, r->access, r->repo.text, subject, arena, &found, e) < 0)
            return err_wrap(e, "%s", p->shown);
        if (!found.supported)
            atomic_store(&r->no_referrers, true);
    }
    if (!found.supported) {
        if (fallback_get(p, arena, subject, &index, e) < 0)
            return -1;
        found.items = index.items;
        found.n = index.n_items;
    }
    *ret = found.items;
    *ret_n = found.n;
    return 0;
}

static bool is_listed(const struct oci_descriptor *list, size_t n, const struct digest *digest)
{
    for (size_t i = 0; i < n; i++)
        if (digest_eq(&list[i].digest, digest))
            return true;
    return false;
}

static int remote_referrers_put(struct endpoint *p, const struct digest *subject,
                                const struct oci_descriptor *list, size_t n, struct err *e)
{
    AUTO(arena) arena = {0};
    AUTO(buf) out = {0};
    struct remote *r = of(p);
    struct oci_descriptor *there;
    size_t n_there, added = 0;
    struct json_writer w;
    struct digest digest;
    struct tag tag;

    arena_init(&arena, 16 * LIMIT_MANIFEST);
    if (remote_referrers(p, &arena, subject, &there, &n_there, e) < 0)
        return -1;
    if (!atomic_load(&r->no_referrers))
        return 0;
    buf_init(&out, LIMIT_MANIFEST);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_ki64(&w, "schemaVersion", 2);
    jsonw_kstrz(&w, "mediaType", OCI_TYPE_INDEX);
    jsonw_key(&w, "manifests");
    jsonw_list(&w);
    for (size_t i = 0; i < n_there; i++)
        oci_descriptor_write(&w, &there[i]);
    for (size_t i = 0; i < n; i++) {
        if (is_listed(there, n_there, &list[i].digest) || is_listed(list, i, &list[i].digest))
            continue;
        oci_descriptor_write(&w, &list[i]);
        added++;
    }
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    if (added == 0)
        return 0;
    if (!buf_ok(&out))
        return ERR(e, LIMIT, "%s: the list of what refers to %s is larger than %llu bytes",
                   p->shown, subject->text, LIMIT_MANIFEST);
    tag_for_referrers(subject, &tag);
    hash_bytes(DIGEST_SHA256, out.p, out.n, &digest);
    return remote_manifest_put(p, buf_str(&out), STR(OCI_TYPE_INDEX), &digest, &tag, e);
}

static int keep(struct arena *arena, struct str s, struct str *ret, struct err *e)
{
    char *copy = arena_try(arena, s.n + 1, e);
    if (!copy)
        return -1;
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    *ret = str_of(copy, s.n);
    return 0;
}

/* The list in a refusal of Haven's (docs/links.md); what is no such list is none. */
static int read_linked(const struct http_answer *a, struct endpoint_linked *ret, struct err *e)
{
    AUTO_JSON doc = json_load(buf_str(&a->body), ERR_REMOTE, NULL);
    const json_t *first = json_array_get(json_object_get(doc, "errors"), 0);
    const json_t *list = json_object_get(json_object_get(first, "detail"), "links");
    size_t n = str_eqz(json_get_str(first, "code"), "PRECONDITION") ? json_array_size(list) : 0;

    ret->v = arena_try(ret->arena, n * sizeof(*ret->v) + 1, e);
    if (!ret->v)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct endpoint_link *l = &ret->v[i];
        const json_t *one = json_array_get(list, i);
        const char *tag = json_string_value(json_array_get(json_object_get(one, "tags"), 0));
        if (keep(ret->arena, json_get_str(one, "repository"), &l->repository, e) < 0 ||
            keep(ret->arena, json_get_str(one, "digest"), &l->digest, e) < 0 ||
            keep(ret->arena, str_from(tag), &l->tag, e) < 0 ||
            keep(ret->arena, json_get_str(one, "relation"), &l->relation, e) < 0)
            return -1;
    }
    ret->n = n;
    return 0;
}

/* In person where that is possible: what depends on it may lie where a token does not reach. */
static int ask_to_remove(struct remote *r, const char *url, bool check, struct http_answer *a,
                         struct err *e)
{
    const struct transport_request rq = {
        .method = "DELETE", .url = url, .body_max = check ? LIMIT_CLIENT_LINKED : 0};
    int done = check ? transport_ask_in_person(r->transport, &rq, a, e) : 0;
    if (done != 0)
        return done < 0 ? -1 : 0;
    return transport_ask(r->transport, TRANSPORT_DELETE, &rq, a, e);
}

static int remote_remove(struct endpoint *p, const struct reference *ref,
                         struct endpoint_linked *linked, struct err *e)
{
    AUTO_ANSWER a;
    AUTO(buf) url = {0};
    struct remote *r = of(p);

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    struct str reference = reference_str(ref);
    if (transport_url(r->transport, &url, e, "/v2/%s/manifests/%.*s%s", r->repo.text, S(reference),
                      linked ? "?check_links=true" : "") < 0 ||
        ask_to_remove(r, url.p, linked != NULL, &a, e) < 0)
        return -1;
    if (a.status == 412 && linked) {
        if (read_linked(&a, linked, e) < 0)
            return -1;
        if (linked->n)
            return ERR(e, PRECONDITION, "%s: %zu link%s to it", p->shown, linked->n,
                       linked->n == 1 ? " leads" : "s lead");
    }
    if (a.status == 202 || a.status == 200 || a.status == 204)
        return 1;
    if (a.status == 404)
        return 0;
    (void)transport_refused(&a, "deleting", e);
    /* docker's registry takes a tag for a digest that is none. */
    if (a.status == 405 || a.status == 501 || (a.status == 400 && !ref->is_digest))
        e->code = ERR_UNSUPPORTED;
    return -1;
}

static void remote_close(struct endpoint *p)
{
    struct remote *r = of(p);
    transport_autofree(&r->transport);
    mem_free(r->shown);
    mem_free(r);
}

static const struct endpoint_ops remote_ops = {.has = remote_has,
                                               .put = remote_put,
                                               .mount = remote_mount,
                                               .get = remote_get,
                                               .get_part = remote_get_part,
                                               .manifest_get = remote_manifest_get,
                                               .manifest_put = remote_manifest_put,
                                               .manifest_put_part = remote_manifest_put_part,
                                               .manifest_head = remote_manifest_head,
                                               .list = remote_list,
                                               .referrers = remote_referrers,
                                               .referrers_put = remote_referrers_put,
                                               .remove = remote_remove,
                                               .close = remote_close};

struct endpoint *endpoint_remote(const struct remote_ref *ref, bool for_push,
                                 const struct transport_options *options, struct err *e)
{
    struct transport *t = transport_new(ref->scheme, ref->host, &ref->repo, options, e);
    if (!t)
        return NULL;
    struct remote *r = NEW(struct remote);
    r->transport = t;
    r->repo = ref->repo;
    if (ref->display[0])
        (void)snprintf(r->display, sizeof(r->display), OCI_DISPLAY_HEADER ": %s", ref->display);
    r->access = for_push ? TRANSPORT_PUSH : TRANSPORT_PULL;
    atomic_store(&r->ways.chunk, UPLOAD_CHUNK);
    r->shown = mem_printf("%s/%s", ref->host, ref->repo.text);
    r->endpoint = (struct endpoint){.ops = &remote_ops, .shown = r->shown};
    return &r->endpoint;
}
