"""Every kind of file with a structure of its own that can be read, recognised by content and not by name.

To add a kind: a file with ``sniff(source)`` and ``read(source)``, and a line in :data:`READERS`. ``sniff`` looks at the
first bytes, or at the names in a zip; the first reader that knows the file reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import chat, fb2, lorebook, odt, pdf, save, scrivener
from .rich_text import rtf
from .source import Source
from .structure import Structured
from .web import epub, html
from .word import docx


@dataclass(frozen=True, slots=True)
class Reader:
    """One kind of file.

    Attributes:
        title: what a person calls it, as in "a.docx (Word document)".
        suffixes: names that folders are searched for; a file that is named by a person may have any.
        sniff: whether a file is of this kind.
        read: the text in it; raises BadText.
    """

    title: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Source], bool]
    read: Callable[[Source], Structured]


READERS: tuple[Reader, ...] = (
    Reader("e-book, EPUB", (".epub",), epub.sniff, epub.read),
    Reader("OpenDocument text", (".odt", ".ott", ".fodt"), odt.sniff, odt.read),
    Reader("Word document", (".docx", ".docm", ".dotx"), docx.sniff, docx.read),
    Reader("FictionBook", (".fb2", ".fb2.zip", ".fbz"), fb2.sniff, fb2.read),
    Reader("RTF document", (".rtf",), rtf.sniff, rtf.read),
    Reader("Scrivener project", (".scriv", ".scriv.zip"), scrivener.sniff, scrivener.read),
    Reader("PDF, a guess", (".pdf",), pdf.sniff, pdf.read),
    Reader("web page, HTML", html.SUFFIXES, html.sniff, html.read),
    Reader(save.TITLE, (".json", ".story", ".scenario", ".kaistory"), save.sniff, save.read),
    Reader(chat.TITLE, (".jsonl", ".json"), chat.sniff, chat.read),
    Reader(lorebook.TITLE, (".json", ".lorebook", ".charx"), lorebook.sniff, lorebook.read),
)
SUFFIXES = frozenset(suffix for reader in READERS for suffix in reader.suffixes)


def recognise(source: Source) -> Reader | None:
    """Return the reader for a file; None where it is plain text, or nothing that can be read.

    Raises:
        BadText: if it begins as a zip and is damaged.
    """
    return next((reader for reader in READERS if reader.sniff(source)), None)
