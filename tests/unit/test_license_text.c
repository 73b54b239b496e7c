/* SPDX-License-Identifier: Apache-2.0 */
/* Which licence a text is: texts that systems bring along, changed in what does not count and in
 * what does. */
#include "base/limits.h"
#include "model/facts.h"
#include "model/license_text.h"
#include "unit.h"

#include <stdio.h>

#define FOLDER "/usr/share/common-licenses/"

/* The permission of a short licence in its usual words. */
static const char mit[] =
    "# The *MIT* License\n\nCopyright (c) 2026 Somebody and whoever else\n\n"
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software "
    "and associated documentation files (the \"Software\"), to deal in it, to use, copy, modify, "
    "merge, publish, distribute, sublicense, and/or sell copies:\n\n"
    "> The above notice and **this permission notice shall be included in all\r\n"
    "> copies or substantial portions of the Software**.\n\n"
    "THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND.\n";

static void assert_id(const char *text, const char *id)
{
    const char *got = model_license_of_text(str_from(text));
    if (!id)
        assert_null(got);
    else if (!got)
        fail_msg("%s is not told: %s", id, text);
    else
        assert_string_equal(got, id);
}

static size_t read_whole(const char *path, char *out, size_t room)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    size_t n = fread(out, 1, room, f);
    (void)fclose(f);
    return n;
}

/* Debian keeps these; where they are not, the rest is tested all the same. */
static void whole_texts(void **state)
{
    static const struct {
        const char *file, *id;
    } rows[] = {
        {"Apache-2.0", "Apache-2.0"},
        {"BSD", "BSD-3-Clause"},
        {"GPL-2", "GPL-2.0-only"},
        {"GPL-3", "GPL-3.0-only"},
        {"LGPL-2.1", "LGPL-2.1-only"},
        {"LGPL-3", "LGPL-3.0-only"},
        {"MPL-2.0", "MPL-2.0"},
        {"CC0-1.0", "CC0-1.0"},
        {"GPL-1", NULL},
        {"GFDL-1.3", NULL},
        {"Artistic", NULL},
        {"MPL-1.1", NULL},
    };
    static char text[256 * 1024], both[512 * 1024];
    char path[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)snprintf(path, sizeof(path), FOLDER "%s", rows[i].file);
        size_t n = read_whole(path, text, sizeof(text) - 1);
        text[n] = '\0';
        if (n == 0)
            continue;
        assert_id(text, rows[i].id);
        for (size_t k = 0; k < n; k++)
            text[k] = text[k] == '\n' ? ' ' : text[k];
        if (strcmp(rows[i].file, "BSD") != 0)
            assert_id(text, rows[i].id);
        (void)snprintf(both, sizeof(both), "%s\n%s", text, mit);
        if (rows[i].id)
            assert_id(both, NULL);
    }
}

