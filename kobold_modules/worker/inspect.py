"""The Peek, Divergence, Score, Nearest and Ablate jobs: what could come, whose doing that is, how likely a text is."""

from __future__ import annotations

from pathlib import Path

from ..answers import NearestWords, NextTokens
from ..drain import drain
from ..generation.inspection import inspect
from ..generation.inspection.distances import distances
from ..generation.inspection.divergence import divergence
from ..generation.inspection.nearest import CURIOSITY, nearest
from ..generation.protocol import Request
from ..library import evidence
from ..records import Done
from ..soft_prompt.deep_prefix import with_rows
from ..soft_prompt.layer import Layer
from .context import JobContext
from .lore import bring_in
from .messages import Ablate, Divergence, Nearest, Peek, Score


def peek(job: Peek, context: JobContext) -> None:
    """Answer ``job``. Beside the contract's fields each candidate has ``other``: its probability without the stack."""
    stack = context.stack(job.stack)
    request = Request(text=job.text, stack=stack, memory=job.memory, note=job.note, note_depth=job.note_depth)
    request, _ = bring_in(request, job.lore, context)
    stacked, plain = inspect.peek(context.engine, request, job.top)
    context.emit(NextTokens(tuple(stacked), tuple(plain)))


def divergence_of(job: Divergence, context: JobContext) -> None:
    """Answer ``job``."""
    context.stack(job.stack)  # refuses what does not fit
    layers = [layer.with_module(context.module(layer.module)) for layer in job.stack]
    context.emit(divergence(context.engine, job.text, layers, context.cancel.is_set))


def score(job: Score, context: JobContext) -> None:
    """Answer ``job``; a cancelled one has None for the tokens that were not reached."""
    context.emit(inspect.score(context.engine, job.text, context.stack(job.stack), context.cancel.is_set))


def nearest_words(job: Nearest, context: JobContext) -> None:
    """Answer ``job`` from the loaded model's file, with the sentence that says what to think of it."""
    engine, module = context.engine, with_rows(context.module(job.path))
    rows = nearest(module, engine.info.file, engine.piece, job.top, context.cancel.is_set)
    places = distances(module, engine.info.file, engine.piece, context.cancel.is_set)
    context.emit(NearestWords(tuple(tuple(row) for row in rows), CURIOSITY, tuple(places)))


def ablate(job: Ablate, context: JobContext) -> None:
    """Answer ``job`` through the loaded model; one that is cancelled tells nothing."""
    from ..evaluation.pages import pages_of
    from ..evaluation.worth import worth_on

    engine, module = context.engine, with_rows(context.module(job.path))
    context.stack([Layer(job.path)])  # refuses what does not fit
    pages = drain(pages_of(module.card, (), evidence.read_sources(Path(job.path).parent)))
    work = worth_on(engine, module, pages.held_out, engine.info.context, context.cancel.is_set)
    while True:
        try:
            context.emit(next(work))
        except StopIteration as end:
            context.emit(Done("stopped") if context.cancel.is_set() else end.value)
            return
