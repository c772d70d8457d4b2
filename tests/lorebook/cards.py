"""SillyTavern's lorebook, those in character cards, and Chub's: the same three entries, by their documented fields."""

from __future__ import annotations

from typing import Any


KEEPER = "Orla keeps the light at Skerry Point and has not slept through a night since the wreck."
LIGHT = "The light at Skerry Point burns whale oil and turns once in nine seconds."
RUMOUR = "They say the wreck was lured, and by whom is not said aloud."


def st_entry(uid: int, **changed: Any) -> dict[str, Any]:
    """Return an entry as SillyTavern of 2026 writes it, with members that nobody here knows."""
    return {
        "uid": uid,
        "key": [],
        "keysecondary": [],
        "comment": "",
        "content": "",
        "constant": False,
        "vectorized": False,
        "selective": True,
        "selectiveLogic": 0,
        "addMemo": True,
        "order": 100,
        "position": 0,
        "disable": False,
        "ignoreBudget": False,
        "excludeRecursion": False,
        "preventRecursion": False,
        "matchPersonaDescription": False,
        "delayUntilRecursion": False,
        "probability": 100,
        "useProbability": True,
        "depth": 4,
        "group": "",
        "groupOverride": False,
        "groupWeight": 100,
        "scanDepth": None,
        "caseSensitive": None,
        "matchWholeWords": None,
        "useGroupScoring": None,
        "automationId": "",
        "role": None,
        "sticky": 0,
        "cooldown": 0,
        "delay": 0,
        "displayIndex": uid,
        "characterFilter": {"isExclude": False, "names": [], "tags": []},
        "aFieldOfNextYear": {"deep": [1, 2.5, None]},
        **changed,
    }


SILLYTAVERN: dict[str, Any] = {
    "entries": {
        "0": st_entry(0, key=["Orla", "the keeper"], comment="Orla", content=KEEPER, order=50),
        "3": st_entry(3, comment="The light", content=LIGHT, constant=True, order=200),
        "7": st_entry(7, key=["wreck"], comment="Rumour", content=RUMOUR, disable=True),
    },
    "originalData": {"kept": True},
}

BOOK: dict[str, Any] = {
    "name": "Skerry Point",
    "description": "",
    "scan_depth": 4,
    "token_budget": 300,
    "recursive_scanning": True,
    "extensions": {"chub": {"full_path": "nobody/skerry"}},
    "entries": [
        {
            "keys": ["Orla", "the keeper"],
            "content": KEEPER,
            "extensions": {"position": 1, "probability": 90, "useProbability": True, "match_whole_words": True},
            "enabled": True,
            "insertion_order": 50,
            "name": "Orla",
            "id": 1,
        },
        {
            "keys": [],
            "content": LIGHT,
            "extensions": {},
            "enabled": True,
            "insertion_order": 200,
            "comment": "The light",
            "constant": True,
            "position": "after_char",
        },
        {"keys": ["wreck"], "content": RUMOUR, "extensions": {}, "enabled": False, "insertion_order": 100},
    ],
}
CARD_V2: dict[str, Any] = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {"name": "Orla", "description": "A keeper.", "first_mes": "Hush.", "character_book": BOOK},
}
CARD_V3: dict[str, Any] = {
    "spec": "chara_card_v3",
    "spec_version": "3.0",
    "data": {
        **CARD_V2["data"],
        "character_book": {**BOOK, "entries": [{**entry, "use_regex": False} for entry in BOOK["entries"]]},
    },
}
LONE_V3: dict[str, Any] = {"spec": "lorebook_v3", "data": CARD_V3["data"]["character_book"]}

CHUB: dict[str, Any] = {
    "name": "Skerry Point",
    "description": "",
    "is_creation": False,
    "scan_depth": 4,
    "token_budget": 300,
    "recursive_scanning": True,
    "extensions": {"chub": {"id": 1, "full_path": "lorebooks/nobody/skerry"}},
    "entries": {
        "1": {
            "uid": 1,
            "key": ["Orla", "the keeper"],
            "keys": ["Orla", "the keeper"],
            "keysecondary": [],
            "secondary_keys": [],
            "comment": "",
            "name": "Orla",
            "content": KEEPER,
            "constant": False,
            "selective": True,
            "selectiveLogic": 0,
            "insertion_order": 50,
            "order": 50,
            "enabled": True,
            "position": 0,
            "priority": 10,
            "extensions": {},
        },
        "2": {
            "uid": 2,
            "keys": ["lamp"],
            "name": "The light",
            "content": LIGHT,
            "constant": True,
            "insertion_order": 9,
        },
        "3": {"uid": 3, "keys": ["wreck"], "content": RUMOUR, "enabled": False, "position": "before_char"},
    },
}
