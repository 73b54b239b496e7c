/* SPDX-License-Identifier: Apache-2.0 */
/* weights_check: what holds for every header that was read, whatever the format. */
#ifndef HAVEN_TESTS_WEIGHTS_CHECK_H
#define HAVEN_TESTS_WEIGHTS_CHECK_H

#include "base/mem.h"
#include "model/path.h"
#include "model/shards.h"
#include "model/weights.h"

/* Returns what weights_read returns for the bytes as a file of `size` bytes. */
static inline int weights_check(struct arena *a, const struct model_reader *r, struct weights *w)
{
    struct err e = {.code = ERR_OK};
    struct weight_totals t = {.parameters = 0};
    char size[WEIGHT_PARAM_SIZE_MAX], precision[WEIGHT_PRECISION_MAX];
    uint64_t elements = 0, end = 0;

    int rc = weights_read(a, r, w, &e);
    BUG_ON(rc < 0 && e.code != ERR_MODEL_INVALID && e.code != ERR_LIMIT);
    if (rc <= 0)
        return rc;
    BUG_ON(w->header_bytes > r->size || w->n_tensors > LIMIT_WEIGHT_TENSORS ||
           w->n_notes > LIMIT_WEIGHT_NOTES || w->n_imports > LIMIT_PICKLE_IMPORTS);
    bool onnx = strcmp(w->format, "onnx") == 0;
    bool in_order = !onnx && strcmp(w->format, "pt") != 0; /* behind the header and each other */
    for (size_t i = 0; i < w->n_tensors; i++) {
        const struct weight_tensor *x = &w->tensors[i];
        uint64_t n = 1;
        for (unsigned d = 0; d < x->n_dims; d++)
            n *= x->dims[d];
        BUG_ON(n != x->elements || x->n_dims > LIMIT_WEIGHT_DIMS || x->shared > n);
        BUG_ON(!onnx && x->elements / x->dtype->block * x->dtype->bits != x->bytes * 8);
        BUG_ON(in_order && (x->offset < w->header_bytes || x->offset < end || x->shared));
        BUG_ON(x->external.n && (!onnx || model_path_check(x->external, NULL) < 0));
        BUG_ON(x->offset > INT64_MAX || x->bytes > INT64_MAX);
        BUG_ON(x->bytes && !x->shared && !x->external.n &&
               (x->bytes > r->size || x->offset > r->size - x->bytes));
        end = x->offset + x->bytes;
        elements += n - x->shared;
        for (size_t k = i ? i - 1 : 0; k < i; k++)
            BUG_ON(str_eq(w->tensors[k].name, x->name));
    }
    for (size_t i = 0; i < w->n_imports; i++)
        BUG_ON((i && str_cmp(w->imports[i - 1].name, w->imports[i].name) >= 0) ||
               (w->imports[i].dangerous && !w->imports[i].unsafe));
    BUG_ON(w->opaque && (w->n_tensors || strcmp(w->format, "onnx") == 0));
    if (w->opaque)
        return rc;
    weight_totals_add(&t, w);
    BUG_ON((t.parameters != elements && t.parameters != UINT64_MAX) || t.tensors != w->n_tensors);
    (void)weight_param_size(t.parameters, size);
    (void)weight_precision(&t, precision);
    return rc;
}

/* Bytes behind those of a file that is longer read as zero, so that tensors larger than an input
 * are reached too. */
static inline int read_padded(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    const struct str *bytes = self;
    (void)e;
    memset(p, 0, n);
    if (at < bytes->n)
        memcpy(p, bytes->p + at, MIN_OF(n, bytes->n - at));
    return 0;
}

/* The first byte says how much longer: the rest is the file. size: of the input, at least 1. */
static inline struct model_reader padded_reader(struct str *bytes, const uint8_t *data, size_t size)
{
    *bytes = str_of((const char *)data + 1, size - 1);
    return (struct model_reader){
        .size = bytes->n + ((uint64_t)data[0] << 12), .read = read_padded, .self = bytes};
}

#endif
