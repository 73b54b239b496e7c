/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model_config.h"

#include "base/json.h"
#include "base/limits.h"

#include <math.h>

/* ---- Python's JSON ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Longer integers do not fit into 64 bits. */
#define DIGITS_MAX 18

/* The number at p[i], if it is an integer of too many digits, becomes one with an exponent of the
 * same length: tokenizers write 10^30 for "no limit". Returns what follows it. */
static size_t shorten(char *p, size_t n, size_t i)
{
    size_t end = i;
    while (end < n && is_digit(p[end]))
        end++;
    bool whole = end == n || (p[end] != '.' && p[end] != 'e' && p[end] != 'E');
    if (whole && end - i > DIGITS_MAX) {
        size_t dropped = end - i - DIGITS_MAX;
        char exponent[24];
        /* Past the largest exponent it is as little a fact as before it. */
        int len = snprintf(exponent, sizeof(exponent), "e%zu", MIN_OF(dropped, 280));
        /* The digits that are kept, blanks in front for those that the exponent takes. */
        if (dropped >= (size_t)len) {
            memcpy(p + i + DIGITS_MAX, exponent, (size_t)len);
            memset(p + i + DIGITS_MAX + len, ' ', dropped - (size_t)len);
        } else {
            /* 19 or 20 digits: the last two make place for "e2". */
            memcpy(p + end - 2, "e2", 2);
        }
    }
    return end;
}

/* Puts null for NaN, Infinity and -Infinity, and shortens integers, in place: lines and columns
 * stay. */
static void tame(char *p, size_t n)
{
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    bool in_string = false;
    for (size_t i = 0; i < n;) {
        if (in_string || p[i] == '"') {
            if (in_string && p[i] == '\\')
                i++;
            else if (p[i] == '"')
                in_string = !in_string;
            i++;
            continue;
        }
        if (is_digit(p[i])) {
            i = shorten(p, n, i);
            if (i < n && p[i] == '.') /* its fraction is no integer */
                for (i++; i < n && is_digit(p[i]);)
                    i++;
            if (i < n && (p[i] == 'e' || p[i] == 'E'))
                for (i++; i < n && (is_digit(p[i]) || p[i] == '+' || p[i] == '-');)
                    i++;
            continue;
        }
        size_t step = 1;
        for (size_t k = 0; k < ARRAY_LEN(words); k++) {
            size_t len = strlen(words[k]);
            if (n - i < len || memcmp(p + i, words[k], len) != 0)
                continue;
            /* "NaN" is shorter than "null": a zero is as little a fact. */
            memset(p + i, ' ', len);
            if (len >= 4)
                memcpy(p + i + len - 4, "null", 4);
            else
                p[i] = '0';
            step = len;
            break;
        }
        i += step;
    }
}

/* ---- values ---- */

struct reader {
    struct arena *a;
    bool full; /* the arena is */
};

/* The first of the words that was found stays. A word that no program would write is none. */
static void keep(struct reader *r, struct str value, struct str *ret)
{
    struct err why = {.code = ERR_OK};
    struct str copy;
    if (ret->n || value.n == 0 || value.n > 255)
        return;
    if (model_text_copy(r->a, value, &copy, &why) == 0)
        *ret = copy;
    else if (why.code == ERR_LIMIT)
        r->full = true;
}

/* A whole number of at least 1; 0 when the member is none, or so large that it means "no limit". */
static uint64_t number(const json_t *obj, const char *key)
{
    static const double most = 1e12;
    const json_t *v = json_object_get(obj, key);
    double d = json_is_number(v) ? json_number_value(v) : 0;
    return d >= 1 && d <= most ? (uint64_t)d : 0;
}

static bool is_true(const json_t *obj, const char *key)
{
    return json_is_true(json_object_get(obj, key));
}

/* ---- config.json ---- */

/* Of a model of several parts, the one that writes text; looked into where the top says nothing. */
static const char *const text_parts[] = {"text_config", "llm_config", "language_config",
                                         "thinker_config", "decoder"};

static const json_t *text_part(const json_t *doc)
{
    for (size_t i = 0; i < ARRAY_LEN(text_parts); i++)
        if (json_is_object(json_object_get(doc, text_parts[i])))
            return json_object_get(doc, text_parts[i]);
    return NULL;
}

static void add_dtype(struct reader *r, const json_t *doc, struct model_config *c)
{
    /* Newer writers say dtype, older ones torch_dtype; either may carry torch's prefix, and a
     * model of several parts may have a mapping from part to type. */
    static const char *const keys[] = {"dtype", "torch_dtype"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct str s = json_get_str(doc, keys[i]);
        const json_t *parts = json_object_get(doc, keys[i]);
        if (s.n == 0 && json_is_object(parts)) {
            s = json_get_str(parts, "");
            for (size_t k = 0; k < ARRAY_LEN(text_parts) && s.n == 0; k++)
                s = json_get_str(parts, text_parts[k]);
        }
        if (str_starts(s, STR("torch.")))
            s = str_skip(s, 6);
        if (!str_eqz(s, "auto"))
            keep(r, s, &c->dtype);
    }
}

