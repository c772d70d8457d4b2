"""The options of ``generate`` and ``compare`` that say how the next token is chosen, and the settings they make.

A preset first, then whatever options change in it. The spellings of koboldcpp are understood beside ours.
"""

from __future__ import annotations

import argparse
from typing import Any

from ...errors import BadText, BadUsage
from ...sampling.settings import PRESETS, Sampler
from ..output import Output
from .typed_text import sign, unescaped, unescaped_lines


# option, other spellings, field of Sampler, type, help
_NUMBERS: tuple[tuple[str, tuple[str, ...], str, type, str], ...] = (
    ("--temperature", (), "temperature", float, "0 always takes the likeliest token (default: 0.8)"),
    (
        "--dynamic-range",
        ("--dynatemp-range",),
        "dynamic_range",
        float,
        "adapt the temperature to the model's certainty",
    ),
    ("--dynamic-exponent", ("--dynatemp-exponent",), "dynamic_exponent", float, "how strongly it adapts"),
    ("--top-k", (), "top_k", int, "keep the K likeliest tokens, 0 is off"),
    ("--top-p", (), "top_p", float, "keep the likeliest tokens that reach P together, 1 is off"),
    ("--min-p", (), "min_p", float, "drop tokens less likely than P times the likeliest, 0 is off"),
    ("--typical-p", ("--typical",), "typical_p", float, "keep tokens about as surprising as expected, 1 is off"),
    ("--top-n-sigma", ("--nsigma",), "top_n_sigma", float, "keep logits within N deviations of the best, 0 is off"),
    ("--repetition", ("--rep-pen",), "repetition", float, "repetition penalty, 1 is off"),
    ("--repetition-range", ("--rep-pen-range",), "repetition_range", int, "tokens that the penalties look back"),
    ("--frequency", ("--frequency-penalty",), "frequency", float, "penalty for each time a token was there, 0 is off"),
    ("--presence", ("--presence-penalty",), "presence", float, "penalty if a token was there at all, 0 is off"),
    ("--dry", ("--dry-multiplier",), "dry_multiplier", float, "DRY: penalise repeated phrases, 0 is off, 0.8 is usual"),
    ("--dry-base", (), "dry_base", float, "DRY: how fast the penalty grows with the phrase (default: 1.75)"),
    ("--dry-allowed-length", (), "dry_allowed_length", int, "DRY: tokens that may repeat freely (default: 2)"),
    ("--dry-range", (), "dry_range", int, "DRY: tokens it looks back (default: 1024)"),
    ("--xtc-probability", (), "xtc_probability", float, "XTC: how often the likeliest tokens are left out, 0 is off"),
    ("--xtc-threshold", (), "xtc_threshold", float, "XTC: which tokens are likely enough to be left out (0.1)"),
    ("--mirostat", (), "mirostat", int, "1 or 2: keep the surprise level instead of cutting candidates, 0 is off"),
    ("--mirostat-tau", (), "mirostat_tau", float, "mirostat: bits of surprise (default: 5)"),
    ("--mirostat-eta", (), "mirostat_eta", float, "mirostat: learning rate (default: 0.1)"),
)


def add_sampler_flags(verb: argparse.ArgumentParser) -> None:
    """Add them to ``verb``."""
    group = verb.add_argument_group("how the next token is chosen")
    group.add_argument("--seed", type=int, metavar="S", help="the same seed gives the same text")
    group.add_argument("--preset", default="balanced", metavar="NAME", help=f"{', '.join(PRESETS)}, or one of your own")
    group.add_argument("--save-preset", metavar="NAME", help="save these settings (except the seed) under this name")
    for option, others, field, kind, text in _NUMBERS:
        group.add_argument(option, *others, dest=field, type=kind, metavar="N" if kind is int else "X", help=text)
    group.add_argument(
        "--dry-breaker",
        dest="dry_breakers",
        action="append",
        type=sign,
        metavar="TEXT",
        help=r"DRY: no repetition reaches across this, instead of \n : \" *; may be repeated",
    )
    group.add_argument(
        "--ban",
        dest="banned",
        action="append",
        type=unescaped_lines,
        metavar="TEXT",
        help="this must never appear (* stands for a few words, \\* for a star); may be repeated",
    )
    group.add_argument("--ban-file", metavar="FILE", help="ban every line of it")
    group.add_argument(
        "--bias",
        action="append",
        type=unescaped,
        metavar="WORD=X",
        help="make a word (or #ID, a token) more or less likely; repeat",
    )
    group.add_argument(
        "--token-healing",
        action=argparse.BooleanOptionalAction,
        help="continue a space or an unfinished word at the end of the text as if it had not been cut (default)",
    )
    group.add_argument(
        "--stop",
        action="append",
        default=[],
        type=sign,
        metavar="TEXT",
        help=r"end before this text (\n is a line break); may be repeated",
    )


def sampler_of(arguments: argparse.Namespace) -> Sampler:
    """Return the preset with whatever options change in it, saved if that was asked for.

    Raises:
        BadUsage: no such preset, or a setting out of range. BadText: the file of banned strings cannot be read.
    """
    from ...sampling.presets import find_preset, save_preset

    base = find_preset(arguments.preset)
    names = [field for _, _, field, _, _ in _NUMBERS] + ["seed", "token_healing"]
    changes: dict[str, Any] = {name: value for name in names if (value := getattr(arguments, name, None)) is not None}
    banned = [*(getattr(arguments, "banned", None) or ()), *_lines(getattr(arguments, "ban_file", None))]
    if banned:
        changes["banned"] = [*base.banned, *banned]
    if breakers := getattr(arguments, "dry_breakers", None):
        changes["dry_breakers"] = breakers
    if bias := getattr(arguments, "bias", None):
        changes["bias"] = dict(base.bias) | dict(map(_pair, bias))
    settings = Sampler.from_dict(changes, base)
    if name := getattr(arguments, "save_preset", None):
        kept = Sampler.from_dict({"seed": base.seed}, settings)
        file = save_preset(name, kept)
        Output(arguments.json).say(f"The preset {name} was saved to {file}.")
    return settings


def _pair(text: str) -> tuple[str, float]:
    word, sign, number = text.rpartition("=")
    try:
        if not sign or not word:
            raise ValueError
        return word, float(number)
    except ValueError as error:
        raise BadUsage(f"{text!r} is not a bias.", "Write WORD=2 to have more of it, WORD=-2 to have less.") from error


def _lines(path: str | None) -> list[str]:
    if path is None:
        return []
    from ...corpus.decode import decode

    try:
        with open(path, "rb") as file:
            text = decode(file.read(), path).text
    except OSError as error:
        raise BadText(f"The banned strings in {path} cannot be read: {error.strerror or error}.") from error
    return [unescaped_lines(line.rstrip("\r")) for line in text.split("\n") if line.strip()]
