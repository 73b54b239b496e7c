# SPDX-License-Identifier: Apache-2.0
"""Requests byte by byte, for what no client library sends."""
import base64
import socket
import ssl
import struct
import time

from harness.registry import Answer


class Raw:
    """A connection to a server."""

    def __init__(self, server, timeout=20, receive_buffer=None, tls=False):
        self.server = server
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect((server.host, server.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = ssl._create_unverified_context().wrap_socket(self.sock, server_hostname="localhost")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.sock.close()

    def send(self, *parts):
        self.sock.sendall(b"".join(p if isinstance(p, bytes) else p.encode() for p in parts))

    def head(self, request_line, *lines, auth=True, host=True):
        """Sends a head; auth: the administrator's Basic credentials."""
        head = [request_line]
        if host:
            head.append(f"Host: {self.server.address}")
        if auth:
            head.append("Authorization: " + basic())
        self.send("\r\n".join([*head, *lines, "", ""]))

    def receive(self, n=65536):
        """Some bytes; b"" at the end, also when the other side has reset the connection."""
        try:
            return self.sock.recv(n)
        except (ConnectionResetError, BrokenPipeError):
            return b""

    def fill(self):
        data = self.receive()
        self.buffer += data
        return bool(data)

    def read_head(self):
        """(status, headers) of the next response."""
        while b"\r\n\r\n" not in self.buffer:
            assert self.fill(), f"closed in the head of a response: {self.buffer!r}"
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        version, status, *_ = lines[0].split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), lines[0]
        return int(status), [tuple(line.split(": ", 1)) for line in lines[1:]]

    def answer(self, head_only=False):
        """The next whole response."""
        status, headers = self.read_head()
        result = Answer(status, "", headers, b"")
        if head_only or status in (204, 304) or status < 200:
            return result
        length = result.get("Content-Length")
        assert length is not None, f"no Content-Length: {result}"
        while len(self.buffer) < int(length):
            assert self.fill(), f"closed in the body of a response: {result}"
        result.body, self.buffer = self.buffer[:int(length)], self.buffer[int(length):]
        return result

    def ended(self, seconds=10):
        """The other side closes within this time, and nothing more comes before that."""
        self.sock.settimeout(seconds)
        try:
            rest = self.buffer + self.receive()
        except TimeoutError:
            return False
        assert rest == b"", rest
        return True

    def read_to_end(self):
        while self.fill():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def reset(self):
        """Closes with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def drip(self, data, pause, seconds):
        """A byte each `pause` seconds; True when the server ended it or answered within the time."""
        end = time.monotonic() + seconds
        self.sock.settimeout(pause)
        for byte in data:
            try:
                self.sock.send(bytes([byte]))
                self.sock.recv(1, socket.MSG_PEEK)
                return True
            except TimeoutError:
                if time.monotonic() > end:
                    return False
            except (ConnectionResetError, BrokenPipeError):
                return True
        return False


def basic(user="admin", password="Correct-Horse-9"):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def one(server, *parts, timeout=20):
    """Sends bytes on a new connection and reads everything until it closes or answers in full."""
    with Raw(server, timeout) as raw:
        raw.send(*parts)
        return raw.answer()
