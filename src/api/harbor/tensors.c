/* SPDX-License-Identifier: Apache-2.0 */
/* What the tensors of a model come to: sums, so that nobody has to read all of them for a chart. */
#include "api/harbor/model_files.h"
#include "base/mem.h"
#include "model/tensor_sum.h"
#include "registry/model.h"

/* ---- objects ---- */

static const struct api_field sum_fields[] = {
    {"name", API_STR, offsetof(struct tensor_sum, name), API_ALWAYS, NULL, 0,
     "The type of the elements, or the part of the model: embeddings, attention, experts, mlp, "
     "convolution, norm, head, other."},
    {"tensors", API_INT, offsetof(struct tensor_sum, tensors), API_ALWAYS, NULL, 0,
     "How many tensors."},
    {"parameters", API_INT, offsetof(struct tensor_sum, parameters), API_ALWAYS, NULL, 0,
     "Their elements; what tensors share counts once."},
    {"bytes", API_INT, offsetof(struct tensor_sum, bytes), API_ALWAYS, NULL, 0,
     "The bytes that they take."},
};
static const struct api_object sum_object = {
    .name = "TensorSum",
    .size = sizeof(struct tensor_sum),
    .fields = sum_fields,
    .n = ARRAY_LEN(sum_fields),
    .doc = "What some tensors come to.",
};

struct shown_block {
    struct str stack;
    int64_t number;
    struct api_list parts;
};
static const struct api_field block_fields[] = {
    {"stack", API_STR, offsetof(struct shown_block, stack), API_ALWAYS, NULL, 0,
     "What stands before the number in the names: model.layers."},
    {"number", API_INT, offsetof(struct shown_block, number), API_ALWAYS, NULL, 0,
     "The number of the block."},
    {"parts", API_LIST, offsetof(struct shown_block, parts), 0, &sum_object, 0,
     "Its tensors by part of the model."},
};
static const struct api_object block_object = {
    .name = "TensorBlock",
    .size = sizeof(struct shown_block),
    .fields = block_fields,
    .n = ARRAY_LEN(block_fields),
    .doc = "One of the equal blocks that a model is built of.",
};

struct shown_summary {
    int64_t tensors, parameters, bytes;
    struct api_list dtypes, parts, blocks;
    bool truncated;
};
static const struct api_field summary_fields[] = {
    {"tensors", API_INT, offsetof(struct shown_summary, tensors), API_ALWAYS, NULL, 0,
     "How many tensors."},
    {"parameters", API_INT, offsetof(struct shown_summary, parameters), API_ALWAYS, NULL, 0,
     "Their elements as they are stored; what tensors share counts once."},
    {"bytes", API_INT, offsetof(struct shown_summary, bytes), API_ALWAYS, NULL, 0,
     "The bytes that they take."},
    {"dtypes", API_LIST, offsetof(struct shown_summary, dtypes), 0, &sum_object, 0,
     "By type, the one of most bytes first."},
    {"parts", API_LIST, offsetof(struct shown_summary, parts), 0, &sum_object, 0,
     "By part of the model, as the names of tensors tell it."},
    {"blocks", API_LIST, offsetof(struct shown_summary, blocks), 0, &block_object, 0,
     "By block, as the names number them; what belongs to none is not there."},
    {"truncated", API_BOOL, offsetof(struct shown_summary, truncated), API_ALWAYS, NULL, 0,
     "There are more types or blocks than are told: 64 and 1024."},
};
static const struct api_object summary_object = {
    .name = "TensorSummary",
    .size = sizeof(struct shown_summary),
    .fields = summary_fields,
    .n = ARRAY_LEN(summary_fields),
    .doc = "What the tensors of a model come to.",
};

/* ---- sums ---- */

static int64_t elements(const json_t *tensor)
{
    const json_t *shape = json_object_get(tensor, "shape");
    int64_t n = 1, shared = json_integer_value(json_object_get(tensor, "shared"));

    for (size_t i = 0; i < json_array_size(shape); i++)
        if (__builtin_mul_overflow(n, json_integer_value(json_array_get(shape, i)), &n))
            return INT64_MAX;
    return n > shared ? n - shared : 0;
}

