"""From a job's plain values to what an engine is asked: settings checked, modules read, misfits told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from ..errors import BadUsage
from ..generation.protocol import ModelInfo
from ..sampling.settings import Sampler
from ..soft_prompt.layer import Layer
from ..soft_prompt.module import Module
from ..soft_prompt.stack import Stack
from ..training.settings import TrainingRequest


def sampler_of(values: dict[str, Any]) -> Sampler:
    """Read the settings in ``values``. Raises BadUsage for those that do not exist or make no sense."""
    return Sampler.from_dict(values)


def stack_of(
    layers: Iterable[Layer[str]], module: Callable[[str], Module], info: ModelInfo, warn: Callable[[str], None]
) -> Stack:
    """Return the stack of the active ``layers``, its modules read by ``module`` from their paths.

    ``warn`` hears of each that may not suit the model.

    Raises:
        BadModule: a file is missing or damaged.
        WrongModel: a module does not fit the model.
    """
    stack = Stack(tuple(layer.with_module(module(layer.module)) for layer in layers if layer.active))
    for warning in stack.check(info.fingerprint, info.name):
        warn(warning)
    return stack


def training_request(values: dict[str, Any]) -> TrainingRequest:
    """Return what a training is asked to do. Raises BadUsage for settings that do not exist or make no sense."""
    known = {field.name for field in fields(TrainingRequest)}
    if unknown := sorted(set(values) - known):
        raise BadUsage(f"A training has no setting {', '.join(unknown)}.")
    try:
        plain: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return TrainingRequest(**plain)
    except TypeError as error:
        raise BadUsage(f"The training's settings are incomplete or of the wrong type: {error}.") from error
