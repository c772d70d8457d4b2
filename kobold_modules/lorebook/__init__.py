"""A world in entries: what is known of a person, a place or a thing, and the words that call it into a story.

``read`` is the door: SillyTavern, character cards, NovelAI, KoboldAI, AI Dungeon, Agnai, RisuAI, our own sample and
Markdown, recognised by content. ``activation`` says which entries a story calls in; ``write`` gives SillyTavern's JSON
back with what was changed.
"""

from .book import Entry, Lorebook
from .reading import read


__all__ = ["Entry", "Lorebook", "read"]
