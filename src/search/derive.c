/* SPDX-License-Identifier: Apache-2.0 */
#include "search/derive.h"

#include "base/json.h"
#include "base/mem.h"
#include "registry/blob_source.h"
#include "registry/label.h"
#include "registry/model.h"

/* While one is made. */
struct making {
    struct registry *registry;
    struct arena *arena;
    struct search_entry *entry;
    json_t *facts; /* what was read; NULL: nothing */
    struct json_writer w;
    struct buf *about;
    struct str repository, display, description; /* of the repository */
};

/* ---- texts ---- */

/* Its first max bytes, no character cut in two. */
static struct str cut(struct str s, size_t max)
{
    if (s.n <= max)
        return s;
    while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
        max--;
    return str_head(s, max);
}

static void also_about(struct making *m, struct str text)
{
    if (text.n == 0)
        return;
    buf_adds(m->about, text);
    buf_addc(m->about, ' ');
}

static void add_value(struct making *m, enum search_facet facet, struct str value)
{
    struct search_entry *n = m->entry;

    if (value.n == 0 || value.n > DERIVE_VALUE || n->n_values == ARRAY_LEN(n->values))
        return;
    n->values[n->n_values].facet = facet;
    n->values[n->n_values++].value = value;
}

/* ---- facts ---- */

static const json_t *section(const struct making *m, const char *name)
{
    return json_object_get(m->facts, name);
}

static struct str fact(const struct making *m, const char *where, const char *key)
{
    return json_get_str(section(m, where), key);
}

/* One text that is a value of a facet. */
static void add_fact(struct making *m, enum search_facet facet, struct str value)
{
    value = str_trim(value);
    if (value.n == 0 || value.n > DERIVE_VALUE)
        return;
    jsonw_kstr(&m->w, search_facet_name(facet), value);
    add_value(m, facet, value);
    also_about(m, value);
}

/* A list of them, shown by another name. */
static void add_facts(struct making *m, enum search_facet facet, const char *name,
                      const json_t *list)
{
    size_t n = MIN_OF(json_array_size(list), (size_t)DERIVE_MANY);

    if (n == 0)
        return;
    jsonw_key(&m->w, name);
    jsonw_list(&m->w);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        struct str value = str_of(json_string_value(item), json_string_length(item));
        if (value.n == 0 || value.n > DERIVE_VALUE)
            continue;
        jsonw_str(&m->w, value);
        add_value(m, facet, value);
        also_about(m, value);
    }
    jsonw_list_done(&m->w);
}

/* "bf16,f32": each is a value. */
static void add_precision(struct making *m)
{
    struct str text = fact(m, "facts", "precision"), rest = text;

    if (text.n == 0 || text.n > DERIVE_VALUE)
        return;
    jsonw_kstr(&m->w, "precision", text);
    for (size_t i = 0; i < DERIVE_MANY && rest.p; i++)
        add_value(m, SEARCH_PRECISION, str_trim(str_cut(&rest, ',')));
}

static struct str first_of(struct str a, struct str b)
{
    return a.n ? a : b;
}

static void add_known_tags(struct making *m)
{
    const json_t *tags = json_object_get(section(m, "known"), "tags");

    for (size_t i = 0; i < json_array_size(tags) && i < 4 * DERIVE_MANY; i++) {
        const json_t *tag = json_array_get(tags, i);
        also_about(m, str_of(json_string_value(tag), json_string_length(tag)));
    }
}

static void add_number(struct making *m, enum search_column column, const char *name, int64_t value)
{
    value = MAX_OF(value, 0);
    m->entry->cells[column] = value;
    jsonw_ki64(&m->w, name, value);
}

