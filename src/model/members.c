/* SPDX-License-Identifier: Apache-2.0 */
#include "model/members.h"

#include "base/limits.h"
#include "base/random.h"
#include "model/path.h"

#define WHITEOUT STR(".wh.")
#define OPAQUE   STR(".wh..wh..opq")

bool members_selects(const struct members_filter *f, struct str path)
{
    if (f->include.n && !glob_list_selects(&f->include, path))
        return false;
    return !glob_list_selects(&f->exclude, path);
}

void members_init(struct members *a, const struct members_filter *filter, bool whiteouts)
{
    *a = (struct members){.filter = filter, .whiteouts = whiteouts};
    random_bytes(&a->seed, sizeof(a->seed));
    arena_init(&a->arena, LIMIT_ARCHIVE_NAMES);
}

void members_autodone(struct members *a)
{
    mem_free(a->members);
    mem_free(a->slots);
    arena_done(&a->arena);
    a->members = NULL;
    a->slots = NULL;
}

void members_reset(struct members *a)
{
    const struct members_filter *filter = a->filter;
    bool whiteouts = a->whiteouts, repeats = a->repeats;
    members_autodone(a);
    members_init(a, filter, whiteouts);
    a->repeats = repeats;
}

struct member *members_last(const struct members *a)
{
    return &a->members[a->n - 1];
}

/* ---- members by path ---- */

/* FNV-1a from a secret, stirred at the end. */
static size_t hash_path(const struct members *a, struct str s)
{
    uint64_t h = a->seed;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
    return (size_t)(h ^ h >> 32);
}

/* The slot of a path, or the empty one where it would be. */
static uint32_t *slot_of(const struct members *a, struct str path)
{
    size_t i = hash_path(a, path) & (a->n_slots - 1);
    while (a->slots[i] && !str_eq(a->members[a->slots[i] - 1].path, path))
        i = (i + 1) & (a->n_slots - 1);
    return &a->slots[i];
}

static bool has_name(const struct member *m)
{
    return m->what != MEMBER_GONE && m->what != MEMBER_OPAQUE;
}

/* Directories come as often as they like. */
static bool is_unique(const struct member *m)
{
    return has_name(m) && m->what != MEMBER_DIR;
}

static void grow(struct members *a)
{
    a->cap = a->cap ? 2 * a->cap : 64;
    a->members = mem_realloc(a->members, a->cap * sizeof(*a->members));
    mem_free(a->slots);
    a->n_slots = 2 * a->cap;
    a->slots = mem_zalloc(a->n_slots * sizeof(*a->slots));
    for (size_t i = 0; i < a->n; i++)
        if (is_unique(&a->members[i]))
            *slot_of(a, a->members[i].path) = (uint32_t)(i + 1);
}

/* ---- judging ---- */

/* A name that is not written may be strange, but not hostile. */
static int check_unwanted(struct str path, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    struct str rest = path;
    bool hostile = path.n && path.p[0] == '/';
    while (rest.p)
        hostile = str_eqz(str_cut(&rest, '/'), "..") || hostile;
    if (hostile)
        return ERR(e, MODEL_INVALID, "the path \"%s\" leads out of the directory",
                   model_path_show(path, show, sizeof(show)));
    return 0;
}

