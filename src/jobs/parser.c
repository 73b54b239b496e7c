/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One conversation for an artifact (see parser_frame.h): send LOOK, answer wishes, keep documents,
 * until DONE or WRONG. Whatever else happens ends the process, and how it ended says whose fault it
 * was. Nothing here waits without a deadline but the source.
 */
#include "jobs/parser.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "oci/manifest.h"

/* The last of all: who pulls comes first. */
enum { NICE = 19 };

/* The reading of one artifact. */
struct reading {
    struct parser_talk talk; /* the present attempt; with it, what it has found: */
    struct arena *arena;
    const struct oci_manifest *manifest;
    struct parser_document *documents;
    size_t n, cap;
    uint64_t total;
};

/* ---- the conversation ---- */

static bool is_named(const struct oci_descriptor *d, const struct digest *blob)
{
    return d->size >= 0 && digest_eq(&d->digest, blob);
}

/* Does the manifest name the blob (any: with this size)? */
static bool names(const struct oci_manifest *m, const struct digest *blob, bool any, uint64_t size)
{
    if (m->has_config && is_named(&m->config, blob) && (any || (uint64_t)m->config.size == size))
        return true;
    for (size_t i = 0; i < m->n_items; i++)
        if (is_named(&m->items[i], blob) && (any || (uint64_t)m->items[i].size == size))
            return true;
    return false;
}

static int answer_wish(struct reading *r, uint32_t n, struct err *e)
{
    char content[PARSER_FRAME_SMALL];
    struct parser_wish w;
    struct str got;

    if (parser_receive_small(&r->talk, n, content, &got, e) < 0 ||
        parser_frame_wish_read(got, &w, e) < 0)
        return -1;
    if (!names(r->manifest, &w.blob, false, w.size))
        return ERR(e, MODEL_INVALID, "the reader of models asked for %s, which is none of its own",
                   w.blob.text);
    return parser_answer(&r->talk, &w, e);
}

static int grow(struct reading *r, struct err *e)
{
    size_t cap = r->cap ? 2 * r->cap : 16;
    if (r->n < r->cap)
        return 0;
    struct parser_document *more = arena_try(r->arena, cap * sizeof(*more), e);
    if (!more)
        return -1;
    if (r->n)
        memcpy(more, r->documents, r->n * sizeof(*more));
    r->documents = more;
    r->cap = cap;
    return 0;
}

static int keep_document(struct reading *r, uint32_t n, struct err *e)
{
    struct parser_found d;
    if (r->n >= LIMIT_PARSER_DOCUMENTS || n > LIMIT_PARSER_RESULT - r->total)
        return ERR(e, MODEL_INVALID, "the reader of models found too much in it");
    char *content = arena_try(r->arena, (size_t)n + 1, e);
    if (!content || grow(r, e) < 0)
        return err_wrap(e, "what was found in it");
    if (parser_receive(&r->talk, content, n, e) < 0 ||
        parser_frame_document_read(str_of(content, n), &d, e) < 0)
        return -1;
    if (d.has_blob && !names(r->manifest, &d.blob, true, 0))
        return ERR(e, MODEL_INVALID, "the reader of models told of %s, which is none of its own",
                   d.blob.text);
    r->total += n;
    r->documents[r->n++] = (struct parser_document){
        .kind = d.kind, .has_blob = d.has_blob, .blob = d.blob, .at = d.at, .bytes = d.bytes};
    return 0;
}

static int ask(struct reading *r, struct str manifest, struct str media_type, struct err *e)
{
    uint8_t head[PARSER_FRAME_HEAD], fixed[PARSER_FRAME_SMALL];
    size_t n = parser_frame_look_write(media_type, fixed);
    parser_frame_head_write(PARSER_LOOK, n + manifest.n, head);
    if (parser_transmit(&r->talk, head, sizeof(head), e) < 0 ||
        parser_transmit(&r->talk, fixed, n, e) < 0)
        return -1;
    return parser_transmit(&r->talk, manifest.p, manifest.n, e);
}

static int converse(struct reading *r, struct str manifest, struct str media_type, struct err *e)
{
    if (ask(r, manifest, media_type, e) < 0)
        return -1;
    for (;;) {
        struct parser_frame_head head;
        if (parser_receive_head(&r->talk, &head, e) < 0)
            return -1;
        switch (head.kind) {
        case PARSER_WISH:
            if (answer_wish(r, head.n, e) < 0)
                return -1;
            break;
        case PARSER_DOCUMENT:
            if (keep_document(r, head.n, e) < 0)
                return -1;
            break;
        case PARSER_DONE:
            return 0;
        case PARSER_WRONG:
            return parser_hear_wrong(&r->talk, head.n, e);
        default:
            return ERR(e, MODEL_INVALID, "the reader of models speaks out of turn");
        }
    }
}

/* ---- one artifact ---- */

/* One attempt: 1 it is worth another one, 0, -1. */
static int attempt(struct reading *r, struct str manifest, struct str media_type, struct err *e)
{
    int status;
    if (parser_start(r->talk.p, NICE, r->talk.stop, &status, e) < 0)
        return parser_was_killed(status) ? 1 : -1;
    r->talk.deadline = clock_mono_ms() + r->talk.budget_ms;
    int rc = converse(r, manifest, media_type, e);
    status = parser_end(r->talk.p, r->talk.gone);
    if (rc == 0 || !r->talk.gone)
        return rc;
    (void)parser_say_how(status, e);
    return parser_was_killed(status) ? 1 : -1;
}

static int invalid(struct err *e)
{
    if (e)
        e->code = ERR_MODEL_INVALID;
    return -1;
}

int parser_look(struct parser *p, struct arena *a, struct str manifest, struct str media_type,
                const struct model_source *source, int64_t budget_ms, const atomic_bool *stop,
                struct parser_result *ret, struct err *e)
{
    struct oci_manifest m;
    struct err err = {.code = ERR_OK};
    int rc = 1;

    if (manifest.n > LIMIT_MANIFEST || media_type.n > LIMIT_MEDIA_TYPE)
        return ERR(e, MODEL_INVALID, "the manifest is too large");
    if (oci_manifest_parse(a, manifest, media_type, &m, e) < 0)
        return invalid(e);
    budget_ms = MIN_OF(budget_ms, (int64_t)LIMIT_PARSER_BUDGET_MS);
    struct reading r = {.arena = a};
    for (int tries = 0; rc == 1 && tries < 2; tries++) {
        r = (struct reading){
            .talk = {.p = p, .source = source, .budget_ms = budget_ms, .stop = stop},
            .arena = a,
            .manifest = &m};
        rc = attempt(&r, manifest, media_type, &err);
        if (rc == 1 && tries == 0)
            LOG(WARN, "parser.again", log_err(&err));
    }
    if (r.talk.source_failed)
        err = r.talk.source_err;
    else if (rc != 0 && err.code == ERR_LIMIT)
        err.code = ERR_MODEL_INVALID;
    if (rc == 0 && !r.talk.source_failed) {
        *ret = (struct parser_result){.documents = r.documents, .n = r.n};
        return 0;
    }
    if (e)
        *e = err;
    return -1;
}
