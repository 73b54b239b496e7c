/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ignore: the lines of a .havenignore: which files of a directory are left out.
 *
 * The rules are .gitignore's: one pattern a line (base/glob.h), empty lines and lines that begin
 * with '#' say nothing, blanks at the end do not count unless a backslash stands before them, '!'
 * in front takes a file in again, '/' at the end means directories only, a '/' elsewhere ties the
 * pattern to the root, otherwise it is held against names at any depth. The last line that matches
 * decides. What lies below a directory that is left out cannot be taken in again. Other than git,
 * which lets such lines match nothing, malformed patterns are errors. Pure; any thread.
 * Source: gitignore(5).
 */
#ifndef HAVEN_MODEL_IGNORE_H
#define HAVEN_MODEL_IGNORE_H

#include "base/arena.h"

#define IGNORE_FILE ".havenignore"

struct ignore_line {
    struct str glob;
    bool take;      /* '!' */
    bool dirs_only; /* '/' at the end */
    bool rooted;    /* held against the whole path, else against the name */
};

struct ignore {
    struct ignore_line *lines;
    size_t n;
};

/* The lines lie in the arena and point into text. name: of the file, for messages. MODEL_INVALID
 * says the line; LIMIT. */
int ignore_parse(struct arena *a, const char *name, struct str text, struct ignore *ret,
                 struct err *e);

/* Is the entry at path left out? The directories above it are not asked: who walks a tree does not
 * go into those that are left out. */
bool ignore_entry(const struct ignore *ig, struct str path, bool is_dir);

#endif
