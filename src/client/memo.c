/* SPDX-License-Identifier: Apache-2.0 */
#include "client/memo.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/sys.h"

#include <errno.h>
#include <stdio.h>

/* Byte ranges of this file are the locks; its time says when old notes were last removed. */
#define LOCK_NAME   "lock"
#define SWEEP_EVERY (24 * 3600)
#define NAME_BYTES  20 /* of a key, in a note's name */
#define NAME_MAX_   (NAME_BYTES * 2 + 3)

struct memo {
    int dir;
};

/* Every directory on the way, for the owner alone. */
static void make_dirs(const char *dir)
{
    AUTO_FREE char *path = mem_strdup(dir);
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        (void)sys->mkdirat(AT_FDCWD, path, 0700);
        *p = '/';
    }
    (void)sys->mkdirat(AT_FDCWD, path, 0700);
}

/* A note's or a temporary file's name; the lock stays. */
static bool is_note(const char *name)
{
    return strlen(name) > 2 && strchr("cdu", name[0]) && name[1] == '-';
}

static int sweep_one(void *p, int folder, const char *name, struct err *e)
{
    const int64_t *now = p;
    struct stat st;
    (void)e;
    if (is_note(name) && sys->fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        *now - st.st_mtim.tv_sec > (int64_t)MEMO_DAYS * 24 * 3600)
        (void)sys->unlinkat(folder, name, 0);
    return 0;
}

static void sweep(const struct memo *m)
{
    int64_t now = clock_now_ms() / 1000;
    (void)file_each_at(m->dir, ".", sweep_one, &now, NULL);
}

static int open_lock(const struct memo *m)
{
    return file_open_at(m->dir, LOCK_NAME, O_RDWR | O_CREAT, 0600, NULL);
}

static void sweep_now_and_then(const struct memo *m)
{
    struct stat st;
    AUTOFD lock = open_lock(m);
    if (lock < 0 || sys->fstat(lock, &st) < 0 ||
        clock_now_ms() / 1000 - st.st_mtim.tv_sec < SWEEP_EVERY)
        return;
    if (futimens(lock, NULL) == 0)
        sweep(m);
}

struct memo *memo_open_dir(const char *dir)
{
    struct stat st;
    make_dirs(dir);
    AUTOFD fd = file_open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, NULL);
    /* What others can write to says nothing: a false note would stand in for a file's content. */
    if (fd < 0 || sys->fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022))
        return NULL;
    struct memo *m = NEW(struct memo);
    m->dir = TAKE_FD(fd);
    sweep_now_and_then(m);
    return m;
}

