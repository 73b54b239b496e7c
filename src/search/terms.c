/* SPDX-License-Identifier: Apache-2.0 */
#include "search/terms.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdlib.h>

#define NAMED        0x80
#define PACKED_BYTES (8 * MIB)

void terms_init(struct terms *t)
{
    *t = (struct terms){.n = 0};
    buf_init(&t->packed, PACKED_BYTES);
}

void terms_autodone(struct terms *t)
{
    buf_done(&t->packed);
    mem_free(t->v);
    *t = (struct terms){.n = 0};
}

/* ---- packed words ---- */

static void pack(struct buf *to, struct str word, bool named)
{
    buf_addc(to, (char)(word.n | (named ? NAMED : 0)));
    buf_adds(to, word);
}

struct str terms_next(struct str *packed, bool *ret_named)
{
    if (packed->n == 0)
        return STR_NULL;
    unsigned char first = (unsigned char)packed->p[0];
    size_t n = first & (NAMED - 1);
    *ret_named = first & NAMED;
    if (n == 0 || n > TERM_BYTES || n > packed->n - 1)
        return STR_NULL;
    struct str word = str_of(packed->p + 1, n);
    *packed = str_skip(*packed, 1 + n);
    return word;
}

/* Its first TERM_BYTES, no character cut in two. */
static struct str cut(struct str word)
{
    size_t n = TERM_BYTES;

    if (word.n <= n)
        return word;
    while (n > 1 && ((unsigned char)word.p[n] & 0xc0) == 0x80)
        n--;
    return str_head(word, n);
}

struct reading {
    struct buf *packed;
    bool named;
};

static bool take_word(void *p, struct str word)
{
    struct reading *r = p;

    if (word.n)
        pack(r->packed, cut(word), r->named);
    return true;
}

int terms_read(struct terms *t, const struct db_words *words, struct str text, bool named,
               struct err *e)
{
    struct reading r = {.packed = &t->packed, .named = named};
    return db_words_each(words, text, take_word, &r, e);
}

/* ---- beginnings ---- */

struct str terms_beginning(struct str word, size_t characters)
{
    size_t n = 0;

    for (; characters && n < word.n; characters--)
        for (n++; n < word.n && ((unsigned char)word.p[n] & 0xc0) == 0x80;)
            n++;
    return characters ? STR_NULL : str_head(word, n);
}

/* ---- all of them ---- */

static int by_text(const void *x, const void *y)
{
    const struct term *a = x, *b = y;

    if (a->beginning != b->beginning)
        return a->beginning ? -1 : 1;
    return str_cmp(a->text, b->text);
}

/* In order, each once. */
static size_t sort(struct term *v, size_t n)
{
    size_t kept = 0;

    if (n)
        qsort(v, n, sizeof(*v), by_text);
    for (size_t i = 0; i < n; i++)
        if (kept && by_text(&v[kept - 1], &v[i]) == 0)
            v[kept - 1].named |= v[i].named;
        else
            v[kept++] = v[i];
    return kept;
}

/* The words of packed, each once; false: it is damaged. */
static bool read_packed(struct terms *t, struct str packed)
{
    size_t room = packed.n / 2 + 1;
    struct str word;
    bool named;

    mem_free(t->v);
    t->n = 0;
    t->v = NEW_ARRAY(room * (1 + TERM_BEGINNING), struct term);
    while ((word = terms_next(&packed, &named)).n)
        t->v[t->n++] = (struct term){.text = word, .named = named};
    t->n = sort(t->v, t->n);
    return packed.n == 0;
}

/* Those of the words join. */
static void add_beginnings(struct terms *t)
{
    size_t n = t->n;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 1; k <= TERM_BEGINNING; k++) {
            struct str beginning = terms_beginning(t->v[i].text, k);
            if (beginning.n)
                t->v[t->n++] =
                    (struct term){.text = beginning, .beginning = true, .named = t->v[i].named};
        }
    t->n = sort(t->v, t->n);
}

int terms_settle(struct terms *t, struct err *e)
{
    AUTO(buf) all = t->packed;

    buf_init(&t->packed, PACKED_BYTES);
    if (!buf_ok(&all))
        return ERR(e, LIMIT, "there are too many words in an artifact");
    BUG_ON(!read_packed(t, buf_str(&all)));
    for (size_t i = 0; i < t->n; i++)
        pack(&t->packed, t->v[i].text, t->v[i].named);
    /* From here on they lie in what stays. */
    BUG_ON(!read_packed(t, buf_str(&t->packed)));
    add_beginnings(t);
    return 0;
}

bool terms_unpack(struct terms *t, struct str bytes)
{
    if (!read_packed(t, bytes))
        return false;
    add_beginnings(t);
    return true;
}
