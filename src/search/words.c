/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "search/internal.h"

/* Code points beyond ASCII that are between words: spaces, dashes, quotes, and what stands for
 * ASCII in full width. Of others the tokenizer knows what they are. */
static bool separates(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0x80, 0xa9},     {0xab, 0xb1},      {0xb4, 0xb4},     {0xb6, 0xb8},     {0xbb, 0xbb},
        {0xbf, 0xbf},     {0xd7, 0xd7},      {0xf7, 0xf7},     {0x2000, 0x206f}, {0x20a0, 0x20cf},
        {0x2190, 0x245f}, {0x2500, 0x2bff},  {0x3000, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x3030},
        {0x30fb, 0x30fb}, {0xfe10, 0xfe6f},  {0xff01, 0xff0f}, {0xff1a, 0xff20}, {0xff3b, 0xff40},
        {0xff5b, 0xff65}, {0x1f000, 0x1faff}};

    if (c < 0x80)
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

/* The bytes that it takes at the start of s; what is no UTF-8 separates. */
static size_t next_char(struct str s, bool *ret_separates)
{
    uint32_t c = 0;
    size_t n = str_utf8(s, &c);

    *ret_separates = n == 0 || separates(c);
    return n ? n : 1;
}

/* The next word; n 0: there is none. */
static struct str next_word(struct str *rest)
{
    bool between = true;
    size_t n = 0, step;

    while (rest->n && (step = next_char(*rest, &between), between))
        *rest = str_skip(*rest, step);
    while (n < rest->n && (step = next_char(str_skip(*rest, n), &between), !between))
        n += step;
    struct str word = str_head(*rest, n);
    *rest = str_skip(*rest, n);
    return word;
}

/* As a string of FTS5, in which no character of a word has a meaning. */
static void add_string(struct buf *out, struct str word)
{
    buf_addc(out, '"');
    buf_adds(out, word);
    buf_addc(out, '"');
}

bool search_expression(struct str text, struct buf *out)
{
    struct str rest = text, word = next_word(&rest);

    if (word.n == 0)
        return false;
    for (size_t i = 0; i < SEARCH_WORDS && word.n; i++) {
        buf_addz(out, i ? " AND " : "");
        add_string(out, word);
        word = next_word(&rest);
    }
    buf_addz(out, " *");
    return buf_ok(out);
}

struct str search_folded(struct arena *a, struct str s)
{
    char *p = arena_strz(a, s);

    for (size_t i = 0; i < s.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] - 'A' + 'a');
    return str_of(p, s.n);
}
