/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_value: the values that a pickle describes, and what is found out on the way (pickle.h). */
#ifndef HAVEN_MODEL_PICKLE_VALUE_H
#define HAVEN_MODEL_PICKLE_VALUE_H

#include "base/arena.h"

enum pickle_kind {
    PICKLE_UNSET, /* of members that nothing was said of */
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_OTHER,  /* a float, bytes, a text longer than LIMIT_PICKLE_TEXT, an integer of more than
                      64 bits: nothing is known but that it is there */
    PICKLE_TEXT,   /* as it is written: escapes of protocol 0 are left in it */
    PICKLE_GLOBAL, /* a name that is imported: "module.name" */
    PICKLE_TUPLE,  /* also what is a frozenset, */
    PICKLE_LIST,   /* and a set */
    PICKLE_DICT,   /* key, value, key, value, …: as they were set, also one key twice */
    PICKLE_OBJECT, /* what a call would have made */
    PICKLE_PERSISTENT /* what lies outside of the pickle: object->args is its identifier */
};

struct pickle_list;
struct pickle_object;

struct pickle_value {
    enum pickle_kind kind;
    uint32_t n; /* bytes of text */
    union {
        int64_t number;               /* BOOL, INT */
        const char *text;             /* TEXT, GLOBAL; pickle_text gives it */
        struct pickle_list *list;     /* TUPLE, LIST, DICT */
        struct pickle_object *object; /* OBJECT, PERSISTENT */
    };
};

struct pickle_list {
    struct pickle_value *items;
    uint32_t n, cap;
    bool open; /* for who walks through the values */
};

struct pickle_object {
    struct pickle_value callable, args; /* args: a tuple, but of PERSISTENT anything */
    struct pickle_value state;          /* what it was given later (BUILD) */
    struct pickle_list list, dict;      /* items that it was given later */
    bool open;                          /* for who walks through the values */
};

struct model_window;

struct pickle {
    struct arena *heap;  /* borrowed */
    struct str *imports; /* "module.name", sorted bytewise, each once; in the heap */
    size_t n_imports;
    struct pickle_list persistent; /* every PICKLE_PERSISTENT, in the order of the pickles */
    uint64_t opcodes;              /* that were read */
    /* NULL: nobody wants to know. An object was given its state (BUILD): for programs that write
     * other bytes behind that, which it skips. */
    int (*built)(void *self, const struct pickle_object *o, struct model_window *w, struct err *e);
    void *self;
};

/* Of TEXT and GLOBAL; empty for other kinds. */
static inline struct str pickle_text(struct pickle_value v)
{
    bool has = v.kind == PICKLE_TEXT || v.kind == PICKLE_GLOBAL;
    return has ? str_of(v.text, v.n) : STR_NULL;
}

#endif
