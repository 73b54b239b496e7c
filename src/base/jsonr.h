/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonr: a reader that hands out JSON token by token, from memory or from a source that refills.
 *
 * For documents that are too large to become a tree (the header of a weight file has up to 100 MB):
 * memory is one string and one bit per level. It takes exactly RFC 8259, in UTF-8 without a byte
 * order mark: control characters in strings, lone surrogates, NUL (\u0000), numbers such as 01 or
 * 1., commas before a bracket and text behind the value are refused, and so is nesting deeper than
 * LIMIT_JSON_DEPTH. It does not notice duplicate keys: who needs that keeps the keys.
 *
 *     AUTO(jsonr) r = {0};
 *     jsonr_init_memory(&r, text, LIMIT_WEIGHT_NOTE, ERR_MODEL_INVALID);
 *     do {
 *         if (jsonr_next(&r, e) < 0)
 *             return -1;
 *         … r.type, r.text …
 *     } while (r.type != JSONR_END);
 *
 * Errors have the code given at init and say line and column (in bytes). After an error there is
 * nothing more to read. One thread at a time.
 */
#ifndef HAVEN_BASE_JSONR_H
#define HAVEN_BASE_JSONR_H

#include "base/buf.h"
#include "base/err.h"

enum jsonr_type {
    JSONR_END, /* the document is complete; comes again and again */
    JSONR_OBJECT,
    JSONR_OBJECT_DONE,
    JSONR_LIST,
    JSONR_LIST_DONE,
    JSONR_KEY,
    JSONR_STRING,
    JSONR_NUMBER,
    JSONR_TRUE,
    JSONR_FALSE,
    JSONR_NOTHING /* null */
};

/* The next bytes of the document: valid until the next call. *ret empty: it ends here. */
typedef int jsonr_more(void *self, struct str *ret, struct err *e);

struct jsonr {
    /* The token that jsonr_next has read. */
    enum jsonr_type type;
    struct str text;      /* of a key or string without its escapes, of a number as it stands;
                             valid until the next call */
    uint64_t text_length; /* its whole length in bytes: more than text.n when it passes the ceiling,
                             and then text is only its beginning (whole characters) */
    unsigned depth;       /* objects and lists that are open */

    /* Private. */
    jsonr_more *more;
    void *self;
    struct str rest; /* of what `more` gave last */
    uint64_t read;   /* bytes taken from rests so far, */
    uint64_t line, line_start;
    uint64_t is_list; /* one bit a level */
    unsigned want;
    bool ended, cut;
    struct buf kept;
    enum err_code code;
};

/* text_max: ceiling of `text` in bytes. Longer strings are checked and read past. */
void jsonr_init(struct jsonr *r, jsonr_more *more, void *self, size_t text_max, enum err_code code);
void jsonr_init_memory(struct jsonr *r, struct str text, size_t text_max, enum err_code code);
void jsonr_autodone(struct jsonr *r);

int jsonr_next(struct jsonr *r, struct err *e);
/* Reads past what began with the token just read: to the end of an object or list, past a key's
 * value; anything else is read already. */
int jsonr_skip(struct jsonr *r, struct err *e);

/* The number just read, when it is written as nothing but digits and fits. */
bool jsonr_u64(const struct jsonr *r, uint64_t *ret);
/* An error at the place just read, for readers who expected something else. */
int jsonr_wrong(const struct jsonr *r, const char *what, struct err *e);

#endif
