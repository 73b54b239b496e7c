/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle: what a Python pickle describes, found out without doing any of it.
 *
 * A pickle is a program for a stack machine, and the real one calls whatever the program names.
 * This one knows all opcodes of the protocols 0 to 5 and calls nothing: a call becomes an object
 * that remembers what would have been called with which values. Names that would be imported are
 * kept, each once, also of calls whose outcome is thrown away. What it means is up to the caller
 * (pytorch.c).
 *
 * Everything lies in an arena of the caller's, whose ceiling bounds it (LIMIT_PICKLE_MEMORY); stack
 * and memo have limits of their own. Values may share others and hold themselves: who walks through
 * them has to bound that. Source: Python's Lib/pickletools.py, which documents each opcode. One
 * thread at a time.
 */
#ifndef HAVEN_MODEL_PICKLE_H
#define HAVEN_MODEL_PICKLE_H

#include "model/pickle_value.h"
#include "model/window.h"

void pickle_init(struct pickle *p, struct arena *heap);

/* Reads one pickle from where the window stands to behind its end; may be called for several, one
 * behind the other. Values live as long as the heap. Errors: MODEL_INVALID (it is broken, the
 * message says at which byte), LIMIT, and what the window returns. */
int pickle_read(struct pickle *p, struct model_window *w, struct pickle_value *ret, struct err *e);

/* v is that name. */
bool pickle_is_global(struct pickle_value v, const char *name);

#endif
