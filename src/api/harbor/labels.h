/* SPDX-License-Identifier: Apache-2.0 */
/* labels: the JSON object of a label, which artifacts show as well. */
#ifndef HAVEN_API_HARBOR_LABELS_H
#define HAVEN_API_HARBOR_LABELS_H

#include "api/harbor/harbor.h"
#include "registry/label.h"

extern const struct api_object harbor_label_object; /* struct label */

#endif
