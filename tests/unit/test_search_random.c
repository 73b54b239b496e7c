/* SPDX-License-Identifier: Apache-2.0 */
/* The search compared with the plainest way to search: random models that come, change and go, and
 * random questions about them. */
#include "registry_fixture.h"

#include "search/change.h"
#include "search/internal.h"

enum {
    SEEDS = 6,
    BATCHES = 12,
    QUESTIONS = 40,
    MODELS = 420,
    ID_MAX = 3 * SEARCH_ROW - 50,
    WORDS = 48,
    PROJECTS = 12,
    NAMES = 60,
    VALUES = 150, /* of the facet that has most */
    HAS_MAX = 40  /* words or values of one model */
};

/* ---- chance ---- */

static uint64_t chance_state;

static int chance(int n)
{
    chance_state = chance_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((chance_state >> 33) % (uint64_t)n);
}

/* The first ones more often than the last. */
static int skewed(int n)
{
    return chance(1 + chance(1 + chance(n)));
}

/* ---- the plain side ---- */

struct plain_model {
    bool there;
    int64_t id;
    int name; /* two repositories may have one name, one after the other */
    int64_t cells[SEARCH_CELLS];
    int words[HAS_MAX];
    bool named[HAS_MAX];
    int n_words;
    struct {
        int facet, value;
    } values[HAS_MAX];
    int n_values;
};

struct world {
    struct fixture *f;
    struct search *s;
    struct plain_model models[MODELS];
    char words[WORDS][80];
    char names[NAMES][40];
};

static const int facet_sizes[SEARCH_FACETS] = {[SEARCH_ARCHITECTURE] = 3,
                                               [SEARCH_LANGUAGE] = 9,
                                               [SEARCH_BASE_MODEL] = VALUES,
                                               [SEARCH_LABEL] = 2};

static const char *value_text(struct world *w, int facet, int value)
{
    return arena_printf(&w->f->a, "Value-%d-%d", facet, value);
}

static void make_world(struct world *w)
{
    /* Beginnings of each other, of one to five characters, of two and three bytes; and two that
     * are the same where words end. */
    static const char *const fixed[] = {
        "a",           "ab", "abc", "abcd",      "abcde",      "abcdef",
        "abd",         "b",  "ba",  "\xce\xb1x", "\xce\xb1xy", "\xe6\xa8\xa1\xe5\x9e\x8b",
        "\xe6\xa8\xa1"};
    for (size_t i = 0; i < WORDS; i++) {
        if (i < ARRAY_LEN(fixed))
            snprintf(w->words[i], sizeof(w->words[i]), "%s", fixed[i]);
        else if (i == WORDS - 1)
            snprintf(w->words[i], sizeof(w->words[i]), "%064d", 7);
        else
            snprintf(w->words[i], sizeof(w->words[i]), "%c%c%dw%d", "abcz"[i % 4], "abz"[i % 3],
                     (int)i % 5, (int)i);
    }
    for (int i = 0; i < NAMES; i++)
        snprintf(w->names[i], sizeof(w->names[i]), "p%d/%c%dname", i % 3, "azm"[chance(3)], i);
    for (int i = 0; i < MODELS; i++)
        w->models[i].id = 1 + (int64_t)i * (ID_MAX / MODELS) + chance(ID_MAX / MODELS - 1);
}

static bool has_word(const struct plain_model *m, const char *word, bool beginning, bool in_name,
                     const struct world *w)
{
    for (int i = 0; i < m->n_words; i++) {
        const char *has = w->words[m->words[i]];
        if ((m->named[i] || !in_name) &&
            (beginning ? strncmp(has, word, strlen(word)) == 0 : strcmp(has, word) == 0))
            return true;
    }
    return false;
}

static bool has_value(const struct plain_model *m, int facet, int value)
{
    for (int i = 0; i < m->n_values; i++)
        if (m->values[i].facet == facet && m->values[i].value == value)
            return true;
    return false;
}

struct question {
    struct search_query q;
    const char *words[4];
    int n_words;
    int facet[2], value[2][3], n_value[2];
    int64_t projects[PROJECTS];
};

