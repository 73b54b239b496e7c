/* SPDX-License-Identifier: Apache-2.0 */
#include "model/facts.h"

#include "base/limits.h"
#include "base/suggest.h"
#include "model/grammar.h"
#include "model/license.h"
#include "model/license_text.h"
#include "model/task.h"

/* ---- keys ---- */

static const struct model_fact_key keys[] = {
    {"name", "the model's name", false},
    {"title", "a title for people", false},
    {"description", "a description for people", false},
    {"version", "the version of the model", false},
    {"family", "a word such as llama3 or qwen2", false},
    {"architecture", "a word such as transformer, cnn or rnn", false},
    {"format", "a word such as safetensors, gguf, onnx or pt", false},
    {"param-size",
     "a number with at most one digit behind the point and K, M, B, T or Q, such as 6.7B", false},
    {"precision",
     "one or more of float64 float32 float16 bfloat16 float8_e4m3 float8_e5m2 complex32 complex64 "
     "complex128 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool, with commas between them",
     false},
    {"quantization", "a word such as awq, gptq or Q4_K_M", false},
    {"license", "an SPDX licence or expression, or a hub's name of one, such as apache-2.0", true},
    {"author", "a person or an organisation", true},
    {"vendor", "who distributes the model", false},
    {"source-url", "an address such as https://example.org/model", false},
    {"doc-url", "an address such as https://example.org/docs", false},
    {"revision", "the revision of its source, such as a commit", false},
    {"language", "an ISO 639 code with a two-letter form, such as en", true},
    {"dataset", "a data set that it was trained on: a hub's name or an address", true},
    {"base-model", "the model that it was made from, such as Qwen/Qwen3-0.6B", true},
    {"task", "a task as hubs name it, such as text-generation", false},
    {"input-type", "one of text, image, audio, video, embedding, other", true},
    {"output-type", "one of text, image, audio, video, embedding, other", true},
    {"reasoning", "true or false: does it think before it answers?", false},
    {"tool-usage", "true or false: does it call tools?", false},
    {"reward", "true or false: is it a reward model?", false},
    {"knowledge-cutoff", "a month, a day or a time, such as 2024-06 or 2024-06-30T00:00:00Z",
     false},
};

enum kind { TEXT, LIST, ANSWER };

/* Beside each key: its member and grammar. */
static const struct row {
    enum kind kind;
    size_t at; /* in struct model_facts */
    bool (*grammar)(struct str v, struct buf *out);
} rows[] = {
#define ROW(kind, member, grammar)                                                                 \
    {                                                                                              \
        kind, offsetof(struct model_facts, member), grammar                                        \
    }
    ROW(TEXT, name, grammar_text),
    ROW(TEXT, title, grammar_text),
    ROW(TEXT, description, grammar_text),
    ROW(TEXT, version, grammar_text),
    ROW(TEXT, family, grammar_word),
    ROW(TEXT, architecture, grammar_word),
    ROW(TEXT, format, grammar_word),
    ROW(TEXT, param_size, grammar_param_size),
    ROW(TEXT, precision, grammar_precision),
    ROW(TEXT, quantization, grammar_word),
    ROW(LIST, licenses, grammar_license),
    ROW(LIST, authors, grammar_text),
    ROW(TEXT, vendor, grammar_text),
    ROW(TEXT, source_url, grammar_address),
    ROW(TEXT, doc_url, grammar_address),
    ROW(TEXT, revision, grammar_word),
    ROW(LIST, languages, grammar_language),
    ROW(LIST, datasets, grammar_word),
    ROW(LIST, base_models, grammar_word),
    ROW(TEXT, task, grammar_task),
    ROW(LIST, input_types, grammar_modality),
    ROW(LIST, output_types, grammar_modality),
    ROW(ANSWER, reasoning, grammar_answer),
    ROW(ANSWER, tool_usage, grammar_answer),
    ROW(ANSWER, reward, grammar_answer),
    ROW(TEXT, knowledge_cutoff, grammar_moment),
};
_Static_assert(ARRAY_LEN(rows) == ARRAY_LEN(keys), "a key without a member");
_Static_assert(ARRAY_LEN(rows) <= 64, "more keys than bits");

