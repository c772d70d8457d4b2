"""One way to write quotes, ellipses and dashes.

The starter model and most training texts use straight quotes, and a stack mixes modules trained from different files:
one habit for all of them leaves the vectors free for the voice. Curly quotes can be kept (``straight_quotes=False``).
"""

from __future__ import annotations

import re

from .change import Change, Cleaned, substitute


_DOUBLE, _SINGLE = "“”„‟", "‘’‚‛ʼ"
_ACCENT = re.compile(r"(?<=[^\W\d_])[´`](?=[^\W\d_])")  # don´t
_TYPED_DOUBLE = re.compile(r"``|''(?!')|(?<![\w,]),,(?=\w)")
_TYPED_PAIR = re.compile(r"(?<![\w'])''(?=[^\s'])((?:[^'\n]|'(?!')|\n(?!\s*\n)){1,2000}?)(?<=[^\s'])''(?!['\w])")
# `...' of typewriters: it ends behind a stop, or else behind a word.
_TYPED = tuple(
    re.compile(rf"(?<![\w`])`(?=[^\s`])(?P<inside>(?:[^`\n]|\n(?!\s*\n)){{1,2000}}?){end}'(?!\w)")
    for end in (r"(?<=[.,;:!?…—\"-])", r"(?<=[^\s'])")
)
_DOTS = re.compile(r"…|(?<!\.)\.(?: \.){2,}(?!\.)")
_HYPHENS = re.compile(r"-{2,}")


def quotes(text: str) -> Cleaned:
    """Make curly and low quotes, and those of typewriters, straight."""
    count = 0
    if not text.isascii():
        for signs, straight in ((_DOUBLE, '"'), (_SINGLE, "'")):
            for sign in signs:
                if found := text.count(sign):
                    text = text.replace(sign, straight)
                    count += found
    if "``" in text or ",," in text:
        text, typed = _TYPED_DOUBLE.subn('"', text)
        count += typed
    elif "''" in text:
        text, typed = _TYPED_PAIR.subn(r'"\1"', text)
        count += 2 * typed
    if "`" in text:
        quote = '"' if text.count('"') < text.count("`") else "'"
        for pattern in _TYPED:
            text, typed = pattern.subn(rf"{quote}\g<inside>{quote}", text)
            count += 2 * typed
    return text, Change("quotes made straight", count, "One kind of quote across all files and modules.")


def accents(text: str) -> Cleaned:
    """Make accents that stand for apostrophes (``don´t``) apostrophes."""
    return substitute(
        _ACCENT,
        "'",
        text,
        "accents made apostrophes",
        "Some keyboards have the accent where the apostrophe should be.",
        signs=("´", "`"),
    )


def ellipses(text: str) -> Cleaned:
    """Turn ``…`` and ``. . .`` into ``...``."""
    return substitute(
        _DOTS,
        lambda found: "..." if found.group() == "…" else found.group().replace(" ", ""),
        text,
        "ellipses written as three dots",
        "One way to trail off instead of three.",
        signs=("…", ". ."),
    )


def dashes(text: str) -> Cleaned:
    """Turn two or three hyphens into an em dash; four and more, a blanked-out name, become two."""
    return substitute(
        _HYPHENS,
        lambda found: "—" if len(found.group()) < 4 else "——",
        text,
        "double hyphens made dashes",
        "Typewriters had no dash; the model knows one.",
        signs=("--",),
    )