static bool matches(const struct world *w, const struct question *x, const struct plain_model *m)
{
    bool visible = x->q.all;

    for (size_t i = 0; i < x->q.n_projects; i++)
        visible |= m->cells[SEARCH_CELL_PROJECT] == x->q.projects[i];
    if (!m->there || !visible)
        return false;
    for (int i = 0; i < x->n_words; i++)
        if (!has_word(m, x->words[i], i + 1 == x->n_words, false, w))
            return false;
    for (int i = 0; i < 2; i++) {
        bool any = x->n_value[i] == 0;
        for (int k = 0; k < x->n_value[i]; k++)
            any |= has_value(m, x->facet[i], x->value[i][k]);
        if (!any)
            return false;
    }
    int64_t p = m->cells[SEARCH_CELL_PARAMETERS];
    return (x->q.min_parameters < 0 || p >= x->q.min_parameters) &&
           (x->q.max_parameters < 0 || p <= x->q.max_parameters);
}

static bool in_its_name(const struct world *w, const struct question *x,
                        const struct plain_model *m)
{
    for (int i = 0; i < x->n_words; i++)
        if (!has_word(m, x->words[i], i + 1 == x->n_words, true, w))
            return false;
    return x->n_words > 0;
}

static const struct world *sorted_world;
static const struct question *sorted_question;

/* In the order that docs/search.md promises. */
static int in_order(const void *px, const void *py)
{
    static const enum search_column columns[] = {[SEARCH_BY_RELEVANCE] = SEARCH_CELL_PULLS,
                                                 [SEARCH_BY_UPDATE] = SEARCH_CELL_UPDATE,
                                                 [SEARCH_BY_PULLS] = SEARCH_CELL_PULLS,
                                                 [SEARCH_BY_SIZE] = SEARCH_CELL_SIZE,
                                                 [SEARCH_BY_PARAMETERS] = SEARCH_CELL_PARAMETERS};
    const struct plain_model *x = *(const struct plain_model *const *)px,
                             *y = *(const struct plain_model *const *)py;
    const struct search_query *q = &sorted_question->q;
    int newest = x->id > y->id ? -1 : 1, up = q->ascending ? -1 : 1;

    if (q->order == SEARCH_BY_NAME) {
        int cmp = strcmp(sorted_world->names[x->name], sorted_world->names[y->name]);
        return cmp ? -cmp * up : newest * up;
    }
    if (q->order == SEARCH_BY_RELEVANCE) {
        bool a = in_its_name(sorted_world, sorted_question, x),
             b = in_its_name(sorted_world, sorted_question, y);
        if (a != b)
            return a ? -1 : 1;
        up = 1;
    }
    int64_t a = x->cells[columns[q->order]], b = y->cells[columns[q->order]];
    return a != b ? (a > b ? -up : up) : newest;
}

/* ---- changes ---- */

static void make_model(struct plain_model *m)
{
    static const int64_t scales[] = {1, 3, 300, 70000, 1ll << 40, 1ll << 62};

    m->there = true;
    m->name = skewed(NAMES);
    for (int i = 0; i < SEARCH_CELLS; i++)
        m->cells[i] = (int64_t)chance(1000) * scales[chance(5)] + (chance(40) ? 0 : scales[5]);
    m->cells[SEARCH_CELL_PROJECT] = 1 + skewed(PROJECTS);
    m->cells[SEARCH_CELL_PULLS] = chance(3) ? chance(50) : chance(1 << 30);
    m->n_words = m->n_values = 0;
    for (int i = chance(HAS_MAX); i > 0; i--) {
        m->words[m->n_words] = skewed(WORDS);
        m->named[m->n_words++] = chance(3) == 0;
    }
    for (int facet = 1; facet < SEARCH_FACETS; facet++)
        for (int i = facet_sizes[facet] ? chance(4) : 0; i > 0; i--) {
            m->values[m->n_values].facet = facet;
            m->values[m->n_values++].value = skewed(facet_sizes[facet]);
        }
}

