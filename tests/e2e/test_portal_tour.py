# SPDX-License-Identifier: Apache-2.0
"""The tour of the portal, docs/portal-tour.md: each stop as a newcomer would reach it. tools/tour makes the pictures of the page with it."""
import pathlib
import re
import shutil

import pytest
from playwright.sync_api import expect

from harness.content import push, small_image
from harness.harbor import Harbor
from harness.server import Server, wait_until
from harness.showcase import Family, model, transformer

pytestmark = pytest.mark.release
DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
CARD = """---
license: {license}
language: [{languages}]
pipeline_tag: {task}
library_name: {library}
tags: [{tags}]
---
# {title}

{about}
"""
# What other teams have published: repository, title, blocks of weights, and what the card says.
SHELF = [
    ("language/translate-de-en", "Translate German to English", 6,
     {"task": "translation", "license": "mit", "library": "transformers", "languages": "de, en", "tags": "marian",
      "about": "Sentences of the law and of the trade, both ways."}),
    ("language/embed-small", "Embed small", 4,
     {"task": "sentence-similarity", "license": "apache-2.0", "library": "sentence-transformers", "languages": "en, de, fr",
      "tags": "retrieval", "about": "384 numbers for a sentence, made to find the paragraph that answers it."}),
    ("language/harbour-7b", "Harbour 7B", 32,
     {"task": "text-generation", "license": "apache-2.0", "library": "transformers", "languages": "en, de, zh", "tags": "chat",
      "about": "The large one: 32 blocks, for who has the memory."}),
    ("speech/hear", "Hear", 8,
     {"task": "automatic-speech-recognition", "license": "cc-by-4.0", "library": "nemo", "languages": "en", "tags": "telephone",
      "about": "Writes down what callers say, also on a bad line."}),
    ("speech/speak", "Speak", 5,
     {"task": "text-to-speech", "license": "cc-by-nc-4.0", "library": "coqui", "languages": "en, es", "tags": "voice",
      "about": "A calm voice for announcements."}),
]


class Tour(Family):
    def fill(self):
        super().fill()
        for name in ("language", "speech"):
            self.harbor.add_project(name, public=True)
        for repo, title, blocks, said in SHELF:
            files = {"README.md": CARD.format(title=title, **said).encode(), "model.safetensors": transformer(blocks),
                     "config.json": b'{"model_type":"llama","architectures":["LlamaForCausalLM"],"max_position_embeddings":32768}'}
            push(self.harbor.registry, repo, *model(files, name=repo.split("/")[1], title=title, description=said["about"]), "v1")
        wait_until(lambda: {r for r, *_ in SHELF} <= {m["repository"] for m in self.harbor.json("/models", page_size=100)})
        number = self.projects[self.research]
        self.harbor.post("/robots", {"name": "pipeline", "level": "project", "duration": 90, "permissions": [
            {"kind": "project", "namespace": self.research, "access": [{"resource": "repository", "action": "push"}]}]})
        quota = self.harbor.json("/quotas", reference="project", reference_id=number)[0]["id"]
        self.harbor.put(f"/quotas/{quota}", {"hard": {"storage": 1 << 20}})
        push(self.harbor.registry, "speech/mistake", *small_image(), "v1")
        self.harbor.delete("/projects/speech/repositories/mistake")
        for _ in range(2):
            self.harbor.post("/system/gc/schedule", {"schedule": {"type": "Manual"}})
            wait_until(lambda: all(r["job_status"] == "Success" for r in self.harbor.json("/system/gc")))
        return self


@pytest.fixture(scope="module")
def show(tmp_path_factory):
    """A server of its own: in the pictures there is only what the page speaks of."""
    server = Server(tmp_path_factory.mktemp("tour"), config={"collect.grace": "1s"})
    server.start()
    yield Tour(server).fill()
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


@pytest.fixture
def visit(window, show):
    """visit(path, who, **query): the page as this person sees it, and its window."""
    def begin(path, who=None, how=None, **query):
        portal = window(server=show.server, **(how or {}))
        if who:
            portal.sign_in(who if who == "admin" else f"{show.research}-{who}")
        return portal.open(path, **query), portal
    return begin


