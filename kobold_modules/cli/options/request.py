"""What the options of a verb that writes ask the engine for."""

from __future__ import annotations

import argparse

from ...generation.protocol import Request
from ...sampling.settings import Sampler
from ...soft_prompt.stack import Stack


def request_of(arguments: argparse.Namespace, text: str, stack: Stack, max_tokens: int, sampler: Sampler) -> Request:
    """Return the request for ``text``: stop strings, memory and author's note are the options'."""
    return Request(
        text=text,
        stack=stack,
        max_tokens=max_tokens,
        sampler=sampler,
        stop=tuple(arguments.stop),
        memory=arguments.memory,
        note=arguments.note,
        note_depth=arguments.note_depth,
    )
