/* SPDX-License-Identifier: Apache-2.0 */
/* exit: from an error to the exit status and to what helps; both from exit.def. */
#ifndef HAVEN_CLI_EXIT_H
#define HAVEN_CLI_EXIT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum exit_status {
#define EXIT(name, number, meaning) STATUS_##name = number,
#include "cli/exit.def"
#undef EXIT
};

enum exit_status exit_status_of(const struct err *err);
/* What helps against it, appended to out; host: the registry's name or NULL. Nothing is appended
 * when there is no advice. */
void exit_hint(const struct err *err, const char *host, struct buf *out);
/* The number that errors of this code mostly give, and the most general advice (NULL: none). */
void exit_of_code(enum err_code code, enum exit_status *ret, const char **ret_hint);

/* The table of numbers: as text, as rows of a Markdown table, as members of a JSON list that is
 * open in w, as items of a manual page. */
void exit_write_text(struct buf *out);
void exit_write_markdown(struct buf *out);
void exit_write_json(struct json_writer *w);
void exit_write_roff(struct buf *out);

#endif
