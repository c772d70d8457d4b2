"""``phrase``: readable text that does some of what a module does, to paste into any program's memory."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ...disk.files import check_target, write_file
from ...drain import drain
from ...errors import BadModule
from ...evaluation.report import long_gain, measured_gain, verdict_of
from ...evaluation.words import percent
from ...library.library import Library
from ...phrases.measuring import Front
from ...phrases.phrase import Phrase
from ...phrases.settings import PhraseRequest
from ...records import Note, Progress, Saved
from .. import INTERRUPTED
from ..interrupts import interruptible
from ..options.stack import parse_stack
from ..output import Output, table


CALLED = {
    "nothing": "nothing",
    "description": "a plain description",
    "phrase": "this phrase",
    "module": "the module",
}
MODULE_FILES = (".zip", ".safetensors")


def phrase(arguments: argparse.Namespace, output: Output) -> int:
    """Search a phrase, print it, and what it is worth. Returns the exit code."""
    of, files = _module_first(arguments.files)
    request = PhraseRequest(
        files=tuple(files),
        of=of,
        model=arguments.model,
        module=arguments.module or "",
        description=arguments.description,
        search=arguments.search,
        passages=arguments.passages,
        words=arguments.words,
        candidates=arguments.candidates,
        tokens=arguments.tokens,
        steps=arguments.steps,
        seed=arguments.seed,
        keep=tuple(arguments.keep or ()),
        speaker=tuple(arguments.speaker or ()),
    )
    if arguments.out:
        check_target(Path(arguments.out), replace=arguments.replace)
    stack = parse_stack([request.module]) if request.module else None
    from ...training.methods.phrase import search_phrase  # torch, which a bad option need not wait for

    with interruptible() as stopped:
        found = drain(search_phrase(request, lambda: bool(stopped), stack), lambda record: _said(record, output))
    output.object(**as_json(found, request))
    _show(found, output)
    if arguments.out and found.text:
        write_file(Path(arguments.out), found.text.encode())
        output.say(f"  phrase: {arguments.out}") if not output.json else output.show(Saved(arguments.out, "phrase"))
    return INTERRUPTED if found.stopped else 0


def _module_first(typed: list[str]) -> tuple[str, list[str]]:
    """Return the module that the first of ``typed`` names, or none, and the files that are left.

    A file or folder of pages comes before a module of that name.
    """
    first = typed[0]
    if Path(first).expanduser().exists():
        return (first, typed[1:]) if Path(first).suffix.lower() in MODULE_FILES else ("", typed)
    try:
        Library().entry(first)
    except BadModule:
        return "", typed
    return first, typed[1:]


def _said(record: Progress | Note, output: Output) -> None:
    if isinstance(record, Progress):
        output.narrate(record)
    else:
        output.say(f"  {record.text}")


def _show(found: Phrase, output: Output) -> None:
    if output.json:
        return
    if found.fronts:
        headings = (f"in front of {found.measured_on}", "tokens", "bits/byte", "predicted", "of its effect")
        rows = [_row(one) for one in found.fronts]
        shown = len(headings) - all(one.effect is None for one in found.fronts)
        output.say(table([row[:shown] for row in rows], headings[:shown]))
        output.say()
        measured = found.front("phrase")
        if measured is not None and measured.gain is not None and verdict_of(measured.gain) != "better":
            output.say(f"On {found.measured_on} it is not clearly better than nothing: hardly worth its tokens.")
    if found.stopped:
        output.say("Stopped: this is the best that was found until then." if found.text else "Stopped.")
    if not found.text:
        output.say("Nothing that was tried helps the model to predict other pages; there is nothing worth pasting.")
        return
    output.data(found.text)


def _row(front: Front) -> tuple[str, ...]:
    gain = "-" if front.gain is None else long_gain(front.gain)
    effect = "-" if front.effect is None else percent(front.effect, 0)
    return CALLED[front.name], f"{front.tokens:,}", f"{front.bits_per_byte:.4f}", gain, effect


def as_json(found: Phrase, request: PhraseRequest) -> dict[str, Any]:
    """Return a phrase as --json shows it."""
    passages = found.passages
    steps = passages.steps if passages is not None else ()
    chosen = steps[-1].stretches if steps else ()
    return {
        "phrase": found.text,
        "search": request.search,
        **({"of": request.of} if request.of else {}),
        "passages": [{"text": one.text, "words": one.words} for one in chosen],
        "steps": [{"passages": len(step.stretches), "bits_per_byte": step.bits_per_byte} for step in steps],
        "tried": passages.tried if passages is not None else request.steps,
        "seed": request.seed,
        "held_out_tokens": found.held_out_tokens,
        "measured_on": found.measured_on,
        "fronts": [
            {
                "front": one.name,
                "text": one.text,
                "tokens": one.tokens,
                "bits_per_byte": one.bits_per_byte,
                "nats_per_token": one.nats_per_token,
                **({} if one.gain is None else measured_gain(one.gain)),
                **({} if one.effect is None else {"effect": one.effect}),
            }
            for one in found.fronts
        ],
        "stopped": found.stopped,
    }
