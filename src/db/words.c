/* SPDX-License-Identifier: Apache-2.0 */
#include "db/words.h"

#include "base/mem.h"
#include "db/driver.h"

#include <sqlite3.h>

struct db_words {
    sqlite3 *handle; /* of no file: FTS5 gives its tokenizers to those who have a connection */
    fts5_tokenizer tokenizer;
    void *context;
};

static int words_err(const char *what, int rc, struct err *e)
{
    return ERR(e, DB, "%s: %s", what, sqlite3_errstr(rc));
}

/* What FTS5 offers to extensions; NULL: this SQLite has none. */
static fts5_api *api_of(sqlite3 *handle)
{
    sqlite3_stmt *stmt = NULL;
    fts5_api *api = NULL;

    if (sqlite3_prepare_v2(handle, "SELECT fts5(?1)", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL) == SQLITE_OK)
        (void)sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return api;
}

int db_words_new(struct db_words **ret, struct err *e)
{
    struct db_words *w = NEW(struct db_words);
    fts5_api *api;

    db_driver_init();
    int rc = sqlite3_open_v2(":memory:", &w->handle, SQLITE_OPEN_READWRITE, NULL);
    if (rc == SQLITE_OK && !(api = api_of(w->handle)))
        rc = SQLITE_ERROR;
    if (rc == SQLITE_OK)
        rc = api->xFindTokenizer(api, "unicode61", &w->context, &w->tokenizer);
    if (rc != SQLITE_OK) {
        db_words_free(w);
        return words_err("looking for the words of FTS5", rc, e);
    }
    *ret = w;
    return 0;
}

void db_words_free(struct db_words *w)
{
    if (!w)
        return;
    sqlite3_close(w->handle);
    mem_free(w);
}

struct each {
    bool (*fn)(void *p, struct str word);
    void *p;
    bool ended;
};

static int on_word(void *p, int flags, const char *word, int n, int from, int to)
{
    struct each *each = p;

    (void)flags, (void)from, (void)to;
    if (each->fn(each->p, str_of(word, (size_t)n)))
        return SQLITE_OK;
    each->ended = true;
    return SQLITE_ABORT;
}

int db_words_each(const struct db_words *w, struct str text, bool (*fn)(void *p, struct str word),
                  void *p, struct err *e)
{
    const char *options[] = {"remove_diacritics", "2"};
    struct each each = {.fn = fn, .p = p};
    Fts5Tokenizer *one = NULL;

    if (text.n == 0)
        return 0;
    if (text.n > INT32_MAX)
        return ERR(e, LIMIT, "a text of %zu bytes is too long to be searched", text.n);
    /* One for each text: it holds the word that it is at. */
    int rc = w->tokenizer.xCreate(w->context, options, (int)ARRAY_LEN(options), &one);
    if (rc == SQLITE_OK) {
        rc = w->tokenizer.xTokenize(one, &each, FTS5_TOKENIZE_DOCUMENT, text.p, (int)text.n,
                                    on_word);
        w->tokenizer.xDelete(one);
    }
    return rc == SQLITE_OK || each.ended ? 0 : words_err("cutting a text into words", rc, e);
}
