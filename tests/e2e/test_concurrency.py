# SPDX-License-Identifier: Apache-2.0
"""Many clients at once, some of whom leave in the middle: nothing acknowledged is lost, nothing else is seen.

Run with the program as shipped, with AddressSanitizer and with ThreadSanitizer.
"""
import json
import os
import random
import threading

import pytest

from harness.raw import Raw
from harness.registry import OCI_MANIFEST, digest_of

pytestmark = pytest.mark.release
LONG = bool(os.environ.get("HAVEN_TEST_LONG"))
CLIENTS = 16 if LONG else 8
ROUNDS = 300 if LONG else 12


class Client(threading.Thread):
    def __init__(self, server, seed):
        super().__init__()
        self.server, self.random = server, random.Random(seed)
        self.registry = server.registry()
        self.repo = f"library/busy-{seed % 3}"
        self.seed, self.problem = seed, None
        self.blobs, self.manifests = {}, {}

    def run(self):
        try:
            for _ in range(ROUNDS):
                self.random.choice([self.push_whole, self.push_chunks, self.push_model, self.read, self.leave_upload,
                                    self.leave_download, self.list_all])()
        except Exception as problem:  # noqa: BLE001 - told by the main thread
            self.problem = problem
        finally:
            self.registry.close()

    def data(self):
        return os.urandom(self.random.choice([1, 100, 70_000, 300_000, 1_500_000]))

    def push_whole(self):
        data = self.data()
        self.blobs[self.registry.push_blob(self.repo, data)] = data

    def push_chunks(self):
        data = self.data()
        location = self.registry.open_upload(self.repo)
        cut = len(data) // 2
        answer = self.registry.patch(location, data[:cut], chunked=True)
        assert answer.status == 202, answer
        answer = self.registry.finish(answer.get("Location"), digest_of(data), data[cut:])
        assert answer.status == 201, answer
        self.blobs[digest_of(data)] = data

    def push_model(self):
        data = os.urandom(2000)
        digest = self.registry.push_blob(self.repo, data)
        self.blobs[digest] = data
        body = json.dumps({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/x.test",
            "config": {"mediaType": "application/x.test", "digest": digest, "size": len(data)}, "layers": [],
            "annotations": {"seed": str(self.random.random())}}).encode()
        tag = f"t{self.seed}-{len(self.manifests)}"
        answer = self.registry.request("PUT", f"/v2/{self.repo}/manifests/{tag}", body,
                                       {"Content-Type": OCI_MANIFEST})
        assert answer.status == 201, answer
        self.manifests[tag] = body

    def read(self):
        for digest, data in list(self.blobs.items())[-3:]:
            answer = self.registry.blob(self.repo, digest)
            assert answer.status == 200 and answer.body == data, answer
            first = self.random.randrange(len(data))
            answer = self.registry.blob(self.repo, digest, Range=f"bytes={first}-")
            assert answer.status == 206 and answer.body == data[first:], answer

    def leave_upload(self):
        location = self.registry.open_upload(self.repo)
        with Raw(self.server) as raw:
            raw.head(f"PATCH {location} HTTP/1.1", "Content-Length: 5000000")
            raw.send(os.urandom(self.random.choice([0, 10, 200_000, 2_000_000])))
            if self.random.random() < 0.5:
                raw.reset()

    def leave_download(self):
        if not self.blobs:
            return
        with Raw(self.server) as raw:
            raw.head(f"GET /v2/{self.repo}/blobs/{self.random.choice(list(self.blobs))} HTTP/1.1")
            if self.random.random() < 0.5:
                raw.receive(100)
            if self.random.random() < 0.5:
                raw.reset()

    def list_all(self):
        assert self.registry.get("/v2/_catalog").status == 200
        assert self.registry.get("/metrics").status == 200


def test_many_clients_at_once(start):
    server = start(config={"http.workers": 4, "http.byte_workers": 3})
    clients = [Client(server, seed) for seed in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(280)
        assert not client.is_alive(), "a client hangs"
    for client in clients:
        if client.problem:
            raise client.problem
    server.restart(crash=True)
    for client in clients:
        registry = server.registry()
        for digest, data in client.blobs.items():
            answer = registry.blob(client.repo, digest)
            assert answer.status == 200 and answer.body == data, answer
        for tag, body in client.manifests.items():
            answer = registry.manifest(client.repo, tag)
            assert answer.status == 200 and answer.body == body, answer
        registry.close()
