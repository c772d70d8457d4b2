"""Questions that a world module is not trained on: the loss of their answers, and how many it gets right.

An answer is right where it is likelier, per token, than three answers to other questions of the same kind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...backends.torch.load import TorchModel
from ...evaluation.bits import Bits
from ...forward.distillation_loss import TeacherTargets
from ...forward.prompt_loss import PromptLoss
from ...plain_text import one_line
from ...self_study.example import Example
from .piece import Piece, ids_of, pieces_of


OPTIONS = 4  # answers to choose from, the right one among them
NEAREST = 12  # answers of about the same length from which the wrong ones are drawn
ROW = 512
SHOWN = 100  # characters of a question that a person is shown


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answers, the right one first; ``size`` is that one's bytes, ``text`` what a person reads."""

    text: str
    options: tuple[Piece, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Answered(Bits):
    """The loss of right answers, one stretch a question, and which questions were answered wrong."""

    asked: int = 0
    wrong: tuple[str, ...] = ()

    @property
    def right(self) -> int:
        return self.asked - len(self.wrong)


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions to measure with."""

    questions: tuple[Question, ...]

    @classmethod
    def of(cls, kept: Sequence[Example], others: Sequence[Example], frozen: TorchModel, most: int) -> Questions:
        """Make questions of ``kept``, with wrong answers from among ``others`` of the same kind.

        Args:
            most: tokens a piece may have; what is longer is cut.
        """
        return cls(tuple(_question(example, [*kept, *others], frozen, most) for example in kept))

    @property
    def tokens(self) -> int:
        """Tokens of all right answers."""
        return sum(question.options[0].learned for question in self.questions)

    @property
    def documents(self) -> tuple[Question, ...]:
        return self.questions

    def first(self, count: int) -> Questions:
        """Return ``count`` of them, from all over."""
        if count >= len(self.questions):
            return self
        step = len(self.questions) / max(1, count)
        return Questions(tuple(self.questions[int(i * step)] for i in range(count)))

    @torch.no_grad()
    def answered(self, loss: PromptLoss, prompt: Tensor | None, reserve: int) -> Answered:
        """Measure them behind ``prompt``, float32 ``[tokens, width]`` or None.

        Args:
            reserve: virtual tokens to leave room for; pass the same number with and without a prompt.
        """
        pieces = [piece for question in self.questions for piece in question.options]
        rows = _rows(pieces, min(ROW, loss.frozen.context - reserve))
        parts = loss.row_threads.each(lambda row: _losses(loss, prompt, [pieces[number] for number in row]), rows)
        totals = [total for part in parts for total in part]
        stretches, wrong, at = [], [], 0
        for question in self.questions:
            mine = totals[at : at + len(question.options)]
            at += len(mine)
            stretches.append(mine[0])
            means = [total / max(1, piece.learned) for total, piece in zip(mine, question.options, strict=True)]
            if min(means) < means[0]:
                wrong.append(question.text)
        total, size = sum(stretches), sum(question.size for question in self.questions)
        nats, bits = total / max(1, self.tokens), total / math.log(2) / max(1, size)
        return Answered(nats, bits, self.tokens, size, tuple(stretches), len(self.questions), tuple(wrong))


def _question(example: Example, others: Sequence[Example], frozen: TorchModel, most: int) -> Question:
    wrong = _wrong_answers(example, others)
    options = []
    for answer in (example.answer, *wrong):
        ids, scored = ids_of(_with_answer(example, answer), frozen)
        options.append(pieces_of(ids[:most], min(scored, most - 1), most)[0])
    return Question(_asked(example), tuple(options), len(example.answer.encode()))


def _asked(example: Example) -> str:
    """Return the end of the prompt, which is the question, on one line."""
    asked = one_line(example.prompt, 10_000).strip()
    return asked if len(asked) <= SHOWN else f"… {asked[-SHOWN:].lstrip()}"


def _with_answer(example: Example, answer: str) -> Example:
    return Example(example.kind, example.entries, example.view, example.prompt, answer, special=example.special)


def _wrong_answers(example: Example, others: Sequence[Example]) -> list[str]:
    """Return answers to questions about other entries: of the same kind and nearly the same length, always the same."""
    right = example.answer.strip().casefold()
    found: dict[str, str] = {}
    for other in others:
        plain = other.answer.strip().casefold()
        if other.kind == example.kind and not set(other.entries) & set(example.entries) and plain != right:
            found.setdefault(plain, other.answer)
    nearest = sorted(found.values(), key=lambda answer: (abs(len(answer) - len(example.answer)), answer))[:NEAREST]
    step = max(1, len(nearest) // (OPTIONS - 1))
    return nearest[::step][: OPTIONS - 1]


def _rows(pieces: Sequence[Piece], length: int) -> list[list[int]]:
    rows: list[list[int]] = [[]]
    filled = 0
    for number, piece in enumerate(pieces):
        if rows[-1] and filled + len(piece.ids) > length:
            rows.append([])
            filled = 0
        rows[-1].append(number)
        filled += len(piece.ids)
    return [row for row in rows if row]


def _losses(loss: PromptLoss, prompt: Tensor | None, pieces: Sequence[Piece]) -> list[float]:
    """Return the total loss of each piece's scored tokens, nats; they stand in one row."""
    device = loss.frozen.device
    ids = torch.tensor([[token for piece in pieces for token in piece.ids]], device=device)
    documents = torch.tensor([[n for n, piece in enumerate(pieces) for _ in piece.ids]], device=device)
    at = torch.tensor([[i >= piece.scored for piece in pieces for i in range(len(piece.ids))][1:]], device=device)
    losses = loss.against(prompt, ids, documents, at, TeacherTargets.of_labels(ids[:, 1:][at], 1)).double()
    return [float(part.sum()) for part in losses.split([piece.learned for piece in pieces])]
