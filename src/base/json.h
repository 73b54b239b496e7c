/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: a writer over buf, and careful loading through jansson.
 *
 * Writer: commas and escapes are its business, nesting is checked by BUG_ON; the buffer's sticky
 * error is the only error. Loading refuses what is deeper than LIMIT_JSON_DEPTH, duplicate keys
 * and NUL in strings.
 */
#ifndef HAVEN_BASE_JSON_H
#define HAVEN_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

struct json_writer {
    struct buf *out;
    unsigned depth;
    uint64_t is_array; /* one bit a level */
    uint64_t has_items;
    bool after_key;
};

void jsonw_init(struct json_writer *w, struct buf *out);
void jsonw_object(struct json_writer *w);
void jsonw_object_done(struct json_writer *w);
void jsonw_list(struct json_writer *w);
void jsonw_list_done(struct json_writer *w);
void jsonw_key(struct json_writer *w, const char *key);
void jsonw_keys(struct json_writer *w, struct str key);
void jsonw_str(struct json_writer *w, struct str s);   /* invalid UTF-8 becomes U+FFFD */
void jsonw_strz(struct json_writer *w, const char *z); /* NULL writes null */
void jsonw_i64(struct json_writer *w, int64_t v);
void jsonw_u64(struct json_writer *w, uint64_t v);
void jsonw_boolean(struct json_writer *w, bool v);
void jsonw_nothing(struct json_writer *w);              /* null */
void jsonw_raw(struct json_writer *w, struct str json); /* a value that is JSON already */
/* Key and value in one call. */
void jsonw_kstr(struct json_writer *w, const char *key, struct str s);
void jsonw_kstrz(struct json_writer *w, const char *key, const char *z);
void jsonw_ki64(struct json_writer *w, const char *key, int64_t v);
void jsonw_ku64(struct json_writer *w, const char *key, uint64_t v);
void jsonw_kbool(struct json_writer *w, const char *key, bool v);

/* The parsed document (the caller json_decref's it) or NULL; the error says line and column and has
 * the given code. */
json_t *json_load(struct str text, enum err_code code, struct err *e);
/* A member: NULL if absent. The _str form: STR_NULL if absent or not a string. */
struct str json_get_str(const json_t *obj, const char *key);

void json_autodecref(json_t **p);
#define AUTO_JSON __attribute__((cleanup(json_autodecref))) json_t *

#endif
