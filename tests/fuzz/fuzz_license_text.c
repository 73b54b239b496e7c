/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a licence: what is told of it is the same for the same words, and never contradicts
 * itself. */
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "model/license_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf) wide = {0};
    struct str text = str_of((const char *)data, size);
    const char *id = model_license_of_text(text);

    if (!id)
        return 0;
    BUG_ON(model_license_contradicts(str_from(id), id));
    buf_init(&wide, 4 * size + 16);
    for (size_t i = 0; i < size; i++) {
        buf_addc(&wide, text.p[i]);
        if (text.p[i] == ' ')
            buf_addz(&wide, " \t ");
    }
    const char *again = model_license_of_text(buf_str(&wide));
    BUG_ON(wide.n <= LIMIT_LICENSE_TEXT && buf_ok(&wide) && (!again || strcmp(again, id) != 0));
    return 0;
}
