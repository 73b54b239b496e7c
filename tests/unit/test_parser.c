/* SPDX-License-Identifier: Apache-2.0 */
/* parser: models are read by a process that can do nothing else, and whatever it does costs the
 * artifact, never the server. The program starts itself as the reader (parser_looks.h). */
#include "base/clock.h"
#include "base/confine.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "jobs/parser.h"
#include "model/tar.h"
#include "parser_looks.h"
#include "unit.h"

#include <dirent.h>
#include <zlib.h>
#include <zstd.h>

/* Milliseconds: for looks that end, and for those that never would. */
enum { PLENTY = 60000, SHORT = 400 };

/* ---- an artifact in memory ---- */

struct blob {
    struct digest digest;
    struct str bytes;
};

static struct {
    struct arena arena;
    struct blob blobs[8];
    size_t n;
    struct buf manifest;
    struct parser *parser;
    unsigned asked; /* ranges */
    /* What the source does instead of giving bytes: */
    bool fails;
    int short_by, sleep_ms;
    bool kills;                 /* the process, once */
    void (*watches)(pid_t pid); /* is told of the process; NULL: nobody is */
    pid_t seen;                 /* the one that asked last */
    atomic_bool stop;
    bool stops; /* raises stop when it is asked */
} t;

/* The process that reads, while it does. */
static pid_t child(void)
{
    int64_t pid;
    char text[64] = "";
    FILE *f = fopen("/proc/thread-self/children", "re");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    (void)fclose(f);
    struct str rest = str_from(text);
    assert_true(str_i64(str_cut(&rest, ' '), 2, INT32_MAX, &pid));
    return (pid_t)pid;
}

static int get(void *self, const struct digest *digest, uint64_t size, uint64_t at, uint64_t n,
               int (*take)(void *to, const void *p, size_t n, struct err *e), void *to,
               struct err *e)
{
    (void)self;
    t.asked++;
    if (t.stops)
        atomic_store(&t.stop, true);
    t.seen = child();
    if (t.watches)
        t.watches(t.seen);
    if (t.kills)
        assert_int_equal(kill(t.seen, SIGKILL), 0);
    t.kills = false;
    clock_sleep_us(1000 * (int64_t)t.sleep_ms);
    if (t.fails)
        return ERR(e, NO_SPACE, "the disk is odd");
    for (size_t i = 0; i < t.n; i++) {
        const struct blob *b = &t.blobs[i];
        if (!digest_eq(&b->digest, digest))
            continue;
        assert_int_equal(size, b->bytes.n);
        assert_true(at <= size && n <= size - at);
        /* In two steps, as sources do. */
        size_t first = (size_t)n / 2, rest = (size_t)n - first;
        if (take(to, b->bytes.p + at, first, e) < 0)
            return -1;
        return take(to, b->bytes.p + at + first, (size_t)((int64_t)rest - t.short_by), e);
    }
    fail_msg("asked for %s", digest->text);
    return -1;
}

static const struct model_source source = {.get = get};

static const struct blob *add_blob(const void *p, size_t n)
{
    struct blob *b = &t.blobs[t.n++];
    assert_true(t.n <= ARRAY_LEN(t.blobs));
    b->bytes = arena_str(&t.arena, str_of(p, n));
    hash_bytes(DIGEST_SHA256, p, n, &b->digest);
    return b;
}

static void add_descriptor(struct json_writer *w, const char *type, const struct blob *b,
                           const char *path)
{
    jsonw_object(w);
    jsonw_kstrz(w, "mediaType", type);
    jsonw_kstrz(w, "digest", b->digest.text);
    jsonw_ku64(w, "size", b->bytes.n);
    if (path) {
        jsonw_key(w, "annotations");
        jsonw_object(w);
        jsonw_kstrz(w, "org.cncf.model.filepath", path);
        jsonw_object_done(w);
    }
    jsonw_object_done(w);
}

