"""Several threads, each with rows of its own, instead of all cores in every product.

Products of a small model are short, and between them cores wait for each other. Rows of a batch have nothing to wait
for. Each thread computes what all rows share, a prompt's own pass, for itself; that is little beside a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cached_property, partial
from typing import TypeVar

import torch
from torch.utils._python_dispatch import _get_current_dispatch_mode


T = TypeVar("T")
Part = TypeVar("Part")


class RowThreads:
    """Up to ``count`` threads that work on parts of a batch at the same time, sharing the process' cores."""

    def __init__(self, count: int = 1) -> None:
        self.count = max(1, count)

    @classmethod
    def of_this_process(cls) -> RowThreads:
        """Use as many threads as torch may."""
        return cls(torch.get_num_threads())

    def parts_of(self, rows: int) -> int:
        """Return into how many parts ``rows`` are best divided."""
        return 1 if _watched() else max(1, min(self.count, rows))

    def each(self, work: Callable[[Part], T], parts: Sequence[Part]) -> list[T]:
        """Do ``work`` on every part, in order, ``count`` at a time; under the caller's gradient mode.

        Raises what ``work`` raises, the first part's first, when all parts have ended.
        """
        workers = min(self.count, len(parts))
        if workers < 2 or _watched():
            return [work(part) for part in parts]
        threads = torch.get_num_threads()
        # Of OpenMP each thread has a number of its own; MKL has one for all of them, which is set from here as well.
        torch.set_num_threads(max(1, threads // workers))
        try:
            do = partial(_alone, work, torch.get_num_threads(), torch.is_grad_enabled())
            running = [self._pool.submit(do, part) for part in parts]
            wait(running)
            return [each.result() for each in running]
        finally:
            torch.set_num_threads(threads)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.count, thread_name_prefix="rows")


SERIAL = RowThreads()


def _watched() -> bool:
    """Return whether somebody counts this thread's operations (``memory.watch``) and would miss those of others."""
    return _get_current_dispatch_mode() is not None


def _alone(work: Callable[[Part], T], threads: int, gradients: bool, part: Part) -> T:
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    with torch.set_grad_enabled(gradients):
        return work(part)
