"""The readable text nearest in effect to a module, and how much of the module's effect it has.

A module M and a text t both change what the model p expects to come. How far apart they are is the divergence of the
two distributions over texts x, which is an expectation over what the module writes:

    D(t) = KL(p_M || p_t) = E over x ~ p_M of [ ln p_M(x) - ln p_t(x) ]        nats, here per token of x

(Melamed, McCabe, Wakhare, Kim, Huang and Boix-Adsera, arXiv 2311.07064, section 3: the same objective for two texts.)
So the module writes, at temperature 1 with nothing cut off, and the text is searched for behind which that writing is
likeliest. It needs no page of the writer's and no logits but those of the engine that writes. How much of the effect a
text has is 1 - D(t) / D(nothing): 0 for nothing, 1 for the module itself, measured on writing that no search has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import BadText, WrongModel
from ..evaluation.held_out import HeldOut
from ..evaluation.pages import Pages, pages_of
from ..evaluation.style.tokens import words
from ..evaluation.writing import write
from ..generation.inspection.inspect import OpenEngine
from ..generation.inspection.nearest import nearest
from ..records import Note, Progress
from ..sampling.settings import Sampler
from ..soft_prompt.deep_prefix import AnyModule, DeepPrefix
from ..soft_prompt.stack import Stack
from .candidates import Material, Stretch, material, stretches
from .description import describe
from .measuring import MEASURED, Front, asked_of, measure
from .passages import BETWEEN, Passages, PassageSearch
from .phrase import FILLING, LEAST_WINDOW, Phrase, WordSearch
from .settings import PhraseRequest


PLAIN = Sampler(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repetition=1.0, token_healing=False)
TAKES, TAKE = 24, 96  # texts that the module writes, and their tokens
SEEN = 16  # of them, that a text is searched with; the others are measured on
LEAST_LETTERS = 40  # of a take that says anything


@dataclass(frozen=True, slots=True)
class Writing:
    """What a module wrote: ``seen`` by a search, and ``kept`` apart to measure with."""

    seen: tuple[str, ...]
    kept: tuple[str, ...]


def phrase_of_module(
    request: PhraseRequest,
    engine: OpenEngine,
    module: AnyModule,
    noted: Mapping[str, Any],
    cancelled: Callable[[], bool] = lambda: False,
    search_words: WordSearch | None = None,
) -> Generator[Progress | Note, None, Phrase]:
    """Search the text that does most of what ``module`` does, and measure it.

    Passages are chosen among the pages that it was trained on, where they are at hand, else among what it wrote; the
    words nearest to its rows are tried, too, and are what a search by gradient begins with.

    Args:
        noted: where its sources lay, as ``library.evidence.read_sources`` gives it.
        cancelled: is asked between two texts; what was found so far is returned.

    Raises:
        WrongModel: it does not fit the model; BadText: it writes nothing.
    """
    stack = Stack().add(module)
    for warning in stack.check(engine.info.fingerprint, engine.info.name):
        yield Note(warning)
    pages = yield from _pages(request, module, noted)
    writing = yield from _written(engine, stack, request.seed, cancelled)
    if not writing.kept:
        return Phrase("", None, (), 0, stopped=True)
    own = _nearest_words(engine, module)
    found: Passages | None = None
    if search_words is None:
        choice = _choice(request, pages.train or writing.seen, writing.seen, own)
        room = engine.info.context - LEAST_WINDOW
        found = yield from PassageSearch(engine, choice, room).run(request.passages, request.words, cancelled)
        text = found.text
    else:
        searched = yield from search_words(writing.seen, own)
        text = searched + BETWEEN if searched else ""
    description = request.description.strip() or describe(pages.train or writing.seen)
    fronts = asked_of(description + BETWEEN, text, stack)
    kept = HeldOut.of(writing.kept, engine.tokenize, MEASURED)
    effects = yield from measure(engine, kept, fronts, cancelled, "measuring on what the module writes")
    held_out = HeldOut.of(pages.held_out, engine.tokenize, MEASURED)
    if held_out.tokens:
        measured = yield from measure(engine, held_out, fronts, cancelled)
    else:
        measured, held_out = effects, kept
    return Phrase(
        text,
        found,
        tuple(with_effects(measured, effects)),
        held_out.tokens,
        cancelled(),
        "held-out pages" if measured is not effects else "what the module writes",
    )


def with_effects(fronts: Sequence[Front], effects: Sequence[Front]) -> list[Front]:
    """Return ``fronts`` with the share of the module's effect that each has.

    Args:
        effects: the same fronts, measured on what the module writes; the last is the module.
    """
    if not effects:
        return list(fronts)
    far = effects[0].nats_per_token - effects[-1].nats_per_token  # D(nothing)
    if far <= 0:  # the module does nothing that could be imitated
        return list(fronts)
    near = [(one.nats_per_token - effects[-1].nats_per_token) / far for one in effects]
    return [replace(front, effect=1 - share) for front, share in zip(fronts, near, strict=True)]


def _nearest_words(engine: OpenEngine, module: AnyModule) -> str:
    """Return the word nearest to each row of ``module``; nothing for a deep prefix, which has no rows."""
    if isinstance(module, DeepPrefix):
        return ""
    return " ".join(row[0].text for row in nearest(module, engine.info.file, engine.piece, 1) if row)


def _pages(
    request: PhraseRequest, module: AnyModule, noted: Mapping[str, Any]
) -> Generator[Progress | Note, None, Pages]:
    """Return the module's pages; none, with a sentence, where they are not at hand."""
    try:
        found = yield from pages_of(module.card, request.files, noted)
    except BadText:
        if request.files:
            raise
        yield Note(
            f"The pages that {module.name} was trained on are not where they were: passages are chosen among what it "
            "writes. Name the pages behind the module to choose among them."
        )
        return Pages()
    for sentence in found.notes:
        yield Note(sentence)
    return found


