"""Where a training will put its module: checked before anything slow, so that no training is lost to it."""

from __future__ import annotations

from pathlib import Path

from ..disk.files import check_target, writing
from ..errors import BadModule, BadUsage
from ..formats import read
from ..library.library import Library
from ..library.names import checked_name
from ..library.slug import key_of
from ..paths import made, trainings_dir
from .settings import TrainingRequest


def check_places(request: TrainingRequest) -> None:
    """Raise BadUsage where the module of ``request`` could not be kept.

    That is where its name is taken or impossible, the library or the checkpoints cannot be written, ``out`` is no place
    for a zip or holds something else.
    """
    checked_name(request.name)
    if request.library:
        if not request.replace and not request.resume:
            refuse_taken_name(request.name)
        Library().must_be_writable()
    with writing(trainings_dir()):
        made(trainings_dir())
    if request.out is not None:
        out = Path(request.out)
        check_target(
            out,
            ".safetensors" if request.method == "prefix" else ".zip",
            replace=request.replace or (request.resume and holds(out, request.name)),
        )


def refuse_taken_name(name: str) -> None:
    """Raise BadUsage where the library has a module of that name."""
    if any(key_of(entry.name) == key_of(name) for entry in Library().entries()):
        raise BadUsage(
            f"There is already a module called {name}.",
            "Choose another --name, add --replace, or remove it with `kobold-modules remove`.",
        )


def holds(path: Path, name: str) -> bool:
    """Return whether ``path`` is a module called ``name``: what an earlier run of the same training wrote."""
    try:
        return path.is_file() and key_of(read(path).card.name) == key_of(name)
    except BadModule:
        return False
