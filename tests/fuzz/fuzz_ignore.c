/* SPDX-License-Identifier: Apache-2.0 */
/* A .havenignore from anybody: reading ends, and what it says of some paths depends on its lines
 * alone; blanks and comments at its end change nothing. */
#include "base/limits.h"
#include "base/mem.h"
#include "model/ignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"a", "a/b", "data/train.csv", "x/y/z/model.bin", "#a", " "};
    struct str text = str_of((const char *)data, size);
    struct ignore ig, more;
    struct arena a;

    arena_init(&a, 8 * MIB);
    if (ignore_parse(&a, IGNORE_FILE, text, &ig, NULL) == 0) {
        BUG_ON(ig.n > LIMIT_GLOBS);
        char *longer = arena_printf(&a, "%.*s\n# a\n   \n", S(text));
        bool again = !memchr(text.p ? text.p : "", '\0', text.n) &&
                     ignore_parse(&a, IGNORE_FILE, str_from(longer), &more, NULL) == 0;
        for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
            struct str path = str_from(paths[i]);
            bool file = ignore_entry(&ig, path, false);
            BUG_ON(ig.n == 0 && file);
            BUG_ON(again && file != ignore_entry(&more, path, false));
        }
    }
    arena_done(&a);
    return 0;
}
