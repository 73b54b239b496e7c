/* SPDX-License-Identifier: Apache-2.0 */
/* look_layers: the halves of look.h that read layers: those by ranges, and those that come by once
 * because they are compressed. */
#ifndef HAVEN_MODEL_LOOK_LAYERS_H
#define HAVEN_MODEL_LOOK_LAYERS_H

#include "model/blob_reader.h"
#include "model/look_files.h"
#include "model/members.h"
#include "model/source.h"

/* Texts that are read whole, by their path: the card in any case and directory; licences, and
 * config.json and its neighbours, at the model's root. */
enum look_text { LOOK_NO_TEXT, LOOK_README, LOOK_LICENSE, LOOK_FACTS, LOOK_CHART };
enum look_text look_text_of(struct str path);
/* Those of an artifact: of a chart the files at the chart's root. */
enum look_text look_text_in(bool is_chart, struct str path);

/* Fills the files of a look. Errors: the source's. */
int look_layers(struct look *l, const struct model_source *source, const struct pack *pack,
                struct err *e);

#define LOOK_SUM 32

/* An archive: what it holds, and where. */
struct look_archive {
    const struct pack_layer *layer;
    struct blob_reader blob;
    struct members members;
    bool is_chart;
    size_t cap;
    uint64_t *at;              /* of each member's content, in the archive when it is unpacked */
    struct str *heads;         /* compressed: what was kept of each member's content, else NULL */
    uint8_t (*sums)[LOOK_SUM]; /* compressed: SHA-256 of each file's content; else NULL */
    bool closed;               /* it cannot be read */
};
/* The next member of an archive. */
int look_archive_add(struct look_archive *o, const struct tar_entry *entry, struct err *e);

/* Lists the members of a compressed archive as they come by, with the sums of files, and keeps the
 * texts and the beginning of weights in the arena. MODEL_INVALID, LIMIT: it cannot be read (to its
 * end); or the source's.
 */
int look_stream(struct look_archive *o, const struct model_source *source, struct arena *a,
                struct err *e);

#endif
