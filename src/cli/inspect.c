/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect.h"

#include "base/file.h"
#include "base/sys.h"
#include "cli/copying.h"
#include "cli/warnings.h"
#include "client/local.h"
#include "model/path.h"
#include "model/shards.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static const struct cli_option options[] = {
    {.name = "tensors", .help = "List every tensor: name, type, shape, place and size."},
    {.name = "json", .help = "Print the result as a JSON object."},
    {.name = "platform",
     .metavar = "OS/ARCH",
     .help = "Which manifest of an index (default: the one for this machine)."},
    PROGRESS_OPTIONS_CONNECTION,
};

/* Reads the header of a file of weights and adds it. path: lives as long as the arena. */
static struct look_file *inspect_add(struct inspect *in, struct str path,
                                     const struct model_reader *r, struct err *e)
{
    struct look_file *f = look_add(&in->look, e);
    if (!f)
        return NULL;
    f->path = path;
    f->size = r->size;
    int rc = weights_read_named(in->look.arena, r, path, &f->weights, e);
    f->known = rc > 0;
    look_warn(&in->look, f);
    return rc < 0 ? NULL : f;
}

static int inspect_file(struct inspect *in, const char *path, int fd, uint64_t size, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    struct model_reader r = model_reader_file(&fd, size);

    in->what = INSPECT_FILE;
    struct look_file *f = inspect_add(in, str_from(path), &r, e);
    if (!f)
        return -1;
    if (!f->known)
        return ERR(e, MODEL_INVALID,
                   "%s: no format of weights that is known here; safetensors, GGUF, PyTorch, ONNX, "
                   "Keras and pickles are",
                   model_path_show(str_from(path), show, sizeof(show)));
    f->counts = !f->weights.opaque; /* whatever it is called */
    if (f->counts)
        weight_totals_add(&in->look.totals, &f->weights);
    return 0;
}

/* ---- a directory ---- */

static struct str dir_of(struct str path) /* with its slash; empty at the root */
{
    ptrdiff_t slash = str_rchr(path, '/');
    return slash < 0 ? STR_NULL : str_head(path, (size_t)slash + 1);
}

/* The index at files[at] and what it names agree. */
static int check_index(const struct inspect *in, const struct local_files *l, size_t at,
                       struct err *e)
{
    struct shards shards;
    struct str dir = dir_of(l->files[at].path);
    AUTOFD fd = local_files_open(l, at, e);
    if (fd < 0)
        return -1;
    struct model_reader r = model_reader_file(&fd, l->files[at].size);
    if (shards_read(in->look.arena, &r, &shards, e) < 0)
        return -1;
    AUTO_FREE struct str *beside = NEW_ARRAY(l->n, struct str);
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        if (str_starts(l->files[i].path, dir))
            beside[n++] = str_skip(l->files[i].path, dir.n);
    if (shards_check_files(&shards, beside, n, e) < 0)
        return -1;
    for (size_t i = 0; i < in->look.n_files; i++) {
        const struct look_file *f = &in->look.files[i];
        if (f->known && str_starts(f->path, dir) &&
            shards_check_tensors(&shards, str_skip(f->path, dir.n), &f->weights, e) < 0)
            return -1;
    }
    return 0;
}

static int add_local(struct inspect *in, const struct local_files *l, size_t i, struct err *e)
{
    AUTOFD fd = -1;
    struct model_reader r = model_reader_file(&fd, l->files[i].size);
    struct look_file *f;
    struct str path = arena_str(in->look.arena, l->files[i].path);

    if (l->files[i].kind == MODEL_WEIGHT) {
        fd = local_files_open(l, i, e);
        f = fd < 0 ? NULL : inspect_add(in, path, &r, e);
    } else {
        f = look_add(&in->look, e);
    }
    if (!f)
        return -1;
    f->path = path;
    f->size = l->files[i].size;
    f->kind = l->files[i].kind;
    f->has_kind = true;
    return 0;
}

/* What push would write. */
static int add_facts(struct inspect *in, struct local_files *l, const char *dir, struct err *e)
{
    AUTO_FREE char *full = realpath(dir, NULL);
    struct str name = str_from(full);
    ptrdiff_t slash = str_rchr(name, '/');
    name = str_skip(name, slash < 0 ? 0 : (size_t)slash + 1);
    if (local_files_facts(l, arena_str(in->look.arena, name), NULL, &in->look.facts, e) < 0)
        return -1;
    if (in->look.totals.format)
        model_facts_add_weights(&in->look.facts, &in->look.totals);
    model_facts_resolve(&in->look.facts);
    return 0;
}

static bool any_known(const struct inspect *in)
{
    for (size_t i = 0; i < in->look.n_files; i++)
        if (in->look.files[i].known)
            return true;
    return false;
}

