/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streaming JSON reader against the one that builds trees: both take the same texts and read
 * the same values from them, whatever the pieces. The first byte is the size of the pieces.
 */
#include "base/json.h"
#include "base/jsonr.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
    struct str rest;
    size_t step;
};

static int more(void *self, struct str *ret, struct err *e)
{
    struct source *s = self;
    (void)e;
    *ret = str_head(s->rest, s->step);
    s->rest = str_skip(s->rest, ret->n);
    return 0;
}

static void copy_token(const struct jsonr *r, struct json_writer *w)
{
    switch (r->type) {
    case JSONR_OBJECT:
        jsonw_object(w);
        break;
    case JSONR_OBJECT_DONE:
        jsonw_object_done(w);
        break;
    case JSONR_LIST:
        jsonw_list(w);
        break;
    case JSONR_LIST_DONE:
        jsonw_list_done(w);
        break;
    case JSONR_KEY:
        jsonw_keys(w, r->text);
        break;
    case JSONR_STRING:
        jsonw_str(w, r->text);
        break;
    case JSONR_NUMBER:
        jsonw_raw(w, r->text);
        break;
    case JSONR_TRUE:
    case JSONR_FALSE:
        jsonw_boolean(w, r->type == JSONR_TRUE);
        break;
    case JSONR_NOTHING:
        jsonw_nothing(w);
        break;
    case JSONR_END:
        break;
    }
}

/* Everything that is read, written again. */
static int read_all(struct jsonr *r, struct buf *out, struct err *e)
{
    struct json_writer w;
    jsonw_init(&w, out);
    do {
        if (jsonr_next(r, e) < 0)
            return -1;
        BUG_ON(r->text.n != r->text_length || r->depth > LIMIT_JSON_DEPTH);
        copy_token(r, &w);
    } while (r->type != JSONR_END);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {.code = ERR_OK};
    json_error_t why;
    if (size == 0)
        return 0;
    struct str text = str_of((const char *)data + 1, size - 1);
    struct source source = {.rest = text, .step = (size_t)data[0] + 1};
    AUTO(jsonr) r = {0};
    AUTO(buf) out = {0};
    buf_init(&out, 8 * size + 64);
    jsonr_init(&r, more, &source, size, ERR_MODEL_INVALID);
    int rc = read_all(&r, &out, &e);
    AUTO_JSON tree = json_loadb(text.p, text.n, JSON_DECODE_ANY, &why);
    if (rc < 0) {
        BUG_ON(e.code != ERR_MODEL_INVALID);
        /* the other one drops a NUL behind a number */
        BUG_ON(tree && !memchr(text.p, '\0', text.n) && !strstr(e.msg, "nested too deep"));
        return 0;
    }
    BUG_ON(!buf_ok(&out));
    if (!tree) { /* it takes no number that C's types do not hold */
        BUG_ON(json_error_code(&why) != json_error_numeric_overflow);
        return 0;
    }
    AUTO_JSON again = json_loadb(out.p, out.n, JSON_DECODE_ANY, &why);
    BUG_ON(!again || !json_equal(tree, again));
    return 0;
}
