"""From a writer's pages to a phrase: text to paste into any program's memory, and what it is worth beside a module.

A phrase is readable, works with every program, and costs context; it does less than a module. So it never comes without
the numbers: what held-out pages lose with nothing in front, with a plain description, with the phrase and with a
module.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..corpus import read_stepwise, require_enough, split
from ..errors import BadText, BadUsage
from ..evaluation.held_out import HeldOut
from ..generation.inspection.inspect import OpenEngine
from ..records import Note, Progress
from ..soft_prompt.stack import Stack
from .candidates import FEWEST, material
from .description import describe
from .measuring import MEASURED, Front, asked_of, measure
from .passages import BETWEEN, Passages, PassageSearch
from .settings import PhraseRequest


LEAST_WINDOW = 128  # tokens of text that must fit behind a phrase
FILLING = 0.85  # of its share of the words that a stretch is cut to, for it ends with a sentence


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a search came to.

    Attributes:
        text: to paste, with a blank line at its end; empty where nothing helped.
        passages: what was found on the way, with its numbers; None where any words were searched for.
        fronts: what held-out pages lose behind each; empty where it was stopped before they were measured.
        held_out_tokens: how many tokens that was measured on; ``measured_on``: what they are of.
    """

    text: str
    passages: Passages | None
    fronts: tuple[Front, ...]
    held_out_tokens: int
    stopped: bool
    measured_on: str = "held-out pages"

    def front(self, name: str) -> Front | None:
        """Return what is called ``name``; None if it was not measured."""
        return next((front for front in self.fronts if front.name == name), None)


# From pages, and text to begin with (or none), to words to put in front.
WordSearch = Callable[[tuple[str, ...], str], Generator[Progress, None, str]]


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
        words = yield from search_words(pages.train, "")
        text = words + BETWEEN if words else ""
    description = request.description.strip() or describe(pages.train)
    fronts = yield from measure(engine, held_out, asked_of(description + BETWEEN, text, module), cancelled)
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


def passages_of(phrase: Phrase) -> Sequence[str]:
    """Return the passages of a phrase, one a text."""
    return [part for part in phrase.text.split(BETWEEN) if part]
