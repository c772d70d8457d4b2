"""Pages of HTML: saved web pages, and what word processors and archives export."""

from __future__ import annotations

import codecs
import re

from ...decode import decode
from ..source import Source
from ..structure import Builder, Structured
from .blocks import Notes, Page


_BEGINS = re.compile(
    rb"(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body|meta|title)\b",
    re.I | re.S,
)
_TAGGED = re.compile(rb"<(?:p|div|h[1-6]|br|span|section|article)\b[^<>]{0,300}/?>", re.IGNORECASE)
_CLOSED = re.compile(rb"</(?:p|div|h[1-6]|section|article)\s*>", re.IGNORECASE)
_CHARSET = re.compile(rb"<(?:meta[^>]{0,200}?charset|\?xml[^>]{0,200}?encoding)\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
_ARCHIVE = re.compile(r'archiveofourown\.org[\s\S]{0,20000}id="chapters"')
_FRAME = re.compile(r'<div id="(preface|afterword)"')
_ARCHIVED = re.compile(rb"(?:[A-Za-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?MIME-Version:", re.IGNORECASE)
_MOST_HEAD = 4096
_MOST_PART = 65_536
SUFFIXES = (".html", ".htm", ".xhtml", ".mht", ".mhtml")


def sniff(source: Source) -> bool:
    """Return whether this is a page of HTML, alone or in an archive of one page (.mht).

    A part of a page, without its frame, is one where most of its lines have tags: Markdown may begin with a tag, too.
    """
    if _BEGINS.match(source.head) or _is_archive(source):
        return True
    if not (_TAGGED.match(source.head) and _CLOSED.search(source.data[:_MOST_PART])):
        return False
    if source.name.lower().endswith(SUFFIXES):
        return True
    lines = [line for line in source.data[:_MOST_PART].splitlines() if line.strip()]
    return sum(bool(_TAGGED.search(line) or _CLOSED.search(line)) for line in lines) >= 0.6 * len(lines)


def read(source: Source) -> Structured:
    """Read a page.

    Raises:
        BadText: if its bytes are text in no encoding that we know.
    """
    data = _in_archive(source.data) if _is_archive(source) else source.data
    text, warnings = decoded(data, source.name)
    build, notes = Builder(), Notes()
    if _ARCHIVE.search(text[:100_000]):
        text = _FRAME.sub(r'<div role="doc-colophon"', text)
    page = Page(build, notes)
    page.read(text)
    notes.leave_out(build)
    build.title = page.title
    build.warnings += warnings
    return build.done()


def _is_archive(source: Source) -> bool:
    return bool(_ARCHIVED.match(source.head)) and b"multipart/related" in source.head


def _in_archive(data: bytes) -> bytes:
    """Return the page in an archive of one: its first part that is HTML."""
    import email  # slow to load, and hardly any file needs it

    for part in email.message_from_bytes(data).walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            content = part.get_payload(decode=True)
            charset = part.get_content_charset()
            if isinstance(content, bytes):
                mark = f'<meta charset="{charset}">' if charset and not _CHARSET.search(content[:_MOST_HEAD]) else ""
                return mark.encode("ascii", "replace") + content
    return b""


def decoded(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """Return a page as text, in the encoding that it declares where its bytes are in it; and warnings.

    Raises:
        BadText: if its bytes are text in no encoding that we know.
    """
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    declared = None if marked else _CHARSET.search(data[:_MOST_HEAD])
    if declared is not None:
        label = declared[1].decode("ascii", "replace").lower()
        label = "cp1252" if label in ("iso-8859-1", "latin1", "us-ascii", "ascii", "windows-1252") else label
        try:
            return data.decode(label), ()
        except (LookupError, UnicodeError):  # it says one thing and is another
            pass
    found = decode(data, name)
    return found.text, found.warnings
