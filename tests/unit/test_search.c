/* SPDX-License-Identifier: Apache-2.0 */
/* The search below the API: sets, words, what is derived of the main database, and its file. */
#include "registry_fixture.h"

#include "base/buf.h"
#include "base/clock.h"
#include "registry/model.h"
#include "registry/task.h"
#include "search/best.h"
#include "search/change.h"
#include "search/derive.h"
#include "search/internal.h"

/* ---- words ---- */

/* The words of a text, with a space behind each. */
static void are_words(const char *text, const char *want)
{
    AUTO(terms) t = {.n = 0};
    AUTO(buf) out = {0};
    struct db_words *words;
    struct err e;
    struct str packed, word;
    bool named;

    terms_init(&t);
    buf_init(&out, 4096);
    assert_int_equal(db_words_new(&words, &e), 0);
    assert_int_equal(terms_read(&t, words, str_from(text), false, &e), 0);
    db_words_free(words);
    packed = buf_str(&t.packed);
    while ((word = terms_next(&packed, &named)).n) {
        buf_adds(&out, word);
        buf_addc(&out, ' ');
    }
    assert_int_equal(packed.n, 0);
    assert_string_equal(out.p, want);
}

#define TEN "0123456789"

static void test_words(void **state)
{
    (void)state;
    are_words("llama", "llama ");
    are_words("  a\tb  ", "a b ");
    are_words("say \"hi\" OR *", "say hi or ");
    are_words("NEAR(a b, 5)", "near a b 5 ");
    are_words("- -- + llama-3.1 !", "llama 3 1 ");
    are_words("Der gro\xc3\x9f\x65 W\xc3\x84L", "der gro\xc3\x9f\x65 wal ");
    are_words("\xe6\xa8\xa1\xef\xbc\x8c\xe5\x9e\x8b", "\xe6\xa8\xa1 \xe5\x9e\x8b ");
    are_words("a\xe2\x80\x94\x62", "a b ");
    are_words("", "");
    are_words(" \"*\" ( ) ^ \xe2\x80\x94", "");
    /* The first 64 bytes of a long one, and no half of a character. */
    are_words(TEN TEN TEN TEN TEN TEN "abcdefg", TEN TEN TEN TEN TEN TEN "abcd ");
    are_words(TEN TEN TEN TEN TEN TEN "abc\xe6\xa8\xa1", TEN TEN TEN TEN TEN TEN "abc ");
}

static void test_terms(void **state)
{
    struct fixture *f = *state;
    AUTO(terms) t = {.n = 0};
    AUTO(terms) again = {.n = 0};
    struct db_words *words;
    static const struct {
        const char *text;
        bool beginning, named;
    } want[] = {
        {"a", true, true},   {"ab", true, true},    {"abc", true, false},   {"x", true, false},
        {"ab", false, true}, {"abc", false, false}, {"abcd", false, false}, {"x", false, false},
    };

    terms_init(&t);
    terms_init(&again);
    EXPECT(db_words_new(&words, &f->e), 0);
    EXPECT(terms_read(&t, words, STR("abcd x abc x ab"), false, &f->e), 0);
    EXPECT(terms_read(&t, words, STR("AB"), true, &f->e), 0);
    db_words_free(words);
    EXPECT(terms_settle(&t, &f->e), 0);
    assert_string_equal(t.packed.p, "\x82"
                                    "ab"
                                    "\x03"
                                    "abc"
                                    "\x04"
                                    "abcd"
                                    "\x01"
                                    "x");
    assert_true(terms_unpack(&again, buf_str(&t.packed)));
    assert_int_equal(t.n, ARRAY_LEN(want));
    assert_int_equal(again.n, ARRAY_LEN(want));
    for (size_t i = 0; i < t.n; i++) {
        assert_true(str_eqz(t.v[i].text, want[i].text));
        assert_true(str_eqz(again.v[i].text, want[i].text));
        assert_int_equal(t.v[i].beginning, want[i].beginning);
        assert_int_equal(t.v[i].named, want[i].named);
        assert_int_equal(again.v[i].named, want[i].named);
    }
    assert_false(terms_unpack(&again, STR("\x03"
                                          "ab")));
    assert_false(terms_unpack(&again, STR("\x7f"
                                          "ab")));
    assert_false(terms_unpack(&again, str_of("\0\0", 2)));
    assert_true(str_eqz(terms_beginning(STR("\xe6\xa8\xa1"
                                            "x"),
                                        1),
                        "\xe6\xa8\xa1"));
    assert_true(str_eqz(terms_beginning(STR("abc"), 3), "abc"));
    assert_int_equal(terms_beginning(STR("abc"), 4).n, 0);
}

