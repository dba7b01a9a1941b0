"""Ways to a browser for ``tests/browser.py``: an installed Chromium, or the one in Qt's web engine.

Both speak the Chrome DevTools Protocol. Chromium is driven through a pipe, Qt's web engine through a local
socket: no driver, no network.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Protocol

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-extensions"),
    *("--disable-background-networking", "--mute-audio", "--disable-dev-shm-usage"),
    *("--disable-component-update", "--window-size=1000,800"),
)
STARTUP_SECONDS = 60.0

WEB_ENGINE = """
import sys
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication
if len(sys.argv) > 1:
    sys.exit()
app = QApplication(["browser"])
view = QWebEngineView()
view.resize(1000, 800)
view.setUrl("about:blank")
view.show()
app.exec()
"""
"""A browser in a process of its own; with an argument it only shows that it could be loaded."""


class Pipe(Protocol):
    """Carries messages to a browser and back."""

    def write(self, message: str) -> None: ...

    def read(self, deadline: float) -> str:
        """The next message. Raises TimeoutError after ``deadline`` (time.monotonic), OSError at the end."""

    def close(self) -> None:
        """End the browser."""


def why_no_web_engine() -> str:
    """What Qt's web engine lacks on this machine, such as a system library; "" when it loads."""
    tried = subprocess.run([sys.executable, "-c", WEB_ENGINE, "load"], capture_output=True, text=True)
    return tried.stderr.strip().rpartition("\n")[2] if tried.returncode else ""


class ChromiumPipe:
    """A headless Chromium behind two file descriptors."""

    def __init__(self, binary: str, profile: Path) -> None:
        command_read, self._write = os.pipe()
        self._read, answer_write = os.pipe()
        self._buffer = b""
        flags = [*FLAGS, f"--user-data-dir={profile}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        # The protocol wants descriptors 3 and 4; far away ones first, lest one overwrite the other.
        far = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in (command_read, answer_write)]
        silence = [(os.POSIX_SPAWN_OPEN, i, os.devnull, os.O_RDWR, 0) for i in range(3)]
        pipes = [(os.POSIX_SPAWN_DUP2, far[0], 3), (os.POSIX_SPAWN_DUP2, far[1], 4)]
        self._pid = os.posix_spawn(
            binary, [binary, *flags, "about:blank"], os.environ, file_actions=[*silence, *pipes]
        )
        for end in (command_read, answer_write, *far):
            os.close(end)

    def write(self, message: str) -> None:
        os.write(self._write, message.encode() + b"\0")

    def read(self, deadline: float) -> str:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self._read, 1 << 16)
            if not piece:
                raise OSError("the browser has closed")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return message.decode()

    def close(self) -> None:
        try:
            self.write('{"id": 0, "method": "Browser.close"}')
        except OSError:
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._read)
        os.close(self._write)


class WebEnginePipe:
    """Qt's web engine behind a WebSocket (RFC 6455) of this machine."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        surroundings = {
            "QTWEBENGINE_REMOTE_DEBUGGING": f"127.0.0.1:{port}",
            "QTWEBENGINE_CHROMIUM_FLAGS": "--disable-gpu --no-sandbox",
            "QTWEBENGINE_DISABLE_SANDBOX": "1",
            "QT_QPA_PLATFORM": "offscreen",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", WEB_ENGINE],
            env={**os.environ, **surroundings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._buffer = b""
        self._socket = socket.create_connection(("127.0.0.1", port)) if self._wait_for(port) else None
        if self._socket is None:
            self.close()
            raise TimeoutError("Qt's web engine does not start")
        path = self._page.partition(f":{port}")[2]
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._buffer:
            self._receive(time.monotonic() + STARTUP_SECONDS)
        answer, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        assert b" 101 " in answer.splitlines()[0], answer

    def write(self, message: str) -> None:
        data, mask = message.encode(), secrets.token_bytes(4)
        size = len(data)
        if size < 126:
            head = bytes([0x81, 0x80 | size])
        elif size < 1 << 16:
            head = bytes([0x81, 0xFE]) + size.to_bytes(2)
        else:
            head = bytes([0x81, 0xFF]) + size.to_bytes(8)
        covered = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        assert self._socket is not None
        self._socket.sendall(head + mask + covered)

    def read(self, deadline: float) -> str:
        message = b""
        while True:
            first, second = self._take(2, deadline)
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(self._take(2 if size == 126 else 8, deadline))
            part = self._take(size, deadline)
            if first & 0x0F in (0, 1):  # text and its continuation; what else there is says nothing
                message += part
                if first & 0x80:
                    return message.decode()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._process.kill()
        self._process.wait()

    def _wait_for(self, port: int) -> bool:
        """Ask for the address of the page until it is there."""
        ask = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                pages = json.load(ask.open(f"http://127.0.0.1:{port}/json", timeout=5))
                if pages:
                    self._page = pages[0]["webSocketDebuggerUrl"]
                    return True
            time.sleep(0.1)
        return False

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._buffer) < size:
            self._receive(deadline)
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _receive(self, deadline: float) -> None:
        assert self._socket is not None
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))
        piece = self._socket.recv(1 << 16)
        if not piece:
            raise OSError("the browser has closed")
        self._buffer += piece


def installed() -> str | None:
    """The path of a Chromium on this machine, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)
