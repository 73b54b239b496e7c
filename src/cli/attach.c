/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attach.h"

#include "base/json.h"
#include "cli/copying.h"
#include "oci/link_target.h"

#define FILE_TYPE "application/octet-stream"

static const struct cli_option options[] = {
    {.name = "type",
     .letter = 't',
     .metavar = "TYPE",
     .help = "The type of the artifact that is made: what the files are, as a media type."},
    {.name = "media-type",
     .metavar = "TYPE",
     .help = "The media type of the files (default " FILE_TYPE ")."},
    {.name = "annotation",
     .letter = 'a',
     .repeat = true,
     .metavar = "KEY=VALUE",
     .help = "Say something of it in its manifest."},
    {.name = "base",
     .metavar = "TARGET",
     .help = "Attach no file but a link: REF depends on TARGET, a reference or the id of a hub."},
    {.name = "relation",
     .metavar = "HOW",
     .choices = "base|adapter|dataset|quantized|finetune|merge|related",
     .help = "What REF is of TARGET (default base)."},
    PROGRESS_OPTIONS_CONNECTION,
    PROGRESS_OPTIONS_TRANSFER,
};

struct annotations {
    struct oci_annotation *v;
    size_t n;
};

static int add(struct annotations *all, struct str key, struct str value, struct err *e)
{
    for (size_t i = 0; i < all->n; i++)
        if (str_eq(all->v[i].key, key))
            return ERR(e, USAGE, "the annotation %.*s is given twice", S(key));
    all->v[all->n++] = (struct oci_annotation){.key = key, .value = value};
    return 0;
}

static int read_annotations(struct cli *c, struct annotations *ret, struct err *e)
{
    const char *text;
    size_t at = 0;

    /* Three more than were given: those of a link. */
    ret->v = ARENA_ARRAY(&c->arena, c->n_given + 3, struct oci_annotation);
    ret->n = 0;
    while (cli_next(c, "annotation", &at, &text)) {
        struct str value = str_from(text), key = str_cut(&value, '=');
        if (!value.p || key.n == 0)
            return ERR(e, USAGE, "--annotation takes KEY=VALUE, not \"%s\"", text);
        if (add(ret, key, value, e) < 0)
            return -1;
    }
    return 0;
}

/* A target in the same registry is named without its host: the link stays right when both go to
 * another one. A digest stands beside the name. */
static int add_link(struct cli *c, const struct artifact_ref *ref, struct annotations *all,
                    struct err *e)
{
    struct str digest = str_from(cli_value(c, "base")), name;
    const char *relation = cli_value(c, "relation");
    struct digest parsed;

    if (!link_target_is_text(digest) || str_starts(digest, STR("oci:")))
        return ERR(
            e, USAGE,
            "--base takes what it depends on: PROJECT/NAME[:TAG][@DIGEST], the same behind a "
            "host, or the id of a hub; not \"%s\"",
            cli_value(c, "base"));
    name = str_cut(&digest, '@');
    if (digest.p && digest_parse(digest, &parsed, e) < 0) {
        e->code = ERR_USAGE;
        return -1;
    }
    struct str rest = name, host = str_cut(&rest, '/');
    if (!ref->is_layout && rest.n && str_ieq(host, str_from(ref->remote.host)))
        name = rest;
    if (add(all, STR(OCI_ANNOTATION_BASE_NAME), name, e) < 0 ||
        (digest.p && add(all, STR(OCI_ANNOTATION_BASE_DIGEST), digest, e) < 0))
        return -1;
    return add(all, STR(OCI_ANNOTATION_LINK_RELATION), str_from(relation ? relation : "base"), e);
}

static int read_options(struct cli *c, const struct artifact_ref *ref, struct attach_options *o,
                        struct annotations *all, struct err *e)
{
    struct media_type parsed;
    const char *type = cli_value(c, "type"), *media_type = cli_value(c, "media-type");
    bool link = cli_value(c, "base") != NULL;

