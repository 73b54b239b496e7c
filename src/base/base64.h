/* SPDX-License-Identifier: Apache-2.0 */
/* base64: RFC 4648 sections 4 and 5 (standard and URL-safe without padding). */
#ifndef HAVEN_BASE_BASE64_H
#define HAVEN_BASE_BASE64_H

#include "base/buf.h"

void base64_encode(struct buf *out, struct str s);
void base64url_encode(struct buf *out, struct str s);
/* Appends the decoded bytes; false (nothing appended) when s is not base64 or does not fit into
 * out. Either alphabet, not both in one text; padding optional; no blanks; unused bits must be
 * zero. */
bool base64_decode(struct buf *out, struct str s);

#endif
