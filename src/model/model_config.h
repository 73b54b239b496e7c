/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_config: what the JSON files beside the weights say: config.json of transformers, timm and
 * diffusers' model_index.json, an adapter's configuration, the tokenizer's chat template.
 *
 * Each file has members of its own here, so that the order in which files are read makes no
 * difference. A file that says nothing or says it in a form that is not expected changes nothing.
 * Python's JSON is read as Python reads it: NaN, Infinity and integers of any length are fine.
 * Files come from strangers; everything lies in the arena, whose ceiling bounds it. Pure; one
 * thread per arena.
 */
#ifndef HAVEN_MODEL_MODEL_CONFIG_H
#define HAVEN_MODEL_MODEL_CONFIG_H

#include "model/text.h"

/* Empty, 0 or false where no file says it. */
struct model_config {
    /* config.json */
    bool transformers;       /* it is a configuration of transformers */
    struct str model_type;   /* "qwen2"; timm's architecture ("resnet50") */
    struct str architecture; /* architectures[0]: "Qwen2ForCausalLM" */
    struct str dtype;        /* as written, without "torch." */
    uint64_t context_length; /* tokens */
    struct str quant_method; /* "awq", "gptq", "bitsandbytes", "fp8", … */
    unsigned quant_bits;     /* of a weight */
    bool custom_code;        /* auto_map: it runs code that comes with the model */
    bool vision, audio;      /* there are configurations of parts that see or hear */
    bool timm;
    /* quantize_config.json and hf_quant_config.json: for the lack of it in config.json */
    struct str other_quant_method;
    unsigned other_quant_bits, other_rank;
    /* adapter_config.json */
    bool adapter;
    struct str base_model, peft_type;
    /* model_index.json */
    struct str pipeline; /* "StableDiffusionPipeline" */
    /* tokenizer_config.json and chat_template.jinja or .json */
    uint64_t tokenizer_length; /* the longest input that the tokenizer makes, in tokens */
    bool chat_template;
    bool template_tools, template_thinks; /* it speaks of tools; of thoughts before the answer */
    /* modules.json */
    bool sentence_transformers;
    /* generation_config.json */
    bool generates;
};

/* Is this a path (of the model's root) that model_config_add knows? */
bool model_config_knows(struct str path);

/* Adds what the file says. 1 read, 0 it is no file that is known here, -1 MODEL_INVALID: it is not
 * JSON or larger than LIMIT_MODEL_FACTS (the message names it), LIMIT: the arena is full. */
int model_config_add(struct arena *a, struct str path, struct str text, struct model_config *c,
                     struct err *e);

/* A chat template (Jinja) from elsewhere. */
void model_config_add_template(struct str text, struct model_config *c);

#endif
