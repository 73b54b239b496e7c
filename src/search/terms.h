/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terms: the words of a model or a question, and the beginnings of words. Not for other
 * directories.
 */
#ifndef HAVEN_SEARCH_TERMS_H
#define HAVEN_SEARCH_TERMS_H

#include "base/buf.h"
#include "db/words.h"

/* Bytes of a word that count: longer ones are the same if they begin so. */
#define TERM_BYTES 64
/* Beginnings of so many characters have rows of their own. */
#define TERM_BEGINNING 3
/* In front of a beginning in the database: no word has it. */
#define TERM_MARK '\x01'

struct term {
    struct str text;
    bool beginning;
    bool named; /* it is in the name */
};
/* v: by text, beginnings first; each once. */
struct terms {
    struct buf
        packed; /* the words: a byte of length, plus 128 if it is in the name, and the word */
    struct term *v;
    size_t n;
};

void terms_init(struct terms *t);
void terms_autodone(struct terms *t);

/* The words of a text join packed, in their order. */
int terms_read(struct terms *t, const struct db_words *words, struct str text, bool named,
               struct err *e);
/* v is made of packed, and packed has each word once, in order. LIMIT: there are too many. */
int terms_settle(struct terms *t, struct err *e);
/* v is made of what terms_settle left in packed; bytes: borrowed. false: they are damaged. */
bool terms_unpack(struct terms *t, struct str bytes);

/* The beginning of a word that has a row of its own, of n characters; n 0: the word is shorter. */
struct str terms_beginning(struct str word, size_t characters);
/* The next word of packed; n 0: there is none. */
struct str terms_next(struct str *packed, bool *ret_named);

#endif
