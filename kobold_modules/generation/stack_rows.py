"""What a stack puts in front of a text, and whether the two have room together: the same for every engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import BadUsage, WrongModel
from ..soft_prompt.deep_prefix import DeepPrefix
from ..soft_prompt.stack import Stack
from .protocol import ModelInfo


LEAST_CONTEXT = 32  # tokens: a sentence, and the next words behind it
LEFT_FOR_TEXT = 64  # tokens that a stack must leave free


@dataclass(frozen=True, slots=True, eq=False)
class MixedFront:
    """What stands in front of a text where a deep prefix is among it: in its order, each behind the one before.

    Attributes:
        parts: rows, float32 ``[tokens, width]``, and deep prefixes with their keys as at positions 0 and on.
    """

    parts: tuple[NDArray[np.float32] | DeepPrefix, ...]

    def __len__(self) -> int:
        """Count the positions it takes."""
        return sum(part.tokens if isinstance(part, DeepPrefix) else len(part) for part in self.parts)

    def with_rows(self, change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> MixedFront:
        """Return it with ``change`` made to its rows."""
        return MixedFront(tuple(part if isinstance(part, DeepPrefix) else change(part) for part in self.parts))


# What stands in front of a text: rows alone, float32 [tokens, width], or with deep prefixes among them.
Front: TypeAlias = NDArray[np.float32] | MixedFront


def parts_of(front: Front) -> tuple[NDArray[np.float32] | DeepPrefix, ...]:
    """Return the parts of ``front`` in their order; rows alone are one."""
    return front.parts if isinstance(front, MixedFront) else (front,)


def computed_rows(front: Front | None) -> int:
    """Count the positions of ``front`` that a model computes: rows. A deep prefix is written as it is."""
    return 0 if front is None else sum(len(part) for part in parts_of(front) if not isinstance(part, DeepPrefix))


def is_answered(front: Front | None) -> bool:
    """Return whether a model says what comes next right behind ``front``: behind rows, which it reads, it does."""
    return front is not None and not isinstance(parts_of(front)[-1], DeepPrefix)


def check_shape(prefix: DeepPrefix, layers: int, kv_heads: int, head_dim: int, name: str) -> None:
    """Raise WrongModel where ``prefix`` has other layers or heads than the model called ``name``."""
    if (prefix.layers, prefix.kv_heads, prefix.head_dim) != (layers, kv_heads, head_dim):
        raise WrongModel(
            f"{prefix.name} holds keys and values of {prefix.layers} layers with {prefix.kv_heads} heads of "
            f"{prefix.head_dim}; {name} has {layers} layers with {kv_heads} heads of {head_dim}.",
            "Load the model it was made for, or train it again on this one.",
        )


def check_context(context: int) -> None:
    """Raise BadUsage for a ``context`` in which nothing can be written; 0 leaves the choice to the engine."""
    if context < 0:
        raise BadUsage(f"A context of {context} tokens makes no sense.")
    if 0 < context < LEAST_CONTEXT:
        raise BadUsage(
            f"A context of {context} tokens is too small to write in; {LEAST_CONTEXT} are the least.",
            "Leave the size out to have the model's own.",
        )


def smaller_context(info: ModelInfo, asked: int) -> str:
    """Return what to say where the context is not as large as was ``asked``."""
    return f"{info.name} was made for {info.context:,} tokens, so its context is {info.context:,} and not {asked:,}."


def rows_of(stack: Stack, info: ModelInfo, refusal: str) -> NDArray[np.float32] | None:
    """Return the stack's raw rows, float32 ``[tokens, width]``, or None for the plain model.

    ``refusal`` is why the model takes no modules at all, empty for nearly all.

    Raises:
        WrongModel: a module of the stack does not fit or is a deep prefix, or the model takes none.
        BadUsage: the stack leaves no room for text.
    """
    stack.check(info.fingerprint, info.name)
    matrix = stack.matrix()
    if matrix is not None:
        _check_front(matrix, info, refusal)
    return matrix


def front_of(stack: Stack, info: ModelInfo, refusal: str) -> Front | None:
    """Return what ``stack`` puts in front, its rows raw, or None for the plain model; as :func:`rows_of`.

    Whether the keys and values of a deep prefix are those of such a model is for the engine to say.
    """
    if not stack.is_deep:
        return rows_of(stack, info, refusal)
    stack.check(info.fingerprint, info.name)
    front = MixedFront(stack.segments())
    _check_front(front, info, refusal if computed_rows(front) else "")
    return front


def _check_front(front: Front, info: ModelInfo, refusal: str) -> None:
    if refusal:
        raise WrongModel(refusal, "Take the modules off, or load another model.")
    for part in parts_of(front):
        if not isinstance(part, DeepPrefix) and part.shape[1] != info.width:
            raise WrongModel(f"The stack's vectors are {part.shape[1]} wide, {info.name} needs {info.width}.")
    if len(front) > info.context - LEFT_FOR_TEXT:
        raise BadUsage(
            f"The stack takes {len(front)} of the {info.context} tokens that {info.name} can hold.",
            "Take modules off, or load the model with a larger context.",
        )


def check_length(text: int, stack: Stack, info: ModelInfo) -> None:
    """Raise BadUsage where ``text`` tokens do not fit the context together with ``stack``."""
    needed = text + stack.tokens
    if needed > info.context:
        raise BadUsage(
            f"Text and stack are {needed} tokens, the context of {info.name} holds {info.context}.",
            "Measure a shorter text, or load the model with a larger context.",
        )
