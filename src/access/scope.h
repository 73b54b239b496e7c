/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope: what a client asks a token for: "repository:library/model:pull,push", several separated by
 * blanks. Source: the token specification of CNCF distribution ("resourcescope"). Pure; a fuzz
 * target.
 *
 * The actions asked for are read and then ignored by whoever fills a grant: a token holds all that
 * its holder may do there.
 */
#ifndef HAVEN_ACCESS_SCOPE_H
#define HAVEN_ACCESS_SCOPE_H

#include "base/str.h"

struct access_scope {
    struct str
        type; /* "repository", "registry"; a class behind it ("repository(plugin)") is cut off */
    struct str name;    /* all between the first and the last ':' */
    struct str actions; /* "pull,push", may be empty */
};

/* Takes the next scope off *rest. Malformed ones (no name, unprintable bytes, a type longer than
 * LIMIT_SCOPE_TYPE or a name longer than LIMIT_REPO_NAME) are passed over. false at the end. Views
 * into *rest. */
bool access_scope_next(struct str *rest, struct access_scope *ret);

#endif
