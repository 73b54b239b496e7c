/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and names: no path that is found good can leave the directory it is written to. */
#include "base/mem.h"
#include "model/modelpack.h"
#include "model/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct str path)
{
    BUG_ON(path.n == 0 || path.p[0] == '/' || memchr(path.p, '\0', path.n) ||
           memchr(path.p, '\\', path.n));
    for (struct str rest = path; rest.p;) {
        struct str part = str_cut(&rest, '/');
        BUG_ON(part.n == 0 || part.n > LIMIT_MODEL_NAME || str_eqz(part, ".") ||
               str_eqz(part, ".."));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool guessed;
    struct str text = str_of((const char *)data, size);

    if (model_path_check(text, NULL) == 0)
        check_path(text);
    (void)model_kind_of(text, size, &guessed);
    (void)model_name_skipped(text);
    return 0;
}
