/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: a YAML mapping read event by event, so that nothing is built that could
 * be large. Nested mappings and dotted keys mean the same. Anchors, aliases and tags are refused:
 * no setting needs them, and aliases are how a small file becomes a large one.
 */
#include "base/config.h"
#include "base/limits.h"
#include "base/suggest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

/* Sections that can have been seen: every one is the beginning of a row's key. */
#define SECTIONS_MAX 64

struct loader {
    struct config *config;
    const char *name;
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    unsigned depth;
    unsigned
        lines[ARRAY_LEN(((struct config *)0)->source)]; /* where each row was set; 0: not yet */
    struct {
        const char *path;
        unsigned line;
    } sections[SECTIONS_MAX];
    size_t n_sections;
    struct arena arena; /* key paths */
};

static unsigned line_of(const yaml_event_t *ev)
{
    return (unsigned)ev->start_mark.line + 1;
}

static int next_event(struct loader *l, struct err *e)
{
    if (l->has_event)
        yaml_event_delete(&l->event);
    l->has_event = yaml_parser_parse(&l->parser, &l->event) != 0;
    if (!l->has_event)
        return ERR(e, CONFIG, "%s:%zu: not valid YAML: %s", l->name,
                   (l->parser.problem_mark.line ? l->parser.problem_mark.line
                                                : l->parser.context_mark.line) +
                       1,
                   l->parser.problem ? l->parser.problem : "unreadable");
    return 0;
}

static int refuse(const struct loader *l, const char *path, struct err *e, const char *what)
{
    if (!*path)
        return ERR(e, CONFIG, "%s:%u: %s", l->name, line_of(&l->event), what);
    return ERR(e, CONFIG, "%s:%u: key \"%.*s\": %s", l->name, line_of(&l->event),
               S(str_head(str_from(path), 128)), what);
}

/* Is path the beginning of some key ("http" of "http.workers")? */
static bool is_section(struct str path)
{
    for (size_t i = 0; i < config_count(); i++) {
        struct str key = str_from(config_row(i)->key);
        if (str_starts(key, path) && key.n > path.n && key.p[path.n] == '.')
            return true;
    }
    return false;
}

static int unknown_key(const struct loader *l, const char *path, struct err *e)
{
    AUTO(buf) text = {0};
    struct suggest near;
    suggest_init(&near, str_from(path));
    for (size_t i = 0; i < config_count(); i++)
        suggest_try(&near, str_from(config_row(i)->key));
    struct str best = suggest_best(&near);
    buf_init(&text, ERR_MSG_MAX);
    buf_addz(&text, "no such key");
    if (best.n)
        buf_addf(&text, "; did you mean \"%.*s\"?", S(best));
    return refuse(l, path, e, text.p);
}

/* Anything but a plain node of its kind. */
static int check_plain(const struct loader *l, const char *path, struct err *e)
{
    const yaml_event_t *ev = &l->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (ev->type) {
    case YAML_ALIAS_EVENT:
        return refuse(l, path, e, "aliases are not accepted");
    case YAML_SCALAR_EVENT:
        anchor = ev->data.scalar.anchor;
        tag = ev->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = ev->data.sequence_start.anchor;
        tag = ev->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = ev->data.mapping_start.anchor;
        tag = ev->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor)
        return refuse(l, path, e, "anchors are not accepted");
    if (tag)
        return refuse(l, path, e, "tags are not accepted");
    return 0;
}

static struct str scalar(const struct loader *l)
{
    return str_of((const char *)l->event.data.scalar.value, l->event.data.scalar.length);
}

/* Nothing, ~ or null without quotes. */
static bool is_null(const struct loader *l)
{
    struct str s = scalar(l);
    return l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (s.n == 0 || str_eqz(s, "~") || str_ieq(s, STR("null")));
}

/* A value for a row at file and line: the message gets the place in front. */
static int set(struct loader *l, size_t row, unsigned line, struct str value, struct err *e)
{
    if (config_set(l->config, row, value, CONFIG_FROM_FILE, e) < 0)
        return err_wrap(e, "%s:%u", l->name, line);
    return 0;
}

/* The event is the start of a sequence; leaves its end behind. */
static int load_list(struct loader *l, size_t row, const char *path, struct err *e)
{
    AUTO(buf) joined = {0};
    unsigned line = line_of(&l->event);
    if (config_row(row)->type != CONFIG_LIST)
        return refuse(l, path, e, "a single value is expected, not a list");
    buf_init(&joined, LIMIT_CONFIG_FILE);
    for (;;) {
        if (next_event(l, e) < 0 || check_plain(l, path, e) < 0)
            return -1;
        if (l->event.type == YAML_SEQUENCE_END_EVENT)
            return set(l, row, line, buf_str(&joined), e);
        if (l->event.type != YAML_SCALAR_EVENT || is_null(l))
            return refuse(l, path, e, "an entry of the list is not a single value");
        struct str item = scalar(l);
        if (item.n == 0 || str_chr(item, ',') >= 0)
            return refuse(l, path, e, "an entry of the list is empty or contains a comma");
        if (joined.n)
            buf_addc(&joined, ',');
        buf_adds(&joined, item);
    }
}

