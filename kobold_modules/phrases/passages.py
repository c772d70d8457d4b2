"""The search for passages: which of the writer's own pages, put in front, lower the loss of other pages most.

Greedy, one passage after another. Each round is a race (successive halving: Jamieson and Talwalkar, Non-stochastic best
arm identification and hyperparameter optimization, AISTATS 2016): all candidates are tried on a few stretches, the
better third on more, the best of those on all. The model reads what stands in front once, and every stretch branches
off it; a second passage stands behind the first, whose keys and values are there already.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..generation.inspection.inspect import OpenEngine
from ..records import Progress
from ..soft_prompt.stack import Stack
from .candidates import Material, Stretch


BETWEEN = "\n\n"  # between two passages, and behind the last
RACE = ((1.0, 0.25), (0.25, 0.5), (0.1, 1.0))  # share of the candidates that run, share of the stretches they run on
TRIED = 64  # tokens of each stretch that is to be predicted: more places say more than longer ones
LATER = 0.25  # of the candidates, the best of the first round, that run in a later one


@dataclass(frozen=True, slots=True)
class Step:
    """A phrase on the way: its stretches, and the bits per byte of what it was tried on."""

    stretches: tuple[Stretch, ...]
    bits_per_byte: float


@dataclass(frozen=True, slots=True)
class Passages:
    """What a search found.

    Attributes:
        text: what to put in front, with a blank line at its end; empty if nothing was found.
        steps: with nothing in front, and after each passage that helped.
        tried: how many texts were tried in front.
        stopped: whether it was stopped before its end.
    """

    text: str
    steps: tuple[Step, ...]
    tried: int
    stopped: bool


def joined(stretches: Sequence[Stretch]) -> str:
    """Return ``stretches`` as text to put in front: in the order they were found, but those of one place together."""
    parts: list[list[Stretch]] = []
    for one in stretches:
        before = next(
            (part for part in parts if (part[-1].document, part[-1].place + 1) == (one.document, one.place)), None
        )
        if before is None:
            parts.append([one])
        else:
            before.append(one)
    return "".join(" ".join(one.text for one in part) + BETWEEN for part in parts)


@dataclass(slots=True)
class _Trial:
    """Losses of what stood behind a text: nats and bytes of each stretch that it was tried on so far."""

    stretches: tuple[Stretch, ...]
    nats: list[float] = field(default_factory=list)


class PassageSearch:
    """A search on one engine.

    Args:
        room: tokens that may stand in front.
    """

    def __init__(self, engine: OpenEngine, material: Material, room: int) -> None:
        self._engine, self._material, self._room = engine, material, room
        windows = [engine.tokenize(one.text)[:TRIED] for one in material.tried_on]
        self._windows = [ids for ids in windows if len(ids) > 1]
        self._bytes = [sum(len(engine.piece(token)) for token in ids[1:]) for ids in self._windows]
        self._tried = 0

    def run(
        self, passages: int, words: int, cancelled: Callable[[], bool] = lambda: False
    ) -> Generator[Progress, None, Passages]:
        """Search up to ``passages`` passages of ``words`` words together; a cancel leaves what was found so far."""
        plain = _Trial(())
        self._try(plain, len(self._windows), cancelled)
        steps = [Step((), self._bits(plain))]
        ranked: list[Stretch] = list(self._material.candidates)
        began, done, total = time.monotonic(), 0, self._planned(passages)
        for number in range(passages):
            chosen = steps[-1].stretches
            runners = [_Trial((*chosen, one)) for one in self._runners(ranked, chosen, number)]
            runners = [one for one in runners if self._fits(one, words)]
            for share, part in RACE:
                count = max(1, math.ceil(share * len(runners))) if runners else 0
                field_ = sorted(runners, key=self._bits)[:count] if runners and runners[0].nats else runners[:count]
                for trial in field_:
                    self._try(trial, math.ceil(part * len(self._windows)), cancelled)
                    done += 1
                    seconds = (time.monotonic() - began) / done * max(0, total - done)
                    yield Progress("searching passages", min(done, total), total, seconds)
                    if cancelled():
                        return self._found(steps, stopped=True)
                if not number and share == 1.0:
                    order = sorted(runners, key=self._bits)
                    ranked = [trial.stretches[-1] for trial in order]
                runners = field_
            best = min(runners, key=self._bits, default=None)
            if best is None or self._bits(best) >= steps[-1].bits_per_byte:
                break
            steps.append(Step(best.stretches, self._bits(best)))
        yield Progress("searching passages", total, total, 0.0)
        return self._found(steps, stopped=False)

    def _found(self, steps: Sequence[Step], stopped: bool) -> Passages:
        return Passages(joined(steps[-1].stretches), tuple(steps), self._tried, stopped)

    def _planned(self, passages: int) -> int:
        """Return about how many trials there will be."""
        first = len(self._material.candidates)
        later = math.ceil(LATER * first) + 1
        return sum(math.ceil(share * many) for many in (first, *[later] * (passages - 1)) for share, _ in RACE)

    def _runners(self, ranked: Sequence[Stretch], chosen: Sequence[Stretch], number: int) -> list[Stretch]:
        """Return what may come next: all at first, then the best of those, and what goes on from a chosen one."""
        if not number:
            return list(ranked)
        best = list(ranked[: math.ceil(LATER * len(ranked))])
        going_on = [self._material.following.get((one.document, one.place + 1)) for one in chosen]
        return [one for one in dict.fromkeys([*going_on, *best]) if one is not None and one not in chosen]

    def _fits(self, trial: _Trial, words: int) -> bool:
        if sum(one.words for one in trial.stretches) > words:
            return False
        return len(self._engine.tokenize(joined(trial.stretches))) <= self._room

    def _try(self, trial: _Trial, count: int, cancelled: Callable[[], bool]) -> None:
        """Let ``trial`` predict the first ``count`` stretches, those it has not predicted yet."""
        todo = self._windows[len(trial.nats) : count]
        if not todo or cancelled():
            return
        self._tried += not trial.nats
        trial.nats += [
            float(-found.sum(dtype=np.float64)) for found in behind(self._engine, joined(trial.stretches), todo)
        ]

    def _bits(self, trial: _Trial) -> float:
        """Return bits per byte of what ``trial`` predicted, as far as it got; infinite before that."""
        if not trial.nats:
            return math.inf
        return sum(trial.nats) / math.log(2) / sum(self._bytes[: len(trial.nats)])


def behind(
    engine: OpenEngine, text: str, windows: Sequence[list[int]], stack: Stack | None = None
) -> list[NDArray[np.float32]]:
    """Return the natural-log probabilities of each window's tokens but the first, behind ``text`` and ``stack``.

    Args:
        windows: ids, at least two each.

    Returns:
        float32 ``[n - 1]`` for a window of ``n`` tokens: the same tokens whatever stands in front.
    """
    stack = Stack() if stack is None else stack
    front = engine.tokenize(text)
    if not front:
        return [engine.score(list(ids), stack)[1 - len(ids) :] for ids in windows]
    return [found[1:] for found in engine.score_endings(front, [list(ids) for ids in windows], stack)]
