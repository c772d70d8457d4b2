"""The script of a KoboldAI (Lite) save, by the mode it was written in.

A story is one text. In adventure mode what the player did begins with ``> ``. In chat mode messages begin with the name
in ``chatname`` or one of ``chatopponent`` (several with ``||$||`` between them). In instruct mode marks stand before
each turn, ``{{[INPUT]}}`` and its kin, or the model's own marks where ``raw_instruct_tags`` is on.
"""

from __future__ import annotations

import re
from typing import Any

from ..lorebook.values import members, number, objects, text
from .asides import without_asides
from .lite import LiteStory, prose
from .script import MODEL, YOU, Aside, Script, Turn, by_spans, name_of


MARKS = "kobold_modules"  # the member in which our own stories keep who wrote what
SEPARATOR = "||$||"
ADVENTURE, CHAT, INSTRUCT = 2, 3, 4
_ACTION = re.compile(r"(?m)^> (?=\S)")
_MARK = {"INPUT": YOU, "OUTPUT": MODEL, "SYSTEM": "system"}
_SETTINGS = {"instruct_starttag": YOU, "instruct_endtag": MODEL, "instruct_systag": "system"}
_FEWEST_LETTERS = 3  # of a mark; a shorter one may stand anywhere
_MOST_NAMES = 50


def lite_script(story: LiteStory) -> Script:
    """Return what is said and written in ``story``."""
    settings = members(story.rest.get("savedsettings"))
    mode = number(settings, "opmode", number(story.rest, "initial_opmode", 0))
    asides = [Aside("memory", story.memory), Aside("author's note", story.note)]
    asides += [Aside("world info", text(entry, "content")) for entry in objects(story.rest.get("worldinfo"))]
    turns: tuple[Turn, ...] = ()
    chat = False
    whole = story.text
    if mode == INSTRUCT or "{{[INPUT" in whole or "{{[OUTPUT" in whole:
        turns, system = _instruct(whole, settings, mode == INSTRUCT)
        asides += [Aside("hidden and system messages", said) for said in system]
        chat = len(turns) > 1
    elif mode == CHAT:
        turns = _chat(whole, settings)
        chat = bool(turns)
    if not chat:
        marks = members(story.rest.get(MARKS))
        turns = by_spans(whole, marks.get("spans"))
        if len(turns) == 1 and not turns[0].speaker:
            turns = _adventure(story, mode == ADVENTURE)
    if chat or len(turns) == 1:
        pairs = [(turn, *without_asides(turn.text)) for turn in turns]
        turns = tuple(turn._replace(text=said) for turn, said, _ in pairs if said.strip())
        asides += [aside for _, _, left in pairs for aside in left]
    return Script(turns, tuple(asides), chat, name_of(members(story.rest.get(MARKS)).get("title")))


def _adventure(story: LiteStory, sure: bool) -> tuple[Turn, ...]:
    """Return the pieces, with what the player did as that person's; a story without such pieces is one turn."""
    pieces = [prose(piece) for piece in story.pieces]
    acted = [bool(_ACTION.match(piece.lstrip())) for piece in pieces]
    if not sure and not any(acted[1:]):
        return (Turn("", story.text),)
    return tuple(
        Turn(YOU if own else MODEL, _ACTION.sub("", piece), own)
        for at, (piece, action) in enumerate(zip(pieces, acted, strict=True))
        for own in [action or at == 0]  # the first piece is the scene that the person set
    )


def _names(settings: Any) -> dict[str, bool]:
    """Return who takes part, each with whether it is the person at the keyboard."""
    own, others = text(settings, "chatname"), text(settings, "chatopponent")
    names = [(own, True), *((name, False) for name in others.split(SEPARATOR)[:_MOST_NAMES])]
    return {name.strip(): user for name, user in reversed(names) if name.strip()}


def _chat(whole: str, settings: Any) -> tuple[Turn, ...]:
    names = _names(settings)
    if not names:
        return ()
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    parts = re.split(rf"(?m)^[ \t]*({known}):[ \t]?", whole)
    if len(parts) < 3:
        return ()
    turns = [Turn("", parts[0])] if parts[0].strip() else []
    turns += [Turn(name_of(name), said, names[name]) for name, said in zip(parts[1::2], parts[2::2], strict=True)]
    return tuple(turns)


def _instruct(whole: str, settings: Any, raw: bool) -> tuple[tuple[Turn, ...], list[str]]:
    """Return the turns, and the system messages."""
    marks = {f"{{{{[{word}]}}}}": hand for word, hand in _MARK.items()}
    marks |= {f"{{{{[{word}_END]}}}}": "" for word in _MARK}
    if raw:
        for setting, hand in _SETTINGS.items():
            for key, meant in ((setting, hand), (f"{setting}_end", "")):
                mark = text(settings, key).replace("\\n", "\n").strip()
                if len(mark) >= _FEWEST_LETTERS:
                    marks.setdefault(mark, meant)
    known = "|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True))
    parts = re.split(f"({known})", whole)
    names = _names(settings)
    turns: list[Turn] = []
    system: list[str] = []
    for mark, said in zip(["", *parts[1::2]], parts[::2], strict=True):
        if not said.strip():
            continue
        hand = marks.get(mark, "")
        if hand == "system":
            system.append(said)
            continue
        named, colon, rest = said.lstrip().partition(":")
        if colon and named in names:
            turns.append(Turn(name_of(named), rest, hand == YOU))
        else:
            turns.append(Turn(hand, said, hand == YOU))
    return tuple(turns), system
