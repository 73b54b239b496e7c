/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include "base/mem.h"

#define GAP 2

/* Characters that a reader sees. */
static size_t shown(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* A copy on one line, which no terminal obeys and which is UTF-8. */
static struct str harmless(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.n + 1);
    uint32_t point = 0;
    size_t n = 0;

    for (size_t i = 0; i < s.n;) {
        size_t len = str_utf8(str_skip(s, i), &point);
        if (len == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0)) {
            out[n++] = '?';
            i += len ? len : 1;
            continue;
        }
        memcpy(out + n, s.p + i, len);
        n += len;
        i += len;
    }
    return str_of(out, n);
}

void table_init(struct table *t, struct arena *a, const struct str *head, size_t columns)
{
    BUG_ON(columns == 0 || columns > TABLE_COLUMNS);
    *t = (struct table){.arena = a, .head = head, .columns = columns};
    for (size_t i = 0; i < columns; i++)
        t->width[i] = shown(head[i]);
}

void table_add(struct table *t, const struct str *cells)
{
    if (t->rows == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 32;
        struct str *bigger = ARENA_ARRAY(t->arena, cap * t->columns, struct str);
        if (t->rows)
            memcpy(bigger, t->cells, t->rows * t->columns * sizeof(*bigger));
        t->cells = bigger;
        t->cap = cap;
    }
    for (size_t i = 0; i < t->columns; i++) {
        struct str cell = cells[i].n ? harmless(t->arena, cells[i]) : STR("-");
        t->cells[t->rows * t->columns + i] = cell;
        t->width[i] = MAX_OF(t->width[i], shown(cell));
    }
    t->rows++;
}

/* The last column is as wide as it is: no blanks end a line. */
static void write_row(const struct table *t, const struct str *cells, struct buf *out)
{
    for (size_t i = 0; i < t->columns; i++) {
        buf_adds(out, cells[i]);
        if (i + 1 < t->columns)
            buf_addf(out, "%*s", (int)(t->width[i] - shown(cells[i]) + GAP), "");
    }
    buf_addc(out, '\n');
}

void table_write(struct table *t, bool title, struct buf *out)
{
    if (title)
        write_row(t, t->head, out);
    for (size_t i = 0; i < t->rows; i++)
        write_row(t, t->cells + i * t->columns, out);
    t->rows = t->cap = 0;
}
