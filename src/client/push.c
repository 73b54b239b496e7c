/* SPDX-License-Identifier: Apache-2.0 */
#include "client/push.h"

#include <errno.h>
#include <stdlib.h>

static struct str last_part(struct str path)
{
    ptrdiff_t slash = str_rchr(path, '/');
    return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

static int pack(const char *dir, struct endpoint *to, const struct reference *ref, struct str name,
                const struct push_options *options, struct transfer *x, struct push_result *ret,
                struct err *e)
{
    struct push_result r;
    AUTO_MEMO memo = memo_open();
    const struct pack_options po = {.form = options->form,
                                    .name = name,
                                    .pick = &options->pick,
                                    .set = options->set,
                                    .n_set = options->n_set,
                                    .threads = options->threads,
                                    .created_ms = options->created_ms,
                                    .memo = memo,
                                    .warning = options->warning,
                                    .self = options->self};
    if (pack_dir(dir, to, ref, &po, x, &r.digest, e) < 0)
        return -1;
    r.state = transfer_state_now(x);
    *ret = r;
    return 0;
}

int push_dir(const char *dir, const struct remote_ref *ref, const struct push_options *options,
             struct push_result *ret, struct err *e)
{
    AUTO(transfer) x = {0};
    transfer_init(&x, options->events);
    struct transport_options to = options->transport;
    to.cancel = x.cancel;
    AUTO_ENDPOINT remote = endpoint_remote(ref, true, &to, e);
    if (!remote)
        return -1;
    /* The last part of the repository's name: the same wherever the directory lies. */
    return pack(dir, remote, &ref->ref, last_part(repo_name_str(&ref->repo)), options, &x, ret, e);
}

int push_to_layout(const char *dir, const char *layout, const struct tag *tag,
                   const struct push_options *options, struct push_result *ret, struct err *e)
{
    AUTO(transfer) x = {0};
    const struct reference ref = {.tag = *tag};

    transfer_init(&x, options->events);
    AUTO_FREE char *full = realpath(dir, NULL);
    if (!full)
        return ERR_SYS(e, "cannot open %s", dir);
    AUTO_ENDPOINT to = endpoint_layout(layout, true, e);
    if (!to)
        return -1;
    return pack(dir, to, &ref, last_part(str_from(full)), options, &x, ret, e);
}
