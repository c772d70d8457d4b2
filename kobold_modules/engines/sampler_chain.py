"""sampling.Sampler as a chain of llama.cpp's samplers.

Order as in llama.cpp itself: penalties, top k, top p, min p, temperature, then the draw. The chain is stateful: one
chain serves one continuation.
"""

from __future__ import annotations

import ctypes
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.native import library
from ..sampling import Sampler


_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


def usable_seed(seed: int) -> int:
    """``seed`` as llama.cpp takes it: 32 bits, and not the value that means "draw one"."""
    return int(seed) % 0xFFFFFFFF


class SamplerChain:
    """Draws tokens. A context manager, for the memory is llama.cpp's.

    Args:
        seen: ids of the text so far; their last ``settings.repetition_range`` count as already used.
    """

    def __init__(self, settings: Sampler, seed: int, vocabulary: int, seen: list[int]) -> None:
        self._lib: Any = library()
        self._chain: Any = self._lib.llama_sampler_chain_init(self._lib.llama_sampler_chain_default_params())
        self._ids = np.arange(vocabulary, dtype=np.int32)
        self._candidates = np.empty(vocabulary, dtype=_TOKEN_DATA)
        penalised = settings.repetition_range if settings.repetition != 1 else 0
        if penalised:
            self._add(
                self._lib.llama_sampler_init_penalties(vocabulary, penalised, float(settings.repetition), 0.0, 0.0)
            )
        if settings.temperature == 0:
            self._add(self._lib.llama_sampler_init_greedy())
        else:
            if settings.top_k > 0:
                self._add(self._lib.llama_sampler_init_top_k(settings.top_k))
            if settings.top_p < 1:
                self._add(self._lib.llama_sampler_init_top_p(float(settings.top_p), 1))
            if settings.min_p > 0:
                self._add(self._lib.llama_sampler_init_min_p(float(settings.min_p), 1))
            self._add(self._lib.llama_sampler_init_temp(float(settings.temperature)))
            self._add(self._lib.llama_sampler_init_dist(usable_seed(seed)))
        for token in seen[len(seen) - min(penalised, len(seen)) :]:
            self._lib.llama_sampler_accept(self._chain, token)

    def _add(self, sampler: Any) -> None:
        self._lib.llama_sampler_chain_add(self._chain, sampler)  # the chain owns it from here

    def sample(self, logits: NDArray[np.float32]) -> int:
        """Draw a token from ``logits``, float32 ``[vocabulary]``, and remember it."""
        self._candidates["id"] = self._ids  # samplers sort in place
        self._candidates["logit"] = logits
        self._candidates["p"] = 0
        table = self._lib.llama_token_data_array(
            data=self._candidates.ctypes.data_as(ctypes.POINTER(self._lib.llama_token_data)),
            size=len(self._candidates),
            selected=-1,
            sorted=False,
        )
        self._lib.llama_sampler_apply(self._chain, ctypes.byref(table))
        token = int(table.data[table.selected].id)
        self._lib.llama_sampler_accept(self._chain, token)
        return token

    def close(self) -> None:
        if self._chain is not None:
            self._lib.llama_sampler_free(self._chain)
            self._chain = None

    def __enter__(self) -> SamplerChain:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
