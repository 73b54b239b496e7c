/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "registry/collecting.h"

static size_t slot_of(const struct collect_set *s, int64_t id)
{
    uint64_t h = (uint64_t)id * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h >> 20) & (s->cap - 1);
    while (s->slots[i] && s->slots[i] != id)
        i = (i + 1) & (s->cap - 1);
    return i;
}

bool collect_set_has(const struct collect_set *s, int64_t id)
{
    return s->cap && s->slots[slot_of(s, id)] == id;
}

static void grow(struct collect_set *s)
{
    struct collect_set bigger = {.n = s->n, .cap = s->cap ? 2 * s->cap : 64};
    bigger.slots = mem_zalloc(bigger.cap * sizeof(*bigger.slots));
    for (size_t i = 0; i < s->cap; i++)
        if (s->slots[i])
            bigger.slots[slot_of(&bigger, s->slots[i])] = s->slots[i];
    mem_free(s->slots);
    *s = bigger;
}

bool collect_set_add(struct collect_set *s, int64_t id)
{
    if (2 * (s->n + 1) > s->cap)
        grow(s);
    size_t i = slot_of(s, id);
    if (s->slots[i] == id)
        return false;
    s->slots[i] = id;
    s->n++;
    return true;
}

void collect_set_autodone(struct collect_set *s)
{
    mem_free(s->slots);
}
