/* SPDX-License-Identifier: Apache-2.0 */
#include "model/said.h"

#include "base/json.h"
#include "oci/link_target.h"

#define NOTE      "org.opencontainers.image."
#define NOTE_CNAI "org.cnai.model."

/* Where it stands and which fact it is. loose: the packaging has no such grammar. */
struct row {
    const char *place;
    const char *key;
    bool loose;
};

static const struct row members[] = {
    /* ModelPack. Docker has config.format, .architecture and .quantization too. */
    {"descriptor.name", "name", false},
    {"descriptor.family", "family", false},
    {"descriptor.title", "title", false},
    {"descriptor.description", "description", false},
    {"descriptor.version", "version", false},
    {"descriptor.revision", "revision", false},
    {"descriptor.vendor", "vendor", false},
    {"descriptor.docURL", "doc-url", false},
    {"descriptor.sourceURL", "source-url", false},
    {"descriptor.authors", "author", false},
    {"descriptor.licenses", "license", false},
    {"descriptor.datasetsURL", "dataset", false},
    {"config.architecture", "architecture", true},
    {"config.format", "format", true},
    {"config.paramSize", "param-size", false},
    {"config.precision", "precision", false},
    {"config.quantization", "quantization", true},
    {"config.capabilities.inputTypes", "input-type", false},
    {"config.capabilities.outputTypes", "output-type", false},
    {"config.capabilities.languages", "language", false},
    {"config.capabilities.knowledgeCutoff", "knowledge-cutoff", false},
    {"config.capabilities.reasoning", "reasoning", false},
    {"config.capabilities.toolUsage", "tool-usage", false},
    {"config.capabilities.reward", "reward", false},
    /* Docker. */
    {"config.parameters", "param-size", true},
    /* Ollama. */
    {"model_format", "format", true},
    {"model_family", "family", true},
    {"model_type", "param-size", true},
    {"file_type", "quantization", true},
    /* KitOps: the kit's words before its model's. */
    {"model.name", "name", true},
    {"model.version", "version", true},
    {"model.description", "description", true},
    {"package.name", "name", true},
    {"package.version", "version", true},
    {"package.description", "description", true},
    {"package.authors", "author", true},
    {"package.license", "license", true},
    {"model.license", "license", true},
};

/* The config beats them. */
static const struct row notes[] = {
    {NOTE "title", "title", true},
    {NOTE "description", "description", true},
    {NOTE "version", "version", true},
    {NOTE "revision", "revision", true},
    {NOTE "vendor", "vendor", true},
    {NOTE "documentation", "doc-url", true},
    {NOTE "source", "source-url", true},
    {NOTE "base.name", "base-model", true},
    {NOTE_CNAI "title", "title", true},
    {NOTE_CNAI "description", "description", true},
    {NOTE_CNAI "version", "version", true},
    {NOTE_CNAI "revision", "revision", true},
    {NOTE_CNAI "vendor", "vendor", true},
    {NOTE_CNAI "authors", "author", true},
    {NOTE_CNAI "documentation", "doc-url", true},
    {NOTE_CNAI "uri", "source-url", true},
    {NOTE_CNAI "source", "source-url", true},
    {NOTE_CNAI "param.size", "param-size", true},
    {NOTE_CNAI "name", "name", true},
    {NOTE_CNAI "family", "family", true},
    {NOTE_CNAI "architecture", "architecture", true},
    {NOTE_CNAI "format", "format", true},
    {NOTE_CNAI "precision", "precision", true},
    {NOTE_CNAI "quantization", "quantization", true},
};

static void set(struct model_facts *f, const struct row *row, struct str value)
{
    struct err why = {.code = ERR_OK}, what;
    if (value.n == 0 || model_facts_set(f, row->key, value, &why) == 0 || row->loose)
        return;
    (void)ERR(&what, MODEL_INVALID, "%s in the config: %s", row->place, why.msg);
    model_facts_warn(f, &what);
}

static const json_t *find(const json_t *doc, const char *place)
{
    for (struct str rest = str_from(place); doc && rest.n;) {
        struct str key = str_cut(&rest, '.');
        char name[64] = {0};
        BUG_ON(key.n >= sizeof(name));
        memcpy(name, key.p, key.n);
        doc = json_object_get(doc, name);
    }
    return doc;
}

static void set_json(struct model_facts *f, const struct row *row, const json_t *v)
{
    if (json_is_string(v))
        set(f, row, str_of(json_string_value(v), json_string_length(v)));
    else if (json_is_boolean(v))
        set(f, row, json_is_true(v) ? STR("true") : STR("false"));
    else if (json_is_array(v))
        for (size_t i = 0; i < json_array_size(v); i++)
            if (json_is_string(json_array_get(v, i)))
                set_json(f, row, json_array_get(v, i));
}

/* A kit whose model is another kit, by its reference in the place of a path. */
static void set_kit(struct model_facts *f, const json_t *doc)
{
    static const struct row base = {"model.path", "base-model", true};
    struct str path = json_get_str(json_object_get(doc, "model"), "path");
    struct link_target target;

    if (!json_is_object(json_object_get(doc, "package")) || !link_target_is_text(path))
        return;
    link_target_parse(path, &target);
    if (target.name[0] && target.ref[0])
        set(f, &base, path);
}

static struct str note(const struct oci_manifest *m, const char *key)
{
    for (size_t i = 0; i < m->n_annotations; i++)
        if (str_eqz(m->annotations[i].key, key))
            return m->annotations[i].value;
    return STR_NULL;
}

void said_read(struct model_facts *f, const struct oci_manifest *m, struct str config)
{
    static const struct row licenses[] = {{NOTE_CNAI "licenses", "license", true},
                                          {NOTE "licenses", "license", true}};
    struct err why = {.code = ERR_OK}, what;

    for (size_t i = 0; i < ARRAY_LEN(notes); i++)
        set(f, &notes[i], note(m, notes[i].place));
    if (config.n) {
        AUTO_JSON doc = json_load(config, ERR_MODEL_INVALID, &why);
        if (!doc) {
            (void)ERR(&what, MODEL_INVALID, "the config: %s", why.msg);
            model_facts_warn(f, &what);
        }
        for (size_t i = 0; doc && i < ARRAY_LEN(members); i++)
            set_json(f, &members[i], find(doc, members[i].place));
        if (doc)
            set_kit(f, doc);
    }
    /* One expression for all that the config lists. */
    for (size_t i = 0; i < ARRAY_LEN(licenses) && f->licenses.n == 0; i++)
        set(f, &licenses[i], note(m, licenses[i].place));
}
