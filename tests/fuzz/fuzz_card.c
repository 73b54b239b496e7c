/* SPDX-License-Identifier: Apache-2.0 */
/* A model card: what comes out is clean and bounded, and the config written from it is JSON. */
#include "base/json.h"
#include "base/limits.h"
#include "model/modelpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str s)
{
    BUG_ON(s.n > LIMIT_MODEL_WORD);
    for (size_t i = 0; i < s.n; i++)
        BUG_ON((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f);
}

static void check_list(const struct model_list *l)
{
    BUG_ON(l->n > LIMIT_MODEL_LIST);
    for (size_t i = 0; i < l->n; i++) {
        BUG_ON(l->items[i].n == 0);
        check_text(l->items[i]);
    }
}

static void check_card(const struct model_card *c, size_t size)
{
    check_list(&c->licenses);
    check_list(&c->base_models);
    check_list(&c->datasets);
    check_list(&c->languages);
    check_list(&c->tags);
    check_text(c->license_name);
    check_text(c->pipeline_tag);
    check_text(c->title);
    BUG_ON(c->text_at > size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(model_facts) f = {0};
    AUTO(buf) out = {0};
    struct str text = str_of((const char *)data, size);
    struct modelpack_file file = {.path = STR("a"), .digest = {.text = "sha256:0"}};

    model_facts_init(&f);
    model_facts_add_file(&f, STR("README.md"), text);
    check_card(&f.card, size);
    (void)model_facts_set_pair(&f, text, NULL);
    model_facts_resolve(&f);
    check_list(&f.licenses);
    check_list(&f.languages);
    buf_init(&out, 8 * MIB);
    if (modelpack_write_config(&out, &f, &file, 1, NULL) == 0) {
        AUTO_JSON doc = json_load(buf_str(&out), ERR_MODEL_INVALID, NULL);
        BUG_ON(!json_is_object(doc));
    }
    return 0;
}