struct memo *memo_open(void)
{
    const char *own = getenv("HAVEN_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    AUTO_FREE char *dir = NULL;
    if (own && *own)
        dir = mem_strdup(own);
    else if (xdg && *xdg == '/') /* relative ones are to be ignored (XDG base directories) */
        dir = mem_printf("%s/haven", xdg);
    else if (home && *home == '/')
        dir = mem_printf("%s/.cache/haven", home);
    return dir ? memo_open_dir(dir) : NULL;
}

void memo_autofree(struct memo **p)
{
    if (!*p)
        return;
    mem_autoclose(&(*p)->dir);
    mem_free(*p);
}

static bool is_settled(const struct timespec *t, int64_t now_ms)
{
    return (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000 < now_ms - MEMO_SETTLED_MS;
}

void memo_id_make(const struct stat *st, const char *path, struct memo_id *ret)
{
    struct hash h;
    struct digest d;
    uint64_t where[2] = {st->st_dev, st->st_ino};
    int64_t now = clock_now_ms();

    *ret =
        (struct memo_id){.size = (uint64_t)st->st_size, .mtime = st->st_mtim, .ctime = st->st_ctim};
    ret->settled = is_settled(&ret->mtime, now) && is_settled(&ret->ctime, now);
    hash_init(&h, DIGEST_SHA256);
    hash_update(&h, where, sizeof(where));
    hash_update(&h, path, strlen(path));
    hash_digest(&h, &d);
    BUG_ON(!str_unhex(str_from(digest_hex(&d)), ret->key, sizeof(ret->key)));
}

static void name_of(const struct memo_entry *m, char out[NAME_MAX_])
{
    out[0] = m->kind == MEMO_DIGEST ? 'd' : 'u';
    out[1] = '-';
    str_hex(m->key, NAME_BYTES, out + 2);
}

static bool time_eq(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Reads the note that `like` would be, if it speaks of the same file unchanged. bytes: keeps what
 * *ret borrows. */
static bool find(const struct memo *m, const struct memo_entry *like, struct buf *bytes,
                 struct memo_entry *ret)
{
    char name[NAME_MAX_];
    struct stat st;
    name_of(like, name);
    if (sys->fstatat(m->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
        file_read_at(m->dir, name, MEMO_ENTRY_MAX, bytes, NULL) <= 0)
        return false;
    if (memo_entry_decode(buf_str(bytes), ret, NULL) == 0 && ret->kind == like->kind &&
        memcmp(ret->key, like->key, MEMO_KEY) == 0 && ret->size == like->size &&
        time_eq(&ret->mtime, &like->mtime) && time_eq(&ret->ctime, &like->ctime))
        return true;
    (void)sys->unlinkat(m->dir, name, 0); /* of no use to anybody any more */
    return false;
}

/* Old or new, never a mixture. Nothing is synced: the checksum tells what a power cut leaves. */
static void write_note(const struct memo *m, const char *name, struct str bytes)
{
    char tmp[NAME_MAX_ + 16], tail[9];
    random_alnum(tail, sizeof(tail) - 1);
    (void)snprintf(tmp, sizeof(tmp), "%s.%s.tmp", name, tail);
    AUTOFD fd = file_open_at(m->dir, tmp, O_WRONLY | O_CREAT | O_EXCL, 0600, NULL);
    if (fd < 0)
        return;
    if (file_write_all(fd, bytes.p, bytes.n, NULL) < 0 ||
        sys->renameat(m->dir, tmp, m->dir, name) < 0)
        (void)sys->unlinkat(m->dir, tmp, 0);
}

static void keep(const struct memo *m, const struct memo_entry *entry)
{
    char name[NAME_MAX_];
    AUTO(buf) bytes = {0};
    buf_init(&bytes, MEMO_ENTRY_MAX);
    memo_entry_encode(entry, &bytes);
    name_of(entry, name);
    if (buf_ok(&bytes))
        write_note(m, name, buf_str(&bytes));
}

static void forget(const struct memo *m, const struct memo_entry *entry)
{
    char name[NAME_MAX_];
    name_of(entry, name);
    (void)sys->unlinkat(m->dir, name, 0);
}

static struct memo_entry entry_of(enum memo_kind kind, const struct memo_id *id)
{
    struct memo_entry entry = {
        .kind = kind, .size = id->size, .mtime = id->mtime, .ctime = id->ctime};
    memcpy(entry.key, id->key, sizeof(entry.key));
    return entry;
}

bool memo_digest_find(const struct memo *m, const struct memo_id *id, struct digest *ret)
{
    AUTO(buf) bytes = {0};
    struct memo_entry found, like = entry_of(MEMO_DIGEST, id);
    buf_init(&bytes, MEMO_ENTRY_MAX);
    if (!m || !find(m, &like, &bytes, &found))
        return false;
    *ret = found.digest;
    return true;
}

void memo_digest_keep(const struct memo *m, const struct memo_id *id, const struct digest *digest)
{
    struct memo_entry entry = entry_of(MEMO_DIGEST, id);
    entry.digest = *digest;
    if (m && id->settled)
        keep(m, &entry);
}

void memo_digest_forget(const struct memo *m, const struct memo_id *id)
{
    const struct memo_entry entry = entry_of(MEMO_DIGEST, id);
    if (m)
        forget(m, &entry);
}

/* ---- contents of archives: version (8 bit), the list, SHA-256 of both and the digest ---- */

enum { CONTENTS_VERSION = 1, CONTENTS_SUM = 32 };

static void contents_name(const struct digest *archive, char out[NAME_MAX_])
{
    uint8_t sum[CONTENTS_SUM];
    hash_sha256(archive->text, strlen(archive->text), sum);
    out[0] = 'c';
    out[1] = '-';
    str_hex(sum, NAME_BYTES, out + 2);
}

static void contents_sum(const struct digest *archive, struct str body, uint8_t out[CONTENTS_SUM])
{
    struct hash h;
    struct digest d;
    hash_init(&h, DIGEST_SHA256);
    hash_update(&h, archive->text, strlen(archive->text));
    hash_update(&h, body.p, body.n);
    hash_digest(&h, &d);
    BUG_ON(!str_unhex(str_from(digest_hex(&d)), out, CONTENTS_SUM));
}

bool memo_contents_find(const struct memo *m, const struct digest *archive, struct buf *bytes,
                        struct str *ret)
{
    char name[NAME_MAX_];
    uint8_t sum[CONTENTS_SUM];
    if (!m)
        return false;
    contents_name(archive, name);
    if (file_read_at(m->dir, name, bytes->max, bytes, NULL) <= 0 || bytes->n <= CONTENTS_SUM)
        return false;
    struct str body = str_head(buf_str(bytes), bytes->n - CONTENTS_SUM);
    contents_sum(archive, body, sum);
    if (body.p[0] != CONTENTS_VERSION || memcmp(body.p + body.n, sum, sizeof(sum)) != 0)
        return false;
    *ret = str_skip(body, 1);
    return true;
}

void memo_contents_keep(const struct memo *m, const struct digest *archive, struct str list)
{
    AUTO(buf) bytes = {0};
    char name[NAME_MAX_];
    uint8_t sum[CONTENTS_SUM];
    if (!m)
        return;
    buf_init(&bytes, list.n + MEMO_CONTENTS_MORE);
    buf_addc(&bytes, CONTENTS_VERSION);
    buf_adds(&bytes, list);
    contents_sum(archive, buf_str(&bytes), sum);
    buf_add(&bytes, sum, sizeof(sum));
    contents_name(archive, name);
    if (buf_ok(&bytes))
        write_note(m, name, buf_str(&bytes));
}

/* The key of an upload: the file, what is made of it, and where it goes to. */
static void upload_key(const struct memo_upload *u, const char *registry, const char *repo,
                       uint8_t out[MEMO_KEY])
{
    struct hash h;
    struct digest d;
    hash_init(&h, DIGEST_SHA256);
    hash_update(&h, u->id.key, sizeof(u->id.key));
    hash_update(&h, registry, strlen(registry) + 1);
    hash_update(&h, repo, strlen(repo) + 1);
    hash_update(&h, u->form.p, u->form.n);
    hash_digest(&h, &d);
    BUG_ON(!str_unhex(str_from(digest_hex(&d)), out, MEMO_KEY));
}

/* One byte of the lock file stands for each upload; the kernel lets go of it when its holder ends,
 * in whatever way. */
static int take_lock(const struct memo *m, const uint8_t key[MEMO_KEY])
{
    uint64_t at;
    memcpy(&at, key, sizeof(at));
    struct flock l = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)(at >> 2), .l_len = 1};
    AUTOFD fd = open_lock(m);
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &l) < 0)
        return -1;
    return TAKE_FD(fd);
}

