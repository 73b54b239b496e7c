# SPDX-License-Identifier: Apache-2.0
"""What reads keeps to our own OpenAPI file (harness/openapi_file.py)."""
import pytest

from harness.openapi_file import READING, keeps, schema, world  # noqa: F401


@pytest.mark.parametrize("name", READING)
def test_the_file_is_kept(schema, world, name):  # noqa: F811
    keeps(schema, world, name)
