/* SPDX-License-Identifier: Apache-2.0 */
/*
 * license: the names that model hubs give licences, as SPDX licence expressions.
 * Source: SPDX 2.3 annex D (expressions), the SPDX licence list, the hub's list of identifiers.
 * Pure; any thread.
 */
#ifndef HAVEN_MODEL_LICENSE_H
#define HAVEN_MODEL_LICENSE_H

#include "base/arena.h"

/* A whole expression is at most this long. */
#define MODEL_LICENSE_MAX 256

/* The expression for a hub's identifier ("apache-2.0", "llama3.1"), an SPDX identifier in any case,
 * or an expression of either ("mit OR Apache-2.0"). What SPDX does not know becomes
 * LicenseRef-NAME. 1 written to out, 0: s says that the licence is unknown (or is empty), -1
 * MODEL_INVALID: no licence can be made of s. */
int model_license_spdx(struct str s, char out[MODEL_LICENSE_MAX], struct err *e);

#endif
