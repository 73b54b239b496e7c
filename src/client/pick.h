/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pick: which files of a directory are packed, and as what.
 *
 * In this order: what .havenignore leaves out, and hidden files, Modelfile and Python's caches, are
 * not looked at; then --exclude and --include; then, where there is one, the Modelfile. A file that
 * a line of the Modelfile names without wildcards is packed whatever .havenignore says. Hidden
 * files and the like are reached only by patterns that are meant for them: ".env" or "*.pyc", not
 * "*". One thread.
 */
#ifndef HAVEN_CLIENT_PICK_H
#define HAVEN_CLIENT_PICK_H

#include "base/glob.h"
#include "model/ignore.h"
#include "model/modelfile.h"

/* What the caller wants; all of it is borrowed. Zeroed: everything but what .havenignore leaves
 * out. */
struct pick_options {
    bool no_ignore;                    /* do not read .havenignore */
    struct glob_list include;          /* none: everything */
    struct glob_list exclude;          /* glob_selects; well-formed */
    const struct modelfile *modelfile; /* NULL: none */
};

/* A line of the Modelfile. */
struct pick_line {
    struct str path; /* without wildcards: the file */
    const struct modelfile_pattern *pattern;
    bool used; /* it has matched a file */
};

struct pick {
    const struct pick_options *o;
    struct ignore ignore;
    struct pick_line *files; /* without wildcards: sorted by path, each once */
    size_t n_files;
    struct pick_line *globs; /* with wildcards, in the order of the file */
    size_t n_globs;
};

/* Reads .havenignore below root; what is kept lies in the arena. MODEL_INVALID, LIMIT, IO. */
int pick_init(struct pick *p, struct arena *a, int root, const struct pick_options *o,
              struct err *e);

/* Is there anything to be found by walking? Not when every line of a Modelfile names one file. */
bool pick_walks(const struct pick *p);
/* Can there be something in the directory? Paths are seen from the root. */
bool pick_dir(const struct pick *p, struct str path);
/* 1 the file at path is packed, 0 it is not (or p->files has it), -1 MODEL_INVALID. ret_line: of
 * the Modelfile, which says the kind; NULL: there is none. */
int pick_file(struct pick *p, struct str path, const struct pick_line **ret_line, struct err *e);
/* Do --include and --exclude let through a file that the Modelfile names? */
bool pick_named(const struct pick *p, struct str path);

#endif
