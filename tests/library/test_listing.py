"""Listing reads as little as it can."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.formats import kobold
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module
from tests.library.conftest import module


def test_listing_again_reads_no_file_of_an_unchanged_module(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in range(3):
        library.add(module(f"Noir {count}"))
    first = library.entries()

    def read(*_: object) -> bytes:
        raise AssertionError("a file was read")

    monkeypatch.setattr(Path, "read_bytes", read)
    monkeypatch.setattr(Path, "open", read)
    assert library.entries() == first


def test_listing_opens_no_zip(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(module())
    monkeypatch.setattr(kobold, "read", lambda _: pytest.fail("a zip was opened"))
    assert len(Library(library.root).entries()) == 1


@pytest.mark.slow
def test_a_thousand_modules_are_listed_by_their_cards_alone(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    sketch = tuple(round(value / 1024, 4) for value in range(1024))
    crowd = Module(np.ones((2, 3), np.float32), Card("x", fingerprint=Fingerprint(4096, 3, sketch)))
    one = library.add(crowd)
    for count in range(1000):
        folder = library.root / f"m{count}"
        folder.mkdir()
        shutil.copy2(one.path, folder / f"m{count}.zip")
        shutil.copy2(one.path.parent / "card.json", folder)
    monkeypatch.setattr(kobold, "read", lambda _: pytest.fail("a zip was opened"))
    assert len(library.entries()) == 1001
