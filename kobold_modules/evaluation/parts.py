"""The parts of an evaluation in their order: pages, recall, writing, reciting, and the module among others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..evidence import CoLoad, Neutral, Recital
from ..records import Progress
from ..soft_prompt.deep_prefix import AnyModule
from . import of_style, of_world
from .bootstrap import Table
from .held_out import WINDOW, HeldOut
from .memorisation import RUN, extraction, overlap
from .own_words import words_as_rows
from .page_loss import PageLoss, page_loss
from .pages import Pages
from .settings import MOST_BESIDE
from .stacking import co_load
from .style.report import measure_style
from .work import WRITTEN, Work
from .writing import GREEDY, openings, repeated, write


MOST_STAND_IN = 100  # rows
PASSAGE_WORDS = 30  # of a training page that the module is given
PASSAGE_TOKENS = 48  # that it goes on with
COPIED_MORE = 0.25  # of the passages: how many more than the plain model a module may copy

Found = Generator[Progress, None, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated: a module, and the pages and the world that it is evaluated on.

    Attributes:
        pages: None where it is not evaluated as a style; ``world``: None where not as a world.
        learned: the texts that it was trained on, empty where they are not at hand.
        others: texts of other voices by name.
    """

    module: AnyModule
    pages: Pages | None
    learned: tuple[str, ...]
    world: of_world.World | None
    others: Mapping[str, str]


def measured(work: Work, subject: Subject, beside: Sequence[AnyModule]) -> Found:
    """Measure everything that there is something to measure on; return parts of Evaluated by name.

    Args:
        beside: modules for the co-load table; words of other voices stand in where there are fewer than three.
    """
    neighbours = _neighbours(work, subject, beside)
    work.total = _tokens(work, subject, len(neighbours))
    found: dict[str, Any] = {}
    if subject.pages is not None:
        found["style"], found["neutral"] = yield from of_style.page_evidence(work, subject.pages, subject.others)
    if subject.world is not None:
        found["world"] = yield from of_world.world_evidence(work, subject.world)
        if found.get("neutral") is None:
            found["neutral"] = yield from _neutral(work, subject.others)
    found |= yield from _writing(work, subject, found)
    found["co_load"] = yield from _co_load(work, subject, neighbours, stand_ins=len(beside) < len(neighbours))
    return found


def _tokens(work: Work, subject: Subject, neighbours: int) -> int:
    """Return about how many tokens everything takes; written ones count as many times as they take."""
    budget = work.budget
    total = 2 * WRITTEN * budget.takes * budget.take + WRITTEN * budget.long
    total += 2 * WRITTEN * budget.passages * PASSAGE_TOKENS if subject.learned else 0
    stacks = 2 + (2 if neighbours else 0) + (2 if neighbours > 1 else 0)
    if subject.pages is not None:
        total += of_style.tokens_to_read(work, subject.pages, subject.others) + stacks * budget.stack
    elif subject.world is not None:
        total += stacks * budget.stack_questions * of_world.A_QUESTION + 2 * budget.others * len(subject.others)
    return total + (of_world.tokens_to_read(work, subject.world) if subject.world is not None else 0)


def _neutral(work: Work, others: Mapping[str, str]) -> Generator[Progress, None, Neutral | None]:
    """Measure what the module does to text that has nothing to do with its world."""
    pages = HeldOut.of(tuple(others.values()), work.engine.tokenize, work.budget.others * len(others))
    window = min(WINDOW, work.engine.info.context - work.module.tokens)
    losses: list[PageLoss] = []
    for front in ((work.module,), ()):
        reading = page_loss(work.scorer(*front), pages, window)
        losses.append((yield from work.counted("measuring other texts", reading)))
    return of_style.neutral_of(losses[0], losses[1], pages.tokens)


