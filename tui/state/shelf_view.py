"""What of the shelf is shown, and in which order: searching, filtering and sorting, with no widget in it.

A person looks for a module by letters of its name, by a word of its description or by a ``#tag``, and expects ten
thousand to answer as fast as ten: so text is folded once, a search is a few passes over plain strings, and modules are
numbers in a listing until somebody looks at one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from kobold_modules.library.library import Entry
from kobold_modules.library.listing import BROKEN as BROKEN_LETTER
from kobold_modules.library.listing import LETTERS, Chosen, Listing
from kobold_modules.soft_prompt.module import Kind

from .phrases import counted, effect


Sort = Literal["name", "newest", "effect", "model"]
SORTS: dict[Sort, str] = {"name": "by name", "newest": "newest first", "effect": "best first", "model": "by model"}
SECTIONS: dict[Kind, str] = {"style": "Style", "world": "World", "imported": "Imported"}
BROKEN = "Cannot be read"
TITLES = {LETTERS[kind]: title for kind, title in SECTIONS.items()} | {BROKEN_LETTER: BROKEN}
STAR = "*"
_KIND = " deep prefix"  # a word that finds all of them


class Look(NamedTuple):
    """What is asked for. ``query`` holds words (all of them must match); ``#word`` is a tag, ``*`` a star."""

    query: str = ""
    sort: Sort = "name"
    fitting: bool = False

    @property
    def words(self) -> list[str]:
        return self.query.casefold().split()

    @property
    def narrowed(self) -> bool:
        return bool(self.words) or self.fitting

    def next_sort(self) -> Sort:
        names = list(SORTS)
        return names[(names.index(self.sort) + 1) % len(names)]

    def summary(self, shown: int, everything: int, selected: int) -> str:
        """Return in a few words what is shown: ``3 of 12 · only what fits · best first · 1 selected``."""
        said = [f"{shown:,} of {everything:,}" if self.narrowed else counted(everything, "module")]
        if self.fitting:
            said.append("only what fits")
        if self.sort != "name":
            said.append(SORTS[self.sort])
        if selected:
            said.append(f"{selected:,} selected")
        return " · ".join(said)


class Section(NamedTuple):
    """Entries under a title; a search has one section without a title, best match first."""

    title: str
    entries: Chosen

    @property
    def heading(self) -> str:
        return f"{self.title} · {counted(len(self.entries), 'module')}"


class Shelf:
    """All entries, with their texts folded for searching."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self.entries = entries if isinstance(entries, Listing) else Listing.of(entries)
        self._names: list[str] | None = None
        self._rest: list[str] | None = None

    def look(self, look: Look, fits: Callable[[Entry], bool] = lambda entry: True) -> list[Section]:
        """Return the sections to show, none of them empty."""
        entries, kinds = self.entries, self.entries.columns.kinds
        found = self._search(look.words)
        if look.fitting:
            found = {at: score for at, score in found.items() if kinds[at] != BROKEN_LETTER and fits(entries[at])}
        if look.words:
            if look.sort == "name":  # nothing else was asked for: the best match first
                numbers = sorted(found, key=lambda at: -found[at])
            else:
                numbers = self._sorted(found, look.sort)
            return [Section("", Chosen(entries, numbers))] if numbers else []
        own = kinds.lower()
        groups = {letter: [at for at in found if own[at] == letter] for letter in TITLES}
        return [
            Section(TITLES[letter], Chosen(entries, self._sorted(group, look.sort)))
            for letter, group in groups.items()
            if group
        ]

    def tags(self) -> dict[str, int]:
        """Return every tag in the library and how many modules have it, the most frequent first."""
        count: dict[str, int] = {}
        for entry in self.entries:
            for tag in entry.tags:
                count[tag] = count.get(tag, 0) + 1
        return dict(sorted(count.items(), key=lambda item: (-item[1], item[0].casefold())))

    def _search(self, words: list[str]) -> dict[int, int]:
        """Return the numbers of what matches, with scores."""
        found = dict.fromkeys(range(len(self.entries)), 0)
        for word in words:
            if not found:
                break
            score = self._scorer(word)
            found = {number: before + more for number, before in found.items() if (more := score(number))}
        return found

    def _scorer(self, word: str) -> Callable[[int], int]:
        """Return a function that scores how well an entry, given by its number, matches ``word``; 0: not at all."""
        entries = self.entries
        if word == STAR:
            return lambda number: int(entries.columns.kinds[number].isupper())
        if word.startswith("#"):
            tag = word[1:]
            return lambda number: int(any(own.casefold().startswith(tag) for own in entries[number].tags))
        if self._names is None:  # with the first search, not with the first paint
            self._names = [name.casefold() for name in entries.columns.names]
        names, rest = self._names, self._texts()

        def score(number: int) -> int:
            name = names[number]
            at = name.find(word)
            if at >= 0:
                return 1000 - min(at, 400) + (300 if at == 0 else 200 if not name[at - 1].isalnum() else 0)
            if word in rest[number]:
                return 100
            hit = letters(word, name)
            return max(1, 90 - (hit[-1] - hit[0] - len(word))) if hit else 0

        return score

    def _texts(self) -> list[str]:
        if self._rest is None:
            self._rest = [
                f"{e.card.description} {e.card.model} {e.card.author} {' '.join(e.tags)}{_KIND * e.is_deep}".casefold()
                for e in self.entries
            ]
        return self._rest

    def _sorted(self, numbers: Iterable[int], sort: Sort) -> list[int]:
        """Sort ``numbers``, which come by name; equal ones stay by name. By name, starred ones lead."""
        entries, kinds = self.entries, self.entries.columns.kinds
        match sort:
            case "name" if kinds.islower():
                return [*numbers]
            case "name":
                return sorted(numbers, key=lambda at: not kinds[at].isupper())
            case "newest":
                return sorted(numbers, key=lambda at: entries[at].card.created, reverse=True)
            case "effect":
                return sorted(numbers, key=lambda at: -_effect(entries[at]))
            case "model":
                return sorted(numbers, key=lambda at: _model(entries[at]))


def letters(word: str, name: str) -> list[int]:
    """Return where the letters of ``word`` stand in ``name``, in order.

    Together if they do, else from the beginning of one of its words on, each as early as it can: ``nra`` means noir
    rain, and not every name with an n, an r and an a.

    Empty where they do not all occur. Both are folded.
    """
    at = name.find(word)
    if at >= 0:
        return list(range(at, at + len(word)))
    start = name.find(word[0])
    while start >= 0 and start and name[start - 1].isalnum():
        start = name.find(word[0], start + 1)
    if start < 0:
        return []
    # From the first such word on: if the letters do not follow from there, they do not from a later one.
    found = [start]
    for letter in word[1:]:
        at = name.find(letter, found[-1] + 1)
        if at < 0:
            return []
        found.append(at)
    return found


def _model(entry: Entry) -> tuple[bool, str]:
    return not entry.card.model, entry.card.model.casefold()


def _effect(entry: Entry) -> float:
    found = effect(entry.card)
    return -1e9 if found is None else found
