/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sweep.h"

#include "client/copy_plan.h"

/* A sorted set of digests. */
struct set {
    struct digest *list;
    size_t n;
};

static void set_autodone(struct set *s)
{
    mem_free(s->list);
}

static int by_text(const void *va, const void *vb)
{
    const struct digest *a = va, *b = vb;
    return strcmp(a->text, b->text);
}

/* All that a manifest leads to, and itself. */
static int reach(struct endpoint *p, const struct digest *digest, struct transfer *x,
                 struct set *ret, struct err *e)
{
    AUTO(copy_plan) plan = {.n_nodes = 0};
    const struct reference ref = {.is_digest = true, .digest = *digest};
    const struct copy_plan_options o = {.threads = 1};

    if (copy_plan_begin(&plan, p, &ref, STR_NULL, e) < 0 ||
        copy_plan_complete(&plan, p, &o, x, e) < 0)
        return -1;
    struct set s = {.n = plan.n_nodes + plan.n_blobs};
    s.list = NEW_ARRAY(s.n, struct digest);
    for (size_t i = 0; i < plan.n_nodes; i++)
        s.list[i] = plan.nodes[i]->digest;
    for (size_t i = 0; i < plan.n_blobs; i++)
        s.list[plan.n_nodes + i] = plan.blobs[i].digest;
    qsort(s.list, s.n, sizeof(*s.list), by_text);
    *ret = s;
    return 0;
}

static void subtract(struct set *from, const struct set *what)
{
    size_t n = 0;
    for (size_t i = 0; i < from->n; i++)
        if (!bsearch(&from->list[i], what->list, what->n, sizeof(*what->list), by_text))
            from->list[n++] = from->list[i];
    from->n = n;
}

int sweep_plan(struct endpoint *p, const struct digest *gone, struct digest **ret, size_t *ret_n,
               struct err *e)
{
    AUTO(arena) arena = {0};
    AUTO(transfer) x = {0};
    AUTO(set) mine = {.n = 0};
    struct endpoint_entry *list;
    size_t n;

    arena_init(&arena, LIMIT_COPY_MEMORY);
    transfer_init(&x, NULL);
    if (p->ops->list(p, &arena, &list, &n, e) < 0 || reach(p, gone, &x, &mine, e) < 0)
        return -1;
    for (size_t i = 0; i < n && mine.n; i++) {
        AUTO(set) theirs = {.n = 0};
        if (reach(p, &list[i].digest, &x, &theirs, e) < 0)
            return -1;
        subtract(&mine, &theirs);
    }
    *ret = TAKE(mine.list);
    *ret_n = mine.n;
    return 0;
}