const struct model_fact_key *model_facts_keys(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(keys);
    return keys;
}

static void *member(struct model_facts *f, size_t row)
{
    return (char *)f + rows[row].at;
}

struct model_fact model_facts_get(const struct model_facts *f, size_t i)
{
    static const struct str answers[] = {
        [MODEL_NO] = {.p = "false", .n = 5}, [MODEL_YES] = {.p = "true", .n = 4}};
    const void *m = (const char *)f + rows[i].at;
    const struct model_list *list = m;
    const struct str *text = m;
    const enum model_answer *answer = m;
    switch (rows[i].kind) {
    case TEXT:
        return (struct model_fact){.values = text, .n = text->n > 0};
    case LIST:
        return (struct model_fact){.values = list->items, .n = list->n};
    case ANSWER:
        return (struct model_fact){.values = &answers[*answer], .n = *answer != MODEL_UNSAID};
    }
    return (struct model_fact){.n = 0};
}

static bool is_set(struct model_facts *f, const void *m)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (member(f, i) == m)
            return f->set >> i & 1;
    return false;
}

static void clear(struct model_facts *f, size_t row)
{
    void *m = member(f, row);
    switch (rows[row].kind) {
    case TEXT:
        *(struct str *)m = STR_NULL;
        break;
    case LIST:
        *(struct model_list *)m = (struct model_list){0};
        break;
    case ANSWER:
        *(enum model_answer *)m = MODEL_UNSAID;
        break;
    }
}

/* Case, '-' and '_' make no difference: PARAMSIZE, param_size and paramSize are one key. */
static bool same_key(const char *key, struct str typed)
{
    size_t i = 0;
    for (;; key++, i++) {
        while (*key == '-')
            key++;
        while (i < typed.n && (typed.p[i] == '-' || typed.p[i] == '_'))
            i++;
        if (!*key || i == typed.n)
            return !*key && i == typed.n;
        if (!str_ieq(str_of(key, 1), str_of(typed.p + i, 1)))
            return false;
    }
}

static int find_key(struct str typed, size_t *ret, struct err *e)
{
    struct suggest near;
    if (same_key("arch", typed))
        typed = STR("architecture");
    suggest_init(&near, typed);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        suggest_try(&near, str_from(keys[i].name));
        if (same_key(keys[i].name, typed)) {
            *ret = i;
            return 0;
        }
    }
    struct str best = suggest_best(&near);
    if (best.n)
        return ERR(e, USAGE, "no fact is called \"%.*s\"; did you mean \"%.*s\"?",
                   S(str_head(typed, 64)), S(best));
    return ERR(e, USAGE, "no fact is called \"%.*s\"", S(str_head(typed, 64)));
}

/* A value in its grammar to the member. */
static int assign(struct model_facts *f, size_t row, struct str value, struct err *e)
{
    void *m = member(f, row);
    switch (rows[row].kind) {
    case TEXT:
        return model_text_copy(&f->said, value, m, e);
    case LIST:
        return model_list_add(&f->said, m, value, e);
    case ANSWER:
        *(enum model_answer *)m = str_eqz(value, "true") ? MODEL_YES : MODEL_NO;
        return 0;
    }
    return 0;
}

