# SPDX-License-Identifier: Apache-2.0
"""Another program holds the database for too long: writers are told to come back, readers notice nothing."""
import sqlite3

from harness.content import noise
from harness.registry import digest_of


def test_busy_database(start):
    server = start()
    registry = server.registry()
    data = noise(1000)
    registry.push_blob("library/a", data)
    holder = sqlite3.connect(server.data / "haven.db", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        more = noise(1000)
        answer = registry.by_post("library/a", more, digest_of(more))
        assert answer.status == 503 and answer.errors() == ["UNAVAILABLE"], answer
        assert registry.blob("library/a", digest_of(data)).status == 200
        assert registry.blob("library/a", digest_of(more)).status == 404
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert registry.by_post("library/a", more, digest_of(more)).status == 201
    registry.close()
