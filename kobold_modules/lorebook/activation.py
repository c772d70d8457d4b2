"""Which entries a story calls in, in the way SillyTavern does it (docs.sillytavern.app, World Info).

A pass looks through the end of the story for keys; where recursion is on, another pass looks through the story and the
texts of what has come in, until nothing more comes or the budget is spent. In each pass what is always in comes first,
then by order from high to low; what was called by the story comes before what was called by other entries. An entry
that no longer fits ends it. In the prompt a higher order stands nearer to the end.

A message of a chat is a paragraph here, so a scan depth counts paragraphs. Chance (probability, groups) is drawn from
the seed of the take, so that the same take brings in the same entries.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from . import content
from .book import AT_DEPTH, Entry, Lorebook
from .matching import TooSlow, found, pattern_of


DEPTH = 10  # paragraphs
SHARE = 0.25  # of the context: SillyTavern's own
MOST_PASSES = 100
MOST_SLOW = 20  # patterns that may run into their time limit; then no more are tried
_Said = TypeVar("_Said", int, bool)
_RANK = {0: 0, 1: 1, 5: 1, 6: 1, 2: 2, 3: 2, AT_DEPTH: 3}  # of a position, from the beginning of the prompt to its end


@dataclass(frozen=True, slots=True)
class Scan:
    """How a story is looked through.

    Attributes:
        depth: paragraphs from its end (None: what the book asks for, else ``DEPTH``); 0 is none of it.
        budget: the most tokens that all entries may take together.
        recursive: whether entries call others (None: what the book asks for, else yes).
        passes: the most passes in all; 0 is as many as it takes.
        case_sensitive, whole_words: for entries that do not say.
        seed: where chance begins.
    """

    depth: int | None = None
    budget: int = 1024
    recursive: bool | None = None
    passes: int = 0
    case_sensitive: bool = False
    whole_words: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Active:
    """An entry that is in: what the model reads of it (a line of its own), what that costs, and what called it.

    ``because`` is the key that was found, empty for one that is always in.
    """

    entry: Entry
    text: str
    tokens: int
    because: str = ""


@dataclass(frozen=True, slots=True)
class Activation:
    """What came in, in the order of the prompt.

    Attributes:
        crowded_out: entries that were called and for which the budget had no room.
        slow: keys that are patterns and took too long; they count as not found.
    """

    active: tuple[Active, ...] = ()
    crowded_out: tuple[Entry, ...] = ()
    slow: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        """What all of it costs."""
        return sum(active.tokens for active in self.active)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the model reads, a text an entry."""
        return tuple(active.text for active in self.active)


def activate(
    books: Sequence[Lorebook], story: str, count: Callable[[str], int], scan: Scan | None = None
) -> Activation:
    """Return the entries of ``books`` that ``story`` calls in. ``count`` gives the tokens of a text."""
    return _Scanner(books, story, count, scan or Scan()).run()


@dataclass(slots=True, eq=False)
class _Candidate:
    """An entry with its decorators done, and the book it came in."""

    original: Entry
    entry: Entry
    book: Lorebook
    because: str = ""
    score: int = 0

    @property
    def prose(self) -> str:
        return content.prose(self.original, self.book.character)