static void add_context(const json_t *doc, struct model_config *c)
{
    static const char *const keys[] = {
        "max_position_embeddings", "n_positions",      "n_ctx",
        "max_sequence_length",     "max_seq_len",      "seq_length",
        "max_seq_length",          "model_max_length", "max_target_positions",
        "context_length"};
    for (size_t i = 0; i < ARRAY_LEN(keys) && !c->context_length; i++)
        c->context_length = number(doc, keys[i]);
}

/* compressed-tensors: each group of layers has its own scheme; the first speaks for all. */
static unsigned group_bits(const json_t *q)
{
    json_t *groups = json_object_get(q, "config_groups");
    void *first = json_object_iter(groups);
    const json_t *weights =
        json_object_get(first ? json_object_iter_value(first) : NULL, "weights");
    return (unsigned)number(weights, "num_bits");
}

static unsigned bits_of(const json_t *q)
{
    static const char *const keys[] = {"bits", "w_bit", "nbits", "num_bits", "weight_bits"};
    uint64_t bits = 0;
    for (size_t i = 0; i < ARRAY_LEN(keys) && !bits; i++)
        bits = number(q, keys[i]);
    if (!bits && (is_true(q, "load_in_4bit") || is_true(q, "_load_in_4bit")))
        bits = 4;
    if (!bits && (is_true(q, "load_in_8bit") || is_true(q, "_load_in_8bit")))
        bits = 8;
    if (!bits)
        bits = group_bits(q);
    return bits <= 64 ? (unsigned)bits : 0;
}

static void add_quantization(struct reader *r, const json_t *doc, struct model_config *c)
{
    static const char *const keys[] = {"quantization_config", "compression_config"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const json_t *q = json_object_get(doc, keys[i]);
        if (!json_is_object(q) || c->quant_method.n)
            continue;
        struct str method = json_get_str(q, "quant_method");
        if (method.n == 0 &&
            (json_object_get(q, "load_in_4bit") || json_object_get(q, "load_in_8bit")))
            method = STR("bitsandbytes"); /* before the method was written down */
        keep(r, method, &c->quant_method);
        c->quant_bits = bits_of(q);
    }
}

static void add_config(struct reader *r, const json_t *doc, struct model_config *c)
{
    const json_t *text = text_part(doc), *inner = text_part(text);
    const json_t *classes = json_object_get(doc, "architectures");
    const json_t *first = json_array_get(classes, 0);

    c->transformers = json_object_get(doc, "transformers_version") ||
                      (json_get_str(doc, "model_type").n && json_is_array(classes));
    c->timm = json_is_object(json_object_get(doc, "pretrained_cfg"));
    keep(r, json_get_str(doc, "model_type"), &c->model_type);
    if (c->timm)
        keep(r, json_get_str(doc, "architecture"), &c->model_type);
    if (json_is_string(first))
        keep(r, str_of(json_string_value(first), json_string_length(first)), &c->architecture);
    const json_t *parts[] = {doc, text, inner};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        add_dtype(r, parts[i], c);
        add_context(parts[i], c);
        add_quantization(r, parts[i], c);
        c->vision = c->vision || json_is_object(json_object_get(parts[i], "vision_config"));
        c->audio = c->audio || json_is_object(json_object_get(parts[i], "audio_config"));
    }
    c->custom_code = json_is_object(json_object_get(doc, "auto_map"));
}

/* ---- the other files ---- */

/* Of several such files the one that comes first in the table of files counts. */
static bool is_better(struct model_config *c, unsigned rank)
{
    if (c->other_rank && c->other_rank <= rank)
        return false;
    c->other_rank = rank;
    c->other_quant_method = STR_NULL;
    c->other_quant_bits = 0;
    return true;
}

static void add_quantize(struct reader *r, const json_t *doc, unsigned rank, struct model_config *c)
{
    struct str method = json_get_str(doc, "quant_method");
    unsigned bits = bits_of(doc);
    if (method.n == 0 && bits)
        method = STR("gptq"); /* which was the only writer of this file at first */
    if (method.n == 0 || !is_better(c, rank))
        return;
    keep(r, method, &c->other_quant_method);
    c->other_quant_bits = bits;
}

static void add_quantize_config(struct reader *r, const json_t *doc, struct model_config *c)
{
    add_quantize(r, doc, 1, c);
}

static void add_quant_config(struct reader *r, const json_t *doc, struct model_config *c)
{
    add_quantize(r, doc, 2, c);
}

