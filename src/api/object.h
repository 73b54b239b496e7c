/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object: the JSON objects of the API as tables of fields.
 *
 * One row of a table says what a field is called, what it holds, where its value lies in the C
 * structure and what it means. The same row writes it into answers, reads it from requests, checks
 * it, and describes it in the OpenAPI file. What is in no table is neither written nor read.
 */
#ifndef HAVEN_API_OBJECT_H
#define HAVEN_API_OBJECT_H

#include "base/arena.h"
#include "base/json.h"

/* The type of a field, and of the member of the structure that holds it. */
enum api_type {
    API_INT,    /* int64_t */
    API_BOOL,   /* bool */
    API_STR,    /* struct str */
    API_TIME,   /* int64_t: UTC milliseconds; 0 is written as the year 1 */
    API_OBJECT, /* pointer to a structure; NULL: none */
    API_LIST,   /* struct api_list of structures */
    API_STRS,   /* struct api_strs */
    API_INTS,   /* struct api_ints */
    API_JSON,   /* struct str: JSON, written as it is; empty: none */
};

enum api_flag {
    API_ALWAYS = 1,   /* written though it is zero or empty */
    API_REQUIRED = 2, /* a request without it is refused */
    API_SECRET = 4,   /* never written to a log */
    API_IF_SET = 8,   /* a time that is left out when it is zero */
};

struct api_field {
    const char *name;
    enum api_type type;
    size_t at; /* offset of the member */
    unsigned flags;
    /* API_OBJECT, API_LIST: of what. API_JSON: what the JSON holds, which is described and not
     * looked at; NULL: that is not known. */
    const struct api_object *object;
    size_t max; /* API_STR in requests: most bytes; 0: LIMIT_API_TEXT */
    const char *doc;
};

struct api_object {
    const char *name; /* in the OpenAPI file */
    size_t size;      /* of the structure */
    const struct api_field *fields;
    size_t n;
    const char *doc;
};

struct api_list {
    void *items;
    size_t n;
};
struct api_strs {
    struct str *v;
    size_t n;
};
struct api_ints {
    int64_t *v;
    size_t n;
};

/* Writes an object. Zero values are left out unless API_ALWAYS; times are always there (unless
 * API_IF_SET), and lists, which are null when empty. */
void api_object_write(struct json_writer *w, const struct api_object *o, const void *from);
/* The same for a list of them; "[]" when empty. */
void api_objects_write(struct json_writer *w, const struct api_object *o, const void *items,
                       size_t n);

/* Which fields of the outermost object a request gave (null does not count), by their place. */
struct api_given {
    uint64_t bits;
};
bool api_given(const struct api_object *o, const struct api_given *g, const char *field);

/* Reads the body of a request into a zeroed structure; texts lie in the arena. Members that no
 * table names are ignored. BAD_REQUEST for what is no such JSON, UNPROCESSABLE for a field that is
 * missing or too long; both name the field. */
int api_object_read(struct arena *a, const struct api_object *o, struct str body, void *ret,
                    struct api_given *ret_given, struct err *e);

#endif
