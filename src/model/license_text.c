/* SPDX-License-Identifier: Apache-2.0 */
#include "model/license_text.h"

#include "base/buf.h"
#include "base/limits.h"

/* Phrases in small letters, one blank between words and nothing but letters, digits and '+'. */
static const struct row {
    const char *id;
    unsigned words;     /* at most: a little more than the text has */
    const char *all[4]; /* each of them is there */
    const char *none;   /* none of these is, with '|' between them; NULL: nothing is asked */
} rows[] = {
    {"Apache-2.0",
     1750,
     {"apache license version 2 0 january 2004", "grant of patent license",
      "limitation of liability in no event and under no legal theory"},
     NULL},
    {"Apache-2.0",
     220,
     {"licensed under the apache license version 2 0",
      "you may not use this file except in compliance with the license", "www apache org licenses"},
     "mit license"},
    {"MIT",
     185,
     {"permission is hereby granted free of charge to any person obtaining a copy of this software "
      "and associated documentation files",
      "this permission notice shall be included in all copies or substantial portions of the "
      "software",
      "the software is provided as is without warranty of any kind",
      "modify merge publish distribute sublicense and or sell copies"},
     "except as contained in this notice|shall be used for good"},
    {"BSD-2-Clause",
     206,
     {"redistribution and use in source and binary forms with or without modification are "
      "permitted provided that the following conditions are met",
      "redistributions in binary form must reproduce the above copyright notice",
      "even if advised of the possibility of such damage"},
     "specific prior written permission"},
    {"BSD-3-Clause",
     232,
     {"redistribution and use in source and binary forms with or without modification are "
      "permitted provided that the following conditions are met",
      "redistributions in binary form must reproduce the above copyright notice",
      "endorse or promote products derived from this software without specific prior written "
      "permission",
      "even if advised of the possibility of such damage"},
     "advertising materials"},
    {"ISC",
     150,
     {"distribute this software for any purpose with or without fee is hereby granted provided "
      "that the above copyright notice and this permission notice appear in all copies",
      "disclaims all warranties with regard to this software"},
     NULL},
    {"GPL-2.0-only",
     3150,
     {"gnu general public license version 2 june 1991", "terms and conditions for copying"},
     NULL},
    {"GPL-3.0-only",
     6000,
     {"gnu general public license version 3 29 june 2007", "16 limitation of liability"},
     NULL},
    {"LGPL-2.1-only",
     4750,
     {"gnu lesser general public license version 2 1 february 1999", "no warranty"},
     NULL},
    {"LGPL-3.0-only",
     1330,
     {"gnu lesser general public license version 3 29 june 2007", "combined works"},
     NULL},
    {"AGPL-3.0-only",
     6000,
     {"gnu affero general public license version 3 19 november 2007", "remote network interaction"},
     NULL},
    {"MPL-2.0",
     2600,
     {"mozilla public license version 2 0", "incompatible with secondary licenses",
      "covered software is provided under this license on an as is basis"},
     NULL},
    {"CC0-1.0", 1160, {"cc0 1 0 universal", "statement of purpose", "affirmer"}, NULL},
    {"Unlicense",
     225,
     {"this is free and unencumbered software released into the public domain",
      "anyone is free to copy modify publish use compile sell or distribute this software"},
     NULL},
    {"BSL-1.0",
     235,
     {"boost software license version 1 0 august 17th 2003",
      "to use reproduce display distribute execute and transmit the software"},
     NULL},
    {"BUSL-1.1",
     900,
     {"business source license 1 1", "change license", "additional use grant"},
     NULL},
#define CC(id, name, words)                                                                        \
    {                                                                                              \
        id, words,                                                                                 \
            {"this creative commons " name " 4 0 international public license", "licensor"}, NULL  \
    }
    CC("CC-BY-4.0", "attribution", 2800),
    CC("CC-BY-SA-4.0", "attribution sharealike", 3000),
    CC("CC-BY-NC-4.0", "attribution noncommercial", 2900),
    CC("CC-BY-ND-4.0", "attribution noderivatives", 2850),
    CC("CC-BY-NC-SA-4.0", "attribution noncommercial sharealike", 3100),
    CC("CC-BY-NC-ND-4.0", "attribution noncommercial noderivatives", 2900),
#undef CC
/* Of models alone: names as the hub has them. */
#define LLAMA(id, name, date)                                                                      \
    {                                                                                              \
        "LicenseRef-" id, 3000,                                                                    \
            {name " community license agreement", date, "700 million monthly active users"}, NULL  \
    }
    LLAMA("llama2", "llama 2", "july 18 2023"),
    LLAMA("llama3", "llama 3", "april 18 2024"),
    LLAMA("llama3.1", "llama 3 1", "july 23 2024"),
    LLAMA("llama3.2", "llama 3 2", "september 25 2024"),
    LLAMA("llama3.3", "llama 3 3", "december 6 2024"),
    LLAMA("llama4", "llama 4", "april 5 2025"),
#undef LLAMA
    {"LicenseRef-gemma", 4000, {"gemma terms of use", "gemma prohibited use policy"}, NULL},
    {"LicenseRef-tongyi-qianwen",
     2500,
     {"tongyi qianwen license agreement", "100 million monthly active users"},
     NULL},
    {"LicenseRef-tongyi-qianwen-research",
     2500,
     {"tongyi qianwen research license agreement", "non commercial"},
     NULL},
    {"LicenseRef-qwen",
     2500,
     {"qwen license agreement", "100 million monthly active users"},
     "tongyi qianwen license agreement"},
    {"LicenseRef-qwen-research", 2500, {"qwen research license agreement", "non commercial"}, NULL},
    {"LicenseRef-deepseek", 4000, {"deepseek license agreement", "use restrictions"}, NULL},
    {"LicenseRef-falcon-llm-license", 4000, {"tii falcon llm license version 1 0"}, NULL},
    {"LicenseRef-falcon-180b-license", 5000, {"falcon 180b tii license version 1 0"}, NULL},
    {"LicenseRef-falcon-llm-license-2.0", 4000, {"falcon 2 11b tii license version 1 0"}, NULL},
    {"LicenseRef-bigscience-bloom-rail-1.0",
     4500,
     {"bigscience rail license v1 0", "use restrictions"},
     NULL},
    {"LicenseRef-bigscience-openrail-m",
     4500,
     {"bigscience open rail m license", "use restrictions"},
     NULL},
    {"LicenseRef-bigcode-openrail-m",
     4500,
     {"bigcode open rail m v1 license agreement", "use restrictions"},
     NULL},
    {"LicenseRef-creativeml-openrail-m",
     4000,
     {"creativeml open rail m", "use restrictions"},
     NULL},
    {"LicenseRef-openrail++", 4000, {"creativeml open rail++ m license", "use restrictions"}, NULL},
};

