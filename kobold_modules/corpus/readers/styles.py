"""What the name of a paragraph's style says: a heading, a table of contents, a caption, a scene break.

Word and LibreOffice keep the English names of their own styles in every language; writers' own are based on them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


_HEADING_NAME = re.compile(
    r"heading \d|title|subtitle|(?:chapter|part|section)(?: (?:title|heading|head|number|name))?"
)
_ASIDE_NAME = (
    (
        re.compile(r"(?:toc|contents) \d+|(?:toc|contents?) heading|table of (?:contents|figures|authorities)"),
        "tables of contents",
    ),
    (re.compile(r"index (?:\d+|heading)"), "indexes"),
    (re.compile(r"caption|illustration|figure|drawing"), "captions"),
)
_BREAK_NAME = re.compile(r"(?:scene|section)[ -]?(?:break|divider|separator)|horizontal line")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a style makes of its text: a heading of ``level`` (0: none), hidden, a break, or something ``aside``."""

    level: int = 0
    hidden: bool = False
    is_break: bool = False
    aside: str = ""


NOTHING = Meaning()


def meaning(names: Sequence[str], level: int | None, hidden: bool) -> Meaning:
    """Return what a style means.

    Args:
        names: its own in lower case, and those of the styles that it is based on.
        level: of the outline, from 1; 0 is no heading, None leaves it to the names.
        hidden: whether its text is not shown.
    """
    aside = next((what for pattern, what in _ASIDE_NAME if pattern.fullmatch(names[0])), "")
    if level is None:
        level = 1 if any(_HEADING_NAME.fullmatch(name) for name in names) else 0
    return Meaning(0 if aside else level, hidden, bool(_BREAK_NAME.fullmatch(names[0])), aside)
