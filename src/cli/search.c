/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/limits.h"
#include "cli/progress.h"
#include "cli/table.h"

#include <stdio.h>

/* What a registry gives at once, and the most that is printed. */
#define PAGE      100
#define LIMIT_MAX 10000
#define DEFAULT   "20"

/* The facets, as the API calls them; an option has a dash in the place of an underscore. */
#define FACET(option, what)                                                                        \
    {                                                                                              \
        .name = option, .repeat = true, .metavar = "VALUE", .help = what                           \
    }

static const struct cli_option options[] = {
    FACET("architecture", "Only models of this kind of network; may be repeated, as all of these."),
    FACET("family", "Only models of this family."),
    FACET("task", "Only models for this task, such as text-generation."),
    FACET("format", "Only models with weights of this format, such as gguf."),
    FACET("precision", "Only models with weights of this type, such as bfloat16."),
    FACET("quantization", "Only models that were quantized so, such as Q4_K_M."),
    FACET("license", "Only models under this licence, such as Apache-2.0."),
    FACET("language", "Only models of this language, such as en."),
    FACET("library", "Only models for this library."),
    FACET("base-model", "Only models that were made from this one."),
    FACET("project", "Only models of this project."),
    FACET("label", "Only models with this label."),
    {.name = "min-parameters",
     .metavar = "N",
     .help = "Only models of so many parameters or more, such as 7B or 600M."},
    {.name = "max-parameters", .metavar = "N", .help = "Only models of so many, or fewer."},
    {.name = "sort",
     .metavar = "HOW",
     .choices = "relevance|update|pulls|size|parameters|name",
     .help = "What comes first: the newest, the most pulled, the largest; relevance if there are "
             "words, else update."},
    {.name = "reverse", .help = "The other way round: the oldest, the smallest …"},
    {.name = "limit",
     .metavar = "N",
     .help = "Print at most so many (1 to 10000, default " DEFAULT ")."},
    PROGRESS_OPTIONS_CONNECTION,
    {.name = "json", .help = "Print the list as a JSON object."},
};

/* ---- the question ---- */

static void add_query(struct buf *url, const char *key, struct str value)
{
    buf_addf(url, "&%s=", key);
    buf_add_url(url, value, NULL);
}

static void add_facets(const struct cli *c, struct buf *url)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const char *value;
        char key[32];
        size_t at = 0;
        if (!options[i].repeat)
            continue;
        snprintf(key, sizeof(key), "%s", options[i].name);
        for (char *p = key; *p; p++)
            *p = *p == '-' ? '_' : *p;
        while (cli_next(c, options[i].name, &at, &value))
            add_query(url, key, str_from(value));
    }
}

/* "7B", "600M", "125000". */
static int read_parameters(const struct cli *c, const char *option, const char *key,
                           struct buf *url, struct err *e)
{
    static const struct {
        char letter;
        uint64_t factor;
    } units[] = {{'K', 1000}, {'M', 1000000}, {'B', 1000000000}, {'T', 1000000000000}};
    struct str text = str_from(cli_value(c, option)), digits = text;
    uint64_t factor = 1, n;

    if (!text.p)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(units) && text.n; i++)
        if ((text.p[text.n - 1] & ~0x20) == units[i].letter) {
            factor = units[i].factor;
            digits = str_head(text, text.n - 1);
        }
    if (!str_u64(digits, 0, (uint64_t)INT64_MAX / factor, &n))
        return ERR(e, USAGE, "--%s: \"%.*s\" is no number such as 7B, 600M or 125000", option,
                   S(text));
    buf_addf(url, "&%s=%llu", key, (unsigned long long)(n * factor));
    return 0;
}