static int inspect_dir(struct inspect *in, const char *dir, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    AUTO(local_files) l = {.root = -1};

    in->what = INSPECT_DIR;
    if (local_files_scan(dir, &(const struct pick_options){0}, &l, e) < 0)
        return -1;
    for (size_t i = 0; i < l.n; i++)
        if (add_local(in, &l, i, e) < 0)
            return -1;
    look_sum(&in->look);
    if (!in->look.totals.format && !any_known(in))
        return ERR(e, MODEL_INVALID,
                   "%s holds no safetensors, GGUF, PyTorch, ONNX or Keras files, and no pickles",
                   model_path_show(str_from(dir), show, sizeof(show)));
    for (size_t i = 0; i < l.n; i++)
        if (shards_is_index(l.files[i].path) && check_index(in, &l, i, e) < 0)
            return err_wrap(e, "%s", model_path_show(l.files[i].path, show, sizeof(show)));
    return add_facts(in, &l, dir, e);
}

/* ---- an artifact ---- */

/* What a registry does not tell is a warning: the rest is told all the same. */
static void find_attached(struct inspect *in, struct endpoint *p)
{
    const struct digest *subjects[] = {&in->look.digest, &in->look.manifest};
    bool chosen = !digest_eq(subjects[0], subjects[1]); /* from an index */
    struct attached *found[ARRAY_LEN(subjects)] = {NULL};
    size_t n[ARRAY_LEN(subjects)] = {0};
    struct err why = {.code = ERR_OK};

    for (size_t i = 0; i < 1u + chosen; i++) {
        if (attached_find(p, in->look.arena, subjects[i], &found[i], &n[i], &why) == 0)
            continue;
        (void)err_wrap(&why, "what is attached to it cannot be told");
        model_facts_warn(&in->look.facts, &why);
        return;
    }
    in->attached = ARENA_ARRAY(in->look.arena, n[0] + n[1], struct attached);
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++)
        for (size_t k = 0; k < n[i]; k++)
            in->attached[in->n_attached++] = found[i][k];
}

static int inspect_artifact(struct inspect *in, struct cli *c, struct artifact_ref *ref,
                            struct err *e)
{
    struct transport_options connection;
    const char *platform = cli_value(c, "platform");

    in->what = INSPECT_ARTIFACT;
    if (!ref->is_layout)
        c->host = arena_strz(&c->arena, str_from(ref->remote.host));
    progress_connection(c, &connection);
    AUTO_ENDPOINT p = artifact_ref_open(ref, ARTIFACT_READ, &connection, e);
    if (!p || artifact_ref_settle(ref, p, e) < 0 ||
        look_artifact(&in->look, p, &ref->ref, str_from(platform), e) < 0)
        return -1;
    find_attached(in, p);
    in->shown = artifact_ref_text(&c->arena, ref);
    return 0;
}

/* ---- the command ---- */

static int inspect_path(struct inspect *in, const char *path, int fd, struct err *e)
{
    struct stat st;
    if (sys->fstat(fd, &st) < 0)
        return ERR_SYS(e, "cannot ask about %s", path);
    if (S_ISDIR(st.st_mode))
        return inspect_dir(in, path, e);
    if (!S_ISREG(st.st_mode))
        return ERR(e, MODEL_INVALID, "%s is neither a file nor a directory", path);
    return inspect_file(in, path, fd, (uint64_t)st.st_size, e);
}

/* What is there on this machine is meant first; the error is that of the likelier reading. */
static int inspect_any(struct inspect *in, struct cli *c, struct err *e)
{
    const char *arg = c->args[0];
    struct artifact_ref ref;
    bool is_layout = str_starts(str_from(arg), STR("oci:"));
    if (!is_layout) {
        struct err why = {.code = ERR_OK};
        /* Not to wait for the other side of a pipe. */
        AUTOFD fd = file_open_at(AT_FDCWD, arg, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &why);
        if (fd >= 0)
            return inspect_path(in, arg, fd, e);
        if (why.sys != ENOENT || artifact_ref_parse(str_from(arg), &ref, NULL) < 0) {
            *e = why;
            return -1;
        }
        progress_name(&ref.remote);
    } else if (copying_ref(arg, &ref, e) < 0) {
        return -1;
    }
    return inspect_artifact(in, c, &ref, e);
}

static void inspect_autodone(struct inspect *in)
{
    look_autodone(&in->look);
}

static void print_warnings(const struct inspect *in)
{
    AUTO(warnings) w = {0};
    warnings_init(&w);
    for (size_t i = 0; i < in->look.facts.warnings.n; i++)
        warnings_keep(&w, in->look.facts.warnings.items[i]);
    warnings_print(&w);
}

static int run(struct cli *c, struct err *e)
{
    AUTO(arena) a = {0};
    AUTO(inspect) in = {.shown = c->args[0]};

    arena_init(&a, LIMIT_WEIGHT_ARENA);
    look_init(&in.look, &a);
    int rc = inspect_any(&in, c, e);
    print_warnings(&in);
    if (rc < 0)
        return -1;
    bool tensors = cli_has(c, "tensors");
    return cli_has(c, "json") ? inspect_print_json(&in, tensors, e)
                              : inspect_print_text(&in, tensors, e);
}

