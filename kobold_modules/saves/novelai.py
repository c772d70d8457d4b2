"""NovelAI's stories (``.story``) and scenarios (``.scenario``), read and never written.

::

    {"scenarioVersion": 3, "title": ..., "prompt": "the text", "context": [{"text": memory}, {"text": note}], ...}
    {"storyContainerVersion": 1, "metadata": {"title": ...},
     "content": {"context": [...], "lorebook": {...},
                 "story": {"fragments": [{"data": "a piece", "origin": "ai"}, ...]}    the first editor
                 "document": "base64 of msgpackr"}}                                   the second one

The second editor's document holds ``sections``, a paragraph each by its number, and ``order``, in which they stand.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from ..errors import BadText
from . import msgpackr


MOST_PIECES = 200_000
LOREBOOK = "novelai_lorebook"  # the member of our own file that keeps one
PLAIN = "In NovelAI, export the story as text, and open that .txt file here."


@dataclass(frozen=True, slots=True)
class NovelaiStory:
    """What of a NovelAI file has its like here.

    Attributes:
        pieces: the text, each piece with whether NovelAI wrote it; None where the file does not say.
        unused: names what has no like.
    """

    title: str
    pieces: tuple[tuple[str, bool | None], ...]
    memory: str = ""
    note: str = ""
    lorebook: dict[str, Any] | None = None
    unused: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The story."""
        return "".join(piece for piece, _ in self.pieces)


def is_novelai(data: Any) -> bool:
    """Return whether decoded JSON looks like a story or scenario of NovelAI."""
    return isinstance(data, dict) and ("storyContainerVersion" in data or "scenarioVersion" in data)


def read(data: dict[str, Any], name: str) -> NovelaiStory:
    """Read the story in decoded JSON. Raises BadText, saying what is wrong with the file called ``name``."""
    content = data if "scenarioVersion" in data else data.get("content")
    if not isinstance(content, dict):
        raise BadText(f"{name} is a NovelAI story without its content.", "Download it again, or export it as text.")
    metadata = data.get("metadata")
    title = (metadata if isinstance(metadata, dict) else content).get("title")
    context = content.get("context")
    memory, note, *_ = [*map(_word, context if isinstance(context, list) else ()), "", ""]
    return NovelaiStory(
        title if isinstance(title, str) else "",
        tuple(_pieces(content, name)),
        memory,
        note,
        _lorebook(content),
        tuple(_unused(content)),
    )


def _pieces(content: dict[str, Any], name: str) -> list[tuple[str, bool | None]]:
    story = content.get("story")
    if isinstance(content.get("document"), str):
        try:
            document = msgpackr.decode(base64.b64decode(content["document"], validate=True))
            return [(_of_document(document), None)]
        except (ValueError, binascii.Error, RecursionError) as error:
            raise BadText(f"{name} is a NovelAI story in a form that is not known here.", PLAIN) from error
    if isinstance(story, dict) and isinstance(story.get("fragments"), list):
        pieces = [piece for piece in story["fragments"] if isinstance(piece, dict)]
        if len(pieces) <= MOST_PIECES:
            return [(piece["data"], _by_model(piece)) for piece in pieces if isinstance(piece.get("data"), str)]
    if isinstance(content.get("prompt"), str):
        return [(content["prompt"], None)]
    raise BadText(f"{name} is a NovelAI file, and no text was found in it.", PLAIN)


def _by_model(fragment: dict[str, Any]) -> bool | None:
    origin = fragment.get("origin")
    return origin == "ai" if isinstance(origin, str) else None


def _of_document(document: Any) -> str:
    """Return the paragraphs in their order. Raises ValueError where that is no document."""
    if not isinstance(document, dict):
        raise ValueError("no document")
    sections, order = document.get("sections"), document.get("order")
    if not isinstance(sections, dict) or not isinstance(order, list):
        raise ValueError("no sections")
    found = [sections.get(number) for number in order if isinstance(number, str | int)]
    texts = [section["text"] for section in found if isinstance(section, dict) and "text" in section]
    if (order and not texts) or not all(isinstance(text, str) for text in texts):
        raise ValueError("no text in its sections")
    return "\n".join(texts)


def _lorebook(content: dict[str, Any]) -> dict[str, Any] | None:
    book = content.get("lorebook")
    entries = book.get("entries") if isinstance(book, dict) else None
    return book if isinstance(entries, list) and entries else None


def _unused(content: dict[str, Any]) -> list[str]:
    found = []
    if any(content.get(key) for key in ("phraseBiasGroups", "bannedSequenceGroups")):
        found.append("phrase biases and banned sequences")
    if content.get("ephemeralContext"):
        found.append("ephemeral context")
    if content.get("settings"):
        found.append("NovelAI's own settings")
    return found


def _word(entry: Any) -> str:
    text = entry.get("text") if isinstance(entry, dict) else None
    return text.strip() if isinstance(text, str) else ""