static void put_model(struct world *w, struct change *c, const struct plain_model *m)
{
    struct fixture *f = w->f;
    AUTO_FREE struct search_entry *n = NEW(struct search_entry);
    AUTO(buf) title = {0};
    AUTO(buf) about = {0};

    buf_init(&title, 8192);
    buf_init(&about, 8192);
    n->id = m->id;
    n->repository = m->name + 1;
    n->name = str_from(w->names[m->name]);
    n->shown = STR("{}");
    memcpy(n->cells, m->cells, sizeof(n->cells));
    for (int i = 0; i < m->n_words; i++) {
        buf_addz(m->named[i] ? &title : &about, " - ");
        buf_addz(m->named[i] ? &title : &about, w->words[m->words[i]]);
    }
    n->title = buf_str(&title);
    n->about = buf_str(&about);
    for (int i = 0; i < m->n_values; i++) {
        n->values[n->n_values].facet = (enum search_facet)m->values[i].facet;
        n->values[n->n_values++].value =
            str_from(value_text(w, m->values[i].facet, m->values[i].value));
    }
    EXPECT(change_put(c, n, &f->e), 0);
}

static void change_some(struct world *w, int many)
{
    struct fixture *f = w->f;
    AUTO(change) c = {0};

    EXPECT(change_begin(&c, w->s->db, w->s->words, &f->e), 0);
    while (many-- > 0) {
        struct plain_model *m = &w->models[chance(MODELS)];
        int what = chance(10);
        if (what < 7) {
            make_model(m);
            put_model(w, &c, m);
        } else if (what < 9) {
            m->there = false;
            EXPECT(change_remove(&c, m->id, &f->e), 0);
        } else if (m->there) {
            m->cells[SEARCH_CELL_PULLS] = chance(100000);
            EXPECT(change_cell(&c, m->id, SEARCH_CELL_PULLS, m->cells[SEARCH_CELL_PULLS], &f->e),
                   0);
        }
    }
    EXPECT(change_commit(&c, &f->e), 0);
}

/* ---- questions ---- */

static void make_question(struct world *w, struct question *x)
{
    *x = (struct question){.n_words = 0};
    x->q.all = chance(3) == 0;
    x->q.min_parameters = chance(4) ? -1 : chance(100000);
    x->q.max_parameters = chance(4) ? -1 : chance(100) * 1000000ll;
    if (!x->q.all)
        for (int i = chance(PROJECTS); i > 0; i--)
            x->projects[x->q.n_projects++] = chance(2) ? 1 + chance(PROJECTS) : chance(100000);
    x->q.projects = x->projects;
    x->n_words = chance(2) ? 0 : 1 + chance(3);
    AUTO(buf) text = {0};
    buf_init(&text, 4096);
    for (int i = 0; i < x->n_words; i++) {
        char *word = arena_strz(&w->f->a, str_from(w->words[skewed(WORDS)]));
        if (i + 1 == x->n_words && chance(2)) /* a beginning, of whole characters */
            for (size_t n = strlen(word), cut = (size_t)chance((int)n); cut > 0; cut--)
                if (((unsigned char)word[cut] & 0xc0) != 0x80) {
                    word[cut] = '\0';
                    break;
                }
        x->words[i] = word;
        buf_addz(&text, i ? " * " : "");
        buf_addz(&text, word);
    }
    if (x->n_words)
        x->q.text = arena_str(&w->f->a, buf_str(&text));
    for (int i = 0; i < 2; i++) {
        static const int facets[] = {SEARCH_ARCHITECTURE, SEARCH_LANGUAGE, SEARCH_BASE_MODEL};
        x->facet[i] = i ? SEARCH_LABEL : facets[chance(3)];
        x->n_value[i] = chance(2) ? 0 : chance(4);
        struct str *v = ARENA_ARRAY(&w->f->a, 4, struct str);
        for (int k = 0; k < x->n_value[i]; k++) {
            x->value[i][k] = skewed(facet_sizes[x->facet[i]] + 1);
            v[k] = str_from(value_text(w, x->facet[i], x->value[i][k]));
        }
        x->q.facets[x->facet[i]] = (struct search_values){v, (size_t)x->n_value[i]};
    }
    x->q.order = (enum search_order)chance(SEARCH_BY_NAME + 1);
    x->q.ascending = chance(2);
    x->q.offset = chance(3) ? 0 : chance(MODELS);
    x->q.limit = chance(4) ? 1 + chance(20) : MODELS;
}

