/* SPDX-License-Identifier: Apache-2.0 */
/* Models by what is known of them, in all projects that the caller may read. Harbor has none of
 * this. */
#include "api/harbor/harbor.h"
#include "base/json.h"
#include "base/mem.h"
#include "registry/project.h"
#include "search/search.h"

/* Of q. */
#define TEXT_MAX 255
/* Values of one facet in a query. */
#define VALUES_MAX 64

/* ---- objects ---- */

struct shown_model {
    struct str project, repository, display_name, digest, title, description, form, architecture,
        family, task, format, precision, quantization, library;
    struct api_strs tags, licenses, languages, base_models, labels;
    int64_t parameters, size, pulls, update_ms;
};
#define TEXT(member, words)                                                                        \
    {                                                                                              \
#member, API_STR, offsetof(struct shown_model, member), 0, NULL, 0, words                  \
    }
#define TEXTS(member, words)                                                                       \
    {                                                                                              \
#member, API_STRS, offsetof(struct shown_model, member), 0, NULL, 0, words                 \
    }
#define NUMBER(member, words)                                                                      \
    {                                                                                              \
#member, API_INT, offsetof(struct shown_model, member), API_ALWAYS, NULL, 0, words         \
    }
static const struct api_field model_fields[] = {
    TEXT(project, "The project that it belongs to."),
    TEXT(repository, "The repository, with the project before it."),
    TEXT(display_name, "The same with upper case, if it has another name to show."),
    TEXT(digest, "Of its manifest."),
    TEXTS(tags, "The tags on it, at most 32."),
    TEXT(title, "What it calls itself."),
    TEXT(description, "What it says of itself, or what is said of the repository."),
    TEXT(form, "The packaging: modelpack, cnai, kitops, docker, ollama …"),
    TEXT(architecture, "The kind of network."),
    TEXT(family, "The family of models."),
    TEXT(task, "What it is for."),
    TEXT(format, "Of its weights."),
    TEXT(precision, "The types of its weights, with commas between them."),
    TEXT(quantization, "How they were quantized."),
    NUMBER(parameters, "How many it has; 0: that is not known."),
    NUMBER(size, "Bytes of all its content."),
    TEXTS(licenses, "SPDX names."),
    TEXTS(languages, "Codes of languages."),
    TEXT(library, "The library that it is made for."),
    TEXTS(base_models, "The models that it was made from."),
    TEXTS(labels, "The labels on it."),
    NUMBER(pulls, "How often something was pulled from the repository, up to a minute ago."),
    {"update_time", API_TIME, offsetof(struct shown_model, update_ms), 0, NULL, 0,
     "When it was pushed, or last given a tag."},
};
static const struct api_object model_object = {
    .name = "FoundModel",
    .size = sizeof(struct shown_model),
    .fields = model_fields,
    .n = ARRAY_LEN(model_fields),
    .doc = "A model that was found.",
};

static const struct api_field value_fields[] = {
    {"value", API_STR, offsetof(struct search_value, value), API_ALWAYS, NULL, 0, "The value."},
    {"count", API_INT, offsetof(struct search_value, count), API_ALWAYS, NULL, 0,
     "How many models have it."},
};
static const struct api_object value_object = {
    .name = "FacetValue",
    .size = sizeof(struct search_value),
    .fields = value_fields,
    .n = ARRAY_LEN(value_fields),
    .doc = "A value of a facet.",
};

struct shown_facets {
    int64_t total;
    bool more, complete;
    struct api_list values[SEARCH_FACETS];
};
#define FACET(name, facet, words)                                                                  \
    {                                                                                              \
        name, API_LIST, offsetof(struct shown_facets, values[facet]), 0, &value_object, 0, words   \
    }
