"""The script of a story that this program saved: its text by the hands that wrote it."""

from __future__ import annotations

from typing import Any

from ..lorebook.values import Object, text
from .script import Aside, Script, by_spans, name_of


SIGN = "kobold_modules_story"


def is_own(data: Any) -> bool:
    """Return whether decoded JSON is a story of ours."""
    return isinstance(data, dict) and SIGN in data and isinstance(data.get("text"), str)


def own_script(data: Object) -> Script:
    """Return what is written in a story of ours; all that was taken back or tried is no part of its text."""
    asides = (Aside("memory", text(data, "memory")), Aside("author's note", text(data, "note")))
    return Script(by_spans(data["text"], data.get("spans")), asides, title=name_of(data.get("title")))
