"""A save as a script: who says or writes what, in order. A story's parts join to one text; a chat's do not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..plain_text import printable


YOU, MODEL = "you", "model"  # the names of two hands that have no others
LONGEST_NAME = 80
_HALF = re.compile("[\ud800-\udfff]")


class Turn(NamedTuple):
    """What one speaker said, or one hand wrote.

    Attributes:
        speaker: a name, :data:`YOU` or :data:`MODEL`; empty where the file does not say.
        by_user: whether the person at the keyboard wrote it.
        begins: whether another conversation begins here.
    """

    speaker: str
    text: str
    by_user: bool = False
    begins: bool = False


class Aside(NamedTuple):
    """Text in a save that is no part of its story: ``what`` it is, as in "left out: memory"."""

    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Script:
    """The text of a save.

    Attributes:
        turns: in order.
        asides: what is no story.
        chat: whether turns are messages, each a text of its own, and no parts of one text.
        problems: sentences on what could not be read.
    """

    turns: tuple[Turn, ...] = ()
    asides: tuple[Aside, ...] = ()
    chat: bool = False
    title: str = ""
    problems: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Who speaks, in order of first appearance."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns if turn.speaker))


def name_of(value: Any) -> str:
    """Return a stranger's name as it may stand in a sentence; empty for anything that is none."""
    return " ".join(printable(value).split())[:LONGEST_NAME] if isinstance(value, str) else ""


def whole(text: str) -> str:
    """Return ``text`` without halves of characters, which JSON may hold and nothing can be encoded with."""
    if text.isascii() or not _HALF.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def by_spans(text: str, spans: Any) -> tuple[Turn, ...]:
    """Return ``text`` by its hands, as our stories keep them: ``[{"length": 12, "by_model": true}, ...]``.

    Where they do not fit the text, nobody is named.
    """
    pieces: list[tuple[str, bool]] = []
    at = 0
    for span in spans if isinstance(spans, list) else ():
        length = span.get("length") if isinstance(span, dict) else None
        if not isinstance(length, int) or length < 0:
            return (Turn("", text),)
        pieces.append((text[at : at + length], span.get("by_model") is True))
        at += length
    return by_hand(pieces) if pieces and at == len(text) else (Turn("", text),)


def by_hand(pieces: Iterable[tuple[str, bool]]) -> tuple[Turn, ...]:
    """Return pieces of a story, each with whether the model wrote it, as turns."""
    return tuple(Turn(MODEL if by_model else YOU, text, not by_model) for text, by_model in pieces)


def by_paragraph(turns: Sequence[Turn]) -> list[Turn]:
    """Return a story's paragraphs, each as a turn of the hand that wrote most of it."""
    found: list[Turn] = []
    line: list[Turn] = []
    for turn in turns:
        first, *others = turn.text.split("\n")
        line.append(turn._replace(text=first))
        for text in others:
            found.append(_together(line))
            line = [turn._replace(text=text)]
    return [*found, _together(line)] if line else found


def _together(parts: Sequence[Turn]) -> Turn:
    letters: dict[tuple[str, bool], int] = {}
    for part in parts:
        hand = part.speaker, part.by_user
        letters[hand] = letters.get(hand, 0) + len(part.text.strip())
    (speaker, by_user), _ = max(letters.items(), key=lambda item: item[1])
    return Turn(speaker, "".join(part.text for part in parts), by_user)
