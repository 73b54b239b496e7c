/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/form.h"

int form_read(const struct cli *c, enum pack_form *ret, struct err *e)
{
    const char *form = cli_value(c, "form");
    bool tar = cli_has(c, "tar");
    if (form && strcmp(form, "cnai-image") == 0) {
        *ret = PACK_FORM_IMAGE; /* its layers are archives anyway */
        return 0;
    }
    if (form && strcmp(form, "modelpack") != 0)
        return ERR(e, USAGE, "--form is modelpack or cnai-image, not \"%s\"", form);
    *ret = tar ? PACK_FORM_TAR : PACK_FORM_RAW;
    return 0;
}
