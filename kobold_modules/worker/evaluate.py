"""Evaluate a module, for somebody who watches."""

from __future__ import annotations

from ..records import Done
from . import messages
from .context import JobContext


def evaluate_module(job: messages.Evaluate, context: JobContext) -> None:
    """Send the records of an evaluation as they come; a cancelled one ends with Done("stopped") and no evidence."""
    from ..evaluation.evaluate import evaluate

    for record in evaluate(job.request, context.cancel.is_set):
        context.emit(record)
    if context.cancel.is_set():
        context.emit(Done("stopped"))
