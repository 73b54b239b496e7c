/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tar.h"

#include "model/path.h"

#include <inttypes.h>
#include <stdio.h>

/* The fields of a header (POSIX ustar): where each starts and how long it is. */
#define F_NAME     0, 100
#define F_MODE     100, 8
#define F_UID      108, 8
#define F_GID      116, 8
#define F_SIZE     124, 12
#define F_MTIME    136, 12
#define F_CHECKSUM 148, 8
#define F_LINK     157, 100
#define F_PREFIX   345, 155
#define AT_TYPE    156
#define AT_MAGIC   257

#define NAME_MAX_BYTES   100
#define PREFIX_MAX_BYTES 155
/* The largest number that eleven octal digits hold, and one more: 8 GiB. */
#define OCTAL_SIZE_END (1ull << 33)

/* ---- reading ---- */

void tar_reader_init(struct tar_reader *r)
{
    *r = (struct tar_reader){.at = 0};
    buf_init(&r->body, LIMIT_TAR_EXTENSION);
    buf_init(&r->path, LIMIT_TAR_PATH);
    buf_init(&r->link, LIMIT_TAR_PATH);
}

void tar_reader_autodone(struct tar_reader *r)
{
    buf_done(&r->body);
    buf_done(&r->path);
    buf_done(&r->link);
}

uint64_t tar_padding(uint64_t size)
{
    return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* A field of text: it ends at its first NUL. */
static struct str text_field(const char *block, size_t at, size_t n)
{
    return str_of(block + at, strnlen(block + at, n));
}

/* GNU: the highest bit is set and the others are a number of two's complement. */
static bool binary_field(const unsigned char *p, size_t n, int64_t *ret)
{
    int64_t v = p[0] & 0x40 ? -1 : 0;
    for (size_t i = 0; i < n; i++) {
        int byte = i ? p[i] : p[i] & 0x3f;
        int64_t scale = i ? 256 : 64;
        if (__builtin_mul_overflow(v, scale, &v) || __builtin_add_overflow(v, byte, &v))
            return false;
    }
    *ret = v;
    return true;
}

/* Octal digits between blanks or NULs, nothing at all (0), or binary. */
static bool number_field(const char *block, size_t at, size_t n, int64_t *ret)
{
    const char *p = block + at;
    size_t i = 0;
    int64_t v = 0;
    if ((unsigned char)p[0] & 0x80)
        return binary_field((const unsigned char *)p, n, ret);
    while (i < n && p[i] == ' ')
        i++;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
        v = v * 8 + (p[i] - '0'); /* at most 12 digits of three bits */
    for (; i < n; i++)
        if (p[i] != ' ' && p[i] != '\0')
            return false;
    *ret = v;
    return true;
}

/* The sum of the bytes with the field itself as blanks; old writers added them as signed. */
static bool checksum_fits(const char *block)
{
    int64_t said, sum = 0, as_signed = 0;
    if (!number_field(block, F_CHECKSUM, &said))
        return false;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        char c = i >= 148 && i < 156 ? ' ' : block[i];
        sum += (unsigned char)c;
        as_signed += (signed char)c;
    }
    return said == sum || said == as_signed;
}

