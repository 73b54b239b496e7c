/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: models by what is known of them. What is searched lies in a database of its own
 * (SEARCH_DB_FILE), made of the main one and kept in step with it by tasks (registry/task.h,
 * TASK_SEARCH); one that is absent, of another version or damaged is made anew in the background
 * (search_keep), and searches answer meanwhile with what is there. It is in no backup.
 *
 * A model is an artifact with a tag that is packed as a model or holds weights. Each value of a
 * facet has a number, and a set of artifacts as bits; narrowing is the cut of such sets, sorting a
 * walk over columns of numbers, so that no question costs more than reading a few of them.
 *
 * What becomes of models is visible a second or two later; pulls are counted to the minute; which
 * projects may be seen is asked of the main database each time. Searching: any thread; what changes
 * the database: one thread (jobs/searching.h).
 */
#ifndef HAVEN_SEARCH_SEARCH_H
#define HAVEN_SEARCH_SEARCH_H

#include "registry/registry.h"

#define SEARCH_DB_FILE "search.db"
/* One more whenever something else is derived, or kept otherwise. */
#define SEARCH_VERSION 2

/* Numbers are kept. */
enum search_facet {
    SEARCH_ARCHITECTURE = 1,
    SEARCH_FAMILY,
    SEARCH_TASK,
    SEARCH_FORMAT,
    SEARCH_PRECISION,
    SEARCH_QUANTIZATION,
    SEARCH_LICENSE,
    SEARCH_LANGUAGE,
    SEARCH_LIBRARY,
    SEARCH_BASE_MODEL,
    SEARCH_PROJECT,
    SEARCH_LABEL,
    SEARCH_FACETS
};
/* Its name in queries and answers: "base_model". */
const char *search_facet_name(enum search_facet f);

enum search_order {
    SEARCH_BY_RELEVANCE, /* words in the name first, then the most pulled */
    SEARCH_BY_UPDATE,
    SEARCH_BY_PULLS,
    SEARCH_BY_SIZE,
    SEARCH_BY_PARAMETERS,
    SEARCH_BY_NAME
};

struct search;

/* Opens nothing yet: search_keep does. data_dir, registry: borrowed. */
struct search *search_new(int data_dir, struct registry *registry);
void search_free(struct search *s); /* no other thread may be using it; NULL is welcome */

/* ---- for the one thread that changes it ---- */

/* Opens it, or begins to make it anew if it must be. -1: not now, searches find nothing. */
int search_keep(struct search *s, struct err *e);
/* A task of TASK_SEARCH: what the search knows of its subject is derived again. */
int search_derive(struct search *s, int64_t subject, struct err *e);
/* While it is being made: looks at more artifacts. 1: there are others, 0: it is complete, -1. */
int search_fill(struct search *s, struct err *e);
/* What failed in it says that it is damaged: it will be made anew. */
void search_judge(struct search *s, const struct err *why);

/* ---- searching ---- */

/* Words of the text that count. */
#define SEARCH_WORDS 16
/* Models that counts of facets look at: beyond, `more` is true. */
#define SEARCH_COUNTED 10000
/* Values of each facet in search_count. */
#define SEARCH_TOP 50

struct search_values {
    const struct str *v; /* one of them; n 0: any */
    size_t n;
};
struct search_query {
    struct str text; /* all of these words, the last one as a beginning; p NULL: none */
    struct search_values facets[SEARCH_FACETS];
    int64_t min_parameters, max_parameters; /* both ends belong to it; -1: open */
    bool all;                               /* else only of these projects, of the main database: */
    const int64_t *projects;
    size_t n_projects;
    enum search_order order;
    bool ascending; /* relevance never */
    int64_t offset, limit;
};

struct search_hit {
    int64_t artifact;
    int64_t pulls;
    struct str shown; /* JSON, of derive.h */
};
struct search_found {
    struct search_hit *hits;
    size_t n;
    int64_t total;
    bool more;     /* the last word is the beginning of more words than are looked at */
    bool complete; /* all models of the registry were looked through */
};
/* In the arena. What is wrong with the database of the search is no error: nothing is found then,
 * and it is not complete. */
int search_find(struct search *s, struct arena *a, const struct search_query *q,
                struct search_found *ret, struct err *e);

struct search_value {
    struct str value;
    int64_t count;
};
struct search_counts {
    struct search_value *values[SEARCH_FACETS]; /* the most frequent first */
    size_t n[SEARCH_FACETS];
    int64_t total;
    bool more; /* only the first SEARCH_COUNTED that match were counted, or more match */
    bool complete;
};
int search_count(struct search *s, struct arena *a, const struct search_query *q,
                 struct search_counts *ret, struct err *e);

#endif
