"""The throw-away child that examines a model's KV cache: ``python -m ...llamacpp.deep_probe FILE RUNG``.

It prints one line of JSON (``layout``, ``refused`` or ``error``) and may die on the way: whoever started it
(``deep_support``) takes that for an answer. Nothing else goes to stdout. The weights are mapped as they lie in the
file, so that a model which is loaded beside it is not in memory twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from ...errors import KoboldModulesError
from .features import LADDER
from .throwaway import answer


def main(argv: Sequence[str], out: TextIO) -> int:
    """Examine the file ``argv[0]`` with the features of rung ``argv[1]`` but for what would take memory of its own."""
    from .deep_examination import Refused, examine
    from .model import NativeModel

    features = replace(LADDER[int(argv[1])], gpu=False, extra_buffers=False)
    try:
        model = NativeModel(Path(argv[0]), features=features)
        try:
            line: dict[str, object] = {"layout": examine(model).to_dict()}
        finally:
            model.close()
    except Refused as error:
        line = {"refused": str(error)}
    except (KoboldModulesError, MemoryError) as error:
        line = {"error": str(error) or "no memory"}
    print(json.dumps(line), file=out, flush=True)
    return 0


if __name__ == "__main__":
    answer(main)