int model_facts_set(struct model_facts *f, const char *key, struct str value, struct err *e)
{
    AUTO(buf) kept = {0};
    struct err why = {.code = ERR_OK};
    struct str clean;
    size_t row = 0;

    if (find_key(str_from(key), &row, e) < 0)
        return -1;
    if (model_text_copy(&f->said, value, &clean, &why) < 0)
        return ERR(e, USAGE, "the value of %s %s", keys[row].name, why.msg);
    buf_init(&kept, GRAMMAR_MAX);
    if (clean.n && (!rows[row].grammar(clean, &kept) || !buf_ok(&kept)))
        return ERR(e, USAGE, "\"%.*s\" is no %s; it has to be %s", S(str_head(clean, 64)),
                   keys[row].name, keys[row].help);
    if (!(f->set >> row & 1) || clean.n == 0 || rows[row].kind != LIST)
        clear(f, row);
    f->set |= UINT64_C(1) << row;
    if (clean.n && assign(f, row, buf_str(&kept), &why) < 0)
        return ERR(e, USAGE, "%s %s", keys[row].name, why.msg);
    return 0;
}

int model_facts_set_pair(struct model_facts *f, struct str pair, struct err *e)
{
    char key[65];
    struct str value = pair, name = str_cut(&value, '=');
    if (!value.p)
        return ERR(e, USAGE, "\"%.*s\" is not KEY=VALUE", S(str_head(pair, 64)));
    (void)snprintf(key, sizeof(key), "%.*s", S(str_head(str_trim(name), 64)));
    return model_facts_set(f, key, value, e);
}

/* ---- sources ---- */

void model_facts_init(struct model_facts *f)
{
    *f = (struct model_facts){.created_ms = 0};
    arena_init(&f->said, LIMIT_MODEL_ARENA);
    arena_init(&f->made, LIMIT_MODEL_ARENA);
}

void model_facts_done(struct model_facts *f)
{
    arena_done(&f->said);
    arena_done(&f->made);
}

void model_facts_autodone(struct model_facts *f)
{
    model_facts_done(f);
}

/* A word from a source; one that is none leaves nothing. */
static struct str word(struct model_facts *f, struct str s)
{
    struct str copy = STR_NULL;
    if (model_text_copy(&f->said, s, &copy, NULL) < 0)
        return STR_NULL;
    return copy;
}

void model_facts_guess(struct model_facts *f, struct str name, struct str format)
{
    f->guessed_name = word(f, name);
    f->guessed_format = word(f, format);
}

bool model_facts_wants(struct str path)
{
    return str_eqz(path, "README.md") || model_config_knows(path);
}

void model_facts_warn(struct model_facts *f, const struct err *why)
{
    (void)model_list_add(&f->said, &f->warnings, str_from(why->msg), NULL);
}

static void add_card(struct model_facts *f, struct str readme)
{
    struct err why = {.code = ERR_OK};
    if (model_card_parse(&f->said, readme, &f->card, &why) == 0)
        return;
    model_facts_warn(f, &why);
    /* The text has its heading all the same. */
    struct str text = str_skip(readme, model_card_text_at(readme));
    (void)model_card_parse(&f->said, text, &f->card, NULL);
}

void model_facts_add_file(struct model_facts *f, struct str path, struct str text)
{
    struct err why = {.code = ERR_OK};
    if (str_eqz(path, "README.md"))
        add_card(f, text);
    else if (model_config_add(&f->said, path, text, &f->config, &why) < 0)
        model_facts_warn(f, &why);
}

void model_facts_add_license_text(struct model_facts *f, struct str path, struct str text)
{
    const char *id = model_license_of_text(text);

    if (!id || (f->text_license && strcmp(f->text_license, id) != 0))
        f->text_license_doubt = true;
    if (f->text_license_doubt) {
        f->text_license = NULL;
        return;
    }
    f->text_license = id;
    f->text_license_path = word(f, path);
}

void model_facts_pass_over(struct model_facts *f, struct str path)
{
    struct err why;
    (void)ERR(&why, MODEL_INVALID, "%.*s is larger than %llu bytes and was not read", S(path),
              LIMIT_MODEL_FACTS);
    model_facts_warn(f, &why);
}

