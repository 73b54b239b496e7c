/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How upload sessions come, are found again and go.
 *
 * The state file has two slots. Of these one is kept while the other is rewritten: once a durable
 * slot exists, the newest durable one is never overwritten, so that a power loss finds it whole. In
 * the other one the session notes where it stands, every STORE_STEP bytes and when it is closed,
 * without waiting for the disk. After a kill of the process the page cache still has both bytes and
 * note; after a loss of power the boot id differs and the note is believed only if the bytes that
 * were found still hash to it, else the session is cut back to the durable slot.
 */
#include "store/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/sys.h"

#include <errno.h>
#include <stdio.h>

#define DIR_MODE    0750
#define FILE_MODE   0640
#define REHASH_SIZE (256u << 10)

/* ---- ids and paths ---- */

static bool id_ok(struct str id)
{
    if (id.n != STORE_UPLOAD_ID)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

static const char *path_below(struct str id, const char *file, char out[STORE_PATH_MAX])
{
    int n = snprintf(out, STORE_PATH_MAX, "%.*s%s", S(id), file);
    BUG_ON(n < 0 || n >= STORE_PATH_MAX);
    return out;
}

static const char *path_of(const struct store_upload *u, const char *file, char out[STORE_PATH_MAX])
{
    return path_below(str_from(u->info.id), file, out);
}

/* A transient session is one file and has no directory. */
static const char *data_path(const struct store_upload *u, char out[STORE_PATH_MAX])
{
    return path_of(u, u->transient ? ".tmp" : "/data", out);
}

void store_session_data_path(const struct store_upload *u, char out[STORE_PATH_MAX])
{
    (void)data_path(u, out);
}

/* ---- the table of sessions in use ---- */

static struct store_upload **slot_of(struct store *s, struct str id)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < id.n; i++)
        h = (h ^ (uint8_t)id.p[i]) * 16777619u;
    return &s->open[h % STORE_TABLE_SIZE];
}

static struct store_upload *find(struct store *s, struct str id)
{
    struct store_upload *u = *slot_of(s, id);
    while (u && !str_eqz(id, u->info.id))
        u = u->next;
    return u;
}

static bool is_of_scope(const struct store_upload *u, struct str scope)
{
    return str_eqz(scope, u->st.scope);
}

/* Takes the id for this thread alone: 1, 0 if the scope is known to be another, -1 in use. */
static int claim(struct store *s, struct str id, struct str scope, struct store_upload **ret,
                 struct err *e)
{
    struct store_upload *u = NEW(struct store_upload);
    u->store = s;
    u->data_fd = u->state_fd = -1;
    u->keep = 1;
    memcpy(u->info.id, id.p, STORE_UPLOAD_ID);