static void compare_found(struct world *w, const struct question *x,
                          const struct plain_model *const *want, size_t n)
{
    struct fixture *f = w->f;
    struct search_found found;

    EXPECT(search_find(w->s, &f->a, &x->q, &found, &f->e), 0);
    assert_int_equal(found.total, n);
    assert_false(found.more);
    size_t from = MIN_OF((size_t)x->q.offset, n);
    assert_int_equal(found.n, MIN_OF((size_t)x->q.limit, n - from));
    for (size_t i = 0; i < found.n; i++) {
        assert_int_equal(found.hits[i].artifact, want[from + i]->id);
        assert_int_equal(found.hits[i].pulls, want[from + i]->cells[SEARCH_CELL_PULLS]);
    }
}

static void count_values(int facet, const struct plain_model *const *want, size_t n,
                         int count[VALUES])
{
    memset(count, 0, VALUES * sizeof(*count));
    for (size_t i = 0; i < n; i++) {
        bool has[VALUES] = {false};
        for (int k = 0; k < want[i]->n_values; k++)
            if (want[i]->values[k].facet == facet)
                has[want[i]->values[k].value] = true;
        for (int k = 0; k < VALUES; k++)
            count[k] += has[k];
    }
}

static void compare_facet(struct world *w, const struct search_counts *counts, int facet,
                          const struct plain_model *const *want, size_t n)
{
    int distinct = 0, largest_left = 0, count[VALUES];

    if (facet_sizes[facet] == 0) {
        assert_int_equal(counts->n[facet], 0);
        return;
    }
    count_values(facet, want, n, count);
    for (size_t i = 1; i < counts->n[facet]; i++)
        assert_true(counts->values[facet][i].count <= counts->values[facet][i - 1].count);
    for (int value = 0; value < facet_sizes[facet]; value++) {
        struct str text = str_from(value_text(w, facet, value));
        int listed = -1;
        for (size_t i = 0; i < counts->n[facet]; i++)
            if (str_eq(counts->values[facet][i].value, text))
                listed = (int)counts->values[facet][i].count;
        distinct += count[value] > 0;
        if (listed >= 0)
            assert_int_equal(listed, count[value]);
        else
            largest_left = MAX_OF(largest_left, count[value]);
    }
    assert_int_equal(counts->n[facet], MIN_OF(distinct, SEARCH_TOP));
    if (counts->n[facet])
        assert_true(counts->values[facet][counts->n[facet] - 1].count >= largest_left);
}

static void ask_once(struct world *w)
{
    struct fixture *f = w->f;
    const struct plain_model *want[MODELS];
    struct search_counts counts;
    struct question x;
    size_t n = 0;

    make_question(w, &x);
    for (int i = 0; i < MODELS; i++)
        if (matches(w, &x, &w->models[i]))
            want[n++] = &w->models[i];
    sorted_world = w;
    sorted_question = &x;
    qsort(want, n, sizeof(want[0]), in_order);
    compare_found(w, &x, want, n);
    EXPECT(search_count(w->s, &f->a, &x.q, &counts, &f->e), 0);
    assert_int_equal(counts.total, n);
    assert_false(counts.more);
    for (int facet = 1; facet < SEARCH_FACETS; facet++)
        compare_facet(w, &counts, facet, want, n);
}

/* The kept numbers of all models, too. */
static void ask_nothing(struct world *w)
{
    struct fixture *f = w->f;
    const struct search_query q = {.all = true, .min_parameters = -1, .max_parameters = -1};
    const struct plain_model *want[MODELS];
    struct search_counts counts;
    size_t n = 0;

    for (int i = 0; i < MODELS; i++)
        if (w->models[i].there)
            want[n++] = &w->models[i];
    EXPECT(search_count(w->s, &f->a, &q, &counts, &f->e), 0);
    assert_int_equal(counts.total, n);
    for (int facet = 1; facet < SEARCH_FACETS; facet++)
        compare_facet(w, &counts, facet, want, n);
}