static void begin_manifest(struct json_writer *w)
{
    buf_reset(&t.manifest);
    jsonw_init(w, &t.manifest);
    jsonw_object(w);
    jsonw_ki64(w, "schemaVersion", 2);
    jsonw_kstrz(w, "mediaType", OCI_TYPE_MANIFEST);
    jsonw_key(w, "config");
    t.n = 0;
    add_descriptor(w, OCI_TYPE_EMPTY, add_blob("{}", 2), NULL);
    jsonw_key(w, "layers");
    jsonw_list(w);
}

/* One layer of these bytes, and what the reader does with it. */
static void make(const char *deed, const void *p, size_t n)
{
    struct json_writer w;
    begin_manifest(&w);
    add_descriptor(&w, "application/octet-stream", add_blob(p, n), NULL);
    jsonw_list_done(&w);
    jsonw_key(&w, "annotations");
    jsonw_object(&w);
    jsonw_kstrz(&w, "do", deed);
    jsonw_object_done(&w);
    jsonw_object_done(&w);
}

static void add_file(struct buf *tar, const char *path, struct str bytes)
{
    tar_header_write(tar, str_from(path), bytes.n, 0644);
    buf_adds(tar, bytes);
    for (uint64_t i = tar_padding(bytes.n); i > 0; i--)
        buf_addc(tar, '\0');
}

static void end_tar(struct buf *tar)
{
    for (unsigned i = 0; i < 2 * TAR_BLOCK; i++)
        buf_addc(tar, '\0');
}

static struct str gzip(struct str s)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)s.p, .avail_in = (uInt)s.n};
    uInt room = (uInt)s.n + 1024;
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = arena_alloc(&t.arena, room);
    z.avail_out = room;
    char *out = (char *)z.next_out;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return str_of(out, z.total_out);
}

static struct str zstd(struct str s)
{
    size_t room = ZSTD_compressBound(s.n);
    char *out = arena_alloc(&t.arena, room);
    size_t n = ZSTD_compress(out, room, s.p, s.n, 3);
    assert_false(ZSTD_isError(n));
    return str_of(out, n);
}

/* 2 x count numbers of 32 bits. */
static struct str safetensors(unsigned count)
{
    AUTO(buf) text = {0};
    buf_init(&text, MIB);
    char *head = arena_printf(
        &t.arena, "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,%u],\"data_offsets\":[0,%u]}}", count,
        8 * count);
    buf_addc(&text, (char)strlen(head));
    for (int i = 1; i < 8; i++)
        buf_addc(&text, '\0');
    buf_addz(&text, head);
    for (unsigned i = 0; i < 8 * count; i++)
        buf_addc(&text, '\0');
    return arena_str(&t.arena, buf_str(&text));
}

#define SHARD(i) "model-0000" i "-of-00003.safetensors"
#define CNCF     "application/vnd.cncf.model."
#define CARD                                                                                       \
    "---\nlicense: apache-2.0\ndate: 2026-01-02T03:04:05Z\ntags: [a, b]\n---\n# A "                \
    "model\n\nText.\n"

/* Weights in every form, a card, a config: 2 x (1000 + 200 + 30) numbers in 5 files. */
static void make_model(void)
{
    struct json_writer w;
    AUTO(buf) tar = {0};
    struct str s;

    buf_init(&tar, 4 * MIB);
    begin_manifest(&w);
    s = safetensors(1000);
    add_descriptor(&w, CNCF "weight.v1.raw", add_blob(s.p, s.n), SHARD("1"));
    add_file(&tar, SHARD("2"), safetensors(200));
    add_file(&tar, "README.md", STR(CARD));
    end_tar(&tar);
    s = gzip(buf_str(&tar));
    add_descriptor(&w, CNCF "weight.v1.tar+gzip", add_blob(s.p, s.n), SHARD("2"));
    buf_reset(&tar);
    add_file(&tar, SHARD("3"), safetensors(30));
    end_tar(&tar);
    s = zstd(buf_str(&tar));
    add_descriptor(&w, CNCF "weight.v1.tar+zstd", add_blob(s.p, s.n), SHARD("3"));
    s = STR("{\"architectures\": [\"Qwen2ForCausalLM\"], \"torch_dtype\": \"float32\"}");
    add_descriptor(&w, CNCF "weight.config.v1.raw", add_blob(s.p, s.n), "config.json");
    jsonw_list_done(&w);
    jsonw_object_done(&w);
}

