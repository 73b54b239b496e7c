/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting: what administrators change while the server runs (setting.def). The database keeps
 * what was changed; memory holds all values, so that reading one waits for nothing. What another
 * process changed is there within a second (access/revision.h). Any thread.
 */
#ifndef HAVEN_ACCESS_SETTING_H
#define HAVEN_ACCESS_SETTING_H

#include "base/arena.h"
#include "db/db.h"

enum setting {
#define SETTING(name, type, deflt, least, most, choices, doc) SETTING_##name,
#include "access/setting.def"
#undef SETTING
    SETTING_COUNT
};
enum setting_type { SETTING_TEXT, SETTING_BOOL, SETTING_INT };
struct setting_info {
    const char *name;
    enum setting_type type;
    const char *deflt;
    int64_t least, most;
    const char *choices; /* "a|b", or NULL */
    const char *doc;
};
const struct setting_info *setting_info(enum setting s);

struct settings;
int setting_load(struct db *db, struct settings **ret, struct err *e);
/* Takes over what other processes changed; access_look calls it. */
int setting_read_again(struct settings *s, struct err *e);
void setting_free(struct settings *s); /* NULL is welcome */

/* Its value; false and 0 and "" for s == NULL. */
int64_t setting_int(struct settings *s, enum setting which);
bool setting_bool(struct settings *s, enum setting which);
struct str setting_text(struct settings *s, enum setting which, struct arena *a);

/* What counts as long as nobody has changed it: from the configuration. */
void setting_default_int(struct settings *s, enum setting which, int64_t value);

struct setting_change {
    enum setting which;
    struct str text; /* of any type: "true", "30" */
};
/* Tries what can only be known by trying: whether somebody listens where the audit log is to go. A
 * log that goes nowhere is noticed when it is set, not when it is needed. May wait. BAD_REQUEST. */
int setting_try(const struct setting_change *changes, size_t n, struct err *e);
/* All or none, with an entry in the audit log. BAD_REQUEST names what is not acceptable. */
int setting_change_all(struct settings *s, const struct setting_change *changes, size_t n,
                       struct err *e);

#endif
