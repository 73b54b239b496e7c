/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/warnings.h"

#include "base/limits.h"
#include "model/path.h"

#include <stdio.h>

void warnings_init(struct warnings *w)
{
    buf_init(&w->lines, LIMIT_CLIENT_BODY);
}

void warnings_autodone(struct warnings *w)
{
    buf_done(&w->lines);
}

void warnings_keep(void *self, struct str text)
{
    struct warnings *w = self;
    char show[2 * MODEL_PATH_SHOW];
    buf_addf(&w->lines, "haven: warning: %s\n", model_path_show(text, show, sizeof(show)));
}

void warnings_print(const struct warnings *w)
{
    (void)fwrite(w->lines.p, 1, w->lines.n, stderr);
}
