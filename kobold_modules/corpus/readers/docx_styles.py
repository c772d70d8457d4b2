"""What the styles of a Word document say of its paragraphs: headings, hidden text, contents, captions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


_HEADING_NAME = re.compile(
    r"heading \d|title|subtitle|(?:chapter|part|section)(?: (?:title|heading|head|number|name))?"
)
_ASIDE_NAME = (
    (
        re.compile(r"toc \d+|toc heading|contents? heading|table of (?:contents|figures|authorities)"),
        "tables of contents",
    ),
    (re.compile(r"index (?:\d+|heading)"), "indexes"),
    (re.compile(r"caption"), "captions"),
)
_BREAK_NAME = re.compile(r"(?:scene|section)[ -]?(?:break|divider|separator)|horizontal line")
_LONGEST_CHAIN = 20  # styles based on one another
OFF = frozenset({"0", "false", "off", "none"})


@dataclass(slots=True)
class Style:
    """One style as written: ``None`` where it leaves a question to the style it is based on."""

    name: str = ""
    based_on: str = ""
    level: int | None = None
    hidden: bool | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a style makes of its text: a heading of ``level`` (0: none), hidden, a break, or something ``aside``."""

    level: int = 0
    hidden: bool = False
    is_break: bool = False
    aside: str = ""


NOTHING = Meaning()


@dataclass(slots=True)
class Styles:
    """The handler of ``styles.xml``, and afterwards what each style means."""

    styles: dict[str, Style] = field(default_factory=dict)
    _current: Style | None = None
    _meanings: dict[str, Meaning] = field(default_factory=dict)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        value = attributes.get("w:val", "")
        if tag == "w:style":
            self._current = self.styles.setdefault(attributes.get("w:styleId", ""), Style())
        elif self._current is None:
            return
        elif tag == "w:name":
            self._current.name = value.casefold()
        elif tag == "w:basedOn":
            self._current.based_on = value
        elif tag == "w:outlineLvl":
            self._current.level = outline_level(value)
        elif tag == "w:vanish":
            self._current.hidden = value not in OFF

    def end(self, tag: str) -> None:
        if tag == "w:style":
            self._current = None

    def text(self, data: str) -> None:
        pass

    def meaning(self, style_id: str) -> Meaning:
        """Return what the style means, the styles that it is based on asked where it is silent itself."""
        if style_id not in self._meanings:
            self._meanings[style_id] = self._find(style_id)
        return self._meanings[style_id]

    def _find(self, style_id: str) -> Meaning:
        chain: list[Style] = []
        seen: set[str] = set()
        at = style_id
        while at in self.styles and at not in seen and len(chain) < _LONGEST_CHAIN:
            seen.add(at)
            chain.append(self.styles[at])
            at = self.styles[at].based_on
        names = [style.name for style in chain] or [style_id.casefold()]
        aside = next((what for pattern, what in _ASIDE_NAME if pattern.fullmatch(names[0])), "")
        level = next((style.level for style in chain if style.level is not None), None)
        if level is None:
            level = next((1 for name in names if _HEADING_NAME.fullmatch(name)), 0)
        hidden = next((style.hidden for style in chain if style.hidden is not None), False)
        return Meaning(0 if aside else level, hidden, bool(_BREAK_NAME.fullmatch(names[0])), aside)


def outline_level(value: str) -> int:
    """Return a heading's level from 1 for Word's outline level from 0; 0 for body text (Word's 9)."""
    return int(value) + 1 if value.isdecimal() and len(value) < 3 and int(value) < 9 else 0
