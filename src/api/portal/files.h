/* SPDX-License-Identifier: Apache-2.0 */
/* files: the portal as it was built (tools/portal), inside of the program. Static, read-only. */
#ifndef HAVEN_API_PORTAL_FILES_H
#define HAVEN_API_PORTAL_FILES_H

#include "base/str.h"

struct portal_file {
    const char *path; /* below /-/, "index.html" first */
    const char *type; /* its media type */
    const char *etag; /* of its bytes, in hex */
    bool hashed;      /* the name holds a hash of the bytes: what it names never changes */
    struct str plain, gzip, brotli; /* STR_NULL: not smaller that way */
};

/* Sorted by path, but for the first. None at all: the program was built without the portal. */
extern const struct portal_file portal_files[];
extern const size_t portal_files_n;

#endif
