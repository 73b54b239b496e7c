/* SPDX-License-Identifier: Apache-2.0 */
#include "model/license.h"

#include "base/buf.h"

#include <stdio.h>

static const char *const spdx[] = {
#include "model/spdx.def"
};

/* Names that are neither SPDX's nor to be kept. The hub's GNU names say a version, not "or later":
 * the narrower reading takes no liberty. */
static const struct {
    const char *name, *id;
} others[] = {
    {"gpl-1.0", "GPL-1.0-only"},
    {"gpl-2.0", "GPL-2.0-only"},
    {"gpl-3.0", "GPL-3.0-only"},
    {"lgpl-2.0", "LGPL-2.0-only"},
    {"lgpl-2.1", "LGPL-2.1-only"},
    {"lgpl-3.0", "LGPL-3.0-only"},
    {"agpl-1.0", "AGPL-1.0-only"},
    {"agpl-3.0", "AGPL-3.0-only"},
    {"gfdl-1.1", "GFDL-1.1-only"},
    {"gfdl-1.2", "GFDL-1.2-only"},
    {"gfdl-1.3", "GFDL-1.3-only"},
    {"gpl-1.0+", "GPL-1.0-or-later"},
    {"gpl-2.0+", "GPL-2.0-or-later"},
    {"gpl-3.0+", "GPL-3.0-or-later"},
    {"lgpl-2.0+", "LGPL-2.0-or-later"},
    {"lgpl-2.1+", "LGPL-2.1-or-later"},
    {"lgpl-3.0+", "LGPL-3.0-or-later"},
    {"agpl-3.0+", "AGPL-3.0-or-later"},
    {"odc-by", "ODC-By-1.0"},
    {"odbl", "ODbL-1.0"},
    {"pddl", "PDDL-1.0"},
    {"c-uda", "C-UDA-1.0"},
    {"lgpl-lr", "LGPLLR"},
    {"apache2", "Apache-2.0"},
    {"apache license 2.0", "Apache-2.0"},
    {"apache 2.0", "Apache-2.0"},
    {"mit license", "MIT"},
};

static bool is_unknown(struct str s)
{
    return s.n == 0 || str_ieq(s, STR("unknown")) || str_ieq(s, STR("none")) ||
           str_ieq(s, STR("noassertion"));
}

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
}

/* The identifier that SPDX or the table has for name, or NULL. */
static const char *known(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (str_ieq(name, str_from(others[i].name)))
            return others[i].id;
    for (size_t i = 0; i < ARRAY_LEN(spdx); i++)
        if (str_ieq(name, str_from(spdx[i])))
            return spdx[i];
    return NULL;
}

/* LicenseRef-NAME, in which every run of characters that may not stand there is one '-'. */
static void add_reference(struct buf *out, struct str name)
{
    static const char prefix[] = "LicenseRef-";
    if (str_ieq(str_head(name, MIN_OF(name.n, sizeof(prefix) - 1)), STR("LicenseRef-")))
        name = str_skip(name, sizeof(prefix) - 1);
    buf_addz(out, prefix);
    size_t start = out->n;
    for (size_t i = 0; i < name.n; i++) {
        char c = is_id_char(name.p[i]) ? name.p[i] : '-';
        if (c != '-' || (out->n > start && out->p[out->n - 1] != '-'))
            buf_addc(out, c);
    }
    while (out->n > start && out->p[out->n - 1] == '-')
        buf_cut(out, out->n - 1);
}

static void add_id(struct buf *out, struct str name)
{
    const char *id = known(name);
    bool later = !id && name.n > 1 && name.p[name.n - 1] == '+';
    if (later)
        id = known(str_head(name, name.n - 1));
    if (!id) {
        add_reference(out, name);
        return;
    }
    buf_addz(out, id);
    if (later)
        buf_addc(out, '+');
}

/* A word of an expression: a parenthesis, or what stands before the next blank or parenthesis. */
static struct str next_word(struct str *rest)
{
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '(' && rest->p[n] != ')')
        n++;
    if (n == 0 && rest->n)
        n = 1;
    struct str word = str_head(*rest, n);
    *rest = str_skip(*rest, n);
    return word;
}

static const char *operator_of(struct str word)
{
    static const char *const words[] = {"AND", "OR", "WITH"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_ieq(word, str_from(words[i])))
            return words[i];
    return NULL;
}

static bool is_operand(struct str word)
{
    bool named = false;
    for (size_t i = 0; i < word.n; i++) {
        bool later = word.p[i] == '+' && i + 1 == word.n;
        if (!is_id_char(word.p[i]) && !later)
            return false;
        named = named || (!later && word.p[i] != '-' && word.p[i] != '.');
    }
    return named;
}

/* Operands and operators by turns, parentheses in pairs. false: it is no expression. */
static bool add_expression(struct buf *out, struct str rest)
{
    unsigned depth = 0;
    bool want_operand = true, exception = false;
    for (rest = str_trim(rest); rest.n; rest = str_trim(rest)) {
        struct str word = next_word(&rest);
        const char *op = operator_of(word);
        bool open = str_eqz(word, "("), close = str_eqz(word, ")");
        if (want_operand ? (op || close) : !(op || close))
            return false;
        if (exception && open)
            return false;
        if (open) {
            depth++;
            buf_addc(out, '(');
        } else if (close) {
            if (depth-- == 0)
                return false;
            buf_addc(out, ')');
        } else if (op) {
            buf_addf(out, " %s ", op);
            exception = str_eqz(word, "WITH") || str_ieq(word, STR("with"));
            want_operand = true;
        } else {
            if (!is_operand(word))
                return false;
            if (exception)
                buf_adds(out, word);
            else
                add_id(out, word);
            want_operand = exception = false;
        }
    }
    return depth == 0 && !want_operand;
}

int model_license_spdx(struct str s, char out[MODEL_LICENSE_MAX], struct err *e)
{
    AUTO(buf) b = {0};
    s = str_trim(s);
    if (is_unknown(s))
        return 0;
    buf_init(&b, MODEL_LICENSE_MAX - 1);
    const char *id = known(s);
    if (id) {
        buf_addz(&b, id);
    } else if (!add_expression(&b, s)) {
        buf_reset(&b);
        add_reference(&b, s);
        if (b.n == sizeof("LicenseRef-") - 1)
            return ERR(e, MODEL_INVALID,
                       "\"%.*s\" is neither a licence nor an expression of "
                       "licences",
                       S(str_head(s, 64)));
    }
    if (!buf_ok(&b))
        return ERR(e, MODEL_INVALID, "the licence is longer than %d bytes", MODEL_LICENSE_MAX - 1);
    memcpy(out, b.p, b.n + 1);
    return 1;
}
