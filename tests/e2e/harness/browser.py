# SPDX-License-Identifier: Apache-2.0
"""A browser as far as the server can tell: cookies, the CSRF token, no Authorization."""
import http.cookies
import urllib.parse

from harness.harbor import Harbor

CSRF = "X-Harbor-CSRF-Token"


class Window:
    """Sends what a browser would send along. jar: cookies; attributes: the lines that set them."""

    def __init__(self, registry):
        self.registry = registry.clone(user=None, password=None, token=None)
        self.jar, self.attributes, self.token = {}, {}, None

    def request(self, method, path, body=None, headers=None):
        more = dict(headers or {})
        if self.jar:
            more.setdefault("Cookie", "; ".join(f"{k}={v}" for k, v in self.jar.items()))
        if self.token and method != "GET":
            more.setdefault(CSRF, self.token)
        more = {k: v for k, v in more.items() if v is not None}
        answer = self.registry.request(method, path, body=body, headers=more)
        for line in answer.all("Set-Cookie"):
            for name, cookie in http.cookies.SimpleCookie(line).items():
                self.attributes[name] = line
                if cookie["max-age"] == "0":
                    self.jar.pop(name, None)
                else:
                    self.jar[name] = cookie.value
        self.token = answer.get(CSRF) or self.token
        return answer


class Browser(Harbor):
    """Harbor's API in a window, which has looked at the server already. A header of None is left out."""

    def __init__(self, registry):
        super().__init__(Window(registry))
        self.window = self.registry
        self.get("/systeminfo")

    def form(self, path, headers=None, **fields):
        return self.window.request("POST", path, urllib.parse.urlencode(fields).encode(),
                                   {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})

    def sign_in(self, user, password, **more):
        return self.form("/c/login", principal=user, password=password, **more)
