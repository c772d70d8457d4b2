"""A generator run to its end."""

from __future__ import annotations

from collections.abc import Generator

from kobold_modules.drain import drain


def work() -> Generator[int, None, str]:
    yield 1
    yield 2
    return "done"


def test_what_it_returns_is_returned_and_what_it_yields_is_heard() -> None:
    heard: list[int] = []

    assert drain(work(), heard.append) == "done"
    assert heard == [1, 2]


def test_nobody_need_hear_it() -> None:
    assert drain(work()) == "done"
