"""How long a text is to become: what the options ask for, in tokens and as an ending."""

from __future__ import annotations

import argparse

from ...stories.stop_criteria import StopCriteria, tokens_for


DEFAULT_TOKENS = 120


UNTIL_TOKENS = 8192  # for --until alone: a long chapter, should the text never come


def most_tokens(arguments: argparse.Namespace) -> int:
    """Return how many tokens may be written: what was asked for, or what the words asked for can take."""
    if arguments.max_tokens is not None:
        return int(arguments.max_tokens)
    if arguments.words is not None:
        return tokens_for(arguments.words)
    return UNTIL_TOKENS if arguments.until else DEFAULT_TOKENS


def ending_of(arguments: argparse.Namespace) -> StopCriteria:
    return StopCriteria(arguments.words, tuple(arguments.until))