static int write_query(const struct cli *c, struct buf *url, struct err *e)
{
    const char *sort = cli_value(c, "sort");
    bool back = cli_has(c, "reverse");

    if (c->n_args > 1) {
        AUTO(buf) text = {0};
        buf_init(&text, LIMIT_CLIENT_URL);
        for (size_t i = 1; i < c->n_args; i++)
            buf_addf(&text, "%s%s", i > 1 ? " " : "", c->args[i]);
        add_query(url, "q", buf_str(&text));
    }
    if (!sort)
        sort = c->n_args > 1 && !back ? "relevance" : "update";
    /* Names begin with the first, numbers with the largest. */
    buf_addf(url, "&sort=%s%s", (strcmp(sort, "name") == 0) == back ? "-" : "", sort);
    add_facets(c, url);
    return read_parameters(c, "min-parameters", "min_parameters", url, e) < 0 ||
                   read_parameters(c, "max-parameters", "max_parameters", url, e) < 0
               ? -1
               : 0;
}

/* ---- the answer ---- */

struct found {
    json_t *models;
    uint64_t total;
    bool complete;
};

static void found_autodone(struct found *f)
{
    json_decref(f->models);
}

static int take_page(struct found *f, const struct http_answer *a, size_t *ret_n, struct err *e)
{
    AUTO_JSON list = json_load(buf_str(&a->body), ERR_REMOTE, e);

    if (!list)
        return err_wrap(e, "the registry's answer");
    if (!json_is_array(list) ||
        !str_u64(http_answer_header(a, "X-Total-Count"), 0, INT64_MAX, &f->total))
        return ERR(e, REMOTE, "the registry's answer is no list of models");
    f->complete = str_eqz(http_answer_header(a, "Haven-Search-Complete"), "true");
    *ret_n = json_array_size(list);
    return json_array_extend(f->models, list) < 0 ? ERR(e, INTERNAL, "no memory") : 0;
}

static int ask_page(struct transport *t, const struct cli *c, size_t page, size_t size,
                    struct found *f, size_t *ret_n, struct err *e)
{
    struct http_answer a __attribute__((cleanup(http_answer_autodone)));
    AUTO(buf) url = {0};

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (transport_url(t, &url, e, "/api/v2.0/models?page=%zu&page_size=%zu", page, size) < 0 ||
        write_query(c, &url, e) < 0)
        return -1;
    if (!buf_ok(&url))
        return ERR(e, USAGE, "the question is too long");
    const struct transport_request rq = {
        .method = "GET", .url = url.p, .body_max = LIMIT_CLIENT_LIST};
    if (transport_ask(t, TRANSPORT_PING, &rq, &a, e) < 0)
        return -1;
    if (a.status == 404)
        return ERR(e, UNSUPPORTED, "%s has no search for models", c->host);
    return a.status == 200 ? take_page(f, &a, ret_n, e) : transport_refused(&a, "searching", e);
}

static int ask_all(struct transport *t, const struct cli *c, size_t limit, struct found *f,
                   struct err *e)
{
    size_t size = MIN_OF(limit, (size_t)PAGE), n = size;

    for (size_t page = 1; n == size && json_array_size(f->models) < limit; page++)
        if (ask_page(t, c, page, size, f, &n, e) < 0)
            return -1;
    while (json_array_size(f->models) > limit)
        (void)json_array_remove(f->models, json_array_size(f->models) - 1);
    return 0;
}

/* ---- what is printed ---- */

static struct str number_text(struct arena *a, int64_t n)
{
    static const struct {
        double from;
        const char *unit;
    } units[] = {{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e3, "K"}};
    double v = (double)n;

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (v >= units[i].from)
            return str_from(arena_printf(a, "%.3g%s", v / units[i].from, units[i].unit));
    return n > 0 ? str_from(arena_printf(a, "%lld", (long long)n)) : STR_NULL;
}

static struct str first(const json_t *model, const char *key)
{
    const json_t *item = json_array_get(json_object_get(model, key), 0);
    return str_of(json_string_value(item), json_string_length(item));
}

static int64_t number(const json_t *model, const char *key)
{
    return json_integer_value(json_object_get(model, key));
}

