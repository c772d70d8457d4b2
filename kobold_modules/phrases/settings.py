"""What a search for a phrase is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import BadUsage


MOST_PASSAGES = 3
FEWEST_WORDS, MOST_WORDS = 30, 1_000
FEWEST_CANDIDATES, MOST_CANDIDATES = 2, 1_000
MOST_TOKENS, MOST_STEPS = 200, 100_000
Searching = Literal["passages", "autoprompt", "pez", "gcg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseRequest:
    """Everything that decides a search; the same request and model give the same phrase.

    Attributes:
        files: the writer's pages.
        model: as the command line names models; empty for the starter, or for the one that ``of`` was made for.
        of: a library name or a file: the module whose effect the phrase is to have. Then ``files`` are its pages, and
            may be empty.
        module: a library name or a file to compare with; empty for none.
        description: a plain description to compare with; empty for one made from the pages.
        search: for passages of the pages, or for any words, by gradient (small models).
        passages: stretches of the pages at most.
        words: of all stretches together at most.
        candidates: stretches that are tried.
        tokens: that a search for words finds; ``steps``: how many it takes.
        seed: draws the candidates, or what a search for words begins with.
        keep: rules of cleaning that are left out; ``speaker``: whose lines of a chat are read.
    """

    files: tuple[str, ...]
    model: str = ""
    of: str = ""
    module: str = ""
    description: str = ""
    search: Searching = "passages"
    passages: int = MOST_PASSAGES
    words: int = 300
    candidates: int = 16
    tokens: int = 16
    steps: int = 60
    seed: int = 1
    keep: tuple[str, ...] = ()
    speaker: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("files", "keep", "speaker"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # a tuple also from JSON
        if self.of and self.module:
            raise BadUsage(
                f"{self.of} is what the phrase is compared with; --module names another one.", "Leave one out."
            )
        if not self.files and not self.of:
            raise BadUsage("Which pages should the phrase come from?", "Name a text, a book or a folder.")
        if not 1 <= self.passages <= MOST_PASSAGES:
            raise BadUsage(f"A phrase of {self.passages} passages cannot be searched; 1 to {MOST_PASSAGES} can.")
        if not FEWEST_WORDS <= self.words <= MOST_WORDS:
            raise BadUsage(
                f"A phrase of {self.words} words cannot be searched; {FEWEST_WORDS} to {MOST_WORDS:,} words can."
            )
        if not FEWEST_CANDIDATES <= self.candidates <= MOST_CANDIDATES:
            raise BadUsage(
                f"{self.candidates} candidates cannot be tried; {FEWEST_CANDIDATES} to {MOST_CANDIDATES:,} can."
            )
        if not 1 <= self.tokens <= MOST_TOKENS:
            raise BadUsage(f"A phrase of {self.tokens} tokens cannot be searched; 1 to {MOST_TOKENS} can.")
        if not 1 <= self.steps <= MOST_STEPS:
            raise BadUsage(f"A search cannot take {self.steps:,} steps; 1 to {MOST_STEPS:,} it can.")
