"""A few thousand damaged files for every reader; ``python -m tests.fuzz.run`` does millions."""

from __future__ import annotations

import pytest

from tests.fuzz.run import fuzz
from tests.fuzz.targets import SEEDS, TARGETS, run, seeds_of


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_is_read_or_refused_in_a_sentence(name: str) -> None:
    taken = [run(TARGETS[name], seed) for seed in seeds_of(name)]
    assert any(taken)  # else the reader is never really reached


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_files_end_in_a_sentence(name: str) -> None:
    """A quick look of two hundred, the same each time."""
    assert fuzz(name, 200).faults == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_damaged_files_end_in_a_sentence(name: str) -> None:
    """About a minute for all of them, which is what CI has for it; the same files on every machine."""
    assert fuzz(name, 2_000, seed=2).faults == {}


def test_what_once_failed_belongs_to_a_reader_that_is_there() -> None:
    assert {folder.name for folder in SEEDS.iterdir()} <= set(TARGETS) if SEEDS.is_dir() else True
