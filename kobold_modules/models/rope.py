"""Rotary position embedding as llama.cpp computes it from a GGUF settings.

transformers reads only the base of the frequencies from a GGUF file. Whatever stretches a context (linear scaling,
YaRN, the factors of Llama 3.1 and of Phi 3) is left out without a word, and the model one trains through is then
another than the one that writes. The arithmetic here follows ggml (``ggml_rope_ext``), so that the two agree.

YaRN: Peng et al. 2023, "YaRN: Efficient Context Window Extension of Large Language Models", sections 3.2 to 3.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .headers.gguf_settings import GgufSettings


# Turns over the original context beyond which a frequency keeps its speed, and below which it is stretched in full.
# llama.cpp lets a file change these for models that transformers does not load from GGUF, and for no other.
BETA_FAST, BETA_SLOW = 32.0, 1.0


@dataclass(frozen=True, slots=True)
class Rope:
    """Inverse frequencies, float32 ``[rotated / 2]``, and what sines and cosines are multiplied with (``scale``).

    ``stretched`` says in a word what is done besides the plain frequencies; empty for a plain rope.
    """

    inverse: NDArray[np.float32]
    scale: float
    stretched: str


def rotated(settings: GgufSettings) -> int:
    """Return how many of a head's dimensions rotate; 0 for a model without a rope in its settings."""
    heads = settings.value("attention.head_count", 0)
    heads = max(heads) if isinstance(heads, list) else heads
    head = settings.value("attention.key_length") or (settings.value("embedding_length", 0) // heads if heads else 0)
    return int(settings.value("rope.dimension_count") or head)


def rope_of(settings: GgufSettings) -> Rope | None:
    """Return the rope of ``settings``'s ordinary (not sliding-window) layers, or None for a model that has none."""
    size = rotated(settings)
    if size < 2 or size % 2:
        return None
    base = float(settings.value("rope.freq_base", 10000.0))
    plain = base ** (-np.arange(0, size, 2, dtype=np.float64) / size)
    kind, stretch = _scaling(settings)
    attention = float(settings.value("rope.scaling.attn_factor", 1.0))
    factors, named = _factors(settings, kind, size)
    inverse = plain / factors
    words = [named] if named else []
    if kind == "yarn" and stretch != 1:
        keep = _kept(settings, size, base)
        inverse = inverse / stretch * (1 - keep) + inverse * keep
        attention *= 0.1 * math.log(stretch) + 1 if stretch > 1 else 1.0
        words.append(f"YaRN x {stretch:g}")
    elif stretch != 1:
        inverse = inverse / stretch
        words.append(f"linear x {stretch:g}")
    elif attention != 1 and not named:
        words.append(f"attention x {attention:g}")
    return Rope(inverse.astype(np.float32), attention, ", ".join(words))


def _scaling(settings: GgufSettings) -> tuple[str, float]:
    """Return kind and factor; files of 2023 have a factor alone, which means linear."""
    kind = str(settings.value("rope.scaling.type", "linear"))
    factor = float(settings.value("rope.scaling.factor", 0) or settings.value("rope.scale_linear", 0) or 1)
    return (kind, 1.0) if kind == "none" else (kind, factor)


def _factors(settings: GgufSettings, kind: str, size: int) -> tuple[NDArray[np.float64], str]:
    """Return the divisors of the frequencies, ``[size / 2]`` (or the number one), and their name.

    Of the Phi family's two sets the short one is right: training rows stay within the original context.
    """
    for name, words in (("rope_freqs.weight", "rope factors"), ("rope_factors_short.weight", "LongRoPE factors")):
        found = settings.vectors.get(name)
        if found is not None and found.size == size // 2:
            return found.astype(np.float64), words
    return np.ones(1), ""


def _kept(settings: GgufSettings, size: int, base: float) -> NDArray[np.float64]:
    """Return the share of its own speed each frequency keeps under YaRN: 1 for fast ones, 0 for slow ones."""
    before = settings.value("rope.scaling.original_context_length", 0)
    original = float(before or settings.value("context_length", 0) or 1)

    def dimension(turns: float) -> float:
        return size * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))

    low = max(0.0, math.floor(dimension(BETA_FAST)))
    high = min(size - 1.0, math.ceil(dimension(BETA_SLOW)))
    ramp = (np.arange(size // 2, dtype=np.float64) - low) / max(0.001, high - low)
    kept: NDArray[np.float64] = 1 - np.clip(ramp, 0, 1)
    return kept
