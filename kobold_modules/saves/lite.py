"""KoboldAI Lite's saved stories (and those of KoboldAI's first interface, whose shape Lite keeps).

::

    {"gamestarted": true, "prompt": "the first piece", "actions": ["the second", ...],
     "actions_metadata": {"0": {"Selected Text": "the second", "Alternative Text": []}, ...},
     "memory": "...", "authorsnote": "...", "anotetemplate": "[Author's note: <|>]", "anotestr": 320,
     "worldinfo": [], "wifolders_d": {}, "wifolders_l": [], "savedsettings": {...}, ...}

The text is ``prompt`` and ``actions`` strung together: each piece is one submission or one continuation, and Lite's own
undo takes the last one off. A picture or a sound stands in a piece as ``[<|letter|what|letter|>]`` (``p`` one that is
still being made, ``d`` its data, ``h`` the hash under which ``completed_imgs_meta`` describes it); that is no prose, so
it is not part of our text, and is put back when the story is written. KoboldAI United's second interface nests the
pieces in an object and says so by a ``file_version``, and may put that into a zip (``.kaistory``); those files are
read, too, and written in Lite's shape. What we do not know we leave alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ..errors import BadModule, BadText
from ..formats.safe_zip import LOCAL, open_zip


NOTE_TEMPLATE = "[Author's note: <|>]"
MOST_BYTES = 1 << 27  # a story with pictures in it; the text alone is a hundredth of that
MOST_PIECES = 200_000
_PICTURE = re.compile(r"\[<\|([A-Za-z]{1,8})\|[^|]*\|\1\|>\]")
_EMPTY: dict[str, Any] = {
    "gamestarted": True,
    "prompt": "",
    "memory": "",
    "authorsnote": "",
    "anotetemplate": "",
    "actions": [],
    "actions_metadata": {},
    "worldinfo": [],
    "wifolders_d": {},
    "wifolders_l": [],
}
_PIECES = ("prompt", "actions", "actions_metadata")


@dataclass(frozen=True, slots=True)
class LiteStory:
    """A story as Lite keeps it.

    Attributes:
        pieces: ``prompt`` and ``actions`` as they came, pictures and all.
        rest: every other member, unknown ones too.
        metadata: ``actions_metadata`` by index of the action, for pieces that do not change.
    """

    pieces: tuple[str, ...] = ()
    memory: str = ""
    note: str = ""
    note_template: str = NOTE_TEMPLATE
    rest: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The prose, without pictures."""
        return "".join(map(prose, self.pieces))


def prose(piece: str) -> str:
    """Return ``piece`` without its pictures."""
    return _PICTURE.sub("", piece) if "[<|" in piece else piece


def is_zipped(data: bytes) -> bool:
    """Return whether ``data`` begins as a ``.kaistory`` does."""
    return data.startswith(LOCAL)


def is_lite(data: Any) -> bool:
    """Return whether decoded JSON looks like such a story."""
    return isinstance(data, dict) and "actions" in data and ("prompt" in data or "gamestarted" in data)