void model_facts_add_weights(struct model_facts *f, const struct weight_totals *totals)
{
    model_config_add_template(totals->chat_template, &f->config);
    f->totals = *totals;
    f->totals.architecture = word(f, totals->architecture);
    f->totals.name = word(f, totals->name);
    f->totals.license = word(f, totals->license);
    f->totals.quantization = word(f, totals->quantization);
    f->totals.chat_template = STR_NULL;
}

/* ---- what follows from them ---- */

/* To a member that nobody has set and that no better source has filled. */
static void say(struct model_facts *f, struct str *m, struct str value)
{
    if (m->n == 0 && value.n && !is_set(f, m))
        *m = value;
}

static void say_list(struct model_facts *f, struct model_list *m, struct str value)
{
    if (!is_set(f, m))
        (void)model_list_add(&f->made, m, value, NULL);
}

static void say_yes(struct model_facts *f, enum model_answer *m, bool yes)
{
    if (yes && !is_set(f, m))
        *m = MODEL_YES;
}

/* Methods that pack several weights into one element of a wider type, by its precision. bits: of a
 * weight, where the method has only one. */
static const struct packing {
    const char *method, *precision;
    unsigned container, bits;
} packings[] = {
    {"gptq", "int32", 32, 0},
    {"awq", "int32", 32, 0},
    {"auto-round", "int32", 32, 0},
    {"auto_round", "int32", 32, 0},
    {"intel/auto-round", "int32", 32, 0},
    {"compressed-tensors", "int32", 32, 0},
    {"bitsandbytes", "uint8", 8, 0},
    {"mxfp4", "uint8", 8, 4},
    {"nvfp4", "uint8", 8, 4},
    {"fp4", "uint8", 8, 4},
};

static bool packs(const struct packing *p, const struct weight_dtype *t)
{
    return p && t->precision && strcmp(p->precision, t->precision) == 0;
}

static const struct packing *find_packing(struct str method, unsigned bits, unsigned *ret_bits)
{
    for (size_t i = 0; i < ARRAY_LEN(packings); i++) {
        if (!str_ieq(method, str_from(packings[i].method)))
            continue;
        unsigned b = packings[i].bits ? packings[i].bits : bits;
        if (b == 0 || b >= packings[i].container)
            return NULL;
        *ret_bits = b;
        return &packings[i];
    }
    return NULL;
}

/* The types of the weights but those that others are packed in: they are no precision. */
static void say_precision(struct model_facts *f, const struct packing *p)
{
    const struct weight_totals *t = &f->totals;
    struct weight_totals plain = {.n_counts = 0};
    char text[WEIGHT_PRECISION_MAX];

    for (size_t i = 0; i < t->n_counts; i++) {
        if (packs(p, t->counts[i].dtype))
            continue;
        plain.counts[plain.n_counts++] = t->counts[i];
        plain.parameters += t->counts[i].elements;
    }
    say(f, &f->precision, arena_str(&f->made, str_from(weight_precision(&plain, text))));
}

/* Of what the weights' headers say: how many parameters, and of which types. */
static void resolve_numbers(struct model_facts *f)
{
    const struct model_config *c = &f->config;
    const struct weight_totals *t = &f->totals;
    bool first = c->quant_method.n > 0;
    unsigned bits = 1;
    const struct packing *p =
        find_packing(first ? c->quant_method : c->other_quant_method,
                     first && c->quant_bits ? c->quant_bits : c->other_quant_bits, &bits);
    uint64_t sum = 0;
    char text[WEIGHT_PARAM_SIZE_MAX];

    for (size_t i = 0; i < t->n_counts; i++) {
        uint64_t n = t->counts[i].elements;
        bool packed = packs(p, t->counts[i].dtype);
        if (packed && __builtin_mul_overflow(n, (uint64_t)p->container, &n))
            n = 0;
        sum += packed ? n / bits : n;
    }
    f->parameters = t->n_counts ? sum : t->parameters;
    if (f->parameters)
        say(f, &f->param_size,
            arena_str(&f->made, str_from(weight_param_size(f->parameters, text))));
    say_precision(f, p);
    if (t->n_counts == 0 || p)
        say(f, &f->precision, str_from(grammar_precision_word(c->dtype)));
}

