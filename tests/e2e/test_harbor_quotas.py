# SPDX-License-Identifier: Apache-2.0
"""Quotas: what projects hold is counted exactly, and no more gets in than they may hold."""
import concurrent.futures
import time

import pytest

from harness.content import artifact, descriptor, dump, image, index, noise, push, small_image
from harness.harbor import Harbor, fresh, refused
from harness.registry import OCI_MANIFEST, digest_of

MIB = 1 << 20


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def used(harbor, project):
    return harbor.json(f"/quotas/{project}")["used"]["storage"]


def limit(harbor, project, n):
    harbor.put(f"/quotas/{project}", {"hard": {"storage": n}})


def denied(answer, *says):
    assert (answer.status, answer.errors()) == (403, ["DENIED"]), answer
    for text in says:
        assert text in answer.json()["errors"][0]["message"], answer


def counted(server):
    """{project: bytes} from nothing but what repositories hold."""
    return dict(server.facts("""
        SELECT p.id, coalesce((SELECT sum(size) FROM (
            SELECT DISTINCT b.id, b.size AS size FROM repository r JOIN repository_blob m ON m.repository_id = r.id
                JOIN blob b ON b.id = m.blob_id WHERE r.project_id = p.id)), 0)
          + coalesce((SELECT sum(size) FROM (
            SELECT DISTINCT a.document_id, a.size AS size FROM repository r JOIN artifact a ON a.repository_id = r.id
                WHERE r.project_id = p.id)), 0) FROM project p"""))


def kept(server):
    return dict(server.facts("SELECT project_id, used FROM project_quota"))


def test_each_digest_once(harbor):
    number, project = harbor.add_project()
    assert used(harbor, number) == 0
    document, blobs = image([noise(1000), noise(2000)])
    size = sum(map(len, blobs.values())) + len(dump(document))
    digest, _ = push(harbor.registry, f"{project}/a", document, blobs, "v1", "v2")
    assert used(harbor, number) == size
    push(harbor.registry, f"{project}/b", document, blobs, "v1")
    assert used(harbor, number) == size
    other, name = harbor.add_project()
    layer = document["layers"][1]
    answer = harbor.registry.start(f"{name}/m", f"?mount={layer['digest']}&from={project}/a")
    assert answer.status == 201 and used(harbor, other) == layer["size"]
    harbor.delete(f"/projects/{project}/repositories/b")
    assert used(harbor, number) == size
    harbor.delete(f"/projects/{project}/repositories/a/artifacts/{digest}")
    assert used(harbor, number) == 0
    assert used(harbor, other) == layer["size"]
    loose = harbor.registry.push_blob(f"{project}/c", noise(500))
    assert used(harbor, number) == 500
    assert harbor.registry.delete(f"/v2/{project}/c/blobs/{loose}").status == 202
    assert used(harbor, number) == 0


def test_what_it_says(harbor):
    number, project = harbor.add_project()
    seen = harbor.json(f"/quotas/{number}")
    assert seen.pop("creation_time") and seen.pop("update_time")
    assert seen == {"id": number, "ref": {"id": number, "name": project, "owner_name": "admin"},
                    "hard": {"storage": -1}, "used": {"storage": 0}}
    limit(harbor, number, 5000)
    assert harbor.json(f"/quotas/{number}")["hard"] == {"storage": 5000}
    assert harbor.json(f"/projects/{project}/summary")["quota"] == {"hard": {"storage": 5000}, "used": {"storage": 0}}
    assert [q["id"] for q in harbor.json("/quotas", reference="project", reference_id=number)] == [number]
    assert harbor.json("/quotas", reference="user") == []
    limit(harbor, number, 4999999)
    hard = [q["hard"]["storage"] for q in harbor.json("/quotas", sort="-hard.storage", page_size=100)]
    assert hard == sorted(hard, reverse=True)
    assert len(harbor.json("/quotas", sort="used.storage", page_size=1)) == 1
    refused(harbor.get("/quotas/999999"), 404, "NOT_FOUND")
    refused(harbor.call("PUT", "/quotas/999999", {"hard": {"storage": 1}}), 404, "NOT_FOUND")
    refused(harbor.get("/quotas", reference_id="x"), 422, "UNPROCESSABLE_ENTITY", "reference_id")
    for bad in (0, -2):
        refused(harbor.call("PUT", f"/quotas/{number}", {"hard": {"storage": bad}}), 400, "BAD_REQUEST", "storage")
    refused(harbor.call("PUT", f"/quotas/{number}", {}), 422, "UNPROCESSABLE_ENTITY", "hard")
    made = harbor.post("/projects", {"project_name": fresh("limited"), "storage_limit": 12345})
    assert harbor.json("/quotas/" + made.get("Location").rsplit("/", 1)[1])["hard"] == {"storage": 12345}
    _, user = harbor.add_user()
    made = user.post("/projects", {"project_name": fresh("own"), "storage_limit": 12345})
    assert harbor.json("/quotas/" + made.get("Location").rsplit("/", 1)[1])["hard"] == {"storage": -1}
    refused(harbor.call("POST", "/projects", {"project_name": fresh("x"), "storage_limit": -5}), 400, "BAD_REQUEST")
    refused(user.get(f"/quotas/{number}"), 403, "FORBIDDEN")


