/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors and the index of shards: tensors cover the file exactly, or the file is refused. */
#include "weights_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_index(struct arena *a, const struct model_reader *r, const struct weights *w)
{
    struct shards s;
    struct err e = {.code = ERR_OK};
    if (shards_read(a, r, &s, &e) < 0) {
        BUG_ON(e.code != ERR_MODEL_INVALID && e.code != ERR_LIMIT);
        return;
    }
    BUG_ON(s.n_tensors == 0 || s.n_files == 0 || s.n_files > s.n_tensors);
    for (size_t i = 1; i < s.n_files; i++)
        BUG_ON(str_cmp(s.files[i - 1], s.files[i]) >= 0);
    BUG_ON(shards_check_files(&s, s.files, s.n_files, NULL) < 0);
    for (size_t i = 0; i < s.n_files; i++)
        (void)shards_check_tensors(&s, s.files[i], w, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = {0};
    struct weights w = {.n_tensors = 0};
    struct str bytes = str_of((const char *)data, size);
    struct model_reader r = model_reader_memory(&bytes);

    arena_init(&a, 64 * MIB);
    int rc = weights_check(&a, &r, &w);
    if (rc == 1 && strcmp(w.format, "safetensors") == 0) {
        uint64_t at = w.header_bytes;
        for (size_t i = 0; i < w.n_tensors; i++) {
            BUG_ON(w.tensors[i].offset != at);
            at += w.tensors[i].bytes;
        }
        BUG_ON(at != size);
    }
    check_index(&a, &r, &w);
    return 0;
}