static void add_all_facts(struct making *m)
{
    struct str description =
        cut(first_of(fact(m, "facts", "description"), m->description), DERIVE_DESCRIPTION);
    struct str title =
        cut(first_of(fact(m, "facts", "title"), fact(m, "facts", "name")), DERIVE_TITLE);
    const json_t *facts = section(m, "facts");
    int64_t parameters = json_integer_value(json_object_get(section(m, "known"), "parameters"));

    if (parameters == 0)
        parameters = json_integer_value(json_object_get(section(m, "weights"), "parameters"));
    if (title.n)
        jsonw_kstr(&m->w, "title", title);
    if (description.n)
        jsonw_kstr(&m->w, "description", description);
    also_about(m, description);
    also_about(m, cut(m->description, DERIVE_DESCRIPTION));
    m->entry->title =
        str_from(arena_printf(m->arena, "%.*s %.*s %.*s %.*s", S(m->repository), S(m->display),
                              S(title), S(cut(fact(m, "facts", "name"), DERIVE_TITLE))));
    jsonw_kstr(&m->w, "form", json_get_str(m->facts, "form"));
    add_fact(m, SEARCH_ARCHITECTURE,
             first_of(fact(m, "facts", "architecture"), fact(m, "weights", "architecture")));
    add_fact(m, SEARCH_FAMILY, fact(m, "facts", "family"));
    add_fact(m, SEARCH_TASK, fact(m, "facts", "task"));
    add_fact(m, SEARCH_FORMAT, first_of(fact(m, "weights", "format"), fact(m, "facts", "format")));
    add_fact(m, SEARCH_QUANTIZATION,
             first_of(fact(m, "facts", "quantization"), fact(m, "weights", "quantization")));
    add_fact(m, SEARCH_LIBRARY, fact(m, "known", "library"));
    add_precision(m);
    add_facts(m, SEARCH_LICENSE, "licenses", json_object_get(facts, "license"));
    add_facts(m, SEARCH_LANGUAGE, "languages", json_object_get(facts, "language"));
    add_facts(m, SEARCH_BASE_MODEL, "base_models", json_object_get(facts, "base-model"));
    add_number(m, SEARCH_CELL_PARAMETERS, "parameters", parameters);
    add_known_tags(m);
}

/* ---- the card ---- */

static int take_card(void *to, const void *p, size_t n, struct err *e)
{
    (void)e;
    buf_add(to, p, n);
    return 0;
}

/* The file that is the card; NULL: there is none, or its place is not known. */
static const json_t *card_file(const struct making *m)
{
    struct str path = json_get_str(m->facts, "readme");
    const json_t *files = section(m, "files");

    for (size_t i = 0; path.n && i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i);
        if (json_is_true(json_object_get(file, "looked_into")) &&
            str_eq(json_get_str(file, "file"), path))
            return file;
    }
    return NULL;
}

/* By a range of its layer. */
static int read_card(struct making *m, const struct digest *layer, uint64_t at, uint64_t n,
                     struct buf *out, struct err *e)
{
    AUTO(blob_source) blobs = {0};
    struct repo_name name;
    struct blob b;

    if (repo_name_parse(m->repository, &name, e) < 0)
        return -1;
    int found = blob_find(m->registry, m->arena, &name, layer, &b, e);
    if (found <= 0 || at > b.size || n > b.size - at)
        return found < 0 ? -1 : 0;
    blob_source_init(&blobs, m->registry);
    const struct model_source source = blob_source_source(&blobs);
    return source.get(source.self, layer, b.size, at, n, take_card, out, e);
}

/* What cannot be read is no card: the rest is found all the same. */
static void add_card(struct making *m)
{
    const json_t *file = card_file(m);
    struct str encoding = json_get_str(file, "encoding"), text = STR_NULL;
    int64_t at = json_integer_value(json_object_get(file, "at"));
    int64_t size = json_integer_value(json_object_get(file, "size"));
    struct digest layer;
    struct err ignored;

    if (!file || at < 0 || size <= 0 || digest_parse(json_get_str(file, "layer"), &layer, NULL) < 0)
        return;
    if (str_eqz(encoding, "raw") || str_eqz(encoding, "tar")) {
        AUTO(buf) out = {0};
        buf_init(&out, DERIVE_CARD);
        if (read_card(m, &layer, (uint64_t)at, (uint64_t)MIN_OF(size, DERIVE_CARD), &out,
                      &ignored) < 0)
            return;
        text = arena_str(m->arena, buf_str(&out));
    } else if (model_get_part(m->registry, m->arena, MODEL_PART_TEXT, &layer, (uint64_t)at, &text,
                              &ignored) <= 0) {
        return;
    }
    m->entry->card = cut(text, DERIVE_CARD);
}

/* ---- what people said and did ---- */

static int add_tags(struct making *m, int64_t artifact, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t pushed_ms = m->entry->cells[SEARCH_CELL_UPDATE];
    int n = 0, more;

    if (db_query(db_reader(m->registry->db), Q_tags_of_artifact, DB_ARGS(DB_I64(artifact)), &rows,
                 e) < 0)
        return -1;
    jsonw_key(&m->w, "tags");
    jsonw_list(&m->w);
    while ((more = db_next(&rows, e)) > 0) {
        pushed_ms = MAX_OF(pushed_ms, db_i64(&rows, 4));
        if (n++ >= DERIVE_MANY)
            continue;
        jsonw_str(&m->w, db_text(&rows, 3));
        also_about(m, db_text(&rows, 3));
    }
    jsonw_list_done(&m->w);
    m->entry->cells[SEARCH_CELL_UPDATE] = pushed_ms;
    jsonw_ki64(&m->w, "update_ms", pushed_ms);
    return more;
}

