"""What a transformers model has read: stacks and texts whose keys and values are kept, so that nothing is read twice.

Each stack keeps a KV cache of its own with the text that was last read behind it; the least recently used goes. A text
that shares its beginning with that one keeps that part. Caches that cannot forget the end of a text (recurrent models,
sliding windows) begin again behind a copy of the stack's own.
"""

from __future__ import annotations

import copy
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...common_prefix import common_prefix
from ...errors import EngineFailed, OutOfMemory
from ...generation.softmax import log_softmax_at
from ...generation.stack_rows import Front, parts_of
from ...soft_prompt.deep_prefix import DeepPrefix
from ..llamacpp.interruptions import Cancelled
from .deep_prefix import write_deep_prefix
from .load import TorchModel


NOTHING = "nothing stands in front"
STACKS = 4  # each keeps a whole context
BATCH = 256  # tokens in one call
SCORED = 64  # positions whose logits exist at once


@dataclass(slots=True, eq=False)
class _Read:
    """What stands behind one stack: ``prefix`` is its cache without a text, where the cache cannot be cut back."""

    cache: Any
    rows: int
    prefix: Any = None
    prefix_logits: NDArray[np.float32] | None = None
    tokens: list[int] = field(default_factory=list)


class TorchContext:
    """Compute what follows stacks and texts. One thread.

    Args:
        frozen: the model.
        stacks: how many stacks keep what was read behind them.
    """

    def __init__(self, frozen: TorchModel, stacks: int = STACKS) -> None:
        self._frozen = frozen
        self._most = stacks
        self._kept: OrderedDict[str, _Read] = OrderedDict()
        self._cancelled: Callable[[], bool] = lambda: False
        accepted = inspect.signature(frozen.model.forward).parameters
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        # A call cannot be interrupted; between two layers it can.
        self._hooks = [layer.register_forward_pre_hook(self._listen) for layer in _layers(frozen.model)]

    def _listen(self, _layer: Any, _inputs: Any) -> None:
        if self._cancelled():
            raise Cancelled

    @contextmanager
    def watching(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        """Stop computing inside with Cancelled soon after ``cancelled`` returns True."""
        before, self._cancelled = self._cancelled, cancelled
        try:
            yield
        finally:
            self._cancelled = before

    def read(self, key: str, rows: Front | None, tokens: list[int]) -> tuple[NDArray[np.float32], int, int]:
        """Make ``tokens`` stand behind ``rows`` (a stack, its rows raw, filed under ``key``, or None).

        Returns the float32 ``[vocabulary]`` logits of what comes next, and how many rows and tokens were computed. The
        last token is always computed, and alone, so that a text tried again gives the same logits as the first time.

        Raises:
            EngineFailed: behind these rows the model computes no numbers, or torch broke. OutOfMemory: out of memory.
        """
        read, computed = self._prefix(key, rows)
        self._cut(read, common_prefix(read.tokens, tokens[:-1]))
        kept = len(read.tokens)
        logits = read.prefix_logits
        while len(read.tokens) < len(tokens):
            at = len(read.tokens)
            part = tokens[at : min(at + BATCH, len(tokens) - 1)] or tokens[-1:]
            logits = self._extend(read, part)[-1]
        if logits is None:
            raise EngineFailed("The model was asked what follows nothing at all.")
        return logits, computed, len(tokens) - kept

    def score(self, key: str, rows: Front | None, tokens: list[int]) -> NDArray[np.float32]:
        """Return natural-log probabilities of ``tokens`` behind ``rows``: float32 ``[n]``.

        Without rows, or behind a deep prefix, there is none for the first: ``[n - 1]``.
        """
        read, _ = self._prefix(key, rows)
        self._cut(read, 0)
        found = [] if read.prefix_logits is None else [log_softmax_at(read.prefix_logits[None], tokens[:1])]
        for at in range(0, len(tokens) - 1, SCORED):
            part = tokens[at : min(at + SCORED, len(tokens) - 1)]
            logits = self._extend(read, part, scored=True)
            found.append(log_softmax_at(logits, tokens[at + 1 : at + 1 + len(part)]))
        return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)

    def glance(self, rows: Front | None, tokens: list[int]) -> NDArray[np.float32]:
        """Return the float32 ``[vocabulary]`` logits behind ``tokens`` behind ``rows`` (or None), and keep nothing.

        Raises:
            EngineFailed, OutOfMemory: as :meth:`read`.
        """
        read = self._fresh(rows)
        logits: NDArray[np.float32] = self._extend(read, tokens)[-1]
        return logits

    def takes_rows(self) -> bool:
        """Try on a few tokens whether injected rows of the table give the logits of the typed tokens."""
        ids = [1, 3, 2, 5, 4, 3][: max(1, self._frozen.table.shape[0] - 1)]
        table = self._frozen.table[ids].float().cpu().numpy()
        try:
            typed, _, _ = self.read(NOTHING, None, ids)
            injected = self._prefix("a trial", table)[0].prefix_logits
        except EngineFailed:
            return False
        finally:
            self._kept.clear()
        assert injected is not None
        loose = 1e-3 if self._frozen.table.dtype.itemsize >= 4 else 0.1
        return bool(np.abs(typed - injected).max() <= loose * (1 + np.abs(typed).max()))

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._kept.clear()

    def _prefix(self, key: str, rows: Front | None) -> tuple[_Read, int]:
        """Return the cache of the stack, and how many rows were computed for it."""
        key = key if rows is not None else NOTHING
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key], 0
        read = self._kept[key] = self._fresh(rows)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return read, read.rows

    def _fresh(self, rows: Front | None) -> _Read:
        """Return a cache that holds the stack alone."""
        from transformers import DynamicCache

        read = _Read(DynamicCache(config=self._frozen.model.config), 0)
        if rows is not None:
            for part in parts_of(rows):
                if isinstance(part, DeepPrefix):
                    write_deep_prefix(self._frozen, read.cache, part, read.rows)
                    read.prefix_logits = None
                    read.rows += part.tokens
                else:
                    read.prefix_logits = self._read_rows(read.cache, part)
                    read.rows += len(part)
        if not _forgets(read.cache):
            read.prefix = copy.deepcopy(read.cache)
        return read

    def _read_rows(self, cache: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute ``rows``, raw float32 ``[n, width]``, into ``cache``; return the logits behind them."""
        import torch

        logits = np.zeros(0, dtype=np.float32)
        for at in range(0, len(rows), BATCH):
            part = torch.tensor(rows[at : at + BATCH] * np.float32(self._frozen.scale), device=self._frozen.device)
            embeds = part.to(self._frozen.table.dtype)[None]
            logits = self._forward(cache, inputs_embeds=embeds)[-1]
        if not np.isfinite(logits).all():
            raise EngineFailed(
                "Behind this stack the model computes values that are not numbers.",
                "Lower the strengths, or take modules off until it writes again.",
            )
        return logits

    def _cut(self, read: _Read, count: int) -> None:
        """Leave only the first ``count`` tokens, or none where the cache cannot forget just the end."""
        if count == len(read.tokens):
            return
        if read.prefix is None and _forgets(read.cache):
            _shorten(read.cache, read.rows + count)
            del read.tokens[count:]
        else:
            read.cache = copy.deepcopy(read.prefix)
            read.tokens.clear()

    def _extend(self, read: _Read, tokens: list[int], scored: bool = False) -> NDArray[np.float32]:
        """Read ``tokens`` on; float32 logits, ``[len(tokens), vocabulary]`` if ``scored``, else ``[1, vocabulary]``."""
        import torch

        ids = torch.tensor([tokens], device=self._frozen.device)
        try:
            logits = self._forward(read.cache, scored, input_ids=ids)
        except BaseException:
            self._repair(read)
            raise
        read.tokens.extend(tokens)
        return logits

    def _repair(self, read: _Read) -> None:
        """Drop what an interrupted call left behind in some of the layers."""
        if read.prefix is None and _forgets(read.cache):
            _shorten(read.cache, read.rows + len(read.tokens))
        else:
            read.cache = copy.deepcopy(read.prefix)
            read.tokens.clear()

    def _forward(self, cache: Any, scored: bool = False, **inputs: Any) -> NDArray[np.float32]:
        import torch

        if self._cancelled():
            raise Cancelled
        try:
            with torch.inference_mode():
                last = {} if scored else self._last_only
                logits = self._frozen.model(**inputs, cache=cache, use_cache=True, **last).logits[0]
                wide: NDArray[np.float32] = (logits if scored else logits[-1:]).float().cpu().numpy()
                return wide
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                f"{self._frozen.name} ran out of memory on {self._frozen.device}.", "Take a smaller context or model."
            ) from error
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            reason = (str(error).strip() or type(error).__name__).split("\n")[0]
            raise EngineFailed(f"torch could not compute the next tokens: {reason}", "Load the model again.") from error


def _layers(model: Any) -> list[Any]:
    """Return the model's decoder layers: the members of its longest list of modules."""
    from torch.nn import ModuleList

    lists = [list(part) for part in model.modules() if isinstance(part, ModuleList)]
    return max(lists, key=len, default=[])


def _forgets(cache: Any) -> bool:
    """Return whether the end of what ``cache`` holds can be cut off: plain attention in all layers."""
    return all(type(layer).__name__ == "DynamicLayer" for layer in getattr(cache, "layers", ()) or [None])


def _shorten(cache: Any, length: int) -> None:
    """Cut every layer of ``cache`` back to ``length`` positions; an interrupted call leaves some of them longer."""
    for layer in cache.layers:
        if (more := int(layer.get_seq_length()) - length) > 0:
            layer.crop(-more)
