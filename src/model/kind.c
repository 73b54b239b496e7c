/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows are tried from the top, so that `vocab.txt` is a configuration before `*.txt` is a
 * document. They give common ModelPack packers' answers, with one addition: datasets, which those
 * never tell.
 */
#include "model/kind.h"

#include "base/limits.h"
#include "base/mem.h"

#include <fnmatch.h>

const char *model_kind_name(enum model_kind kind)
{
    static const char *const names[MODEL_KIND_COUNT] = {
        [MODEL_WEIGHT_CONFIG] = "weight.config",
        [MODEL_WEIGHT] = "weight",
        [MODEL_CODE] = "code",
        [MODEL_DOC] = "doc",
        [MODEL_DATASET] = "dataset",
    };
    return names[kind];
}

/* Patterns of one kind, in lower case: a name ends in "." and one of the suffixes, or matches one
 * of the globs as a whole. Both lists are parted by blanks. */
struct kind_row {
    enum model_kind kind;
    const char *suffixes;
    const char *globs;
};

static const struct kind_row rows[] = {
    {MODEL_CODE, "",
     "requirements*.txt cmakelists.txt package.json package-lock.json tsconfig*.json "
     "pyproject.toml cargo.toml setup.cfg tox.ini pom.xml composer.json environment.yml "
     "environment.yaml docker-compose.y*ml"},
    {MODEL_DATASET, "parquet arrow feather tfrecord tfrecords csv tsv",
     "dataset_info*.json dataset_dict.json"},
    {MODEL_WEIGHT_CONFIG,
     "json jsonl json5 jsonc yaml yml toml ini config cfg conf properties props prop xml xsd "
     "rng modelcard meta hparams params hyperparams wandb mlflow tensorboard tiktoken jinja "
     "jinja2",
     "*tokenizer.model* vocab.txt merges.txt added_tokens.txt spiece.model "
     "sentencepiece*.model sentencepiece*.vocab tiktoken.model chat_template* config.json.* "
     "*.vocab *.bpe"},
    {MODEL_WEIGHT,
     "safetensors bin pt pth mar pte pt2 ptl tflite h5 hdf hdf5 pb index gguf ggml ggmf ggjt "
     "q4_0 q4_1 q5_0 q5_1 q8_0 f16 f32 ckpt checkpoint dist_ckpt tensor weights state "
     "embedding vocab ot engine trt onnx onnx_data msgpack model pkl pickle keras joblib npy "
     "npz nc mlmodel coreml mil mleap surml llamafile caffemodel prototxt dlc circle nb ftz "
     "ark db dduf distcp",
     "*.bin.* *.data-* *.gguf.* tensor[0-9]*_[0-9]* *.onnx_data* *.onnx.data* checkpoint"},
    {MODEL_CODE,
     "py ipynb sh bash zsh fish ps1 bat cmd patch diff c h cc cpp cxx hpp hh hxx cu cuh cl m "
     "mm java js mjs cjs jsx ts tsx go rs swift rb php scala kt kts r rmd f f77 f90 f95 f03 "
     "jl lua pl pm cs fs vb sql zig nim ml mli hs ex exs erl clj dart groovy proto thrift "
     "vue svelte css scss less mk cmake gradle bazel bzl gyp gypi so dll dylib lib a whl",
     "makefile* dockerfile* gemfile* go.mod go.sum cargo.lock build workspace rakefile "
     "jenkinsfile vagrantfile procfile pipfile* configure configure.ac *.so.*"},
    {MODEL_DOC,
     "txt md mdx markdown pdf rst adoc asciidoc org tex bib log html htm xhtml xsl doc docx "
     "xls xlsx ppt pptx odt ods odp rtf pages numbers key epub mobi ps eps jpg jpeg png gif "
     "svg webp heic bmp tif tiff ico avif mp4 mov mkv webm avi mp3 wav flac ogg",
     "license* licence* copying* notice* readme* setup* *requirements* changelog* authors* "
     "contributing* citation* code_of_conduct* model_card* usage_policy* acceptable_use* "
     "*tfevents*"},
};

/* A file below one of these directories is data, whatever its name says. */
static const char *const dataset_dirs[] = {"data", "dataset", "datasets"};
/* … unless it is one of these, which data directories carry too. */
static const char dataset_not[] = "readme* license* licence* *.md *.py";

static bool any_glob(const char *globs, const char *name)
{
    char one[64];
    for (struct str rest = str_from(globs); rest.p;) {
        struct str glob = str_cut(&rest, ' ');
        if (glob.n == 0 || glob.n >= sizeof(one))
            continue;
        memcpy(one, glob.p, glob.n);
        one[glob.n] = '\0';
        if (fnmatch(one, name, 0) == 0)
            return true;
    }
    return false;
}

static bool any_suffix(const char *suffixes, struct str name)
{
    ptrdiff_t dot = str_rchr(name, '.');
    if (dot < 0)
        return false;
    struct str suffix = str_skip(name, (size_t)dot + 1);
    for (struct str rest = str_from(suffixes); rest.p;)
        if (str_eq(str_cut(&rest, ' '), suffix) && suffix.n)
            return true;
    return false;
}

static struct str base_name(struct str path)
{
    ptrdiff_t slash = str_rchr(path, '/');
    return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

static bool in_dataset_dir(struct str path)
{
    struct str rest = path;
    for (struct str part = str_cut(&rest, '/'); rest.p; part = str_cut(&rest, '/'))
        for (size_t i = 0; i < ARRAY_LEN(dataset_dirs); i++)
            if (str_ieq(part, str_from(dataset_dirs[i])))
                return true;
    return false;
}

/* The lower-case base name; names that are too long for a file system are cut. */
static struct str lower_name(struct str path, char out[LIMIT_MODEL_NAME + 1])
{
    struct str name = str_head(base_name(path), LIMIT_MODEL_NAME);
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    out[name.n] = '\0';
    return str_of(out, name.n);
}

enum model_kind model_kind_of(struct str path, uint64_t size, bool *ret_guessed)
{
    char lower[LIMIT_MODEL_NAME + 1];
    struct str name = lower_name(path, lower);

    *ret_guessed = false;
    if (in_dataset_dir(path) && !any_glob(dataset_not, lower))
        return MODEL_DATASET;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (any_suffix(rows[i].suffixes, name) || any_glob(rows[i].globs, lower))
            return rows[i].kind;
    *ret_guessed = true;
    return size > MODEL_KIND_WEIGHT_MIN ? MODEL_WEIGHT : MODEL_CODE;
}

bool model_name_skipped(struct str name)
{
    char lower[LIMIT_MODEL_NAME + 1];
    if (name.n == 0 || name.p[0] == '.')
        return true;
    (void)lower_name(name, lower);
    return any_glob("modelfile __pycache__ *.pyc *.pyo *.pyd", lower);
}

const char *model_format_of(struct str path)
{
    static const struct {
        const char *format, *suffixes;
    } formats[] = {
        {"safetensors", "safetensors"}, {"gguf", "gguf"},           {"onnx", "onnx"},
        {"pt", "pt pth pt2 bin ckpt"},  {"keras", "keras h5"},      {"tflite", "tflite"},
        {"tensorflow", "pb"},           {"msgpack", "msgpack"},     {"dduf", "dduf"},
        {"coreml", "mlmodel"},          {"ggml", "ggml ggmf ggjt"}, {"pickle", "pkl pickle joblib"},
    };
    char lower[LIMIT_MODEL_NAME + 1];
    struct str name = lower_name(path, lower);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (any_suffix(formats[i].suffixes, name))
            return formats[i].format;
    return NULL;
}
