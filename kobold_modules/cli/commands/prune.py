"""``prune``: a smaller module of those vectors that are worth most, trained again for a while."""

from __future__ import annotations

import argparse

from ...training import TrainingRequest, train
from ...training.destination import check_places
from ...training.prune_request import prune_settings
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
    """Return the training that the options ask for. Raises the errors of ``prune_settings``."""
    settings = prune_settings(
        arguments.module, arguments.tokens, arguments.files, arguments.model, arguments.name or ""
    )
    for field, value in settings.items():
        setattr(arguments, field, value)
    return request_of(arguments)
