/* SPDX-License-Identifier: Apache-2.0 */
/* What was read in the artifacts of models: facts, files, tensors. Harbor has none of this. */
#include "api/harbor/file_reply.h"
#include "base/mem.h"
#include "registry/model.h"

#define ARTIFACT                                                                                   \
    "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}"

/* ---- objects ---- */

struct shown_model {
    struct str state, error, content;
    int64_t read_ms, attempts;
};
static const struct api_field model_fields[] = {
    {"state", API_STR, offsetof(struct shown_model, state), API_ALWAYS, NULL, 0,
     "read; waiting: it will be; failed: that was given up; unread: it was stored by an older "
     "version and its turn comes, or the repository does not hold all of its content."},
    {"read_time", API_TIME, offsetof(struct shown_model, read_ms), API_IF_SET, NULL, 0,
     "When it was read."},
    {"attempts", API_INT, offsetof(struct shown_model, attempts), 0, NULL, 0,
     "How often that was tried, if it was not yet done."},
    {"error", API_STR, offsetof(struct shown_model, error), 0, NULL, 0,
     "Why the last attempt failed."},
    {"content", API_JSON, offsetof(struct shown_model, content), 0, &harbor_model_content, 0,
     "What it holds."},
};
static const struct api_object model_object = {
    .name = "Model",
    .size = sizeof(struct shown_model),
    .fields = model_fields,
    .n = ARRAY_LEN(model_fields),
    .doc = "What was read in an artifact.",
};

struct shown_tensor {
    struct str file, name, dtype;
    struct api_ints shape;
    int64_t offset, bytes;
};
static const struct api_field tensor_fields[] = {
    {"file", API_STR, offsetof(struct shown_tensor, file), 0, NULL, 0, "The file that holds it."},
    {"name", API_STR, offsetof(struct shown_tensor, name), API_ALWAYS, NULL, 0, "Its name."},
    {"dtype", API_STR, offsetof(struct shown_tensor, dtype), 0, NULL, 0,
     "The type of its elements, as the format calls it."},
    {"shape", API_INTS, offsetof(struct shown_tensor, shape), 0, NULL, 0,
     "Its dimensions as the file has them (GGUF: innermost first); none: a single number."},
    {"offset", API_INT, offsetof(struct shown_tensor, offset), API_ALWAYS, NULL, 0,
     "Where it begins in the file."},
    {"bytes", API_INT, offsetof(struct shown_tensor, bytes), API_ALWAYS, NULL, 0,
     "The bytes that it takes."},
};
static const struct api_object tensor_object = {
    .name = "Tensor",
    .size = sizeof(struct shown_tensor),
    .fields = tensor_fields,
    .n = ARRAY_LEN(tensor_fields),
    .doc = "A tensor of a model.",
};

/* ---- the facts ---- */

static int get_model(struct http_req *rq, struct err *e)
{
    struct registry *r = &api_app(rq)->registry;
    struct shown_model s = {.state = STR("unread")};
    struct artifact_facts f;
    struct model_read read;
    struct task_state task;

    if (harbor_artifact(rq, &f, e) < 0)
        return -1;
    int found = model_get(r, &rq->arena, f.id, &read, e);
    if (found < 0)
        return -1;
    if (found > 0) {
        s = (struct shown_model){
            .state = STR("read"), .read_ms = read.read_ms, .content = read.facts};
        return harbor_reply(rq, &s);
    }
    found = task_of_artifact(r->db, &rq->arena, f.id, &task, e);
    if (found < 0)
        return -1;
    if (found > 0) {
        s.attempts = task.attempts;
        s.error = task.error;
        s.state = task.failed ? STR("failed") : STR("waiting");
    }
    return harbor_reply(rq, &s);
}

/* The facts of the artifact asked for. NOT_FOUND: it was not read yet. */
static int facts_of(struct http_req *rq, struct artifact_facts *f, const json_t **ret,
                    struct err *e)
{
    if (harbor_artifact(rq, f, e) < 0)
        return -1;
    int found = harbor_model_facts(rq, f, ret, e);
    if (found < 0)
        return -1;
    return found ? 0
                 : ERR(e, NOT_FOUND, "%.*s was not read yet; ask again in a moment", S(f->digest));
}

/* ---- files ---- */

static int get_file(struct http_req *rq, struct err *e)
{
    struct str path = http_param(rq, "path");
    struct artifact_facts f;
    const json_t *facts;
    struct model_file file;

    if (facts_of(rq, &f, &facts, e) < 0)
        return -1;
    if (!harbor_model_file(facts, path, &file))
        return ERR(e, NOT_FOUND, "the artifact holds no file \"%.*s\"", S(str_head(path, 200)));
    return harbor_file_reply(rq, &f, facts, &file, e);
}

/* ---- tensors ---- */

/* Which tensors are wanted, and which page of them. */
struct wanted {
    struct str file, name, dtype;
    int64_t offset, limit;
    int64_t seen; /* that are wanted, so far */
    struct shown_tensor *page;
    size_t n;
};

