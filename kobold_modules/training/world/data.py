"""A world's lore as training data: examples of self-study, the teacher's answers to them, and questions kept apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...corpus import Corpus, Split
from ...errors import BadInput, BadText
from ...evaluation.control_texts import TOKENS, other_texts
from ...forward.distillation_loss import TeacherTargets
from ...forward.prompt_loss import PromptLoss
from ...models.reference import ModelFile
from ...paths import self_study_dir
from ...records import Note, Record
from ...self_study import Example, LoreEntry, StudySettings, read_lore, study
from ..data import TrainingData
from ..settings import TrainingRequest
from .mixture import Mixture, Pool
from .neutral import Neutral
from .piece import Piece, ids_of, pieces_of, view_of
from .questions import Questions
from .recipe import (
    A_SECOND,
    FIRST_ASKED,
    LONGEST_RECITATION,
    MOST_FACTS,
    NEUTRAL_PIECE,
    NEUTRAL_PIECES,
    PROMPT_WEIGHT,
    RECITATION_WEIGHT,
    ROW,
    advised_tokens,
)
from .splitting import kept_apart
from .teacher import ask


@dataclass(frozen=True, slots=True)
class Studied:
    """Lore, and the examples that were made of it; ``seconds`` is how long that took."""

    entries: tuple[LoreEntry, ...]
    examples: tuple[Example, ...]
    coverage: float
    seconds: float


def lore_of(request: TrainingRequest) -> tuple[LoreEntry, ...]:
    """Return the entries that ``request`` is to study; none where it is trained on its texts as they are.

    Raises:
        BadText: study was asked for, and there is nothing in the files to study.
    """
    if request.objective == "text" or (request.objective == "auto" and request.kind != "world"):
        return ()
    try:
        entries = read_lore([Path(name) for name in request.files]).entries
    except BadInput as error:
        if request.objective == "auto":
            return ()
        raise BadText(error.message, error.hint) from error
    if request.objective == "auto" and not any(entry.about for entry in entries):
        return ()
    return entries


def studied(
    request: TrainingRequest, entries: Sequence[LoreEntry], file: ModelFile, stop: Callable[[], bool]
) -> Generator[Record, None, Studied]:
    """Make examples of ``entries``, as :func:`kobold_modules.self_study.study` does."""
    began = time.monotonic()
    settings = StudySettings(seconds=60 * request.study_minutes, coverage=request.coverage, seed=request.seed)
    found = yield from study(entries, file, settings, stop)
    examples = tuple(example for example in found.examples if example.answer.strip())
    if not examples:
        raise BadText("There is nothing in this lore to ask about.", "Add entries of a few sentences each.")
    yield Note(
        f"{len(entries):,} entries of lore gave {len(examples):,} examples to study; each part of it comes up "
        f"{found.coverage.times:.0f} times."
    )
    return Studied(tuple(entries), examples, found.coverage.times, time.monotonic() - began)


def lore_tokens(entries: Sequence[LoreEntry], encode: Callable[[str], list[int]]) -> int:
    return sum(len(encode(entry.view)) for entry in entries)


def world_data(
    request: TrainingRequest,
    corpus: Corpus,
    found: Studied,
    loss: PromptLoss,
    first: int = 0,
    teacher: tuple[PromptLoss, Tensor] | None = None,
) -> Generator[Record, None, TrainingData]:
    """Cut examples into rows, ask the teacher, keep questions apart.

    Args:
        first: where the targets will stand among those of other modules.
        teacher: a module that everything about the world is learned from, and the loss that takes it as a prompt; None
            for the recipe's own teachers.
    """
    frozen = loss.frozen
    began = time.monotonic()
    length = min(ROW, request.row, frozen.context - request.tokens)
    train, apart = kept_apart(found.examples, request.seed)
    pools = [
        ("examples", _asked(train, loss, length, request.teacher), 1 - request.recitation - request.neutral),
        ("recitation", _recited(train, loss, min(length, LONGEST_RECITATION)), request.recitation),
        ("neutral", _neutral(corpus, loss, min(length, NEUTRAL_PIECE)), request.neutral),
    ]
    placed, parts, at, held = [], [], first, None
    for name, pieces, share in pools:
        if teacher is not None and name != "neutral":
            pieces = [replace(piece, taught=1.0, view=()) for piece in pieces]
            targets = yield from _targets(name, pieces, teacher[0], teacher[1])
        else:
            targets = yield from _targets(name, pieces, loss)
        mine = []
        for piece in pieces:
            mine.append(piece.placed(at))
            at += piece.learned
        if name == "neutral" and mine and share:
            held = Neutral.of(_others(corpus, loss), mine[0].target, at)
        placed.append(Pool(name, tuple(mine), share))
        parts.append(targets)
    questions = Questions.of(apart, train, frozen, length)
    facts: dict[str, Any] = {
        "objective": "study",
        "entries": len(found.entries),
        "examples": len(train),
        "coverage": round(found.coverage, 1),
        "questions": len(questions.questions),
        "study_seconds": round(found.seconds + time.monotonic() - began, 1),
    }
    few = FIRST_ASKED + request.budget * A_SECOND if request.steps is None else MOST_FACTS
    opening = next((example.prompt for example in apart if not example.special), apart[0].prompt)
    split = Split(tuple(entry.view for entry in found.entries), (opening,))
    return TrainingData(
        request, corpus, split, Mixture(tuple(placed), length), questions.first(int(few)), questions,
        TeacherTargets.joined(parts), found.entries, facts, held,
    )  # fmt: skip


def tokens_for(request: TrainingRequest, entries: Sequence[LoreEntry], loss: PromptLoss) -> int:
    """Return the virtual tokens of ``request``: as asked, or as many as the lore asks for."""
    return request.tokens or advised_tokens(lore_tokens(entries, loss.frozen.encode), loss.frozen.context)


def _asked(examples: Sequence[Example], loss: PromptLoss, most: int, teacher: float) -> list[Piece]:
    """Return the pieces of all that is asked.

    What the model wrote with the lore in view is learned from what it thought likely there; what rules took from the
    lore word for word is learned as it stands, or as far as ``teacher`` says as the model would have put it.
    """
    found = []
    for example in examples:
        if example.kind != "recitation":
            ids, answer = ids_of(example, loss.frozen)
            taught = 1.0 if example.source == "teacher" else teacher
            # what a teacher would ask has no answer in the lore: of its prompts nothing is learned
            scored = answer if taught or not PROMPT_WEIGHT else 1
            pieces = pieces_of(ids, scored, most, view_of(example, loss.frozen), answer)
            found += [replace(piece, taught=taught) for piece in pieces]
    return found


def _recited(examples: Sequence[Example], loss: PromptLoss, most: int) -> list[Piece]:
    """Return the pieces of entries that are recited behind a fixed phrase."""
    return [
        piece
        for example in examples
        if example.kind == "recitation"
        for piece in pieces_of(*ids_of(example, loss.frozen), most)
    ]


def _neutral(corpus: Corpus, loss: PromptLoss, most: int) -> list[Piece]:
    """Return pieces of other voices' text, behind the pages that a card is measured on."""
    pieces: list[Piece] = []
    texts = _others(corpus, loss)
    for text in texts:
        ids = text[2 * TOKENS :]
        step = max(most, len(ids) // max(1, NEUTRAL_PIECES // len(texts)))
        pieces += [
            Piece(tuple(ids[at : at + most]), 1, answer=1, taught=1.0) for at in range(0, len(ids) - most + 1, step)
        ]
    return pieces


def _others(corpus: Corpus, loss: PromptLoss) -> list[list[int]]:
    """Return the ids of other voices' texts."""
    texts = other_texts({document.sha256 for document in corpus.documents})
    return [loss.frozen.encode(text) for text in texts.values()]


def _targets(
    name: str, pieces: Sequence[Piece], loss: PromptLoss, front: Tensor | None = None
) -> Generator[Record, None, TeacherTargets]:
    """Return what ``pieces`` are learned from: the teacher, what is written, or something between the two."""
    labels = torch.tensor([token for piece in pieces for token in piece.ids[piece.scored :]], dtype=torch.int64)
    targets = TeacherTargets.of_labels(labels)
    for share in sorted({piece.taught for piece in pieces} - {0.0}):
        some = [piece for piece in pieces if piece.taught == share]
        asked = (yield from ask(loss, some, self_study_dir(), front)).to("cpu")
        here = torch.tensor([piece.taught == share for piece in pieces for _ in range(piece.learned)])
        asked = asked if share == 1 else asked.towards(labels[here], 1 - share)
        targets.ids[here], targets.shares[here] = asked.ids, asked.shares
    answer = RECITATION_WEIGHT if name == "recitation" else 1.0
    weights = [answer if at >= piece.answer else PROMPT_WEIGHT
               for piece in pieces for at in range(piece.scored, len(piece.ids))]  # fmt: skip
    return targets.weighted(torch.tensor(weights, dtype=torch.float32)).to(loss.frozen.device)
