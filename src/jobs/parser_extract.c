/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One conversation for files of a layer (see parser_frame.h): send EXTRACT, answer wishes, hand on
 * content, until DONE or WRONG. The process says nothing about how much it sends: that is known,
 * and what it sends is cut where one part ends and the next begins.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "jobs/parser.h"

/* Somebody waits for it; but who pulls comes first. */
enum { NICE = 10 };

struct extraction {
    struct parser_talk talk;
    const struct parser_extraction *x;
    uint64_t read_at; /* of the blob: where the next wish begins */
    size_t part;      /* that comes in */
    uint64_t part_at; /* bytes of it that have come */
    parser_take_fn *take;
    void *self;
    char *content; /* LIMIT_PARSER_PIECE bytes */
};

/* A blob is read once, from its beginning: it cannot be asked for more than it has. */
static int answer_wish(struct extraction *r, uint32_t n, struct err *e)
{
    char content[PARSER_FRAME_SMALL];
    struct parser_wish w;
    struct str got;

    if (parser_receive_small(&r->talk, n, content, &got, e) < 0 ||
        parser_frame_wish_read(got, &w, e) < 0)
        return -1;
    if (!digest_eq(&w.blob, &r->x->blob) || w.size != r->x->size)
        return ERR(e, MODEL_INVALID, "the reader of models asked for %s, which is none of its own",
                   w.blob.text);
    if (w.at != r->read_at)
        return ERR(e, MODEL_INVALID, "the reader of models does not read from front to back");
    r->read_at += w.n;
    return parser_answer(&r->talk, &w, e);
}

static int take_content(struct extraction *r, uint32_t n, struct err *e)
{
    const char *p = r->content;
    if (n == 0)
        return ERR(e, MODEL_INVALID, "the reader of models sends nothing");
    if (parser_receive(&r->talk, r->content, n, e) < 0)
        return -1;
    while (n) {
        if (r->part == r->x->n)
            return ERR(e, MODEL_INVALID, "the reader of models sends more than there is");
        uint64_t left = r->x->parts[r->part].size - r->part_at;
        uint32_t here = (uint32_t)MIN_OF(left, (uint64_t)n);
        if (r->take(r->self, r->part, p, here, e) < 0)
            return -1;
        p += here;
        n -= here;
        r->part_at += here;
        if (here == left) {
            r->part++;
            r->part_at = 0;
        }
    }
    return 0;
}

static int ask(struct extraction *r, struct err *e)
{
    uint8_t head[PARSER_FRAME_HEAD], content[PARSER_FRAME_EXTRACT_MAX];
    size_t n = parser_frame_extract_write(r->x, content);
    parser_frame_head_write(PARSER_EXTRACT, n, head);
    return parser_transmit(&r->talk, head, sizeof(head), e) < 0
               ? -1
               : parser_transmit(&r->talk, content, n, e);
}

static int converse(struct extraction *r, struct err *e)
{
    if (ask(r, e) < 0)
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
        case PARSER_CONTENT:
            if (take_content(r, head.n, e) < 0)
                return -1;
            break;
        case PARSER_DONE:
            return r->part == r->x->n
                       ? 0
                       : ERR(e, MODEL_INVALID, "the reader of models sends less than there is");
        case PARSER_WRONG:
            return parser_hear_wrong(&r->talk, head.n, e);
        default:
            return ERR(e, MODEL_INVALID, "the reader of models speaks out of turn");
        }
    }
}

int parser_extract(struct parser *p, const struct parser_extraction *x,
                   const struct model_source *source, int64_t budget_ms, const atomic_bool *stop,
                   parser_take_fn *take, void *self, struct err *e)
{
    struct extraction r = {.talk = {.p = p, .source = source, .budget_ms = budget_ms, .stop = stop},
                           .x = x,
                           .take = take,
                           .self = self};
    struct err err = {.code = ERR_OK};
    int status;

    if (parser_start(p, NICE, stop, &status, e) < 0)
        return parser_was_killed(status) ? 1 : -1;
    r.content = mem_alloc(LIMIT_PARSER_PIECE);
    r.talk.deadline = clock_mono_ms() + budget_ms;
    int rc = converse(&r, &err);
    mem_free(r.content);
    status = parser_end(p, r.talk.gone);
    if (rc == 0)
        return 0;
    if (r.talk.gone)
        (void)parser_say_how(status, &err);
    if (r.talk.source_failed)
        err = r.talk.source_err;
    if (e)
        *e = err;
    return r.talk.gone && parser_was_killed(status) && !r.talk.source_failed ? 1 : -1;
}
