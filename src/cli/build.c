/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/form.h"
#include "cli/progress.h"
#include "cli/selection.h"
#include "cli/set.h"
#include "cli/warnings.h"
#include "client/push.h"

static const struct cli_option options[] = {
    {.name = "output",
     .letter = 'o',
     .metavar = "LAYOUT",
     .help = "Directory of the OCI image layout; made if it is missing."},
    {.name = "tag",
     .letter = 't',
     .metavar = "TAG",
     .help = "Name of the model in the layout (default latest)."},
    SELECTION_OPTION_MODELFILE,
    SELECTION_OPTIONS,
    FORM_OPTIONS,
    SET_OPTION,
    PROGRESS_OPTIONS_TRANSFER,
};

static int run(struct cli *c, struct err *e)
{
    struct push_options o = {.threads = 0};
    struct push_result result;
    struct progress progress;
    struct tag tag;
    AUTO(selection) s = {0};
    AUTO(warnings) w = {0};
    const char *layout = cli_value(c, "output"), *name = cli_value(c, "tag");

    if (!layout)
        return ERR(e, USAGE, "-o LAYOUT is missing: the directory to write to");
    if (tag_parse(str_from(name ? name : "latest"), &tag, e) < 0 ||
        progress_threads(c, &o.threads, e) < 0 || progress_source_date(&o.created_ms, e) < 0 ||
        form_read(c, &o.form, e) < 0 || set_read(c, &o.set, &o.n_set, e) < 0)
        return -1;
    if (selection_read(&s, c, cli_value(c, "modelfile"), e) < 0)
        return -1;
    o.pick = s.pick;
    warnings_init(&w);
    o.warning = warnings_keep;
    o.self = &w;
    c->resumes = true;
    progress_init(&progress, c);
    o.events = &progress.events;
    int rc = push_to_layout(c->args[0], layout, &tag, &o, &result, e);
    progress_end(&progress);
    warnings_print(&w);
    if (rc < 0)
        return -1;
    AUTO_FREE char *shown = mem_printf("%s:%s", layout, tag.text);
    return progress_summary(c, "built", shown, &result.digest, &result.state, e);
}

const struct command cmd_build = {
    .name = "build",
    .summary = "Write a model directory to an OCI image layout",
    .synopsis = "[OPTION ...] DIR -o LAYOUT",
    .help = "Packs every file below DIR as `haven push` does, into a directory that other tools "
            "read as\n"
            "oci:LAYOUT:TAG and that can be carried where no registry is. Several models can lie "
            "in one\n"
            "layout; what is there already is not written again. The model is named after DIR.\n"
            "\n"
            "  haven build ./qwen3-0.6b -o /media/usb/models -t qwen3-0.6b\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