static void test_folded(void **state)
{
    struct fixture *f = *state;
    struct str s = search_folded(&f->a, STR("MIT-Zero \xc3\x84"));
    assert_true(str_eqz(s, "mit-zero \xc3\x84"));
}

/* ---- sets ---- */

static void test_sets(void **state)
{
    struct fixture *f = *state;
    static const int64_t members[] = {0, 1, 63, 64, 1023, 1024, 2047, 2 * SEARCH_ROW - 1};
    struct set s, other;

    EXPECT(set_new(&f->a, 2, &s, &f->e), 0);
    EXPECT(set_new(&f->a, 2, &other, &f->e), 0);
    assert_int_equal(s.n % SEARCH_CHUNK_WORDS, 0);
    assert_int_equal(set_next(&s, 0), -1);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        set_put(&s, members[i]);
    set_put(&s, 2 * SEARCH_ROW); /* beyond */
    set_put(&s, -1);
    assert_int_equal(set_count(&s), ARRAY_LEN(members));
    int64_t at = -1;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        at = set_next(&s, at + 1);
        assert_int_equal(at, members[i]);
        assert_true(set_has(&s, at));
    }
    assert_int_equal(set_next(&s, at + 1), -1);
    assert_false(set_has(&s, 2) || set_has(&s, 2048) || set_has(&s, -1));
    for (int64_t n = ARRAY_LEN(members); n >= 0; n--) {
        set_copy(&other, &s);
        set_cut(&other, n + 1);
        set_cut(&other, n);
        assert_int_equal(set_count(&other), n);
        for (int64_t i = 0; i < n; i++)
            assert_true(set_has(&other, members[i]));
    }
    set_put(&other, 64);
    set_put(&other, 2);
    set_and(&s, &other);
    assert_int_equal(set_count(&s), 1);
    set_or(&s, &other);
    assert_int_equal(set_count(&s), 2);
    set_clear(&s);
    assert_int_equal(set_count(&s), 0);
}

/* ---- rows ---- */

static uint64_t chance_state = 1;

static uint64_t chance(void)
{
    chance_state = chance_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return chance_state >> 20;
}

static void test_packed_bits(void **state)
{
    static const size_t counts[] = {0, 1, 2, 500, 1007, 1008, 5000, 1000000};
    char bytes[SEARCH_ROW_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        uint64_t words[SEARCH_ROW_WORDS] = {0}, back[SEARCH_ROW_WORDS] = {0};
        size_t members = 0;
        for (size_t k = 0; k < counts[i]; k++) {
            size_t at = chance() % SEARCH_ROW;
            members += (words[at / 64] >> (at % 64) & 1) == 0;
            words[at / 64] |= 1ULL << (at % 64);
        }
        size_t n = pack_bits(words, bytes);
        assert_int_equal(n, MIN_OF(2 * members, SEARCH_ROW_BYTES));
        assert_true(pack_join_bits(str_of(bytes, n), back));
        assert_memory_equal(words, back, sizeof(words));
        if (n == 0)
            continue;
        assert_false(pack_join_bits(str_of(bytes, n - 1), back));
    }
    memset(bytes, 0xff, sizeof(bytes));
    uint64_t back[SEARCH_ROW_WORDS];
    assert_false(pack_join_bits(str_of(bytes, 2), back));
}

