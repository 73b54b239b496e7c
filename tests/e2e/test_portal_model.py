# SPDX-License-Identifier: Apache-2.0
"""The page of a model: what it shows, what can be done there, and by whom; and of artifacts that are no models."""
import gzip
import json

import pytest
from playwright.sync_api import expect

from harness.content import artifact, descriptor, dump, image, index, noise, push, small_image, tar_of
from harness.harbor import Harbor, fresh
from harness.registry import OCI_INDEX, OCI_MANIFEST, digest_of
from harness.server import wait_until
from harness.showcase import Showcase, chat_model, model, png, transformer

CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
SBOM = "application/vnd.goharbor.harbor.sbom.v1"
SIGNATURE = "application/vnd.dev.sigstore.bundle.v0.3+json"
ICON = "io.goharbor.artifact.v1alpha1.icon"
LOG = "".join(f"step {i}: loss {1000 / (i + 1):.3f}\n" for i in range(9000)).encode()
FILES = {
    "notes/deep/er/log.txt": LOG,
    "notes/empty.txt": b"",
    "notes/plain.txt": "first line\nzweite Zeile: äöü\n".encode(),
    "config.json": b'{"model_type":"llama","architectures":["LlamaForCausalLM"]}',
    "figures/dot.png": png(40, 20, (200, 40, 40)),
    "blob.dat": bytes(range(256)),
    "docs/README.txt": b"a text",
}


def model_of_many_files():
    document, blobs = model({**FILES, "model.safetensors": transformer(1), "broken.safetensors": b"\xff" * 64},
                            name="many", title="Many files")
    packed = gzip.compress(tar_of({"packed/inside.txt": b"inside", "packed/LICENSE": b"MIT License\n"}), mtime=0)
    blobs[digest_of(packed)] = packed
    document["layers"].append(descriptor(packed, "application/vnd.cncf.model.doc.v1.tar+gzip",
                                         annotations={"org.cncf.model.filepath": "packed"}))
    return document, blobs


def chart():
    data = gzip.compress(tar_of({
        "web/Chart.yaml": b"apiVersion: v2\nname: web\nversion: 1.10.0\ndescription: A chart.\ndependencies:\n"
                          b"- name: db\n  version: ~1.2\n  repository: https://charts.example\n",
        "web/values.yaml": b"replicas: 3\nimage: web\n", "web/README.md": b"# The web chart\n\nSee [values](values.yaml).\n"}), mtime=0)
    config = json.dumps({"apiVersion": "v2", "name": "web", "version": "1.10.0", "description": "A chart."}).encode()
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(config, CHART_CONFIG),
            "layers": [descriptor(data, CHART_CONTENT)]}, {digest_of(config): config, digest_of(data): data}


def image_with_history():
    layer = noise(300)
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["A=1"]}, "history": [
        {"created": "2026-01-01T00:00:00Z", "created_by": "/bin/sh -c #(nop) ADD file:1 in /"},
        {"created": "2026-01-02T00:00:00Z", "created_by": "CMD [\"serve\"]", "empty_layer": True}]}).encode()
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
            "layers": [descriptor(layer, "application/vnd.oci.image.layer.v1.tar")]}, \
        {digest_of(config): config, digest_of(layer): layer}


def bill():
    data = json.dumps({"spdxVersion": "SPDX-2.3", "packages": [{"name": "libwork", "versionInfo": "2.1", "licenseConcluded": "MIT"}]}).encode()
    return artifact(SBOM, layers=[data])


