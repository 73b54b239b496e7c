/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/limits.h"
#include "cli/selection.h"
#include "client/local.h"
#include "client/weigh.h"

#include <errno.h>
#include <fcntl.h>

#define OUTPUT_MODE 0644

/* In the order of enum modelfile_value. */
static const struct cli_option options[] = {
    {.name = "name", .metavar = "TEXT", .help = "The model's name, instead of DIR's."},
    {.name = "arch", .metavar = "TEXT", .help = "The architecture, such as transformer."},
    {.name = "family", .metavar = "TEXT", .help = "The family, such as qwen3."},
    {.name = "format", .metavar = "TEXT", .help = "The format of the weights."},
    {.name = "param-size", .metavar = "TEXT", .help = "How many parameters, such as 0.6B."},
    {.name = "precision", .metavar = "TEXT", .help = "The precision, such as bfloat16."},
    {.name = "quantization", .metavar = "TEXT", .help = "The quantization, such as awq."},
    SELECTION_OPTIONS,
    {.name = "output",
     .letter = 'o',
     .metavar = "FILE",
     .help = "Write to FILE instead of standard output."},
    {.name = "force", .help = "Overwrite FILE."},
};

/* What the files say, where no flag has said it. */
static int add_facts(struct local_files *l, const bool *given, struct modelfile *m, struct err *e)
{
    AUTO(model_facts) facts = {0};

    model_facts_init(&facts);
    if (local_files_facts(l, STR_NULL, NULL, &facts, e) < 0)
        return -1;
    weigh(l, &facts);
    model_facts_resolve(&facts);
    const struct str said[MODELFILE_VALUE_COUNT] = {
        [MODELFILE_ARCH] = facts.architecture,   [MODELFILE_FAMILY] = facts.family,
        [MODELFILE_FORMAT] = facts.format,       [MODELFILE_PARAMSIZE] = facts.param_size,
        [MODELFILE_PRECISION] = facts.precision, [MODELFILE_QUANTIZATION] = facts.quantization,
    };
    for (size_t i = 0; i < ARRAY_LEN(said); i++)
        if (!given[i] && said[i].n && !modelfile_value_wrong(said[i]))
            m->values[i] = arena_str(&l->arena, said[i]);
    return 0;
}

/* Would push take the value? What it makes of it is its own business. */
static int check_value(const char *option, const char *value, struct err *e)
{
    AUTO(model_facts) facts = {0};
    model_facts_init(&facts);
    return model_facts_set(&facts, option, str_from(value), e);
}

/* The directory's own name, also of "." and "..". */
static struct str name_of(struct arena *a, const char *dir)
{
    AUTO_FREE char *full = realpath(dir, NULL);
    struct str name = str_from(full);
    ptrdiff_t slash = str_rchr(name, '/');
    name = str_skip(name, slash < 0 ? 0 : (size_t)slash + 1);
    return modelfile_value_wrong(name) ? STR_NULL : arena_str(a, name);
}

static int add_values(const struct cli *c, struct local_files *l, struct modelfile *m,
                      struct err *e)
{
    bool given[MODELFILE_VALUE_COUNT];
    for (size_t i = 0; i < MODELFILE_VALUE_COUNT; i++) {
        const char *value = cli_value(c, options[i].name);
        const char *wrong = modelfile_value_wrong(str_from(value));
        if (wrong)
            return ERR(e, USAGE, "the value of --%s %s", options[i].name, wrong);
        if (value && check_value(options[i].name, value, e) < 0)
            return -1;
        given[i] = value != NULL;
        m->values[i] = str_from(value);
    }
    if (!given[MODELFILE_NAME])
        m->values[MODELFILE_NAME] = name_of(&l->arena, c->args[0]);
    return add_facts(l, given, m, e);
}

/* A line for each file, and not patterns: what comes to the directory later is not packed by
 * accident. */
static int add_files(struct local_files *l, struct modelfile *m, struct err *e)
{
    AUTO(buf) glob = {0};
    buf_init(&glob, 2 * LIMIT_MODEL_PATH);
    m->patterns = arena_try(&l->arena, l->n * sizeof(*m->patterns), e);
    if (!m->patterns)
        return -1;
    for (size_t i = 0; i < l->n; i++) {
        buf_reset(&glob);
        glob_escape(&glob, l->files[i].path);
        char *copy = arena_try(&l->arena, glob.n + 1, e);
        if (!copy)
            return -1;
        memcpy(copy, glob.p, glob.n);
        m->patterns[m->n_patterns++] =
            (struct modelfile_pattern){.glob = str_of(copy, glob.n), .kind = l->files[i].kind};
    }
    return 0;
}

static int write_new(const char *path, struct str text, struct err *e)
{
    AUTOFD fd = file_open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, OUTPUT_MODE, e);
    if (fd < 0) {
        if (e->sys == EEXIST)
            return ERR(e, USAGE, "%s exists; --force overwrites it", path);
        return -1;
    }
    if (file_write_all(fd, text.p, text.n, e) == 0)
        return 0;
    (void)file_unlink_at(AT_FDCWD, path, NULL);
    return err_wrap(e, "%s", path);
}

static int output(const struct cli *c, struct str text, struct err *e)
{
    const char *path = cli_value(c, "output");
    if (!path)
        return cli_print(text, e);
    return cli_has(c, "force") ? file_replace_at(AT_FDCWD, path, OUTPUT_MODE, text, e)
                               : write_new(path, text, e);
}

static int run(struct cli *c, struct err *e)
{
    struct local_files l __attribute__((cleanup(local_files_autodone))) = {.root = -1};
    AUTO(selection) s = {0};
    AUTO(buf) out = {0};
    struct modelfile m = {.n_patterns = 0};

    if (selection_read(&s, c, NULL, e) < 0 || local_files_scan(c->args[0], &s.pick, &l, e) < 0 ||
        add_values(c, &l, &m, e) < 0 || add_files(&l, &m, e) < 0)
        return -1;
    buf_init(&out, LIMIT_MODELFILE);
    modelfile_write(&out, &m);
    if (!buf_ok(&out))
        return ERR(e, LIMIT, "the Modelfile would be larger than %llu bytes", LIMIT_MODELFILE);
    return output(c, buf_str(&out), e);
}

const struct command cmd_modelfile = {
    .name = "modelfile",
    .summary = "Write a Modelfile for a model directory",
    .synopsis = "[OPTION ...] DIR",
    .help = "Prints a Modelfile that names every file that `haven push DIR` would pack, each as "
            "what it\n"
            "is taken for, and what the files say of the model. Edit it and give it to `haven push "
            "-f`.\n"
            "The same files always give the same text. An empty value (--name \"\") leaves that "
            "line out.\n"
            "\n"
            "  haven modelfile ./qwen3-0.6b -o Modelfile\n"
            "  haven push -f Modelfile ./qwen3-0.6b "
            "registry.example.org/library/qwen3-0.6b:v1\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
