"""What the fake client answers to questions about takes and words: invented, steady, and different for every stack.

A screen's test needs answers that depend on what was asked as a real model's would: the plain model and each stack
think of other words, and the same seed gives the same take.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from ..answers import Candidate, NearestWords, Neighbour, NextTokens, Place, Scores, StackDivergence, VectorWorth
from ..generation.lore import record_of, with_lore
from ..generation.protocol import Request
from ..lorebook import read
from ..records import Finished, Record, TextChunk
from ..sampling.settings import Sampler
from ..soft_prompt.layer import Layer
from ..worker.messages import Ablate, Compare, Divergence, Lore, Nearest, Peek, Score
from .fake_engine import WORDS, FakeEngine


def digest_of(stack: tuple[Layer[str], ...]) -> int:
    """Return a number for a stack; 0 for none. Names count, not folders: tests run in a new one each time."""
    if not stack:
        return 0
    layers = [(layer.module.replace("\\", "/").rpartition("/")[2], layer.strength, layer.on) for layer in stack]
    return int.from_bytes(hashlib.sha256(repr(layers).encode()).digest()[:3], "big")


def compare(job: Compare, engine: FakeEngine, cancelled: Callable[[], bool]) -> Iterator[Record]:
    """Write all takes at once, a word each in turn."""
    settings = job.sampler
    seeds = job.seeds or (settings.seed if settings.seed is not None else 1,) * len(job.stacks)
    takes = []
    for stack, seed in zip(job.stacks, seeds, strict=True):
        request = Request(text=job.text, max_tokens=job.max_tokens, sampler=Sampler(seed=seed ^ digest_of(stack)))
        takes.append(engine.generate(request, cancelled))
    open_takes = dict(enumerate(takes))
    while open_takes:
        for number, take in list(open_takes.items()):
            record = next(take, None)
            if isinstance(record, TextChunk):
                yield TextChunk(record.text, number)
            elif isinstance(record, Finished):
                yield Finished(record.reason, record.tokens, record.seconds, seeds[number], sequence=number)
            if record is None:
                del open_takes[number]


def peek(job: Peek) -> Record:
    """Return words with falling probabilities, in another order for each text and stack."""
    return NextTokens(_likely(job.text, digest_of(job.stack), job.top), _likely(job.text, 0, job.top))


def divergence(job: Divergence) -> Record:
    """Return a number of bits for each layer, by its name and strength; 0 for one that is off."""
    found = tuple(
        round(layer.strength * random.Random(digest_of((Layer(layer.module),))).uniform(0.02, 0.4), 4)
        if layer.active
        else 0.0
        for layer in job.stack
    )
    return StackDivergence(found, min(1.0, sum(found)))


def lore(job: Lore, engine: FakeEngine) -> Record:
    """Look up lorebooks as a worker does, with the fake engine's tokens."""
    books = [read(Path(name)) for name in job.lore]
    request = Request(text=job.text, memory=job.memory, note=job.note)
    return record_of(with_lore(request, books, engine.info.context, engine.tokenize)[1])


def _likely(text: str, stack: int, top: int) -> tuple[Candidate, ...]:
    draw = random.Random(f"{text[-80:]}")
    words = list(WORDS)
    draw.shuffle(words)
    if stack:  # the stack lifts a few words of its own and leaves the others in their order
        own = random.Random(stack).sample(words, 4)
        words = own[:2] + [word for word in words if word not in own] + own[2:]
    space = "" if not text or text[-1:].isspace() else " "
    weights = [math.exp(-0.35 * place) for place in range(len(words))]
    whole = sum(weights)
    return tuple(
        Candidate(WORDS.index(word), space + word, space + word, weight / whole, 0.0)
        for word, weight in list(zip(words, weights, strict=True))[:top]
    )


def score(job: Score, tokens: list[str]) -> Record:
    """Score between -8 and -1 nats a token; a stack is kinder to some and harder on others."""
    stack = digest_of(job.stack)
    plain: list[float | None] = []
    stacked: list[float | None] = []
    for place, token in enumerate(tokens):
        draw = random.Random(f"{token}:{place}")
        value = -1 - 7 * draw.random()
        plain.append(value if place else None)
        change = random.Random(f"{token}:{stack}").choice((-1.5, -0.2, 0.1, 0.3, 1.4)) if stack else 0.0
        stacked.append(min(0.0, value + change) if place or stack else None)
    return Scores(tuple(tokens), tuple(stacked), tuple(plain))


def nearest(job: Nearest) -> Record:
    """Return words near to the five tokens that every module has here, other ones for each file."""
    name = job.path.replace("\\", "/").rpartition("/")[2]
    rows = []
    for place in range(5):
        words = random.Random(f"{name}:{place}").sample(WORDS, job.top)
        rows.append(tuple(Neighbour(word, round(0.9 - 0.1 * rank, 2)) for rank, word in enumerate(words)))
    places = tuple(Place(row[0].text, round(1.0 + 0.3 * place, 1), 0.5) for place, row in enumerate(rows))
    return NearestWords(tuple(rows), "A curiosity: a virtual token need not mean what it is near to.", places)


def ablate(job: Ablate) -> Record:
    """Return what each of the five tokens that every module has here is worth, other values for each file."""
    chance = random.Random(job.path.replace("\\", "/").rpartition("/")[2])
    return VectorWorth(tuple(round(chance.uniform(-0.01, 0.05), 4) for _ in range(5)), 767)
