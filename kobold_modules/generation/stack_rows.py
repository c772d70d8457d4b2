"""The rows a stack puts in front of a text, and whether the two have room together: the same for every engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import BadUsage, WrongModel
from ..soft_prompt.stack import Stack
from .protocol import ModelInfo


LEAST_CONTEXT = 32  # tokens: a sentence, and the next words behind it
LEFT_FOR_TEXT = 64  # tokens that a stack must leave free


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
        WrongModel: a module of the stack does not fit, or the model takes none.
        BadUsage: the stack leaves no room for text.
    """
    stack.check(info.fingerprint, info.name)
    matrix = stack.matrix()
    if matrix is None:
        return None
    if refusal:
        raise WrongModel(refusal, "Take the modules off, or load another model.")
    if matrix.shape[1] != info.width:
        raise WrongModel(f"The stack's vectors are {matrix.shape[1]} wide, {info.name} needs {info.width}.")
    if len(matrix) > info.context - LEFT_FOR_TEXT:
        raise BadUsage(
            f"The stack takes {len(matrix)} of the {info.context} tokens that {info.name} can hold.",
            "Take modules off, or load the model with a larger context.",
        )
    return matrix


def check_length(text: int, stack: Stack, info: ModelInfo) -> None:
    """Raise BadUsage where ``text`` tokens do not fit the context together with ``stack``."""
    needed = text + stack.tokens
    if needed > info.context:
        raise BadUsage(
            f"Text and stack are {needed} tokens, the context of {info.name} holds {info.context}.",
            "Measure a shorter text, or load the model with a larger context.",
        )
