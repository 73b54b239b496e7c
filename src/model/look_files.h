/* SPDX-License-Identifier: Apache-2.0 */
/* look_files: what was found out of a model: its files, its weights added up, its facts. One thread
 * at a time. */
#ifndef HAVEN_MODEL_LOOK_FILES_H
#define HAVEN_MODEL_LOOK_FILES_H

#include "model/chart.h"
#include "model/facts.h"
#include "model/pack.h"
#include "model/weights.h"

/* A file of a model, wherever it lies. */
struct look_file {
    struct str
        path;      /* NUL-ended; an archive that was not looked into: what it is called, or empty */
    uint64_t size; /* bytes; of an archive that was not looked into: of the blob */
    uint32_t mode; /* 0644 or 0755; 0: not known */
    bool known;    /* its format is one that is read here; else weights is empty */
    bool counts;   /* its weights are among the totals (model/series.h) */
    struct weights weights;
    /* Of files in artifacts, and the kind of those in directories too: */
    bool has_kind;
    enum model_kind kind;
    bool in_layer; /* the next four are set */
    struct digest layer;
    const char *encoding; /* of the layer: "raw", "tar", "tar+gzip", "tar+zstd" */
    uint64_t at;          /* of its content, in bytes of the (uncompressed) layer */
    bool has_digest;      /* of its content: in compressed layers, all of which was read */
    struct digest digest;
    bool closed;     /* an archive that was not looked into */
    struct str text; /* LOOK_TEXTS: a card, a licence, config.json; p NULL: not read */
};

/* How far to look. */
enum look_depth {
    LOOK_HEADERS, /* what is cheap over a network: compressed layers stay closed */
    LOOK_TEXTS    /* the card, licence texts and config.json of the model too, and into compressed
                     layers, as far as LIMIT_LOOK_UNPACKED goes */
};

struct look_index;

struct look {
    struct arena *arena; /* everything lies there but the facts */
    enum look_depth depth;
    struct look_file *files;
    size_t n_files, cap_files;
    struct weight_totals totals; /* look_sum */
    struct model_facts facts;
    /* Of artifacts: */
    struct digest digest; /* of what was named: an index as well as a manifest. The caller's */
    struct digest manifest;
    const char *form;             /* see pack.h; NULL: it is no artifact */
    const struct look_file *card; /* LOOK_TEXTS: among files; NULL: there is none */
    bool is_chart;                /* a Helm chart; the next three are what was read of it */
    bool has_chart;
    struct chart chart;
    const struct look_file *values; /* NULL: there is none */
    struct look_index *indexes;     /* LOOK_TEXTS: look_shards.h */
};

void look_init(struct look *l, struct arena *a);
void look_autodone(struct look *l);
/* Room for one more file, zeroed; LIMIT. */
struct look_file *look_add(struct look *l, struct err *e);
/* Warns of a file that imports what weights do not need (weights.h, unsafe), and names the worst.
 */
void look_warn(struct look *l, const struct look_file *f);
/* Adds up the weights that count. */
void look_sum(struct look *l);

#endif
