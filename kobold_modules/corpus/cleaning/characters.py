"""Repairs to single characters: line ends, invisible characters, odd spaces, ligatures, garbled accents.

They run first, because every later rule looks at lines and letters. A tokeniser sees a non-breaking space or a soft
hyphen as bytes that have nothing to do with the story, and a module would spend its few vectors on them.
"""

from __future__ import annotations

import re
import unicodedata

from .change import Change, Cleaned, substitute


_LINE_ENDS = re.compile("\n?\f\n?|\r+\n|[\r\x0b\x85\u2028]|\u2029")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f\x80-\x9f\ufffe\uffff]")
_SOFT_HYPHEN_AT_END = re.compile("\u00ad(?=[ \t]*\n)")
# Joiners are letters' business in Persian, Hindi or emoji, so they go only where a Latin character stands beside them.
_INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069]"
    "|(?<![^\u0000-\u024f])[\u200c\u200d]|[\u200c\u200d](?![^\u0000-\u024f])"
)
_ANY_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
_ODD_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_TABS = re.compile(r"\t+")
_TRAILING = re.compile(r"(?<! ) +$", re.MULTILINE)
_DOUBLE_SPACES = re.compile(r"(?<=\S) {2,}")
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_LIGATURE = re.compile("[" + "".join(_LIGATURES) + "]")
_C1 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_GARBLED = re.compile(f"â[€\x80][{_C1}\x80-\xbf]|[ÂÃ][{_C1}\x80-\xbf]|ï»¿")


def line_ends(text: str) -> Cleaned:
    """Turn Windows, old Mac and Unicode line ends, form feeds and vertical tabs into LF."""
    return substitute(
        _LINE_ENDS,
        lambda found: "\n\n" if found.group() == "\u2029" else "\n",
        text,
        "line ends made alike",
        "Files from Windows and old Macs end their lines differently; a model should not learn the difference.",
        signs="\r\f\x0b\x85\u2028\u2029",
    )


def garbled(text: str) -> Cleaned:
    """Repair accents and quotes saved as UTF-8 and once read as Windows text (``â€™`` for ``’``)."""
    what, why = "garbled characters repaired", "A program once misread the file's encoding and saved the result."
    if "â€" not in text and "Ã" not in text and "â\x80" not in text and "ï»¿" not in text:
        return text, Change(what, 0, why)
    count = 0

    def repair(found: re.Match[str]) -> str:
        nonlocal count
        try:
            data = b"".join(_byte(character) for character in found.group())
            repaired = data.decode("utf-8")
        except UnicodeError:
            return found.group()
        count += 1
        return repaired

    repaired = _GARBLED.sub(repair, text)
    return repaired, Change(what, count, why)


def _byte(character: str) -> bytes:
    # Windows-1252 has five holes, which programs fill with the control characters of Latin-1.
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")


def controls(text: str) -> Cleaned:
    """Remove control characters and non-characters."""
    return substitute(
        _CONTROLS, "", text, "control characters removed", "They are orders to old terminals and printers, not text."
    )


def invisible(text: str) -> Cleaned:
    """Remove zero-width spaces, direction marks and soft hyphens; a soft hyphen at a line's end becomes a hyphen."""
    what, why = "invisible characters removed", "Nobody sees them, but the model reads each one."
    if not _ANY_INVISIBLE.search(text):
        return text, Change(what, 0, why)
    return substitute(_INVISIBLE, "", _SOFT_HYPHEN_AT_END.sub("-", text), what, why)


def spaces(text: str) -> Cleaned:
    """Make typographic spaces and tabs plain ones; a tab at the start of a line is an indent."""
    text, odd = _ODD_SPACES.subn(" ", text)
    count = odd
    if "\t" in text:
        text, tabs = _TABS.subn(lambda found: "    " if _at_line_start(text, found.start()) else "  ", text)
        count += tabs
    return text, Change("odd spaces and tabs made plain", count, "To the model each kind of space is another token.")


def _at_line_start(text: str, position: int) -> bool:
    return position == 0 or text[position - 1] == "\n"


def trailing(text: str) -> Cleaned:
    """Remove spaces at the ends of lines."""
    what, why = "line-end spaces removed", "They are invisible and carry no meaning."
    return substitute(_TRAILING, "", text, what, why, signs=(" \n",) if not text.endswith(" ") else ())


def double_spaces(text: str) -> Cleaned:
    """Make two and more spaces inside a line one."""
    return substitute(
        _DOUBLE_SPACES,
        " ",
        text,
        "double spaces made single",
        "Typewriter habits and justified columns leave them.",
        signs=("  ",),
    )


def ligatures(text: str) -> Cleaned:
    """Write ``ﬁ`` and its family as letters."""
    return substitute(
        _LIGATURE,
        lambda found: _LIGATURES[found.group()],
        text,
        "ligatures spelled out",
        "Text copied from a PDF glues letters together, and the model does not know such words.",
    )


def composed(text: str) -> Cleaned:
    """Compose letters with loose accents (``e`` + ``́``) into one character: Unicode's form NFC."""
    what, why = "loose accents joined to their letters", "The same word should always be the same characters."
    if unicodedata.is_normalized("NFC", text):
        return text, Change(what, 0, why)
    normal = unicodedata.normalize("NFC", text)
    return normal, Change(what, max(1, len(text) - len(normal)), why)
