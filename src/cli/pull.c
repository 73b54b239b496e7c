/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pull.h"

#include "cli/copying.h"
#include "cli/selection.h"

static const struct cli_option options[] = {
    {.name = "output",
     .letter = 'o',
     .metavar = "LAYOUT",
     .help = "Copy the artifact as it is into an OCI image layout in this directory."},
    PROGRESS_OPTIONS_CONNECTION,
    PROGRESS_OPTIONS_TRANSFER,
    {.name = "include",
     .repeat = true,
     .metavar = "GLOB",
     .help = "Only files that match, as in .gitignore: \"*.json\", \"onnx/\". May be repeated."},
    {.name = "exclude",
     .repeat = true,
     .metavar = "GLOB",
     .help = "No files that match, even if they are included. May be repeated."},
    {.name = "platform",
     .metavar = "OS/ARCH",
     .help = "Which manifest of an image for several machines (default: this machine's)."},
};

/* DIR, else the last part of the repository's name as it was written. */
static const char *directory(struct cli *c, const struct remote_ref *ref)
{
    struct str name = ref->display[0] ? str_from(ref->display) : repo_name_str(&ref->repo);
    if (c->n_args > 1)
        return c->args[1];
    return arena_strz(&c->arena, str_skip(name, (size_t)(str_rchr(name, '/') + 1)));
}

static int run(struct cli *c, struct err *e)
{
    struct pull_options o = {.threads = 0};
    struct pull_result result;
    struct remote_ref ref;
    struct progress progress;

    bool part = cli_has(c, "include") || cli_has(c, "exclude") || cli_has(c, "platform");
    if (cli_value(c, "output") && part)
        return ERR(e, USAGE,
                   "-o LAYOUT copies all of an artifact: without --include, --exclude "
                   "and --platform");
    if (cli_value(c, "output") && c->n_args == 1)
        return copying_pull(c, c->args[0], cli_value(c, "output"), e);
    if (cli_value(c, "output"))
        return ERR(e, USAGE, "name either DIR, for the files, or -o LAYOUT");
    if (progress_ref(c, c->args[0], &ref, e) < 0 || progress_threads(c, &o.threads, e) < 0 ||
        selection_globs(c, "include", &c->arena, &o.filter.include, e) < 0 ||
        selection_globs(c, "exclude", &c->arena, &o.filter.exclude, e) < 0)
        return -1;
    o.platform = str_from(cli_value(c, "platform"));
    c->resumes = true;
    progress_connection(c, &o.transport);
    progress_init(&progress, c);
    o.events = &progress.events;
    int rc = pull_dir(&ref, directory(c, &ref), &o, &result, e);
    progress_end(&progress);
    if (rc < 0)
        return -1;
    return progress_summary(c, "pulled", c->args[0], &result.digest, &result.state, e);
}

const struct command cmd_pull = {
    .name = "pull",
    .summary = "Fetch a model from a registry into a directory",
    .synopsis = "[OPTION ...] HOST[:PORT]/PROJECT/NAME[:TAG|@DIGEST] [DIR|-o LAYOUT]",
    .help = "Writes each file of the model to DIR (default: the last part of its name), verified "
            "against its\n"
            "digest before it gets its name. Layers that are archives are unpacked.\n"
            "Files that are right already are left alone; a pull that was interrupted goes on "
            "where it\n"
            "stood when the same command is given again. Other files in DIR are not touched.\n"
            "\n"
            "With -o the artifact itself is copied, to be carried where no registry is: haven "
            "push LAYOUT REF\n"
            "sends it on with the same digest.\n"
            "\n"
            "  haven pull registry.example.org/library/qwen3-0.6b:v1 ./qwen3-0.6b\n"
            "  haven pull --include '*.json' registry.example.org/library/qwen3-0.6b:v1\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
