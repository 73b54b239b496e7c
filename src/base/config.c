/* SPDX-License-Identifier: Apache-2.0 */
/* The table, the values, and the sources that are names with a text: environment and flags. */
#include "base/config.h"

#include "base/limits.h"
#include "base/suggest.h"

#include <arpa/inet.h>
#include <string.h>

static const struct config_key rows[] = {
#define X(field_, key_, type_, deflt_, min_, max_, choices_, flags_, doc_)                         \
    {.key = (key_),                                                                                \
     .type = (type_),                                                                              \
     .offset = offsetof(struct config, field_),                                                    \
     .deflt = (deflt_),                                                                            \
     .min = (min_),                                                                                \
     .max = (max_),                                                                                \
     .choices = (choices_),                                                                        \
     .flags = (flags_),                                                                            \
     .doc = (doc_)},
#include "base/config.def"
#undef X
};

_Static_assert(ARRAY_LEN(rows) <= sizeof(((struct config *)0)->source),
               "config.source is too short");

/* Longest name of a row in any of its three spellings. */
#define NAME_MAX_ 128

size_t config_count(void)
{
    return ARRAY_LEN(rows);
}

const struct config_key *config_row(size_t i)
{
    BUG_ON(i >= ARRAY_LEN(rows));
    return &rows[i];
}

int config_find(struct str key)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eqz(key, rows[i].key))
            return (int)i;
    return -1;
}

void config_env_name(const struct config_key *k, struct buf *out)
{
    buf_addz(out, "HAVEN_");
    for (const char *z = k->key; *z; z++)
        buf_addc(out, *z == '.' ? '_' : (char)(*z >= 'a' && *z <= 'z' ? *z - 'a' + 'A' : *z));
}

void config_flag_name(const struct config_key *k, struct buf *out)
{
    buf_addz(out, "--");
    for (const char *z = k->key; *z; z++)
        buf_addc(out, *z == '.' || *z == '_' ? '-' : *z);
}

/* The row whose name (as `name` writes it) is s, or -1. */
static int find_named(struct str s, void (*name)(const struct config_key *k, struct buf *out))
{
    AUTO(buf) b = {0};
    buf_init(&b, NAME_MAX_);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&b);
        name(&rows[i], &b);
        if (str_eq(s, buf_str(&b)))
            return (int)i;
    }
    return -1;
}

int config_flag_find(struct str flag)
{
    return find_named(flag, config_flag_name);
}

static void *field(struct config *c, const struct config_key *k)
{
    return (char *)c + k->offset;
}

static const void *field_const(const struct config *c, const struct config_key *k)
{
    return (const char *)c + k->offset;
}

/* How the user named the row: the error must point at what can be changed. */
static void add_place(const struct config_key *k, enum config_source source, struct buf *out)
{
    switch (source) {
    case CONFIG_FROM_ENV:
        config_env_name(k, out);
        return;
    case CONFIG_FROM_FLAG:
        config_flag_name(k, out);
        return;
    case CONFIG_FROM_DEFAULT:
    case CONFIG_FROM_FILE:
        break;
    }
    buf_addf(out, "key \"%s\"", k->key);
}

static int refuse(const struct config_key *k, struct str value, enum config_source source,
                  struct err *e)
{
    enum { SHOWN = 64 }; /* of a value that may be of any length */
    AUTO(buf) text = {0};
    buf_init(&text, ERR_MSG_MAX);
    add_place(k, source, &text);
    if (k->flags & CONFIG_SECRET)
        buf_addz(&text, ": the value is not accepted");
    else
        buf_addf(&text, ": \"%.*s%s\" is not accepted", S(str_head(value, SHOWN)),
                 value.n > SHOWN ? "..." : "");
    buf_addz(&text, "; it must be ");
    config_accepted(k, &text);
    return ERR(e, CONFIG, "%s", text.p);
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return true;
    return false;
}

static const char *copy(struct config *c, struct str s, struct err *e)
{
    char *z = arena_try(&c->arena, s.n + 1, e);
    if (z && s.n)
        memcpy(z, s.p, s.n);
    return z;
}

static bool is_choice(const struct config_key *k, struct str value)
{
    for (struct str rest = str_from(k->choices); rest.p;)
        if (str_eq(str_cut(&rest, '|'), value))
            return true;
    return false;
}

