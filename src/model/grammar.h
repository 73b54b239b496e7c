/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grammar: how each kind of fact is written, in ModelPack's words, and the usual other ways of
 * writing it.
 *
 * Each grammar takes a clean text (model/text.h) and appends it to out as it is kept; false: the
 * text is not in the grammar, out may hold anything. Pure; any thread.
 * Source: CNCF model-spec (model-config schema), RFC 3339, RFC 3986, ISO 639.
 */
#ifndef HAVEN_MODEL_GRAMMAR_H
#define HAVEN_MODEL_GRAMMAR_H

#include "base/buf.h"

bool grammar_text(struct str v, struct buf *out);       /* anything */
bool grammar_word(struct str v, struct buf *out);       /* without blanks */
bool grammar_param_size(struct str v, struct buf *out); /* "6.7B" */
bool grammar_precision(struct str v, struct buf *out);  /* "bfloat16,float32"; "bf16" is taken */
bool grammar_license(struct str v, struct buf *out);    /* to an SPDX expression */
bool grammar_address(struct str v, struct buf *out);    /* scheme://… */
bool grammar_language(struct str v, struct buf *out);   /* to two letters */
bool grammar_task(struct str v, struct buf *out);       /* "text-generation" */
bool grammar_modality(struct str v, struct buf *out);
bool grammar_moment(struct str v, struct buf *out); /* to RFC 3339; a day or a month is taken */
bool grammar_answer(struct str v, struct buf *out); /* to "true" or "false" */

/* ModelPack's word for an element type ("bfloat16"), also for usual other names of it ("bf16",
 * "torch.bfloat16", "F8_E4M3"); NULL when it has none. */
const char *grammar_precision_word(struct str s);

/* Ceiling for out: of all that a clean text can become. */
#define GRAMMAR_MAX 8192

#endif