static const struct api_field facets_fields[] = {
    {"total", API_INT, offsetof(struct shown_facets, total), API_ALWAYS, NULL, 0,
     "How many models match."},
    {"more", API_BOOL, offsetof(struct shown_facets, more), API_ALWAYS, NULL, 0,
     "Only the first 10000 were counted: each value may have more."},
    {"complete", API_BOOL, offsetof(struct shown_facets, complete), API_ALWAYS, NULL, 0,
     "All models of the registry were looked through; false while the search is made anew."},
    FACET("architecture", SEARCH_ARCHITECTURE, "By the kind of network."),
    FACET("family", SEARCH_FAMILY, "By the family."),
    FACET("task", SEARCH_TASK, "By what they are for."),
    FACET("format", SEARCH_FORMAT, "By the format of the weights."),
    FACET("precision", SEARCH_PRECISION, "By the types of the weights."),
    FACET("quantization", SEARCH_QUANTIZATION, "By how they were quantized."),
    FACET("license", SEARCH_LICENSE, "By licence."),
    FACET("language", SEARCH_LANGUAGE, "By language."),
    FACET("library", SEARCH_LIBRARY, "By library."),
    FACET("base_model", SEARCH_BASE_MODEL, "By the model they were made from."),
    FACET("project", SEARCH_PROJECT, "By project."),
    FACET("label", SEARCH_LABEL, "By label."),
};
static const struct api_object facets_object = {
    .name = "ModelFacets",
    .size = sizeof(struct shown_facets),
    .fields = facets_fields,
    .n = ARRAY_LEN(facets_fields),
    .doc = "How many models have each value, at most the 50 most frequent of each facet.",
};

/* ---- who sees what ---- */

/* Was a robot given, in this project (0: in every one), what reading a model takes? */
static bool robot_reads(const struct access_robot *robot, int64_t project)
{
    static const enum permission needed[] = {PERM_ARTIFACT_LIST, PERM_ADDITION_READ};

    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        bool has = false;
        for (size_t k = 0; k < robot->n; k++) {
            const struct access_robot_grant *g = &robot->grants[k];
            has |= g->kind == ACCESS_ROBOT_PROJECT && g->permission == (unsigned)needed[i] &&
                   (g->project_id == 0 || g->project_id == project);
        }
        if (!has)
            return false;
    }
    return true;
}

/* A robot that may list projects may not read what is in them: its grants count alone. */
static int read_visible(struct http_req *rq, struct search_query *q, struct err *e)
{
    const struct access_robot *robot = api_identity(rq)->robot;
    struct project_visibility v = harbor_visibility(rq);
    struct project_visible *seen;
    size_t n;

    if (robot)
        v.all = robot_reads(robot, 0);
    q->all = v.all;
    if (v.all)
        return 0;
    if (project_visible(&api_app(rq)->registry, &rq->arena, &v, &seen, &n, e) < 0)
        return -1;
    int64_t *ids = arena_try(&rq->arena, n * sizeof(*ids) + 1, e);
    if (!ids)
        return -1;
    q->projects = ids;
    for (size_t i = 0; i < n; i++)
        if (seen[i].is_public || !robot || robot_reads(robot, seen[i].id))
            ids[q->n_projects++] = seen[i].id;
    return 0;
}

/* ---- the query ---- */

/* Values of a parameter: each time it is given, and in each between commas. */
static int read_values(struct http_req *rq, const char *name, struct search_values *ret,
                       struct err *e)
{
    struct str *v = NULL, rest;
    size_t n = 0, at = 0;

    while (http_query_next(rq, name, &at, &rest)) {
        if (!v)
            v = ARENA_ARRAY(&rq->arena, VALUES_MAX, struct str);
        while (rest.p) {
            struct str value = str_trim(str_cut(&rest, ','));
            if (value.n == 0)
                continue;
            if (n == VALUES_MAX)
                return ERR(e, UNPROCESSABLE, "%s in query has more than %d values", name,
                           VALUES_MAX);
            v[n++] = value;
        }
    }
    *ret = (struct search_values){v, n};
    return 0;
}

static int read_number(struct http_req *rq, const char *name, int64_t *ret, struct err *e)
{
    struct str text = http_query(rq, name);

    *ret = -1;
    if (text.n && !str_i64(text, 0, INT64_MAX, ret))
        return ERR(e, UNPROCESSABLE, "%s in query must be a number of 0 or more, not \"%.*s\"",
                   name, S(str_head(text, 40)));
    return 0;
}

