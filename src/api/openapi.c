/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenAPI file, written from the rows of routes, objects and lists. Source: OpenAPI
 * Specification 3.0.3.
 */
#include "access/access.h"
#include "api/contract.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/router.h"

enum { OBJECTS_MAX = 512 };

/* What stands in braces in the patterns of routes. */
static const struct {
    const char *name;
    enum api_type type;
    const char *doc;
} path_params[] = {
    {"project", API_STR,
     "The name of a project, or its number; a name of digits alone needs X-Is-Resource-Name: "
     "true."},
    {"project_name", API_STR, "The name of a project."},
    {"repository_name", API_STR,
     "The name of a repository behind that of its project; what holds a slash is encoded twice."},
    {"reference", API_STR, "A tag, or a digest."},
    {"tag_name", API_STR, "A tag."},
    {"user_id", API_INT, "The number of a user."},
    {"token_id", API_INT, "The number of a personal access token."},
    {"session_id", API_INT, "The number of a session."},
    {"group_id", API_INT, "The number of a group."},
    {"label_id", API_INT, "The number of a label."},
    {"link_id", API_INT, "The number of a link that was set by hand."},
    {"mid", API_INT, "The number of a member."},
    {"id", API_INT, "A number."},
    {"job_id", API_INT, "The number of a job."},
    {"job", API_STR, "The number of a job, or (where jobs are stopped) all."},
    {"job_type", API_STR, "The kind of the jobs of a queue, or all."},
    {"pool_id", API_STR, "The name of a process that runs jobs, or all."},
    {"digest", API_STR, "A digest."},
    {"path", API_STR, "The path of a file in the model, with its slashes."},
    {"addition", API_STR, "The name of what an artifact brings along."},
    {"eid", API_INT, "The number of a run."},
    {"tid", API_INT, "The number of a part of a run."},
    {"execution_id", API_INT, "The number of a run."},
    {"task_id", API_INT, "The number of a part of a run."},
    {"report_id", API_STR, "The name of a report."},
    {"registration_id", API_STR, "The name of a scanner."},
    {"preheat_instance_name", API_STR, "The name of a distribution system."},
    {"preheat_policy_name", API_STR, "The name of a rule for preheating."},
    {"webhook_policy_id", API_INT, "The number of a webhook."},
    {"immutable_rule_id", API_INT, "The number of a rule."},
    {"robot_id", API_INT, "The number of a robot."},
    {"meta_name", API_STR, "The name of a property."},
};

/* The objects that the file speaks of, each once. */
struct set {
    const struct api_object *v[OBJECTS_MAX];
    size_t n;
};

static void gather(struct set *s, const struct api_object *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->v[i]->name, o->name) == 0)
            return;
    BUG_ON(s->n == OBJECTS_MAX);
    s->v[s->n++] = o;
    for (size_t i = 0; i < o->n; i++)
        gather(s, o->fields[i].object);
}

/* ---- schemas ---- */

static void write_ref(struct json_writer *w, const struct api_object *o)
{
    char text[128];
    snprintf(text, sizeof(text), "#/components/schemas/%s", o->name);
    jsonw_object(w);
    jsonw_kstrz(w, "$ref", text);
    jsonw_object_done(w);
}

/* The members of a schema that say what kind of value it is. */
static void write_type(struct json_writer *w, enum api_type type)
{
    static const struct {
        const char *type, *format;
    } names[] = {
        [API_INT] = {"integer", "int64"}, [API_BOOL] = {"boolean", NULL},
        [API_STR] = {"string", NULL},     [API_TIME] = {"string", "date-time"},
        [API_OBJECT] = {NULL, NULL},      [API_LIST] = {"array", NULL},
        [API_STRS] = {"array", NULL},     [API_INTS] = {"array", NULL},
        [API_JSON] = {NULL, NULL},
    };
    if (names[type].type)
        jsonw_kstrz(w, "type", names[type].type);
    if (names[type].format)
        jsonw_kstrz(w, "format", names[type].format);
}

static void write_plain(struct json_writer *w, enum api_type type)
{
    jsonw_object(w);
    write_type(w, type);
    jsonw_object_done(w);
}

static void write_items(struct json_writer *w, const struct api_field *f)
{
    jsonw_key(w, "items");
    if (f->type == API_LIST)
        write_ref(w, f->object);
    else
        write_plain(w, f->type == API_INTS ? API_INT : API_STR);
}

