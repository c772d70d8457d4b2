"""``models``: what is on this disk and what each can do here; ``--get`` and ``--download`` fetch one."""

from __future__ import annotations

import argparse
from pathlib import Path

from ... import codec
from ...byte_size import byte_size
from ...errors import NoModel
from ...models.capacity import can_train, can_write
from ...models.discovery.discover import Survey, discover
from ...models.find import resolve
from ...models.listing import listed
from ...models.reference import ModelFile
from ...models.system_memory import SystemMemory, room
from ...models.usability.usable import HINT
from ..output import Output, table


HEADINGS = ("name", "weights", "size", "context", "writes", "trains", "place", "path")


def models(arguments: argparse.Namespace, output: Output) -> int:
    """List models, or fetch one first and then say what it can do."""
    here = room()
    if arguments.get:
        from ...models.hub.smollm2 import get_smollm2

        output.follow(get_smollm2())
        survey = discover([resolve(arguments.get).path], only=True)
    elif arguments.download:
        from ...models.hub.download import download

        output.follow(download(arguments.download))
        found = resolve(arguments.download)
        survey = discover([found.path], only=True)
    elif arguments.files:
        survey = discover([_searched(text) for text in arguments.files], only=True)
        if len(arguments.files) == 1 and not arguments.json:
            _check_alone(survey, Path(arguments.files[0]).expanduser())
    else:
        survey = discover()
    for model in survey.models:
        output.object(**codec.plain(listed(model, here)))
    _print(survey, here, arguments, output)
    return 0


def _check_alone(survey: Survey, path: Path) -> None:
    """Raise NoModel where the one thing that was named is no model, or a damaged one."""
    for bad in survey.models:
        if bad.problem and (len(survey.models) == 1 or not path.is_dir()):
            _ = bad.facts  # in full, with what to do
            raise NoModel(f"{bad.path}: {bad.problem}")
    if not survey.models and path.is_dir():
        resolve(str(path))
    for file, reason in () if survey.models else survey.left_out:
        raise NoModel(f"{file} is {reason}.", HINT)


def _searched(text: str) -> Path:
    """Return the folder or file to search; anything else is a model by name. Raises NoModel."""
    path = Path(text).expanduser()
    return path if path.is_dir() or path.suffix == ".kcpps" else resolve(text).path


def _print(survey: Survey, here: SystemMemory, arguments: argparse.Namespace, output: Output) -> None:
    if survey.models:
        output.data(table([_row(model, here) for model in survey.models], HEADINGS))
    else:
        output.say("There is no model there.")
    reasons = [
        (model, what, verdict.sentence)
        for model in survey.models
        if not model.problem
        for what, verdict in (("write", can_write(model.facts, here)), ("train", can_train(model.facts, here)))
        if verdict.can != "yes" or len(survey.models) == 1
    ]
    few = len(survey.models) == 1 or arguments.all
    for model, what, sentence in reasons if few else ():
        output.say(f"  {model.name}, to {what}: {sentence}")
    if reasons and not few:
        output.say("`kobold-modules models FILE` says why one cannot, `--all` for every one.")
    for note in survey.notes:
        output.say(note)
    if survey.left_out and arguments.all:
        for path, reason in survey.left_out:
            output.say(f"  left out {path}: {reason}")
    elif survey.left_out:
        output.say(f"{len(survey.left_out)} files are left out because they are not language models; --all lists them.")
    if survey.offer:
        output.say(survey.offer)
    cards = "".join(f"; {gpu.name}: {byte_size(gpu.free)} of {byte_size(gpu.total)} free" for gpu in here.gpus)
    if here.known:
        output.say(f"Memory: {byte_size(here.free)} of {byte_size(here.total)} free{cards}.")


def _row(model: ModelFile, here: SystemMemory) -> tuple[str, ...]:
    if model.problem:
        return (model.name, "-", "-", "-", "-", "-", model.place, f"{model.path} ({model.problem})")
    facts = model.facts
    kind = f"{_short(facts.parameters)} {facts.weights}".strip()
    return (
        model.name,
        kind,
        byte_size(facts.bytes),
        f"{facts.context:,}" if facts.context else "?",
        can_write(facts, here).can,
        can_train(facts, here).can,
        model.place,
        str(model.path),
    )


def _short(parameters: int) -> str:
    """Return ``8.0B``, ``124M`` or ``260K``."""
    for unit, size in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if parameters >= size:
            return f"{parameters / size:.1f}{unit}" if parameters < 100 * size else f"{parameters / size:.0f}{unit}"
    return str(parameters) if parameters else "?"
