/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task: what a model does, as hubs name it ("text-generation"), what goes in and comes out of it,
 * and which task the name of a model's class tells. Pure; any thread.
 */
#ifndef HAVEN_MODEL_TASK_H
#define HAVEN_MODEL_TASK_H

#include "base/str.h"

/* Modalities of ModelPack, parted by blanks. */
struct task_types {
    const char *inputs, *outputs;
};

/* false: the task is not known, or takes and gives anything. */
bool task_types(struct str task, struct task_types *ret);

/* The task that a class of transformers is made for ("Qwen2ForCausalLM"), or NULL. */
const char *task_of_class(struct str name, bool sees, bool hears);

#endif
