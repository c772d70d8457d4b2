"""Where the chapters of an e-book begin, as its table of contents says: EPUB 3's ``nav``, or EPUB 2's ``toc.ncx``."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from urllib.parse import unquote

from ..container import Container, inside
from ..limits import MIB
from ..xml_events import parse_xml_bytes
from .html import decoded
from .tokens import attributes, tokens


_MOST = 16 * MIB


def chapters(container: Container, contents: Mapping[str, str], known: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return for each page the ids at which a chapter begins, and its title; ``""`` is the top of the page.

    Args:
        container: the book.
        contents: the address of its ``nav`` or ``ncx``, or of both.
        known: from an address to the name of the member.
    """
    found: dict[str, dict[str, str]] = {}
    for kind in ("nav", "ncx"):
        address = contents.get(kind, "")
        name = known.get(address) or (container.find(address) if address else None)
        if name is None:
            continue
        data = container.read(name, _MOST)
        entries = _nav(decoded(data, container.name)[0]) if kind == "nav" else _ncx(data, container.name)
        folder = posixpath.dirname(address)
        for href, title in entries:
            page, _, fragment = href.partition("#")
            found.setdefault(inside(folder, page), {}).setdefault(unquote(fragment), " ".join(title.split()))
        if found:
            break
    return found


def _nav(text: str) -> list[tuple[str, str]]:
    """Return the links of the ``nav`` that is the table of contents."""
    entries: list[tuple[str, str]] = []
    inside, href, title = False, "", ""
    for kind, name, data in tokens(text):
        if name == "nav":
            inside = kind == "start" and "toc" in attributes(data).get("epub:type", "toc").split()
        elif inside and name == "a":
            if kind == "start":
                href, title = attributes(data).get("href", ""), ""
            elif href:
                entries.append((href, title))
                href = ""
        elif href and kind == "text":
            title += data
    return entries


class _Points:
    """The handler of an ``ncx``: its navigation points, not its list of pages."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self._depth = 0
        self._title = ""
        self._in_text = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "navPoint":
            self._depth += 1
            self._title = ""
        elif tag == "text":
            self._in_text = self._depth > 0
        elif tag == "content" and self._depth:
            self.found.append((attributes.get("src", ""), self._title))

    def end(self, tag: str) -> None:
        if tag == "navPoint":
            self._depth -= 1
        elif tag == "text":
            self._in_text = False

    def text(self, data: str) -> None:
        if self._in_text:
            self._title += data


def _ncx(data: bytes, name: str) -> list[tuple[str, str]]:
    points = _Points()
    parse_xml_bytes(data, points, {}, name)
    return points.found
