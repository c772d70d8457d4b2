"""``untie``: a copy of a model in which adapters work."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ....byte_size import byte_size
from ....disk.files import check_target
from ....errors import EngineFailed, KoboldModulesError
from ....models.find import resolve
from ....models.untie import untie as make_copy
from ....models.untie import untied_size
from ...output import Output


def untie(arguments: argparse.Namespace, output: Output) -> int:
    """Write the copy, its size said first, and load it once, to be sure."""
    file = resolve(arguments.model)
    target = Path(arguments.out).expanduser() if arguments.out else Path(f"{file.path.stem}-untied.gguf")
    size = untied_size(file)
    check_target(target, ".gguf", replace=arguments.replace)
    output.say(f"The copy will take {byte_size(size)} ({byte_size(file.bytes)} now); it is written to {target}.")
    began = time.monotonic()
    for done, whole in make_copy(file, target, replace=arguments.replace):
        if time.monotonic() - began > 2:
            began = time.monotonic()
            output.say(f"  {byte_size(done)} of {byte_size(whole)}")
    try:
        _try(target)
    except KoboldModulesError:
        target.unlink(missing_ok=True)
        raise EngineFailed(
            f"llama.cpp does not load a copy of {file.name} with an output matrix of its own, so it was deleted.",
            "`kobold-modules serve` serves the model itself with modules to every front end.",
        ) from None
    output.object(path=str(target), bytes=target.stat().st_size)
    output.data(f"{target} computes what {file.name} does, and takes adapters.")
    return 0


def _try(path: Path) -> None:
    """Load the copy once. Raises EngineFailed or NoModel."""
    from ....backends.llamacpp.model import NativeModel

    NativeModel(path).close()
