"""A header is parsed once a process: until its file's size or date changes, what was read of it is given again."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

from ...disk.stamp import FileStamp, file_stamp


KEPT = 32  # headers of each kind; the largest takes about a megabyte
SETTLED = 100_000_000  # nanoseconds: a file that changed this moment may change again and keep its size and date

Header = TypeVar("Header")


def parsed_once(parse: Callable[[Path], Header]) -> Callable[[Path], Header]:
    """Make ``parse`` remember what it returned for a file that has not changed since. What it raises is not kept."""
    kept: OrderedDict[str, tuple[FileStamp, Header]] = OrderedDict()

    @wraps(parse)
    def parse_once(path: Path) -> Header:
        try:
            stamp, key = file_stamp(path), os.path.realpath(path)
        except OSError:
            return parse(path)  # which says what is wrong
        before = kept.get(key)
        if before is not None and before[0] == stamp:
            return before[1]
        header = parse(path)
        if abs(time.time_ns() - stamp[1]) > SETTLED:
            kept[key] = stamp, header
            kept.move_to_end(key)
            while len(kept) > KEPT:
                kept.popitem(last=False)
        return header

    return parse_once
