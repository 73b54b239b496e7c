/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: what was read in the artifacts of models, kept with their manifests, and in their files,
 * kept with their blobs: once, however many repositories hold them. Whoever asks has been allowed
 * to read the artifact. Texts are JSON (model/look_json.h) or plain, and are compressed here.
 *
 * They go with what they are about, and can be read again: task.h (TASK_INDEX). Any thread.
 */
#ifndef HAVEN_REGISTRY_MODEL_H
#define HAVEN_REGISTRY_MODEL_H

#include "registry/link.h"
#include "registry/registry.h"
#include "registry/task.h"

/* Of the reader: one more whenever it finds out more, and everything is read anew. */
#define MODEL_VERSION 3

enum model_part_kind {
    MODEL_PART_WEIGHTS = 1, /* the header of a file of weights with its tensors, as JSON */
    MODEL_PART_TEXT = 2     /* a card, a licence: of compressed layers, which cannot be read by
                               ranges */
};
struct model_part {
    enum model_part_kind kind;
    struct digest blob;
    uint64_t at; /* where the file begins in the (unpacked) blob */
    struct str bytes;
};

/* Writes what was read in a document and what that depends on, and ends the task that asked for it:
 * parts in transactions of MODEL_WRITE_AT_ONCE of them, the last ones with all the rest; what they
 * are about may have gone meanwhile. Each text at most LIMIT_MODEL_TEXT. */
#define MODEL_WRITE_AT_ONCE 100
struct model_content {
    struct str facts, summary; /* JSON; summary: facts without what may be long */
    const struct model_part *parts;
    size_t n_parts;
    const struct links *links;
};
int model_write(struct registry *r, int64_t document, const struct model_content *content,
                const struct task *task, const char *holder, struct err *e);

/* Facts of an artifact: 1; 0: it was not read yet, or its repository does not hold all of its
 * content (sparse pushes); -1. In the arena. */
struct model_read {
    int64_t version, read_ms;
    struct str facts;
};
int model_get(struct registry *r, struct arena *a, int64_t artifact, struct model_read *ret,
              struct err *e);
/* Their summary, for lists: likewise. */
int model_summary(struct registry *r, struct arena *a, int64_t artifact, struct str *ret,
                  struct err *e);
/* 1, 0, -1. In the arena. */
int model_get_part(struct registry *r, struct arena *a, enum model_part_kind kind,
                   const struct digest *blob, uint64_t at, struct str *ret, struct err *e);

/* Documents behind `after` that this version has not read, at most limit; then queues them. *ret_n:
 * how many; *ret_last: the last of them. */
int model_queue_unread(struct registry *r, int64_t after, size_t limit, size_t *ret_n,
                       int64_t *ret_last, struct err *e);

/* For the reader of models: the manifest of a document with the media type of its newest artifact:
 * 1, 0 it has gone, -1. In the arena. */
int model_document(struct registry *r, struct arena *a, int64_t document, struct str *ret_type,
                   struct str *ret_bytes, struct err *e);

#endif
