"""What the fields of Word documents and of RTF show: most of it prose, some of it not."""

from __future__ import annotations

import re


_FIELDS = {
    **dict.fromkeys(("TOC", "TOA", "RD"), "tables of contents"),
    "INDEX": "indexes",
    "BIBLIOGRAPHY": "bibliographies",
    **dict.fromkeys(("PAGE", "NUMPAGES", "PAGEREF", "SECTIONPAGES"), "page numbers"),
    "NOTEREF": "footnotes",
}


_RUBY = re.compile(r"^\s*EQ\b.*?\\s\\up\s*\d+\s*\(([^()]*)\)\s*[,;]\s*([^()]*)\)", re.IGNORECASE | re.DOTALL)


def ruby(code: str) -> tuple[str, str] | None:
    """Return the word and its reading of a field that sets one above the other; None for any other field."""
    found = _RUBY.match(code) if len(code) < 2_000 else None
    return (found[2], found[1]) if found else None


def field_aside(code: str) -> str:
    """Return what the result of a field is, if it is no prose, from its instruction; RTF's are Word's."""
    words = code.split(maxsplit=1)
    return _FIELDS.get(words[0].upper(), "") if words else ""
