"""A library of its own for each test, and small modules to put into it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "modules")


def module(name: str = "Noir in the Rain", fill: float = 1.0, **card: object) -> Module:
    fingerprint = Fingerprint(4096, 3, (0.1, -0.25, 1e-7))
    return Module(np.full((2, 3), fill, np.float32), Card(name, fingerprint=fingerprint, **card))  # type: ignore[arg-type]


def names(library: Library) -> list[str]:
    return [entry.name for entry in library.entries()]


def folders(library: Library) -> list[str]:
    """Return what lies in the library's folder, but its lock."""
    return sorted(item.name for item in library.root.iterdir() if item.name != ".lock")