/* ---- reading ---- */

static struct parser_result found;

static int look_for(int64_t budget_ms)
{
    found = (struct parser_result){.n = 0};
    return parser_look(t.parser, &t.arena, buf_str(&t.manifest), STR(OCI_TYPE_MANIFEST), &source,
                       budget_ms, &t.stop, &found, &unit_e);
}

static void assert_good(void)
{
    make("copy", "abc", 3);
    assert_fine(look_for(PLENTY));
    assert_int_equal(found.n, 1);
    assert_str(found.documents[0].bytes, "abc");
}

static size_t descriptors(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

static void use(const char *mode)
{
    const char *const command[] = {"/proc/self/exe", "reader", mode, NULL};
    parser_free(t.parser);
    t.parser = parser_new(command);
}

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    arena_init(&t.arena, 512 * MIB);
    buf_init(&t.manifest, MIB);
    use("well");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    parser_free(t.parser);
    t.parser = NULL;
    buf_done(&t.manifest);
    arena_done(&t.arena);
    /* Whatever happened, nobody is left behind. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

/* ---- tests ---- */

static void test_model(void **state)
{
    (void)state;
    /* `parse` of this program */
    __attribute__((cleanup(parser_autofree))) struct parser *p = parser_new(NULL);
    for (int i = 0; i < 3; i++) {
        make_model();
        assert_fine(parser_look(p, &t.arena, buf_str(&t.manifest), STR(OCI_TYPE_MANIFEST), &source,
                                PLENTY, NULL, &found, &unit_e));
        /* The headers of three files, the card out of a compressed layer, the facts at the end. */
        assert_int_equal(found.n, 5);
        const struct parser_document *facts = &found.documents[4];
        assert_str(facts->kind, "facts");
        assert_false(facts->has_blob);
        assert_non_null(strstr(facts->bytes.p, "\"form\":\"modelpack\""));
        assert_non_null(strstr(facts->bytes.p, "\"known\":{\"parameters\":2460,"));
        assert_int_equal(facts->bytes.p[facts->bytes.n], '\0');
    }
}

/* Whatever parsers and their libraries meet, they need nothing that is not there: no input of the
 * fuzzers' ends the process. */
static const struct {
    const char *folder, *type, *path; /* path NULL: it is the manifest */
    size_t skip;
} corpora[] = {
    {"fuzz_gguf", CNCF "weight.v1.raw", "m.gguf", 0},
    {"fuzz_safetensors", CNCF "weight.v1.raw", "m.safetensors", 0},
    {"fuzz_card", CNCF "doc.v1.raw", "README.md", 0},
    {"fuzz_model_config", CNCF "weight.config.v1.raw", "config.json", 0},
    {"fuzz_tar", CNCF "weight.v1.tar", "m", 0},
    {"fuzz_unpack", CNCF "weight.v1.tar+gzip", "m", 2},
    {"fuzz_unpack", CNCF "weight.v1.tar+zstd", "m", 2},
    {"fuzz_pack", NULL, NULL, 0},
    {"fuzz_manifest", NULL, NULL, 0},
};

static void look_at_input(struct str input, const char *type, const char *path)
{
    struct json_writer w;
    if (path) {
        begin_manifest(&w);
        add_descriptor(&w, type, add_blob(input.p, input.n), path);
        jsonw_list_done(&w);
        jsonw_object_done(&w);
    } else {
        buf_reset(&t.manifest);
        buf_adds(&t.manifest, input);
        t.fails = true;
    }
    unit_e = (struct err){.code = ERR_OK};
    int rc = look_for(PLENTY);
    t.fails = false;
    if (rc < 0 && unit_e.code != (path ? ERR_MODEL_INVALID : ERR_NO_SPACE))
        assert_int_equal(unit_e.code, ERR_MODEL_INVALID);
    if (rc < 0 && (strstr(unit_e.msg, "signal") || strstr(unit_e.msg, "ended")))
        fail_msg("%s: %s", path ? path : "a manifest", unit_e.msg);
}

static void test_corpora(void **state)
{
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(corpora); i++) {
        char *folder = arena_printf(&t.arena, "%s/%s", CORPUS, corpora[i].folder);
        DIR *d = opendir(folder);
        assert_non_null(d);
        for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
            AUTO(buf) bytes = {0};
            buf_init(&bytes, MIB);
            if (entry->d_name[0] == '.' ||
                file_read_at(dirfd(d), entry->d_name, MIB, &bytes, &unit_e) != 1)
                continue;
            look_at_input(str_skip(buf_str(&bytes), corpora[i].skip), corpora[i].type,
                          corpora[i].path);
            n++;
        }
        (void)closedir(d);
    }
    assert_true(n > 50);
}