static int print_table(const struct found *f, struct err *e)
{
    static const struct str head[] = {{.p = "REPOSITORY", .n = 10}, {.p = "TAG", .n = 3},
                                      {.p = "PARAMETERS", .n = 10}, {.p = "FORMAT", .n = 6},
                                      {.p = "LICENSE", .n = 7},     {.p = "SIZE", .n = 4},
                                      {.p = "PULLS", .n = 5},       {.p = "UPDATED", .n = 7}};
    AUTO(arena) a = {0};
    AUTO(buf) out = {0};
    struct table t;
    size_t n = json_array_size(f->models);

    arena_init(&a, LIMIT_CLIENT_NAMES);
    buf_init(&out, LIMIT_CLIENT_NAMES);
    table_init(&t, &a, head, ARRAY_LEN(head));
    for (size_t i = 0; i < n; i++) {
        const json_t *m = json_array_get(f->models, i);
        char size[STR_SIZE_TEXT];
        const struct str cells[] = {
            json_get_str(m, "repository"),
            first(m, "tags"),
            number_text(&a, number(m, "parameters")),
            json_get_str(m, "format"),
            first(m, "licenses"),
            str_from(str_size_text((double)number(m, "size"), size)),
            str_from(arena_printf(&a, "%lld", (long long)number(m, "pulls"))),
            str_head(json_get_str(m, "update_time"), strlen("2026-01-01")),
        };
        table_add(&t, cells);
    }
    if (n)
        table_write(&t, true, &out);
    if (f->total > n)
        buf_addf(&out, "%zu of %llu models\n", n, (unsigned long long)f->total);
    if (!f->complete)
        buf_addz(&out, "The registry has not looked through all of its models yet.\n");
    return cli_print(buf_str(&out), e);
}

static int print_json(const struct cli *c, const struct found *f, struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;
    char *text = json_dumps(f->models, JSON_COMPACT);

    if (!text)
        return ERR(e, INTERNAL, "no memory");
    buf_init(&out, LIMIT_CLIENT_NAMES);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstrz(&w, "registry", c->host);
    jsonw_ku64(&w, "total", f->total);
    jsonw_kbool(&w, "complete", f->complete);
    jsonw_key(&w, "models");
    jsonw_raw(&w, str_from(text));
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    mem_free(text);
    return buf_ok(&out) ? cli_print(buf_str(&out), e) : ERR(e, LIMIT, "the list is too long");
}

static int run(struct cli *c, struct err *e)
{
    struct transport_options connection;
    struct transport_host host;
    struct found f __attribute__((cleanup(found_autodone))) = {.models = json_array()};
    const char *given = cli_value(c, "limit");
    uint64_t limit;

    if (!str_u64(str_from(given ? given : DEFAULT), 1, LIMIT_MAX, &limit))
        return ERR(e, USAGE, "--limit: must be a number from 1 to %d", LIMIT_MAX);
    if (progress_host(c, c->args[0], &host, e) < 0)
        return -1;
    progress_connection(c, &connection);
    connection.basic = true;
    AUTO_TRANSPORT t = transport_new(host.scheme, host.host, NULL, &connection, e);
    if (!t)
        return -1;
    /* What anybody may see is told with wrong credentials, too, and would look like all there is.
     */
    if (transport_has_credential(t) && transport_login(t, e) < 0)
        return -1;
    if (ask_all(t, c, (size_t)limit, &f, e) < 0)
        return -1;
    return cli_has(c, "json") ? print_json(c, &f, e) : print_table(&f, e);
}

const struct command cmd_search = {
    .name = "search",
    .summary = "Search a registry for models",
    .synopsis = "[OPTION ...] HOST [WORD ...]",
    .help = "Models with all of these words in name, title, description, card, tags or labels (the "
            "last one as a\n"
            "beginning), in all projects that you may read. Options narrow it: values of one "
            "option are joined by or,\n"
            "options by and. Only Haven has this search.\n"
            "\n"
            "  haven search registry.example.org qwen3\n"
            "  haven search --task text-generation --license Apache-2.0 --license MIT "
            "--max-parameters 8B \\\n"
            "      --sort pulls registry.example.org\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = CLI_ARGS_ANY,
    .run = run,
};
