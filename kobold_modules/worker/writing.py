"""The Generate and Compare jobs: a text continued through a stack, or through several together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..errors import BadUsage
from ..generation.bias import bias_warnings
from ..generation.limits import MOST_TOGETHER
from ..generation.log import logged, seeded
from ..generation.lore import record_of
from ..generation.protocol import Request
from ..records import Record
from ..sampling.seed import draw_seed
from ..sampling.settings import Sampler
from ..soft_prompt.layer import Layer
from .context import JobContext
from .lore import bring_in
from .messages import Compare, Generate


def generate(job: Generate, context: JobContext) -> None:
    """Stream the continuation: TextChunk records, then Finished. Raises whatever the engine raises."""
    engine = context.engine
    request = seeded(_request(job, job.stack, job.sampler, context))
    _warn_of_bias(job.sampler, context)
    if job.lore:
        request, found = bring_in(request, job.lore, context)
        context.emit(record_of(found))
    records = engine.generate(request, context.cancel.is_set)
    _send(logged(records, engine.info, [request], "bench", [_files(job.stack)]), context)


def compare(job: Compare, context: JobContext) -> None:
    """Stream the takes of ``job``: TextChunk records and one Finished a stack, numbered by their ``sequence``.

    Without seeds every stack draws with the same one, so that what differs is the stacks' doing.

    Raises:
        BadUsage: no stack or more than eight, or not one seed a stack; and whatever the engine raises.
    """
    if not 1 <= len(job.stacks) <= MOST_TOGETHER:
        raise BadUsage(f"{len(job.stacks)} stacks cannot be compared; 1 to {MOST_TOGETHER} can.")
    if job.seeds and len(job.seeds) != len(job.stacks):
        raise BadUsage(f"{len(job.seeds)} seeds for {len(job.stacks)} stacks: give one a stack, or none.")
    engine = context.engine
    _warn_of_bias(job.sampler, context)
    seed = draw_seed() if job.sampler.seed is None else job.sampler.seed
    seeds = job.seeds or (seed,) * len(job.stacks)
    requests = [
        _request(job, layers, replace(job.sampler, seed=seed), context)
        for layers, seed in zip(job.stacks, seeds, strict=True)
    ]
    if job.lore:  # all read the same, or it would be compared as well; the largest stack leaves the least room for it
        brought, _ = bring_in(max(requests, key=lambda request: request.stack.tokens), job.lore, context)
        requests = [replace(request, lore=brought.lore) for request in requests]
    records = engine.together(requests, context.cancel.is_set)
    _send(logged(records, engine.info, requests, "compare", [_files(layers) for layers in job.stacks]), context)


def _request(job: Generate | Compare, layers: Iterable[Layer[str]], sampler: Sampler, context: JobContext) -> Request:
    return Request(
        text=job.text,
        stack=context.stack(layers),
        max_tokens=job.max_tokens,
        sampler=sampler,
        stop=job.stop,
        memory=job.memory,
        note=job.note,
        note_depth=job.note_depth,
    )


def _warn_of_bias(sampler: Sampler, context: JobContext) -> None:
    for warning in bias_warnings(sampler, context.engine, context.engine.info.name):
        context.warn(warning)


def _files(layers: Iterable[Layer[str]]) -> list[str]:
    return [layer.module for layer in layers if layer.active]


def _send(records: Iterable[Record], context: JobContext) -> None:
    for record in records:
        context.emit(record)
