"""``generate`` and ``compare``: write with stacks of modules."""

from __future__ import annotations

import argparse
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

from ..errors import BadText, BadUsage
from ..models.find import resolve
from ..records import Piece, Written
from ..sampling import PRESETS, Sampler
from ..stack import Stack
from .output import Output
from .stacks import parse_stack


def generate(arguments: argparse.Namespace, output: Output) -> int:
    text = read_prompt(arguments)
    stack = parse_stack(arguments.module)
    return _write(arguments, output, text, [stack])


def compare(arguments: argparse.Namespace, output: Output) -> int:
    if len(arguments.stack) < 2:
        raise BadUsage("Compare needs at least two stacks.", "For example: --stack none --stack noir")
    text = read_prompt(arguments)
    stacks = [parse_stack(stack.split(",")) for stack in arguments.stack]
    return _write(arguments, output, text, stacks)


def read_prompt(arguments: argparse.Namespace) -> str:
    """The text to continue, from --prompt, a file or stdin. Raises BadText if it cannot be read."""
    if arguments.prompt is not None:
        return str(arguments.prompt)
    if arguments.stdin == "-" or arguments.prompt_file == "-":
        return sys.stdin.read()
    if arguments.prompt_file:
        try:
            return Path(arguments.prompt_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadText(f"The prompt {arguments.prompt_file} cannot be read as UTF-8 text: {error}.") from error
    raise BadUsage(
        "There is nothing to continue.", "Give --prompt TEXT, --prompt-file FILE, or - and pipe the text in."
    )


def sampler_of(arguments: argparse.Namespace) -> Sampler:
    """The preset with whatever options change in it."""
    if arguments.preset not in PRESETS:
        raise BadUsage(f"There is no preset called {arguments.preset}.", f"Presets: {', '.join(PRESETS)}.")
    names = ("temperature", "top_k", "top_p", "min_p", "repetition", "seed")
    changes = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return replace(PRESETS[arguments.preset], **changes)


def _write(arguments: argparse.Namespace, output: Output, text: str, stacks: list[Stack]) -> int:
    file = resolve(arguments.model)
    if file.kind != "gguf":
        raise BadUsage(f"{file.name} is a Hugging Face folder; writing needs a GGUF file for now.")
    from ..engines.base import Request
    from ..engines.llama import LlamaEngine

    if arguments.max_tokens < 1:
        raise BadUsage("--max-tokens must be at least 1.")
    sampler = sampler_of(arguments)
    with LlamaEngine(file.path, name=file.name, context=arguments.contextsize) as engine:
        for stack in stacks:
            for warning in stack.check(engine.info.fingerprint, file.name):
                output.say(f"warning: {warning}")
        if sampler.seed is None and len(stacks) > 1:
            import secrets

            sampler = replace(sampler, seed=secrets.randbelow(2**31))
        for index, stack in enumerate(stacks):
            if len(stacks) > 1:
                output.data(f"{'' if index == 0 else chr(10)}── {stack.label} " + "─" * max(4, 60 - len(stack.label)))
            request = Request(text, stack, arguments.max_tokens, sampler, tuple(arguments.stop))
            if not output.json:
                output.write(text)
            for record in engine.generate(request):
                if isinstance(record, Piece):
                    record = replace(record, sequence=index)
                    output.write(record.text)
                elif isinstance(record, Written):
                    record = replace(record, sequence=index)
                    output.write("\n")
                    speed = record.tokens / max(record.seconds, 1e-9)
                    output.say(
                        f"[{stack.label}; {record.tokens} tokens, {speed:.0f}/s, seed {record.seed}, {record.reason}]"
                    )
                output.show(record)
    return 0


def side_by_side(titles: tuple[str, str], texts: tuple[str, str], width: int) -> str:
    """Two texts in two columns of one table, ``width`` characters in all."""
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
