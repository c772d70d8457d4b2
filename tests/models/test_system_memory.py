from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from kobold_modules.models import system_memory
from kobold_modules.models.system_memory import read_cards, room


def test_this_machine_has_memory() -> None:
    here = room()

    assert here.known
    assert 0 < here.free <= here.total


def test_cards_as_nvidia_smi_lists_them() -> None:
    said = "NVIDIA H200, 143771, 143162\nNVIDIA GeForce RTX 3060, odd, 12288, 11000\n"

    cards = read_cards(said)

    assert [(card.name, card.free // 2**20) for card in cards] == [
        ("NVIDIA H200", 143162), ("NVIDIA GeForce RTX 3060, odd", 11000),
    ]  # fmt: skip
    assert [card.name for card in read_cards(said, "1")] == ["NVIDIA GeForce RTX 3060, odd"]
    assert read_cards(said, "") == ()
    assert read_cards("") == ()


def limited(folder: Path, most: int, used: int, cache: int) -> Path:
    """Write what version 2 of control groups tells, in bytes."""
    (folder / "memory.max").write_text(str(most) if most else "max")
    (folder / "memory.current").write_text(str(used))
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_the_limit_of_a_container_is_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_memory, "_control_groups", lambda: [limited(tmp_path, 10_000_000, 4_000_000, 500_000)])

    here = room(gpus=False)

    assert (here.total, here.free) == (10_000_000, 6_500_000)


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_a_container_without_a_limit_has_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_memory, "_control_groups", lambda: [limited(tmp_path, 0, 4_000_000, 0)])

    assert room(gpus=False).total == psutil.virtual_memory().total


def test_a_system_that_does_not_tell_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> None:
        raise OSError(13, "Permission denied", "/proc/meminfo")

    monkeypatch.setattr(psutil, "virtual_memory", refuses)

    assert not room(gpus=False).known
