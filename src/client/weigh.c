/* SPDX-License-Identifier: Apache-2.0 */
#include "client/weigh.h"

#include "base/file.h"
#include "model/kind.h"
#include "model/series.h"
#include "model/weights.h"

/* A file that by its name can be PyTorch's belongs to many other programs as well. */
static bool is_known(const struct local_files *l, size_t i)
{
    AUTOFD fd = local_files_open(l, i, NULL);
    if (fd < 0)
        return true; /* add_file says why */
    const struct model_reader r = model_reader_file(&fd, l->files[i].size);
    return weights_known(&r, NULL) != 0;
}

static int add_file(const struct local_files *l, size_t i, struct arena *a,
                    struct weight_totals *totals, struct err *e)
{
    struct weights w;
    AUTOFD fd = local_files_open(l, i, e);
    if (fd < 0)
        return -1;
    const struct model_reader r = model_reader_file(&fd, l->files[i].size);
    int rc = weights_read_named(a, &r, l->files[i].path, &w, e);
    if (rc > 0)
        weight_totals_add(totals, &w);
    return rc;
}

void weigh(const struct local_files *l, struct model_facts *facts)
{
    AUTO(arena) a = {0};
    AUTO_FREE struct series_file *files = NEW_ARRAY(l->n + 1, struct series_file);
    struct weight_totals totals = {.format = NULL};
    struct err why = {.code = ERR_OK};
    bool failed = false;

    arena_init(&a, LIMIT_WEIGHT_ARENA);
    for (size_t i = 0; i < l->n; i++) {
        const char *format = model_format_of(l->files[i].path);
        bool wanted = l->files[i].kind == MODEL_WEIGHT;
        if (wanted && format && strcmp(format, "pt") == 0)
            wanted = is_known(l, i);
        files[i] = (struct series_file){.path = wanted ? l->files[i].path : STR_NULL,
                                        .size = l->files[i].size};
    }
    series_choose(files, l->n);
    for (size_t i = 0; i < l->n; i++) {
        if (files[i].counts && add_file(l, i, &a, &totals, &why) < 0) {
            model_facts_warn(facts, &why);
            failed = true;
        }
    }
    if (totals.format && !failed)
        model_facts_add_weights(facts, &totals);
}
