"""From a script to a document: the turns of the speakers that are wanted, and who else there was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ...errors import BadText
from ...saves.script import MODEL, YOU, Script, Turn, by_paragraph, whole
from ..cleaning.layout.breaks import is_break
from ..words import count_words
from .source import Source
from .structure import Block, Builder, Speaker, Structured


OTHERS = "lines of other speakers"
_MOST_NAMED = 8
_QUOTED = re.compile(r"^(?:> ?)+")  # Markdown's sign of a quotation
_HEADING = re.compile(r"#{1,4} +")
_STRUCTURE = re.compile(r"(?m)^(?:#{1,4} [^\n]*|[^\w\n]{1,40})$")  # a heading, or what may be a break


def document_of(script: Script, source: Source) -> Structured:
    """Return the text of ``script`` by the speakers that ``source`` asks for.

    Raises:
        BadText: if it is a chat in which none of them speaks.
    """
    build = Builder()
    for aside in script.asides:
        build.leave_out(aside.what, aside.text)
    build.warnings += script.problems
    build.title = script.title
    wanted = _Wanted(script, source)
    if script.chat:
        _chat(script, wanted, build)
    elif wanted.all:
        if not script.names and {YOU, MODEL} & {name.casefold() for name in source.speakers}:
            build.warnings.append("This save does not say who wrote what, so all of its story was taken.")
        _text("".join(turn.text for turn in script.turns), build)
    else:
        _story(script, wanted, build)
    build.speakers = _speakers(script.turns)
    return build.done()


class _Wanted:
    """Which turns are taken. ``all`` where nobody is named, or a story does not say who wrote what."""

    def __init__(self, script: Script, source: Source) -> None:
        chosen = {name.strip().casefold() for name in source.speakers if name.strip()}
        self._names = chosen & {name.casefold() for name in script.names}
        self._hands = (chosen & {YOU, MODEL}) - self._names
        self.all = not chosen
        if self.all:
            return
        if not script.chat and not (script.names and chosen & {YOU, MODEL}):
            self.all = True  # a story is nobody's lines, unless its hands are asked for
            return
        if not any(map(self.takes, script.turns)):
            raise _nobody(script, source)

    def takes(self, turn: Turn) -> bool:
        """Return whether the speaker is named, or is on the side that is."""
        if self.all or turn.speaker.casefold() in self._names:
            return True
        side = YOU if turn.by_user else MODEL
        return bool(turn.speaker) and side in self._hands


def _nobody(script: Script, source: Source) -> BadText:
    counted = _speakers(script.turns)
    there = ", ".join(f"{speaker.name} ({speaker.words:,})" for speaker in counted[:_MOST_NAMED])
    more = f" and {len(counted) - _MOST_NAMED} more" if len(counted) > _MOST_NAMED else ""
    names = " or ".join(source.speakers)
    return BadText(
        f"{source.name} has no lines by {names}.",
        f"Its speakers, with their words: {there}{more}." if there else "It does not say who speaks.",
    )


def _chat(script: Script, wanted: _Wanted, build: Builder) -> None:
    for turn in script.turns:
        if not wanted.takes(turn):
            build.leave_out(OTHERS, turn.text)
            continue
        if turn.begins and build.blocks:
            build.scene_break()
        for line in whole(turn.text).split("\n"):
            if line.strip():
                _line(_QUOTED.sub("", line), build)


def _story(script: Script, wanted: _Wanted, build: Builder) -> None:
    kept: list[str] = []
    for turn in by_paragraph(script.turns):
        if wanted.takes(turn) or not turn.text.strip():
            kept.append(turn.text)
        else:
            build.leave_out(OTHERS, turn.text)
    _text("\n".join(kept), build)


def _text(text: str, build: Builder) -> None:
    """Add a story: its headings and breaks as such, the rest as it stands, since cleaning knows how lines break."""
    text = whole(text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    at = 0
    for found in _STRUCTURE.finditer(text):
        line = found[0]
        if not line.startswith("#") and not is_break(line.strip()):
            continue
        _as_it_stands(text[at : found.start()], build)
        _line(line, build)
        at = found.end()
    _as_it_stands(text[at:] if at else text, build)


def _as_it_stands(text: str, build: Builder) -> None:
    if prose := text.strip("\n"):
        build.add_all([Block("paragraph", prose)])


def _line(line: str, build: Builder) -> None:
    if heading := _HEADING.match(line):
        build.heading(line[heading.end() :])
    else:
        build.paragraph(line)  # knows a break


def _speakers(turns: Iterable[Turn]) -> tuple[Speaker, ...]:
    """Return who speaks with how many words, most first; nobody where there is one hand at most."""
    counted: Counter[str] = Counter()
    for turn in turns:
        if turn.speaker:
            counted[turn.speaker] += count_words(turn.text)
    found: Sequence[tuple[str, int]] = counted.most_common()
    return tuple(Speaker(name, words) for name, words in found if words)
