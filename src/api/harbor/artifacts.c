/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts of a repository, their tags and accessories: /projects/…/repositories/…/artifacts. */
#include "registry/artifact.h"

#include "api/harbor/additions.h"
#include "api/harbor/labels.h"
#include "api/harbor/model_files.h"
#include "api/linked.h"
#include "base/mem.h"
#include "registry/immutable.h"
#include "registry/repository.h"

/* Accessories that are shown with their artifact. */
#define ACCESSORIES_SHOWN 100

/* ---- objects ---- */

static const struct api_field tag_fields[] = {
    {"id", API_INT, offsetof(struct artifact_tag, id), 0, NULL, 0, "Its number."},
    {"repository_id", API_INT, offsetof(struct artifact_tag, repository_id), 0, NULL, 0,
     "The repository it belongs to."},
    {"artifact_id", API_INT, offsetof(struct artifact_tag, artifact_id), 0, NULL, 0,
     "The artifact it names."},
    {"name", API_STR, offsetof(struct artifact_tag, name), 0, NULL, 0, "The tag."},
    {"push_time", API_TIME, offsetof(struct artifact_tag, pushed_ms), 0, NULL, 0,
     "When it was pushed last."},
    {"pull_time", API_TIME, offsetof(struct artifact_tag, pulled_ms), 0, NULL, 0,
     "When it was pulled last; the year 1: never."},
    {"immutable", API_BOOL, offsetof(struct artifact_tag, immutable), API_ALWAYS, NULL, 0,
     "A rule keeps it where it is."},
};
static const struct api_object tag_object = {
    .name = "Tag",
    .size = sizeof(struct artifact_tag),
    .fields = tag_fields,
    .n = ARRAY_LEN(tag_fields),
    .doc = "A tag.",
};

static const struct api_field member_fields[] = {
    {"parent_id", API_INT, offsetof(struct artifact_member, index_id), 0, NULL, 0, "The index."},
    {"child_id", API_INT, offsetof(struct artifact_member, id), 0, NULL, 0,
     "The artifact, if it is here."},
    {"child_digest", API_STR, offsetof(struct artifact_member, digest), 0, NULL, 0, "Its digest."},
    {"platform", API_JSON, offsetof(struct artifact_member, platform), 0, NULL, 0,
     "The machine that it is for."},
    {"annotations", API_JSON, offsetof(struct artifact_member, annotations), 0, NULL, 0,
     "What the index says of it."},
    {"urls", API_JSON, offsetof(struct artifact_member, urls), 0, NULL, 0,
     "Where else it may be had."},
};
static const struct api_object member_object = {
    .name = "Reference",
    .size = sizeof(struct artifact_member),
    .fields = member_fields,
    .n = ARRAY_LEN(member_fields),
    .doc = "A member of an index.",
};

static const struct api_field accessory_fields[] = {
    {"id", API_INT, offsetof(struct artifact_accessory, id), 0, NULL, 0, "Its number."},
    {"artifact_id", API_INT, offsetof(struct artifact_accessory, artifact_id), API_ALWAYS, NULL, 0,
     "The artifact that it is."},
    {"subject_artifact_id", API_INT, offsetof(struct artifact_accessory, subject_id), 0, NULL, 0,
     "The artifact that it is about."},
    {"subject_artifact_digest", API_STR, offsetof(struct artifact_accessory, subject_digest),
     API_ALWAYS, NULL, 0, "The digest of that one."},
    {"subject_artifact_repo", API_STR, offsetof(struct artifact_accessory, repository), API_ALWAYS,
     NULL, 0, "The repository of both."},
    {"size", API_INT, offsetof(struct artifact_accessory, size), API_ALWAYS, NULL, 0,
     "Its size in bytes."},
    {"digest", API_STR, offsetof(struct artifact_accessory, digest), API_ALWAYS, NULL, 0,
     "Its digest."},
    {"type", API_STR, offsetof(struct artifact_accessory, kind), API_ALWAYS, NULL, 0,
     "What it is: signature.cosign, signature.notation, sbom.harbor, accelerator.nydus, "
     "subject.accessory."},
    {"icon", API_STR, offsetof(struct artifact_accessory, icon), API_ALWAYS, NULL, 0,
     "The digest of its icon."},
    {"creation_time", API_TIME, offsetof(struct artifact_accessory, created_ms), 0, NULL, 0,
     "When it was pushed."},
};
static const struct api_object accessory_object = {
    .name = "Accessory",
    .size = sizeof(struct artifact_accessory),
    .fields = accessory_fields,
    .n = ARRAY_LEN(accessory_fields),
    .doc = "An artifact about another one: a signature, a bill of materials.",
};

