/* SPDX-License-Identifier: Apache-2.0 */
#include "model/chart.h"

#include "base/json.h"
#include "base/limits.h"

#include <yaml.h>

enum chart_file chart_file_of(struct str path)
{
    static const struct {
        const char *name;
        enum chart_file file;
    } rows[] = {
        {"Chart.yaml", CHART_YAML},
        {"values.yaml", CHART_VALUES},
        {"README.md", CHART_README},
        {"requirements.yaml", CHART_REQUIREMENTS},
    };
    ptrdiff_t slash = str_chr(path, '/');
    struct str name = str_skip(path, (size_t)(slash + 1));

    for (size_t i = 0; slash > 0 && i < ARRAY_LEN(rows); i++)
        if (rows[i].file == CHART_YAML ? str_eqz(name, rows[i].name)
                                       : str_ieq(name, str_from(rows[i].name)))
            return rows[i].file;
    return CHART_OTHER;
}

/* ---- YAML to JSON ---- */

struct loader {
    const char *file;
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    unsigned depth;
    size_t nodes;
};

static int refuse(const struct loader *l, struct err *e, const char *what)
{
    return ERR(e, MODEL_INVALID, "%s, line %zu: %s", l->file, l->event.start_mark.line + 1, what);
}

static int next_event(struct loader *l, struct err *e)
{
    if (l->has_event)
        yaml_event_delete(&l->event);
    l->has_event = yaml_parser_parse(&l->parser, &l->event) != 0;
    if (!l->has_event)
        return ERR(e, MODEL_INVALID, "%s, line %zu: not valid YAML: %s", l->file,
                   l->parser.problem_mark.line + 1,
                   l->parser.problem ? l->parser.problem : "unreadable");
    if (l->event.type == YAML_ALIAS_EVENT)
        return refuse(l, e, "aliases (*name) are not accepted");
    return 0;
}

/* Of a scalar; NULL: its text cannot stand in JSON. */
static json_t *scalar(const struct loader *l)
{
    const char *p = (const char *)l->event.data.scalar.value;
    struct str s = str_of(p, l->event.data.scalar.length);

    if (l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        if (s.n == 0 || str_eqz(s, "~") || str_ieq(s, STR("null")))
            return json_null();
        if (str_ieq(s, STR("true")) || str_ieq(s, STR("false")))
            return json_boolean(str_ieq(s, STR("true")));
    }
    return str_chr(s, '\0') >= 0 ? NULL : json_stringn(p, s.n);
}

static int load_value(struct loader *l, json_t **ret, struct err *e);

