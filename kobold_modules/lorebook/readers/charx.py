"""``.charx``: a zip whose ``card.json`` is a card of version 3, alone or behind a JPEG picture.

RisuAI keeps a character's lorebook in ``module.risum`` too, in an encoding of its own whose table is not free to be
used here; the card beside it is what is read.
"""

from __future__ import annotations

from ...errors import BadInput, BadModule
from ...formats.safe_zip import LOCAL, Damaged, open_zip


MOST_CARD = 32 << 20
MOST_MEMBERS, MOST_DIRECTORY = 20_000, 8 << 20  # a card may bring hundreds of pictures
JPEG = b"\xff\xd8\xff"
AGAIN = "Download it again."


def begins_like_one(data: bytes) -> bool:
    """Return whether ``data`` is a zip, or a JPEG with a zip behind its end."""
    return data.startswith(LOCAL) or (data.startswith(JPEG) and b"\xff\xd9" + LOCAL in data)


def embedded(data: bytes, name: str) -> bytes:
    """Return the JSON in the zip ``data``. Raises BadInput where there is none, or it is damaged."""
    if not data.startswith(LOCAL):
        data = data[data.index(b"\xff\xd9" + LOCAL) + 2 :]
    try:
        archive = open_zip(data, name, most_members=MOST_MEMBERS, most_directory=MOST_DIRECTORY)
        inside = [member for member in archive.names if member.lower().endswith(".json")]
        inside.sort(key=lambda member: (member != "card.json", "/" in member, not member.endswith("story.json")))
        if "tensor.npy" in archive.names:
            raise BadInput(f"{name} is a module, not a lorebook.", f"kobold-modules import {name}")
        if not inside or "word/document.xml" in archive.names:
            raise BadInput(f"{name} is a zip without a lorebook in it: it holds no card.json.")
        return archive.read(inside[0], MOST_CARD)
    except Damaged as error:
        raise BadInput(f"{name} is cut short or damaged.", AGAIN) from error
    except BadModule as error:
        raise BadInput(f"{name} is no zip that a character card comes in.", AGAIN) from error


def has_risu_module(data: bytes, name: str) -> bool:
    """Return whether RisuAI's encoded module is in the zip as well."""
    try:
        return (
            data.startswith(LOCAL)
            and "module.risum" in open_zip(data, name, most_members=MOST_MEMBERS, most_directory=MOST_DIRECTORY).names
        )
    except BadModule:
        return False