/* An artifact with what the caller asked to see of it. */
struct shown {
    struct artifact_facts facts;
    struct api_list tags, members, labels, accessories;
    struct str additions; /* JSON */
};
static const struct api_field shown_fields[] = {
    {"id", API_INT, offsetof(struct shown, facts.id), 0, NULL, 0, "Its number."},
    {"type", API_STR, offsetof(struct shown, facts.kind), 0, NULL, 0,
     "What it is: CNAI (a model), IMAGE, CHART …"},
    {"media_type", API_STR, offsetof(struct shown, facts.config_type), 0, NULL, 0,
     "The media type of its configuration, or of an index."},
    {"manifest_media_type", API_STR, offsetof(struct shown, facts.media_type), 0, NULL, 0,
     "The media type of its manifest."},
    {"artifact_type", API_STR, offsetof(struct shown, facts.artifact_type), 0, NULL, 0,
     "The artifact type of its manifest, or the media type of its configuration."},
    {"project_id", API_INT, offsetof(struct shown, facts.project_id), 0, NULL, 0,
     "The project it belongs to."},
    {"repository_id", API_INT, offsetof(struct shown, facts.repository_id), 0, NULL, 0,
     "The repository it belongs to."},
    {"repository_name", API_STR, offsetof(struct shown, facts.repository), 0, NULL, 0,
     "The name of that with the project before it."},
    {"digest", API_STR, offsetof(struct shown, facts.digest), 0, NULL, 0, "Its digest."},
    {"size", API_INT, offsetof(struct shown, facts.size), 0, NULL, 0,
     "Bytes of manifest, configuration and layers, or of the members of an index."},
    {"icon", API_STR, offsetof(struct shown, facts.icon), 0, NULL, 0,
     "The digest of its picture, if it brings one along."},
    {"push_time", API_TIME, offsetof(struct shown, facts.pushed_ms), 0, NULL, 0,
     "When it was pushed."},
    {"pull_time", API_TIME, offsetof(struct shown, facts.pulled_ms), 0, NULL, 0,
     "When it was pulled last; the year 1: never."},
    {"extra_attrs", API_JSON, offsetof(struct shown, facts.attributes), 0, NULL, 0,
     "What its configuration says."},
    {"annotations", API_JSON, offsetof(struct shown, facts.annotations), 0, NULL, 0,
     "The annotations of its manifest."},
    {"references", API_LIST, offsetof(struct shown, members), 0, &member_object, 0,
     "The members of an index."},
    {"tags", API_LIST, offsetof(struct shown, tags), 0, &tag_object, 0,
     "Its tags, unless with_tag is false."},
    {"addition_links", API_JSON, offsetof(struct shown, additions), 0, NULL, 0,
     "What it brings along: names with the addresses of each."},
    {"labels", API_LIST, offsetof(struct shown, labels), 0, &harbor_label_object, 0,
     "Its labels, if with_label is true."},
    {"accessories", API_LIST, offsetof(struct shown, accessories), 0, &accessory_object, 0,
     "What is about it, if with_accessory is true."},
};
static const struct api_object shown_object = {
    .name = "Artifact",
    .size = sizeof(struct shown),
    .fields = shown_fields,
    .n = ARRAY_LEN(shown_fields),
    .doc = "An artifact: a model, an image, a chart.",
};

