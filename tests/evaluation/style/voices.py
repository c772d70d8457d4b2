"""The three voices that come with the program, as authors to tell apart: 6,500 words each."""

from __future__ import annotations

from pathlib import Path


SAMPLES = Path(__file__).resolve().parents[3] / "sample_texts"
FILES = {"noir": "the-long-drop.txt", "gothic": "the-house-at-saltmere.txt", "farce": "a-weekend-at-plumley.txt"}


def voice(name: str) -> str:
    """Return the whole text of a voice."""
    return (SAMPLES / name / FILES[name]).read_text(encoding="utf-8")


def split(name: str) -> tuple[list[str], list[str]]:
    """Return the first three fifths of a voice, and its last quarter."""
    text = voice(name)
    return [text[: len(text) * 3 // 5]], [text[len(text) * 3 // 4 :]]
