/* SPDX-License-Identifier: Apache-2.0 */
#include "search/pack.h"

#include "base/mem.h"

#include <stdlib.h>

static size_t put_varint(char *out, uint64_t v)
{
    size_t n = 0;

    for (; v >= 0x80; v >>= 7)
        out[n++] = (char)(v | 0x80);
    out[n++] = (char)v;
    return n;
}

/* Up to 63 bits. */
static bool take_varint(struct str *rest, uint64_t *ret)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 63 && rest->n; shift += 7) {
        uint64_t byte = (unsigned char)rest->p[0];
        *rest = str_skip(*rest, 1);
        v |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = v;
            return true;
        }
    }
    return false;
}

/* ---- bits: of few members their positions in 16 bits, else a bit for each artifact ---- */

static bool join_positions(struct str row, uint64_t *words)
{
    for (size_t i = 0; i < row.n; i += sizeof(uint16_t)) {
        uint16_t at;
        memcpy(&at, row.p + i, sizeof(at));
        if (at >= SEARCH_ROW)
            return false;
        words[at / 64] |= 1ULL << (at % 64);
    }
    return true;
}

bool pack_join_bits(struct str row, uint64_t *words)
{
    if (row.n < SEARCH_ROW_BYTES)
        return row.n % sizeof(uint16_t) == 0 && join_positions(row, words);
    if (row.n != SEARCH_ROW_BYTES)
        return false;
    for (size_t i = 0; i < SEARCH_ROW_WORDS; i++) {
        uint64_t word;
        memcpy(&word, row.p + i * sizeof(word), sizeof(word));
        words[i] |= word;
    }
    return true;
}

size_t pack_bits(const uint64_t *words, char out[SEARCH_ROW_BYTES])
{
    size_t members = 0, n = 0;

    for (size_t i = 0; i < SEARCH_ROW_WORDS; i++)
        members += (size_t)__builtin_popcountll(words[i]);
    if (members * sizeof(uint16_t) >= SEARCH_ROW_BYTES) {
        memcpy(out, words, SEARCH_ROW_BYTES);
        return SEARCH_ROW_BYTES;
    }
    for (size_t i = 0; i < SEARCH_ROW_WORDS; i++)
        for (uint64_t left = words[i]; left; left &= left - 1) {
            uint16_t at = (uint16_t)(i * 64 + (size_t)__builtin_ctzll(left));
            memcpy(out + n, &at, sizeof(at));
            n += sizeof(at);
        }
    return n;
}

/* ---- cells: the least of them, how many bytes each takes, and what it is more than that ---- */

bool pack_read_cells(struct str row, int64_t ret[SEARCH_CHUNK])
{
    char bytes[PACK_CELLS_BYTES + 8];
    uint64_t base;

    if (row.n < 9 || row.n > PACK_CELLS_BYTES)
        return false;
    size_t width = (unsigned char)row.p[8];
    if (width > 8 || row.n != 9 + width * SEARCH_CHUNK)
        return false;
    memcpy(&base, row.p, sizeof(base));
    /* A copy with something behind it: each is read as eight bytes, and cut. */
    memcpy(bytes, row.p, row.n);
    memset(bytes + row.n, 0, 8);
    uint64_t mask = width == 0 ? 0 : ~0ULL >> (64 - 8 * width);
    for (size_t i = 0; i < SEARCH_CHUNK; i++) {
        uint64_t more;
        memcpy(&more, bytes + 9 + i * width, sizeof(more));
        ret[i] = (int64_t)(base + (more & mask));
    }
    return true;
}

size_t pack_cells(const int64_t cells[SEARCH_CHUNK], char out[PACK_CELLS_BYTES])
{
    int64_t least = cells[0], most = cells[0];
    size_t width = 0;

    for (size_t i = 1; i < SEARCH_CHUNK; i++) {
        least = MIN_OF(least, cells[i]);
        most = MAX_OF(most, cells[i]);
    }
    for (uint64_t range = (uint64_t)most - (uint64_t)least; range; range >>= 8)
        width++;
    memcpy(out, &least, sizeof(least));
    out[8] = (char)width;
    for (size_t i = 0; i < SEARCH_CHUNK; i++) {
        uint64_t more = (uint64_t)cells[i] - (uint64_t)least;
        memcpy(out + 9 + i * width, &more, width); /* little endian */
    }
    return 9 + width * SEARCH_CHUNK;
}

/* ---- codes: which there are, the most frequent first; how many bytes each artifact takes; and
 * for each of its codes its place among those there are, as a varint ---- */

struct frequency {
    uint32_t code, n;
};