def read(data: dict[str, Any], name: str) -> LiteStory:
    """Read the story in decoded JSON. Raises BadText, saying what is wrong with the file called ``name``."""
    actions, metadata = data["actions"], data.get("actions_metadata")
    prompt, left = data.get("prompt", ""), set(_PIECES)
    if isinstance(actions, dict):
        actions, metadata, left = _united(actions, name), {}, {*_PIECES, "file_version"}
    if not isinstance(actions, list) or not all(isinstance(action, str | None) for action in actions):
        raise BadText(f"{name} looks like a KoboldAI story, but its actions are no list of texts.")
    actions = [action or "" for action in actions]  # null is what some programs write for an empty one
    prompt = "" if prompt is None else prompt
    if not isinstance(prompt, str):
        raise BadText(f"{name} looks like a KoboldAI story, but its prompt is no text.")
    if len(actions) > MOST_PIECES:
        raise BadText(f"{name} has {len(actions):,} pieces, more than a story can have.")
    return LiteStory(
        pieces=(prompt, *actions) if prompt or actions else (),
        memory=_word(data, "memory"),
        note=_word(data, "authorsnote") or _word(data, "authornote"),
        note_template=_word(data, "anotetemplate") or _word(data, "authornotetemplate") or NOTE_TEMPLATE,
        rest={key: value for key, value in data.items() if key not in left},
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def write(story: LiteStory) -> dict[str, Any]:
    """Return ``story`` as JSON-ready data in Lite's shape."""
    prompt, actions = (story.pieces[0], list(story.pieces[1:])) if story.pieces else ("", [])
    data = {**_EMPTY, **story.rest}
    data["prompt"], data["actions"] = prompt, actions
    data["memory"], data["authorsnote"], data["anotetemplate"] = story.memory, story.note, story.note_template
    data["actions_metadata"] = {
        str(index): _metadata(story.metadata.get(str(index)), action) for index, action in enumerate(actions)
    }
    return data


def with_text(story: LiteStory, text: str, cuts: Sequence[int] = ()) -> LiteStory:
    """Return ``story`` with its prose changed to ``text``; pieces at both ends that are still right stay as they are.

    What changed becomes new pieces, cut at the positions ``cuts`` of ``text`` (where takes begin and end), so that
    Lite's undo goes back take by take. Pictures are kept.
    """
    old = [prose(piece) for piece in story.pieces]
    if "".join(old) == text:
        return story
    first, start = 0, 0
    while first < len(old) and text.startswith(old[first], start):
        start += len(old[first])
        first += 1
    last, end = len(old), len(text)
    while last > first and len(old[last - 1]) <= end - start and text.endswith(old[last - 1], start, end):
        end -= len(old[last - 1])
        last -= 1
    pictures = ["".join(match[0] for match in _PICTURE.finditer(piece)) for piece in story.pieces[first:last]]
    edges = [start, *(cut for cut in sorted(set(cuts)) if start < cut < end), end]
    new = [text[a:b] for a, b in pairwise(edges) if a < b]
    pieces = (*story.pieces[:first], *filter(None, pictures), *new, *story.pieces[last:])
    # Behind a changed piece the numbers no longer mean the same actions.
    metadata = {key: value for key, value in story.metadata.items() if key.isdecimal() and int(key) + 1 < first}
    return LiteStory(pieces, story.memory, story.note, story.note_template, story.rest, metadata)


def parse(data: bytes, name: str) -> Any:
    """Decode the JSON of a story file. Raises BadText for anything else."""
    try:
        return json.loads(data.decode("utf-8-sig", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise BadText(
            f"{name} is no story: it begins like JSON, but is malformed.", "Is the download whole?"
        ) from error


def unzipped(data: bytes, name: str) -> bytes:
    """Return the JSON in a ``.kaistory``: its ``story.json``, else its first JSON file, as Lite does.

    Raises BadText.
    """
    try:
        archive = open_zip(data, name)
        inside = [member for member in archive.names if member.lower().endswith(".json")]
        inside.sort(key=lambda member: not member.lower().endswith("story.json"))
        if "tensor.npy" in archive.names:
            raise BadText(f"{name} is a module, not a story.", f"kobold-modules import {name}")
        if not inside:
            raise BadText(f"{name} is a zip without a story in it: it holds no story.json.")
        return archive.read(inside[0], MOST_BYTES)
    except BadModule as error:
        raise BadText(error.message, error.hint) from error


def _united(actions: dict[str, Any], name: str) -> list[str]:
    """Return the chosen text of every action of KoboldAI United's second interface."""
    nested = actions.get("actions", actions)
    if not isinstance(nested, dict):
        raise BadText(f"{name} looks like a KoboldAI story, but its actions are no list of texts.")
    numbered = sorted((int(key), value) for key, value in nested.items() if key.isdecimal() and len(key) < 10)
    chosen = [value.get("Selected Text", "") if isinstance(value, dict) else value for _, value in numbered]
    return [text for text in chosen if isinstance(text, str)]


def _metadata(kept: Any, action: str) -> dict[str, Any]:
    if isinstance(kept, dict) and kept.get("Selected Text") == action:
        return kept
    return {"Selected Text": action, "Alternative Text": []}


def _word(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""