    *o = (struct attach_options){.type = link && !type ? OCI_TYPE_LINK : type,
                                 .media_type = media_type ? media_type : FILE_TYPE,
                                 .files = c->args + 1,
                                 .n_files = c->n_args - 1};
    if (link == (o->n_files > 0))
        return ERR(e, USAGE,
                   link ? "--base attaches a link, which has no files"
                        : "say which files to attach, or --base for a link");
    if (cli_value(c, "relation") && !link)
        return ERR(e, USAGE, "--relation is for --base");
    if (!o->type || (link && type))
        return ERR(e, USAGE,
                   link ? "a link has a type of its own: --type is for files"
                        : "say what the files are: --type TYPE");
    if (media_type_parse(str_from(o->type), &parsed, e) < 0 ||
        media_type_parse(str_from(o->media_type), &parsed, e) < 0) {
        e->code = ERR_USAGE;
        return -1;
    }
    if (read_annotations(c, all, e) < 0 || (link && add_link(c, ref, all, e) < 0))
        return -1;
    o->annotations = all->v;
    o->n_annotations = all->n;
    return 0;
}

static int print(const struct cli *c, const char *ref, const struct attach_options *o,
                 const struct attach_result *r, struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;

    if (!cli_has(c, "json"))
        return cli_printf(e, "attached to %s\ndigest %s\n", ref, r->digest.text);
    buf_init(&out, CLI_TEXT_MAX);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstrz(&w, "reference", ref);
    jsonw_kstr(&w, "subject", digest_str(&r->subject));
    jsonw_kstr(&w, "digest", digest_str(&r->digest));
    jsonw_kstrz(&w, "type", o->type);
    jsonw_key(&w, "files");
    jsonw_list(&w);
    for (size_t i = 0; i < o->n_files; i++) {
        jsonw_object(&w);
        jsonw_kstr(&w, "file", r->files[i].name);
        jsonw_kstr(&w, "digest", digest_str(&r->files[i].digest));
        jsonw_ku64(&w, "size", r->files[i].size);
        jsonw_kbool(&w, "already_there", r->files[i].present);
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

static int attach(struct cli *c, struct artifact_ref *ref, const struct attach_options *o,
                  const struct transfer_events *events, struct arena *a, struct attach_result *ret,
                  struct err *e)
{
    struct transport_options connection;
    AUTO(transfer) x = {0};

    progress_connection(c, &connection);
    transfer_init(&x, events);
    connection.cancel = x.cancel;
    AUTO_ENDPOINT p = artifact_ref_open(ref, ARTIFACT_WRITE, &connection, e);
    if (!p || artifact_ref_settle(ref, p, e) < 0)
        return -1;
    return attach_artifact(p, &ref->ref, o, &x, a, ret, e);
}

static int run(struct cli *c, struct err *e)
{
    struct attach_options o;
    struct annotations all;
    struct artifact_ref ref;
    struct attach_result r;
    struct progress progress;
    AUTO(arena) arena = {0};

    if (copying_ref(c->args[0], &ref, e) < 0 || read_options(c, &ref, &o, &all, e) < 0 ||
        progress_threads(c, &o.threads, e) < 0)
        return -1;
    if (!ref.is_layout)
        c->host = arena_strz(&c->arena, str_from(ref.remote.host));
    arena_init(&arena, LIMIT_COPY_MEMORY);
    progress_init(&progress, c);
    int rc = attach(c, &ref, &o, &progress.events, &arena, &r, e);
    progress_end(&progress);
    return rc < 0 ? -1 : print(c, artifact_ref_text(&c->arena, &ref), &o, &r, e);
}

const struct command cmd_attach = {
    .name = "attach",
    .summary = "Attach files or a link to an artifact",
    .synopsis = "--type TYPE [OPTION ...] REF FILE [FILE ...] | --base TARGET [--relation HOW] REF",
    .help =
        "Makes an artifact about the one that REF names (HOST[:PORT]/PROJECT/NAME[:TAG|@DIGEST] "
        "or\n"
        "oci:DIR[:TAG|@DIGEST]), as others make signatures: REF keeps its digest. It goes to any "
        "registry;\n"
        "one that keeps no list of what refers to an artifact gets it under a tag. `haven ls "
        "--attached\n"
        "REF` lists what is attached, `haven cp --referrers` takes it along.\n"
        "\n"
        "With --base there are no files: it says what REF depends on, for who asks the registry "
        "for the\n"
        "lineage of a model. TARGET need not be there yet.\n"
        "\n"
        "  haven attach --type application/vnd.example.report+json HOST/team/model:v1 "
        "report.json\n"
        "  haven attach --base Qwen/Qwen3-0.6B --relation finetune HOST/team/model:v1\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = CLI_ARGS_ANY,
    .run = run,
};
