# SPDX-License-Identifier: Apache-2.0
"""A terminal for a program under test: what stands on its screen, and every write as it came."""
import fcntl
import os
import pty
import struct
import termios
import threading
import time

import pyte


class Terminal:
    """Runs argv with all three streams on a terminal of this size."""

    def __init__(self, argv, env, columns=80, lines=24):
        self.screen = pyte.HistoryScreen(columns, lines, history=1000, ratio=0.5)
        self.stream = pyte.ByteStream(self.screen)
        self.pieces = []  # (time, bytes)
        self.lock = threading.Lock()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execve(argv[0], [str(a) for a in argv], env)
        self.status = None
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                return
            if not piece:
                return
            with self.lock:
                self.pieces.append((time.monotonic(), piece))
                self.stream.feed(piece)

    def resize(self, columns, lines):
        with self.lock:
            self.screen.resize(lines, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def rows(self):
        """The screen's lines that are not empty."""
        with self.lock:
            return [line.rstrip() for line in self.screen.display if line.strip()]

    def text(self):
        with self.lock:
            return "\n".join(line.rstrip() for line in self.screen.display)

    def raw(self):
        with self.lock:
            return b"".join(piece for _, piece in self.pieces)

    def until(self, true, seconds=30):
        """Polls a condition on the rows."""
        end = time.monotonic() + seconds
        while not true(self.rows()):
            assert time.monotonic() < end, self.text()
            time.sleep(0.01)
        return self.rows()

    def wait(self):
        """The exit status, when everything was read."""
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.reader.join(30)
        os.close(self.fd)
        return self.status
