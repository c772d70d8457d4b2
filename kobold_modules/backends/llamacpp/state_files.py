"""Stacks' model states on disk: a stack used yesterday is there today, without reading its rows again.

llama.cpp checks a state's shape but not whose it is: another model of the same shape would load it and write nonsense.
So a file says what it was made with (model, its file, quantisation, build of llama.cpp, kind of keys and values) and is
ignored unless all of that is as now. Bytes reach llama.cpp only behind a checksum, for some damage would end the
process. A file is a cache: whatever is wrong with it, it goes, and the state is computed again.

Layout: magic, SHA-256 of all that follows, length of the header (u32, little endian), header (JSON), logits (float32;
none behind a deep prefix), llama.cpp's bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import time
from pathlib import Path

import numpy as np

from ... import paths
from ...generation.cache.prefix import Snapshot


DEFAULT_LIMIT = 1 << 30
SUFFIX = ".state"
_MAGIC = b"KMstate1"
_START = len(_MAGIC) + 32 + 4
_LONGEST_HEADER = 1 << 16
_LEFTOVER = 3600.0  # seconds after which a temporary file's writer is surely gone


class StateFiles:
    """Snapshots in ``folder``, at most ``limit`` bytes together, the least recently used deleted first.

    Args:
        made_with: everything the states depend on but the stack; JSON-ready. Other values, other files.
        vocabulary: how many logits a snapshot has.
    """

    def __init__(self, folder: Path, made_with: dict[str, object], vocabulary: int, limit: int = DEFAULT_LIMIT) -> None:
        self._folder = folder
        self._made_with = json.loads(json.dumps(made_with))
        self._vocabulary = vocabulary
        self._limit = limit

    def path(self, key: str) -> Path:
        """Return the file of the stack filed under ``key``."""
        name = hashlib.sha256(json.dumps([key, self._made_with], sort_keys=True).encode()).hexdigest()
        return self._folder / f"{name[:40]}{SUFFIX}"

    def get(self, key: str) -> Snapshot | None:
        """Return the snapshot of ``key``, or None where it is missing, stale or damaged; the last two are deleted."""
        path = self.path(key)
        try:
            if path.stat().st_size > self._limit:
                raise ValueError("larger than everything may be")
            snapshot = self._parse(key, path.read_bytes())
            os.utime(path)
            return snapshot
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            self.discard(key)
            return None

    def put(self, key: str, snapshot: Snapshot) -> None:
        """Keep ``snapshot``. A full or read-only disk costs nothing but the time saved."""
        fields = {"key": key, "made_with": self._made_with, "rows": snapshot.rows, "logits": len(snapshot.logits)}
        header = json.dumps(fields).encode()
        if snapshot.bytes + len(header) > self._limit or len(snapshot.logits) not in (0, self._vocabulary):
            return
        body = struct.pack("<I", len(header)) + header
        body += snapshot.logits.astype("<f4").tobytes() + snapshot.state.tobytes()
        with contextlib.suppress(OSError):
            paths.write_atomically(self.path(key), _MAGIC + hashlib.sha256(body).digest() + body)
            self._sweep()

    def discard(self, key: str) -> None:
        with contextlib.suppress(OSError):
            self.path(key).unlink(missing_ok=True)

    def _parse(self, key: str, data: bytes) -> Snapshot:
        """Parse a snapshot.

        Raises ValueError, KeyError or TypeError for anything but what :meth:`put` wrote, unchanged.
        """
        if len(data) < _START or not data.startswith(_MAGIC):
            raise ValueError("not a kept state")
        whole = memoryview(data)
        if hashlib.sha256(whole[len(_MAGIC) + 32 :]).digest() != data[len(_MAGIC) : len(_MAGIC) + 32]:
            raise ValueError("damaged")
        (length,) = struct.unpack_from("<I", data, _START - 4)
        if length > _LONGEST_HEADER:
            raise ValueError("no header is so long")
        header = json.loads(data[_START : _START + length])
        if header["key"] != key or header["made_with"] != self._made_with:
            raise ValueError("made with something else")
        rows, known = header["rows"], header.get("logits", self._vocabulary)
        if known not in (0, self._vocabulary):
            raise ValueError("logits of another model")
        state = whole[_START + length + 4 * known :]
        if not isinstance(rows, int) or rows < 1 or not len(state):
            raise ValueError("incomplete")
        logits = np.frombuffer(data, dtype="<f4", count=known, offset=_START + length)
        if not np.isfinite(logits).all():
            raise ValueError("no numbers")
        return Snapshot(rows, np.frombuffer(state, dtype=np.uint8), logits.astype(np.float32))

    def _sweep(self) -> None:
        """Delete the least recently used beyond the limit, and what a killed process left half written."""
        files = []
        for file in self._folder.iterdir():
            with contextlib.suppress(OSError):
                status = file.stat()
                if file.name.startswith(".") and time.time() - status.st_mtime > _LEFTOVER:
                    file.unlink()
                elif file.suffix == SUFFIX and not file.name.startswith("."):
                    files.append((status.st_mtime_ns, status.st_size, file))
        total = sum(size for _, size, _ in files)
        for _, size, file in sorted(files):
            if total <= self._limit:
                return
            with contextlib.suppress(OSError):
                file.unlink()
                total -= size
