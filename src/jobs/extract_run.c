/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process that takes files out of one layer, and what comes of it. A run holds its files until
 * it is over; it alone makes them DONE, or fails them.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "jobs/extracting.h"
#include "registry/blob_source.h"

#include <fcntl.h>

/* ---- which files ---- */

static uint64_t end_of(const struct extract_want *w)
{
    return w->at + w->size;
}

/* Does it lie between those that the run has, and where? */
static bool fits(const struct extract_run *r, const struct extract_want *w, size_t *ret_at)
{
    size_t i = 0;
    if (r->n == LIMIT_EXTRACT_PARTS)
        return false;
    while (i < r->n && r->files[i]->want.at < w->at)
        i++;
    if ((i > 0 && end_of(&r->files[i - 1]->want) > w->at) ||
        (i < r->n && end_of(w) > r->files[i]->want.at))
        return false;
    *ret_at = i;
    return true;
}

static void insert(struct extract_run *r, size_t at, struct extract *f)
{
    memmove(&r->files[at + 1], &r->files[at], (r->n - at) * sizeof(r->files[0]));
    r->files[at] = f;
    r->n++;
    f->refs++;
    f->state = EXTRACT_RUNNING;
}

/* One that waits. */
static void take_waiting(struct extract_run *r, struct extract *f)
{
    size_t at;
    if (!fits(r, &f->want, &at))
        return; /* its own token comes */
    insert(r, at, f);
    r->x->n_waiting--;
}

/* Those that nobody asked for need no room that others have. */
static void take_near(struct extract_run *r, const struct extract_want *w)
{
    const struct extract_part part = {.at = w->at, .size = w->size};
    struct extract_pool *x = r->x;
    size_t at;

    if (!extract_same_layer(&r->files[0]->want, w) || !extract_parts_good(&part, 1) ||
        !fits(r, w, &at) || x->used > x->options.space || w->size > x->options.space - x->used ||
        x->n_files >= LIMIT_EXTRACT_FILES || extract_find(x, w))
        return;
    struct extract *f = extract_add(x, w);
    f->idle_until_ms = f->used_ms + x->options.idle_ms;
    insert(r, at, f);
}

/* NULL: nobody waits. */
static struct extract_run *choose(struct extract_pool *x)
{
    struct extract *oldest = NULL, *asked[LIMIT_EXTRACT_PARTS];

    for (struct extract *f = x->files; f; f = f->next)
        if (f->state == EXTRACT_WAITING && (!oldest || f->number < oldest->number))
            oldest = f;
    if (!oldest || x->ending)
        return NULL;
    struct extract_run *r = NEW(struct extract_run);
    r->x = x;
    take_waiting(r, oldest);
    for (struct extract *f = x->files; f; f = f->next)
        if (f->state == EXTRACT_WAITING && extract_same_layer(&f->want, &oldest->want))
            take_waiting(r, f);
    size_t n = r->n;
    memcpy(asked, r->files, sizeof(asked));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < asked[i]->n_near; k++)
            take_near(r, &asked[i]->near[k]);
        mem_free(asked[i]->near);
        asked[i]->near = NULL;
        asked[i]->n_near = 0;
    }
    r->next = x->runs;
    x->runs = r;
    x->n_runs++;
    METRIC_ADD(extract_processes, 1);
    return r;
}

/* ---- one process ---- */

/* What it was asked for. */
struct attempt {
    struct extract_run *run;
    struct parser_extraction x;
    struct extract *files[LIMIT_EXTRACT_PARTS]; /* by part */
};

static void prepare(struct attempt *a)
{
    struct extract_run *r = a->run;
    const struct extract_want *w = &r->files[0]->want;

    a->x = (struct parser_extraction){.blob = w->layer, .size = w->layer_size, .kind = w->kind};
    for (size_t i = 0; i < r->n; i++) {
        struct extract *f = r->files[i];
        if (f->state != EXTRACT_RUNNING)
            continue;
        f->written = 0;
        hash_init(&f->sum, DIGEST_SHA256);
        a->files[a->x.n] = f;
        a->x.parts[a->x.n++] = (struct extract_part){.at = f->want.at, .size = f->want.size};
    }
}

/* All of it is there: is it what was found when the layer was read? */
static int verify(const struct extract *f, struct err *e)
{
    struct digest got;
    if (!f->want.has_digest)
        return 0;
    hash_digest(&f->sum, &got);
    return digest_eq(&got, &f->want.digest)
               ? 0
               : ERR(e, CORRUPT, "what layer %s has at %llu is %s, and was %s when it was read",
                     f->want.layer.text, (unsigned long long)f->want.at, got.text,
                     f->want.digest.text);
}

