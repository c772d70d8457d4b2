"""The evidence of a world module: what it recalls with the lore out of view, by choice and in its own words."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..errors import BadInput, BadUsage
from ..evidence import Answered, Estimate, WorldEvidence
from ..lorebook import read as read_book
from ..records import Progress
from ..self_study import LoreEntry, read_lore
from ..self_study.names import invented, known_names, spans
from ..soft_prompt.deep_prefix import AnyModule
from . import bootstrap
from .bootstrap import Table
from .work import Work
from .world.answers import LONGEST_ANSWER, answers, most_invented
from .world.form import PLAIN
from .world.made import made_questions
from .world.questions import Question, read_questions, views
from .world.recall import Asked, ChoiceLosses, choice_losses, gap_closed, gap_is_clear


T = TypeVar("T")

FEWEST = 8  # questions; fewer say nothing
SHOWN = 40  # answers that are kept
A_QUESTION = 32  # tokens of one with its choices, about


@dataclass(frozen=True, slots=True)
class World:
    """A world to ask about.

    Attributes:
        views: what of the lore answers a question, by its ``entry``; empty where there is no lore.
        lore: all of it as one text; ``titles``: what its entries are about.
        made: whether the questions were made of the lore by rule.
    """

    questions: tuple[Question, ...]
    views: Mapping[str, str]
    lore: str
    made: bool
    titles: tuple[str, ...] = ()

    def openings(self, count: int) -> list[str]:
        """Return ``count`` beginnings of sentences, each with a title of the lore; none where there is no lore."""
        return [f"{title} " for title in _some(self.titles, count)]


def world_of(questions: str, lore: Sequence[str], most: int) -> World:
    """Read the questions in a file, or make some of ``lore``; at most ``most``, from all parts of it.

    Raises:
        BadInput: a file is unreadable, or there is too little to ask about.
    """
    entries = read_lore([Path(name) for name in lore]).entries if lore else ()
    asked = read_questions(Path(questions)) if questions else made_questions(entries, most)
    if not questions and len(asked) < FEWEST:
        raise BadInput(
            f"Only {len(asked)} questions can be made of this lore by rule; {FEWEST} are the least.",
            "Give a file of questions of your own: --questions FILE.",
        )
    if len(asked) > most:
        asked = tuple(asked[number * len(asked) // most] for number in range(most))
    by_name = _views(entries)
    for name in lore:
        try:
            by_name |= views(asked, read_book(Path(name)))
        except BadInput:  # no lorebook, but a text, whose passages are entries already
            continue
    return World(
        asked,
        {question.entry: by_name[question.entry] for question in asked if question.entry in by_name},
        "\n".join(entry.view for entry in entries),
        not questions,
        tuple(dict.fromkeys(entry.title for entry in entries if entry.about)),
    )


def _views(entries: Sequence[LoreEntry]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        for name in entry.names:
            found.setdefault(name, entry.view.strip())
    return found


def tokens_to_read(work: Work, world: World) -> int:
    """Return about how many tokens :func:`world_evidence` reads; written ones count as many times as they take."""
    view = sum(map(len, world.views.values())) // 4 if world.views else 0
    return len(world.questions) * A_QUESTION * (3 if world.views else 2) + view + _written(work, world) * 4


def _written(work: Work, world: World) -> int:
    return 2 * min(work.budget.written, len(world.questions)) * LONGEST_ANSWER // 2


def world_evidence(work: Work, world: World) -> Generator[Progress, None, WorldEvidence]:
    """Ask the questions behind nothing, the module, and (where there is lore) the entry itself.

    Raises:
        BadUsage: the module leaves no room for a question.
    """
    if work.scorer(work.module).room < 2 * A_QUESTION:
        raise BadUsage("The module leaves no room in the context for a question.", "Take a larger context.")
    if world.made:
        work.notes.append("The questions were made of the lore by rule; your own say more: --questions FILE.")
    nothing = yield from _asked(work, world, "nothing", ())
    module = yield from _asked(work, world, "module", (work.module,))
    asked, gaps, clear = [nothing, module], None, (False, False)
    if len(world.views) and all(question.entry in world.views for question in world.questions):
        in_context = yield from _asked(work, world, "entry in context", (), world.views)
        asked.append(in_context)
        gaps, clear = gap_closed(nothing, module, in_context), gap_is_clear(nothing, in_context)
        if not clear[0]:
            work.notes.append(
                "With the entry in view the model itself does not clearly choose better, so there is no way to close: "
                "a larger model, or more questions, would tell."
            )
    else:
        work.notes.append("There is no lore for some questions, so there is no ceiling: --lore FILE.")
    some = _some(world.questions, work.budget.written)
    without = yield from _answered(work, world, some, ())
    with_it = yield from _answered(work, world, some, (work.module,))
    recalled = [one.evidence for one in asked]
    return WorldEvidence(
        questions=len(world.questions),
        form=PLAIN.name,
        recall=tuple(recalled),
        gap_right=gaps[0] if gaps and clear[0] else None,
        gap_nats=gaps[1] if gaps and clear[1] else None,
        answered=bootstrap.mean([one.right for one in with_it]),
        answered_without=bootstrap.mean([one.right for one in without]),
        answers=tuple(sorted(with_it, key=lambda one: one.right)[:SHOWN]),
        invented=most_invented(with_it),
        wrong=tuple(
            question.question
            for question, losses in zip(world.questions, module.losses, strict=True)
            if not losses.right
        ),
    )


def consistency(world: World, starts: Sequence[str], written: Sequence[str]) -> Estimate | None:
    """Return which share of the names and numbers in ``written`` stands in the lore; None where there is no lore.

    Args:
        starts: the openings that each text of ``written`` goes on with; their own names count for nothing.
    """
    if not world.lore:
        return None
    known = known_names([world.lore])
    rows = []
    for start, text in zip(starts, written, strict=True):
        named = sum(len(span.text.split()) for span in spans(text, known))
        made_up = min(named, len(invented(text, f"{world.lore}\n{start}")))
        rows.append((named - made_up, named))
    return bootstrap.estimate(rows, lambda means: means[:, 0] / means[:, 1]) if any(row[1] for row in rows) else None


def _some(questions: Sequence[T], most: int) -> list[T]:
    """Return at most ``most`` of ``questions``, from all parts of them."""
    if len(questions) <= most:
        return list(questions)
    return [questions[number * len(questions) // most] for number in range(most)]


def _asked(
    work: Work, world: World, front: str, modules: Sequence[AnyModule], shown: Mapping[str, str] | None = None
) -> Generator[Progress, None, Asked]:
    losses: list[ChoiceLosses] = []
    for one in choice_losses(work.scorer(*modules), world.questions, shown):
        losses.append(one)
        yield work.step(f"asking behind {front}", A_QUESTION)
    return Asked(front, tuple(losses))


def _answered(
    work: Work, world: World, questions: Sequence[Question], modules: Sequence[AnyModule]
) -> Generator[Progress, None, list[Answered]]:
    found: list[Answered] = []
    for one in answers(work.engine, work.stack(modules), questions, world.lore, cancelled=work.stop):
        found.append(one)
        yield work.step("letting it answer", LONGEST_ANSWER // 2, written=True)
    return found


def stack_loss(work: Work, world: World, front: Sequence[AnyModule]) -> Generator[int, None, Table]:
    """Ask some questions behind a stack for the co-load table: float64 ``[questions, 2]``, nats and tokens."""
    losses: list[ChoiceLosses] = []
    for one in choice_losses(work.scorer(*front), _some(world.questions, work.budget.stack_questions)):
        losses.append(one)
        yield A_QUESTION
    return Asked("stack", tuple(losses)).table[:, 2:]
