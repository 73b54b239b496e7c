/* SPDX-License-Identifier: Apache-2.0 */
#include "api/object.h"

#include "base/clock.h"
#include "base/limits.h"

/* ---- writing ---- */

static const void *member(const void *from, const struct api_field *f)
{
    return (const char *)from + f->at;
}

static void write_time(struct json_writer *w, int64_t ms)
{
    char text[CLOCK_TEXT_MAX];
    jsonw_strz(w, ms ? clock_rfc3339(ms, text) : "0001-01-01T00:00:00.000Z");
}

static void write_list(struct json_writer *w, const struct api_field *f, const void *at)
{
    const struct api_list *list = at;
    if (list->n)
        api_objects_write(w, f->object, list->items, list->n);
    else
        jsonw_nothing(w);
}

static void write_strs(struct json_writer *w, const struct api_strs *s)
{
    if (s->n == 0) {
        jsonw_nothing(w);
        return;
    }
    jsonw_list(w);
    for (size_t i = 0; i < s->n; i++)
        jsonw_str(w, s->v[i]);
    jsonw_list_done(w);
}

static void write_ints(struct json_writer *w, const struct api_ints *s)
{
    if (s->n == 0) {
        jsonw_nothing(w);
        return;
    }
    jsonw_list(w);
    for (size_t i = 0; i < s->n; i++)
        jsonw_i64(w, s->v[i]);
    jsonw_list_done(w);
}

static bool is_zero(const struct api_field *f, const void *at)
{
    switch (f->type) {
    case API_INT:
        return *(const int64_t *)at == 0;
    case API_BOOL:
        return !*(const bool *)at;
    case API_STR:
    case API_JSON:
        return ((const struct str *)at)->n == 0;
    case API_OBJECT:
        return *(const void *const *)at == NULL;
    case API_TIME:
        return (f->flags & API_IF_SET) && *(const int64_t *)at == 0;
    case API_LIST:
    case API_STRS:
    case API_INTS:
        break;
    }
    return false;
}

static void write_field(struct json_writer *w, const struct api_field *f, const void *at)
{
    bool zero = is_zero(f, at);

    if (zero && !(f->flags & API_ALWAYS))
        return;
    jsonw_key(w, f->name);
    switch (f->type) {
    case API_INT:
        jsonw_i64(w, *(const int64_t *)at);
        break;
    case API_BOOL:
        jsonw_boolean(w, *(const bool *)at);
        break;
    case API_STR:
        jsonw_str(w, *(const struct str *)at);
        break;
    case API_TIME:
        write_time(w, *(const int64_t *)at);
        break;
    case API_OBJECT:
        if (zero)
            jsonw_nothing(w);
        else
            api_object_write(w, f->object, *(const void *const *)at);
        break;
    case API_LIST:
        write_list(w, f, at);
        break;
    case API_STRS:
        write_strs(w, at);
        break;
    case API_INTS:
        write_ints(w, at);
        break;
    case API_JSON:
        if (zero)
            jsonw_nothing(w);
        else
            jsonw_raw(w, *(const struct str *)at);
        break;
    }
}

void api_object_write(struct json_writer *w, const struct api_object *o, const void *from)
{
    jsonw_object(w);
    for (size_t i = 0; i < o->n; i++)
        write_field(w, &o->fields[i], member(from, &o->fields[i]));
    jsonw_object_done(w);
}

void api_objects_write(struct json_writer *w, const struct api_object *o, const void *items,
                       size_t n)
{
    jsonw_list(w);
    for (size_t i = 0; i < n; i++)
        api_object_write(w, o, (const char *)items + i * o->size);
    jsonw_list_done(w);
}

/* ---- reading ---- */

bool api_given(const struct api_object *o, const struct api_given *g, const char *field)
{
    for (size_t i = 0; i < o->n; i++)
        if (strcmp(o->fields[i].name, field) == 0)
            return g->bits >> i & 1;
    err_bug(__FILE__, __LINE__, "the object has no such field");
}

static int read_object(struct arena *a, const struct api_object *o, const json_t *json, void *ret,
                       struct api_given *ret_given, struct err *e);

static int mistyped(const struct api_field *f, struct err *e)
{
    static const char *const kinds[] = {
        [API_INT] = "a whole number",
        [API_BOOL] = "true or false",
        [API_STR] = "a text",
        [API_TIME] = "a time such as 2026-01-02T03:04:05Z",
        [API_OBJECT] = "an object",
        [API_LIST] = "a list of objects",
        [API_STRS] = "a list of texts",
        [API_INTS] = "a list of whole numbers",
        [API_JSON] = "JSON",
    };
    return ERR(e, BAD_REQUEST, "\"%s\" must be %s", f->name, kinds[f->type]);
}

static int read_text(struct arena *a, const struct api_field *f, const json_t *v, struct str *ret,
                     struct err *e)
{
    size_t max = f->max ? f->max : LIMIT_API_TEXT;

