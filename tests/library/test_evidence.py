"""What evaluations found about a module: beside its zip, for its vectors alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kobold_modules.library import evidence
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module
from tests.evaluation import made_up


def test_it_comes_back_as_it_was_and_only_for_its_own_vectors(tmp_path: Path) -> None:
    found = made_up.everything()
    evidence.write(tmp_path, found)

    assert evidence.read(tmp_path) == found
    assert evidence.read(tmp_path, found.digest) == found
    assert evidence.read(tmp_path, "other") is None


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"record": "evaluated"}', b"\xff\xfe", b"[" * 50_000])
def test_whatever_else_lies_there_is_no_evidence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / evidence.EVIDENCE).write_bytes(data)
    (tmp_path / evidence.SOURCES).write_bytes(data)

    assert evidence.read(tmp_path) is None
    assert evidence.read_sources(tmp_path) == {}
    assert evidence.read(tmp_path / "nowhere") is None


def test_a_module_that_takes_the_place_of_another_begins_without_evidence(home: Path) -> None:
    library = Library()
    entry = library.add(Module(np.ones((2, 4), np.float32), Card("noir")))
    folder = entry.path.parent
    before = entry.path.read_bytes()
    evidence.write(folder, made_up.everything())
    evidence.write_sources(folder, ["a.txt"], ["rule"], [])

    assert entry.path.read_bytes() == before  # the file that is handed on says nothing of it
    assert evidence.read_sources(folder) == {"files": [str(Path("a.txt").absolute())], "keep": ["rule"], "speaker": []}
    library.add(Module(np.zeros((2, 4), np.float32), Card("noir")), replace=True)
    assert evidence.read(folder) is None
    assert evidence.read_sources(folder) == {}
