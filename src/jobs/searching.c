/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/searching.h"

static struct search *search_of(void *self)
{
    return ((const struct task_context *)self)->search;
}

static int keep(void *self, struct err *e)
{
    return search_keep(search_of(self), e);
}

/* Deriving twice does no harm: tasks are ended together, after what they led to is there. */
static int run(void *self, const struct task *t, struct err *e)
{
    if (search_derive(search_of(self), t->subject, e) == 0)
        return 0;
    search_judge(search_of(self), e);
    return -1;
}

static int fill(void *self, struct err *e)
{
    int more = search_fill(search_of(self), e);

    if (more < 0)
        search_judge(search_of(self), e);
    return more;
}

const struct task_kind searching_kind = {
    .name = TASK_SEARCH,
    .thread = "searching",
    .lasting = true,
    /* Those who change something only write its task. */
    .look_every_ms = 500,
    .waits = "search.waits",
    .tell_every_ms = 60000,
    .keep = keep,
    .run = run,
    .fill = fill,
};