class Zoo(Showcase):
    """The showcase, and a repository of each other kind."""

    @property
    def harbor(self):
        """A new connection: while a browser is at work, the server closes those that are idle."""
        return Harbor(self.server.registry())

    @harbor.setter
    def harbor(self, _):
        pass

    def fill(self):
        super().fill()
        harbor, registry, name = self.harbor, self.harbor.registry, self.research
        push(registry, f"{name}/many", *model_of_many_files(), "v1")
        push(registry, f"{name}/bare", *model({"model.safetensors": transformer(1)}, name="bare"), "v1")
        push(registry, f"{name}/web", *chart(), "1.10.0")
        push(registry, f"{name}/tool", *image_with_history(), "v1")
        push(registry, f"{name}/bill", *bill(), "v1")
        icon = png(24, 24, (30, 120, 200))
        document, blobs = artifact("application/vnd.acme.thing", layers=[noise(100), icon])
        document["layers"][1]["annotations"] = {ICON: ""}
        push(registry, f"{name}/thing", document, blobs, "v1")
        members = []
        for machine in ("amd64", "arm64"):
            member, blobs = image([noise(200)], platform=("linux", machine))
            members.append((push(registry, f"{name}/multi", member, blobs)[1], OCI_MANIFEST))
        whole = index(members)
        for one, machine in zip(whole["manifests"], ("amd64", "arm64")):
            one["platform"] = {"os": "linux", "architecture": machine}
        registry.put_manifest(f"{name}/multi", "v1", dump(whole), OCI_INDEX)
        self.sign(f"{name}/harbour-1b-chat", "v1.1")
        harbor.post(f"/projects/{name}/immutabletagrules", {
            "action": "immutable", "template": "immutable_template", "disabled": False, "priority": 0,
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v1.0"}],
            "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "harbour-1b-chat"}]}})
        for repo in ("many", "bare", "web"):
            self.read(repo)
        return self

    def read(self, repo, tag=None):
        path = f"/projects/{self.research}/repositories/{repo}/artifacts"
        tag = tag or self.harbor.json(path, page_size=1)[0]["digest"]
        wait_until(lambda: self.harbor.json(f"{path}/{tag}/model")["state"] == "read")

    def sign(self, repo, tag):
        registry = self.harbor.registry
        subject = registry.manifest(repo, tag)
        about = {"mediaType": OCI_MANIFEST, "digest": subject.get("Docker-Content-Digest"), "size": len(subject.body)}
        push(registry, repo, *artifact(SIGNATURE, subject=about, layers=[noise(80)]))

    def spare(self, versions=1, **more):
        """A repository of a test's own, with versions v1, v2 …; its name without the project."""
        name, registry = fresh("spare"), self.harbor.registry
        for i in range(versions):
            push(registry, f"{self.research}/{name}",
                 *chat_model(name, 1, family="llama", version=str(i + 1), **more), f"v{i + 1}")
            self.read(name, f"v{i + 1}")
        return name


@pytest.fixture(scope="module")
def zoo(haven):
    return Zoo(haven, "model-").fill()


@pytest.fixture
def show(window, zoo):
    """show("harbour-1b-chat", user="dev", tab=…): a page of the repository as somebody sees it."""
    def open_one(repo, user=None, project=None, how=None, **query):
        portal = window(**(how or {}))
        if user == "admin":
            portal.sign_in("admin")
        elif user:
            portal.sign_in(f"{zoo.research}-{user}")
        portal.open(f"/m/{project or zoo.research}/{repo}", **query)
        return portal
    return open_one


# ---- the header and the facts ----

def test_what_everybody_sees(show, zoo):
    portal = show("harbour-1b-chat", tag="v1.1")
    page = portal.page
    expect(page).to_have_title(f"{zoo.research}/Harbour-1B-Chat · Haven")
    expect(page.locator("h1")).to_have_text(f"{zoo.research}/Harbour-1B-Chat")
    portal.shot("model-card")
    assert portal.axe() == []


def test_header_leads_to_others(show, zoo):
    page = show("harbour-1b-chat", tag="v1.1").page
    chips = page.get_by_role("group", name="What it is")
    for word, query in (("text-generation", "task=text-generation"), ("llama", "family=llama"), ("safetensors", "format=safetensors"),
                        ("Apache-2.0", "license=Apache-2.0"), ("transformers", "library=transformers"), ("float16", "precision=float16"),
                        ("de", "language=de"), ("instruct", "q=instruct")):
        expect(chips.get_by_role("link", name=word, exact=True)).to_have_attribute("href", f"/-/?{query}")
    expect(chips.get_by_text("8,192 tokens")).to_be_visible()
    expect(page.get_by_role("group", name="Labels").get_by_role("link", name="approved")).to_be_visible()
    expect(page.get_by_text("The model that answers on our site.")).to_be_visible()
    facts = page.get_by_label("Facts", exact=True)
    for name, value in (("Tensors", "27"), ("Context length", "8,192"), ("Type", "CNAI"), ("Form", "modelpack"), ("Relation to it", "finetune"),
                        ("Version", "1.1"), ("Pulled", "ago"), ("Made", "ago"), ("Class", "LlamaForCausalLM")):
        expect(facts.locator(f"dt:text-is('{name}') + dd").first).to_contain_text(value)
    expect(facts).to_contain_text("org.cnai.model.title")
    chips.get_by_role("link", name="llama", exact=True).click()
    expect(page.locator("h1")).to_have_text("Discover models")


def test_a_display_id_in_any_case(show, zoo):
    page = show("HARBOUR-1B-chat").page
    expect(page.locator("h1")).to_have_text(f"{zoo.research}/Harbour-1B-Chat")
    expect(page.locator(".model-version")).to_contain_text("latest")


def test_versions_are_chosen_by_tag_and_digest(show, zoo):
    portal = show("harbour-1b-chat", tag="v1.0")
    page = portal.page
    expect(page.locator(".model-version")).to_contain_text("immutable")
    expect(page.get_by_label("Facts", exact=True).locator("dt:text-is('Tensors') + dd")).to_have_text("19")
    page.locator(".model-version summary").click()
    expect(page.locator(".tag-list li")).to_have_count(3)
    page.get_by_label("Find a tag").fill("1.1")
    page.keyboard.press("Enter")
    expect(page.locator(".tag-list li")).to_have_count(1)
    page.locator(".tag-list li a").click()
    portal.settle()
    assert "tag=v1.1" in page.url
    expect(page.get_by_label("Facts", exact=True).locator("dt:text-is('Tensors') + dd")).to_have_text("27")
    page.go_back()
    expect(page.get_by_label("Facts", exact=True).locator("dt:text-is('Tensors') + dd")).to_have_text("19")
    digest = zoo.digests[f"{zoo.research}/harbour-1b-chat"]  # of the last one pushed
    other = show("harbour-1b-chat", digest=digest, tab="files").page
    expect(other.locator(".model-version code")).to_have_text(digest[7:19])
    expect(other.get_by_role("link", name="Model card")).to_have_attribute("href", f"/-/m/{zoo.research}/harbour-1b-chat?digest={digest.replace(':', '%3A')}")


def test_what_is_not_there(show, zoo):
    portal = show("bare")
    portal.allow("status of 404", "status of 403", "status of 401")
    page = portal.open(f"/m/{zoo.research}/harbour-1b-chat", tag="v9")
    expect(page.get_by_text("This repository has no version v9")).to_be_visible()
    page.get_by_role("link", name="Go to its newest version").click()
    expect(page.locator("h1")).to_have_text(f"{zoo.research}/Harbour-1B-Chat")
    portal.open(f"/m/{zoo.research}/nothing/of/this")
    expect(page.get_by_text("There is no such repository")).to_be_visible()
    portal.open(f"/m/{zoo.secret}/unreleased")  # of others: it looks as if it were not there, or asks to sign in
    expect(page.get_by_role("alert").or_(page.get_by_text("There is no such repository"))).to_be_visible()
    expect(page.get_by_text("Nobody may see this yet")).to_have_count(0)


# ---- the card ----

def test_a_card(show, zoo):
    portal = show("harbour-1b-chat", tag="v1.1")
    page = portal.page
    card = page.locator(".model-main .markdown")
    expect(card.get_by_role("heading", name="How it was measured")).to_be_visible()
    expect(card.get_by_role("cell", name="61.2")).to_be_visible()
    expect(card.locator("pre code")).to_contain_text('pipeline("text-generation", model=".")')
    expect(card.locator("blockquote")).to_contain_text("It was trained")
    expect(card.get_by_text("☑ safe weights")).to_be_visible()
    picture = card.get_by_role("img", name="Loss while it was trained")
    assert picture.evaluate("i => i.complete && i.naturalWidth") == 320
    front = page.get_by_label("What the card says in front")
    expect(front.get_by_role("link", name="instruct")).to_be_visible()
    expect(front.locator("pre")).to_be_hidden()
    assert "pipeline_tag" not in card.inner_text()
    card.get_by_role("link", name="the licence").click()
    portal.settle()
    assert "tab=files" in page.url and "path=LICENSE" in page.url and "tag=v1.1" in page.url
    expect(page.locator(".source pre")).to_contain_text("Version 2.0, January 2004")


def test_a_heading_in_the_address(show, zoo):
    portal = show("harbour-1b-chat", how={"phone": True})
    page = portal.page
    page.goto(page.url + "#card-how-to-use-it")
    page.reload()
    portal.settle()
    heading = page.locator("#card-how-to-use-it")
    expect(heading).to_be_in_viewport()


def test_no_card(show, zoo):
    portal = show("bare")
    expect(portal.page.get_by_text("This model has no card.")).to_be_visible()
    expect(portal.page.get_by_text("Put a README.md beside the weights")).to_have_count(0)  # a stranger cannot
    developer = show("bare", user="dev")
    expect(developer.page.get_by_text("Put a README.md beside the weights")).to_be_visible()
    expect(developer.page.locator(".empty-help .command").last).to_contain_text(f"haven push ./bare {zoo.server.address}/{zoo.research}/bare:v1")
    developer.shot("model-no-card")
    assert developer.axe() == []


def test_a_very_long_card(show, zoo):
    name = fresh("long")
    text = "# Long\n\n" + "".join(f"## Part {i}\n\nSome *words* of part {i}, [here](LICENSE).\n\n```\n# no heading\n\n```\n\n" for i in range(9000))
    push(zoo.harbor.registry, f"{zoo.research}/{name}", *model({"README.md": text.encode(), "LICENSE": b"x"}, name=name), "v1")
    zoo.read(name)
    portal = show(name)
    page = portal.page
    expect(page.locator("#card-part-1")).to_be_visible()
    assert page.locator("#card-part-8999").count() == 0
    page.get_by_role("button", name="Show more").click()
    portal.settle()
    found = page.locator(".markdown h3").all_inner_texts()
    assert len(found) > 5000 and len(set(found)) == len(found)
    assert "# no heading" not in found


# ---- files ----

def test_files(show, zoo):
    portal = show("many", tab="files")
    page = portal.page
    rows = page.locator("table.files tbody tr")
    names = [r.strip() for r in page.locator(".file-name").all_inner_texts()]
    assert names == ["docs", "figures", "notes", "packed", "blob.dat", "broken.safetensors", "config.json", "model.safetensors"]
    expect(rows.filter(has_text="notes")).to_contain_text("3 files")
    expect(rows.filter(has_text="model.safetensors")).to_contain_text("weights")
    expect(rows.filter(has_text="config.json")).to_contain_text("configuration")
    shares = [int(s.rstrip(" %").lstrip("<")) for s in page.locator(".file-share small").all_inner_texts()]
    assert 97 <= sum(shares) <= 106
    portal.shot("model-files")
    assert portal.axe() == []
    page.get_by_role("link", name="notes").click()
    page.get_by_role("link", name="deep").click()
    page.get_by_role("link", name="er", exact=True).click()
    portal.settle()
    assert "dir=notes%2Fdeep%2Fer" in page.url
    page.get_by_role("link", name="log.txt", exact=True).click()
    expect(page.get_by_text("The first 64 KiB of")).to_be_visible()
    expect(page.locator(".source pre")).to_contain_text("step 0: loss 1000.000")
    portal.shot("model-file")
    page.get_by_label("Path").get_by_role("link", name="notes").click()
    page.get_by_role("link", name="plain.txt", exact=True).click()
    expect(page.locator(".source pre")).to_have_text("first line\nzweite Zeile: äöü")
    page.get_by_label("Path").get_by_role("link", name="many").click()
    page.get_by_placeholder("Find a file").fill("LOG")
    page.keyboard.press("Enter")
    expect(page.locator(".file-name")).to_have_text(["notes/deep/er/log.txt"])
    portal.settle()
    page.get_by_placeholder("Find a file").fill("nothing")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No file has these words")).to_be_visible()


@pytest.mark.parametrize("path, says", [
    ("notes/empty.txt", "This file is empty."), ("blob.dat", "it is no text"), ("model.safetensors", "it is no text"),
    ("none.txt", "This version has no file none.txt")])
def test_files_that_are_not_shown(show, zoo, path, says):
    page = show("many", tab="files", path=path).page
    expect(page.locator(".model-main .empty")).to_contain_text(says)


def test_only_the_beginning_is_asked_for(show, zoo):
    portal = show("many", tab="files")
    page = portal.page
    asked = []
    page.on("response", lambda r: asked.append((r.status, r.headers.get("content-length"))) if "/files/" in r.url else None)
    portal.open(f"/m/{zoo.research}/many", tab="files", path="notes/deep/er/log.txt")
    expect(page.locator(".source pre")).to_contain_text("step 1:")
    assert asked == [(206, str(64 * 1024))]
    asked.clear()
    portal.open(f"/m/{zoo.research}/many", tab="files", path="model.safetensors")
    assert asked == []


def test_a_file_in_a_compressed_layer(show, zoo):
    """It is shown if the server unpacked it, which its digest tells."""
    model = zoo.harbor.json(f"/projects/{zoo.research}/repositories/many/artifacts/v1/model")
    file = next(f for f in model["content"]["files"] if f["file"] == "packed/inside.txt")
    portal = show("many", tab="files", path="packed/inside.txt")
    page = portal.page
    if file.get("digest"):
        expect(page.locator(".source pre")).to_have_text("inside")
        file.pop("digest")
        page.route("**/artifacts/*/model", lambda r: r.fulfill(json=model))
        page.reload()
    expect(page.locator(".model-main .empty")).to_contain_text("compressed layer (tar+gzip)")
    expect(page.get_by_role("link", name="Download")).to_have_count(0)


def test_json_pictures_and_licences(show, zoo):
    portal = show("many", tab="files", path="config.json")
    page = portal.page
    expect(page.locator(".source pre")).to_have_text('{\n  "model_type": "llama",\n  "architectures": [\n    "LlamaForCausalLM"\n  ]\n}')
    portal.open(f"/m/{zoo.research}/many", tab="files", path="figures/dot.png")
    assert page.get_by_role("img", name="figures/dot.png").evaluate("i => i.naturalWidth") == 40
    portal.open(f"/m/{zoo.research}/many", tab="files", path="packed/LICENSE")  # kept by the server
    expect(page.locator(".source pre")).to_contain_text("MIT License")


def test_a_download(show, zoo):
    page = show("many", tab="files", dir="notes").page
    with page.expect_download() as download:
        page.get_by_role("link", name="Download notes/plain.txt").click()
    assert download.value.suggested_filename == "plain.txt"
    with open(download.value.path(), "rb") as file:
        assert file.read() == FILES["notes/plain.txt"]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the path of plain.txt").click()
    assert page.evaluate("navigator.clipboard.readText()") == "notes/plain.txt"


def test_findings(show, zoo):
    portal = show("many")
    page = portal.page
    expect(page.locator("details.findings summary")).to_contain_text("in this version")
    page.locator("details.findings summary").click()
    expect(page.locator(".findings li").first).to_contain_text("broken.safetensors")
    assert show("bare").page.locator(".findings").count() == 0


# ---- using it ----

@pytest.mark.parametrize("client, command", [
    ("haven", "haven pull {ref} ./harbour-1b-chat"), ("modctl", "modctl pull --plain-http {ref} --extract-from-remote"),
    ("ORAS", "oras copy --from-plain-http {ref}"), ("Podman", "podman artifact pull --tls-verify=false {ref}"),
    ("Kubernetes", "reference: {ref}"), ("HTTP", "/artifacts/v1.1/files/model.safetensors")])
def test_use_this_model(show, zoo, client, command):
    portal = show("harbour-1b-chat", tag="v1.1")
    page = portal.page
    page.get_by_role("button", name="Use this model").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=client, exact=True).click()
    reference = f"{zoo.server.address}/{zoo.research}/harbour-1b-chat"
    expect(dialog.locator(".command").first).to_contain_text(command.format(ref=reference + ":v1.1"))
    dialog.get_by_label("Version").select_option("exactly this one (digest)")
    digest = zoo.digests[f"{zoo.research}/harbour-1b-chat"]
    expect(dialog.locator(".command").first).to_contain_text(
        command.replace("v1.1", digest.replace(":", "%3A")).format(ref=f"{reference}@{digest}"))
    if client == "Kubernetes":
        portal.shot("model-use")
        assert portal.axe() == []


def test_the_commands_work(show, zoo, tmp_path):
    from harness.server import haven  # pylint: disable=import-outside-toplevel
    page = show("harbour-1b-chat", tag="v1.1").page
    page.get_by_role("button", name="Use this model").click()
    words = page.get_by_role("dialog").locator(".command pre").first.inner_text().split()
    assert words[0] == "haven"
    done = haven(*words[1:-1], str(tmp_path / "m"))
    assert done.returncode == 0, done
    assert (tmp_path / "m" / "README.md").exists()
    page.get_by_role("dialog").get_by_role("button", name="HTTP").click()
    page.get_by_role("dialog").get_by_label("File").select_option("config.json")
    url = page.get_by_role("dialog").locator(".command pre").inner_text().split()[-1]
    answer = zoo.harbor.registry.get(url.removeprefix(zoo.server.url))
    assert answer.status == 200 and answer.json()["model_type"] == "llama"


# ---- who may do what ----

ACTIONS = {
    None: set(), "lea": {"Copy to …"}, "gus": {"Copy to …"},
    "dev": {"Add a tag", "Add a label", "Copy to …"},
    "max": {"Add a tag", "Add a label", "Copy to …", "Delete this version", "Delete the repository"},
    "ada": {"Add a tag", "Add a label", "Copy to …", "Delete this version", "Delete the repository"},
    "admin": {"Add a tag", "Add a label", "Copy to …", "Delete this version", "Delete the repository"},
}


@pytest.mark.parametrize("who", ACTIONS)
def test_who_may_do_what(show, zoo, who):
    portal = show("harbour-1b-chat", user=who, tag="v1.1", tab="versions")
    page = portal.page
    menu = page.locator("header.model-head .page-actions .menu")
    expect(page.locator("tbody tr")).to_have_count(2)
    if ACTIONS[who]:
        menu.locator("summary").click()
        assert {b.strip() for b in menu.locator("button").all_inner_texts()} == ACTIONS[who]
        page.keyboard.press("Escape")
    else:
        expect(menu).to_have_count(0)
    for button, role in (("Edit description", "Add a tag"), ("Remove the label approved", "Add a label"),
                         ("Delete the tag latest", "Delete this version"), ("Delete this attachment", "Delete this version")):
        expect(page.get_by_role("button", name=button)).to_have_count(1 if role in ACTIONS[who] else 0)
    expect(page.get_by_role("button", name="Delete the tag v1.0")).to_have_count(0)  # a rule keeps it
    expect(page.get_by_text("Signature (cosign)")).to_be_visible()
    assert portal.axe() == []
    portal.shot(f"model-versions-{who}")


@pytest.mark.parametrize("who", ["lea", "gus"])
def test_guests_read_what_is_private(show, zoo, who):
    """A private project: who is no member of it sees nothing, a limited guest is none here."""
    portal = show("signs-detector", user=who, project=zoo.vision) if who == "gus" else show("bare", user=who)
    page = portal.page
    if who == "gus":
        expect(page.get_by_text("Finds signs.")).to_be_visible()
        expect(page.get_by_role("button", name="Use this model")).to_be_visible()
    else:
        portal.allow("status of 403", "status of 404")
        portal.open(f"/m/{zoo.vision}/signs-detector")
        expect(page.get_by_text("Finds signs.")).to_have_count(0)
        expect(page.get_by_role("alert").or_(page.get_by_text("There is no such repository"))).to_be_visible()


# ---- changes ----

def choose(page, action):
    page.locator("header.model-head .page-actions .menu summary").click()
    page.get_by_role("button", name=action, exact=True).click()
    return page.get_by_role("dialog")


def test_describing(show, zoo):
    name = zoo.spare()
    portal = show(name, user="dev")
    page = portal.page
    page.get_by_role("button", name="Add a description").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Description").fill("For **all** who ask. <img src=x onerror=alert(1)>")
    dialog.get_by_label("Name as it is shown").fill(f"{zoo.research}/{name.upper()}")
    assert portal.axe() == []
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".model-description strong")).to_have_text("all")
    expect(page.locator("h1")).to_have_text(f"{zoo.research}/{name.upper()}")
    page.get_by_role("button", name="Edit description").click()
    page.get_by_role("dialog").get_by_label("Name as it is shown").fill(f"{zoo.research}/another")
    portal.allow("status of 400")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()  # and stays open, with what was written
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    repository = zoo.harbor.json(f"/projects/{zoo.research}/repositories/{name}")
    assert repository["description"].startswith("For **all**") and repository["display_name"] == f"{zoo.research}/{name.upper()}"


