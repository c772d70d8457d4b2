"""XML from strangers as start, end and text, through the standard library's expat.

No entity may be declared by a document (expansions fill a memory), nothing outside of it is ever fetched, and elements
nest within a bound. Names come with a short prefix for the namespaces that a reader knows, and none for the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol
from xml.parsers import expat

from ...errors import BadText
from .container import SAVE_AGAIN
from .limits import MOST_DEPTH


_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")


class Handler(Protocol):
    """What a reader does with the events. Names read ``prefix:local``, or ``local`` alone."""

    def start(self, tag: str, attributes: dict[str, str]) -> None: ...
    def end(self, tag: str) -> None: ...
    def text(self, data: str) -> None: ...


def parse_xml(chunks: Iterable[bytes], handler: Handler, namespaces: Mapping[str, str], name: str) -> None:
    """Feed a document to ``handler``.

    Args:
        chunks: the document in pieces.
        handler: gets its events.
        namespaces: from a namespace's address to the prefix that a tag or attribute of it gets.
        name: the file, for sentences.

    Raises:
        BadText: if it is no well-formed XML, declares entities, or nests too deep.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    names: dict[str, str] = {}
    depth = 0

    def short(full: str) -> str:
        if (known := names.get(full)) is None:
            space, _, local = full.rpartition(" ")
            prefix = namespaces.get(space, "")
            known = names[full] = f"{prefix}:{local}" if prefix else local
        return known

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MOST_DEPTH:
            raise BadText(f"{name} nests its elements deeper than any book does, and was not read.", SAVE_AGAIN)
        handler.start(short(tag), {short(key): value for key, value in attributes.items()} if attributes else {})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(short(tag))

    def entity(*_: object) -> None:
        raise BadText(
            f"{name} declares entities of its own, which can fill a memory, and was not read.",
            "Save it again in the program that made it.",
        )

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = handler.text
    parser.EntityDeclHandler = entity
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise BadText(f"{name} is damaged: its XML breaks off at line {error.lineno:,} ({reason}).", SAVE_AGAIN) from (
            error
        )
    except (UnicodeError, ValueError, LookupError) as error:
        raise BadText(f"{name} is damaged: its XML has characters that it does not declare.", SAVE_AGAIN) from error


def parse_xml_bytes(data: bytes, handler: Handler, namespaces: Mapping[str, str], name: str) -> None:
    """Feed a whole small document to ``handler``, in whatever encoding it declares. Raises as :func:`parse_xml`."""
    parse_xml([as_utf8(data)], handler, namespaces, name)


def as_utf8(data: bytes) -> bytes:
    """Return XML in UTF-8, with its declaration dropped, where it declares an encoding that expat does not know."""
    found = _DECLARED.match(data[:400].lstrip())
    if found is None or found[1].lower() in (b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1", b"utf-16"):
        return data
    try:
        text = data.decode(found[1].decode(), errors="replace")
    except LookupError:
        return data
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1).encode()


class TextOnly:
    """A handler that gathers the text of some elements, a space after each: to count words that are left out."""

    def __init__(self, *tags: str, ends: tuple[str, ...] = ()) -> None:
        self.tags, self.ends = frozenset(tags), frozenset(ends)
        self.parts: list[str] = []
        self._inside = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._inside += tag in self.tags

    def end(self, tag: str) -> None:
        self._inside -= tag in self.tags
        if tag in self.ends:
            self.parts.append("\n")

    def text(self, data: str) -> None:
        if self._inside:
            self.parts.append(data)

    def __str__(self) -> str:
        return "".join(self.parts)
