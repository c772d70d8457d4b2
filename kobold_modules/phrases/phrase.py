"""From a writer's pages to a phrase: text to paste into any program's memory, and what it is worth beside a module.

A phrase is readable, works with every program, and costs context; it does less than a module. So it never comes without
the numbers: what held-out pages lose with nothing in front, with a plain description, with the phrase and with a
module.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ..corpus import read_stepwise, require_enough, split
from ..errors import BadText, BadUsage
from ..evaluation.held_out import STRETCH, WINDOW, HeldOut, windows
from ..evaluation.interval import Gain, paired_gain
from ..generation.inspection.inspect import OpenEngine
from ..records import Note, Progress
from ..soft_prompt.stack import Stack
from .candidates import FEWEST, material
from .description import describe
from .passages import BETWEEN, Passages, PassageSearch, behind
from .settings import PhraseRequest


MEASURED = 1_000  # held-out tokens that everything is compared on
LEAST_WINDOW = 128  # tokens of text that must fit behind a phrase
FILLING = 0.85  # of its share of the words that a stretch is cut to, for it ends with a sentence


@dataclass(frozen=True, slots=True)
class Front:
    """Something to put in front of a story, and how well held-out pages are predicted behind it.

    Attributes:
        name: ``nothing``, ``description``, ``phrase`` or ``module``.
        tokens: of the context that it takes.
        gain: over nothing; None for nothing itself.
    """

    name: str
    text: str
    tokens: int
    bits_per_byte: float
    nats_per_token: float
    gain: Gain | None


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a search came to.

    Attributes:
        text: to paste, with a blank line at its end; empty where nothing helped.
        passages: what was found on the way, with its numbers; None where any words were searched for.
        fronts: what held-out pages lose behind each; empty where it was stopped before they were measured.
        held_out_tokens: how many tokens that was measured on.
    """

    text: str
    passages: Passages | None
    fronts: tuple[Front, ...]
    held_out_tokens: int
    stopped: bool

    def front(self, name: str) -> Front | None:
        """Return what is called ``name``; None if it was not measured."""
        return next((front for front in self.fronts if front.name == name), None)


WordSearch = Callable[[tuple[str, ...]], Generator[Progress, None, str]]  # from pages to words to put in front


def find_phrase(
    request: PhraseRequest,
    engine: OpenEngine,
    module: Stack | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    search_words: WordSearch | None = None,
) -> Generator[Progress | Note, None, Phrase]:
    """Search the phrase that ``request`` asks for, and measure it.

    Args:
        module: what to compare with; None for nothing.
        search_words: what finds words for the pages, where the request does not ask for passages.
        cancelled: is asked between two texts; what was found so far is returned.

    Raises:
        BadText: there is too little text to choose from or to measure with.
        BadUsage: the model has no room for a phrase.
    """
    corpus = yield from read_stepwise(
        [Path(name) for name in request.files], keep=request.keep, speakers=request.speaker
    )
    require_enough(corpus)
    for sentence in corpus.describe():
        yield Note(sentence)
    pages = split(corpus)
    held_out = HeldOut.of(pages.held_out, engine.tokenize, MEASURED)
    if not held_out.tokens:
        raise BadText("There is too little text to measure with.", "Add more pages: 2,000 words and up.")
    found: Passages | None = None
    if search_words is None:
        found = yield from _passages(request, engine, pages.train, cancelled)
        text = found.text
    else:
        words = yield from search_words(pages.train)
        text = words + BETWEEN if words else ""
    description = request.description.strip() or describe(pages.train)
    fronts = yield from _measure(engine, held_out, description + BETWEEN, text, module, cancelled)
    return Phrase(text, found, tuple(fronts), held_out.tokens, cancelled())


def _passages(
    request: PhraseRequest, engine: OpenEngine, pages: Sequence[str], cancelled: Callable[[], bool]
) -> Generator[Progress, None, Passages]:
    """Search among the stretches of ``pages``. Raises BadText or BadUsage where there is nothing to search among."""
    size = int(FILLING * request.words / request.passages)
    choice = material(pages, size, request.candidates, request.seed)
    if not choice.candidates:
        raise BadText(
            f"There is too little text to choose passages from: at least {FEWEST * size:,} words are needed.",
            "Add more pages, or ask for fewer --words.",
        )
    room = engine.info.context - LEAST_WINDOW
    if room < max(len(engine.tokenize(one.text)) for one in choice.candidates):
        raise BadUsage(
            f"{engine.info.name} reads {engine.info.context} tokens: passages of {size} words leave none for text.",
            "Ask for fewer --words, or take a model with a larger context.",
        )
    found = yield from PassageSearch(engine, choice, room).run(request.passages, request.words, cancelled)
    return found


def _measure(
    engine: OpenEngine,
    held_out: HeldOut,
    description: str,
    phrase: str,
    module: Stack | None,
    cancelled: Callable[[], bool],
) -> Generator[Progress, None, list[Front]]:
    """Measure all that may stand in front on the same windows; nothing where it was cancelled before the end."""
    asked = [("nothing", "", Stack()), ("description", description, Stack())]
    asked += [("phrase", phrase, Stack())] if phrase else []
    asked += [("module", "", module)] if module is not None else []
    reserve = max(len(engine.tokenize(text)) + stack.tokens for _, text, stack in asked)
    window = max(2, min(WINDOW, engine.info.context - reserve))
    fronts: list[Front] = []
    plain: list[float] = []
    for number, (name, text, stack) in enumerate(asked):
        yield Progress("measuring on held-out pages", number, len(asked))
        if cancelled():
            return []
        losses = _losses(engine, held_out, text, stack, window)
        plain = plain or losses
        fronts.append(
            Front(
                name,
                text,
                len(engine.tokenize(text)) + stack.tokens,
                sum(losses) / math.log(2) / held_out.bytes,
                sum(losses) / held_out.tokens,
                paired_gain(losses, plain) if fronts else None,
            )
        )
    yield Progress("measuring on held-out pages", len(asked), len(asked))
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


def passages_of(phrase: Phrase) -> Sequence[str]:
    """Return the passages of a phrase, one a text."""
    return [part for part in phrase.text.split(BETWEEN) if part]
