/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/copying.h"
#include "cli/signals.h"
#include "client/describe.h"
#include "client/listing.h"

#include <stdio.h>

static const struct cli_option options[] = {
    {.name = "long",
     .letter = 'l',
     .help = "With digest, size and type of each tag; each is asked for."},
    {.name = "attached",
     .help = "List what is attached to the artifact: signatures, links, files."},
    PROGRESS_OPTIONS_CONNECTION,
    {.name = "concurrency",
     .letter = 'j',
     .metavar = "N",
     .help = "Ask for this many tags at a time (1 to 32, default 4)."},
    {.name = "json", .help = "Print the list as a JSON object."},
};

/* Printed piece by piece: nothing as large as a list may be is held twice. */
#define PIECE 65536

static int flush(struct buf *out, struct err *e)
{
    int rc = cli_print(buf_str(out), e);
    buf_reset(out);
    return rc;
}

static int list_repositories(struct cli *c, const struct transport_host *host,
                             const struct transport_options *connection, struct err *e)
{
    AUTO(arena) arena = {0};
    AUTO(buf) out = {0};
    struct listing found;
    struct json_writer w;

    arena_init(&arena, LIMIT_CLIENT_NAMES);
    AUTO_TRANSPORT t = transport_new(host->scheme, host->host, NULL, connection, e);
    if (!t || listing_catalog(t, &arena, &found, e) < 0)
        return -1;
    bool json = cli_has(c, "json");
    buf_init(&out, json ? 2 * LIMIT_CLIENT_NAMES : 2 * PIECE);
    jsonw_init(&w, &out);
    if (json) {
        jsonw_object(&w);
        jsonw_kstrz(&w, "registry", host->host);
        jsonw_key(&w, "repositories");
        jsonw_list(&w);
    }
    for (size_t i = 0; i < found.n; i++) {
        if (json)
            jsonw_str(&w, found.names[i]);
        else
            buf_addf(&out, "%.*s\n", S(found.names[i]));
        if (!json && out.n >= PIECE && flush(&out, e) < 0)
            return -1;
    }
    if (json) {
        jsonw_list_done(&w);
        jsonw_object_done(&w);
        buf_addc(&out, '\n');
    }
    return flush(&out, e);
}

/* A name of a layout can be any text. */
static void add_name(struct buf *out, const struct endpoint_entry *entry)
{
    char text[LIMIT_TAG + 1];
    size_t n = MIN_OF(entry->tag.n, sizeof(text) - 1);
    for (size_t i = 0; i < n; i++)
        text[i] = entry->tag.p[i] < ' ' || entry->tag.p[i] >= 0x7f ? '?' : entry->tag.p[i];
    text[n] = '\0';
    if (n)
        buf_addz(out, text);
    else
        buf_addf(out, "@%s", entry->digest.text);
}

static void write_text(struct buf *out, const struct endpoint_entry *entry,
                       const struct description *d, int width)
{
    char size[32];
    size_t begin = out->n;
    add_name(out, entry);
    if (!d) {
        buf_addc(out, '\n');
        return;
    }
    if (!d->there) {
        buf_addz(out, "  (gone)\n");
        return;
    }
    int used = (int)(out->n - begin);
    struct str type = d->type.n ? d->type : d->media_type;
    buf_addf(out, "%*s  %s  %10s  ", width > used ? width - used : 0, "", d->digest.text,
             str_size_text((double)d->size, size));
    for (size_t i = 0; i < type.n && i < LIMIT_MEDIA_TYPE; i++)
        buf_addc(out, type.p[i] < ' ' || type.p[i] >= 0x7f ? '?' : type.p[i]);
    if (d->is_index)
        buf_addf(out, " (%zu manifests)", d->manifests);
    buf_addc(out, '\n');
}

static void write_json(struct json_writer *w, const struct endpoint_entry *entry,
                       const struct description *d)
{
    jsonw_object(w);
    jsonw_key(w, "tag");
    if (entry->tag.n)
        jsonw_str(w, entry->tag);
    else
        jsonw_nothing(w);
    if (d && d->there) {
        jsonw_kstr(w, "digest", digest_str(&d->digest));
        jsonw_ku64(w, "size", d->size);
        jsonw_kstr(w, "media_type", d->media_type);
        jsonw_kstr(w, "type", d->type);
        if (d->is_index)
            jsonw_ku64(w, "manifests", d->manifests);
    } else if (entry->digest.text[0]) {
        jsonw_kstr(w, "digest", digest_str(&entry->digest));
        jsonw_kstr(w, "media_type", entry->type);
    }
    jsonw_object_done(w);
}

static int print_tags(const struct cli *c, const struct endpoint *p, bool is_layout,
                      const struct endpoint_entry *list, const struct description *d, size_t n,
                      struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;
    bool json = cli_has(c, "json");
    int width = 0;

    for (size_t i = 0; i < n; i++)
        width = MAX_OF(width, (int)MIN_OF(list[i].tag.n, (size_t)LIMIT_TAG));
    buf_init(&out, json ? 2 * LIMIT_CLIENT_NAMES : 2 * PIECE);
    jsonw_init(&w, &out);
    if (json) {
        jsonw_object(&w);
        jsonw_kstrz(&w, is_layout ? "layout" : "repository", p->shown);
        jsonw_key(&w, "tags");
        jsonw_list(&w);
    }
    for (size_t i = 0; i < n; i++) {
        if (json)
            write_json(&w, &list[i], d ? &d[i] : NULL);
        else
            write_text(&out, &list[i], d ? &d[i] : NULL, width);
        if (!json && out.n >= PIECE && flush(&out, e) < 0)
            return -1;
    }
    if (json) {
        jsonw_list_done(&w);
        jsonw_object_done(&w);
        buf_addc(&out, '\n');
    }
    return flush(&out, e);
}

