"""The world info that came with a story of another program and is kept in our own story file since."""

from __future__ import annotations

from ...errors import BadInput
from ..book import Lorebook
from ..values import Object, members
from . import koboldai, novelai


LITE, NOVELAI = "kobold_lite", "novelai_lorebook"  # the members that keep it; written by ``stories.file``


def fits(data: Object) -> bool:
    """Return whether decoded JSON is a story of ours."""
    return "kobold_modules_story" in data


def read(data: Object, name: str) -> Lorebook:
    """Return the world info in ``data``. Raises BadInput for a story without any."""
    if isinstance(rest := members(data.get(LITE)).get("rest"), dict):
        return koboldai.read(rest, name)
    if isinstance(book := data.get(NOVELAI), dict):
        return novelai.read({"lorebookVersion": 1, **book}, name)
    raise BadInput(f"{name} is a story without world info in it.")