static void add_hf_quant_config(struct reader *r, const json_t *doc, struct model_config *c)
{
    struct str method = json_get_str(json_object_get(doc, "quantization"), "quant_algo");
    char lower[64];
    size_t n = MIN_OF(method.n, sizeof(lower));
    for (size_t i = 0; i < n; i++) {
        char ch = method.p[i];
        lower[i] = (char)(ch >= 'A' && ch <= 'Z' ? ch + ('a' - 'A') : ch);
    }
    if (n && is_better(c, 3))
        keep(r, str_of(lower, n), &c->other_quant_method);
}

static void add_adapter(struct reader *r, const json_t *doc, struct model_config *c)
{
    c->adapter = true;
    keep(r, json_get_str(doc, "base_model_name_or_path"), &c->base_model);
    keep(r, json_get_str(doc, "peft_type"), &c->peft_type);
}

static void add_index(struct reader *r, const json_t *doc, struct model_config *c)
{
    keep(r, json_get_str(doc, "_class_name"), &c->pipeline);
}

static void add_generation(struct reader *r, const json_t *doc, struct model_config *c)
{
    (void)r;
    (void)doc;
    c->generates = true;
}

static void add_modules(struct reader *r, const json_t *doc, struct model_config *c)
{
    (void)r;
    c->sentence_transformers = json_is_array(doc);
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

/* word in text with no letter, digit or '_' beside it */
static bool mentions(struct str text, const char *word)
{
    size_t n = strlen(word);
    const char *p = text.p, *end = text.p + text.n;
    while (p && (p = memmem(p, (size_t)(end - p), word, n))) {
        bool before = p > text.p && is_word_char(p[-1]);
        bool after = p + n < end && is_word_char(p[n]);
        if (!before && !after)
            return true;
        p += n;
    }
    return false;
}

void model_config_add_template(struct str text, struct model_config *c)
{
    static const char *const thoughts[] = {"enable_thinking", "reasoning_content", "<think>",
                                           "</think>"};
    if (text.n == 0)
        return;
    c->chat_template = true;
    c->template_tools = c->template_tools || mentions(text, "tools");
    for (size_t i = 0; i < ARRAY_LEN(thoughts); i++)
        c->template_thinks =
            c->template_thinks || memmem(text.p, text.n, thoughts[i], strlen(thoughts[i])) != NULL;
}

/* A template is a text, or a list of {name, template}. */
static void add_template_of(const json_t *doc, struct model_config *c)
{
    const json_t *t = json_object_get(doc, "chat_template"), *one;
    size_t i;
    model_config_add_template(json_get_str(doc, "chat_template"), c);
    json_array_foreach(t, i, one) model_config_add_template(json_get_str(one, "template"), c);
}

static void add_tokenizer(struct reader *r, const json_t *doc, struct model_config *c)
{
    (void)r;
    c->tokenizer_length = number(doc, "model_max_length");
    add_template_of(doc, c);
}

static void add_template_file(struct reader *r, const json_t *doc, struct model_config *c)
{
    (void)r;
    add_template_of(doc, c);
}

static const struct row {
    const char *path;
    void (*add)(struct reader *r, const json_t *doc, struct model_config *c);
} rows[] = {
    {"config.json", add_config},
    {"generation_config.json", add_generation},
    {"adapter_config.json", add_adapter},
    {"model_index.json", add_index},
    {"tokenizer_config.json", add_tokenizer},
    {"chat_template.json", add_template_file},
    {"chat_template.jinja", NULL}, /* is the template */
    {"modules.json", add_modules},
    {"quantize_config.json", add_quantize_config},
    {"quant_config.json", add_quant_config},
    {"hf_quant_config.json", add_hf_quant_config},
};

static const struct row *find(struct str path)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eqz(path, rows[i].path))
            return &rows[i];
    return NULL;
}

bool model_config_knows(struct str path)
{
    return find(path) != NULL;
}

int model_config_add(struct arena *a, struct str path, struct str text, struct model_config *c,
                     struct err *e)
{
    AUTO_FREE char *copy = NULL;
    struct reader r = {.a = a};
    const struct row *row = find(path);

    if (!row)
        return 0;
    if (text.n > LIMIT_MODEL_FACTS)
        return ERR(e, MODEL_INVALID, "%s is larger than %llu bytes", row->path, LIMIT_MODEL_FACTS);
    if (!row->add) {
        model_config_add_template(text, c);
        return 1;
    }
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    copy = mem_alloc(text.n + 1);
    if (text.n)
        memcpy(copy, text.p, text.n);
    tame(copy, text.n);
    AUTO_JSON doc = json_load(str_of(copy, text.n), ERR_MODEL_INVALID, e);
    if (!doc)
        return err_wrap(e, "%s", row->path);
    struct model_config next = *c;
    row->add(&r, doc, &next);
    if (r.full)
        return ERR(e, LIMIT, "%s: too much is said of this model", row->path);
    *c = next;
    return 1;
}