static void test_packed_cells(void **state)
{
    int64_t cells[SEARCH_CHUNK], back[SEARCH_CHUNK];
    char bytes[PACK_CELLS_BYTES];

    (void)state;
    for (unsigned width = 0; width <= 8; width++) {
        uint64_t mask = width ? ~0ULL >> (64 - 8 * width) : 0;
        for (size_t i = 0; i < SEARCH_CHUNK; i++) /* both ends, and what is between */
            cells[i] = (int64_t)((i == 7   ? 0
                                  : i == 9 ? mask
                                           : (chance() * chance()) & mask) -
                                 (width == 8 ? 1ULL << 63 : 5000));
        size_t n = pack_cells(cells, bytes);
        assert_int_equal(n, 9 + width * SEARCH_CHUNK);
        assert_true(pack_read_cells(str_of(bytes, n), back));
        assert_memory_equal(cells, back, sizeof(cells));
        assert_false(pack_read_cells(str_of(bytes, n - 1), back));
    }
    bytes[8] = 9;
    assert_false(pack_read_cells(str_of(bytes, sizeof(bytes)), back));
    assert_false(pack_read_cells(str_of(bytes, 0), back));
}

struct told {
    uint32_t codes[SEARCH_CHUNK][SEARCH_CODES_MAX];
    size_t n[SEARCH_CHUNK];
};

static void tell(void *p, size_t artifact, uint32_t code)
{
    struct told *told = p;
    assert_in_range(artifact, 0, SEARCH_CHUNK - 1);
    assert_in_range(told->n[artifact], 0, SEARCH_CODES_MAX - 1);
    told->codes[artifact][told->n[artifact]++] = code;
}

static void test_packed_codes(void **state)
{
    AUTO(buf) bytes = {0};
    struct pack_codes of[SEARCH_CHUNK] = {{.n = 0}};
    uint64_t words[SEARCH_CHUNK_WORDS] = {0}, all[SEARCH_CHUNK_WORDS];
    struct told *told = NEW(struct told);

    (void)state;
    memset(all, 0xff, sizeof(all));
    for (size_t i = 0; i < SEARCH_CHUNK; i++) {
        of[i].n = i == 5 ? SEARCH_CODES_MAX : i % 3 ? chance() % 20 : 0;
        of[i].v = NEW_ARRAY(of[i].n + 1, uint32_t);
        for (size_t k = 0; k < of[i].n; k++)
            of[i].v[k] = (uint32_t)(chance() % 3 ? chance() % 40 : chance());
        if (chance() % 2)
            words[i / 64] |= 1ULL << (i % 64);
    }
    buf_init(&bytes, 8 * MIB);
    pack_codes(of, &bytes);
    assert_true(pack_read_codes(buf_str(&bytes), words, tell, told));
    for (size_t i = 0; i < SEARCH_CHUNK; i++) {
        bool in = words[i / 64] >> (i % 64) & 1;
        assert_int_equal(told->n[i], in ? of[i].n : 0);
        assert_memory_equal(told->codes[i], of[i].v, told->n[i] * sizeof(uint32_t));
    }
    /* Whatever is damaged is said to be, or is read as something. */
    for (size_t i = 0; i < 3000; i++) {
        AUTO(buf) bad = {0};
        buf_init(&bad, 8 * MIB);
        buf_adds(&bad, buf_str(&bytes));
        bad.p[i < 1000 ? i : chance() % bad.n] = (char)chance();
        memset(told, 0, sizeof(*told));
        (void)pack_read_codes(buf_str(&bad), all, tell, told);
        memset(told, 0, sizeof(*told));
        assert_false(
            pack_read_codes(str_head(buf_str(&bytes), chance() % bytes.n), all, tell, told));
    }
    for (size_t i = 0; i < SEARCH_CHUNK; i++)
        mem_free(of[i].v);
    mem_free(told);
}

