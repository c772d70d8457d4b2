"""What held-out text loses behind nothing, a plain description, a phrase and a module: the same windows for all."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..evaluation.held_out import STRETCH, WINDOW, HeldOut, windows
from ..evaluation.interval import Gain, paired_gain
from ..generation.inspection.inspect import OpenEngine
from ..records import Progress
from ..soft_prompt.stack import Stack
from .passages import behind


MEASURED = 1_000  # held-out tokens that everything is compared on
Asked = tuple[str, str, Stack]  # a name, a text and rows, of which one is empty or both are


@dataclass(frozen=True, slots=True)
class Front:
    """Something to put in front of a story, and how well held-out pages are predicted behind it.

    Attributes:
        name: ``nothing``, ``description``, ``phrase`` or ``module``.
        tokens: of the context that it takes.
        gain: over nothing; None for nothing itself.
        effect: how much of the module's effect it has, see ``of_module``; None where that was not asked.
    """

    name: str
    text: str
    tokens: int
    bits_per_byte: float
    nats_per_token: float
    gain: Gain | None
    effect: float | None = None


def asked_of(description: str, phrase: str, module: Stack | None) -> list[Asked]:
    """Return what is measured: nothing, the description, and of a phrase and a module those that there are."""
    asked: list[Asked] = [("nothing", "", Stack()), ("description", description, Stack())]
    asked += [("phrase", phrase, Stack())] if phrase else []
    asked += [("module", "", module)] if module is not None else []
    return asked


def measure(
    engine: OpenEngine,
    held_out: HeldOut,
    asked: Sequence[Asked],
    cancelled: Callable[[], bool] = lambda: False,
    stage: str = "measuring on held-out pages",
    window: int | None = None,
) -> Generator[Progress, None, list[Front]]:
    """Measure all that may stand in front on the same windows; nothing where it was cancelled before the end.

    Args:
        asked: the first is what the others' gains are over.
        window: tokens of text that are read at once; None for as many as fit behind the longest of ``asked``.
    """
    reserve = max(len(engine.tokenize(text)) + stack.tokens for _, text, stack in asked)
    most = max(2, min(WINDOW, engine.info.context - reserve))
    window = most if window is None else min(window, most)
    fronts: list[Front] = []
    plain: list[float] = []
    for number, (name, text, stack) in enumerate(asked):
        yield Progress(stage, number, len(asked))
        if cancelled():
            return []
        losses = _losses(engine, held_out, text, stack, window)
        plain = plain or losses
        fronts.append(
            Front(
                name,
                text,
                len(engine.tokenize(text)) + stack.tokens,
                sum(losses) / math.log(2) / max(1, held_out.bytes),
                sum(losses) / max(1, held_out.tokens),
                paired_gain(losses, plain) if fronts else None,
            )
        )
    yield Progress(stage, len(asked), len(asked))
    return fronts


def _losses(engine: OpenEngine, held_out: HeldOut, text: str, stack: Stack, window: int) -> list[float]:
    """Return the loss in nats of each stretch of about 64 tokens of the held-out text, in order."""
    found: list[float] = []
    for ids in held_out.documents:
        spans = windows(len(ids), window)
        scored = behind(engine, text, [list(ids[start:stop]) for start, _, stop in spans], stack)
        for (start, first, _), values in zip(spans, scored, strict=True):
            losses = -values[first - start - 1 :].astype(float)
            count = max(1, round(len(losses) / STRETCH))
            edges = [round(len(losses) * part / count) for part in range(count + 1)]
            found += [float(losses[a:b].sum()) for a, b in pairwise(edges)]
    return found
