"""What a training achieved, as its last lines on the terminal."""

from __future__ import annotations

from ..evaluation.report import headline
from ..records import TrainedModule


def verdict(module: TrainedModule) -> str:
    """Say what the training achieved, and what to do where that is nothing."""
    summary = headline(module.measured, module.measured)
    text = summary.text if module.headline is None else module.headline  # absent in older journals
    advice = summary.advice if module.advice is None else module.advice
    numbers = ""
    if module.bits_per_byte_without is not None and module.bits_per_byte_with is not None:
        numbers = f"; {module.bits_per_byte_without:.4f} -> {module.bits_per_byte_with:.4f} bits per byte"
    line = f"{module.name}: {text} ({module.tokens} virtual tokens{numbers})"
    return f"{line}\n{advice}" if advice else line