static void test_packed_lists(void **state)
{
    struct pack_list list = {.n = 0}, back;
    char bytes[PACK_LIST_BYTES];
    int64_t id = 0;

    (void)state;
    for (; list.n < PACK_LIST_MAX; list.n++) {
        size_t n = pack_list(&list, bytes);
        assert_true(pack_read_list(str_of(bytes, n), &back));
        assert_int_equal(back.n, list.n);
        for (size_t i = 0; i < list.n; i++) {
            assert_int_equal(back.v[i].id, list.v[i].id);
            assert_int_equal(back.v[i].named, list.v[i].named);
        }
        id += (int64_t)(1 + chance() % (list.n % 2 ? 3 : 1ull << 38));
        list.v[list.n] = (struct pack_item){.id = id, .named = chance() % 2};
    }
    size_t n = pack_list(&list, bytes);
    assert_true(pack_read_list(str_of(bytes, n), &back));
    assert_false(pack_read_list(STR("\x80"), &back));
    assert_false(pack_read_list(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), &back));
    char many[PACK_LIST_MAX + 1];
    memset(many, 2, sizeof(many));
    assert_true(pack_read_list(str_of(many, PACK_LIST_MAX), &back));
    assert_false(pack_read_list(str_of(many, PACK_LIST_MAX + 1), &back));
}

/* ---- the best ---- */

static int best_first(const void *x, const void *y)
{
    const struct best_item *a = x, *b = y;
    return best_is_worse(*b, *a) ? -1 : best_is_worse(*a, *b);
}

static void test_best(void **state)
{
    enum { N = 20000 };
    struct fixture *f = *state;
    static struct best_item all[N], sorted[N];
    static const size_t wanted[] = {1, 2, 10, 1000, 4095, 4096, 9999, N - 1, N};

    for (size_t w = 0; w < ARRAY_LEN(wanted); w++) {
        struct best best;
        arena_reset(&f->a);
        for (size_t i = 0; i < N; i++)
            all[i] = (struct best_item){.key = w == 3   ? (int64_t)i
                                               : w == 4 ? -(int64_t)i
                                                        : (int64_t)(chance() % 100),
                                        .id = (int64_t)i};
        memcpy(sorted, all, sizeof(all));
        qsort(sorted, N, sizeof(sorted[0]), best_first);
        EXPECT(best_init(&best, &f->a, wanted[w], N, &f->e), 0);
        for (size_t i = 0; i < N; i++)
            best_offer(&best, all[i]);
        size_t from = chance() % wanted[w];
        best_settle(&best, from);
        assert_int_equal(best.n, wanted[w]);
        for (size_t i = from; i < best.n; i++)
            assert_int_equal(best.v[i].id, sorted[i].id);
    }
}

