/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/task_kinds.h"

#include "jobs/index.h"
#include "jobs/searching.h"

const struct task_kind *const task_kinds[TASK_KINDS] = {
    &index_kind,
    &searching_kind,
};

const struct task_kind *task_kind_find(const char *name)
{
    for (size_t i = 0; i < TASK_KINDS; i++)
        if (strcmp(task_kinds[i]->name, name) == 0)
            return task_kinds[i];
    return NULL;
}