static bool starts_with_one_of(struct str s, const char *list)
{
    for (struct str rest = str_from(list); s.n && rest.n;)
        if (str_starts(s, str_cut(&rest, ' ')))
            return true;
    return false;
}

/* ModelPack's word for the kind of network, by the family's name. */
static const char *network(const struct model_facts *f)
{
    struct str family = f->config.model_type.n ? f->config.model_type : f->totals.architecture;
    if (f->config.pipeline.n)
        return "diffusion";
    if (starts_with_one_of(family, "resnet convnext regnet mobilenet efficientnet densenet vgg bit "
                                   "inception xception dpn hrnet"))
        return "cnn";
    if (starts_with_one_of(family, "rwkv lstm gru"))
        return "rnn";
    if (starts_with_one_of(family, "mamba falcon_mamba"))
        return "ssm";
    bool gguf = f->totals.format && strcmp(f->totals.format, "gguf") == 0;
    if (f->config.transformers || (gguf && family.n) ||
        (f->config.timm && starts_with_one_of(family, "vit swin deit beit eva")))
        return "transformer";
    return NULL;
}

static void resolve_kind(struct model_facts *f)
{
    const struct model_config *c = &f->config;
    const struct weight_totals *t = &f->totals;

    say(f, &f->name, f->guessed_name);
    say(f, &f->title, f->card.title);
    say(f, &f->title, t->name);
    say(f, &f->format, str_from(t->format));
    say(f, &f->format, f->guessed_format);
    if (grammar_precision_word(t->quantization) == NULL) /* a file of "BF16" is not quantised */
        say(f, &f->quantization, t->quantization);
    say(f, &f->quantization, c->quant_method);
    say(f, &f->quantization, c->other_quant_method);
    say(f, &f->family, c->model_type);
    say(f, &f->family, t->architecture);
    say(f, &f->architecture, str_from(network(f)));
    f->model_class = c->architecture.n ? c->architecture : c->pipeline;
    f->context_length = t->context_length ? t->context_length : c->context_length;
    if (!f->context_length && f->config.transformers)
        f->context_length = c->tokenizer_length;
    f->custom_code = c->custom_code;
    f->chat_template = c->chat_template;
    say_yes(f, &f->tool_usage, c->template_tools);
    say_yes(f, &f->reasoning, c->template_thinks);
    say_yes(f, &f->reward,
            c->architecture.n &&
                memmem(c->architecture.p, c->architecture.n, "Reward", strlen("Reward")));
}

static void resolve_library(struct model_facts *f)
{
    const struct model_config *c = &f->config;
    f->library = f->card.library_name;
    if (f->library.n == 0)
        f->library = c->pipeline.n                ? STR("diffusers")
                     : c->adapter                 ? STR("peft")
                     : c->sentence_transformers   ? STR("sentence-transformers")
                     : c->timm                    ? STR("timm")
                     : c->transformers            ? STR("transformers")
                     : str_eqz(f->format, "gguf") ? STR("gguf")
                                                  : STR_NULL;
}

static void say_words(struct model_facts *f, struct model_list *m, const char *list)
{
    for (struct str rest = str_from(list); rest.n;)
        say_list(f, m, str_cut(&rest, ' '));
}

static void resolve_task(struct model_facts *f)
{
    const struct model_config *c = &f->config;
    struct task_types types;

    say(f, &f->task, f->card.pipeline_tag);
    if (c->sentence_transformers)
        say(f, &f->task, STR("sentence-similarity"));
    say(f, &f->task, str_from(task_of_class(c->architecture, c->vision, c->audio)));
    if (!task_types(f->task, &types))
        return;
    say_words(f, &f->input_types, types.inputs);
    say_words(f, &f->output_types, types.outputs);
}