def test_tags(show, zoo):
    name = zoo.spare(2)
    portal = show(name, user="max", tag="v2", tab="versions")
    page = portal.page
    dialog = choose(page, "Add a tag")
    dialog.get_by_label("Tag").fill("v1")
    portal.allow("status of 409")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("Tag").fill("stable")
    dialog.get_by_role("button", name="Add").click()
    expect(page.get_by_role("status").get_by_text("The tag stable was added.")).to_be_visible()
    rows = page.locator("tbody tr")
    expect(rows.nth(0)).to_contain_text("stable")
    rows.nth(1).get_by_label("Actions for v1").click()
    rows.nth(1).get_by_role("button", name="Add a tag").click()
    page.get_by_role("dialog").get_by_label("Tag").fill("old")
    page.keyboard.press("Enter")
    expect(rows.nth(1)).to_contain_text("old")
    rows.nth(1).get_by_role("button", name="Delete the tag v1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The tag v1 goes; the version stays")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog).to_have_count(0)
    expect(rows.nth(1).get_by_role("link", name="v1")).to_have_count(0)
    rows.nth(1).get_by_role("button", name="Delete the tag old").click()
    expect(page.get_by_role("dialog")).to_contain_text("It is the only one of this version")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    tags = {t["name"] for a in zoo.harbor.json(f"/projects/{zoo.research}/repositories/{name}/artifacts") for t in a["tags"]}
    assert tags == {"v2", "stable", "old"}