/* Comma separated. 1 set, 0 not accepted, -1 error. */
static int set_list(struct config *c, const struct config_key *k, struct str value, struct err *e)
{
    struct config_list list = {0};
    size_t n = str_trim(value).n > 0;
    for (size_t i = 0; i < value.n; i++)
        n += value.p[i] == ',';
    if ((int64_t)n < k->min || (int64_t)n > k->max)
        return 0;
    list.items = arena_try(&c->arena, (n + 1) * sizeof(list.items[0]), e);
    if (!list.items)
        return -1;
    for (struct str rest = value; n && rest.p;) {
        struct str item = str_trim(str_cut(&rest, ','));
        if (item.n == 0 || item.n > LIMIT_CONFIG_ITEM)
            return 0;
        list.items[list.n] = copy(c, item, e);
        if (!list.items[list.n++])
            return -1;
    }
    memcpy(field(c, k), &list, sizeof(list));
    return 1;
}

/* 1 set, 0 not accepted, -1 error. */
static int set_value(struct config *c, const struct config_key *k, struct str value, struct err *e)
{
    uint64_t size;
    int64_t number;
    bool flag;
    const char *text;

    switch (k->type) {
    case CONFIG_BOOL:
        if (!str_bool(value, &flag))
            return 0;
        memcpy(field(c, k), &flag, sizeof(flag));
        return 1;
    case CONFIG_INT:
        if (!str_i64(value, k->min, k->max, &number))
            return 0;
        memcpy(field(c, k), &number, sizeof(number));
        return 1;
    case CONFIG_DURATION:
        if (!str_duration(value, k->min, k->max, &number))
            return 0;
        memcpy(field(c, k), &number, sizeof(number));
        return 1;
    case CONFIG_SIZE:
        if (!str_size(value, (uint64_t)k->min, (uint64_t)k->max, &size))
            return 0;
        number = (int64_t)size;
        memcpy(field(c, k), &number, sizeof(number));
        return 1;
    case CONFIG_LIST:
        return set_list(c, k, value, e);
    case CONFIG_CHOICE:
        if (!is_choice(k, value))
            return 0;
        break;
    case CONFIG_STRING:
        if ((int64_t)value.n < k->min || (int64_t)value.n > k->max)
            return 0;
        break;
    }
    text = copy(c, value, e);
    if (!text)
        return -1;
    memcpy(field(c, k), &text, sizeof(text));
    return 1;
}

int config_set(struct config *c, size_t row, struct str value, enum config_source source,
               struct err *e)
{
    const struct config_key *k = config_row(row);
    int rc = has_control(value) ? 0 : set_value(c, k, value, e);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return refuse(k, value, source, e);
    c->source[row] = (unsigned char)source;
    return 0;
}

void config_init(struct config *c)
{
    memset(c, 0, sizeof(*c));
    arena_init(&c->arena, LIMIT_CONFIG_ARENA);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int rc = config_set(c, i, str_from(rows[i].deflt), CONFIG_FROM_DEFAULT, NULL);
        BUG_ON(rc < 0); /* the table itself is wrong */
    }
}

void config_done(struct config *c)
{
    arena_done(&c->arena);
}

bool config_same(const struct config *a, const struct config *b, size_t row)
{
    AUTO(buf) x = {0};
    AUTO(buf) y = {0};
    buf_init(&x, CONFIG_TEXT_MAX);
    buf_init(&y, CONFIG_TEXT_MAX);
    config_value(a, row, &x);
    config_value(b, row, &y);
    return str_eq(buf_str(&x), buf_str(&y));
}

void config_copy(struct config *to, const struct config *from, size_t row)
{
    AUTO(buf) value = {0};
    buf_init(&value, CONFIG_TEXT_MAX);
    config_value(from, row, &value);
    int rc = config_set(to, row, buf_str(&value), from->source[row], NULL);
    BUG_ON(rc < 0); /* it was accepted once */
}

/* HAVEN_ variables that are no setting: other parts of the program and its tests read the first
 * ones; Kubernetes gives every container HAVEN_SERVICE_… and HAVEN_PORT… when a service of the same
 * namespace is called "haven". */
static bool is_foreign_variable(struct str name)
{
    static const char *const names[] = {"HAVEN_ADMIN_PASSWORD", "HAVEN_CONFIG", "HAVEN_BIN",
                                        "HAVEN_PORT", "HAVEN_CACHE_DIR"};
    static const char *const prefixes[] = {"HAVEN_CLIENT_", "HAVEN_TEST_", "HAVEN_SERVICE_",
                                           "HAVEN_PORT_"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eqz(name, names[i]))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts(name, str_from(prefixes[i])))
            return true;
    return false;
}

