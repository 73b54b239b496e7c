/* SPDX-License-Identifier: Apache-2.0 */
/*
 * license_text: which licence the text of a file is, of those that models have, as an SPDX
 * expression.
 *
 * A licence is told by some phrases that are its alone, whatever the letters' case, line ends,
 * marks of Markdown or of comments and the names of holders are, and by how many words there are: a
 * text with further terms is no licence that is known. In doubt it is none. The versions of the GNU
 * licences are told without "or later", which their texts do not say. Pure; any thread.
 */
#ifndef HAVEN_MODEL_LICENSE_TEXT_H
#define HAVEN_MODEL_LICENSE_TEXT_H

#include "base/str.h"

/* "Apache-2.0", "LicenseRef-llama3.1", …; NULL: none, several, or one that is not known. Texts that
 * are longer than LIMIT_LICENSE_TEXT are none. */
const char *model_license_of_text(struct str text);

/* Is what the text is told to be (text_id) another licence than the expression names? false also in
 * doubt: names that nobody agreed on differ without meaning to. */
bool model_license_contradicts(struct str expression, const char *text_id);

#endif
