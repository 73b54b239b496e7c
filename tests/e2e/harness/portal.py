# SPDX-License-Identifier: Apache-2.0
"""The portal in Debian's Chromium: a page that remembers every error and every request that left the host.

CHROMIUM: which one. Without it, the build that draws no window around its pages, which is much faster; the release build is seen in
the browser as people have it."""
import json
import os
import pathlib
import re
import time
import urllib.parse

from playwright.sync_api import Error, expect, sync_playwright

from harness.harbor import PASSWORD

ROOT = pathlib.Path(__file__).resolve().parents[3]
AXE = ROOT / "portal" / "node_modules" / "axe-core" / "axe.min.js"
# Where HAVEN_TEST_SHOTS says so, every shot is kept there.
SHOTS = os.environ.get("HAVEN_TEST_SHOTS")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-color-profile=srgb"]
WIDE, PHONE = {"width": 1360, "height": 900}, {"width": 390, "height": 844}
PATIENCE = 15_000
# The page had time for what it wants to do next, and a moment more.
TURN = "new Promise(done => setTimeout(() => setTimeout(done, 15)))"

expect.set_options(timeout=PATIENCE)


class Chromium:
    """One browser of a test run."""

    def __init__(self):
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium-headless-shell"),
                                                       args=ARGUMENTS)

    def close(self):
        self.browser.close()
        self.playwright.stop()


class Portal:
    """A window of somebody: nobody has signed in yet."""

    def __init__(self, chromium, server, dark=False, phone=False, language="en-US"):
        self.server, self.base = server, server.url
        self.context = chromium.browser.new_context(
            viewport=PHONE if phone else WIDE, color_scheme="dark" if dark else "light", locale=language,
            reduced_motion="reduce", has_touch=phone)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.problems, self.outside = [], []
        self.allowed = []
        self.pending = set()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda e: self.problems.append(f"error: {e}"))
        self.page.on("request", self._asked)
        self.page.on("requestfinished", self._answered)
        self.page.on("requestfailed", self._answered)

    def _said(self, message):
        # A refusal that a test provokes is told by the browser as an error of the console.
        text = f"{message.text} {message.location.get('url', '')}"
        if message.type in ("error", "warning") and not any(re.search(a, text) for a in self.allowed):
            self.problems.append(f"{message.type}: {text}")

    def _asked(self, request):
        if not request.url.startswith((self.base + "/", "data:", "blob:")):
            self.outside.append(request.url)
        self.pending.add(request)

    def _answered(self, request):
        self.pending.discard(request)

    def allow(self, *patterns):
        """What the console may say from here on: answers that the test wants to be refused."""
        self.allowed += patterns

    def open(self, path="/", /, **query):
        """Goes to an address below /-, and waits until nothing is asked for any more."""
        search = "?" + urllib.parse.urlencode(query, doseq=True) if query else ""
        self.page.goto(self.base + "/-" + path + search)
        return self.settle()

    def settle(self):
        """Until nothing is asked for any more (a busy browser is waited for, not a clock), and nothing is shown as still to come."""
        end, quiet = time.monotonic() + PATIENCE / 1000, 0
        while quiet < 2:
            assert time.monotonic() < end, f"still asked for: {[r.url for r in self.pending]}"
            try:
                self.page.evaluate(TURN)
            except Error:  # the page was left meanwhile
                self.page.wait_for_load_state()
                continue
            quiet = 0 if self.pending else quiet + 1
        expect(self.page.locator("main .loading")).to_have_count(0)
        return self.page

    def sign_in(self, user, password=PASSWORD, anew=False):
        """The window becomes theirs, with the session of their last window as long as that is good; `anew`: with one of its own.
        The form has tests of its own."""
        ask, api = self.context.request, self.base + "/api/v2.0"
        if user in self.server.sessions and not anew:
            self.context.add_cookies(self.server.sessions[user])
            answer = ask.get(api + "/users/current")
            if answer.ok and answer.json()["username"] == user:
                return
        token = ask.get(api + "/systeminfo").headers["x-harbor-csrf-token"]
        answer = ask.post(self.base + "/c/login", form={"principal": user, "password": password},
                          headers={"X-Harbor-CSRF-Token": token})
        assert answer.ok, answer.text()
        self.server.sessions[user] = self.context.cookies()

    def heading(self):
        return self.page.locator("h1").inner_text()

    def axe(self):
        """What axe-core finds that is serious: none is what is wanted."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [f"{v['id']} ({v['impact']}): {v['help']}: {json.dumps([n['html'][:200] for n in v['nodes'][:3]])}"
                for v in found["violations"] if v["impact"] in ("serious", "critical")]

    def shot(self, name, whole=True):
        """A picture of the page, for who looks at them."""
        if SHOTS:
            folder = pathlib.Path(SHOTS)
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{name}.png", full_page=whole)

    def picture(self, name):
        """What the window shows, for docs/portal-tour.md."""
        self.shot(name, whole=False)

    def check(self):
        """At the end of every test: the console was silent, and nothing was asked of other hosts."""
        assert not self.problems, "\n".join(self.problems)
        assert not self.outside, "\n".join(self.outside)

    def close(self):
        self.context.close()
