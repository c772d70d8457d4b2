"""Pictures and other files pasted into a text as letters: base64, data addresses, hex.

No sentence has two hundred letters and digits without a space between them; a pasted picture has twenty thousand, and
costs more tokens than the story it stands in.
"""

from __future__ import annotations

import re

from ..change import Change, Cleaned


_DATA = re.compile(
    r"!?\[[^\[\]\n]{0,300}\]\(\s*<?data:[^()\s<>]*>?(?:[^()\n]{0,200})\)(?:\{[^{}\n]{0,200}\})?"
    r"|^ {0,3}\[[^\]\n]{1,100}\]: *<?data:[^\s<>]*>?[^\n]*$"
    r"|<img\b[^<>]*data:[^<>]*>|url\([\"']?data:[^()]*\)|"
    r"\bdata:[\w.+-]+/[\w.+-]+(?:;[\w=-]+)*;base64,[A-Za-z0-9+/=]*(?:\n[A-Za-z0-9+/=]{60,})*",
    re.IGNORECASE | re.MULTILINE,
)
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{200,}")
_LINES = re.compile(r"^(?:[A-Za-z0-9+/]{60,100}\n){3,}[A-Za-z0-9+/=]{0,100}$", re.MULTILINE)
_LONG = 200  # characters without a space
_FEWEST_SIGNS = 20  # different ones; a scream has fewer
_WHAT, _WHY = "pictures and files pasted as letters removed", "They are noise, and cost more tokens than the prose."


def encoded(text: str) -> Cleaned:
    """Remove files that were pasted in as base64 or the like."""
    count = 0
    if "data:" in text:
        text, count = _DATA.subn("", text)
    if _has_long_run(text):
        text, runs = _without_noise(_RUN, text)
        text, blocks = _without_noise(_LINES, text)
        count += runs + blocks
    return text, Change(_WHAT, count, _WHY)


def _has_long_run(text: str) -> bool:
    """Return True if so many characters follow each other without a space, ends of lines aside."""
    at = 0
    while at + _LONG <= len(text):
        space = text.rfind(" ", at, at + _LONG)
        if space < 0:
            return True
        at = space + 1
    return False


def _without_noise(pattern: re.Pattern[str], text: str) -> tuple[str, int]:
    count = 0

    def without(found: re.Match[str]) -> str:
        nonlocal count
        run = found.group()
        letters = sum(character.isalpha() for character in run)
        mixed = any(character.isdigit() for character in run) and not run.islower() and not run.isupper()
        hexadecimal = set(run.lower()) <= set("0123456789abcdef\n") and letters < 0.8 * len(run)
        if not hexadecimal and (len(set(run)) < _FEWEST_SIGNS or not mixed):
            return run
        count += 1
        return ""

    return pattern.sub(without, text), count