/* ---- what is asked for ---- */

struct wishes {
    bool tags, labels, accessories, immutable;
};

static int read_wishes(struct http_req *rq, struct wishes *ret, struct err *e)
{
    if (harbor_query_bool(rq, "with_tag", true, &ret->tags, e) < 0 ||
        harbor_query_bool(rq, "with_label", false, &ret->labels, e) < 0)
        return -1;
    if (harbor_query_bool(rq, "with_immutable_status", false, &ret->immutable, e) < 0)
        return -1;
    return harbor_query_bool(rq, "with_accessory", false, &ret->accessories, e);
}

/* Says of tags whether a rule keeps them. */
static int mark_immutable(struct http_req *rq, const struct artifact_facts *f,
                          struct artifact_tag *tags, size_t n, struct err *e)
{
    struct immutable_rules rules;

    if (n == 0)
        return 0;
    if (immutable_load(db_reader(api_app(rq)->db), &rq->arena, f->project_id, &rules, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        tags[i].immutable = immutable_holds(&rules, f->repository, tags[i].name);
    return 0;
}

/* A chart whose configuration says nothing: what its Chart.yaml says, as soon as that was read. */
static void show_chart(struct http_req *rq, struct artifact_facts *f)
{
    const json_t *facts = NULL;
    struct err ignored;

    if (!str_eqz(f->kind, "CHART") || (f->attributes.n && !str_eqz(f->attributes, "{}")) ||
        harbor_model_summary(rq, f, &facts, &ignored) <= 0)
        return;
    const json_t *chart = json_object_get(json_object_get(facts, "chart"), "metadata");
    AUTO_FREE char *text = chart ? json_dumps(chart, JSON_COMPACT) : NULL;
    if (text)
        f->attributes = arena_str(&rq->arena, str_from(text));
}

/* The media type of the configuration stands for an index where there is none. */
static int show(struct http_req *rq, const struct artifact_facts *f, const struct wishes *w,
                struct shown *ret, struct err *e)
{
    struct registry *r = &api_app(rq)->registry;
    struct shown s = {.facts = *f, .additions = harbor_addition_links(rq, f)};
    struct artifact_tag *tags = NULL;
    struct artifact_member *members = NULL;
    struct db_page accessories = {0};
    const struct db_list_query all = {.limit = ACCESSORIES_SHOWN};

    if (f->config_type.n == 0)
        s.facts.config_type = f->media_type;
    show_chart(rq, &s.facts);
    if (w->tags && artifact_tags(r, &rq->arena, f->id, &tags, &s.tags.n, e) < 0)
        return -1;
    if (w->immutable && mark_immutable(rq, f, tags, s.tags.n, e) < 0)
        return -1;
    if (f->is_index && artifact_members(r, &rq->arena, f->id, &members, &s.members.n, e) < 0)
        return -1;
    if (w->accessories && artifact_accessories(r, &rq->arena, f, &all, &accessories, e) < 0)
        return -1;
    struct label *labels = NULL;
    if (w->labels && label_of_artifact(r, &rq->arena, f->id, &labels, &s.labels.n, e) < 0)
        return -1;
    s.tags.items = tags;
    s.labels.items = labels;
    s.members.items = members;
    s.accessories = (struct api_list){accessories.v, accessories.n};
    *ret = s;
    return 0;
}

/* ---- handlers ---- */

/* tags=* and tags=nil ask for any tag and for none; base=* for what lists leave out. */
static void read_special(struct http_req *rq, struct db_list_query *q, struct artifact_filter *f)
{
    struct db_match *kept = ARENA_ARRAY(&rq->arena, q->n_matches, struct db_match);
    struct str rest = http_query(rq, "q");
    size_t n = 0;

    while (rest.n)
        if (str_eqz(str_trim(str_cut(&rest, ',')), "base=*"))
            f->everything = true;
    for (size_t i = 0; i < q->n_matches; i++) {
        const struct db_match *m = &q->matches[i];
        bool tags = m->op == DB_MATCH_EXACT && strcmp(m->field->name, "tags") == 0;
        if (tags && str_eqz(m->values[0].s, "*"))
            f->tagged = ARTIFACT_TAGGED;
        else if (tags && str_eqz(m->values[0].s, "nil"))
            f->tagged = ARTIFACT_UNTAGGED;
        else
            kept[n++] = *m;
    }
    q->matches = kept;
    q->n_matches = n;
}

static int reply_list(struct http_req *rq, const struct artifact_filter *filter,
                      const struct db_list_query *q, const struct wishes *w, struct err *e)
{
    struct db_page page;

    if (artifact_list(&api_app(rq)->registry, &rq->arena, filter, q, &page, e) < 0)
        return -1;
    const struct artifact_facts *found = page.v;
    struct shown *shown = ARENA_ARRAY(&rq->arena, page.n, struct shown);
    for (size_t i = 0; i < page.n; i++)
        if (show(rq, &found[i], w, &shown[i], e) < 0)
            return -1;
    page.v = shown;
    return harbor_reply_list(rq, &page);
}

static int list(struct http_req *rq, struct err *e)
{
    struct repository_facts repository;
    struct artifact_filter filter = {0};
    struct db_list_query q;
    struct wishes w;

    if (harbor_list_query(rq, &q, e) < 0 || read_wishes(rq, &w, e) < 0 ||
        harbor_repository(rq, &repository, e) < 0)
        return -1;
    filter.repository = repository.id;
    read_special(rq, &q, &filter);
    return reply_list(rq, &filter, &q, &w, e);
}

/* latest_in_repository needs to know of which type. */
static int read_latest(struct http_req *rq, const struct db_list_query *q,
                       struct artifact_filter *f, struct err *e)
{
    bool latest, media = false, type = false;

    if (harbor_query_bool(rq, "latest_in_repository", false, &latest, e) < 0)
        return -1;
    for (size_t i = 0; i < q->n_matches; i++) {
        media = media || strcmp(q->matches[i].field->name, "media_type") == 0;
        type = type || strcmp(q->matches[i].field->name, "artifact_type") == 0;
    }
    if (latest && media == type)
        return ERR(e, BAD_REQUEST,
                   "latest_in_repository needs either media_type or artifact_type in q");
    if (latest)
        f->latest = media ? ARTIFACT_LATEST_OF_MEDIA_TYPE : ARTIFACT_LATEST_OF_TYPE;
    return 0;
}

static int list_of_project(struct http_req *rq, struct err *e)
{
    struct artifact_filter filter = {.project = api_target(rq)->project_id};
    struct db_list_query q;
    struct wishes w;

    if (api_identity(rq)->proof == ACCESS_ANONYMOUS)
        return ERR(e, UNAUTHORIZED, "unauthorized");
    if (harbor_list_query(rq, &q, e) < 0 || read_wishes(rq, &w, e) < 0 ||
        read_latest(rq, &q, &filter, e) < 0)
        return -1;
    read_special(rq, &q, &filter);
    return reply_list(rq, &filter, &q, &w, e);
}

int harbor_artifact(struct http_req *rq, struct artifact_facts *ret, struct err *e)
{
    struct repo_name repo;
    struct reference ref;
    struct str text = http_param(rq, "reference"), name = api_target(rq)->repository;

    if (repo_name_parse(name, &repo, e) < 0 || reference_parse(text, &ref, e) < 0)
        return -1;
    int found = artifact_facts_find(&api_app(rq)->registry, &rq->arena, &repo, &ref, ret, e);
    return found > 0   ? 0
           : found < 0 ? -1
                       : ERR(e, NOT_FOUND, "there is no artifact %s at %s", reference_str(&ref).p,
                             repo.text);
}

static int get(struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    struct wishes w;
    struct shown s;

    if (read_wishes(rq, &w, e) < 0 || harbor_artifact(rq, &f, e) < 0 || show(rq, &f, &w, &s, e) < 0)
        return -1;
    return harbor_reply(rq, &s);
}

/* "project/repository@sha256:…" or "project/repository:tag". */
static int read_from(struct str text, struct repo_name *ret_repo, struct reference *ret_ref,
                     struct err *e)
{
    ptrdiff_t at = str_chr(text, '@'), mark = at < 0 ? str_rchr(text, ':') : at;

    if (mark <= 0 || repo_name_parse(str_head(text, (size_t)mark), ret_repo, NULL) < 0 ||
        str_chr(repo_name_str(ret_repo), '/') < 0 ||
        reference_parse(str_skip(text, (size_t)mark + 1), ret_ref, NULL) < 0 ||
        ret_ref->is_digest != (at >= 0))
        return ERR(e, BAD_REQUEST,
                   "from in query must be PROJECT/REPOSITORY:TAG or PROJECT/REPOSITORY@DIGEST");
    return 0;
}

/* May the caller read it there? What is not theirs looks like what is not there. */
static int find_source(struct http_req *rq, const struct repo_name *repo,
                       const struct reference *ref, struct artifact_facts *ret, struct err *e)
{
    if (api_target_from(rq, repo_name_str(repo), e) < 0)
        return -1;
    const struct access_target t = {.project_id = api_target(rq)->from_project_id,
                                    .roles = api_target(rq)->from_roles};
    if (access_check(api_identity(rq), &t, PERM_ARTIFACT_READ, e) < 0)
        return -1;
    int found = artifact_facts_find(&api_app(rq)->registry, &rq->arena, repo, ref, ret, e);
    return found > 0   ? 0
           : found < 0 ? -1
                       : ERR(e, NOT_FOUND, "there is no artifact %s at %s", reference_str(ref).p,
                             repo->text);
}

static int copy(struct http_req *rq, struct err *e)
{
    struct repo_name from, to;
    struct reference ref;
    struct artifact_facts source;

    if (read_from(http_query(rq, "from"), &from, &ref, e) < 0 ||
        repo_name_parse(api_target(rq)->repository, &to, e) < 0 ||
        find_source(rq, &from, &ref, &source, e) < 0 ||
        artifact_copy(&api_app(rq)->registry, &rq->arena, &from, &source, &to, e) < 0)
        return -1;
    http_set_headerf(rq, "Location", "%.*s/%s", S(rq->raw_path), reference_str(&ref).p);
    return http_reply_empty(rq, 201);
}

static int list_tags(struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    struct db_list_query q;
    struct db_page page;
    bool immutable;

    if (harbor_list_query(rq, &q, e) < 0 ||
        harbor_query_bool(rq, "with_immutable_status", false, &immutable, e) < 0 ||
        harbor_artifact(rq, &f, e) < 0 ||
        artifact_tag_list(&api_app(rq)->registry, &rq->arena, f.id, &q, &page, e) < 0)
        return -1;
    if (immutable && mark_immutable(rq, &f, page.v, page.n, e) < 0)
        return -1;
    return harbor_reply_list(rq, &page);
}

static int delete (struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    bool told;

    if (harbor_artifact(rq, &f, e) < 0 ||
        api_check_links(rq, &(struct graph_loss){.artifact = f.id}, &told, e) < 0)
        return -1;
    if (told)
        return 0;
    return artifact_remove_whole(&api_app(rq)->registry, &f, e) < 0 ? -1
                                                                    : http_reply_empty(rq, 200);
}

static int create_tag(struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    struct artifact_tag wanted = {0};
    struct tag tag;

    if (harbor_body(rq, &wanted, NULL, e) < 0 || tag_parse(wanted.name, &tag, e) < 0 ||
        harbor_artifact(rq, &f, e) < 0 || artifact_tag_add(&api_app(rq)->registry, &f, &tag, e) < 0)
        return -1;
    return http_reply_empty(rq, 201);
}

static int delete_tag(struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    struct tag tag;

    bool told;

    if (tag_parse(http_param(rq, "tag_name"), &tag, e) < 0 || harbor_artifact(rq, &f, e) < 0)
        return -1;
    const struct graph_loss loss = {.artifact = f.id, .tag = str_from(tag.text)};
    if (api_check_links(rq, &loss, &told, e) < 0)
        return -1;
    if (told)
        return 0;
    return artifact_tag_remove(&api_app(rq)->registry, &f, &tag, e) < 0 ? -1
                                                                        : http_reply_empty(rq, 200);
}

static int add_label(struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    struct label l = {0};

    if (harbor_body(rq, &l, NULL, e) < 0 || harbor_artifact(rq, &f, e) < 0 ||
        label_attach(&api_app(rq)->registry, &f, l.id, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int remove_label(struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    int64_t id;

    if (harbor_param_id(rq, "label_id", &id, e) < 0 || harbor_artifact(rq, &f, e) < 0 ||
        label_detach(&api_app(rq)->registry, &f, id, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int list_accessories(struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    struct db_list_query q;
    struct db_page page;

    if (harbor_list_query(rq, &q, e) < 0 || harbor_artifact(rq, &f, e) < 0 ||
        artifact_accessories(&api_app(rq)->registry, &rq->arena, &f, &q, &page, e) < 0)
        return -1;
    return harbor_reply_list(rq, &page);
}

/* ---- routes ---- */

#define ARTIFACTS "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts"

#define SHOW_QUERY                                                                                 \
    {"with_tag", API_BOOL, "Show tags; true where nothing is said.", false},                       \
        {"with_label", API_BOOL, "Show labels.", false},                                           \
        {"with_accessory", API_BOOL, "Show what is about it.", false},                             \
    {                                                                                              \
        "with_immutable_status", API_BOOL, "Say of tags whether a rule keeps them.", false         \
    }
static const struct api_query show_query[] = {SHOW_QUERY, {0}};
static const struct api_query project_query[] = {
    SHOW_QUERY,
    {"latest_in_repository", API_BOOL,
     "Only the newest of each repository; q must name media_type or artifact_type.", false},
    {0},
};
static const struct api_query copy_query[] = {
    {"from", API_STR, "What is copied: PROJECT/REPOSITORY:TAG or PROJECT/REPOSITORY@DIGEST.", true},
    {0},
};
static const struct api_query delete_query[] = {
    {API_CHECK_LINKS, API_BOOL,
     "Where something links to it: answer with 412 and a list of that, and delete nothing.", false},
    {0},
};
static const struct api_query tag_query[] = {
    {"with_immutable_status", API_BOOL, "Say whether a rule keeps them.", false},
    {0},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/projects/{project}/artifacts",
     .name = "artifact.list.project",
     .permission = PERM_ARTIFACT_LIST,
     .resolve = harbor_resolve_project,
     .handler = list_of_project,
     .doc = "List the artifacts of all repositories of a project.",
     .contract = &(const struct api_contract){.operation = "listArtifactsOfProject",
                                              .gives = &shown_object,
                                              .many = true,
                                              .list = &artifact_list_fields,
                                              .query = project_query}},
    {.method = HTTP_POST,
     .pattern = ARTIFACTS,
     .name = "artifact.copy",
     .permission = PERM_ARTIFACT_CREATE,
     .resolve = harbor_resolve_repository,
     .handler = copy,
     .doc = "Copy an artifact of the registry to a repository, with its tags and what is about it.",
     .contract = &(const struct api_contract){.operation = "CopyArtifact",
                                              .query = copy_query,
                                              .status = 201}},
    {.method = HTTP_GET,
     .pattern = ARTIFACTS,
     .name = "artifact.list",
     .permission = PERM_ARTIFACT_LIST,
     .resolve = harbor_resolve_repository,
     .handler = list,
     .doc = "List the artifacts of a repository.",
     .contract = &(const struct api_contract){.operation = "listArtifacts",
                                              .gives = &shown_object,
                                              .many = true,
                                              .list = &artifact_list_fields,
                                              .query = show_query}},
    {.method = HTTP_GET,
     .pattern = ARTIFACTS "/{reference}",
     .name = "artifact.get",
     .permission = PERM_ARTIFACT_READ,
     .resolve = harbor_resolve_repository,
     .handler = get,
     .doc = "See an artifact by tag or digest.",
     .contract = &(const struct api_contract){.operation = "getArtifact",
                                              .gives = &shown_object,
                                              .query = show_query}},
    {.method = HTTP_DELETE,
     .pattern = ARTIFACTS "/{reference}",
     .name = "artifact.delete",
     .permission = PERM_ARTIFACT_DELETE,
     .resolve = harbor_resolve_repository,
     .handler = delete,
     .doc = "Delete an artifact with its tags and what is about it.",
     .contract =
         &(const struct api_contract){.operation = "deleteArtifact", .query = delete_query}},
    {.method = HTTP_POST,
     .pattern = ARTIFACTS "/{reference}/tags",
     .name = "artifact.tag.create",
     .permission = PERM_TAG_CREATE,
     .resolve = harbor_resolve_repository,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = create_tag,
     .doc = "Tag an artifact once more.",
     .contract = &(
         const struct api_contract){.operation = "createTag", .takes = &tag_object, .status = 201}},
    {.method = HTTP_DELETE,
     .pattern = ARTIFACTS "/{reference}/tags/{tag_name}",
     .name = "artifact.tag.delete",
     .permission = PERM_TAG_DELETE,
     .resolve = harbor_resolve_repository,
     .handler = delete_tag,
     .doc = "Take a tag away from an artifact, which stays.",
     .contract = &(const struct api_contract){.operation = "deleteTag", .query = delete_query}},
    {.method = HTTP_GET,
     .pattern = ARTIFACTS "/{reference}/tags",
     .name = "artifact.tag.list",
     .permission = PERM_TAG_LIST,
     .resolve = harbor_resolve_repository,
     .handler = list_tags,
     .doc = "List the tags of an artifact.",
     .contract = &(const struct api_contract){.operation = "listTags",
                                              .gives = &tag_object,
                                              .many = true,
                                              .query = tag_query,
                                              .list = &artifact_tag_fields}},
    {.method = HTTP_POST,
     .pattern = ARTIFACTS "/{reference}/labels",
     .name = "artifact.label.add",
     .permission = PERM_ARTIFACT_LABEL_CREATE,
     .resolve = harbor_resolve_repository,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = add_label,
     .doc = "Put a label on an artifact.",
     .contract =
         &(const struct api_contract){.operation = "addLabel", .takes = &harbor_label_object}},
    {.method = HTTP_DELETE,
     .pattern = ARTIFACTS "/{reference}/labels/{label_id}",
     .name = "artifact.label.remove",
     .permission = PERM_ARTIFACT_LABEL_DELETE,
     .resolve = harbor_resolve_repository,
     .handler = remove_label,
     .doc = "Take a label off an artifact.",
     .contract = &(const struct api_contract){.operation = "removeLabel"}},
    {.method = HTTP_GET,
     .pattern = ARTIFACTS "/{reference}/accessories",
     .name = "artifact.accessory.list",
     .permission = PERM_ACCESSORY_LIST,
     .resolve = harbor_resolve_repository,
     .handler = list_accessories,
     .doc = "List what is about an artifact: signatures, bills of materials.",
     .contract = &(const struct api_contract){.operation = "listAccessories",
                                              .gives = &accessory_object,
                                              .many = true,
                                              .list = &artifact_accessory_fields}},
};

const struct http_group harbor_artifacts_group = {
    .prefix = "/api/v2.0/",
    .title = "artifacts",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
