/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern, a newline, a path: matching ends, stays inside both, a malformed pattern matches
 * nothing, and an escaped path matches itself and nothing else. */
#include "base/glob.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str path = str_of((const char *)data, size);
    struct str pattern = str_cut(&path, '\n'), literal;
    AUTO(buf) escaped = {0};
    struct arena a;

    path = str_head(path.p ? path : STR(""), LIMIT_MODEL_PATH);
    pattern = str_head(pattern, LIMIT_GLOB);
    arena_init(&a, MIB);
    buf_init(&escaped, MIB);
    bool match = glob_match(pattern, path);
    bool selects = glob_selects(pattern, path);
    BUG_ON(match && pattern.n && glob_wrong(pattern));
    BUG_ON(selects && pattern.n && glob_wrong(pattern));
    bool ways = glob_match_ways(pattern, path);
    if (str_chr(pattern, '{') < 0 && pattern.n <= GLOB_WAYS_BYTES)
        BUG_ON(ways != match);
    (void)glob_ways_wrong(pattern);
    if (!glob_wrong(pattern) && glob_literal(&a, pattern, &literal, NULL) == 1)
        BUG_ON(match != str_eq(literal, path));
    glob_escape(&escaped, path);
    BUG_ON(!glob_match(buf_str(&escaped), path));
    BUG_ON(!str_eq(pattern, path) && glob_match(buf_str(&escaped), pattern));
    arena_done(&a);
    return 0;
}
