"""``generate --batch FILE.jsonl``: many prompts, one model load, one JSON line each.

A line in::

    {
        "id": "ch1-a",
        "prompt": "The lift stopped.",
        "modules": ["noir:0.8"],
        "seed": 7,
        "max_tokens": 300,
        "sampler": {"temperature": 0.7},
        "stop": ["***"],
        "words": 200,
        "memory": "...",
        "note": "...",
    }

Only ``prompt`` is needed; what a line leaves out is as the command says, and sampler settings may also stand beside
``prompt``. A line out holds ``id``, ``text``, ``seed``, ``tokens``, ``words``, ``reason``, ``seconds``, ``stack`` and
``model``. With ``--out`` a batch that was killed goes on where it was: ids already in the file are passed over. A line
that makes no sense is reported by its number and has no line out, so that a corrected one is written the next time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from ... import paths
from ...disk.files import check_target, writing
from ...disk.json_lines import LineWriter, encode, whole_lines
from ...errors import BadInput, BadText, BadUsage, EngineFailed, KoboldModulesError
from ...generation.log import seeded
from ...generation.lore import with_lore
from ...generation.protocol import Engine, Request
from ...plain_text import one_line
from ...sampling.settings import Sampler
from ...soft_prompt.stack import Stack
from ...stories.stop_criteria import LONGEST_UNTIL, StopCriteria, tokens_for
from .. import INTERRUPTED
from ..interrupts import interruptible
from ..options.length import most_tokens
from ..options.lore import books_of
from ..options.lore import settings_of as lore_settings
from ..options.prompt import prompted
from ..options.sampler_options import sampler_of
from ..options.stack import parse_stack, sources_of
from ..output import Output
from ..writing import Outcome, opened, warn_of_bias, warn_of_misfits, write


MOST_LINE = 16 * 2**20  # bytes
MOST_TOKENS = 10_000_000
ANSWER = b'{"id": '  # how every line of an answer begins
_OWN = ("id", "prompt", "modules", "stack", "module", "seed", "max_tokens", "words", "until", "stop", "memory", "note")


@dataclass(frozen=True, slots=True)
class Task:
    """One line of a batch, understood, with what the command says where the line says nothing."""

    number: int
    id: str
    request: Request
    words: int | None
    until: tuple[str, ...]
    modules: tuple[str, ...]


def batch(arguments: argparse.Namespace, output: Output) -> int:
    """Write every line of the batch. Returns 3 if one made no sense, else 0."""
    if prompted(arguments):
        raise BadUsage("A batch brings its own prompts.", "Remove --prompt.")
    out = Path(arguments.out) if arguments.out is not None else None
    done = _done(out, arguments) if out is not None else set()
    source = sys.stdin.buffer if arguments.batch == "-" else _open(Path(arguments.batch))
    bad = wrote = passed = 0
    seen: dict[str, int] = {}
    books = books_of(arguments)
    with source, opened(arguments.model, arguments.contextsize, output) as engine, interruptible() as stopped:
        warned: set[str] = set()
        biases: set[tuple[tuple[str, float], ...]] = {()}
        stacks: dict[tuple[str, ...], Stack] = {}
        for number, line in _lines(source):
            if stopped:
                break
            try:
                task = _task(number, line, arguments, stacks)
                if task.id in seen:
                    raise BadText(f"its id {task.id!r} is that of line {seen[task.id]}")
                seen[task.id] = number
                if task.id in done:
                    passed += 1
                    continue
                if task.request.stack.label not in warned:
                    warn_of_misfits(engine, task.request.stack, output)
                    warned.add(task.request.stack.label)
                if task.request.sampler.bias not in biases:
                    warn_of_bias(engine, task.request.sampler, output)
                    biases.add(task.request.sampler.bias)
                request, _ = with_lore(
                    task.request, books, engine.info.context, engine.tokenize, lore_settings(arguments)
                )
                outcome = _write(engine, replace(task, request=request), stopped)
            except EngineFailed:
                raise
            except KoboldModulesError as error:
                bad += 1
                sentence = one_line(f"line {number}: {error.message.rstrip('.')}. {error.hint}")
                print(sentence, file=sys.stderr, flush=True)  # with --json, too
                continue
            if outcome.written.reason == "cancelled":
                break  # half an answer would look like a whole one
            _put(out, _answer(task, outcome, engine), output)
            wrote += 1
            output.say(f"  {task.id}: {outcome.words:,} words, seed {outcome.written.seed}")
    left = f", {passed:,} were there already" if passed else ""
    output.say(f"{wrote:,} written{left}" + (f", {bad:,} could not be understood." if bad else "."))
    if stopped:
        return INTERRUPTED
    return BadInput.exit_code if bad else 0


def _write(engine: Engine, task: Task, stopped: list[bool]) -> Outcome:
    ending = StopCriteria(task.words, task.until)
    sources = sources_of(list(task.modules))
    return write(engine, task.request, ending, lambda piece: None, lambda: bool(stopped), sources, door="batch")


def _task(number: int, line: bytes, arguments: argparse.Namespace, stacks: dict[tuple[str, ...], Stack]) -> Task:
    """Parse the task in ``line``. Raises BadText, BadUsage or BadModule, for the person."""
    if len(line) > MOST_LINE:
        raise BadText(f"it is longer than {MOST_LINE // 2**20} MB")
    try:
        data = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadText(f"it is not JSON ({_first(error)})") from error
    if not isinstance(data, dict):
        raise BadText("it is not a JSON object")
    prompt = data.get("prompt")
    if not isinstance(prompt, str):
        raise BadText("it has no prompt" if prompt is None else "its prompt is not text")
    modules = _modules(data, arguments)
    words, most = _whole(data, "words", 1), _whole(data, "max_tokens", 1)
    settings = {key: value for key, value in data.items() if key not in (*_OWN, "sampler")}
    inner = data.get("sampler", {})
    if not isinstance(inner, dict):
        raise BadText("its sampler is not a JSON object")
    sampler = Sampler.from_dict({**settings, **inner}, sampler_of(arguments))
    if "seed" in data:
        sampler = Sampler.from_dict({"seed": data["seed"]}, sampler)
    if most is None:
        most = tokens_for(words) if words is not None else most_tokens(arguments)
    if modules not in stacks:
        stacks[modules] = parse_stack(list(modules))
    name = data.get("id", str(number))
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise BadText("its id is neither text nor a number")
    request = Request(
        text=prompt,
        stack=stacks[modules],
        max_tokens=most,
        sampler=sampler,
        stop=_texts(data, "stop", tuple(arguments.stop)),
        memory=_text(data, "memory", arguments.memory),
        note=_text(data, "note", arguments.note),
        note_depth=arguments.note_depth,
    )
    until = _texts(data, "until", tuple(arguments.until))
    if "words" not in data and "max_tokens" not in data:
        words = arguments.words
    return Task(number, str(name), seeded(request), words, until, modules)


def _modules(data: dict[str, Any], arguments: argparse.Namespace) -> tuple[str, ...]:
    given = [key for key in ("modules", "stack", "module") if key in data]
    if not given:
        return tuple(arguments.module)
    value = data[given[0]]
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",") if item.strip()]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadText(f"its {given[0]} is not a list of module names")
    return tuple(value)


def _whole(data: dict[str, Any], key: str, least: int) -> int | None:
    value = data.get(key)
    if value is None:
        return None
    if type(value) is not int or not least <= value <= MOST_TOKENS:
        raise BadText(f"its {key} should be a whole number of at least {least}, not {value!r:.40}")
    return value


def _text(data: dict[str, Any], key: str, default: str) -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        raise BadText(f"its {key} is not text")
    return value


def _texts(data: dict[str, Any], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = data.get(key, default)
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise BadText(f"its {key} should be a text or a list of them")
    if any(len(item) > LONGEST_UNTIL for item in value):
        raise BadText(f"its {key} holds a text of more than {LONGEST_UNTIL} characters")
    return tuple(value)


def _answer(task: Task, outcome: Outcome, engine: Engine) -> bytes:
    written = outcome.written
    answer = {
        "id": task.id,
        "text": outcome.text,
        "seed": written.seed,
        "tokens": written.tokens,
        "words": outcome.words,
        "reason": written.reason,
        "seconds": round(written.seconds, 3),
        "stack": task.request.stack.label,
        "model": engine.info.name,
    }
    return encode(answer)


def _put(out: Path | None, line: bytes, output: Output) -> None:
    """Put one answer, whole, on stdout, or at the end of ``out`` and on the disk."""
    if out is None:
        output.line(line.decode().rstrip("\n"))
        return
    with writing(out), LineWriter(out, mode=0o666) as writer:
        writer.write(line)
        writer.sync()


def _done(out: Path, arguments: argparse.Namespace) -> set[str]:
    """Return the ids answered in ``out`` and cut off a torn last line. Raises BadUsage where it is no batch's."""
    check_target(out, replace=True)  # a device is not removed
    if arguments.replace:
        with writing(out):
            paths.regular(out).unlink(missing_ok=True)
    if not out.exists():
        return set()
    with writing(out):
        lines = [line for line, _ in whole_lines(out)]
        with out.open("rb") as file:
            start = file.read(len(ANSWER))
    if not lines and not ANSWER.startswith(start):  # a text without a line break is no answer that was cut short
        raise _no_answers(out)
    try:
        return {str(json.loads(line)["id"]) for line in lines}
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise _no_answers(out) from error


def _no_answers(out: Path) -> BadUsage:
    return BadUsage(f"{out} exists and holds no answers of a batch.", "Choose another name.")


def _open(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise BadText(f"{path} is a folder.")
        return path.open("rb")
    except (OSError, ValueError) as error:
        raise BadText(f"The batch {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield lines with their numbers, empty ones left out; of one that is too long only the beginning."""
    number = 0
    while line := source.readline(MOST_LINE + 1):
        number += 1
        if len(line) > MOST_LINE:
            while (rest := source.readline(MOST_LINE)) and not rest.endswith(b"\n"):
                pass
        if line.strip():
            yield number, line


def _first(error: Exception) -> str:
    return str(error).split("\n")[0][:100]
