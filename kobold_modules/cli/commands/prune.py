"""``prune``: a smaller module of those vectors that are worth most, trained again for a while."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import BadModule, BadText, BadUsage, NoModel
from ...library import evidence
from ...library.library import Library
from ...models.find import resolve
from ...soft_prompt.deep_prefix import with_rows
from ...soft_prompt.module import Card
from ...training import TrainingRequest, train
from ...training.destination import check_places
from ..output import Output
from . import queue
from .train import report, request_of, stoppable


def prune(arguments: argparse.Namespace, output: Output) -> int:
    """Prune and train as a training does, and print what came of it. Returns the exit code."""
    request = prune_request(arguments)
    if arguments.detach:
        check_places(request)
        return queue.submit(request, output)
    with stoppable() as stopped:
        kept = output.follow(train(request, lambda: bool(stopped)))
    return report(kept, stopped, output)


def prune_request(arguments: argparse.Namespace) -> TrainingRequest:
    """Return the training that the options ask for: texts, model and kind are the module's own where none are named.

    Raises:
        BadUsage: more virtual tokens than it has, or no model; BadModule: no such module; BadText: no texts at hand.
    """
    module = with_rows(Library().find(arguments.module))
    card = module.card
    if not 1 <= arguments.tokens < module.tokens:
        raise BadUsage(f"{module.name} has {module.tokens} virtual tokens; --to takes 1 to {module.tokens - 1}.")
    noted: Mapping[str, Any] = {}
    if not arguments.files:
        noted = _noted(arguments.module)
        arguments.files = _files(card, noted)
    arguments.keep, arguments.speaker = noted.get("keep"), noted.get("speaker")
    arguments.model = _model(arguments.model, card)
    arguments.name = arguments.name or f"{module.name} {arguments.tokens}"
    arguments.kind = "world" if card.kind == "world" else "style"
    arguments.description = f"{arguments.tokens} of the {module.tokens} virtual tokens of {module.name}."
    arguments.author = card.author
    arguments.start, arguments.start_with = "pruned", arguments.module
    if card.training.get("objective") == "text":
        arguments.objective = "text"
    return request_of(arguments)


def _noted(name: str) -> Mapping[str, Any]:
    """Return where the library noted the module's texts to lie; nothing for a module that is not in it."""
    try:
        return evidence.read_sources(Library().entry(name).path.parent)
    except BadModule:
        return {}


def _files(card: Card, noted: Mapping[str, Any]) -> list[str]:
    files = list(noted.get("files", ()))
    if not files or not all(Path(file).exists() for file in files):
        raise BadText(
            f"The texts that {card.name} was trained on are not where they were.",
            "Name some of the same author: kobold-modules prune MODULE TEXT... --to N",
        )
    return files


def _model(named: str, card: Card) -> str:
    """Return the model to train through: the one that was named, else the one that the card names."""
    if named:
        return named
    if not card.model:
        raise BadUsage(f"{card.name} does not say which model it was made for.", "Name it: --model MODEL.")
    try:
        resolve(card.model)
    except NoModel as error:
        raise NoModel(
            f"{card.name} was made for {card.model}, which is not found by that name.",
            "Name its file: --model FILE.gguf.",
        ) from error
    return card.model
