# SPDX-License-Identifier: Apache-2.0
"""A registry as a few teams would fill it, for the pages of the portal: projects, people, models with cards, bases and data sets."""
import contextlib
import json
import sqlite3
import struct
import time
import zlib

import numpy
from safetensors.numpy import save

from harness.content import descriptor, push, small_image
from harness.harbor import Harbor
from harness.registry import OCI_MANIFEST, digest_of
from harness.server import wait_until

MODELPACK = "application/vnd.cncf.model.manifest.v1+json"
CONFIG = "application/vnd.cncf.model.config.v1+json"
PEOPLE = {"ada": "projectAdmin", "max": "maintainer", "dev": "developer", "gus": "guest", "lea": "limitedGuest"}

CARD = """---
license: apache-2.0
language: [en, de]
pipeline_tag: text-generation
library_name: transformers
base_model: {base}
datasets: [vision/street-signs]
tags: [chat, instruct]
---
# {name}

A small language model that was made for **helpful answers** in two languages. It runs on a laptop.

![Loss while it was trained](figures/loss.png)

## How it was measured

| task | shots | score |
|------|------:|------:|
| reading | 5 | 61.2 |
| arithmetic | 8 | 48.9 |
| common sense | 0 | 72.4 |

## How to use it

```python
from transformers import pipeline
answer = pipeline("text-generation", model=".")("Which way to the harbour?")
```

> It was trained on public text until March and does not know what happened since.

- [x] safe weights
- [ ] other languages
- see [the licence](LICENSE)
"""


def png(width, height, colour):
    """A picture of one colour with a lighter diagonal."""
    rows = b""
    for y in range(height):
        line = b"".join(bytes(min(255, c + (90 if abs(x * height - y * width) < 4 * width else 0)) for c in colour)
                        for x in range(width))
        rows += b"\0" + line

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def transformer(layers, width=16, vocabulary=96, dtype=numpy.float16):
    """The weights of a very small transformer, named as the large ones name theirs."""
    sizes = {"model.embed_tokens.weight": (vocabulary, width), "model.norm.weight": (width,), "lm_head.weight": (vocabulary, width)}
    for i in range(layers):
        for part in ("q_proj", "k_proj", "v_proj", "o_proj"):
            sizes[f"model.layers.{i}.self_attn.{part}.weight"] = (width, width)
        for part, shape in (("gate_proj", (4 * width, width)), ("up_proj", (4 * width, width)), ("down_proj", (width, 4 * width))):
            sizes[f"model.layers.{i}.mlp.{part}.weight"] = shape
        sizes[f"model.layers.{i}.input_layernorm.weight"] = (width,)
    return save({n: numpy.ones(s, dtype=numpy.float32 if "norm" in n else dtype) for n, s in sizes.items()})


def model(files, **said):
    """A ModelPack of files (path -> bytes): (document, blobs)."""
    descriptive = {k: said.pop(k) for k in ("name", "title", "description", "family", "version", "licenses", "authors") if k in said}
    config = json.dumps({"descriptor": descriptive, "config": said,
                         "modelfs": {"type": "layers", "diffIds": [digest_of(d) for d in files.values()]}}).encode()
    layers = []
    for path, data in files.items():
        kind = ("weight" if path.endswith((".safetensors", ".gguf")) else
                "doc" if path.endswith((".md", ".png", "LICENSE")) else "weight.config")
        layers.append(descriptor(data, f"application/vnd.cncf.model.{kind}.v1.raw", annotations={"org.cncf.model.filepath": path}))
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": MODELPACK,
                "config": descriptor(config, CONFIG), "layers": layers,
                "annotations": {"org.opencontainers.image.created": "2026-03-01T10:00:00Z", "org.cnai.model.title": said.get("title", "")}}
    return document, {digest_of(d): d for d in (config, *files.values())}


def chat_model(name, layers, base="", dtype=numpy.float16, **said):
    files = {
        "README.md": CARD.format(name=name, base=base or "[]").encode(),
        "LICENSE": b"Apache License\nVersion 2.0, January 2004\nhttp://www.apache.org/licenses/\n",
        "figures/loss.png": png(320, 120, (20, 110, 130)),
        "config.json": json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 16,
                                   "max_position_embeddings": 8192, "torch_dtype": "float16", "vocab_size": 96}).encode(),
        "tokenizer_config.json": json.dumps({"chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"}).encode(),
        "model.safetensors": transformer(layers, dtype=dtype),
    }
    return model(files, name=name, title=said.pop("title", name), architecture="transformer", format="safetensors", **said)