/* The one that the reference names. */
static int one_entry(struct endpoint *p, struct arena *a, const struct reference *ref,
                     struct endpoint_entry **ret, size_t *ret_n, struct err *e)
{
    struct endpoint_entry *entry = ARENA_NEW(a, struct endpoint_entry);
    int rc = p->ops->manifest_head(p, a, ref, entry, e);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return ERR(e, MANIFEST_UNKNOWN, "%s holds no %.*s", p->shown, S(reference_str(ref)));
    entry->tag = ref->is_digest ? STR_NULL : arena_str(a, str_from(ref->tag.text));
    *ret = entry;
    *ret_n = 1;
    return 0;
}

static void add_plain(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_addc(out, s.p[i] < ' ' || s.p[i] >= 0x7f ? '?' : s.p[i]);
}

static int print_attached(const struct cli *c, const char *ref, const struct oci_descriptor *list,
                          size_t n, struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;
    bool json = cli_has(c, "json");

    buf_init(&out, 2 * LIMIT_CLIENT_NAMES);
    jsonw_init(&w, &out);
    if (json) {
        jsonw_object(&w);
        jsonw_kstrz(&w, "reference", ref);
        jsonw_key(&w, "attached");
        jsonw_list(&w);
    }
    for (size_t i = 0; i < n; i++) {
        if (json) {
            oci_descriptor_write(&w, &list[i]);
            continue;
        }
        struct str type = list[i].artifact_type.n ? list[i].artifact_type : list[i].media_type;
        buf_addf(&out, "%s  ", list[i].digest.text);
        add_plain(&out, type);
        buf_addc(&out, '\n');
    }
    if (json) {
        jsonw_list_done(&w);
        jsonw_object_done(&w);
        buf_addc(&out, '\n');
    }
    return flush(&out, e);
}

static int list_attached(struct cli *c, struct artifact_ref *ref,
                         struct transport_options *connection, struct err *e)
{
    AUTO(arena) arena = {0};
    struct endpoint_entry subject;
    struct oci_descriptor *list;
    size_t n;

    arena_init(&arena, LIMIT_CLIENT_NAMES);
    AUTO_ENDPOINT p = artifact_ref_open(ref, ARTIFACT_READ, connection, e);
    if (!p || artifact_ref_settle(ref, p, e) < 0)
        return -1;
    int rc = p->ops->manifest_head(p, &arena, &ref->ref, &subject, e);
    if (rc <= 0)
        return rc < 0 ? -1
                      : ERR(e, MANIFEST_UNKNOWN, "%s holds no %.*s", p->shown,
                            S(reference_str(&ref->ref)));
    if (p->ops->referrers(p, &arena, &subject.digest, &list, &n, e) < 0)
        return -1;
    return print_attached(c, artifact_ref_text(&c->arena, ref), list, n, e);
}

static int list_tags(struct cli *c, const struct artifact_ref *ref,
                     struct transport_options *connection, struct err *e)
{
    AUTO(arena) arena = {0};
    AUTO(transfer) x = {0};
    const struct transfer_events events = {.cancel = signals_watch()};
    struct endpoint_entry *list;
    struct description *d = NULL;
    unsigned threads;
    size_t n;

    if (progress_threads(c, &threads, e) < 0)
        return -1;
    arena_init(&arena, LIMIT_CLIENT_NAMES);
    transfer_init(&x, &events);
    connection->cancel = x.cancel;
    AUTO_ENDPOINT p = artifact_ref_open(ref, ARTIFACT_READ, connection, e);
    if (!p)
        return -1;
    int rc = ref->named ? one_entry(p, &arena, &ref->ref, &list, &n, e)
                        : p->ops->list(p, &arena, &list, &n, e);
    if (rc < 0)
        return -1;
    if (cli_has(c, "long")) {
        d = arena_try(&arena, n * sizeof(*d) + 1, e);
        if (!d || describe(p, list, n, threads, &x, &arena, d, e) < 0)
            return -1;
    }
    return print_tags(c, p, ref->is_layout, list, d, n, e);
}

static int run(struct cli *c, struct err *e)
{
    struct transport_options connection;
    struct transport_host host;
    struct artifact_ref ref;

    progress_connection(c, &connection);
    if (!str_starts(str_from(c->args[0]), STR("oci:")) &&
        transport_host_parse(str_from(c->args[0]), &host, NULL) == 0) {
        if (cli_has(c, "attached"))
            return ERR(e, USAGE, "--attached is for one artifact, and %s is a registry", host.host);
        c->host = arena_strz(&c->arena, str_from(host.host));
        return list_repositories(c, &host, &connection, e);
    }
    if (copying_ref(c->args[0], &ref, e) < 0)
        return -1;
    if (!ref.is_layout)
        c->host = arena_strz(&c->arena, str_from(ref.remote.host));
    if (cli_has(c, "attached"))
        return list_attached(c, &ref, &connection, e);
    return list_tags(c, &ref, &connection, e);
}

const struct command cmd_ls = {
    .name = "ls",
    .summary = "List the repositories of a registry, the tags of one, or a layout",
    .synopsis = "[--long] [OPTION ...] HOST | HOST/PROJECT/NAME | oci:DIR",
    .help = "Of a registry its repositories, as far as it tells (not every one does); of a "
            "repository its\n"
            "tags; of an OCI image layout what it holds, by tag or, without one, by digest. --long "
            "adds digest,\n"
            "size of all content, and type. --attached lists what is attached to one artifact "
            "instead.\n"
            "\n"
            "  haven ls registry.example.org\n"
            "  haven ls --long registry.example.org/library/qwen3-0.6b\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
