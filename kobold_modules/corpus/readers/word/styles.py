"""What the styles of a Word document say of its paragraphs: headings, hidden text, contents, captions."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..styles import Meaning, meaning


_LONGEST_CHAIN = 20  # styles based on one another
OFF = frozenset({"0", "false", "off", "none"})


@dataclass(slots=True)
class Style:
    """One style as written: ``None`` where it leaves a question to the style it is based on."""

    name: str = ""
    based_on: str = ""
    level: int | None = None
    hidden: bool | None = None


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
        level = next((style.level for style in chain if style.level is not None), None)
        hidden = next((style.hidden for style in chain if style.hidden is not None), False)
        return meaning(names, level, hidden)


def outline_level(value: str) -> int:
    """Return a heading's level from 1 for Word's outline level from 0; 0 for body text (Word's 9)."""
    return int(value) + 1 if value.isdecimal() and len(value) < 3 and int(value) < 9 else 0
