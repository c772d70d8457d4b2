"""The Peek, Score and Nearest jobs: what could come, how likely a passage is, what a token is near to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from ..generation import inspect as looking
from ..generation.inspect import OpenEngine
from ..generation.nearest import CURIOSITY, nearest
from ..generation.protocol import Request
from ..records import Record, Result
from ..soft_prompt.module import Module
from .messages import Nearest, Peek, Score
from .requests import stack_of


Read = Callable[[str], Module]
Emit = Callable[[Record], None]


def peek(job: Peek, engine: OpenEngine, module: Read, warn: Callable[[str], None], emit: Emit) -> None:
    """Answer ``job``. Beside the contract's fields each candidate has ``other``: its probability without the stack."""
    stack = stack_of(job.stack, module, engine.info, warn)
    request = Request(job.text, stack, memory=job.memory, note=job.note, note_depth=job.note_depth)
    stacked, plain = looking.peek(engine, request, job.top)
    emit(Result("peek", {"with": looking.as_json(stacked), "without": looking.as_json(plain)}))


def score(
    job: Score,
    engine: OpenEngine,
    module: Read,
    warn: Callable[[str], None],
    emit: Emit,
    cancelled: Callable[[], bool],
) -> None:
    """Answer ``job``; a cancelled one has None for the tokens that were not reached."""
    stack = stack_of(job.stack, module, engine.info, warn)
    found = looking.score(engine, job.text, stack, cancelled)
    emit(Result("score", {"tokens": found.tokens, "with": found.stacked, "without": found.plain}))


def nearest_words(job: Nearest, engine: OpenEngine, module: Read, emit: Emit, cancelled: Callable[[], bool]) -> None:
    """Answer ``job`` from the loaded model's file, with the sentence that says what to think of it."""
    rows = nearest(module(job.path), engine.info.file, engine.piece, job.top, cancelled)
    told = [[asdict(neighbour) for neighbour in row] for row in rows]
    emit(Result("nearest", {"rows": told, "note": CURIOSITY}))