def test_labels(show, zoo):
    name = zoo.spare()
    zoo.harbor.post("/labels", {"name": fresh("everywhere"), "color": "#a61e4d", "scope": "g"})
    portal = show(name, user="dev")
    page = portal.page
    page.get_by_role("button", name="Add a label").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("everywhere")).to_be_visible()
    dialog.get_by_label("Find a label").fill("APPR")
    expect(dialog.get_by_text("everywhere")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Add")).to_be_disabled()
    dialog.get_by_label("approved").check()
    assert portal.axe() == []
    dialog.get_by_role("button", name="Add").click()
    labels = page.get_by_role("group", name="Labels")
    expect(labels.get_by_role("link", name="approved")).to_be_visible()
    page.get_by_role("button", name="Remove the label approved").click()
    expect(labels.get_by_role("link", name="approved")).to_have_count(0)
    assert zoo.harbor.json(f"/projects/{zoo.research}/repositories/{name}/artifacts/v1", with_label="true")["labels"] is None


def test_a_version_is_deleted(show, zoo):
    name = zoo.spare(2)
    zoo.sign(f"{zoo.research}/{name}", "v1")
    portal = show(name, user="max", tag="v1")
    page = portal.page
    dialog = choose(page, "Delete this version")
    expect(dialog).to_contain_text("its tags: v1")
    expect(dialog).to_contain_text("1 artifact about it")
    portal.shot("model-delete")
    assert portal.axe() == []
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator(".model-version")).to_contain_text("v2")
    portal.settle()
    assert "tag=" not in page.url
    assert zoo.harbor.get(f"/projects/{zoo.research}/repositories/{name}/artifacts/v1").status == 404
    assert zoo.harbor.get(f"/projects/{zoo.research}/repositories/{name}/artifacts/v2").status == 200


