"""Kept model states: what the model computed for a stack, so that it is computed once and restored afterwards.

A state costs layers x heads x head width x 4 bytes a row (32 KiB a row for a small model, 128 KiB for a 7B), restoring
it under a millisecond; computing it again costs a hundred times that. The least recently used go first when they
outgrow the limit.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


DEFAULT_LIMIT = 256 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The model behind ``rows`` injected rows: llama.cpp's bytes, uint8, and the logits, float32 ``[vocabulary]``.

    llama.cpp's state holds no logits, and an empty page needs them for its first word.
    """

    rows: int
    state: NDArray[np.uint8]
    logits: NDArray[np.float32]

    @property
    def bytes(self) -> int:
        return self.state.nbytes + self.logits.nbytes


class PrefixCache:
    """Snapshots by key, at most ``limit`` bytes together. One larger than the limit is not kept."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self._kept: OrderedDict[str, Snapshot] = OrderedDict()

    def get(self, key: str) -> Snapshot | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: str, snapshot: Snapshot) -> None:
        self._kept.pop(key, None)
        if snapshot.bytes > self.limit:
            return
        self._kept[key] = snapshot
        while self.bytes > self.limit:
            self._kept.popitem(last=False)

    @property
    def bytes(self) -> int:
        return sum(snapshot.bytes for snapshot in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def clear(self) -> None:
        self._kept.clear()
