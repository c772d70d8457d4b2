"""Project Gutenberg's frame: the header, the licence and the lines that part them from a book.

Thirty years of files have thirty kinds of marks, in several languages. A mark alone never deletes anything: there must
be the archive's name or its licence around it, so a story that quotes such a line keeps its pages.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..change import Change, Cleaned
from .transcribers import without_credits


_PROJECT = r"(?:project|projekt|projet|proyecto|projeto|progetto|projektin|projektet)[ -]?gutenberg"
_TITLE = r"(?:.*\*{3}[ \t]*$|.*(?:\n(?![ \t]*\n)[^\n*]*){1,4}\*{3}[ \t]*$|.*$)"  # of up to five lines, up to the stars
_MARK = re.compile(
    # Where a book begins ...
    rf"^[ *]*(?P<start>START OF (?:THE|THIS) (?:{_PROJECT}|COPYRIGHTED){_TITLE}"
    r"|\*{0,2}END\W{0,3}THE SMALL PRINT!.*$"
    r"|END:? FULL LICEN[SC]E.*$)"
    # ... and where it ends.
    rf"|^[ *]*(?P<end>END OF (?:THE|THIS) (?:{_PROJECT}|COPYRIGHTED){_TITLE}"
    r"|\*{0,3}START\W{0,4}THE SMALL PRINT!.*$"
    r"|START:? FULL LICEN[SC]E.*$)"
    rf"|^ *(?P<close>(?:End|Ende|Fin|Fine|Fim|Final|Einde|Slut|Slutt|Loppu|Konec|Koniec|Vége)\b[^\n.?!\"“]{{0,30}}?"
    rf"{_PROJECT}[^\n]{{0,80}})$",
    re.IGNORECASE | re.MULTILINE,
)
_PREAMBLE = re.compile(rf"^.*{_PROJECT}", re.IGNORECASE | re.MULTILINE)
_HEADER = re.compile(
    rf"^\W*(?:the |this )?{_PROJECT}|{_PROJECT}.{{0,20}} e-?(?:text|book)", re.IGNORECASE | re.MULTILINE
)
_LICENCE_END = re.compile(r"^.*(?:newsletter to hear|hear) about new eBooks\.? *$", re.IGNORECASE | re.MULTILINE)
_LICENCE = re.compile(
    r"gutenberg|licen[cs]e|e-?(?:text|book)|donat|copyright|public domain|https?:|ftp[: ]|www\.|small print|trademark"
    r"|\.(?:net|org|com)\b|\bproofread",
    re.IGNORECASE,
)
_GAP = re.compile(r"\n[ \t]*\n\s*")
_LONGEST_HEADER = 20_000
_WHAT = "Project Gutenberg frames removed"
_WHY = "The archive's header and licence are the same in every file and are not the book."


class _Mark(NamedTuple):
    """A line between book and frame: ``begins`` says that a book follows."""

    start: int
    end: int
    begins: bool
    plain: bool  # "End of Project Gutenberg's ...": an ordinary line
    licence: bool  # the mark belongs to a licence, not to a book


def has_mark(text: str) -> bool:
    """Return whether a line of ``text`` may part a book from its frame."""
    return _MARK.search(text) is not None


def gutenberg(text: str) -> Cleaned:
    """Remove what stands outside Project Gutenberg's marks, several books in a file included."""
    if "GUTENBERG" not in text and "utenberg" not in text:
        return text, Change(_WHAT, 0, _WHY)
    first = _MARK.search(text)
    named = first is not None and _HEADER.search(text, 0, min(first.start(), _LONGEST_HEADER)) is not None
    marks = _marks(text, named)
    if not marks:
        return text, Change(_WHAT, 0, _WHY)
    kept: list[str] = []
    at = count = 0
    inside_licence = False
    for mark in marks:
        between = text[at : mark.start]
        if inside_licence:
            kept.append("" if mark.licence or not mark.begins else _without_header(_after_licence(between)))
        elif mark.begins or (not kept and mark.licence):
            kept.append(_without_header(between))
        else:
            kept.append(between)
        count += mark.begins or not inside_licence
        inside_licence = not mark.begins
        at = mark.end
    kept.append(_after_licence(text[at:]) if inside_licence else text[at:])
    parts = [without_credits(part) for part in kept]
    return "\n\n\n".join(part for part in parts if part.strip()), Change(_WHAT, count, _WHY)


def _marks(text: str, named: bool) -> list[_Mark]:
    """Return the marks of ``text`` that have a frame around them."""
    marks: list[_Mark] = []
    for found in _MARK.finditer(text):
        line = found.group().lower()
        licence = "small print" in line or "full licen" in line
        begins = found["start"] is not None
        if found["close"] is not None and not _stands_alone(text, found):
            continue
        marks.append(_Mark(found.start(), found.end(), begins, found["close"] is not None, licence))
    framed = named or any(mark.begins for mark in marks)
    return [mark for mark in marks if mark.begins or mark.licence or framed or _is_licence(text[mark.end :])]


def _stands_alone(text: str, found: re.Match[str]) -> bool:
    """Return whether no sentence runs into this line or out of it."""
    before = text[: found.start()].rstrip(" ")[-2:]
    after = text[found.end() : found.end() + 200].split("\n\n")[0].strip()
    return before in ("", "\n", "\n\n") or (before.endswith("\n") and len(after) < 80)


def _is_licence(text: str) -> bool:
    """Return whether the paragraphs that follow speak of licences and files, or nothing follows."""
    paragraphs = [part for part in _GAP.split(text[:6_000].strip()) if part][:6]
    return not paragraphs or sum(bool(_LICENCE.search(part)) for part in paragraphs) >= 0.5 * len(paragraphs)


def _without_header(text: str) -> str:
    """Return what stands before the archive's header: perhaps the writer's own pages."""
    short = max(0, len(text) - _LONGEST_HEADER)
    header = _PREAMBLE.search(text, short)
    return text[: header.start()] if header else text


def _after_licence(text: str) -> str:
    """Return what stands behind a licence, which ends with the newsletter or with the file."""
    found = _LICENCE_END.search(text)
    if found is None:
        return ""
    rest = text[found.end() :]
    while rest.strip():
        rest = rest.lstrip()
        paragraph = _GAP.split(rest, maxsplit=1)
        if not _LICENCE.search(paragraph[0]) and not re.fullmatch(r"[\W\d_]*", paragraph[0]):
            return "\n\n" + rest
        rest = paragraph[1] if len(paragraph) > 1 else ""
    return ""
