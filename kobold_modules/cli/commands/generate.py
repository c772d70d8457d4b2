"""``generate``: continue a text with a stack of modules in front of it."""

from __future__ import annotations

import argparse
import textwrap
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from ...errors import BadUsage
from ...generation.log import seeded
from ...records import Finished, TextChunk
from ...stories.stop_criteria import LONGEST_UNTIL
from .. import INTERRUPTED
from ..interrupts import interruptible
from ..options.length import ending_of, most_tokens
from ..options.lore import books_of, bring_in
from ..options.prompt import read_prompt
from ..options.request import request_of
from ..options.sampler_options import sampler_of
from ..options.stack import parse_stack, sources_of
from ..output import Output
from ..writing import Meter, Outcome, closing_line, opened, warn_of_bias, warn_of_misfits, write


def generate(arguments: argparse.Namespace, output: Output) -> int:
    """Continue a prompt on stdout or into a file; stories, batches and replays have files of their own."""
    _check(arguments)
    if arguments.peek is not None or arguments.best is not None:
        from . import inspect

        return inspect.peek(arguments, output) if arguments.peek is not None else inspect.best(arguments, output)
    if arguments.replay is not None:
        from .replay import replay

        return replay(arguments, output)
    if arguments.batch is not None:
        from .batch import batch

        return batch(arguments, output)
    if arguments.story is not None:
        from .story import continue_story

        return continue_story(arguments, output)
    return _continue_prompt(arguments, output)


def _check(arguments: argparse.Namespace) -> None:
    """Raise BadUsage where options do not go together."""
    ways = [name for name in ("story", "batch", "replay", "peek", "best") if getattr(arguments, name) is not None]
    if len(ways) > 1:
        raise BadUsage(f"--{ways[0]} and --{ways[1]} do not go together.")
    for option in ("retry", "save_as"):
        if getattr(arguments, option) and ways != ["story"]:
            raise BadUsage(f"--{option.replace('_', '-')} needs --story FILE.")
    if arguments.out is not None and ways and ways != ["batch"]:
        raise BadUsage(f"--out is for a prompt or a batch, not for --{ways[0]}.", "A story goes to --save-as FILE.")
    if arguments.resume and arguments.out is None:
        raise BadUsage("--resume continues the file of --out.")
    if arguments.words is not None and arguments.words < 1:
        raise BadUsage("--words must be at least 1.")
    if arguments.max_tokens is not None and arguments.max_tokens < 0:
        raise BadUsage("--max-tokens cannot be negative.")
    if long := next((text for text in arguments.until if len(text) > LONGEST_UNTIL), None):
        raise BadUsage(f"--until {long[:20]!r}... is too long; {LONGEST_UNTIL} characters are the most.")


def _continue_prompt(arguments: argparse.Namespace, output: Output) -> int:
    from ..out_file import OutFile

    out = OutFile(Path(arguments.out)) if arguments.out is not None else None
    begun = out.find(resume=arguments.resume, replace=arguments.replace) if out is not None else None
    # What is written already holds its prompt; a prompt given again may come from a pipe that is empty by now.
    prompt = begun.prompt if begun is not None else read_prompt(arguments)
    stack, sources = parse_stack(arguments.module), sources_of(arguments.module)
    sampler, books = sampler_of(arguments), books_of(arguments)
    ending, most = ending_of(arguments), most_tokens(arguments)
    with (
        opened(arguments.model, arguments.contextsize, output) as engine,
        interruptible() as stopped,
        out or nullcontext(),
    ):
        warn_of_misfits(engine, stack, output)
        warn_of_bias(engine, sampler, output)
        text = prompt
        if begun is not None:
            assert out is not None
            ending.feed(begun.written)
            text += begun.written
            done = len(engine.tokenize(begun.written))
            most = max(0, most - done)
            # Another seed than the first, which would draw the same words at the same places.
            if begun.seed is not None:
                sampler = replace(sampler, seed=(begun.seed + done) % 2**31)
            output.say(f"Continuing after {ending.words:,} words in {out.path}.")
            out.go_on(begun)
        request = seeded(request_of(arguments, text, stack, most, sampler))
        request = bring_in(request, books, arguments, engine, output)
        if out is not None and begun is None:
            out.begin(prompt, request.sampler.seed)
        unshown = [prompt] if out is None and begun is None else []  # shown with the first word: it may be refused
        meter = Meter(output, arguments.words, most, streamed=out is None)

        def show(piece: str) -> None:
            meter.count(ending.words)
            if out is not None:
                out.write(piece)
            else:
                meter.clear()
                output.write((unshown.pop() if unshown else "") + piece)
            if output.json:
                output.show(TextChunk(piece))

        if ending.met or most == 0:
            outcome = Outcome("", ending.words, Finished(ending.met or "length", 0, 0.0, request.sampler.seed or 0))
        else:
            outcome = write(engine, request, ending, show, lambda: bool(stopped), sources)
        meter.clear()
        if out is None:
            output.write((unshown.pop() if unshown else "") + "\n")
        elif not stopped:
            out.finish()
        if output.json:
            output.show(outcome.written)
        output.say(closing_line(outcome, stack))
        if stopped and out is not None:
            output.say(f"{out.path} keeps what was written; --resume continues it.")
    return INTERRUPTED if stopped else 0


def side_by_side(titles: tuple[str, str], texts: tuple[str, str], width: int) -> str:
    """Return two texts in two columns of one table, ``width`` characters in all."""
    column = max(20, (width - 3) // 2)
    columns = [
        [line for paragraph in text.split("\n") for line in (textwrap.wrap(paragraph, column) or [""])]
        for text in texts
    ]
    height = max(map(len, columns))
    left, right = (lines + [""] * (height - len(lines)) for lines in columns)
    rows = [f"{titles[0]:<{column}} │ {titles[1]}", "─" * (column + 1) + "┼" + "─" * (column + 1)]
    rows += [f"{a:<{column}} │ {b}" for a, b in zip(left, right, strict=True)]
    return "\n".join(row.rstrip() for row in rows)
