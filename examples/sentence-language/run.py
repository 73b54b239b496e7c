#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Says in which language a sentence is written. Needs nothing but Python's standard library.

usage: run.py SENTENCE ...
"""
import array
import json
import math
import pathlib
import struct
import sys
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent
HEADER_MAX = 1 << 20


def tokens(text, sizes):
    """Runs of 1, 2, 3 characters, word boundaries included, as the vocabulary has them."""
    words = unicodedata.normalize("NFC", text).lower().split()
    padded = " " + " ".join(words) + " "
    return [padded[i:i + n] for n in sizes for i in range(len(padded) - n + 1)]


def load_safetensors(path):
    """All tensors of a file as {name: (shape, array of float)}; only F32 occurs in this model."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    if length > min(HEADER_MAX, len(data) - 8):
        raise ValueError(f"{path}: the header is longer than the file")
    header = json.loads(data[8:8 + length])
    tensors = {}
    for name, info in header.items():
        if name == "__metadata__":
            continue
        begin, end = info["data_offsets"]
        values = array.array("f")
        values.frombytes(data[8 + length + begin:8 + length + end])
        if sys.byteorder == "big":
            values.byteswap()
        if info["dtype"] != "F32" or len(values) != math.prod(info["shape"]):
            raise ValueError(f"{path}: tensor {name} is not what its header says")
        tensors[name] = (info["shape"], values)
    return tensors


class Model:
    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.vocab = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        self.tensors = load_safetensors(folder / "model.safetensors")

    def _rows(self, name):
        (n, width), values = self.tensors[name]
        return [values[i * width:(i + 1) * width] for i in range(n)]

    def _layer(self, name, x):
        bias = self.tensors[name + ".bias"][1]
        return [b + sum(w * v for w, v in zip(row, x))
                for row, b in zip(self._rows(name + ".weight"), bias)]

    def probabilities(self, text):
        """{language: probability}, most probable first."""
        ids = [self.vocab[t] for t in tokens(text, self.config["ngram_sizes"]) if t in self.vocab]
        if not ids:
            raise ValueError("the text holds nothing that the model knows")
        embedding = self._rows("embedding.weight")
        mean = [sum(column) / len(ids) for column in zip(*(embedding[i] for i in ids))]
        hidden = [math.tanh(v) for v in self._layer("hidden", mean)]
        scores = self._layer("output", hidden)
        top = max(scores)
        exps = [math.exp(s - top) for s in scores]
        labels = self.config["id2label"]
        result = {labels[str(i)]: e / sum(exps) for i, e in enumerate(exps)}
        return dict(sorted(result.items(), key=lambda item: -item[1]))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.strip())
    model = Model(HERE)
    try:
        language, probability = next(iter(model.probabilities(" ".join(sys.argv[1:])).items()))
    except ValueError as error:
        sys.exit(f"run.py: {error}")
    print(f"{language} {probability:.2f}")


if __name__ == "__main__":
    main()