    if (!json_is_string(v))
        return mistyped(f, e);
    if (json_string_length(v) > max)
        return ERR(e, UNPROCESSABLE, "\"%s\" is longer than %zu bytes", f->name, max);
    *ret = arena_str(a, str_of(json_string_value(v), json_string_length(v)));
    return 0;
}

static int read_list(struct arena *a, const struct api_field *f, const json_t *v, void *at,
                     struct err *e)
{
    size_t n = json_array_size(v);

    if (!json_is_array(v))
        return mistyped(f, e);
    if (n > LIMIT_API_ITEMS)
        return ERR(e, UNPROCESSABLE, "\"%s\" has more than %d entries", f->name, LIMIT_API_ITEMS);
    if (f->type == API_STRS) {
        struct api_strs *s = at;
        s->v = ARENA_ARRAY(a, n, struct str);
        for (; s->n < n; s->n++)
            if (read_text(a, f, json_array_get(v, s->n), &s->v[s->n], e) < 0)
                return -1;
        return 0;
    }
    if (f->type == API_INTS) {
        struct api_ints *s = at;
        s->v = ARENA_ARRAY(a, n, int64_t);
        for (; s->n < n; s->n++) {
            if (!json_is_integer(json_array_get(v, s->n)))
                return mistyped(f, e);
            s->v[s->n] = json_integer_value(json_array_get(v, s->n));
        }
        return 0;
    }
    struct api_list *list = at;
    list->items = arena_array(a, n, f->object->size);
    for (; list->n < n; list->n++) {
        void *item = (char *)list->items + list->n * f->object->size;
        if (read_object(a, f->object, json_array_get(v, list->n), item, NULL, e) < 0)
            return err_wrap(e, "\"%s\"", f->name);
    }
    return 0;
}

static int read_json(struct arena *a, const struct api_field *f, const json_t *v, struct str *ret,
                     struct err *e)
{
    AUTO_FREE char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

    if (!text || strlen(text) > LIMIT_API_TEXT)
        return ERR(e, UNPROCESSABLE, "\"%s\" is longer than %d bytes", f->name, LIMIT_API_TEXT);
    *ret = arena_str(a, str_from(text));
    return 0;
}

static int read_field(struct arena *a, const struct api_field *f, const json_t *v, void *at,
                      struct err *e)
{
    switch (f->type) {
    case API_INT:
        if (!json_is_integer(v))
            return mistyped(f, e);
        *(int64_t *)at = json_integer_value(v);
        return 0;
    case API_BOOL:
        if (!json_is_boolean(v))
            return mistyped(f, e);
        *(bool *)at = json_is_true(v);
        return 0;
    case API_STR:
        return read_text(a, f, v, at, e);
    case API_TIME:
        if (!json_is_string(v) ||
            !clock_parse_rfc3339(str_of(json_string_value(v), json_string_length(v)), at))
            return mistyped(f, e);
        return 0;
    case API_OBJECT: {
        void *inner = arena_alloc(a, f->object->size);
        *(void **)at = inner;
        return read_object(a, f->object, v, inner, NULL, e) < 0 ? err_wrap(e, "\"%s\"", f->name)
                                                                : 0;
    }
    case API_LIST:
    case API_STRS:
    case API_INTS:
        return read_list(a, f, v, at, e);
    case API_JSON:
        return read_json(a, f, v, at, e);
    }
    err_bug(__FILE__, __LINE__, "unknown type of a field");
}

static int read_object(struct arena *a, const struct api_object *o, const json_t *json, void *ret,
                       struct api_given *ret_given, struct err *e)
{
    if (!json_is_object(json))
        return ERR(e, BAD_REQUEST, "it must be an object (%s)", o->name);
    for (size_t i = 0; i < o->n; i++) {
        const struct api_field *f = &o->fields[i];
        const json_t *v = json_object_get(json, f->name);
        if (!v || json_is_null(v)) {
            if (f->flags & API_REQUIRED)
                return ERR(e, UNPROCESSABLE, "\"%s\" is required", f->name);
            continue;
        }
        if (read_field(a, f, v, (char *)ret + f->at, e) < 0)
            return -1;
        if (ret_given)
            ret_given->bits |= UINT64_C(1) << i;
    }
    return 0;
}

int api_object_read(struct arena *a, const struct api_object *o, struct str body, void *ret,
                    struct api_given *ret_given, struct err *e)
{
    struct api_given given = {0};

    BUG_ON(o->n > 64);
    if (str_trim(body).n == 0)
        return ERR(e, BAD_REQUEST, "the body is missing: it must be a JSON object (%s)", o->name);
    AUTO_JSON json = json_load(body, ERR_BAD_REQUEST, e);
    if (!json)
        return err_wrap(e, "the body is not JSON");
    if (read_object(a, o, json, ret, &given, e) < 0)
        return err_wrap(e, "the body");
    if (ret_given)
        *ret_given = given;
    return 0;
}
