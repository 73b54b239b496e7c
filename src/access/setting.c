/* SPDX-License-Identifier: Apache-2.0 */
#include "access/setting.h"

#include "access/audit.h"
#include "access/revision.h"
#include "base/mem.h"
#include "base/syslog.h"
#include "base/thread.h"

/* How they are called in the database. */
#define PREFIX "system."

static const struct setting_info table[SETTING_COUNT] = {
#define SETTING(n, t, d, lo, hi, c, words)                                                         \
    [SETTING_##n] = {.name = #n,                                                                   \
                     .type = SETTING_##t,                                                          \
                     .deflt = d,                                                                   \
                     .least = lo,                                                                  \
                     .most = hi,                                                                   \
                     .choices = c,                                                                 \
                     .doc = words},
#include "access/setting.def"
#undef SETTING
};

struct value {
    _Atomic int64_t n; /* of a number or a truth value */
    char *text;        /* of a text, under the lock */
    bool changed;      /* the database has it, under the lock */
};

struct settings {
    struct db *db;
    struct mutex lock;
    struct value values[SETTING_COUNT];
};

const struct setting_info *setting_info(enum setting s)
{
    return &table[s];
}

/* ---- reading ---- */

int64_t setting_int(struct settings *s, enum setting which)
{
    return s ? atomic_load_explicit(&s->values[which].n, memory_order_relaxed) : 0;
}

bool setting_bool(struct settings *s, enum setting which)
{
    return setting_int(s, which) != 0;
}

struct str setting_text(struct settings *s, enum setting which, struct arena *a)
{
    if (!s)
        return STR("");
    MUTEX_SCOPE(&s->lock);
    return arena_str(a, str_from(s->values[which].text));
}

void setting_default_int(struct settings *s, enum setting which, int64_t value)
{
    MUTEX_SCOPE(&s->lock);
    if (!s->values[which].changed)
        atomic_store_explicit(&s->values[which].n, value, memory_order_relaxed);
}

/* ---- the rules ---- */

static bool is_choice(const char *choices, struct str text)
{
    struct str rest = str_from(choices);
    while (rest.p)
        if (str_eq(str_cut(&rest, '|'), text))
            return true;
    return false;
}

/* A name that begins so can be no user's. */
static bool keeps_users_out(struct str prefix)
{
    for (size_t i = 0; i < prefix.n; i++)
        if (strchr(",\"~#%$", prefix.p[i]))
            return str_chr(prefix, '+') < 0 && str_chr(prefix, ':') < 0;
    return false;
}

static bool knows_events(struct str list)
{
    while (list.n) {
        struct str name = str_trim(str_cut(&list, ','));
        bool known = name.n == 0;
        for (int i = 0; i < AUDIT_COUNT && !known; i++)
            known = str_eqz(name, audit_event_info((enum audit_event)i)->name);
        if (!known)
            return false;
    }
    return true;
}

static bool is_endpoint(struct str text)
{
    ptrdiff_t colon = str_rchr(text, ':');
    uint64_t port;
    return text.n == 0 ||
           (colon > 0 && str_u64(str_skip(text, (size_t)colon + 1), 1, 65535, &port));
}

static bool is_good_text(enum setting which, struct str text)
{
    switch (which) {
    case SETTING_robot_name_prefix:
        return keeps_users_out(text);
    case SETTING_disabled_audit_log_event_types:
        return knows_events(text);
    case SETTING_audit_log_forward_endpoint:
        return is_endpoint(text);
    default:
        return !table[which].choices || is_choice(table[which].choices, text);
    }
}

/* *ret_n: of a number or a truth value. */
static int check(const struct setting_change *c, int64_t *ret_n, struct err *e)
{
    const struct setting_info *i = &table[c->which];
    bool truth = false, good = false;

    *ret_n = 0;
    switch (i->type) {
    case SETTING_BOOL:
        good = str_bool(c->text, &truth);
        *ret_n = truth;
        break;
    case SETTING_INT:
        good = str_i64(c->text, i->least, i->most, ret_n);
        break;
    case SETTING_TEXT:
        good = (int64_t)c->text.n >= i->least && (int64_t)c->text.n <= i->most &&
               is_good_text(c->which, c->text);
        break;
    }
    return good ? 0
                : ERR(e, BAD_REQUEST, "\"%s\" cannot be \"%.*s\": %s", i->name,
                      S(str_head(c->text, 60)), i->doc);
}

/* ---- what follows from a change ---- */

static void set(struct settings *s, const struct setting_change *c, int64_t n)
{
    struct value *v = &s->values[c->which];

    if (table[c->which].type == SETTING_TEXT) {
        char *text = mem_alloc(c->text.n + 1);
        if (c->text.n)
            memcpy(text, c->text.p, c->text.n);
        text[c->text.n] = '\0';
        mem_free(v->text);
        v->text = text;
    } else {
        atomic_store_explicit(&v->n, n, memory_order_relaxed);
    }
}