static void write_field(struct json_writer *w, const struct api_field *f)
{
    jsonw_key(w, f->name);
    jsonw_object(w);
    write_type(w, f->type);
    if (f->object && f->type != API_LIST) { /* a reference takes no neighbours */
        jsonw_key(w, "allOf");
        jsonw_list(w);
        write_ref(w, f->object);
        jsonw_list_done(w);
    }
    if (f->type == API_LIST || f->type == API_STRS || f->type == API_INTS)
        write_items(w, f);
    if (!(f->flags & API_REQUIRED)) /* null is as good as nothing, in both directions */
        jsonw_kbool(w, "nullable", true);
    if (f->max && f->type == API_STR)
        jsonw_ku64(w, "maxLength", f->max);
    if (f->flags & API_SECRET)
        jsonw_kstrz(w, "format", "password");
    jsonw_kstrz(w, "description", f->doc);
    jsonw_object_done(w);
}

static void write_object(struct json_writer *w, const struct api_object *o)
{
    bool required = false;

    jsonw_key(w, o->name);
    jsonw_object(w);
    jsonw_kstrz(w, "type", "object");
    jsonw_kstrz(w, "description", o->doc);
    jsonw_key(w, "properties");
    jsonw_object(w);
    for (size_t i = 0; i < o->n; i++) {
        write_field(w, &o->fields[i]);
        required = required || (o->fields[i].flags & API_REQUIRED);
    }
    jsonw_object_done(w);
    if (required) {
        jsonw_key(w, "required");
        jsonw_list(w);
        for (size_t i = 0; i < o->n; i++)
            if (o->fields[i].flags & API_REQUIRED)
                jsonw_strz(w, o->fields[i].name);
        jsonw_list_done(w);
    }
    jsonw_object_done(w);
}

static const char errors_schema[] =
    "{\"type\":\"object\",\"description\":\"What went wrong.\",\"required\":[\"errors\"],"
    "\"properties\":{\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"required\":[\"code\",\"message\"],\"properties\":{\"code\":{\"type\":\"string\"},"
    "\"message\":{\"type\":\"string\"},\"detail\":{}}}}}}";

/* ---- parameters ---- */

struct param {
    const char *name, *in, *doc;
    enum api_type type;
    bool required;
    int64_t min, max; /* of a number; 0: none */
};

static void write_param(struct json_writer *w, const struct param *p)
{
    jsonw_object(w);
    jsonw_kstrz(w, "name", p->name);
    jsonw_kstrz(w, "in", p->in);
    jsonw_kbool(w, "required", p->required);
    jsonw_kstrz(w, "description", p->doc);
    jsonw_key(w, "schema");
    jsonw_object(w);
    write_type(w, p->type);
    if (p->min)
        jsonw_ki64(w, "minimum", p->min);
    if (p->max)
        jsonw_ki64(w, "maximum", p->max);
    jsonw_object_done(w);
    jsonw_object_done(w);
}

static void write_path_param(struct json_writer *w, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(path_params); i++) {
        if (!str_eqz(name, path_params[i].name))
            continue;
        const struct param p = {.name = path_params[i].name,
                                .in = "path",
                                .doc = path_params[i].doc,
                                .type = path_params[i].type,
                                .required = true};
        write_param(w, &p);
        return;
    }
    err_bug(__FILE__, __LINE__, "a route has a parameter that openapi.c does not describe");
}

/* "{name}", or "{name...}": of several segments, for which the file has no words of its own. */
static struct str param_name(struct str segment)
{
    struct str name = str_of(segment.p + 1, segment.n - 2);
    if (str_ends(name, STR("...")))
        name.n -= 3;
    return name;
}

static void write_path_params(struct json_writer *w, const char *pattern)
{
    struct str rest = str_from(pattern);
    while (rest.p) {
        struct str segment = str_cut(&rest, '/');
        if (str_starts(segment, STR("{")))
            write_path_param(w, param_name(segment));
    }
}

/* What q and sort may name. */
static const char *fields_of(struct arena *a, const struct db_list *l)
{
    struct buf out;
    const char *text;

    buf_init(&out, 4 * KIB);
    for (size_t i = 0; i < l->n_fields; i++)
        buf_addf(&out, "%s%s", i ? ", " : "", l->fields[i].name);
    text = arena_printf(a,
                        "Conditions, separated by commas: k=v, k=~part, k=[min~max], k={a b} "
                        "(one of), k=(a b) (all of). Fields: %s.",
                        out.p);
    buf_done(&out);
    return text;
}

