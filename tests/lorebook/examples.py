"""One lorebook in each program's form, made by hand from its documented fields: a lighthouse, its keeper, a rumour.

Each holds the keeper (keys Orla and the keeper), the light (always there where the form can say so) and the rumour,
which is switched off where the form knows such a switch.
"""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
import zlib
from typing import Any

from tests.lorebook.cards import BOOK, CARD_V2, CARD_V3, CHUB, KEEPER, LIGHT, LONE_V3, RUMOUR, SILLYTAVERN


NOVELAI: dict[str, Any] = {
    "lorebookVersion": 6,
    "entries": [
        {
            "text": KEEPER,
            "contextConfig": {"prefix": "", "suffix": "\n", "tokenBudget": 2048, "budgetPriority": 410},
            "lastUpdatedAt": 1690000000000,
            "displayName": "Orla",
            "id": "a1",
            "keys": ["Orla", "the keeper"],
            "searchRange": 1000,
            "enabled": True,
            "forceActivation": False,
            "keyRelative": False,
            "nonStoryActivatable": True,
            "category": "people",
            "loreBiasGroups": [],
            "advancedConditions": [],
        },
        {"text": LIGHT, "displayName": "The light", "keys": [], "enabled": True, "forceActivation": True},
        {"text": RUMOUR, "displayName": "Rumour", "keys": ["wreck"], "enabled": True, "category": "gossip"},
    ],
    "settings": {"orderByKeyLocations": False},
    "categories": [
        {"name": "People", "id": "people", "enabled": True},
        {"name": "Gossip", "id": "gossip", "enabled": False},
    ],
    "order": ["a1"],
}
SCENARIO: dict[str, Any] = {"scenarioVersion": 3, "title": "Skerry", "prompt": "It was dark.", "lorebook": NOVELAI}
NOVELAI_STORY: dict[str, Any] = {
    "storyContainerVersion": 1,
    "metadata": {"title": "Skerry"},
    "content": {"storyContentVersion": 6, "context": [], "lorebook": NOVELAI},
}

LITE: dict[str, Any] = {
    "gamestarted": True,
    "prompt": "It was dark.",
    "actions": [],
    "worldinfo": [
        {
            "key": "Orla, the keeper",
            "keysecondary": "",
            "keyanti": "daylight",
            "content": KEEPER,
            "comment": "Orla",
            "folder": None,
            "selective": False,
            "constant": False,
            "probability": "90",
            "wigroup": "People",
            "widisabled": False,
        },
        {"key": "", "keysecondary": "", "content": LIGHT, "comment": "The light", "constant": True},
        {"key": "wreck", "keysecondary": "", "content": RUMOUR, "comment": "Rumour", "widisabled": True},
        {"key": "", "keysecondary": "", "content": "", "comment": "", "init": False},
    ],
}
CLIENT: dict[str, Any] = {
    **LITE,
    "worldinfo": [
        {
            "key": "Orla,the keeper",
            "keysecondary": "",
            "content": KEEPER,
            "comment": "Orla",
            "folder": None,
            "num": 0,
            "init": True,
            "selective": False,
            "constant": False,
        },
        {"key": "", "keysecondary": "", "content": LIGHT, "comment": "The light", "constant": True, "init": True},
    ],
}
UNITED: dict[str, Any] = {
    "file_version": 2,
    "gamestarted": True,
    "actions": {"actions": {}},
    "worldinfo_v2": {
        "folders": {"root": [0, 1]},
        "entries": {
            "0": {
                "uid": 0,
                "title": "Orla",
                "key": ["Orla", "the keeper"],
                "keysecondary": [],
                "folder": "root",
                "constant": False,
                "manual_text": KEEPER,
                "content": KEEPER,
                "comment": "",
                "use_wpp": False,
                "wpp": {"name": "", "type": "", "format": "W++", "attributes": {}},
                "object_type": None,
            },
            "1": {"uid": 1, "title": "The light", "key": [], "manual_text": LIGHT, "content": "", "constant": True},
        },
    },
}
UNITED_ALONE: dict[str, Any] = UNITED["worldinfo_v2"]
LITE_ALONE: list[Any] = LITE["worldinfo"]

AI_DUNGEON: list[Any] = [
    {
        "keys": "Orla, the keeper",
        "value": KEEPER,
        "type": "character",
        "title": "Orla",
        "description": "",
        "useForCharacterCreation": False,
    },
    {"keys": "light", "value": LIGHT, "type": "location", "title": "The light"},
]
AI_DUNGEON_OLD: list[Any] = [{"keys": "Orla,the keeper", "entry": KEEPER}, {"keys": "light", "entry": LIGHT}]
AI_DUNGEON_SCENARIO: dict[str, Any] = {"title": "Skerry", "prompt": "It was dark.", "storyCards": AI_DUNGEON}

