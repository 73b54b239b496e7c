/* SPDX-License-Identifier: Apache-2.0 */
/* Keras: archives and HDF5 are told from others, what a configuration says and what it imports. */
#include "model/weights.h"
#include "zip_maker.h"

static struct arena memory;
static struct weights w;

static int read_file(const struct model_reader *r, struct err *e)
{
    arena_done(&memory);
    arena_init(&memory, 64 * MIB);
    w = (struct weights){.n_tensors = 0};
    return weights_read(&memory, r, &w, e);
}

static int read_archive(struct str config, struct err *e)
{
    AUTO(zip_maker) z = {.plain = true};
    zip_member(&z, "metadata.json",
               STR("{\"keras_version\": \"3.6.0\", \"date_saved\": \"2026-01-02@03:04:05\"}"), 0);
    zip_member(&z, "config.json", config, 0);
    zip_member(&z, "model.weights.h5", STR("\x89HDF\r\n\x1a\n"), 0);
    zip_finish(&z);
    struct model_reader r = zip_reader(&z);
    return read_file(&r, e);
}

static const char *note(const char *key)
{
    for (size_t i = 0; i < w.n_notes; i++)
        if (str_eqz(w.notes[i].key, key))
            return w.notes[i].value.p;
    return "";
}

#define READ(config)           read_archive(STR(config), &unit_e)
#define BAD(config, sym, text) assert_err(READ(config), sym, text)
#define LAYER(module, name, of)                                                                    \
    "{\"module\": " module ", \"class_name\": \"" name "\", \"config\": " of "}"

static void facts(void **state)
{
    (void)state;
    assert_int_equal(
        READ(LAYER("\"keras\"", "Sequential",
                   "{\"name\": \"small\", \"layers\": [" LAYER(
                       "\"keras.layers\"", "Dense",
                       "{\"units\": 2}") "," LAYER("\"keras.layers\"", "Dense",
                                                   "{\"units\": 3}") ","
                                                                     "{\"class_name\": "
                                                                     "\"__keras_tensor__\", "
                                                                     "\"config\": {}}]}")),
        1);
    assert_string_equal(w.format, "keras");
    assert_true(w.opaque && w.n_tensors == 0);
    assert_string_equal(note("class_name"), "Sequential");
    assert_string_equal(note("name"), "small");
    assert_string_equal(note("keras_version"), "3.6.0");
    assert_string_equal(note("date_saved"), "2026-01-02@03:04:05");
    assert_string_equal(note("files"), "[\"config.json\",\"metadata.json\",\"model.weights.h5\"]");
    assert_int_equal(w.n_imports, 2);
    assert_str(w.imports[0].name, "keras.Sequential");
    assert_str(w.imports[1].name, "keras.layers.Dense");
    assert_false(w.imports[0].unsafe || w.imports[1].unsafe);
}

static void judged(void **state)
{
    static const struct {
        const char *module, *name, *more, *told;
        bool unsafe, dangerous;
    } rows[] = {
        {"\"keras.src.models.functional\"", "Functional", "{}",
         "keras.src.models.functional.Functional", false, false},
        {"\"keras.initializers\"", "GlorotUniform", "{}", "keras.initializers.GlorotUniform", false,
         false},
        {"\"keras.layers\"", "Lambda", "{}", "keras.layers.Lambda", true, false},
        {"\"keras.src.layers.core.lambda_layer\"", "Lambda", "{}",
         "keras.src.layers.core.lambda_layer.Lambda", true, false},
        {"\"keras.utils\"", "function", "\"get_file\"", "keras.utils.get_file", true, true},
        {"\"keras.utils\"", "Sequence", "{}", "keras.utils.Sequence", true, false},
        {"\"keras.layers\"", "function", "\"deserialize\"", "keras.layers.deserialize", true,
         false},
        {"\"os\"", "function", "\"system\"", "os.system", true, true},
        {"\"builtins\"", "function", "\"eval\"", "builtins.eval", true, true},
        {"null", "Shelf", "{}", "Shelf", true, false},
        {"\"kerasx\"", "Shelf", "{}", "kerasx.Shelf", true, false},
        {"\"\"", "os.system", "{}", "os.system", true, true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) text = {0};
        buf_init(&text, 1024);
        buf_addf(&text,
                 "{\"config\": {\"layers\": [{\"module\": %s, \"class_name\": \"%s\", "
                 "\"config\": %s}]}}",
                 rows[i].module, rows[i].name, rows[i].more);
        assert_int_equal(read_archive(buf_str(&text), &unit_e), 1);
        assert_int_equal(w.n_imports, 1);
        assert_string_equal(w.imports[0].name.p, rows[i].told);
        assert_int_equal(w.imports[0].unsafe, rows[i].unsafe);
        assert_int_equal(w.imports[0].dangerous, rows[i].dangerous);
    }
    /* Of a class that was registered by the user. */
    assert_int_equal(
        READ("{\"module\": null, \"class_name\": \"X\", \"registered_name\": \"My>X\"}"), 1);
    assert_str(w.imports[0].name, "My>X");
}

static void refused(void **state)
{
    (void)state;
    BAD("{", MODEL_INVALID, "Keras: config.json: JSON");
    BAD("{}x", MODEL_INVALID, "Keras: config.json: JSON");
    assert_int_equal(READ("[]"), 1);
    assert_int_equal(w.n_imports, 0);
    assert_int_equal(READ("{\"class_name\": 7, \"module\": {}}"), 1);
    assert_int_equal(w.n_imports, 0);
    AUTO(zip_maker) z = {.plain = true};
    zip_member(&z, "metadata.json", STR("{}"), 0);
    zip_finish(&z);
    struct model_reader r = zip_reader(&z);
    assert_err(read_file(&r, &unit_e), MODEL_INVALID, "Keras: the archive holds no config.json");
}

static void hdf5(void **state)
{
    const struct {
        struct str bytes;
        const char *format;
    } rows[] = {
        {STR("\x89HDF\r\n\x1a\n........keras_version\0..."), "keras"},
        {STR("\x89HDF\r\n\x1a\n........layer_names\0..."), "keras"},
        {STR("\x89HDF\r\n\x1a\n....layers\0..vars\0..."), "keras"},
        {STR("\x89HDF\r\n\x1a\n....layers\0..lvars..."), "hdf5"},
        {STR("\x89HDF\r\n\x1a\n........temperatures...."), "hdf5"},
        {STR("\x89HDF\r\n\x1a\n"), "hdf5"},
        {STR("\x89HDF\r\n\x1a"), NULL},
        {STR("\x89PNG\r\n\x1a\n"), NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct model_reader r = model_reader_memory(&rows[i].bytes);
        assert_int_equal(read_file(&r, &unit_e), rows[i].format != NULL);
        if (rows[i].format) {
            assert_string_equal(w.format, rows[i].format);
            assert_true(w.opaque);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts),
        cmocka_unit_test(judged),
        cmocka_unit_test(refused),
        cmocka_unit_test(hdf5),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&memory);
    return rc;
}