static void add_tensors(struct tensor_sums *s, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *t = json_array_get(list, i);
        tensor_sums_add(s, json_get_str(t, "name"), json_get_str(t, "dtype"), elements(t),
                        json_integer_value(json_object_get(t, "bytes")));
    }
}

static int add_file(struct http_req *rq, struct tensor_sums *s, const struct model_file *file,
                    struct err *e)
{
    AUTO(arena) a = {0};
    struct str text;

    if (file->tensors == 0)
        return 0;
    arena_init(&a, LIMIT_MODEL_TEXT + MIB);
    int found = model_get_part(&api_app(rq)->registry, &a, MODEL_PART_WEIGHTS, &file->layer,
                               file->at, &text, e);
    if (found <= 0)
        return found;
    AUTO_JSON json = json_load(text, ERR_CORRUPT, e);
    if (!json)
        return err_wrap(e, "what was read of \"%.*s\"", S(file->path));
    add_tensors(s, json_object_get(json, "tensors"));
    return 0;
}

/* ---- the answer ---- */

static struct api_list show_parts(struct http_req *rq, const struct tensor_sum parts[TENSOR_PARTS])
{
    struct tensor_sum *shown = ARENA_ARRAY(&rq->arena, TENSOR_PARTS, struct tensor_sum);
    size_t n = 0;

    for (int i = 0; i < TENSOR_PARTS; i++)
        if (parts[i].tensors)
            shown[n++] = parts[i];
    return (struct api_list){shown, n};
}

static int reply(struct http_req *rq, struct tensor_sums *s)
{
    struct shown_block *blocks = ARENA_ARRAY(&rq->arena, s->n_blocks, struct shown_block);

    for (size_t i = 0; i < s->n_blocks; i++)
        blocks[i] = (struct shown_block){.stack = s->blocks[i].stack,
                                         .number = s->blocks[i].number,
                                         .parts = show_parts(rq, s->blocks[i].parts)};
    const struct shown_summary shown = {
        .tensors = s->all.tensors,
        .parameters = s->all.parameters,
        .bytes = s->all.bytes,
        .dtypes = {s->dtypes, s->n_dtypes},
        .parts = show_parts(rq, s->parts),
        .blocks = {blocks, s->n_blocks},
        .truncated = s->truncated,
    };
    return harbor_reply(rq, &shown);
}

static int summarize(struct http_req *rq, struct err *e)
{
    struct str wanted = http_query(rq, "file");
    struct artifact_facts f;
    const json_t *facts;
    struct model_file file;
    struct tensor_sums s;

    if (harbor_artifact(rq, &f, e) < 0)
        return -1;
    int found = harbor_model_facts(rq, &f, &facts, e);
    if (found < 0)
        return -1;
    if (!found)
        return ERR(e, NOT_FOUND, "%.*s was not read yet; ask again in a moment", S(f.digest));
    tensor_sums_init(&s, &rq->arena);
    for (size_t i = 0; harbor_model_file_at(facts, i, &file); i++)
        if (wanted.n ? str_eq(wanted, file.path) : file.counts)
            if (add_file(rq, &s, &file, e) < 0)
                return -1;
    tensor_sums_done(&s);
    return reply(rq, &s);
}

/* ---- routes ---- */

static const struct api_query query[] = {
    {"file", API_STR,
     "Only those of this file; else of all that count (a model that is there in two formats counts "
     "once).",
     false},
    {.name = NULL},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/"
                "{reference}/tensors/summary",
     .name = "artifact.tensors.summary",
     .permission = PERM_ADDITION_READ,
     .resolve = harbor_resolve_repository,
     .handler = summarize,
     .doc = "See what the tensors of a model come to: by type, by part, by block.",
     .contract = &(const struct api_contract){.operation = "getTensorSummary",
                                              .gives = &summary_object,
                                              .query = query}},
};

const struct http_group harbor_tensors_group = {
    .prefix = "/api/v2.0/",
    .title = "tensors",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
