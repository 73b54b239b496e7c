/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <inttypes.h>

struct metrics metrics_cells;

static int64_t read_cell(const _Atomic int64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

static void head(struct buf *out, const char *name, const char *kind, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

void metrics_write(struct buf *out)
{
    static const struct {
        const char *name, *kind, *help;
        const _Atomic int64_t *cell;
    } rows[] = {
#define X(field, kind, name, help) {name, #kind, help, &metrics_cells.field},
#include "base/metrics.def"
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        head(out, rows[i].name, rows[i].kind, rows[i].help);
        buf_addf(out, "%s %" PRId64 "\n", rows[i].name, read_cell(rows[i].cell));
    }
    head(out, "haven_errors_total", "counter", "Answers that carried an error, by its code.");
    for (unsigned i = ERR_OK + 1; i < ERR_CODE_COUNT; i++) {
        int64_t n = read_cell(&metrics_cells.errors[i]);
        if (n)
            buf_addf(out, "haven_errors_total{code=\"%s\"} %" PRId64 "\n",
                     err_info((enum err_code)i)->symbol, n);
    }
}
