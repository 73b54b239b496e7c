/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests, tags and referrers. */
#include "api/distribution/distribution.h"

#include "api/linked.h"
#include "base/json.h"
#include "base/limits.h"
#include "registry/pulls.h"

static int path_reference(struct http_req *rq, struct repo_name *repo, struct reference *ref,
                          struct err *e)
{
    if (distribution_repo(rq, repo, e) < 0)
        return -1;
    return reference_parse(http_param(rq, "reference"), ref, e);
}

/* end-3 */
int distribution_manifest_get(struct http_req *rq, struct err *e)
{
    struct repo_name repo;
    struct reference ref;
    struct artifact a;
    struct registry *registry = &api_app(rq)->registry;
    if (path_reference(rq, &repo, &ref, e) < 0)
        return -1;
    /* HEAD tells the size without reading the document. */
    int found = rq->head ? artifact_stat(registry, &rq->arena, &repo, &ref, &a, e)
                         : artifact_find(registry, &rq->arena, &repo, &ref, &a, e);
    if (found < 0)
        return -1;
    if (!found)
        return ERR(e, MANIFEST_UNKNOWN, "%.*s has no manifest %.*s", S(repo_name_str(&repo)),
                   S(reference_str(&ref)));
    http_set_header(rq, "Docker-Content-Digest", digest_str(&a.digest));
    http_set_headerf(rq, "ETag", "\"%s\"", a.digest.text);
    /* A tag may move at any time; a digest is for ever. */
    http_set_header(rq, "Cache-Control",
                    ref.is_digest ? STR("private, max-age=31536000, immutable")
                                  : STR("private, no-cache"));
    if (http_not_modified(rq, digest_str(&a.digest)))
        return http_reply_empty(rq, 304);
    const char *type = arena_strz(&rq->arena, a.media_type);
    if (!rq->head) {
        /* Replication of Harbor looks at manifests by this name; that is no pull. */
        if (!str_eqz(http_header(rq, "User-Agent"), "harbor-registry-client"))
            pulls_note(registry->pulls, a.id, ref.is_digest ? STR("") : reference_str(&ref));
        return http_reply(rq, 200, type, a.bytes);
    }
    struct http_seg *whole = ARENA_NEW(&rq->arena, struct http_seg);
    *whole = (struct http_seg){.mem = "", .len = a.bytes.n};
    return http_reply_segs(rq, 200, type, whole, 1);
}

/* ?tag=a&tag=b */
static int query_tags(struct http_req *rq, struct artifact_push *p, struct err *e)
{
    size_t at = 0;
    struct str text;
    p->tags = ARENA_ARRAY(&rq->arena, rq->n_query, struct tag);
    while (http_query_next(rq, "tag", &at, &text)) {
        if (p->n_tags == LIMIT_TAGS_PER_PUSH)
            return ERR(e, TAGS_TOO_MANY, "one push may name at most %d tags", LIMIT_TAGS_PER_PUSH);
        if (tag_parse(text, &p->tags[p->n_tags], e) < 0)
            return -1;
        p->n_tags++;
    }
    return 0;
}

/* end-7a, end-7b */
int distribution_manifest_put(struct http_req *rq, struct err *e)
{
    struct repo_name repo;
    struct artifact_push push = {.bytes = rq->body};
    struct artifact_pushed pushed;
    struct artifact_missing missing = {0};
    if (distribution_repo_for_push(rq, &repo, e) < 0 ||
        reference_parse(http_param(rq, "reference"), &push.ref, e) < 0 ||
        query_tags(rq, &push, e) < 0)
        return -1;
    push.content_type = http_header(rq, "Content-Type");
    push.display = http_header(rq, OCI_DISPLAY_HEADER);
    if (push.display.p && !display_fits(push.display, &repo))
        return ERR(e, NAME_INVALID,
                   "the header " OCI_DISPLAY_HEADER ": \"%.*s\" is no display id of %s",
                   S(str_head(push.display, LIMIT_REPO_NAME)), repo.text);
    if (artifact_push(&api_app(rq)->registry, &rq->arena, &repo, &push, &pushed, &missing, e) < 0) {
        if (e->code == ERR_MANIFEST_BLOB_UNKNOWN && missing.n)
            return distribution_reply_missing(rq, e, &missing);
        return -1;
    }
    http_set_headerf(rq, "Location", "/v2/%s/manifests/%s", repo.text, pushed.digest.text);
    http_set_header(rq, "Docker-Content-Digest", digest_str(&pushed.digest));
    if (pushed.has_subject)
        http_set_header(rq, "OCI-Subject", digest_str(&pushed.subject));
    for (size_t i = 0; i < push.n_tags; i++)
        http_set_header(rq, "OCI-Tag", str_from(push.tags[i].text));
    return http_reply_empty(rq, 201);
}

