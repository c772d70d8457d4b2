"""Emphasis written with signs: ``_word_``, ``*word*``, ``**word**``; and the stars of role-play, which are more.

In a chat story ``*steps back*`` parts what is done from what is said. Where most paragraphs do so, the stars are the
text's own habit, and stay.
"""

from __future__ import annotations

import re

from ..change import Change, Cleaned
from ..lines import BREAK


_EMPHASIS = {
    sign: re.compile(
        rf"(?<![\w{mark}\\])({mark}{{1,3}})(?=[^\s{mark}])((?:[^{mark}\n]|\n(?! *\n)){{1,500}}?)"
        rf"(?<=[^\s{mark}])\1(?![\w{mark}])"
    )
    for sign, mark in (("_", "_"), ("*", r"\*"))
}
_ACTION = re.compile(r"(?<![\w*\\])\*(?=[^\s*])[^*\n]{1,600}(?<=[^\s*])\*(?![\w*])")
_STRONG = re.compile(r"(?<![\w*\\])(\*{2,3})(?=[^\s*])([^*\n]{1,500}?)(?<=[^\s*])\1(?![\w*])")
_PHRASE = re.compile(r"\S+\s+\S+")
_FEWEST, _MOST_LOOKED_AT = 6, 400  # paragraphs
_WHAT, _WHY = "emphasis marks removed", "Plain text has no italics; the words stay as they are."
_KEPT = (
    "Most paragraphs have *actions* between stars, as role-play has: the stars were kept. To train without them, take "
    "them out of the file."
)


def emphasis(text: str) -> Cleaned:
    """Take the marks of emphasis away and keep the words; stars stay where most paragraphs have them as role-play."""
    if is_role_play(text):
        text, change = emphasis_but_stars(text)
        return text, Change(_WHAT, change.count, _WHY, _KEPT)
    total = 0
    for sign, pattern in _EMPHASIS.items():
        count = int(text.count(sign) > 3 * (text.count(BREAK) if sign == "*" else 0))
        while count:  # marks nest: **_word_**
            text, count = _without_marks(pattern, sign, text)
            total += count
    return text, Change(_WHAT, total, _WHY)


def _without_marks(pattern: re.Pattern[str], sign: str, text: str) -> tuple[str, int]:
    """Take marks away in the paragraphs that have ``sign``: a search of the whole text takes ten times as long."""
    out: list[str] = []
    at = total = 0
    while (found := text.find(sign, at)) >= 0:
        start = max(at, text.rfind("\n\n", at, found))
        end = text.find("\n\n", found)
        end = len(text) if end < 0 else end
        plain, count = pattern.subn(r"\2", text[start:end])
        out += [text[at:start], plain]
        total += count
        at = end
    return ("".join([*out, text[at:]]) if total else text), total


def emphasis_but_stars(text: str) -> Cleaned:
    """Take the marks of emphasis away except single stars."""
    total = 0
    count = int("_" in text)
    while count:
        text, count = _EMPHASIS["_"].subn(r"\2", text)
        total += count
    if "**" in text:
        text, count = _STRONG.subn(r"\2", text)
        total += count
    return text, Change(_WHAT, total, _WHY)


def is_role_play(text: str) -> bool:
    """Return whether most paragraphs have a phrase between single stars."""
    if text.count("*") < 2 * _FEWEST:
        return False
    paragraphs = [part for part in re.split(r"\n+", text[:400_000]) if any(map(str.isalpha, part))][:_MOST_LOOKED_AT]
    acted = sum(any(_PHRASE.search(action) for action in _ACTION.findall(part)) for part in paragraphs)
    return acted >= max(_FEWEST, 0.5 * len(paragraphs))
