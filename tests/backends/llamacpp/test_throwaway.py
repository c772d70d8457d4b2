"""A throw-away child: what it says is heard until it dies, and it is ended when it takes too long or is not wanted."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kobold_modules import supervised
from kobold_modules.backends.llamacpp import throwaway
from kobold_modules.backends.llamacpp.throwaway import NO_ANSWER, STOPPED, Answer, ask


pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


def child(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every child run ``code`` instead of a module."""
    monkeypatch.setattr(supervised, "python", lambda *_: [sys.executable, "-c", f"import os, time\n{code}"])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("""print('{"a": 1}'); print('{"b": 2}')""", Answer(({"a": 1}, {"b": 2}))),
        ("""print('{"a": 1}\\n{"b":', end='', flush=True); os.abort()""", Answer(({"a": 1},), "SIGABRT")),
        ("print('ggml says hello'); print('[1]'); raise SystemExit(3)", Answer((), "exit code 3")),
        ("pass", Answer(())),
    ],
)
def test_lines_are_heard_until_it_dies(
    code: str, expected: Answer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(code, monkeypatch)

    assert ask("probe", file, stopped=lambda: False) == expected


def test_one_that_takes_too_long_is_ended(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child("time.sleep(3600)", monkeypatch)
    monkeypatch.setattr(throwaway, "SECONDS", 0.2)

    assert ask("probe", file, stopped=lambda: False).ended == NO_ANSWER


def test_one_that_is_not_wanted_any_more_is_ended(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child("time.sleep(3600)", monkeypatch)

    assert ask("probe", file, stopped=lambda: True).ended == STOPPED
