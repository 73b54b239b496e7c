/* SPDX-License-Identifier: Apache-2.0 */
/* pytorch_types: the names that PyTorch's files use: element types, storages, what rebuilds them.
 */
#ifndef HAVEN_MODEL_PYTORCH_TYPES_H
#define HAVEN_MODEL_PYTORCH_TYPES_H

#include "model/weights.h"

/* "torch.bfloat16"; NULL: no such element type. */
const struct weight_dtype *pytorch_dtype(struct str name);

/* "torch.BFloat16Storage", "torch.cuda.FloatStorage": *ret_type is the type of its elements, NULL
 * when a storage is just bytes ("torch.storage.UntypedStorage"). false: no such storage. */
bool pytorch_storage(struct str name, const struct weight_dtype **ret_type);

/* A name that PyTorch's own loader of nothing but weights takes (torch.load with weights_only, as
 * torch/_weights_only_unpickler.py lists them): nothing happens when it is called but that data is
 * put together. */
bool pytorch_is_harmless(struct str name);

#endif
