"""What stands in messages and is no story: reasoning, folded sections, code, pictures, notes out of character."""

from __future__ import annotations

import re

from .script import Aside


_OOC = ("OOC", "ooc", "Ooc")
_ASIDES: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (  # what it is, signs that it may be there, how
    ("reasoning", ("<",), re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.S | re.I)),
    ("folded sections", ("<",), re.compile(r"<details\b.*?(?:</details>|\Z)", re.S | re.I)),
    ("code blocks", ("```", "~~~"), re.compile(r"^[ \t]*(```+|~~~+)[^\n]*\n.*?(?:^[ \t]*\1[ \t]*$|\Z)", re.S | re.M)),
    ("pictures", ("![",), re.compile(r"!\[[^\]\n]{0,300}\]\([^)\n]{0,2000}\)")),
    (
        "pictures",
        (" sends a picture ",),
        re.compile(r"^\[[^\[\]\n]{1,90} sends a picture that contains: [^\]]{0,4000}\]\.?$", re.M),
    ),
    (
        "notes out of character",
        _OOC,
        re.compile(r"\({1,3}[ \t]*OOC\b[^()]*\){1,3}|\[{1,3}[ \t]*OOC\b[^\[\]]*\]{1,3}", re.I),
    ),
    ("notes out of character", _OOC, re.compile(r"^[ \t]*OOC[ \t]*:[^\n]*$", re.I | re.M)),
)


def without_asides(said: str) -> tuple[str, list[Aside]]:
    """Return a message as it is read, and what in it is no story."""
    found: list[Aside] = []
    for what, signs, pattern in _ASIDES:
        if not any(sign in said for sign in signs):
            continue
        found += [Aside(what, match[0]) for match in pattern.finditer(said)]
        said = pattern.sub("", said)
    return said, found