static bool all_zero(const char *block)
{
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

static int64_t seconds_to_ms(int64_t s)
{
    int64_t ms;
    return __builtin_mul_overflow(s, 1000, &ms) ? 0 : ms;
}

/* "1700000000.25" as milliseconds. */
static bool parse_time(struct str s, int64_t *ret)
{
    struct str rest = s;
    struct str whole = str_cut(&rest, '.');
    int64_t seconds, ms = 0, scale = 100;
    if (!str_i64(whole, -(INT64_MAX / 1000 - 1), INT64_MAX / 1000 - 1, &seconds))
        return false;
    for (size_t i = 0; i < rest.n; i++, scale /= 10) {
        if (rest.p[i] < '0' || rest.p[i] > '9')
            return false;
        ms += (rest.p[i] - '0') * scale;
    }
    *ret = seconds * 1000 + (whole.p[0] == '-' ? -ms : ms);
    return true;
}

static int bad_header(const struct tar_reader *r, struct err *e, const char *why)
{
    return ERR(e, MODEL_INVALID, "the header at byte %" PRIu64 " of the archive %s", r->head_at,
               why);
}

/* Keeps a name that an extended header gives; twice is once too often. */
static int keep_name(const struct tar_reader *r, struct buf *b, bool *has, struct str value,
                     struct err *e)
{
    if (*has)
        return bad_header(r, e, "gives the name of its member twice");
    if (value.n == 0)
        return 0; /* PAX: as if it were not there */
    if (memchr(value.p, '\0', value.n))
        return bad_header(r, e, "gives a name with a NUL in it");
    buf_reset(b);
    buf_adds(b, value);
    if (!buf_ok(b))
        return bad_header(r, e, "gives a name that is too long");
    *has = true;
    return 0;
}

static int pax_record(struct tar_reader *r, bool global, struct str key, struct str value,
                      struct err *e)
{
    int64_t ms;
    if (str_starts(key, STR("GNU.sparse.")))
        return bad_header(r, e, "is of a sparse file; pack it without --sparse");
    bool path = str_eqz(key, "path"), link = str_eqz(key, "linkpath"), size = str_eqz(key, "size");
    if (global && (path || link || size))
        return bad_header(r, e, "gives all members the same name or size");
    if (path)
        return keep_name(r, &r->path, &r->has_path, value, e);
    if (link)
        return keep_name(r, &r->link, &r->has_link, value, e);
    if (size && value.n) {
        if (r->has_size || !str_u64(value, 0, LIMIT_BLOB, &r->size))
            return bad_header(r, e, "gives a size that cannot be");
        r->has_size = true;
    }
    if (str_eqz(key, "mtime") && value.n) {
        if (!parse_time(value, &ms))
            return bad_header(r, e, "gives a time that is none");
        *(global ? &r->global_mtime_ms : &r->mtime_ms) = ms;
        *(global ? &r->has_global_mtime : &r->has_mtime) = true;
    }
    return 0;
}

/* Records "LENGTH KEY=VALUE\n", where the length counts itself. */
static int pax_body(struct tar_reader *r, bool global, struct err *e)
{
    struct str rest = buf_str(&r->body);
    while (rest.n) {
        uint64_t n;
        ptrdiff_t blank = str_chr(str_head(rest, 20), ' ');
        if (blank < 1 || !str_u64(str_head(rest, (size_t)blank), 1, rest.n, &n) ||
            n < (size_t)blank + 3 || rest.p[n - 1] != '\n')
            return bad_header(r, e, "has a record that is malformed");
        struct str value = str_of(rest.p + blank + 1, n - (size_t)blank - 2);
        if (str_chr(value, '=') < 1)
            return bad_header(r, e, "has a record without a key");
        struct str key = str_cut(&value, '=');
        if (pax_record(r, global, key, value, e) < 0)
            return -1;
        rest = str_skip(rest, n);
    }
    return 0;
}

static int take_body(struct tar_reader *r, const char *block, struct err *e)
{
    size_t n = (size_t)MIN_OF(r->body_left, (uint64_t)TAR_BLOCK);
    buf_add(&r->body, block, n);
    r->body_left -= n;
    if (r->body_left > 0) {
        r->at += TAR_BLOCK;
        return TAR_MORE;
    }
    struct str body = buf_str(&r->body);
    struct str name = str_head(body, strnlen(body.p, body.n));
    int rc = 0;
    if (r->body_type == 'L')
        rc = keep_name(r, &r->path, &r->has_path, name, e);
    else if (r->body_type == 'K')
        rc = keep_name(r, &r->link, &r->has_link, name, e);
    else
        rc = pax_body(r, r->body_type == 'g', e);
    r->at += TAR_BLOCK;
    buf_reset(&r->body);
    return rc < 0 ? -1 : TAR_MORE;
}

/* The header of an extended header: its body comes next. */
static int begin_body(struct tar_reader *r, char type, int64_t size, struct err *e)
{
    if (size < 0 || (uint64_t)size > LIMIT_TAR_EXTENSION)
        return bad_header(r, e, "is an extended header of an absurd size");
    if (type == 'x' && r->pax)
        return bad_header(r, e, "is a second extended header of one member");
    if (type == 'x')
        r->pax = true;
    /* A global one belongs to no member. */
    if (type != 'g')
        r->in_member = true;
    r->body_type = type;
    r->body_left = (uint64_t)size;
    r->at += TAR_BLOCK;
    return TAR_MORE;
}

/* The name in the header itself; the prefix is POSIX's alone (GNU keeps other things there). */
static void header_path(struct tar_reader *r, const char *block)
{
    struct str name = text_field(block, F_NAME);
    buf_reset(&r->path);
    if (memcmp(block + AT_MAGIC, "ustar", 6) == 0) {
        struct str prefix = text_field(block, F_PREFIX);
        buf_adds(&r->path, prefix);
        if (prefix.n)
            buf_addc(&r->path, '/');
    }
    buf_adds(&r->path, name);
}

/* Without what says nothing: "./" before it and '/' behind it. */
static struct str plain_path(struct str path)
{
    while (str_starts(path, STR("./")))
        path = str_skip(path, 2);
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return str_eqz(path, ".") ? str_head(path, 0) : path;
}

/* false: a type that is not known, or that would need more than its content to be read. */
static bool type_of(char flag, struct str path, enum tar_type *ret)
{
    switch (flag) {
    case '0':
    case '\0':
    case '7':
        /* The way of before POSIX to say directory. */
        *ret = path.n && path.p[path.n - 1] == '/' ? TAR_DIR : TAR_FILE;
        return true;
    case '1':
        *ret = TAR_HARDLINK;
        return true;
    case '2':
        *ret = TAR_SYMLINK;
        return true;
    case '5':
        *ret = TAR_DIR;
        return true;
    case '3':
    case '4':
    case '6':
    case 'V':
        *ret = TAR_OTHER;
        return true;
    default:
        return false;
    }
}

static int bad_type(char flag, struct str path, struct err *e)
{
    char show[MODEL_PATH_SHOW], type[8];
    (void)model_path_show(path, show, sizeof(show));
    if (flag == 'S')
        return ERR(e, MODEL_INVALID, "\"%s\" is a sparse file; pack it without --sparse", show);
    if (flag > ' ' && flag <= '~')
        (void)snprintf(type, sizeof(type), "'%c'", flag);
    else
        (void)snprintf(type, sizeof(type), "0x%02x", (unsigned char)flag);
    return ERR(e, MODEL_INVALID, "\"%s\" is of the unknown type %s", show, type);
}

static int take_member(struct tar_reader *r, const char *block, int64_t size, struct tar_entry *ret,
                       struct err *e)
{
    char show[MODEL_PATH_SHOW], flag = block[AT_TYPE];
    int64_t mode, mtime;
    struct tar_entry t = {.header_at = r->member_at, .content_at = r->at + TAR_BLOCK};

    if (!r->has_path)
        header_path(r, block);
    if (!r->has_link) {
        buf_reset(&r->link);
        buf_adds(&r->link, text_field(block, F_LINK));
    }
    t.path = buf_str(&r->path);
    if (!type_of(flag, t.path, &t.type))
        return bad_type(flag, t.path, e);
    t.path = plain_path(t.path);
    (void)model_path_show(t.path, show, sizeof(show));
    if (t.path.n == 0 && t.type != TAR_DIR && flag != 'V')
        return bad_header(r, e, "has no name");
    if (t.type == TAR_SYMLINK)
        t.link = buf_str(&r->link);
    if (t.type == TAR_HARDLINK)
        t.link = plain_path(buf_str(&r->link));
    if (!number_field(block, F_MODE, &mode) || !number_field(block, F_MTIME, &mtime))
        return ERR(e, MODEL_INVALID, "\"%s\" has a mode or time that is no number", show);
    /* Readers agree that nothing but files has content, whatever the size says. */
    if (t.type == TAR_FILE && !r->has_size && (size < 0 || (uint64_t)size > LIMIT_BLOB))
        return ERR(e, MODEL_INVALID, "\"%s\" has the size %" PRId64, show, size);
    if (t.type == TAR_FILE)
        t.size = r->has_size ? r->size : (uint64_t)size;
    if (++r->n_members > LIMIT_TAR_MEMBERS)
        return ERR(e, MODEL_INVALID, "the archive has more than %d members", LIMIT_TAR_MEMBERS);
    t.mode = (uint32_t)mode & 0777;
    t.mtime_ms = r->has_mtime          ? r->mtime_ms
                 : r->has_global_mtime ? r->global_mtime_ms
                                       : seconds_to_ms(mtime);
    /* At most LIMIT_TAR_MEMBERS of LIMIT_BLOB each: the sum fits. */
    r->at = t.content_at + t.size + tar_padding(t.size);
    r->fresh = true;
    *ret = t;
    return TAR_ENTRY;
}

static int take_zeros(struct tar_reader *r, struct err *e)
{
    if (r->in_member)
        return bad_header(r, e, "ends it where a member should follow an extended header");
    r->at += TAR_BLOCK;
    r->done = r->zero;
    r->zero = true;
    return r->done ? TAR_DONE : TAR_MORE;
}

int tar_reader_next(struct tar_reader *r, const void *p, struct tar_entry *ret, struct err *e)
{
    const char *block = p;
    int64_t size;

    BUG_ON(r->done);
    if (r->body_left > 0)
        return take_body(r, block, e);
    r->head_at = r->at;
    if (r->fresh) {
        r->fresh = r->in_member = r->pax = false;
        r->has_path = r->has_link = r->has_size = r->has_mtime = false;
    }
    if (all_zero(block))
        return take_zeros(r, e);
    if (r->zero)
        return bad_header(r, e, "follows a lone block of zeros");
    if (!checksum_fits(block))
        return bad_header(r, e, "is none: its checksum is wrong");
    if (!number_field(block, F_SIZE, &size))
        return bad_header(r, e, "has a size that is no number");
    if (!r->in_member)
        r->member_at = r->at;
    char flag = block[AT_TYPE];
    /* 'X': Solaris wrote PAX headers so before there was a standard. */
    if (flag == 'X')
        flag = 'x';
    if (flag == 'x' || flag == 'g' || flag == 'L' || flag == 'K')
        return begin_body(r, flag, size, e);
    return take_member(r, block, size, ret, e);
}

int tar_reader_finish(const struct tar_reader *r, struct err *e)
{
    if (r->body_left > 0 || (r->in_member && !r->fresh))
        return ERR(e, MODEL_INVALID, "the archive ends inside of an extended header");
    return 0;
}

int tar_walk(const struct model_reader *in,
             int (*each)(void *self, const struct tar_entry *entry, struct err *e), void *self,
             struct err *e)
{
    AUTO(tar_reader) r = {0};
    char block[TAR_BLOCK], show[MODEL_PATH_SHOW];
    struct tar_entry entry;

    tar_reader_init(&r);
    while (in->size - r.at >= TAR_BLOCK) {
        if (in->read(in->self, r.at, block, TAR_BLOCK, e) < 0)
            return -1;
        int step = tar_reader_next(&r, block, &entry, e);
        if (step < 0 || step == TAR_DONE)
            return step < 0 ? -1 : 0;
        if (step == TAR_MORE)
            continue;
        if (in->size - entry.content_at < entry.size)
            return ERR(e, MODEL_INVALID, "the archive ends inside of \"%s\"",
                       model_path_show(entry.path, show, sizeof(show)));
        int rc = each(self, &entry, e);
        if (rc)
            return rc;
        /* The last padding may be missing. */
        if (r.at > in->size)
            r.at = in->size;
    }
    if (r.at < in->size)
        return ERR(e, MODEL_INVALID, "the archive ends inside of a header");
    return tar_reader_finish(&r, e);
}

/* ---- writing ---- */

static void put_text(char *block, size_t at, size_t n, struct str s)
{
    if (s.n)
        memcpy(block + at, s.p, MIN_OF(s.n, n));
}

/* n - 1 octal digits and a NUL; a number that does not fit stands in the extended header. */
static void put_octal(char *block, size_t at, size_t n, uint64_t v)
{
    for (size_t i = n - 1; i-- > 0; v >>= 3)
        block[at + i] = (char)('0' + (v & 7));
    block[at + n - 1] = '\0';
}

static void put_header(struct buf *out, struct str prefix, struct str name, char type,
                       uint64_t size, uint32_t mode)
{
    char block[TAR_BLOCK] = {0};
    unsigned sum = 0;
    put_text(block, F_NAME, name);
    put_octal(block, F_MODE, mode);
    put_octal(block, F_UID, 0);
    put_octal(block, F_GID, 0);
    put_octal(block, F_SIZE, size < OCTAL_SIZE_END ? size : 0);
    put_octal(block, F_MTIME, 0);
    block[AT_TYPE] = type;
    memcpy(block + AT_MAGIC, "ustar\00000", 8);
    put_text(block, F_PREFIX, prefix);
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += (unsigned char)block[i];
    put_octal(block, 148, 7, sum); /* six digits, NUL, and the blank that stands there */
    buf_add(out, block, sizeof(block));
}

/* Cuts a path into prefix and name at a '/', the name as long as can be. */
static bool split(struct str path, struct str *ret_prefix, struct str *ret_name)
{
    for (size_t i = 0; i < path.n; i++)
        if ((unsigned char)path.p[i] >= 0x80)
            return false; /* ustar is ASCII */
    *ret_prefix = STR_NULL;
    *ret_name = path;
    if (path.n <= NAME_MAX_BYTES)
        return true;
    for (size_t i = path.n - NAME_MAX_BYTES - 1; i < path.n && i <= PREFIX_MAX_BYTES; i++) {
        if (path.p[i] != '/')
            continue;
        *ret_prefix = str_head(path, i);
        *ret_name = str_skip(path, i + 1);
        return true;
    }
    return false;
}

/* "LENGTH KEY=VALUE\n": the length counts its own digits. */
static void put_record(struct buf *out, const char *key, struct str value)
{
    size_t rest = 1 + strlen(key) + 1 + value.n + 1, digits = 1, end = 10;
    while (rest + digits >= end) {
        digits++;
        end *= 10;
    }
    buf_addf(out, "%zu %s=", rest + digits, key);
    buf_adds(out, value);
    buf_addc(out, '\n');
}

/* What readers that do not know PAX see: the file's own name, as far as it goes. */
static struct str short_name(struct str path, char out[NAME_MAX_BYTES])
{
    struct str name = str_skip(path, (size_t)(str_rchr(path, '/') + 1));
    name.n = MIN_OF(name.n, (size_t)NAME_MAX_BYTES);
    for (size_t i = 0; i < name.n; i++)
        out[i] = (unsigned char)name.p[i] < 0x80 ? name.p[i] : '_';
    return str_of(out, name.n);
}

void tar_header_write(struct buf *out, struct str path, uint64_t size, uint32_t mode)
{
    static const char zeros[TAR_BLOCK];
    char fallback[NAME_MAX_BYTES], digits[24];
    struct str prefix = STR_NULL, name;
    AUTO(buf) records = {0};

    buf_init(&records, TAR_HEADER_MAX);
    bool fits = split(path, &prefix, &name);
    if (!fits) {
        name = short_name(path, fallback);
        put_record(&records, "path", path);
    }
    if (size >= OCTAL_SIZE_END) {
        (void)snprintf(digits, sizeof(digits), "%" PRIu64, size);
        put_record(&records, "size", str_from(digits));
    }
    BUG_ON(!buf_ok(&records));
    if (records.n) {
        put_header(out, STR_NULL, STR("PaxHeaders/file"), 'x', records.n, 0644);
        buf_adds(out, buf_str(&records));
        buf_add(out, zeros, tar_padding(records.n));
    }
    put_header(out, prefix, name, '0', size, mode & 0111 ? 0755 : 0644);
}
