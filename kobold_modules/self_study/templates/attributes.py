"""Lists of properties, as many lorebooks hold them: lines ``Age: 23``, and W++ (``Age("23")``)."""

from __future__ import annotations

import re


MOST = 60
_LINE = re.compile(
    r"^[\s>*•-]{0,6}\**(?P<name>[^\W\d_][\w /'-]{1,30}?)\**\s*[:=]\**\s*(?P<value>\S.{0,300})$", re.MULTILINE
)
_W_PLUS_PLUS = re.compile(
    r"\b(?P<name>[^\W\d_][\w /]{1,30})\((?P<value>\"[^\"()]{1,80}\"(?:\s*\+\s*\"[^\"()]{1,80}\")*)\)"
)
_NO_NAME = frozenset({"character", "note", "notes", "keys", "http", "https"})


def attributes(text: str) -> list[tuple[str, str]]:
    """Return names (in small letters) and values of the properties that ``text`` lists; at most :data:`MOST`."""
    lines = [(found["name"], found["value"]) for found in _LINE.finditer(text)]
    if len(lines) < 2:  # one colon is prose
        lines = []
    lines += [
        (found["name"], ", ".join(re.findall(r"\"([^\"]+)\"", found["value"]))) for found in _W_PLUS_PLUS.finditer(text)
    ]
    found = {name.strip().lower(): value.strip().strip("*").rstrip(".") for name, value in lines}
    return [(name, value) for name, value in found.items() if value and name not in _NO_NAME][:MOST]