bool memo_session_open(const struct memo_upload *u, const char *registry, const char *repo,
                       struct memo_session *ret)
{
    struct memo_session s = {.lock = -1};
    if (!u || !u->memo || !u->id.settled)
        return false;
    s.memo = u->memo;
    s.entry = entry_of(MEMO_UPLOAD, &u->id);
    s.entry.size = u->blob_size;
    upload_key(u, registry, repo, s.entry.key);
    s.lock = take_lock(s.memo, s.entry.key);
    if (s.lock < 0)
        return false;
    *ret = s;
    return true;
}

void memo_session_autodone(struct memo_session *s)
{
    if (s->memo)
        mem_autoclose(&s->lock);
    s->memo = NULL;
}

bool memo_session_find(const struct memo_session *s, struct hash *ret_hash,
                       struct buf *ret_location)
{
    AUTO(buf) bytes = {0};
    struct memo_entry found;
    buf_init(&bytes, MEMO_ENTRY_MAX);
    if (!s->memo || !find(s->memo, &s->entry, &bytes, &found))
        return false;
    *ret_hash = found.hash;
    buf_reset(ret_location);
    buf_adds(ret_location, found.location);
    return buf_ok(ret_location);
}

void memo_session_keep(struct memo_session *s, const struct hash *hash, struct str location)
{
    if (!s->memo || location.n == 0 || location.n >= LIMIT_CLIENT_URL)
        return;
    s->entry.hash = *hash;
    s->entry.location = location;
    keep(s->memo, &s->entry);
    s->entry.location = STR_NULL;
}

void memo_session_forget(const struct memo_session *s)
{
    if (s->memo)
        forget(s->memo, &s->entry);
}
