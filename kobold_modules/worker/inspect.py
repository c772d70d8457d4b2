"""The Peek, Divergence, Score and Nearest jobs: what could come, whose doing that is, how likely a passage is."""

from __future__ import annotations

from ..answers import NearestWords, NextTokens
from ..generation.inspection import inspect
from ..generation.inspection.divergence import divergence
from ..generation.inspection.nearest import CURIOSITY, nearest
from ..generation.protocol import Request
from .context import JobContext
from .lore import bring_in
from .messages import Divergence, Nearest, Peek, Score


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
    engine = context.engine
    rows = nearest(context.module(job.path), engine.info.file, engine.piece, job.top, context.cancel.is_set)
    context.emit(NearestWords(tuple(tuple(row) for row in rows), CURIOSITY))