/* end-9 */
int distribution_manifest_delete(struct http_req *rq, struct err *e)
{
    struct repo_name repo;
    struct reference ref;
    struct registry *registry = &api_app(rq)->registry;
    struct artifact a = {.id = 0};
    bool told = false;
    if (path_reference(rq, &repo, &ref, e) < 0)
        return -1;
    int found = artifact_stat(registry, &rq->arena, &repo, &ref, &a, e);
    const struct graph_loss loss = {.artifact = a.id,
                                    .tag = ref.is_digest ? STR("") : str_from(ref.tag.text)};
    if (found < 0 || (found > 0 && api_check_links(rq, &loss, &told, e) < 0))
        return -1;
    if (told)
        return 0;
    int done = ref.is_digest ? artifact_delete(registry, &repo, &ref.digest, e)
                             : tag_delete(registry, &repo, &ref.tag, e);
    if (done < 0)
        return -1;
    if (!done)
        return ERR(e, MANIFEST_UNKNOWN, "%.*s has no manifest %.*s", S(repo_name_str(&repo)),
                   S(reference_str(&ref)));
    return http_reply_empty(rq, 202);
}

/* end-8 */
int distribution_tags(struct http_req *rq, struct err *e)
{
    struct repo_name repo;
    struct registry_names tags = {0};
    size_t n;
    struct registry *registry = &api_app(rq)->registry;
    if (distribution_repo(rq, &repo, e) < 0 || distribution_page(rq, LIMIT_PAGE, &n, e) < 0)
        return -1;
    int found = tag_list(registry, &rq->arena, &repo, http_query(rq, "last"), n, &tags, e);
    if (found < 0)
        return -1;
    if (!found)
        return ERR(e, NAME_UNKNOWN, "there is no repository %.*s", S(repo_name_str(&repo)));

    struct buf out;
    struct json_writer w;
    buf_init(&out, LIMIT_PAGE * (LIMIT_TAG + 4) + 1024);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstr(&w, "name", repo_name_str(&repo));
    jsonw_key(&w, "tags");
    jsonw_list(&w);
    for (size_t i = 0; i < tags.n; i++)
        jsonw_str(&w, tags.names[i]);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    if (tags.more && tags.n) /* tags need no escaping in a query */
        http_set_headerf(rq, "Link", "</v2/%s/tags/list?n=%zu&last=%.*s>; rel=\"next\"", repo.text,
                         n, S(tags.names[tags.n - 1]));
    return http_reply_buf(rq, 200, "application/json", &out);
}

static void set_referrers_link(struct http_req *rq, const struct repo_name *repo,
                               const struct digest *d, const struct str *types, size_t n_types,
                               const struct digest *last)
{
    struct buf link;
    buf_init(&link, 16 * KIB);
    buf_addf(&link, "</v2/%s/referrers/%s?", repo->text, d->text);
    for (size_t i = 0; i < n_types; i++) {
        buf_addz(&link, "artifactType=");
        buf_add_url(&link, types[i], "/");
        buf_addc(&link, '&');
    }
    buf_addf(&link, "last=%s>; rel=\"next\"", last->text);
    if (buf_ok(&link))
        http_set_header(rq, "Link", buf_str(&link));
    buf_done(&link);
}

/* Types hold '+' and never a blank: a '+' that was not escaped has become one, as in forms. */
static struct str type_as_meant(struct http_req *rq, struct str text)
{
    char *p = arena_alloc(&rq->arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++)
        p[i] = text.p[i] == ' ' ? '+' : text.p[i];
    p[text.n] = '\0';
    return str_of(p, text.n);
}

/* end-12 */
int distribution_referrers(struct http_req *rq, struct err *e)
{
    struct repo_name repo;
    struct digest d, after;
    struct str text, last = http_query(rq, "last");
    struct referrer_page page;
    if (distribution_repo(rq, &repo, e) < 0 || digest_parse(http_param(rq, "digest"), &d, e) < 0 ||
        (last.p && digest_parse(last, &after, e) < 0))
        return -1;
    struct str *types = ARENA_ARRAY(&rq->arena, rq->n_query, struct str);
    size_t n_types = 0, at = 0;
    while (http_query_next(rq, "artifactType", &at, &text))
        if (text.n)
            types[n_types++] = type_as_meant(rq, text);
    if (referrer_list(&api_app(rq)->registry, &rq->arena, &repo, &d, types, n_types,
                      last.p ? &after : NULL, LIMIT_REFERRERS_BYTES, &page, e) < 0)
        return -1;

    struct buf out;
    buf_init(&out, LIMIT_REFERRERS_BYTES + 4096);
    buf_addz(&out, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[");
    buf_adds(&out, page.json);
    buf_addz(&out, "]}");
    if (n_types)
        http_set_header(rq, "OCI-Filters-Applied", STR("artifactType"));
    if (page.more)
        set_referrers_link(rq, &repo, &d, types, n_types, &page.last);
    return http_reply_buf(rq, 200, OCI_TYPE_INDEX, &out);
}
