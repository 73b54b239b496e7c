/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/copying.h"

#include "client/copy.h"

int copying_ref(const char *text, struct artifact_ref *ret, struct err *e)
{
    if (artifact_ref_parse(str_from(text), ret, e) == 0) {
        if (!ret->is_layout)
            progress_name(&ret->remote);
        return 0;
    }
    if (e->code == ERR_DIGEST_INVALID)
        e->code = ERR_NAME_INVALID; /* a malformed digest is no damaged content */
    return -1;
}

/* Whose registry advice is about, where that is clear. */
static void set_host(struct cli *c, const struct copying_wish *w)
{
    const struct artifact_ref *one = w->to.is_layout ? &w->from : &w->to;
    if (w->from.is_layout || w->to.is_layout || artifact_ref_same_registry(&w->from, &w->to))
        c->host = one->is_layout ? NULL : arena_strz(&c->arena, str_from(one->remote.host));
}

static int summary_json(const char *from, const char *to, const struct copy_result *r,
                        const struct transfer_state *s, struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;

    buf_init(&out, CLI_TEXT_MAX);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    progress_summary_members(&w, to, &r->digest, s);
    jsonw_kstrz(&w, "source", from);
    jsonw_kbool(&w, "already_there", r->already);
    jsonw_ku64(&w, "manifests", r->manifests);
    jsonw_ku64(&w, "layers_left_out", r->left_out);
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

static int summary(const struct cli *c, const struct copying_wish *w, const char *from,
                   const char *to, const struct copy_result *r, const struct transfer_state *s,
                   struct err *e)
{
    if (cli_has(c, "json"))
        return summary_json(from, to, r, s, e);
    if (r->already)
        return cli_printf(e, "already there: %s\ndigest %s\n", to, r->digest.text);
    if (progress_summary(c, w->done, to, &r->digest, s, e) < 0)
        return -1;
    if (r->manifests > 1 && cli_printf(e, "%zu manifests\n", r->manifests) < 0)
        return -1;
    if (r->left_out)
        return cli_printf(e,
                          "%zu layer%s left out: registries need not hold what may not be "
                          "distributed; whoever uses the artifact fetches it elsewhere\n",
                          r->left_out, r->left_out == 1 ? " was" : "s were");
    return 0;
}

/* What the target is to be named: a tag that was written, or the digest that was; a layout takes
 * the source's tag where nothing was. */
static const struct tag *target_tag(const struct artifact_ref *from, const struct artifact_ref *to)
{
    if (to->is_layout && !to->named)
        return from->ref.tag.text[0] ? &from->ref.tag : NULL;
    return to->ref.tag.text[0] ? &to->ref.tag : NULL;
}

static int copy(const struct copy_options *options, const struct transport_options *connection,
                const struct transfer_events *events, struct artifact_ref *from,
                struct artifact_ref *to, struct copy_result *ret, struct transfer_state *ret_state,
                struct err *e)
{
    struct copy_options o = *options;
    struct transport_options from_options = *connection, to_options = *connection;
    AUTO(transfer) x = {0};

    transfer_init(&x, events);
    from_options.cancel = to_options.cancel = x.cancel;
    AUTO_ENDPOINT source = artifact_ref_open(from, ARTIFACT_READ, &from_options, e);
    if (!source || artifact_ref_settle(from, source, e) < 0)
        return -1;
    bool elsewhere = strcmp(from->remote.repo.text, to->remote.repo.text) != 0;
    if (artifact_ref_same_registry(from, to) && elsewhere)
        to_options.mount_from = o.mount_from = &from->remote.repo;
    AUTO_ENDPOINT target = artifact_ref_open(to, ARTIFACT_CREATE, &to_options, e);
    if (!target)
        return -1;
    const struct tag *tag = target_tag(from, to);
    const struct digest *digest = to->named && to->ref.is_digest ? &to->ref.digest : NULL;
    if (copy_artifact(source, &from->ref, target, tag, digest, &o, &x, ret, e) < 0)
        return -1;
    *ret_state = transfer_state_now(&x);
    if (!to->named && to->is_layout) { /* for the summary */
        to->named = true;
        to->ref = (struct reference){.is_digest = !tag, .digest = ret->digest};
        if (tag)
            to->ref.tag = *tag;
    }
    return 0;
}

int copying_run(struct cli *c, const struct copying_wish *w, struct err *e)
{
    struct transport_options connection;
    struct progress progress;
    struct transfer_state state;
    struct copy_result result = {.manifests = 0};
    struct copy_options o = {.referrers = w->referrers, .platform = str_from(w->platform)};
    struct artifact_ref from = w->from, to = w->to;
    AUTO_MEMO memo = memo_open();

    if (progress_threads(c, &o.threads, e) < 0)
        return -1;
    c->resumes = true;
    set_host(c, w);
    o.memo = memo;
    progress_connection(c, &connection);
    progress_init(&progress, c);
    int rc = copy(&o, &connection, &progress.events, &from, &to, &result, &state, e);
    progress_end(&progress);
    if (rc < 0)
        return -1;
    return summary(c, w, artifact_ref_text(&c->arena, &from), artifact_ref_text(&c->arena, &to),
                   &result, &state, e);
}

int copying_push(struct cli *c, const char *layout, const char *ref, struct err *e)
{
    struct copying_wish w = {.done = "pushed"};
    if (artifact_ref_layout(layout, cli_value(c, "tag"), &w.from, e) < 0 ||
        copying_ref(ref, &w.to, e) < 0)
        return -1;
    return copying_run(c, &w, e);
}

int copying_pull(struct cli *c, const char *ref, const char *layout, struct err *e)
{
    struct copying_wish w = {.done = "pulled"};
    if (copying_ref(ref, &w.from, e) < 0 || artifact_ref_layout(layout, NULL, &w.to, e) < 0)
        return -1;
    return copying_run(c, &w, e);
}
