"""The options that look inside a model instead of writing with it."""

from __future__ import annotations

import argparse


def add_generate_flags(verb: argparse.ArgumentParser) -> None:
    """Add to ``generate`` what could come next, and the best of several takes."""
    group = verb.add_argument_group("next words and log-probabilities")
    group.add_argument(
        "--peek",
        nargs="?",
        const=12,
        type=int,
        metavar="N",
        help="write nothing; list the N likeliest next tokens with the modules and without (default: 12)",
    )
    group.add_argument(
        "--best", type=int, metavar="N", help="write N takes, print the one the model finds likeliest, list the others"
    )


def add_measure_flags(verb: argparse.ArgumentParser) -> None:
    """Add to ``measure`` the view token by token."""
    verb.add_argument(
        "--per-token",
        "--tokens",
        dest="per_token",
        action="store_true",
        help="print the text coloured by what the modules make more likely (green) and less (red), token by token",
    )
    verb.add_argument("--contextsize", type=int, default=0, metavar="N", help="with --per-token: context in tokens")


def add_show_flags(verb: argparse.ArgumentParser) -> None:
    """Add to ``show`` the words that virtual tokens are near to."""
    verb.add_argument(
        "--nearest",
        nargs="?",
        const=3,
        type=int,
        metavar="N",
        help="the N words nearest to each virtual token in --model (default: 3), its distance from words and from its "
        "start; a curiosity, not an explanation",
    )
    verb.add_argument(
        "--worth",
        nargs="*",
        metavar="TEXT",
        help="what is lost without each virtual token on these pages (default: those its training kept back)",
    )
    verb.add_argument(
        "--model", default="starter", metavar="MODEL", help="the model for --nearest and --worth (default: starter)"
    )
