# SPDX-License-Identifier: Apache-2.0
"""What changes something keeps to our own OpenAPI file (harness/openapi_file.py)."""
import pytest

from harness.openapi_file import CHANGING, keeps, schema, world  # noqa: F401


@pytest.mark.parametrize("name", CHANGING)
def test_the_file_is_kept(schema, world, name):  # noqa: F811
    keeps(schema, world, name)
