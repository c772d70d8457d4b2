"""Manuscripts typed with a blank line after every line: the blank lines that only space are taken out.

Paragraphs are where the gap is wider still, or the next line is indented. Where neither tells them, short lines do, and
that is said, for it is a guess.
"""

from __future__ import annotations

import re
from collections import Counter

from ..change import Change, Cleaned
from ..lines import indent
from .wrapping import wrap_width


_WHAT = "double-spaced lines closed up"
_WHY = "A blank line after every line would make each line a paragraph, and the model stop in mid-sentence."
_WARNING = (
    "It is double-spaced and does not show where paragraphs begin (no wider gap, no indent), so they were guessed from "
    "short lines: look at the preview."
)
_FEWEST = 12
_SINGLE = re.compile(r"(?<!\n)\n(?!\n)")
_LINE = re.compile(r"([^\n]+)(\n+|\Z)")


def double_spaced(text: str) -> Cleaned:
    """Take out the blank lines between the lines of a double-spaced text whose lines are broken at a margin."""
    none = text, Change(_WHAT, 0, _WHY)
    sample = text[:60_000]
    if "\n\n" not in sample or len(_SINGLE.findall(sample)) > 0.1 * sample.count("\n\n"):
        return none
    found = _LINE.findall(text)
    lines = [line for line, _ in found]
    gaps = [len(ends) - 1 for _, ends in found[:-1]]
    if len(lines) < _FEWEST or not gaps:
        return none
    usual, times = Counter(gaps).most_common(1)[0]
    if usual < 1 or times < 0.5 * len(gaps):
        return none
    pairs = [(lines[at], lines[at + 1]) for at, gap in enumerate(gaps) if gap == usual]
    if not wrap_width(pairs)[0]:
        return none
    wide = sum(gap > usual for gap in gaps)
    deep = sum(indent(line) >= 2 for line in lines)
    marked = wide >= 0.02 * len(lines) or 0.02 * len(lines) <= deep <= 0.9 * len(lines)
    out: list[str] = []
    for line, gap in zip(lines, [*gaps, 0], strict=True):
        out.append(line)
        out.append("\n" if gap <= usual else "\n\n" if gap <= 2 * usual + 1 else "\n\n\n")
    return "".join(out).rstrip("\n"), Change(_WHAT, times, _WHY, "" if marked else _WARNING)
