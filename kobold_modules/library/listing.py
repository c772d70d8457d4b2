"""A listing: the modules of a shelf by name, of which only those that somebody looks at are made into entries.

A screen shows forty of ten thousand modules, and making an :class:`Entry` with its card and its path takes longer than
everything else a listing needs. So what concerns all of them at once (names, kinds, stars, sizes, times) is kept in
columns, and the rest of a module is read from its line when it is first asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import eq
from typing import NamedTuple, overload

from ..soft_prompt.module import Kind
from .folder import DEEP, Entry


LETTERS: dict[Kind, str] = {"style": "s", "world": "w", "imported": "i"}
BROKEN = "!"


class Columns(NamedTuple):
    """What is known of all modules at once, by their number.

    Attributes:
        kinds: a letter each: that of its kind, a capital where its owner starred it, or ``!`` where it is broken.
        sizes: of the files in bytes; they changed at ``modified``, the owner's notes at ``noted`` (int64 nanoseconds).
            A zip that is not called like its folder has no such time here: it is looked at each time.
    """

    slugs: list[str]
    names: list[str]
    kinds: str
    sizes: array[int]
    modified: array[int]
    noted: array[int]


def _usual(entry: Entry) -> bool:
    """Return whether its file is called as files written here are."""
    return entry.path.name in (f"{entry.slug}.zip", DEEP)


class Listing(Sequence[Entry]):
    """Entries by name. ``read`` makes the one of that number and never raises."""

    def __init__(self, columns: Columns, read: Callable[[int], Entry]) -> None:
        self.columns = columns
        self._read = read
        self._made: list[Entry | None] = [None] * len(columns.slugs)
        self._numbers: dict[str, int] | None = None

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Listing:
        """Make a listing of ``entries``, in their order."""
        known = list(entries)
        columns = Columns(
            [entry.slug for entry in known],
            [entry.name for entry in known],
            "".join(map(_letter, known)),
            array("q", [entry.size for entry in known]),
            array("q", [entry.modified_ns if _usual(entry) else -1 for entry in known]),
            array("q", [entry.notes_ns for entry in known]),
        )
        listing = cls(columns, known.__getitem__)
        listing._made = [*known]
        return listing

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> list[Entry]: ...
    def __getitem__(self, at: int | slice) -> Entry | list[Entry]:
        if isinstance(at, slice):
            return [self._at(number) for number in range(*at.indices(len(self)))]
        return self._at(range(len(self))[at])

    def __len__(self) -> int:
        return len(self._made)

    def __iter__(self) -> Iterator[Entry]:
        return map(self._at, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Listing of {len(self)}>"

    def number(self, slug: str) -> int | None:
        """Return where the module filed under ``slug`` stands."""
        if self._numbers is None:
            self._numbers = {slug: number for number, slug in enumerate(self.columns.slugs)}
        return self._numbers.get(slug)

    def filed(self, slug: str) -> Entry | None:
        """Return the entry of the module filed under ``slug``."""
        number = self.number(slug)
        return None if number is None else self._at(number)

    @property
    def broken(self) -> int:
        """How many cannot be read."""
        return self.columns.kinds.count(BROKEN)

    @property
    def size(self) -> int:
        """Of all zips together, in bytes."""
        return sum(self.columns.sizes)

    def _at(self, number: int) -> Entry:
        entry = self._made[number]
        if entry is None:
            entry = self._made[number] = self._read(number)
        return entry


class Chosen(Sequence[Entry]):
    """Some modules of a listing in an order of their own, given by their ``numbers`` in it."""

    def __init__(self, listing: Listing, numbers: Sequence[int]) -> None:
        self.listing = listing
        self.numbers = numbers

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> Chosen: ...
    def __getitem__(self, at: int | slice) -> Entry | Chosen:
        if isinstance(at, slice):
            return Chosen(self.listing, self.numbers[at])
        return self.listing[self.numbers[at]]

    def __len__(self) -> int:
        return len(self.numbers)

    def place(self, slug: str) -> int | None:
        """Return where the module filed under ``slug`` stands among these."""
        number = self.listing.number(slug)
        try:
            return None if number is None else self.numbers.index(number)
        except ValueError:
            return None

    @property
    def slugs(self) -> list[str]:
        slugs = self.listing.columns.slugs
        return [slugs[number] for number in self.numbers]


def _letter(entry: Entry) -> str:
    letter = BROKEN if entry.problem else LETTERS[entry.card.kind]
    return letter.upper() if entry.notes.favourite else letter