static int load_row(struct loader *l, size_t row, const char *path, struct err *e)
{
    char twice[64];
    if (l->lines[row]) {
        snprintf(twice, sizeof(twice), "given twice, first in line %u", l->lines[row]);
        return refuse(l, path, e, twice);
    }
    l->lines[row] = line_of(&l->event);
    if (l->event.type == YAML_MAPPING_START_EVENT)
        return refuse(l, path, e, "a value is expected, not a mapping");
    if (l->event.type == YAML_SEQUENCE_START_EVENT)
        return load_list(l, row, path, e);
    if (is_null(l))
        return refuse(l, path, e, "it has no value; write \"\" for an empty one");
    if (config_row(row)->type == CONFIG_LIST)
        return refuse(l, path, e, "a list is expected: [first, second]");
    return set(l, row, l->lines[row], scalar(l), e);
}

static int load_mapping(struct loader *l, const char *prefix, struct err *e);

static int load_section(struct loader *l, const char *path, struct err *e)
{
    char twice[64];
    if (l->event.type == YAML_SCALAR_EVENT && is_null(l))
        return 0; /* all of its keys are commented out */
    if (l->event.type != YAML_MAPPING_START_EVENT)
        return refuse(l, path, e, "a mapping is expected: keys stand below it");
    for (size_t i = 0; i < l->n_sections; i++) {
        if (strcmp(l->sections[i].path, path) == 0) {
            snprintf(twice, sizeof(twice), "given twice, first in line %u", l->sections[i].line);
            return refuse(l, path, e, twice);
        }
    }
    BUG_ON(l->n_sections == SECTIONS_MAX);
    l->sections[l->n_sections].path = path;
    l->sections[l->n_sections++].line = line_of(&l->event);
    return load_mapping(l, path, e);
}

/* The event is the start of a mapping whose keys stand below prefix; leaves its end behind. */
static int load_mapping(struct loader *l, const char *prefix, struct err *e)
{
    if (++l->depth > LIMIT_CONFIG_DEPTH)
        return refuse(l, prefix, e, "nested too deeply");
    for (;;) {
        if (next_event(l, e) < 0 || check_plain(l, prefix, e) < 0)
            return -1;
        if (l->event.type == YAML_MAPPING_END_EVENT)
            break;
        if (l->event.type != YAML_SCALAR_EVENT)
            return refuse(l, prefix, e, "a key must be a single word");
        struct str key = scalar(l);
        if (key.n > LIMIT_CONFIG_ITEM || memchr(key.p, '\0', key.n))
            return refuse(l, prefix, e, "a key below it is too long or contains a NUL");
        size_t n = strlen(prefix) + 1 + key.n;
        char *path = arena_try(&l->arena, n + 1, e);
        if (!path)
            return -1;
        snprintf(path, n + 1, "%s%s%.*s", prefix, *prefix ? "." : "", S(key));
        int row = config_find(str_from(path));
        bool section = is_section(str_from(path));
        if (row < 0 && !section)
            return unknown_key(l, path, e);
        if (next_event(l, e) < 0 || check_plain(l, path, e) < 0)
            return -1;
        if (row >= 0 ? load_row(l, (size_t)row, path, e) : load_section(l, path, e))
            return -1;
    }
    l->depth--;
    return 0;
}

/* stream, document, one mapping or nothing, end of document, end of stream */
static int load_stream(struct loader *l, struct err *e)
{
    if (next_event(l, e) < 0 || next_event(l, e) < 0)
        return -1;
    if (l->event.type == YAML_STREAM_END_EVENT)
        return 0; /* only comments */
    if (next_event(l, e) < 0 || check_plain(l, "", e) < 0)
        return -1;
    if (l->event.type == YAML_MAPPING_START_EVENT) {
        if (load_mapping(l, "", e) < 0)
            return -1;
    } else if (l->event.type != YAML_SCALAR_EVENT || !is_null(l)) {
        return refuse(l, "", e, "the file must be a mapping of keys to values");
    }
    if (next_event(l, e) < 0 || next_event(l, e) < 0)
        return -1;
    if (l->event.type != YAML_STREAM_END_EVENT)
        return refuse(l, "", e, "a second document is not accepted");
    return 0;
}

int config_load_text(struct config *c, const char *name, struct str text, struct err *e)
{
    struct loader l = {.config = c, .name = name};

    if (!yaml_parser_initialize(&l.parser))
        return ERR(e, LIMIT, "no memory for the YAML parser");
    arena_init(&l.arena, LIMIT_CONFIG_FILE);
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    int rc = load_stream(&l, e);
    if (l.has_event)
        yaml_event_delete(&l.event);
    yaml_parser_delete(&l.parser);
    arena_done(&l.arena);
    return rc;
}

int config_load_file(struct config *c, const char *path, struct err *e)
{
    AUTO(buf) text = {0};
    struct stat st;
    char piece[16384];
    ssize_t got;

    /* Links are followed: orchestrators mount configuration as links. */
    AUTOFD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return ERR(e, CONFIG, "configuration file %s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return ERR(e, CONFIG, "configuration file %s: it is a directory", path);
    buf_init(&text, LIMIT_CONFIG_FILE);
    while ((got = read(fd, piece, sizeof(piece))) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR(e, CONFIG, "configuration file %s: %s", path, strerror(errno));
        buf_add(&text, piece, (size_t)got);
        if (!buf_ok(&text))
            return ERR(e, CONFIG, "configuration file %s: larger than %llu bytes", path,
                       LIMIT_CONFIG_FILE);
    }
    return config_load_text(c, path, buf_str(&text), e);
}
