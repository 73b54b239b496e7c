/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/exit.h"

static const struct {
    int number;
    const char *meaning;
} numbers[] = {
#define EXIT(name, number_, meaning_) {number_, meaning_},
#include "cli/exit.def"
#undef EXIT
};

static const struct row {
    enum err_code code;
    enum exit_status status;
    const char *words, *hint;
} rows[] = {
#define OF(code_, exit_, words_, hint_) {ERR_##code_, STATUS_##exit_, words_, hint_},
#include "cli/exit.def"
#undef OF
};

static const struct row *row_of(const struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].code == err->code && (!rows[i].words || strstr(err->msg, rows[i].words)))
            return &rows[i];
    return NULL;
}

enum exit_status exit_status_of(const struct err *err)
{
    const struct row *row = row_of(err);
    return row ? row->status : STATUS_FAILURE;
}

void exit_hint(const struct err *err, const char *host, struct buf *out)
{
    const struct row *row = row_of(err);
    const char *hint = row ? row->hint : NULL;
    while (hint && *hint) {
        const char *at = host ? strstr(hint, "HOST") : NULL;
        size_t n = at ? (size_t)(at - hint) : strlen(hint);
        /* Not the HOST of "HOST[:PORT]/…": that one is a pattern. */
        bool pattern = at && at[4] == '[';
        buf_add(out, hint, n);
        if (at)
            buf_addz(out, pattern ? "HOST" : host);
        hint += at ? n + 4 : n;
    }
}

void exit_of_code(enum err_code code, enum exit_status *ret, const char **ret_hint)
{
    *ret = STATUS_FAILURE;
    *ret_hint = NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].code != code)
            continue;
        *ret = rows[i].status;
        *ret_hint = rows[i].hint;
    }
}

void exit_write_text(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        buf_addf(out, "%5d  %s\n", numbers[i].number, numbers[i].meaning);
}

void exit_write_markdown(struct buf *out)
{
    buf_addz(out, "| Exit status | Meaning |\n|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        buf_addf(out, "| %d | %s |\n", numbers[i].number, numbers[i].meaning);
}

void exit_write_json(struct json_writer *w)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        jsonw_object(w);
        jsonw_ki64(w, "exit_status", numbers[i].number);
        jsonw_kstrz(w, "meaning", numbers[i].meaning);
        jsonw_object_done(w);
    }
}

void exit_write_roff(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        buf_addf(out, ".TP\n.B %d\n", numbers[i].number);
        for (const char *z = numbers[i].meaning; *z; z++)
            buf_addf(out, *z == '-' ? "\\%c" : "%c", *z);
        buf_addc(out, '\n');
    }
}