/* A page far behind is the same, or is said not to be found. */
static void test_best_far(void **state)
{
    enum { N = 150000, LENGTH = 100 };
    struct fixture *f = *state;
    struct best_item *all = NEW_ARRAY(N, struct best_item),
                     *sorted = NEW_ARRAY(N, struct best_item);
    static const size_t pages[] = {0, 1, 40000, 75000, 110000, N - 2 * LENGTH, N - LENGTH};
    size_t lost = 0;

    for (size_t w = 0; w < 4 * ARRAY_LEN(pages); w++) {
        struct best_far best;
        size_t first = pages[w % ARRAY_LEN(pages)], n = 0;
        arena_reset(&f->a);
        for (size_t i = 0; i < N; i++)
            all[i] = (struct best_item){.key = w < 7    ? (int64_t)(chance() % 1000000)
                                               : w < 14 ? (int64_t)(chance() % 3)
                                               : w < 21 ? (int64_t)i
                                                        : -(int64_t)i,
                                        .id = (int64_t)i};
        memcpy(sorted, all, N * sizeof(*all));
        qsort(sorted, N, sizeof(sorted[0]), best_first);
        EXPECT(best_far_init(&best, &f->a, first, first + LENGTH, N, &f->e), 0);
        for (size_t i = 0; i < N; i += N / 1000)
            best_far_sample(&best, all + i, N / 1000);
        best_far_bound(&best);
        for (size_t i = 0; i < N; i += N / 1000)
            best_far_offer(&best, all + i, N / 1000);
        const struct best_item *page = best_far_page(&best, &n);
        lost += page == NULL;
        if (!page)
            continue;
        assert_int_equal(n, LENGTH);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(page[i].id, sorted[first + i].id);
    }
    assert_int_equal(lost, 0);

    /* Others than were sampled: it is noticed. */
    struct best_far best;
    for (int behind = 0; behind < 2; behind++) {
        size_t n = 0;
        arena_reset(&f->a);
        EXPECT(best_far_init(&best, &f->a, 75000, 75000 + LENGTH, N, &f->e), 0);
        for (int64_t i = 0; i < N; i++)
            best_far_sample(&best, &(struct best_item){.key = i, .id = i}, 1);
        best_far_bound(&best);
        for (int64_t i = 0; i < N; i++)
            best_far_offer(&best, &(struct best_item){.key = behind ? i - N : i + N, .id = i}, 1);
        assert_null(best_far_page(&best, &n));
    }
    arena_reset(&f->a); /* and so is too little room */
    EXPECT(best_far_init(&best, &f->a, LENGTH, 2 * LENGTH, N, &f->e), 0);
    best_far_bound(&best);
    for (int64_t i = 0; i < N; i++)
        best_far_offer(&best, &(struct best_item){.key = i, .id = i}, 1);
    size_t n = 0;
    assert_null(best_far_page(&best, &n));
    assert_true(best_is_far(500000, 1000000));
    assert_false(best_is_far(20, 1000000) || best_is_far(4000, 4000) ||
                 best_is_far(50000, 1000000));
    mem_free(all);
    mem_free(sorted);
}

/* ---- the database ---- */

static struct search *open_search(struct fixture *f)
{
    struct search *s = search_new(f->fd, &f->r);
    EXPECT(search_keep(s, &f->e), 0);
    return s;
}

/* Does what waits, and fills what is to be filled. */
static void settle(struct fixture *f, struct search *s)
{
    struct task taken[TASK_BATCH];
    size_t n;

    do {
        EXPECT(task_take(f->r.db, TASK_SEARCH, "test", taken, &n, &f->e), 0);
        for (size_t i = 0; i < n; i++) {
            AUTO(db_txn) t = {0};
            EXPECT(search_derive(s, taken[i].subject, &f->e), 0);
            EXPECT(db_begin(f->r.db, &t, &f->e), 0);
            EXPECT(task_done(t.conn, &taken[i], "test", &f->e), 1);
            EXPECT(db_commit(&t, &f->e), 0);
        }
    } while (n > 0);
    int more;
    while ((more = search_fill(s, &f->e)) > 0)
        ;
    assert_int_equal(more, 0);
}

static int64_t document_of(struct fixture *f, const struct digest *d)
{
    AUTO(db_rows) rows = {0};
    EXPECT(db_one(db_reader(f->r.db), Q_document_by_digest, DB_ARGS(DB_TEXT(digest_str(d))), &rows,
                  &f->e),
           1);
    return db_i64(&rows, 0);
}

/* An artifact of which these facts were read. */
static struct digest add_model(struct fixture *f, const char *name, const char *tag,
                               const char *content, const char *facts)
{
    struct digest d = push_image(f, name, tag, "{}", content);
    struct task task;
    size_t n;

    EXPECT(task_take(f->r.db, TASK_INDEX, "test", &task, &n, &f->e), 0);
    assert_int_equal(n, 1);
    const struct links links = {.n = 0};
    const struct model_content found = {
        .facts = str_from(facts), .summary = STR("{}"), .links = &links};
    EXPECT(model_write(&f->r, document_of(f, &d), &found, &task, "test", &f->e), 0);
    return d;
}

