"""Several continuations on an engine that writes one at a time: the same records, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from ..generation.protocol import Engine, Request
from ..records import Finished, TextChunk


def sequentially(
    engine: Engine, requests: Sequence[Request], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[TextChunk | Finished]:
    """Generate each request in turn, as Engine.together promises but without a batch; ``sequence`` numbers them."""
    for number, request in enumerate(requests):
        for record in engine.generate(request, cancelled):
            yield msgspec.structs.replace(record, sequence=number)
