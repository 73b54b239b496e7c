/* SPDX-License-Identifier: Apache-2.0 */
#include "model/look.h"

#include "base/hash.h"
#include "base/mem.h"
#include "model/look_layers.h"
#include "model/look_shards.h"
#include "model/said.h"

/* ---- the config ---- */

static int take(void *self, const void *p, size_t n, struct err *e)
{
    (void)e;
    buf_add(self, p, n);
    return 0;
}

static int read_config(struct look *l, const struct model_source *source,
                       const struct oci_manifest *m, const struct pack *pack, struct err *e)
{
    AUTO(buf) bytes = {0};
    const struct oci_descriptor *c = &pack->config;
    struct digest got;

    buf_init(&bytes, LIMIT_MANIFEST);
    if (pack->has_config && (c->size < 0 || (uint64_t)c->size > LIMIT_MANIFEST)) {
        struct err why;
        (void)ERR(&why, MODEL_INVALID, "the config is larger than %llu bytes and was not read",
                  LIMIT_MANIFEST);
        model_facts_warn(&l->facts, &why);
    } else if (pack->has_config && c->size > 0) {
        uint64_t n = (uint64_t)c->size;
        if (source->get(source->self, &c->digest, n, 0, n, take, &bytes, e) < 0)
            return err_wrap(e, "the config");
        hash_bytes(c->digest.alg, bytes.p, bytes.n, &got);
        if (bytes.n != n || !digest_eq(&got, &c->digest))
            return ERR(e, DIGEST_INVALID, "the config has the digest %s instead of %s", got.text,
                       c->digest.text);
    }
    said_read(&l->facts, m, buf_str(&bytes));
    return 0;
}

/* ---- texts ---- */

static size_t depth_of(struct str path)
{
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

/* The card of a model whose README is not README.md at its root: the one that lies least deep, of
 * those the first by name. */
static const struct look_file *find_card(const struct look *l)
{
    const struct look_file *best = NULL;
    for (size_t i = 0; i < l->n_files; i++) {
        const struct look_file *f = &l->files[i];
        if (!f->text.p || look_text_in(l->is_chart, f->path) != LOOK_README)
            continue;
        size_t deep = depth_of(f->path), least = best ? depth_of(best->path) : SIZE_MAX;
        if (deep < least || (deep == least && str_cmp(f->path, best->path) < 0))
            best = f;
    }
    return best;
}

/* Of those that lie least deep: others are of what the model brings along. */
static void use_licenses(struct look *l)
{
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < l->n_files; i++)
        if (l->files[i].text.p && look_text_of(l->files[i].path) == LOOK_LICENSE)
            least = MIN_OF(least, depth_of(l->files[i].path));
    for (size_t i = 0; i < l->n_files; i++) {
        const struct look_file *f = &l->files[i];
        if (f->text.p && look_text_of(f->path) == LOOK_LICENSE && depth_of(f->path) == least)
            model_facts_add_license_text(&l->facts, f->path, f->text);
    }
}

static void use_texts(struct look *l)
{
    l->card = find_card(l);
    if (l->card)
        model_facts_add_file(&l->facts, STR("README.md"), l->card->text);
    for (size_t i = 0; i < l->n_files; i++) {
        const struct look_file *f = &l->files[i];
        if (f->text.p && f != l->card && look_text_of(f->path) == LOOK_FACTS)
            model_facts_add_file(&l->facts, f->path, f->text);
    }
    use_licenses(l);
}

/* A file at the chart's root, which is where its Chart.yaml lies: f itself or beside it. */
static const struct look_file *chart_file(const struct look *l, const struct look_file *beside,
                                          enum chart_file which)
{
    struct str root =
        beside ? str_head(beside->path, (size_t)str_chr(beside->path, '/') + 1) : STR_NULL;
    for (size_t i = 0; i < l->n_files; i++) {
        const struct look_file *f = &l->files[i];
        if (f->text.p && chart_file_of(f->path) == which && str_starts(f->path, root))
            return f;
    }
    return NULL;
}

static void use_chart(struct look *l)
{
    const struct look_file *yaml = chart_file(l, NULL, CHART_YAML);
    struct err why = {.code = ERR_OK};

    if (!yaml) {
        if (l->depth == LOOK_TEXTS) {
            (void)ERR(&why, MODEL_INVALID, "the chart has no Chart.yaml that can be read");
            model_facts_warn(&l->facts, &why);
        }
        return;
    }
    const struct look_file *first = chart_file(l, yaml, CHART_REQUIREMENTS);
    l->card = chart_file(l, yaml, CHART_README);
    l->values = chart_file(l, yaml, CHART_VALUES);
    l->has_chart =
        chart_read(l->arena, yaml->text, first ? first->text : STR_NULL, &l->chart, &why) == 0;
    if (!l->has_chart)
        model_facts_warn(&l->facts, &why);
}

int look_manifest(struct look *l, const struct oci_manifest *m, const struct model_source *source,
                  struct err *e)
{
    struct pack pack;

    if (pack_read(l->arena, m, &pack, e) < 0 || read_config(l, source, m, &pack, e) < 0)
        return -1;
    l->form = pack.form;
    l->is_chart = strcmp(pack.form, "chart") == 0;
    if (look_layers(l, source, &pack, e) < 0)
        return -1;
    if (l->is_chart)
        use_chart(l);
    else
        use_texts(l);
    look_shards_check(l);
    look_sum(l);
    return 0;
}
