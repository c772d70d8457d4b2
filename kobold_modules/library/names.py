"""Names of modules as a person may give them."""

from __future__ import annotations

import unicodedata

from ..errors import BadUsage
from ..formats.limits import LONGEST_LINE
from ..plain_text import one_line, printable
from .slug import key_of


RESERVED = {"none"}  # `--module none` is no module at all
_BLANK = {"\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"}  # letters and signs that show nothing
_INVISIBLE = {"Cc", "Cf", "Cn", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"}


def checked_name(name: str) -> str:
    """Return ``name`` on one line and safe to show.

    Raises BadUsage where a module cannot be called that: it would be cut, could not be seen, or could not be asked for.
    """
    plain = " ".join(printable(name).split())
    if not any(unicodedata.category(letter) not in _INVISIBLE and letter not in _BLANK for letter in plain):
        raise BadUsage("A module needs a name that can be seen.", "Letters of any script, digits, or signs.")
    if len(plain) > LONGEST_LINE:
        raise BadUsage(f"This name has {len(plain):,} characters; {LONGEST_LINE} are the most: {one_line(plain, 40)}")
    if key_of(plain) in RESERVED:
        raise BadUsage(f"A module cannot be called {plain}: --module {plain} means no module.", "Choose another name.")
    return plain
