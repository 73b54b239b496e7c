/* SPDX-License-Identifier: Apache-2.0 */
/* file_tree: the files of a model as the tree that Harbor's API shows: directories first, then by
 * name: {"name", "type": "file" or "directory", "size", "children"}. Pure. */
#ifndef HAVEN_API_HARBOR_FILE_TREE_H
#define HAVEN_API_HARBOR_FILE_TREE_H

#include "base/buf.h"

#include <stdint.h>

struct tree_file {
    struct str path; /* '/' between parts */
    uint64_t size;   /* bytes */
};

/* Appends the tree as JSON ("[]" without files); the files are sorted. What lies deeper than
 * 24 directories is called by the rest of its path. */
void file_tree_write(struct tree_file *files, size_t n, struct buf *out);

#endif
