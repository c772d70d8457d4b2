"""A server over the exact engine (float32, plain attention), in which a text is the same in any company.

``python -m tests.server.exact_server MODEL {"clients": 8, "waiting": 64, "key": "", "origins": []}``; prints the same
lines as ``kobold-modules serve --json``. With ``"pause"`` every step takes so many seconds longer: this model writes
its whole context in a few tenths of a second, and a test that looks at a text on its way would come too late.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kobold_modules import records
from kobold_modules.backends.llamacpp.batch import EngineBatch
from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.models.reference import ModelFile
from kobold_modules.server.access import Access
from kobold_modules.server.listening import listen_at
from kobold_modules.server.serving import Serve, serve
from kobold_modules.server.stacks import PLAIN


def tell(record: records.Serving) -> None:
    print(json.dumps(records.to_dict(record)), flush=True)


def slow_down(pause: float) -> None:
    """Let every step of a batch take ``pause`` seconds longer."""
    step = EngineBatch.step

    def slowly(
        self: EngineBatch, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[records.TextChunk | records.Finished]:
        time.sleep(pause)
        return step(self, cancelled)

    EngineBatch.step = slowly  # type: ignore[method-assign]


def main() -> None:
    path, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    clients = options.get("clients", 8)
    access = Access("127.0.0.1", frozenset(options.get("origins", ())), options.get("key", ""))
    lite = options.get("lite", "").encode()
    if pause := options.get("pause", 0.0):
        slow_down(pause)
    with listen_at("127.0.0.1", 0) as sock, LlamaEngine(ModelFile.at(path), together=clients, exact=True) as engine:
        serve(engine, sock, Serve(access, PLAIN, clients, options.get("waiting", 64), lite), tell)


if __name__ == "__main__":
    main()
