"""``train``: from texts to a module on the shelf."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..records import Result
from ..training import TrainingRequest
from ..training import train as train_module
from .output import Output


def request_of(arguments: argparse.Namespace) -> TrainingRequest:
    """The request that the options ask for; what was not given keeps its default."""
    names = ("tokens", "minutes", "steps", "rate", "row", "batch", "out")
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return TrainingRequest(
        files=tuple(arguments.files),
        name=arguments.name,
        model=arguments.model,
        kind=arguments.kind,
        description=arguments.description,
        author=arguments.author,
        seed=arguments.seed,
        device=arguments.device,
        replace=arguments.replace,
        resume=arguments.resume,
        **given,
    )


def train(arguments: argparse.Namespace, output: Output) -> int:
    request = request_of(arguments)
    if arguments.dry_run:
        return dry_run(request, output)
    with stoppable() as stopped:
        kept = output.follow(train_module(request, lambda: bool(stopped)))
    for record in kept:
        if isinstance(record, Result) and record.what == "module":
            output.data(verdict(record))
    if stopped:
        output.say("Add --resume to the same command to go on where it stopped.")
    return 130 if stopped else 0


def verdict(result: Result) -> str:
    """One line on what the training achieved."""
    data = result.data
    change = "better" if data["gain"] >= 0 else "worse"
    return (
        f"{data['name']}: {data['tokens']} virtual tokens; held-out pages {abs(100 * data['gain']):.2f} % {change} "
        f"({data['bits_per_byte_without']:.4f} -> {data['bits_per_byte_with']:.4f} bits per byte)"
    )


def dry_run(request: TrainingRequest, output: Output) -> int:
    """Read the texts and the model's header, and say what a training would do."""
    from .. import corpus as words
    from ..models.find import resolve
    from ..models.identify import identify
    from ..models.tokens import load_tokenizer

    file = resolve(request.model)
    corpus = words.read([Path(name) for name in request.files])
    words.require_enough(corpus)
    for sentence in corpus.describe():
        output.say(f"  {sentence}")
    card = identify(file)
    tokens = len(load_tokenizer(file)(corpus.text))
    size = request.tokens * card.width * 4
    output.data(
        f"{corpus.words:,} words, {tokens:,} tokens for {card.name} (context {card.context}); "
        f"a module of {request.tokens} virtual tokens, {size / 1024:.0f} KiB; at most "
        + (f"{request.steps} steps" if request.steps else f"{request.minutes:g} minutes")
        + "."
    )
    output.object(words=corpus.words, tokens=tokens, virtual_tokens=request.tokens, bytes=size, model=card.name)
    return 0


@contextmanager
def stoppable() -> Iterator[list[bool]]:
    """Within, the first ctrl-C fills the list (finish up and save), a second one interrupts at once."""
    stopped: list[bool] = []

    def on_interrupt(number: int, frame: object) -> None:
        if stopped:
            raise KeyboardInterrupt
        stopped.append(True)

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, previous)
