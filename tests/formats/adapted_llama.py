"""A llama.cpp context with LoRA adapters, as every program on llama.cpp uses them: tokens only, no injected rows."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kobold_modules.backends.llamacpp.context import NativeContext
from kobold_modules.backends.llamacpp.model import NativeModel


class AdaptedLlama:
    """The model in ``path`` under ``adapters``, each with its scale. A context manager."""

    def __init__(self, path: Path, adapters: Sequence[tuple[Path, float]]) -> None:
        self.model = NativeModel(path)
        self._context = NativeContext(self.model, 256, 256, 1, exact=True)
        lib = self.model.lib
        self._adapters = [lib.llama_adapter_lora_init(self.model.handle, os.fsencode(file)) for file, _ in adapters]
        assert all(self._adapters), "llama.cpp does not take the adapter"
        count = len(adapters)
        handles = (lib.llama_adapter_lora_p_ctypes * count)(*self._adapters)
        scales = (ctypes.c_float * count)(*(scale for _, scale in adapters))
        assert lib.llama_set_adapters_lora(self._context._ctx, handles, count, scales) == 0

    def __enter__(self) -> AdaptedLlama:
        return self

    def __exit__(self, *error: object) -> None:
        self._context.close()
        self.model.close()

    def log_probabilities(self, front: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return the log-probabilities of ``tokens`` behind ``front``, float32 ``[n]``, ``[n - 1]`` without a front."""
        everything = [*front, *tokens]
        found = []
        self._context.forget(0)
        for at, token in enumerate(everything[:-1]):
            self._context.decode_tokens(0, [token], at, 1)
            logits = self._context.logits().astype(np.float64)
            if at + 1 >= max(1, len(front)):
                found.append(logits[everything[at + 1]] - np.logaddexp.reduce(logits))
        return np.array(found, np.float32)
