/* SPDX-License-Identifier: Apache-2.0 */
#include "server/datadir.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "base/sys.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>

#define LOCK_FILE     "lock"
#define PASSWORD_FILE "initial-admin-password"
#define PENDING_FILE  "initial-admin-password.pending"

enum { PASSWORD_LENGTH = 20, PID_TEXT_MAX = 48, ORPHAN_WAIT_MS = 5000, ORPHAN_STEP_US = 20000 };

/* The process that the owner wrote into its lock; 0 if that cannot be read. */
static int64_t owner(int dir)
{
    AUTO(buf) text = {0};
    uint64_t pid;
    buf_init(&text, PID_TEXT_MAX);
    if (file_read_at(dir, LOCK_FILE, PID_TEXT_MAX, &text, NULL) != 1)
        return 0;
    struct str rest = buf_str(&text);
    return str_u64(str_cut(&rest, '\n'), 1, INT32_MAX, &pid) ? (int64_t)pid : 0;
}

/* A server that was killed as it started a child leaves its lock to that one, until the child
 * becomes another program: a moment, in which its successor waits instead of giving up. */
static int wait_for_lock(const struct datadir *d, struct err *e)
{
    const int64_t until = clock_mono_ms() + ORPHAN_WAIT_MS;
    int64_t pid;

    while (flock(d->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return ERR_SYS(e, "locking data directory %s", d->path);
        pid = owner(d->fd);
        bool orphan = pid && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
        if (!orphan || clock_mono_ms() >= until) {
            char text[PID_TEXT_MAX] = "";
            if (pid)
                (void)snprintf(text, sizeof(text), " (process %lld)", (long long)pid);
            return ERR(e, CONFLICT, "data directory %s is in use by another server%s", d->path,
                       text);
        }
        clock_sleep_us(ORPHAN_STEP_US);
    }
    return 0;
}

static int take_lock(struct datadir *d, struct err *e)
{
    char text[PID_TEXT_MAX];

    d->lock_fd = file_open_at(d->fd, LOCK_FILE, O_RDWR | O_CREAT, 0600, e);
    if (d->lock_fd < 0)
        return err_wrap(e, "data directory %s cannot be written to", d->path);
    if (wait_for_lock(d, e) < 0)
        return -1;
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (sys->ftruncate(d->lock_fd, 0) < 0)
        return ERR_SYS(e, "writing %s/%s", d->path, LOCK_FILE);
    return file_pwrite_all(d->lock_fd, text, (size_t)n, 0, e);
}

int datadir_open(const char *path, struct datadir *ret, struct err *e)
{
    struct datadir d = {.path = path, .fd = -1, .lock_fd = -1};

    if (sys->mkdirat(AT_FDCWD, path, 0700) < 0 && errno != EEXIST)
        return ERR_SYS(e, "creating data directory %s", path);
    /* The directory itself may be a link to where there is room. */
    d.fd = sys->openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (d.fd < 0)
        return ERR_SYS(e, "opening data directory %s", path);
    if (take_lock(&d, e) < 0) {
        datadir_close(&d);
        return -1;
    }
    *ret = d;
    return 0;
}

void datadir_close(struct datadir *d)
{
    if (d->lock_fd >= 0)
        (void)close(d->lock_fd); /* gives the lock up */
    if (d->fd >= 0)
        (void)close(d->fd);
    d->fd = d->lock_fd = -1;
}

/* 1 pending (in the arena), 0 none, -1 error. */
static int read_pending(struct datadir *d, struct arena *a, struct str *ret, struct err *e)
{
    AUTO(buf) text = {0};
    buf_init(&text, LIMIT_PASSWORD);
    int found = file_read_at(d->fd, PENDING_FILE, LIMIT_PASSWORD, &text, e);
    if (found == 1)
        *ret = arena_str(a, buf_str(&text));
    return found;
}

int datadir_first_password(struct datadir *d, struct arena *a, struct str given,
                           const char *db_name, struct str *ret, struct err *e)
{
    struct stat st;
    if (given.n) {
        *ret = given;
        return 0;
    }
    int found = read_pending(d, a, ret, e);
    if (found != 0)
        return found < 0 ? -1 : 0;
    if (sys->fstatat(d->fd, db_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        *ret = STR_NULL;
        return 0;
    }
    if (errno != ENOENT)
        return ERR_SYS(e, "looking for %s/%s", d->path, db_name);
    char *made = arena_alloc(a, PASSWORD_LENGTH + 1);
    random_alnum(made, PASSWORD_LENGTH);
    *ret = str_of(made, PASSWORD_LENGTH);
    return file_replace_at(d->fd, PENDING_FILE, 0600, *ret, e);
}

static int accepted(struct access *access, struct arena *a, struct str password)
{
    AUTO(buf) pair = {0};
    AUTO(buf) header = {0};
    struct identity who;
    struct err why;

    buf_init(&pair, LIMIT_PASSWORD + LIMIT_USERNAME);
    buf_init(&header, LIMIT_TOKEN);
    buf_addz(&pair, "admin:");
    buf_adds(&pair, password);
    buf_addz(&header, "Basic ");
    base64_encode(&header, buf_str(&pair));
    return access_authenticate(access, a, buf_str(&header), &who, &why) == 0;
}

static int show(struct datadir *d, struct str password, struct err *e)
{
    if (isatty(STDOUT_FILENO)) {
        printf("haven: first administrator: user admin, password %.*s (shown only this once)\n",
               S(password));
        return fflush(stdout) == 0 ? 0 : ERR_SYS(e, "writing to the terminal");
    }
    if (file_replace_at(d->fd, PASSWORD_FILE, 0600, password, e) < 0)
        return -1;
    LOG(INFO, "admin.password.written", log_strz("user", "admin"), log_strz("directory", d->path),
        log_strz("file", PASSWORD_FILE));
    return 0;
}

int datadir_publish_password(struct datadir *d, struct arena *a, struct access *access,
                             struct str generated, struct err *e)
{
    struct str password = STR_NULL;
    int found = read_pending(d, a, &password, e);
    if (found < 0)
        return -1;
    if (generated.n)
        return show(d, generated, e);
    if (found == 0)
        return 0;
    if (accepted(access, a, password) && show(d, password, e) < 0)
        return -1;
    return file_unlink_at(d->fd, PENDING_FILE, e);
}

int datadir_forget_password(int dir, struct err *e)
{
    return file_unlink_at(dir, PASSWORD_FILE, e);
}
