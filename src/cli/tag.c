/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/copying.h"
#include "cli/signals.h"

static const struct cli_option options[] = {
    PROGRESS_OPTIONS_CONNECTION,
    {.name = "json", .help = "Print the result as a JSON object."},
};

/* A new name, and whether it named this manifest before. */
struct name {
    struct tag tag;
    bool already;
};

static int put_all(struct endpoint *p, struct arena *a, const struct endpoint_manifest *m,
                   struct name *names, size_t n, struct err *e)
{
    struct oci_manifest doc;
    if (oci_manifest_parse(a, m->bytes, m->type, &doc, e) < 0)
        return err_wrap(e, "%s", p->shown);
    for (size_t i = 0; i < n; i++) {
        const struct reference ref = {.tag = names[i].tag};
        struct endpoint_entry there;
        int rc = p->ops->manifest_head(p, a, &ref, &there, e);
        if (rc < 0)
            return -1;
        names[i].already = rc > 0 && digest_eq(&there.digest, &m->digest);
        if (!names[i].already && p->ops->manifest_put(p, m->bytes, str_from(doc.type.text),
                                                      &m->digest, &names[i].tag, e) < 0)
            return err_wrap(e, "%s", names[i].tag.text);
    }
    return 0;
}

static int print(const struct cli *c, const char *ref, const struct digest *digest,
                 const struct name *names, size_t n, struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;

    buf_init(&out, CLI_TEXT_MAX);
    if (!cli_has(c, "json")) {
        for (size_t i = 0; i < n; i++)
            buf_addf(&out, "%s %s\n", names[i].already ? "already there:" : "tagged",
                     names[i].tag.text);
        buf_addf(&out, "digest %s\n", digest->text);
        return cli_print(buf_str(&out), e);
    }
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstrz(&w, "reference", ref);
    jsonw_kstr(&w, "digest", digest_str(digest));
    jsonw_key(&w, "tags");
    jsonw_list(&w);
    for (size_t i = 0; i < n; i++) {
        jsonw_object(&w);
        jsonw_kstrz(&w, "tag", names[i].tag.text);
        jsonw_kbool(&w, "already_there", names[i].already);
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

static int run(struct cli *c, struct err *e)
{
    struct transport_options connection;
    struct artifact_ref ref;
    struct endpoint_manifest m;
    size_t n = c->n_args - 1;
    struct name *names = ARENA_ARRAY(&c->arena, n, struct name);
    AUTO(arena) arena = {0};

    arena_init(&arena, LIMIT_COPY_MEMORY);
    if (copying_ref(c->args[0], &ref, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (tag_parse(str_from(c->args[i + 1]), &names[i].tag, e) < 0)
            return -1;
    if (!ref.is_layout)
        c->host = arena_strz(&c->arena, str_from(ref.remote.host));
    progress_connection(c, &connection);
    AUTO_ENDPOINT p = artifact_ref_open(&ref, ARTIFACT_WRITE, &connection, e);
    if (!p || artifact_ref_settle(&ref, p, e) < 0 ||
        p->ops->manifest_get(p, &arena, &ref.ref, &m, e) < 0 ||
        put_all(p, &arena, &m, names, n, e) < 0)
        return -1;
    return print(c, artifact_ref_text(&c->arena, &ref), &m.digest, names, n, e);
}

const struct command cmd_tag = {
    .name = "tag",
    .summary = "Give an artifact more tags",
    .synopsis = "[OPTION ...] REF TAG [TAG ...]",
    .help =
        "REF is HOST[:PORT]/PROJECT/NAME[:TAG|@DIGEST] or oci:DIR[:TAG|@DIGEST]. No content moves: "
        "the\n"
        "manifest is put under each tag as it is, with the same digest. A tag that named something "
        "else\n"
        "names this artifact from then on. To tag it in another repository: haven cp.\n"
        "\n"
        "  haven tag registry.example.org/library/qwen3-0.6b:v1.2 v1 latest\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 2,
    .max_args = CLI_ARGS_ANY,
    .run = run,
};
