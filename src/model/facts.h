/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: what is known of a model, from all that speaks of it, in ModelPack's words.
 *
 * Sources are added in any order (model_facts_add_…, model_facts_set); model_facts_resolve then
 * fills the members from them, always in the same order of trust: what somebody set beats the
 * headers of the weights, those beat config.json and its neighbours, those beat the card, and the
 * card beats what names of files suggest; of licence and title the card knows more than the
 * weights. It may be called again after more was added. What a source says wrong becomes a warning
 * and never an error: only model_facts_set refuses. One thread at a time.
 * Source: CNCF model-spec (model-config schema), SPDX, the hub's model card specification.
 */
#ifndef HAVEN_MODEL_FACTS_H
#define HAVEN_MODEL_FACTS_H

#include "model/card.h"
#include "model/model_config.h"
#include "model/weights.h"

enum model_answer { MODEL_UNSAID, MODEL_NO, MODEL_YES };

struct model_facts {
    /* The descriptor of ModelPack's config. Empty: not said. */
    int64_t created_ms; /* UTC; 0: not said, so that the bytes depend on the model alone. The
                           caller's alone */
    struct str name, family, title, description, version, revision, vendor;
    struct str doc_url, source_url;
    struct model_list authors;
    struct model_list licenses; /* SPDX expressions */
    struct model_list datasets; /* hub identifiers or addresses */
    /* Its config. */
    struct str architecture; /* "transformer", "cnn", … */
    struct str format, param_size;
    struct str precision; /* ModelPack's words, comma between them, most elements first */
    struct str quantization;
    struct model_list input_types, output_types; /* modalities */
    struct model_list languages;                 /* ISO 639-1 */
    struct str knowledge_cutoff;                 /* RFC 3339 */
    enum model_answer reasoning, tool_usage, reward;
    /* What ModelPack has no place for. */
    struct model_list base_models; /* hub identifiers */
    struct str base_relation;      /* adapter, merge, quantized, finetune */
    struct str task, library;
    struct str model_class; /* "Qwen2ForCausalLM" */
    struct model_list tags;
    uint64_t parameters;     /* 0: not known. Packed weights are counted unpacked */
    uint64_t context_length; /* tokens; 0: not known */
    bool custom_code;        /* it runs code that comes with the model */
    bool chat_template;

    const char
        *license_source; /* of licenses: "config" (or set), "card", "weights", "text"; NULL */

    /* What a source said wrong, each with the file's name. */
    struct model_list warnings;

    /* The sources. */
    struct model_card card;
    struct model_config config;
    struct weight_totals totals;
    struct str guessed_name, guessed_format;
    const char *text_license; /* what the text of a licence is; NULL: not known, or several */
    struct str text_license_path;
    bool text_license_doubt;
    uint64_t set;      /* a bit for each key that was set */
    struct arena said; /* what the sources say */
    struct arena made; /* what model_facts_resolve made of it */
};

void model_facts_init(struct model_facts *f);
void model_facts_done(struct model_facts *f);
void model_facts_autodone(struct model_facts *f);

/* What names suggest: of the model (its repository, its directory), and the format by the names of
 * its files; either may be empty. */
void model_facts_guess(struct model_facts *f, struct str name, struct str format);

/* Does a file of this path (from the model's root) say anything that model_facts_add_file reads? */
bool model_facts_wants(struct str path);
/* A whole file: README.md, config.json and its neighbours; others are ignored. */
void model_facts_add_file(struct model_facts *f, struct str path, struct str text);
/* The text of a licence: it is asked when nothing else says the licence, and is held against what
 * does. Texts that are different licences, or one that is none, say nothing. */
void model_facts_add_license_text(struct model_facts *f, struct str path, struct str text);
/* Such a file that is not read since it is larger than LIMIT_MODEL_FACTS: a warning. */
void model_facts_pass_over(struct model_facts *f, struct str path);
/* A warning of the caller's own about a file of the model; the message names it. */
void model_facts_warn(struct model_facts *f, const struct err *why);
/* The sum over all files of weights, in place of one that was given before; copied. */
void model_facts_add_weights(struct model_facts *f, const struct weight_totals *totals);

/* One fact, said by the user: value in the grammar of its key. For keys that may be given several
 * times each call adds one, for the others the last call counts; an empty value leaves the fact out
 * whatever the files say. USAGE: no such key, or the value is not in the key's grammar. */
int model_facts_set(struct model_facts *f, const char *key, struct str value, struct err *e);
/* "KEY=VALUE", as an option takes it. */
int model_facts_set_pair(struct model_facts *f, struct str pair, struct err *e);

struct model_fact_key {
    const char *name;
    const char *help; /* what it is and how it is written */
    bool repeated;    /* may be given several times */
};
/* The keys that model_facts_set takes, in the order of a help text; their number goes to *ret_n. */
const struct model_fact_key *model_facts_keys(size_t *ret_n);

/* What is known of the i-th key; n is 0 when nothing is. Answers are "true" and "false". Valid
 * until the facts change. */
struct model_fact {
    const struct str *values;
    size_t n;
};
struct model_fact model_facts_get(const struct model_facts *f, size_t i);

void model_facts_resolve(struct model_facts *f);

#endif
