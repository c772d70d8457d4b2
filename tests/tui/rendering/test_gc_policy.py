"""Garbage is still found, what stays is looked at once, and another program in this process finds Python as it was."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from kobold_modules.tui.rendering import gc_policy as heap
from tests.tui.conftest import Open


class Ring:
    """Garbage that only a look can find."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    heap.release()
    gc.enable()


def test_what_was_there_is_not_looked_at_again() -> None:
    kept = [Ring() for _ in range(1000)]
    heap.settle()
    frozen = gc.get_freeze_count()
    assert frozen >= 1000
    kept += [Ring() for _ in range(1000)]
    heap.look()
    assert gc.get_freeze_count() >= frozen + 1000
    assert len(gc.get_objects(generation=2)) < 100


def test_new_garbage_goes_at_a_look() -> None:
    heap.settle()
    ring = weakref.ref(Ring())
    heap.look()
    assert ring() is None


def test_what_was_kept_and_became_garbage_goes_at_a_look_at_everything() -> None:
    thing = Ring()
    heap.settle()
    ring = weakref.ref(thing)
    del thing
    heap.look()
    assert ring() is not None
    assert heap.look_at_everything()
    assert ring() is None
    assert not heap.look_at_everything()  # nothing has come since


def test_python_is_as_it_was_afterwards() -> None:
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    heap.settle()
    heap.settle()
    assert gc.get_threshold() != thresholds
    heap.release()
    assert (gc.get_threshold(), gc.callbacks, gc.get_freeze_count()) == (thresholds, callbacks, 0)
    heap.look()
    assert not heap.look_at_everything()


async def test_the_app_looks_while_nobody_types(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as on:
        looked: list[str] = []
        monkeypatch.setattr(heap, "look", lambda: looked.append("new"))
        monkeypatch.setattr(heap, "look_at_everything", lambda: looked.append("all") is None)
        await on.press("down")
        on.app._tidy()
        assert looked == []
        on.app._pressed -= 2
        on.app._tidy()
        assert looked == ["new"]
        on.app._pressed -= 60
        on.app._tidy()
        assert looked == ["new", "all"]
