"""Footnotes: their marks in the text, and their texts, in the habits of thirty years.

``[1]``, ``{1}``, ``¹`` and ``*`` behind a word point to a paragraph that begins with the same sign. The pair is the
proof: a paragraph that begins with a star or a number is a note only if a mark for it stands in the text, or if several
of its like follow each other.
"""

from __future__ import annotations

import re
from itertools import pairwise

from ..change import Change, Cleaned


_SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SUPERS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_BEHIND = r"(?<=[\w.,;:!?\"'”’»)*_—])"
_BRACKETED = re.compile(
    r"\[(?:Illustration|Footnote|Endnote|Decoration|Music|Blank Page|Sidenote|Transcriber'?’?s note|Abbildung|"
    r"Fußnote|Note de)\b"
    r"[^\[\]]{0,2000}\]",
    re.IGNORECASE,
)
_MARK = re.compile(
    rf"{_BEHIND}(?:\[(?:\d{{1,3}}|\*|†|‡|[a-z]|[ivx]{{1,5}})\](?!\()|\{{\d{{1,3}}\}}|"
    rf"\[(?:foot)?note:? \d{{1,3}}\])",
    re.IGNORECASE,
)
_LETTER_MARK = re.compile(r"\[[a-zA-Z*†‡]+\]")
_SUPER_MARK = re.compile(rf"(?:(?<=[^\W\d_]{{2}})|(?<=[.,;:!?\"'”’»)]))(?<![kcm]m)[{_SUPERS}]{{1,3}}(?!\w)")
_NOTE = re.compile(
    rf"[ \t]*(?:\[(?P<square>\d{{1,3}}|\*+|†|‡|[a-zA-Z])\]|\{{(?P<curly>\d{{1,3}})\}}|(?P<super>[{_SUPERS}]{{1,3}})"
    r"|\[\^?(?:foot)?note:? (?P<word>\d{1,3})\]?:?)[ \t.:]*(?=\S)",
    re.IGNORECASE,
)
_SIGN_NOTE = re.compile(r"[ \t]*(?P<sign>\*{1,3}|†{1,2}|‡{1,2}|§)[ \t]?(?=[A-Z\"'“‘])")
_SIGN_MARK = re.compile(r"(?<=[\w.,;:!?\"'”’»)])(\*{1,3}|†{1,2}|‡{1,2})(?![\w*†‡])")
_HEAD = re.compile(r"(?:foot|end)?notes|anmerkungen|fußnoten|endnoten|notas|notes de bas de page|note", re.IGNORECASE)
_NUMBERED = re.compile(r"[ \t]*(\d{1,3})[.):]?[ \t]+(?=\S)")
_NEAR = 40  # paragraphs below a mark in which its starred note may stand
_BLANK = re.compile(r"(\n[ \t]*\n\s*)")
_WHAT, _WHY = "editors' marks removed", "Pictures and notes are not in the text's own voice."


def notes(text: str) -> Cleaned:
    """Remove ``[Illustration: ...]``, footnotes in every habit, and the marks that point to them."""
    count = 0
    if "[" in text:
        text, count = _BRACKETED.subn("", text)
    starred = any(sign in text for sign in ("*", "†", "‡"))
    if "[" in text or "{" in text or any(sign in text for sign in _SUPERS):
        text, found = _numbered(text)
        count += found
    if starred:
        text, found = _starred(text)
        count += found
    return text, Change(_WHAT, count, _WHY)


def _numbered(text: str) -> tuple[str, int]:
    """Remove notes by number: ``[1]``, ``{1}``, ``¹``."""
    parts = _BLANK.split(text)
    found = {at: key for at in range(0, len(parts), 2) if (key := _key(parts[at]))}
    marks = set(_MARK.findall(text))
    supers = [mark.group() for mark in _SUPER_MARK.finditer(text)]
    numbers = {mark.strip("[]{}").lower() for mark in marks} | {mark.translate(_SUPER) for mark in supers}
    paired = {key for key in found.values() if key in numbers}
    run = _in_a_row(list(found.values()))
    doomed = {at for at, key in found.items() if key in paired or run}
    headed = _below_heading(parts, numbers)
    doomed |= headed
    if doomed:
        text = "".join(part for at, part in enumerate(parts) if at not in doomed and at - 1 not in doomed)
    # Letters and stars in brackets need their note; a number in brackets behind a word is a mark anyway.
    count = 0

    def without(mark: re.Match[str]) -> str:
        nonlocal count
        sign = mark.group()
        if _LETTER_MARK.fullmatch(sign) and sign.strip("[]").lower() not in paired:
            return sign
        count += 1
        return ""

    text = _MARK.sub(without, text)
    if supers and (doomed or _in_a_row([mark.translate(_SUPER) for mark in supers])):
        text, raised = _SUPER_MARK.subn("", text)
        count += raised
    return text, count + len(doomed)


def _key(paragraph: str) -> str:
    """Return the number or sign of the note that a paragraph is, or an empty string."""
    if paragraph.lstrip(" \t")[:1] not in ("[", "{", *_SUPERS) or not paragraph:
        return ""
    found = _NOTE.match(paragraph)
    if not found or len(paragraph) < found.end() + 2:
        return ""
    return next(group for group in found.groups() if group).translate(_SUPER).lower()


def _in_a_row(keys: list[str]) -> bool:
    """Return whether most of three and more numbers follow the one before (or begin again at 1)."""
    numbers = [int(key) for key in keys if key.isdigit()]
    follow = sum(second in (first + 1, 1) for first, second in pairwise(numbers))
    return len(numbers) >= 3 and numbers[0] <= 3 and follow >= 0.7 * (len(numbers) - 1)


def _below_heading(parts: list[str], numbers: set[str]) -> set[int]:
    """Find notes as ``1. text`` under a heading of their own near the end, where the text has marks for them."""
    if not numbers:
        return set()
    for at in range(len(parts) - 1 - (len(parts) - 1) % 2, -1, -2):
        if _HEAD.fullmatch(parts[at].strip(" \t\n.:*_#=-")):
            doomed = {at}
            for below in range(at + 2, len(parts), 2):
                found = _NUMBERED.match(parts[below])
                if found is None or found[1] not in numbers:
                    break
                doomed.add(below)
            if len(doomed) > 1:
                return doomed
    return set()


def _starred(text: str) -> tuple[str, int]:
    """Remove notes by star, dagger: a word with the sign behind it, and below it a paragraph that begins with it."""
    parts = _BLANK.split(text)
    below = {
        at: found["sign"]
        for at in range(0, len(parts), 2)
        if (found := _SIGN_NOTE.match(parts[at])) and _lone(parts[at])
    }
    doomed: set[int] = set()
    for note, sign in below.items():
        for at in range(note - 2, max(-1, note - 2 * _NEAR), -2):
            if at in below:
                continue
            marks = [mark for mark in _SIGN_MARK.finditer(parts[at]) if mark[1] == sign]
            if len(marks) == 1 and parts[at].count(sign) == 1:
                mark = marks[0]
                parts[at] = parts[at][: mark.start()] + parts[at][mark.end() :]
                doomed.add(note)
                break
    if not doomed:
        return text, 0
    text = "".join(part for at, part in enumerate(parts) if at not in doomed and at - 1 not in doomed)
    return text, 2 * len(doomed)


def _lone(paragraph: str) -> bool:
    """Return whether the sign that begins this paragraph is no emphasis that ends in it."""
    bare = paragraph.lstrip()
    sign = bare[0]
    return sign not in bare.lstrip(sign) and len(bare.split()) > 3
