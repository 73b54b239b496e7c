/* SPDX-License-Identifier: Apache-2.0 */
#include "model/window.h"

#include <inttypes.h>

void model_window_init(struct model_window *w, const struct model_reader *reader)
{
    *w = (struct model_window){.reader = reader, .end = reader->size, .step = MODEL_WINDOW_FIRST};
}

void model_window_autodone(struct model_window *w)
{
    mem_free(w->p);
}

void model_window_limit(struct model_window *w, uint64_t end)
{
    w->end = MIN_OF(end, w->reader->size);
}

void model_window_expect(struct model_window *w)
{
    uint64_t here = w->at + (w->fetched - w->used);
    if (w->end > here)
        w->step = (size_t)MIN_OF(w->end - here, MODEL_WINDOW_MAX);
}

uint64_t model_window_left(const struct model_window *w)
{
    return w->at < w->end ? w->end - w->at : 0;
}

int model_window_need(const struct model_window *w, uint64_t n, const char *what, struct err *e)
{
    if (n <= model_window_left(w))
        return 0;
    uint64_t left = w->at < w->reader->size ? w->reader->size - w->at : 0;
    if (n <= left)
        return ERR(e, LIMIT, "%s: a header of more than %" PRIu64 " bytes", what, w->end);
    return ERR(e, MODEL_INVALID,
               "%s: %" PRIu64 " bytes from byte %" PRIu64
               " on are needed, and the file ends at byte %" PRIu64 "; is it complete?",
               what, n, w->at, w->reader->size);
}

/* Fetches until min bytes are here; they are known to lie before the end. */
static int fetch(struct model_window *w, size_t min, const char *what, struct err *e)
{
    size_t here = w->fetched - w->used;
    uint64_t left = w->end - w->at - here;
    size_t n = (size_t)MIN_OF((uint64_t)MAX_OF(min - here, w->step), left);

    if (here && w->used)
        memmove(w->p, w->p + w->used, here);
    w->used = 0;
    w->fetched = here;
    if (w->cap < here + n) {
        w->cap = here + n;
        w->p = mem_realloc(w->p, w->cap);
    }
    if (model_read(w->reader, w->at + here, w->p + here, n, what, e) < 0)
        return -1;
    w->fetched += n;
    w->step = MIN_OF(w->step * 2, (size_t)MODEL_WINDOW_MAX);
    return 0;
}

int model_window_peek(struct model_window *w, size_t min, const char *what, struct str *ret,
                      struct err *e)
{
    if (model_window_need(w, min, what, e) < 0)
        return -1;
    if (w->fetched - w->used < min && fetch(w, min, what, e) < 0)
        return -1;
    *ret = str_of(w->p ? w->p + w->used : "",
                  (size_t)MIN_OF(w->fetched - w->used, model_window_left(w)));
    return 0;
}

int model_window_skip(struct model_window *w, uint64_t n, const char *what, struct err *e)
{
    if (model_window_need(w, n, what, e) < 0)
        return -1;
    size_t here = w->fetched - w->used;
    if (n <= here) {
        w->used += (size_t)n;
    } else {
        if (n - here > w->step) /* over what has not been wanted */
            w->step = MODEL_WINDOW_JUMPED;
        w->used = w->fetched = 0;
    }
    w->at += n;
    return 0;
}

int model_window_more(void *self, struct str *ret, struct err *e)
{
    struct model_window *w = self;
    if (model_window_left(w) == 0) {
        *ret = STR_NULL;
        return 0;
    }
    if (model_window_peek(w, 1, "the header", ret, e) < 0)
        return -1;
    return model_window_skip(w, ret->n, "the header", e);
}