static void write_list_params(struct json_writer *w, struct arena *a, const struct db_list *l)
{
    const struct param all[] = {
        {"q", "query", fields_of(a, l), API_STR, false, 0, 0},
        {"sort", "query", "Fields, separated by commas, each with - before it for the other way.",
         API_STR, false, 0, 0},
        {"page", "query", "Which page, from 1 on.", API_INT, false, 1, INT32_MAX},
        {"page_size", "query", "How many a page has; 10 where nothing is said.", API_INT, false, 1,
         LIMIT_API_PAGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        write_param(w, &all[i]);
}

static void write_params(struct json_writer *w, struct arena *a, const struct http_route *r)
{
    const struct api_contract *c = r->contract;

    jsonw_key(w, "parameters");
    jsonw_list(w);
    write_path_params(w, r->pattern);
    if (c->list)
        write_list_params(w, a, c->list);
    for (const struct api_query *q = c->query; q && q->name; q++) {
        const struct param p = {.name = q->name,
                                .in = "query",
                                .doc = q->doc,
                                .type = q->type,
                                .required = q->required};
        write_param(w, &p);
    }
    jsonw_list_done(w);
}

/* ---- operations ---- */

/* What has no table is yet to come: nothing is known of the items of a list. */
static void write_ref_or_any(struct json_writer *w, const struct api_object *o, bool in_list)
{
    if (o)
        write_ref(w, o);
    else
        jsonw_raw(w, in_list ? STR("{}") : STR("{\"type\":\"object\"}"));
}

static void write_json_content(struct json_writer *w, const struct api_object *o, bool many)
{
    jsonw_key(w, "content");
    jsonw_object(w);
    jsonw_key(w, "application/json");
    jsonw_object(w);
    jsonw_key(w, "schema");
    if (many) {
        jsonw_object(w);
        jsonw_kstrz(w, "type", "array");
        jsonw_key(w, "items");
    }
    write_ref_or_any(w, o, many);
    if (many)
        jsonw_object_done(w);
    jsonw_object_done(w);
    jsonw_object_done(w);
}

static void write_text_content(struct json_writer *w, const char *type)
{
    jsonw_key(w, "content");
    jsonw_object(w);
    jsonw_key(w, type);
    jsonw_object(w);
    jsonw_key(w, "schema");
    write_plain(w, API_STR);
    jsonw_object_done(w);
    jsonw_object_done(w);
}

static void write_header(struct json_writer *w, const char *name, enum api_type type, bool required,
                         const char *doc)
{
    jsonw_key(w, name);
    jsonw_object(w);
    jsonw_kstrz(w, "description", doc);
    jsonw_kbool(w, "required", required);
    jsonw_key(w, "schema");
    write_plain(w, type);
    jsonw_object_done(w);
}

#define REFUSED                                                                                    \
    "{\"description\":\"It was refused, or failed.\",\"content\":{\"application/json\":"           \
    "{\"schema\":{\"$ref\":\"#/components/schemas/Errors\"}}}}"

static void write_success(struct json_writer *w, const struct api_contract *c)
{
    jsonw_object(w);
    jsonw_kstrz(w, "description", "It is done.");
    jsonw_key(w, "headers");
    jsonw_object(w);
    if (c->list) {
        write_header(w, "X-Total-Count", API_INT, true, "How many there are on all pages.");
        write_header(w, "Link", API_STR, false, "The pages before and behind, where there are.");
    }
    if (c->status == 201)
        write_header(w, "Location", API_STR, false,
                     "The address of what was made, where it has one.");
    jsonw_object_done(w);
    if (c->gives || c->empty)
        write_json_content(w, c->gives, c->many);
    else if (c->text)
        write_text_content(w, c->text);
    jsonw_object_done(w);
}

static void write_responses(struct json_writer *w, const struct api_contract *c)
{
    char status[12];

    snprintf(status, sizeof(status), "%d", c->status ? c->status : c->absent ? 404 : 200);
    jsonw_key(w, "responses");
    jsonw_object(w);
    jsonw_key(w, status);
    if (c->absent)
        jsonw_raw(w, STR(REFUSED));
    else
        write_success(w, c);
    jsonw_key(w, "default");
    jsonw_raw(w, STR(REFUSED));
    jsonw_object_done(w);
}

static void write_operation(struct json_writer *w, struct arena *a, const struct http_group *g,
                            const struct http_route *r)
{
    const struct api_contract *c = r->contract;
    char method[8] = "";
    const char *name = http_method_name(r->method);

    for (size_t i = 0; name[i] && i + 1 < sizeof(method); i++)
        method[i] = (char)(name[i] - 'A' + 'a');
    jsonw_key(w, method);
    jsonw_object(w);
    jsonw_kstrz(w, "operationId", c->operation);
    jsonw_kstrz(w, "summary", r->doc);
    jsonw_kstrz(w, "x-permission", permission_name((enum permission)r->permission));
    if (c->empty)
        jsonw_kstrz(w, "x-empty-until", c->empty);
    if (c->absent)
        jsonw_kstrz(w, "x-absent-until", c->absent);
    jsonw_key(w, "tags");
    jsonw_list(w);
    jsonw_strz(w, g->title ? g->title : "system");
    jsonw_list_done(w);
    write_params(w, a, r);
    if (c->takes) {
        jsonw_key(w, "requestBody");
        jsonw_object(w);
        jsonw_kbool(w, "required", true);
        write_json_content(w, c->takes, false);
        jsonw_object_done(w);
    }
    write_responses(w, c);
    jsonw_object_done(w);
}

/* Is this the first row of its path? */
static bool begins_path(const struct http_group *groups, const struct http_group *g, size_t k)
{
    const char *pattern = g->routes[k].pattern;

    for (const struct http_group *at = groups; at <= g; at++)
        for (size_t i = 0; i < (at == g ? k : at->n); i++)
            if (at->routes[i].contract && strcmp(at->routes[i].pattern, pattern) == 0)
                return false;
    return true;
}

static void write_path(struct json_writer *w, struct arena *a, const struct http_group *groups,
                       size_t n, const char *pattern)
{
    AUTO(buf) path = {0};
    buf_init(&path, KIB);
    for (struct str rest = str_from(pattern); rest.p;) {
        struct str segment = str_cut(&rest, '/');
        if (segment.n == 0 && path.n == 0)
            continue; /* before the first slash */
        if (str_starts(segment, STR("{")))
            buf_addf(&path, "/{%.*s}", S(param_name(segment)));
        else
            buf_addf(&path, "/%.*s", S(segment));
    }
    jsonw_keys(w, buf_str(&path));
    jsonw_object(w);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < groups[i].n; k++)
            if (groups[i].routes[k].contract && strcmp(groups[i].routes[k].pattern, pattern) == 0)
                write_operation(w, a, &groups[i], &groups[i].routes[k]);
    jsonw_object_done(w);
}

static void write_components(struct json_writer *w, const struct set *s)
{
    jsonw_key(w, "components");
    jsonw_object(w);
    jsonw_key(w, "securitySchemes");
    jsonw_raw(w, STR("{\"basic\":{\"type\":\"http\",\"scheme\":\"basic\"}}"));
    jsonw_key(w, "schemas");
    jsonw_object(w);
    for (size_t i = 0; i < s->n; i++)
        write_object(w, s->v[i]);
    jsonw_key(w, "Errors");
    jsonw_raw(w, str_from(errors_schema));
    jsonw_object_done(w);
    jsonw_object_done(w);
}

void api_openapi_write(struct buf *out)
{
    AUTO(arena) a = {0};
    struct json_writer w;
    struct set objects = {.n = 0};
    size_t n;
    const struct http_group *groups = api_groups(&n);

    arena_init(&a, MIB);
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kstrz(&w, "openapi", "3.0.3");
    jsonw_key(&w, "info");
    jsonw_raw(&w, STR("{\"title\":\"Haven\",\"version\":\"2.0\",\"description\":"
                      "\"The API of Haven, a registry for AI models.\","
                      "\"license\":{\"name\":\"Apache-2.0\"}}"));
    jsonw_key(&w, "security");
    jsonw_raw(&w, STR("[{\"basic\":[]},{}]"));
    jsonw_key(&w, "paths");
    jsonw_object(&w);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < groups[i].n; k++) {
            const struct api_contract *c = groups[i].routes[k].contract;
            if (!c || !begins_path(groups, &groups[i], k))
                continue;
            write_path(&w, &a, groups, n, groups[i].routes[k].pattern);
        }
        for (size_t k = 0; k < groups[i].n; k++) {
            const struct api_contract *c = groups[i].routes[k].contract;
            if (!c)
                continue;
            gather(&objects, c->takes);
            gather(&objects, c->gives);
        }
    }
    jsonw_object_done(&w);
    write_components(&w, &objects);
    jsonw_object_done(&w);
    buf_addc(out, '\n');
}
