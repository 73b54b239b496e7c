/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/set.h"

#include "model/facts.h"

const char *set_key(size_t i, const char **ret_help)
{
    size_t n;
    const struct model_fact_key *keys = model_facts_keys(&n);
    if (i >= n)
        return NULL;
    *ret_help = keys[i].help;
    return keys[i].name;
}

int set_read(struct cli *c, const char *const **ret, size_t *ret_n, struct err *e)
{
    AUTO(model_facts) facts = {0};
    const char *value;
    size_t n = 0;

    /* Each is given on the command line, which has a ceiling. */
    const char **list = ARENA_ARRAY(&c->arena, c->n_given + 1, const char *);
    model_facts_init(&facts);
    for (size_t at = 0; cli_next(c, "set", &at, &value);) {
        if (model_facts_set_pair(&facts, str_from(value), e) < 0)
            return err_wrap(e, "--set");
        list[n++] = value;
    }
    *ret = list;
    *ret_n = n;
    return 0;
}