const struct command cmd_inspect = {
    .name = "inspect",
    .summary = "Say what a model is, without fetching it",
    .synopsis = "[--tensors] [--json] [OPTION ...] FILE | DIR | REF",
    .help =
        "Of a model in a registry (HOST/PROJECT/NAME[:TAG]) or an image layout (oci:DIR[:TAG]) it\n"
        "reads the manifest, the config and, by ranges, the headers of the weights, also of those\n"
        "in archives that are not compressed: some KiB, however large the model is. What the\n"
        "headers say is not verified: digests are of whole files. It lists what is attached to "
        "the\n"
        "model, too: whatever names it as its subject, and what cosign keeps under its own tags.\n"
        "\n"
        "Of a FILE or DIR it reads the headers of safetensors, GGUF, PyTorch and ONNX files, "
        "never\n"
        "their weights, and says how many parameters of which type they hold, and what else is\n"
        "written there; of Keras and other pickles all but the tensors. Of a DIR it also says the\n"
        "facts that `haven push` would write. A header that does not fit its file is an error;\n"
        "shards must be what the index beside them says. Pickles, which PyTorch's files are, are\n"
        "programs: they are read and not run, and a warning says what one would do besides "
        "putting\n"
        "weights together.\n"
        "\n"
        "  haven inspect registry.example.org/library/qwen3-0.6b:v1\n"
        "  haven inspect model.gguf\n"
        "  haven inspect --tensors ./qwen3-0.6b\n"
        "\n"
        "With --json, one object:\n"
        "  file            what was asked for; or of an artifact:\n"
        "  reference, digest, manifest, form\n"
        "                  as it is meant; of what it names; of the manifest that was chosen, "
        "where\n"
        "                  that is an index; \"modelpack\", \"cnai\", \"kitops\", \"docker\", "
        "\"ollama\",\n"
        "                  \"image\", \"oras\"\n"
        "  facts           but of a FILE: by the keys of `haven push --set`, those that are "
        "known;\n"
        "                  lists where a key may be given several times\n"
        "  weights         of the files that count; null: there are none that can be read\n"
        "  files           list, see below\n"
        "  tensors         with --tensors: list of {file, name, dtype, shape, offset, bytes}; "
        "shape\n"
        "                  as the file has it (GGUF: innermost first), offset from the file's "
        "start;\n"
        "                  external: in which other file (ONNX); shared: elements that belong to\n"
        "                  another tensor too (PyTorch)\n"
        "  attached        of an artifact: list, see below\n"
        "  warnings        list of texts\n"
        "Of the weights:\n"
        "  format          \"safetensors\", \"gguf\", \"pt\", \"onnx\"; of most bytes, if several\n"
        "  parameters      elements of all tensors, those that several share once; integers into\n"
        "                  which GPTQ and the like pack several parameters count once\n"
        "  param_size      the same in short: \"6.7B\"\n"
        "  precision       ModelPack's word for the types, may be empty\n"
        "  quantization    what GGUF calls it: \"Q4_K_M\"; or null, as the next can be\n"
        "  architecture, name, license, context_length\n"
        "                  what GGUF says\n"
        "  tensor_count, tensor_bytes\n"
        "                  how many tensors, and what they take\n"
        "  dtypes          list of {dtype, tensors, parameters, bytes}, most parameters first\n"
        "Of each file:\n"
        "  file, size, format\n"
        "                  format by its header, else by its name, or null\n"
        "  kind            but of a FILE: \"weight\", \"weight.config\", \"code\", \"doc\", "
        "\"dataset\"\n"
        "  layer, encoding of an artifact: the layer's digest; \"raw\", \"tar\", \"tar+gzip\", "
        "\"tar+zstd\"\n"
        "  at              of an artifact: where it begins in the layer, once that is unpacked\n"
        "  looked_into     of an artifact: false for a compressed layer: size is the layer's then\n"
        "  counts, tensor_count, parameters, header_bytes, big_endian, metadata\n"
        "                  where the header was read (the next two not of Keras and pickles);\n"
        "                  long arrays and texts of the metadata are told by their length\n"
        "  imports         where the header was read: list of {name, unsafe, dangerous}: what a\n"
        "                  loader would import; unsafe: weights do not need it; dangerous (or\n"
        "                  absent): no model does\n"
        "Of what is attached:\n"
        "  digest, type    its manifest's, and its artifact type\n"
        "  kind            \"signature\", \"attestation\", \"sbom\", \"link\", or null\n"
        "  subject, tag    the digest that it is about; of cosign's: where it is found\n"
        "  target, relation\n"
        "                  of a link: what the model depends on, and what it is of it\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
