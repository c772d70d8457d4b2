"""A server's texts in the log of everything written, one at a time (see generation.log)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import msgspec

from ..generation.log import logged
from ..generation.protocol import ModelInfo, Request
from ..records import Finished, TextChunk


class Journal:
    """The log's two lines of one text: made when it begins, and when :meth:`end` is called."""

    def __init__(self, info: ModelInfo, request: Request, sources: Sequence[str]) -> None:
        self._records: deque[TextChunk | Finished] = deque()
        self._log = logged(self._told(), info, [request], "serve", [sources])
        self._records.append(TextChunk(""))
        next(self._log, None)

    def end(self, text: str, finished: Finished) -> None:
        """Write the second line."""
        self._records += [TextChunk(text), msgspec.structs.replace(finished, sequence=0)]
        for _ in self._log:
            pass

    def _told(self) -> Iterator[TextChunk | Finished]:
        while self._records:
            yield self._records.popleft()
