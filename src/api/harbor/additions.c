/* SPDX-License-Identifier: Apache-2.0 */
/* What artifacts bring along besides what lists show: …/additions/{addition}. One more is a row of
 * `additions` and the function that writes it. What scans found stands in absent.c. */
#include "api/harbor/additions.h"

#include "api/harbor/file_tree.h"
#include "api/harbor/model_files.h"
#include "base/mem.h"

#include "base/file.h"

/* A document that is shown as a whole: as large as Harbor shows. */
#define TEXT_MAX (4 * MIB)

/* What is asked about. */
struct asked {
    const struct artifact_facts *artifact;
    const json_t *facts; /* what was read in it (for links: the summary); NULL: nothing yet */
};

/* ---- what there is ---- */

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

/* The history of an image as its configuration tells it. */
static int build_history(struct http_req *rq, const struct asked *x, struct buf *out, struct err *e)
{
    struct repo_name repo;
    struct oci_manifest m;
    struct str text;

    if (read_manifest(rq, x->artifact, &repo, &m, e) < 0)
        return -1;
    int found = m.has_config ? blob_bytes(&api_app(rq)->registry, &rq->arena, &repo,
                                          &m.config.digest, LIMIT_ARTIFACT_CONFIG, &text, e)
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

/* ---- of models ---- */

static struct str readme_of(const json_t *facts)
{
    return json_get_str(facts, "readme");
}

/* The licence that is shown: the first that is called so, those at the root before others. */
static struct str license_of(const json_t *facts)
{
    const json_t *list = json_object_get(facts, "licenses");
    struct str best = STR_NULL;

    for (size_t i = 0; i < json_array_size(list); i++) {
        struct str path = str_from(json_string_value(json_array_get(list, i)));
        if (path.n && (!best.n || (str_chr(best, '/') >= 0 && str_chr(path, '/') < 0)))
            best = path;
    }
    return best;
}

static bool has_readme(const json_t *facts)
{
    return readme_of(facts).n > 0;
}

static bool has_license(const json_t *facts)
{
    return license_of(facts).n > 0;
}

/* A packaging that only models have, or there are weights in it: images of programs and artifacts
 * of other kinds have files too, but nobody looks for them here. */
static bool is_model(const json_t *facts)
{
    static const char *const forms[] = {"modelpack", "cnai", "kitops", "docker", "ollama"};
    struct str form = json_get_str(facts, "form");

    if (str_eqz(form, "chart"))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (str_eqz(form, forms[i]))
            return true;
    return json_is_object(json_object_get(facts, "weights"));
}

static bool has_files(const json_t *facts)
{
    return json_integer_value(json_object_get(facts, "file_count")) > 0 ||
           json_array_size(json_object_get(facts, "files")) > 0;
}

/* A whole file of the model. */
static int write_text(struct http_req *rq, const struct asked *x, struct str path, struct buf *out,
                      struct err *e)
{
    struct model_file file;
    struct http_seg *segs;
    struct blob layer;
    size_t n;

    if (!path.n || !harbor_model_file(x->facts, path, &file))
        return ERR(e, NOT_FOUND, "it has none");
    if (file.size > TEXT_MAX)
        return ERR(e, LIMIT, "\"%.*s\" has %llu bytes, more than %llu are shown", S(path),
                   (unsigned long long)file.size, TEXT_MAX);
    int found = harbor_model_file_segs(rq, x->artifact, &file, &layer, &segs, &n, e);
    if (found <= 0)
        return found < 0
                   ? -1
                   : ERR(e, NOT_FOUND, "\"%.*s\" was not kept; ask for the file itself", S(path));
    for (size_t i = 0; i < n; i++) {
        if (segs[i].mem) {
            buf_add(out, segs[i].mem, (size_t)segs[i].len);
            continue;
        }
        char *p = arena_try(&rq->arena, (size_t)segs[i].len + 1, e);
        if (!p || file_pread_all(segs[i].fd, p, (size_t)segs[i].len, segs[i].offset, e) < 0)
            return -1;
        buf_add(out, p, (size_t)segs[i].len);
    }
    return 0;
}

static int readme(struct http_req *rq, const struct asked *x, struct buf *out, struct err *e)
{
    return write_text(rq, x, readme_of(x->facts), out, e);
}

static int license(struct http_req *rq, const struct asked *x, struct buf *out, struct err *e)
{
    return write_text(rq, x, license_of(x->facts), out, e);
}

static int files(struct http_req *rq, const struct asked *x, struct buf *out, struct err *e)
{
    size_t n = json_array_size(json_object_get(x->facts, "files"));
    struct tree_file *v = arena_try(&rq->arena, n * sizeof(*v) + 1, e);
    struct model_file file;

    if (!v)
        return -1;
    for (size_t i = 0; i < n && harbor_model_file_at(x->facts, i, &file); i++)
        v[i] = (struct tree_file){.path = file.path.n ? file.path : digest_str(&file.layer),
                                  .size = file.size};
    file_tree_write(v, n, out);
    return 0;
}

/* ---- of charts ---- */

static struct str values_of(const json_t *facts)
{
    return json_get_str(json_object_get(facts, "chart"), "values");
}

static bool has_values(const json_t *facts)
{
    return values_of(facts).n > 0;
}

static int values(struct http_req *rq, const struct asked *x, struct buf *out, struct err *e)
{
    return write_text(rq, x, values_of(x->facts), out, e);
}

static bool has_chart(const json_t *facts)
{
    return json_is_object(json_object_get(facts, "chart"));
}

static int dependencies(struct http_req *rq, const struct asked *x, struct buf *out, struct err *e)
{
    (void)rq;
    const json_t *list = json_object_get(json_object_get(x->facts, "chart"), "dependencies");
    AUTO_FREE char *text = json_is_array(list) ? json_dumps(list, JSON_COMPACT) : NULL;
    if (!text)
        return ERR(e, NOT_FOUND, "its Chart.yaml could not be read");
    buf_addz(out, text);
    return 0;
}

/* ---- of bills of materials ---- */

/* The one layer as it is. */
static int sbom(struct http_req *rq, const struct asked *x, struct buf *out, struct err *e)
{
    struct repo_name repo;
    struct oci_manifest m;
    struct str text;

    if (read_manifest(rq, x->artifact, &repo, &m, e) < 0)
        return -1;
    int found = m.n_items == 1 ? blob_bytes(&api_app(rq)->registry, &rq->arena, &repo,
                                            &m.items[0].digest, LIMIT_API_ANSWER, &text, e)
                               : 0;
    if (found <= 0)
        return found < 0 ? -1
                         : ERR(e, NOT_FOUND, "it has no document, or one of more than %llu bytes",
                               LIMIT_API_ANSWER);
    buf_adds(out, text);
    return 0;
}

/* ---- the table ---- */

static const struct addition {
    const char *kind;        /* of artifacts; NULL: of models */
    const char *name, *type; /* name: in lower case */
    /* Does what was read in the artifact hold it? NULL: nothing needs to be read for it. */
    bool (*has)(const json_t *facts);
    int (*write)(struct http_req *rq, const struct asked *x, struct buf *out, struct err *e);
} additions[] = {
    {"IMAGE", "build_history", "application/json; charset=utf-8", NULL, build_history},
    {"WASM", "build_history", "application/json; charset=utf-8", NULL, build_history},
    {"CHART", "values.yaml", "text/plain; charset=utf-8", has_values, values},
    {"CHART", "readme.md", "text/markdown; charset=utf-8", has_readme, readme},
    {"CHART", "dependencies", "application/json; charset=utf-8", has_chart, dependencies},
    {"SBOM", "sbom", "application/vnd.goharbor.harbor.sbom.v1", NULL, sbom},
    {NULL, "readme.md", "text/markdown; charset=utf-8", has_readme, readme},
    {NULL, "license", "text/plain; charset=utf-8", has_license, license},
    {NULL, "files", "application/json; charset=utf-8", has_files, files},
};

/* An index is of the kind of its members, and has none of what they have. */
static bool has(const struct asked *x, const struct addition *row)
{
    if (x->artifact->is_index)
        return false;
    if (row->kind ? !str_eqz(x->artifact->kind, row->kind) : !x->facts || !is_model(x->facts))
        return false;
    return !row->has || (x->facts && row->has(x->facts));
}

/* Harbor has these words for all models and charts, also for those that bring none of it. */
static bool is_known(const struct asked *x, const struct addition *row)
{
    return has(x, row) ||
           (!x->artifact->is_index && str_eqz(x->artifact->kind, row->kind ? row->kind : "CNAI"));
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
    struct asked x = {.artifact = f};
    struct json_writer w;
    struct err ignored; /* what cannot be read has no addresses */
    size_t n = 0;

    (void)harbor_model_summary(rq, f, &x.facts, &ignored);
    for (size_t i = 0; i < ARRAY_LEN(additions); i++)
        n += has(&x, &additions[i]);
    if (n == 0)
        return STR_NULL;
    buf_init(&out, LIMIT_API_BODY);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(additions); i++)
        if (has(&x, &additions[i]))
            write_link(&w, &rq->arena, f, &additions[i]);
    jsonw_object_done(&w);
    return arena_str(&rq->arena, buf_str(&out));
}

