"""Scene breaks: one mark for all habits.

``***``, ``---``, ``#``, ``~~~``, ``⁂``, ``<hr>``, ``oOo`` all say "time passes". They become ``* * *`` on a line of its
own, so that the model learns one sign for it and training can recognise it.
"""

from __future__ import annotations

import re
import unicodedata

from ..change import Change, Cleaned
from ..lines import BREAK


_SILENCE = frozenset(",;:!?…'\"“”‘’«»‹›()[]{}¿¡。、，！？「」『』（）‥")  # they are said, not drawn
_PLAIN = frozenset(r"-–—<>|/\\.=_")  # drawn, but never alone
_LONE = frozenset("*#~§⁂❦❧☙•※◊◆◇●○✦✧★☆—–＊＃†‡")
_MARKS_OF_WORDS = frozenset("%&@")  # they stand for words: "&", "@ 5 %"
_EMOJI = "\U0001f000"  # from here on they are said, too
_DRAWN = frozenset(("So", "Sm", "Sk", "Sc", "Pd", "Pc", "Po", "Lm", "Mn", "Cf", "No"))
_LETTERS = re.compile(r"[-~*= ]*(?:[xX](?: ?[xX]){2,}|[oO0](?: ?[oO0]){2,})[-~*= ]*")
_LETTER_BETWEEN = re.compile(r"([-~*=+ ]{1,10})(?:[xXoO0]{1,3})[-~*=+ ]{1,10}")
_WORDS = re.compile(
    r"<hr ?/?>|[\[(<{*~=-]* ?(?:scene|section|page|line|chapter|time)[ -]?(?:break|skip)s? ?[\])>}*~=-]*|"
    r"[\[(<{]break[\])>}]"
    r"|\\(?:newpage|pagebreak|clearpage)",
    re.I,
)


def is_break(line: str) -> bool:
    """Return True if this line, by itself, is a scene break in any habit we know."""
    line = line.strip()
    if not line or len(line) > 100:
        return False
    first = line[0]
    if first.isalpha() or first == "0":
        known = (first in "xXoO0" and _LETTERS.fullmatch(line)) or (first in "spltcSPLTC" and _WORDS.fullmatch(line))
        return bool(known)
    if first in "<[({\\":
        return bool(_WORDS.fullmatch(line)) or (first == "<" and _is_drawn(line))
    if first.isdigit():
        return False
    if _is_drawn(line):
        return True
    return first in "-~*=+" and bool(
        _LETTERS.fullmatch(line) or _LETTER_BETWEEN.fullmatch(line) or _WORDS.fullmatch(line)
    )


def _is_drawn(line: str) -> bool:
    """Return True for a line of ornaments: no letter, nothing that is said, and few different signs."""
    marks = line.replace(" ", "")
    signs = set(marks)
    if len(signs) > 6 or not signs - {".", "/", "\\", "|", "<", ">"}:
        return False
    for sign in signs - _PLAIN:
        if sign in _SILENCE or sign in _MARKS_OF_WORDS or sign >= _EMOJI or unicodedata.category(sign) not in _DRAWN:
            return False
    return len(marks) >= 2 or marks in _LONE or "\u2500" <= marks <= "\u27bf"


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
    bare = text.strip("\n")
    for paragraph in re.split(r"\n{2,}", bare) if "\n\n\n" in bare else bare.split("\n\n"):
        if not paragraph.strip() or (paragraph == BREAK and (not kept or kept[-1] == BREAK)):
            continue
        kept.append(paragraph)
    while kept and kept[-1] == BREAK:
        kept.pop()
    extra = len(re.findall(r"\n{3,}", text)) if "\n\n\n" in text else 0
    return "\n\n".join(kept), Change("extra blank lines removed", extra, "One blank line separates paragraphs.")
