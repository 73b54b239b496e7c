/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: runs a fuzz target over the files of its corpus, so that every ordinary test run repeats
 * what fuzzing once found. usage: replay DIRECTORY...
 */
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file of a corpus. */
#define INPUT_MAX (8u << 20)

/* An allocation of exactly the input's size, so that a sanitizer sees a read past its end. */
static void feed(struct str s)
{
    AUTO_FREE uint8_t *p = mem_alloc(s.n);
    if (s.n)
        memcpy(p, s.p, s.n);
    (void)LLVMFuzzerTestOneInput(p, s.n);
}

static int replay_dir(const char *path, size_t *ran)
{
    struct err e = {.code = ERR_OK};
    DIR *dir = opendir(path);
    if (!dir) {
        (void)fprintf(stderr, "replay: cannot open %s\n", path);
        return -1;
    }
    int result = 0;
    for (const struct dirent *d = readdir(dir); d && result == 0; d = readdir(dir)) {
        if (d->d_name[0] == '.')
            continue;
        AUTO(buf) b = {0};
        buf_init(&b, INPUT_MAX);
        if (file_read_at(dirfd(dir), d->d_name, INPUT_MAX, &b, &e) != 1) {
            (void)fprintf(stderr, "replay: %s/%s: %s\n", path, d->d_name, e.msg);
            result = -1;
            continue;
        }
        feed(buf_str(&b));
        (*ran)++;
    }
    (void)closedir(dir);
    return result;
}

int main(int argc, char **argv)
{
    size_t ran = 0;
    feed(STR(""));
    for (int i = 1; i < argc; i++)
        if (replay_dir(argv[i], &ran) < 0)
            return 1;
    (void)printf("%zu inputs\n", ran);
    return ran ? 0 : 1; /* a corpus that vanished is not a pass */
}