/* ---- the route ---- */

static const struct addition *find(const struct asked *x, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(additions); i++)
        if (str_ieq(name, str_from(additions[i].name)) && is_known(x, &additions[i]))
            return &additions[i];
    return NULL;
}

static int get(struct http_req *rq, struct err *e)
{
    struct str name = http_param(rq, "addition");
    struct artifact_facts f;
    struct asked x = {.artifact = &f};
    AUTO(buf) out = {0};

    if (harbor_artifact(rq, &f, e) < 0 || harbor_model_facts(rq, &f, &x.facts, e) < 0)
        return -1;
    const struct addition *row = find(&x, name);
    if (!row)
        return ERR(e, BAD_REQUEST, "artifacts of type %.*s have no addition \"%.*s\"", S(f.kind),
                   S(str_head(name, 40)));
    if (row->has && !x.facts)
        return ERR(e, NOT_FOUND, "%.*s was not read yet; ask again in a moment", S(f.digest));
    buf_init(&out, LIMIT_API_ANSWER);
    if (row->write(rq, &x, &out, e) < 0)
        return -1;
    return http_reply_buf(rq, 200, row->type, &out);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts"
                "/{reference}/additions/{addition}",
     .name = "artifact.addition.get",
     .permission = PERM_ADDITION_READ,
     .resolve = harbor_resolve_repository,
     .handler = get,
     .doc = "Read what an artifact brings along: build_history of an image; readme.md, license and "
            "files of a model; values.yaml, readme.md and dependencies of a chart; sbom of a bill "
            "of materials.",
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
