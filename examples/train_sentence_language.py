#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the model in sentence-language/ from sentences.txt and writes everything that it consists of.

Runs of characters are looked up in a table of vectors, their mean goes through one hidden layer, and the
output layer scores the languages. Plain Python with a fixed seed: the same input gives the same files.

usage: train_sentence_language.py [OUTPUT-DIRECTORY]
"""
import collections
import json
import math
import pathlib
import random
import shutil
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE / "sentence-language"
sys.dont_write_bytecode = True  # the directory is packed as it stands
sys.path.insert(0, str(MODEL))
import run  # noqa: E402  (the model's own tokenizer and inference)

SEED = 20260101
NGRAM_SIZES = [1, 2, 3]
VOCAB_MAX = 3000
WIDTH = 32
HIDDEN = 24
EPOCHS = 100
RATE = 0.5
LANGUAGES = {"de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian",
             "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "sv": "Swedish", "tr": "Turkish"}
EXAMPLE = "Wo ist der nächste Bahnhof?"


def read_sentences(path):
    """Two lists of (language number, sentence): to learn from and to measure with."""
    train, held_out, language, count = [], [], None, 0
    order = list(LANGUAGES)
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            language, count = order.index(line[1:-1]), 0
        elif line and not line.startswith("#"):
            count += 1
            (held_out if count % 4 == 0 else train).append((language, line))
    return train, held_out


def make_vocab(train):
    seen = collections.Counter(t for _, text in train for t in run.tokens(text, NGRAM_SIZES))
    frequent = sorted((t for t, n in seen.items() if n > 1), key=lambda t: (-seen[t], t))
    return {t: i for i, t in enumerate(sorted(frequent[:VOCAB_MAX]))}


def excerpt(text, rng):
    """A run of the sentence's words, so that the model learns short inputs too."""
    words = text.split()
    n = rng.randint(min(2, len(words)), len(words))
    start = rng.randint(0, len(words) - n)
    return " ".join(words[start:start + n])


class Network:
    def __init__(self, size, rng):
        def matrix(rows, columns, scale):
            return [[rng.uniform(-scale, scale) for _ in range(columns)] for _ in range(rows)]
        self.embedding = matrix(size, WIDTH, 1.0 / WIDTH)
        self.w1, self.b1 = matrix(HIDDEN, WIDTH, math.sqrt(3.0 / WIDTH)), [0.0] * HIDDEN
        self.w2, self.b2 = matrix(len(LANGUAGES), HIDDEN, 0.1), [0.0] * len(LANGUAGES)

    def step(self, ids, label, rate):
        """One step of gradient descent on the cross entropy of one example; returns the loss."""
        mean = [sum(c) / len(ids) for c in zip(*(self.embedding[i] for i in ids))]
        hidden = [math.tanh(b + sum(w * v for w, v in zip(row, mean)))
                  for row, b in zip(self.w1, self.b1)]
        scores = [b + sum(w * v for w, v in zip(row, hidden)) for row, b in zip(self.w2, self.b2)]
        top = max(scores)
        exps = [math.exp(s - top) for s in scores]
        total = sum(exps)
        loss = math.log(total) - (scores[label] - top)

        d2 = [e / total - (i == label) for i, e in enumerate(exps)]
        d1 = [(1.0 - h * h) * sum(d * row[j] for d, row in zip(d2, self.w2))
              for j, h in enumerate(hidden)]
        d0 = [sum(d * row[j] for d, row in zip(d1, self.w1)) for j in range(WIDTH)]
        for d, row in zip(d2, self.w2):
            row[:] = [w - 0.1 * rate * d * h for w, h in zip(row, hidden)]
        for d, row in zip(d1, self.w1):
            row[:] = [w - 0.1 * rate * d * v for w, v in zip(row, mean)]
        self.b2 = [b - 0.1 * rate * d for b, d in zip(self.b2, d2)]
        self.b1 = [b - 0.1 * rate * d for b, d in zip(self.b1, d1)]
        # The mean divides every gradient by the number of tokens; the rate of the table makes up for it.
        step = [rate * d for d in d0]
        for i in ids:
            self.embedding[i] = [w - s for w, s in zip(self.embedding[i], step)]
        return loss

    def tensors(self):
        return {"embedding.weight": self.embedding, "hidden.bias": self.b1,
                "hidden.weight": self.w1, "output.bias": self.b2, "output.weight": self.w2}