static int read_order(struct http_req *rq, struct search_query *q, struct err *e)
{
    static const struct {
        const char *name;
        enum search_order order;
    } orders[] = {
        {"relevance", SEARCH_BY_RELEVANCE},   {"update", SEARCH_BY_UPDATE},
        {"pulls", SEARCH_BY_PULLS},           {"size", SEARCH_BY_SIZE},
        {"parameters", SEARCH_BY_PARAMETERS}, {"name", SEARCH_BY_NAME},
    };
    struct str text = http_query(rq, "sort");

    q->order = q->text.p ? SEARCH_BY_RELEVANCE : SEARCH_BY_UPDATE;
    if (text.n == 0)
        return 0;
    q->ascending = text.p[0] != '-';
    struct str name = q->ascending ? text : str_skip(text, 1);
    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        if (str_eqz(name, orders[i].name)) {
            q->order = orders[i].order;
            return 0;
        }
    return ERR(e, UNPROCESSABLE,
               "sort in query must be relevance, update, pulls, size, parameters or name, with - "
               "before it for the largest first, not \"%.*s\"",
               S(str_head(text, 40)));
}

static int read_query(struct http_req *rq, struct search_query *ret, struct err *e)
{
    struct search_query q = {.limit = 0};
    struct str text = http_query(rq, "q");

    if (text.n > TEXT_MAX)
        return ERR(e, UNPROCESSABLE, "q in query is longer than %d bytes", TEXT_MAX);
    if (str_trim(text).n)
        q.text = text;
    for (int f = SEARCH_ARCHITECTURE; f < SEARCH_FACETS; f++)
        if (read_values(rq, search_facet_name((enum search_facet)f), &q.facets[f], e) < 0)
            return -1;
    if (read_number(rq, "min_parameters", &q.min_parameters, e) < 0 ||
        read_number(rq, "max_parameters", &q.max_parameters, e) < 0 || read_order(rq, &q, e) < 0 ||
        read_visible(rq, &q, e) < 0)
        return -1;
    *ret = q;
    return 0;
}

/* ---- models ---- */

static struct api_strs read_strs(struct http_req *rq, const json_t *o, const char *key)
{
    const json_t *list = json_object_get(o, key);
    struct api_strs s = {.v = ARENA_ARRAY(&rq->arena, json_array_size(list) + 1, struct str)};

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        s.v[s.n++] =
            arena_str(&rq->arena, str_of(json_string_value(item), json_string_length(item)));
    }
    return s;
}

static struct str read_str(struct http_req *rq, const json_t *o, const char *key)
{
    struct str s = json_get_str(o, key);
    return s.n ? arena_str(&rq->arena, s) : STR_NULL;
}

static int show(struct http_req *rq, const struct search_hit *hit, struct shown_model *ret,
                struct err *e)
{
    AUTO_JSON o = json_load(hit->shown, ERR_CORRUPT, e);

    if (!o)
        return err_wrap(e, "what the search knows of artifact %lld", (long long)hit->artifact);
    *ret = (struct shown_model){
        .project = read_str(rq, o, "project"),
        .repository = read_str(rq, o, "repository"),
        .display_name = read_str(rq, o, "display_name"),
        .digest = read_str(rq, o, "digest"),
        .title = read_str(rq, o, "title"),
        .description = read_str(rq, o, "description"),
        .form = read_str(rq, o, "form"),
        .architecture = read_str(rq, o, "architecture"),
        .family = read_str(rq, o, "family"),
        .task = read_str(rq, o, "task"),
        .format = read_str(rq, o, "format"),
        .precision = read_str(rq, o, "precision"),
        .quantization = read_str(rq, o, "quantization"),
        .library = read_str(rq, o, "library"),
        .tags = read_strs(rq, o, "tags"),
        .licenses = read_strs(rq, o, "licenses"),
        .languages = read_strs(rq, o, "languages"),
        .base_models = read_strs(rq, o, "base_models"),
        .labels = read_strs(rq, o, "labels"),
        .parameters = json_integer_value(json_object_get(o, "parameters")),
        .size = json_integer_value(json_object_get(o, "size")),
        .pulls = hit->pulls,
        .update_ms = json_integer_value(json_object_get(o, "update_ms")),
    };
    return 0;
}

