"""FictionBook (.fb2, and .fb2.zip): one XML file, often in an old encoding and often not quite well-formed.

The elements are those of FictionBook 2.1. They are read as tags and text, as HTML is: half of the files in the world
hold a stray ``&`` or an open tag, at which a strict parser stops in the middle of the book.
"""

from __future__ import annotations

import re

from ...errors import BadText
from ..cleaning.layout.breaks import is_break
from .limits import MIB
from .source import Source
from .structure import Builder, Structured
from .web.html import decoded
from .web.tokens import attributes, tokens


_MOST = 200 * MIB
_ASIDES = {
    "description": "",
    "binary": "",
    "stylesheet": "",
    "annotation": "annotations",
    "table": "tables",
}
_PARAGRAPHS = frozenset({"p", "text-author", "date"})
_SPACE = re.compile(r"[ \t\r\n]+")


def sniff(source: Source) -> bool:
    """Return whether this is a FictionBook, or a zip of one."""
    return b"<FictionBook" in source.head or _inside(source) is not None


def read(source: Source) -> Structured:
    """Read a FictionBook.

    Raises:
        BadText: if it is damaged or declares entities.
    """
    name = _inside(source)
    data = source.opened().read(name, _MOST) if name is not None else source.data
    text, warnings = decoded(data, source.name)
    start = text.find("<FictionBook")
    if start < 0:
        raise BadText(f"{source.name} is no FictionBook inside.", "Save its text as .txt and give that.")
    if "<!ENTITY" in text[:start]:
        raise BadText(
            f"{source.name} declares entities of its own, which can fill a memory, and was not read.",
            "Save it again in the program that made it.",
        )
    build = Builder()
    build.warnings += warnings
    _Book(build).read(text[start:])
    return build.done()


def _inside(source: Source) -> str | None:
    """Return the one FictionBook in a zip; None where there is none, or more than one."""
    if source.container is None:
        return None
    books = [name for name in source.container.names if name.lower().endswith(".fb2")]
    return books[0] if len(books) == 1 else None


class _Book:
    """The elements of a book, from its first body on."""

    def __init__(self, build: Builder) -> None:
        self._build = build
        self._aside: tuple[str, str, int] | None = None  # the element, what it is, how often it is open
        self._left: list[str] = []
        self._parts: list[str] = []
        self._titles = 0
        self._verse: list[str] | None = None
        self._note = False

    def read(self, text: str) -> None:
        for kind, name, data in tokens(text):
            if self._aside is not None:
                self._skip(kind, name, data)
            elif kind == "text":
                (self._left if self._note else self._parts).append(_SPACE.sub(" ", data))
            elif kind == "raw":  # <title> holds no text in HTML, and paragraphs here
                self._raw(data)
            elif kind == "start":
                self._start(name, attributes(data))
            else:
                self._end(name)
        if self._aside is not None:
            self._leave()
        self._flush()
        self._end_verse()

    def _raw(self, data: str) -> None:
        for kind, name, inner in tokens(data):
            if kind == "text":
                (self._left if self._note else self._parts).append(_SPACE.sub(" ", inner))
            elif kind == "start":
                self._start(name, attributes(inner))
            elif kind == "end":
                self._end(name)

    def _skip(self, kind: str, name: str, data: str) -> None:
        assert self._aside is not None
        element, what, depth = self._aside
        if kind in ("text", "raw"):
            if what:
                self._left.append(re.sub("<[^<>]*>", " ", data))
        elif name == element:
            depth += 1 if kind == "start" else -1
            self._aside = (element, what, depth)
            if not depth:
                self._leave()
        else:
            self._left.append(" ")

    def _leave(self) -> None:
        what = self._aside[1] if self._aside else ""
        if what:
            self._build.leave_out(what, "".join(self._left))
        self._left.clear()
        self._aside = None

    def _start(self, name: str, given: dict[str, str]) -> None:
        if name in _ASIDES:
            self._flush()
            self._aside = (name, _ASIDES[name], 1)
        elif name == "body" and given.get("name"):
            self._aside = (name, "footnotes", 1)
        elif name == "a" and given.get("type") == "note":
            self._note = True
        elif name in _PARAGRAPHS or name in ("subtitle", "v", "section"):
            self._flush()
        elif name == "title":
            self._flush()
            self._titles += 1
        elif name == "image" and not "".join(self._parts).strip():
            self._build.picture(given.get("l:href") or given.get("xlink:href", ""))
        elif name == "stanza":
            self._verse = []
        elif name == "empty-line":
            self._flush()
            self._build.paragraph("")
        elif name == "br":
            self._parts.append("\n")

    def _end(self, name: str) -> None:
        if name == "a" and self._note:
            self._note = False
            self._build.leave_out("footnotes", "".join(self._left))
            self._left.clear()
        elif name == "v" and self._verse is not None:
            self._verse.append("".join(self._parts).strip())
            self._parts.clear()
        elif name in ("stanza", "poem"):
            self._end_verse()
        elif name == "subtitle":
            self._subtitle()
        elif name in _PARAGRAPHS:
            self._flush()
        elif name == "title":
            self._flush()
            self._titles = max(0, self._titles - 1)
        elif name in ("section", "body", "epigraph", "cite"):
            self._flush()

    def _flush(self) -> None:
        text = "".join(self._parts)
        self._parts.clear()
        if not text.strip():
            return
        if self._titles:
            self._build.heading(text)
        else:
            self._build.paragraph(text)

    def _subtitle(self) -> None:
        text = "".join(self._parts)
        self._parts.clear()
        if is_break(text.strip()):
            self._build.scene_break()
        elif text.strip():
            self._build.heading(text, 2)

    def _end_verse(self) -> None:
        if self._verse:
            self._build.paragraph("\n".join(self._verse))
        self._verse = None
