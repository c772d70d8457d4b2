"""Whether a drawn seed is chance or an order that comes back."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kobold_modules.sampling.seed import VARIABLE, draw_seed


DRAWN = "from kobold_modules.sampling.seed import draw_seed; print([draw_seed() for _ in range(5)])"


def test_without_a_wish_it_is_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    for wish in ("", None):
        if wish is None:
            monkeypatch.delenv(VARIABLE)
        else:
            monkeypatch.setenv(VARIABLE, wish)
        drawn = {draw_seed() for _ in range(8)}
        assert len(drawn) > 1
        assert all(0 <= seed < 2**31 for seed in drawn)


def test_one_beginning_one_order_in_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "17")
    first = [draw_seed() for _ in range(5)]
    assert len(set(first)) == 5
    apart = subprocess.run([sys.executable, "-c", DRAWN], capture_output=True, text=True, check=True)
    assert apart.stdout.strip() == str(first)
    monkeypatch.setenv(VARIABLE, "another")
    assert [draw_seed() for _ in range(5)] != first
    monkeypatch.setenv(VARIABLE, "17")
    assert [draw_seed() for _ in range(5)] == first


def test_what_a_test_leaves_open_is_no_chance() -> None:
    """The guard in tests/conftest.py: the numbers are those that the name of this test gives, at every run."""
    assert [draw_seed() for _ in range(2)] == [663781322, 1545168770]
