"""Text of strangers made safe to show: names, descriptions and file names reach a terminal through here.

A control character in a name can repaint a screen or fake a line of ours; an override of the direction of text turns a
name around. Tabs and line breaks stay in a text and become spaces in a line.
"""

from __future__ import annotations

import re


LONGEST_LINE = 1000

# Control characters but newline and tab, surrogates, line separators, invisible characters but the two joiners that
# scripts and pictures need, the marks that turn the direction of text around, and tags. Compiled at its first use.
_UNSAFE = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f]"


def printable(text: str) -> str:
    """Return ``text`` without characters that do anything but show; its line breaks and tabs stay."""
    return text if text.isascii() and text.isprintable() else re.sub(_UNSAFE, _shown, text)


def one_line(text: str, most: int = LONGEST_LINE) -> str:
    """Return ``text`` on one line, safe to show, and cut with an ellipsis beyond ``most`` characters."""
    line = " ".join(printable(text[: 4 * most]).split())
    return line if len(line) <= most and len(text) <= 4 * most else line[: most - 1].rstrip() + "…"


def prose(text: str) -> str:
    """Return ``text`` of a story without control characters.

    Marks that steer right-to-left scripts are the writer's.
    """
    return (
        text
        if text.isascii() and text.isprintable()
        else re.sub(_CONTROL, "", text).encode("utf-8", "replace").decode()
    )


def escaped(text: str) -> str:
    """Escape, as JSON does with four hexadecimal digits, what JSON in ``text`` leaves raw and a terminal obeys."""
    return re.sub(_UNSAFE, lambda match: "".join(_spelled(letter) for letter in match[0]), text)


def _shown(match: re.Match[str]) -> str:
    """Show half a character, as file names that are no UTF-8 have, as a sign; drop the rest."""
    return "".join("\ufffd" for letter in match[0] if "\ud800" <= letter <= "\udfff")


def _spelled(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
