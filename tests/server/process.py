"""A server in a process of its own, and a client that sends exactly what it is told to."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from kobold_modules.library import stack_file
from kobold_modules.library.library import Library
from kobold_modules.library.stack_file import StackFile
from kobold_modules.models.reference import ModelFile
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack


ROOT = Path(__file__).resolve().parents[2]
NAMES = ("noir", "gothic", "farce", "sea story", "letters", "weather", "court")
KEPT = "noir at sea"


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def events(self) -> list[Any]:
        """The data of server-sent events: JSON, or the word ``[DONE]``."""
        found = [line[6:] for line in self.data.decode().split("\n") if line.startswith("data: ")]
        return [word if word == "[DONE]" else json.loads(word) for word in found]


@dataclass
class Running:
    """A server that answers at ``address``; ``lines`` is what it prints, ``before`` what it printed until then."""

    process: subprocess.Popen[str]
    address: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    before: list[dict[str, Any]] = field(default_factory=list)

    @property
    def port(self) -> int:
        port = urlsplit(self.address).port
        assert port is not None
        return port

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Send one request; ``body`` is sent as JSON unless it is bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, None, headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("POST", path, {} if body is None else body, headers)

    def put(self, path: str, value: Any) -> Answer:
        return self.ask("PUT", path, {"value": value})

    def raw(self, data: bytes) -> bytes:
        """Send bytes as they are and return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=300) as sock:
            parts = []
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                while part := sock.recv(65536):
                    parts.append(part)
            except TimeoutError:
                raise
            except OSError:  # it may hang up before it has read everything: a reset, or "not connected" at the shutdown
                pass
        return b"".join(parts)

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/stats").json
        return found


def eventually(holds: Callable[[], bool], seconds: float = 300) -> None:
    """Wait for a condition, however slow the machine is."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)


def fill_library(home: Path, model: Path) -> dict[str, Module]:
    """Put modules of words of ``model`` into the library in ``home``, one of another model, and a kept stack."""
    before = os.environ.get("KOBOLD_MODULES_HOME")
    os.environ["KOBOLD_MODULES_HOME"] = str(home)
    try:
        file = ModelFile.at(model)
        table = np.concatenate(list(file.read_table()))
        rng = np.random.default_rng(7)
        found = {}
        library = Library()
        for count, name in enumerate(NAMES):
            rows = table[rng.integers(3, len(table), 4 + count)] + 0.2 * rng.standard_normal(
                (4 + count, table.shape[1])
            )
            module = Module(rows.astype(np.float32), Card(name, fingerprint=file.fingerprint, model="stories"))
            library.add(module)
            found[name] = module
        library.add(Module(np.ones((3, 128), np.float32), Card("made for a wider model")))
        stack_file.keep(StackFile.of(KEPT, Stack().add(found["noir"]).add(found["sea story"], 0.5)))
        return found
    finally:
        if before is None:
            del os.environ["KOBOLD_MODULES_HOME"]
        else:
            os.environ["KOBOLD_MODULES_HOME"] = before


@contextlib.contextmanager
def running(command: list[str], home: Path) -> Iterator[Running]:
    """Start a server that prints its records, wait until it answers, and end it."""
    environment = os.environ | {"KOBOLD_MODULES_HOME": str(home), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, *command], env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        before: list[dict[str, Any]] = []
        while "address" not in (line := json.loads(process.stdout.readline() or "null") or {"address": ""}):
            before.append(line)
        if not line["address"]:
            assert process.stderr is not None
            raise AssertionError(f"the server did not start: {process.stderr.read()}")
        found = Running(process, line["address"], [line], before)
        threading.Thread(target=_follow, args=(process, found.lines), daemon=True).start()
        yield found
    finally:
        process.terminate()
        try:
            process.wait(300)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                assert pipe is not None
                with contextlib.suppress(ValueError):
                    pipe.close()


def _follow(process: subprocess.Popen[str], lines: list[dict[str, Any]]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError, OSError):
        for line in process.stdout:
            lines.append(json.loads(line))
