"""Which drafts become examples: so many for each entry as its length asks for, of every kind, none said twice."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

from .example import Example, ExampleKind
from .lore import LoreEntry
from .names import known_names, spans
from .sentences import is_english
from .settings import StudySettings
from .templates.draft import Draft
from .templates.entry import drafts_of
from .templates.subject import shortest_name
from .templates.world import World


MOST_EXAMPLES = 200_000
MOST_NUMBERS = 2_000
SHORT = 22  # words of a question; longer ones come when all others have been asked
LENGTHIEST = 4.0  # times the usual share of examples, for a long entry
# The order of kinds in a round. Questions come more often than others; an entry's recitation comes once.
TURNS: tuple[ExampleKind, ...] = (
    "recitation",
    "question",
    "relation",
    "statement",
    "question",
    "choice",
    "question",
    "continuation",
    "question",
    "choice",
    "dialogue",
    "question",
    "relation",
    "negative",
    "summary",
)


def world_of(entries: Sequence[LoreEntry]) -> World:
    """Return what the entries' drafts need to know of one another."""
    titles = [f"of {name}" for entry in entries if entry.about for name in entry.names]
    names = known_names([*(entry.text for entry in entries), *titles])
    peers: dict[str, list[str]] = defaultdict(list)
    area_of: dict[str, str] = {}
    short_of: dict[str, str] = {}
    numbers: dict[str, None] = {}
    for entry in entries:
        if entry.about:
            short_of[entry.title] = shortest_name(entry)
            if short_of[entry.title] not in peers[entry.group]:
                peers[entry.group].append(short_of[entry.title])
        for name in entry.names if entry.about else ():
            area_of.setdefault(name.casefold(), entry.group)
        if len(numbers) < MOST_NUMBERS:
            numbers |= {span.text: None for span in spans(entry.text, names) if span.number}
    return World(names, {area: tuple(titles) for area, titles in peers.items()}, tuple(numbers), area_of, short_of)


def in_english(entries: Sequence[LoreEntry]) -> list[bool]:
    """Return of each entry whether it is English; one too short to tell is what the lore as a whole is."""
    whole = is_english(" ".join(entry.text[:400] for entry in entries[:400]))
    return [whole is not False if (said := is_english(entry.text)) is None else said for entry in entries]


def template_examples(entries: Sequence[LoreEntry], settings: StudySettings) -> Iterator[Example]:
    """Yield examples by rule, entry by entry in turn, until each has as many as ``settings.coverage`` asks for."""
    world, english = world_of(entries), in_english(entries)
    usual = median(len(entry.view) for entry in entries) if entries else 1
    queues: list[Iterator[Example]] = []
    for number, entry in enumerate(entries):
        share = min(LENGTHIEST, max(1.0, len(entry.view) / usual))
        count = round(settings.coverage * share)
        queues.append(_of_entry(entry, world, english[number], settings, number, count))
    made = 0
    while queues and made < MOST_EXAMPLES:
        for queue in queues.copy():
            if (example := next(queue, None)) is None:
                queues.remove(queue)
            elif (made := made + 1) <= MOST_EXAMPLES:
                yield example


def _of_entry(
    entry: LoreEntry, world: World, english: bool, settings: StudySettings, number: int, count: int
) -> Iterator[Example]:
    """Yield at most ``count`` examples about ``entry``. Its drafts are made when the first is asked for."""
    chance = random.Random(f"{settings.seed} {number} {entry.title}")
    drafts = [draft for draft in drafts_of(entry, world, english, chance) if draft.kind in settings.kinds]
    short = [draft for draft in drafts if not draft.framed or len(draft.question.split()) <= SHORT]
    long = [draft for draft in drafts if draft.framed and len(draft.question.split()) > SHORT]
    first = list(_in_turn(short, count, chance))
    for draft in [*first, *_in_turn(long, count - len(first), chance)]:  # a long question costs what two short ones do
        yield draft.example(chance)


def _in_turn(drafts: Sequence[Draft], count: int, chance: random.Random) -> Iterator[Draft]:
    """Yield ``count`` of ``drafts``, the kinds in turn and the facts of each kind in turn."""
    waiting = {kind: _facts_in_turn([draft for draft in drafts if draft.kind == kind], chance) for kind in TURNS}
    left = min(count, len(drafts))
    while left:
        for kind in TURNS:
            if left and waiting[kind]:
                yield waiting[kind].pop(0)
                left -= 1


def _facts_in_turn(drafts: Sequence[Draft], chance: random.Random) -> list[Draft]:
    by_fact: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_fact[draft.fact].append(draft)
    for same in by_fact.values():  # the shorter wordings sooner, for they teach as much in fewer tokens
        drawn = {draft: (len(draft.question) + len(draft.answer)) * chance.uniform(0.5, 1.5) for draft in same}
        same.sort(key=lambda draft: drawn[draft], reverse=True)
    facts = list(by_fact.values())
    chance.shuffle(facts)
    ordered: list[Draft] = []
    while any(facts):
        ordered += [same.pop() for same in facts if same]
    return ordered
