"""What a preview of lore shows: its entries, those that are left out, and a few of the questions it will be asked.

These are values alone, and light to load; ``self_study.previewing`` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import codec


@dataclass(frozen=True, slots=True)
class PreviewedEntry:
    """One entry: its title, what else calls it to mind, its words, and the ``text`` that a teacher reads."""

    title: str
    keys: tuple[str, ...]
    words: int
    text: str


@dataclass(frozen=True, slots=True)
class PreviewedQuestion:
    """A question as it will be asked, the answer taken from the entry called ``entry``."""

    question: str
    answer: str
    entry: str


@dataclass(frozen=True, slots=True)
class LorePreview:
    """What studying some files would be about.

    Attributes:
        entries: those that are learned, the first hundreds of ``count``.
        words: of all that are learned.
        left_out: names of entries that are switched off.
        questions: examples of what will be asked.
        problem: why there is nothing to study, in a sentence; empty where there is.
    """

    entries: tuple[PreviewedEntry, ...] = ()
    count: int = 0
    words: int = 0
    left_out: tuple[str, ...] = ()
    questions: tuple[PreviewedQuestion, ...] = ()
    problem: str = ""

    def to_json(self) -> bytes:
        """Return the preview as JSON."""
        return codec.encode(self)

    @classmethod
    def from_json(cls, text: bytes) -> LorePreview:
        """Parse what :meth:`to_json` made. Raises ValueError for anything else."""
        return _DECODER.decode(text)


_DECODER: codec.Decoder[LorePreview] = codec.Decoder(LorePreview)