def test_every_way_in_is_watched(harbor):
    """Each way to bring bytes is refused with what is used, allowed and asked for; then, with room, goes through."""
    number, project = harbor.add_project()
    registry, repo = harbor.registry, f"{project}/m"
    limit(harbor, number, 10 * MIB)
    registry.push_blob(repo, noise(6 * MIB))
    big = noise(5 * MIB)
    by_post = registry.request("POST", f"/v2/{repo}/blobs/uploads/?digest={digest_of(big)}", body=big)
    denied(by_post, "5.0 MiB", "10.0 MiB", "6.0 MiB")
    location = registry.open_upload(repo)
    denied(registry.request("PUT", f"{location}?digest={digest_of(big)}", body=big), "5.0 MiB")
    denied(registry.patch(location, big), "5.0 MiB")
    denied(registry.patch(location, big, chunked=True))
    assert registry.patch(location, big[:3 * MIB]).status == 202
    denied(registry.patch(location, big[3 * MIB:]), "5.0 MiB")
    assert registry.delete(location).status == 204
    # Room that was set aside is room that others do not have.
    location = registry.open_upload(repo)
    assert registry.patch(location, big[:3 * MIB]).status == 202
    denied(registry.request("POST", f"/v2/{repo}/blobs/uploads/?digest={digest_of(big[:2 * MIB])}", body=big[:2 * MIB]),
           "under way need 3.0 MiB")
    assert registry.delete(location).status == 204
    registry.push_blob(repo, big[:2 * MIB])
    assert used(harbor, number) == 8 * MIB
    # Mounts and manifests add to it as well.
    _, source = harbor.add_project()
    registry.push_blob(f"{source}/m", big)
    denied(registry.start(repo, f"?mount={digest_of(big)}&from={source}/m"), "5.0 MiB")
    document, blobs = image([noise(MIB)])
    for blob in blobs.values():
        registry.push_blob(repo, blob)
    limit(harbor, number, used(harbor, number) + 10)
    denied(registry.put_manifest(repo, "v1", dump(document), OCI_MANIFEST))
    assert registry.manifest(repo, "v1").status == 404
    limit(harbor, number, used(harbor, number) + len(dump(document)))
    assert registry.put_manifest(repo, "v1", dump(document), OCI_MANIFEST).status == 201
    # What is there already needs no room, even when there is none left at all.
    limit(harbor, number, 1)
    assert registry.put_manifest(repo, "v2", dump(document), OCI_MANIFEST).status == 201
    assert registry.start(repo, f"?mount={document['layers'][0]['digest']}&from={repo}").status == 201
    denied(registry.request("POST", f"/v2/{repo}/blobs/uploads/?digest={digest_of(b'x')}", body=b"x"))
    limit(harbor, number, -1)
    registry.push_blob(repo, big)


def test_an_upload_that_dies_gives_its_room_back(start):
    server = start()
    harbor = Harbor(server.registry())
    number, project = harbor.add_project()
    limit(harbor, number, 10 * MIB)
    registry, repo = harbor.registry, f"{project}/m"
    location = registry.open_upload(repo)
    connection = registry.connection()
    connection.putrequest("PATCH", location)
    connection.putheader("Authorization", registry.authorization())
    connection.putheader("Content-Length", str(9 * MIB))
    connection.putheader("Content-Type", "application/octet-stream")
    connection.endheaders()
    connection.send(noise(MIB))
    other = server.registry()
    data = noise(3 * MIB)

    def by_post():
        return other.request("POST", f"/v2/{repo}/blobs/uploads/?digest={digest_of(data)}", body=data)

    while True:  # until the body is being read
        answer = by_post()
        if answer.status == 403:
            break
        assert other.delete(f"/v2/{repo}/blobs/{digest_of(data)}").status == 202
    denied(answer, "under way need 9.0 MiB")
    registry.close()
    for _ in range(200):
        answer = by_post()
        if answer.status == 201:
            break
        time.sleep(0.05)
    assert answer.status == 201
    server.restart(crash=True)
    assert counted(server) == kept(server)