CHAT = "/m/research/harbour-1b-chat"
# Tabs of a model: whose, who looks, what has to be there. The picture is called model-TAB.
TABS = [("files", "research/harbour-1b-chat", None, "table.files"), ("tensors", "language/harbour-7b", None, ".chart-column"),
        ("versions", "research/harbour-1b-chat", "max", "main table"), ("lineage", "research/harbour-1b-chat", "ada", ".graph-root"),
        ("activity", "research/harbour-1b-chat", "ada", ".chart-column")]
# Pages of those who manage: picture, address, who looks, a word that has to be there.
PAGES = [("projects", "/projects", "ada", "research"), ("project", "/projects/research", "ada", "Harbour"),
         ("members", "/projects/research/members", "ada", "research-gus"), ("logs", "/projects/research/logs", "ada", "artifact"),
         ("quotas", "/admin/quotas", "admin", "language"), ("collection", "/admin/collection", "admin", "Run now"),
         ("audit", "/admin/audit", "admin", "artifact"), ("health", "/admin/health", "admin", "database"),
         ("tokens", "/account/tokens", "ada", "laptop")]


def test_discover(visit):
    page, portal = visit("/")
    expect(page.locator("article.model")).to_have_count(12)
    portal.picture("discover")
    page.get_by_role("checkbox", name=re.compile("text-generation")).check()
    page.get_by_role("searchbox").first.fill("harbour")
    page.keyboard.press("Enter")
    portal.settle()
    expect(page.locator("article.model mark").first).to_be_visible()
    portal.picture("discover-filtered")


def test_a_model(visit):
    page, portal = visit(CHAT, tag="v1.1")
    expect(page.get_by_role("heading", name="How it was measured")).to_be_visible()
    portal.picture("model")
    page.get_by_role("button", name="Use this model").click()
    page.get_by_role("dialog").get_by_role("button", name="Kubernetes", exact=True).click()
    portal.picture("model-use")


@pytest.mark.parametrize("tab, repo, who, sign", TABS, ids=[t[0] for t in TABS])
def test_its_tabs(visit, tab, repo, who, sign):
    page, portal = visit(f"/m/{repo}", who, tab=tab)
    expect(page.locator(sign).first).to_be_visible()
    page.locator(".tabs").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.querySelector('.tabs').getBoundingClientRect().top + scrollY - 80)")
    portal.picture(f"model-{tab}")


@pytest.mark.parametrize("name, path, who, text", PAGES, ids=[p[0] for p in PAGES])
def test_managing(visit, show, name, path, who, text):
    if name == "tokens":
        Harbor(show.server.registry(f"{show.research}-{who}")).post(
            "/users/current/tokens", {"name": "laptop", "scope": "write", "duration": 90})
    page, portal = visit(path, who)
    expect(page.locator("main").get_by_text(text).locator("visible=true").first).to_be_visible()
    portal.picture(name)


def test_in_the_dark_and_on_a_phone(visit):
    page, portal = visit(CHAT, how={"dark": True, "phone": True, "language": "zh-CN"}, tag="v1.1")
    expect(page.locator("h1")).to_be_visible()
    portal.picture("phone")
    page, portal = visit(CHAT, how={"dark": True}, tag="v1.1", tab="lineage")
    expect(page.locator(".graph-root")).to_be_visible()
    portal.picture("dark")


def test_the_page_shows_each_picture():
    shown = set(re.findall(r"!\[[^]]{20,}\]\(tour/([a-z-]+)\.png\)", (DOCS / "portal-tour.md").read_text(encoding="utf-8")))
    kept = {p.stem for p in (DOCS / "tour").glob("*.png")}
    made = set(re.findall(r'picture\("([a-z-]+)"', pathlib.Path(__file__).read_text(encoding="utf-8")))
    assert shown == kept == made | {f"model-{t[0]}" for t in TABS} | {p[0] for p in PAGES}
