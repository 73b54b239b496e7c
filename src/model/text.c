/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text.h"

#include "base/limits.h"

/* ISO 639-1 with the codes of ISO 639-2 (terminological, then bibliographic where it differs). */
static const char languages[] =
    "aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze "
    "ba:bak be:bel bg:bul bi:bis bm:bam bn:ben bo:bod:tib br:bre bs:bos ca:cat ce:che ch:cha "
    "co:cos cr:cre cs:ces:cze cu:chu cv:chv cy:cym:wel da:dan de:deu:ger dv:div dz:dzo ee:ewe "
    "el:ell:gre en:eng eo:epo es:spa et:est eu:eus:baq fa:fas:per ff:ful fi:fin fj:fij fo:fao "
    "fr:fra:fre fy:fry ga:gle gd:gla gl:glg gn:grn gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo "
    "hr:hrv ht:hat hu:hun hy:hye:arm hz:her ia:ina id:ind ie:ile ig:ibo ii:iii ik:ipk io:ido "
    "is:isl:ice it:ita iu:iku ja:jpn jv:jav ka:kat:geo kg:kon ki:kik kj:kua kk:kaz kl:kal "
    "km:khm kn:kan ko:kor kr:kau ks:kas ku:kur kv:kom kw:cor ky:kir la:lat lb:ltz lg:lug "
    "li:lim ln:lin lo:lao lt:lit lu:lub lv:lav mg:mlg mh:mah mi:mri:mao mk:mkd:mac ml:mal "
    "mn:mon mr:mar ms:msa:may mt:mlt my:mya:bur na:nau nb:nob nd:nde ne:nep ng:ndo nl:nld:dut "
    "nn:nno no:nor nr:nbl nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss pa:pan pi:pli "
    "pl:pol ps:pus pt:por qu:que rm:roh rn:run ro:ron:rum ru:rus rw:kin sa:san sc:srd sd:snd "
    "se:sme sg:sag si:sin sk:slk:slo sl:slv sm:smo sn:sna so:som sq:sqi:alb sr:srp ss:ssw "
    "st:sot su:sun sv:swe sw:swa ta:tam te:tel tg:tgk th:tha ti:tir tk:tuk tl:tgl tn:tsn "
    "to:ton tr:tur ts:tso tt:tat tw:twi ty:tah ug:uig uk:ukr ur:urd uz:uzb ve:ven vi:vie "
    "vo:vol wa:wln wo:wol xh:xho yi:yid yo:yor za:zha zh:zho:chi zu:zul ";

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What is wrong with s, or NULL. */
static const char *wrong(struct str s)
{
    uint32_t c;
    while (s.n) {
        size_t n = str_utf8(s, &c);
        if (n == 0)
            return "is not UTF-8";
        if ((c < ' ' && !is_blank((char)c)) || (c >= 0x7f && c < 0xa0))
            return "holds a control character";
        s = str_skip(s, n);
    }
    return NULL;
}

int model_text_copy(struct arena *a, struct str s, struct str *ret, struct err *e)
{
    while (s.n && is_blank(s.p[0]))
        s = str_skip(s, 1);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    if (s.n > LIMIT_MODEL_WORD)
        return ERR(e, MODEL_INVALID, "is longer than %d bytes", LIMIT_MODEL_WORD);
    const char *what = wrong(s);
    if (what)
        return ERR(e, MODEL_INVALID, "%s", what);
    char *p = arena_try(a, s.n + 1, e);
    if (!p)
        return -1;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (!is_blank(s.p[i]))
            p[n++] = s.p[i];
        else if (!is_blank(s.p[i - 1])) /* the first byte is none */
            p[n++] = ' ';
    p[n] = '\0';
    *ret = str_of(p, n);
    return 0;
}

static bool has(const struct model_list *l, struct str s)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_eq(l->items[i], s))
            return true;
    return false;
}

int model_list_add(struct arena *a, struct model_list *l, struct str s, struct err *e)
{
    struct str item;
    if (model_text_copy(a, s, &item, e) < 0)
        return -1;
    if (item.n == 0 || has(l, item))
        return 0;
    if (l->n == LIMIT_MODEL_LIST)
        return ERR(e, LIMIT, "has more than %d entries", LIMIT_MODEL_LIST);
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 4;
        struct str *items = arena_try(a, cap * sizeof(*items), e);
        if (!items)
            return -1;
        if (l->n)
            memcpy(items, l->items, l->n * sizeof(*items));
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = item;
    return 0;
}

const char *model_language(struct str s, char out[3])
{
    size_t n = 0;
    while (n < s.n && s.p[n] != '-' && s.p[n] != '_')
        n++;
    struct str code = str_head(s, n), all = str_of(languages, sizeof(languages) - 1);
    while (n && all.n) {
        struct str row = str_cut(&all, ' '), two = str_head(row, 2);
        while (row.n) {
            struct str name = str_cut(&row, ':');
            if (!str_ieq(name, code))
                continue;
            out[0] = two.p[0];
            out[1] = two.p[1];
            out[2] = '\0';
            return out;
        }
    }
    return NULL;
}