static struct search_found ask(struct fixture *f, struct search *s, struct search_query q)
{
    struct search_found found;

    q.all = q.n_projects == 0;
    if (q.min_parameters == 0)
        q.min_parameters = -1;
    if (q.max_parameters == 0)
        q.max_parameters = -1;
    q.limit = q.limit ? q.limit : 100;
    EXPECT(search_find(s, &f->a, &q, &found, &f->e), 0);
    return found;
}

#define QWEN                                                                                       \
    "{\"form\":\"modelpack\",\"facts\":{\"family\":\"qwen3\",\"license\":[\"MIT\",\"Apache-2.0\"]" \
    ","                                                                                            \
    "\"precision\":\"bf16, f32\"},\"known\":{\"parameters\":600,\"tags\":[\"whale\"]}}"

static void test_one_model(void **state)
{
    struct fixture *f = *state;
    struct search *s = open_search(f);
    struct search_found found;

    found = ask(f, s, (struct search_query){.limit = 0});
    assert_false(found.complete);
    add_model(f, "library/qwen", "v1", "layer", QWEN);
    settle(f, s);
    found = ask(f, s, (struct search_query){.limit = 0});
    assert_true(found.complete);
    assert_int_equal(found.total, 1);
    assert_int_equal(found.n, 1);
    assert_non_null(strstr(found.hits[0].shown.p, "\"repository\":\"library/qwen\""));
    assert_non_null(strstr(found.hits[0].shown.p, "\"licenses\":[\"MIT\",\"Apache-2.0\"]"));
    assert_non_null(strstr(found.hits[0].shown.p, "\"precision\":\"bf16, f32\""));

    const struct str f32[] = {STR("F32")}, none[] = {STR("f16")};
    struct search_query q = {.limit = 10};
    q.facets[SEARCH_PRECISION] = (struct search_values){f32, 1};
    assert_int_equal(ask(f, s, q).total, 1);
    q.facets[SEARCH_PRECISION] = (struct search_values){none, 1};
    assert_int_equal(ask(f, s, q).total, 0);
    q = (struct search_query){.text = STR("whal")};
    assert_int_equal(ask(f, s, q).total, 1);
    q = (struct search_query){.min_parameters = 600, .max_parameters = 600};
    assert_int_equal(ask(f, s, q).total, 1);
    q = (struct search_query){.min_parameters = 601};
    assert_int_equal(ask(f, s, q).total, 0);
    const int64_t nobody[] = {12345};
    q = (struct search_query){.projects = nobody, .n_projects = 1};
    assert_int_equal(ask(f, s, q).total, 0);
    search_free(s);
}

/* What is derived again is the same, and what has gone leaves nothing behind. */
static void test_derived_again(void **state)
{
    struct fixture *f = *state;
    struct search *s = open_search(f);
    struct search_counts counts;
    const struct search_query all = {
        .all = true, .min_parameters = -1, .max_parameters = -1, .limit = 10};

    struct digest d = add_model(f, "library/qwen", "v1", "layer", QWEN);
    settle(f, s);
    struct search_found first = ask(f, s, all);
    for (int i = 0; i < 3; i++)
        EXPECT(search_derive(s, first.hits[0].artifact * TASK_SEARCH_KINDS, &f->e), 0);
    EXPECT(search_count(s, &f->a, &all, &counts, &f->e), 0);
    assert_int_equal(counts.n[SEARCH_LICENSE], 2);
    assert_int_equal(counts.values[SEARCH_LICENSE][0].count, 1);
    assert_int_equal(counts.values[SEARCH_PROJECT][0].count, 1);
    assert_int_equal(counts.total, 1);

    EXPECT(artifact_delete(&f->r, repo("library/qwen"), &d, &f->e), 1);
    settle(f, s);
    EXPECT(search_count(s, &f->a, &all, &counts, &f->e), 0);
    assert_int_equal(counts.total, 0);
    for (size_t i = SEARCH_ARCHITECTURE; i < SEARCH_FACETS; i++)
        assert_int_equal(counts.n[i], 0);
    AUTO(db_rows) rows = {0};
    assert_int_equal(
        db_one(search_enter(s), Q_s_bits_last, DB_ARGS(DB_I64(INT64_MAX)), &rows, &f->e), 0);
    search_leave(s);
    search_free(s);
}

