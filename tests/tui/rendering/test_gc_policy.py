"""Garbage is still found, what stays is looked at once, and another program in this process finds Python as it was."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from time import monotonic

import pytest

from kobold_modules.tui.rendering import gc_policy
from tests.tui.conftest import Open


class Ring:
    """Garbage that only a look can find."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    gc_policy.release()
    gc.enable()


def test_what_was_there_is_not_looked_at_again() -> None:
    kept = [Ring() for _ in range(1000)]
    gc_policy.settle()
    frozen = gc.get_freeze_count()
    assert frozen >= 1000
    kept += [Ring() for _ in range(1000)]
    gc_policy.collect()
    assert gc.get_freeze_count() >= frozen + 1000
    assert len(gc.get_objects(generation=2)) < 100


def test_new_garbage_goes_at_a_look() -> None:
    gc_policy.settle()
    ring = weakref.ref(Ring())
    gc_policy.collect()
    assert ring() is None


def test_what_was_kept_and_became_garbage_goes_at_a_look_at_everything() -> None:
    thing = Ring()
    gc_policy.settle()
    ring = weakref.ref(thing)
    del thing
    gc_policy.collect()
    assert ring() is not None
    assert gc_policy.collect_everything()
    assert ring() is None
    assert not gc_policy.collect_everything()  # nothing has come since


def test_python_is_as_it_was_afterwards() -> None:
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    gc_policy.settle()
    gc_policy.settle()
    assert gc.get_threshold() != thresholds
    gc_policy.release()
    assert (gc.get_threshold(), gc.callbacks, gc.get_freeze_count()) == (thresholds, callbacks, 0)
    gc_policy.collect()
    assert not gc_policy.collect_everything()


async def test_the_app_looks_while_nobody_types(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as on:
        looked: list[str] = []
        monkeypatch.setattr(gc_policy, "collect", lambda: looked.append("new"))
        monkeypatch.setattr(gc_policy, "collect_everything", lambda: looked.append("all") is None)
        await on.press("down")
        on.app._pressed = monotonic()  # just now, however long that took
        looked.clear()
        on.app._tidy()
        assert looked == []
        on.app._pressed -= 2
        on.app._tidy()
        assert looked == ["new"]
        on.app._pressed -= 60
        on.app._tidy()
        assert looked == ["new", "all"]
