"""Saved stories: ours, of KoboldAI and KoboldAI Lite (also ``.kaistory``), and of NovelAI (``.story``, ``.scenario``).

Trained is the story as it stands, the writer's words and the model's that stayed in it. A save without a word of story
is no text; it may be a lorebook.
"""

from __future__ import annotations

from ...errors import BadText
from ...saves import lite, novelai
from ...saves.lite_script import lite_script
from ...saves.novelai_script import novelai_script
from ...saves.own_script import is_own, own_script
from ...saves.script import Script
from .source import Source
from .structure import Structured
from .turns import document_of


TITLE = "saved story"


def sniff(source: Source) -> bool:
    """Return whether this is the save of a story with some text in it."""
    if source.container is not None:
        return any(name.lower().endswith("story.json") for name in source.container.names)
    data = source.json
    if lite.is_lite(data):
        return bool(data.get("actions") or data.get("prompt"))
    if novelai.is_novelai(data):
        return "scenarioVersion" not in data or bool(data.get("prompt"))
    return is_own(data) and bool(data["text"].strip())


def read(source: Source) -> Structured:
    """Read a save.

    Raises:
        BadText: if it is damaged, or of a form that is not known.
    """
    return document_of(_script(source), source)


def _script(source: Source) -> Script:
    if source.container is not None:
        data = lite.parse(lite.unzipped(source.data, source.name), source.name)
        if not lite.is_lite(data):
            raise BadText(f"{source.name} is a zip, but what is in it is no story of KoboldAI.")
        return lite_script(lite.read(data, source.name))
    if is_own(source.json):
        return own_script(source.json)
    if lite.is_lite(source.json):
        return lite_script(lite.read(source.json, source.name))
    return novelai_script(novelai.read(source.json, source.name))