def test_many_pushes_at_once_fit_exactly(start):
    """64 side by side, into room for exactly that; none fails, and the count is right."""
    server = start()
    harbor = Harbor(server.registry())
    number, project = harbor.add_project()
    models = [image([noise(50_000 + i), noise(20_000)]) for i in range(64)]
    whole = sum(sum(map(len, blobs.values())) + len(dump(document)) for document, blobs in models)
    shared = noise(20_000)
    limit(harbor, number, whole)

    def one(i):
        registry = server.registry()
        try:
            push(registry, f"{project}/m{i % 7}", *models[i], f"v{i}")
        finally:
            registry.close()

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        list(pool.map(one, range(64)))
    assert used(harbor, number) == whole
    assert counted(server) == kept(server)
    denied(harbor.registry.request("POST", f"/v2/{project}/m/blobs/uploads/?digest={digest_of(shared)}", body=shared))
    # And into room for half of it: what got in is counted, and not one byte beyond.
    number, project = harbor.add_project()
    limit(harbor, number, whole // 2)

    def try_one(i):
        try:
            one(i)
        except AssertionError:
            return 0
        return 1

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        done = sum(pool.map(try_one, range(64)))
    assert 0 < done < 64
    assert 0 < used(harbor, number) <= whole // 2
    assert counted(server) == kept(server)


def test_the_count_survives_everything(start):
    """Pushes, deletes, members of an index, what is about others, a collection, a crash."""
    server = start()
    harbor = Harbor(server.registry())
    registry = harbor.registry
    _, project = harbor.add_project()
    children = []
    for _ in range(3):
        document, blobs = small_image()
        _, data = push(registry, f"{project}/m", document, blobs)
        children.append((data, OCI_MANIFEST))
    push(registry, f"{project}/m", index(children), {}, "all")
    push(registry, f"{project}/m", *artifact("x/y", subject=descriptor(*children[0])), "about")
    push(registry, f"{project}/n", *small_image(), "v1")
    assert counted(server) == kept(server)
    harbor.delete(f"/projects/{project}/repositories/m/artifacts/all")
    assert counted(server) == kept(server)
    assert registry.delete(f"/v2/{project}/m/manifests/{digest_of(children[0][0])}").status in (202, 404)
    server.restart(crash=True)
    harbor = Harbor(server.registry())
    assert counted(server) == kept(server)
    for repository in harbor.json(f"/projects/{project}/repositories"):
        harbor.delete(f"/projects/{project}/repositories/{repository['name'].split('/')[1]}")
    assert counted(server) == kept(server)
    harbor.delete(f"/projects/{project}")
    assert counted(server) == kept(server)


def test_statistics(start):
    server = start()
    harbor = Harbor(server.registry())
    number, private = harbor.add_project()
    _, public = harbor.add_project(public=True)
    push(harbor.registry, f"{private}/a", *small_image(), "v1")
    push(harbor.registry, f"{private}/b", *small_image(), "v1")
    push(harbor.registry, f"{public}/a", *small_image(), "v1")
    total = sum(q["used"]["storage"] for q in harbor.json("/quotas"))
    assert harbor.json("/statistics") == {
        "private_project_count": 1, "private_repo_count": 2, "public_project_count": 2, "public_repo_count": 1,
        "total_project_count": 3, "total_repo_count": 3, "total_storage_consumption": total}
    user, mine = harbor.add_user()
    own = mine.json("/statistics")
    assert (own["private_project_count"], own["public_project_count"], own["total_storage_consumption"]) == (0, 2, 0)
    harbor.add_member(private, user, "guest")
    own = mine.json("/statistics")
    assert (own["private_project_count"], own["private_repo_count"], own["total_project_count"]) == (1, 2, 0)
    refused(Harbor(server.anonymous()).get("/statistics"), 401, "UNAUTHORIZED")


def test_operators_are_told(harbor):
    """A warning when a push goes beyond 85 percent, and that one was refused, once a minute."""
    number, project = harbor.add_project()
    limit(harbor, number, 10000)

    def told():
        found = harbor.json(f"/projects/{project}/auditlog-exts", q="resource_type=quota,operation={warn exceed}", sort="op_time")
        return [(e["operation"], e["resource"], e["username"]) for e in found], [e["operation_description"] for e in found]

    harbor.registry.push_blob(f"{project}/m", noise(5000))
    assert told()[0] == []
    harbor.registry.push_blob(f"{project}/m", noise(4000))
    harbor.registry.push_blob(f"{project}/m", noise(100))
    assert told()[0] == [("warn", project, "admin")], "once, when the mark is passed"
    assert "8.9 KiB of the 9.8 KiB" in told()[1][0] or "8.8 KiB of the 9.8 KiB" in told()[1][0], told()
    for _ in range(3):
        data = noise(5000)
        denied(harbor.registry.by_post(f"{project}/m", data, digest_of(data)), "quota")
    assert told()[0] == [("warn", project, "admin"), ("exceed", project, "admin")]
    assert "go beyond the quota of the project" in told()[1][1]
    # Below the mark and beyond it once more: it is told again.
    limit(harbor, number, 100000)
    limit(harbor, number, 12000)
    harbor.registry.push_blob(f"{project}/m", noise(1500))
    assert [t[0] for t in told()[0]] == ["warn", "exceed", "warn"]
