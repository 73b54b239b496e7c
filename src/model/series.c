/* SPDX-License-Identifier: Apache-2.0 */
#include "model/series.h"

#include "base/mem.h"
#include "model/kind.h"

#include <stdlib.h>

#define ASIDE "original/"

enum { SAFETENSORS, GGUF, FORMATS };
static const char *const format_names[FORMATS] = {"safetensors", "gguf"};

struct part {
    int format;
    struct str dir;        /* with its slash; empty at the root */
    struct str head, tail; /* the path around the part's number */
    bool aside;
    struct series_file *file;
};

/* Neighbours in the sorted list. */
struct run {
    struct part *parts;
    size_t n;
    uint64_t bytes;
};

static int format_of(struct str path)
{
    const char *name = model_format_of(path);
    for (int i = 0; name && i < FORMATS; i++)
        if (strcmp(name, format_names[i]) == 0)
            return i;
    return FORMATS;
}

static size_t digits_before(struct str s, size_t at)
{
    size_t n = 0;
    while (n < at && s.p[at - n - 1] >= '0' && s.p[at - n - 1] <= '9')
        n++;
    return n;
}

/* "model-00001-of-00003.gguf": "model-" and "-of-00003.gguf". */
static void split(struct part *p, struct str path)
{
    ptrdiff_t slash = str_rchr(path, '/');
    p->dir = str_head(path, (size_t)(slash + 1));
    p->aside = p->dir.n >= strlen(ASIDE) &&
               str_eqz(str_skip(p->dir, p->dir.n - strlen(ASIDE)), ASIDE) &&
               (p->dir.n == strlen(ASIDE) || p->dir.p[p->dir.n - strlen(ASIDE) - 1] == '/');
    p->head = path;
    p->tail = STR_NULL;
    for (size_t at = p->dir.n; at + 4 <= path.n; at++) {
        size_t n = digits_before(path, at);
        if (memcmp(path.p + at, "-of-", 4) != 0 || n == 0 || n + 1 > at - p->dir.n ||
            path.p[at - n - 1] != '-')
            continue;
        p->head = str_head(path, at - n);
        p->tail = str_skip(path, at);
    }
}

static int compare(const void *va, const void *vb)
{
    const struct part *a = va, *b = vb;
    int rc = a->format - b->format;
    if (rc == 0)
        rc = str_cmp(a->dir, b->dir);
    if (rc == 0)
        rc = str_cmp(a->head, b->head);
    if (rc == 0)
        rc = str_cmp(a->tail, b->tail);
    return rc;
}

static bool same_series(const struct part *a, const struct part *b)
{
    return compare(a, b) == 0 && a->tail.n;
}

static struct run run_at(struct part *parts, size_t n)
{
    struct run r = {.parts = parts};
    while (r.n < n && (r.n == 0 || same_series(parts, &parts[r.n])))
        r.bytes += parts[r.n++].file->size;
    return r;
}

static void set(const struct run *r, bool counts)
{
    for (size_t i = 0; i < r->n; i++)
        r->parts[i].file->counts = counts;
}

/* Of the parts of one format: sets which count, and returns their bytes. */
static uint64_t choose(struct part *parts, size_t n, bool with_aside)
{
    struct run best = {.n = 0};
    uint64_t sum = 0;
    for (size_t i = 0; i < n;) {
        struct run r = run_at(&parts[i], n - i);
        i += r.n;
        if (parts[0].format == SAFETENSORS && best.n && !str_eq(best.parts->dir, r.parts->dir)) {
            sum += best.bytes;
            best.n = 0;
        }
        if ((r.parts->aside && !with_aside) || (best.n && r.bytes <= best.bytes))
            continue;
        set(&best, false);
        set(&r, true);
        best = r;
    }
    return best.n ? sum + best.bytes : sum;
}

void series_choose(struct series_file *files, size_t n)
{
    AUTO_FREE struct part *parts = NEW_ARRAY(n + 1, struct part);
    uint64_t bytes[FORMATS] = {0};
    size_t n_parts = 0, begin[FORMATS + 1] = {0};

    for (size_t i = 0; i < n; i++) {
        struct part p = {.format = format_of(files[i].path), .file = &files[i]};
        files[i].counts = false;
        if (p.format == FORMATS)
            continue;
        split(&p, files[i].path);
        parts[n_parts++] = p;
    }
    qsort(parts, n_parts, sizeof(*parts), compare);
    for (int k = 0; k < FORMATS; k++) {
        size_t end = begin[k];
        while (end < n_parts && parts[end].format == k)
            end++;
        begin[k + 1] = end;
        if (begin[k] == end)
            continue;
        bytes[k] = choose(&parts[begin[k]], end - begin[k], false);
        if (bytes[k] == 0)
            bytes[k] = choose(&parts[begin[k]], end - begin[k], true);
    }
    int other = bytes[GGUF] > bytes[SAFETENSORS] ? SAFETENSORS : GGUF;
    for (size_t i = begin[other]; i < begin[other + 1]; i++)
        parts[i].file->counts = false;
}