/* What takes rights away again, or adds terms to a known text. */
static const char *const doubts[] = {"commons clause", "modified mit license"};

/* ---- the words of a text ---- */

static char plain(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ? c : ' ';
}

/* Holders are no part of a licence. */
static bool is_of_holder(struct str words)
{
    return str_starts(words, STR(" copyright "));
}

/* The words with a blank before and behind each; returns how many there are, but for lines that
 * name holders. */
static size_t words_of(struct str text, struct buf *out)
{
    size_t n = 0;

    buf_addc(out, ' ');
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        size_t start = out->n - 1, here = 0;
        for (size_t i = 0; i < line.n; i++) {
            char c = plain(line.p[i]);
            bool begins = out->p[out->n - 1] == ' ';
            if (c != ' ' || !begins)
                buf_addc(out, c);
            here += c != ' ' && begins;
        }
        if (out->p[out->n - 1] != ' ')
            buf_addc(out, ' ');
        if (!is_of_holder(str_skip(buf_str(out), start)))
            n += here;
    }
    return n;
}

/* One of the phrases, of whole words. */
static bool holds(struct str words, const char *phrases)
{
    for (struct str rest = str_from(phrases); rest.n;) {
        struct str phrase = str_cut(&rest, '|'), from = words;
        const char *at;
        while ((at = memmem(from.p, from.n, phrase.p, phrase.n))) {
            const char *end = at + phrase.n;
            if (at[-1] == ' ' && *end == ' ') /* a blank is before and behind all words */
                return true;
            from = str_skip(from, (size_t)(end - from.p));
        }
    }
    return false;
}

static bool fits(const struct row *row, struct str words)
{
    if (row->none && holds(words, row->none))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(row->all) && row->all[i]; i++)
        if (!holds(words, row->all[i]))
            return false;
    return true;
}

const char *model_license_of_text(struct str text)
{
    AUTO(buf) words = {0};
    const char *found = NULL;
    bool whole = false; /* there is no more than that licence */

    if (text.n > LIMIT_LICENSE_TEXT)
        return NULL;
    buf_init(&words, 2 * text.n + 2);
    size_t n = words_of(text, &words);
    for (size_t i = 0; i < ARRAY_LEN(doubts); i++)
        if (holds(buf_str(&words), doubts[i]))
            return NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!fits(&rows[i], buf_str(&words)))
            continue;
        if (found && strcmp(found, rows[i].id) != 0)
            return NULL;
        found = rows[i].id;
        whole = whole || n <= rows[i].words;
    }
    return whole ? found : NULL;
}

/* ---- contradictions ---- */

/* Without what licence texts do not say. */
static struct str base_of(struct str id)
{
    static const char *const endings[] = {"+", "-only", "-or-later"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (str_ends(id, str_from(endings[i])))
            return str_head(id, id.n - strlen(endings[i]));
    return id;
}

static bool is_reference(struct str id)
{
    return str_starts(id, STR("LicenseRef-"));
}

/* References name what they like, but for those that are told here. */
static bool is_agreed(struct str id)
{
    if (!is_reference(id))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_ieq(id, str_from(rows[i].id)))
            return true;
    return false;
}

bool model_license_contradicts(struct str expression, const char *text_id)
{
    struct str text = base_of(str_from(text_id));
    bool other = false;

    while (expression.n) {
        size_t n = 0;
        while (n < expression.n && !strchr(" ()", expression.p[n]))
            n++;
        struct str id = base_of(str_head(expression, n));
        expression = str_skip(expression, n ? n : 1);
        if (id.n == 0 || str_eqz(id, "AND") || str_eqz(id, "OR") || str_eqz(id, "WITH"))
            continue;
        if (str_ieq(id, text) || !is_agreed(id))
            return false;
        other = true;
    }
    return other;
}