static int unknown_variable(struct str name, struct err *e)
{
    AUTO(buf) names = {0};
    struct suggest near;
    buf_init(&names, CONFIG_TEXT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_env_name(&rows[i], &names);
        buf_addc(&names, '\n');
    }
    suggest_init(&near, name);
    for (struct str rest = buf_str(&names); rest.n;)
        suggest_try(&near, str_cut(&rest, '\n'));
    struct str best = suggest_best(&near);
    if (best.n)
        return ERR(e, CONFIG, "environment: unknown variable %.*s; did you mean %.*s?",
                   S(str_head(name, NAME_MAX_)), S(best));
    return ERR(e, CONFIG, "environment: unknown variable %.*s", S(str_head(name, NAME_MAX_)));
}

int config_load_env(struct config *c, char *const *envp, struct err *e)
{
    for (; envp && *envp; envp++) {
        struct str value = str_from(*envp);
        struct str name = str_cut(&value, '=');
        if (!str_starts(name, STR("HAVEN_")) || is_foreign_variable(name))
            continue;
        int row = find_named(name, config_env_name);
        if (row < 0)
            return unknown_variable(name, e);
        if (config_set(c, (size_t)row, value, CONFIG_FROM_ENV, e) < 0)
            return err_wrap(e, "environment");
    }
    return 0;
}

/* ---- checks of form ---- */

/* Largest prefix length of the address s (32 or 128), or -1 when it is none. */
static int address_bits(struct str s)
{
    char z[INET6_ADDRSTRLEN];
    unsigned char raw[16];
    if (s.n == 0 || s.n >= sizeof(z))
        return -1;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    if (inet_pton(AF_INET, z, raw) == 1)
        return 32;
    return inet_pton(AF_INET6, z, raw) == 1 ? 128 : -1;
}

/* Letters, digits, dots and hyphens. */
static bool is_host_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-'))
            return false;
    }
    return true;
}

/* ADDRESS:PORT; without an address, all of them. */
static bool is_listen(struct str s)
{
    uint64_t port;
    ptrdiff_t colon = str_rchr(s, ':');
    if (colon < 0 || !str_u64(str_skip(s, (size_t)colon + 1), 0, 65535, &port))
        return false;
    struct str host = str_head(s, (size_t)colon);
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        return address_bits(str_of(host.p + 1, host.n - 2)) == 128;
    return is_host_name(host);
}

static bool is_network(struct str s)
{
    uint64_t prefix;
    struct str bits = s;
    int most = address_bits(str_cut(&bits, '/'));
    return most > 0 && (!bits.p || str_u64(bits, 0, (uint64_t)most, &prefix));
}

/* scheme://host[:port], nothing behind it but one slash. */
static bool is_base_url(struct str s)
{
    struct str rest = STR_NULL;
    uint64_t port;
    if (str_starts(s, STR("http://")))
        rest = str_skip(s, 7);
    else if (str_starts(s, STR("https://")))
        rest = str_skip(s, 8);
    if (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] <= ' ' || strchr("/?#@\\\"<>", rest.p[i]))
            return false;
    ptrdiff_t colon = str_rchr(rest, ':');
    if (colon >= 0 && rest.p[rest.n - 1] != ']') {
        if (!str_u64(str_skip(rest, (size_t)colon + 1), 1, 65535, &port))
            return false;
        rest = str_head(rest, (size_t)colon);
    }
    if (rest.n && rest.p[0] == '[')
        return rest.n > 2 && rest.p[rest.n - 1] == ']' &&
               address_bits(str_of(rest.p + 1, rest.n - 2)) == 128;
    return rest.n > 0 && str_chr(rest, ':') < 0;
}

static int wrong(const struct config *c, const char *key, struct err *e, const char *what)
{
    AUTO(buf) place = {0};
    int row = config_find(str_from(key));
    BUG_ON(row < 0);
    buf_init(&place, ERR_MSG_MAX);
    add_place(&rows[row], c->source[row], &place);
    return ERR(e, CONFIG, "%s: %s", place.p, what);
}

