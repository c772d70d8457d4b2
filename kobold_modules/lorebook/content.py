"""What an entry says to the model, without what it says to programs.

A text may begin with decorators (version 3 of character cards): lines ``@@name value``, each with fallbacks ``@@@name``
below it. They are commands, and no part of the text. ``{{char}}`` and ``{{user}}`` stand for names.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .book import Entry, Lorebook
from .values import words


USER = "you"
_DECORATOR = re.compile(r"@@(@?)([a-z_]+)[ \t]*(.*)")
_COMMENT = re.compile(r"\{\{//.*?\}\}", re.DOTALL)
_CHARACTER = re.compile(r"\{\{char\}\}|<BOT>|<CHAR>", re.IGNORECASE)
_USER = re.compile(r"\{\{user\}\}|<USER>", re.IGNORECASE)


def prose(entry: Entry, character: str = "") -> str:
    """Return the text of ``entry`` for the model, with the name of the ``character`` whose card it came in."""
    return with_names(_divided(entry.text)[1], character).strip()


def with_names(text: str, character: str = "") -> str:
    """Return ``text`` with names for ``{{char}}`` (if there is one) and ``{{user}}``, and without comments."""
    if "{{" not in text and "<" not in text:
        return text
    text = _COMMENT.sub("", text)
    if character:
        text = _CHARACTER.sub(lambda _: character, text)
    return _USER.sub(USER, text)


def unnamed(book: Lorebook) -> int:
    """Return in how many entries ``{{char}}`` stands for somebody whose card is not here."""
    if book.character:
        return 0
    return sum(bool(_CHARACTER.search(entry.text)) for entry in book.enabled)


def decorated(entry: Entry) -> Entry:
    """Return ``entry`` as its decorators ask; those that make no sense in a story are passed over."""
    decorators, _ = _divided(entry.text)
    for name, value in decorators:
        if name == "activate":
            entry = replace(entry, always=True)
        elif name == "dont_activate":
            entry = replace(entry, enabled=False)
        elif name == "scan_depth" and value.isdecimal():
            entry = replace(entry, scan_depth=min(int(value[:9]), 1000))
        elif name == "additional_keys":
            entry = replace(entry, keys=(*entry.keys, *words(value)))
        elif name == "exclude_keys":
            entry = replace(entry, exclude_keys=(*entry.exclude_keys, *words(value)))
    return entry


def _divided(text: str) -> tuple[list[tuple[str, str]], str]:
    """Return the decorators at the beginning of ``text``, and the rest. Fallbacks are for programs that know less."""
    if not text.lstrip().startswith("@@"):
        return [], text
    lines = text.lstrip().split("\n")
    decorators: list[tuple[str, str]] = []
    for number, line in enumerate(lines):
        found = _DECORATOR.fullmatch(line.strip())
        if found is None:
            return decorators, "\n".join(lines[number:])
        if not found[1]:
            decorators.append((found[2], found[3].strip()))
    return decorators, ""