/* Larger than what is sent at once, and than a socket holds. */
static void test_large_blob(void **state)
{
    enum { SIZE = 3 * 1024 * 1024 + 5 };
    (void)state;
    char *p = mem_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        p[i] = (char)(i * 31 + i / 256);
    make("copy", p, SIZE);
    assert_fine(look_for(PLENTY));
    assert_int_equal(t.asked, 4);
    assert_int_equal(found.n, 1);
    const struct parser_document *d = &found.documents[0];
    assert_str(d->kind, "copy");
    assert_true(d->has_blob && digest_eq(&d->blob, &t.blobs[1].digest));
    assert_int_equal(d->at, 7);
    assert_int_equal(d->bytes.n, SIZE);
    assert_memory_equal(d->bytes.p, p, SIZE);
    mem_free(p);
}

/* A process that was taken over by one artifact is not there when the next is read. */
static void test_one_each(void **state)
{
    (void)state;
    assert_good();
    pid_t first = t.seen;
    assert_int_equal(kill(first, 0), -1);
    make("nothing", "x", 1);
    assert_fine(look_for(PLENTY));
    assert_int_equal(found.n, 0); /* nothing of what the one before found */
    assert_good();
    assert_int_not_equal(t.seen, first);
}

#define FORBIDDEN "what it may not do (ended by signal 31)"
static const struct {
    const char *deed, *says;
} bad[] = {
    {"refuse", "it is ?[31m odd ??really"},
    {"crash", "ended by signal 11"},
    {"abort", "a fault in it (ended by signal 6)"},
    {"exit", "ended with status 0"},
    {"open", CONFINE_SANITIZED ? "signal 6" : FORBIDDEN},
    {"socket", FORBIDDEN},
    {"exec", FORBIDDEN},
    {"fork", FORBIDDEN},
    {"kill", FORBIDDEN},
    {"signal", FORBIDDEN},
    {"code", FORBIDDEN},
    {"turn-code", FORBIDDEN},
    {"read-other", FORBIDDEN},
    {"unnamed", "which is none of its own"},
    {"other-size", "which is none of its own"},
    {"beyond", "beyond the end of a blob"},
    {"wrap-around", "beyond the end of a blob"},
    {"wish-much", "a wish for 1048577 bytes"},
    {"wish-nothing", "a wish for 0 bytes"},
    {"many", "too much was found in one artifact"},
    {"raw-many", "found too much in it"},
    {"large", "takes more than 67108864 bytes"},
    {"raw-large", "a frame of 67112960 bytes"},
    {"raw-huge", "a frame of 4294967295 bytes"},
    {"raw-total", "found too much in it"},
    {"foreign", "which is none of its own"},
    {"no-kind", "a document of no kind"},
    {"short-document", "a document that ends early"},
    {"short-wish", "a wish that ends early"},
    {"odd-kind", "a frame of an unknown kind"},
    {"server-kind", "a frame of an unknown kind"},
    {"ready", "out of turn"},
};

