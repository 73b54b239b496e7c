/* SPDX-License-Identifier: Apache-2.0 */
/* What artifacts bring along besides what lists show: …/additions/{addition}. One more is a row of
 * `additions` and the function that writes it. What scans found stands in absent.c. */
#include "api/harbor/additions.h"

#include "base/json.h"
#include "base/mem.h"

/* ---- what there is ---- */

/* The history of an image as its configuration tells it. */
static int build_history(struct http_req *rq, const struct repo_name *repo,
                         const struct oci_manifest *m, struct buf *out, struct err *e)
{
    struct str text;
    int found = m->has_config ? blob_bytes(&api_app(rq)->registry, &rq->arena, repo,
                                           &m->config.digest, LIMIT_ARTIFACT_CONFIG, &text, e)
                              : 0;

    if (found <= 0)
        return found < 0
                   ? -1
                   : ERR(e, NOT_FOUND, "its configuration is not here, or has more than %llu bytes",
                         LIMIT_ARTIFACT_CONFIG);
    AUTO_JSON config = json_load(text, ERR_BAD_REQUEST, e);
    if (!config)
        return err_wrap(e, "its configuration");
    const json_t *history = json_object_get(config, "history");
    AUTO_FREE char *shown = json_is_array(history) ? json_dumps(history, JSON_COMPACT) : NULL;
    buf_addz(out, shown ? shown : "[]");
    return 0;
}

static const struct addition {
    const char *kind, *name, *type; /* name: in lower case */
    int (*write)(struct http_req *rq, const struct repo_name *repo, const struct oci_manifest *m,
                 struct buf *out, struct err *e);
} additions[] = {
    {"IMAGE", "build_history", "application/json; charset=utf-8", build_history},
    {"WASM", "build_history", "application/json; charset=utf-8", build_history},
};

/* An index is of the kind of its members, and has none of what they have. */
static bool has(const struct artifact_facts *f, const struct addition *x)
{
    return !f->is_index && str_eqz(f->kind, x->kind);
}

/* ---- links ---- */

/* …/repositories/NAME/artifacts/DIGEST/additions/x: the slashes of NAME are encoded twice. */
static void write_link(struct json_writer *w, struct arena *a, const struct artifact_facts *f,
                       const struct addition *x)
{
    struct str name = f->repository, project = str_cut(&name, '/');
    AUTO(buf) path = {0};

    buf_init(&path, 4 * LIMIT_HTTP_URI);
    buf_addf(&path, "/api/v2.0/projects/%.*s/repositories/", S(project));
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '/')
            buf_addz(&path, "%252F");
        else
            buf_addc(&path, name.p[i]);
    }
    buf_addf(&path, "/artifacts/%.*s/additions/%s", S(f->digest), x->name);
    jsonw_key(w, x->name);
    jsonw_object(w);
    jsonw_kstr(w, "href", arena_str(a, buf_str(&path)));
    jsonw_kbool(w, "absolute", false);
    jsonw_object_done(w);
}

struct str harbor_addition_links(struct http_req *rq, const struct artifact_facts *f)
{
    AUTO(buf) out = {0};
    struct json_writer w;
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(additions); i++)
        n += has(f, &additions[i]);
    if (n == 0)
        return STR_NULL;
    buf_init(&out, LIMIT_API_BODY);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(additions); i++)
        if (has(f, &additions[i]))
            write_link(&w, &rq->arena, f, &additions[i]);
    jsonw_object_done(&w);
    return arena_str(&rq->arena, buf_str(&out));
}

/* ---- the route ---- */

static const struct addition *find(const struct artifact_facts *f, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(additions); i++)
        if (has(f, &additions[i]) && str_ieq(name, str_from(additions[i].name)))
            return &additions[i];
    return NULL;
}

static int read_manifest(struct http_req *rq, const struct artifact_facts *f,
                         struct repo_name *ret_repo, struct oci_manifest *ret, struct err *e)
{
    struct reference ref;
    struct artifact art;

    if (repo_name_parse(f->repository, ret_repo, e) < 0 || reference_parse(f->digest, &ref, e) < 0)
        return -1;
    int found = artifact_find(&api_app(rq)->registry, &rq->arena, ret_repo, &ref, &art, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "the artifact is gone");
    return oci_manifest_parse(&rq->arena, art.bytes, art.media_type, ret, e);
}

static int get(struct http_req *rq, struct err *e)
{
    struct str name = http_param(rq, "addition");
    struct artifact_facts f;
    struct repo_name repo;
    struct oci_manifest m;
    AUTO(buf) out = {0};

    if (harbor_artifact(rq, &f, e) < 0)
        return -1;
    const struct addition *x = find(&f, name);
    if (!x)
        return ERR(e, BAD_REQUEST, "artifacts of type %.*s have no addition \"%.*s\"", S(f.kind),
                   S(str_head(name, 40)));
    buf_init(&out, LIMIT_API_ANSWER);
    if (read_manifest(rq, &f, &repo, &m, e) < 0 || x->write(rq, &repo, &m, &out, e) < 0)
        return -1;
    return http_reply_buf(rq, 200, x->type, &out);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts"
                "/{reference}/additions/{addition}",
     .name = "artifact.addition.get",
     .permission = PERM_ADDITION_READ,
     .resolve = harbor_resolve_repository,
     .handler = get,
     .doc = "Read what an artifact brings along: build_history of an image.",
     .contract =
         &(const struct api_contract){.operation = "getAddition", .text = "application/json"}},
};

const struct http_group harbor_additions_group = {
    .prefix = "/api/v2.0/",
    .title = "additions",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
