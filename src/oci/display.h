/* SPDX-License-Identifier: Apache-2.0 */
/*
 * display: ids of projects and repositories as people and hubs write them ("Qwen/Qwen3-8B",
 * "_ACME/_draft"), and the one rule by which each is the OCI name of one project or repository.
 * Pure; owns nothing.
 *
 * A display id is one or more components of [A-Za-z0-9._-] parted by '/', each of 1 to 96
 * characters and neither "." nor "..", LIMIT_REPO_NAME characters in all. Its first component is a
 * project.
 *
 * The rule. Upper case becomes lower case. Characters that the grammar of OCI cannot hold where
 * they stand become escapes "x--HH", HH being the hex of the character:
 *   - a run of the separators . _ - that the grammar does not know (anything but ".", "_", "__"
 *     and any number of '-'), or that begins or ends a component: each of its characters
 *     ("a._b" is "ax--2ex--5fb", "_a" is "x--5fa");
 *   - an 'x' behind which stands what would make an escape of it (--2d, --2e, --5f, --78):
 *     "x--2e" is "x--78--2e".
 * What is an OCI name already and holds nothing that reads as an escape stays as it is.
 *
 * Why it can be undone: an escape begins and ends with letters or digits, so it may stand beside
 * anything, and it is five characters long. An 'x' that is none is never followed by the rest of
 * one: that could only come of the characters themselves (separators beside an escape are escaped
 * with their whole run), and there it is escaped. So who reads from the left finds the same pieces
 * that were written: decode(encode(d)) is d in lower case, and two ids have one name only if they
 * are the same when case is ignored.
 *
 * Names that no id is written as ("p/x--61", which escapes an 'a', or "p/x--2e", whose id would be
 * ".") are their own display ids, so that every name has one. These may be somebody else's as well
 * ("p/x--78--2e" is the name of the id "p/x--2e"): who keeps them has to look for that.
 */
#ifndef HAVEN_OCI_DISPLAY_H
#define HAVEN_OCI_DISPLAY_H

#include "oci/name.h"

#define DISPLAY_COMPONENT_MAX 96 /* what hubs take */
/* With a manifest that is put: what its repository is to be called if nobody has said so yet. */
#define OCI_DISPLAY_HEADER "Haven-Display-Id"

struct display_id {
    char text[LIMIT_REPO_NAME + 1];
};

/* The OCI name of a display id. NAME_INVALID: it is none, or its name would be too long. */
int display_encode(struct str id, struct repo_name *ret, struct err *e);
/* The display id of an OCI name, in lower case: that which is encoded as the name, or the name
 * itself if there is none. */
void display_decode(const struct repo_name *name, struct display_id *ret);
/* Is this a display id of the name: the one that display_decode gives, in any case? */
bool display_fits(struct str id, const struct repo_name *name);

#endif
