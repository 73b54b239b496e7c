/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pick.h"

#include "base/file.h"
#include "base/limits.h"
#include "model/path.h"

#include <fcntl.h>
#include <stdlib.h>

static struct str base_name(struct str path)
{
    ptrdiff_t slash = str_rchr(path, '/');
    return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

/* ---- names that are skipped unless somebody means them ---- */

/* Such a pattern has a part that is itself a name of that sort: ".env", "*.pyc", "__pycache__". */
static bool means_skipped(struct str glob, struct str name)
{
    for (struct str rest = glob; rest.p;) {
        struct str part = str_cut(&rest, '/');
        if (part.n && model_name_skipped(part) && (!name.p || glob_match(part, name)))
            return true;
    }
    return false;
}

static bool skips(const struct pick *p, struct str name)
{
    if (!model_name_skipped(name))
        return false;
    if (str_ieq(name, STR(".git")))
        return true;
    if (!p->o->modelfile)
        for (size_t i = 0; i < p->o->include.n; i++)
            if (means_skipped(p->o->include.globs[i], name))
                return false;
    for (size_t i = 0; i < p->n_globs; i++)
        if (means_skipped(p->globs[i].pattern->glob, name))
            return false;
    return true;
}

/* Whether the pattern may take in the path at all: it must be meant for such names if there is one.
 */
static bool may_take(struct str glob, struct str path)
{
    for (struct str rest = path; rest.p;)
        if (model_name_skipped(str_cut(&rest, '/')))
            return means_skipped(glob, STR_NULL);
    return true;
}

/* ---- lines of the Modelfile ---- */

static int by_path(const void *va, const void *vb)
{
    const struct pick_line *a = va, *b = vb;
    int rc = str_cmp(a->path, b->path);
    if (rc)
        return rc;
    return a->pattern->line < b->pattern->line ? -1 : 1;
}

static int two_kinds(const struct pick *p, struct str path, const struct pick_line *a,
                     const struct pick_line *b, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    return ERR(e, MODEL_INVALID,
               "%s: %s is named in line %u as %s and in line %u as %s; a file can be only one of "
               "them",
               p->o->modelfile->name, model_path_show(path, show, sizeof(show)), a->pattern->line,
               model_kind_name(a->pattern->kind), b->pattern->line,
               model_kind_name(b->pattern->kind));
}

/* Sorts the lines that name one file; a file that is named twice is kept once. */
static int sort_files(struct pick *p, struct err *e)
{
    size_t n = 0;
    if (p->n_files)
        qsort(p->files, p->n_files, sizeof(*p->files), by_path);
    for (size_t i = 0; i < p->n_files; i++) {
        struct pick_line *last = n ? &p->files[n - 1] : NULL;
        if (!last || !str_eq(last->path, p->files[i].path))
            p->files[n++] = p->files[i];
        else if (last->pattern->kind != p->files[i].pattern->kind)
            return two_kinds(p, last->path, last, &p->files[i], e);
    }
    p->n_files = n;
    return 0;
}

static int read_lines(struct pick *p, struct arena *a, struct err *e)
{
    const struct modelfile *m = p->o->modelfile;
    if (m->n_patterns == 0)
        return ERR(e, MODEL_INVALID,
                   "%s names no files; CONFIG, MODEL, CODE, DOC and DATASET lines do", m->name);
    p->files = arena_try(a, m->n_patterns * sizeof(*p->files), e);
    p->globs = p->files ? arena_try(a, m->n_patterns * sizeof(*p->globs), e) : NULL;
    if (!p->globs)
        return -1;
    for (size_t i = 0; i < m->n_patterns; i++) {
        struct pick_line l = {.pattern = &m->patterns[i]};
        int rc = glob_literal(a, l.pattern->glob, &l.path, e);
        if (rc < 0)
            return -1;
        if (rc)
            p->files[p->n_files++] = l;
        else
            p->globs[p->n_globs++] = l;
    }
    return sort_files(p, e);
}

static const struct pick_line *find_file(const struct pick *p, struct str path)
{
    const struct modelfile_pattern any = {.line = 0};
    size_t low = 0, high = p->n_files;
    const struct pick_line key = {.path = path, .pattern = &any};
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (by_path(&p->files[mid], &key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < p->n_files && str_eq(p->files[low].path, path) ? &p->files[low] : NULL;
}

/* ---- what the walk asks ---- */

static int read_ignore(struct pick *p, struct arena *a, int root, struct err *e)
{
    AUTO(buf) text = {0};
    buf_init(&text, LIMIT_IGNORE_FILE);
    int rc = file_read_at(root, IGNORE_FILE, LIMIT_IGNORE_FILE, &text, e);
    if (rc <= 0)
        return rc;
    char *copy = arena_try(a, text.n + 1, e);
    if (!copy)
        return -1;
    memcpy(copy, text.p, text.n);
    return ignore_parse(a, IGNORE_FILE, str_of(copy, text.n), &p->ignore, e);
}

int pick_init(struct pick *p, struct arena *a, int root, const struct pick_options *o,
              struct err *e)
{
    *p = (struct pick){.o = o};
    if (!o->no_ignore && read_ignore(p, a, root, e) < 0)
        return -1;
    return o->modelfile ? read_lines(p, a, e) : 0;
}

bool pick_walks(const struct pick *p)
{
    return !p->o->modelfile || p->n_globs > 0;
}

bool pick_dir(const struct pick *p, struct str path)
{
    return !skips(p, base_name(path)) && !ignore_entry(&p->ignore, path, true);
}

bool pick_named(const struct pick *p, struct str path)
{
    return !glob_list_selects(&p->o->exclude, path) &&
           (p->o->include.n == 0 || glob_list_selects(&p->o->include, path));
}

static bool included(const struct pick *p, struct str path)
{
    const struct glob_list *l = &p->o->include;
    for (size_t i = 0; i < l->n; i++)
        if (glob_selects(l->globs[i], path) && may_take(l->globs[i], path))
            return true;
    return l->n == 0;
}

/* 1 a line with wildcards says the kind, 0 none matches, -1 they disagree. */
static int match_globs(struct pick *p, struct str path, const struct pick_line **ret, struct err *e)
{
    const struct pick_line *found = find_file(p, path);
    for (size_t i = 0; i < p->n_globs; i++) {
        struct pick_line *l = &p->globs[i];
        if (!glob_match(l->pattern->glob, path) || !may_take(l->pattern->glob, path))
            continue;
        l->used = true;
        if (found && found->pattern->kind != l->pattern->kind)
            return two_kinds(p, path, found, l, e);
        if (!found)
            found = l;
    }
    *ret = found;
    /* What is named without wildcards is taken by that name. */
    return found && !found->path.p;
}

int pick_file(struct pick *p, struct str path, const struct pick_line **ret_line, struct err *e)
{
    const struct pick_line *line = NULL;
    if (skips(p, base_name(path)) || ignore_entry(&p->ignore, path, false))
        return 0;
    if (p->o->modelfile) {
        int rc = match_globs(p, path, &line, e);
        if (rc <= 0)
            return rc;
        if (!pick_named(p, path))
            return 0;
    } else if (glob_list_selects(&p->o->exclude, path) || !included(p, path)) {
        return 0;
    }
    *ret_line = line;
    return 1;
}
