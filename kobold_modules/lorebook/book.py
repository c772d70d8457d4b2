"""The values: a lorebook and its entries, in SillyTavern's terms, in which every other format can be expressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


Logic = Literal["and any", "not all", "not any", "and all"]
LOGICS: tuple[Logic, ...] = ("and any", "not all", "not any", "and all")  # by SillyTavern's selectiveLogic
ORDER = 100
WEIGHT = 100
BEFORE, AFTER, AT_DEPTH = 0, 1, 4  # of SillyTavern's positions; 2 and 3 are beside the author's note


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is known of the world.

    Attributes:
        title: what a person calls it; the model never reads it.
        keys: words or ``/patterns/flags``; a text that has one of them calls the entry in.
        text: what the model reads, as it stands in the file (see :mod:`.content`).
        secondary_keys: a second condition, joined to the first by ``logic``; it counts where ``selective`` says so.
        exclude_keys: a text that has any of them keeps the entry out.
        always: whether it is always in, key or not (SillyTavern's ``constant``).
        group: names of inclusion groups, commas between; of each only one entry is in at a time.
        group_first: whether ``order`` chooses in a group, and not chance by ``group_weight``.
        group_scoring: whether the entry with the most keys found wins its group.
        order: the higher, the nearer to the end of the prompt, and the sooner within the budget.
        position: SillyTavern's number for where it stands; see ``BEFORE``, ``AFTER``, ``AT_DEPTH``.
        probability: percent of the times when it is called that it comes.
        scan_depth: paragraphs that are looked through, from the story's end (None: as everywhere).
        search_range: the same in characters, for NovelAI's entries.
        case_sensitive, whole_words: how plain keys are found (None: as everywhere).
        patterns: whether every key is a pattern, without slashes (``use_regex`` of a V3 card).
        joined: whether ``a & b`` is a key that asks for both (NovelAI).
        exclude_recursion: whether only the story can call it, and no other entry.
        prevent_recursion: whether its text calls no others.
        delay_recursion: 0, or the level of the passes over entries' texts from which on it can be called.
        ignore_budget: whether it comes even where the budget is spent.
        rest: its object as it came, whole; what has no field above is kept in it.
    """

    title: str = ""
    keys: tuple[str, ...] = ()
    text: str = ""
    secondary_keys: tuple[str, ...] = ()
    selective: bool = True
    logic: Logic = "and any"
    exclude_keys: tuple[str, ...] = ()
    always: bool = False
    enabled: bool = True
    group: str = ""
    group_weight: int = WEIGHT
    group_first: bool = False
    group_scoring: bool = False
    order: int = ORDER
    position: int = BEFORE
    probability: float = 100.0
    scan_depth: int | None = None
    search_range: int | None = None
    case_sensitive: bool | None = None
    whole_words: bool | None = None
    patterns: bool = False
    joined: bool = False
    exclude_recursion: bool = False
    prevent_recursion: bool = False
    delay_recursion: int = 0
    ignore_budget: bool = False
    rest: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """Its title; else its first key; else how its text begins."""
        return self.title.strip() or next(iter(self.keys), "") or self.text.strip()[:40] or "(empty)"

    @property
    def groups(self) -> tuple[str, ...]:
        """The inclusion groups it belongs to."""
        return tuple(name for part in self.group.split(",") if (name := part.strip()))


@dataclass(frozen=True, slots=True)
class Lorebook:
    """The entries of one file, in its order.

    Attributes:
        name: what the file calls it; may be empty.
        format: which program's it is, in words: ``SillyTavern world info``.
        character: whose card it came in; stands for ``{{char}}``.
        scan_depth, token_budget, recursive: what the book asks for, None where it says nothing.
        rest: the object that the entries came in, whole; of a card, its ``character_book``.
        source: the file itself where it was SillyTavern's JSON, to be written back in the same layout.
    """

    entries: tuple[Entry, ...] = ()
    name: str = ""
    format: str = ""
    character: str = ""
    scan_depth: int | None = None
    token_budget: int | None = None
    recursive: bool | None = None
    rest: Mapping[str, Any] = field(default_factory=dict, compare=False)
    source: bytes = field(default=b"", compare=False, repr=False)

    @property
    def enabled(self) -> tuple[Entry, ...]:
        """The entries that are switched on and say something."""
        return tuple(entry for entry in self.entries if entry.enabled and entry.text.strip())

    @property
    def disabled(self) -> tuple[Entry, ...]:
        """The entries that are switched off."""
        return tuple(entry for entry in self.entries if not entry.enabled)
