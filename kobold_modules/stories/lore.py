"""The lorebooks of a story: its own world info, of the program it came from, and files that a person gave it."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadInput
from ..lorebook import Lorebook, read
from ..lorebook.readers import koboldai, novelai
from .novelai import LOREBOOK
from .story import Story


LITE = "kobold_lite"  # the member of ``Story.extra`` that holds a save of Lite


def own_lorebook(story: Story) -> Lorebook | None:
    """Return the world info that came in the story's file, or None."""
    lite, book = story.extra.get(LITE), story.extra.get(LOREBOOK)
    rest = lite.get("rest") if isinstance(lite, dict) else None
    try:
        if isinstance(rest, dict):
            return koboldai.read(rest, "the save")
        if isinstance(book, dict):
            return novelai.read({"lorebookVersion": 1, **book}, "the story")
    except BadInput:  # it has none
        return None
    return None


def lorebooks(story: Story) -> tuple[list[Lorebook], list[str]]:
    """Return the story's lorebooks, and a sentence for each file that cannot be read any more."""
    own = own_lorebook(story)
    books = [own] if own is not None else []
    problems = []
    for name in story.lorebooks:
        try:
            books.append(read(Path(name)))
        except BadInput as error:
            problems.append(f"A lorebook of this story is left out. {error.message}")
    return books, problems
