"""Sizes are written one way everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kobold_modules
import kobold_modules.tui as tui
from kobold_modules.byte_size import byte_size


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (812, "812 bytes"),
        (28_000, "28 KB"),
        (999_600, "1 MB"),
        (1_400_000, "1.4 MB"),
        (9_960_000, "10 MB"),
        (950_000_000, "950 MB"),
        (24 * 10**9, "24 GB"),
        (4_940_000_000, "4.9 GB"),
        (42_520_000_000, "42.5 GB"),
        (120 * 10**9, "120 GB"),
        (3_200 * 10**9, "3.2 TB"),
    ],
)
def test_a_size(count: int, said: str) -> None:
    """interface.md: "950.0 MB" here, "950 MB" there."""
    assert byte_size(count) == said


def test_nobody_writes_sizes_by_hand() -> None:
    """A number that is divided and given a unit in a string is a second way of writing it."""
    by_hand = re.compile(r"\{[^{}]*(/|:[.,]*\d*f)[^{}]*\} ?(KB|MB|GB)\b")
    folders = [Path(str(module.__file__)).parent for module in (kobold_modules, tui)]
    found = [
        f"{path.name}: {match[0]}"
        for folder in folders
        for path in folder.rglob("*.py")
        for match in by_hand.finditer(path.read_text(encoding="utf-8"))
        if path.name != "byte_size.py" and "MOST" not in match[0]
    ]
    assert found == []
