"""How near what a model wrote is to an author: all measures of style, each between its floor and its ceiling.

Measures of style agree little with one another (2604.26460), so none stands alone: use of function words, letter
sequences, grammar, and the look of the page, each scored for as many words of the author's pages that were kept back
(ceiling), of other writers (floor) and, where there are some, of the model's own writing without the module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .cliches import Cliches, cliches
from .delta import Delta
from .drift import Drift, drift
from .grammar import Grammar
from .measure import Measure
from .ngrams import NGrams
from .position import Axis, Position, axis
from .profile import Profile, StyleProfile, profile_of
from .repetition import repetition
from .tokens import all_windows, words


MOST_AUTHOR = 300  # windows of the author that are learned from, about 60,000 words
MOST_OTHER = 100  # of each other writer
MOST_JUDGED = 60  # windows of each text that is placed: about 12,000 words
CHARACTERS = 1_300  # at least, of a window: how much of a long text is looked at
STRETCHES = 8  # that a long text is looked at in


@dataclass(frozen=True, slots=True)
class StyleScore:
    """One measure of what was written.

    Attributes:
        measure: ``delta``, ``ngrams``, ``grammar`` or ``profile``.
        label, unit: for a person.
        nearer: whether a lower or a higher value is nearer to the author.
        floor: mean of the other writers, each in ``floors``; None where there are none.
        ceiling: the author's pages that were kept back; None where there are none.
        tells_apart: whether this measure tells the author from the others at this length. A place says little if not.
        place: 0 at the floor, 1 at the ceiling; None where there is no way from one to the other.
        base, base_place: the same for what the model wrote without the module.
    """

    measure: str
    label: str
    unit: str
    nearer: Literal["lower", "higher"]
    value: float
    floor: float | None
    floors: dict[str, float]
    ceiling: float | None
    tells_apart: bool
    place: Position | None
    base: float | None = None
    base_place: Position | None = None


@dataclass(frozen=True, slots=True)
class StyleReport:
    """Everything measured about the style of a text.

    Attributes:
        scores: one a measure.
        profile, author_profile, base_profile: sentence lengths, speech and punctuation.
        cliches, author_cliches, base_cliches: phrases that language models overuse.
        drift: each measure along the text.
        repetition, author_repetition, base_repetition: share of sequences of four words written before.
        words: of the generated text.
        windows: in the pools that were compared, of about 200 words each.
        notes: what a person should know about these numbers, in sentences.
    """

    scores: tuple[StyleScore, ...]
    profile: StyleProfile
    author_profile: StyleProfile
    base_profile: StyleProfile | None
    cliches: Cliches
    author_cliches: Cliches
    base_cliches: Cliches | None
    drift: tuple[Drift, ...]
    repetition: float
    author_repetition: float
    base_repetition: float | None
    words: int
    windows: int
    notes: tuple[str, ...]

    def score(self, measure: str) -> StyleScore | None:
        """Return the score by ``measure``, None if it was not measured."""
        return next((score for score in self.scores if score.measure == measure), None)

    @property
    def place(self) -> float | None:
        """The mean place of the measures that tell the author from others; None where none of them does."""
        found = [score.place.share for score in self.scores if score.place is not None and score.tells_apart]
        return sum(found) / len(found) if found else None


def measure_style(
    generated: Sequence[str],
    author_train: Sequence[str],
    author_held_out: Sequence[str],
    others: Mapping[str, Sequence[str]],
    base: Sequence[str] = (),
    seed: int = 0,
) -> StyleReport:
    """Measure how near ``generated`` is to the author.

    Args:
        generated: what the model wrote with the module, one text an item; 1,000 words in all and more say something.
        author_train: the author's pages, to learn the style from.
        author_held_out: other pages of the author: the ceiling.
        others: texts of other writers by name: the floor, and what the author is told from. Best in the same language
            and of the same kind.
        base: what the same model wrote on the same openings without the module.
        seed: of all draws; the same texts and seed give the same report.
    """
    author = _windows(author_train, MOST_AUTHOR)
    held_out = _windows(author_held_out, MOST_JUDGED)
    by_others = {name: found for name, texts in others.items() if (found := _windows(texts, MOST_OTHER))}
    judged, judged_base = all_windows(generated)[:MOST_JUDGED], all_windows(base)[:MOST_JUDGED]
    notes = _notes(judged, author, held_out, by_others)
    scores: list[StyleScore] = []
    drifts: list[Drift] = []
    size = 0
    makers: list[Callable[[], Measure]] = [lambda: Profile(author, by_others)]
    if author and by_others:
        makers[:0] = [
            lambda: Delta(author, by_others),
            lambda: NGrams(author, by_others),
            lambda: Grammar(author, by_others, seed=seed),
        ]
    if judged and author:
        for make in makers:
            measure = make()
            score, way = _score(measure, judged, judged_base, held_out, by_others, seed)
            scores.append(score)
            drifts.append(drift(measure, generated, seed))
            size = way.windows
    return StyleReport(
        scores=tuple(scores),
        profile=profile_of(judged),
        author_profile=profile_of(author),
        base_profile=profile_of(judged_base) if judged_base else None,
        cliches=cliches(judged),
        author_cliches=cliches(author),
        base_cliches=cliches(judged_base) if judged_base else None,
        drift=tuple(drifts),
        repetition=repetition(generated),
        author_repetition=repetition(held_out or author),
        base_repetition=repetition(base) if judged_base else None,
        words=sum(len(words(text)) for text in generated),
        windows=size,
        notes=tuple(notes),
    )


def _score(
    measure: Measure,
    judged: Sequence[str],
    judged_base: Sequence[str],
    held_out: Sequence[str],
    others: Mapping[str, Sequence[str]],
    seed: int,
) -> tuple[StyleScore, Axis]:
    """Return the score of ``judged`` by ``measure``, and the way from floor to ceiling it was placed on."""
    text, base = measure.features(judged), measure.features(judged_base)
    way = axis(
        measure.score,
        measure.features(held_out),
        {name: measure.features(found[:MOST_JUDGED], name) for name, found in others.items()},
        min(len(rows) for rows in (text, base) if len(rows)),
        measure.nearer == "higher",
        seed,
    )
    score = StyleScore(
        measure=measure.name,
        label=measure.label,
        unit=measure.unit,
        nearer=measure.nearer,
        value=way.value(text),
        floor=way.floor,
        floors=way.floors,
        ceiling=way.ceiling,
        tells_apart=way.tells_apart,
        place=way.place(text),
        base=way.value(base) if judged_base else None,
        base_place=way.place(base) if judged_base else None,
    )
    return score, way


def _windows(texts: Sequence[str], most: int) -> list[str]:
    """Return at most ``most`` windows of ``texts``, from all parts of them."""
    total = sum(map(len, texts))
    wanted = most * CHARACTERS
    if total > 2 * wanted:
        texts = [part for text in texts for part in _stretches(text, int(wanted * 1.5 * len(text) / total))]
    found = all_windows(texts)
    if len(found) <= most:
        return found
    return [found[place * len(found) // most] for place in range(most)]


def _stretches(text: str, length: int) -> list[str]:
    """Return up to :data:`STRETCHES` stretches of ``text``, ``length`` characters in all, from begin to end."""
    count = max(1, min(STRETCHES, length // (4 * CHARACTERS)))
    each, step = length // count, len(text) // count
    return [text[place * step : place * step + each] for place in range(count)]


def _notes(
    judged: Sequence[str], author: Sequence[str], held_out: Sequence[str], others: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return what a person should know about the numbers."""
    notes = []
    if not judged:
        notes.append("Nothing was written, so there is nothing to measure.")
    elif len(judged) < 5:
        notes.append("Less than 1,000 words were written: the places are rough.")
    if not author:
        notes.append("There are no pages of the author to compare with.")
    if not held_out:
        notes.append("No pages of the author were kept back, so there is no ceiling, and no place.")
    if not others:
        notes.append("There is no other writer to compare with: function words, letters and grammar are left out.")
    elif len(others) < 3:
        notes.append("There are fewer than three other writers to compare with: the floor is rough.")
    return notes