static int take(void *self, size_t part, const void *p, size_t n, struct err *e)
{
    struct attempt *a = self;
    struct extract *f = a->files[part];
    struct extract_pool *x = f->x;
    struct err why;

    hash_update(&f->sum, p, n);
    if (file_pwrite_all(f->fd, p, n, f->written, e) < 0)
        return -1;
    f->written += n;
    bool whole = f->written == f->want.size, good = whole && verify(f, &why) == 0;
    if (whole && !good)
        LOG(ERROR, "extract.failed", log_err(&why));

    MUTEX_SCOPE(&x->lock);
    if (whole && !good) {
        extract_fail(f, &why);
    } else {
        f->have = f->written;
        f->state = good ? EXTRACT_DONE : EXTRACT_RUNNING;
        f->used_ms = clock_mono_ms();
        extract_wake(f, false);
    }
    if (whole)
        extract_check_runs(x);
    METRIC_ADD(extracts, good);
    return 0;
}

/* It can begin anew as long as nobody has seen a byte of what is not over. */
static bool is_fresh(const struct extract_run *r)
{
    MUTEX_SCOPE(&r->x->lock);
    for (size_t i = 0; i < r->n; i++)
        if (r->files[i]->state == EXTRACT_RUNNING && r->files[i]->have > 0)
            return false;
    return true;
}

static int64_t budget(const struct extract_run *r)
{
    return LIMIT_EXTRACT_MS +
           (int64_t)(end_of(&r->files[r->n - 1]->want) / MIB) * LIMIT_EXTRACT_MS_PER_MIB;
}

/* What the process says of a layer that was read before means that something is wrong with us,
 * unless the process was hindered. */
static int explain(const struct extract_run *r, bool hindered, struct err *e)
{
    if (e->code == ERR_MODEL_INVALID)
        e->code = hindered ? ERR_UNAVAILABLE : ERR_CORRUPT;
    return err_wrap(e, "layer %s", r->files[0]->want.layer.text);
}

static int extract(struct extract_run *r, struct err *e)
{
    AUTO(blob_source) blobs = {0};
    struct extract_pool *x = r->x;
    AUTO_FREE struct attempt *a = NEW(struct attempt);
    int64_t began = clock_mono_ms();
    int rc = 1;

    blob_source_init(&blobs, x->registry);
    blobs.uncounted = true;
    const struct model_source source = blob_source_source(&blobs);
    __attribute__((cleanup(parser_autofree))) struct parser *p = parser_new(x->options.command);
    a->run = r;
    for (int tries = 0; rc == 1 && tries < 2 && is_fresh(r); tries++) {
        prepare(a);
        if (a->x.n == 0)
            return 0;
        rc = parser_extract(p, &a->x, &source, budget(r), &r->stop, take, a, e);
        if (rc == 1 && tries == 0)
            LOG(WARN, "parser.again", log_err(e));
    }
    return rc == 0 ? 0 : explain(r, rc == 1 || clock_mono_ms() - began >= budget(r), e);
}

/* ---- a run ---- */

static int make_files(struct extract_run *r, struct err *e)
{
    char name[24];
    for (size_t i = 0; i < r->n; i++) {
        struct extract *f = r->files[i];
        extract_name(f, name);
        f->fd = file_open_at(r->x->dir, name, O_RDWR | O_CREAT | O_EXCL, 0600, e);
        if (f->fd < 0)
            return -1;
    }
    return 0;
}

static void remove_file(const struct extract *f)
{
    char name[24];
    struct err err;
    extract_name(f, name);
    if (file_unlink_at(f->x->dir, name, &err) < 0)
        LOG(WARN, "extract.kept", log_strz("file", name), log_err(&err));
}

static void finish(struct extract_run *r, const struct err *why)
{
    struct extract_pool *x = r->x;
    struct extract_run **at = &x->runs;

    /* Nobody finds what failed, and what was done after the run had been stopped. */
    bool lost[LIMIT_EXTRACT_PARTS];
    mutex_lock(&x->lock);
    for (size_t i = 0; i < r->n; i++) {
        if (r->files[i]->state == EXTRACT_RUNNING)
            extract_fail(r->files[i], why);
        lost[i] = !r->files[i]->listed;
    }
    mutex_unlock(&x->lock);
    for (size_t i = 0; i < r->n; i++) {
        mem_autoclose(&r->files[i]->fd);
        if (lost[i])
            remove_file(r->files[i]);
    }
    mutex_lock(&x->lock);
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    x->n_runs--;
    METRIC_ADD(extract_processes, -1);
    for (size_t i = 0; i < r->n; i++)
        extract_unref(r->files[i]);
    mutex_unlock(&x->lock);
    mem_free(r);
}

void extract_run_next(struct extract_pool *x)
{
    struct err why = {.code = ERR_OK};

    mutex_lock(&x->lock);
    struct extract_run *r = choose(x);
    mutex_unlock(&x->lock);
    if (!r)
        return;
    int rc = make_files(r, &why);
    if (rc == 0)
        rc = extract(r, &why);
    if (rc < 0 && why.code != ERR_CANCELLED)
        LOG(ERROR, "extract.failed", log_err(&why));
    if (rc == 0)
        (void)ERR(&why, INTERNAL, "it was not taken out"); /* of nobody */
    finish(r, &why);
}
