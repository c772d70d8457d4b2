"""Where the chapters and scenes of a text begin: headings as writers set them, Markdown's, and scene breaks."""

from __future__ import annotations

import re
from typing import NamedTuple

from .cleaning.apparatus.titles import is_heading, is_numeral
from .cleaning.layout.breaks import is_break


_MARKDOWN = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t#]*")
LONGEST_TITLE = 100


class Part(NamedTuple):
    """A chapter or scene from the character ``start`` on.

    ``level`` 0 is a heading, 1 a heading of Markdown below the first, 2 a scene; ``words`` counts those up to the next
    part.
    """

    start: int
    title: str
    level: int
    words: int


def outline(text: str) -> list[Part]:
    """Return the parts of ``text`` in order. Text before the first heading is a part called ``Beginning``."""
    found: list[tuple[int, str, int]] = []
    at, blank_before, scene = 0, True, False
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped and len(stripped) <= LONGEST_TITLE:
            markdown = _MARKDOWN.fullmatch(stripped)
            if markdown is not None:
                found.append((at, markdown[2].strip("*_ "), min(1, len(markdown[1]) - 1)))
                scene = False
            elif blank_before and is_break(stripped):
                scene = True
            elif blank_before and (is_heading(stripped) or is_numeral(stripped)):
                found.append((at, stripped.strip("*_=~ "), 0))
                scene = False
            elif scene:
                found.append((at, stripped, 2))
                scene = False
        elif stripped and scene:
            found.append((at, stripped[:LONGEST_TITLE], 2))
            scene = False
        blank_before = not stripped
        at += len(line) + 1
    if text.strip() and (not found or text[: found[0][0]].strip()):
        found.insert(0, (0, "Beginning", 0))
    if not found:
        return []
    ends = [start for start, _, _ in found[1:]] + [len(text)]
    return [
        Part(start, title, level, len(text[start:end].split()))
        for (start, title, level), end in zip(found, ends, strict=True)
    ]
