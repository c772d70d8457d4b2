"""Tables of contents: found by their heading, or by lines that end in ascending page numbers.

A list of titles is not prose, and it stands at the front, where a careless reader of files would learn it first.
"""

from __future__ import annotations

import re

from ..change import Change, Cleaned
from ..lines import first_letter, starts_low
from .titles import is_heading, is_numbered, is_numeral


_OPEN = re.compile(r"[*_#=~ ]*(?:table of )?contents[.:*_#=~ ]*|(?:list of )?illustrations[.:]?", re.IGNORECASE)
_LEADER = re.compile(r"\S.*?(?:(?: ?\.){3,} ?| {2,}|\t+)(?P<page>\d{1,4})")
_TAIL = re.compile(r"[\s.·…]*\d{0,4}$")
_LONGEST = 100
_FEWEST = 3


def contents(text: str) -> Cleaned:
    """Remove tables of contents."""
    lines = text.split("\n")
    out: list[str] = []
    count = at = 0
    while at < len(lines):
        end = at
        if at <= max(200, len(lines) // 3) and len(lines[at]) < 40 and _OPEN.fullmatch(lines[at].strip()):
            end = _end_of_list(lines, at + 1)
        elif lines[at][-1:].isdigit() and _LEADER.fullmatch(lines[at].strip()):
            end = _end_of_pages(lines, at)
        if end > at:
            count += sum(bool(line.strip()) for line in lines[at:end])
            at = end
        else:
            out.append(lines[at])
            at += 1
    why = "A list of titles is not prose."
    return "\n".join(out) if count else text, Change("lines of contents removed", count, why)


def _end_of_list(lines: list[str], start: int) -> int:
    """Return where the list under a heading "Contents" ends; ``start - 1`` if there is none."""
    entries: list[str] = []
    end = at = start
    while at < len(lines):
        line = lines[at].strip()
        if line:
            key = _TAIL.sub("", line).casefold()
            following = lines[at + 1].strip() if at + 1 < len(lines) else ""
            flows = starts_low(following) and not is_heading(line) and not is_numeral(line) and not is_numbered(line)
            if (entries and key == entries[0]) or not _is_entry(line) or flows:
                break
            entries.append(key)
            end = at + 1
        at += 1
    return end if len(entries) >= _FEWEST else start - 1


def _is_entry(line: str) -> bool:
    if len(line) > _LONGEST or not first_letter(line):
        return False
    if is_heading(line) or is_numeral(line) or is_numbered(line) or _LEADER.fullmatch(line) or line[-1].isdigit():
        return True
    return line[-1] not in ".,;:!?\"”'’" and (first_letter(line).isupper() or first_letter(line).isdigit())


def _end_of_pages(lines: list[str], start: int) -> int:
    """Return where lines that end in ascending page numbers stop; ``start`` if they are too few to be a table."""
    page, found, end, at = -1, 0, start, start
    while at < len(lines):
        line = lines[at].strip()
        if line:
            entry = _LEADER.fullmatch(line) if line[-1].isdigit() and len(line) <= _LONGEST else None
            if entry is None or int(entry["page"]) < page:
                break
            page, found, end = int(entry["page"]), found + 1, at + 1
        at += 1
    return end if found >= _FEWEST else start
