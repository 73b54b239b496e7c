/* SPDX-License-Identifier: Apache-2.0 */
/*
 * series: which of the files of weights in a directory are the model, told by their names and
 * sizes: they are to be added up, and what lies beside them as an alternative is not.
 *
 * Files of one directory whose names differ in the number of their part alone
 * ("model-00001-of-00003.safetensors") are one series, any other file is one by itself. Of each
 * directory the series of most bytes counts: beside it lie the same weights in another precision,
 * or in the names of another program. Directories are added up (the parts of a pipeline), but not
 * those called "original", which hold the weights as they were before they were converted. GGUF
 * files are whole models: of all of them one series counts.
 *
 * One format counts. Of safetensors and GGUF it is the one that then has most bytes, safetensors
 * before GGUF. PyTorch's files count where there is neither, and ONNX where there is none of the
 * three: they lie beside the others as the same weights once more. What a training leaves beside
 * its model in PyTorch's format (optimizers, generators of random numbers) never counts. The
 * weights of an ONNX model that lie in a file beside it ("model.onnx_data") are bytes of the model.
 * Pure; any thread.
 */
#ifndef HAVEN_MODEL_SERIES_H
#define HAVEN_MODEL_SERIES_H

#include "base/str.h"

struct series_file {
    struct str path; /* relative, '/' between parts */
    uint64_t size;   /* bytes */
    bool counts;     /* set by series_choose */
};

/* Files whose names are not those of a format that is read here (model_format_of) never count. */
void series_choose(struct series_file *files, size_t n);

/* By its name: may the file count, or is it of a format whose loading runs what the file says
 * (pickles, Keras)? Its header is worth reading. */
bool series_is_worth(struct str path);

#endif