static int list_models(struct http_req *rq, struct err *e)
{
    struct search_found found;
    struct search_query q;
    size_t n = 0;

    if (read_query(rq, &q, e) < 0 || harbor_page_query(rq, &q.offset, &q.limit, e) < 0 ||
        search_find(api_app(rq)->search, &rq->arena, &q, &found, e) < 0)
        return -1;
    struct shown_model *models = ARENA_ARRAY(&rq->arena, found.n + 1, struct shown_model);
    for (size_t i = 0; i < found.n; i++) {
        struct err why;
        if (show(rq, &found.hits[i], &models[n], &why) == 0)
            n++;
        else
            search_judge(api_app(rq)->search, &why);
    }
    http_set_header(rq, "Haven-Search-Complete", found.complete ? STR("true") : STR("false"));
    if (found.more)
        http_set_header(rq, "Haven-Search-More", STR("true"));
    const struct db_page page = {.v = models, .n = n, .total = found.total};
    return harbor_reply_list(rq, &page);
}

static int count_facets(struct http_req *rq, struct err *e)
{
    struct shown_facets shown = {0};
    struct search_counts counts;
    struct search_query q;

    if (read_query(rq, &q, e) < 0 ||
        search_count(api_app(rq)->search, &rq->arena, &q, &counts, e) < 0)
        return -1;
    shown.total = counts.total;
    shown.more = counts.more;
    shown.complete = counts.complete;
    for (size_t f = SEARCH_ARCHITECTURE; f < SEARCH_FACETS; f++)
        shown.values[f] = (struct api_list){counts.values[f], counts.n[f]};
    return harbor_reply(rq, &shown);
}

/* ---- routes ---- */

#define FILTERS                                                                                    \
    {"q", API_STR,                                                                                 \
     "Words, all of which are in the name, title, description, card, tags, labels or facets; the " \
     "last one as a beginning.",                                                                   \
     false},                                                                                       \
        {"architecture", API_STR,                                                                  \
         "Only those with one of these values, with commas between them; it may be repeated, as "  \
         "may all of these.",                                                                      \
         false},                                                                                   \
        {"family", API_STR, "The same by family.", false},                                         \
        {"task", API_STR, "The same by what they are for.", false},                                \
        {"format", API_STR, "The same by the format of the weights.", false},                      \
        {"precision", API_STR, "The same by the types of the weights.", false},                    \
        {"quantization", API_STR, "The same by how they were quantized.", false},                  \
        {"license", API_STR, "The same by licence.", false},                                       \
        {"language", API_STR, "The same by language.", false},                                     \
        {"library", API_STR, "The same by library.", false},                                       \
        {"base_model", API_STR, "The same by the model they were made from.", false},              \
        {"project", API_STR, "The same by project.", false},                                       \
        {"label", API_STR, "The same by label.", false},                                           \
        {"min_parameters", API_INT, "Only those with so many parameters, or more.", false},        \
        {"max_parameters", API_INT, "Only those with so many parameters, or fewer.", false},       \
    {                                                                                              \
        "sort", API_STR,                                                                           \
            "relevance, update, pulls, size, parameters or name, with - before it for the "        \
            "largest first; relevance if there is q, else -update.",                               \
            false                                                                                  \
    }

static const struct api_query list_query[] = {
    FILTERS,
    {"page", API_INT, "Which page, from 1 on.", false},
    {"page_size", API_INT, "How many on a page: 10, or up to 100.", false},
    {.name = NULL},
};
static const struct api_query facets_query[] = {
    FILTERS,
    {.name = NULL},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/models",
     .name = "model.list",
     .permission = PERM_OPEN,
     .handler = list_models,
     .doc = "Search for models in all projects that the caller may read.",
     .contract =
         &(const struct api_contract){
             .operation = "listModels", .gives = &model_object, .many = true, .query = list_query}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/models/facets",
     .name = "model.facets",
     .permission = PERM_OPEN,
     .handler = count_facets,
     .doc = "Count the models of a search by the values of each facet.",
     .contract = &(const struct api_contract){.operation = "getModelFacets",
                                              .gives = &facets_object,
                                              .query = facets_query}},
};

const struct http_group harbor_model_search_group = {
    .prefix = "/api/v2.0/",
    .title = "search for models",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
