/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: the words and lists of words that a model's own files say of it, copied into an arena.
 *
 * They come from strangers: a word is UTF-8 without control characters and of bounded length, a
 * list has a ceiling. Pure; one thread per arena.
 */
#ifndef HAVEN_MODEL_TEXT_H
#define HAVEN_MODEL_TEXT_H

#include "base/arena.h"

/* Zeroed is empty. Items are NUL-ended and lie in the arena, each of them once. */
struct model_list {
    struct str *items;
    size_t n, cap;
};

/* A copy of s with blanks cut off at both ends and every run of blanks and line ends inside made
 * one blank. MODEL_INVALID: not UTF-8, a control character, longer than LIMIT_MODEL_WORD; LIMIT:
 * the arena is full. The message says only what is wrong ("is not UTF-8"). An empty text is fine.
 */
int model_text_copy(struct arena *a, struct str s, struct str *ret, struct err *e);

/* The same to the end of a list, unless it is empty or there already. LIMIT: too many items. */
int model_list_add(struct arena *a, struct model_list *l, struct str s, struct err *e);

/* The ISO 639-1 code (two letters) of a language that is written as such, as an ISO 639-2 code
 * (three letters) or with a region or script behind it ("eng", "pt-BR", "zh_Hans"); NULL when it
 * has none. */
const char *model_language(struct str s, char out[3]);

#endif
