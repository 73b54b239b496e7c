/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look_json: what was found out of a model as JSON: what `haven inspect --json` prints and the
 * registry keeps and answers. One thread at a time.
 *
 * Models can have a million tensors: after each piece `more` (may be NULL) is given what has
 * gathered, to write it elsewhere and to empty it.
 */
#ifndef HAVEN_MODEL_LOOK_JSON_H
#define HAVEN_MODEL_LOOK_JSON_H

#include "base/json.h"
#include "model/look_files.h"

struct look_json {
    struct json_writer *w;
    int (*more)(void *self, struct buf *out, struct err *e); /* 0, -1 */
    void *self;
};

/* Each writes a key of the object that is open, with its value. Errors: those of `more`. */

/* "facts": by the keys of model_facts_keys, those that are known; lists where a key may be given
 * several times. */
int look_json_facts(const struct look_json *o, const struct model_facts *f, struct err *e);
/* "weights": sums over the files that count; null: there are none that can be read. */
void look_json_weights(const struct look_json *o, const struct weight_totals *t);
/* "files". headers: with the words of the headers of weights; else of those
 * with tensors only what they import. */
int look_json_files(const struct look_json *o, const struct look *l, bool headers, struct err *e);
/* "tensors" of all files; each says its file. */
int look_json_tensors(const struct look_json *o, const struct look *l, struct err *e);
/* "warnings". */
int look_json_warnings(const struct look_json *o, const struct model_facts *f, struct err *e);

/* "metadata" and the other words of the header of one file; then its tensors without the file. */
int look_json_header(const struct look_json *o, const struct weights *x, struct err *e);
int look_json_file_tensors(const struct look_json *o, const struct weights *x, struct err *e);

#endif
