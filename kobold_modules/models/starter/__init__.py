"""The starter model in the wheel: a small Llama trained from nothing on public-domain prose (see CARD.md beside it)."""

from __future__ import annotations

from pathlib import Path


def starter_path() -> Path:
    """Where the starter model's GGUF file lies on this disk."""
    return Path(__file__).with_name("starter.gguf")