static void test_bad_readers(void **state)
{
    (void)state;
    assert_good();
    size_t open_before = descriptors();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        make(bad[i].deed, "abc", 3);
        if (look_for(PLENTY) == 0 || unit_e.code != ERR_MODEL_INVALID ||
            !strstr(unit_e.msg, bad[i].says))
            fail_msg("%s: %s", bad[i].deed, unit_e.msg);
        assert_good();
        assert_int_equal(descriptors(), open_before);
        arena_reset(&t.arena);
    }
}

static void test_deadline(void **state)
{
    static const char *const deeds_that_last[] = {"loop", "half"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(deeds_that_last); i++) {
        assert_good();
        make(deeds_that_last[i], "abc", 3);
        int64_t began = clock_mono_ms();
        assert_err(look_for(SHORT), MODEL_INVALID, "took longer than 400 ms");
        assert_in_range(clock_mono_ms() - began, SHORT, SHORT + 5000);
        assert_good();
    }
}

/* Without the ceiling it would have the memory of the machine. */
static void test_memory(void **state)
{
    (void)state;
    if (CONFINE_SANITIZED)
        return; /* no ceiling there: base/confine.h */
    make("memory", "abc", 3);
    assert_err(look_for(PLENTY), MODEL_INVALID, "too much memory");
    assert_good();
}

/* More of it behind the last frame is nobody's: another process reads the next artifact. */
static void test_more(void **state)
{
    (void)state;
    make("more", "abc", 3);
    assert_fine(look_for(PLENTY));
    assert_int_equal(found.n, 0);
    assert_good();
}

static void test_no_artifact(void **state)
{
    (void)state;
    buf_reset(&t.manifest);
    buf_addz(&t.manifest, "{]");
    assert_err(look_for(PLENTY), MODEL_INVALID, "");
    make_model();
    for (size_t i = t.manifest.n; i <= LIMIT_MEDIA_TYPE; i++)
        buf_addc(&t.manifest, ' ');
    assert_err(parser_look(t.parser, &t.arena, buf_str(&t.manifest),
                           str_of(t.manifest.p, LIMIT_MEDIA_TYPE + 1), &source, PLENTY, NULL,
                           &found, &unit_e),
               MODEL_INVALID, "too large");
    assert_int_equal(parser_look(t.parser, &t.arena, STR("{]"), STR(OCI_TYPE_MANIFEST), &source,
                                 PLENTY, NULL, &found, NULL),
                     -1);
}

static void test_source(void **state)
{
    (void)state;
    make("copy", "abc", 3);
    t.fails = true;
    assert_err(look_for(PLENTY), NO_SPACE, "the disk is odd");
    t.fails = false;
    t.short_by = 1;
    assert_err(look_for(PLENTY), REMOTE, "fewer bytes");
    t.short_by = -1;
    assert_err(look_for(PLENTY), REMOTE, "more bytes");
    t.short_by = 0;
    /* It is not the artifact's fault that its bytes are slow. */
    make("copy", "abc", 3);
    t.sleep_ms = SHORT;
    assert_err(look_for(SHORT), UNAVAILABLE, "came too slowly");
    t.sleep_ms = 0;
    assert_good();
}

static void test_stop(void **state)
{
    (void)state;
    make("wish-and-loop", "abc", 3);
    t.stops = true;
    int64_t began = clock_mono_ms();
    assert_err(look_for(PLENTY), CANCELLED, "stopped");
    assert_true(clock_mono_ms() - began < PLENTY / 2);
    t.stops = false;
    atomic_store(&t.stop, false);
    assert_good();
    /* While it starts. */
    use("mute");
    atomic_store(&t.stop, true);
    assert_err(look_for(PLENTY), CANCELLED, "stopped");
}