def test_what_depends_on_it_is_told_before(show, zoo):
    base = zoo.spare()
    tuned = fresh("tuned")
    push(zoo.harbor.registry, f"{zoo.research}/{tuned}", *chat_model(tuned, 1, base=f"{zoo.research}/{base}", family="llama"), "v1")
    zoo.read(tuned)
    portal = show(base, user="max")
    page = portal.page
    dialog = choose(page, "Delete this version")
    portal.allow("status of 412", "status of 404")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Something here depends on it")
    expect(dialog.get_by_role("link", name=f"{zoo.research}/{tuned}:v1")).to_be_visible()
    portal.shot("model-delete-linked")
    assert zoo.harbor.get(f"/projects/{zoo.research}/repositories/{base}/artifacts/v1").status == 200
    dialog.get_by_role("button", name="Delete all the same").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("This repository holds nothing yet.").or_(page.get_by_text("There is no such repository"))).to_be_visible()
    assert zoo.harbor.get(f"/projects/{zoo.research}/repositories/{base}/artifacts/v1").status == 404


def test_an_immutable_version_stays(show, zoo):
    portal = show("harbour-1b-chat", user="max", tag="v1.0")
    dialog = choose(portal.page, "Delete this version")
    portal.allow("status of 412")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text("immutable")
    expect(dialog.get_by_role("button", name="Delete", exact=True)).to_be_visible()


