"""The lorebooks of a story: its own world info, of the program it came from, and files that a person gave it."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadInput
from ..lorebook import Lorebook, read
from ..lorebook.readers import own_story
from .story import Story


def own_lorebook(story: Story) -> Lorebook | None:
    """Return the world info that came in the story's file, or None."""
    if not story.may_hold_lore:
        return None
    try:
        return own_story.read(story.extra, story.title or "the story")
    except BadInput:
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