def _writing(work: Work, subject: Subject, found: Mapping[str, Any]) -> Found:
    """Let the module write, with it and without, and measure that."""
    budget = work.budget
    pages = subject.pages.held_out if subject.pages is not None else tuple(subject.others.values())
    of_its_world = subject.world.openings(budget.takes) if subject.world is not None and subject.pages is None else []
    starts = of_its_world or openings(pages, budget.takes) or [" "]
    lengths = [budget.long, *([budget.take] * (len(starts) - 1))]
    written = yield from _written(work, (work.module,), starts, lengths)
    plain = yield from _written(work, (), starts, [budget.take] * len(starts))
    parts: dict[str, Any] = {
        "repetition": _mean([repeated(text) for text in written]),
        "repetition_without": _mean([repeated(text) for text in plain]),
    }
    if of_its_world and subject.world is not None:
        with_it, without = (of_world.consistency(subject.world, starts, texts) for texts in (written, plain))
        parts["world"] = msgspec.structs.replace(found["world"], consistent=with_it, consistent_without=without)
    style = found.get("style")
    if style is not None and subject.pages is not None:
        others = {name: [text] for name, text in subject.others.items()}
        report = measure_style(written, subject.learned, subject.pages.held_out, others, plain, work.seed)
        work.notes += [note for note in report.notes if note not in work.notes]
        parts["style"] = of_style.with_writing(style, report, starts[0] + written[0][:600])
    if subject.learned:
        held_out = subject.pages.held_out if subject.pages is not None else ()
        parts["recital"] = yield from _recital(work, subject.learned, written, held_out)
    else:
        work.notes.append("The texts it was trained on are not at hand, so whether it recites them is not known.")
    return parts


def _recital(
    work: Work, learned: Sequence[str], written: Sequence[str], held_out: Sequence[str]
) -> Generator[Progress, None, Recital]:
    """Hold what was written against the training text, and see how far the module goes on with its pages by heart."""
    starts = openings(learned, work.budget.passages, PASSAGE_WORDS)
    whole = "\n\n".join(learned)
    true = [whole[whole.find(start) + len(start) :][: 8 * PASSAGE_TOKENS] for start in starts]
    lengths = [PASSAGE_TOKENS] * len(starts)
    by_heart = yield from _written(work, (work.module,), starts, lengths, greedy=True)
    plain = yield from _written(work, (), starts, lengths, greedy=True)
    copied = extraction(list(zip(true, by_heart, strict=True)))
    usual = extraction(list(zip(true, plain, strict=True)))
    told = overlap(written, learned, held_out)
    more = copied.share > usual.share + COPIED_MORE
    sentence = told.sentence
    if more and not told.recites:
        sentence = (
            f"It knows its training pages by heart: of {copied.passages} pages it was given the beginning of, it went "
            f"on with {round(copied.share * copied.passages)} word for word, {RUN} words and more."
        )
    return Recital(told.share, max(told.longest_run, copied.longest), told.longest_text, told.recites or more, sentence)


def _written(
    work: Work, front: Sequence[AnyModule], starts: Sequence[str], lengths: Sequence[int], greedy: bool = False
) -> Generator[Progress, None, list[str]]:
    settings: dict[str, Any] = {"settings": GREEDY} if greedy else {}
    writing = write(work.engine, work.stack(front), starts, lengths, work.seed, cancelled=work.stop, **settings)
    stage = "seeing whether it recites" if greedy else "letting it write"
    return (yield from work.counted(stage, writing, written=True))


def _co_load(
    work: Work, subject: Subject, neighbours: Sequence[AnyModule], stand_ins: bool
) -> Generator[Progress, None, CoLoad | None]:
    """Measure the module among others, on its author's pages or on the questions on its world."""
    loss_of: Callable[[Sequence[AnyModule]], Generator[int, None, Table]]
    if subject.world is not None:
        world, unit = subject.world, "nats per answer token"

        def loss_of(front: Sequence[AnyModule]) -> Generator[int, None, Table]:
            return of_world.stack_loss(work, world, front)

    elif subject.pages is not None:
        pages, unit = HeldOut.of(subject.pages.held_out, work.engine.tokenize, work.budget.stack), "nats per token"

        def loss_of(front: Sequence[AnyModule]) -> Generator[int, None, Table]:
            return of_style.stack_loss(work, pages, front)

    else:
        return None
    if not neighbours:
        work.notes.append("The context has no room for other modules beside it, so there is no co-load table.")
        return None
    table = co_load(work.module, neighbours, loss_of, lambda module: module.name, unit, stand_ins)
    return (yield from work.counted("measuring it beside others", table))


def _neighbours(work: Work, subject: Subject, beside: Sequence[AnyModule]) -> list[AnyModule]:
    """Return up to three modules for the co-load table; words of other voices where there are none, as many as fit."""
    found = list(beside)
    tokens = min(work.module.tokens, MOST_STAND_IN)
    for name, text in subject.others.items():
        if len(found) < MOST_BESIDE:
            ids = work.engine.tokenize(text[: 12 * tokens])[:tokens]
            found.append(words_as_rows(work.file, ids, f"{name} (words)"))
    while found and work.module.tokens + sum(each.tokens for each in found) > work.engine.info.context // 2:
        found.pop()
    return found


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 5) if values else 0.0