def test_a_repository_is_deleted(show, zoo):
    name = zoo.spare(2)
    portal = show(name, user="ada")
    page = portal.page
    dialog = choose(page, "Delete the repository")
    expect(dialog).to_contain_text("with all of its 2 versions")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    dialog.get_by_role("textbox").fill(name)
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog).to_have_count(0)
    assert zoo.harbor.get(f"/projects/{zoo.research}/repositories/{name}").status == 404


def test_a_copy(show, zoo):
    name = zoo.spare()
    portal = show(name, user="dev")
    page = portal.page
    dialog = choose(page, "Copy to …")
    dialog.get_by_label("Project").fill("nowhere-at-all")
    expect(dialog.get_by_role("button", name="Copy", exact=True)).to_be_disabled()
    dialog.get_by_label("Project").fill(zoo.vision)
    dialog.get_by_label("Repository").fill("copies/of/it")
    assert portal.axe() == []
    dialog.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_text(f"It was copied to {zoo.vision}/copies/of/it.")).to_be_visible()
    assert zoo.harbor.get(f"/projects/{zoo.vision}/repositories/copies%252Fof%252Fit/artifacts/v1").status == 200
    guest = show("harbour-1b", user="gus")
    dialog = choose(guest.page, "Copy to …")
    dialog.get_by_label("Project").fill(zoo.vision)
    expect(dialog).to_contain_text("You may not push to this project.")
    expect(dialog.get_by_role("button", name="Copy", exact=True)).to_be_disabled()


