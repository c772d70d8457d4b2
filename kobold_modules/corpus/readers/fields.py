"""What the fields of Word documents and of RTF show: most of it prose, some of it not."""

from __future__ import annotations


_FIELDS = {
    **dict.fromkeys(("TOC", "TOA", "RD"), "tables of contents"),
    "INDEX": "indexes",
    "BIBLIOGRAPHY": "bibliographies",
    **dict.fromkeys(("PAGE", "NUMPAGES", "PAGEREF", "SECTIONPAGES"), "page numbers"),
    "NOTEREF": "footnotes",
}


def field_aside(code: str) -> str:
    """Return what the result of a field is, if it is no prose, from its instruction; RTF's are Word's."""
    words = code.split(maxsplit=1)
    return _FIELDS.get(words[0].upper(), "") if words else ""
