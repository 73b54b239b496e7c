/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/index.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "jobs/index_look.h"
#include "jobs/parser.h"
#include "registry/blob_source.h"
#include "registry/model.h"

/* Documents of which the reading is asked for at once. */
#define SWEEP_AT_ONCE 500

struct reader {
    struct task_context context;
    struct parser *parser;
    int64_t swept; /* up to this document */
    bool sweeping;
};

/* What a list need not show of many. */
static int summarize(struct arena *a, const json_t *facts, struct str *ret, struct err *e)
{
    AUTO_JSON summary = json_copy((json_t *)(uintptr_t)facts);
    size_t n = json_array_size(json_object_get(facts, "files"));

    if (!summary || json_object_del(summary, "files") < 0 ||
        json_object_set_new(summary, "file_count", json_integer((json_int_t)n)) < 0)
        return ERR(e, MODEL_INVALID, "what the reader found names no files");
    (void)json_object_del(summary, "warnings");
    AUTO_FREE char *text = json_dumps(summary, JSON_COMPACT);
    if (!text || strlen(text) > LIMIT_INDEX_SUMMARY)
        return ERR(e, LIMIT, "what is known of it takes more than %llu KiB",
                   LIMIT_INDEX_SUMMARY / KIB);
    *ret = arena_str(a, str_from(text));
    return 0;
}

/* The parser may have been taken over by what it read: its facts have to be what they should be. */
static int take_facts(struct arena *a, struct model_content *c, struct err *e)
{
    AUTO_JSON json = json_load(c->facts, ERR_MODEL_INVALID, e);
    if (!json)
        return err_wrap(e, "what the reader found");
    if (!json_is_object(json))
        return ERR(e, MODEL_INVALID, "what the reader found is no JSON object");
    return summarize(a, json, &c->summary, e);
}

static int sort_documents(struct arena *a, const struct parser_result *got,
                          struct model_content *ret, struct err *e)
{
    struct model_content f = {.facts = STR_NULL};
    struct model_part *parts = arena_try(a, got->n * sizeof(*parts) + 1, e);

    if (!parts)
        return -1;
    f.parts = parts;
    for (size_t i = 0; i < got->n; i++) {
        const struct parser_document *d = &got->documents[i];
        if (str_eqz(d->kind, INDEX_FACTS)) {
            f.facts = d->bytes;
            continue;
        }
        parts[f.n_parts++] = (struct model_part){
            .kind = str_eqz(d->kind, INDEX_WEIGHTS) ? MODEL_PART_WEIGHTS : MODEL_PART_TEXT,
            .blob = d->blob,
            .at = d->at,
            .bytes = d->bytes};
    }
    if (!f.facts.p || f.facts.n > LIMIT_INDEX_FACTS)
        return ERR(e, MODEL_INVALID, "the reader found nothing, or too much");
    *ret = f;
    return take_facts(a, ret, e);
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

static int look(struct reader *r, struct arena *a, struct str type, struct str manifest,
                struct model_content *ret, struct err *e)
{
    AUTO(blob_source) blobs = {0};
    struct parser_result got;

    blob_source_init(&blobs, r->context.registry);
    const struct model_source source = blob_source_source(&blobs);
    if (parser_look(r->parser, a, manifest, type, &source, INDEX_BUDGET_MS, r->context.stop, &got,
                    e) < 0)
        return -1;
    return sort_documents(a, &got, ret, e);
}

/* What cannot be read as a manifest names nothing, or only what its model does. */
static void find_links(struct arena *a, struct str type, struct str manifest, struct str facts,
                       struct links *ret)
{
    struct oci_manifest m;
    bool is_manifest = manifest.n && oci_manifest_parse(a, manifest, type, &m, NULL) == 0;
    link_find(a, is_manifest ? &m : NULL, facts, ret);
}

/* Reads the document of a task and ends it. CANCELLED: it is to stop. */
static int run(void *self, const struct task *t, struct err *e)
{
    AUTO(arena) a = {0};
    AUTO(buf) said = {0};
    struct reader *r = self;
    struct str type = STR_NULL, manifest = STR_NULL;
    struct model_content f = {.facts = STR_NULL};
    struct err why = {.code = ERR_OK};
    struct links links;

    arena_init(&a, LIMIT_PARSER_RESULT + LIMIT_MODEL_TEXT);
    buf_init(&said, 2 * ERR_MSG_MAX + 256);
    int found = model_document(r->context.registry, &a, t->subject, &type, &manifest, e);
    if (found < 0)
        return -1;
    if (found > 0 && look(r, &a, type, manifest, &f, &why) < 0) {
        if (!is_about_content(&why)) {
            *e = why;
            return -1;
        }
        LOG(INFO, "index.finding", log_i64("document", t->subject), log_err(&why));
        f = (struct model_content){.facts = finding(&said, &why)};
        f.summary = STR("{}");
    }
    find_links(&a, type, manifest, f.facts, &links);
    f.links = &links;
    if (model_write(r->context.registry, t->subject, &f, t, r->context.holder, e) < 0)
        return -1;
    METRIC_ADD(tasks_done, 1);
    return 1;
}

/* Asks for the reading of what nobody has read, some of it. */
static int sweep(void *self, struct err *e)
{
    struct reader *r = self;
    size_t n = 0;

    if (!r->sweeping)
        return 0;
    if (model_queue_unread(r->context.registry, r->swept, SWEEP_AT_ONCE, &n, &r->swept, e) < 0)
        return -1;
    r->sweeping = n > 0;
    return r->sweeping;
}

static void *start(const struct task_context *c)
{
    struct reader *r = NEW(struct reader);

    *r = (struct reader){.context = *c, .parser = parser_new(NULL), .sweeping = true};
    return r;
}

static void stop(void *self)
{
    struct reader *r = self;

    parser_autofree(&r->parser);
    mem_free(r);
}

const struct task_kind index_kind = {
    .name = TASK_INDEX,
    .thread = "tasks",
    .rung = true,
    .look_every_ms = 5000,
    .waits = "tasks.failed",
    .start = start,
    .stop = stop,
    .run = run,
    .fill = sweep,
};
