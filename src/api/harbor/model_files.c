/* SPDX-License-Identifier: Apache-2.0 */
#include "api/harbor/model_files.h"

#include "api/blob_body.h"
#include "registry/model.h"

static void forget(void *json)
{
    json_decref(json);
}

static int keep_parsed(struct http_req *rq, const struct artifact_facts *f, struct str text,
                       const json_t **ret, struct err *e)
{
    json_t *json = json_load(text, ERR_CORRUPT, e);
    if (!json)
        return err_wrap(e, "what was read of %.*s", S(f->digest));
    arena_defer(&rq->arena, forget, json);
    *ret = json;
    return 1;
}

int harbor_model_facts(struct http_req *rq, const struct artifact_facts *f, const json_t **ret,
                       struct err *e)
{
    struct model_read read;
    int found = model_get(&api_app(rq)->registry, &rq->arena, f->id, &read, e);

    return found <= 0 ? found : keep_parsed(rq, f, read.facts, ret, e);
}

int harbor_model_summary(struct http_req *rq, const struct artifact_facts *f, const json_t **ret,
                         struct err *e)
{
    struct str text;
    int found = model_summary(&api_app(rq)->registry, &rq->arena, f->id, &text, e);

    return found <= 0 ? found : keep_parsed(rq, f, text, ret, e);
}

static uint64_t number(const json_t *obj, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(obj, key));
    return v < 0 ? 0 : (uint64_t)v;
}

bool harbor_model_file_at(const json_t *facts, size_t i, struct model_file *ret)
{
    const json_t *file = json_array_get(json_object_get(facts, "files"), i);

    if (!file)
        return false;
    *ret = (struct model_file){
        .path = json_get_str(file, "file"),
        .encoding = json_get_str(file, "encoding"),
        .at = number(file, "at"),
        .size = number(file, "size"),
        .tensors = number(file, "tensor_count"),
        .counts = json_is_true(json_object_get(file, "counts")),
        .looked_into = json_is_true(json_object_get(file, "looked_into")),
    };
    if (digest_parse(json_get_str(file, "layer"), &ret->layer, NULL) < 0)
        ret->layer.text[0] = '\0'; /* no repository holds it */
    ret->has_digest = digest_parse(json_get_str(file, "digest"), &ret->digest, NULL) == 0;
    return true;
}

bool harbor_model_file(const json_t *facts, struct str path, struct model_file *ret)
{
    for (size_t i = 0; harbor_model_file_at(facts, i, ret); i++)
        if (ret->looked_into && str_eq(ret->path, path))
            return true;
    return false;
}

/* A text that was kept since its layer is compressed. 0: it was not. */
static int kept_text(struct http_req *rq, const struct model_file *file, struct http_seg **ret,
                     size_t *ret_n, struct err *e)
{
    struct str text;
    int found = model_get_part(&api_app(rq)->registry, &rq->arena, MODEL_PART_TEXT, &file->layer,
                               file->at, &text, e);

    if (found <= 0)
        return found;
    *ret = ARENA_NEW(&rq->arena, struct http_seg);
    **ret = (struct http_seg){.mem = text.p, .len = text.n};
    *ret_n = 1;
    return 1;
}

int harbor_model_file_segs(struct http_req *rq, const struct artifact_facts *f,
                           const struct model_file *file, struct blob *ret_layer,
                           struct http_seg **ret, size_t *ret_n, struct err *e)
{
    struct repo_name repo;
    struct blob b;

    if (repo_name_parse(f->repository, &repo, e) < 0)
        return -1;
    /* Also of what is kept: the repository has to hold the layer. */
    int found = blob_find(&api_app(rq)->registry, &rq->arena, &repo, &file->layer, &b, e);
    bool plain = str_eqz(file->encoding, "raw") || str_eqz(file->encoding, "tar");
    if (found > 0 && !plain) {
        *ret_layer = b;
        return kept_text(rq, file, ret, ret_n, e);
    }
    if (found > 0 && (file->at > b.size || file->size > b.size - file->at))
        return ERR(e, CORRUPT, "\"%.*s\" does not lie within its layer", S(file->path));
    if (found > 0)
        found = api_blob_segs(rq, &repo, &b, file->at, file->size, ret, ret_n, e);
    if (found < 0)
        return -1;
    *ret_layer = b;
    return found ? 1
                 : ERR(e, NOT_FOUND, "the layer %s of \"%.*s\" is not here", file->layer.text,
                       S(file->path));
}
