"""``compare``: one text continued by several stacks, or several takes of one, in a single batch."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
import time
from dataclasses import replace

from ...errors import BadUsage
from ...generation import log as generation_log
from ...generation.limits import MOST_TOGETHER
from ...plain_text import prose
from ...records import Finished, TextChunk
from ...sampling.seed import draw_seed
from .. import INTERRUPTED
from ..code_page import shown
from ..interrupts import interruptible
from ..options.lore import books_of, bring_in
from ..options.prompt import read_prompt
from ..options.request import request_of
from ..options.sampler_options import sampler_of
from ..options.stack import parse_stack, sources_of, split_list
from ..output import Output
from ..writing import opened, warn_of_bias, warn_of_misfits


NARROWEST = 24  # characters of a column worth reading
_FRAME = 0.1  # seconds between two drawings of the columns


def compare(arguments: argparse.Namespace, output: Output) -> int:
    """Print columns that grow together on a terminal, one after another in a pipe, or records with --json."""
    stacks = arguments.stack or ["none"]
    _check(arguments, len(stacks))
    text = read_prompt(arguments)
    sampler, books = sampler_of(arguments), books_of(arguments)
    first = draw_seed() if sampler.seed is None else sampler.seed
    requests, titles, sources = [], [], []
    for typed in stacks:
        stack = parse_stack(split_list(typed))
        for take in range(arguments.takes):
            seeded = replace(sampler, seed=first + take)
            requests.append(request_of(arguments, text, stack, arguments.max_tokens, seeded))
            titles.append(stack.label if arguments.takes == 1 else f"{stack.label}, seed {first + take}")
            sources.append(sources_of(split_list(typed)))
    with opened(arguments.model, arguments.contextsize, output) as engine, interruptible() as stopped:
        warn_of_bias(engine, sampler, output)
        for request in {request.stack.digest: request for request in requests}.values():
            warn_of_misfits(engine, request.stack, output)
        # All read the same lore, or it would be compared as well; the largest stack leaves the least room for it.
        largest = max(requests, key=lambda request: request.stack.tokens)
        lore = bring_in(largest, books, arguments, engine, output).lore
        requests = [replace(request, lore=lore) for request in requests]
        records = engine.together(requests, lambda: bool(stopped))
        width = shutil.get_terminal_size().columns // len(requests) - 3
        show: Columns | InTurn
        if sys.stdout.isatty() and not output.json and width >= NARROWEST:
            show = Columns(titles, width)
        else:
            show = InTurn(output, titles, text)
        finished: dict[int, Finished] = {}
        for record in generation_log.logged(records, engine.info, requests, "compare", sources):
            output.show(record)
            if isinstance(record, TextChunk):
                show.piece(record)
            elif isinstance(record, Finished):
                finished[record.sequence] = record
                show.ended(record.sequence)
        show.finish()
    for number, written in sorted(finished.items()):
        speed = written.tokens / max(written.seconds, 1e-9)
        label = requests[number].stack.label
        output.say(f"[{label}; {written.tokens} tokens, {speed:.0f}/s, seed {written.seed}, {written.reason}]")
    return INTERRUPTED if stopped else 0


def _check(arguments: argparse.Namespace, stacks: int) -> None:
    if arguments.takes < 1 or arguments.max_tokens < 1:
        raise BadUsage("--takes and --max-tokens must be at least 1.")
    if stacks * arguments.takes < 2:
        raise BadUsage(
            "Compare needs at least two stacks, or several takes of one.",
            "For example: --stack none --stack noir, or --stack noir --takes 4",
        )
    if stacks * arguments.takes > MOST_TOGETHER:
        raise BadUsage(f"{stacks * arguments.takes} texts cannot be written side by side; {MOST_TOGETHER} can.")


class InTurn:
    """Each text under its title, in order: the first streams, what the others write meanwhile waits for its turn."""

    def __init__(self, output: Output, titles: list[str], prompt: str) -> None:
        self._output, self._titles, self._prompt = output, titles, prompt
        self._texts = [""] * len(titles)
        self._over: set[int] = set()
        self._now = -1
        self._next()

    def piece(self, piece: TextChunk) -> None:
        self._texts[piece.sequence] += piece.text
        if piece.sequence == self._now:
            self._output.write(piece.text)

    def ended(self, sequence: int) -> None:
        self._over.add(sequence)
        while self._now in self._over:
            self._output.write("\n")
            self._next()

    def finish(self) -> None:
        """Print what is still held back."""

    def _next(self) -> None:
        self._now += 1
        if self._now < len(self._titles):
            title = self._titles[self._now]
            self._output.data(f"{chr(10) if self._now else ''}── {title} " + "─" * max(4, 60 - len(title)))
            self._output.write(self._prompt + self._texts[self._now])


class Columns:
    """All texts next to each other on a terminal, drawn again in place as they grow.

    While they grow, only as many of their last lines are shown as fit the screen; :meth:`finish` prints all of them.
    """

    def __init__(self, titles: list[str], width: int) -> None:
        self._titles = [textwrap.shorten(title, width, placeholder="…") for title in titles]
        self._width = width
        self._texts = [""] * len(titles)
        self._drawn = 0  # lines on the screen that the next drawing takes the place of
        self._shown = 0.0

    def piece(self, piece: TextChunk) -> None:
        self._texts[piece.sequence] += shown(piece.text)
        if time.monotonic() - self._shown > _FRAME:
            self._draw(shutil.get_terminal_size().lines - 2)

    def ended(self, sequence: int) -> None:
        """Note that a column has ended; it stays as it is."""

    def finish(self) -> None:
        self._draw(None)

    def _draw(self, most: int | None) -> None:
        self._shown = time.monotonic()
        rows = columns(self._titles, self._texts, self._width, most)
        up = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        sys.stdout.write(up + "\n".join(map(prose, rows)) + "\n")
        sys.stdout.flush()
        self._drawn = len(rows)


def columns(titles: list[str], texts: list[str], width: int, most: int | None = None) -> list[str]:
    """Return the rows of a table with a title over each text; the last ``most`` rows where there are more."""
    wrapped = [
        [line for paragraph in text.strip("\n").split("\n") for line in (textwrap.wrap(paragraph, width) or [""])]
        for text in texts
    ]
    height = max(map(len, wrapped))
    body = [
        " │ ".join(f"{lines[row] if row < len(lines) else '':<{width}}" for lines in wrapped).rstrip()
        for row in range(height)
    ]
    if most is not None:
        body = body[max(0, len(body) - max(1, most - 2)) :]
    return [
        " │ ".join(f"{title:<{width}}" for title in titles).rstrip(),
        "─┼─".join("─" * width for _ in titles),
        *body,
    ]