/* When all have gone, nothing is left of them but the names of values. */
static void leave(struct world *w)
{
    struct fixture *f = w->f;
    {
        AUTO(change) c = {0};
        EXPECT(change_begin(&c, w->s->db, w->s->words, &f->e), 0);
        for (int i = 0; i < MODELS; i++)
            EXPECT(change_remove(&c, w->models[i].id, &f->e), 0);
        EXPECT(change_commit(&c, &f->e), 0);
    }
    struct db_conn *c = search_enter(w->s);
    AUTO(db_rows) rows = {0};
    EXPECT(db_one(c, Q_s_bits_last, DB_ARGS(DB_I64(INT64_MAX)), &rows, &f->e), 0);
    EXPECT(db_query(c, Q_s_terms, DB_ARGS(DB_BYTES(STR("")), DB_BYTES(STR("\xff"))), &rows, &f->e),
           0);
    EXPECT(db_next(&rows, &f->e), 0);
    EXPECT(db_query(c, Q_s_places_count, DB_ARGS(DB_I64(0), DB_I64(INT64_MAX)), &rows, &f->e), 0);
    EXPECT(db_next(&rows, &f->e), 1);
    assert_int_equal(db_i64(&rows, 0), 0);
    search_leave(w->s);
}

static void test_random(void **state)
{
    struct fixture *f = *state;

    for (int seed = 0; seed < SEEDS; seed++) {
        AUTO_FREE struct world *w = NEW(struct world);
        chance_state = (uint64_t)seed * 7919 + 1;
        w->f = f;
        assert_true(unlinkat(f->fd, SEARCH_DB_FILE, 0) == 0 || seed == 0);
        w->s = search_new(f->fd, &f->r);
        EXPECT(search_keep(w->s, &f->e), 0);
        make_world(w);
        for (int batch = 0; batch < BATCHES; batch++) {
            change_some(w, batch ? chance(60) : 3 * MODELS);
            for (int i = 0; i < QUESTIONS; i++)
                ask_once(w);
            ask_nothing(w);
            arena_reset(&f->a);
        }
        leave(w);
        search_free(w->s);
    }
}

/* ---- names in whatever order they come ---- */

static void test_names(void **state)
{
    enum { N = 3000 };
    struct fixture *f = *state;
    struct search *s = search_new(f->fd, &f->r);

    EXPECT(search_keep(s, &f->e), 0);
    {
        AUTO(change) c = {0};
        AUTO_FREE struct search_entry *n = NEW(struct search_entry);
        EXPECT(change_begin(&c, s->db, s->words, &f->e), 0);
        /* Forth, back, and always between the same two. */
        for (int i = 0; i < N; i++) {
            char name[32];
            snprintf(name, sizeof(name), "%c%06d%s", "acbb"[i % 4], i % 4 == 1 ? N - i : i,
                     i % 4 == 2 ? "z" : "");
            n->id = i + 1;
            n->repository = i + 1;
            n->name = str_from(name);
            n->shown = n->name;
            EXPECT(change_put(&c, n, &f->e), 0);
        }
        EXPECT(change_commit(&c, &f->e), 0);
    }
    struct search_query q = {.all = true,
                             .min_parameters = -1,
                             .max_parameters = -1,
                             .order = SEARCH_BY_NAME,
                             .ascending = true,
                             .limit = N};
    struct search_found found;
    EXPECT(search_find(s, &f->a, &q, &found, &f->e), 0);
    assert_int_equal(found.n, N);
    for (size_t i = 1; i < N; i++)
        assert_true(str_cmp(found.hits[i - 1].shown, found.hits[i].shown) < 0);
    search_free(s);
}

/* ---- limits ---- */

