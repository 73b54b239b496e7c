/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: every setting of the server, from one table (config.def).
 *
 * A row gives the struct field, the key in the YAML file ("http.idle_timeout"), the environment
 * variable (HAVEN_HTTP_IDLE_TIMEOUT), the flag (--http-idle-timeout), type, default, range, flags
 * and the text of help, sample file and manual. Sources, later ones win: default, file,
 * environment, flag. Strings live as long as the struct config (its arena).
 */
#ifndef HAVEN_BASE_CONFIG_H
#define HAVEN_BASE_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum config_type {
    CONFIG_STRING,
    CONFIG_BOOL,
    CONFIG_INT,
    CONFIG_SIZE,
    CONFIG_DURATION,
    CONFIG_CHOICE,
    CONFIG_LIST
};

enum config_flags {
    CONFIG_RUNTIME = 1, /* lives in the database once an administrator changes it there; read only
                           when set here */
    CONFIG_RELOAD = 2,  /* SIGHUP takes over a new value */
    CONFIG_SECRET = 4,  /* shown as *** */
};

enum config_source { CONFIG_FROM_DEFAULT, CONFIG_FROM_FILE, CONFIG_FROM_ENV, CONFIG_FROM_FLAG };

struct config_key {
    const char *key; /* "http.idle_timeout" */
    enum config_type type;
    size_t offset;       /* of the field in struct config */
    const char *deflt;   /* as text, parsed like any other value */
    int64_t min, max;    /* numbers, sizes (bytes), durations (ms); lengths of strings */
    const char *choices; /* CONFIG_CHOICE: "text|json" */
    unsigned flags;
    const char *doc;
};

struct config_list {
    const char **items;
    size_t n;
};

/* Texts made from the table end at this many bytes. */
#define CONFIG_TEXT_MAX (1u << 20)

struct config {
    struct arena arena;
    /* One field per row of config.def: const char * / bool / int64_t / struct config_list. */
#define CONFIG_FIELD_CONFIG_STRING                                const char *
#define CONFIG_FIELD_CONFIG_BOOL                                  bool
#define CONFIG_FIELD_CONFIG_INT                                   int64_t
#define CONFIG_FIELD_CONFIG_SIZE                                  int64_t
#define CONFIG_FIELD_CONFIG_DURATION                              int64_t
#define CONFIG_FIELD_CONFIG_CHOICE                                const char *
#define CONFIG_FIELD_CONFIG_LIST                                  struct config_list
#define X(field, key, type, deflt, min, max, choices, flags, doc) CONFIG_FIELD_##type field;
#include "base/config.def"
#undef X
    unsigned char source[64]; /* enum config_source of each row, in order */
};

size_t config_count(void);
const struct config_key *config_row(size_t i);
/* The row index, or -1. */
int config_find(struct str key);

void config_init(struct config *c); /* all defaults */
void config_done(struct config *c);
/* One value; the error names key, source and what is accepted. */
int config_set(struct config *c, size_t row, struct str value, enum config_source source,
               struct err *e);
/* A YAML mapping; nested mappings make dotted keys; unknown or repeated keys are errors with file,
 * line and, where one is near, the key that was probably meant. */
int config_load_file(struct config *c, const char *path, struct err *e);
/* The same from memory; name stands for the file in messages. */
int config_load_text(struct config *c, const char *name, struct str text, struct err *e);
/* Every HAVEN_… variable of a row; an unknown HAVEN_ variable is an error, except those that other
 * parts of the program read and those that Kubernetes makes for a service called "haven". envp as
 * in environ. */
int config_load_env(struct config *c, char *const *envp, struct err *e);
/* "--http-idle-timeout" or "--data" style names: the row index, or -1. */
int config_flag_find(struct str flag);
/* Checks of form (addresses, URLs) and of keys that belong together. */
int config_check(const struct config *c, struct err *e);
/* For a reload: do both hold the same value, and copy a value with its source. */
bool config_same(const struct config *a, const struct config *b, size_t row);
void config_copy(struct config *to, const struct config *from, size_t row);

/* Texts made from the table. */
void config_accepted(const struct config_key *k, struct buf *out); /* "a duration from 1s to 1h" */
void config_value(const struct config *c, size_t row,
                  struct buf *out); /* as it could be set; not masked */
void config_env_name(const struct config_key *k, struct buf *out);
void config_flag_name(const struct config_key *k, struct buf *out);
void config_write_help(struct buf *out);   /* for `haven serve --help` */
void config_write_sample(struct buf *out); /* a commented YAML file with all defaults */
void config_write_manual(struct buf *out); /* Markdown for docs/configuration.md */
/* The values in force, secrets masked, with their sources, as YAML. */
void config_write_effective(const struct config *c, struct buf *out);

#endif