/* An identifier of a hub, not a place on the machine where it was trained. */
static bool is_hub_id(struct str s)
{
    ptrdiff_t slash = str_chr(s, '/');
    return s.n && slash != 0 && s.p[0] != '.' && s.p[0] != '~' && str_chr(s, '\\') < 0 &&
           str_chr(s, ' ') < 0 && slash == str_rchr(s, '/');
}

static void resolve_lineage(struct model_facts *f)
{
    const struct model_card *card = &f->card;
    for (size_t i = 0; i < card->base_models.n; i++)
        say_list(f, &f->base_models, card->base_models.items[i]);
    if (f->base_models.n == 0 && is_hub_id(f->config.base_model))
        say_list(f, &f->base_models, f->config.base_model);
    f->base_relation = card->base_model_relation;
    if (f->base_relation.n == 0 && f->base_models.n)
        f->base_relation = f->base_models.n > 1 ? STR("merge")
                           : f->config.adapter  ? STR("adapter")
                           : f->quantization.n  ? STR("quantized")
                                                : STR("finetune");
    for (size_t i = 0; i < card->datasets.n; i++)
        say_list(f, &f->datasets, card->datasets.items[i]);
    f->tags = card->tags;
}

static void add_license(struct model_facts *f, struct str name)
{
    char text[MODEL_LICENSE_MAX];
    struct err why = {.code = ERR_OK};
    int rc = model_license_spdx(name, text, &why);
    if (rc < 0)
        model_facts_warn(f, &why);
    else if (rc > 0)
        say_list(f, &f->licenses, str_from(text));
}

/* A card that says "other" and no name leaves it to the text. */
static void add_card_licenses(struct model_facts *f)
{
    const struct model_card *card = &f->card;
    for (size_t i = 0; i < card->licenses.n; i++) {
        struct str id = card->licenses.items[i];
        bool other = str_eqz(id, "other");
        if (!other || card->license_name.n || !f->text_license)
            add_license(f, other && card->license_name.n ? card->license_name : id);
    }
}

/* What was said first counts; the text may know better, which is for people to find out. */
static void compare_license(struct model_facts *f)
{
    struct err why;

    if (!f->text_license || f->licenses.n == 0 || strcmp(f->license_source, "text") == 0)
        return;
    for (size_t i = 0; i < f->licenses.n; i++)
        if (!model_license_contradicts(f->licenses.items[i], f->text_license))
            return;
    (void)ERR(&why, MODEL_INVALID, "%.*s is the text of %s, but the %s says %.*s",
              S(f->text_license_path), f->text_license, f->license_source, S(f->licenses.items[0]));
    model_facts_warn(f, &why);
}

static void resolve_licenses(struct model_facts *f)
{
    const struct model_card *card = &f->card;
    char code[3];

    f->license_source = f->licenses.n ? "config" : NULL;
    add_card_licenses(f);
    if (f->licenses.n && !f->license_source)
        f->license_source = "card";
    if (f->licenses.n == 0) {
        add_license(f, f->totals.license);
        f->license_source = f->licenses.n ? "weights" : NULL;
    }
    if (f->licenses.n == 0 && f->text_license) {
        add_license(f, str_from(f->text_license));
        f->license_source = f->licenses.n ? "text" : NULL;
    }
    compare_license(f);
    /* "multilingual", "code" and languages without a code of two letters have no place there. */
    for (size_t i = 0; i < card->languages.n; i++)
        if (model_language(card->languages.items[i], code))
            say_list(f, &f->languages, str_of(code, 2));
}

void model_facts_resolve(struct model_facts *f)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!(f->set >> i & 1))
            clear(f, i);
    arena_reset(&f->made);
    resolve_numbers(f);
    resolve_kind(f);
    resolve_library(f);
    resolve_task(f);
    resolve_lineage(f);
    resolve_licenses(f);
}
