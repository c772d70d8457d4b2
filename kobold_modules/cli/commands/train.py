"""``train``: from texts to a module on the shelf."""

from __future__ import annotations

import argparse
import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

import msgspec

from ...braille import braille
from ...byte_size import byte_size
from ...corpus.files import each_in
from ...drain import drain
from ...duration import duration
from ...errors import BadUsage
from ...plain_text import one_line
from ...records import Loss, Record, TrainedModule
from ...training import TrainingRequest, estimate, train_together
from ...training import train as train_module
from ...training.destination import check_places
from ..output import Output
from ..verdict import verdict
from . import queue


def request_of(arguments: argparse.Namespace) -> TrainingRequest:
    """Return the request that the options ask for; what was not given keeps its default."""
    names = [field.name for field in fields(TrainingRequest)]
    given = {name: value for name in names if (value := getattr(arguments, name, None)) is not None}
    several = {name: tuple(getattr(arguments, name, None) or ()) for name in ("keep", "speaker", "beside")}
    if given.get("kind") == "world":
        given.setdefault("tokens", 0)
    if given.get("near"):
        given.setdefault("tokens", 0)  # as many as the text has
    return TrainingRequest(**given | several | {"files": tuple(arguments.files)})


def train(arguments: argparse.Namespace, output: Output) -> int:
    if queue.asked(arguments):
        return queue.manage(arguments, output)
    if arguments.each:
        return train_each(arguments, output)
    if not arguments.files or not arguments.name:
        raise BadUsage("A training needs texts and a name.", "Like this: kobold-modules train novel.txt --name mine")
    request = request_of(arguments)
    if arguments.dry_run:
        return dry_run(request, output)
    if arguments.detach:
        check_places(request)
        return queue.submit(request, output)
    with stoppable() as stopped:
        kept = output.follow(train_module(request, lambda: bool(stopped)))
    return report(kept, stopped, output)


def train_each(arguments: argparse.Namespace, output: Output) -> int:
    """Train a module for each FILE, or for each text and folder in the one FOLDER given, over one frozen model."""
    if not arguments.files or arguments.name or arguments.out or arguments.detach:
        raise BadUsage(
            "--each names modules after their files and takes no --name, no --out and no --detach.",
            "Like this: kobold-modules train --each noir/ gothic/ farce.txt",
        )
    requests = []
    for file in _each_of(arguments.files):
        arguments.name = file.resolve().stem if file.is_file() else file.resolve().name
        requests.append(replace(request_of(arguments), files=(str(file),)))
    if len(requests) > 1:
        output.say(f"  {len(requests)} modules: {', '.join(one_line(each.name) for each in requests)}")
    if arguments.dry_run:
        for each in requests:
            output.say(f"{one_line(each.name)}:")
            dry_run(each, output)
        return 0
    with stoppable() as stopped:
        kept = output.follow(train_together(requests, lambda: bool(stopped)))
    return report(kept, stopped, output)


def _each_of(files: Sequence[str]) -> Sequence[Path]:
    """Return what a module each is trained on: the files, or what is in the only one where that is a folder."""
    paths = [Path(file).expanduser() for file in files]
    return each_in(paths[0]) if len(paths) == 1 and paths[0].is_dir() else paths


def report(kept: list[Record], stopped: list[bool], output: Output) -> int:
    """Print the curve and the verdict on each module. Returns the exit code."""
    curve = [(record.step, record.held_out) for record in kept if isinstance(record, Loss) and record.held_out]
    results = [record for record in kept if isinstance(record, TrainedModule)]
    if len(results) == 1 and len(curve) > 2:
        output.say(f"  held-out loss, {curve[0][1]:.3f} -> {min(loss for _, loss in curve):.3f} nats per token")
        for line in braille(curve, 48, 4):
            output.say(f"  {line}")
    for result in results:
        output.data(verdict(result))
    if stopped:
        output.say("Add --resume to the same command to continue where it stopped.")
    return 130 if stopped else 0


def dry_run(request: TrainingRequest, output: Output) -> int:
    """Measure what a training would do and cost on a few steps, and train nothing."""
    from ...corpus import read_stepwise, require_enough
    from ...corpus import split as split_corpus
    from ...training.preparing import LEAST_WORDS, described
    from ...training.world.data import lore_of

    reading = read_stepwise([Path(name) for name in request.files], keep=request.keep, speakers=request.speaker)
    corpus = drain(reading, output.narrate)
    split = split_corpus(corpus)
    for sentence in (*described(corpus, request), *split.describe()):
        output.say(f"  {sentence}")
    several = [report.speakers for report in corpus.reports if len(report.speakers) > 1]
    if several and not request.speaker:
        name = shlex.quote(several[0][0].name)
        output.say(f"  --speaker NAME trains on the lines of one speaker only: --speaker {name}, for example.")
    require_enough(corpus, 1 if lore_of(request) else LEAST_WORDS)
    cost = estimate(request, corpus, split)
    output.data(
        f"{cost.words:,} words, {cost.tokens:,} tokens to train on; at most {cost.steps:,} steps of "
        f"{cost.seconds_per_step:.2f} s, {duration(60 * cost.minutes)} "
        f"and some {duration(cost.seconds_around)} to load and to measure, {cost.passes:g} times through the text; "
        f"about {byte_size(cost.memory_bytes)} of memory and {byte_size(cost.disk_bytes)} of disk."
    )
    if cost.context:
        share = cost.virtual_tokens / cost.context
        output.say(f"  {cost.virtual_tokens} virtual tokens take {share:.0%} of the {cost.context:,} the model reads.")
    if cost.rows_at_once < request.batch:
        output.say(f"  {cost.rows_at_once} of the {request.batch} rows of a step fit into memory at once.")
    output.object(**msgspec.structs.asdict(cost))
    return 0


@contextmanager
def stoppable() -> Iterator[list[bool]]:
    """Finish up and save at the first ctrl-C, which fills the list; interrupt at once at the second."""
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