/* With the lock held. */
static void tell_audit(const struct settings *s)
{
    audit_configure(str_from(s->values[SETTING_disabled_audit_log_event_types].text));
}

/* ---- opening and changing ---- */

/* anew: what the database does not have stays as it is. */
static int load_one(struct settings *s, enum setting which, bool anew, struct err *e)
{
    AUTO(db_rows) rows = {0};
    char name[64];
    struct setting_change c = {.which = which, .text = str_from(table[which].deflt)};
    int64_t n;

    snprintf(name, sizeof(name), PREFIX "%s", table[which].name);
    int found = db_one(db_reader(s->db), Q_setting_get, DB_ARGS(DB_TEXTZ(name)), &rows, e);
    if (found < 0)
        return -1;
    if (!found && anew)
        return 0;
    if (found) {
        c.text = db_text(&rows, 0);
        s->values[which].changed = true;
    }
    /* What an older version took and this one does not counts as never changed. */
    if (check(&c, &n, NULL) < 0) {
        c.text = str_from(table[which].deflt);
        s->values[which].changed = false;
        BUG_ON(check(&c, &n, NULL) < 0);
    }
    set(s, &c, n);
    return 0;
}

int setting_load(struct db *db, struct settings **ret, struct err *e)
{
    struct settings *s = NEW(struct settings);

    s->db = db;
    mutex_init(&s->lock, "settings");
    for (int i = 0; i < SETTING_COUNT; i++)
        if (load_one(s, (enum setting)i, false, e) < 0) {
            setting_free(s);
            return -1;
        }
    mutex_lock(&s->lock);
    tell_audit(s);
    mutex_unlock(&s->lock);
    *ret = s;
    return 0;
}

int setting_read_again(struct settings *s, struct err *e)
{
    /* With the lock held: a change of this process is not overwritten by what was read before it.
     */
    MUTEX_SCOPE(&s->lock);
    for (int i = 0; i < SETTING_COUNT; i++)
        if (load_one(s, (enum setting)i, true, e) < 0)
            return -1;
    tell_audit(s);
    return 0;
}

void setting_free(struct settings *s)
{
    if (!s)
        return;
    for (int i = 0; i < SETTING_COUNT; i++)
        mem_free(s->values[i].text);
    mutex_done(&s->lock);
    mem_free(s);
}

/* Nothing is kept and nothing forwarded would be a log that is nowhere. */
static int check_together(const struct settings *s, const struct setting_change *changes, size_t n,
                          struct err *e)
{
    bool skip = atomic_load(&s->values[SETTING_skip_audit_log_database].n) != 0;
    bool endpoint = *s->values[SETTING_audit_log_forward_endpoint].text != '\0';

    for (size_t i = 0; i < n; i++) {
        if (changes[i].which == SETTING_skip_audit_log_database)
            (void)str_bool(changes[i].text, &skip);
        else if (changes[i].which == SETTING_audit_log_forward_endpoint)
            endpoint = changes[i].text.n > 0;
    }
    return skip && !endpoint
               ? ERR(e, BAD_REQUEST,
                     "\"skip_audit_log_database\" needs \"audit_log_forward_endpoint\": the audit "
                     "log would be kept nowhere")
               : 0;
}

static int put(struct db_conn *c, const struct setting_change *changes, size_t n, struct err *e)
{
    AUTO(buf) names = {0};
    char name[64];

    buf_init(&names, 4096);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), PREFIX "%s", table[changes[i].which].name);
        if (db_exec(c, Q_setting_put, DB_ARGS(DB_TEXTZ(name), DB_TEXT(changes[i].text)), NULL, e) <
            0)
            return -1;
        buf_addf(&names, "%s%s", i ? ", " : "", table[changes[i].which].name);
    }
    const struct audit_entry entry = {.event = AUDIT_update_configuration,
                                      .resource = buf_str(&names)};
    return audit_add(c, &entry, e) < 0 ? -1 : revision_add(c, NULL, e);
}

int setting_try(const struct setting_change *changes, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (changes[i].which != SETTING_audit_log_forward_endpoint || changes[i].text.n == 0)
            continue;
        AUTOFD fd = syslog_connect(changes[i].text, e);
        if (fd >= 0)
            continue;
        const struct err cause = *e;
        return ERR(e, BAD_REQUEST, "\"%s\": %s", table[changes[i].which].name, cause.msg);
    }
    return 0;
}

int setting_change_all(struct settings *s, const struct setting_change *changes, size_t n,
                       struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t numbers[SETTING_COUNT];

    BUG_ON(n > SETTING_COUNT);
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (check(&changes[i], &numbers[i], e) < 0)
            return -1;
    MUTEX_SCOPE(&s->lock);
    if (check_together(s, changes, n, e) < 0 || db_begin(s->db, &t, e) < 0 ||
        put(t.conn, changes, n, e) < 0 || db_commit(&t, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        set(s, &changes[i], numbers[i]);
        s->values[changes[i].which].changed = true;
    }
    tell_audit(s);
    return 0;
}
