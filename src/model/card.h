/* SPDX-License-Identifier: Apache-2.0 */
/*
 * card: README.md as a model card: YAML front matter between two lines of "---", then Markdown.
 *
 * Cards come from strangers: the front matter is read event by event, aliases are refused, its size
 * and depth have ceilings, and keys that are not named here are skipped. A text where a list is
 * expected is a list of one; of a list where a text is expected the first entry counts; numbers,
 * dates and "no" are the text that they are written as. Everything lies in the arena.
 * Source: the hub's model card specification. Pure; any thread.
 */
#ifndef HAVEN_MODEL_CARD_H
#define HAVEN_MODEL_CARD_H

#include "model/text.h"

/* As the card writes them; empty when it does not say. */
struct model_card {
    struct model_list licenses; /* hub identifiers, nearly always one */
    struct str license_name;    /* with the licence "other" */
    struct str license_link;    /* an address, or a file of the model */
    struct model_list base_models;
    struct str base_model_relation; /* adapter, merge, quantized, finetune */
    struct model_list datasets;
    struct model_list languages;
    struct str pipeline_tag; /* the task */
    struct str library_name;
    struct model_list tags;
    struct str title; /* the first heading of level 1, else the first heading; without marks */
    size_t text_at;   /* where the Markdown begins, in bytes */
};

/* MODEL_INVALID: front matter that is broken; the message names the line of README.md and the key.
 * LIMIT: it is too large. No front matter at all is fine. */
int model_card_parse(struct arena *a, struct str readme, struct model_card *ret, struct err *e);

/* Where the Markdown begins, in bytes: also of a card whose front matter is broken. */
size_t model_card_text_at(struct str readme);

#endif
