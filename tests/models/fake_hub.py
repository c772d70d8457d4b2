"""A hub on this machine: enough of its protocol for huggingface_hub to list and fetch a repository.

It can break off in the middle of a file, the way a bad connection does.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """Repositories as ``{"owner/name": {"file": bytes}}``.

    Attributes:
        break_after: bytes of a large file after which the connection breaks, for as many times as ``breaks`` says.
        hold: large files stop there until the event is set.
        asked: what was asked of it, as ``(method, path, range)``.
        gated: repositories that are given to nobody.
        spoil: send these files with one byte changed.
    """

    def __init__(self, repositories: dict[str, dict[str, bytes]]) -> None:
        self.repositories = repositories
        self.break_after = 0
        self.breaks = 0
        self.hold: threading.Event | None = None
        self.held = threading.Event()
        self.asked: list[tuple[str, str, str]] = []
        self.gated: set[str] = set()
        self.spoil: set[str] = set()
        self.url = ""

    def ranges(self, name: str) -> list[str]:
        """Return the ranges that were asked of file ``name``, by GET."""
        return [asked for method, path, asked in self.asked if method == "GET" and path.endswith(name)]

    @contextmanager
    def running(self) -> Iterator[FakeHub]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                hub._answer(self)

            def do_GET(self) -> None:
                hub._answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            if self.hold is not None:
                self.hold.set()
            server.shutdown()
            server.server_close()
            thread.join()

    def _answer(self, to: BaseHTTPRequestHandler) -> None:
        path = to.path.partition("?")[0]
        self.asked.append((to.command, path, to.headers.get("Range", "")))
        if path.startswith("/api/models/"):
            repository = path.removeprefix("/api/models/").partition("/revision/")[0]
            if repository in self.repositories and repository not in self.gated:
                self._send(to, 200, json.dumps(self._about(repository)).encode())
            else:
                self._refuse(to, repository)
            return
        repository, _, rest = path.lstrip("/").partition("/resolve/")
        name = rest.partition("/")[2]
        data = self.repositories.get(repository, {}).get(name)
        if data is None:
            self._refuse(to, repository)
        else:
            self._file(to, name, data)

    def _about(self, repository: str) -> dict[str, Any]:
        files = self.repositories[repository]
        siblings = [{"rfilename": name, "size": len(data), "blobId": _etag(name, data)} for name, data in files.items()]
        return {
            "id": repository,
            "modelId": repository,
            "sha": COMMIT,
            "siblings": siblings,
            "tags": [],
            "private": False,
        }

    def _file(self, to: BaseHTTPRequestHandler, name: str, data: bytes) -> None:
        headers = {"ETag": f'"{_etag(name, data)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        start, status = 0, 200
        asked = to.headers.get("Range", "")
        if asked.startswith("bytes="):
            start, status = int(asked.removeprefix("bytes=").partition("-")[0]), 206
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        sent = data
        if name in self.spoil:
            sent = data[:-1] + bytes([data[-1] ^ 1])
        large = to.command == "GET" and len(data) > 100_000
        if large and self.breaks > 0:
            self.breaks -= 1
            self._send(to, status, sent[start:], headers, most=self.break_after)
            to.close_connection = True
        elif large and self.hold is not None and not self.hold.is_set():
            self._send(to, status, sent[start:], headers, hold=self.hold)
        else:
            self._send(to, status, sent[start:], headers)

    def _send(
        self,
        to: BaseHTTPRequestHandler,
        status: int,
        data: bytes,
        headers: dict[str, str] | None = None,
        most: int | None = None,
        hold: threading.Event | None = None,
    ) -> None:
        to.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            to.send_header(key, value)
        to.end_headers()
        if to.command != "GET":
            return
        try:
            if hold is not None:
                half = len(data) // 2
                to.wfile.write(data[:half])
                to.wfile.flush()
                self.held.set()
                hold.wait(300)
                data = data[half:]
            to.wfile.write(data if most is None else data[:most])
            to.wfile.flush()
        except OSError:
            to.close_connection = True

    def _refuse(self, to: BaseHTTPRequestHandler, repository: str) -> None:
        gated = repository in self.gated
        code = "GatedRepo" if gated else "EntryNotFound" if repository in self.repositories else "RepoNotFound"
        self._send(to, 403 if gated else 404, b"{}", {"X-Error-Code": code, "X-Error-Message": code})


def _etag(name: str, data: bytes) -> str:
    """Return the etag: large files are named by their sha256, small ones as git names them."""
    if name.endswith((".gguf", ".safetensors")):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