    (void)pthread_mutex_lock(&s->lock);
    struct store_upload *other = find(s, id);
    bool foreign = other && other->known && !is_of_scope(other, scope);
    if (!other) {
        struct store_upload **slot = slot_of(s, id);
        u->next = *slot;
        *slot = u;
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (other) {
        mem_free(u);
        if (foreign)
            return 0;
        return ERR(e, BLOB_UPLOAD_BUSY, "another request is writing to upload %.*s", S(id));
    }
    METRIC_ADD(uploads_open, 1);
    *ret = u;
    return 1;
}

static void close_files(struct store_upload *u)
{
    if (u->data_fd >= 0)
        (void)close(u->data_fd);
    if (u->state_fd >= 0)
        (void)close(u->state_fd);
    u->data_fd = u->state_fd = -1;
}

/* Lets go of the claim on the id without touching files; u is freed. */
static void store_session_release(struct store_upload *u)
{
    struct store *s = u->store;
    close_files(u);
    (void)pthread_mutex_lock(&s->lock);
    struct store_upload **at = slot_of(s, str_from(u->info.id));
    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    (void)pthread_mutex_unlock(&s->lock);
    METRIC_ADD(uploads_open, -1);
    mem_free(u);
}

/* From now on others may ask for its scope and offset. */
static void make_known(struct store_upload *u)
{
    u->info.scope = str_from(u->st.scope);
    u->info.alg = u->st.alg;
    u->info.offset = u->st.offset;
    u->info.created_ms = u->st.created_ms;
    u->info.updated_ms = u->st.updated_ms;
    atomic_store(&u->seen, u->st.offset);
    u->opened = u->st;
    (void)pthread_mutex_lock(&u->store->lock);
    u->known = true;
    (void)pthread_mutex_unlock(&u->store->lock);
}

/* ---- files ---- */

int store_session_data(struct store_upload *u, struct err *e)
{
    char path[STORE_PATH_MAX];
    if (u->data_fd >= 0)
        return 0;
    u->data_fd =
        file_open_at(u->store->uploads, data_path(u, path), O_RDWR | O_CREAT, FILE_MODE, e);
    return u->data_fd < 0 ? -1 : 0;
}

/* The entries that lead to the data: without them a durable slot would not be found. */
static int sync_dirs(struct store_upload *u, struct err *e)
{
    if (u->dirs_durable)
        return 0;
    AUTOFD dir = file_open_at(u->store->uploads, u->info.id, O_RDONLY | O_DIRECTORY, 0, e);
    if (dir < 0 || file_sync_dir(dir, e) < 0 || file_sync_dir(u->store->uploads, e) < 0)
        return -1;
    u->dirs_durable = true;
    return 0;
}

int store_session_save(struct store_upload *u, bool durable, struct err *e)
{
    char path[STORE_PATH_MAX];
    uint8_t slot[STATE_SLOT_SIZE];
    unsigned target = 1 - u->keep;
    if (durable && u->data_fd >= 0 && file_sync(u->data_fd, e) < 0)
        return -1;
    if (u->state_fd < 0)
        u->state_fd = file_open_at(u->store->uploads, path_of(u, "/state", path), O_RDWR | O_CREAT,
                                   FILE_MODE, e);
    if (u->state_fd < 0)
        return -1;
    u->st.seq++;
    u->st.durable = durable;
    memcpy(u->st.boot, u->store->boot, STATE_BOOT_SIZE);
    u->slot_max = MAX_OF(u->slot_max, u->st.offset);
    state_encode(&u->st, slot);
    if (file_pwrite_all(u->state_fd, slot, sizeof(slot), STATE_SLOT_AT(target), e) < 0)
        return -1;
    u->dirty = false;
    if (!durable)
        return 0;
    if (file_sync(u->state_fd, e) < 0 || sync_dirs(u, e) < 0)
        return -1;
    u->keep = target;
    u->checkpoint = u->st.offset;
    return 0;
}

/* The state first: without it the session is unknown, whatever else is left behind. */
static int remove_files(struct store_upload *u, struct err *e)
{
    int dir = u->store->uploads;
    char path[STORE_PATH_MAX];
    if (u->transient)
        return u->moved ? 0 : file_unlink_at(dir, data_path(u, path), e);
    if (file_unlink_at(dir, path_of(u, "/state", path), e) < 0 ||
        (!u->moved && file_unlink_at(dir, data_path(u, path), e) < 0))
        return -1;
    if (sys->unlinkat(dir, u->info.id, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return ERR_SYS(e, "cannot remove the directory of upload %s", u->info.id);
    return 0;
}

void store_session_remove(struct store_upload *u)
{
    struct err e = {.code = ERR_OK};
    if (remove_files(u, &e) < 0) {
        LOG(WARN, "upload.remove.failed", log_strz("upload", u->info.id), log_err(&e));
        char path[STORE_PATH_MAX];
        struct stat st;
        if (u->failed && !u->transient &&
            sys->fstatat(u->store->uploads, path_of(u, "/state", path), &st, AT_SYMLINK_NOFOLLOW) ==
                0) {
            /* Bytes may be lost and the state still vouches for them: the id stays taken for as
             * long as this process runs. */
            close_files(u);
            METRIC_ADD(uploads_open, -1);
            return;
        }
    }
    store_session_release(u);
}

/* ---- new and known sessions ---- */

static int check_space(struct store *s, uint64_t expect, struct err *e)
{
    uint64_t free_bytes;
    if (expect == 0)
        return 0;
    if (expect > LIMIT_BLOB)
        return ERR(e, LIMIT, "a blob of %llu bytes is larger than the registry accepts",
                   (unsigned long long)expect);
    if (file_space(s->uploads, &free_bytes, e) < 0)
        return -1;
    if (expect > free_bytes)
        return ERR(e, NO_SPACE, "%llu bytes are announced and %llu are free",
                   (unsigned long long)expect, (unsigned long long)free_bytes);
    return 0;
}

int store_upload_new(struct store *s, struct str scope, enum digest_alg alg, uint64_t expect,
                     bool transient, struct store_upload **ret, struct err *e)
{
    char id[RANDOM_UUID_MAX];
    struct store_upload *u;
    BUG_ON(scope.n > LIMIT_UPLOAD_SCOPE || str_chr(scope, '\0') >= 0);
    if (check_space(s, expect, e) < 0)
        return -1;
    random_uuid(id);
    int claimed = claim(s, str_from(id), scope, &u, e);
    if (claimed <= 0)
        return claimed < 0 ? -1 : ERR(e, INTERNAL, "the id of a new upload is taken");
    u->transient = transient;
    u->dirty = true;
    if (!transient && sys->mkdirat(s->uploads, id, DIR_MODE) < 0) {
        (void)ERR_SYS(e, "cannot make the directory of an upload");
        store_session_release(u);
        return -1;
    }
    state_init(&u->st, scope, alg, clock_now_ms());
    make_known(u);
    *ret = u;
    return 0;
}

/* The slots of a state file as they were found. */
struct slots {
    struct state st[2];
    bool valid[2];
};

static void read_slots(int fd, struct slots *ret)
{
    uint8_t bytes[STATE_SLOT_SIZE];
    for (unsigned i = 0; i < 2; i++)
        ret->valid[i] = file_pread_all(fd, bytes, sizeof(bytes), STATE_SLOT_AT(i), NULL) == 0 &&
                        state_decode(bytes, &ret->st[i], NULL) == 0;
}

/* The newer valid slot, or -1. */
static int newest(const struct slots *s)
{
    if (s->valid[0] && s->valid[1])
        return s->st[1].seq > s->st[0].seq;
    return s->valid[0] ? 0 : s->valid[1] ? 1 : -1;
}

static bool of_this_boot(const struct store *s, const struct state *st)
{
    static const uint8_t unknown[STATE_BOOT_SIZE];
    return memcmp(st->boot, s->boot, STATE_BOOT_SIZE) == 0 &&
           memcmp(st->boot, unknown, STATE_BOOT_SIZE) != 0;
}

/* Whether the file, from a point whose state is certain, hashes to what the slot says. */
static int rehash_fits(int fd, const struct state *from, const struct state *to, struct err *e)
{
    struct hash h = from->sha256;
    struct digest got, wanted;
    AUTO_FREE uint8_t *p = mem_alloc(REHASH_SIZE);
    for (uint64_t at = from->offset; at < to->offset;) {
        size_t n = (size_t)MIN_OF(to->offset - at, (uint64_t)REHASH_SIZE);
        if (file_pread_all(fd, p, n, at, e) < 0)
            return -1;
        hash_update(&h, p, n);
        at += n;
    }
    hash_digest(&h, &got);
    hash_digest(&to->sha256, &wanted);
    return digest_eq(&got, &wanted);
}

/* Whether slot i can be gone on from: 1, 0, -1. */
static int acceptable(const struct store_upload *u, const struct slots *s, unsigned i,
                      uint64_t size, struct err *e)
{
    const struct state *st = &s->st[i], *base = &s->st[1 - i];
    if (st->offset > size)
        return 0;
    if (st->durable || of_this_boot(u->store, st) || st->offset == 0)
        return 1;
    struct state zero;
    if (!s->valid[1 - i] || !base->durable || base->offset > st->offset) {
        state_init(&zero, STR(""), st->alg, 0);
        base = &zero;
    }
    return rehash_fits(u->data_fd, base, st, e);
}

/* Takes up the best slot whose bytes are there, cuts the file to it, and makes sure that no slot
 * that was passed over can be taken for newer later on. */
static int resume(struct store_upload *u, const struct slots *s, struct err *e)
{
    struct stat file = {.st_size = 0};
    int last = newest(s), chosen = -1;
    if (u->data_fd >= 0 && sys->fstat(u->data_fd, &file) < 0)
        return ERR_SYS(e, "cannot stat the data of upload %s", u->info.id);
    uint64_t size = (uint64_t)file.st_size;
    for (unsigned k = 0; k < 2 && chosen < 0; k++) {
        unsigned i = k == 0 ? (unsigned)last : 1 - (unsigned)last;
        int ok = s->valid[i] ? acceptable(u, s, i, size, e) : 0;
        if (ok < 0)
            return -1;
        if (ok)
            chosen = (int)i;
    }
    uint64_t seq = s->st[last].seq;
    if (chosen < 0) {
        const struct state *l = &s->st[last];
        state_init(&u->st, str_from(l->scope), l->alg, l->created_ms);
        if (sys->ftruncate(u->state_fd, 0) < 0)
            return ERR_SYS(e, "cannot reset the state of upload %s", u->info.id);
    } else {
        unsigned c = (unsigned)chosen, o = 1 - c;
        u->st = s->st[c];
        bool older = s->valid[o] && s->st[o].seq < s->st[c].seq && s->st[o].durable;
        u->keep = s->st[c].durable || !older ? c : o;
        u->checkpoint = s->st[c].durable ? s->st[c].offset : older ? s->st[o].offset : 0;
        u->slot_max = s->st[c].offset;
        if (s->valid[o])
            u->slot_max = MAX_OF(u->slot_max, s->st[o].offset);
    }
    u->written_back = u->st.offset;
    if (size > u->st.offset && sys->ftruncate(u->data_fd, (off_t)u->st.offset) < 0)
        return ERR_SYS(e, "cannot cut upload %s back to its known state", u->info.id);
    if (chosen == last)
        return 0;
    LOG(WARN, "upload.cut_back", log_strz("upload", u->info.id), log_u64("to", u->st.offset),
        log_u64("from", s->st[last].offset));
    u->st.seq = seq;
    return store_session_save(u, true, e);
}

/* 1, 0 no such session, -1. */
static int open_files(struct store_upload *u, struct slots *ret, struct err *e)
{
    char path[STORE_PATH_MAX];
    int dir = u->store->uploads;
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    u->state_fd = sys->openat(dir, path_of(u, "/state", path), flags, 0);
    if (u->state_fd < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot open the state of upload %s", u->info.id);
    u->data_fd = sys->openat(dir, data_path(u, path), flags, 0);
    if (u->data_fd < 0 && errno != ENOENT)
        return ERR_SYS(e, "cannot open the data of upload %s", u->info.id);
    read_slots(u->state_fd, ret);
    if (newest(ret) < 0) {
        LOG(WARN, "upload.state.damaged", log_strz("upload", u->info.id));
        return 0;
    }
    return 1;
}

int store_upload_open(struct store *s, struct str id, struct str scope, struct store_upload **ret,
                      struct err *e)
{
    struct store_upload *u;
    struct slots slots;
    if (!id_ok(id))
        return 0;
    int found = claim(s, id, scope, &u, e);
    if (found <= 0)
        return found;
    found = open_files(u, &slots, e);
    if (found > 0 && !str_eqz(scope, slots.st[newest(&slots)].scope))
        found = 0;
    if (found > 0 && resume(u, &slots, e) < 0)
        found = -1;
    if (found <= 0) {
        store_session_release(u);
        return found;
    }
    make_known(u);
    *ret = u;
    return 1;
}

/* What a session that is open here tells of itself: 1, 0 not open here, -1 not this scope's. */
static int stat_open(struct store *s, struct str id, struct str scope, uint64_t *ret_offset)
{
    int found = 0;
    (void)pthread_mutex_lock(&s->lock);
    struct store_upload *u = find(s, id);
    if (u && u->known) {
        found = is_of_scope(u, scope) ? 1 : -1;
        if (found > 0)
            *ret_offset = atomic_load(&u->seen);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}

/* The newest whole slot of a session that this thread need not have open. */
static bool peek(const struct store *s, struct str id, struct state *ret)
{
    struct slots slots;
    char path[STORE_PATH_MAX];
    AUTOFD fd = sys->openat(s->uploads, path_below(id, "/state", path),
                            O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return false;
    read_slots(fd, &slots);
    int last = newest(&slots);
    if (last >= 0)
        *ret = slots.st[last];
    return last >= 0;
}

/* The offset by the newest slot, if that can be believed without a look at the bytes: 1, 0, -1. */
static int stat_closed(struct store *s, struct str id, struct str scope, uint64_t *ret_offset)
{
    struct state st;
    struct stat data = {.st_size = 0};
    char path[STORE_PATH_MAX];
    if (!peek(s, id, &st))
        return 0;
    if (!str_eqz(scope, st.scope))
        return -1;
    if (sys->fstatat(s->uploads, path_below(id, "/data", path), &data, AT_SYMLINK_NOFOLLOW) < 0)
        data.st_size = 0;
    if (st.offset > (uint64_t)data.st_size ||
        !(st.durable || st.offset == 0 || of_this_boot(s, &st)))
        return 0;
    *ret_offset = st.offset;
    return 1;
}

int store_upload_stat(struct store *s, struct str id, struct str scope, uint64_t *ret_offset,
                      struct err *e)
{
    struct store_upload *u;
    struct err why = {.code = ERR_OK};
    if (!id_ok(id))
        return 0;
    uint64_t offset = 0;
    int closed = stat_closed(s, id, scope, &offset);
    int found = stat_open(s, id, scope, ret_offset); /* knows better than its file */
    if (found != 0)
        return found > 0;
    if (closed != 0) {
        if (closed > 0)
            *ret_offset = offset;
        return closed > 0;
    }
    /* Opening settles what is true after a crash, so that the answer is what a writer will meet. */
    found = store_upload_open(s, id, scope, &u, &why);
    if (found > 0) {
        *ret_offset = u->info.offset;
        store_upload_close(u);
        return 1;
    }
    if (found < 0 && why.code == ERR_BLOB_UPLOAD_BUSY) { /* opened by another in between */
        found = stat_open(s, id, scope, ret_offset);
        if (found != 0)
            return found > 0;
        found = -1;
    }
    if (found < 0 && e)
        *e = why;
    return found;
}

const struct store_upload_info *store_upload_info(const struct store_upload *u)
{
    return &u->info;
}

void store_upload_close(struct store_upload *u)
{
    struct err e = {.code = ERR_OK};
    if (!u)
        return;
    if (u->transient || u->failed) {
        store_session_remove(u);
        return;
    }
    /* A note that could not be written costs the bytes since the last one, nothing else. */
    if (u->dirty && store_session_save(u, false, &e) < 0)
        LOG(WARN, "upload.state.failed", log_strz("upload", u->info.id), log_err(&e));
    store_session_release(u);
}

void store_upload_cancel(struct store_upload *u)
{
    if (u)
        store_session_remove(u);
}

bool store_session_sound(const struct store *s, const char *name)
{
    struct state st;
    struct str id = str_head(str_from(name), STORE_UPLOAD_ID);

    if (!id_ok(id))
        return false;
    if (strcmp(name + STORE_UPLOAD_ID, ".tmp") == 0)
        return true;
    return !name[STORE_UPLOAD_ID] && peek(s, id, &st);
}

/* ---- sweep ---- */

/* Has the session nothing to go on from? One that begins has not yet, but that is claimed. */
static bool is_stateless(const struct store *s, struct str id)
{
    char path[STORE_PATH_MAX];
    struct stat st;
    if (sys->fstatat(s->uploads, path_below(id, "/state", path), &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT;
    return S_ISREG(st.st_mode) && st.st_size == 0;
}

/* When a session's last byte came: by its state, else by its directory (a transient one: its file),
 * whose name this is. INT64_MIN: it began when the server died. */
static int64_t last_activity(const struct store *s, const char *name, struct str id)
{
    struct state state;
    struct stat st;
    if (!name[id.n] && peek(s, id, &state))
        return state.updated_ms;
    if (!name[id.n] && is_stateless(s, id))
        return INT64_MIN;
    if (sys->fstatat(s->uploads, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return INT64_MAX;
    return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

struct sweep {
    struct store *s;
    int64_t before_ms;
    size_t removed;
};

static int sweep_one(void *p, int folder, const char *file, struct err *e)
{
    struct sweep *w = p;
    struct store_upload *u;
    struct str name = str_from(file);
    bool transient = str_ends(name, STR(".tmp"));
    struct str id = str_head(name, STORE_UPLOAD_ID);
    (void)folder, (void)e;
    /* Only what looks old is claimed: a client that comes back meanwhile must not be told that
     * another one is writing. */
    if (!id_ok(id) || name.n != id.n + (transient ? 4 : 0) ||
        last_activity(w->s, file, id) >= w->before_ms || claim(w->s, id, STR_NULL, &u, NULL) <= 0)
        return 0;
    u->transient = transient;
    if (last_activity(w->s, file, id) < w->before_ms) { /* nobody went on with it until the claim */
        store_session_remove(u);
        w->removed++;
    } else {
        store_session_release(u);
    }
    return 0;
}

int store_upload_sweep(struct store *s, int64_t max_age_ms, size_t *ret_removed, struct err *e)
{
    struct sweep w = {.s = s, .before_ms = clock_now_ms() - max_age_ms};
    if (file_each_at(s->uploads, ".", sweep_one, &w, e) < 0)
        return -1;
    *ret_removed = w.removed;
    return 0;
}
