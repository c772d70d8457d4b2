"""What an entry's drafts know of the others: the names and numbers that the right one has to be told from."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..names import ORDINALS, value_of


OTHERS = 2  # names to choose from beside the right one


@dataclass(frozen=True, slots=True)
class World:
    """Names and numbers of all entries.

    Attributes:
        names: words, in small letters, that are names wherever they stand.
        peers: titles by area, to choose the right one from.
        numbers: numbers that stand in the lore, as they are written there.
        area_of: an entry's area by each of its names, in small letters.
        short_of: what a person calls an entry, by its title, where that is shorter.
    """

    names: frozenset[str]
    peers: dict[str, tuple[str, ...]]
    numbers: tuple[str, ...]
    area_of: dict[str, str]
    short_of: dict[str, str]

    def short(self, title: str) -> str:
        """Return the shortest name of the entry ``title``: what a person asks with, in few tokens."""
        return self.short_of.get(title, title)

    def others(self, right: str, among: Sequence[str], chance: random.Random) -> list[str]:
        """Return at most :data:`OTHERS` of ``among`` that are not ``right``, drawn by ``chance``."""
        several = [other for other in among if other.casefold() != right.casefold()]
        return chance.sample(several, min(OTHERS, len(several)))

    def other_numbers(self, right: str, chance: random.Random) -> list[str]:
        """Return other numbers of the lore that are written as ``right`` is: digits, words or ordinals."""
        form, value = _form(right), value_of(right)
        same = [number for number in self.numbers if _form(number) == form and value_of(number) != value]
        return self.others(right, same, chance)

    def listed(self, names: Sequence[str], chance: random.Random) -> str:
        """Return ``names`` in a drawn order with "or" before the last."""
        mixed = chance.sample(list(names), len(names))
        return f"{', '.join(mixed[:-1])} or {mixed[-1]}"


def _form(number: str) -> str:
    if number[0].isdigit():
        return f"{min(len(number), 3)} digits" if number.isdecimal() else "ordinal digits"
    if number.lower() in ("hundred", "thousand", "million", "dozen"):  # "a hundred"; it stands behind another word
        return "large"
    return "ordinal" if number.lower() in ORDINALS else re.sub(r"\w+", "word", number)