def train_network(train, vocab):
    rng = random.Random(SEED)
    network = Network(len(vocab), rng)
    examples = list(train)
    for epoch in range(EPOCHS):
        rng.shuffle(examples)
        loss = 0.0
        for label, text in examples:
            part = text if rng.random() < 0.25 else excerpt(text, rng)
            ids = [vocab[t] for t in run.tokens(part, NGRAM_SIZES) if t in vocab]
            loss += network.step(ids, label, RATE * (1.0 - epoch / EPOCHS) * 30.0 / len(ids))
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {loss / len(examples):.4f}")
    return network


def write_safetensors(path, tensors):
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, rows in tensors.items():
        flat = [v for row in rows for v in row] if isinstance(rows[0], list) else rows
        shape = [len(rows), len(rows[0])] if isinstance(rows[0], list) else [len(rows)]
        blobs.append(struct.pack(f"<{len(flat)}f", *flat))
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [offset, offset + len(blobs[-1])]}
        offset += len(blobs[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def accuracy(model, sentences, words=None):
    labels = list(LANGUAGES)
    right = 0
    for label, text in sentences:
        text = " ".join(text.split()[:words])
        right += next(iter(model.probabilities(text))) == labels[label]
    return right / len(sentences)


CARD = """---
license: apache-2.0
language:
{languages}
tags:
- text-classification
- language-identification
pipeline_tag: text-classification
library_name: none
datasets:
- sentences.txt
metrics:
- accuracy
model-index:
- name: sentence-language
  results:
  - task:
      type: text-classification
    dataset:
      name: sentences.txt, every fourth sentence
      type: sentences.txt
      split: held-out
    metrics:
    - type: accuracy
      value: {whole:.3f}
---
# sentence-language

Says in which of ten languages a sentence is written: {names}.

It is small enough to read ({parameters:,} parameters) and needs nothing but Python:

```sh
python3 run.py "{example}"
```

answers

```text
{answer}
```

that is: the language and how sure the model is, from 0 to 1.

## How it works

The text is cut into all runs of one, two and three characters. Each of the {vocab:,} runs that the model
knows has a vector; their mean goes through one hidden layer of {hidden} cells to a score for each language.
`vocab.json` numbers the runs, `config.json` holds the shape, `model.safetensors` the weights.

## Training and measurement

Trained on {n_train} sentences that were written for this model, with stochastic gradient descent over
{epochs} rounds. On {n_test} further sentences, which took no part in training (but were looked at when
its settings were chosen):

| input | accuracy |
|---|---|
| whole sentences | {whole:.3f} |
| their first three words | {three:.3f} |

## Limits

It knows ten languages and will name one of them for any other, too. Single words and names are often too
short to decide. All sentences are everyday prose with few numbers and no slang.
"""


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else MODEL
    out.mkdir(parents=True, exist_ok=True)
    train, held_out = read_sentences(HERE / "sentences.txt")
    vocab = make_vocab(train)
    network = train_network(train, vocab)

    write_json(out / "vocab.json", vocab)
    write_json(out / "config.json", {
        "model_type": "ngram-classifier", "architectures": ["NgramClassifier"],
        "vocab_size": len(vocab), "hidden_size": WIDTH, "classifier_size": HIDDEN,
        "ngram_sizes": NGRAM_SIZES, "torch_dtype": "float32",
        "id2label": {str(i): code for i, code in enumerate(LANGUAGES)},
        "label2id": {code: i for i, code in enumerate(LANGUAGES)}})
    write_json(out / "tokenizer_config.json", {
        "tokenizer_class": "CharacterNgramTokenizer", "ngram_sizes": NGRAM_SIZES,
        "do_lower_case": True, "normalization": "NFC", "pad_with": " "})
    write_safetensors(out / "model.safetensors", network.tensors())
    for name in ("run.py", "LICENSE"):
        if out.resolve() != MODEL:
            shutil.copy(MODEL / name, out / name)

    model = run.Model(out)
    language, probability = next(iter(model.probabilities(EXAMPLE).items()))
    whole, three = accuracy(model, held_out), accuracy(model, held_out, 3)
    parameters = sum(math.prod(shape) for shape, _ in model.tensors.values())
    (out / "README.md").write_text(CARD.format(
        languages="\n".join(f"- {code}" for code in LANGUAGES), names=", ".join(LANGUAGES.values()),
        example=EXAMPLE, answer=f"{language} {probability:.2f}", parameters=parameters,
        vocab=len(vocab), hidden=HIDDEN, n_train=len(train), n_test=len(held_out), epochs=EPOCHS,
        whole=whole, three=three), encoding="utf-8")
    print(f"accuracy on {len(held_out)} unseen sentences: {whole:.3f}, on three words: {three:.3f}")
    print(f"{EXAMPLE} -> {language} {probability:.2f}")


if __name__ == "__main__":
    main()
