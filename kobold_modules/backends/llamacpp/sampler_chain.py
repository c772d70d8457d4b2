"""sampling.Sampler as a chain of llama.cpp's samplers.

Order as in llama.cpp itself: bias, penalties, DRY, top n-sigma, top k, typical, top p, min p, XTC, temperature, then
the draw. The chain works on plain logits, whichever engine computed them. It is stateful: one chain serves one
continuation, and several may be at work at once.

DRY stands beside the chain. llama.cpp's own search for sequence breakers walks the whole vocabulary for each of them at
every start, and needs a llama.cpp vocabulary. Here a token whose text completes a breaker is passed to DRY under an id
of its own, which no repetition can reach across, to the same effect.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...generation.bias import biased_tokens
from ...generation.words import Words
from ...sampling.settings import Sampler
from .binding import library


_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
_MIROSTAT_WINDOW = 100  # tokens mirostat 1 looks at to estimate how the tail falls; the paper's value
_XTC = 0x9E3779B9  # XTC draws from another stream than the token: else it would strike whenever the draw is low


def usable_seed(seed: int) -> int:
    """Return ``seed`` as llama.cpp takes it: 32 bits, and not the value that means "draw one"."""
    return int(seed) % 0xFFFFFFFF


class SamplerChain:
    """Draws tokens. A context manager, for the memory is llama.cpp's.

    Args:
        vocabulary: number of logits.
        seen: ids of the text so far; as many of the last as the settings' ranges say count as already used.
        words: needed for DRY's breakers and for a bias of words; without it these have no effect.

    Attributes:
        biases: what is added to which logit.
    """

    def __init__(
        self, settings: Sampler, seed: int, vocabulary: int, seen: list[int], words: Words | None = None
    ) -> None:
        self._lib: Any = library()
        self._chain: Any = self._lib.llama_sampler_chain_init(self._lib.llama_sampler_chain_default_params())
        self._table = _Table(self._lib, vocabulary)
        self.biases = biased_tokens(settings, vocabulary, words)
        self._add_bias(self.biases, vocabulary)
        self._dry = _Dry(settings, words) if settings.dry_multiplier and settings.dry_range else None
        penalised = self._build(settings, usable_seed(seed), vocabulary)
        for token in seen[len(seen) - min(penalised, len(seen)) :]:
            self._lib.llama_sampler_accept(self._chain, token)
        if self._dry is not None:
            for token in seen[len(seen) - min(settings.dry_range, len(seen)) :]:
                self._dry.accept(token)

    def _add_bias(self, biases: tuple[tuple[int, float], ...], vocabulary: int) -> None:
        if biases:
            array = (self._lib.llama_logit_bias * len(biases))(*biases)
            self._add(self._lib.llama_sampler_init_logit_bias(vocabulary, len(biases), array))

    def _build(self, settings: Sampler, seed: int, vocabulary: int) -> int:
        """Fill the chain; returns how many tokens its penalties remember."""
        lib = self._lib
        penalised = settings.repetition_range
        if settings.repetition == 1 and not settings.frequency and not settings.presence:
            penalised = 0
        if penalised:
            self._add(
                lib.llama_sampler_init_penalties(
                    vocabulary,
                    penalised,
                    float(settings.repetition),
                    float(settings.frequency),
                    float(settings.presence),
                )
            )
        if settings.temperature == 0:
            self._add(lib.llama_sampler_init_greedy())
            return penalised
        if not settings.mirostat:
            if settings.top_n_sigma > 0:
                self._add(lib.llama_sampler_init_top_n_sigma(float(settings.top_n_sigma)))
            if settings.top_k > 0:
                self._add(lib.llama_sampler_init_top_k(min(settings.top_k, vocabulary)))
            if settings.typical_p < 1:
                self._add(lib.llama_sampler_init_typical(float(settings.typical_p), 1))
            if settings.top_p < 1:
                self._add(lib.llama_sampler_init_top_p(float(settings.top_p), 1))
            if settings.min_p > 0:
                self._add(lib.llama_sampler_init_min_p(float(settings.min_p), 1))
            if settings.xtc_probability > 0:
                self._add(
                    lib.llama_sampler_init_xtc(
                        float(settings.xtc_probability), float(settings.xtc_threshold), 1, usable_seed(seed ^ _XTC)
                    )
                )
        if settings.dynamic_range:
            self._add(
                lib.llama_sampler_init_temp_ext(
                    float(settings.temperature), float(settings.dynamic_range), float(settings.dynamic_exponent)
                )
            )
        else:
            self._add(lib.llama_sampler_init_temp(float(settings.temperature)))
        tau, eta = float(settings.mirostat_tau), float(settings.mirostat_eta)
        if settings.mirostat == 1:
            self._add(lib.llama_sampler_init_mirostat(vocabulary, seed, tau, eta, _MIROSTAT_WINDOW))
        elif settings.mirostat == 2:
            self._add(lib.llama_sampler_init_mirostat_v2(seed, tau, eta))
        else:
            self._add(lib.llama_sampler_init_dist(seed))
        return penalised

    def _add(self, sampler: Any) -> None:
        self._lib.llama_sampler_chain_add(self._chain, sampler)  # the chain owns it from here

    def sample(
        self, logits: NDArray[np.float32], without: Collection[int] = (), only: NDArray[np.int32] | None = None
    ) -> int:
        """Draw a token from ``logits``, float32 ``[vocabulary]``, and remember it.

        ``without`` names tokens that must not be drawn, ``only`` (int32 ``[n]``) those that may be. Returns -1 if none
        is left.
        """
        table = self._table.of(logits, without, only)
        if table is None:
            return -1
        if self._dry is not None:
            self._dry.apply(table)
        self._lib.llama_sampler_apply(self._chain, self._table.reference)
        token = int(table.data[table.selected].id)
        self.accept(token)
        return token

    def accept(self, token: int) -> None:
        """Remember ``token`` as if it had been drawn here."""
        self._lib.llama_sampler_accept(self._chain, token)
        if self._dry is not None:
            self._dry.accept(token)

    def clone(self) -> SamplerChain:
        """Return a chain that goes on as this one would, independently."""
        twin = SamplerChain.__new__(SamplerChain)
        twin._lib, twin.biases = self._lib, self.biases
        twin._table = self._table  # scratch space, filled anew at each draw
        twin._chain = self._lib.llama_sampler_clone(self._chain)
        twin._dry = None if self._dry is None else self._dry.clone()
        return twin

    def close(self) -> None:
        if self._chain is not None:
            self._lib.llama_sampler_free(self._chain)
            self._chain = None
        if self._dry is not None:
            self._dry.close()
            self._dry = None

    def __enter__(self) -> SamplerChain:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Table:
    """llama.cpp's list of candidates, its memory allotted once: filling it is most of what a draw costs in Python.

    Attributes:
        reference: to the list, as llama.cpp's functions take it.
    """

    def __init__(self, binding: Any, vocabulary: int) -> None:
        self._candidates = np.zeros(vocabulary, dtype=_TOKEN_DATA)
        self._candidates["id"] = np.arange(vocabulary, dtype=np.int32)
        self._bytes = self._candidates.view(np.uint8)  # numpy copies records field by field: slow
        self._unused = self._bytes.copy()
        self._logits = self._candidates["logit"]
        self._pointer: Any = ctypes.POINTER(binding.llama_token_data)
        self._data = self._candidates.ctypes.data_as(self._pointer)
        self._count = vocabulary
        self._table: Any = binding.llama_token_data_array()
        self.reference: Any = ctypes.byref(self._table)

    def of(self, logits: NDArray[np.float32], without: Collection[int], only: NDArray[np.int32] | None = None) -> Any:
        """Return every token (or those in ``only``) with its logit but those in ``without``; None if no other is left.

        Valid until the next call.
        """
        self._bytes[:] = self._unused  # samplers sort in place
        self._logits[:] = logits
        table = self._table
        table.data, table.size, table.selected, table.sorted = self._data, self._count, -1, False
        # Left out altogether: a logit of minus infinity would reach samplers that take its logarithm.
        if only is not None:
            left = self._candidates[only[~np.isin(only, list(without))]]
        elif without:
            left = np.delete(self._candidates, list(without))
        if without or only is not None:
            if not len(left):
                return None
            self._candidates[: len(left)] = left
            table.size = len(left)
        return table


class _Dry:
    """llama.cpp's DRY with breakers found in the text (see the module's docstring)."""

    _FIRST_BREAK = 2**30  # beyond every vocabulary

    def __init__(self, settings: Sampler, words: Words | None) -> None:
        self._lib: Any = library()
        self._words = words
        self._breakers = (
            tuple(breaker.encode("utf-8", "replace") for breaker in settings.dry_breakers) if words is not None else ()
        )
        self._longest = max(map(len, self._breakers), default=0)
        self._tail = b""
        self._breaks = 0
        self._sampler: Any = self._lib.llama_sampler_init_dry(
            None,
            float(settings.dry_multiplier),
            float(settings.dry_base),
            settings.dry_allowed_length,
            settings.dry_range,
            None,
            0,
        )

    def accept(self, token: int) -> None:
        if self._words is not None and self._breakers:
            piece = self._words.piece(token)
            text = self._tail + piece
            # A breaker counts where it is completed: its last byte stands in this token.
            fresh = len(text) - len(piece)
            if any(text.rfind(breaker) + len(breaker) > fresh for breaker in self._breakers if breaker in text):
                token = self._FIRST_BREAK + self._breaks
                self._breaks = (self._breaks + 1) % 2**20
            self._tail = text[len(text) - min(len(text), self._longest - 1) :] if self._longest > 1 else b""
        self._lib.llama_sampler_accept(self._sampler, token)

    def apply(self, table: Any) -> None:
        self._lib.llama_sampler_apply(self._sampler, ctypes.byref(table))

    def clone(self) -> _Dry:
        twin = _Dry.__new__(_Dry)
        twin._lib, twin._words, twin._breakers, twin._longest = self._lib, self._words, self._breakers, self._longest
        twin._tail, twin._breaks = self._tail, self._breaks
        twin._sampler = self._lib.llama_sampler_clone(self._sampler)
        return twin

    def close(self) -> None:
        if self._sampler is not None:
            self._lib.llama_sampler_free(self._sampler)
            self._sampler = None
