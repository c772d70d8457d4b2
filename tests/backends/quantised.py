"""The starter model in other kinds of weights, made by llama.cpp's own quantiser."""

from __future__ import annotations

from pathlib import Path

from kobold_modules.backends.llamacpp.quantise import quantise


def quantised(starter: Path, weights: str, folder: Path) -> Path:
    """Return ``starter`` in ``weights`` (``Q4_1``), all of its matrices alike."""
    target = folder / f"starter.{weights}.gguf"
    quantise(starter, target, weights)
    return target
