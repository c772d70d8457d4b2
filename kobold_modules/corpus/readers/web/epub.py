"""E-books (.epub): the pages of the spine in its order, which is the reading order and seldom that of the files.

Names are those of EPUB 3.3 and OPF 2.0. A book whose text is encrypted is reported as one with DRM; fonts may
be scrambled.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from ....errors import BadText
from ..container import SAVE_AGAIN, Container, inside
from ..limits import MIB, MOST_DOCUMENTS
from ..source import Source
from ..structure import Builder, Structured
from ..xml_events import parse_xml_bytes
from .blocks import Notes, Page
from .epub_toc import chapters
from .html import decoded


_PAGES = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document", "application/xml", "text/xml"})
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_GUIDE = {
    "cover": "title pages",
    "title-page": "title pages",
    "copyright-page": "title pages",
    "colophon": "title pages",
    "toc": "tables of contents",
    "loi": "tables of contents",
    "lot": "tables of contents",
    "index": "indexes",
    "bibliography": "bibliographies",
}
_MOST_PART = 16 * MIB
_LITTLE = 400  # words; more than this is no title page, whatever the guide calls it
_DRM = "Books with DRM can only be read by the shop's own program. Use a copy without DRM."


def sniff(source: Source) -> bool:
    """Return whether this is an e-book in EPUB."""
    if source.data[30:58] == b"mimetypeapplication/epub+zip":
        return True
    return source.holds("META-INF/container.xml") and not source.holds("[Content_Types].xml")


def read(source: Source) -> Structured:
    """Read an e-book.

    Raises:
        BadText: if it is damaged, has DRM, or unpacks to more than any book needs.
    """
    container = source.opened()
    package = _package(container)
    _refuse_drm(container)
    book = _Package()
    parse_xml_bytes(container.read(package, _MOST_PART), book, {}, source.name)
    build, notes = Builder(), Notes()
    build.title = book.title.strip()
    known = {posixpath.normpath(name.replace("\\", "/")): name for name in container.names}
    folder = posixpath.dirname(package)
    starts = chapters(container, {kind: inside(folder, href) for kind, href in book.contents()}, known)
    css = _style_sheets(container, [inside(folder, item.href) for item in book.items.values()], known)
    missing = 0
    for item, linear in book.spine():
        address = inside(folder, item.href)
        name = known.get(address) or container.find(address)
        if name is None:
            missing += 1
            continue
        text, warnings = decoded(container.read(name), source.name)
        build.warnings += [warning for warning in warnings if warning not in build.warnings]
        aside = "" if linear else "pages outside the reading order"
        if "nav" in item.properties:
            aside = "tables of contents"
        elif guide := book.guide_of(folder, address):
            aside = guide if _is_little(text) else aside
        page = Builder() if aside else build
        reader = Page(page, notes, address=address, chapters=starts.get(address), book=True, css=css)
        reader.read(text)
        if aside:
            build.leave_out(aside, "\n".join(block.text for block in page.blocks))
            for what, words in page.left_out.items():
                build.left_out[what] += words
    notes.leave_out(build)
    if missing:
        pages = "page is" if missing == 1 else "pages are"
        build.warnings.append(f"{missing:,} {pages} named in the book and not in its file; the rest was read.")
    if not build.blocks and not book.items:
        raise BadText(f"{source.name} is damaged: it names no pages.", SAVE_AGAIN)
    return build.done()


@dataclass(frozen=True, slots=True)
class _Item:
    href: str
    kind: str = ""
    properties: tuple[str, ...] = ()


@dataclass(slots=True)
class _Package:
    """The handler of the package document: what is in the book, and in which order."""

    items: dict[str, _Item] = field(default_factory=dict)
    order: list[tuple[str, bool]] = field(default_factory=list)
    guide: list[tuple[str, str]] = field(default_factory=list)
    ncx: str = ""
    title: str = ""
    _in_title: bool = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "item":
            properties = tuple(attributes.get("properties", "").split())
            self.items[attributes.get("id", "")] = _Item(
                attributes.get("href", ""), attributes.get("media-type", "").lower(), properties
            )
        elif tag == "itemref" and len(self.order) < MOST_DOCUMENTS:
            self.order.append((attributes.get("idref", ""), attributes.get("linear", "yes").lower() != "no"))
        elif tag == "spine":
            self.ncx = attributes.get("toc", "")
        elif tag == "reference":
            self.guide.append((attributes.get("type", "").lower(), attributes.get("href", "")))
        elif tag == "title" and not self.title:
            self._in_title = True

    def end(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False

    def text(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def spine(self) -> list[tuple[_Item, bool]]:
        """Return the pages in reading order, each with whether it belongs to the main way through the book."""
        pages = [(self.items[name], linear) for name, linear in self.order if name in self.items]
        pages = [(item, linear) for item, linear in pages if item.kind in _PAGES or _is_page(item.href)]
        if not pages:  # a spine that was lost: the order of the list is the best that is left
            pages = [(item, True) for item in self.items.values() if item.kind in _PAGES and item.href]
        once: dict[str, tuple[_Item, bool]] = {}
        for item, linear in pages:
            once.setdefault(item.href, (item, linear))
        if not any(linear for _, linear in once.values()):
            return [(item, True) for item, _ in once.values()]
        return list(once.values())

    def contents(self) -> list[tuple[str, str]]:
        """Return the kind (``nav``, ``ncx``) and address of each table of contents."""
        found = [("nav", item.href) for item in self.items.values() if "nav" in item.properties]
        listed = self.items.get(self.ncx)
        ncx = listed or next((i for i in self.items.values() if i.kind == "application/x-dtbncx+xml"), None)
        return found[:1] + ([("ncx", ncx.href)] if ncx else [])

    def guide_of(self, folder: str, address: str) -> str:
        """Return what the guide of EPUB 2 says that a page is, if that is no prose."""
        return next(
            (_GUIDE[kind] for kind, href in self.guide if kind in _GUIDE and inside(folder, href) == address), ""
        )


def _is_page(href: str) -> bool:
    return href.lower().partition("#")[0].endswith((".xhtml", ".html", ".htm", ".xml"))


def _package(container: Container) -> str:
    """Return the member that lists the book."""
    roots = _Roots()
    if (name := container.find("META-INF/container.xml")) is not None:
        parse_xml_bytes(container.read(name, _MOST_PART), roots, {}, container.name)
    for path in roots.found:
        if (found := container.find(inside("", path))) is not None:
            return found
    package = next((name for name in container.names if name.lower().endswith(".opf")), None)
    if package is None:
        raise BadText(f"{container.name} is damaged: it has no list of its pages (.opf) in it.", SAVE_AGAIN)
    return package


class _Roots:
    """The handler of ``container.xml``."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "rootfile":
            self.found.append(attributes.get("full-path", ""))

    def end(self, tag: str) -> None:
        pass

    def text(self, data: str) -> None:
        pass