static void test_what_is_no_model(void **state)
{
    struct fixture *f = *state;
    struct search *s = open_search(f);

    add_model(f, "library/a", "v1", "a", "{\"form\":\"image\",\"weights\":null}");
    add_model(f, "library/b", "v1", "b", "{\"form\":\"oras\",\"weights\":{\"format\":\"gguf\"}}");
    add_model(f, "library/c", "v1", "c", "{\"warnings\":[\"nothing\"]}");
    add_model(f, "library/d", "v1", "d", "{\"form\":\"ollama\"}");
    settle(f, s);
    struct search_found found =
        ask(f, s, (struct search_query){.order = SEARCH_BY_NAME, .ascending = true});
    assert_int_equal(found.n, 2);
    assert_non_null(strstr(found.hits[0].shown.p, "library/b"));
    assert_non_null(strstr(found.hits[1].shown.p, "library/d"));
    search_free(s);
}

/* Asked again while it is being done: it is done again. */
static void test_asked_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct task task;
    struct tag v1 = {.text = "v1"};
    size_t n;

    push_image(f, "library/x", "v1", "{}", "layer");
    EXPECT(task_take(f->r.db, TASK_SEARCH, "test", &task, &n, &f->e), 0);
    assert_int_equal(n, 1);
    EXPECT(tag_delete(&f->r, repo("library/x"), &v1, &f->e), 1);
    AUTO(db_txn) t = {0};
    EXPECT(db_begin(f->r.db, &t, &f->e), 0);
    EXPECT(task_done(t.conn, &task, "test", &f->e), 0);
    EXPECT(db_commit(&t, &f->e), 0);
    EXPECT(task_take(f->r.db, TASK_SEARCH, "test", &task, &n, &f->e), 0);
    assert_int_equal(n, 1);
    assert_int_equal(task.attempts, 1);
    EXPECT(task_take(f->r.db, TASK_SEARCH, "other", &task, &n, &f->e), 0);
    assert_int_equal(n, 0);
    EXPECT(task_release(f->r.db, TASK_SEARCH, &f->e), 0);
    EXPECT(task_take(f->r.db, TASK_SEARCH, "other", &task, &n, &f->e), 0);
    assert_int_equal(n, 1);
}

/* What failed in it makes it anew; what fails elsewhere does not. */
static void test_judged(void **state)
{
    struct fixture *f = *state;
    struct search *s = open_search(f);
    struct err why = {.code = ERR_NO_SPACE};

    add_model(f, "library/qwen", "v1", "layer", QWEN);
    settle(f, s);
    search_judge(s, &why);
    assert_int_equal(ask(f, s, (struct search_query){.limit = 1}).total, 1);
    why.code = ERR_CORRUPT;
    search_judge(s, &why);
    struct search_found found = ask(f, s, (struct search_query){.limit = 1});
    assert_int_equal(found.total, 0);
    assert_false(found.complete);
    /* Not more often than it is worth. */
    REFUSED(search_keep(s, &f->e), UNAVAILABLE);
    search_free(s);

    /* The next start finds it whole, since nothing was. */
    s = open_search(f);
    assert_true(ask(f, s, (struct search_query){.limit = 1}).complete);
    search_free(s);
    assert_int_equal(unlinkat(f->fd, SEARCH_DB_FILE, 0), 0);
    s = open_search(f);
    found = ask(f, s, (struct search_query){.limit = 1});
    assert_int_equal(found.total, 0);
    assert_false(found.complete);
    settle(f, s);
    assert_int_equal(ask(f, s, (struct search_query){.limit = 1}).total, 1);
    search_free(s);
}

