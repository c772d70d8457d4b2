"""Closed-book recall by choice: how likely each of a question's choices is, with the lore out of view.

A question is right where its true choice has the highest total log-likelihood of all (the rule of lm-evaluation-harness
for short answers; by log-likelihood a token is told beside it). The finer measure is the loss of the true answer in
nats per answer token, over all questions. Both stand between "nothing in front" and "the entry in the context".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...evidence import Estimate, Recalled
from .. import bootstrap
from ..bootstrap import Table
from ..scorer import Scorer
from .form import PLAIN, Form
from .questions import Question


@dataclass(frozen=True, slots=True)
class ChoiceLosses:
    """The losses of one question's choices: ``totals`` in nats, over so many ``tokens`` each."""

    totals: tuple[float, ...]
    tokens: tuple[int, ...]
    answer: int

    @property
    def right(self) -> bool:
        """Whether the true choice is the likeliest as a whole."""
        return int(np.argmin(self.totals)) == self.answer

    @property
    def right_by_length(self) -> bool:
        """Whether it is the likeliest a token."""
        return int(np.argmin(np.divide(self.totals, self.tokens))) == self.answer


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions asked with one thing in front."""

    front: str
    losses: tuple[ChoiceLosses, ...]

    @property
    def table(self) -> Table:
        """float64 ``[questions, 4]``: right, right by length, nats of the true answer, its tokens."""
        return np.array(
            [(one.right, one.right_by_length, one.totals[one.answer], one.tokens[one.answer]) for one in self.losses],
            dtype=np.float64,
        ).reshape(-1, 4)

    @property
    def evidence(self) -> Recalled:
        """Shares and nats with their intervals."""
        table = self.table
        return Recalled(
            self.front,
            bootstrap.estimate(table, lambda means: means[:, 0]),
            bootstrap.estimate(table, lambda means: means[:, 1]),
            bootstrap.estimate(table, lambda means: means[:, 2] / means[:, 3]),
        )


def choice_losses(
    scorer: Scorer, questions: Sequence[Question], views: Mapping[str, str] | None = None, form: Form = PLAIN
) -> Iterator[ChoiceLosses]:
    """Yield the losses of each question's choices behind ``scorer``'s rows.

    Args:
        views: what of the lore stands before a question, by its ``entry``; None is closed book.
    """
    asked = []
    for question in questions:
        view = "" if views is None else views.get(question.entry, "")
        before = scorer.encode(form.prompt(question.question, view))
        endings = [scorer.encode(form.ending(choice)) for choice in question.choices]
        room = scorer.room - max(map(len, endings))
        asked.append((before[-max(1, room) :], endings))
    for question, losses in zip(questions, scorer.endings(asked), strict=True):
        yield ChoiceLosses(
            tuple(float(values.sum()) for values in losses), tuple(len(values) for values in losses), question.answer
        )


def ask(
    scorer: Scorer,
    questions: Sequence[Question],
    front: str = "module",
    views: Mapping[str, str] | None = None,
    form: Form = PLAIN,
) -> Asked:
    """Ask all ``questions`` at once; see :func:`choice_losses`."""
    return Asked(front, tuple(choice_losses(scorer, questions, views, form)))


def gap_is_clear(nothing: Asked, in_context: Asked) -> tuple[bool, bool]:
    """Return whether the entry in view clearly helps at all: in answers, and in nats."""
    table = np.hstack([nothing.table, in_context.table])
    answers = bootstrap.estimate(table, lambda means: means[:, 4] - means[:, 0])
    nats = bootstrap.estimate(table, lambda means: means[:, 2] / means[:, 3] - means[:, 6] / means[:, 7])
    return answers.above_zero, nats.above_zero


def gap_closed(nothing: Asked, module: Asked, in_context: Asked) -> tuple[Estimate, Estimate]:
    """Return the share of the way from ``nothing`` to ``in_context`` that ``module`` goes: in answers, and in nats.

    All three asked the same questions, which are drawn together.
    """
    table = np.hstack([nothing.table, module.table, in_context.table])

    def in_answers(means: Table) -> Table:
        share: Table = (means[:, 4] - means[:, 0]) / (means[:, 8] - means[:, 0])
        return share

    def in_nats(means: Table) -> Table:
        floor, found, ceiling = (means[:, at] / means[:, at + 1] for at in (2, 6, 10))
        share: Table = (floor - found) / (floor - ceiling)
        return share

    return bootstrap.estimate(table, in_answers), bootstrap.estimate(table, in_nats)
