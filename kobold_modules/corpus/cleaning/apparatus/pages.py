"""Page furniture: page numbers and the running heads a scan or a PDF leaves at the top of every page.

One fact distinguishes both from chapter numbers and refrains: they fall where the sentence runs on. A line that comes
back again and again, and at least now and then interrupts a sentence, is furniture; the sentence is then closed over
the gap.
"""

from __future__ import annotations

import re
from collections import Counter

from ..change import Change, Cleaned
from ..lines import BREAK, Vocabulary, continues, ends_sentence, first_letter, joined
from .titles import is_heading, is_numeral, is_titled


_ROMAN = r"(?=[ivxl])(?:x[lc]|l?x{0,4})(?:i[xv]|v?i{0,4})"  # small, as prefaces have them
_SURE = re.compile(
    rf"\W{{0,3}}(?:page|pg\.?|seite|página|pagina)\s*(?:\d{{1,4}}|{_ROMAN})(?:\s*(?:of|/|von|de)\s*\d{{1,4}})?\W{{0,3}}"
    rf"|\[\s*(?:page|pg\.?|p\.|s\.)?\s*(?:\d{{1,4}}|{_ROMAN})\s*\]|\{{\d{{1,4}}\}}",
    re.IGNORECASE,
)
_INLINE = re.compile(r" ?\[(?:pg|page|p)\.? ?\d{1,4}\](?! ?\n)", re.IGNORECASE)
_BARE = re.compile(rf"[-–—~|( ]{{0,3}}(?:\d{{1,4}}|{_ROMAN})[-–—~|). ]{{0,3}}")
_SIGNS = frozenset("0123456789ivxl-–—~|( ")
_DIGITS = re.compile(r"\d+")
_ENDS = frozenset(".,;:!?…\"'”’")
_TWO_SENTENCES = re.compile(r"[a-z][.!?] [A-Z\"]")  # prose, however often it comes back
_LONGEST = 60
_TIMES = 3
_SHARE = 0.2


def page_furniture(text: str) -> Cleaned:
    """Remove page numbers and running heads, and rejoin the sentences they cut."""
    text, inline = _INLINE.subn("", text)
    lines = text.split("\n")
    doomed = _doomed(lines)
    if not doomed:
        return text, _change(inline)
    words = Vocabulary(text)
    spaced = _spaced(lines, doomed)
    out: list[str] = []
    at = 0
    while at < len(lines):
        if at not in doomed:
            out.append(lines[at])
            at += 1
            continue
        end = at
        while end < len(lines) and (end in doomed or not lines[end].strip()):
            end += 1
        while out and not out[-1].strip():
            out.pop()
        at = end
        if out and end < len(lines) and _runs_on(out[-1], lines[end]):
            out[-1] = joined(out[-1], lines[end], words)
            at = end + 1
        elif spaced or (end < len(lines) and is_numeral(lines[end])):
            out.append("")
    return "\n".join(out), _change(inline + len(doomed))


def _spaced(lines: list[str], doomed: frozenset[int]) -> bool:
    """Return whether blank lines separate paragraphs also away from the edges of pages."""
    inner = [at for at in range(2, len(lines) - 2) if doomed.isdisjoint(range(at - 2, at + 3))]
    return sum(not lines[at].strip() for at in inner) >= 0.08 * len(inner)


def _change(count: int) -> Change:
    return Change("page numbers and running heads removed", count, "They interrupt sentences and belong to the paper.")


def _runs_on(before: str, after: str) -> bool:
    bare = before.strip()
    return bool(bare) and not ends_sentence(before) and continues(after) and not is_heading(bare)


def _key(line: str) -> str:
    """Return the part of a running head that is the same on every page; empty for lines that cannot be one."""
    bare = line.strip()
    if not bare or len(bare) > _LONGEST or bare == BREAK:
        return ""
    if bare[0] in _SIGNS and len(bare) <= 14 and _BARE.fullmatch(bare):
        return "#"
    if bare[0].islower() or bare[-1] in _ENDS:
        return ""
    first = first_letter(bare)
    if first.islower() or not first or ends_sentence(bare) or bare[-1] in ",;" or is_heading(bare):
        return ""
    if _TWO_SENTENCES.search(bare):
        return ""
    key = _DIGITS.sub("#", bare).strip("# |-–—")
    if "#" not in _DIGITS.sub("#", bare) and not is_titled(bare):
        return ""
    return key.casefold() if sum(map(str.isalpha, key)) >= 4 else ""


def _doomed(lines: list[str]) -> frozenset[int]:
    """Return the indices of the lines that are page furniture."""
    sure = {at for at, line in enumerate(lines) if len(line) < 30 and _SURE.fullmatch(line.strip())}
    if len(sure) < 2:
        sure = set()
    keys = {at: key for at, line in enumerate(lines) if at not in sure and (key := _key(line))}
    times = Counter(keys.values())
    keys = {at: key for at, key in keys.items() if times[key] >= _TIMES}
    interrupts: Counter[str] = Counter()
    candidates = sorted(keys.keys() | sure)
    done = -1
    for at in candidates:
        if at < done:
            continue
        start, end = at - 1, at
        while start >= 0 and not lines[start].strip():
            start -= 1
        run = []
        while end < len(lines) and (end in keys or end in sure or not lines[end].strip()):
            run.append(end)
            end += 1
        done = end
        if start >= 0 and end < len(lines) and _runs_on(lines[start], lines[end]):
            interrupts.update({keys[line] for line in run if line in keys})
    guilty = {key for key, count in interrupts.items() if count >= _SHARE * times[key]}
    return frozenset(sure | {at for at, key in keys.items() if key in guilty})
