/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imports: what a name is worth that a file of weights makes its loader import, "module.name": a
 * pickle calls what it imports, Keras looks up what a configuration names. Pure; any thread.
 */
#ifndef HAVEN_MODEL_IMPORTS_H
#define HAVEN_MODEL_IMPORTS_H

#include "model/weights.h"

/* No model needs it: it runs commands or any code, or reaches files, the network, other processes
 * ("os.system", "builtins.eval"). Names that are not known are not among them. */
bool imports_is_dangerous(struct str name);

/* Sorted names into w, each judged. harmless: what a loader may import all the same. LIMIT. */
int imports_keep(struct arena *a, const struct str *names, size_t n,
                 bool (*harmless)(struct str name), struct weights *w, struct err *e);

/* A file that breaks in the middle has done by then what stands before: the first dangerous name
 * among these, before the message. Returns -1. */
int imports_wrap(struct err *e, const char *what, const struct str *names, size_t n);

#endif