/* What the server is told to end by reaches all of its processes; this one goes with it. */
static void tell_to_end(pid_t pid)
{
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(kill(pid, SIGINT), 0);
}

static void test_killed(void **state)
{
    (void)state;
    t.watches = tell_to_end;
    assert_good();
    t.watches = NULL;
    /* In the middle: once more, with another one. */
    t.kills = true;
    t.asked = 0;
    assert_good();
    assert_int_equal(t.asked, 2);
}

static void test_no_start(void **state)
{
    static const char *const nobody[] = {"/nonexistent/reader", NULL};
    (void)state;
    make("copy", "abc", 3);
    parser_free(t.parser);
    t.parser = parser_new(nobody);
    size_t open_before = descriptors();
    assert_err(look_for(PLENTY), UNAVAILABLE, "cannot be started: No such file");
    use("dies");
    assert_err(look_for(PLENTY), UNAVAILABLE,
               "does not start: the reader of models ended with status 9");
    use("chatty");
    assert_err(look_for(PLENTY), UNAVAILABLE, "out of turn");
    assert_int_equal(descriptors(), open_before);
}

/* Nothing is read where the kernel cannot confine. */
static void test_no_seccomp(void **state)
{
    (void)state;
    use("no-seccomp");
    make("copy", "abc", 3);
    for (int i = 0; i < 2; i++)
        assert_err(look_for(PLENTY), UNAVAILABLE,
                   "cannot confine a process: the kernel takes no filter");
    assert_int_equal(t.asked, 0);
}

static void assert_status(pid_t pid, const char *line)
{
    char path[64];
    AUTO(buf) text = {0};
    buf_init(&text, MIB);
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    for (int c; (c = fgetc(f)) != EOF;)
        buf_addc(&text, (char)c);
    (void)fclose(f);
    if (!strstr(text.p, line))
        fail_msg("%s is not in %s", line, text.p);
}

static void assert_limit(pid_t pid, __rlimit_resource_t what, rlim_t most)
{
    struct rlimit is;
    assert_int_equal(prlimit(pid, what, NULL, &is), 0);
    assert_true(is.rlim_cur <= most && is.rlim_max <= most + (what == RLIMIT_CPU));
}

static void check_confined(pid_t pid)
{
    assert_status(pid, "NoNewPrivs:\t1\n");
    assert_status(pid, "Seccomp:\t2\n");
    assert_limit(pid, RLIMIT_CPU, LIMIT_PARSER_CPU_S);
    assert_limit(pid, RLIMIT_FSIZE, 0);
    assert_limit(pid, RLIMIT_NOFILE, 0);
    assert_limit(pid, RLIMIT_NPROC, 0);
    assert_limit(pid, RLIMIT_CORE, 0);
    if (!CONFINE_SANITIZED) {
        assert_limit(pid, RLIMIT_AS, LIMIT_PARSER_MEMORY);
        assert_limit(pid, RLIMIT_DATA, LIMIT_PARSER_MEMORY);
    }
}

static int leaked[2];

/* A descriptor that somebody forgot to close at exec: the reader has it no more. */
static void check_descriptors(pid_t pid)
{
    char byte;
    (void)pid;
    (void)close(leaked[1]);
    assert_int_equal(read(leaked[0], &byte, 1), 0);
    (void)close(leaked[0]);
}

static void test_confined(void **state)
{
    (void)state;
    assert_int_equal(pipe2(leaked, O_NONBLOCK), 0);
    t.watches = check_descriptors;
    assert_good();
    t.watches = check_confined;
    assert_good();
    t.watches = NULL;
    make("environment", "abc", 3);
    assert_fine(look_for(PLENTY));
    if (CONFINE_SANITIZED)
        assert_non_null(strstr(found.documents[0].bytes.p, "LANG=C\nASAN_OPTIONS="));
    else
        assert_str(found.documents[0].bytes, "LANG=C\n");
    assert_null(strstr(found.documents[0].bytes.p, "PATH="));
}

