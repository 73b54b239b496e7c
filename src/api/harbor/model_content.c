/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of a model: tables of a document that the reader writes (jobs/index_look.c,
 * model/look_json.c) and that is answered as it was stored. They only describe it: no structure
 * holds it, so that there are no offsets. A test holds answers against them.
 */
#include "api/harbor/model_files.h"
#include "base/mem.h"

#define FIELD(name, type, doc)                                                                     \
    {                                                                                              \
        name, type, 0, 0, NULL, 0, doc                                                             \
    }
#define FIELD_OF(name, type, object, doc)                                                          \
    {                                                                                              \
        name, type, 0, 0, object, 0, doc                                                           \
    }
#define OBJECT(symbol, called, table, text)                                                        \
    static const struct api_object symbol = {                                                      \
        .name = called, .fields = table, .n = ARRAY_LEN(table), .doc = text}

/* The keys of `haven push --set` (model_facts_keys). */
static const struct api_field facts_fields[] = {
    FIELD("name", API_STR, "The model's name."),
    FIELD("title", API_STR, "A title for people."),
    FIELD("description", API_STR, "A description for people."),
    FIELD("version", API_STR, "The version of the model."),
    FIELD("family", API_STR, "A word such as llama3 or qwen2."),
    FIELD("architecture", API_STR, "A word such as transformer, cnn or rnn."),
    FIELD("format", API_STR, "A word such as safetensors, gguf, onnx or pt."),
    FIELD("param-size", API_STR, "How many parameters it has, in short: 6.7B."),
    FIELD("precision", API_STR, "Types of numbers, with commas between them: bfloat16."),
    FIELD("quantization", API_STR, "A word such as awq, gptq or Q4_K_M."),
    FIELD("license", API_STRS, "SPDX licences or expressions, or a hub's names of them."),
    FIELD("author", API_STRS, "People or organisations."),
    FIELD("vendor", API_STR, "Who distributes the model."),
    FIELD("source-url", API_STR, "Where its source is."),
    FIELD("doc-url", API_STR, "Where it is documented."),
    FIELD("revision", API_STR, "The revision of its source, such as a commit."),
    FIELD("language", API_STRS, "ISO 639 codes."),
    FIELD("dataset", API_STRS, "Data sets that it was trained on: a hub's names or addresses."),
    FIELD("base-model", API_STRS, "Models that it was made from."),
    FIELD("task", API_STR, "A task as hubs name it, such as text-generation."),
    FIELD("input-type", API_STRS, "Of text, image, audio, video, embedding, other."),
    FIELD("output-type", API_STRS, "Of text, image, audio, video, embedding, other."),
    FIELD("reasoning", API_STR, "true or false: does it think before it answers?"),
    FIELD("tool-usage", API_STR, "true or false: does it call tools?"),
    FIELD("reward", API_STR, "true or false: is it a reward model?"),
    FIELD("knowledge-cutoff", API_STR, "Until when it knows of the world."),
};
OBJECT(facts_object, "ModelFacts", facts_fields, "What a model says of itself.");

static const struct api_field known_fields[] = {
    FIELD("parameters", API_INT, "How many parameters it has, packed ones unpacked."),
    FIELD("context_length", API_INT, "How many tokens it takes at a time."),
    FIELD("library", API_STR, "The library that it is for, such as transformers."),
    FIELD("model_class", API_STR, "Its class in that library."),
    FIELD("base_relation", API_STR, "What it is of its base: finetune, adapter, merge, quantized."),
    FIELD("license_source", API_STR, "Who named the licence: config, card, weights or text."),
    FIELD("chat_template", API_BOOL, "It says how conversations are written down for it."),
    FIELD("custom_code", API_BOOL, "It runs code that comes with it."),
    FIELD("tags", API_STRS, "The words that its card puts it under."),
};
OBJECT(known_object, "ModelKnown", known_fields, "What follows from all that is in a model.");