def test_an_attachment_is_deleted(show, zoo):
    name = zoo.spare()
    zoo.sign(f"{zoo.research}/{name}", "v1")
    page = show(name, user="max", tab="versions").page
    page.get_by_role("button", name="Delete this attachment").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Signature (cosign)")).to_have_count(0)
    assert zoo.harbor.json(f"/projects/{zoo.research}/repositories/{name}/artifacts/v1/accessories") == []


# ---- versions ----

def test_versions_are_paged_sorted_and_found(show, zoo):
    name = fresh("many-versions")
    for i in range(23):
        push(zoo.harbor.registry, f"{zoo.research}/{name}", *small_image(), f"v{i:02}")
    push(zoo.harbor.registry, f"{zoo.research}/{name}", *small_image())
    portal = show(name, tab="versions")
    page = portal.page
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(20)
    expect(page.get_by_text("1–20 of 24")).to_be_visible()
    page.get_by_role("button", name="Pushed").click()
    expect(rows.first).to_contain_text("v00")
    page.get_by_role("button", name="Next").click()
    expect(rows).to_have_count(4)
    assert "page=2" in page.url and "sort=push_time" in page.url
    page.get_by_placeholder("Find a tag or digest").fill("v1")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(10)
    portal.open(f"/m/{zoo.research}/{name}", tab="versions", show="untagged")
    expect(rows).to_have_count(1)
    digest = rows.first.locator("code").get_attribute("title")
    page.get_by_placeholder("Find a tag or digest").fill(digest)
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    page.get_by_placeholder("Find a tag or digest").fill("none,of={these}")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No version has such a tag.")).to_be_visible()


# ---- artifacts that are no models ----

