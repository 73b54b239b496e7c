/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pull.h"

#include "cli/progress.h"

static const struct cli_option options[] = {
    PROGRESS_OPTIONS_CONNECTION,
    PROGRESS_OPTIONS_TRANSFER,
};

static int run(struct cli *c, struct err *e)
{
    struct pull_options o = {.threads = 0};
    struct pull_result result;
    struct remote_ref ref;
    struct progress progress;

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
    .synopsis = "[OPTION ...] HOST[:PORT]/PROJECT/NAME[:TAG|@DIGEST] DIR",
    .help = "Writes each file of the model to DIR, verified against its digest before it gets its "
            "name.\n"
            "Files that are right already are left alone; a pull that was interrupted goes on "
            "where it\n"
            "stood when the same command is given again. Other files in DIR are not touched.\n"
            "\n"
            "  haven pull registry.example.org/library/qwen3-0.6b:v1 ./qwen3-0.6b\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
