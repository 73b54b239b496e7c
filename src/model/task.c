/* SPDX-License-Identifier: Apache-2.0 */
#include "model/task.h"

#include "base/mem.h"

/* Tasks parted by blanks. A label, a score and a number are text. */
static const struct row {
    const char *inputs, *outputs, *tasks;
} rows[] = {
    {"text", "text",
     "text-generation text2text-generation text-classification token-classification "
     "question-answering summarization translation fill-mask zero-shot-classification text-ranking "
     "multiple-choice table-question-answering table-to-text"},
    {"text", "embedding", "feature-extraction sentence-similarity text-retrieval"},
    {"image", "text",
     "image-classification object-detection image-to-text zero-shot-object-detection"},
    {"image", "image", "image-to-image image-segmentation depth-estimation mask-generation"},
    {"image", "embedding", "image-feature-extraction"},
    {"text image", "text",
     "image-text-to-text visual-question-answering document-question-answering "
     "zero-shot-image-classification"},
    {"text image", "embedding", "visual-document-retrieval"},
    {"text image", "image", "image-text-to-image"},
    {"text image", "video", "image-text-to-video"},
    {"text", "image", "text-to-image unconditional-image-generation"},
    {"text", "video", "text-to-video"},
    {"image", "video", "image-to-video"},
    {"video", "text", "video-classification"},
    {"video", "video", "video-to-video"},
    {"text video", "text", "video-text-to-text"},
    {"text", "audio", "text-to-speech text-to-audio"},
    {"audio", "text", "automatic-speech-recognition audio-classification voice-activity-detection"},
    {"text audio", "text", "audio-text-to-text"},
    {"audio", "audio", "audio-to-audio"},
    {"text", "other", "text-to-3d"},
    {"image", "other", "image-to-3d keypoint-detection"},
    {"other", "other",
     "tabular-classification tabular-regression time-series-forecasting reinforcement-learning "
     "robotics graph-ml"},
};

bool task_types(struct str task, struct task_types *ret)
{
    for (size_t i = 0; task.n && i < ARRAY_LEN(rows); i++) {
        struct str names = str_from(rows[i].tasks);
        while (names.n) {
            if (!str_eq(task, str_cut(&names, ' ')))
                continue;
            *ret = (struct task_types){.inputs = rows[i].inputs, .outputs = rows[i].outputs};
            return true;
        }
    }
    return false;
}

static const struct {
    const char *end, *task; /* of the class's name */
} classes[] = {
    {"ForCausalLM", "text-generation"},
    {"LMHeadModel", "text-generation"},
    {"ForMaskedLM", "fill-mask"},
    {"ForSequenceClassification", "text-classification"},
    {"ForTokenClassification", "token-classification"},
    {"ForQuestionAnswering", "question-answering"},
    {"ForMultipleChoice", "multiple-choice"},
    {"ForSpeechSeq2Seq", "automatic-speech-recognition"},
    {"ForCTC", "automatic-speech-recognition"},
    {"ForAudioClassification", "audio-classification"},
    {"ForImageClassification", "image-classification"},
    {"ForObjectDetection", "object-detection"},
    {"ForZeroShotObjectDetection", "zero-shot-object-detection"},
    {"ForSemanticSegmentation", "image-segmentation"},
    {"ForUniversalSegmentation", "image-segmentation"},
    {"ForDepthEstimation", "depth-estimation"},
    {"ForVideoClassification", "video-classification"},
    {"CLIPModel", "zero-shot-image-classification"},
    {"SiglipModel", "zero-shot-image-classification"},
};

const char *task_of_class(struct str name, bool sees, bool hears)
{
    if (str_eqz(name, "WhisperForConditionalGeneration") ||
        str_eqz(name, "Speech2TextForConditionalGeneration"))
        return "automatic-speech-recognition";
    if (str_ends(name, STR("ForConditionalGeneration"))) {
        /* One that does both has no name among the tasks but "any-to-any", which says more. */
        if (sees && hears)
            return NULL;
        return sees ? "image-text-to-text" : hears ? "audio-text-to-text" : "text2text-generation";
    }
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (str_ends(name, str_from(classes[i].end)))
            return sees && i < 2 ? "image-text-to-text" : classes[i].task;
    return NULL;
}
