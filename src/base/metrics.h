/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: process-wide counters and gauges (metrics.def), lock-free, any thread.
 * METRIC_ADD(bytes_sent, n); METRIC_ADD(http_connections, -1).
 */
#ifndef HAVEN_BASE_METRICS_H
#define HAVEN_BASE_METRICS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>

struct metrics {
#define X(field, kind, name, help) _Atomic int64_t field;
#include "base/metrics.def"
#undef X
    _Atomic int64_t errors[ERR_CODE_COUNT]; /* answers by err_code */
};

extern struct metrics metrics_cells;

#define METRIC_ADD(field, n)                                                                       \
    ((void)atomic_fetch_add_explicit(&metrics_cells.field, (int64_t)(n), memory_order_relaxed))

static inline void metrics_count_error(enum err_code code)
{
    METRIC_ADD(errors[code], 1);
}

/* Prometheus text format 0.0.4: all cells, and haven_errors_total{code="…"} for codes that
 * occurred. */
void metrics_write(struct buf *out);

#endif
