/* SPDX-License-Identifier: Apache-2.0 */
#include "api/harbor/file_tree.h"

#include "base/json.h"

#include <stdlib.h>

/* A level of the tree is two of JSON, and documents nest LIMIT_JSON_DEPTH at most. */
#define DEPTH_MAX 24

/* Bytewise, but '/' before all else: so a directory stands by its name alone. */
static int by_path(const void *a, const void *b)
{
    const struct str x = ((const struct tree_file *)a)->path;
    const struct str y = ((const struct tree_file *)b)->path;

    for (size_t i = 0; i < x.n && i < y.n; i++) {
        int p = x.p[i] == '/' ? -1 : (unsigned char)x.p[i];
        int q = y.p[i] == '/' ? -1 : (unsigned char)y.p[i];
        if (p != q)
            return p < q ? -1 : 1;
    }
    return x.n < y.n ? -1 : x.n > y.n;
}

/* Behind the directories above. */
static struct str rest_of(const struct tree_file *f, size_t skip)
{
    return str_skip(f->path, skip);
}

static size_t slash_in(struct str s)
{
    ptrdiff_t at = str_chr(s, '/');
    return at < 0 ? s.n : (size_t)at;
}

static void write_level(struct json_writer *w, const struct tree_file *files, size_t n, size_t skip,
                        unsigned depth);

/* The files that begin with the same directory: how many. */
static size_t write_directory(struct json_writer *w, const struct tree_file *files, size_t n,
                              size_t skip, unsigned depth)
{
    struct str first = rest_of(files, skip);
    struct str name = str_head(first, slash_in(first));
    size_t same = 1;

    while (same < n && str_starts(rest_of(&files[same], skip), str_head(first, name.n + 1)))
        same++;
    jsonw_object(w);
    jsonw_kstr(w, "name", name);
    jsonw_kstrz(w, "type", "directory");
    jsonw_key(w, "children");
    jsonw_list(w);
    write_level(w, files, same, skip + name.n + 1, depth + 1);
    jsonw_list_done(w);
    jsonw_object_done(w);
    return same;
}

static void write_level(struct json_writer *w, const struct tree_file *files, size_t n, size_t skip,
                        unsigned depth)
{
    bool deeper = depth < DEPTH_MAX;

    for (size_t i = 0; deeper && i < n;) {
        struct str rest = rest_of(&files[i], skip);
        i += slash_in(rest) < rest.n ? write_directory(w, files + i, n - i, skip, depth) : 1;
    }
    for (size_t i = 0; i < n; i++) {
        struct str rest = rest_of(&files[i], skip);
        if (deeper && slash_in(rest) < rest.n)
            continue;
        jsonw_object(w);
        jsonw_kstr(w, "name", rest);
        jsonw_kstrz(w, "type", "file");
        if (files[i].size)
            jsonw_ku64(w, "size", files[i].size);
        jsonw_object_done(w);
    }
}

void file_tree_write(struct tree_file *files, size_t n, struct buf *out)
{
    struct json_writer w;

    if (n)
        qsort(files, n, sizeof(*files), by_path);
    jsonw_init(&w, out);
    jsonw_list(&w);
    write_level(&w, files, n, 0, 0);
    jsonw_list_done(&w);
}