/* Until its end; the keys are texts, each of them once. */
static int load_mapping(struct loader *l, json_t *object, struct err *e)
{
    for (;;) {
        if (next_event(l, e) < 0)
            return -1;
        if (l->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        if (l->event.type != YAML_SCALAR_EVENT)
            return refuse(l, e, "a key must be a single word");
        size_t n = l->event.data.scalar.length;
        AUTO_JSON key = json_stringn((const char *)l->event.data.scalar.value, n);
        if (!key || strlen(json_string_value(key)) != n)
            return refuse(l, e, "a key that is no text");
        if (json_object_get(object, json_string_value(key)))
            return refuse(l, e, "a key that is given twice");
        json_t *value = NULL;
        if (next_event(l, e) < 0 || load_value(l, &value, e) < 0)
            return -1;
        (void)json_object_set_new(object, json_string_value(key), value);
    }
}

static int load_sequence(struct loader *l, json_t *list, struct err *e)
{
    for (;;) {
        json_t *value = NULL;
        if (next_event(l, e) < 0)
            return -1;
        if (l->event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (load_value(l, &value, e) < 0)
            return -1;
        (void)json_array_append_new(list, value);
    }
}

/* The event begins a value. As deep as LIMIT_MODEL_CARD_DEPTH. */
static int load_value(struct loader *l, json_t **ret, struct err *e)
{
    bool mapping = l->event.type == YAML_MAPPING_START_EVENT;

    if (++l->nodes > LIMIT_CHART_NODES)
        return ERR(e, LIMIT, "%s: more than %d values", l->file, LIMIT_CHART_NODES);
    if (l->event.type == YAML_SCALAR_EVENT) {
        *ret = scalar(l);
        return *ret ? 0 : refuse(l, e, "a text that holds a NUL");
    }
    if (l->depth >= LIMIT_MODEL_CARD_DEPTH)
        return refuse(l, e, "nested too deeply");
    AUTO_JSON value = mapping ? json_object() : json_array();
    l->depth++;
    if ((mapping ? load_mapping(l, value, e) : load_sequence(l, value, e)) < 0)
        return -1;
    l->depth--;
    *ret = json_incref(value);
    return 0;
}

/* stream, document, one mapping, end of document, end of stream */
static int load_stream(struct loader *l, json_t **ret, struct err *e)
{
    AUTO_JSON value = NULL;

    if (next_event(l, e) < 0 || next_event(l, e) < 0 ||
        (l->event.type != YAML_STREAM_END_EVENT && next_event(l, e) < 0))
        return -1;
    if (l->event.type != YAML_MAPPING_START_EVENT)
        return refuse(l, e, "a mapping of keys to values is expected");
    if (load_value(l, &value, e) < 0 || next_event(l, e) < 0 || next_event(l, e) < 0)
        return -1;
    if (l->event.type != YAML_STREAM_END_EVENT)
        return refuse(l, e, "a second YAML document is not accepted");
    *ret = json_incref(value);
    return 0;
}

/* An object, which the caller owns. */
static int load(const char *file, struct str text, json_t **ret, struct err *e)
{
    struct loader l = {.file = file};

    if (text.n > LIMIT_MODEL_CARD)
        return ERR(e, LIMIT, "%s is larger than %llu bytes", file, LIMIT_MODEL_CARD);
    if (!yaml_parser_initialize(&l.parser))
        return ERR(e, LIMIT, "no memory for the YAML parser");
    yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)text.p, text.n);
    int rc = load_stream(&l, ret, e);
    if (l.has_event)
        yaml_event_delete(&l.event);
    yaml_parser_delete(&l.parser);
    return rc;
}

/* ---- what it says ---- */

static int keep(struct arena *a, struct str text, struct str *ret, struct err *e)
{
    char *p = arena_try(a, text.n + 1, e);
    if (!p)
        return -1;
    memcpy(p, text.p, text.n);
    *ret = str_of(p, text.n);
    return 0;
}

static int write_dependencies(struct arena *a, const json_t *list, struct str *ret, struct err *e)
{
    static const char *const shown[] = {"name", "version", "repository"};
    AUTO(buf) out = {0};
    struct json_writer w;

    buf_init(&out, 8 * LIMIT_MODEL_CARD);
    jsonw_init(&w, &out);
    jsonw_list(&w);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (!json_is_object(one))
            continue;
        jsonw_object(&w);
        for (size_t k = 0; k < ARRAY_LEN(shown); k++)
            jsonw_kstr(&w, shown[k], json_get_str(one, shown[k]));
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    return buf_ok(&out) ? keep(a, buf_str(&out), ret, e)
                        : ERR(e, LIMIT, "Chart.yaml: too many dependencies");
}

int chart_read(struct arena *a, struct str chart_yaml, struct str requirements, struct chart *ret,
               struct err *e)
{
    AUTO_JSON metadata = NULL;
    AUTO_JSON first = NULL; /* of the first version */
    struct chart chart;

    if (load("Chart.yaml", chart_yaml, &metadata, e) < 0)
        return -1;
    bool is_first = str_eqz(json_get_str(metadata, "apiVersion"), "v1");
    if (is_first && requirements.n && load("requirements.yaml", requirements, &first, e) < 0)
        return -1;
    AUTO_FREE char *text = json_dumps(metadata, JSON_COMPACT);
    if (!text)
        return ERR(e, MODEL_INVALID, "Chart.yaml: it cannot be written as JSON");
    if (keep(a, str_from(text), &chart.metadata, e) < 0 ||
        write_dependencies(a, json_object_get(is_first ? first : metadata, "dependencies"),
                           &chart.dependencies, e) < 0)
        return -1;
    *ret = chart;
    return 0;
}