AGNAI: dict[str, Any] = {
    "kind": "memory",
    "_id": "x",
    "name": "Skerry Point",
    "description": "",
    "entries": [
        {
            "name": "Orla",
            "entry": KEEPER,
            "keywords": ["Orla", "the keeper"],
            "priority": 5,
            "weight": 3,
            "enabled": True,
        },
        {"name": "The light", "entry": LIGHT, "keywords": ["light"], "priority": 0, "weight": 0, "enabled": True},
        {"name": "Rumour", "entry": RUMOUR, "keywords": ["wreck"], "priority": 0, "weight": 0, "enabled": False},
    ],
}
RISU: dict[str, Any] = {
    "type": "risu",
    "ver": 1,
    "data": [
        {"key": "", "comment": "People", "content": "", "mode": "folder", "insertorder": 100, "alwaysActive": False},
        {
            "key": "Orla, the keeper",
            "secondkey": "night",
            "comment": "Orla",
            "content": KEEPER,
            "mode": "normal",
            "insertorder": 50,
            "alwaysActive": False,
            "selective": False,
            "activationPercent": 90,
        },
        {"key": "", "comment": "The light", "content": LIGHT, "mode": "constant", "insertorder": 200},
    ],
}
SAMPLE: dict[str, Any] = {
    "name": "Skerry Point",
    "licence": "CC0-1.0",
    "entries": [
        {"id": "orla", "kind": "person", "title": "Orla", "keys": ["Orla", "the keeper"], "content": KEEPER},
        {"id": "light", "kind": "thing", "title": "The light", "keys": ["light"], "content": LIGHT, "relations": []},
    ],
}
MARKDOWN = f"""---
author: nobody
---
# Skerry Point

## People

### Orla ###

**Keys:** Orla, the keeper

{KEEPER}

The light
---------

{LIGHT}

```
# no heading
```
"""


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*texts: bytes, animated: bool = False) -> bytes:
    """Make a picture of one grey point with ``texts``, whole chunks, before its end; animated: a frame more."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    point = zlib.compress(b"\0\x80")
    control = struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 10, 0, 0)
    frames = chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(b"fcTL", control) if animated else b""
    end = chunk(b"IDAT", point) + b"".join(texts) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + frames + end


def text_chunk(keyword: bytes, value: Any) -> bytes:
    return chunk(b"tEXt", keyword + b"\0" + base64.b64encode(as_json(value)))


def packed_chunk(keyword: bytes, value: Any) -> bytes:
    return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(base64.b64encode(as_json(value))))


def international_chunk(keyword: bytes, value: Any) -> bytes:
    return chunk(b"iTXt", keyword + b"\0\1\0\0\0" + zlib.compress(base64.b64encode(as_json(value))))


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


CHARX = zipped({"card.json": as_json(CARD_V3), "assets/icon/main.png": png(), "module.risum": b"o\0"})
FILES: dict[str, bytes] = {
    "SillyTavern": as_json(SILLYTAVERN),
    "Chub": as_json(CHUB),
    "card V2 JSON": as_json(CARD_V2),
    "card V3 JSON": as_json(CARD_V3),
    "lone V3 book": as_json(LONE_V3),
    "bare character_book": as_json(BOOK),
    "card V2 PNG": png(text_chunk(b"chara", CARD_V2)),
    "card V3 PNG": png(text_chunk(b"chara", {"spec": "chara_card_v2", "data": {}}), text_chunk(b"ccv3", CARD_V3)),
    "card APNG": png(text_chunk(b"ccv3", CARD_V3), animated=True),
    "card PNG zTXt": png(packed_chunk(b"chara", CARD_V2)),
    "card PNG iTXt": png(international_chunk(b"chara", CARD_V2)),
    "charx": CHARX,
    "charx behind a JPEG": b"\xff\xd8\xff\xe0" + b"x" * 40 + b"\xff\xd9" + CHARX,
    "NovelAI 6": as_json(NOVELAI),
    "NovelAI scenario": as_json(SCENARIO),
    "NovelAI story": as_json(NOVELAI_STORY),
    "NovelAI picture": png(text_chunk(b"naidata", NOVELAI)),
    "KoboldAI Lite": as_json(LITE),
    "KoboldAI Lite alone": as_json(LITE_ALONE),
    "KoboldAI Client": as_json(CLIENT),
    "KoboldAI United": as_json(UNITED),
    "KoboldAI United alone": as_json(UNITED_ALONE),
    "kaistory": zipped({"story.json": as_json(UNITED)}),
    "AI Dungeon": as_json(AI_DUNGEON),
    "AI Dungeon old": as_json(AI_DUNGEON_OLD),
    "AI Dungeon scenario": as_json(AI_DUNGEON_SCENARIO),
    "Agnai": as_json(AGNAI),
    "RisuAI": as_json(RISU),
    "our sample": as_json(SAMPLE),
    "Markdown": MARKDOWN.encode(),
}
