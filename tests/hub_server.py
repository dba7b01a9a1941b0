"""A small HTTP server that answers as the Hugging Face hub does, and can be made slow or broken."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"
LFS = ".safetensors"


@dataclass
class FakeHub:
    """What the server holds and how it behaves.

    Attributes:
        repos: files by model id.
        break_after: bytes of a large file after which a connection is cut; None never.
        breaks: how many more connections are cut.
        seconds_a_block: pause before every block of 64 KiB.
        status: answer to everything, instead of the files; 0 for none.
        error_code: what the hub says in ``X-Error-Code`` with ``status``.
        ranges: whether it can continue a file.
        spoil: flip a byte of large files.
        served: (path, Range header, Authorization header) of every request for a file's content.
        sent: bytes of large files that went out.
    """

    repos: dict[str, dict[str, bytes]]
    break_after: int | None = None
    breaks: int = 10**9
    seconds_a_block: float = 0.0
    status: int = 0
    error_code: str = ""
    ranges: bool = True
    spoil: bool = False
    address: str = ""
    served: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    sent: int = 0


def folder_as_repo(folder: Path) -> dict[str, bytes]:
    """The files of a checkpoint folder as the server wants them."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@contextlib.contextmanager
def serve(hub: FakeHub) -> Iterator[FakeHub]:
    """Run the server until the block ends; its address is in ``hub.address``."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def hash_of(data: bytes) -> str:
    """What the server calls the SHA-256 of a large file."""
    return hashlib.sha256(data).hexdigest()


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.0"  # no connection, and no thread of one, outlives its request

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        if self.hub.status:
            self._send(self.hub.status, b"", {"X-Error-Code": self.hub.error_code})
        elif path.startswith("api/models/"):
            self._api(path.removeprefix("api/models/"))
        elif "/resolve/" in path:
            name, rest = path.split("/resolve/")
            self._file(name, rest.split("/", 1)[1], body)
        else:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _api(self, rest: str) -> None:
        name = "/".join(rest.split("/")[:2])
        files = self.hub.repos.get(name)
        if files is None:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
            return
        if "/tree/" in rest:
            listed = [self._entry(path, data, "path") | {"type": "file"} for path, data in files.items()]
            self._send(200, json.dumps(listed).encode())
            return
        siblings = [self._entry(path, data, "rfilename") for path, data in files.items()]
        info = {
            "id": name,
            "sha": REVISION,
            "siblings": siblings,
            "cardData": {"license": "apache-2.0"},
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "private": False,
        }
        self._send(200, json.dumps(info).encode())

    def _entry(self, path: str, data: bytes, key: str) -> dict[str, object]:
        entry: dict[str, object] = {key: path, "size": len(data), "blobId": _blob_id(data)}
        if key == "path":
            entry["oid"] = entry.pop("blobId")
        if path.endswith(LFS):
            sha = hash_of(data)
            which = "oid" if key == "path" else "sha256"
            entry["lfs"] = {which: sha, "size": len(data), "pointerSize": 130}
        return entry

    def _file(self, name: str, path: str, body: bool) -> None:
        data = self.hub.repos.get(name, {}).get(path)
        if data is None:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        etag = hashlib.sha256(data).hexdigest() if path.endswith(LFS) else _blob_id(data)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": REVISION, "Accept-Ranges": "bytes"}
        if not body:
            self._send(200, None, headers | {"Content-Length": str(len(data))})
            return
        wanted = self.headers.get("Range")
        self.hub.served.append((path, wanted, self.headers.get("Authorization")))
        if not path.endswith(LFS):
            self._send(200, data, headers)
            return
        if self.hub.spoil:
            data = data[:10] + bytes([data[10] ^ 1]) + data[11:]
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted and self.hub.ranges else 0
        self.send_response(206 if start else 200)
        for key, value in (headers | {"Content-Length": str(len(data) - start)}).items():
            self.send_header(key, value)
        self.end_headers()
        self._stream(data[start:])

    def _stream(self, data: bytes) -> None:
        gone = 0
        with contextlib.suppress(ConnectionError):
            while gone < len(data):
                cut = self.hub.break_after
                if cut is not None and gone >= cut and self.hub.breaks > 0:
                    self.hub.breaks -= 1
                    self.close_connection = True
                    return
                time.sleep(self.hub.seconds_a_block)
                block = data[gone : gone + 65_536]
                self.wfile.write(block)
                gone += len(block)
                self.hub.sent += len(block)

    def _send(self, status: int, body: bytes | None, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            if value:
                self.send_header(key, value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)
