# SPDX-License-Identifier: Apache-2.0
"""The model in examples/: really trained, always the same, and what its card says is true."""
import json
import pathlib
import re
import struct
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
MODEL = EXAMPLES / "sentence-language"
FILES = {"LICENSE", "README.md", "config.json", "model.safetensors", "run.py", "tokenizer_config.json", "vocab.json"}


def answer(text, folder=MODEL):
    return subprocess.run([sys.executable, "-I", "-B", folder / "run.py", text], capture_output=True, text=True,
                          check=False, timeout=60)


def card():
    text = (MODEL / "README.md").read_text(encoding="utf-8")
    return text, re.search(r'^python3 run\.py "(.*)"$', text, re.M)[1], re.search(r"```text\n(.*)\n```", text)[1]


def test_answers_as_its_card_says():
    _, question, expected = card()
    done = answer(question)
    assert (done.returncode, done.stdout) == (0, expected + "\n")


@pytest.mark.parametrize("text,language", [
    ("Where is the station?", "en"), ("Gdzie jest dworzec kolejowy?", "pl"), ("¿Dónde está la estación?", "es"),
    ("Où est la gare, je vous prie ?", "fr"), ("Dov'è la stazione dei treni?", "it"), ("Waar is het station?", "nl"),
    ("Var ligger stationen?", "sv"), ("İstasyon nerede, biliyor musunuz?", "tr"), ("Onde fica a estação?", "pt")])
def test_other_languages(text, language):
    assert answer(text).stdout.split()[0] == language


def test_nothing_to_go_by():
    done = answer("漢字")
    assert done.returncode == 0  # the blanks around a word are known
    assert answer("").returncode in (0, 1) and "Traceback" not in answer("").stderr


def test_only_what_gets_packed():
    assert {p.name for p in MODEL.iterdir()} == FILES


def test_safetensors_form():
    data = (MODEL / "model.safetensors").read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    assert length % 8 == 0 and header.pop("__metadata__") == {"format": "pt"}
    end = 0
    for name, info in header.items():
        begin, stop = info["data_offsets"]
        size = 4
        for n in info["shape"]:
            size *= n
        assert info["dtype"] == "F32" and begin == end and stop - begin == size, name
        end = stop
    assert 8 + length + end == len(data)
    assert 200_000 < len(data) < 1_000_000


def test_training_makes_these_very_files(tmp_path):
    done = subprocess.run([sys.executable, EXAMPLES / "train_sentence_language.py", tmp_path], capture_output=True,
                          text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (MODEL / name).read_bytes(), f"{name} differs from what training gives"
    text, _, _ = card()
    accuracy = re.search(r"unseen sentences: ([0-9.]+), on three words: ([0-9.]+)", done.stdout)
    assert f"| whole sentences | {accuracy[1]} |" in text and f"| their first three words | {accuracy[2]} |" in text
    assert float(accuracy[1]) > 0.9