def test_an_image(show, zoo):
    portal = show("tool")
    page = portal.page
    expect(page.get_by_role("link", name="Build history")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("link", name="Model card")).to_have_count(0)
    expect(page.locator(".history li").first).to_contain_text("ADD file:1 in /")
    expect(page.locator(".history li").last).to_contain_text('CMD ["serve"]')
    portal.shot("model-image")
    assert portal.axe() == []
    page.get_by_role("link", name="Configuration").click()
    expect(page.locator(".configuration")).to_contain_text("amd64")
    page.get_by_role("button", name="Pull this").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="modctl")).to_have_count(0)
    dialog.get_by_role("button", name="Podman").click()
    expect(dialog.locator(".command")).to_contain_text(f"podman pull --tls-verify=false {zoo.server.address}/{zoo.research}/tool:v1")


def test_a_chart(show, zoo):
    portal = show("web")
    page = portal.page
    expect(page.get_by_role("heading", name="The web chart")).to_be_visible()
    portal.shot("model-chart")
    page.locator(".markdown").get_by_role("link", name="values").click()
    expect(page.locator(".model-main")).to_contain_text("values.yaml")
    page.get_by_role("link", name="Values", exact=True).click()
    expect(page.locator(".source pre")).to_contain_text("replicas: 3")
    page.get_by_role("link", name="Dependencies").click()
    expect(page.get_by_role("row").last).to_contain_text("https://charts.example")
    assert portal.axe() == []


def test_a_bill_of_materials_and_a_thing_with_a_picture(show, zoo):
    portal = show("bill")
    page = portal.page
    expect(page.get_by_role("cell", name="libwork")).to_be_visible()
    page.get_by_text("The whole document").click()
    expect(page.locator(".source pre")).to_contain_text("SPDX-2.3")
    assert portal.axe() == []
    portal.open(f"/m/{zoo.research}/thing")
    assert page.locator("img.model-icon").evaluate("i => i.naturalWidth") == 24


def test_an_index(show, zoo):
    portal = show("multi")
    page = portal.page
    expect(page.get_by_role("heading", name="Variants")).to_be_visible()
    portal.shot("model-index")
    assert portal.axe() == []
    page.get_by_role("link", name="linux/arm64").click()
    portal.settle()
    assert "digest=sha256" in page.url
    expect(page.locator(".model-version")).to_contain_text("no tag")


# ---- what is not read yet ----

def test_waiting(window, start):
    server = start()
    harbor = Harbor(server.registry())
    harbor.put("/jobservice/queues/MODEL_INDEX", {"action": "pause"})
    harbor.add_project("waits", public=True)
    push(harbor.registry, "waits/one", *chat_model("One", 1, family="llama"), "v1")
    portal = window(server=server)
    page = portal.open("/m/waits/one")
    expect(page.get_by_text("This version is being read")).to_be_visible()
    portal.shot("model-waiting")
    assert portal.axe() == []
    harbor.put("/jobservice/queues/MODEL_INDEX", {"action": "resume"})
    expect(page.get_by_role("heading", name="How it was measured")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("This version is being read")).to_have_count(0)


def test_failed(window, zoo):
    """The server's own answer, but for its state: what a crash of the reader would leave."""
    portal = window()
    page = portal.page
    page.route("**/artifacts/*/model", lambda r: r.fulfill(json={"state": "failed", "attempts": 8, "error": "its reader died"}))
    portal.open(f"/m/{zoo.research}/bare")
    expect(page.get_by_role("alert")).to_contain_text("its reader died")
    expect(page.get_by_role("alert")).to_contain_text("tried 8 times")


# ---- the way it looks ----

@pytest.mark.parametrize("how", [{"dark": True}, {"phone": True}, {"phone": True, "dark": True, "language": "zh-CN"}, {"language": "zh-CN"}],
                         ids=["dark", "phone", "phone-dark-zh", "zh"])
def test_it_fits(show, zoo, how, request):
    portal = show("harbour-1b-chat", how=how, tag="v1.1")
    page = portal.page
    expect(page.locator(".model-main .markdown table")).to_be_visible()
    name = request.node.callspec.id
    for tab in ("", "files", "versions"):
        portal.open(f"/m/{zoo.research}/harbour-1b-chat", tag="v1.1", tab=tab)
        portal.shot(f"model-{tab or 'card'}-{name}")
        assert portal.axe() == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab
    portal.open(f"/m/{zoo.research}/many", tab="files", path="notes/deep/er/log.txt")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    portal.shot(f"model-file-{name}")


def test_by_keyboard(show, zoo):
    name = zoo.spare()
    portal = show(name, user="dev")
    page = portal.page
    page.locator(".model-version summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Find a tag")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Find a tag")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".model-version summary")).to_be_focused()
    page.get_by_role("link", name="Files").focus()
    page.keyboard.press("Enter")
    expect(page.locator("table.files")).to_be_visible()
    page.locator("header.model-head .page-actions .menu summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Tag")).to_be_focused()
    page.keyboard.type("keyed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert zoo.harbor.get(f"/projects/{zoo.research}/repositories/{name}/artifacts/keyed").status == 200
