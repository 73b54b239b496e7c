/* SPDX-License-Identifier: Apache-2.0 */
#include "client/push.h"

#include "cli/copying.h"
#include "cli/form.h"
#include "cli/selection.h"
#include "cli/set.h"
#include "cli/warnings.h"

static const struct cli_option options[] = {
    SELECTION_OPTION_MODELFILE,
    SELECTION_OPTIONS,
    FORM_OPTIONS,
    SET_OPTION,
    {.name = "tag",
     .metavar = "TAG",
     .help = "Which artifact of an OCI image layout, when it holds several."},
    PROGRESS_OPTIONS_CONNECTION,
    PROGRESS_OPTIONS_TRANSFER,
};

static int run(struct cli *c, struct err *e)
{
    struct push_options o = {.threads = 0};
    struct push_result result;
    struct remote_ref ref;
    struct progress progress;
    AUTO(selection) s = {0};
    AUTO(warnings) w = {0};

    if (endpoint_is_layout(c->args[0])) {
        if (cli_has(c, "set"))
            return ERR(e, USAGE, "--set is for directories of files; the model in %s is packed",
                       c->args[0]);
        return copying_push(c, c->args[0], c->args[1], e);
    }
    if (cli_value(c, "tag"))
        return ERR(e, USAGE, "--tag is for OCI image layouts, and %s is none", c->args[0]);
    if (progress_ref(c, c->args[1], &ref, e) < 0 || progress_threads(c, &o.threads, e) < 0 ||
        progress_source_date(&o.created_ms, e) < 0 || form_read(c, &o.form, e) < 0 ||
        set_read(c, &o.set, &o.n_set, e) < 0)
        return -1;
    if (selection_read(&s, c, cli_value(c, "modelfile"), e) < 0)
        return -1;
    o.pick = s.pick;
    warnings_init(&w);
    o.warning = warnings_keep;
    o.self = &w;
    c->resumes = true;
    progress_connection(c, &o.transport);
    progress_init(&progress, c);
    o.events = &progress.events;
    int rc = push_dir(c->args[0], &ref, &o, &result, e);
    progress_end(&progress);
    warnings_print(&w);
    if (rc < 0)
        return -1;
    return progress_summary(c, "pushed", c->args[1], &result.digest, &result.state, e);
}

const struct command cmd_push = {
    .name = "push",
    .summary = "Send a model directory to a registry",
    .synopsis = "[OPTION ...] DIR HOST[:PORT]/PROJECT/NAME[:TAG]",
    .help = "Packs every file below DIR as a layer of a ModelPack artifact and sends it. Files are "
            "read\n"
            "once, nothing is copied on this machine, and an upload that breaks off is taken up "
            "again.\n"
            "\n"
            "Hidden files, Modelfile, Python's caches and what a .havenignore in DIR names (its "
            "lines are\n"
            "those of a .gitignore) are left out. With -f, only the files that the Modelfile names "
            "are\n"
            "packed. In patterns * stays within a name and ** crosses directories; --include and "
            "--exclude\n"
            "without a / match at any depth, and a directory stands for all that is in it.\n"
            "\n"
            "Links that lead out of DIR, Git LFS pointers, devices and names that another file "
            "system could\n"
            "not take are refused.\n"
            "\n"
            "With --tar each layer is a tar archive of its file. With --form cnai-image the model "
            "is an image\n"
            "that podman, containerd and Kubernetes pull and mount; small files share layers. "
            "Neither is made on\n"
            "disk first.\n"
            "\n"
            "A DIR that is an OCI image layout (haven build, haven pull -o) is sent as it is: no "
            "file is packed.\n"
            "\n"
            "The same files always give the same digest; only SOURCE_DATE_EPOCH in the environment "
            "adds a\n"
            "time of creation. Credentials come from docker's configuration (haven login, docker "
            "login).\n"
            "\n"
            "  haven push ./qwen3-0.6b registry.example.org/library/qwen3-0.6b:v1\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