static size_t depth_of(struct str path)
{
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

static int check_link(struct str path, struct str link, struct err *e)
{
    char show[MODEL_PATH_SHOW], where[MODEL_PATH_SHOW];
    size_t up = 0;
    struct str rest = link;
    while (str_starts(rest, STR("../")) || str_eqz(rest, "..")) {
        rest = str_skip(rest, MIN_OF(rest.n, 3u));
        up++;
    }
    bool good = link.n && up <= depth_of(path) &&
                (str_eqz(rest, ".") || rest.n == 0 || model_path_check(rest, NULL) == 0);
    if (!good)
        return ERR(e, MODEL_INVALID,
                   "\"%s\" is a symbolic link to \"%s\", which may lead out of the directory",
                   model_path_show(path, show, sizeof(show)),
                   model_path_show(link, where, sizeof(where)));
    return 0;
}

/* ".wh." names become what they mean. */
static void read_whiteout(struct member *m)
{
    ptrdiff_t slash = str_rchr(m->path, '/');
    struct str dir = str_head(m->path, slash < 0 ? 0 : (size_t)slash);
    struct str name = str_skip(m->path, (size_t)(slash + 1));
    if (str_eq(name, OPAQUE)) {
        m->what = MEMBER_OPAQUE;
        m->path = dir;
    } else if (str_starts(name, WHITEOUT)) {
        name = str_skip(name, WHITEOUT.n);
        m->what = MEMBER_GONE;
        m->link = name;
        m->path.n = (size_t)(slash + 1);
    }
}

static int keep(struct members *a, struct str s, struct str *ret, struct err *e)
{
    char *p = arena_try(&a->arena, s.n + 1, e);
    if (!p)
        return -1;
    if (s.n)
        memcpy(p, s.p, s.n);
    *ret = str_of(p, s.n);
    return 0;
}

static int keep_names(struct members *a, const struct tar_entry *t, struct member *m, struct err *e)
{
    if (keep(a, t->path, &m->path, e) < 0)
        return -1;
    if (a->whiteouts && t->type == TAR_FILE)
        read_whiteout(m);
    if (m->what == MEMBER_GONE) {
        /* DIR/ and NAME, put together again without what stood between. */
        struct str dir = m->path, name = m->link;
        char *p = arena_try(&a->arena, dir.n + name.n + 1, e);
        if (!p)
            return -1;
        if (dir.n)
            memcpy(p, dir.p, dir.n);
        memcpy(p + dir.n, name.p, name.n);
        m->path = str_of(p, dir.n + name.n);
        m->link = STR_NULL;
    }
    return m->what == MEMBER_LINK ? keep(a, t->link, &m->link, e) : 0;
}

static int find_source(const struct members *a, const struct tar_entry *t, size_t *ret,
                       struct err *e)
{
    char show[MODEL_PATH_SHOW], where[MODEL_PATH_SHOW];
    uint32_t i = a->n_slots ? *slot_of(a, t->link) : 0;
    const struct member *m = i ? &a->members[i - 1] : NULL;
    (void)model_path_show(t->path, show, sizeof(show));
    (void)model_path_show(t->link, where, sizeof(where));
    if (!m || (m->what != MEMBER_FILE && m->what != MEMBER_COPY))
        return ERR(e, MODEL_INVALID, "\"%s\" is a hard link to \"%s\", which is no file before it",
                   show, where);
    *ret = m->what == MEMBER_COPY ? m->source : i - 1;
    if (!a->members[*ret].wanted && !a->repeats)
        return ERR(e, MODEL_INVALID,
                   "\"%s\" is a hard link to \"%s\", which has to be selected too", show, where);
    return 0;
}

static int judge(struct members *a, const struct tar_entry *t, struct member *m, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    if (m->what == MEMBER_DIR && t->path.n == 0)
        return 0;
    bool selected = members_selects(a->filter, t->path);
    if (!has_name(m))
        return m->path.n ? model_path_check(m->path, e) : 0;
    if ((selected ? model_path_check(t->path, e) : check_unwanted(t->path, e)) < 0)
        return -1;
    if (!selected || m->what == MEMBER_DIR)
        return 0;
    if (t->type == TAR_OTHER)
        return ERR(e, MODEL_INVALID, "\"%s\" is neither a file nor a directory nor a link",
                   model_path_show(t->path, show, sizeof(show)));
    struct str rest = t->path;
    if (str_ieq(str_cut(&rest, '/'), STR(MODEL_PATH_PARTIAL)))
        return ERR(e, MODEL_INVALID, "the path \"%s\" is kept for partial files",
                   model_path_show(t->path, show, sizeof(show)));
    m->wanted = true;
    if (m->what == MEMBER_LINK)
        return check_link(t->path, t->link, e);
    return m->what == MEMBER_COPY ? find_source(a, t, &m->source, e) : 0;
}

/* The path of m is there already: who unpacks keeps the last, and a hard link that was made before
 * keeps what it links to. */
static int replace(struct members *a, uint32_t slot, const struct member *m, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    struct member *before = &a->members[slot - 1];
    if (!a->repeats)
        return ERR(e, MODEL_INVALID, "the path \"%s\" appears twice",
                   model_path_show(m->path, show, sizeof(show)));
    a->n_wanted -= before->wanted;
    before->wanted = false;
    a->n_repeated++;
    return 0;
}

int members_add(struct members *a, const struct tar_entry *t, struct err *e)
{
    static const enum members_what whats[] = {[TAR_FILE] = MEMBER_FILE,
                                              [TAR_DIR] = MEMBER_DIR,
                                              [TAR_SYMLINK] = MEMBER_LINK,
                                              [TAR_HARDLINK] = MEMBER_COPY,
                                              [TAR_OTHER] = MEMBER_FILE};
    struct member m = {.what = whats[t->type],
                       .size = t->size,
                       .mode = t->mode & 0111 ? 0755 : 0644,
                       .mtime_ms = t->mtime_ms > 0 ? t->mtime_ms : 0};

    if (keep_names(a, t, &m, e) < 0 || judge(a, t, &m, e) < 0)
        return -1;
    a->total += t->size;
    if (a->total > LIMIT_BLOB)
        return ERR(e, MODEL_INVALID, "the archive holds more than %llu bytes", LIMIT_BLOB);
    if (m.what == MEMBER_COPY && m.wanted)
        m.size = a->members[m.source].size;
    if (a->n == a->cap)
        grow(a);
    if (is_unique(&m)) {
        uint32_t *slot = slot_of(a, m.path);
        if (*slot && m.wanted && replace(a, *slot, &m, e) < 0)
            return -1;
        *slot = (uint32_t)(a->n + 1);
    }
    a->n_wanted += m.wanted;
    a->members[a->n++] = m;
    return 0;
}
