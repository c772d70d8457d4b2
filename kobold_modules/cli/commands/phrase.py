"""``phrase``: readable text that does some of what a module does, to paste into any program's memory."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...disk.files import check_target, write_file
from ...evaluation.report import long_gain, measured_gain, verdict_of
from ...models.find import resolve
from ...phrases.phrase import Front, Phrase, WordSearch, find_phrase
from ...phrases.settings import PhraseRequest
from ...records import Progress, Saved
from .. import INTERRUPTED
from ..interrupts import interruptible
from ..options.stack import parse_stack
from ..output import Output, table
from ..writing import opened, warn_of_misfits


CALLED = {
    "nothing": "nothing",
    "description": "a plain description",
    "phrase": "this phrase",
    "module": "the module",
}


def phrase(arguments: argparse.Namespace, output: Output) -> int:
    """Search a phrase, print it, and what it is worth. Returns the exit code."""
    request = PhraseRequest(
        files=tuple(arguments.files),
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
    with opened(request.model, 0, output) as engine, interruptible() as stopped:
        if stack is not None:
            warn_of_misfits(engine, stack, output)
        work = find_phrase(request, engine, stack, lambda: bool(stopped), _words(request, lambda: bool(stopped)))
        while True:
            try:
                record = next(work)
            except StopIteration as end:
                found: Phrase = end.value
                break
            if isinstance(record, Progress):
                output.narrate(record)
            else:
                output.say(f"  {record.text}")
    output.object(**as_json(found, request))
    _show(found, output)
    if arguments.out and found.text:
        write_file(Path(arguments.out), found.text.encode())
        output.say(f"  phrase: {arguments.out}") if not output.json else output.show(Saved(arguments.out, "phrase"))
    return INTERRUPTED if found.stopped else 0


def _words(request: PhraseRequest, cancelled: Callable[[], bool]) -> WordSearch | None:
    """Return what searches words by gradient, where that was asked for."""
    if request.search == "passages":
        return None
    from ...training.methods.words import search_words

    file = resolve(request.model)
    return lambda pages: search_words(
        request.search, file, pages, request.tokens, request.steps, request.seed, cancelled
    )


def _show(found: Phrase, output: Output) -> None:
    if output.json:
        return
    if found.fronts:
        rows = [(CALLED[one.name], f"{one.tokens:,}", f"{one.bits_per_byte:.4f}", _gain(one)) for one in found.fronts]
        headings = ("in front of held-out pages", "tokens", "bits/byte", "predicted")
        output.say(table(rows, headings))
        output.say()
        measured = found.front("phrase")
        if measured is not None and measured.gain is not None and verdict_of(measured.gain) != "better":
            output.say("On held-out pages it is not clearly better than nothing: hardly worth its tokens.")
    if found.stopped:
        output.say("Stopped: this is the best that was found until then." if found.text else "Stopped.")
    if not found.text:
        output.say("Nothing that was tried helps the model to predict other pages; there is nothing worth pasting.")
        return
    output.data(found.text)


def _gain(front: Front) -> str:
    return "-" if front.gain is None else long_gain(front.gain)


def as_json(found: Phrase, request: PhraseRequest) -> dict[str, Any]:
    """Return a phrase as --json shows it."""
    passages = found.passages
    steps = passages.steps if passages is not None else ()
    chosen = steps[-1].stretches if steps else ()
    return {
        "phrase": found.text,
        "search": request.search,
        "passages": [{"text": one.text, "words": one.words} for one in chosen],
        "steps": [{"passages": len(step.stretches), "bits_per_byte": step.bits_per_byte} for step in steps],
        "tried": passages.tried if passages is not None else request.steps,
        "seed": request.seed,
        "held_out_tokens": found.held_out_tokens,
        "fronts": [
            {
                "front": one.name,
                "text": one.text,
                "tokens": one.tokens,
                "bits_per_byte": one.bits_per_byte,
                "nats_per_token": one.nats_per_token,
                **({} if one.gain is None else measured_gain(one.gain)),
            }
            for one in found.fronts
        ],
        "stopped": found.stopped,
    }
