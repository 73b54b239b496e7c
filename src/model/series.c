/* SPDX-License-Identifier: Apache-2.0 */
#include "model/series.h"

#include "base/mem.h"
#include "model/kind.h"

#include <stdlib.h>

#define ASIDE "original/"

enum { SAFETENSORS, GGUF, PYTORCH, ONNX, FORMATS };
static const char *const format_names[FORMATS] = {"safetensors", "gguf", "pt", "onnx"};

/* Beginnings and endings of what a training leaves beside its model. */
static const char *const left_begin[] = {"optimizer", "scheduler",     "training_args",
                                         "rng_state", "random_states", "scaler"};
static const char *const left_end[] = {"optim_states.pt"};

/* What a file beside an ONNX model that holds its weights is called: the model's name and this,
 * and perhaps a number. */
#define ONNX_SUFFIX ".onnx"
static const char *const onnx_data[] = {"_data", ".data"};

struct part {
    int format;
    struct str dir;        /* with its slash; empty at the root */
    struct str head, tail; /* the path around the part's number */
    bool aside;
    uint64_t bytes;
    struct series_file *file;
};

/* Neighbours in the sorted list. */
struct run {
    struct part *parts;
    size_t n;
    uint64_t bytes;
};

static bool is_left_over(struct str path)
{
    struct str name = str_skip(path, (size_t)(str_rchr(path, '/') + 1));
    for (size_t i = 0; i < ARRAY_LEN(left_begin); i++)
        if (str_starts(name, str_from(left_begin[i])))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(left_end); i++)
        if (str_ends(name, str_from(left_end[i])))
            return true;
    return false;
}

static int format_of(struct str path)
{
    const char *name = model_format_of(path);
    for (int i = 0; name && i < FORMATS; i++)
        if (strcmp(name, format_names[i]) == 0)
            return i == PYTORCH && is_left_over(path) ? FORMATS : i;
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

/* The path of the ONNX model that a file holds weights for, or STR_NULL. */
static struct str model_of_data(struct str path)
{
    for (size_t at = path.n; at-- > strlen(ONNX_SUFFIX);) {
        struct str model = str_head(path, at), rest = str_skip(path, at);
        if (rest.p[0] == '/')
            break;
        for (size_t i = 0; i < ARRAY_LEN(onnx_data); i++)
            if (str_starts(rest, str_from(onnx_data[i])) && str_ends(model, STR(ONNX_SUFFIX)))
                return model;
    }
    return STR_NULL;
}

/* Adds the bytes of what lies beside ONNX models to theirs. parts: those, sorted. */
static void add_data(struct part *parts, size_t n, const struct series_file *files, size_t n_files)
{
    for (size_t i = 0; n && i < n_files; i++) {
        struct part key = {.format = ONNX};
        struct str model = model_of_data(files[i].path);
        if (!model.p)
            continue;
        split(&key, model);
        struct part *p = bsearch(&key, parts, n, sizeof(*parts), compare);
        if (p && __builtin_add_overflow(p->bytes, files[i].size, &p->bytes))
            p->bytes = UINT64_MAX;
    }
}

static bool same_series(const struct part *a, const struct part *b)
{
    return compare(a, b) == 0 && a->tail.n;
}

static struct run run_at(struct part *parts, size_t n)
{
    struct run r = {.parts = parts};
    while (r.n < n && (r.n == 0 || same_series(parts, &parts[r.n])))
        r.bytes += parts[r.n++].bytes;
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
        if (parts[0].format != GGUF && best.n && !str_eq(best.parts->dir, r.parts->dir)) {
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
        struct part p = {
            .format = format_of(files[i].path), .bytes = files[i].size, .file = &files[i]};
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
        if (k == ONNX)
            add_data(&parts[begin[k]], end - begin[k], files, n);
        bytes[k] = choose(&parts[begin[k]], end - begin[k], false);
        if (bytes[k] == 0)
            bytes[k] = choose(&parts[begin[k]], end - begin[k], true);
    }
    int best = bytes[GGUF] > bytes[SAFETENSORS] ? GGUF : SAFETENSORS;
    for (int k = PYTORCH; k < FORMATS && bytes[best] == 0; k++)
        best = k;
    for (size_t i = 0; i < n_parts; i++)
        if (parts[i].format != best)
            parts[i].file->counts = false;
}

bool series_is_worth(struct str path)
{
    struct series_file alone = {.path = path, .size = 1};
    const char *format = model_format_of(path);

    series_choose(&alone, 1);
    return alone.counts ||
           (format && (strcmp(format, "pickle") == 0 || strcmp(format, "keras") == 0));
}
