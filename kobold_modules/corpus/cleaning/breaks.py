"""Scene breaks: one mark for all habits.

``***``, ``---``, ``#``, ``~~~``, ``⁂``, ``<hr>``, ``oOo`` all say "time passes". They become ``* * *`` on a line of its
own, so that the model learns one sign for it and training can recognise it.
"""

from __future__ import annotations

import re

from .change import Change, Cleaned
from .lines import BREAK


_ORNAMENTS = "*#~=_•·⁂❦❧☙§+◊◆◇●○■□✦✧★☆※×^°"
_SYMBOLS = re.compile(rf"[{re.escape(_ORNAMENTS)}\-–—<>|/\\. ]+")
_LONE = frozenset("*#~§⁂❦❧☙•※◊◆◇●○✦✧★☆—–")
_LETTERS = re.compile(r"[-~*= ]*(?:[xX](?: ?[xX]){2,}|[oO0](?: ?[oO0]){2,})[-~*= ]*")
_WORDS = re.compile(
    r"<hr ?/?>|[\[(<{*]* ?(?:scene|section|page) break ?[\])>}*]*|\\(?:newpage|pagebreak|clearpage)", re.I
)


def is_break(line: str) -> bool:
    """Return whether this line, by itself, is a scene break in any habit we know."""
    line = line.strip()
    if not line or len(line) > 100:
        return False
    if line[0].isalnum() or line[0] in "<[({\\":
        return bool(_LETTERS.fullmatch(line) or _WORDS.fullmatch(line))
    if not _SYMBOLS.fullmatch(line):
        return bool(_LETTERS.fullmatch(line) or _WORDS.fullmatch(line))
    marks = line.replace(" ", "")
    if set(marks) <= {"."} or not set(marks) - set("./\\|<>"):
        return False  # dots alone are a silence
    return len(marks) >= 2 or marks in _LONE


def scene_breaks(text: str) -> Cleaned:
    """Replace every scene break by ``* * *`` between blank lines."""
    count = 0
    out: list[str] = []
    for line in text.split("\n"):
        if line and is_break(line):
            count += line.strip() != BREAK
            if out and out[-1]:
                out.append("")
            out += [BREAK, ""]
        elif not (out and out[-2:] == [BREAK, ""] and not line):
            out.append(line)
    return "\n".join(out), Change("scene breaks written alike", count, "All marks for a new scene become * * *.")


def tidy_breaks(text: str) -> Cleaned:
    """Drop breaks at the two ends, merge neighbours, and leave one blank line between paragraphs."""
    kept: list[str] = []
    for paragraph in re.split(r"\n{2,}", text.strip("\n")):
        if not paragraph.strip() or (paragraph == BREAK and (not kept or kept[-1] == BREAK)):
            continue
        kept.append(paragraph)
    while kept and kept[-1] == BREAK:
        kept.pop()
    extra = len(re.findall(r"\n{3,}", text))
    return "\n\n".join(kept), Change("extra blank lines removed", extra, "One blank line separates paragraphs.")