/* Pages of each order show each model once. */
static void test_pages(void **state)
{
    enum { N = 40 };
    struct fixture *f = *state;
    struct search *s = open_search(f);

    for (int i = 0; i < N; i++) {
        const char *facts =
            arena_printf(&f->a, "{\"form\":\"cnai\",\"known\":{\"parameters\":%d}}", i % 3);
        add_model(f, arena_printf(&f->a, "library/m%d", i), "v1",
                  arena_printf(&f->a, "layer %d", i), facts);
    }
    settle(f, s);
    for (int order = SEARCH_BY_RELEVANCE; order <= SEARCH_BY_NAME; order++) {
        for (int ascending = 0; ascending < 2; ascending++) {
            struct search_query q = {
                .order = (enum search_order)order, .ascending = ascending, .limit = 7};
            bool seen[4 * N] = {0};
            int64_t last = -1;
            for (q.offset = 0; q.offset < N; q.offset += 7) {
                struct search_found found = ask(f, s, q);
                assert_int_equal(found.total, N);
                assert_int_equal(found.n, MIN_OF(7, N - q.offset));
                for (size_t i = 0; i < found.n; i++) {
                    assert_in_range(found.hits[i].artifact, 1, 4 * N - 1);
                    assert_false(seen[found.hits[i].artifact]);
                    seen[found.hits[i].artifact] = true;
                    const char *at = strstr(found.hits[i].shown.p, "\"parameters\":");
                    assert_non_null(at);
                    int64_t p = at[strlen("\"parameters\":")] - '0';
                    if (order == SEARCH_BY_PARAMETERS && last >= 0)
                        assert_true(ascending ? p >= last : p <= last);
                    last = p;
                }
            }
            assert_int_equal(ask(f, s, q).n, 0);
        }
    }
    search_free(s);
}

/* ---- the catalogue ---- */

static void test_every_query_prepares(void **state)
{
    struct fixture *f = *state;
    struct db *db;

    EXPECT(db_open_set(f->fd, SEARCH_DB_FILE, DB_SEARCH, &db, &f->e), 0);
    assert_int_equal(db_schema_version(db, &f->e), 1);
    for (int q = Q_MAIN_COUNT; q < Q_COUNT; q++) {
        const char *sql = db_query_sql((enum db_query)q);
        struct db_arg args[8] = {DB_TEXT(STR("x")), DB_I64(1), DB_I64(1), DB_I64(1),
                                 DB_I64(1),         DB_I64(1), DB_I64(1), DB_I64(1)};
        size_t n = 0;
        for (const char *p = sql; *p; p++)
            if (*p == '$' && (size_t)(p[1] - '0') > n)
                n = (size_t)(p[1] - '0');
        AUTO(db_rows) rows = {0};
        EXPECT(db_query(db_reader(db), (enum db_query)q, (struct db_args){args, n}, &rows, &f->e),
               0);
        assert_true(str_starts(str_from(db_query_name((enum db_query)q)), STR("s_")));
    }
    db_close(db);
    /* Another set's file is another version's. */
    REFUSED(db_open_set(f->fd, "haven.db", DB_SEARCH, &db, &f->e), CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        TEST(test_terms),
        TEST(test_folded),
        TEST(test_sets),
        cmocka_unit_test(test_packed_bits),
        cmocka_unit_test(test_packed_cells),
        cmocka_unit_test(test_packed_codes),
        cmocka_unit_test(test_packed_lists),
        TEST(test_best),
        TEST(test_best_far),
        TEST(test_one_model),
        TEST(test_derived_again),
        TEST(test_what_is_no_model),
        TEST(test_asked_meanwhile),
        TEST(test_judged),
        TEST(test_pages),
        TEST(test_every_query_prepares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
