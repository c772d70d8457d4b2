"""How well a set of examples covers the lore: how often each part of it is in view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .example import Example
from .lore import LoreEntry


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was made of the lore.

    Attributes:
        times: examples x length of their views / length of the lore.
        counts: examples by the title of each entry in view, in the lore's order.
        kinds: examples by kind.
        wanted: what ``times`` should be.
    """

    times: float
    counts: dict[str, int]
    kinds: dict[str, int]
    wanted: float

    @property
    def fewest(self) -> list[str]:
        """The titles with less than half as many examples as are wanted, in the lore's order."""
        return [title for title, count in self.counts.items() if count < self.wanted / 2]


def coverage_of(examples: Sequence[Example], entries: Iterable[LoreEntry], wanted: float) -> Coverage:
    """Count how often ``examples`` have each of ``entries`` in view."""
    entries = list(entries)
    counts = Counter({entry.title: 0 for entry in entries})
    for example in examples:
        counts.update(title for title in example.entries if title in counts)
    length = sum(len(entry.view) for entry in entries)
    shown = sum(len(example.view) for example in examples)
    return Coverage(
        shown / length if length else 0.0,
        {entry.title: counts[entry.title] for entry in entries},
        dict(Counter(example.kind for example in examples).most_common()),
        wanted,
    )
