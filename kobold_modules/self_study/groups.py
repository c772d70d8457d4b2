"""Which entries a teacher reads together: those of one area, and those that name each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from .lore import LoreEntry


MOST_IN_GROUP = 8
SHORTEST_KEY = 3  # letters; a shorter key stands in every text by chance


def links_between(entries: Sequence[LoreEntry]) -> list[set[int]]:
    """Return of each entry the numbers of those it names by title or key or stands in a relation to, both ways."""
    by_name: dict[str, set[int]] = defaultdict(set)
    for number, entry in enumerate(entries):
        for name in entry.names if entry.about else ():
            if len(name) >= SHORTEST_KEY:
                by_name[name.casefold()].add(number)
    longest = min(8, max((name.count(" ") + 1 for name in by_name), default=1))
    links: list[set[int]] = [set() for _ in entries]
    for number, entry in enumerate(entries):
        named = set().union(*(by_name.get(relation.other.casefold(), ()) for relation in entry.relations))
        for name in _runs_of_words(entry.text, longest):
            named |= by_name.get(name, set())
        for other in named - {number}:
            links[number].add(other)
            links[other].add(number)
    return links


def groups_of(
    entries: Sequence[LoreEntry], most: int, length: Callable[[LoreEntry], int]
) -> list[tuple[LoreEntry, ...]]:
    """Divide ``entries`` into groups of at most ``most`` in ``length``, each entry in one.

    A group begins with the first entry that has none, and takes in what is linked most closely to those in it, then
    what is of the same area. An entry longer than ``most`` is a group by itself.
    """
    links = links_between(entries)
    lengths = [length(entry) for entry in entries]
    left = dict.fromkeys(range(len(entries)))
    by_area: dict[str, list[int]] = defaultdict(list)
    for number, entry in enumerate(entries):
        by_area[entry.group].append(number)
    groups: list[tuple[LoreEntry, ...]] = []
    while left:
        first = next(iter(left))
        group, room = [first], most - lengths[first]
        del left[first]
        while len(group) < MOST_IN_GROUP and room > 0:
            linked = {other for member in group for other in links[member] if other in left and lengths[other] <= room}
            if linked:
                best = max(linked, key=lambda other: (len(links[other] & set(group)), -other))
            else:
                area = by_area[entries[first].group]
                near = (other for other in area[area.index(first) :] if other in left and lengths[other] <= room)
                best = next(near, -1) if entries[first].group else -1
            if best < 0:
                break
            group.append(best)
            room -= lengths[best]
            del left[best]
        groups.append(tuple(entries[number] for number in group))
    return groups


def _runs_of_words(text: str, longest: int) -> set[str]:
    """Return every run of at most ``longest`` words of ``text``, in small letters, without marks at its ends."""
    words = re.findall(r"[\w'’-]+", re.sub(r"['’]s\b", "", text.casefold()))
    return {" ".join(words[at : at + count]) for count in range(1, longest + 1) for at in range(len(words) - count + 1)}
