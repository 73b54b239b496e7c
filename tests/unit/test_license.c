/* SPDX-License-Identifier: Apache-2.0 */
/* Licences: the hub's names, SPDX's own, expressions, what nobody knows. */
#include "model/license.h"
#include "unit.h"

static void names(void **state)
{
    static const struct {
        const char *name, *spdx;
    } rows[] = {
        {"apache-2.0", "Apache-2.0"},
        {"mit", "MIT"},
        {"MIT", "MIT"},
        {"cc-by-nc-sa-4.0", "CC-BY-NC-SA-4.0"},
        {"bsd-3-clause-clear", "BSD-3-Clause-Clear"},
        {"afl-3.0", "AFL-3.0"},
        {"cdla-permissive-2.0", "CDLA-Permissive-2.0"},
        {"odc-by", "ODC-By-1.0"},
        {"odbl", "ODbL-1.0"},
        {"pddl", "PDDL-1.0"},
        {"c-uda", "C-UDA-1.0"},
        {"gpl-3.0", "GPL-3.0-only"},
        {"GPL-2.0+", "GPL-2.0-or-later"},
        {"agpl-3.0", "AGPL-3.0-only"},
        {"lgpl-lr", "LGPLLR"},
        {"ofl-1.1", "OFL-1.1"},
        {"unlicense", "Unlicense"},
        {"0bsd", "0BSD"},
        {"ZPL-2.1", "ZPL-2.1"},
        {"llama3.1", "LicenseRef-llama3.1"},
        {"gemma", "LicenseRef-gemma"},
        {"openrail++", "LicenseRef-openrail"},
        {"other", "LicenseRef-other"},
        {"LicenseRef-Mine", "LicenseRef-Mine"},
        {"licenseref-Mine", "LicenseRef-Mine"},
        {"my_own license, v2!", "LicenseRef-my-own-license-v2"},
        {"Apache License 2.0", "Apache-2.0"},
        {"mit OR apache-2.0", "MIT OR Apache-2.0"},
        {"(mit or gpl-2.0) AND llama2", "(MIT OR GPL-2.0-only) AND LicenseRef-llama2"},
        {"gpl-2.0 WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"},
        {"EPL-1.0+", "EPL-1.0+"},
        {"mit OR", "LicenseRef-mit-OR"},
        {"(mit", "LicenseRef-mit"},
        {"mit) OR (x", "LicenseRef-mit-OR-x"},
        {"unknown", NULL},
        {"", NULL},
        {" ", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[MODEL_LICENSE_MAX] = "";
        int rc = model_license_spdx(str_from(rows[i].name), out, &unit_e);
        if (rc != (rows[i].spdx != NULL) || (rows[i].spdx && strcmp(out, rows[i].spdx) != 0))
            fail_msg("%s: %d %s", rows[i].name, rc, out);
    }
}

static void refused(void **state)
{
    char out[MODEL_LICENSE_MAX] = "kept", name[MODEL_LICENSE_MAX + 1];
    (void)state;
    assert_err(model_license_spdx(STR("()"), out, &unit_e), MODEL_INVALID, "neither a licence");
    assert_err(model_license_spdx(STR("---"), out, &unit_e), MODEL_INVALID, "neither a licence");
    memset(name, 'x', sizeof(name));
    assert_err(model_license_spdx(str_of(name, sizeof(name)), out, &unit_e), MODEL_INVALID,
               "longer");
    assert_string_equal(out, "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
