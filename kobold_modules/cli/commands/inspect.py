"""What a model would say next, from the command line.

``generate --peek``, ``generate --best``, ``measure --per-token``, ``show --nearest`` and ``show --worth``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from ... import corpus
from ...answers import Scores
from ...errors import BadModule, BadText
from ...evaluation.pages import pages_of
from ...evaluation.worth import worth_on
from ...generation.inspection import inspect
from ...generation.inspection.distances import distances
from ...generation.inspection.nearest import CURIOSITY, nearest
from ...generation.log import seeded
from ...library import evidence
from ...library.library import Library
from ...models.find import resolve
from ...models.reference import ModelFile
from ...soft_prompt.deep_prefix import with_rows
from ...soft_prompt.stack import Stack
from .. import INTERRUPTED
from ..code_page import shown
from ..interrupts import interruptible
from ..options.lore import books_of, bring_in
from ..options.prompt import read_prompt
from ..options.request import request_of
from ..options.sampler_options import sampler_of
from ..options.stack import parse_stack
from ..output import Output, table
from ..writing import opened, warn_of_bias, warn_of_misfits


# A token's change in nats and its colour: 256-colour backgrounds that a dark and a light terminal both show.
_SHADES = ((1.0, 28), (0.3, 22), (-0.3, 0), (-1.0, 52))
_LEAST = 88
WORTH = "Worths do not add up: of two that do the same, either can be left out and not both. `prune` leaves some out."


def peek(arguments: argparse.Namespace, output: Output) -> int:
    """Show the likeliest next tokens with the stack and without, in two columns."""
    stack, text, sampler = parse_stack(arguments.module), read_prompt(arguments), sampler_of(arguments)
    books = books_of(arguments)
    with opened(arguments.model, arguments.contextsize, output) as engine:
        warn_of_misfits(engine, stack, output)
        request = request_of(arguments, text, stack, 1, sampler)
        request = bring_in(request, books, arguments, engine, output)
        stacked, plain = inspect.peek(engine, request, arguments.peek)
    if output.json:
        output.object(peek={"stack": stack.label, "with": inspect.as_json(stacked), "without": inspect.as_json(plain)})
        return 0
    if not stack.active:
        rows = [(_quoted(c.text), _percent(c.probability)) for c in plain]
        output.data(table(rows, ("token", "probability")))
        return 0
    both = [
        (_quoted(a.text), _percent(a.probability), _percent(a.other), _quoted(b.text), _percent(b.probability))
        for a, b in zip(stacked, plain, strict=True)
    ]
    output.data(table(both, (stack.label, "with", "without", "no module", "alone")))
    return 0


def best(arguments: argparse.Namespace, output: Output) -> int:
    """Show the likeliest of ``--best`` takes, and the others below it."""
    from ..options.length import most_tokens

    stack, text = parse_stack(arguments.module), read_prompt(arguments)
    most, sampler, books = most_tokens(arguments), sampler_of(arguments), books_of(arguments)
    with opened(arguments.model, arguments.contextsize, output) as engine, interruptible() as stopped:
        warn_of_misfits(engine, stack, output)
        warn_of_bias(engine, sampler, output)
        request = seeded(request_of(arguments, text, stack, most, sampler))
        request = bring_in(request, books, arguments, engine, output)
        count = arguments.best
        takes = inspect.best_of(
            engine, request, count, lambda: bool(stopped), lambda done: output.say(f"  {done} of {count} takes")
        )
    for rank, take in enumerate(takes, 1):
        output.object(rank=rank, stack=stack.label, **asdict(take))
    if takes and not output.json:
        output.data(shown(text + takes[0].text))
        rows = [
            (str(rank), f"{take.nats_per_token:.3f}", str(take.seed), str(take.tokens), _beginning(take.text))
            for rank, take in enumerate(takes, 1)
        ]
        output.say()
        output.say(table(rows, ("", "nats/token", "seed", "tokens", "begins")))
    return INTERRUPTED if stopped else 0


def per_token(arguments: argparse.Namespace, output: Output) -> int:
    """Print every token of the texts with its log-probability with the stack and without: coloured, or as JSON."""
    stack = parse_stack(arguments.module)
    texts = {name: "\n\n".join(d.text for d in corpus.read([Path(name)]).documents) for name in arguments.text}
    with opened(arguments.model, arguments.contextsize, output) as engine, interruptible() as stopped:
        warn_of_misfits(engine, stack, output)
        for name, text in texts.items():
            if not text:
                raise BadText(f"{name} is too short to measure.")
            found = inspect.score(engine, text, stack, lambda: bool(stopped))
            if stopped:
                return INTERRUPTED
            with_stack, without = found.nats
            output.object(
                text=name,
                stack=stack.label,
                tokens=found.tokens,
                **{"with": found.stacked, "without": found.plain},
                nats_per_token={"with": with_stack, "without": without},
            )
            if not output.json:
                output.data(_coloured(found, sys.stdout.isatty() and "NO_COLOR" not in os.environ))
                output.say(f"\n{name}: {without:.4f} nats/token without, {with_stack:.4f} with {stack.label}")
    return 0


def show_nearest(arguments: argparse.Namespace, output: Output) -> int:
    """Show the words nearest to each virtual token of a module, how far it is from all words, and how far it moved."""
    module, file = with_rows(Library().find(arguments.module)), resolve(arguments.model)
    piece = _piece_of(file)
    rows = nearest(module, file, piece, arguments.nearest)
    places = distances(module, file, piece)
    output.object(
        module=module.card.name,
        model=file.name,
        nearest=[[msgspec.structs.asdict(word) for word in row] for row in rows],
        places=[msgspec.structs.asdict(place) for place in places],
        note=CURIOSITY,
    )
    lines = [
        (
            str(number),
            ", ".join(f"{word.text} {word.cosine:.2f}" for word in row) or "-",
            place.word or "-",
            f"{place.from_words:.1f}",
            "-" if place.change is None else f"{place.change:.0%}",
        )
        for number, (row, place) in enumerate(zip(rows, places, strict=True))
    ]
    headings = ("token", f"nearest words of {file.name} by angle", "by distance", "from words", "moved")
    output.data(table(lines, headings))
    output.say(f"{CURIOSITY} From words: 1 is as far as words are from one another. Moved: of its first length.")
    return 0


def show_worth(arguments: argparse.Namespace, output: Output) -> int:
    """Show what each virtual token of a module is worth on pages that its training kept back, or on the ones named."""
    module = with_rows(Library().find(arguments.module))
    noted: Mapping[str, Any] = {}
    with suppress(BadModule):  # one that is a file has no folder in the library
        noted = evidence.read_sources(Library().entry(arguments.module).path.parent)
    pages = output.through(pages_of(module.card, arguments.worth, noted))
    with opened(arguments.model, 0, output) as engine, interruptible() as stopped:
        warn_of_misfits(engine, Stack().add(module), output)
        found = output.through(worth_on(engine, module, pages.held_out, engine.info.context, lambda: bool(stopped)))
    output.object(module=module.name, worth=list(found.nats_per_token), tokens=found.tokens, note=WORTH)
    order = sorted(range(len(found.nats_per_token)), key=lambda number: -found.nats_per_token[number])
    lines = [(str(number), f"{found.nats_per_token[number]:+.4f}") for number in order]
    output.data(table(lines, ("token", "nats/token lost without it")))
    output.say(f"On {found.tokens:,} tokens. {WORTH}")
    return INTERRUPTED if stopped else 0


def _piece_of(file: ModelFile) -> Callable[[int], bytes]:
    """Return a function from a token of ``file`` to its bytes; no weights are read."""
    if file.kind == "gguf":
        from ...backends.llamacpp.model import NativeVocabulary

        return NativeVocabulary(file.path).piece
    from ...models.folder_vocabulary import FolderVocabulary

    return FolderVocabulary(file.path, file.fingerprint.vocabulary).piece


def _coloured(scores: Scores, colour: bool) -> str:
    """Return the text, each token coloured by what the stack changed; without colour, + or - and the change in nats."""
    parts = []
    for token, stacked, plain in zip(scores.tokens, scores.stacked, scores.plain, strict=True):
        change = 0.0 if stacked is None or plain is None else stacked - plain
        if not colour:
            parts.append(token if abs(change) < 0.3 else f"{token}[{change:+.1f}]")
            continue
        shade = next((shade for least, shade in _SHADES if change >= least), _LEAST)
        lines = token.split("\n")
        parts.append("\n".join(f"\x1b[48;5;{shade}m{line}\x1b[0m" if shade and line else line for line in lines))
    return "".join(parts)


def _quoted(text: str) -> str:
    """Return a token with its spaces and line breaks made visible."""
    return (
        "".join("␤" if c == "\n" else "␣" if c == " " else c if c.isprintable() else "·" for c in text) or "(special)"
    )


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %" if probability >= 0.0005 else "·"


def _beginning(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 50 else words[:49] + "…"