class Showcase:
    """Everything stands under project names that begin with `prefix`, so that several may stand in one server."""

    def __init__(self, server, prefix=""):
        self.server, self.harbor = server, Harbor(server.registry())
        self.research, self.vision, self.secret = (prefix + n for n in ("research", "vision", "secret"))
        self.people = {}
        self.projects = {}

    def fill(self):
        harbor, registry = self.harbor, self.harbor.registry
        for name, public in ((self.research, True), (self.vision, False), (self.secret, False)):
            self.projects[name], _ = harbor.add_project(name, public=public)
        for name, role in PEOPLE.items():
            number, them = harbor.add_user(f"{self.research}-{name}")
            harbor.add_member(self.projects[self.research], number, role)
            if role != "limitedGuest":
                harbor.add_member(self.projects[self.vision], number, role)
            self.people[name] = (number, them)
        self.digests = {}
        for repo, tag, (document, blobs) in self.models():
            self.digests[repo] = push(registry, repo, document, blobs, tag)[0]
        push(registry, f"{self.research}/runtime", *small_image(), "v1")
        self.describe()
        self.wait()
        return self

    def models(self):
        research, vision = self.research, self.vision
        small = chat_model("Harbour 1B", 2, family="llama", version="1.0", description="A small chat model for two languages.")
        yield f"{research}/harbour-1b", "v1", small
        yield (f"{research}/harbour-1b-chat", "v1.0",
               chat_model("Harbour 1B Chat", 2, base=f"{research}/harbour-1b", family="llama", version="1.0",
                          description="Tuned for conversations: answers in English and German, with a licence that lets you sell."))
        yield (f"{research}/harbour-1b-chat", "v1.1",
               chat_model("Harbour 1B Chat", 3, base=f"{research}/harbour-1b", family="llama", version="1.1",
                          description="Tuned for conversations: answers in English and German, with a licence that lets you sell."))
        yield (f"{vision}/street-signs", "2026",
               model({"README.md": b"---\nlicense: cc-by-4.0\n---\n# Street signs\n\n40,000 pictures of signs.\n",
                      "data/train.csv": b"picture,sign\n1.png,stop\n2.png,yield\n"}, name="street-signs", title="Street signs",
                     description="A data set."))
        yield (f"{vision}/signs-detector", "v3",
               model({"README.md": b"---\nlicense: mit\npipeline_tag: object-detection\nlibrary_name: pytorch\n---\n# Signs\n\nFinds signs.\n",
                      "model.safetensors": transformer(1, dtype=numpy.float32)}, name="signs-detector", title="Signs detector",
                     description="Finds street signs in pictures.", family="yolo"))
        yield f"{self.secret}/unreleased", "v0", chat_model("Unreleased", 1, family="llama", description="Nobody may see this yet.")

    def describe(self):
        harbor, chat = self.harbor, f"/projects/{self.research}/repositories/harbour-1b-chat"
        label = harbor.post("/labels", {"name": "approved", "color": "#2b8a3e", "scope": "p",
                                        "description": "May be used in products.", "project_id": self.projects[self.research]})
        number = int(label.get("Location").rsplit("/", 1)[1])
        harbor.post(f"{chat}/artifacts/v1.1/labels", {"id": number}, status=200)
        harbor.post(f"{chat}/artifacts/v1.1/tags", {"name": "latest"})
        harbor.put(chat, {"description": "The model that answers on our site.", "display_name": f"{self.research}/Harbour-1B-Chat"})
        for _ in range(3):
            assert harbor.registry.request("GET", f"/v2/{self.research}/harbour-1b-chat/manifests/v1.1").status == 200

    def wait(self):
        """Until all of them were read and can be found."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = {m["repository"] for m in self.harbor.json("/models", page_size=100, project=",".join(self.projects))}
            if {r for r in self.digests if "street-signs" not in r} <= found:
                return
            time.sleep(0.2)
        raise AssertionError(f"not read in time: {sorted(found)}")


class Family(Showcase):
    """The showcase with a family of models around one of them, and a busy past."""

    def fill(self):
        super().fill()
        chat = f"{self.research}/harbour-1b-chat"
        for name, relation in (("harbour-1b-chat-q4", "quantized"), ("harbour-1b-chat-legal", "finetune")):
            push(self.harbor.registry, f"{self.research}/{name}", *chat_model(name, 1, family="llama"), "v1")
            self.harbor.post(f"/projects/{self.research}/repositories/{name}/artifacts/v1/links", {"target": chat, "relation": relation})
        push(self.harbor.registry, f"{self.secret}/plans", *chat_model("plans", 1), "v1")
        self.harbor.post(f"/projects/{self.secret}/repositories/plans/artifacts/v1/links", {"target": chat, "relation": "merge"})
        for base in (f"{self.research}/harbour-1b", "Qwen/Qwen3-0.6B"):
            self.harbor.post(f"/projects/{self.research}/repositories/harbour-1b-chat-legal/artifacts/v1/links",
                             {"target": base, "relation": "merge"})
        push(self.harbor.registry, f"{self.research}/deep", *model({"model.safetensors": transformer(40)}, name="deep"), "v1")
        push(self.harbor.registry, f"{self.research}/notes", *model({"README.md": b"# Nothing but words\n"}, name="notes"), "v1")
        for name in ("deep", "notes"):
            wait_until(lambda n=name: self.harbor.json(f"/projects/{self.research}/repositories/{n}/artifacts/v1/model")["state"] == "read")
        self.past(chat)
        return self

    def past(self, repository):
        """Pulls and pushes of the last year, which tests cannot wait for."""
        with contextlib.closing(sqlite3.connect(self.server.data / "haven.db", timeout=30)) as db, db:
            (number, day), = db.execute("SELECT d.repository_id, d.day FROM repository_day d JOIN repository r ON r.id = d.repository_id"
                                        " WHERE r.name = ? ORDER BY day DESC LIMIT 1", (repository,)).fetchall()
            db.executemany("INSERT INTO repository_day VALUES (?, ?, ?, ?, ?)",
                           [(number, day - n, 40 + 25 * (n % 7 < 5) + (n * 37) % 23 - min(n // 10, 30), int(n % 11 == 0), int(n % 40 == 3))
                            for n in range(1, 365)])