class _Encrypted:
    """The handler of ``encryption.xml``: each method, and what it is used on."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self._method = ""
        self._keys = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._keys += tag == "KeyInfo"
        if tag == "EncryptionMethod" and not self._keys:
            self._method = attributes.get("Algorithm", "")
        elif tag == "CipherReference" and not self._keys:
            self.found.append((self._method, attributes.get("URI", "")))

    def end(self, tag: str) -> None:
        self._keys -= tag == "KeyInfo"

    def text(self, data: str) -> None:
        pass


def _refuse_drm(container: Container) -> None:
    name = container.find("META-INF/encryption.xml")
    if name is None:
        return
    encrypted = _Encrypted()
    parse_xml_bytes(container.read(name, _MOST_PART), encrypted, {}, container.name)
    if any(method not in _FONTS and _is_page(uri) for method, uri in encrypted.found):
        raise BadText(f"{container.name} is locked with DRM and can not be read.", _DRM)


def _style_sheets(container: Container, addresses: list[str], known: dict[str, str]) -> str:
    sheets = [known[address] for address in addresses if address.lower().endswith(".css") and address in known]
    return "\n".join(container.read(name, _MOST_PART).decode("utf-8", "replace") for name in sheets[:50])


def _is_little(text: str) -> bool:
    return len(re.sub(r"<[^<>]*>", " ", text[:200_000]).split()) <= _LITTLE
