# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests. HAVEN_BIN: the program under test; HAVEN_TEST_RECORD: see harness/record.py."""
import itertools
import shutil
import signal

import pytest

from harness import record
from harness.server import Server

record.install()
# A run in the background is started with these ignored, and every program under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
_counter = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "release: is shown again with the program as it is shipped")


@pytest.fixture(scope="session")
def haven(tmp_path_factory):
    """One server for all tests that need nothing special of it."""
    server = Server(tmp_path_factory.mktemp("haven"))
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


@pytest.fixture
def start(tmp_path):
    """Starts servers of a test's own: start(config={…}, env={…}); stopped and checked at its end."""
    servers = []

    def begin(wrapper=(), running=True, **more):
        server = Server(tmp_path / f"server-{len(servers)}", **more)
        servers.append(server)
        return server.start(wrapper) if running else server

    yield begin
    problems = []
    for server in servers:
        if server.process is None:
            continue
        try:
            server.stop()
        except AssertionError as problem:
            problems.append(str(problem))
            if server.process is not None:
                server.kill()
    for server in servers:
        server.check_log()
        shutil.rmtree(server.data, ignore_errors=True)
    assert not problems, "\n".join(problems)


@pytest.fixture
def admin(haven):
    registry = haven.registry()
    yield registry
    registry.close()


@pytest.fixture
def anonymous(haven):
    registry = haven.anonymous()
    yield registry
    registry.close()


@pytest.fixture
def repo():
    """A repository that no other test uses."""
    return f"library/test-{next(_counter)}"


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests of the portal, started when the first of them asks."""
    from harness.portal import Chromium  # pylint: disable=import-outside-toplevel
    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture
def window(chromium, haven):
    """Windows of the portal: window(dark=…, phone=…, server=…); at the end their consoles have to be silent."""
    from harness.portal import Portal  # pylint: disable=import-outside-toplevel
    windows = []

    def open_one(server=None, **how):
        windows.append(Portal(chromium, server or haven, **how))
        return windows[-1]

    yield open_one
    for one in windows:
        one.close()
    for one in windows:
        one.check()
