/* SPDX-License-Identifier: Apache-2.0 */
/* A Modelfile from anybody: what is read is good, and writing it and reading that gives the same.
 */
#include "base/glob.h"
#include "base/limits.h"
#include "model/modelfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct modelfile *m)
{
    for (size_t i = 0; i < MODELFILE_VALUE_COUNT; i++)
        BUG_ON(modelfile_value_wrong(m->values[i]));
    for (size_t i = 0; i < m->n_patterns; i++) {
        const struct modelfile_pattern *p = &m->patterns[i];
        BUG_ON(glob_wrong(p->glob) || p->glob.p[0] == '/' || p->line == 0 ||
               p->kind >= MODEL_KIND_COUNT || (i && m->patterns[i - 1].line >= p->line));
    }
}

/* Writing sorts by kind and keeps the order within one. */
static void check_same(const struct modelfile *a, const struct modelfile *b)
{
    size_t at = 0;
    for (size_t i = 0; i < MODELFILE_VALUE_COUNT; i++)
        BUG_ON(!str_eq(a->values[i], b->values[i]));
    BUG_ON(a->n_patterns != b->n_patterns);
    for (int k = 0; k < MODEL_KIND_COUNT; k++)
        for (size_t i = 0; i < a->n_patterns; i++)
            if ((int)a->patterns[i].kind == k) {
                BUG_ON((int)b->patterns[at].kind != k ||
                       !str_eq(a->patterns[i].glob, b->patterns[at].glob));
                at++;
            }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    struct modelfile m, again;
    struct arena a;
    AUTO(buf) out = {0};

    arena_init(&a, 32 * MIB);
    buf_init(&out, LIMIT_MODELFILE);
    if (modelfile_parse(&a, "Modelfile", text, &m, NULL) == 0) {
        check(&m);
        modelfile_write(&out, &m);
        if (buf_ok(&out)) {
            BUG_ON(modelfile_parse(&a, "again", buf_str(&out), &again, NULL) < 0);
            check(&again);
            check_same(&m, &again);
        }
    }
    arena_done(&a);
    return 0;
}
