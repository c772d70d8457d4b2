r"""Texts as options bring them: ``\n`` for what a shell cannot easily type, and whatever bytes it passes on.

Options that hold a text to look for (--stop, --until, --ban, --bias, --dry-breaker) understand ``\n`` (line break),
``\t`` (tab), ``\r`` and ``\\`` (backslash); anything else behind a backslash stays. A prompt is taken as typed.
"""

from __future__ import annotations

import argparse
import re


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


def typed(text: str) -> str:
    """Return ``text`` of an option; bytes that the terminal's encoding lacks are read as UTF-8 or Windows-1252."""
    if not any("\udc80" <= character <= "\udcff" for character in text):
        return text
    data = text.encode("utf-8", "surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def unescaped(text: str) -> str:
    """Return ``text`` of an option with its escapes understood."""
    return re.sub(r"\\([ntr\\])", lambda found: _ESCAPES[found[1]], typed(text))


def unescaped_lines(text: str) -> str:
    r"""Read escapes as :func:`unescaped`, but keep backslashes: banned strings have a use of their own for ``\*``."""
    return re.sub(r"(\\\\)|\\([ntr])", lambda found: found[1] or _ESCAPES[found[2]], typed(text))


def sign(text: str) -> str:
    """Return a text to look for, as argparse's ``type``. Raises for an empty one, which every text contains."""
    if not text:
        raise argparse.ArgumentTypeError("the text to look for is empty; leave the option out")
    return unescaped(text)