static int by_code(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

static int by_frequency(const void *x, const void *y)
{
    const struct frequency *a = x, *b = y;
    return a->n != b->n ? (a->n > b->n ? -1 : 1) : a->code < b->code ? -1 : a->code > b->code;
}

/* In place: each once, by its code. */
static size_t count_each(uint32_t *codes, size_t n, struct frequency *ret)
{
    size_t each = 0;

    if (n)
        qsort(codes, n, sizeof(*codes), by_code);
    for (size_t i = 0; i < n; i++) {
        if (each == 0 || ret[each - 1].code != codes[i])
            ret[each++] = (struct frequency){.code = codes[i]};
        ret[each - 1].n++;
    }
    return each;
}

/* Its place by frequency. */
struct ranked {
    uint32_t code, rank;
};

static size_t rank_of(const struct ranked *v, size_t n, uint32_t code)
{
    size_t from = 0;

    while (n > 1) {
        size_t half = n / 2;
        if (v[from + half].code <= code)
            from += half;
        n -= half;
    }
    return v[from].rank;
}

static void write_codes(const struct pack_codes of[SEARCH_CHUNK], const struct ranked *ranked,
                        size_t each, struct buf *out)
{
    size_t lengths = out->n;

    for (size_t i = 0; i < SEARCH_CHUNK; i++)
        buf_add(out, "\0", 2);
    for (size_t i = 0; i < SEARCH_CHUNK; i++) {
        size_t from = out->n;
        char varint[10];
        for (size_t k = 0; k < of[i].n; k++)
            buf_add(out, varint, put_varint(varint, rank_of(ranked, each, of[i].v[k])));
        uint16_t length = (uint16_t)(out->n - from);
        memcpy(out->p + lengths + 2 * i, &length, sizeof(length));
    }
}

void pack_codes(const struct pack_codes of[SEARCH_CHUNK], struct buf *out)
{
    size_t n = 0, at = 0;

    for (size_t i = 0; i < SEARCH_CHUNK; i++)
        n += of[i].n;
    AUTO_FREE uint32_t *all = NEW_ARRAY(n + 1, uint32_t);
    AUTO_FREE struct frequency *each = NEW_ARRAY(n + 1, struct frequency);
    AUTO_FREE struct ranked *ranked = NEW_ARRAY(n + 1, struct ranked);
    for (size_t i = 0; i < SEARCH_CHUNK; i++)
        for (size_t k = 0; k < of[i].n; k++)
            all[at++] = of[i].v[k];
    uint32_t many = (uint32_t)count_each(all, n, each);
    qsort(each, many, sizeof(*each), by_frequency);
    buf_add(out, &many, sizeof(many));
    for (uint32_t i = 0; i < many; i++) {
        buf_add(out, &each[i].code, sizeof(each[i].code));
        ranked[i] = (struct ranked){.code = each[i].code, .rank = i};
    }
    qsort(ranked, many, sizeof(*ranked), by_code); /* which is its first member */
    write_codes(of, ranked, many, out);
}

/* The codes of one artifact. */
static bool tell_codes(struct str ranks, const char *codes, uint32_t many, size_t artifact,
                       void (*fn)(void *p, size_t artifact, uint32_t code), void *p)
{
    for (size_t n = 0; ranks.n; n++) {
        uint64_t rank;
        uint32_t code;
        if (n == SEARCH_CODES_MAX || !take_varint(&ranks, &rank) || rank >= many)
            return false;
        memcpy(&code, codes + rank * sizeof(code), sizeof(code));
        fn(p, artifact, code);
    }
    return true;
}

bool pack_read_codes(struct str row, const uint64_t *words,
                     void (*fn)(void *p, size_t artifact, uint32_t code), void *p)
{
    uint32_t many;

    if (row.n < sizeof(many))
        return false;
    memcpy(&many, row.p, sizeof(many));
    size_t fixed = sizeof(many) + (size_t)many * sizeof(uint32_t) + 2 * SEARCH_CHUNK;
    if (row.n < fixed)
        return false;
    const char *codes = row.p + sizeof(many), *lengths = row.p + fixed - 2 * SEARCH_CHUNK;
    struct str rest = str_skip(row, fixed);
    for (size_t i = 0; i < SEARCH_CHUNK; i++) {
        uint16_t length;
        memcpy(&length, lengths + 2 * i, sizeof(length));
        if (length > rest.n)
            return false;
        if ((words[i / 64] >> (i % 64) & 1) &&
            !tell_codes(str_head(rest, length), codes, many, i, fn, p))
            return false;
        rest = str_skip(rest, length);
    }
    return rest.n == 0;
}

/* ---- lists: how far it is to the next, twice, plus 1 if the term is in its name ---- */

bool pack_read_list(struct str row, struct pack_list *ret)
{
    uint64_t v, id = 0;

    ret->n = 0;
    while (row.n) {
        if (ret->n == PACK_LIST_MAX || !take_varint(&row, &v) ||
            __builtin_add_overflow(id, v >> 1, &id) || id > INT64_MAX / 2)
            return false;
        ret->v[ret->n++] = (struct pack_item){.id = (int64_t)id, .named = v & 1};
    }
    return true;
}

size_t pack_list(const struct pack_list *list, char out[PACK_LIST_BYTES])
{
    size_t n = 0;
    int64_t last = 0;

    for (size_t i = 0; i < list->n; i++) {
        n += put_varint(out + n, (uint64_t)(list->v[i].id - last) << 1 | list->v[i].named);
        last = list->v[i].id;
    }
    return n;
}
