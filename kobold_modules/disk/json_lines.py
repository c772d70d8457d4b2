"""Files of JSON lines that are only ever appended to: logs, records of a training, takes as they come, answers.

A line is whole once its line break is there. A program killed in the middle of one leaves a torn end: readers pass over
it, and the next writer cuts it off before it writes. So a reader may follow a file while it grows.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


MOST_LINE = 64 * 2**20  # bytes; a longer line is none of ours
_PART = 65536


def encode(value: Any) -> bytes:
    """Return ``value`` as one line of JSON with its line break, readable where UTF-8 can hold it, else in escapes."""
    try:
        return json.dumps(value, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half letters
        return json.dumps(value).encode() + b"\n"


class LineWriter:
    """Appends to the file ``path``. What :meth:`write` was given is safe from a kill when it returns.

    Args:
        path: made, for its owner only unless ``mode`` says otherwise; its folder must be there.
        anew: begin with an empty file, whatever stood in it.

    Raises OSError, as every method does but :meth:`close`.
    """

    def __init__(self, path: Path, *, anew: bool = False, mode: int = 0o600) -> None:
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if anew else 0), mode)
        try:
            _cut_torn_end(self.file)
        except BaseException:
            self.close()
            raise

    def write(self, line: bytes) -> None:
        """Append ``line``, which ends with its line break."""
        rest = memoryview(line)
        while rest:  # a nearly full disk takes a part; asking for the rest tells why
            rest = rest[os.write(self.file, rest) :]

    def sync(self) -> None:
        """Have everything on the disk itself, safe from a power cut. Takes its time."""
        os.fsync(self.file)

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        file, self.file = self.file, -1
        if file >= 0:
            with contextlib.suppress(OSError):
                os.close(file)

    def __enter__(self) -> LineWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def whole_lines(path: Path, offset: int = 0) -> Iterator[tuple[bytes, int]]:
    """Yield the whole lines of ``path`` from byte ``offset`` on, each with the offset behind it. Raises OSError.

    A line of more than :data:`MOST_LINE` bytes is passed over.
    """
    with path.open("rb") as file:
        file.seek(offset)
        while line := file.readline(MOST_LINE):
            offset += len(line)
            if line.endswith(b"\n"):
                yield line, offset
                continue
            while line and not line.endswith(b"\n"):
                line = file.readline(MOST_LINE)
                offset += len(line)


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in ``path``; lines that are none are passed over. Raises OSError."""
    for line, _ in whole_lines(path):
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(line.decode("utf-8", "surrogatepass"))
            if isinstance(value, dict):
                yield value


def _cut_torn_end(file: int) -> None:
    """Cut off what stands behind the last line break."""
    end = at = os.fstat(file).st_size
    while at > 0:
        begin = max(0, at - (_PART if at < end else 1))  # nearly always the last byte is the line break
        os.lseek(file, begin, os.SEEK_SET)
        found = os.read(file, at - begin).rfind(b"\n")
        if found >= 0:
            at = begin + found + 1
            break
        at = begin
    if at < end:
        os.ftruncate(file, at)
