"""World bibles in Markdown: a heading is an entry, the text below it up to the next heading is what it says.

The heading is its key; a line ``Keys: Dessa, the Ankle`` at the top of its text names others instead. A heading with
only other headings below it is a shelf and no entry. Text above the first heading belongs to the book itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath

from ...errors import BadInput
from ..book import Entry, Lorebook
from ..values import words


FORMAT = "Markdown world bible"
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_KEYS = re.compile(r"[ \t>*_-]{0,6}(?:keys?|keywords?|aliases|triggers?)[*_ \t]{0,4}:[*_ \t]{0,4}(.*)", re.IGNORECASE)
_MARKS = re.compile(r"[*_`]{1,3}(.+?)[*_`]{1,3}")
_LINK = re.compile(r"\[([^\[\]]{1,200})\]\([^()]{0,500}\)")


@dataclass
class _Section:
    title: str
    lines: list[str] = field(default_factory=list)


def fits(text: str) -> bool:
    """Return whether there is a heading in ``text``."""
    return len(_sections(text, "")) > 1


def read(text: str, name: str) -> Lorebook:
    """Return the book in ``text``. Raises BadInput where no heading has anything below it."""
    first, *others = _sections(text, PurePath(name).stem)
    entries = [entry for section in (first, *others) if (entry := _entry(section)) is not None]
    if not others or not entries:
        raise BadInput(
            f"{name} holds no entries.",
            "In Markdown a heading (# Dessa) is an entry and the text below it is what it says.",
        )
    return Lorebook(tuple(entries), name=first.title, format=FORMAT)


def _sections(text: str, name: str) -> list[_Section]:
    """Return the text above the first heading under ``name``, then one section a heading."""
    sections = [_Section(name)]
    fence = ""
    for line in _without_front_matter(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and (heading := _HEADING.fullmatch(line)):
            sections.append(_Section(_plain(heading[2] or "")))
            continue
        elif not fence and _UNDERLINE.fullmatch(line) and _ends_with_one_line(sections[-1].lines):
            sections.append(_Section(_plain(sections[-1].lines.pop())))
            continue
        sections[-1].lines.append(line)
    return sections


def _entry(section: _Section) -> Entry | None:
    lines = section.lines
    start = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    keys: tuple[str, ...] = ()
    if start < len(lines) and (found := _KEYS.fullmatch(lines[start])):
        keys = words(found[1].strip(" \t*_"))
        start += 1
    text = "\n".join(lines[start:]).strip()
    if not text:
        return None
    return Entry(title=section.title, keys=keys or words([section.title]), text=text, selective=False)


def _ends_with_one_line(lines: list[str]) -> bool:
    """Return whether a line stands alone at the end: only then does an underline make a heading of it."""
    return bool(lines) and bool(lines[-1].strip()) and (len(lines) == 1 or not lines[-2].strip())


def _without_front_matter(lines: list[str]) -> list[str]:
    if lines and lines[0].strip() == "---":
        for at in range(1, min(len(lines), 200)):
            if lines[at].strip() in ("---", "..."):
                return lines[at + 1 :]
    return lines


def _plain(heading: str) -> str:
    return _MARKS.sub(r"\1", _LINK.sub(r"\1", heading)).strip()