class _Scanner:
    def __init__(self, books: Sequence[Lorebook], story: str, count: Callable[[str], int], scan: Scan) -> None:
        self._scan = scan
        self._count = count
        self._story = story
        self._paragraphs = [line.strip() for line in story.split("\n") if line.strip()]
        self._called: list[str] = []  # texts of entries, looked through in later passes
        self._parts: dict[tuple[int, bool], str] = {}  # of the story with those texts, by depth
        self._chance = random.Random(scan.seed)
        candidates = [_Candidate(entry, content.decorated(entry), book) for book in books for entry in book.enabled]
        self._left = sorted(
            (one for one in candidates if one.entry.enabled), key=lambda one: (not one.entry.always, -one.entry.order)
        )
        self._recursive = _first(scan.recursive, *(book.recursive for book in books), True)
        self._in: list[tuple[_Candidate, str, int]] = []
        self._crowded_out: list[Entry] = []
        self._slow: dict[str, None] = {}
        self._spent = 0
        self._overflowed = False

    def run(self) -> Activation:
        """Make pass after pass, until nothing more can come."""
        levels = sorted({one.entry.delay_recursion for one in self._left if one.entry.delay_recursion})
        level = levels.pop(0) if levels else 0
        recursion = False
        for number in range(1, MOST_PASSES + 1):
            texts = self._pass(recursion, level)
            self._called += texts
            self._parts.clear()
            may_go_on = self._recursive and not (self._scan.passes and number >= self._scan.passes)
            if not may_go_on or self._overflowed:
                break
            if not texts:
                if not levels:
                    break
                level = levels.pop(0)
            recursion = True
        self._in.sort(key=lambda item: (_RANK.get(item[0].entry.position, 0), item[0].entry.order))
        return Activation(
            tuple(Active(one.original, text, tokens, one.because) for one, text, tokens in self._in),
            tuple(self._crowded_out),
            tuple(self._slow),
        )

    def _pass(self, recursion: bool, level: int) -> list[str]:
        """Search the text once. Returns the texts that came in and may call others."""
        called = [one for one in self._left if self._is_called(one, recursion, level)]
        called = self._one_of_each_group(called)
        texts = []
        for one in called:
            if self._overflowed and not one.entry.ignore_budget:
                self._drop(one, crowded=True)
                continue
            if one.entry.probability < 100 and self._chance.uniform(0, 100) >= one.entry.probability:
                self._drop(one)
                continue
            text = one.prose
            if not text:
                self._drop(one)
                continue
            line = text + "\n"
            tokens = self._count(line)
            if not one.entry.ignore_budget and self._spent + tokens > self._scan.budget:
                self._overflowed = True
                self._drop(one, crowded=True)
                continue
            self._spent += tokens
            self._drop(one)
            self._in.append((one, line, tokens))
            if not one.entry.prevent_recursion:
                texts.append(text)
        return texts

    def _drop(self, one: _Candidate, *, crowded: bool = False) -> None:
        """Drop ``one``, which has been decided."""
        self._left.remove(one)
        if crowded:
            self._crowded_out.append(one.original)

    def _is_called(self, one: _Candidate, recursion: bool, level: int) -> bool:
        entry = one.entry
        if entry.delay_recursion and (not recursion or entry.delay_recursion > level):
            return False
        if recursion and entry.exclude_recursion:
            return False
        if entry.always:
            return True
        if not entry.keys:
            return False
        text = self._text(one)
        one.because = next((key for key in entry.keys if self._has(key, text, one)), "")
        if not one.because or any(self._has(key, text, one) for key in entry.exclude_keys):
            return False
        return self._second_condition(one, text)

    def _second_condition(self, one: _Candidate, text: str) -> bool:
        entry = one.entry
        if not entry.selective or not entry.secondary_keys:
            return True
        hits = [self._has(key, text, one) for key in entry.secondary_keys]
        return {"and any": any(hits), "and all": all(hits), "not any": not any(hits), "not all": not all(hits)}[
            entry.logic
        ]

    def _has(self, key: str, text: str, one: _Candidate) -> bool:
        key = content.with_names(key, one.book.character)
        given_up = len(self._slow) >= MOST_SLOW and pattern_of(key.strip(), one.entry.patterns) is not None
        if given_up or key in self._slow:
            return False
        try:
            return found(
                key, text, one.entry, case_sensitive=self._scan.case_sensitive, whole_words=self._scan.whole_words
            )
        except TooSlow:
            self._slow[key] = None
            return False

    def _text(self, one: _Candidate) -> str:
        """Return the text in which ``one`` looks for its keys."""
        in_characters = one.entry.search_range is not None and self._scan.depth is None
        if in_characters and one.entry.search_range is not None:
            depth = one.entry.search_range
        else:
            depth = _first(one.entry.scan_depth, self._scan.depth, one.book.scan_depth, DEPTH)
        if (depth, in_characters) not in self._parts:
            part = self._story[-depth:] if in_characters else "\n".join(self._paragraphs[-depth:])
            self._parts[depth, in_characters] = "\n".join([part if depth else "", *self._called])
        return self._parts[depth, in_characters]

    def _one_of_each_group(self, called: list[_Candidate]) -> list[_Candidate]:
        """Return ``called`` without those that lose to another of their inclusion group, or to one already in."""
        taken = {name for one, _, _ in self._in for name in one.entry.groups}
        left = [one for one in called if not taken.intersection(one.entry.groups)]
        for name in dict.fromkeys(name for one in left for name in one.entry.groups):
            rivals = [one for one in left if name in one.entry.groups]
            if len(rivals) > 1:
                winner = self._winner(rivals)
                left = [one for one in left if one is winner or one not in rivals]
        return left

    def _winner(self, rivals: list[_Candidate]) -> _Candidate:
        if any(one.entry.group_scoring for one in rivals):
            scores = {id(one): self._score(one) for one in rivals}
            best = max(scores.values())
            rivals = [one for one in rivals if not one.entry.group_scoring or scores[id(one)] == best]
        if first := [one for one in rivals if one.entry.group_first]:
            return max(first, key=lambda one: one.entry.order)
        weights = [max(0, one.entry.group_weight) for one in rivals]
        return self._chance.choices(rivals, weights if any(weights) else None)[0]

    def _score(self, one: _Candidate) -> int:
        """Count the keys found; secondary ones count where they are asked for, all of them or each."""
        text = self._text(one)
        score = sum(self._has(key, text, one) for key in one.entry.keys)
        hits = [self._has(key, text, one) for key in one.entry.secondary_keys] if one.entry.selective else []
        if one.entry.logic == "and any":
            score += sum(hits)
        elif one.entry.logic == "and all" and all(hits):
            score += len(hits)
        return score


def _first(*values: _Said | None) -> _Said:
    """Return the first value that says something."""
    return next(value for value in values if value is not None)