static const struct api_field dtype_fields[] = {
    FIELD("dtype", API_STR, "The type of their elements, as the format calls it."),
    FIELD("tensors", API_INT, "How many tensors are of this type."),
    FIELD("parameters", API_INT, "How many elements they have."),
    FIELD("bytes", API_INT, "The bytes that they take."),
};
OBJECT(dtype_object, "ModelDtype", dtype_fields, "The tensors of one type.");

static const struct api_field weights_fields[] = {
    FIELD("format", API_STR, "The format of the files that count."),
    FIELD("parameters", API_INT, "How many parameters they hold, packed ones unpacked."),
    FIELD("param_size", API_STR, "The same in short: 6.7B."),
    FIELD("precision", API_STR, "Types of numbers, most elements first."),
    FIELD("quantization", API_STR, "A word such as awq or Q4_K_M."),
    FIELD("architecture", API_STR, "As their headers call it."),
    FIELD("name", API_STR, "The model's name in their headers."),
    FIELD("license", API_STR, "The licence in their headers."),
    FIELD("context_length", API_INT, "How many tokens it takes at a time, as their headers say."),
    FIELD("tensor_count", API_INT, "How many tensors there are."),
    FIELD("tensor_bytes", API_INT, "The bytes that they take."),
    FIELD_OF("dtypes", API_LIST, &dtype_object, "The tensors by type."),
};
OBJECT(weights_object, "ModelWeights", weights_fields,
       "Sums over the files of weights that count.");

static const struct api_field file_fields[] = {
    FIELD("file", API_STR, "Its path in the model."),
    FIELD("size", API_INT, "Its size in bytes."),
    FIELD("format", API_STR, "The format of weights, by its name."),
    FIELD("kind", API_STR, "What it is: weight, config, doc, code, dataset."),
    FIELD("layer", API_STR, "The digest of the layer that holds it."),
    FIELD("encoding", API_STR, "How that layer is packed: raw, tar, tar+gzip …"),
    FIELD("looked_into", API_BOOL,
          "It is a file; false: a layer whose content is not known, as a whole."),
    FIELD("at", API_INT, "Where it begins in the layer, unpacked."),
    FIELD("digest", API_STR, "The digest of its content, if the layer is compressed."),
    FIELD("counts", API_BOOL, "Of weights: they count among the sums."),
    FIELD("tensor_count", API_INT, "How many tensors it holds."),
    FIELD("parameters", API_INT, "How many parameters it holds."),
};
OBJECT(file_object, "ModelFile", file_fields, "A file of a model.");

static const struct api_field dependency_fields[] = {
    FIELD("name", API_STR, "The chart."),
    FIELD("version", API_STR, "Its version, or versions."),
    FIELD("repository", API_STR, "Where it is."),
};
OBJECT(dependency_object, "ChartDependency", dependency_fields, "A chart that another one needs.");

static const struct api_field chart_fields[] = {
    FIELD("metadata", API_JSON, "All of its Chart.yaml."),
    FIELD_OF("dependencies", API_LIST, &dependency_object, "The charts that it needs."),
    FIELD("values", API_STR, "The path of its values."),
};
OBJECT(chart_object, "ModelChart", chart_fields, "What a Helm chart says of itself.");

static const struct api_field content_fields[] = {
    FIELD("form", API_STR,
          "The packaging: modelpack, cnai, kitops, docker, ollama, chart, image, oras, index."),
    FIELD_OF("facts", API_OBJECT, &facts_object, "What the model says of itself."),
    FIELD_OF("known", API_OBJECT, &known_object, "What follows from all of it."),
    FIELD_OF("weights", API_OBJECT, &weights_object, "Sums over its weights, if it has any."),
    FIELD_OF("files", API_LIST, &file_object, "Its files."),
    FIELD("readme", API_STR, "The path of its card."),
    FIELD("licenses", API_STRS, "The paths of texts of licences."),
    FIELD_OF("chart", API_OBJECT, &chart_object, "Of a Helm chart."),
    FIELD("warnings", API_STRS, "What is wrong with it, each with the name of its file."),
};
const struct api_object harbor_model_content = {
    .name = "ModelContent",
    .fields = content_fields,
    .n = ARRAY_LEN(content_fields),
    .doc = "What was found in an artifact.",
};