static void test_counted(void **state)
{
    enum { N = SEARCH_COUNTED + 50 };
    struct fixture *f = *state;
    struct search *s = search_new(f->fd, &f->r);
    struct search_counts counts;
    AUTO_FREE struct search_entry *n = NEW(struct search_entry);
    struct search_query q = {.all = true, .min_parameters = 0, .max_parameters = -1};

    EXPECT(search_keep(s, &f->e), 0);
    for (int64_t id = 1; id <= N;) {
        AUTO(change) c = {0};
        EXPECT(change_begin(&c, s->db, s->words, &f->e), 0);
        for (int i = 0; i < 1000 && id <= N; i++, id++) {
            *n = (struct search_entry){.id = id, .name = STR("x/y"), .shown = STR("{}")};
            n->n_values = 1;
            n->values[0].facet = SEARCH_TASK;
            n->values[0].value = id > SEARCH_COUNTED - 5 ? STR("late") : STR("early");
            EXPECT(change_put(&c, n, &f->e), 0);
        }
        EXPECT(change_commit(&c, &f->e), 0);
        EXPECT(search_count(s, &f->a, &q, &counts, &f->e), 0);
        int64_t total = counts.n[SEARCH_TASK] ? counts.values[SEARCH_TASK][0].count : 0;
        if (id <= SEARCH_COUNTED - 5)
            assert_int_equal(total, id - 1);
    }
    EXPECT(search_count(s, &f->a, &q, &counts, &f->e), 0);
    assert_true(counts.more);
    assert_int_equal(counts.total, N);
    assert_int_equal(counts.values[SEARCH_TASK][0].count, SEARCH_COUNTED - 5);
    assert_int_equal(counts.values[SEARCH_TASK][1].count, 5);
    q.min_parameters = -1; /* all of them: the numbers are kept */
    EXPECT(search_count(s, &f->a, &q, &counts, &f->e), 0);
    assert_false(counts.more);
    assert_int_equal(counts.values[SEARCH_TASK][1].count, 55);
    search_free(s);
}

struct far_model {
    int64_t id, pulls;
    bool named;
};

static int far_order(const void *px, const void *py)
{
    const struct far_model *x = px, *y = py;

    if (x->named != y->named)
        return x->named ? -1 : 1;
    return x->pulls != y->pulls ? (x->pulls > y->pulls ? -1 : 1) : x->id > y->id ? -1 : 1;
}

/* Pages that are found by a sample are those that lie there. */
static void test_far_pages(void **state)
{
    enum { N = 9000, PAGE = 70 };
    struct fixture *f = *state;
    struct search *s = search_new(f->fd, &f->r);
    static struct far_model all[N];
    AUTO_FREE struct search_entry *n = NEW(struct search_entry);

    chance_state = 3;
    EXPECT(search_keep(s, &f->e), 0);
    for (int i = 0; i < N;) {
        AUTO(change) c = {0};
        EXPECT(change_begin(&c, s->db, s->words, &f->e), 0);
        for (int k = 0; k < 1000 && i < N; k++, i++) {
            all[i] = (struct far_model){.id = 1 + 3 * i, .pulls = chance(900), .named = chance(3)};
            *n = (struct search_entry){
                .id = all[i].id, .name = STR("x/y"), .shown = STR("{}"), .about = STR("word")};
            n->title = all[i].named ? STR("word") : STR("none");
            n->cells[SEARCH_CELL_PULLS] = all[i].pulls;
            EXPECT(change_put(&c, n, &f->e), 0);
        }
        EXPECT(change_commit(&c, &f->e), 0);
    }
    struct search_query q = {.all = true,
                             .min_parameters = -1,
                             .max_parameters = -1,
                             .text = STR("word"),
                             .order = SEARCH_BY_RELEVANCE,
                             .limit = PAGE};
    qsort(all, N, sizeof(all[0]), far_order);
    for (q.offset = 0; q.offset < N + PAGE; q.offset += 400) {
        struct search_found found;
        EXPECT(search_find(s, &f->a, &q, &found, &f->e), 0);
        assert_int_equal(found.total, N);
        assert_int_equal(found.n, MAX_OF(MIN_OF(PAGE, N - q.offset), 0));
        for (size_t i = 0; i < found.n; i++)
            assert_int_equal(found.hits[i].artifact, all[(size_t)q.offset + i].id);
    }
    search_free(s);
}