static void short_texts(void **state)
{
    static char text[8192];
    static const struct {
        const char *text, *id;
    } rows[] = {
        {"", NULL},
        {"MIT", NULL},
        {"This model is under the Apache License 2.0", NULL},
        {"Licensed under the Apache License, Version 2.0 (the \"License\");\nyou may not use this "
         "file except in compliance with the License.\n  "
         "http://www.apache.org/licenses/LICENSE-2.0",
         "Apache-2.0"},
        {"LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date: July 23, 2024\n"
         "greater than 700 million monthly active users",
         "LicenseRef-llama3.1"},
        {"LLAMA 2 COMMUNITY LICENSE AGREEMENT\nJuly 18, 2023, 700 million monthly active users",
         "LicenseRef-llama2"},
        {"LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nJuly 18, 2023, 700 million monthly active users",
         NULL},
        {"Qwen LICENSE AGREEMENT … 100 million monthly active users", "LicenseRef-qwen"},
        {"Tongyi Qianwen LICENSE AGREEMENT: 100 million monthly active users",
         "LicenseRef-tongyi-qianwen"},
        {"CreativeML Open RAIL++-M License\nUse Restrictions", "LicenseRef-openrail++"},
        {"CreativeML Open RAIL-M\nUse Restrictions", "LicenseRef-creativeml-openrail-m"},
        {"Gemma Terms of Use … Gemma Prohibited Use Policy", "LicenseRef-gemma"},
        {"bound by this Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International "
         "Public License (the Licensor)",
         "CC-BY-NC-SA-4.0"},
        {"bound by this Creative Commons Attribution 4.0 International Public License; Licensor",
         "CC-BY-4.0"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_id(rows[i].text, rows[i].id);
    assert_id(mit, "MIT");
    (void)snprintf(text, sizeof(text), "%s\"Commons Clause\" License Condition", mit);
    assert_id(text, NULL);
    (void)snprintf(text, sizeof(text), "%sThe Software shall be used for Good", mit);
    assert_id(text, NULL);
    /* Holders do not count, further terms do. */
    size_t n = (size_t)snprintf(text, sizeof(text), "%s", mit), end = n;
    for (int i = 0; i < 60; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "Copyright 20%02d by many others\n", i);
    assert_id(text, "MIT");
    n = end;
    for (int i = 0; i < 60; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "you must not do %d either\n", i);
    assert_id(text, NULL);
    /* A phrase has whole words. */
    assert_id("Agemma Terms of Use … Gemma Prohibited Use Policy", NULL);
    assert_id("Gemma Terms of Used … Gemma Prohibited Use Policy", NULL);
}

static void contradictions(void **state)
{
    static const struct {
        const char *expression, *text;
        bool wrong;
    } rows[] = {
        {"MIT", "MIT", false},
        {"Apache-2.0", "MIT", true},
        {"MIT OR Apache-2.0", "MIT", false},
        {"(BSD-2-Clause AND ISC)", "MIT", true},
        {"GPL-3.0-or-later", "GPL-3.0-only", false},
        {"GPL-3.0+", "GPL-3.0-only", false},
        {"GPL-2.0-only", "GPL-3.0-only", true},
        {"LicenseRef-llama3.1", "LicenseRef-llama3.1", false},
        {"LicenseRef-llama3.2", "LicenseRef-llama3.1", true},
        {"LicenseRef-mine", "LicenseRef-llama3.1", false},
        {"LicenseRef-mine", "MIT", false},
        {"MIT", "LicenseRef-gemma", true},
        {"", "MIT", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (model_license_contradicts(str_from(rows[i].expression), rows[i].text) != rows[i].wrong)
            fail_msg("%s and %s", rows[i].expression, rows[i].text);
}

/* What of all that speaks of it counts. */
static void check_facts(const char *card, const char *set, const char *text, const char *license,
                        const char *source, bool warns)
{
    AUTO(model_facts) f = {0};

    model_facts_init(&f);
    if (card)
        model_facts_add_file(&f, STR("README.md"), str_from(card));
    if (set)
        assert_fine(model_facts_set(&f, "license", str_from(set), &unit_e));
    if (text)
        model_facts_add_license_text(&f, STR("LICENSE"), str_from(text));
    for (int i = 0; i < 2; i++) {
        model_facts_resolve(&f);
        assert_int_equal(f.licenses.n, license ? 1 : 0);
        if (license) {
            assert_str(f.licenses.items[0], license);
            assert_string_equal(f.license_source, source);
        } else {
            assert_null(f.license_source);
        }
        assert_int_equal(f.warnings.n, warns);
        if (warns)
            assert_non_null(strstr(f.warnings.items[0].p, "LICENSE is the text of MIT, but the "));
    }
}

static void facts(void **state)
{
    (void)state;
    check_facts(NULL, NULL, mit, "MIT", "text", false);
    check_facts(NULL, NULL, "mine", NULL, NULL, false);
    check_facts("---\nlicense: mit\n---\n", NULL, mit, "MIT", "card", false);
    check_facts("---\nlicense: gemma\n---\n", NULL, mit, "LicenseRef-gemma", "card", true);
    check_facts("---\nlicense: other\n---\n", NULL, mit, "MIT", "text", false);
    check_facts("---\nlicense: other\n---\n", NULL, NULL, "LicenseRef-other", "card", false);
    check_facts("---\nlicense: other\nlicense_name: x\n---\n", NULL, mit, "LicenseRef-x", "card",
                false);
    check_facts("---\nlicense: mit\n---\n", "isc", mit, "ISC", "config", true);

    AUTO(model_facts) f = {0};
    model_facts_init(&f);
    model_facts_add_license_text(&f, STR("LICENSE"), str_from(mit));
    model_facts_add_license_text(&f, STR("LICENSE.2"), STR("something else"));
    model_facts_add_license_text(&f, STR("LICENSE.3"), str_from(mit));
    model_facts_resolve(&f);
    assert_int_equal(f.licenses.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_texts),
        cmocka_unit_test(short_texts),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
