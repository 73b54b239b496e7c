# SPDX-License-Identifier: Apache-2.0
"""What reads keeps to our own OpenAPI file (harness/openapi_file.py)."""
import pytest

from harness.openapi_file import READING, keeps, open_file, open_world


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with open_world(tmp_path_factory.mktemp("schemathesis")) as one:
        yield one


@pytest.fixture(scope="module")
def schema():
    with open_file() as one:
        yield one


@pytest.mark.parametrize("name", READING)
def test_the_file_is_kept(schema, world, name):
    world.renew()
    keeps(schema, world, name)
