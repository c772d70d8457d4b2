"""Kept model states: what the model computed for a stack, so that it is computed once and restored afterwards.

A state costs layers x heads x head width x 4 bytes a row (32 KiB a row for a small model, 128 KiB for a 7B), restoring
it under a millisecond; computing it again costs a hundred times that. The least recently used go first when they
outgrow the limit. Behind the memory may stand a folder (state_files), so that a stack is read once and not once a day.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


DEFAULT_LIMIT = 256 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The model behind a stack of ``rows`` positions: llama.cpp's bytes, uint8, and logits, float32 ``[vocabulary]``.

    llama.cpp's state holds no logits, and an empty page needs them for its first word. Behind a deep prefix there are
    none (``[0]``): nothing was read yet.
    """

    rows: int
    state: NDArray[np.uint8]
    logits: NDArray[np.float32]

    @property
    def bytes(self) -> int:
        return self.state.nbytes + self.logits.nbytes


class Behind(Protocol):
    """A slower, larger store. state_files.StateFiles is one."""

    def get(self, key: str) -> Snapshot | None: ...

    def put(self, key: str, snapshot: Snapshot) -> None: ...

    def discard(self, key: str) -> None: ...


class PrefixCache:
    """Snapshots by key, at most ``limit`` bytes together. One larger than the limit is not kept."""

    def __init__(self, limit: int = DEFAULT_LIMIT, behind: Behind | None = None) -> None:
        self.limit = limit
        self._behind = behind
        self._kept: OrderedDict[str, Snapshot] = OrderedDict()
        self._unwritten: OrderedDict[str, Snapshot] = OrderedDict()

    def get(self, key: str) -> Snapshot | None:
        """Return the snapshot of ``key``, from memory or from the store behind it."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        elif self._behind is not None and (found := self._unwritten.get(key) or self._behind.get(key)) is not None:
            self._keep(key, found)
        return found

    def put(self, key: str, snapshot: Snapshot) -> None:
        self._keep(key, snapshot)
        if self._behind is not None:
            self._unwritten[key] = snapshot

    def _keep(self, key: str, snapshot: Snapshot) -> None:
        self._kept.pop(key, None)
        if snapshot.bytes > self.limit:
            return
        self._kept[key] = snapshot
        while self.bytes > self.limit:
            self._kept.popitem(last=False)

    def discard(self, key: str) -> None:
        """Forget what is kept under ``key``, everywhere: it has turned out to be wrong."""
        self._kept.pop(key, None)
        self._unwritten.pop(key, None)
        if self._behind is not None:
            self._behind.discard(key)

    def flush(self) -> None:
        """Hand what is new to the store behind: later than :meth:`put`, for writing takes time that words wait for."""
        while self._unwritten and self._behind is not None:
            self._behind.put(*self._unwritten.popitem())

    @property
    def bytes(self) -> int:
        return sum(snapshot.bytes for snapshot in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def clear(self) -> None:
        self._kept.clear()
