/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack_form: what the packagings share; for pack*.c only.
 *
 * A packaging tells its manifests from all others and makes a pack_layer of each descriptor. The
 * table in pack.c asks them from the top; the last takes everything.
 */
#ifndef HAVEN_MODEL_PACK_FORM_H
#define HAVEN_MODEL_PACK_FORM_H

#include "model/pack.h"

/* A manifest while its layers are read. */
struct pack_reading {
    struct arena *a;
    const struct oci_manifest *m;
    size_t i; /* the layer that is read: m->items[i] */
};

struct pack_form {
    const char *name;
    bool (*fits)(const struct oci_manifest *m);
    /* Fills encoding, path, kind, mode and time of layer r->i; the rest is filled already, mode and
     * time with what layers without metadata have, path with what annotations say (may be empty).
     * 1 a layer, 0 it holds no file, -1 error. Paths are checked by the caller. */
    int (*layer)(const struct pack_reading *r, struct pack_layer *layer, struct err *e);
    bool ordered;
};

extern const struct pack_form pack_form_modelpack, pack_form_cnai, pack_form_cnai_image,
    pack_form_kitops, pack_form_docker, pack_form_ollama, pack_form_chart, pack_form_image,
    pack_form_oras;

/* The value of a descriptor's annotation, STR_NULL if it has none. */
struct str pack_note(const struct oci_descriptor *d, const char *key);
/* A layer of an OCI or docker image, whatever its encoding. */
bool pack_is_image_layer(struct str type);
/* How such a layer is encoded. false: in a way that cannot be read (encrypted, EROFS). */
bool pack_image_encoding(struct str type, enum pack_encoding *ret);
/* The config is one of an OCI or docker image. */
bool pack_is_image_config(const struct oci_manifest *m);
/* "raw", "tar", "tar+gzip", "tar+zstd". */
bool pack_encoding_parse(struct str word, enum pack_encoding *ret);
/* Layer N (TYPE) …: MODEL_INVALID. */
int pack_refuse(const struct pack_reading *r, struct err *e, const char *why);

/* Packagings whose types say what the file is: one row a type. */
struct pack_name {
    const char *type; /* behind the packaging's prefix */
    enum pack_encoding encoding;
    const char *stem, *suffix; /* NULL: the descriptor has to name it */
    bool shards;               /* several are parts of one */
    bool has_kind;
    enum model_kind kind;
    bool skipped;
};
/* The row of type, NULL if there is none. */
const struct pack_name *pack_name_find(const struct pack_name *rows, size_t n, struct str prefix,
                                       struct str type);
/* The name that the row gives to layer r->i, numbered if there are several of them. */
int pack_name_give(const struct pack_reading *r, const struct pack_name *row, struct str *ret,
                   struct err *e);

#endif
