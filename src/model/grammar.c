/* SPDX-License-Identifier: Apache-2.0 */
#include "model/grammar.h"

#include "base/clock.h"
#include "model/license.h"
#include "model/text.h"

#include <stdio.h>

static const struct {
    const char *word, *also; /* other names, parted by blanks */
} precisions[] = {
    {"float64", "fp64 f64 double"},
    {"float32", "fp32 f32 float"},
    {"float16", "fp16 f16 half"},
    {"bfloat16", "bf16"},
    {"float8_e4m3", "float8_e4m3fn float8_e4m3fnuz fp8_e4m3 f8_e4m3 fp8"},
    {"float8_e5m2", "float8_e5m2fnuz fp8_e5m2 f8_e5m2"},
    {"complex32", "chalf c32"},
    {"complex64", "cfloat c64"},
    {"complex128", "cdouble c128"},
    {"int8", "i8"},
    {"int16", "i16"},
    {"int32", "i32"},
    {"int64", "i64"},
    {"uint8", "u8"},
    {"uint16", "u16"},
    {"uint32", "u32"},
    {"uint64", "u64"},
    {"bool", ""},
};

const char *grammar_precision_word(struct str s)
{
    if (str_starts(s, STR("torch.")))
        s = str_skip(s, 6);
    for (size_t i = 0; s.n && i < ARRAY_LEN(precisions); i++) {
        struct str also = str_from(precisions[i].also);
        if (str_ieq(s, str_from(precisions[i].word)))
            return precisions[i].word;
        while (also.n)
            if (str_ieq(s, str_cut(&also, ' ')))
                return precisions[i].word;
    }
    return NULL;
}

/* ---- grammars: the value as it is kept goes to out; false: it is not in the grammar ---- */

bool grammar_text(struct str v, struct buf *out)
{
    buf_adds(out, v);
    return true;
}

/* A word: no blanks. */
bool grammar_word(struct str v, struct buf *out)
{
    buf_adds(out, v);
    return str_chr(v, ' ') < 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool grammar_param_size(struct str v, struct buf *out)
{
    size_t i = 0;
    while (i < v.n && is_digit(v.p[i]))
        i++;
    if (i > 0 && i + 1 < v.n && v.p[i] == '.' && is_digit(v.p[i + 1]))
        i += 2;
    buf_adds(out, v);
    return i > 0 && i < 16 && i + 1 == v.n && strchr("KMBTQkmbtq", v.p[i]);
}

bool grammar_precision(struct str v, struct buf *out)
{
    while (v.p) {
        const char *word = grammar_precision_word(str_trim(str_cut(&v, ',')));
        if (!word)
            return false;
        buf_addf(out, "%s%s", out->n ? "," : "", word);
    }
    return true;
}

bool grammar_license(struct str v, struct buf *out)
{
    char text[MODEL_LICENSE_MAX];
    if (model_license_spdx(v, text, NULL) != 1)
        return false;
    buf_addz(out, text);
    return true;
}

static bool is_scheme_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '+' ||
           c == '-' || c == '.';
}

/* RFC 3986: a scheme, "://" and something without blanks. */
bool grammar_address(struct str v, struct buf *out)
{
    size_t n = 0;
    while (n < v.n && is_scheme_char(v.p[n]))
        n++;
    buf_adds(out, v);
    return n > 0 && !is_digit(v.p[0]) && str_starts(str_skip(v, n), STR("://")) && v.n > n + 3 &&
           str_chr(v, ' ') < 0;
}

bool grammar_language(struct str v, struct buf *out)
{
    char code[3];
    if (!model_language(v, code))
        return false;
    buf_addz(out, code);
    return true;
}

/* "text-generation" */
bool grammar_task(struct str v, struct buf *out)
{
    for (size_t i = 0; i < v.n; i++)
        if (!is_digit(v.p[i]) && !(v.p[i] >= 'a' && v.p[i] <= 'z') && v.p[i] != '-')
            return false;
    buf_adds(out, v);
    return true;
}

bool grammar_modality(struct str v, struct buf *out)
{
    static const char *const words[] = {"text", "image", "audio", "video", "embedding", "other"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!str_ieq(v, str_from(words[i])))
            continue;
        buf_addz(out, words[i]);
        return true;
    }
    return false;
}

/* RFC 3339, or a day, or a month. */
bool grammar_moment(struct str v, struct buf *out)
{
    char text[CLOCK_TEXT_MAX], whole[CLOCK_TEXT_MAX];
    int64_t ms;
    if (v.n > 30)
        return false;
    (void)snprintf(whole, sizeof(whole), "%.*s%s", S(v),
                   v.n == 7    ? "-01T00:00:00Z"
                   : v.n == 10 ? "T00:00:00Z"
                               : "");
    if (!clock_parse_rfc3339(str_from(whole), &ms) || ms <= 0)
        return false;
    buf_addz(out, clock_rfc3339(ms, text));
    return true;
}

bool grammar_answer(struct str v, struct buf *out)
{
    bool yes;
    if (!str_bool(v, &yes))
        return false;
    buf_addz(out, yes ? "true" : "false");
    return true;
}