static bool contains(struct str s, struct str part)
{
    return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL);
}

static struct api_ints read_shape(struct http_req *rq, const json_t *list)
{
    size_t n = json_array_size(list);
    struct api_ints shape = {.v = ARENA_ARRAY(&rq->arena, n, int64_t), .n = n};
    for (size_t i = 0; i < n; i++)
        shape.v[i] = json_integer_value(json_array_get(list, i));
    return shape;
}

static void take_tensors(struct http_req *rq, struct wanted *w, struct str file, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *t = json_array_get(list, i);
        struct str name = json_get_str(t, "name"), dtype = json_get_str(t, "dtype");
        if (!contains(name, w->name) || (w->dtype.n && !str_ieq(dtype, w->dtype)))
            continue;
        int64_t at = w->seen++;
        if (at < w->offset || at >= w->offset + w->limit)
            continue;
        w->page[w->n++] = (struct shown_tensor){
            .file = file,
            .name = arena_str(&rq->arena, name),
            .dtype = arena_str(&rq->arena, dtype),
            .shape = read_shape(rq, json_object_get(t, "shape")),
            .offset = json_integer_value(json_object_get(t, "offset")),
            .bytes = json_integer_value(json_object_get(t, "bytes")),
        };
    }
}

/* Of one file. What lies before or behind the page is counted only, where that is enough. */
static int take_file(struct http_req *rq, struct wanted *w, const struct model_file *file,
                     struct err *e)
{
    AUTO(arena) a = {0};
    struct str text;
    int64_t n = (int64_t)file->tensors;
    bool all = w->name.n == 0 && w->dtype.n == 0;

    if (n == 0 || (w->file.n && !str_eq(w->file, file->path)))
        return 0;
    if (all && (w->seen + n <= w->offset || w->seen >= w->offset + w->limit)) {
        w->seen += n;
        return 0;
    }
    arena_init(&a, LIMIT_MODEL_TEXT + MIB);
    int found = model_get_part(&api_app(rq)->registry, &a, MODEL_PART_WEIGHTS, &file->layer,
                               file->at, &text, e);
    if (found <= 0)
        return found;
    AUTO_JSON json = json_load(text, ERR_CORRUPT, e);
    if (!json)
        return err_wrap(e, "what was read of \"%.*s\"", S(file->path));
    take_tensors(rq, w, file->path, json_object_get(json, "tensors"));
    return 0;
}

static int list_tensors(struct http_req *rq, struct err *e)
{
    struct wanted w = {.file = http_query(rq, "file"),
                       .name = http_query(rq, "name"),
                       .dtype = http_query(rq, "dtype")};
    struct artifact_facts f;
    const json_t *facts;
    struct model_file file;

    if (harbor_page_query(rq, &w.offset, &w.limit, e) < 0 || facts_of(rq, &f, &facts, e) < 0)
        return -1;
    w.page = ARENA_ARRAY(&rq->arena, (size_t)w.limit, struct shown_tensor);
    for (size_t i = 0; harbor_model_file_at(facts, i, &file); i++)
        if (take_file(rq, &w, &file, e) < 0)
            return -1;
    const struct db_page page = {.v = w.page, .n = w.n, .total = w.seen};
    return harbor_reply_list(rq, &page);
}

/* ---- routes ---- */

static const struct api_query tensor_query[] = {
    {"file", API_STR, "Only those of this file.", false},
    {"name", API_STR, "Only those whose name holds this text.", false},
    {"dtype", API_STR, "Only those of this type.", false},
    {"page", API_INT, "Which page, from 1 on.", false},
    {"page_size", API_INT, "How many on a page: 10, or up to 100.", false},
    {.name = NULL},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = ARTIFACT "/model",
     .name = "artifact.model.get",
     .permission = PERM_ADDITION_READ,
     .resolve = harbor_resolve_repository,
     .handler = get_model,
     .doc = "Read what was found in an artifact: packaging, facts, weights, files.",
     .contract = &(const struct api_contract){.operation = "getModel", .gives = &model_object}},
    {.method = HTTP_GET,
     .pattern = ARTIFACT "/tensors",
     .name = "artifact.tensors.list",
     .permission = PERM_ADDITION_READ,
     .resolve = harbor_resolve_repository,
     .handler = list_tensors,
     .doc = "List the tensors of a model, in the order of its files.",
     .contract = &(const struct api_contract){.operation = "listTensors",
                                              .gives = &tensor_object,
                                              .many = true,
                                              .query = tensor_query}},
    {.method = HTTP_GET,
     .pattern = ARTIFACT "/files/{path...}",
     .name = "artifact.file.get",
     .permission = PERM_PULL,
     .resolve = harbor_resolve_repository,
     .handler = get_file,
     .doc = "Download one file of a model, or ranges of it.",
     .contract = &(const struct api_contract){.operation = "getModelFile",
                                              .text = "application/octet-stream"}},
};

const struct http_group harbor_models_group = {
    .prefix = "/api/v2.0/",
    .title = "models",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
