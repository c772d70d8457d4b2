"""One way to write quotes, ellipses, dashes and emphasis.

The starter model and most training texts use straight quotes, and a stack mixes modules trained from different files:
one habit for all of them leaves the vectors free for the voice. Curly quotes can be kept (``straight_quotes=False``).
"""

from __future__ import annotations

import html
import re

from .change import Change, Cleaned, substitute
from .lines import BREAK


_DOUBLE = re.compile("[“”„‟]")
_SINGLE = re.compile("[‘’‚‛ʼ]")
_ACCENT = re.compile(r"(?<=[^\W\d_])[´`](?=[^\W\d_])")  # don´t
_DOTS = re.compile(r"…|(?<!\.)\.(?: \.){2,}(?!\.)")
_HYPHENS = re.compile(r"-{2,}")
_EMPHASIS = {
    sign: re.compile(
        rf"(?<![\w{mark}\\])({mark}{{1,3}})(?=[^\s{mark}])((?:[^{mark}\n]|\n(?! *\n)){{1,500}}?)"
        rf"(?<=[^\s{mark}])\1(?![\w{mark}])"
    )
    for sign, mark in (("_", "_"), ("*", r"\*"))
}
_ENTITY = re.compile(
    r"&(?:nbsp|amp|lt|gt|quot|apos|mdash|ndash|hellip|[lr][sd]quo|shy|#\d{2,6}|#[xX][0-9a-fA-F]{2,5});"
)
_BREAKING_TAG = re.compile(r"<br ?/?>|</?(?:p|div)(?: [^<>\n]{0,200})?>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:i|b|u|s|em|strong|small|big|sup|sub|span|center|font|cite|a)(?: [^<>\n]{0,200})?/?>"
    r"|\[/?(?:i|b|u|s|center|quote)\]",
    re.IGNORECASE,
)


def quotes(text: str) -> Cleaned:
    """Make curly and low quotes straight ones."""
    text, double = _DOUBLE.subn('"', text)
    text, single = _SINGLE.subn("'", text)
    text, accents = _ACCENT.subn("'", text) if "´" in text or "`" in text else (text, 0)
    return text, Change(
        "quotes made straight", double + single + accents, "One kind of quote across all files and modules."
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


def emphasis(text: str) -> Cleaned:
    """Remove the marks of ``_word_``, ``*word*`` and ``**word**`` and keep the word."""
    total = 0
    for sign, pattern in _EMPHASIS.items():
        count = int(text.count(sign) > 3 * (text.count(BREAK) if sign == "*" else 0))
        while count:  # marks nest: **_word_**
            text, count = pattern.subn(r"\2", text)
            total += count
    return text, Change("emphasis marks removed", total, "Plain text has no italics; the words stay as they are.")


def tags(text: str) -> Cleaned:
    """Remove the tags and entities of HTML and forum code in writers' files: ``<i>``, ``[b]``, ``&mdash;``."""
    text, entities = _ENTITY.subn(lambda found: html.unescape(found.group()), text)
    text, breaking = _BREAKING_TAG.subn("\n", text)
    text, count = _TAG.subn("", text)
    return text, Change("tags and character codes removed", entities + breaking + count, "They are markup, not prose.")
