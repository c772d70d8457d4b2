"""What a training achieved, as its last lines on the terminal."""

from __future__ import annotations

from ..evaluation.report import headline
from ..records import Result


def verdict(result: Result) -> str:
    """Say what the training achieved, and what to do where that is nothing."""
    data = result.data
    summary = headline(data, data)
    text, advice = data.get("headline", summary.text), data.get("advice", summary.advice)  # absent in older journals
    numbers = f"{data['bits_per_byte_without']:.4f} -> {data['bits_per_byte_with']:.4f} bits per byte"
    line = f"{data['name']}: {text} ({data['tokens']} virtual tokens; {numbers})"
    return f"{line}\n{advice}" if advice else line
