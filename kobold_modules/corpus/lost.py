"""Letters that were lost before a file was saved: U+FFFD in their place, or question marks.

They cannot be brought back, but a module would learn to write them; a person who hears of them still has the original.
"""

from __future__ import annotations

import re


_SIGN = "\ufffd"
_INSIDE = re.compile(r"(?<=[^\W\d_])\?(?=[^\W\d_A-Z]{1,12}\b)")
_QUOTED = re.compile(r"(?<![\w?!.\"'”’)])\?(?=[A-Za-z][a-z' ])")
_SOUP = re.compile(r"(?:(?<=\s)|^)(?:\?{2,}[,.;:!]?\s+){3,}\?{2,}")
_ADDRESS = re.compile(r"\S*(?:https?:|www\.|\.(?:com|org|net|php|html?))\S*")
_FEWEST = 4
_PER_CHARACTERS = 5_000  # fewer than one in so many is a slip of the keyboard
_CAUSE = "were lost before this file was saved"


def lost_characters(text: str, unread: int = 0) -> tuple[str, ...]:
    """Return a sentence with the number of letters that were lost; ``unread`` of the U+FFFD are counted elsewhere."""
    sentences: list[str] = []
    signs = text.count(_SIGN) - unread
    if signs > 0:
        what = "1 character was" if signs == 1 else f"{signs:,} characters were"
        sentences.append(
            f"{what} lost before this file was saved (they stand in it as {_SIGN}). Take an older copy, or "
            f"put them back."
        )
    if count := question_marks(text):
        example = next(iter(_example(text)), "")
        sentences.append(
            f"About {count:,} letters or quotes {_CAUSE} and are question marks now{example}. Take an older copy, "
            f"or put them back."
        )
    return tuple(sentences)


def question_marks(text: str) -> int:
    """Return how many question marks stand for lost letters; 0 where they may all be questions."""
    if "?" not in text:
        return 0
    plain = _ADDRESS.sub("", text) if "http" in text or "www." in text else text
    inside = len(_INSIDE.findall(plain))
    quoted = len(_QUOTED.findall(plain))
    soup = sum(found.group().count("?") for found in _SOUP.finditer(plain))
    count = inside + (quoted if inside >= 2 or quoted >= _FEWEST else 0) + soup
    return count if count >= max(_FEWEST, len(text) / _PER_CHARACTERS) else 0


def _example(text: str) -> list[str]:
    found = re.search(r"[^\W\d_]+\?[^\W\d_]+", text) or _SOUP.search(text)
    return [f', as in "{" ".join(found.group().split())[:40]}"'] if found else []
