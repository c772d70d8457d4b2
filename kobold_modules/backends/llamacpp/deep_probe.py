"""The throw-away child that examines a model's KV cache: ``python -m ...llamacpp.deep_probe FILE RUNG``.

It prints one line of JSON (``layout``, ``refused`` or ``error``) and may die on the way: whoever started it
(``deep_support``) takes that for an answer. Nothing else goes to stdout. The weights are mapped as they lie in the
file, so that a model which is loaded beside it is not in memory twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .features import LADDER, Features
from .throwaway import answer, attempt


def lines(argv: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what the file ``argv[0]`` is like with the features of rung ``argv[1]``, but for what takes memory."""
    features = replace(LADDER[int(argv[1])], gpu=False, extra_buffers=False)
    yield attempt(lambda: _examined(Path(argv[0]), features))


def _examined(path: Path, features: Features) -> dict[str, Any]:
    from .deep_examination import Refused, examine
    from .model import NativeModel

    model = NativeModel(path, features=features)
    try:
        return {"layout": examine(model).to_dict()}
    except Refused as error:
        return {"refused": str(error)}
    finally:
        model.close()


if __name__ == "__main__":
    answer(lines)
