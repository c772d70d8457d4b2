"""The Compare job: one text continued through several stacks together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from secrets import randbits

from ..errors import BadUsage
from ..generation.bias import bias_warnings
from ..generation.inspect import OpenEngine
from ..generation.limits import MOST_TOGETHER
from ..generation.log import logged
from ..generation.protocol import Request
from ..records import Record
from ..soft_prompt.module import Module
from .messages import Compare
from .requests import sampler_of, stack_of


def compare(
    job: Compare,
    engine: OpenEngine,
    module: Callable[[str], Module],
    warn: Callable[[str], None],
    emit: Callable[[Record], None],
    cancelled: Callable[[], bool],
) -> None:
    """Stream the takes of ``job``: TextChunk records and one Finished a stack, told apart by their ``sequence``.

    Without seeds every stack draws with the same one, so that what differs is the stacks' doing.

    Raises:
        BadUsage: no stack or more than eight, or not one seed a stack; and whatever the engine raises.
    """
    if not 1 <= len(job.stacks) <= MOST_TOGETHER:
        raise BadUsage(f"{len(job.stacks)} stacks cannot be compared; 1 to {MOST_TOGETHER} can.")
    if job.seeds and len(job.seeds) != len(job.stacks):
        raise BadUsage(f"{len(job.seeds)} seeds for {len(job.stacks)} stacks: give one a stack, or none.")
    settings = sampler_of(job.sampler)
    if settings.seed is None:
        settings = replace(settings, seed=randbits(31))
    for warning in bias_warnings(settings, engine, engine.info.name):
        warn(warning)
    seeds = job.seeds or (settings.seed,) * len(job.stacks)
    requests = [
        Request(
            job.text,
            stack_of(layers, module, engine.info, warn),
            job.max_tokens,
            replace(settings, seed=seed),
            job.stop,
            job.memory,
            job.note,
            job.note_depth,
        )
        for layers, seed in zip(job.stacks, seeds, strict=True)
    ]
    files = [[layer.module for layer in layers if layer.active] for layers in job.stacks]
    for record in logged(engine.together(requests, cancelled), engine.info, requests, "compare", files):
        emit(record)
