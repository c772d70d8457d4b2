r"""Banned strings, with or without wildcards, as something that can be looked for in a text that is still coming.

``not * but`` is ``not``, a few words of the same sentence, and ``but``: a star stands for at most :data:`MOST_WILD`
characters, none of which ends a sentence or a line. Stars at either end say nothing and are left away. ``\*`` is a
star, and so are those of a string that has nothing else in it (``***``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass


MOST_WILD = 40  # characters that a star stands for at most
_ENDS = frozenset(".!?…。！？\n")


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The texts between the stars, two or more, none empty."""

    parts: tuple[str, ...]

    @property
    def longest(self) -> int:
        """Characters of the longest text that matches."""
        return sum(map(len, self.parts)) + MOST_WILD * (len(self.parts) - 1)

    def find(self, text: str, end: int) -> int:
        """Return where in ``text`` the first match begins that ends behind ``end``; -1 without one."""
        starts = _all(text, self.parts[0])
        return next((start for start in starts if max(self._ends(text, start)[0], default=0) > end), -1)

    def doubtful(self, text: str) -> int:
        """Return how many characters at the end of ``text`` may be the beginning of a match: as many as can be."""
        first = self.parts[0]
        for start in range(max(0, len(text) - self.longest), len(text)):
            if text[start] == first[0] and self._ends(text, start)[1]:
                return len(text) - start
        return 0

    def _ends(self, text: str, start: int) -> tuple[set[int], bool]:
        """Return where the matches that begin at ``start`` end, and whether more text may still complete one."""
        reached, open_ = {start}, False
        for number, part in enumerate(self.parts):
            places = set[int]()
            for at in reached:
                places.add(at)
                wild = at
                while number and wild - at < MOST_WILD and wild < len(text) and text[wild] not in _ENDS:
                    wild += 1
                    places.add(wild)
            reached = {at + len(part) for at in places if text.startswith(part, at)}
            open_ = open_ or any(len(text) - at < len(part) and part.startswith(text[at:]) for at in places)
        return reached, open_


def parse(banned: str) -> str | Wildcard:
    """Parse ``banned`` as it is to be looked for: a text, or a text with wildcards."""
    if not banned.replace("*", "").strip():
        return banned
    parts = [part for part in re.split(r"(?<!\\)\*+", banned) if part]
    plain = tuple(part.replace(r"\*", "*") for part in parts)
    return plain[0] if len(plain) == 1 else Wildcard(plain)


def literal(text: str) -> str:
    """Escape the stars of ``text``, for banned strings of programs that know no wildcards."""
    return text.replace("*", r"\*")


def _all(text: str, part: str) -> list[int]:
    """Return where ``part`` begins in ``text``."""
    found, at = [], text.find(part)
    while at >= 0:
        found.append(at)
        at = text.find(part, at + 1)
    return found
