/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/index.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/index_look.h"
#include "registry/blob_source.h"
#include "registry/model.h"

/* Of what the parser gave. */
struct found {
    struct str facts;
    struct model_part *parts;
    size_t n_parts;
};

/* The parser may have been taken over by what it read: its facts have to be what they should be. */
static int take_facts(struct str text, struct err *e)
{
    AUTO_JSON json = json_load(text, ERR_MODEL_INVALID, e);
    if (!json)
        return err_wrap(e, "what the reader found");
    return json_is_object(json) ? 0
                                : ERR(e, MODEL_INVALID, "what the reader found is no JSON object");
}

static int sort_documents(struct arena *a, const struct parser_result *got, struct found *ret,
                          struct err *e)
{
    struct found f = {.facts = STR_NULL};

    f.parts = arena_try(a, got->n * sizeof(*f.parts) + 1, e);
    if (!f.parts)
        return -1;
    for (size_t i = 0; i < got->n; i++) {
        const struct parser_document *d = &got->documents[i];
        if (str_eqz(d->kind, INDEX_FACTS)) {
            f.facts = d->bytes;
            continue;
        }
        f.parts[f.n_parts++] = (struct model_part){
            .kind = str_eqz(d->kind, INDEX_WEIGHTS) ? MODEL_PART_WEIGHTS : MODEL_PART_TEXT,
            .blob = d->blob,
            .at = d->at,
            .bytes = d->bytes};
    }
    if (!f.facts.p || f.facts.n > LIMIT_INDEX_FACTS)
        return ERR(e, MODEL_INVALID, "the reader found nothing, or too much");
    *ret = f;
    return take_facts(f.facts, e);
}

static bool is_about_content(const struct err *e)
{
    return e->code == ERR_MODEL_INVALID || e->code == ERR_LIMIT;
}

/* Facts that say only why there are none. */
static struct str finding(struct buf *out, const struct err *why)
{
    struct json_writer w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key(&w, "warnings");
    jsonw_list(&w);
    jsonw_strz(&w, why->msg);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    return buf_str(out);
}

static int look(struct registry *r, struct arena *a, struct parser *p, struct str type,
                struct str manifest, const atomic_bool *stop, struct found *ret, struct err *e)
{
    AUTO(blob_source) blobs = {0};
    struct parser_result got;

    blob_source_init(&blobs, r);
    const struct model_source source = blob_source_source(&blobs);
    if (parser_look(p, a, manifest, type, &source, INDEX_BUDGET_MS, stop, &got, e) < 0)
        return -1;
    return sort_documents(a, &got, ret, e);
}

int index_run(struct registry *r, struct parser *p, const struct task *t, const char *holder,
              const atomic_bool *stop, struct err *e)
{
    AUTO(arena) a = {0};
    AUTO(buf) said = {0};
    struct str type = STR_NULL, manifest = STR_NULL;
    struct found f = {.facts = STR_NULL};
    struct err why = {.code = ERR_OK};

    arena_init(&a, LIMIT_PARSER_RESULT + LIMIT_MODEL_TEXT);
    buf_init(&said, 2 * ERR_MSG_MAX + 256);
    int found = model_document(r, &a, t->subject, &type, &manifest, e);
    if (found < 0)
        return -1;
    if (found > 0 && look(r, &a, p, type, manifest, stop, &f, &why) < 0) {
        if (!is_about_content(&why)) {
            *e = why;
            return -1;
        }
        LOG(INFO, "index.finding", log_i64("document", t->subject), log_err(&why));
        f = (struct found){.facts = finding(&said, &why)};
    }
    return model_write(r, t->subject, f.facts, f.parts, f.n_parts, t, holder, e);
}
