/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect.h"

#include "base/file.h"
#include "base/sys.h"
#include "cli/command.h"
#include "client/local.h"
#include "model/path.h"
#include "model/shards.h"

#include <errno.h>
#include <fcntl.h>

static const struct cli_option options[] = {
    {.name = "tensors", .help = "List every tensor: name, type, shape, place and size."},
    {.name = "json", .help = "Print the result as a JSON object."},
};

/* Reads the header of a file of weights, wherever its bytes are, and adds it. path: lives as long
 * as the arena. */
static int inspect_add(struct inspect *in, struct str path, const struct model_reader *r,
                       struct err *e)
{
    struct inspect_file f = {.path = path, .size = r->size};
    int rc = weights_read_named(in->arena, r, path, &f.weights, e);
    if (rc < 0)
        return -1;
    f.known = rc == 1;
    in->files[in->n_files++] = f;
    if (f.known)
        weight_totals_add(&in->totals, &in->files[in->n_files - 1].weights);
    return 0;
}

static int inspect_file(struct inspect *in, const char *path, int fd, uint64_t size, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    struct model_reader r = model_reader_file(&fd, size);

    in->single = true;
    in->files = ARENA_NEW(in->arena, struct inspect_file);
    if (inspect_add(in, str_from(path), &r, e) < 0)
        return -1;
    if (!in->files[0].known)
        return ERR(e, MODEL_INVALID,
                   "%s: no format of weights that is known here; safetensors and GGUF are",
                   model_path_show(str_from(path), show, sizeof(show)));
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
    if (shards_read(in->arena, &r, &shards, e) < 0)
        return -1;
    AUTO_FREE struct str *beside = NEW_ARRAY(l->n, struct str);
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        if (str_starts(l->files[i].path, dir))
            beside[n++] = str_skip(l->files[i].path, dir.n);
    if (shards_check_files(&shards, beside, n, e) < 0)
        return -1;
    for (size_t i = 0; i < in->n_files; i++) {
        const struct inspect_file *f = &in->files[i];
        if (f->known && str_starts(f->path, dir) &&
            shards_check_tensors(&shards, str_skip(f->path, dir.n), &f->weights, e) < 0)
            return -1;
    }
    return 0;
}

static int add_local(struct inspect *in, const struct local_files *l, size_t i, struct err *e)
{
    struct str path;
    AUTOFD fd = local_files_open(l, i, e);
    if (fd < 0)
        return -1;
    struct model_reader r = model_reader_file(&fd, l->files[i].size);
    path = arena_str(in->arena, l->files[i].path);
    return inspect_add(in, path, &r, e);
}

static int inspect_dir(struct inspect *in, const char *dir, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    AUTO(local_files) l = {.root = -1};

    if (local_files_scan(dir, &(const struct pick_options){0}, &l, e) < 0)
        return -1;
    in->files = ARENA_ARRAY(in->arena, l.n, struct inspect_file);
    for (size_t i = 0; i < l.n; i++)
        if (l.files[i].kind == MODEL_WEIGHT && add_local(in, &l, i, e) < 0)
            return -1;
    if (!in->totals.format)
        return ERR(e, MODEL_INVALID, "%s holds no safetensors or GGUF files",
                   model_path_show(str_from(dir), show, sizeof(show)));
    for (size_t i = 0; i < l.n; i++)
        if (shards_is_index(l.files[i].path) && check_index(in, &l, i, e) < 0)
            return err_wrap(e, "%s", model_path_show(l.files[i].path, show, sizeof(show)));
    return 0;
}

/* ---- the command ---- */

static int inspect_path(struct inspect *in, const char *path, struct err *e)
{
    struct stat st;
    /* Not to wait for the other side of a pipe. */
    AUTOFD fd = file_open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, e);
    if (fd < 0)
        return -1;
    if (sys->fstat(fd, &st) < 0)
        return ERR_SYS(e, "cannot ask about %s", path);
    if (S_ISDIR(st.st_mode))
        return inspect_dir(in, path, e);
    if (!S_ISREG(st.st_mode))
        return ERR(e, MODEL_INVALID, "%s is neither a file nor a directory", path);
    return inspect_file(in, path, fd, (uint64_t)st.st_size, e);
}

static int run(struct cli *c, struct err *e)
{
    AUTO(arena) a = {0};
    struct inspect in = {.arena = &a, .shown = c->args[0]};

    arena_init(&a, LIMIT_WEIGHT_ARENA);
    if (inspect_path(&in, c->args[0], e) < 0)
        return -1;
    bool tensors = cli_has(c, "tensors");
    return cli_has(c, "json") ? inspect_print_json(&in, tensors, e)
                              : inspect_print_text(&in, tensors, e);
}

const struct command cmd_inspect = {
    .name = "inspect",
    .summary = "Say what is inside the weights of a model",
    .synopsis = "[--tensors] [--json] FILE|DIR",
    .help =
        "Reads the headers of safetensors and GGUF files, never their weights, and says how many\n"
        "parameters of which type they hold, and what else is written there. The files of a\n"
        "directory count as one model: shards are added up, and must be what the index beside\n"
        "them says. A header that does not fit its file is an error.\n"
        "\n"
        "  haven inspect model.gguf\n"
        "  haven inspect --tensors ./qwen3-0.6b\n"
        "\n"
        "With --json, one object. Of the whole:\n"
        "  file            what was asked for\n"
        "  format          \"safetensors\", \"gguf\"; of most bytes when there are several\n"
        "  parameters      elements of all tensors; integers into which GPTQ and the like pack\n"
        "                  several parameters count once\n"
        "  param_size      the same in short: \"6.7B\"\n"
        "  precision       ModelPack's word for the types, may be empty\n"
        "  quantization    what GGUF calls it: \"Q4_K_M\"; or null, as the next four can be\n"
        "  architecture    what GGUF calls it\n"
        "  name, license   what GGUF says\n"
        "  context_length  what GGUF says\n"
        "  tensor_count    how many tensors\n"
        "  tensor_bytes    what they take\n"
        "  dtypes          list of {dtype, tensors, parameters, bytes}, most parameters first\n"
        "  tensors         with --tensors: list of {file, name, dtype, shape, offset, bytes}; "
        "shape\n"
        "                  as the file has it (GGUF: innermost first), offset from the file's "
        "start\n"
        "Of a single FILE also:\n"
        "  size            of the file\n"
        "  header_bytes    of its header\n"
        "  big_endian      true or false\n"
        "  metadata        texts by key; long arrays and texts are told by their length\n"
        "Of a directory instead:\n"
        "  files           list of {file, size, format}; where the format can be read also\n"
        "                  tensor_count, parameters, header_bytes, big_endian and metadata\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
