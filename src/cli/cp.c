/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/copying.h"

static const struct cli_option options[] = {
    COPYING_OPTION_REFERRERS,
    {.name = "platform",
     .metavar = "OS/ARCH",
     .help = "Copy one manifest of an index, as linux/amd64, in the place of all."},
    PROGRESS_OPTIONS_CONNECTION,
    PROGRESS_OPTIONS_TRANSFER,
};

static int run(struct cli *c, struct err *e)
{
    struct copying_wish w = {.done = "copied",
                             .platform = cli_value(c, "platform"),
                             .referrers = cli_has(c, "referrers")};
    if (copying_ref(c->args[0], &w.from, e) < 0 || copying_ref(c->args[1], &w.to, e) < 0)
        return -1;
    return copying_run(c, &w, e);
}

const struct command cmd_cp = {
    .name = "cp",
    .summary = "Copy an artifact between registries and OCI image layouts",
    .synopsis = "[OPTION ...] SRC DST",
    .help =
        "SRC and DST are HOST[:PORT]/PROJECT/NAME[:TAG|@DIGEST] or oci:DIR[:TAG|@DIGEST], an OCI "
        "image\n"
        "layout in a directory. Everything that the artifact names is copied with it, also through "
        "nested\n"
        "indexes; its bytes and its digest stay the same. Nothing is kept on this machine's disk, "
        "and every\n"
        "blob is held against its digest on the way. What DST has is not sent again, and within "
        "one registry\n"
        "blobs are mounted where it allows that. A copy that broke off is taken up by the same "
        "command.\n"
        "\n"
        "Layers that may not be distributed (of some Windows images) are left out. Without a tag, "
        "a registry\n"
        "is given \"latest\" and a layout the tag of SRC.\n"
        "\n"
        "  haven cp --referrers ghcr.io/org/model:v1 registry.example.org/library/model:v1\n"
        "  haven cp registry.example.org/library/model:v1 oci:/media/usb/models\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
