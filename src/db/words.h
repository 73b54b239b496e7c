/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: texts cut into words as SQLite's full text search does it (the tokenizer "unicode61" of
 * FTS5): letters and digits of all scripts, in lower case and without accents. Any thread may use
 * one at any time.
 */
#ifndef HAVEN_DB_WORDS_H
#define HAVEN_DB_WORDS_H

#include "base/err.h"
#include "base/str.h"

struct db_words;

int db_words_new(struct db_words **ret, struct err *e);
void db_words_free(struct db_words *w); /* NULL is welcome */

/* Calls fn for each word of the text, which is borrowed for the call, in order, up to the first
 * that gives false. What is no UTF-8 separates words, or stands in them as U+FFFD. */
int db_words_each(const struct db_words *w, struct str text, bool (*fn)(void *p, struct str word),
                  void *p, struct err *e);

#endif