static int orphan_fd;

static void tell_pid(pid_t pid)
{
    (void)!write(orphan_fd, &pid, sizeof(pid));
}

/* It ends with the server, even in the midst of something. */
static void test_orphan(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        t.parser = NULL;
        use("well");
        orphan_fd = ends[1];
        t.watches = tell_pid;
        make("wish-and-loop", "abc", 3);
        (void)look_for(PLENTY);
        _exit(0);
    }
    pid_t pid = 0;
    assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
    clock_sleep_us(100000);
    assert_int_equal(kill(server, SIGKILL), 0);
    assert_int_equal(waitpid(server, NULL, 0), server);
    for (int64_t until = clock_mono_ms() + 10000; kill(pid, 0) == 0;) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        FILE *f = fopen(path, "re"); /* whoever it is given to may not reap it */
        bool zombie = false;
        for (int c, last = 0; f && (c = fgetc(f)) != EOF; last = c)
            zombie = zombie || (last == ' ' && c == 'Z');
        if (f)
            (void)fclose(f);
        if (zombie)
            break;
        if (clock_mono_ms() >= until) {
            (void)kill(pid, SIGKILL);
            fail_msg("it outlived its server");
        }
        clock_sleep_us(10000);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_frames(void **state)
{
    uint8_t bytes[PARSER_FRAME_SMALL];
    struct parser_frame_head head;
    struct str type, manifest;
    char text[ERR_MSG_MAX];
    (void)state;

    parser_frame_head_write(PARSER_WISH, 300, bytes);
    assert_fine(parser_frame_head_read(bytes, true, &head, &unit_e));
    assert_int_equal(head.kind, PARSER_WISH);
    assert_int_equal(head.n, 300);
    assert_err(parser_frame_head_read(bytes, false, &head, &unit_e), MODEL_INVALID, "unknown kind");
    bytes[2] = 1;
    assert_err(parser_frame_head_read(bytes, true, &head, &unit_e), MODEL_INVALID, "unknown kind");

    size_t n = parser_frame_look_write(STR("a/b"), bytes);
    memcpy(bytes + n, "{}", 2);
    assert_fine(parser_frame_look_read(str_of((char *)bytes, n + 2), &type, &manifest, &unit_e));
    assert_str(type, "a/b");
    assert_str(manifest, "{}");
    assert_err(parser_frame_look_read(str_of((char *)bytes, 4), &type, &manifest, &unit_e),
               MODEL_INVALID, "ends early");
    assert_err(parser_frame_look_read(str_of((char *)bytes, 1), &type, &manifest, &unit_e),
               MODEL_INVALID, "ends early");

    /* A text is cut between characters. */
    char large[ERR_MSG_MAX + 8];
    for (size_t i = 0; i < sizeof(large); i += 2)
        memcpy(large + i, "\xc3\xa4", 2);
    parser_frame_text(str_of(large, sizeof(large)), text);
    assert_int_equal(strlen(text), ERR_MSG_MAX - 1);
    assert_memory_equal(text, large, ERR_MSG_MAX - 2);
    assert_int_equal(text[ERR_MSG_MAX - 2], '?');
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_model),       TEST(test_corpora),    TEST(test_large_blob), TEST(test_one_each),
        TEST(test_bad_readers), TEST(test_deadline),   TEST(test_memory),     TEST(test_more),
        TEST(test_no_artifact), TEST(test_source),     TEST(test_stop),       TEST(test_killed),
        TEST(test_no_start),    TEST(test_no_seccomp), TEST(test_confined),   TEST(test_orphan),
        TEST(test_frames),
    };
    if (argc == 2 && strcmp(argv[1], "parse") == 0)
        return parser_child_run(FD, index_look);
    if (argc == 3 && strcmp(argv[1], "reader") == 0)
        return reader_main(argv[2]);
    log_setup(STDERR_FILENO, LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
