/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pull.h"

#include "cli/copying.h"

static const struct cli_option options[] = {
    {.name = "output",
     .letter = 'o',
     .metavar = "LAYOUT",
     .help = "Copy the artifact as it is into an OCI image layout in this directory."},
    PROGRESS_OPTIONS_CONNECTION,
    PROGRESS_OPTIONS_TRANSFER,
};

static int run(struct cli *c, struct err *e)
{
    struct pull_options o = {.threads = 0};
    struct pull_result result;
    struct remote_ref ref;
    struct progress progress;

    if (cli_value(c, "output") && c->n_args == 1)
        return copying_pull(c, c->args[0], cli_value(c, "output"), e);
    if (cli_value(c, "output") || c->n_args == 1)
        return ERR(e, USAGE, "name either DIR, for the files, or -o LAYOUT");
    if (progress_ref(c, c->args[0], &ref, e) < 0 || progress_threads(c, &o.threads, e) < 0)
        return -1;
    c->resumes = true;
    progress_connection(c, &o.transport);
    progress_init(&progress, c);
    o.events = &progress.events;
    int rc = pull_dir(&ref, c->args[1], &o, &result, e);
    progress_end(&progress);
    if (rc < 0)
        return -1;
    return progress_summary(c, "pulled", c->args[0], &result.digest, &result.state, e);
}

const struct command cmd_pull = {
    .name = "pull",
    .summary = "Fetch a model from a registry into a directory",
    .synopsis = "[OPTION ...] HOST[:PORT]/PROJECT/NAME[:TAG|@DIGEST] DIR|-o LAYOUT",
    .help = "Writes each file of the model to DIR, verified against its digest before it gets its "
            "name.\n"
            "Files that are right already are left alone; a pull that was interrupted goes on "
            "where it\n"
            "stood when the same command is given again. Other files in DIR are not touched.\n"
            "\n"
            "With -o the artifact itself is copied, to be carried where no registry is: haven "
            "push LAYOUT REF\n"
            "sends it on with the same digest.\n"
            "\n"
            "  haven pull registry.example.org/library/qwen3-0.6b:v1 ./qwen3-0.6b\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