int config_check(const struct config *c, struct err *e)
{
    if (!is_listen(str_from(c->listen)))
        return wrong(c, "listen", e,
                     "it must be an address and a port, such as 127.0.0.1:8080 or [::]:8080");
    if (*c->external_url && !is_base_url(str_from(c->external_url)))
        return wrong(
            c, "external_url", e,
            "it must be http:// or https:// and a host, such as https://models.example.org");
    for (size_t i = 0; i < c->trusted_proxies.n; i++)
        if (!is_network(str_from(c->trusted_proxies.items[i])))
            return wrong(c, "trusted_proxies", e,
                         "each entry must be an address or a network, such as 10.0.0.0/8 or ::1");
    if (*c->tls_cert && !*c->tls_key)
        return wrong(c, "tls.cert", e, "tls.key is needed with it");
    if (*c->tls_key && !*c->tls_cert)
        return wrong(c, "tls.key", e, "tls.cert is needed with it");
    return 0;
}

/* ---- values as text ---- */

static void add_scaled(int64_t v, const char *const *names, const int64_t *factors, size_t n,
                       struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (v % factors[i] == 0 && (v != 0 || i + 1 == n)) {
            buf_addf(out, "%lld%s", (long long)(v / factors[i]), names[i]);
            return;
        }
    }
}

static void add_size(int64_t v, struct buf *out)
{
    static const char *const names[] = {"TiB", "GiB", "MiB", "KiB", ""};
    static const int64_t factors[] = {1ll << 40, 1ll << 30, 1ll << 20, 1ll << 10, 1};
    add_scaled(v, names, factors, ARRAY_LEN(names), out);
}

static void add_duration(int64_t v, struct buf *out)
{
    static const char *const names[] = {"d", "h", "m", "s", "ms"};
    static const int64_t factors[] = {86400000, 3600000, 60000, 1000, 1};
    add_scaled(v, names, factors, ARRAY_LEN(names), out);
}

static void add_number(const struct config_key *k, int64_t v, struct buf *out)
{
    if (k->type == CONFIG_SIZE)
        add_size(v, out);
    else if (k->type == CONFIG_DURATION)
        add_duration(v, out);
    else
        buf_addf(out, "%lld", (long long)v);
}

void config_value(const struct config *c, size_t row, struct buf *out)
{
    const struct config_key *k = config_row(row);
    const void *p = field_const(c, k);
    const char *text;
    int64_t number;
    bool flag;
    struct config_list list;

    switch (k->type) {
    case CONFIG_BOOL:
        memcpy(&flag, p, sizeof(flag));
        buf_addz(out, flag ? "true" : "false");
        return;
    case CONFIG_INT:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        memcpy(&number, p, sizeof(number));
        add_number(k, number, out);
        return;
    case CONFIG_LIST:
        memcpy(&list, p, sizeof(list));
        for (size_t i = 0; i < list.n; i++)
            buf_addf(out, "%s%s", i ? "," : "", list.items[i]);
        return;
    case CONFIG_STRING:
    case CONFIG_CHOICE:
        memcpy(&text, p, sizeof(text));
        buf_addz(out, text);
        return;
    }
}

void config_accepted(const struct config_key *k, struct buf *out)
{
    static const char *const numbers[] = {
        [CONFIG_INT] = "a whole number",
        [CONFIG_SIZE] = "a size (such as 4096, 64KiB, 2GiB)",
        [CONFIG_DURATION] = "a duration (such as 250ms, 30s, 5m, 12h, 7d)",
    };
    struct str rest = str_from(k->choices);

    switch (k->type) {
    case CONFIG_BOOL:
        buf_addz(out, "true or false");
        return;
    case CONFIG_INT:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        buf_addf(out, "%s from ", numbers[k->type]);
        add_number(k, k->min, out);
        buf_addz(out, " to ");
        add_number(k, k->max, out);
        return;
    case CONFIG_CHOICE:
        buf_addz(out, "one of ");
        while (rest.p) {
            buf_adds(out, str_cut(&rest, '|'));
            buf_addz(out, rest.p ? ", " : "");
        }
        return;
    case CONFIG_LIST:
        buf_addf(out, "a list of at most %lld entries", (long long)k->max);
        return;
    case CONFIG_STRING:
        if (k->min > 0)
            buf_addf(out, "a text of %lld to %lld bytes", (long long)k->min, (long long)k->max);
        else
            buf_addf(out, "a text of at most %lld bytes", (long long)k->max);
        return;
    }
}
