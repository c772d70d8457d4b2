"""Finding words in a whole story. A straight quotation mark or apostrophe finds the curly one, too."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple


_ALIKE = {"'": "['’‘]", "’": "['’‘]", '"': '["“”„]', "“": '["“”„]', "”": '["“”„]'}


class Query(NamedTuple):
    """What is looked for. Without ``case``, small and capital letters are the same; ``words``: whole words only."""

    text: str
    case: bool = False
    words: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        said = "".join(_ALIKE.get(letter, re.escape(letter)) for letter in self.text)
        if self.words:
            said = rf"(?<!\w){said}(?!\w)"
        return re.compile(said, 0 if self.case else re.IGNORECASE)


def matches(query: Query, text: str) -> list[tuple[int, int]]:
    """Return where ``query`` stands in ``text``, as (start, end), in order."""
    return [found.span() for found in query.pattern.finditer(text)] if query.text else []


def nearest(found: list[tuple[int, int]], at: int) -> int:
    """Return the number of the first match at or behind ``at``; behind the last one it begins anew."""
    number = bisect_left(found, (at, 0))
    return number if number < len(found) else 0
