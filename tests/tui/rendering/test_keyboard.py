"""Keys as a terminal sends them: an Esc is one as soon as it can be."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from textual import constants
from textual.events import Key
from textual.message import Message

from tests.tui.conftest import Open


if sys.platform == "win32":
    pytest.skip("a terminal of Linux or macOS", allow_module_level=True)

from textual._xterm_parser import XTermParser

from kobold_modules.tui.rendering.keyboard import LONGEST, KeenDriver, messages, patience


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def keys(found: list[Message]) -> list[str]:
    return [message.key for message in found if isinstance(message, Key)]


def test_it_waits_no_longer_for_an_esc_than_for_the_rest_of_an_arrow_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.025)
    parser = XTermParser()
    assert patience(parser) == LONGEST
    assert list(parser.feed("\x1b")) == []
    assert 0 <= patience(parser) <= 0.025 < LONGEST
    assert keys(list(parser.feed("[A"))) == ["up"]
    assert patience(parser) == LONGEST


def test_an_esc_comes_without_another_key_behind_it(pipe: tuple[int, int]) -> None:
    read, write = pipe
    found = messages(read, XTermParser(), lambda: False)
    os.write(write, b"\x1b")
    assert keys([next(found)]) == ["escape"]


def test_keys_that_come_in_pieces_are_whole(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.write(write, "ä".encode()[:1])
    turns = iter(range(2))

    def ended() -> bool:
        if next(turns, None) == 1:
            os.write(write, "ä".encode()[1:] + b"\x1b[B")
            os.close(write)
        return False

    assert keys(list(messages(read, XTermParser(), ended))) == ["ä", "down"]


def test_it_ends_with_the_app(pipe: tuple[int, int]) -> None:
    assert list(messages(pipe[0], XTermParser(), lambda: True)) == []


async def test_the_app_reads_its_keys_so(stage: Open) -> None:
    async with stage() as on:
        assert on.app.driver_class is KeenDriver
