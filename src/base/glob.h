/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glob: patterns for the paths of files, as .gitignore and shells have them.
 *
 *     *        any characters of one name; never '/'
 *     ?        one character
 *     [a-z]    one of these; [!a-z] or [^a-z] one of the others; [[:digit:]] and the other POSIX
 *              classes (ASCII)
 *     **       as a whole part: any number of directories; at the end everything below
 *     \x       x itself
 *
 * Characters are those of UTF-8; case counts; a leading dot is nothing special. A match takes at
 * most as many steps as pattern and path have bytes, multiplied: no pattern makes it explode.
 * A malformed pattern matches nothing; glob_wrong says what is wrong with it. Pure; any thread.
 * Source: gitignore(5); wildmatch as git has it.
 */
#ifndef HAVEN_BASE_GLOB_H
#define HAVEN_BASE_GLOB_H

#include "base/arena.h"
#include "base/buf.h"

/* NULL, or what is wrong with the pattern: a text that goes on from "the pattern … ". */
const char *glob_wrong(struct str pattern);

/* Does the pattern match the whole path? Both have '/' between parts and none in front. */
bool glob_match(struct str pattern, struct str path);

/* The same with {a,b}, which stands for either, nested too: a pattern that is longer than
 * GLOB_WAYS_BYTES or stands for more than GLOB_WAYS others matches nothing. */
#define GLOB_WAYS       256
#define GLOB_WAYS_BYTES 512
bool glob_match_ways(struct str pattern, struct str path);
/* As glob_wrong, for such a pattern. */
const char *glob_ways_wrong(struct str pattern);

/* Does the pattern, as a filter of files, take in the file at path? Without '/' (but at its end) it
 * is held against every name of the path, so that "*.bin" works at any depth and "data" takes in
 * what is below a directory of that name. With one it is held against the path and the directories
 * above it, from the root; a '/' in front only says that. A '/' at the end: directories only. */
bool glob_selects(struct str pattern, struct str path);

struct glob_list {
    const struct str *globs;
    size_t n;
};
/* Does any of them? */
bool glob_list_selects(const struct glob_list *l, struct str path);

/* The one path that a pattern without wildcards matches, with its escapes resolved, into the arena:
 * 1, 0 when there are wildcards, -1 LIMIT. */
int glob_literal(struct arena *a, struct str pattern, struct str *ret, struct err *e);
/* The pattern that matches exactly this path, appended. */
void glob_escape(struct buf *out, struct str path);

#endif
