"""The starter model in the wheel: a small Llama trained from nothing on public-domain prose (see CARD.md beside it).

Beside it lies a module made for it, so that somebody's first minute need not be spent waiting::

    kobold-modules train sample_texts/noir --model starter --name "demo noir" --steps 250 --out demo-noir.zip
"""

from __future__ import annotations

from pathlib import Path


def starter_path() -> Path:
    """Return where the starter model's GGUF file lies on this disk."""
    return Path(__file__).with_name("starter.gguf")


def demo_module_path() -> Path:
    """Return where the demo module's zip lies on this disk."""
    return Path(__file__).with_name("demo-noir.zip")
