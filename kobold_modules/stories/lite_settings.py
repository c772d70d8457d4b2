"""What a KoboldAI (Lite) save holds beside story and world info: which of it is used here, and in words what is not.

Lite keeps stop strings and banned phrases in one text each, ``||$||`` between them: at the root of older saves, in
``savedsettings`` of newer ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


SEPARATOR = "||$||"
MOST_STRINGS = 100
LONGEST_STRING = 200
_MODES = {2: "adventure", 3: "chat", 4: "instruct"}


@dataclass(frozen=True, slots=True)
class LiteSettings:
    """``stop`` ends a take and ``banned`` never appears in one; ``unused`` names the rest, each as a few words."""

    stop: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def settings_in(rest: dict[str, Any]) -> LiteSettings:
    """Read the settings in a save, the members that are no part of its text. Never raises: a stranger wrote them."""
    return LiteSettings(_strings(rest, "extrastopseq"), _strings(rest, "tokenbans"), tuple(_unused(rest)))


def listed(words: tuple[str, ...]) -> str:
    """Return ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def counted(count: int, one: str, many: str = "") -> str:
    """Return ``1 entry`` or ``2 entries``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _unused(rest: dict[str, Any]) -> list[str]:
    found = []
    if _setting(rest, "logitbiasdict") or rest.get("biases"):
        found.append("logit biases")
    if _setting(rest, "regexreplace_data"):
        found.append("replacements by pattern")
    if _setting(rest, "placeholder_tags_data"):
        found.append("placeholders")
    if rest.get("documentdb_data"):
        found.append("the text database")
    mode = _setting(rest, "opmode") or rest.get("initial_opmode")
    if isinstance(mode, int) and mode in _MODES:
        found.append(f"the {_MODES[mode]} mode")
    if rest.get("savedsettings"):
        found.append("sampler settings")
    return found


def _setting(rest: dict[str, Any], key: str) -> Any:
    settings = rest.get("savedsettings")
    return rest.get(key) or (settings.get(key) if isinstance(settings, dict) else None)


def _strings(rest: dict[str, Any], key: str) -> tuple[str, ...]:
    value = _setting(rest, key)
    if not isinstance(value, str):
        return ()
    texts = [text.replace("\\n", "\n") for text in value.split(SEPARATOR)]
    return tuple(dict.fromkeys(text[:LONGEST_STRING] for text in texts if text.strip(" ")))[:MOST_STRINGS]
