"""What an evaluation found, as values that travel: from the child that computes to a screen, to a file, to a page.

Every number that has one carries its 95 % interval; ``floor`` and ``ceiling`` stand beside it wherever there are some.
Losses are in nats per token or bits per byte, gains are shares (0.03 is 3 % less loss).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from .answers import Message


class Estimate(msgspec.Struct, frozen=True):
    """A number and its 95 % interval; the ends are None where there is too little to tell."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.low is not None and self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether the whole interval lies below zero."""
        return self.high is not None and self.high < 0


class FrontLoss(msgspec.Struct, frozen=True):
    """The loss of one text behind something.

    Attributes:
        front: what stood in front: ``nothing``, ``module``, ``own words``, ``own words x5``, ``best pages``.
        gain: over nothing, a share.
        tokens: that ``front`` takes from the context.
    """

    front: str
    nats_per_token: float
    bits_per_byte: float
    gain: Estimate
    tokens: int


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One number of generated text between a floor and a ceiling.

    Attributes:
        base: the same of what the plain model wrote; ``other``: of other authors (the floor).
        ceiling: of the author's own held-out pages.
        place: 0 at the floor, 1 at the ceiling; None where the two do not differ.
        nearer: which direction is better.
        tells_apart: whether it tells the author from others at this length; a place says little if not.
    """

    name: str
    label: str
    unit: str
    value: float
    floor: float
    ceiling: float
    nearer: Literal["lower", "higher"]
    base: float | None = None
    place: Estimate | None = None
    tells_apart: bool = True


class StyleEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a module does to pages of its author, and to others'.

    Attributes:
        losses: held-out pages of the author behind one thing after another.
        others: what the module does to other authors' pages: the gain over nothing.
        specificity: the gain on the author's pages less that on the others'.
        over_own_words: the gain over the author's own words in the context at the same cost, and at five times it.
        measures: generated text between floor and ceiling.
        drift: the measure called ``drift_label`` in each window of about 256 tokens of what was written, and its slope
            per 1,000 words; ``drift_away`` says that it clearly leads away from the author.
        cliches: phrases that models overuse, per 1,000 words: of what it wrote, of its author, of the plain model.
        sample: the beginning of what was generated.
    """

    tokens: int
    losses: tuple[FrontLoss, ...]
    others: Estimate | None
    specificity: Estimate | None
    over_own_words: Estimate | None = None
    over_five_times: Estimate | None = None
    measures: tuple[Measure, ...] = ()
    drift: tuple[float, ...] = ()
    drift_label: str = ""
    drift_slope: Estimate | None = None
    drift_away: bool = False
    cliches: float | None = None
    author_cliches: float | None = None
    base_cliches: float | None = None
    sample: str = ""


class Recalled(msgspec.Struct, frozen=True):
    """How well questions are answered behind one thing.

    Attributes:
        front: ``nothing``, ``module`` or ``entry in context``.
        right: share of questions whose right choice has the highest total log-likelihood.
        right_by_length: the same by log-likelihood a token.
        nats: loss of the right answer in nats per token.
    """

    front: str
    right: Estimate
    right_by_length: Estimate
    nats: Estimate


class Answered(msgspec.Struct, frozen=True):
    """A question, what the model said with the module in front, and what is true.

    ``invented`` are names and numbers in the answer that stand nowhere in the lore.
    """

    question: str
    said: str
    true: str
    right: bool
    invented: tuple[str, ...] = ()


class WorldEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a module knows without the lore in view.

    Attributes:
        form: how questions were put: ``plain`` (Question: ... Answer:) or ``chat template``.
        recall: behind nothing, the module and (where there is lore) the entry itself.
        gap_right, gap_nats: the share of the way from nothing to the entry in context that the module goes.
        answered, answered_without: share of questions answered rightly by greedy generation.
        answers: with the module, the wrong ones first.
        invented: names and numbers that stand nowhere in the lore, the most frequent first.
        consistent, consistent_without: of the names and numbers in what it writes about its world, the share that
            stands in the lore; None where there is no lore.
        wrong: questions that the module gets wrong by choice.
    """

    questions: int
    form: str
    recall: tuple[Recalled, ...]
    gap_right: Estimate | None = None
    gap_nats: Estimate | None = None
    answered: Estimate | None = None
    answered_without: Estimate | None = None
    answers: tuple[Answered, ...] = ()
    invented: tuple[str, ...] = ()
    consistent: Estimate | None = None
    consistent_without: Estimate | None = None
    wrong: tuple[str, ...] = ()


class Neutral(msgspec.Struct, frozen=True):
    """What a module does to text that is neither of its voice nor of its world: ``harm`` 0.01 is 1 % more loss."""

    bits_without: float
    bits_with: float
    harm: Estimate
    tokens: int


class Stacked(msgspec.Struct, frozen=True):
    """The module among others: the names in the order they stand before the text, and its gain there.

    Attributes:
        gain: nats per token that the stack saves over nothing in front, on the module's own ground.
        kept: that as a share of what the module saves alone.
    """

    order: tuple[str, ...]
    gain: Estimate
    kept: Estimate | None


class CoLoad(msgspec.Struct, frozen=True):
    """The co-load table. ``stand_ins`` says that the neighbours were made of other texts' words for the occasion."""

    unit: str
    alone: Estimate
    rows: tuple[Stacked, ...]
    stand_ins: bool = False

    @property
    def worst(self) -> float | None:
        """The smallest share of the alone gain that is kept."""
        return min((row.kept.value for row in self.rows if row.kept is not None), default=None)


class Recital(msgspec.Struct, frozen=True):
    """Whether the module recites the pages it was trained on.

    Attributes:
        share: of the words written that stand in a run of eight or more of the training text.
        longest: words of the longest such run, which is ``text``.
        recites: whether a writer should look before sharing.
    """

    share: float
    longest: int
    text: str
    recites: bool
    sentence: str


class Evaluated(Message, frozen=True, kw_only=True):
    """The result of an evaluation, and the evidence on a module's card.

    Attributes:
        digest: of the module's vectors: evidence about others is not shown.
        tokens: that were read or written for it; ``seconds``: that it took.
        repetition: share of written words that repeat a run of four from the 200 words before.
        headline: one sentence; ``advice``: what to do; ``notes``: what could not be measured, and why.
    """

    module: str
    kind: str
    model: str
    digest: str
    date: str
    virtual_tokens: int
    quick: bool
    seconds: float
    tokens: int
    headline: str
    style: StyleEvidence | None = None
    world: WorldEvidence | None = None
    neutral: Neutral | None = None
    co_load: CoLoad | None = None
    recital: Recital | None = None
    repetition: float | None = None
    repetition_without: float | None = None
    advice: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
