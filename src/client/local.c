/* SPDX-License-Identifier: Apache-2.0 */
#include "client/local.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/sys.h"
#include "client/transfer.h"
#include "model/path.h"

#include <dirent.h>
#include <errno.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#define LOCAL_ARENA (96 * MIB)

/* One file while the list grows. */
struct found {
    struct modelpack_file file;
    struct local_file local;
};

struct scan {
    struct local_files *l;
    struct pick pick;
    struct found *found;
    size_t n, cap;
    struct err *e;
};

static int wrong(const char *path, const char *why, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    return ERR(e, MODEL_INVALID, "%s %s", model_path_show(str_from(path), show, sizeof(show)), why);
}

/* Opens path below root, following links only as long as they stay below it. errno as openat2. */
static int open_beneath(int root, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* Without links: every directory on the way is opened by itself. For kernels and sandboxes without
 * openat2. */
static int open_plain(int root, const char *path)
{
    struct str rest = str_from(path);
    AUTOFD at = -1;
    for (;;) {
        struct str part = str_cut(&rest, '/');
        AUTO_FREE char *name = mem_strndup(part.p, part.n);
        int flags =
            O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (rest.p ? O_DIRECTORY : O_NONBLOCK | O_NOCTTY);
        int next = sys->openat(at < 0 ? root : at, name, flags, 0);
        if (next < 0 || !rest.p)
            return next;
        mem_autoclose(&at);
        at = next;
    }
}

static int open_model_file(int root, const char *path, struct err *e)
{
    int fd;
    do {
        fd = open_beneath(root, path);
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        fd = open_plain(root, path);
    if (fd >= 0)
        return fd;
    switch (errno) {
    case EXDEV:
        return wrong(path, "is a link that leaves the directory", e);
    case ELOOP:
        return wrong(path, "is a link that cannot be followed here", e);
    case ENOENT:
        return wrong(path, "does not exist, or is a link to nothing", e);
    default:
        return ERR_SYS(e, "cannot open %s", path);
    }
}

/* Small files are read while they are open anyway: a Git LFS pointer must be found before anything
 * is sent. */
static int read_small(struct scan *s, const char *path, int fd, struct found *f)
{
    size_t n = (size_t)f->file.size;
    char *p = arena_try(&s->l->arena, n + 1, s->e);
    if (!p)
        return -1;
    if (file_pread_all(fd, p, n, 0, s->e) < 0)
        return err_wrap(s->e, "reading %s", path);
    f->local.content = str_of(p, n);
    if (modelpack_is_lfs_pointer(f->local.content))
        return wrong(path, "is a Git LFS pointer, not the file itself; `git lfs pull` fetches it",
                     s->e);
    return 0;
}

/* line: of the Modelfile, which says the kind; NULL: the name does. */
static int add_file(struct scan *s, const char *path, const struct pick_line *line)
{
    struct stat st;
    struct str name = str_from(path);

    if (model_path_check(name, s->e) < 0)
        return -1;
    AUTOFD fd = open_model_file(s->l->root, path, s->e);
    if (fd < 0)
        return -1;
    if (sys->fstat(fd, &st) < 0)
        return ERR_SYS(s->e, "cannot ask about %s", path);
    if (S_ISDIR(st.st_mode) && line && line->path.p)
        return wrong(path, "is a directory; name its files, with /** all of them", s->e);
    if (S_ISDIR(st.st_mode))
        return wrong(path, "is a link to a directory", s->e);
    if (!S_ISREG(st.st_mode))
        return wrong(path, "is neither a file nor a directory", s->e);
    if (s->n == LIMIT_MODEL_FILES)
        return ERR(s->e, LIMIT, "the directory holds more than %d files", LIMIT_MODEL_FILES);
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->found = mem_realloc(s->found, s->cap * sizeof(*s->found));
    }
    struct found *f = &s->found[s->n];
    *f = (struct found){.file = {.size = (uint64_t)st.st_size, .mode = st.st_mode & 07777},
                        .local = {.mtime = st.st_mtim}};
    char *copy = arena_try(&s->l->arena, name.n + 1, s->e);
    if (!copy)
        return -1;
    memcpy(copy, path, name.n + 1);
    f->file.path = str_of(copy, name.n);
    if (line)
        f->file.kind = line->pattern->kind;
    else
        f->file.kind = model_kind_of(f->file.path, f->file.size, &f->file.guessed);
    if (f->file.size > LIMIT_BLOB)
        return wrong(path, "is larger than a registry takes", s->e);
    if (f->file.size < MODELPACK_LFS_MAX && read_small(s, path, fd, f) < 0)
        return -1;
    s->n++;
    return 0;
}

static void dir_autodone(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

static int walk(struct scan *s, int at, const char *path, unsigned depth);

static int entry(struct scan *s, int at, const char *path, const char *name, unsigned depth)
{
    struct stat st;
    const struct pick_line *line = NULL;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    AUTO_FREE char *full = *path ? mem_printf("%s/%s", path, name) : mem_strdup(name);
    if (sys->fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return ERR_SYS(s->e, "cannot ask about %s", full);
    if (S_ISDIR(st.st_mode))
        return pick_dir(&s->pick, str_from(full)) ? walk(s, at, full, depth + 1) : 0;
    int rc = pick_file(&s->pick, str_from(full), &line, s->e);
    if (rc <= 0)
        return rc;
    if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return wrong(full, "is neither a file nor a directory", s->e);
    return add_file(s, full, line);
}

/* path: of this directory, seen from the root, "" for the root itself; at: its parent. */
static int walk(struct scan *s, int at, const char *path, unsigned depth)
{
    if (depth > LIMIT_MODEL_DEPTH)
        return wrong(path, "lies too deep", s->e);
    const char *slash = strrchr(path, '/');
    const char *own = *path ? (slash ? slash + 1 : path) : ".";
    int fd = file_open_at(at, own, O_RDONLY | O_DIRECTORY, 0, s->e);
    if (fd < 0)
        return -1;
    __attribute__((cleanup(dir_autodone))) DIR *d = fdopendir(fd);
    if (!d) {
        int rc = ERR_SYS(s->e, "cannot read the directory %s", own);
        mem_autoclose(&fd);
        return rc;
    }
    for (;;) {
        errno = 0;
        struct dirent *de = readdir(d);
        if (!de)
            break;
        if (entry(s, fd, path, de->d_name, depth) < 0)
            return -1;
    }
    return errno ? ERR_SYS(s->e, "cannot read the directory %s", own) : 0;
}

/* The file that a line of the Modelfile names. */
static int add_named(struct scan *s, const struct pick_line *line)
{
    if (!pick_named(&s->pick, line->path))
        return 0;
    AUTO_FREE char *path = mem_strndup(line->path.p, line->path.n);
    if (add_file(s, path, line) < 0)
        return err_wrap(s->e, "%s, line %u", s->pick.o->modelfile->name, line->pattern->line);
    return 0;
}

/* Of a pattern that has matched nothing: other tools write names like "a[1].txt" as they are. */
static int add_exact(struct scan *s, struct pick_line *line)
{
    char show[MODEL_PATH_SHOW];
    struct stat st;
    AUTO_FREE char *path = mem_strndup(line->pattern->glob.p, line->pattern->glob.n);
    if (sys->fstatat(s->l->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        line->path = line->pattern->glob;
        return add_named(s, line);
    }
    return ERR(s->e, MODEL_INVALID,
               "%s, line %u: no file matches \"%s\"; mend the pattern or remove the line (hidden "
               "files, and what " IGNORE_FILE " leaves out, must be named without wildcards)",
               s->pick.o->modelfile->name, line->pattern->line,
               model_path_show(line->pattern->glob, show, sizeof(show)));
}

/* What the Modelfile names without wildcards, and what of it has matched nothing. */
static int add_all_named(struct scan *s)
{
    for (size_t i = 0; i < s->pick.n_files; i++)
        if (add_named(s, &s->pick.files[i]) < 0)
            return -1;
    for (size_t i = 0; i < s->pick.n_globs; i++)
        if (!s->pick.globs[i].used && add_exact(s, &s->pick.globs[i]) < 0)
            return -1;
    return 0;
}

static int found_cmp(const void *a, const void *b)
{
    const struct found *fa = a, *fb = b;
    return modelpack_file_cmp(&fa->file, &fb->file);
}

static int finish(struct scan *s, const char *dir)
{
    struct local_files *l = s->l;
    const struct pick_options *o = s->pick.o;
    if (s->n == 0)
        return ERR(s->e, MODEL_INVALID, "%s holds no files to pack%s", dir,
                   o->include.n || o->exclude.n ? " that --include and --exclude let through" : "");
    qsort(s->found, s->n, sizeof(*s->found), found_cmp);
    l->files = arena_try(&l->arena, s->n * sizeof(*l->files), s->e);
    l->local = l->files ? arena_try(&l->arena, s->n * sizeof(*l->local), s->e) : NULL;
    struct str *paths = l->local ? arena_try(&l->arena, s->n * sizeof(*paths), s->e) : NULL;
    if (!paths)
        return -1;
    for (size_t i = 0; i < s->n; i++) {
        l->files[i] = s->found[i].file;
        l->local[i] = s->found[i].local;
        l->total += l->files[i].size;
        paths[i] = l->files[i].path;
    }
    l->n = s->n;
    return model_paths_check(paths, l->n, s->e);
}

void local_files_autodone(struct local_files *l)
{
    mem_autoclose(&l->root);
    arena_done(&l->arena);
}

int local_files_scan(const char *dir, const struct pick_options *options, struct local_files *ret,
                     struct err *e)
{
    struct local_files l = {.root = file_open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, e)};
    struct scan s = {.l = &l, .e = e};

    if (l.root < 0)
        return -1;
    arena_init(&l.arena, LOCAL_ARENA);
    int rc = pick_init(&s.pick, &l.arena, l.root, options, e);
    if (rc == 0 && pick_walks(&s.pick))
        rc = walk(&s, l.root, "", 0);
    if (rc == 0)
        rc = add_all_named(&s);
    if (rc == 0)
        rc = finish(&s, dir);
    mem_free(s.found);
    if (rc < 0) {
        local_files_autodone(&l);
        return -1;
    }
    *ret = l;
    return 0;
}

/* The format that most bytes of the weights have, by the names of the files; empty: there are none.
 */
static struct str main_format(const struct local_files *l)
{
    const char *best = NULL;
    uint64_t best_size = 0;
    for (size_t i = 0; i < l->n; i++) {
        const char *format = model_format_of(l->files[i].path);
        if (l->files[i].kind == MODEL_WEIGHT && format && l->files[i].size >= best_size) {
            best = format;
            best_size = l->files[i].size;
        }
    }
    return str_from(best);
}

/* The whole of file i, if it was not read when it was found. */
static int read_whole(struct local_files *l, size_t i, struct err *e)
{
    size_t n = (size_t)l->files[i].size;
    if (l->local[i].content.p)
        return 0;
    char *bytes = arena_try(&l->arena, n + 1, e);
    if (!bytes)
        return -1;
    AUTOFD fd = local_files_open(l, i, e);
    if (fd < 0)
        return -1;
    if (file_pread_all(fd, bytes, n, 0, e) < 0)
        return err_wrap(e, "reading %s", l->files[i].path.p);
    if (local_files_unchanged(l, i, fd, e) < 0)
        return -1;
    l->local[i].content = str_of(bytes, n);
    return 0;
}

static int add_modelfile(const struct modelfile *m, struct model_facts *facts, struct err *e)
{
    static const char *const keys[MODELFILE_VALUE_COUNT] = {
        [MODELFILE_NAME] = "name",
        [MODELFILE_ARCH] = "architecture",
        [MODELFILE_FAMILY] = "family",
        [MODELFILE_FORMAT] = "format",
        [MODELFILE_PARAMSIZE] = "paramsize",
        [MODELFILE_PRECISION] = "precision",
        [MODELFILE_QUANTIZATION] = "quantization",
    };
    struct err why = {.code = ERR_OK};
    for (size_t i = 0; m && i < ARRAY_LEN(keys); i++)
        if (m->values[i].n && model_facts_set(facts, keys[i], m->values[i], &why) < 0)
            return ERR(e, MODEL_INVALID, "%s: %s", m->name, why.msg);
    return 0;
}

int local_files_facts(struct local_files *l, struct str name, const struct modelfile *modelfile,
                      struct model_facts *facts, struct err *e)
{
    model_facts_guess(facts, name, main_format(l));
    for (size_t i = 0; i < l->n; i++) {
        const struct modelpack_file *f = &l->files[i];
        if (!model_facts_wants(f->path))
            continue;
        if (f->size > LIMIT_MODEL_FACTS) {
            model_facts_pass_over(facts, f->path);
            continue;
        }
        if (read_whole(l, i, e) < 0)
            return -1;
        model_facts_add_file(facts, f->path, l->local[i].content);
    }
    return add_modelfile(modelfile, facts, e);
}

int local_files_unchanged(const struct local_files *l, size_t i, int fd, struct err *e)
{
    struct stat st;
    const char *path = l->files[i].path.p;
    if (sys->fstat(fd, &st) < 0)
        return ERR_SYS(e, "cannot ask about %s", path);
    if ((uint64_t)st.st_size != l->files[i].size || st.st_mtim.tv_sec != l->local[i].mtime.tv_sec ||
        st.st_mtim.tv_nsec != l->local[i].mtime.tv_nsec)
        return wrong(path, "was changed while it was read", e);
    return 0;
}

int local_files_open(const struct local_files *l, size_t i, struct err *e)
{
    struct stat st;
    const char *path = l->files[i].path.p;
    AUTOFD fd = open_model_file(l->root, path, e);
    if (fd < 0)
        return -1;
    if (sys->fstat(fd, &st) < 0)
        return ERR_SYS(e, "cannot ask about %s", path);
    if (!S_ISREG(st.st_mode))
        return wrong(path, "is no longer a file", e);
    if (local_files_unchanged(l, i, fd, e) < 0)
        return -1;
    return TAKE_FD(fd);
}

int local_files_read(const struct local_files *l, size_t i, int fd, uint64_t at, void *p, size_t n,
                     size_t *ret_n, struct err *e)
{
    const char *path = l->files[i].path.p;
    ssize_t got;
    TRANSFER_PHASE(TRANSFER_READ);
    do
        got = sys->pread(fd, p, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return ERR_SYS(e, "reading %s", path);
    if (got == 0)
        return wrong(path, "was changed while it was read", e);
    *ret_n = (size_t)got;
    return 0;
}
