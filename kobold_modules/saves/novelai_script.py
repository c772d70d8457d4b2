"""The script of a NovelAI story or scenario. Its first editor kept who wrote each piece, the second does not say."""

from __future__ import annotations

from ..lorebook.values import objects, text
from .novelai import NovelaiStory
from .script import Aside, Script, Turn, by_hand, name_of


def novelai_script(story: NovelaiStory) -> Script:
    """Return what is written in ``story``."""
    asides = [Aside("memory", story.memory), Aside("author's note", story.note)]
    asides += [Aside("lorebook", text(entry, "text")) for entry in objects((story.lorebook or {}).get("entries"))]
    known = [(piece, by_model) for piece, by_model in story.pieces if by_model is not None]
    turns = by_hand(known) if len(known) == len(story.pieces) else (Turn("", story.text),)
    return Script(turns, tuple(asides), title=name_of(story.title))