static int add_labels(struct making *m, int64_t artifact, struct err *e)
{
    struct label *labels;
    size_t n;

    if (label_of_artifact(m->registry, m->arena, artifact, &labels, &n, e) < 0)
        return -1;
    jsonw_key(&m->w, "labels");
    jsonw_list(&m->w);
    for (size_t i = 0; i < n && i < DERIVE_MANY; i++) {
        jsonw_str(&m->w, labels[i].name);
        add_value(m, SEARCH_LABEL, labels[i].name);
        also_about(m, labels[i].name);
    }
    jsonw_list_done(&m->w);
    return 0;
}

/* ---- all of it ---- */

/* The row of the artifact: 1, 0, -1. */
static int start(struct making *m, int64_t artifact, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct search_entry *n = m->entry;
    struct arena *a = m->arena;
    int found =
        db_one(db_reader(m->registry->db), Q_search_artifact, DB_ARGS(DB_I64(artifact)), &rows, e);

    if (found <= 0)
        return found;
    *n = (struct search_entry){.id = artifact, .repository = db_i64(&rows, 1)};
    n->cells[SEARCH_CELL_UPDATE] = db_i64(&rows, 3);
    n->cells[SEARCH_CELL_PULLS] = db_i64(&rows, 8);
    n->cells[SEARCH_CELL_PROJECT] = db_i64(&rows, 9);
    m->repository = arena_str(a, db_text(&rows, 5));
    m->display = arena_str(a, db_text(&rows, 6));
    m->description = arena_str(a, db_text(&rows, 7));
    n->name = m->repository;
    jsonw_kstr(&m->w, "digest", db_text(&rows, 2));
    jsonw_kstr(&m->w, "project", db_text(&rows, 10));
    jsonw_kstr(&m->w, "repository", m->repository);
    if (!str_eq(m->repository, m->display))
        jsonw_kstr(&m->w, "display_name", m->display);
    add_value(m, SEARCH_PROJECT, arena_str(a, db_text(&rows, 10)));
    add_number(m, SEARCH_CELL_SIZE, "size", db_i64(&rows, 4));
    return 1;
}

/* Packed as a model, or with weights in it. */
static bool is_model(const json_t *facts)
{
    static const char *const forms[] = {"modelpack", "cnai", "kitops", "docker", "ollama"};
    struct str form = json_get_str(facts, "form");

    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (str_eqz(form, forms[i]))
            return true;
    return json_is_object(json_object_get(facts, "weights"));
}

static int make(struct making *m, int64_t artifact, struct err *e)
{
    struct model_read read;
    int found = start(m, artifact, e);

    if (found > 0) /* nothing where the repository does not hold all of its content */
        found = model_get(m->registry, m->arena, artifact, &read, e);
    if (found <= 0 || read.facts.n == 0)
        return found < 0 ? -1 : 0;
    m->facts = json_load(read.facts, ERR_CORRUPT, e);
    if (!m->facts)
        return err_wrap(e, "what was read of artifact %lld", (long long)artifact);
    if (!is_model(m->facts))
        return 0;
    if (add_tags(m, artifact, e) < 0 || add_labels(m, artifact, e) < 0)
        return -1;
    add_all_facts(m);
    add_card(m);
    return 1;
}

int derive(struct registry *r, struct arena *a, int64_t artifact, struct search_entry *ret,
           struct err *e)
{
    AUTO(buf) shown = {0};
    AUTO(buf) about = {0};
    struct making m = {.registry = r, .arena = a, .entry = ret, .about = &about};

    buf_init(&shown, MIB);
    buf_init(&about, MIB);
    jsonw_init(&m.w, &shown);
    jsonw_object(&m.w);
    int found = make(&m, artifact, e);
    if (found > 0) {
        jsonw_object_done(&m.w);
        ret->shown = arena_str(a, buf_str(&shown));
        ret->about = arena_str(a, buf_str(&about));
        /* The texts of its values lie in the facts, which end here. */
        for (size_t i = 0; i < ret->n_values; i++)
            ret->values[i].value = arena_str(a, ret->values[i].value);
    }
    json_decref(m.facts);
    return found > 0 && (!buf_ok(&shown) || !buf_ok(&about))
               ? ERR(e, LIMIT, "what is known of an artifact is too long to be searched")
               : found;
}
