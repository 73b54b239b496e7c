/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/copying.h"
#include "cli/prompt.h"
#include "cli/signals.h"
#include "client/describe.h"

static const struct cli_option options[] = {
    {.name = "yes", .letter = 'y', .help = "Do not ask before an artifact goes with its tags."},
    {.name = "force", .help = "Delete it whatever other artifacts depend on it."},
    PROGRESS_OPTIONS_CONNECTION,
    {.name = "json", .help = "Print the result as a JSON object."},
};

/* As many names as a question or an error shows. */
#define NAMES_SHOWN 10

struct removal {
    struct cli *c;
    struct artifact_ref ref;
    struct endpoint *p;
    struct transfer *x;
    struct endpoint_entry *tags; /* by digest: those that go with it */
    size_t n_tags;
};

/* Every tag of the digest but the one that was written with it. */
static int find_tags(struct removal *r, struct arena *a, struct err *e)
{
    struct endpoint_entry *list;
    size_t n, kept = 0;
    if (r->p->ops->list(r->p, a, &list, &n, e) < 0 ||
        describe_same(r->p, &r->ref.ref.digest, TRANSFER_THREADS, r->x, list, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (list[i].tag.n && !str_eqz(list[i].tag, r->ref.ref.tag.text))
            list[kept++] = list[i];
    r->tags = list;
    r->n_tags = kept;
    return 0;
}

/* Names come from the registry: nothing of them is for the terminal to obey. */
static void make_plain(struct buf *out)
{
    for (size_t i = 0; i < out->n; i++)
        if ((unsigned char)out->p[i] < ' ' || (unsigned char)out->p[i] >= 0x7f)
            out->p[i] = '?';
}

static void add_names(const struct removal *r, struct buf *out)
{
    for (size_t i = 0; i < r->n_tags && i < NAMES_SHOWN; i++)
        buf_addf(out, "%s%.*s", i ? ", " : "", S(r->tags[i].tag));
    if (r->n_tags > NAMES_SHOWN)
        buf_addf(out, " and %zu more", r->n_tags - NAMES_SHOWN);
    make_plain(out);
}

/* 0: yes; CANCELLED: no; USAGE with `otherwise`: nobody can be asked. */
static int ask(const char *question, const char *otherwise, struct err *e)
{
    AUTO(buf) answer = {0};
    buf_init(&answer, 64);
    if (prompt_line(question, false, &answer, e) < 0)
        return e->code == ERR_USAGE ? ERR(e, USAGE, "%s", otherwise) : -1;
    struct str said = str_trim(buf_str(&answer));
    if (!str_ieq(said, STR("y")) && !str_ieq(said, STR("yes")))
        return ERR(e, CANCELLED, "nothing was deleted");
    return 0;
}

static int ask_of_tags(const struct removal *r, struct err *e)
{
    AUTO(buf) names = {0};
    buf_init(&names, 2048);
    add_names(r, &names);
    AUTO_FREE char *question = mem_printf("%s has the tag%s %s, which go%s with it. Delete? [y/N] ",
                                          r->ref.ref.digest.text, r->n_tags == 1 ? "" : "s",
                                          names.p, r->n_tags == 1 ? "es" : "");
    AUTO_FREE char *otherwise =
        mem_printf("the artifact has the tag%s %s, deleted with it: --yes allows that",
                   r->n_tags == 1 ? "" : "s", names.p);
    return ask(question, otherwise, e);
}

/* "team/tuned:v1 (finetune)", one a line, for people to read before they answer. */
static void list_linked(const struct endpoint_linked *linked, struct buf *out)
{
    for (size_t i = 0; i < linked->n && i < NAMES_SHOWN; i++) {
        const struct endpoint_link *l = &linked->v[i];
        buf_addf(out, "%s%.*s%s%.*s (%.*s)", i ? ", " : "", S(str_head(l->repository, 255)),
                 l->tag.n ? ":" : "@", S(str_head(l->tag.n ? l->tag : l->digest, 128)),
                 S(str_head(l->relation, 32)));
    }
    if (linked->n > NAMES_SHOWN)
        buf_addf(out, " and %zu more", linked->n - NAMES_SHOWN);
    make_plain(out);
}

static int ask_of_linked(const struct removal *r, const struct endpoint_linked *linked,
                         struct err *e)
{
    AUTO(buf) names = {0};
    buf_init(&names, 8192);
    list_linked(linked, &names);
    bool one = linked->n == 1;
    AUTO_FREE char *question = mem_printf("%.*s is what %s depend%s on. Delete? [y/N] ",
                                          S(reference_str(&r->ref.ref)), names.p, one ? "s" : "");
    AUTO_FREE char *otherwise = mem_printf("%zu artifact%s depend%s on it: --force deletes it; %s",
                                           linked->n, one ? "" : "s", one ? "s" : "", names.p);
    return ask(question, otherwise, e);
}

/* What can be done where a registry does not take away tags. */
static int say_unable(struct removal *r, struct err *e)
{
    const struct artifact_ref *ref = &r->ref;
    const char *host = ref->remote.host;
    AUTO(arena) arena = {0};
    struct endpoint_entry there;

    if (ref->ref.is_digest)
        return ERR(e, UNSUPPORTED,
                   "%s does not delete manifests; deletion may have to be switched on there", host);
    arena_init(&arena, 16 * LIMIT_MANIFEST);
    if (r->p->ops->manifest_head(r->p, &arena, &ref->ref, &there, e) <= 0)
        return ERR(e, UNSUPPORTED, "%s does not take a tag alone away", host);
    return ERR(e, UNSUPPORTED,
               "%s does not take a tag alone away; to delete the artifact with all of its tags: "
               "haven rm %s/%s@%s",
               host, host, ref->remote.repo.text, there.digest.text);
}

static int print(const struct removal *r, struct err *e)
{
    const char *text = artifact_ref_text(&r->c->arena, &r->ref);
    AUTO(buf) out = {0};
    struct json_writer w;

    if (!cli_has(r->c, "json"))
        return cli_printf(e, "%s %s\n", r->ref.ref.is_digest ? "deleted" : "untagged", text);
    buf_init(&out, LIMIT_CLIENT_NAMES);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstrz(&w, "reference", text);
    jsonw_kstrz(&w, "removed", r->ref.ref.is_digest ? "artifact" : "tag");
    jsonw_key(&w, "tags");
    jsonw_list(&w);
    if (r->ref.ref.tag.text[0])
        jsonw_strz(&w, r->ref.ref.tag.text);
    for (size_t i = 0; i < r->n_tags; i++)
        jsonw_str(&w, r->tags[i].tag);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

static int remove_it(struct removal *r, struct arena *a, struct err *e)
{
    const struct reference *ref = &r->ref.ref;
    if (ref->is_digest) {
        int there = r->p->ops->manifest_head(r->p, a, ref, NULL, e);
        if (there < 0)
            return -1;
        if (there == 0)
            return ERR(e, MANIFEST_UNKNOWN, "%s holds no manifest %s", r->p->shown,
                       ref->digest.text);
        if (find_tags(r, a, e) < 0 || (r->n_tags && !cli_has(r->c, "yes") && ask_of_tags(r, e) < 0))
            return -1;
    }
    struct endpoint_linked linked = {.arena = a};
    int rc = r->p->ops->remove(r->p, ref, cli_has(r->c, "force") ? NULL : &linked, e);
    if (rc < 0 && e->code == ERR_PRECONDITION && linked.n)
        rc = ask_of_linked(r, &linked, e) < 0 ? -1 : r->p->ops->remove(r->p, ref, NULL, e);
    if (rc < 0)
        return e->code == ERR_UNSUPPORTED ? say_unable(r, e) : -1;
    if (rc == 0)
        return ERR(e, MANIFEST_UNKNOWN, "%s holds no %s %.*s", r->p->shown,
                   ref->is_digest ? "manifest" : "tag", S(reference_str(ref)));
    return print(r, e);
}

static int run(struct cli *c, struct err *e)
{
    struct transport_options connection;
    struct removal r = {.c = c};
    AUTO(arena) arena = {0};
    AUTO(transfer) x = {0};
    const struct transfer_events events = {.cancel = signals_watch()};

    arena_init(&arena, LIMIT_CLIENT_NAMES);
    if (copying_ref(c->args[0], &r.ref, e) < 0)
        return -1;
    if (!r.ref.named)
        return ERR(e, USAGE, "say what goes: %s:TAG takes the tag away, %s@DIGEST the artifact",
                   c->args[0], c->args[0]);
    if (!r.ref.is_layout)
        c->host = arena_strz(&c->arena, str_from(r.ref.remote.host));
    progress_connection(c, &connection);
    transfer_init(&x, &events);
    AUTO_ENDPOINT p = artifact_ref_open(&r.ref, ARTIFACT_WRITE, &connection, e);
    if (!p)
        return -1;
    r.p = p;
    r.x = &x;
    return remove_it(&r, &arena, e);
}

const struct command cmd_rm = {
    .name = "rm",
    .summary = "Take a tag away, or delete an artifact",
    .synopsis = "[--yes] [--force] [OPTION ...] REF",
    .help =
        "HOST[:PORT]/PROJECT/NAME:TAG (or oci:DIR:TAG) takes the tag away and leaves the artifact, "
        "which\n"
        "can still be had by its digest. With @DIGEST the artifact goes, with all of its tags; if "
        "it has\n"
        "any that were not named, the command asks first (--yes: it does not).\n"
        "\n"
        "Haven's registry knows what depends on an artifact: fine-tunes of a model, links that "
        "were "
        "set by\n"
        "hand. It says so before the target of such a link goes, and the command asks (--force: it "
        "does not).\n"
        "So does a layout, of what names the artifact by its digest; what is about the artifact "
        "and has no\n"
        "tag of its own goes along, there as in Haven's registry.\n"
        "\n"
        "Not every registry takes away a tag alone, and some delete nothing until that is switched "
        "on. When\n"
        "the space becomes free is the registry's business; in a layout it is free at once.\n"
        "\n"
        "  haven rm registry.example.org/library/qwen3-0.6b:old\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