def _written(
    engine: OpenEngine, stack: Stack, seed: int, cancelled: Callable[[], bool]
) -> Generator[Progress, None, Writing]:
    """Let the module write; nothing where it was cancelled meanwhile.

    Raises BadText where nothing comes of it, WrongModel where it leaves no room.
    """
    tokens = min(TAKE, engine.info.context - stack.tokens - 1)
    if tokens < 2:
        raise WrongModel(f"{engine.info.name} has no room for text behind {stack.label}.", "Take a shorter module.")
    work = write(engine, stack, [""] * TAKES, [tokens] * TAKES, seed, PLAIN, cancelled)
    done, total = 0, TAKES * tokens
    while True:
        try:
            done += next(work)
        except StopIteration as end:
            texts: list[str] = end.value
            break
        if done % 8 == 0:
            yield Progress("letting the module write", min(done, total), total)
    if cancelled():
        return Writing((), ())
    long = tuple(text.strip() for text in texts if len(text.strip()) >= LEAST_LETTERS)
    if len(long) < 4:
        raise BadText(
            f"{stack.label} writes next to nothing here, so its effect cannot be seen.",
            "Train it for longer, or name its pages for a phrase of them: phrase FILE.",
        )
    seen = min(SEEN, len(long) - 1)
    return Writing(long[:seen], long[seen:])


def _choice(request: PhraseRequest, pages: Sequence[str], writing: Sequence[str], own: str) -> Material:
    """Return what is searched among: stretches of ``pages`` and the nearest words ``own``; tried on ``writing``."""
    size = int(FILLING * request.words / request.passages)
    found = material(pages, size, request.candidates, request.seed)
    candidates = found.candidates or tuple(stretches(pages, size)[: request.candidates])
    nearest_words = Stretch(own, -1, 0, len(words(own)))  # in no text, so that nothing goes on from it
    tried_on = tuple(Stretch(text, -2 - number, 0, len(words(text))) for number, text in enumerate(writing))
    return Material((*candidates, nearest_words) if own else candidates, tried_on, found.following)