static void test_begun(void **state)
{
    enum { N = 10050 };
    struct fixture *f = *state;
    struct search *s = search_new(f->fd, &f->r);
    struct search_found found;
    AUTO(buf) about = {0};

    EXPECT(search_keep(s, &f->e), 0);
    buf_init(&about, MIB);
    for (int i = 0; i < N; i++)
        buf_addf(&about, "word%05d ", i);
    {
        AUTO(change) c = {0};
        AUTO_FREE struct search_entry *n = NEW(struct search_entry);
        EXPECT(change_begin(&c, s->db, s->words, &f->e), 0);
        *n = (struct search_entry){
            .id = 1, .name = STR("x/y"), .shown = STR("{}"), .about = buf_str(&about)};
        EXPECT(change_put(&c, n, &f->e), 0);
        n->id = 2;
        n->about = STR("word99999");
        EXPECT(change_put(&c, n, &f->e), 0);
        EXPECT(change_commit(&c, &f->e), 0);
    }
    struct search_query q = {.all = true, .min_parameters = -1, .max_parameters = -1, .limit = 10};
    q.text = STR("word");
    EXPECT(search_find(s, &f->a, &q, &found, &f->e), 0);
    assert_true(found.more);
    assert_int_equal(found.total, 1);
    q.text = STR("word9");
    EXPECT(search_find(s, &f->a, &q, &found, &f->e), 0);
    assert_false(found.more);
    assert_int_equal(found.total, 1);
    q.text = STR("wor"); /* which has a row of its own */
    EXPECT(search_find(s, &f->a, &q, &found, &f->e), 0);
    assert_false(found.more);
    assert_int_equal(found.total, 2);
    search_free(s);
}

/* The first sixteen words count, and the last of them may be a beginning. */
static void test_many_words(void **state)
{
    static const struct {
        const char *text;
        int found;
    } rows[] = {
        {"b c d e f g h i j k l m n o p worded", 1},
        {"b c d e f g h i j k l m n o p wor", 1},
        {"b c d e f g h i j k l m n o p nothing", 0},
        {"b c d e f g h i j k l m n o p word nothing", 1},
        {"b c d e f g h i j k l m n o wor p", 0},
        {"b c d e f g h i j k l m n o p p p p p p p nothing", 1},
        {"nothing b c", 0},
        {"! b, c! -", 1},
        {" ! - ", 0},
    };
    struct fixture *f = *state;
    struct search *s = search_new(f->fd, &f->r);

    EXPECT(search_keep(s, &f->e), 0);
    {
        AUTO(change) c = {0};
        AUTO_FREE struct search_entry *n = NEW(struct search_entry);
        EXPECT(change_begin(&c, s->db, s->words, &f->e), 0);
        *n = (struct search_entry){.id = 1,
                                   .name = STR("x/y"),
                                   .shown = STR("{}"),
                                   .title = STR("B C D E F G H"),
                                   .about = STR("i j k l m n o p"),
                                   .card = STR("worded")};
        EXPECT(change_put(&c, n, &f->e), 0);
        EXPECT(change_commit(&c, &f->e), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct search_query q = {.text = str_from(rows[i].text),
                                       .all = true,
                                       .min_parameters = -1,
                                       .max_parameters = -1,
                                       .limit = 10};
        struct search_found found;
        EXPECT(search_find(s, &f->a, &q, &found, &f->e), 0);
        if (found.total != rows[i].found)
            fail_msg("\"%s\" finds %d", rows[i].text, (int)found.total);
    }
    search_free(s);
}

/* What has no row where it should have one is not shown to those who may not see it. */
static void test_lost_rows(void **state)
{
    struct fixture *f = *state;
    struct search *s = search_new(f->fd, &f->r);
    const int64_t projects[] = {1};
    struct search_query q = {.min_parameters = -1, .max_parameters = -1, .limit = 10};
    struct search_counts counts;
    struct search_found found;

    EXPECT(search_keep(s, &f->e), 0);
    {
        AUTO(change) c = {0};
        EXPECT(change_begin(&c, s->db, s->words, &f->e), 0);
        merge_put_bit(&c, SEARCH_ALL, 3, true);
        EXPECT(change_commit(&c, &f->e), 0);
    }
    q.projects = projects;
    q.n_projects = 1;
    EXPECT(search_find(s, &f->a, &q, &found, &f->e), 0);
    assert_int_equal(found.total, 0);
    assert_true(s->damaged);
    s->damaged = false;
    q.all = true;
    q.max_parameters = 10;
    EXPECT(search_count(s, &f->a, &q, &counts, &f->e), 0);
    assert_int_equal(counts.total, 0);
    assert_true(s->damaged);
    search_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_random), TEST(test_names),      TEST(test_counted),   TEST(test_far_pages),
        TEST(test_begun),  TEST(test_many_words), TEST(test_lost_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
