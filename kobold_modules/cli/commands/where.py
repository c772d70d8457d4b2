"""The verbs about this machine: where, doctor."""

from __future__ import annotations

import argparse

from ... import paths
from ...generation.log import journal_file
from ..output import Output, table


def where(arguments: argparse.Namespace, output: Output) -> int:
    places = {
        "modules": paths.modules_dir(),
        "stories": paths.stories_dir(),
        "stacks": paths.stacks_dir(),
        "models": paths.models_dir(),
        "self-study": paths.self_study_dir(),
        "trainings": paths.trainings_dir(),
        "cache": paths.cache_dir(),
        "logs": paths.logs_dir(),
        "journal": journal_file(),
        "config": paths.config_file(),
    }
    output.object(**{name: str(path) for name, path in places.items()})
    output.data(table([(name, str(path)) for name, path in places.items()], ("what", "where")))
    return 0
