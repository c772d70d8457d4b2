"""Memory of a training step: measured on one and two rows, foretold for many, and given way to when it runs out.

Everything in a step but its activations is the same however many rows it has, and a row adds no more than the one
before it, with any kernel (less, where logits are made a chunk at a time and the chunks are full). So two small steps
bound what a large one needs; nothing is guessed from the architecture.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ..byte_size import byte_size
from ..errors import OutOfMemory
from ..models.system_memory import room
from .row_threads import SERIAL, RowThreads


MARGIN = 0.9  # share of what is free that a training takes; allocators waste some, and the person has other programs


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether ``error`` says that memory ran out, in any of the ways torch says it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        sign in said
        for sign in (
            "out of memory",
            "not enough memory",
            "can't allocate memory",
            "cannot allocate memory",
            "defaultcpuallocator",
            "bad_alloc",
            "cublas_status_alloc_failed",
        )
    )


def free_bytes(device: str) -> int:
    """Return the memory a step on ``device`` may still take, or 0 where the system does not say."""
    if device.startswith("cuda"):
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    if device.startswith("mps"):
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return room(gpus=False).free


def release(device: str) -> None:
    """Give memory that nothing uses any more back, after a step that did not fit."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device.startswith("mps"):
        torch.mps.empty_cache()


class Peak:
    """Highest memory that tensors took at once, in bytes beyond what was there before; see :func:`watch`."""

    bytes: int = 0


@contextmanager
def watch(device: str) -> Iterator[Peak]:
    """Measure the peak of what happens within, on ``device``.

    On CUDA the allocator tells. Elsewhere the tensors that torch operations return are counted while they live: exact
    for eager code, blind to what a kernel or a compiled function allocates inside.
    """
    peak = Peak()
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield peak
        torch.cuda.synchronize(device)
        peak.bytes = max(0, torch.cuda.max_memory_allocated(device) - before)
        return
    with _Counter(peak):
        yield peak


class _Counter(TorchDispatchMode):
    """Counts the storages of tensors that operations return, from their birth to their death."""

    def __init__(self, peak: Peak) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._peak = peak
        self._now = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {id(each.untyped_storage()) for each in _tensors((args, kwargs or {}))}
        out = func(*args, **(kwargs or {}))
        for tensor in _tensors(out):
            storage = tensor.untyped_storage()
            if id(storage) not in self._known and id(storage) not in given:  # else a view of something older
                self._known.add(id(storage))
                self._now += storage.nbytes()
                weakref.finalize(storage, self._gone, id(storage), storage.nbytes())
        self._peak.bytes = max(self._peak.bytes, self._now)
        return out

    def _gone(self, which: int, size: int) -> None:
        self._known.discard(which)
        self._now -= size


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in torch.utils._pytree.tree_leaves(tree) if isinstance(leaf, Tensor)]


@dataclass(frozen=True, slots=True)
class Need:
    """Peak memory of a step beyond the weights: ``fixed`` bytes, and ``row`` bytes for each of its rows."""

    fixed: int
    row: int

    def of(self, rows: int) -> int:
        return self.fixed + self.row * rows

    def most(self, free: int) -> int:
        """Return the most rows whose step needs no more than ``free`` bytes; 0 if not even one does."""
        return max(0, (free - self.fixed) // max(1, self.row))


def measure(step: Callable[[int], object], device: str) -> Need:
    """Predict what steps need at the most, from one of a single row and one of two.

    Args:
        step: computes a loss and its gradient for this many rows and keeps nothing.

    Raises:
        whatever ``step`` raises, running out of memory included.
    """
    peaks = []
    for rows in (1, 2):
        with watch(device) as peak:
            step(rows)
        peaks.append(peak.bytes)
    each = max(0, peaks[1] - peaks[0])
    return Need(peaks[0] - each, each)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a batch fits: ``rows`` computed at once, of the ``wanted``; what that ``needs`` and what is ``free``."""

    rows: int
    wanted: int
    needs: int
    free: int


def fit_batch(step: Callable[[int], object], wanted: int, device: str, free: int | None = None) -> Fit:
    """Find the most rows, up to ``wanted``, that fit on ``device`` at once. The rest of a batch is computed after them.

    Args:
        step: as in :func:`measure`.
        free: bytes to fit into; None asks the system.

    Raises:
        OutOfMemory: not even one row fits.
    """
    free = free_bytes(device) if free is None else free
    try:
        need = measure(step, device)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        release(device)
        raise _too_small(device) from error
    if not free:
        return Fit(wanted, wanted, need.of(wanted), 0)  # nobody knows; running out is met when it happens
    rows = min(wanted, need.most(int(free * MARGIN)))
    if rows < 1:
        raise _too_small(device, need.of(1), free)
    return Fit(rows, wanted, need.of(rows), free)


def _too_small(device: str, needs: int = 0, free: int = 0) -> OutOfMemory:
    room_said = f" ({byte_size(needs)} needed, {byte_size(free)} free)" if needs else ""
    where = "memory" if device == "cpu" else f"the memory of {device}"
    return OutOfMemory(
        f"Not even one row of text fits into {where}{room_said}.",
        "Train on shorter rows, compute layers again (gradient checkpointing), or take a smaller model.",
    )


class AtOnce:
    """How many rows are computed at once: all of a batch while they fit, fewer from the moment they do not.

    A batch done in parts, one after another or by several ``row_threads``, gives the same loss and gradient as one done
    whole, up to rounding.
    """

    def __init__(self, rows: int, device: str) -> None:
        self.rows = max(1, rows)
        self.device = device

    def __call__(
        self, batch: Tensor, compute: Callable[[Tensor], tuple[Tensor, Tensor]], row_threads: RowThreads = SERIAL
    ) -> tuple[Tensor, Tensor]:
        """Return the mean loss and gradient over the rows of ``batch`` (int64 ``[rows, length]``).

        Args:
            compute: the mean loss (a scalar) and gradient for some of the rows; no graph may hang on them.
            row_threads: what computes; the rows that are computed at once are divided among them.

        Raises:
            OutOfMemory: not even one row fits.
        """
        while True:
            try:
                return self._in_parts(batch, compute, row_threads)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                at_once = min(self.rows, len(batch))
            # outside the handler: the error's traceback holds the tensors of the step that failed
            release(self.device)
            if at_once == 1:
                raise _too_small(self.device)
            self.rows = at_once // 2

    def _in_parts(
        self, batch: Tensor, compute: Callable[[Tensor], tuple[Tensor, Tensor]], row_threads: RowThreads
    ) -> tuple[Tensor, Tensor]:
        loss = gradient = None
        for at_once in batch.split(self.rows):
            parts = at_once.tensor_split(row_threads.parts_of(len(at_once)))
            for part, (one, its) in zip(parts, row_threads.each(compute, parts), strict=True):
                if len(part) == len(batch):
                    return one, its
                share = len(part) / len(batch)
                loss = one * share if loss is None else loss + one * share
                gradient = its * share if gradient is None else gradient.add_(its, alpha=share)
        assert loss is not None
        assert gradient is not None
        return loss, gradient
